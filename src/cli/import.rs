//! `jea-auth user import`: accounts from a file.

mod adding;
mod checked;
mod csv;
mod entry;
mod file;
pub(super) mod hash;
mod json;
mod layout;
mod place;
mod reading;
mod source;
mod state;
mod system;

use std::path::Path;

use serde::Serialize;

use super::{Failure, Target, output};
use crate::causes::Causes;

use adding::Adding;
use checked::Checked;
use entry::Entry;
use file::{Bad, entries};
use hash::Secrets;
use place::Place;
pub(super) use reading::Reading;
use source::Source;

pub(super) const HELP: &str = "\
A line has email and name; it may have password_hash, role, status (active or disabled, 1 or 0, true or false), sub, created
(seconds since 1970), temporary_until (the same, if the password must be changed, for which it is good until then) and members of
a profile: any other column in CSV, the object \"profile\" in JSON. Names and roles have at most 256 bytes and no control
characters, all texts of an account together at most 60,000. A profile is public to its owner's clients: columns that name a
secret are refused.

A line of JSON may have access keys as well, as `user export` writes them: \"access_keys\" is an object of ids, each with name,
sha256 (of the key's secret), created, expires and perhaps last_used, read_only and end_told. They go on opening sessions; to leave
them behind, say --skip access_keys. CSV has no place for them. The same goes for \"passkeys\": an object of handle and keys, these by
their ids, each with name, public_key (a COSE_Key in base64url), rp_id, created, and perhaps last_used, sign_count and
backed_up. Passkeys work where the stack's issuer has the host that they were made for.

With --with-factors second factors come along that the file has in clear, as `user export --with-factors` writes them:
\"second_factor\" is an object of secret (base32), last_step and recovery_codes (their SHA-256). Without it they are left out, and
counted, and those accounts need no code. For it you need kms:Decrypt on the stack's key.

CSV has its columns' names in its first line, in any case; the separator is , or ; or a tab. JSON is one object a line, or
an array. Both are UTF-8, or UTF-16 by its byte order mark, or what --encoding says. Accounts of stdin are read with the file
name -. NULL, null, \\N, [NULL] and dates of zeros, without quotes, are no value.

A column that says by its name whether somebody may log on, as is_active or banned_at, stops the import until you say what it
means: --map status=COLUMN for a word, 1 or true, disabled=COLUMN or deleted=COLUMN where anything in it counts,
disabled_until=COLUMN for a date, permitted=COLUMN where nothing in it counts.

Hashes: Argon2, bcrypt ($2a$, $2b$, $2y$), scrypt, PBKDF2 (SHA-1, SHA-256, SHA-512), yescrypt and SCRAM,
in PHC or modular-crypt form, and as AdonisJS, ASP.NET Identity, Atlassian, better-auth, Django, Dovecot, Firebase, Galaxy, Keycloak, LDAP, MediaWiki,
Medusa, Nextcloud, Payload, Spring, Symfony, WordPress and Werkzeug spell them. Fast ones with a salt, of WordPress, phpBB,
Drupal, MediaWiki, LDAP and Unix, are put below Argon2id. At the first log-on each that is weaker is replaced by Argon2id. An
account without a hash cannot log on until `user passwd` gives it a password.

Some systems put a secret into every hash, which does not show: Flask-Security (SECURITY_PASSWORD_SALT), Devise and Synapse with a
pepper, and argon2 of Node with a secret. Without --pepper-file their hashes fit no password. With it, the secret is appended to
the password where the hash is bcrypt, and is the key of HMAC-SHA-512 where it is Argon2; nothing else is known. For Firebase
say --hash-config. These hashes are sealed, and you need kms:Decrypt on the stack's key.

With --from a system's own export is read: email, hash, name and whether the account may log on, and nothing else. Roles and
ids stay behind, and deleted accounts too, and hashes of addresses that nobody has proved.

All lines are checked before any account is added. An account that is there already stays as it is, so a file can be
imported again after an interruption. What is left out is counted by reason. Progress and bad lines go to stderr.

Examples:
  jea-auth user import users.csv --map email=mail,name=nick,status=is_active --dry-run
  jea-auth user import realm.json --from keycloak
  jea-auth user import users.json --from firebase --hash-config hash_config";

/// Longest line, in bytes: with every letter escaped, an account of the most that it may have.
const LINE_MAX_BYTES: usize = 400_000;
/// What stands at a place in a file, or what is wrong with its text.
type Placed<T> = (Place, Result<T, String>);

/// The same with the account that it is of.
type Told<T> = (Place, Result<T, Bad>);

/// What came of an import.
#[derive(Serialize)]
struct Summary {
    lines: u64,
    added: u64,
    /// Nothing if it was not looked at.
    already_there: Option<u64>,
    without_password: u64,
    left_out: u64,
    bad: u64,
}

const COLUMNS: [&str; 6] = ["lines", "added", "already_there", "without_password", "left_out", "bad"];

pub(super) async fn run(file: &Path, reading: &Reading, dry_run: bool, target: &Target) -> Result<(), Failure> {
    let secrets = Secrets::read(reading.hash_config.as_deref(), reading.pepper_file.as_deref())?;
    let source = Source::open(file)?;
    let mut checked = Checked::default();
    checked.needs_secret = reading.with_factors || secrets.are_there();
    for entry in entries(file, &source, reading, &secrets)? {
        checked.check(entry?);
    }
    let mut already_there = None;
    if dry_run || (checked.bad == 0 && checked.has_ids()) {
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
    let Checked { lines, bad, without_password, .. } = checked;
    let (left_out, accounts) = (checked.left_out.values().sum(), checked.accounts());
    let mut summary = Summary { lines, added: 0, already_there, without_password, left_out, bad };
    if dry_run {
        checked.tell_dry_run();
    } else if bad == 0 {
        summary.already_there = Some(0);
        checked.forget_who();
        let adding = Adding::start(target.connect().await.stack, &checked, target).await?;
        add(entries(file, &source, reading, &secrets)?, reading.with_factors, adding, &mut summary).await?;
    }
    checked.tell_what_stays_behind(reading.with_factors, target);
    output::rows(&[&summary], &COLUMNS, target.json)?;
    if bad > 0 {
        return Err(Failure::new(
            format!("{bad} of {} {} bad", output::count(lines, "line"), if bad == 1 { "is" } else { "are" }),
            "nothing was added; mend them and import again",
        ));
    }
    if accounts == 0 {
        return Err(Failure::new("no account came in", "check the file, and what was left out of it"));
    }
    Ok(())
}

async fn add(
    entries: impl Iterator<Item = Result<(Place, Result<Entry, Bad>), Failure>>,
    with_factors: bool,
    mut adding: Adding<'_>,
    summary: &mut Summary,
) -> Result<(), Failure> {
    for entry in entries {
        let (place, entry) = entry?;
        let entry = entry.map_err(|Bad { reason, .. }| {
            Failure::new(format!("{place} has changed: {reason}"), "import again when nobody writes the file")
        })?;
        if let Entry::Account(mut read) = entry {
            read.factor = read.factor.filter(|_| with_factors);
            adding.add(*read, summary).await?;
        }
    }
    adding.finish(summary).await
}
