//! What of template.yaml stays when a stack goes, and how it is kept.

use std::{collections::BTreeMap, fs};

use serde_yaml_ng::Value;

use crate::support::template::{at, template, text};

#[test]
fn a_first_deployment_that_fails_leaves_no_protected_table_behind() {
    let template = template();
    for table in ["Accounts", "SigningKeys"] {
        let table = at(&template, &["Resources", table]);
        // That they are made last, tests/transformed.py sees.
        assert_eq!(text(at(table, &["DeletionPolicy"])), "RetainExceptOnCreate");
        assert_eq!(text(at(table, &["UpdateReplacePolicy"])), "Retain");
        let properties = at(table, &["Properties"]);
        assert_eq!(at(properties, &["DeletionProtectionEnabled"]).as_bool(), Some(true));
        let recovery = at(properties, &["PointInTimeRecoverySpecification", "PointInTimeRecoveryEnabled"]);
        assert_eq!(recovery.as_bool(), Some(true));
    }
}

/// With the others by which something of it could be lost, and nothing that is not imported with it.
#[test]
fn what_stays_when_a_stack_goes_can_be_imported_into_another() {
    let kept = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/kept.yaml")).unwrap();
    let kept: Value = serde_yaml_ng::from_str(&kept).unwrap();
    let template = template();
    let resources = at(&template, &["Resources"]).as_mapping().unwrap();
    let stays = resources.iter().filter(|(_, resource)| {
        resource.get("DeletionPolicy").is_some_and(|policy| text(policy) == "RetainExceptOnCreate")
    });
    let expected: BTreeMap<&str, Value> = stays
        .map(|(name, resource)| {
            let mut resource = resource.as_mapping().unwrap().clone();
            resource.retain(|member, _| !matches!(text(member), "DependsOn" | "Metadata"));
            // They order the making of a stack.
            resource["Properties"].as_mapping_mut().unwrap().remove("Tags");
            (text(name), Value::Mapping(resource))
        })
        .collect();
    let imported = at(&kept, &["Resources"]).as_mapping().unwrap().iter();
    assert_eq!(imported.map(|(name, resource)| (text(name), resource.clone())).collect::<BTreeMap<_, _>>(), expected);
    let page = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/deploying.md")).unwrap();
    for name in expected.keys() {
        assert!(page.contains(&format!("\"LogicalResourceId\": \"{name}\"")), "{name}");
    }
}

#[test]
fn cloudtrail_writes_to_the_bucket_for_the_stack_s_own_trail_alone() {
    let template = template();
    let policy = at(&template, &["Resources", "AuditBucketPolicy", "Properties", "PolicyDocument", "Statement"]);
    let trail = text(at(&template, &["Resources", "Audit", "Properties", "TrailName"]));
    let allowed = policy.as_sequence().unwrap().iter().filter(|statement| text(&statement["Effect"]) == "Allow");
    for statement in allowed.collect::<Vec<_>>() {
        let source = text(at(statement, &["Condition", "StringEquals", "aws:SourceArn"]));
        assert!(source.ends_with(&format!(":trail/{trail}")), "{source}");
    }
}
