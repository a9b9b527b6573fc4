//! What is wrong with a request, for programs: a fixed word beside the sentence, which may change.

use serde::Serialize;

use crate::domain::{details::BadDetails, password::policy::Unfit};

/// The `reason` of a refusal. Clients compare these words, so none of them changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[cfg_attr(feature = "terminal", derive(schemars::JsonSchema), schemars(transform = as_enum))]
pub enum Reason {
    /// There is no session, or it has ended.
    SessionNeeded,
    /// The password of the session was not given lately.
    StepUpNeeded,
    /// An access key opened the session.
    KeySession,
    /// A page of another site asks.
    CrossSite,
    /// A header says that the body is not JSON.
    NotJson,
    /// The body is too large.
    BodyTooLarge,
    /// The body is not what the operation takes.
    MalformedBody,
    /// A name cannot be one.
    BadName,
    /// No account can have this email.
    BadEmail,
    /// An access key cannot live for so many days.
    BadDays,
    /// A value has too many bytes.
    ValueTooLong,
    /// A value has a control character.
    ControlCharacter,
    /// The account details would be too large.
    AccountTooLarge,
    /// A member is not its owner's to change.
    NotChangeable,
    /// The present password is another one.
    WrongPassword,
    /// The new password has too few characters.
    PasswordTooShort,
    /// The new password has too many bytes.
    PasswordTooLong,
    /// The new password has a line end or another control character.
    PasswordNotTypeable,
    /// The new password is the account's email or name.
    PasswordPersonal,
    /// The new password begins as an access key does.
    PasswordLikeKey,
    /// Everybody has the new password.
    PasswordCommon,
    /// The new password is the present one.
    PasswordUnchanged,
    /// The code is wrong.
    WrongCode,
    /// The code was right, and was used already.
    #[serde(rename = "code-used")]
    UsedCode,
    /// The account must have a second factor.
    FactorRequired,
    /// There is no second factor.
    NoFactor,
    /// No second factor was begun.
    FactorNotBegun,
    /// The account has as many access keys as it may have.
    TooManyKeys,
    /// The account has as many passkeys as it may have.
    TooManyPasskeys,
    /// The account has this passkey already.
    PasskeyKnown,
    /// What came of a passkey's making is not what it should be, or comes too late.
    BadPasskey,
    /// The account has nothing of this id.
    NoSuchId,
    /// The link of a mail has expired, was used, or never was one.
    BadLink,
    /// Too many attempts. `Retry-After` says when the next one is due.
    TooManyAttempts,
    /// Something that the service depends on failed. `Retry-After` says when to ask again.
    Unavailable,
}

impl From<Unfit> for Reason {
    fn from(unfit: Unfit) -> Self {
        match unfit {
            Unfit::Lines | Unfit::ControlCharacter => Self::PasswordNotTypeable,
            Unfit::TooLong => Self::PasswordTooLong,
            Unfit::TooShort(_) => Self::PasswordTooShort,
            Unfit::Personal => Self::PasswordPersonal,
            Unfit::AccessKey => Self::PasswordLikeKey,
            Unfit::Common => Self::PasswordCommon,
            Unfit::Present => Self::PasswordUnchanged,
        }
    }
}

impl From<&BadDetails> for Reason {
    fn from(bad: &BadDetails) -> Self {
        match bad {
            BadDetails::NotAnObject | BadDetails::NotAText(_) => Self::MalformedBody,
            BadDetails::TooLong(_) => Self::ValueTooLong,
            BadDetails::ControlCharacter(_) => Self::ControlCharacter,
            BadDetails::NoNickname | BadDetails::BadNickname(_) => Self::BadName,
            BadDetails::AccountTooLarge => Self::AccountTooLarge,
            BadDetails::NotYours(_) => Self::NotChangeable,
        }
    }
}

/// Variants with descriptions come as a choice among constants, of which programs that write clients make nothing: they
/// know `enum`.
#[cfg(feature = "terminal")]
fn as_enum(schema: &mut schemars::Schema) {
    let choices = schema.remove("oneOf");
    let choices = choices.as_ref().and_then(serde_json::Value::as_array).into_iter().flatten();
    let words: Vec<_> = choices.filter_map(|choice| choice.get("const").cloned()).collect();
    schema.insert("type".to_owned(), "string".into());
    schema.insert("enum".to_owned(), words.into());
}
