//! Refusals: what becomes of a request that is not answered with what it asked for. This is the one map of refusals to
//! statuses, reasons and sentences, but for the sentences on what a body holds, which its readers say; the local
//! gateway answers by it too, and the template's gateway responses are compared with it.

use std::borrow::Cow;

use lambda_http::http::{HeaderValue, StatusCode, header::ALLOW};

use super::{Answer, Reason, Site, objects::Lacks};
use crate::{
    api::Operation,
    causes::Causes,
    domain::{access_key::KEYS_MAX, passkey::PASSKEYS_MAX, webauthn::NotAdded},
    service::operations::{Refusal, Told},
};

/// When to ask again after a 503: by then the tries of a call have had their time.
const RETRY_AFTER_SECONDS: u64 = 5;

const WRONG_CODE: &str = "The code is wrong.";

/// Why a request is refused.
pub enum Refused {
    /// It has no valid session.
    NoSession,
    /// There is no such operation.
    NoOperation,
    /// The operation is called by these methods alone.
    OtherMethod(Vec<&'static str>),
    /// It comes from a page of another site.
    CrossSite,
    /// A header says that its body is not JSON.
    NotJson(NotJson),
    /// Its body has more bytes than this.
    TooLarge(usize),
    /// Its body is not what the operation takes. The sentence says what is.
    Malformed(Reason, Cow<'static, str>),
    /// The password of its session was not given lately.
    NotConfirmed,
    /// An access key opened its session.
    KeySession,
    /// Its path has an id that nothing has.
    NoSuchId,
    /// The operation refused it. The journal tells more of an operation that checks a password.
    ByOperation(Refusal, Told),
    /// Something that the service depends on failed.
    Unavailable,
}

/// What a header says that makes a body anything but JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotJson {
    /// There is a `Content-Encoding`.
    Encoded,
    /// There is no `Content-Type`, or more than one.
    NoType,
    /// It is of another type.
    OtherType,
    /// It is in another charset than UTF-8.
    OtherCharset,
}

impl From<Refusal> for Refused {
    fn from(refusal: Refusal) -> Self {
        Self::ByOperation(refusal, Told::default())
    }
}

impl Refused {
    /// What the journal tells, beside the reason.
    pub(super) fn told(&self) -> Told {
        if let Self::ByOperation(_, told) = self { told.clone() } else { Told::default() }
    }

    /// Why, for the journal. Nothing comes back for what is no fault of the request's.
    pub(super) fn reason(&self) -> Option<&'static str> {
        match self {
            Self::CrossSite => Some("cross-site"),
            Self::NotJson(_) | Self::TooLarge(_) | Self::Malformed(..) => Some("malformed"),
            Self::NotConfirmed => Some("not confirmed"),
            Self::KeySession => Some("access key's session"),
            Self::ByOperation(Refusal::Mismatch(mismatch) | Refusal::WrongPassword(mismatch), _) => {
                Some(mismatch.reason())
            }
            Self::ByOperation(Refusal::Unfit(unfit), _) => Some(unfit.reason()),
            Self::ByOperation(Refusal::BadDetails(_), _) => Some("bad details"),
            Self::ByOperation(Refusal::TooManyKeys, _) => Some("too many keys"),
            Self::ByOperation(Refusal::BadPasskey(_), _) => Some("bad passkey"),
            Self::ByOperation(Refusal::PasskeyNotAdded(NotAdded::Known), _) => Some("passkey known"),
            Self::ByOperation(Refusal::PasskeyNotAdded(NotAdded::TooMany), _) => Some("too many passkeys"),
            Self::ByOperation(Refusal::PasskeyNotAdded(NotAdded::TooLarge), _) => Some("account too large"),
            Self::ByOperation(Refusal::BadLink, _) => Some("bad link"),
            Self::ByOperation(Refusal::CodeNeeded, _) => Some("no code"),
            Self::ByOperation(Refusal::WrongCode, _) => Some("wrong code"),
            Self::ByOperation(Refusal::UsedCode, _) => Some("used code"),
            Self::ByOperation(Refusal::ChangeNeeded, _) => Some("temporary password"),
            Self::ByOperation(Refusal::FactorRequired, _) => Some("second factor required"),
            Self::ByOperation(Refusal::NoFactor, _) => Some("no second factor"),
            Self::NoSuchId | Self::ByOperation(Refusal::NotFound, _) => Some("no such id"),
            Self::NoSession
            | Self::NoOperation
            | Self::OtherMethod(_)
            | Self::ByOperation(Refusal::Throttled(_) | Refusal::SessionEnded | Refusal::Unavailable(_), _)
            | Self::Unavailable => None,
        }
    }

    /// Whether a right password came without what is asked beside it.
    pub(super) fn is_asked(&self) -> bool {
        matches!(self, Self::ByOperation(Refusal::CodeNeeded | Refusal::ChangeNeeded | Refusal::FactorRequired, _))
    }

    /// Whether a right password came with a wrong code of the second factor.
    pub(super) fn is_wrong_code(&self) -> bool {
        matches!(self, Self::ByOperation(Refusal::WrongCode | Refusal::UsedCode, _))
    }

    /// What is wrong, for programs. An Auth Failed object has no reason, nor has one with `factor`, nor a refusal of
    /// what is no operation.
    fn word(&self, asked: Option<Operation>) -> Option<Reason> {
        let takes_code = is_about_codes(asked);
        Some(match self {
            Self::NoSession | Self::ByOperation(Refusal::SessionEnded, _) => Reason::SessionNeeded,
            Self::CrossSite => Reason::CrossSite,
            Self::NotJson(_) => Reason::NotJson,
            Self::TooLarge(_) => Reason::BodyTooLarge,
            Self::Malformed(reason, _) => *reason,
            Self::NotConfirmed => Reason::StepUpNeeded,
            Self::KeySession => Reason::KeySession,
            Self::NoSuchId | Self::ByOperation(Refusal::NotFound, _) => Reason::NoSuchId,
            Self::ByOperation(Refusal::WrongPassword(_), _) => Reason::WrongPassword,
            Self::ByOperation(Refusal::Unfit(unfit), _) => (*unfit).into(),
            Self::ByOperation(Refusal::BadDetails(bad), _) => bad.into(),
            Self::ByOperation(Refusal::BadPasskey(_), _) => Reason::BadPasskey,
            Self::ByOperation(Refusal::PasskeyNotAdded(NotAdded::Known), _) => Reason::PasskeyKnown,
            Self::ByOperation(Refusal::PasskeyNotAdded(NotAdded::TooMany), _) => Reason::TooManyPasskeys,
            Self::ByOperation(Refusal::PasskeyNotAdded(NotAdded::TooLarge), _) => Reason::AccountTooLarge,
            Self::ByOperation(Refusal::BadLink, _) => Reason::BadLink,
            Self::ByOperation(Refusal::WrongCode, _) if takes_code => Reason::WrongCode,
            Self::ByOperation(Refusal::UsedCode, _) if takes_code => Reason::UsedCode,
            Self::ByOperation(Refusal::FactorRequired, _) if removes_factor(asked) => Reason::FactorRequired,
            Self::ByOperation(Refusal::NoFactor, _) if asked == Some(Operation::ConfirmFactor) => {
                Reason::FactorNotBegun
            }
            Self::ByOperation(Refusal::NoFactor, _) => Reason::NoFactor,
            Self::ByOperation(Refusal::TooManyKeys, _) => Reason::TooManyKeys,
            Self::ByOperation(Refusal::Throttled(_), _) => Reason::TooManyAttempts,
            Self::ByOperation(Refusal::Unavailable(_), _) | Self::Unavailable => Reason::Unavailable,
            Self::NoOperation
            | Self::OtherMethod(_)
            | Self::ByOperation(
                Refusal::Mismatch(_)
                | Refusal::CodeNeeded
                | Refusal::WrongCode
                | Refusal::UsedCode
                | Refusal::ChangeNeeded
                | Refusal::FactorRequired,
                _,
            ) => return None,
        })
    }

    /// What the client is told that asked for this operation; for none, if it asked for something else, or if the
    /// gateway itself answers. A dependency's failure is logged here, once.
    #[must_use]
    pub fn answer(&self, asked: Option<Operation>, site: &Site) -> Answer {
        let has_reason =
            asked.is_some_and(|asked| !asked.route().marks.is_original) || matches!(self, Self::KeySession);
        let reason = self.word(asked).filter(|_| has_reason);
        let failed = |status, sentence: &str| Answer::refused(status, sentence, reason);
        match self {
            Self::NoSession | Self::ByOperation(Refusal::SessionEnded, _) => {
                let sentence =
                    format!("A valid session token is needed. Log on with POST {}.", Operation::LogOn.route().path);
                failed(StatusCode::UNAUTHORIZED, &sentence)
            }
            Self::NoOperation => failed(StatusCode::NOT_FOUND, "There is no such operation."),
            Self::OtherMethod(allowed) => {
                let sentence = format!("This operation is called with {}.", allowed.join(" or "));
                let mut answer = failed(StatusCode::METHOD_NOT_ALLOWED, &sentence);
                if let Ok(allowed) = HeaderValue::from_str(&allowed.join(", ")) {
                    answer.headers.insert(ALLOW, allowed);
                }
                answer
            }
            Self::CrossSite => failed(StatusCode::FORBIDDEN, &cross_site(asked, site)),
            Self::NotJson(not_json) => {
                failed(StatusCode::UNSUPPORTED_MEDIA_TYPE, &not_json.sentence(what_is_sent(asked)))
            }
            Self::TooLarge(most) => {
                let sentence = format!("Send a {} of at most {} KiB.", what_is_sent(asked), most / 1024);
                failed(StatusCode::PAYLOAD_TOO_LARGE, &sentence)
            }
            Self::Malformed(_, sentence) => failed(StatusCode::BAD_REQUEST, sentence),
            Self::KeySession => {
                failed(StatusCode::FORBIDDEN, "An access key cannot do this. Log on with your password or a passkey.")
            }
            Self::NotConfirmed => {
                let sentence = format!("Confirm your password first: POST {}.", Operation::Confirm.route().path);
                failed(StatusCode::FORBIDDEN, &sentence)
            }
            Self::NoSuchId | Self::ByOperation(Refusal::NotFound, _) => {
                failed(StatusCode::NOT_FOUND, "You have nothing of this id.")
            }
            Self::ByOperation(Refusal::WrongPassword(_), _) => {
                failed(StatusCode::FORBIDDEN, "The current password is wrong.")
            }
            Self::ByOperation(Refusal::Unfit(unfit), _) => {
                let sentence = format!("new_password: {unfit}; {}.", unfit.advice());
                failed(StatusCode::BAD_REQUEST, &sentence)
            }
            Self::ByOperation(Refusal::BadDetails(bad), _) => failed(StatusCode::BAD_REQUEST, &bad.to_string()),
            Self::ByOperation(Refusal::BadPasskey(error), _) => {
                let sentence = format!(
                    "This passkey was not added ({error}). Begin anew: POST {}.",
                    Operation::BeginPasskey.route().path
                );
                failed(StatusCode::BAD_REQUEST, &sentence)
            }
            Self::ByOperation(Refusal::PasskeyNotAdded(not_added), _) => {
                failed(StatusCode::BAD_REQUEST, &passkey_not_added(*not_added))
            }
            Self::ByOperation(Refusal::BadLink, _) => {
                failed(StatusCode::FORBIDDEN, "This link has expired or was used. Ask for a new one.")
            }
            Self::ByOperation(Refusal::CodeNeeded, _) => {
                let sentence = "A code of your authenticator app is needed.";
                Answer::lacks(without_code(asked, site), sentence, Lacks::CODE)
            }
            Self::ByOperation(Refusal::WrongCode, _) => code_refused(asked, site, WRONG_CODE, reason),
            Self::ByOperation(Refusal::UsedCode, _) => {
                code_refused(asked, site, "This code was used. Wait for the next one.", reason)
            }
            Self::ByOperation(Refusal::ChangeNeeded, _) => {
                let sentence = "This password must be changed: send new_password with it.";
                Answer::lacks(without_code(asked, site), sentence, Lacks::ANOTHER_PASSWORD)
            }
            Self::ByOperation(Refusal::FactorRequired, _) if removes_factor(asked) => {
                failed(StatusCode::FORBIDDEN, "This account must have a second factor.")
            }
            Self::ByOperation(Refusal::FactorRequired, _) => {
                let sentence = "This account must have a second factor. Set it up on the sign-in page.";
                Answer::lacks(without_code(asked, site), sentence, Lacks::FACTOR)
            }
            Self::ByOperation(Refusal::NoFactor, _) if asked == Some(Operation::ConfirmFactor) => {
                let sentence =
                    format!("No second factor is begun. POST {} begins one.", Operation::BeginFactor.route().path);
                failed(StatusCode::NOT_FOUND, &sentence)
            }
            Self::ByOperation(Refusal::NoFactor, _) => failed(StatusCode::NOT_FOUND, "There is no second factor."),
            Self::ByOperation(Refusal::TooManyKeys, _) => {
                let sentence = format!("An account has at most {KEYS_MAX} access keys. End one that you do not need.");
                failed(StatusCode::BAD_REQUEST, &sentence)
            }
            Self::ByOperation(Refusal::Mismatch(_), _) => mismatched(asked, site),
            Self::ByOperation(Refusal::Throttled(wait), _) => {
                let seconds = wait.as_millis().div_ceil(1000).try_into().unwrap_or(u64::MAX);
                let sentence = format!("Too many attempts. Try again in {seconds} s.");
                failed(StatusCode::TOO_MANY_REQUESTS, &sentence).retry_after(seconds)
            }
            Self::ByOperation(Refusal::Unavailable(cause), _) => {
                tracing::error!(error = %Causes(cause), "dependency failed");
                unavailable(reason)
            }
            Self::Unavailable => unavailable(reason),
        }
    }
}

/// Whether an operation removes what can be a second factor.
fn removes_factor(asked: Option<Operation>) -> bool {
    matches!(asked, Some(Operation::RemoveFactor | Operation::RemovePasskey))
}

fn passkey_not_added(not_added: NotAdded) -> String {
    match not_added {
        NotAdded::Known => "This account has this passkey already.".to_owned(),
        NotAdded::TooMany => {
            format!("An account has at most {PASSKEYS_MAX} passkeys. Remove one that you do not need.")
        }
        NotAdded::TooLarge => "The account would be too large. Shorten its details.".to_owned(),
    }
}

/// Whether an operation takes a code alone, so that a wrong one is a wrong body, and not a credential that lacks one.
fn is_about_codes(asked: Option<Operation>) -> bool {
    matches!(asked, Some(Operation::ConfirmFactor | Operation::NewCodes))
}

/// The refusal of a code: of a wrong body where it comes alone, or of a right password that lacks one.
fn code_refused(asked: Option<Operation>, site: &Site, sentence: &str, reason: Option<Reason>) -> Answer {
    if is_about_codes(asked) {
        Answer::refused(StatusCode::BAD_REQUEST, sentence, reason)
    } else {
        Answer::lacks(without_code(asked, site), sentence, Lacks::CODE)
    }
}

/// A credential that is refused looks the same whatever is wrong with it.
fn mismatched(asked: Option<Operation>, site: &Site) -> Answer {
    if matches!(asked, Some(Operation::LogOn | Operation::LogOnByPasskey)) {
        Answer::failed(site.failed_logon_status, "No matching username and password pair was found!")
    } else {
        Answer::failed(StatusCode::FORBIDDEN, "User does not match the existing session")
    }
}

/// The status of a right password whose code is missing or wrong.
fn without_code(asked: Option<Operation>, site: &Site) -> StatusCode {
    match asked {
        Some(Operation::LogOn) => site.failed_logon_status,
        Some(Operation::Confirm) => StatusCode::UNAUTHORIZED,
        Some(_) | None => StatusCode::FORBIDDEN,
    }
}

/// What a developer needs to hear whose page is refused.
fn cross_site(asked: Option<Operation>, site: &Site) -> String {
    let what = if matches!(asked, Some(Operation::LogOn | Operation::LogOnByPasskey)) {
        "log on"
    } else {
        "send this request"
    };
    let which = if site.issuer.is_secure() {
        "The parameter AllowedOrigins of the stack"
    } else {
        "The option --allow-origin of jea-auth serve"
    };
    format!("Pages of this origin may not {what}. {which} says which may.")
}

/// What the body of a request is.
fn what_is_sent(asked: Option<Operation>) -> &'static str {
    if matches!(asked, Some(Operation::LogOn | Operation::Confirm)) { "credential" } else { "body" }
}

impl NotJson {
    fn sentence(self, sent: &str) -> String {
        match self {
            Self::Encoded => format!("Content-Encoding: send the {sent} without one."),
            Self::NoType => "Content-Type: send one, application/json.".to_owned(),
            Self::OtherType => format!("Content-Type: send the {sent} as application/json."),
            Self::OtherCharset => format!("Content-Type: send the {sent} in the charset utf-8."),
        }
    }
}

fn unavailable(reason: Option<Reason>) -> Answer {
    let sentence = "The service is unavailable for the moment. Try again in a few seconds.";
    Answer::refused(StatusCode::SERVICE_UNAVAILABLE, sentence, reason).retry_after(RETRY_AFTER_SECONDS)
}
