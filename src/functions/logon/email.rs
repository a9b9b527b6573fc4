//! The email of an account, which its owner changes by two links.

use serde::Deserialize;
use zeroize::Zeroizing;

use super::{
    answer::Reply,
    objects::Succeeded,
    password::bad_email,
    refusal::Refused,
    request::{self, Body, Request},
};
use crate::{domain::account::Email, service::operations::EmailConfirmed, web::event::Event};

/// The email that an account is to have.
#[derive(Deserialize)]
#[cfg_attr(feature = "terminal", derive(schemars::JsonSchema), schemars(inline))]
#[serde(deny_unknown_fields)]
pub(crate) struct NewEmail {
    // People type passwords into the email field, so that one clears itself as well.
    #[cfg_attr(feature = "terminal", schemars(with = "String"))]
    email: Zeroizing<String>,
}

impl Body for NewEmail {
    fn read(event: &Event) -> Result<Self, Refused> {
        request::object(event, "Send one JSON object with exactly one string: \"email\".")
    }
}

/// The token of a link.
#[derive(Deserialize)]
#[cfg_attr(feature = "terminal", derive(schemars::JsonSchema), schemars(inline))]
#[serde(deny_unknown_fields)]
pub(crate) struct EmailToken {
    #[cfg_attr(feature = "terminal", schemars(with = "String"))]
    token: Zeroizing<String>,
}

impl Body for EmailToken {
    fn read(event: &Event) -> Result<Self, Refused> {
        request::object(event, "Send one JSON object with exactly one string: \"token\".")
    }
}

pub(super) async fn change(request: Request<'_>, body: NewEmail) -> Result<Reply<Succeeded>, Refused> {
    // Nobody could use a link to what gets no mails.
    let is_mailable = Email::parse(&body.email).is_ok_and(|email| email.can_be_mailed());
    if !is_mailable {
        return Err(bad_email());
    }
    let operations = &request.function.operations;
    operations.change_email(request.identity()?, &body.email, &request.context().await?).await?;
    let status = "If the address can be used, messages are on their way to it and to the present one.";
    Ok(Reply::ok(&Succeeded::new(status)))
}

pub(super) async fn confirm(request: Request<'_>, body: EmailToken) -> Result<Reply<Succeeded>, Refused> {
    let confirmed = request.function.operations.confirm_email(&body.token, &request.context().await?).await?;
    Ok(Reply::ok(&Succeeded::new(match confirmed {
        EmailConfirmed::ByOne => "Confirmed. The other address must confirm it, too.",
        EmailConfirmed::ByBoth => "Email changed. Log on with it.",
    })))
}
