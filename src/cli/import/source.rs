//! The bytes of a file or of stdin, as UTF-8: twice, because nothing is added before all of it is checked.

use std::{
    fs::File,
    io::{self, BufRead, BufReader, Cursor, Read},
    path::Path,
    sync::Arc,
};

use clap::ValueEnum;
use encoding_rs::WINDOWS_1252;

use super::Failure;

/// The most that is taken from stdin, which cannot be read twice and is kept in memory.
const STDIN_MAX_BYTES: u64 = 256 << 20;

/// What the bytes of a file are, where it is not said by a byte order mark. It is never guessed: what is taken for
/// another encoding makes other names and other passwords.
#[derive(Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum Encoding {
    /// UTF-8
    #[default]
    #[value(name = "utf-8")]
    Utf8,
    /// Windows-1252, which older spreadsheets write; ISO 8859-1 is part of it
    #[value(name = "windows-1252")]
    Windows1252,
}

/// Where accounts are read from.
pub(super) enum Source<'a> {
    File(&'a Path),
    Stdin(Arc<[u8]>),
}

impl<'a> Source<'a> {
    /// A file, or stdin if its name is `-`.
    pub(super) fn open(file: &'a Path) -> Result<Self, Failure> {
        if file.as_os_str() != "-" {
            return Ok(Self::File(file));
        }
        let mut bytes = Vec::new();
        io::stdin().lock().take(STDIN_MAX_BYTES + 1).read_to_end(&mut bytes)?;
        if bytes.len() as u64 > STDIN_MAX_BYTES {
            return Err(Failure::new(
                format!("stdin has more than {STDIN_MAX_BYTES} bytes, which are kept in memory"),
                "give the name of a file, which is read piece by piece",
            ));
        }
        Ok(Self::Stdin(bytes.into()))
    }

    /// Reads it from its start.
    pub(super) fn reader(&self, encoding: Encoding) -> Result<Box<dyn BufRead>, Failure> {
        match self {
            Self::File(path) => {
                let file = File::open(path).map_err(|error| {
                    Failure::new(format!("cannot read {}: {error}", path.display()), "check its name")
                })?;
                Ok(utf8(BufReader::new(file), encoding)?)
            }
            Self::Stdin(bytes) => Ok(utf8(Cursor::new(Arc::clone(bytes)), encoding)?),
        }
    }
}

/// Leaves a byte order mark out, and follows it.
fn utf8(mut reader: impl BufRead + 'static, encoding: Encoding) -> io::Result<Box<dyn BufRead>> {
    let (mark, unit): (usize, Option<Unit>) = match reader.fill_buf()? {
        [0xef, 0xbb, 0xbf, ..] => (3, None),
        [0xff, 0xfe, ..] => (2, Some(u16::from_le_bytes)),
        [0xfe, 0xff, ..] => (2, Some(u16::from_be_bytes)),
        _ => (0, None),
    };
    reader.consume(mark);
    Ok(match unit {
        Some(unit) => Box::new(BufReader::new(Utf16 { bytes: reader, unit, text: Cursor::default(), lead: None })),
        None if mark == 0 && encoding == Encoding::Windows1252 => {
            Box::new(BufReader::new(Windows1252 { bytes: reader, text: Cursor::default() }))
        }
        None => Box::new(reader),
    })
}

/// Windows-1252 as UTF-8, piece by piece. Each byte is a character.
struct Windows1252<R> {
    bytes: R,
    text: Cursor<Vec<u8>>,
}

impl<R: BufRead> Read for Windows1252<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let read = self.text.read(into)?;
        if read > 0 || into.is_empty() {
            return Ok(read);
        }
        let piece = self.bytes.fill_buf()?;
        let length = piece.len();
        self.text = Cursor::new(WINDOWS_1252.decode_without_bom_handling(piece).0.into_owned().into_bytes());
        self.bytes.consume(length);
        self.text.read(into)
    }
}

/// How two bytes are one unit.
type Unit = fn([u8; 2]) -> u16;

/// UTF-16 as UTF-8, piece by piece.
struct Utf16<R> {
    bytes: R,
    unit: Unit,
    text: Cursor<Vec<u8>>,
    /// The first half of a character that a piece ended with.
    lead: Option<u16>,
}

impl<R: Read> Read for Utf16<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        loop {
            let read = self.text.read(into)?;
            if read > 0 || into.is_empty() {
                return Ok(read);
            }
            let mut piece = Vec::new();
            self.bytes.by_ref().take(8192).read_to_end(&mut piece)?;
            if piece.is_empty() && self.lead.is_none() {
                return Ok(0);
            }
            let (pairs, rest) = piece.as_chunks::<2>();
            let mut units: Vec<u16> = self.lead.take().into_iter().collect();
            units.extend(pairs.iter().map(|pair| (self.unit)(*pair)));
            let is_last = piece.len() < 8192;
            if !is_last {
                self.lead = units.pop_if(|unit| (0xd800..0xdc00).contains(unit));
            }
            let text: Result<String, _> = char::decode_utf16(units).collect();
            let text = text.ok().filter(|_| rest.is_empty());
            let text = text.ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "the file is not UTF-16"))?;
            self.text = Cursor::new(text.into_bytes());
        }
    }
}
