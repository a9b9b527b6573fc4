//! What the columns of a CSV and the members of a JSON object are: as `--map`, `--skip` and `--from` say, or as they are
//! named.

use aws_smithy_types::{DateTime, date_time::Format};
use clap::Args;
use serde_json::Value;

use super::{Failure, json::Object, system::System};
use crate::{
    cli::roster::{Line, MEMBERS, OF_JSON_ALONE, profile::names_a_secret, text},
    domain::account::is_unseen,
    platform::machine,
};

/// How a file is read.
#[derive(Args)]
pub(in crate::cli) struct Reading {
    /// Read a member from a column of another name, as in `email=mail,name=display_name`; for JSON, from another member
    #[arg(long, value_delimiter = ',', value_name = "MEMBER=COLUMN", value_parser = pair)]
    map: Vec<(String, String)>,
    /// Leave these columns out; for JSON, these members
    #[arg(long, value_delimiter = ',', value_name = "COLUMN")]
    skip: Vec<String>,
    /// Read the file as an export of this system, as it wrote it
    #[arg(long)]
    pub(super) from: Option<System>,
    /// Give an account without a name what its email has before the @
    #[arg(long)]
    pub(super) name_from_email: bool,
    /// Take the second factors that the file has in clear; without this they are left out
    #[arg(long)]
    pub(super) with_factors: bool,
}

fn pair(text: &str) -> Result<(String, String), String> {
    let pair = text.split_once('=').filter(|(member, column)| !member.trim().is_empty() && !column.trim().is_empty());
    let (member, column) = pair.ok_or("MEMBER=COLUMN is expected, as in email=mail")?;
    Ok((member.trim().to_owned(), column.trim().to_owned()))
}

/// What a column is.
#[derive(Clone)]
pub(super) enum Column {
    /// One of [`MEMBERS`].
    Member(String),
    /// A member of the profile.
    Profile(String),
    /// When the account was made, as a date.
    Date,
    /// A name to fall back on.
    Username,
    /// If there is anything in it, the account may not log on.
    Barred,
    /// Until this date the account may not log on.
    BarredUntil,
    /// If there is anything in it, the account was deleted.
    Deleted,
    /// Left out.
    Skipped,
}

impl Column {
    /// Which member of an account or of its profile it sets.
    fn name(&self) -> Option<&String> {
        match self {
            Self::Member(name) | Self::Profile(name) => Some(name),
            Self::Date | Self::Username | Self::Barred | Self::BarredUntil | Self::Deleted | Self::Skipped => None,
        }
    }
}

/// The account of a row; nothing if it was deleted.
pub(super) fn row(columns: &[Column], mut cells: Vec<String>) -> Result<Option<Line>, String> {
    while cells.len() > columns.len() && cells.last().is_some_and(String::is_empty) {
        cells.pop();
    }
    if cells.len() != columns.len() {
        return Err(format!("it has {} cells, and the head has {}", cells.len(), columns.len()));
    }
    let mut line = Line::default();
    for (column, cell) in columns.iter().zip(cells) {
        if !set(&mut line, column, &cell.into())? {
            return Ok(None);
        }
    }
    Ok(Some(line))
}

/// Sets what a column has of an account. `false` comes back if the account was deleted.
pub(super) fn set(line: &mut Line, column: &Column, value: &Value) -> Result<bool, String> {
    let has_something = || !matches!(value, Value::Null | Value::Bool(false)) && value.as_str() != Some("");
    match column {
        // Django's mark for an account without a password.
        Column::Member(name) if name == "password_hash" && value.as_str().is_some_and(is_unusable) => {}
        Column::Member(name) => {
            line.set(name, value)?;
        }
        Column::Profile(name) => line.set_profile(name, text(&format!("profile member {name}"), value)?)?,
        Column::Username => line.set_username(text("username", value)?),
        Column::Date => {
            if let Some(date) = text("created", value)? {
                let seconds = seconds(&date).ok_or("created: a date is expected, as 2026-11-21 10:00:00")?;
                line.set("created", &seconds.into())?;
            }
        }
        Column::Barred if has_something() => {
            line.set("status", &false.into())?;
        }
        Column::Deleted if has_something() => return Ok(false),
        Column::BarredUntil => {
            let until = text("status", value)?;
            // A date that cannot be read, as `infinity`, is no end.
            if until.is_some_and(|until| seconds(&until).is_none_or(|until| until > machine::now().seconds())) {
                line.set("status", &false.into())?;
            }
        }
        Column::Barred | Column::Deleted | Column::Skipped => {}
    }
    Ok(true)
}

/// Django writes `!` and forty letters and digits.
fn is_unusable(hash: &str) -> bool {
    hash.strip_prefix('!').is_some_and(|rest| rest.len() == 40 && rest.bytes().all(|byte| byte.is_ascii_alphanumeric()))
}

/// A date as databases write them: `2026-11-21 10:00:00.123+00`, without a zone UTC.
fn seconds(date: &str) -> Option<u64> {
    let mut date = date.trim().trim_end_matches(" UTC").replacen(' ', "T", 1);
    let (day, time) = date.split_at_checked(10)?;
    if time.is_empty() {
        date.push_str("T00:00:00Z");
    } else if !time.ends_with('Z') {
        match time.rfind(['+', '-']).map(|at| time.len() - at) {
            None => date.push('Z'),
            Some(3) => date.push_str(":00"),
            Some(5) => date.insert(day.len() + time.len() - 2, ':'),
            Some(_) => {}
        }
    }
    u64::try_from(DateTime::from_str(&date, Format::DateTimeWithOffset).ok()?.secs()).ok()
}

impl Reading {
    /// Whether it names columns or members.
    pub(super) fn renames(&self) -> bool {
        !self.map.is_empty() || !self.skip.is_empty()
    }

    /// What each column of a head is.
    pub(super) fn columns(&self, head: &[String]) -> Result<Vec<Column>, Failure> {
        let names: Vec<String> = head.iter().map(|name| name.to_lowercase()).collect();
        if let Some(at) = names.iter().position(|name| name.chars().any(is_unseen)) {
            return Err(Failure::new(
                format!("the name of column {} has a control or format character", at + 1),
                "check the first line, and that lines end with a line feed",
            ));
        }
        for (at, name) in names.iter().enumerate().filter(|(_, name)| !name.is_empty()) {
            if names.iter().take(at).any(|before| before == name) {
                return Err(Failure::new(
                    format!("the head of the file has the column {name} twice"),
                    "name each column once; their case makes no difference",
                ));
            }
        }
        for column in self.map.iter().map(|(_, column)| column).chain(&self.skip) {
            if !names.contains(&column.to_lowercase()) {
                return Err(Failure::new(
                    format!("the head of the file has no column {column}"),
                    "check --map and --skip",
                ));
            }
        }
        let columns: Vec<Column> = head.iter().map(|name| self.column(name)).collect::<Result<_, _>>()?;
        let set: Vec<&String> = columns.iter().filter_map(Column::name).collect();
        if !set.iter().any(|name| *name == "email") {
            return Err(Failure::new(
                "the head of the file has no column email",
                "name the columns in the first line: email,name,password_hash, and any others; or say --map email=COLUMN",
            ));
        }
        if let Some((_, twice)) = set.iter().enumerate().find(|(at, name)| set.iter().take(*at).any(|one| one == *name))
        {
            return Err(Failure::new(format!("two columns are {twice}"), "leave one out with --skip"));
        }
        Ok(columns)
    }

    fn column(&self, name: &str) -> Result<Column, Failure> {
        let lower = name.to_lowercase();
        if let Some((member, _)) = self.map.iter().find(|(_, column)| column.to_lowercase() == lower) {
            return match MEMBERS.iter().find(|known| **known == member.to_lowercase()) {
                Some(known) => Ok(Column::Member((*known).to_owned())),
                None if OF_JSON_ALONE.contains(&&*member.to_lowercase()) => Err(not_in_csv(member)),
                None if names_a_secret(name) || names_a_secret(member) => Err(secret(name)),
                None => Ok(Column::Profile(member.clone())),
            };
        }
        if name.is_empty() || self.skip.iter().any(|skipped| skipped.to_lowercase() == lower) {
            return Ok(Column::Skipped);
        }
        if let Some(system) = self.from {
            return Ok(system.column(&lower));
        }
        if MEMBERS.contains(&lower.as_str()) {
            return Ok(Column::Member(lower));
        }
        if OF_JSON_ALONE.contains(&&*lower) {
            return Err(not_in_csv(&lower));
        }
        if names_a_secret(name) {
            return Err(secret(name));
        }
        // Names that a profile cannot have are refused here, and not once for each line.
        Line::default().set_profile(&lower, Some("-".to_owned())).map_err(|error| {
            Failure::new(format!("the head of the file: {error}"), "leave the column out with --skip")
        })?;
        Ok(Column::Profile(lower))
    }

    /// The account of a JSON object; nothing if it was deleted, or is none.
    pub(super) fn object(&self, object: &Object) -> Result<Option<Line>, String> {
        if let Some(system) = self.from {
            return system.line(object);
        }
        let mut line = Line::default();
        let mut seen: Vec<&str> = Vec::new();
        for (name, value) in object.iter().filter(|(name, _)| !self.skip.contains(name)) {
            let mapped = self.map.iter().find(|(_, column)| column == name).map(|(member, _)| member.as_str());
            let member = mapped.unwrap_or(name);
            if seen.contains(&member) {
                return Err(format!("two members are {member}: leave one out with --skip"));
            }
            seen.push(member);
            let is_known = line.set(member, value)?;
            if !is_known && mapped.is_some() && !names_a_secret(name) {
                line.set_profile(member, text(member, value)?)?;
            } else if !is_known {
                return Err(format!("unknown member {name}: put it into profile, or leave it out with --skip"));
            }
        }
        Ok(Some(line))
    }
}

fn not_in_csv(member: &str) -> Failure {
    Failure::new(
        format!("{} do not fit into CSV", if member == "access_keys" { "access keys" } else { "second factors" }),
        "leave the column out with --skip, or import JSON as `jea-auth user export` writes it",
    )
}

fn secret(name: &str) -> Failure {
    Failure::new(
        format!("the column {name} is a secret by its name, and what is no column of an account becomes public"),
        "say --map password_hash=COLUMN if it holds the hashes, and leave others out with --skip",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_read_as_databases_write_them() {
        for date in [
            "2026-11-21T10:00:00Z",
            "2026-11-21 10:00:00",
            "2026-11-21 10:00:00.123456",
            "2026-11-21 11:00:00+01",
            "2026-11-21 10:00:00.123456+00",
            "2026-11-21T05:00:00-05:00",
            "2026-11-21 10:00:00 UTC",
            "2026-11-21T11:00:00+0100",
            "2026-11-21T10:00:00.000Z",
        ] {
            assert_eq!(seconds(date), Some(1_795_255_200), "{date}");
        }
        assert_eq!(seconds("2026-11-21"), Some(1_795_219_200));
        for none in ["", "yesterday", "21.11.2026", "1795255200", "1969-01-01 00:00:00"] {
            assert_eq!(seconds(none), None, "{none}");
        }
    }
}
