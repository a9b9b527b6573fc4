//! The entries of a file, one after the other. Nothing but one of them is held in memory.

use std::path::Path;

use serde_json::Value;

use super::{
    Failure, Told, csv,
    entry::{Entry, LeftOut},
    hash::Secrets,
    json::{self, Elements, Object, Objects},
    layout,
    place::Place,
    reading::Reading,
    source::Source,
};

/// What is wrong with an account, and which it is.
pub(super) struct Bad {
    pub(super) who: Option<String>,
    pub(super) reason: String,
}

/// What is read of a file until it cannot be read.
pub(super) type Entries<'a> = Box<dyn Iterator<Item = Result<Told<Entry>, Failure>> + 'a>;

/// The entries of a file.
pub(super) fn entries<'a>(
    file: &Path,
    source: &Source<'_>,
    reading: &'a Reading,
    secrets: &'a Secrets,
) -> Result<Entries<'a>, Failure> {
    let mut reader = source.reader(reading.encoding)?;
    let first = reader.fill_buf()?.trim_ascii_start().first().copied();
    let is_json = is_json(file, first)?;
    if let Some(system) = reading.from
        && system.is_json().is_some_and(|expected| expected != is_json)
    {
        let form = if is_json { "CSV" } else { "JSON" };
        return Err(Failure::new(format!("the export of {} is {form}", system.name()), "check the file and --from"));
    }
    if is_json {
        return of_json(source, first, reading, secrets);
    }
    let mut rows = csv::Rows::new(reader)?;
    let head = rows.next_row().transpose()?.map_or(Ok(Vec::new()), |(_, head)| head);
    let head = head.map_err(|reason| Failure::new(format!("the head of the file: {reason}"), "check the file"))?;
    let columns = reading.columns(&head)?;
    Ok(Box::new(std::iter::from_fn(move || rows.next_row()).map(move |row| {
        row.map(|(place, cells)| {
            let line = cells.and_then(|cells| layout::row(&columns, cells));
            (place, line.and_then(|line| line.entry(reading, secrets)).map_err(|reason| Bad { who: None, reason }))
        })
    })))
}

fn of_json<'a>(
    source: &Source<'_>,
    first: Option<u8>,
    reading: &'a Reading,
    secrets: &'a Secrets,
) -> Result<Entries<'a>, Failure> {
    let reader = || source.reader(reading.encoding);
    let array = reading.from.and_then(super::system::System::array);
    let around = match array {
        Some(array) => json::around(reader()?, array, "verifyEmail")?,
        None => Vec::new(),
    };
    let objects: Objects = match (first, array) {
        // An array is of accounts, or of objects that have them.
        (Some(b'{'), Some(array)) => Box::new(Elements::of_member(reader()?, array)?),
        (Some(b'['), Some(array)) if around.iter().any(|one| one.has_array) => {
            Box::new(Elements::of_member(reader()?, array)?)
        }
        (Some(b'['), _) => Box::new(Elements::of_array(reader()?)?),
        _ => json::objects(reader()?)?,
    };
    Ok(Box::new(objects.map(move |object| {
        object.map(|(place, object)| {
            let verifies = around.get(place.group).and_then(|one| one.flag);
            (
                place,
                object
                    .map_err(|reason| Bad { who: None, reason })
                    .and_then(|object| entry(&object, place, verifies, reading, secrets)),
            )
        })
    })))
}

fn entry(
    object: &Object,
    place: Place,
    verifies: Option<bool>,
    reading: &Reading,
    secrets: &Secrets,
) -> Result<Entry, Bad> {
    let entry = match reading.object(object, verifies) {
        Ok(None) => Ok(Entry::LeftOut(LeftOut::NoPerson, None)),
        Ok(Some(line)) => {
            let who = line.who().map(str::to_owned);
            return line
                .entry(reading, secrets)
                .map_err(|reason| Bad { who: who.filter(|_| place.is_element()), reason });
        }
        Err(reason) => Err(reason),
    };
    entry.map_err(|reason| Bad { who: who(object).filter(|_| place.is_element()), reason })
}

/// What tells a person which account an object is that could not be read.
fn who(object: &Object) -> Option<String> {
    let fields = object.get("fields").and_then(Value::as_object).unwrap_or(object);
    let name = |member: &&str| fields.get(*member)?.as_str().filter(|text| !text.is_empty());
    ["email", "username", "user_email", "user_login", "entity_id"].iter().find_map(name).map(str::to_owned)
}

/// Whether a file is JSON by its name, or stdin by its first byte.
fn is_json(file: &Path, first: Option<u8>) -> Result<bool, Failure> {
    let ending = file.extension().and_then(|ending| ending.to_str()).map(str::to_lowercase);
    match ending.as_deref() {
        Some("csv" | "tsv") => Ok(false),
        Some("json" | "jsonl" | "ndjson") => Ok(true),
        None if file.as_os_str() == "-" => Ok(matches!(first, Some(b'[' | b'{'))),
        Some("xml" | "yaml" | "yml") => Err(Failure::new(
            format!("{} is neither CSV nor JSON by its name", file.display()),
            "export it as JSON: `dumpdata --format json`",
        )),
        _ => Err(Failure::new(
            format!("{} is neither CSV nor JSON by its name", file.display()),
            "give it the ending .csv or .jsonl, or .json if it is an array",
        )),
    }
}
