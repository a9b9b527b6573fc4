//! What becomes of a line: an account, with or without its hash, or none; and why.

use super::{
    hash::{self, Imported, Secrets},
    reading::{NoEmail, Reading, Unusable},
};
use crate::{
    cli::roster::{Line, OpenFactor, Standing},
    domain::account::Account,
};

/// What becomes of a line.
pub(super) enum Entry {
    Account(Box<Read>),
    /// No account comes of it.
    LeftOut(LeftOut, Option<String>),
}

/// An account that comes in.
pub(super) struct Read {
    pub(super) account: Account,
    /// Whether the file brings its id.
    pub(super) has_sub: bool,
    /// Its hash, where that has something to be done to it before it is stored.
    pub(super) unfinished: Option<Imported>,
    /// Its second factor, which is not sealed yet.
    pub(super) factor: Option<OpenFactor>,
    /// Why its hash stays behind, if it does.
    pub(super) withheld: Option<Withheld>,
}

/// Why no account comes of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum LeftOut {
    /// It was deleted there.
    Deleted,
    /// It is a log-on by another service.
    Elsewhere,
    /// It has no email.
    NoEmail,
    /// It is of another model, or of a program.
    NoPerson,
}

impl LeftOut {
    pub(super) fn reason(self) -> &'static str {
        match self {
            Self::Deleted => "were deleted there",
            Self::Elsewhere => "are log-ons by other services",
            Self::NoEmail => "have no email",
            Self::NoPerson => "are no accounts of persons",
        }
    }
}

/// Why an account comes in without the hash that the file has of it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Withheld {
    /// Nobody has proved that the address is the owner's.
    Unproved,
    /// It is of a password that was to be changed first.
    Temporary,
    /// It cannot be taken, for this reason.
    Unusable(String),
}

impl Withheld {
    /// What is said of all of them together.
    pub(super) fn reason(&self) -> &'static str {
        match self {
            Self::Unproved => {
                "their owners have not proved their addresses, which an invitation or a link of `jea-auth user reset` does; \
                 --trust-emails takes the hashes"
            }
            Self::Temporary => "they are of passwords that were to be changed first",
            Self::Unusable(_) => "they cannot be taken",
        }
    }
}

impl Line {
    /// What becomes of it, or what is wrong with it.
    pub(super) fn entry(mut self, reading: &Reading, secrets: &Secrets) -> Result<Entry, String> {
        let who = self.who().map(str::to_owned);
        match self.told.standing {
            Standing::Deleted => return Ok(Entry::LeftOut(LeftOut::Deleted, who)),
            Standing::Elsewhere => return Ok(Entry::LeftOut(LeftOut::Elsewhere, who)),
            Standing::Open | Standing::Barred => {}
        }
        if self.email.trim().is_empty() {
            let skips = reading.no_email == NoEmail::Skip;
            let missing = "email is missing: say --no-email skip to leave such accounts out";
            return if skips { Ok(Entry::LeftOut(LeftOut::NoEmail, who)) } else { Err(missing.to_owned()) };
        }
        let (hash, withheld) = self.hash(reading, secrets)?;
        let (password_hash, unfinished) = match hash {
            Some(Imported::Kept(hash)) => (Some(hash), None),
            unfinished => (None, unfinished),
        };
        let has_sub = self.has_sub();
        let factor = self.factor()?;
        let account = self.account(password_hash, reading.name_from_email)?;
        Ok(Entry::Account(Box::new(Read { account, has_sub, unfinished, factor, withheld })))
    }

    /// The hash that comes in, or why none does though the file has one.
    fn hash(&mut self, reading: &Reading, secrets: &Secrets) -> Result<(Option<Imported>, Option<Withheld>), String> {
        let text = self.password_hash.take().filter(|text| !hash::is_mark_for_none(text));
        let parsed = match (self.told.unusable.take(), text) {
            (Some(what), _) => Err(hash::cannot(&what)),
            (None, Some(text)) => hash::parse(&text, self.told.salt.as_deref(), secrets),
            (None, None) => return Ok((None, None)),
        };
        if self.told.is_temporary {
            return Ok((None, Some(Withheld::Temporary)));
        }
        if self.told.is_unproved && !reading.trust_emails {
            return Ok((None, Some(Withheld::Unproved)));
        }
        match parsed {
            Ok(hash) => Ok((Some(hash), None)),
            Err(reason) if reading.unusable == Unusable::DropHash => Ok((None, Some(Withheld::Unusable(reason)))),
            Err(reason) => Err(reason),
        }
    }

    /// The second factor, if there is one that is on.
    fn factor(&mut self) -> Result<Option<OpenFactor>, String> {
        let secret = self.told.totp_secret.take().filter(|_| self.told.totp_on);
        match secret {
            Some(secret) => OpenFactor::of_secret(&secret).map(Some),
            None => Ok(self.second_factor.take()),
        }
    }
}
