//! Accounts in a file: CSV with a head, or one JSON object a line. Read line by line, so that memory does not grow with
//! the file.

use std::{
    collections::BTreeMap,
    fs::File,
    io::{BufRead, BufReader},
    path::Path,
};

use serde::{Deserialize, Serialize};

use super::Failure;
use crate::{
    account::{Account, Email, Status, label},
    app,
    operations::id,
    password::PasswordHash,
    store::ADDED_AT_ONCE,
    time::Timestamp,
};

/// Longest line, in bytes: with every letter escaped, an account of the most that it may have.
const LINE_MAX_BYTES: usize = 400_000;
/// The most that an account may have, in bytes of its texts: so that as many as are added at once fit into the 4 MB of a
/// DynamoDB transaction.
const ACCOUNT_MAX_BYTES: usize = 3_000_000 / ADDED_AT_ONCE;

/// One account as it stands in a file.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Line {
    email: String,
    name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    role: Option<String>,
    password_hash: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    status: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    sub: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    created: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    generation: Option<u64>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    profile: BTreeMap<String, String>,
}

impl Line {
    /// An account with all that is stored of it.
    pub(super) fn of(account: &Account) -> Self {
        Self {
            email: account.registered_email.clone(),
            name: account.name.clone(),
            role: account.role.clone(),
            password_hash: account.password_hash.as_str().to_owned(),
            status: Some(account.status.name().to_owned()),
            sub: Some(account.sub.clone()),
            created: Some(account.created.seconds()),
            generation: Some(account.generation),
            profile: account.profile.clone(),
        }
    }

    /// The account, or what is wrong with the line. What is not there gets the value of a new account.
    fn account(self) -> Result<Account, String> {
        let email = Email::parse(&self.email).map_err(|error| error.to_string())?;
        let password_hash =
            PasswordHash::parse(&self.password_hash).map_err(|error| format!("password_hash is {error}"))?;
        let status = match self.status.as_deref() {
            None | Some("") => Status::Active,
            Some(name) => Status::named(name).ok_or("status is neither active nor disabled")?,
        };
        let texts = [&self.email, &self.name, &self.password_hash].into_iter().chain(&self.role).chain(&self.sub);
        let texts = texts.chain(self.profile.iter().flat_map(|(name, value)| [name, value]));
        if texts.map(String::len).sum::<usize>() > ACCOUNT_MAX_BYTES {
            return Err(format!("its texts have more than {ACCOUNT_MAX_BYTES} bytes"));
        }
        let named = |what: &str, text: &str| label(text).map_err(|error| format!("{what}: {error}"));
        Ok(Account {
            email,
            registered_email: self.email.trim().to_owned(),
            sub: self.sub.filter(|sub| !sub.is_empty()).unwrap_or_else(|| id(&app::random())),
            name: named("name", &self.name)?,
            role: self.role.filter(|role| !role.is_empty()).map(|role| named("role", &role)).transpose()?,
            status,
            password_hash,
            created: self.created.map_or_else(app::now, Timestamp::from_seconds),
            generation: self.generation.unwrap_or_default(),
            profile: self.profile,
        })
    }
}

/// An account, or why its line is none, with the line's number.
pub(super) type Numbered = (u64, Result<Account, String>);

/// Reads a file.
pub(super) fn read(file: &Path) -> Result<Box<dyn Iterator<Item = Result<Numbered, Failure>>>, Failure> {
    let open = || {
        File::open(file)
            .map_err(|error| Failure::new(format!("cannot read {}: {error}", file.display()), "check its name"))
    };
    match file.extension().and_then(|ending| ending.to_str()) {
        Some("csv") => csv_lines(open()?),
        Some("jsonl" | "ndjson") => Ok(json_lines(open()?)),
        Some(_) | None => Err(Failure::new(
            format!("{} is neither CSV nor JSON lines by its name", file.display()),
            "give it the ending .csv or .jsonl",
        )),
    }
}

fn json_lines(file: File) -> Box<dyn Iterator<Item = Result<Numbered, Failure>>> {
    let mut reader = BufReader::new(file);
    let mut number = 0;
    Box::new(std::iter::from_fn(move || {
        loop {
            let mut line = Vec::new();
            match std::io::Read::take(&mut reader, LINE_MAX_BYTES as u64 + 1).read_until(b'\n', &mut line) {
                Ok(0) => return None,
                Ok(_) => {}
                Err(error) => return Some(Err(error.into())),
            }
            number += 1;
            if line.len() > LINE_MAX_BYTES {
                return Some(Err(Failure::new(format!("line {number} is longer than any account"), "check the file")));
            }
            if !line.trim_ascii().is_empty() {
                let parsed = serde_json::from_slice::<Line>(&line).map_err(|error| without_position(&error));
                return Some(Ok((number, parsed.and_then(Line::account))));
            }
        }
    }))
}

/// serde's message without its "at line 1 column 17": the line is ours to tell.
fn without_position(error: &serde_json::Error) -> String {
    let message = error.to_string();
    message.split(" at line ").next().unwrap_or_default().to_owned()
}

fn csv_lines(file: File) -> Result<Box<dyn Iterator<Item = Result<Numbered, Failure>>>, Failure> {
    let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(file);
    let head: Vec<String> = reader.headers()?.iter().map(str::to_owned).collect();
    for needed in ["email", "name", "password_hash"] {
        if !head.iter().any(|column| column == needed) {
            return Err(Failure::new(
                format!("the head of the file has no column {needed}"),
                "name the columns in the first line: email,name,password_hash, and any others",
            ));
        }
    }
    Ok(Box::new(reader.into_records().map(move |record| match record {
        Ok(record) => {
            let number = record.position().map_or(0, csv::Position::line);
            Ok((number, csv_line(&head, &record).and_then(Line::account)))
        }
        Err(error) => {
            let number = error.position().map_or(0, csv::Position::line);
            Ok((number, Err("not the number of columns that the head has, or not UTF-8".to_owned())))
        }
    })))
}

/// Columns of unknown names are profile members; empty cells are not there.
fn csv_line(head: &[String], record: &csv::StringRecord) -> Result<Line, String> {
    let mut line = Line {
        email: String::new(),
        name: String::new(),
        role: None,
        password_hash: String::new(),
        status: None,
        sub: None,
        created: None,
        generation: None,
        profile: BTreeMap::new(),
    };
    let number = |name: &str, cell: &str| cell.parse().map_err(|_| format!("{name} is not a number"));
    for (column, cell) in head.iter().zip(record).filter(|(_, cell)| !cell.is_empty()) {
        match column.as_str() {
            "email" => cell.clone_into(&mut line.email),
            "name" => cell.clone_into(&mut line.name),
            "password_hash" => cell.clone_into(&mut line.password_hash),
            "role" => line.role = Some(cell.to_owned()),
            "status" => line.status = Some(cell.to_owned()),
            "sub" => line.sub = Some(cell.to_owned()),
            "created" => line.created = Some(number("created", cell)?),
            "generation" => line.generation = Some(number("generation", cell)?),
            _ => drop(line.profile.insert(column.clone(), cell.to_owned())),
        }
    }
    Ok(line)
}
