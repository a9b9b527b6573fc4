//! JSON at the door: one object of known members, and nothing else.

use std::{fmt, marker::PhantomData};

use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, Visitor, value::MapAccessDeserializer},
};

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

/// An object inside of one: as [`object`], but that members that are not known are for `T` to say.
pub struct Object<T>(pub T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct OfMap<T>(PhantomData<T>);

        impl<'de, T: Deserialize<'de>> Visitor<'de> for OfMap<T> {
            type Value = Object<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
                T::deserialize(MapAccessDeserializer::new(map)).map(Object)
            }
        }

        deserializer.deserialize_map(OfMap(PhantomData))
    }
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

    #[test]
    fn an_object_inside_of_one_is_one_too() {
        let inner = |text: &str| serde_json::from_str::<Object<Pair>>(text).ok().map(|Object(pair)| pair);
        assert_eq!(inner(r#"{"a":1,"b":"x"}"#), Some(Pair { a: 1, b: "x".into() }));
        for text in [r#"[1,"x"]"#, r#"{"a":1,"a":1,"b":"x"}"#, r#"{"a":1,"b":"x","c":0}"#, "null", r#""x""#] {
            assert_eq!(inner(text), None, "{text}");
        }
    }
}
