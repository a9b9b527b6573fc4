//! How often the template lets operations be asked for that need no token.

use std::collections::{BTreeMap, BTreeSet};

use jea_auth::api::{Access, ROUTES};
use serde_yaml_ng::Value;

use crate::template::{at, condition_of, keys, template, text};

#[test]
fn both_names_of_the_log_on_together_let_its_rate_through() {
    let template = template();
    let settings = at(&template, &["Resources", "Api", "Properties", "MethodSettings"]).as_sequence().unwrap();
    let mut limited = BTreeMap::new();
    for setting in settings {
        let (rate, burst) = (&setting["ThrottlingRateLimit"], &setting["ThrottlingBurstLimit"]);
        if let Value::Tagged(tagged) = rate {
            assert_eq!((tagged.tag.to_string().as_str(), rate), ("!FindInMap", burst));
            limited.insert(text(&setting["ResourcePath"]).replace("~1", "/"), text(&tagged.value[2]));
        }
    }
    assert_eq!(limited.keys().cloned().collect::<Vec<_>>(), ["//users/api/auth", "//users/api/logon"]);
    let parameter = at(&template, &["Parameters", "LogonRate"]);
    let allowed = at(parameter, &["AllowedValues"]).as_sequence().unwrap();
    assert!(allowed.contains(at(parameter, &["Default"])));
    let shares = at(&template, &["Mappings", "LogonRateOf"]);
    assert_eq!(keys(shares).len(), allowed.len());
    for rate in allowed {
        let share = |name: &str| at(shares, &[&rate.as_u64().unwrap().to_string(), name]).as_u64().unwrap();
        assert_eq!(limited.values().map(|name| share(name)).sum::<u64>(), rate.as_u64().unwrap());
    }
    let flood = at(&template, &["Resources", "FloodAlarm", "Properties", "Threshold"]);
    let Value::Tagged(flood) = flood else { panic!("it follows the rate") };
    assert_eq!(text(&flood.value[2]), limited["//users/api/auth"]);
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
        assert_eq!(condition, route.feature.map(condition_of), "{path}");
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
