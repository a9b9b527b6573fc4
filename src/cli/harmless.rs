//! Text that does nothing to the terminal that it is printed on. What people and programs have stored can hold escape
//! sequences, and characters that reorder or hide what stands beside them (Unicode Technical Report 36, sections 3.2
//! and 3.6).

use std::fmt::Write;

use icu_properties::{CodePointMapData, props::GeneralCategory};
use serde::Serialize;

/// The text in one line. Blanks take the place of its line ends and tabs, and U+FFFD that of all else that is not
/// shown.
pub(super) fn text(text: &str) -> String {
    let shown = |c: char| match c {
        '\n' | '\r' | '\t' => ' ',
        c if is_acting(c) => char::REPLACEMENT_CHARACTER,
        c => c,
    };
    text.chars().map(shown).collect()
}

/// Whether a text would do something to a terminal.
pub(super) fn acts(text: &str) -> bool {
    text.chars().any(is_acting)
}

/// A value as JSON that says everything: what would act on a terminal is escaped.
pub(super) fn json(value: &impl Serialize) -> serde_json::Result<String> {
    serde_json::to_string(value).map(|json| escaped(&json))
}

/// The same on several lines.
pub(super) fn pretty_json(value: &impl Serialize) -> serde_json::Result<String> {
    serde_json::to_string_pretty(value).map(|json| escaped(&json))
}

/// Outside its strings JSON has no such characters but line ends.
fn escaped(json: &str) -> String {
    let mut escaped = String::with_capacity(json.len());
    for c in json.chars() {
        if is_acting(c) && c != '\n' {
            for unit in c.encode_utf16(&mut [0; 2]) {
                // Writing to a text does not fail.
                let _ = write!(escaped, "\\u{unit:04x}");
            }
        } else {
            escaped.push(c);
        }
    }
    escaped
}

/// Control characters, format characters, and the two other ends of lines.
fn is_acting(c: char) -> bool {
    const CATEGORIES: [GeneralCategory; 4] = [
        GeneralCategory::Control,
        GeneralCategory::Format,
        GeneralCategory::LineSeparator,
        GeneralCategory::ParagraphSeparator,
    ];
    CATEGORIES.contains(&CodePointMapData::<GeneralCategory>::new().get(c))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ACTING: [char; 11] = [
        '\0',
        '\u{1b}',
        '\u{7f}',
        '\u{9b}',
        '\u{ad}',
        '\u{200b}',
        '\u{202e}',
        '\u{2028}',
        '\u{2029}',
        '\u{feff}',
        '\u{e0041}',
    ];

    #[test]
    fn nothing_that_acts_on_a_terminal_is_left_in_a_text() {
        for c in ACTING {
            assert_eq!(text(&format!("a{c}b")), "a\u{fffd}b", "{c:?}");
        }
        assert_eq!(text("one\r\ntwo\tthree"), "one  two three");
        assert_eq!(text("Zoë, 李, 🙂, e\u{301}"), "Zoë, 李, 🙂, e\u{301}");
    }

    #[test]
    fn json_has_everything_and_acts_on_no_terminal() {
        let all: String = ACTING.into_iter().chain("\n\r\t\"\\ Zoë 李 🙂".chars()).collect();
        for json in [json(&[&all]).unwrap(), pretty_json(&[&all]).unwrap()] {
            assert!(!json.chars().any(|c| is_acting(c) && c != '\n'), "{json:?}");
            assert_eq!(serde_json::from_str::<Vec<String>>(&json).unwrap(), [all.as_str()]);
        }
    }
}
