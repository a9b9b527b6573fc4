//! Items: what DynamoDB gives back, and what is written.

use std::collections::HashMap;

use aws_sdk_dynamodb::{primitives::Blob, types::AttributeValue};

use super::{Malformed, StoreError};
use crate::domain::time::Timestamp;

/// An item as DynamoDB gives it back. Every attribute is checked when it is taken out.
pub(super) struct Item {
    table: &'static str,
    attributes: HashMap<String, AttributeValue>,
}

impl Item {
    pub(super) fn new(table: &'static str, attributes: HashMap<String, AttributeValue>) -> Self {
        Self { table, attributes }
    }

    pub(super) fn malformed(&self, attribute: &'static str) -> StoreError {
        StoreError::Malformed { table: self.table, attribute }
    }

    pub(super) fn text(&self, name: &'static str) -> Result<&str, StoreError> {
        self.attributes.get(name).and_then(|value| value.as_s().ok()).map(String::as_str).ok_or(self.malformed(name))
    }

    /// A text that `parse` takes.
    pub(super) fn parsed<T, E>(
        &self,
        name: &'static str,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Result<T, StoreError> {
        parse(self.text(name)?).map_err(|_| self.malformed(name))
    }

    /// As [`Self::parsed`], if the attribute is there.
    pub(super) fn parsed_or_none<T, E>(
        &self,
        name: &'static str,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Result<Option<T>, StoreError> {
        if self.attributes.contains_key(name) { self.parsed(name, parse).map(Some) } else { Ok(None) }
    }

    pub(super) fn text_or_none(&self, name: &'static str) -> Result<Option<&str>, StoreError> {
        if self.attributes.contains_key(name) { self.text(name).map(Some) } else { Ok(None) }
    }

    pub(super) fn bytes(&self, name: &'static str) -> Result<&[u8], StoreError> {
        self.attributes.get(name).and_then(|value| value.as_b().ok()).map(Blob::as_ref).ok_or(self.malformed(name))
    }

    pub(super) fn bytes_or_none(&self, name: &'static str) -> Result<Option<&[u8]>, StoreError> {
        if self.attributes.contains_key(name) { self.bytes(name).map(Some) } else { Ok(None) }
    }

    pub(super) fn list_of_bytes(&self, name: &'static str) -> Result<impl Iterator<Item = &[u8]>, StoreError> {
        let list = self.attributes.get(name).and_then(|value| value.as_l().ok()).ok_or(self.malformed(name))?;
        let all = list.iter().map(|value| value.as_b().ok().map(Blob::as_ref)).collect::<Option<Vec<_>>>();
        Ok(all.ok_or(self.malformed(name))?.into_iter())
    }

    pub(super) fn seconds(&self, name: &'static str) -> Result<Timestamp, StoreError> {
        self.number(name).map(Timestamp::from_seconds)
    }

    pub(super) fn millis(&self, name: &'static str) -> Result<Timestamp, StoreError> {
        self.number(name).map(Timestamp::from_millis)
    }

    pub(super) fn texts(&self, name: &'static str) -> Result<impl Iterator<Item = (&str, &str)>, StoreError> {
        let map = self.attributes.get(name).and_then(|value| value.as_m().ok()).ok_or(self.malformed(name))?;
        let pairs = map.iter().map(|(key, value)| value.as_s().ok().map(|text| (key.as_str(), text.as_str())));
        Ok(pairs.collect::<Option<Vec<_>>>().ok_or(self.malformed(name))?.into_iter())
    }

    /// Whether something is so; what is not there is not.
    pub(super) fn is_set(&self, name: &'static str) -> Result<bool, StoreError> {
        let Some(value) = self.attributes.get(name) else { return Ok(false) };
        value.as_bool().copied().map_err(|_| self.malformed(name))
    }

    pub(super) fn number_or_none(&self, name: &'static str) -> Result<Option<u64>, StoreError> {
        if self.attributes.contains_key(name) { self.number(name).map(Some) } else { Ok(None) }
    }

    pub(super) fn seconds_or_none(&self, name: &'static str) -> Result<Option<Timestamp>, StoreError> {
        Ok(self.number_or_none(name)?.map(Timestamp::from_seconds))
    }

    /// A map, if the attribute is there.
    pub(super) fn map_or_none(&self, name: &'static str) -> Result<Option<Self>, StoreError> {
        let Some(value) = self.attributes.get(name) else { return Ok(None) };
        let map = value.as_m().map_err(|_| self.malformed(name))?;
        Ok(Some(Self::new(self.table, map.clone())))
    }

    /// The maps inside a map, by their names; none if the attribute is not there.
    pub(super) fn maps(&self, name: &'static str) -> Result<Vec<(&str, Self)>, StoreError> {
        let Some(value) = self.attributes.get(name) else { return Ok(Vec::new()) };
        let map = value.as_m().map_err(|_| self.malformed(name))?;
        let items = map.iter().map(|(key, value)| {
            let attributes = value.as_m().map_err(|_| self.malformed(name))?.clone();
            Ok((key.as_str(), Self::new(self.table, attributes)))
        });
        items.collect()
    }

    pub(super) fn flag(&self, name: &'static str) -> Result<bool, StoreError> {
        self.attributes.get(name).and_then(|value| value.as_bool().ok()).copied().ok_or(self.malformed(name))
    }

    pub(super) fn number(&self, name: &'static str) -> Result<u64, StoreError> {
        let digits = self.attributes.get(name).and_then(|value| value.as_n().ok());
        digits.and_then(|digits| digits.parse().ok()).ok_or(self.malformed(name))
    }
}

/// What an item holds, unless it is malformed. Malformed items stop themselves alone: whoever reads many goes on with
/// the others.
pub(super) fn well_formed<T>(
    table: &'static str,
    key: &[&'static str],
    attributes: HashMap<String, AttributeValue>,
    parse: impl Fn(&Item) -> Result<T, StoreError>,
) -> Result<T, Malformed> {
    let item = Item::new(table, attributes);
    parse(&item).map_err(|error| {
        let values = key.iter().map(|name| item.text(name).unwrap_or("?"));
        Malformed { key: values.collect::<Vec<_>>().join(" "), error }
    })
}

pub(super) fn text(text: &str) -> AttributeValue {
    AttributeValue::S(text.to_owned())
}

pub(super) fn bytes(bytes: &[u8]) -> AttributeValue {
    AttributeValue::B(Blob::new(bytes))
}

pub(super) fn flag(flag: bool) -> AttributeValue {
    AttributeValue::Bool(flag)
}

pub(super) fn number(number: u64) -> AttributeValue {
    AttributeValue::N(number.to_string())
}

/// Seconds, because TTL attributes must be.
pub(super) fn seconds(at: Timestamp) -> AttributeValue {
    number(at.seconds())
}

pub(super) fn millis(at: Timestamp) -> AttributeValue {
    number(at.millis())
}
