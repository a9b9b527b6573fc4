//! What a person or a program reads.

use std::{
    fmt::Display,
    io::{ErrorKind, Write},
};

use anstyle::{AnsiColor, Style};
use aws_smithy_types::{DateTime, date_time::Format};
use serde::Serialize;
use serde_json::Value;
use serde_transcode::Transcoder;
use unicode_width::UnicodeWidthStr;

use super::{Failure, harmless};
use crate::causes::Causes;

const HEAD: Style = Style::new().bold();
const GOOD: Style = AnsiColor::Green.on_default();
const DOUBTFUL: Style = AnsiColor::Yellow.on_default();
const BAD: Style = AnsiColor::Red.on_default().bold();

/// Whether there is somebody who reads the data.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Reader {
    There,
    /// It has closed its end of the pipe, as `head` does when it has enough: no failure, but no use to go on either.
    Gone,
}

/// Data, to stdout, byte for byte.
pub(super) fn data(text: &str) -> Result<Reader, Failure> {
    write(std::io::stdout().lock(), text)
}

/// Data for people, to stdout: styles go to a terminal alone, and not there if `NO_COLOR` is set.
pub(super) fn styled_data(text: &str) -> Result<Reader, Failure> {
    write(anstream::stdout().lock(), text)
}

fn write(mut stdout: impl Write, text: &str) -> Result<Reader, Failure> {
    match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
        Ok(()) => Ok(Reader::There),
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(Reader::Gone),
        Err(error) => Err(Failure::new(
            format!("cannot write the data: {error}"),
            "what came out is not whole; make room and ask again. A change that was asked for has been made",
        )),
    }
}

/// One line of anything else, to stderr.
pub(super) fn note(text: &str) {
    styled_note(&format!("{}\n", harmless::text(text)));
}

/// Lines with styles, of which nothing comes from outside, to stderr. If even that cannot be written there is nobody
/// left to tell.
pub(super) fn styled_note(text: &str) {
    let _ = anstream::stderr().lock().write_all(text.as_bytes());
}

/// What went wrong, why, and what to do about it, to stderr.
pub(super) fn error(failure: &Failure) {
    let causes = Causes(failure.cause.as_ref()).sentences();
    let mut told: Vec<String> = causes.iter().map(|cause| harmless::text(cause)).collect();
    told.iter_mut().skip(1).for_each(|cause| cause.insert_str(0, "  because: "));
    if let Some(hint) = &failure.hint {
        told.push(format!("hint: {}", harmless::text(hint)));
    }
    styled_note(&format!("{BAD}error:{BAD:#} {}\n", told.join("\n")));
}

/// A number of things: "1 error", "2 errors".
pub(super) fn count<N: Copy + Display + PartialEq + From<u8>>(number: N, thing: &str) -> String {
    let ending = if number == N::from(1) { "" } else { "s" };
    format!("{number} {thing}{ending}")
}

/// Rows as an aligned table, whose columns are as wide as a terminal shows them (UAX 11), or as one JSON array of
/// objects. `columns` names members and their order.
pub(super) fn rows<T: Serialize>(rows: &[T], columns: &[&str], as_json: bool) -> Result<(), Failure> {
    let mut table = Table::new(columns, as_json);
    for row in rows {
        table.add("", row)?;
    }
    table.print()
}

/// How much is written at once, in bytes.
const PIECE_BYTES: usize = 1 << 16;

/// Rows that come one after the other. Of each nothing is kept but its text.
pub(super) struct Table<'a> {
    columns: &'a [&'a str],
    as_json: bool,
    widths: Vec<usize>,
    /// What each row is sorted by, and its text: JSON on one line, as the blanks of a list would take a third of its
    /// memory; or its cells with line ends between them, which no cell has.
    rows: Vec<(Box<str>, Box<str>)>,
}

impl<'a> Table<'a> {
    /// Without rows. `columns` names members and their order.
    pub(super) fn new(columns: &'a [&'a str], as_json: bool) -> Self {
        let widths = columns.iter().map(|column| column.width()).collect();
        Self { columns, as_json, widths, rows: Vec::new() }
    }

    /// Takes a row that is sorted by `key`; rows with the same keys stay in their order.
    pub(super) fn add<T: Serialize>(&mut self, key: &str, row: &T) -> Result<(), Failure> {
        let text = if self.as_json {
            serde_json::to_string(row)?
        } else {
            let row = serde_json::to_value(row)?;
            let cells: Vec<String> = self.columns.iter().map(|column| cell(column, row.get(*column))).collect();
            for (width, cell) in self.widths.iter_mut().zip(&cells) {
                *width = cell.width().max(*width);
            }
            cells.join("\n")
        };
        self.rows.push((key.into(), text.into()));
        Ok(())
    }

    /// Prints them in the order of their keys.
    pub(super) fn print(mut self) -> Result<(), Failure> {
        self.rows.sort_by(|a, b| a.0.cmp(&b.0));
        if self.as_json {
            return self.print_json();
        }
        let head: Vec<String> = self.columns.iter().map(|column| column.to_uppercase().replace('_', " ")).collect();
        let mut piece = String::new();
        self.line(head.iter().map(String::as_str), |_| HEAD, &mut piece);
        for (_, row) in &self.rows {
            self.line(row.split('\n'), style_of, &mut piece);
            if piece.len() > PIECE_BYTES && styled_data(&std::mem::take(&mut piece))? == Reader::Gone {
                return Ok(());
            }
        }
        styled_data(&piece)?;
        Ok(())
    }

    fn print_json(&self) -> Result<(), Failure> {
        let mut piece = if self.rows.is_empty() { "[]\n".to_owned() } else { "[\n".to_owned() };
        for (number, (_, row)) in self.rows.iter().enumerate() {
            let mut row = serde_json::Deserializer::from_str(row);
            let array = harmless::pretty_json(&[Transcoder::new(&mut row)])?;
            piece.push_str(array.trim_start_matches("[\n").trim_end_matches("\n]"));
            piece.push_str(if number + 1 < self.rows.len() { ",\n" } else { "\n]\n" });
            if piece.len() > PIECE_BYTES && data(&std::mem::take(&mut piece))? == Reader::Gone {
                return Ok(());
            }
        }
        data(&piece)?;
        Ok(())
    }

    fn line<'c>(&self, cells: impl Iterator<Item = &'c str>, style: impl Fn(&str) -> Style, piece: &mut String) {
        let last = self.columns.len().saturating_sub(1);
        let cells = cells.zip(&self.widths).enumerate().map(|(column, (cell, width))| {
            let style = style(cell);
            // No blanks at the end of a line.
            let blanks = if column == last { 0 } else { width.saturating_sub(cell.width()) };
            format!("{style}{cell}{style:#}{:blanks$}", "")
        });
        piece.push_str(&cells.collect::<Vec<_>>().join("  "));
        piece.push('\n');
    }
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
const DATES: [&str; 9] = [
    "auth_time",
    "created",
    "expires",
    "expires_at",
    "last_used",
    "signs_from",
    "signs_until",
    "temporary_until",
    "verifies_until",
];

fn cell(column: &str, value: Option<&Value>) -> String {
    match value {
        None | Some(Value::Null) => "-".to_owned(),
        Some(Value::String(text)) => harmless::text(text),
        Some(Value::Number(seconds)) if DATES.contains(&column) => {
            let date = seconds.as_i64().map(DateTime::from_secs);
            date.and_then(|date| date.fmt(Format::DateTime).ok()).unwrap_or_else(|| seconds.to_string())
        }
        Some(other) => harmless::text(&other.to_string()),
    }
}
