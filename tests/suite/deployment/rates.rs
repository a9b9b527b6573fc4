//! How often the template lets operations be asked for that need no token.

use std::collections::BTreeSet;

use jea_auth::api::{Access, ROUTES};
use serde_yaml_ng::Value;

use crate::support::template::{at, condition_of, template, text};

#[test]
fn the_log_on_has_the_rate_that_is_set_and_its_alarm_follows() {
    let template = template();
    let settings = at(&template, &["Resources", "Api", "Properties", "MethodSettings"]).as_sequence().unwrap();
    let set = settings.iter().filter(|setting| setting.get("ThrottlingRateLimit").is_some_and(is_set));
    let [setting] = set.collect::<Vec<_>>()[..] else { panic!("one path has it") };
    assert_eq!(text(&setting["ResourcePath"]), "/~1users~1api~1auth");
    assert!(is_set(&setting["ThrottlingBurstLimit"]));
    assert!(is_set(at(&template, &["Resources", "FloodAlarm", "Properties", "Threshold"])));
}

fn is_set(rate: &Value) -> bool {
    matches!(rate, Value::Tagged(tagged) if tagged.tag == "Ref" && text(rate) == "LogonRate")
}

/// What needs no token and changes something is asked for by anybody as often as the network bears.
#[test]
fn every_operation_that_anybody_may_send_has_a_rate_and_counts_in_the_rule_for_one_address() {
    let template = template();
    let open: BTreeSet<&str> = ROUTES
        .iter()
        .filter(|route| route.access == Access::Open && route.method == "POST")
        .map(|route| route.path)
        .collect();
    let mut limited = BTreeSet::new();
    for setting in at(&template, &["Resources", "Api", "Properties", "MethodSettings"]).as_sequence().unwrap() {
        // A setting for a path that may be missing has the path's condition.
        let (condition, setting) = if let Value::Tagged(tagged) = setting {
            (Some(text(&tagged.value[0])), &tagged.value[1])
        } else {
            (None, setting)
        };
        if text(&setting["HttpMethod"]) != "POST" {
            continue;
        }
        let path = text(&setting["ResourcePath"]).replace("~1", "/");
        let route = ROUTES.iter().find(|route| path == format!("/{}", route.path)).unwrap();
        assert_eq!(condition, route.marks.feature.map(condition_of), "{path}");
        assert_eq!(setting["ThrottlingRateLimit"], setting["ThrottlingBurstLimit"], "{path}");
        limited.insert(route.path);
    }
    assert_eq!(limited, open);
    let rules = at(&template, &["Resources", "LogonRateAcl", "Properties", "Rules"]);
    let statement = at(&rules[0], &["Statement", "RateBasedStatement", "ScopeDownStatement", "RegexMatchStatement"]);
    let regex = text(at(statement, &["RegexString"]));
    let names = regex.strip_prefix("/users/api/(").unwrap().strip_suffix(")/?$").unwrap();
    assert_eq!(
        names.split('|').map(|name| format!("/users/api/{name}")).collect::<BTreeSet<_>>(),
        open.iter().map(|path| (*path).to_owned()).collect()
    );
}
