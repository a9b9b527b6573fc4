//! What a person or a program reads.

use std::io::Write;

use anstyle::{AnsiColor, Style};
use aws_smithy_types::{DateTime, date_time::Format};
use serde::Serialize;
use serde_json::Value;

use super::Failure;

const HEAD: Style = Style::new().bold();
const GOOD: Style = AnsiColor::Green.on_default();
const DOUBTFUL: Style = AnsiColor::Yellow.on_default();
const BAD: Style = AnsiColor::Red.on_default().bold();

/// Data, to stdout; styles go to a terminal alone, and not there if `NO_COLOR` is set. A reader that has gone away is
/// nobody to complain to.
pub(super) fn say(text: &str) {
    let _ = writeln!(anstream::stdout().lock(), "{text}");
}

/// Anything else, to stderr.
pub(super) fn note(text: &str) {
    let _ = writeln!(anstream::stderr().lock(), "{text}");
}

/// An error, to stderr.
pub(super) fn error(text: &str) {
    note(&format!("{BAD}error:{BAD:#} {text}"));
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
        .chain(rows.iter().map(|row| columns.iter().map(|column| cell(column, row.get(*column))).collect()))
        .collect();
    let widths: Vec<usize> = (0..columns.len())
        .map(|column| lines.iter().filter_map(|line| line.get(column)).map(|cell| cell.chars().count()).max())
        .map(Option::unwrap_or_default)
        .collect();
    for (number, line) in lines.iter().enumerate() {
        let last = line.len().saturating_sub(1);
        let cells = line.iter().zip(&widths).enumerate().map(|(column, (cell, width))| {
            let style = if number == 0 { HEAD } else { style_of(cell) };
            // No blanks at the end of a line.
            let blanks = if column == last { 0 } else { width.saturating_sub(cell.chars().count()) };
            format!("{style}{cell}{style:#}{:blanks$}", "")
        });
        say(&cells.collect::<Vec<_>>().join("  "));
    }
    Ok(())
}

/// Words that say how something is.
fn style_of(cell: &str) -> Style {
    match cell {
        "ok" | "active" | "signs" => GOOD,
        "warning" | "disabled" | "expired" => DOUBTFUL,
        "error" => BAD,
        _ => Style::new(),
    }
}

/// Columns of points in time. A program gets them in seconds since the epoch, a person as dates in UTC.
const DATES: [&str; 5] = ["auth_time", "expires_at", "signs_from", "signs_until", "verifies_until"];

fn cell(column: &str, value: Option<&Value>) -> String {
    match value {
        None | Some(Value::Null) => "-".to_owned(),
        // What a name holds must not move the terminal's cursor.
        Some(Value::String(text)) => text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect(),
        Some(Value::Number(seconds)) if DATES.contains(&column) => {
            let date = seconds.as_i64().map(DateTime::from_secs);
            date.and_then(|date| date.fmt(Format::DateTime).ok()).unwrap_or_else(|| seconds.to_string())
        }
        Some(other) => other.to_string(),
    }
}
