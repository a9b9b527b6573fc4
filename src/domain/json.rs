//! JSON at the door: one object of known members, and nothing else.

use serde::Deserialize;

/// Parses `bytes` as one JSON object into `T`, whose derive must `deny_unknown_fields`.
///
/// A derived `Deserialize` takes `["a","b"]` for a struct as well, by position. So the object's brace is asked for
/// first; duplicate and unknown members, trailing data and invalid UTF-8 are refused by serde and `serde_json`.
#[must_use]
pub fn object<'a, T: Deserialize<'a>>(bytes: &'a [u8]) -> Option<T> {
    let text = bytes.trim_ascii_start();
    if !text.starts_with(b"{") {
        return None;
    }
    serde_json::from_slice(text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Deserialize, Debug, PartialEq)]
    #[serde(deny_unknown_fields)]
    struct Pair {
        a: u64,
        b: String,
    }

    #[test]
    fn an_object_of_the_known_members_is_taken() {
        let pair = object::<Pair>(b" {\"b\":\"x\", \"a\":1}\n");
        assert_eq!(pair, Some(Pair { a: 1, b: "x".into() }));
    }

    #[test]
    fn anything_else_is_not() {
        for text in [
            r#"[1,"x"]"#,
            r#"{"a":1,"b":"x","c":0}"#,
            r#"{"a":1,"a":1,"b":"x"}"#,
            r#"{"a":1}"#,
            r#"{"a":1.0,"b":"x"}"#,
            r#"{"a":-1,"b":"x"}"#,
            r#"{"a":1,"b":"x"} {}"#,
            "\u{feff}{\"a\":1,\"b\":\"x\"}",
            r#"{"a":1,"b":"\ud800"}"#,
            "",
        ] {
            assert_eq!(object::<Pair>(text.as_bytes()), None, "{text}");
        }
        assert_eq!(object::<Pair>(b"{\"a\":1,\"b\":\"\xff\"}"), None);
    }
}
