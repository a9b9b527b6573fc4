//! Emails of accounts, in one spelling.

use icu_normalizer::ComposingNormalizerBorrowed;
use icu_properties::{CodePointMapData, props::GeneralCategory};
use idna::{
    AsciiDenyList,
    uts46::{DnsLength, Hyphens, Uts46},
};
use serde::Deserialize;
use zeroize::Zeroizing;

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
