//! Mails: what there is to tell, and the words. No name that anybody typed stands in one, or a stranger could have the
//! service send a text of his own.

use std::time::Duration;

use base64::{Engine, engine::general_purpose::STANDARD};

use crate::{
    api::Operation,
    domain::{
        access_key::{AccessKeyId, StoredKey},
        email_change::{EMAIL_CHANGE_LIFE, Mailbox},
        link::{INVITATION_LIFE, RESET_LIFE},
        token::Issuer,
    },
};

/// The header that keeps machines from answering (RFC 3834, section 5).
pub const AUTO_SUBMITTED: (&str, &str) = ("Auto-Submitted", "auto-generated");

/// The most that an encoded word has of a text, in bytes: in base64, with what stands around it, that is 72 characters
/// of the 75 that it may have (RFC 2047, section 2).
const ENCODED_MAX_BYTES: usize = 45;

/// How many of the last digits of a key's id a mail has.
const KEY_DIGITS: usize = 4;

/// What a mail is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MailKind {
    /// Somebody has forgotten the password.
    Reset,
    /// An operator has made an account.
    Invitation,
    /// The password was changed, by its owner or an operator.
    PasswordChanged,
    /// The password was set by a link, which ended sessions and access keys.
    PasswordReset,
    /// The account is to have another email: to the present one.
    EmailPresent,
    /// The account is to have another email: to the new one.
    EmailNew,
    /// The account has another email now.
    EmailChanged,
    /// An access key was made.
    KeyMade,
    /// An access key was ended.
    KeyEnded,
    /// An access key was used that ends in some days.
    KeyEnds,
    /// A second factor was set up.
    FactorSet,
    /// The second factor was removed.
    FactorRemoved,
    /// A passkey was added.
    PasskeyAdded,
    /// A passkey was removed.
    PasskeyRemoved,
    /// Few recovery codes are left.
    CodesEnd,
    /// An operator tries whether mails arrive.
    Test,
}

impl MailKind {
    /// All of them.
    pub const ALL: [Self; 16] = [
        Self::Reset,
        Self::Invitation,
        Self::PasswordChanged,
        Self::PasswordReset,
        Self::EmailPresent,
        Self::EmailNew,
        Self::EmailChanged,
        Self::KeyMade,
        Self::KeyEnded,
        Self::KeyEnds,
        Self::FactorSet,
        Self::FactorRemoved,
        Self::PasskeyAdded,
        Self::PasskeyRemoved,
        Self::CodesEnd,
        Self::Test,
    ];

    /// Its name in the table.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Reset => "reset",
            Self::Invitation => "invitation",
            Self::PasswordChanged => "password-changed",
            Self::PasswordReset => "password-reset",
            Self::EmailPresent => "email-present",
            Self::EmailNew => "email-new",
            Self::EmailChanged => "email-changed",
            Self::KeyMade => "key-made",
            Self::KeyEnded => "key-ended",
            Self::KeyEnds => "key-ends",
            Self::FactorSet => "factor-set",
            Self::FactorRemoved => "factor-removed",
            Self::PasskeyAdded => "passkey-added",
            Self::PasskeyRemoved => "passkey-removed",
            Self::CodesEnd => "codes-end",
            Self::Test => "test",
        }
    }

    /// The kind of that name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// How long its link is good, if it has one.
    #[must_use]
    pub fn link_life(self) -> Option<Duration> {
        match self {
            Self::Reset => Some(RESET_LIFE),
            Self::Invitation => Some(INVITATION_LIFE),
            Self::EmailPresent | Self::EmailNew => Some(EMAIL_CHANGE_LIFE),
            Self::PasswordChanged
            | Self::PasswordReset
            | Self::EmailChanged
            | Self::KeyMade
            | Self::KeyEnded
            | Self::KeyEnds
            | Self::FactorSet
            | Self::FactorRemoved
            | Self::PasskeyAdded
            | Self::PasskeyRemoved
            | Self::CodesEnd
            | Self::Test => None,
        }
    }

    /// Which address of a change of email it goes to, if it is of one.
    #[must_use]
    pub fn mailbox(self) -> Option<Mailbox> {
        let of = [(Self::EmailPresent, Mailbox::Present), (Self::EmailNew, Mailbox::New)];
        of.into_iter().find(|(kind, _)| *kind == self).map(|(_, mailbox)| mailbox)
    }
}

/// Who sends, and for which service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sender {
    /// The address that mails come from.
    pub from: String,
    /// What the service is called in mails.
    pub service: String,
    /// Its public URL.
    pub issuer: Issuer,
    /// Whether there is a page that sets a password.
    pub pages: bool,
}

/// What a mail is about, beside its kind.
#[derive(Clone, Copy, Debug)]
pub enum About<'a> {
    /// Nothing else.
    Nothing,
    /// A link with this token.
    Link(&'a str),
    /// This access key.
    Key(&'a AccessKeyId, &'a StoredKey),
}

/// A mail as it is sent: plain text in UTF-8.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mail {
    /// One line.
    pub subject: String,
    /// Lines.
    pub body: String,
}

impl Sender {
    /// The address that mails come from, after what the service is called (RFC 5322, section 3.4).
    #[must_use]
    pub fn mailbox(&self) -> String {
        let Self { service, from, .. } = self;
        if service.is_ascii() {
            format!("\"{}\" <{from}>", service.replace('\\', "\\\\").replace('"', "\\\""))
        } else {
            format!("{} <{from}>", encoded_words(service))
        }
    }

    /// The words of a mail.
    #[must_use]
    pub fn write(&self, kind: MailKind, about: About<'_>) -> Mail {
        let service = &self.service;
        let (subject, happened) = match kind {
            MailKind::Reset => {
                ("Set a new password", "Somebody, you we hope, has asked for a new password for your account.")
            }
            MailKind::Invitation => {
                ("Your account", "An account was made for you. Set its password, and log on with it.")
            }
            MailKind::PasswordChanged => ("Your password was changed", "The password of your account was changed."),
            MailKind::PasswordReset => (
                "Your password was set anew",
                "The password of your account was set by a link in a mail. All sessions, access keys and passkeys have ended.",
            ),
            MailKind::EmailPresent => (
                "Confirm your new email",
                "Somebody, you we hope, has asked for another email for your account. It changes when the links in two \
                 mails were used: in this one, and in one to the new address.",
            ),
            MailKind::EmailNew => (
                "Confirm your email",
                "Somebody, you we hope, has asked to log on with this address from now on. That begins when the links \
                 in two mails were used: in this one, and in one to the address of before.",
            ),
            MailKind::EmailChanged => {
                ("Your email was changed", "Your account has another email from now on, not this one.")
            }
            MailKind::KeyMade => ("An access key was made", "An access key was made for your account."),
            MailKind::KeyEnded => ("An access key was ended", "An access key of your account was ended."),
            MailKind::KeyEnds => (
                "An access key ends soon",
                "An access key that was used just now ends soon. Make another one in time for whatever uses it.",
            ),
            MailKind::FactorSet => (
                "A second factor was set up",
                "From now on a log-on with your password needs a code of your authenticator app.",
            ),
            MailKind::FactorRemoved => (
                "The second factor was removed",
                "A log-on with your password needs no code of an authenticator app any more.",
            ),
            MailKind::PasskeyAdded => (
                "A passkey was added",
                "A passkey was added to your account. Whoever has it logs on without the password.",
            ),
            MailKind::PasskeyRemoved => ("A passkey was removed", "A passkey of your account was removed."),
            MailKind::CodesEnd => (
                "Two recovery codes are left",
                "Of the recovery codes of your second factor two are left. Make new ones before they are used up.",
            ),
            MailKind::Test => ("A test", "This mail shows that mails of the service arrive."),
        };
        // No address of the service: its owners shall not learn to follow links in mails that need none.
        let mut body = format!("{happened}\n\nService: {service}\n");
        match (about, kind.link_life()) {
            (About::Link(token), Some(life)) => {
                body.push_str(&self.link(kind, token, life));
                body.push_str(match kind.mailbox() {
                    None => "\nIf it was not you, do nothing: without this mail nobody can set your password.\n",
                    Some(Mailbox::New) => "\nIf it was not you, do nothing: without this mail nobody can use your address.\n",
                    // Whoever asked has given the password.
                    Some(Mailbox::Present) => {
                        "\nIf it was not you, leave the link alone and ask for a new password now: somebody else can log on.\n"
                    }
                });
            }
            (_, _) if kind == MailKind::Test => {}
            (About::Key(id, key), _) => body.push_str(&of_key(id, key)),
            // Whoever has set a factor up is asked for its codes, and not its owner.
            (_, _) if kind == MailKind::FactorSet => {
                body.push_str("\nIf it was not you, tell whoever runs the service: somebody else can log on, and you cannot.\n");
            }
            (_, _) => body.push_str(
                "\nIf it was not you, ask for a new password now, or tell whoever runs the service: somebody else can log on.\n",
            ),
        }
        Mail { subject: format!("{service}: {subject}"), body }
    }

    fn link(&self, kind: MailKind, token: &str, life: Duration) -> String {
        let (what, name, operation, more) = if kind.mailbox().is_some() {
            ("Confirm the email", "email", Operation::ConfirmEmail, "")
        } else {
            ("Set the password", "reset", Operation::Reset, ", \"new_password\": \"...\"")
        };
        let issuer = self.issuer.as_str();
        let hours = life.as_secs() / 3600;
        let ends = if hours < 24 { format!("{} minutes", life.as_secs() / 60) } else { format!("{} days", hours / 24) };
        let how = if self.pages {
            // Behind the `#`, what a browser does not send: so the token stands in no log, and whoever fetches the link
            // to look at it uses nothing up (RFC 3986, section 3.5).
            format!("{issuer}{}#{name}={token}", Operation::SignInPage.route().path)
        } else {
            format!(
                "curl -H 'Content-Type: application/json' {issuer}{} \\\n -d '{{\"token\": \"{token}\"{more}}}'",
                operation.route().path
            )
        };
        format!("\n{what} within {ends}, once:\n\n{how}\n")
    }
}

/// Which key it is, without the name that somebody gave it.
fn of_key(id: &AccessKeyId, key: &StoredKey) -> String {
    let (_, last_digits) = id.as_str().split_at(id.as_str().len().saturating_sub(KEY_DIGITS));
    format!(
        "Key: its id ends in {last_digits}\nMade: {}\nEnds: {}\n\n\
         If it was not you who made it, end it now, or tell whoever runs the service: somebody else can log on.\n",
        key.created.day(),
        key.expires_at.day()
    )
}

/// A text beyond ASCII as a header can hold it (RFC 2047, section 2).
fn encoded_words(text: &str) -> String {
    let mut words = vec![String::new()];
    for c in text.chars() {
        match words.last_mut() {
            Some(word) if word.len() + c.len_utf8() <= ENCODED_MAX_BYTES => word.push(c),
            Some(_) | None => words.push(c.to_string()),
        }
    }
    let encoded: Vec<String> = words.iter().map(|word| format!("=?UTF-8?B?{}?=", STANDARD.encode(word))).collect();
    encoded.join(" ")
}

#[cfg(test)]
mod tests;
