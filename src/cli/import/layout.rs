//! What a column of CSV or a member of a JSON object is, and how it is set.

use serde_json::Value;

use super::state::{self, Sense, is_nothing, is_zero_date, seconds};
use crate::{
    cli::roster::{Line, Standing, text},
    platform::machine,
};

/// What a column is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Column {
    /// One of the members of an account.
    Member(String),
    /// A member of the profile.
    Profile(String),
    /// When the account was made, as a date.
    Date,
    /// A name, where no column is the name itself.
    FullName,
    /// JSON that may have a name in it.
    Names,
    /// A name to fall back on.
    Username,
    /// Whether the account may log on.
    State(Sense),
    /// If there is nothing in it, nobody has proved that the address is the account's.
    Proved,
    /// Who lets the account in: `credential` is its password.
    Provider,
    /// The salt of the hash, where it is not in it.
    Salt,
    /// The secret of a second factor, in base32.
    TotpSecret,
    /// Whether that factor is on.
    TotpOn,
    /// Left out.
    Skipped,
}

impl Column {
    /// The column that `--map` names `member`, where it is no member of an account or profile.
    pub(super) fn named(member: &str) -> Option<Self> {
        match member {
            "username" => Some(Self::Username),
            "salt" => Some(Self::Salt),
            "totp_secret" => Some(Self::TotpSecret),
            "totp_on" => Some(Self::TotpOn),
            // A word or a number for it is a member of each account, which may be left empty there.
            "status" => Some(Self::State(Sense::Status)),
            _ => Sense::named(member).map(Self::State),
        }
    }

    /// Which member of an account or of its profile it sets.
    pub(super) fn name(&self) -> Option<&str> {
        match self {
            Self::Member(name) | Self::Profile(name) => Some(name),
            Self::Salt => Some("salt"),
            Self::TotpSecret => Some("totp_secret"),
            Self::TotpOn => Some("totp_on"),
            Self::Date => Some("created"),
            // Several may say that somebody is kept out, and of several names the first is taken.
            Self::State(_)
            | Self::Proved
            | Self::Provider
            | Self::FullName
            | Self::Names
            | Self::Username
            | Self::Skipped => None,
        }
    }
}

/// Whether a member is what a person is called, as other systems name it.
pub(super) fn is_full_name(name: &str) -> bool {
    matches!(name.to_lowercase().replace(['_', '-', ' '], "").as_str(), "fullname" | "displayname")
}

/// The account of a row.
pub(super) fn row(columns: &[Column], mut cells: Vec<String>) -> Result<Line, String> {
    while cells.len() > columns.len() && cells.last().is_some_and(String::is_empty) {
        cells.pop();
    }
    if cells.len() != columns.len() {
        return Err(format!("it has {} cells, and the head has {}", cells.len(), columns.len()));
    }
    let mut line = Line::default();
    for (column, cell) in columns.iter().zip(cells).filter(|(column, _)| **column != Column::Skipped) {
        set(&mut line, column, &cell.into())?;
    }
    Ok(line)
}

/// Sets what a column has of an account.
pub(super) fn set(line: &mut Line, column: &Column, value: &Value) -> Result<(), String> {
    let told = &mut line.told;
    match column {
        Column::Member(name) => {
            line.set(name, value)?;
        }
        Column::Profile(name) => line.set_profile(name, text(&format!("profile member {name}"), value)?)?,
        Column::FullName => {
            let name = text("name", value)?;
            told.full_name = told.full_name.take().or(name);
        }
        Column::Names => {
            let members: Option<Value> = value.as_str().and_then(|text| serde_json::from_str(text).ok());
            let name = |member: &str| members.as_ref()?.get(member)?.as_str().map(str::to_owned);
            let name = ["name", "full_name", "display_name"].into_iter().find_map(name);
            told.full_name = told.full_name.take().or(name);
        }
        Column::Username => {
            let name = text("username", value)?;
            told.username = told.username.take().or(name);
        }
        Column::Date => {
            let date = if value.is_number() { Some(value.to_string()) } else { text("created", value)? };
            if let Some(date) = date.filter(|date| !is_zero_date(date)) {
                let seconds = seconds(&date).ok_or("created: a date is expected, as 2026-11-21 10:00:00")?;
                line.set("created", &seconds.into())?;
            }
        }
        Column::State(sense) => told_state(line, *sense, value)?,
        Column::Proved => told.is_unproved |= is_nothing(value),
        Column::Provider => {
            let provider = text("providerId", value)?;
            if provider.is_some_and(|provider| provider != "credential") {
                told.standing = told.standing.max(Standing::Elsewhere);
            }
        }
        Column::Salt => told.salt = text("salt", value)?,
        Column::TotpSecret => told.totp_secret = text("totp_secret", value)?,
        Column::TotpOn => told.totp_on = !is_nothing(value),
        Column::Skipped => {}
    }
    Ok(())
}

/// What bars stays: no other column lets in whom one keeps out.
fn told_state(line: &mut Line, sense: Sense, value: &Value) -> Result<(), String> {
    let is_barred = match sense {
        Sense::Status => !state::word(value).ok_or(
            "status: a word for whether somebody may log on is expected, as active or disabled, 1 or 0, true or false: mend it, \
             or leave the column out with --skip",
        )?,
        Sense::Permitted => is_nothing(value),
        Sense::Barred | Sense::Deleted => !is_nothing(value),
        Sense::BarredUntil if is_nothing(value) => false,
        Sense::BarredUntil => {
            let until = if value.is_number() { value.to_string() } else { value.as_str().unwrap_or_default().to_owned() };
            // A date that cannot be read, as `infinity`, is no end.
            seconds(&until).is_none_or(|until| until > machine::now().seconds())
        }
    };
    if is_barred {
        let standing = if sense == Sense::Deleted { Standing::Deleted } else { Standing::Barred };
        line.told.standing = line.told.standing.max(standing);
    }
    Ok(())
}
