//! What a person or a program reads.

use std::io::{self, Write};

use serde::Serialize;
use serde_json::Value;

use super::Failure;

/// Data, to stdout. A reader that has gone away is nobody to complain to.
pub(super) fn say(text: &str) {
    let _ = writeln!(io::stdout().lock(), "{text}");
}

/// Anything else, to stderr.
pub(super) fn note(text: &str) {
    let _ = writeln!(io::stderr().lock(), "{text}");
}

/// Rows as an aligned table, or as one JSON array of objects. `columns` names members and their order.
pub(super) fn rows<T: Serialize>(rows: &[T], columns: &[&str], as_json: bool) -> Result<(), Failure> {
    if as_json {
        say(&serde_json::to_string_pretty(rows)?);
        return Ok(());
    }
    let rows = rows.iter().map(serde_json::to_value).collect::<Result<Vec<_>, _>>()?;
    let head = columns.iter().map(|column| column.to_uppercase().replace('_', " ")).collect();
    let lines: Vec<Vec<String>> = std::iter::once(head)
        .chain(rows.iter().map(|row| columns.iter().map(|column| cell(row.get(*column))).collect()))
        .collect();
    let widths: Vec<usize> = (0..columns.len())
        .map(|column| lines.iter().filter_map(|line| line.get(column)).map(|cell| cell.chars().count()).max())
        .map(Option::unwrap_or_default)
        .collect();
    for line in &lines {
        let cells = line.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}"));
        say(cells.collect::<Vec<_>>().join("  ").trim_end());
    }
    Ok(())
}

fn cell(value: Option<&Value>) -> String {
    match value {
        None | Some(Value::Null) => "-".to_owned(),
        // What a name holds must not move the terminal's cursor.
        Some(Value::String(text)) => text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect(),
        Some(other) => other.to_string(),
    }
}
