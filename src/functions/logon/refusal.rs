//! Refusals: what becomes of a request that is not answered with what it asked for. This is the one map of refusals to
//! statuses, reasons and sentences, but for the sentences on what a body holds, which its readers say; the local
//! gateway answers by it too, and the template's gateway responses are compared with it.

use std::borrow::Cow;

use lambda_http::http::{HeaderValue, StatusCode, header::ALLOW};

use super::{Answer, Reason, Site};
use crate::{
    api::Operation,
    causes::Causes,
    domain::access_key::KEYS_MAX,
    service::operations::{Mismatch, Refusal},
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
    /// Its body is too large.
    TooLarge,
    /// Its body is not what the operation takes. The sentence says what is.
    Malformed(Reason, Cow<'static, str>),
    /// The password of its session was not given lately.
    NotConfirmed,
    /// An access key opened its session.
    KeySession,
    /// Its path has an id that nothing has.
    NoSuchId,
    /// The operation refused it.
    ByOperation(Operation, Refusal),
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

impl Refused {
    /// Why, for the journal. Nothing comes back for what is no fault of the request's.
    pub(super) fn reason(&self) -> Option<&'static str> {
        match self {
            Self::CrossSite => Some("cross-site"),
            Self::NotJson(_) | Self::TooLarge | Self::Malformed(..) => Some("malformed"),
            Self::NotConfirmed => Some("not confirmed"),
            Self::KeySession => Some("access key's session"),
            Self::ByOperation(_, Refusal::Mismatch(mismatch) | Refusal::WrongPassword(mismatch)) => {
                Some(mismatch.reason())
            }
            Self::ByOperation(_, Refusal::Unfit(unfit)) => Some(unfit.reason()),
            Self::ByOperation(_, Refusal::BadDetails(_)) => Some("bad details"),
            Self::ByOperation(_, Refusal::TooManyKeys) => Some("too many keys"),
            Self::ByOperation(_, Refusal::BadLink) => Some("bad link"),
            Self::ByOperation(_, Refusal::CodeNeeded) => Some("no code"),
            Self::ByOperation(_, Refusal::WrongCode) => Some("wrong code"),
            Self::ByOperation(_, Refusal::NoFactor) => Some("no second factor"),
            Self::NoSuchId | Self::ByOperation(_, Refusal::NotFound) => Some("no such id"),
            Self::NoSession
            | Self::NoOperation
            | Self::OtherMethod(_)
            | Self::ByOperation(_, Refusal::Throttled(_) | Refusal::SessionEnded | Refusal::Unavailable(_))
            | Self::Unavailable => None,
        }
    }

    /// Whether a right password came without the code of the second factor.
    pub(super) fn is_no_code(&self) -> bool {
        matches!(self, Self::ByOperation(_, Refusal::CodeNeeded))
    }

    /// Whether a right password came with a wrong code of the second factor.
    pub(super) fn is_wrong_code(&self) -> bool {
        // Whoever sets a factor up is no guesser.
        matches!(self, Self::ByOperation(operation, Refusal::WrongCode) if *operation != Operation::ConfirmFactor)
    }

    /// What is wrong, for programs. An Auth Failed object has no reason, nor has one with `factor`, nor a refusal of
    /// what is no operation.
    fn word(&self) -> Option<Reason> {
        Some(match self {
            Self::NoSession | Self::ByOperation(_, Refusal::SessionEnded) => Reason::SessionNeeded,
            Self::CrossSite => Reason::CrossSite,
            Self::NotJson(_) => Reason::NotJson,
            Self::TooLarge => Reason::BodyTooLarge,
            Self::Malformed(reason, _) => *reason,
            Self::NotConfirmed => Reason::StepUpNeeded,
            Self::KeySession => Reason::KeySession,
            Self::NoSuchId | Self::ByOperation(_, Refusal::NotFound) => Reason::NoSuchId,
            Self::ByOperation(_, Refusal::WrongPassword(_)) => Reason::WrongPassword,
            Self::ByOperation(_, Refusal::Unfit(unfit)) => (*unfit).into(),
            Self::ByOperation(_, Refusal::BadDetails(bad)) => bad.into(),
            Self::ByOperation(_, Refusal::BadLink) => Reason::BadLink,
            Self::ByOperation(Operation::ConfirmFactor, Refusal::WrongCode) => Reason::WrongCode,
            Self::ByOperation(Operation::ConfirmFactor, Refusal::NoFactor) => Reason::FactorNotBegun,
            Self::ByOperation(_, Refusal::NoFactor) => Reason::NoFactor,
            Self::ByOperation(_, Refusal::TooManyKeys) => Reason::TooManyKeys,
            Self::ByOperation(_, Refusal::Throttled(_)) => Reason::TooManyAttempts,
            Self::ByOperation(_, Refusal::Unavailable(_)) | Self::Unavailable => Reason::Unavailable,
            Self::NoOperation
            | Self::OtherMethod(_)
            | Self::ByOperation(_, Refusal::Mismatch(_) | Refusal::CodeNeeded | Refusal::WrongCode) => return None,
        })
    }

    /// What the client is told that asked for this operation; for none, if it asked for something else, or if the
    /// gateway itself answers. A dependency's failure is logged here, once.
    #[must_use]
    pub fn answer(&self, asked: Option<Operation>, site: &Site) -> Answer {
        let has_reason = asked.is_some_and(Operation::gives_reasons) || matches!(self, Self::KeySession);
        let reason = self.word().filter(|_| has_reason);
        let failed = |status, sentence: &str| Answer::refused(status, sentence, reason);
        match self {
            Self::NoSession | Self::ByOperation(_, Refusal::SessionEnded) => {
                let sentence =
                    format!("A valid session token is needed. Log on with POST {}.", Operation::LogOn.path());
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
            Self::TooLarge => {
                let sentence = format!("Send a {} of at most 4 KiB.", what_is_sent(asked));
                failed(StatusCode::PAYLOAD_TOO_LARGE, &sentence)
            }
            Self::Malformed(_, sentence) => failed(StatusCode::BAD_REQUEST, sentence),
            Self::KeySession => {
                failed(StatusCode::FORBIDDEN, "An access key cannot do this. Log on with your password or a passkey.")
            }
            Self::NotConfirmed => {
                let sentence = format!("Confirm your password first: POST {}.", Operation::Confirm.path());
                failed(StatusCode::FORBIDDEN, &sentence)
            }
            Self::NoSuchId | Self::ByOperation(_, Refusal::NotFound) => {
                failed(StatusCode::NOT_FOUND, "You have nothing of this id.")
            }
            Self::ByOperation(_, Refusal::WrongPassword(_)) => {
                failed(StatusCode::FORBIDDEN, "The current password is wrong.")
            }
            Self::ByOperation(_, Refusal::Unfit(unfit)) => {
                let sentence = format!("new_password: {unfit}; {}.", unfit.advice());
                failed(StatusCode::BAD_REQUEST, &sentence)
            }
            Self::ByOperation(_, Refusal::BadDetails(bad)) => failed(StatusCode::BAD_REQUEST, &bad.to_string()),
            Self::ByOperation(_, Refusal::BadLink) => {
                failed(StatusCode::FORBIDDEN, "This link has expired or was used. Ask for a new one.")
            }
            Self::ByOperation(operation, Refusal::CodeNeeded) => {
                let sentence = "A code of your authenticator app is needed.";
                Answer::lacks_code(without_code(*operation, site), sentence)
            }
            Self::ByOperation(Operation::ConfirmFactor, Refusal::WrongCode) => {
                failed(StatusCode::BAD_REQUEST, WRONG_CODE)
            }
            Self::ByOperation(operation, Refusal::WrongCode) => {
                Answer::lacks_code(without_code(*operation, site), WRONG_CODE)
            }
            Self::ByOperation(Operation::ConfirmFactor, Refusal::NoFactor) => {
                let sentence = format!("No second factor is begun. POST {} begins one.", Operation::BeginFactor.path());
                failed(StatusCode::NOT_FOUND, &sentence)
            }
            Self::ByOperation(_, Refusal::NoFactor) => failed(StatusCode::NOT_FOUND, "There is no second factor."),
            Self::ByOperation(_, Refusal::TooManyKeys) => {
                let sentence = format!("An account has at most {KEYS_MAX} access keys. End one that you do not need.");
                failed(StatusCode::BAD_REQUEST, &sentence)
            }
            Self::ByOperation(operation, Refusal::Mismatch(mismatch)) => mismatched(*operation, *mismatch, site),
            Self::ByOperation(_, Refusal::Throttled(wait)) => {
                let seconds = wait.as_millis().div_ceil(1000).try_into().unwrap_or(u64::MAX);
                let sentence = format!("Too many attempts. Try again in {seconds} s.");
                failed(StatusCode::TOO_MANY_REQUESTS, &sentence).retry_after(seconds)
            }
            Self::ByOperation(_, Refusal::Unavailable(cause)) => {
                tracing::error!(error = %Causes(cause), "dependency failed");
                unavailable(reason)
            }
            Self::Unavailable => unavailable(reason),
        }
    }
}

/// A credential that is refused looks the same whatever is wrong with it.
fn mismatched(operation: Operation, _: Mismatch, site: &Site) -> Answer {
    if operation == Operation::LogOn {
        Answer::failed(site.failed_logon_status, "No matching username and password pair was found!")
    } else {
        Answer::failed(StatusCode::FORBIDDEN, "User does not match the existing session")
    }
}

/// The status of a right password whose code is missing or wrong.
fn without_code(operation: Operation, site: &Site) -> StatusCode {
    if operation == Operation::LogOn {
        site.failed_logon_status
    } else if operation == Operation::Confirm {
        StatusCode::UNAUTHORIZED
    } else {
        StatusCode::FORBIDDEN
    }
}

/// What a developer needs to hear whose page is refused.
fn cross_site(asked: Option<Operation>, site: &Site) -> String {
    let what = if asked == Some(Operation::LogOn) { "log on" } else { "send this request" };
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
