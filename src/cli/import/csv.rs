//! CSV (RFC 4180), with the separators of spreadsheets too. The lines are counted as an editor counts them, and no row
//! takes more memory than an account may.

use std::io::{BufRead, Read};

use super::{Failure, LINE_MAX_BYTES, Placed, place::Place};

/// What databases write where there is no value. In quotes each is a text like any other.
const NO_VALUE: [&[u8]; 6] = [b"NULL", b"null", b"\\N", b"[NULL]", b"0000-00-00 00:00:00", b"0000-00-00"];

/// The rows of a file.
pub(super) struct Rows {
    reader: Box<dyn BufRead>,
    separator: u8,
    /// Lines read so far.
    lines: u64,
    /// A line that was looked at to find the separator.
    looked_at: Option<Vec<u8>>,
}

/// Where in a cell a byte is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum At {
    Start,
    Plain,
    Quoted,
    /// After a quote in a quoted cell: its end, or the first of two that stand for one.
    Quote,
    Closed,
}

/// A row that is being read.
struct Row {
    cells: Vec<Vec<u8>>,
    cell: Vec<u8>,
    at: At,
    /// Whether something follows the end of a quoted cell.
    is_broken: bool,
}

impl Rows {
    /// Finds the separator: as `sep=` in the first line says, or what the first line that is not blank has most of.
    pub(super) fn new(reader: Box<dyn BufRead>) -> Result<Self, Failure> {
        let mut rows = Self { reader, separator: b',', lines: 0, looked_at: None };
        while let Some(line) = rows.line()? {
            if let Some([separator]) = line.trim_ascii_end().strip_prefix(b"sep=").filter(|_| rows.lines == 1) {
                rows.separator = *separator;
                break;
            }
            // A tab may be all there is of it.
            if line == b"sep=\t\n" || line == b"sep=\t\r\n" {
                rows.separator = b'\t';
                break;
            }
            if !line.trim_ascii().is_empty() {
                let count = |separator: u8| {
                    let mut is_quoted = false;
                    let outside = line.iter().filter(|byte| {
                        is_quoted ^= **byte == b'"';
                        !is_quoted && **byte == separator
                    });
                    outside.count()
                };
                rows.separator = [b'\t', b';', b','].into_iter().max_by_key(|byte| count(*byte)).unwrap_or(b',');
                rows.looked_at = Some(line);
                rows.lines -= 1;
                break;
            }
        }
        Ok(rows)
    }

    /// The next row that has a cell with something in it, and the line where it begins.
    pub(super) fn next_row(&mut self) -> Option<Result<Placed<Vec<String>>, Failure>> {
        loop {
            let begins = Place::of_line(self.lines + 1);
            let row = match self.row() {
                Ok(row) => row?,
                Err(failure) => return Some(Err(failure)),
            };
            let is_broken = row.is_broken;
            let cells: Result<Vec<String>, _> = row.cells.into_iter().map(String::from_utf8).collect();
            match cells {
                Ok(cells) if !is_broken => {
                    let cells: Vec<String> = cells.iter().map(|cell| cell.trim().to_owned()).collect();
                    if cells.iter().any(|cell| !cell.is_empty()) {
                        return Some(Ok((begins, Ok(cells))));
                    }
                }
                Ok(_) => return Some(Ok((begins, Err("text follows the quote at the end of a cell".to_owned())))),
                Err(_) => {
                    let reason = "it is not UTF-8: save the file as that, or say --encoding windows-1252 if it is that";
                    return Some(Ok((begins, Err(reason.to_owned()))));
                }
            }
        }
    }

    fn row(&mut self) -> Result<Option<Row>, Failure> {
        let mut row = Row { cells: Vec::new(), cell: Vec::new(), at: At::Start, is_broken: false };
        let (mut bytes, mut opened) = (0, 0);
        loop {
            let Some(line) = self.line()? else {
                return if row.at == At::Quoted { Err(unclosed(opened)) } else { Ok(None) };
            };
            bytes += line.len();
            if bytes > LINE_MAX_BYTES {
                return Err(unclosed(opened));
            }
            let text = line.strip_suffix(b"\n").unwrap_or(&line);
            let text = text.strip_suffix(b"\r").unwrap_or(text);
            for byte in text {
                let before = row.at;
                row.take(*byte, self.separator);
                if before == At::Start && row.at == At::Quoted {
                    opened = self.lines;
                }
            }
            if row.at != At::Quoted {
                row.end_cell();
                return Ok(Some(row));
            }
            row.cell.extend(line.get(text.len()..).unwrap_or_default());
        }
    }

    fn line(&mut self) -> Result<Option<Vec<u8>>, Failure> {
        let mut line = self.looked_at.take().unwrap_or_default();
        if line.is_empty() {
            self.reader.by_ref().take(LINE_MAX_BYTES as u64 + 1).read_until(b'\n', &mut line)?;
        }
        if line.is_empty() {
            return Ok(None);
        }
        self.lines += 1;
        if line.len() > LINE_MAX_BYTES {
            return Err(Failure::new(format!("line {} is longer than any account", self.lines), "check the file"));
        }
        Ok(Some(line))
    }
}

fn unclosed(opened: u64) -> Failure {
    Failure::new(
        format!("the quote that opens in line {opened} is not closed within {LINE_MAX_BYTES} bytes"),
        "close it; a quote that is part of a text is written twice, in a quoted cell",
    )
}

impl Row {
    fn take(&mut self, byte: u8, separator: u8) {
        self.at = match (self.at, byte) {
            (At::Quoted, b'"') => At::Quote,
            (At::Quoted, _) | (At::Quote, b'"') => self.push(byte, At::Quoted),
            (At::Start | At::Plain | At::Quote | At::Closed, _) if byte == separator => {
                self.end_cell();
                At::Start
            }
            (At::Start, b'"') => At::Quoted,
            (At::Start, b' ' | b'\t') => At::Start,
            (At::Start | At::Plain, _) => self.push(byte, At::Plain),
            (At::Quote | At::Closed, b' ' | b'\t') => At::Closed,
            (At::Quote | At::Closed, _) => {
                self.is_broken = true;
                At::Closed
            }
        }
    }

    fn push(&mut self, byte: u8, at: At) -> At {
        self.cell.push(byte);
        at
    }

    fn end_cell(&mut self) {
        let mut cell = std::mem::take(&mut self.cell);
        if !matches!(self.at, At::Quote | At::Closed) && NO_VALUE.contains(&cell.trim_ascii()) {
            cell.clear();
        }
        self.cells.push(cell);
    }
}
