//! template.yaml, read.

use std::{collections::BTreeSet, fs};

use jea_auth::api::Feature;
use serde_yaml_ng::Value;

pub fn template() -> Value {
    let text = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/template.yaml")).unwrap();
    let mut template: Value = serde_yaml_ng::from_str(&text).unwrap();
    merged(&mut template);
    template
}

/// Puts what a merge (`<<`) takes into its place, behind `CloudFormation`'s tags too.
fn merged(value: &mut Value) {
    match value {
        Value::Tagged(tagged) => merged(&mut tagged.value),
        Value::Sequence(values) => values.iter_mut().for_each(merged),
        Value::Mapping(members) => {
            members.values_mut().for_each(merged);
            if let Some(Value::Mapping(taken)) = members.remove("<<") {
                for (name, value) in taken {
                    members.entry(name).or_insert(value);
                }
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// The value below `path`, through `CloudFormation`'s tags.
pub fn at<'a>(value: &'a Value, path: &[&str]) -> &'a Value {
    path.iter().fold(value, |value, name| {
        let value = if let Value::Tagged(tagged) = value { &tagged.value } else { value };
        value.get(*name).unwrap_or_else(|| panic!("{name} of {path:?}"))
    })
}

pub fn text(value: &Value) -> &str {
    if let Value::Tagged(tagged) = value {
        return text(&tagged.value);
    }
    value.as_str().unwrap_or_else(|| panic!("{value:?} is a text"))
}

pub fn keys(value: &Value) -> BTreeSet<&str> {
    value.as_mapping().unwrap().keys().map(text).collect()
}

/// The template's condition for what is switched on.
pub fn condition_of(feature: Feature) -> &'static str {
    match feature {
        Feature::Mail => "HasMail",
        Feature::Pages => "HasPages",
        Feature::Passkeys => "HasPasskeys",
    }
}
