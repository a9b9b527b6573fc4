//! How a file is read: as `--map`, `--skip` and `--from` say, or as its columns and members are named.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::{
    Failure,
    json::{Object, at},
    layout::{Column, is_full_name, set},
    source::Encoding,
    state::{Sense, sense},
    system::System,
};
use crate::{
    cli::roster::{Line, MEMBERS, OF_JSON_ALONE, profile::names_a_secret},
    domain::account::is_unseen,
};

/// How a file is read.
#[derive(Args)]
pub(in crate::cli) struct Reading {
    /// Read a member from a column of another name, as in `email=mail,name=nick`; for JSON, from another member, and
    /// `a.b` is the member b of a. `status=COLUMN`, `disabled=COLUMN`, `disabled_until=COLUMN` and `deleted=COLUMN` say
    /// what a column means for whether somebody may log on
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
    /// What to do with an account whose hash cannot be taken: take it without the hash, or take nothing of the file
    #[arg(long, value_name = "WHAT", default_value = "refuse")]
    pub(super) unusable: Unusable,
    /// What to do with an account that has no email: leave it out, or take nothing of the file
    #[arg(long, value_name = "WHAT", default_value = "refuse")]
    pub(super) no_email: NoEmail,
    /// Take the hashes of accounts, too, whose owners have not proved their addresses to the old system
    #[arg(long)]
    pub(super) trust_emails: bool,
    /// What the bytes of the file are, if no byte order mark says it
    #[arg(long, value_name = "ENCODING", default_value = "utf-8")]
    pub(super) encoding: Encoding,
    /// The parameters of a Firebase project, copied from its console into a file
    #[arg(long, value_name = "FILE")]
    pub(super) hash_config: Option<PathBuf>,
    /// A file with the pepper of the old system's hashes; one line end at its end is no part of it
    #[arg(long, value_name = "FILE")]
    pub(super) pepper_file: Option<PathBuf>,
}

/// What to do with a hash that cannot be taken.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Unusable {
    Refuse,
    DropHash,
}

/// What to do with an account that has no email.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum NoEmail {
    Refuse,
    Skip,
}

fn pair(text: &str) -> Result<(String, String), String> {
    let pair = text.split_once('=').filter(|(member, column)| !member.trim().is_empty() && !column.trim().is_empty());
    let (member, column) = pair.ok_or("MEMBER=COLUMN is expected, as in email=mail")?;
    Ok((member.trim().to_owned(), column.trim().to_owned()))
}

impl Reading {
    /// What each column of a head is.
    pub(super) fn columns(&self, head: &[String]) -> Result<Vec<Column>, Failure> {
        let names: Vec<String> = head.iter().map(|name| name.to_lowercase()).collect();
        if let Some(at) = names.iter().position(|name| name.chars().any(is_unseen)) {
            return Err(Failure::new(
                format!("the name of column {} has a control or format character", at + 1),
                "check the first line, and that lines end with a line feed",
            ));
        }
        let is_repeated =
            |at: usize| names.get(at).is_some_and(|name| names.iter().take(at).any(|before| before == name));
        let twice = (0..names.len())
            .filter(|at| names.get(*at).is_some_and(|name| !name.is_empty()))
            .find(|at| is_repeated(*at));
        if let (Some(name), None) = (twice.and_then(|at| names.get(at)), self.from) {
            return Err(Failure::new(
                format!("the head of the file has the column {name} twice"),
                "name each column once; their case makes no difference",
            ));
        }
        for column in self.map.iter().map(|(_, column)| column).chain(&self.skip) {
            if !names.contains(&column.to_lowercase()) {
                return Err(Failure::new(
                    format!("the head of the file has no column {column}"),
                    "check --map and --skip",
                ));
            }
        }
        let mut columns: Vec<Column> = head.iter().map(|name| self.column(name)).collect::<Result<_, _>>()?;
        // Two tables that were joined have some names twice. What keeps somebody out counts wherever it stands.
        for (at, column) in columns.iter_mut().enumerate() {
            if is_repeated(at) && !matches!(column, Column::State(_)) {
                *column = Column::Skipped;
            }
        }
        self.check(&columns)?;
        // A full name is a name if there is no other; else it is of the profile, where no system is named.
        let has_name = columns.iter().any(|column| column.name() == Some("name"));
        for (column, name) in columns.iter_mut().zip(&names) {
            if *column == Column::FullName && has_name && self.from.is_none() {
                *column = Column::Profile(name.clone());
            }
        }
        Ok(columns)
    }

    fn check(&self, columns: &[Column]) -> Result<(), Failure> {
        let set: Vec<&str> = columns.iter().filter_map(Column::name).collect();
        if !set.contains(&"email") {
            return Err(Failure::new(
                "the head of the file has no column email",
                "name the columns in the first line: email,name,password_hash, and any others; or say --map email=COLUMN",
            ));
        }
        if let Some((_, twice)) = set.iter().enumerate().find(|(at, name)| set.iter().take(*at).any(|one| one == *name))
        {
            return Err(Failure::new(format!("two columns are {twice}"), "leave one out with --skip"));
        }
        let needs = |one: &str, other: &str| set.contains(&one) && !set.contains(&other);
        if self.from.is_none() && needs("totp_secret", "totp_on") {
            return Err(Failure::new(
                "a secret stands in a table as soon as a factor is begun, and the file does not say which are on",
                "say --map totp_on=COLUMN",
            ));
        }
        if self.from.is_some_and(System::tells_proof) && !columns.contains(&Column::Proved) && !self.trust_emails {
            return Err(Failure::new(
                "the head of the file has no column email_confirmed_at: without it nobody is known to have proved an address",
                "export it as well; or say --trust-emails if nobody could register with another's address",
            ));
        }
        Ok(())
    }

    fn column(&self, name: &str) -> Result<Column, Failure> {
        let lower = name.to_lowercase();
        if let Some((member, _)) = self.map.iter().find(|(_, column)| column.to_lowercase() == lower) {
            let column = self.mapped(member, name)?;
            return if OF_JSON_ALONE.contains(&member.to_lowercase().as_str()) {
                Err(not_in_csv(member))
            } else {
                Ok(column)
            };
        }
        if name.is_empty() || self.skip.iter().any(|skipped| skipped.to_lowercase() == lower) {
            return Ok(Column::Skipped);
        }
        if let Some(system) = self.from {
            return Ok(system.column(name));
        }
        if MEMBERS.contains(&lower.as_str()) {
            return Ok(Column::Member(lower));
        }
        if OF_JSON_ALONE.contains(&&*lower) {
            return Err(not_in_csv(&lower));
        }
        if is_full_name(name) {
            return Ok(Column::FullName);
        }
        if let Some(sense) = sense(name) {
            return Err(unsaid(name, sense));
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

    /// What a column or member is that `--map` names.
    fn mapped(&self, member: &str, name: &str) -> Result<Column, Failure> {
        let lower = member.to_lowercase();
        let is_state = self.from.is_none() && sense(name).is_some();
        match Column::named(&lower) {
            Some(column) => Ok(column),
            None if MEMBERS.contains(&lower.as_str()) || OF_JSON_ALONE.contains(&&*lower) => Ok(Column::Member(lower)),
            None if names_a_secret(name) || names_a_secret(member) => Err(secret(name)),
            None if is_state => Err(unsaid(name, sense(name).unwrap_or(Sense::Status))),
            None => Ok(Column::Profile(member.to_owned())),
        }
    }

    /// Whether a member of an object is left out.
    fn skips(&self, name: &str) -> bool {
        self.skip.iter().any(|skipped| skipped == name)
    }

    /// The account of a JSON object; nothing if it is no account of a person.
    pub(super) fn object(&self, object: &Object, verifies: Option<bool>) -> Result<Option<Line>, String> {
        let mut line = Line::default();
        let fields = match self.from {
            None => object,
            Some(system) => match system.line(object, &|name| self.skips(name), verifies, &mut line)? {
                Some(fields) => fields,
                None => return Ok(None),
            },
        };
        let mut seen: Vec<&str> = Vec::new();
        for (member, path) in &self.map {
            if seen.contains(&member.as_str()) && Sense::named(member).is_none() {
                return Err(format!("two members are {member}: leave one out with --skip"));
            }
            let Some(value) = at(fields, path) else { continue };
            let column = self.mapped(member, path).map_err(|failure| failure.cause.to_string())?;
            set(&mut line, &column, value)?;
            seen.push(member);
        }
        if self.from.is_some() {
            return Ok(Some(line));
        }
        let has_name = seen.contains(&"name") || object.contains_key("name");
        for (name, value) in object.iter().filter(|(name, _)| !self.skips(name)) {
            let is_mapped =
                |path: &String| path == name || (!object.contains_key(path) && path.split('.').next() == Some(name));
            if self.map.iter().any(|(_, path)| is_mapped(path)) {
                continue;
            }
            if seen.contains(&name.as_str()) {
                return Err(format!("two members are {name}: leave one out with --skip"));
            }
            if !line.set(name, value)? {
                if !is_full_name(name) || has_name {
                    return Err(unknown(name));
                }
                set(&mut line, &Column::FullName, value)?;
            }
        }
        Ok(Some(line))
    }
}

fn unknown(name: &str) -> String {
    let what = match sense(name) {
        Some(sense) => format!("say what it means with --map {}={name}", sense.member()),
        None => "put it into profile".to_owned(),
    };
    format!("unknown member {name}: {what}, or leave it out with --skip")
}

fn unsaid(name: &str, sense: Sense) -> Failure {
    let sense = sense.member();
    Failure::new(
        format!("the column {name} says by its name whether somebody may log on, and not what its values mean"),
        format!(
            "say --map {sense}={name}; status is for a word such as active, 1 or true, disabled for what keeps somebody out \
             if there is something in it, deleted for what leaves an account out; or --skip {name}"
        ),
    )
}

fn not_in_csv(member: &str) -> Failure {
    let what = match member {
        "access_keys" => "access keys",
        "passkeys" => "passkeys",
        _ => "second factors",
    };
    Failure::new(
        format!("{what} do not fit into CSV"),
        "leave the column out with --skip, or import JSON as `jea-auth user export` writes it",
    )
}

fn secret(name: &str) -> Failure {
    Failure::new(
        format!("the column {name} is a secret by its name, and what is no column of an account becomes public"),
        "say --map password_hash=COLUMN if it holds the hashes, and leave others out with --skip",
    )
}
