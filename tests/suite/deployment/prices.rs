//! What docs/operating.md says of prices, computed from the times of docs/speed.md, the calls of `functions/calls.rs` and the template.

use std::fs;

use serde_yaml_ng::Value;

use crate::support::{
    repository::root,
    template::{at, template, text},
};

/// Dollars for a gigabyte and second of Lambda, by architecture, and for a million of its requests.
const GIGABYTE_SECOND: [(&str, f64); 2] = [("x86_64", 0.000_016_666_7), ("arm64", 0.000_013_333_4)];
const LAMBDA_REQUESTS: f64 = 0.20;
/// Dollars for a million requests of API Gateway.
const GATEWAY_REQUESTS: f64 = 3.50;
/// Dollars for a gigabyte of logs, and gigabytes of a million log-ons.
const LOGS: (f64, f64) = (0.50, 0.8);
/// Dollars a month for a metric that an alarm watches (Amazon CloudWatch pricing: a sum of five metrics is five).
const ALARM_METRIC: f64 = 0.10;
/// Round trips to DynamoDB of a log-on, one after the other, and milliseconds that each takes longer than with a database on the
/// same machine. The latter is assumed, and docs/operating.md says so.
const ROUND_TRIPS: (f64, f64) = (2.0, 4.0);

fn read(page: &str) -> String {
    fs::read_to_string(root().join(page)).unwrap()
}

/// The number that stands before ` ms` behind some text of a page.
fn milliseconds_after(page: &str, before: &str) -> f64 {
    let after = page.split(before).nth(1).unwrap_or_else(|| panic!("{before} is told"));
    after.trim_start().split(" ms").next().unwrap().parse().unwrap_or_else(|_| panic!("a time follows {before}"))
}

#[test]
fn the_price_of_a_log_on_is_computed_from_measured_times() {
    let speed = read("docs/speed.md").split_whitespace().collect::<Vec<_>>().join(" ");
    let warm = milliseconds_after(&speed, "Of a warm log-on of");
    let hash = milliseconds_after(&speed, "measured in the same run,");
    let other = milliseconds_after(&speed, "by `argon2`, by `argon2-rust` |");
    let gigabytes = at(&template(), &["Resources", "Logon", "Properties", "MemorySize"]).as_f64().unwrap() / 1024.0;
    let away = ROUND_TRIPS.0 * ROUND_TRIPS.1;
    // On arm64 `argon2` computes the hash.
    let times = [("x86_64", warm + away), ("arm64", warm - hash + other + away)];
    let costs = read("docs/operating.md");
    let dynamodb: f64 = costs.split("| Log on | 3 | 1 | $").nth(1).unwrap().split(' ').next().unwrap().parse().unwrap();
    let mut together = Vec::new();
    for ((architecture, milliseconds), (of, price)) in times.into_iter().zip(GIGABYTE_SECOND) {
        assert_eq!(architecture, of);
        let lambda = gigabytes * milliseconds * 1e-3 * 1e6 * price;
        let line = format!("${lambda:.2} on {architecture}, {milliseconds:.0} ms");
        assert!(costs.contains(&line), "{line}");
        let sum = lambda + LAMBDA_REQUESTS + dynamodb + GATEWAY_REQUESTS + LOGS.0 * LOGS.1;
        together.push(format!("${sum:.2} on {architecture}"));
    }
    let together = format!("**{}**", together.join(", "));
    assert!(costs.contains(&together), "{together}");
    // The default is what costs less, and is sooner done.
    assert!(times[0].1 < times[1].1);
    let default = at(&template(), &["Parameters", "Architecture", "Default"]).clone();
    assert_eq!(text(&default), "x86_64");
}

#[test]
fn the_price_of_the_alarms_is_that_of_the_metrics_they_watch() {
    let template = template();
    let (mut always, mut with_mails) = ((0_u32, 0_u32), (0_u32, 0_u32));
    for resource in at(&template, &["Resources"]).as_mapping().unwrap().values() {
        if text(&resource["Type"]) != "AWS::CloudWatch::Alarm" {
            continue;
        }
        let metrics = resource["Properties"].get("Metrics").and_then(Value::as_sequence);
        let watched = metrics.map_or(1, |all| all.iter().filter(|metric| metric.get("MetricStat").is_some()).count());
        let counted = if resource.get("Condition").is_some() { &mut with_mails } else { &mut always };
        *counted = (counted.0 + 1, counted.1 + u32::try_from(watched).unwrap());
    }
    let costs = read("docs/operating.md").split_whitespace().collect::<Vec<_>>().join(" ");
    let price = |metrics: u32| f64::from(metrics) * ALARM_METRIC;
    for sentence in [
        format!("{} alarms, which watch {} metrics, ${:.2}", always.0, always.1, price(always.1)),
        format!("{} more with mails, ${:.2}", with_mails.0, price(with_mails.1)),
        format!("The {} metrics", jea_auth::platform::journal::Metric::ALL.len()),
    ] {
        assert!(costs.contains(&sentence), "{sentence}");
    }
}
