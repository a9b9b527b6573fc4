//! Passwords: changed by whoever has the present one, asked for when it is forgotten, and set by the link of a mail.

use serde::Deserialize;

use super::{
    LogonFunction,
    answer::Reply,
    log_on::{AuthObject, Occasion, handed_over},
    objects::Succeeded,
    reason::Reason,
    refusal::Refused,
    request::{self, Body, Request},
};
use crate::{
    domain::account::Email,
    service::operations::{NewPasswordByLink, PasswordChange},
    web::event::Event,
};

impl Body for PasswordChange {
    fn read(event: &Event) -> Result<Self, Refused> {
        request::object(
            event,
            "Send one JSON object with the strings \"password\" and \"new_password\" and, with a second factor, \"otp\".",
        )
    }
}

impl Body for NewPasswordByLink {
    fn read(event: &Event) -> Result<Self, Refused> {
        request::object(
            event,
            "Send one JSON object with the strings \"token\" and \"new_password\" and, with a second factor, \"otp\".",
        )
    }
}

/// Whose password is forgotten.
#[derive(Deserialize)]
#[cfg_attr(feature = "terminal", derive(schemars::JsonSchema), schemars(inline))]
#[serde(deny_unknown_fields)]
pub(crate) struct Forgotten {
    #[cfg_attr(feature = "terminal", schemars(with = "String"))]
    email: Email,
}

impl Body for Forgotten {
    fn read(event: &Event) -> Result<Self, Refused> {
        request::object(event, "Send one JSON object with exactly one string: \"email\".")
    }
}

pub(super) async fn change(request: Request<'_>, passwords: PasswordChange) -> Result<Reply<AuthObject>, Refused> {
    let LogonFunction { operations, site, .. } = request.function;
    let identity = request.identity()?;
    let outcome = operations.change_password(identity, passwords, &request.context().await?).await;
    Reply::to(outcome, |issued| handed_over(Occasion::PASSWORD, &issued, identity.carrier, site))
}

pub(super) async fn forgot(request: Request<'_>, body: Forgotten) -> Result<Reply<Succeeded>, Refused> {
    // Of what no account can have nothing is learned, and whoever mistyped is told at once.
    if !body.email.is_possible() {
        return Err(bad_email());
    }
    request.function.operations.forgot(&body.email, &request.context().await?).await?;
    Ok(Reply::ok(&Succeeded::new("If there is an account with this email, a message is on its way.")))
}

/// No account can have the email that was sent.
pub(super) fn bad_email() -> Refused {
    Refused::Malformed(Reason::BadEmail, "email: this is no email address.".into())
}

pub(super) async fn reset(request: Request<'_>, by_link: NewPasswordByLink) -> Result<Reply<Succeeded>, Refused> {
    let LogonFunction { operations, site, .. } = request.function;
    let device = operations.reset(by_link, &request.context().await?).await?;
    Ok(Reply::ok(&Succeeded::new("Password set. Log on with it.")).with_device(site, Some(&device)))
}
