//! Accounts: who can log on, and what is known of them.

use std::collections::BTreeMap;

use icu_normalizer::ComposingNormalizerBorrowed;
use icu_properties::{CodePointMapData, props::GeneralCategory};
use idna::{
    AsciiDenyList,
    uts46::{DnsLength, Hyphens, Uts46},
};
use serde::Deserialize;
use zeroize::Zeroizing;

pub use crate::domain::name::{InvalidLabel, LABEL_MAX_BYTES, NO_ROLE, Name, Role};
use crate::domain::{
    access_key::{AccessKeyId, StoredKey},
    factor::Factor,
    ids::AccountId,
    password::PasswordHash,
    time::Timestamp,
};

/// The most that the texts of an account may have together, in bytes, those of its access keys not counted.
pub const TEXTS_MAX_BYTES: usize = 60_000;

/// Longest email, in bytes (RFC 5321, section 4.5.3.1.3, less the angle brackets).
pub const EMAIL_MAX_BYTES: usize = 254;
/// Longest part before the `@` that mails are sent to (RFC 5321, section 4.5.3.1.1).
const LOCAL_MAX_BYTES: usize = 64;
/// Longest domain, in bytes (RFC 1035, section 2.3.4, without the length and the root).
pub const DOMAIN_MAX_BYTES: usize = 253;
/// Longest label of a domain (RFC 1035, section 2.3.4).
const LABEL_OF_DOMAIN_MAX_BYTES: usize = 63;

/// An email in canonical form: trimmed, NFC, lower case, and its domain as the DNS has it. The key of an account.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Deserialize)]
#[serde(from = "Zeroizing<String>")]
pub struct Email(String);

// People type passwords into the email field, so that one clears itself as well.
impl From<Zeroizing<String>> for Email {
    fn from(text: Zeroizing<String>) -> Self {
        Self::canonical(&text)
    }
}

impl Email {
    /// The canonical form of any text. What comes out need not be an email: at log-on, whatever a person typed is
    /// looked up, and is not found.
    #[must_use]
    pub fn canonical(text: &str) -> Self {
        let text = text.trim();
        Self(match text.rsplit_once('@') {
            Some((local, domain)) => format!("{}@{}", lower(local), canonical_domain(domain)),
            None => lower(text),
        })
    }

    /// Parses an email that an account may have.
    ///
    /// # Errors
    /// [`InvalidEmail`] if it is longer than [`EMAIL_MAX_BYTES`], holds a space, control or format character, or is not
    /// something before and something after one `@`.
    pub fn parse(text: &str) -> Result<Self, InvalidEmail> {
        let email = Self::canonical(text);
        // The canonical form of a domain leaves format characters out, but the email is shown as it was registered.
        if email.is_possible() && !text.trim().chars().any(is_unseen) { Ok(email) } else { Err(InvalidEmail) }
    }

    /// Whether an account can have this email.
    #[must_use]
    pub fn is_possible(&self) -> bool {
        let parts = self.0.split_once('@');
        self.0.len() <= EMAIL_MAX_BYTES
            && !self.0.chars().any(|c| c.is_whitespace() || is_unseen(c))
            // A domain that IDNA cannot write in ASCII is none.
            && parts.is_some_and(|(local, domain)| {
                !local.is_empty() && !domain.is_empty() && !domain.contains('@') && domain.is_ascii()
            })
    }

    /// Whether Amazon SES sends mails to it. SES has no SMTPUTF8 (SES Developer Guide, "Email format"), so what is
    /// before the `@` is a dot-string of ASCII (RFC 5321, section 4.1.2), and what is behind it is a name that a host
    /// can have (RFC 1123, section 2.1). A comma would make two recipients of one.
    #[must_use]
    pub fn can_be_mailed(&self) -> bool {
        let is_dot_string = |local: &str| {
            local.len() <= LOCAL_MAX_BYTES
                && local.split('.').all(|atom| !atom.is_empty() && atom.bytes().all(is_atom_text))
        };
        self.0
            .split_once('@')
            .is_some_and(|(local, domain)| is_dot_string(local) && domain.len() <= DOMAIN_MAX_BYTES && is_host(domain))
    }

    /// The canonical text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// `atext` (RFC 5322, section 3.2.3).
fn is_atom_text(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~".contains(&byte)
}

/// Whether a text is a name that a host can have (RFC 1123, section 2.1), however long.
#[must_use]
pub fn is_host(text: &str) -> bool {
    text.split('.').all(is_host_label)
}

fn is_host_label(label: &str) -> bool {
    (1..=LABEL_OF_DOMAIN_MAX_BYTES).contains(&label.len())
        && !label.starts_with('-')
        && !label.ends_with('-')
        && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

/// Control and format characters (Unicode's categories Cc and Cf): with them two texts that look alike differ, or one
/// is shown in another order than it has.
#[must_use]
pub fn is_unseen(c: char) -> bool {
    c.is_control() || CodePointMapData::<GeneralCategory>::new().get(c) == GeneralCategory::Format
}

fn lower(text: &str) -> String {
    if text.is_ascii() {
        return text.to_ascii_lowercase();
    }
    let nfc = ComposingNormalizerBorrowed::new_nfc();
    nfc.normalize(&nfc.normalize(text).to_lowercase()).into_owned()
}

/// The domain in ASCII (UTS 46, nontransitional), so that `müller.example` and `xn--mller-kva.example` are one; in
/// lower case, if it has no such form.
fn canonical_domain(domain: &str) -> String {
    let lowered = lower(domain);
    // IDNA's work grows with the square of a label's length, and no email is as long.
    if (domain.is_ascii() && !lowered.contains("xn--")) || lowered.len() > EMAIL_MAX_BYTES {
        return lowered;
    }
    let to_ascii = |domain: &str| {
        Uts46::new()
            .to_ascii(domain.as_bytes(), AsciiDenyList::URL, Hyphens::Allow, DnsLength::Ignore)
            .map(std::borrow::Cow::into_owned)
    };
    // As it came first: IDNA has a lower case of its own.
    to_ascii(domain).or_else(|_| to_ascii(&lowered)).unwrap_or(lowered)
}

/// The text is no email that an account may have.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error(
    "an email has one @ with text on both sides, no spaces or invisible characters, and at most {EMAIL_MAX_BYTES} bytes"
)]
pub struct InvalidEmail;

/// Whether an account may log on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// It may.
    Active,
    /// It may not, until an operator enables it again.
    Disabled,
}

impl Status {
    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Disabled => "disabled",
        }
    }

    /// The status of that name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        [Self::Active, Self::Disabled].into_iter().find(|status| status.name() == name)
    }
}

/// One account.
#[derive(Clone, PartialEq, Eq)]
pub struct Account {
    /// Its key.
    pub email: Email,
    /// The email as it was registered; the form that clients are shown.
    pub registered_email: String,
    /// Its opaque, lasting id: the claim `sub`.
    pub sub: AccountId,
    /// What the person is called.
    pub name: Name,
    /// The name of its role, if it has one.
    pub role: Option<Role>,
    /// Whether it may log on.
    pub status: Status,
    /// The hash of its password. Without one nobody can log on with a password until one is set.
    pub password_hash: Option<PasswordHash>,
    /// When it was made.
    pub created: Timestamp,
    /// Raised by whatever ends the account's sessions: a session lives in the generation that it was opened in. It is
    /// the time of that end in milliseconds, so no generation comes twice, also when an account is deleted and added
    /// again with the same id, or a table is restored from a backup.
    pub generation: u64,
    /// Raised by a link that was used and by what an operator does, which voids all mailed links of before. It is a
    /// time as [`Self::generation`] is. No session moves it, or whoever has learned the password could keep the owner
    /// of the mailbox from setting another one.
    pub links: u64,
    /// The tag of the mailed link by which the password was set, as long as it is the last thing that moved
    /// [`Self::links`].
    pub used_link: Option<String>,
    /// Whatever else is known of the person: title, company, country and the like.
    pub profile: BTreeMap<String, String>,
    /// Its access keys, those included that have expired and were not removed yet.
    pub access_keys: BTreeMap<AccessKeyId, StoredKey>,
    /// Its second factor, if it has one: then a log-on with the password needs a code.
    pub factor: Option<Factor>,
    /// The sealed secret of a second factor that was begun and not confirmed. Nothing is asked of it yet.
    pub begun_factor: Option<Vec<u8>>,
}

/// What of an account its sessions live by.
#[derive(Clone, Copy, Debug)]
pub struct Holder<'a> {
    /// The account's opaque id.
    pub sub: &'a AccountId,
    /// Whether it may log on.
    pub status: Status,
    /// Its generation.
    pub generation: u64,
    /// Its access keys.
    pub access_keys: &'a BTreeMap<AccessKeyId, StoredKey>,
}

impl Account {
    /// An account that is made now, and may log on once it has a password. `email` is shown as it is written here.
    ///
    /// # Errors
    /// [`InvalidEmail`] if no account can have this email.
    pub fn new(email: &str, name: Name, sub: AccountId, now: Timestamp) -> Result<Self, InvalidEmail> {
        Ok(Self {
            email: Email::parse(email)?,
            registered_email: email.trim().to_owned(),
            sub,
            name,
            role: None,
            status: Status::Active,
            password_hash: None,
            created: now,
            generation: now.millis(),
            links: now.millis(),
            used_link: None,
            profile: BTreeMap::new(),
            access_keys: BTreeMap::new(),
            factor: None,
            begun_factor: None,
        })
    }

    /// What of it its sessions live by.
    #[must_use]
    pub fn holder(&self) -> Holder<'_> {
        let Self { sub, status, generation, access_keys, .. } = self;
        Holder { sub, status: *status, generation: *generation, access_keys }
    }

    /// What it is called, in every spelling that its owner may have seen: none of these can be its password.
    #[must_use]
    pub fn names(&self) -> [&str; 3] {
        [self.email.as_str(), &self.registered_email, self.name.as_str()]
    }

    /// How many bytes its texts have, those of its access keys not counted.
    #[must_use]
    pub fn texts_bytes(&self) -> usize {
        let texts = [self.registered_email.as_str(), self.name.as_str(), self.sub.as_str()];
        let role = self.role.as_ref().map(Role::as_str);
        let hash = self.password_hash.as_ref().map(PasswordHash::as_str);
        let profile = self.profile.iter().flat_map(|(name, value)| [name.as_str(), value.as_str()]);
        texts.into_iter().chain(role).chain(hash).chain(profile).map(str::len).sum()
    }

    /// The same account with all its sessions ended, once it is written. A second factor that was begun in one of them
    /// is given up: whoever ends sessions may doubt who began it.
    #[must_use]
    pub fn next_generation(self, now: Timestamp) -> Self {
        Self { generation: later(self.generation, now), begun_factor: None, ..self }
    }

    /// The same account with all links void that were mailed before, once it is written.
    #[must_use]
    pub fn next_links(self, now: Timestamp) -> Self {
        Self { links: later(self.links, now), used_link: None, ..self }
    }
}

/// Now in milliseconds, or the next number where the clock has been set back or two changes meet in one millisecond: a
/// number that only rises.
fn later(than: u64, now: Timestamp) -> u64 {
    now.millis().max(than.saturating_add(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn emails_that_look_the_same_are_the_same() {
        let email = Email::canonical("jose\u{301}@example.org");
        assert_eq!(Email::canonical(" JOS\u{c9}@Example.ORG\n"), email);
    }

    #[test]
    fn a_domain_beyond_ascii_and_its_form_in_the_dns_are_one() {
        for (spellings, canonical) in [
            (
                &["max@m\u{fc}ller.example", "MAX@MU\u{308}LLER.example", "max@XN--MLLER-KVA.example"][..],
                "max@xn--mller-kva.example",
            ),
            (&["max@stra\u{df}e.example", "max@xn--strae-oqa.example"], "max@xn--strae-oqa.example"),
            (&["max@stra\u{df}e.example", "max@STRA\u{1e9e}E.example"], "max@xn--strae-oqa.example"),
            (&["max@\u{ff45}xample\u{3002}org", "max@example.org"], "max@example.org"),
            (&["m\u{fc}ller@b_b.m\u{fc}ller.example"], "m\u{fc}ller@b_b.xn--mller-kva.example"),
        ] {
            for text in spellings {
                assert_eq!(Email::parse(text).unwrap().as_str(), canonical, "{text}");
            }
        }
        assert_ne!(Email::canonical("max@strasse.example"), Email::canonical("max@stra\u{df}e.example"));
    }

    proptest::proptest! {
        #[test]
        fn any_text_has_a_canonical_form_that_stays_as_it_is(
            local in "\\PC{0,6}|[a-zA-Z]{0,4}",
            domain in "\\PC{0,6}|\\PC{120,130}|(xn--|XN--)?[a-z0-9.-]{0,8}|[\u{3a3}\u{130}\u{df}\u{ad}\u{13a0}\u{200d}\u{a0}a.]{0,6}",
            at in "@|@ | @|",
        ) {
            let email = Email::canonical(&format!("{local}{at}{domain}"));
            proptest::prop_assert_eq!(Email::canonical(email.as_str()), email);
        }
    }

    #[test]
    fn an_email_is_as_long_as_it_may_be_and_no_longer() {
        let longest = format!("{}@example.org", "a".repeat(EMAIL_MAX_BYTES - 12));
        assert!(Email::parse(&longest).is_ok());
        assert_eq!(Email::parse(&format!("a{longest}")), Err(InvalidEmail));
    }

    #[test]
    fn mails_are_sent_to_what_ses_takes() {
        let (local, label) = ("a".repeat(LOCAL_MAX_BYTES), "b".repeat(LABEL_OF_DOMAIN_MAX_BYTES));
        for text in [
            "ann@example.org",
            "Ann.B+tag_1'x@Mail.Example.ORG",
            "{ann}@x-1.example",
            "max@m\u{fc}ller.example",
            "jea-auth@localhost",
            &format!("{local}@example.org"),
            &format!("ann@{label}.org"),
        ] {
            assert!(Email::parse(text).unwrap().can_be_mailed(), "{text}");
        }
        for text in [
            "j\u{f6}rg@example.org",
            "ann@example,org",
            "ann,bob@example.org",
            "<ann@example.org>",
            "ann<ann@example.org",
            "mailto:ann@example.org",
            "\"ann\"@example.org",
            "ann;@example.org",
            "ann@example.org;",
            ".ann@example.org",
            "ann.@example.org",
            "a..b@example.org",
            "a@b..org",
            "a@.b.org",
            "a@b.org.",
            "a@-b.org",
            "a@b-.org",
            "a@b_b.org",
            "a@[127.0.0.1]",
            &format!("a{local}@example.org"),
            &format!("ann@b{label}.org"),
        ] {
            assert!(!Email::parse(text).unwrap().can_be_mailed(), "{text}");
        }
        assert!(!Email::canonical("ann").can_be_mailed() && !Email::canonical("a@b@c").can_be_mailed());
    }

    #[test]
    fn what_cannot_be_an_email_is_told() {
        for text in ["", "@", "a@", "@b", "a", "a@b@c", "a b@c", "a\u{0}@c", "a@b c.\u{fc}", "a@\u{fffd}.example"] {
            assert_eq!(Email::parse(text), Err(InvalidEmail), "{text:?}");
        }
        // A zero-width space, a soft hyphen, an order from right to left, a tag.
        for unseen in ['\u{200b}', '\u{ad}', '\u{202e}', '\u{e0041}'] {
            for text in [format!("ann{unseen}@example.org"), format!("ann@exam{unseen}ple.org")] {
                assert_eq!(Email::parse(&text), Err(InvalidEmail), "{text:?}");
            }
        }
    }
}
