//! Refusals: what becomes of a request that is not answered with what it asked for. This is the one map of refusals to
//! statuses and sentences; the local gateway answers by it too, and the template's gateway responses are compared with it.

use std::borrow::Cow;

use lambda_http::http::{HeaderValue, StatusCode, header::ALLOW};

use super::{Answer, Site};
use crate::{
    access_key::KEYS_MAX,
    api::Operation,
    causes::Causes,
    operations::{Mismatch, Refusal},
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
    NotJson(&'static str),
    /// Its body is too large.
    TooLarge,
    /// Its body is not what the operation takes. The sentence says what is.
    Malformed(Cow<'static, str>),
    /// The password of its session was not given lately.
    NotConfirmed,
    /// Its path has an id that nothing has.
    NoSuchId,
    /// The operation refused it.
    ByOperation(Operation, Refusal),
    /// Something that the service depends on failed.
    Unavailable,
}

impl Refused {
    /// Why, for the journal. Nothing comes back for what is no fault of the request's.
    pub(super) fn reason(&self) -> Option<&'static str> {
        match self {
            Self::CrossSite => Some("cross-site"),
            Self::NotJson(_) | Self::TooLarge | Self::Malformed(_) => Some("malformed"),
            Self::NotConfirmed | Self::ByOperation(_, Refusal::NeedsPassword) => Some("not confirmed"),
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

    /// What the client is told. A dependency's failure is logged here, once.
    #[must_use]
    pub fn answer(&self, site: &Site) -> Answer {
        match self {
            Self::NoSession | Self::ByOperation(_, Refusal::SessionEnded) => {
                let sentence =
                    format!("A valid session token is needed. Log on with POST {}.", Operation::LogOn.path());
                Answer::failed(StatusCode::UNAUTHORIZED, &sentence)
            }
            Self::NoOperation => Answer::failed(StatusCode::NOT_FOUND, "There is no such operation."),
            Self::OtherMethod(allowed) => {
                let sentence = format!("This operation is called with {}.", allowed.join(" or "));
                let mut answer = Answer::failed(StatusCode::METHOD_NOT_ALLOWED, &sentence);
                if let Ok(allowed) = HeaderValue::from_str(&allowed.join(", ")) {
                    answer.headers.insert(ALLOW, allowed);
                }
                answer
            }
            Self::CrossSite => Answer::failed(StatusCode::FORBIDDEN, cross_site(site)),
            Self::NotJson(sentence) => Answer::failed(StatusCode::UNSUPPORTED_MEDIA_TYPE, sentence),
            Self::TooLarge => Answer::failed(StatusCode::PAYLOAD_TOO_LARGE, "Send a credential of at most 4 KiB."),
            Self::Malformed(sentence) => Answer::failed(StatusCode::BAD_REQUEST, sentence),
            Self::NotConfirmed | Self::ByOperation(_, Refusal::NeedsPassword) => {
                let sentence = format!("Confirm your password first: POST {}.", Operation::Confirm.path());
                Answer::failed(StatusCode::FORBIDDEN, &sentence)
            }
            Self::NoSuchId | Self::ByOperation(_, Refusal::NotFound) => {
                Answer::failed(StatusCode::NOT_FOUND, "You have nothing of this id.")
            }
            Self::ByOperation(_, Refusal::WrongPassword(_)) => {
                Answer::failed(StatusCode::FORBIDDEN, "The current password is wrong.")
            }
            Self::ByOperation(_, Refusal::Unfit(unfit)) => {
                let sentence = format!("new_password: {unfit}; {}.", unfit.advice());
                Answer::failed(StatusCode::BAD_REQUEST, &sentence)
            }
            Self::ByOperation(_, Refusal::BadDetails(bad)) => Answer::failed(StatusCode::BAD_REQUEST, &bad.to_string()),
            Self::ByOperation(_, Refusal::BadLink) => {
                Answer::failed(StatusCode::FORBIDDEN, "This link has expired or was used. Ask for a new one.")
            }
            Self::ByOperation(operation, Refusal::CodeNeeded) => {
                let sentence = "A code of your authenticator app is needed.";
                Answer::lacks_code(without_code(*operation, site), sentence)
            }
            Self::ByOperation(Operation::ConfirmFactor, Refusal::WrongCode) => {
                Answer::failed(StatusCode::BAD_REQUEST, WRONG_CODE)
            }
            Self::ByOperation(operation, Refusal::WrongCode) => {
                Answer::lacks_code(without_code(*operation, site), WRONG_CODE)
            }
            Self::ByOperation(Operation::ConfirmFactor, Refusal::NoFactor) => {
                let sentence = format!("No second factor is begun. POST {} begins one.", Operation::BeginFactor.path());
                Answer::failed(StatusCode::NOT_FOUND, &sentence)
            }
            Self::ByOperation(_, Refusal::NoFactor) => {
                Answer::failed(StatusCode::NOT_FOUND, "There is no second factor.")
            }
            Self::ByOperation(_, Refusal::TooManyKeys) => {
                let sentence = format!("An account has at most {KEYS_MAX} access keys. End one that you do not need.");
                Answer::failed(StatusCode::BAD_REQUEST, &sentence)
            }
            Self::ByOperation(operation, Refusal::Mismatch(mismatch)) => mismatched(*operation, *mismatch, site),
            Self::ByOperation(_, Refusal::Throttled(wait)) => {
                let seconds = wait.as_millis().div_ceil(1000).try_into().unwrap_or(u64::MAX);
                let sentence = format!("Too many attempts. Try again in {seconds} s.");
                Answer::failed(StatusCode::TOO_MANY_REQUESTS, &sentence).retry_after(seconds)
            }
            Self::ByOperation(_, Refusal::Unavailable(cause)) => {
                tracing::error!(error = %Causes(cause), "dependency failed");
                unavailable()
            }
            Self::Unavailable => unavailable(),
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
fn cross_site(site: &Site) -> &'static str {
    if site.issuer.is_secure() {
        "Pages of this origin may not log on. The parameter AllowedOrigins of the stack says which may."
    } else {
        "Pages of this origin may not log on. The option --allow-origin of jea-auth serve says which may."
    }
}

fn unavailable() -> Answer {
    let sentence = "The service is unavailable for the moment. Try again in a few seconds.";
    Answer::failed(StatusCode::SERVICE_UNAVAILABLE, sentence).retry_after(RETRY_AFTER_SECONDS)
}
