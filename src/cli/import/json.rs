//! JSON: one object a line, or the elements of an array. Nothing but one object is held in memory.

use std::{
    fmt,
    io::{BufRead, Cursor, Read},
};

use serde::{
    Deserialize, Deserializer,
    de::{Error, MapAccess, SeqAccess, Visitor},
};
use serde_json::{Map, Value};

use super::{Failure, LINE_MAX_BYTES, Placed, place::Place};

/// The members of an object, or what is wrong with the text.
pub(super) type Object = Map<String, Value>;

/// The member at a path: of that very name, or `a.b` for the member b of a.
pub(super) fn at<'a>(object: &'a Object, path: &str) -> Option<&'a Value> {
    object.get(path).or_else(|| {
        let (first, rest) = path.split_once('.')?;
        at(object.get(first)?.as_object()?, rest)
    })
}

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

/// The objects of a file: one a line, or one after the other, however many lines each has.
pub(super) fn objects(mut reader: Box<dyn BufRead>) -> Result<Objects, Failure> {
    // The first line tells which: an object that is not over at its end has several.
    let mut first = Vec::new();
    while reader.by_ref().take(LINE_MAX_BYTES as u64 + 1).read_until(b'\n', &mut first)? > 0 {
        if !first.trim_ascii().is_empty() {
            break;
        }
    }
    let is_open = serde_json::from_slice::<Value>(&first).is_err_and(|error| error.is_eof());
    let whole: Box<dyn BufRead> = Box::new(Cursor::new(first).chain(reader));
    Ok(if is_open { Box::new(Elements { shape: Shape::Bare, ..Elements::at(whole) }) } else { Box::new(lines(whole)) })
}

/// Objects, and where each stands.
pub(super) type Objects = Box<dyn Iterator<Item = Result<Placed<Object>, Failure>>>;

fn lines(mut reader: Box<dyn BufRead>) -> impl Iterator<Item = Result<Placed<Object>, Failure>> {
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
                return Some(Ok((Place::of_line(number), object(&line))));
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

/// What an object of a file says beside the array of its accounts.
#[derive(Default)]
pub(super) struct Around {
    /// Whether it has the array.
    pub(super) has_array: bool,
    /// Whether its member that was asked for is there and true.
    pub(super) flag: Option<bool>,
}

/// The objects around the accounts: the one that the file is, or those of the array that it is.
pub(super) fn around(reader: Box<dyn BufRead>, array: &str, flag: &str) -> Result<Vec<Around>, Failure> {
    let mut elements = Elements::at(reader);
    let mut all = Vec::new();
    if elements.next_sign()? == Some(b'[') {
        elements.skip_one()?;
    }
    loop {
        match elements.next_sign()? {
            Some(b',') => elements.skip_one()?,
            Some(b'{') => {
                let mut one = Around::default();
                while let Some(name) = elements.next_member()? {
                    if name == array {
                        one.has_array |= elements.next_sign()? == Some(b'[');
                    }
                    let longest = if name == flag { LINE_MAX_BYTES } else { 0 };
                    let value = elements.value(longest)?;
                    if name == flag {
                        one.flag = Some(value == b"true");
                    }
                }
                all.push(one);
            }
            _ => return Ok(all),
        }
    }
}

/// How the objects stand in a file.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Shape {
    /// In one array.
    Array,
    /// One after the other.
    Bare,
    /// In an array that is a member of each of several objects.
    Nested(&'static str),
}

/// The objects of an array: of the whole file, or of one member of the object that the file is, or of each object in
/// the array that it is.
pub(super) struct Elements {
    reader: Box<dyn BufRead>,
    line: u64,
    count: u64,
    /// How many objects around the accounts are behind.
    group: usize,
    shape: Shape,
    is_over: bool,
}

impl Elements {
    fn at(reader: Box<dyn BufRead>) -> Self {
        Self { reader, line: 1, count: 0, group: 0, shape: Shape::Array, is_over: false }
    }

    /// Goes to the start of the array that the file is.
    pub(super) fn of_array(reader: Box<dyn BufRead>) -> Result<Self, Failure> {
        let mut elements = Self::at(reader);
        if elements.next_sign()? != Some(b'[') {
            return Err(Failure::new("the file is no JSON array", "check the file"));
        }
        elements.skip_one()?;
        Ok(elements)
    }

    /// Goes to the start of the first array of that name.
    pub(super) fn of_member(reader: Box<dyn BufRead>, member: &'static str) -> Result<Self, Failure> {
        let mut elements = Self { shape: Shape::Nested(member), ..Self::at(reader) };
        if elements.next_sign()? == Some(b'[') {
            elements.skip_one()?;
        }
        if elements.find(member)? { Ok(elements) } else { Err(without(member)) }
    }

    /// Goes to the start of a member's array: within this object, or the next that has one.
    fn find(&mut self, member: &str) -> Result<bool, Failure> {
        loop {
            match self.next_sign()? {
                Some(b'{') => {
                    while let Some(name) = self.next_member()? {
                        if name == member && self.next_sign()? == Some(b'[') {
                            self.skip_one()?;
                            return Ok(true);
                        }
                        self.value(0)?;
                    }
                    self.group += 1;
                }
                Some(b',') => self.skip_one()?,
                _ => return Ok(false),
            }
        }
    }

    /// Goes to the value of an object's next member, and gives its name; behind the object after the last one.
    fn next_member(&mut self) -> Result<Option<String>, Failure> {
        if matches!(self.next_sign()?, Some(b'{' | b',')) {
            self.skip_one()?;
        }
        match self.next_sign()? {
            Some(b'}') => {
                self.skip_one()?;
                return Ok(None);
            }
            Some(b'"') => {}
            _ => return Err(self.unexpected("the name of a member")),
        }
        let name = self.value(LINE_MAX_BYTES)?;
        if self.next_sign()? != Some(b':') {
            return Err(self.unexpected("a colon after the name of a member"));
        }
        self.skip_one()?;
        self.next_sign()?;
        let name = serde_json::from_slice(&name).map_err(|_| self.unexpected("the name of a member"))?;
        Ok(Some(name))
    }

    /// Goes on behind the end of an array.
    fn end(&mut self) -> Result<bool, Failure> {
        let Shape::Nested(member) = self.shape else { return Ok(false) };
        self.skip_one()?;
        while self.next_member()?.is_some() {
            self.value(0)?;
        }
        self.group += 1;
        self.find(member)
    }

    fn element(&mut self) -> Result<Option<Placed<Object>>, Failure> {
        loop {
            match self.next_sign()? {
                _ if self.is_over => return Ok(None),
                None if self.shape == Shape::Bare => return Ok(None),
                Some(b']') if self.end()? => {}
                Some(b']') => return Ok(None),
                _ => break,
            }
        }
        self.count += 1;
        let place = Place::of_element(self.line, self.count, self.group);
        let element = self.value(LINE_MAX_BYTES)?;
        match self.next_sign()? {
            Some(b',') => self.skip_one()?,
            Some(b']') => {}
            _ if self.shape == Shape::Bare => {}
            _ => return Err(self.unexpected("a comma or the end of the array")),
        }
        Ok(Some((place, object(&element))))
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
            if closes && depth == 0 {
                return Ok(value);
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
    type Item = Result<Placed<Object>, Failure>;

    fn next(&mut self) -> Option<Self::Item> {
        let element = self.element().transpose();
        // Nothing can be read after what is no JSON.
        self.is_over |= !matches!(element, Some(Ok(_)));
        element
    }
}
