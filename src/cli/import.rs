//! `jea-auth user import`: accounts from a file.

mod csv;
pub(super) mod hash;
mod json;
mod layout;
mod source;
mod system;

use std::{
    collections::{BTreeSet, HashMap},
    io::{self, IsTerminal, Write},
    path::Path,
};

use serde::Serialize;

use super::{
    Failure, Target, output,
    roster::{Line, OpenFactor, sealing_secret},
};
use crate::{
    causes::Causes,
    domain::{
        account::{Account, Email, is_unseen},
        ids::AccountId,
    },
    platform::{
        machine,
        store::{ADDED_AT_ONCE, Added, Store},
    },
};

pub(super) use layout::Reading;
use source::Source;
use system::System;

pub(super) const HELP: &str = "\
A line has email and name; it may have password_hash, role, status (active or disabled, 1 or 0, true or false), sub, created
(seconds since 1970) and members of a profile: any other column in CSV, the object \"profile\" in JSON. Names and roles
have at most 256 bytes and no control characters, all texts of an account together at most 60,000. A profile is public to
its owner's clients: columns that name a secret are refused.

A line of JSON may have access keys as well, as `user export` writes them: \"access_keys\" is an object of ids, each with name,
sha256 (of the key's secret), created, expires and perhaps last_used. They go on opening sessions; to leave them behind, say
--skip access_keys. CSV has no place for them.

With --with-factors second factors come along that the file has in clear, as `user export --with-factors` writes them:
\"second_factor\" is an object of secret (base32), last_step and recovery_codes (their SHA-256). Without it they are left out, and
counted, and those accounts need no code. For it you need kms:Decrypt on the stack's key.

CSV has its columns' names in its first line, in any case; the separator is , or ; or a tab. JSON is one object a line, or
an array. Both are UTF-8, or UTF-16 by its byte order mark. Accounts of stdin are read with the file name -.

Hashes: Argon2, bcrypt ($2a$, $2b$, $2y$), scrypt and PBKDF2 (SHA-1, SHA-256, SHA-512), in PHC or modular-crypt form, and as
ASP.NET Identity, Atlassian, Django, Keycloak, LDAP, Spring and Werkzeug spell them. At the first log-on each that is
weaker is replaced by Argon2id. An account without a hash cannot log on until `user passwd` gives it a password.

With --from a system's own export is read: email, hash, name and whether the account may log on, and nothing else. Roles and
ids stay behind, and deleted accounts too. Hashes of Devise with a pepper fit no password.

All lines are checked before any account is added. An account that is there already stays as it is, so a file can be
imported again after an interruption. Progress and bad lines go to stderr.

Examples:
  jea-auth user import users.csv --map email=mail,name=display_name --dry-run
  jea-auth user import realm.json --from keycloak";

/// Longest line, in bytes: with every letter escaped, an account of the most that it may have.
const LINE_MAX_BYTES: usize = 400_000;
/// How many bad lines are told one by one.
const TOLD_MAX: u64 = 100;

/// What a line holds, or what is wrong with it, with its number.
type Numbered<T> = (u64, Result<T, String>);

/// What is read of a file, line by line, until it cannot be read.
type Lines<'a, T> = Box<dyn Iterator<Item = Result<Numbered<T>, Failure>> + 'a>;

/// What came of an import.
#[derive(Serialize)]
struct Summary {
    lines: u64,
    added: u64,
    /// Nothing if it was not looked at.
    already_there: Option<u64>,
    without_password: u64,
    bad: u64,
}

const COLUMNS: [&str; 5] = ["lines", "added", "already_there", "without_password", "bad"];

/// What is known of the accounts in a file. Memory grows by their emails and ids alone.
#[derive(Default)]
struct Checked {
    lines: u64,
    bad: u64,
    without_password: u64,
    emails: HashMap<Email, u64>,
    /// How many of the emails get no mails, and the first of them.
    unmailable: u64,
    first_unmailable: Option<Email>,
    /// Ids that the file brings, and where.
    subs: HashMap<AccountId, (u64, Email)>,
    /// Names of members of profiles.
    profile: BTreeSet<String>,
    access_keys: usize,
    factors: usize,
}

pub(super) async fn run(file: &Path, reading: &Reading, dry_run: bool, target: &Target) -> Result<(), Failure> {
    let source = Source::open(file)?;
    let mut checked = Checked::default();
    for numbered in lines(file, &source, reading)? {
        let (number, line) = numbered?;
        checked.check(number, line);
    }
    let mut already_there = None;
    if dry_run || (checked.bad == 0 && !checked.subs.is_empty()) {
        let store = target.connect().await.stack.store;
        match checked.compare(&store).await {
            Ok(number) => already_there = Some(number),
            Err(error) if dry_run => output::note(&format!(
                "not checked: whether accounts or ids are there already, because the table cannot be read: {}",
                Causes(&error)
            )),
            Err(error) => return Err(target.unreachable(error)),
        }
    }
    if let Some(first) = &checked.first_unmailable {
        let emails = output::count(checked.unmailable, "email");
        output::note(&format!("warning: {emails} to which no mail can be sent, {} first", first.as_str()));
    }
    let Checked { lines, bad, without_password, factors, .. } = checked;
    let mut summary = Summary { lines, added: 0, already_there, without_password, bad };
    if dry_run {
        checked.tell_dry_run();
    } else if bad == 0 {
        summary.already_there = Some(0);
        add(file, &source, reading, &mut summary, target).await?;
    }
    if factors > 0 && !reading.with_factors {
        output::note(&format!("second factors left out: {factors}; with --with-factors they come along"));
    }
    if without_password > 0 {
        output::note(&target.said(&format!(
            "accounts without a hash: {without_password}; nobody can log on to them before `jea-auth user passwd` sets a password"
        )));
    }
    output::rows(&[&summary], &COLUMNS, target.json)?;
    if bad > 0 {
        return Err(Failure::new(
            format!("{bad} of {} {} bad", output::count(lines, "line"), if bad == 1 { "is" } else { "are" }),
            "nothing was added; mend them and import again",
        ));
    }
    Ok(())
}

impl Checked {
    fn check(&mut self, number: u64, line: Result<Read, String>) {
        self.lines += 1;
        let unique = line.and_then(|Read { account, has_sub, factor }| match self.emails.get(&account.email) {
            Some(first) => Err(format!("email: the same as in line {first}")),
            None => match self.subs.get(&account.sub) {
                Some((first, _)) => Err(format!("sub: the same as in line {first}")),
                None => Ok((account, has_sub, factor.is_some())),
            },
        });
        match unique {
            Ok((account, has_sub, has_factor)) => {
                self.factors += usize::from(has_factor);
                self.without_password += u64::from(account.password_hash.is_none());
                if !account.email.can_be_mailed() {
                    self.unmailable += 1;
                    self.first_unmailable.get_or_insert_with(|| account.email.clone());
                }
                self.emails.insert(account.email.clone(), number);
                if has_sub {
                    self.subs.insert(account.sub, (number, account.email));
                }
                self.profile.extend(account.profile.into_keys());
                self.access_keys += account.access_keys.len();
            }
            Err(reason) => self.tell(number, &reason),
        }
    }

    fn tell(&mut self, number: u64, reason: &str) {
        self.bad += 1;
        if self.bad <= TOLD_MAX {
            // What a file calls its members must not move the terminal's cursor.
            let reason: String = reason.chars().map(|c| if is_unseen(c) { '\u{fffd}' } else { c }).collect();
            output::note(&format!("line {number}: {reason}"));
        } else if self.bad == TOLD_MAX + 1 {
            output::note("and more");
        }
    }

    /// How many of the accounts are there already. An id that another account has is told: the two would share their
    /// sessions. Malformed items are passed over, and two imports that run at once are not told of each other.
    async fn compare(&mut self, store: &Store) -> Result<u64, crate::platform::store::StoreError> {
        let mut already_there = 0;
        let mut pages = store.accounts();
        while let Some(page) = pages.next().await? {
            for account in page.into_iter().flatten() {
                already_there += u64::from(self.emails.contains_key(&account.email));
                if let Some((number, email)) = self.subs.get(&account.sub)
                    && *email != account.email
                {
                    self.tell(*number, &format!("sub: {} has it already", account.email.as_str()));
                }
            }
        }
        Ok(already_there)
    }

    fn tell_dry_run(&self) {
        let names: Vec<&str> = self.profile.iter().map(String::as_str).collect();
        output::note(&match names.as_slice() {
            [] => "nothing becomes a member of a profile".to_owned(),
            names => {
                format!("members of a profile, which every client of an account's owner sees: {}", names.join(", "))
            }
        });
        if self.access_keys > 0 {
            let keys = output::count(self.access_keys, "access key");
            output::note(&format!("{keys} come along, and whoever has one can log on with it until it expires"));
        }
        output::note(
            "not checked: whether a hash is that of its owner's password, and what others add or change meanwhile",
        );
    }
}

/// An account, whether the file brings its id, and its second factor, which is not sealed yet.
struct Read {
    account: Account,
    has_sub: bool,
    factor: Option<OpenFactor>,
}

/// The accounts of a file, line by line.
fn lines<'a>(file: &Path, source: &Source<'_>, reading: &'a Reading) -> Result<Lines<'a, Read>, Failure> {
    let mut reader = source.reader()?;
    let first = reader.fill_buf()?.trim_ascii_start().first().copied();
    let is_json = is_json(file, first)?;
    if reading.from.and_then(System::is_json).is_some_and(|expected| expected != is_json) {
        let form = if is_json { "CSV" } else { "JSON" };
        return Err(Failure::new(format!("the export of that system is {form}"), "check the file and --from"));
    }
    if is_json && reading.from.is_some() && reading.renames() {
        return Err(Failure::new("--map and --skip are not for an export in JSON", "leave them out, or --from"));
    }
    let lines: Lines<Option<Line>> = if is_json {
        let objects: Lines<json::Object> = match (first, reading.from) {
            (_, Some(System::Keycloak)) => Box::new(json::Elements::new(reader, Some("users"))?),
            (Some(b'['), _) => Box::new(json::Elements::new(reader, None)?),
            _ => Box::new(json::lines(reader)),
        };
        Box::new(objects.map(|numbered| {
            numbered.map(|(number, object)| (number, object.and_then(|object| reading.object(&object))))
        }))
    } else {
        let mut rows = csv::Rows::new(reader)?;
        let head = rows.next_row().transpose()?.map_or(Ok(Vec::new()), |(_, head)| head);
        let head = head.map_err(|reason| Failure::new(format!("the head of the file: {reason}"), "check the file"))?;
        let columns = reading.columns(&head)?;
        Box::new(std::iter::from_fn(move || rows.next_row()).map(move |numbered| {
            numbered.map(|(number, cells)| (number, cells.and_then(|cells| layout::row(&columns, cells))))
        }))
    };
    // What was deleted there is not there.
    let lines = lines.filter_map(|numbered| match numbered {
        Ok((number, line)) => line.transpose().map(|line| Ok((number, line))),
        Err(failure) => Some(Err(failure)),
    });
    let account = |mut line: Line| {
        let (has_sub, factor) = (line.has_sub(), line.second_factor.take());
        line.account(reading.name_from_email).map(|account| Read { account, has_sub, factor })
    };
    Ok(Box::new(lines.map(move |numbered| numbered.map(|(number, line)| (number, line.and_then(account))))))
}

/// Whether a file is JSON by its name, or stdin by its first byte.
fn is_json(file: &Path, first: Option<u8>) -> Result<bool, Failure> {
    let ending = file.extension().and_then(|ending| ending.to_str()).map(str::to_lowercase);
    match ending.as_deref() {
        Some("csv" | "tsv") => Ok(false),
        Some("json" | "jsonl" | "ndjson") => Ok(true),
        None if file.as_os_str() == "-" => Ok(matches!(first, Some(b'[' | b'{'))),
        _ => Err(Failure::new(
            format!("{} is neither CSV nor JSON by its name", file.display()),
            "give it the ending .csv or .jsonl, or .json if it is an array",
        )),
    }
}

async fn add(
    file: &Path,
    source: &Source<'_>,
    reading: &Reading,
    summary: &mut Summary,
    target: &Target,
) -> Result<(), Failure> {
    let stack = target.connect().await.stack;
    let secret = if reading.with_factors { Some(sealing_secret(&stack).await?) } else { None };
    let store = stack.store;
    let mut batch: Vec<Account> = Vec::with_capacity(ADDED_AT_ONCE);
    for numbered in lines(file, source, reading)? {
        let (number, line) = numbered?;
        let Read { mut account, factor, .. } = line.map_err(|reason| {
            Failure::new(format!("line {number} has changed: {reason}"), "import again when nobody writes the file")
        })?;
        if let (Some(factor), Some(secret)) = (factor, &secret) {
            account.factor = factor.sealed(&account.sub, secret, machine::random());
            if account.factor.is_none() {
                return Err(Failure::new("a second factor could not be sealed", "import again"));
            }
        }
        // A transaction takes no two writes of one item: the file may have changed.
        if batch.len() == ADDED_AT_ONCE || batch.iter().any(|other| other.email == account.email) {
            flush(&store, &mut batch, summary, target).await?;
        }
        batch.push(account);
    }
    flush(&store, &mut batch, summary, target).await?;
    if io::stderr().is_terminal() {
        output::note("");
    }
    Ok(())
}

async fn flush(store: &Store, batch: &mut Vec<Account>, summary: &mut Summary, target: &Target) -> Result<(), Failure> {
    if batch.is_empty() {
        return Ok(());
    }
    let results = store.add_accounts(batch).await.map_err(|error| target.unreachable(error))?;
    for result in results {
        match result {
            Added::Added => summary.added += 1,
            Added::Exists => *summary.already_there.get_or_insert(0) += 1,
        }
    }
    batch.clear();
    if io::stderr().is_terminal() {
        // A line that is written over is of use to a person alone.
        let done = summary.added + summary.already_there.unwrap_or_default();
        let _ = write!(io::stderr().lock(), "\r{done} of {} lines", summary.lines);
    }
    Ok(())
}
