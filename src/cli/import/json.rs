//! JSON: one object a line, or the elements of an array. Nothing but one object is held in memory.

use std::{
    fmt,
    io::{BufRead, Read},
};

use serde::{
    Deserialize, Deserializer,
    de::{Error, MapAccess, SeqAccess, Visitor},
};
use serde_json::{Map, Value};

use super::{Failure, LINE_MAX_BYTES, Numbered};

/// The members of an object, or what is wrong with the text.
pub(super) type Object = Map<String, Value>;

/// Parses one object. A member that is there twice has no value.
fn object(bytes: &[u8]) -> Result<Object, String> {
    match serde_json::from_slice(bytes) {
        Ok(Strict(Value::Object(object))) => Ok(object),
        Ok(Strict(_)) => Err("an object is expected".to_owned()),
        // Without serde's "at line 1 column 17": the line is ours to tell.
        Err(error) => Err(error.to_string().split(" at line ").next().unwrap_or_default().to_owned()),
    }
}

/// A value whose objects have no member twice; `serde_json`'s own keeps the last one.
struct Strict(Value);

impl<'de> Deserialize<'de> for Strict {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(StrictVisitor).map(Self)
    }
}

struct StrictVisitor;

impl<'de> Visitor<'de> for StrictVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut values: A) -> Result<Value, A::Error> {
        let mut array = Vec::new();
        while let Some(Strict(value)) = values.next_element()? {
            array.push(value);
        }
        Ok(array.into())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let mut object = Object::new();
        while let Some((name, Strict(value))) = members.next_entry::<String, Strict>()? {
            if object.contains_key(&name) {
                return Err(A::Error::custom(format!("duplicate member `{name}`")));
            }
            object.insert(name, value);
        }
        Ok(object.into())
    }
}

/// The objects of a file: one a line.
pub(super) fn lines(mut reader: Box<dyn BufRead>) -> impl Iterator<Item = Result<Numbered<Object>, Failure>> {
    let mut number = 0;
    std::iter::from_fn(move || {
        loop {
            let mut line = Vec::new();
            match reader.by_ref().take(LINE_MAX_BYTES as u64 + 1).read_until(b'\n', &mut line) {
                Ok(0) => return None,
                Ok(_) => number += 1,
                Err(error) => return Some(Err(error.into())),
            }
            if line.len() > LINE_MAX_BYTES {
                return Some(Err(too_long(number)));
            }
            if !line.trim_ascii().is_empty() {
                return Some(Ok((number, object(&line))));
            }
        }
    })
}

fn too_long(line: u64) -> Failure {
    Failure::new(format!("line {line} begins what is longer than any account"), "check the file")
}

fn without(member: &str) -> Failure {
    Failure::new(format!("the file has no array {member}"), "export it as well; it may be in files of its own")
}

/// The objects of an array: of the whole file, or of one member of the object that the file is.
pub(super) struct Elements {
    reader: Box<dyn BufRead>,
    line: u64,
    is_over: bool,
}

impl Elements {
    /// Goes to the start of the array.
    pub(super) fn new(reader: Box<dyn BufRead>, member: Option<&str>) -> Result<Self, Failure> {
        let mut elements = Self { reader, line: 1, is_over: false };
        match (elements.next_sign()?, member) {
            (Some(b'['), _) => elements.skip_one()?,
            (Some(b'{'), Some(member)) => elements.find(member)?,
            _ => return Err(Failure::new("the file is no JSON array", "check the file")),
        }
        Ok(elements)
    }

    /// Within an object, goes to the start of a member's array.
    fn find(&mut self, member: &str) -> Result<(), Failure> {
        loop {
            // The brace, or the comma.
            self.skip_one()?;
            if self.next_sign()? == Some(b'}') {
                return Err(without(member));
            }
            let name = self.value(LINE_MAX_BYTES)?;
            if self.next_sign()? != Some(b':') {
                return Err(self.unexpected("a colon after the name of a member"));
            }
            self.skip_one()?;
            let sign = self.next_sign()?;
            if serde_json::from_slice::<String>(&name).is_ok_and(|name| name == member) && sign == Some(b'[') {
                return self.skip_one();
            }
            self.value(0)?;
            if self.next_sign()? != Some(b',') {
                return Err(without(member));
            }
        }
    }

    fn element(&mut self) -> Result<Option<Numbered<Object>>, Failure> {
        if self.is_over || self.next_sign()? == Some(b']') {
            self.is_over = true;
            return Ok(None);
        }
        let line = self.line;
        let element = self.value(LINE_MAX_BYTES)?;
        match self.next_sign()? {
            Some(b',') => self.skip_one()?,
            Some(b']') => self.is_over = true,
            _ => return Err(self.unexpected("a comma or the end of the array")),
        }
        Ok(Some((line, object(&element))))
    }

    /// Reads one value, without a look at what it says. With a length of 0 it is passed over, however long it is.
    fn value(&mut self, longest: usize) -> Result<Vec<u8>, Failure> {
        let begins = self.line;
        let (mut value, mut depth, mut in_text, mut escaped) = (Vec::new(), 0_u32, false, false);
        while let Some(byte) = self.peek()? {
            let closes = !in_text && matches!(byte, b']' | b'}');
            let is_between = !in_text && (byte.is_ascii_whitespace() || byte == b',' || byte == b':' || closes);
            if depth == 0 && is_between {
                return if value.is_empty() && longest > 0 { Err(self.unexpected("a value")) } else { Ok(value) };
            }
            match byte {
                _ if escaped => escaped = false,
                b'\\' if in_text => escaped = true,
                b'"' => in_text = !in_text,
                b'[' | b'{' if !in_text => depth += 1,
                _ if closes => depth = depth.saturating_sub(1),
                _ => {}
            }
            self.skip_one()?;
            if longest > 0 {
                value.push(byte);
                if value.len() > longest {
                    return Err(too_long(begins));
                }
            }
        }
        Err(Failure::new(format!("the file ends within what begins in line {begins}"), "check that it is whole"))
    }

    fn unexpected(&self, expected: &str) -> Failure {
        Failure::new(format!("line {}: {expected} is expected", self.line), "check the file")
    }

    /// The next byte that is no white space.
    fn next_sign(&mut self) -> Result<Option<u8>, Failure> {
        while let Some(byte) = self.peek()? {
            if !byte.is_ascii_whitespace() {
                return Ok(Some(byte));
            }
            self.skip_one()?;
        }
        Ok(None)
    }

    fn peek(&mut self) -> Result<Option<u8>, Failure> {
        Ok(self.reader.fill_buf()?.first().copied())
    }

    fn skip_one(&mut self) -> Result<(), Failure> {
        self.line += u64::from(self.peek()? == Some(b'\n'));
        self.reader.consume(1);
        Ok(())
    }
}

impl Iterator for Elements {
    type Item = Result<Numbered<Object>, Failure>;

    fn next(&mut self) -> Option<Self::Item> {
        let element = self.element().transpose()?;
        // Nothing can be read after what is no JSON.
        self.is_over |= element.is_err();
        Some(element)
    }
}
