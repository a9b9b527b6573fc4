//! What an authorizer answers, read as the gateway reads it.

use serde_json::{Map, Value};

/// An authorizer's answer.
pub(super) struct Verdict(Value);

impl Verdict {
    pub(super) fn new(answer: Value) -> Self {
        Self(answer)
    }

    /// Whether the policy allows to invoke `arn`: some statement allows it and none denies it.
    pub(super) fn allows(&self, arn: &str) -> bool {
        let statements = self.0.pointer("/policyDocument/Statement").and_then(Value::as_array);
        let effects = |effect: &str| {
            let mut about = statements.into_iter().flatten().filter(|statement| is_about(statement, arn));
            about.any(|statement| statement.get("Effect").and_then(Value::as_str) == Some(effect))
        };
        effects("Allow") && !effects("Deny")
    }

    /// What the integration gets as `requestContext.authorizer`.
    pub(super) fn context(&self) -> Map<String, Value> {
        let mut context = self.0.get("context").and_then(Value::as_object).cloned().unwrap_or_default();
        let principal = self.0.get("principalId").cloned().unwrap_or_default();
        context.insert("principalId".to_owned(), principal);
        context
    }
}

fn is_about(statement: &Value, arn: &str) -> bool {
    let text = |name: &str| statement.get(name).and_then(Value::as_str).unwrap_or_default();
    let resource = text("Resource");
    // Of the places where a wildcard may stand, only the end is read: the authorizer uses no other.
    let is_about = resource.strip_suffix('*').map_or(resource == arn, |start| arn.starts_with(start));
    text("Action") == "execute-api:Invoke" && is_about
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn allows(statements: &Value) -> bool {
        Verdict::new(json!({"policyDocument": {"Statement": statements}})).allows("arn:a")
    }

    #[test]
    fn a_request_is_allowed_only_if_a_statement_says_so_and_none_the_contrary() {
        let statement = |effect: &str, resource: &str| json!({"Action": "execute-api:Invoke", "Effect": effect, "Resource": resource});
        assert!(allows(&json!([statement("Allow", "arn:a")])));
        assert!(allows(&json!([statement("Allow", "arn:*")])));
        assert!(!allows(&json!([statement("Allow", "arn:b")])));
        assert!(!allows(&json!([statement("Allow", "arn:b*")])));
        assert!(!allows(&json!([statement("Allow", "arn")])));
        assert!(!allows(&json!([statement("Deny", "*")])));
        assert!(!allows(&json!([statement("Allow", "arn:a"), statement("Deny", "*")])));
        assert!(!allows(&json!([])));
        assert!(!Verdict::new(Value::Null).allows("arn:a"));
    }
}
