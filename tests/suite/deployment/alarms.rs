//! The template's alarms and its dashboard compared with the metrics that the functions write.

use std::collections::BTreeSet;

use jea_auth::platform::journal::{Metric, NAMESPACE};
use serde_yaml_ng::Value;

use crate::support::template::{at, template, text};

#[test]
fn alarms_and_dashboard_show_metrics_that_the_functions_write() {
    let template = template();
    let is_written = |name: &str| Metric::ALL.iter().any(|metric| metric.name() == name);
    let (mut watched, mut failing) = (0, BTreeSet::new());
    for (name, resource) in at(&template, &["Resources"]).as_mapping().unwrap() {
        if text(&resource["Type"]) != "AWS::CloudWatch::Alarm" {
            continue;
        }
        let properties = at(resource, &["Properties"]);
        assert!(text(&properties["AlarmDescription"]).len() > 20, "{name:?} says what it means");
        assert!(properties.get("AlarmActions").is_some() && properties.get("TreatMissingData").is_some(), "{name:?}");
        assert_eq!(properties.get("OKActions"), properties.get("AlarmActions"), "{name:?} tells when it is over");
        if properties.get("MetricName").map(text) == Some("Errors") {
            failing.insert(text(&properties["Dimensions"][0]["Value"]));
        }
        let listed = properties.get("Metrics").and_then(Value::as_sequence).into_iter().flatten();
        for metric in listed.clone() {
            let expression = metric.get("Expression").map(text).unwrap_or_default();
            assert!(!expression.contains("FILL"), "{name:?}: with data that comes late it can stay in OK");
        }
        let metrics = listed.filter_map(|metric| Some(&metric.get("MetricStat")?["Metric"])).chain([properties]);
        for metric in metrics {
            if metric.get("Namespace").map(text) == Some(NAMESPACE) {
                assert!(is_written(text(&metric["MetricName"])), "{name:?}");
                assert_eq!(text(&metric["Dimensions"][0]["Name"]), "stack");
                watched += 1;
            }
        }
    }
    assert_eq!(watched, 11, "six alarms of one, and the flood's five");
    assert_eq!(failing, BTreeSet::from(["Authorizer", "Logon", "Mailer", "Rotator"]), "each function's own errors");
    let dashboard = text(at(&template, &["Resources", "Dashboard", "Properties", "DashboardBody"]));
    let dashboard: serde_json::Value = serde_json::from_str(dashboard).unwrap();
    for widget in dashboard["widgets"].as_array().unwrap() {
        for metric in widget["properties"]["metrics"].as_array().unwrap() {
            let (namespace, name) = (metric[0].as_str().unwrap(), metric[1].as_str().unwrap_or_default());
            assert!(matches!(namespace, "AWS/Lambda" | "...") || is_written(name), "{metric}");
        }
    }
}

#[test]
fn the_documentation_explains_every_metric() {
    let documentation = crate::support::documents::documentation();
    for metric in Metric::ALL {
        assert!(documentation.contains(&format!("`{}`", metric.name())), "{metric:?}");
    }
}
