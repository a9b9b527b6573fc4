//! Log on, check in, confirm and log off: what is answered with an Auth object.

use serde::{Deserialize, Serialize};

use super::{
    LogonFunction, Site, TokenDelivery,
    answer::{Cookie, Reply},
    refusal::Refused,
    request::{self, Body, Request},
};
use crate::{
    domain::{account::Email, factor::Otp, json, password::Password},
    service::operations::{Amends, Credential, Issued},
    web::{
        carrier::{COOKIE_NAME, Carrier},
        event::Event,
    },
};

/// What is sent to log on. The last two are passed over where nothing asks for them.
#[derive(Deserialize)]
#[cfg_attr(feature = "terminal", derive(schemars::JsonSchema), schemars(inline))]
#[serde(deny_unknown_fields)]
pub(crate) struct LogOn {
    #[cfg_attr(feature = "terminal", schemars(with = "String"))]
    email: Email,
    #[cfg_attr(feature = "terminal", schemars(with = "String"))]
    password: Password,
    /// A code of the second factor, or a recovery code.
    #[cfg_attr(feature = "terminal", schemars(with = "Option<String>"))]
    otp: Option<Otp>,
    /// The password that is to take a temporary one's place.
    #[cfg_attr(feature = "terminal", schemars(with = "Option<String>"))]
    new_password: Option<Password>,
    /// Whether a second factor that is demanded is to be set up.
    enrol: Option<bool>,
}

impl Body for LogOn {
    fn read(event: &Event) -> Result<Self, Refused> {
        read_credential(event)
    }
}

impl Body for Credential {
    fn read(event: &Event) -> Result<Self, Refused> {
        read_credential(event)
    }
}

fn read_credential<T: for<'de> Deserialize<'de>>(event: &Event) -> Result<T, Refused> {
    const EXPECTED: &str = "Send one JSON object with exactly two strings: \"email\" and \"password\".";
    const WITH_CODE: &str = "Send one JSON object with three strings: \"email\", \"password\" and \"otp\".";
    let body = request::bytes(event, EXPECTED)?;
    // Whoever has no second factor is told what was always told.
    let expected = if body.windows(5).any(|window| window == b"\"otp\"") { WITH_CODE } else { EXPECTED };
    json::object(&body).ok_or_else(|| request::malformed(expected))
}

/// The answer of every operation on a session. Members in this order.
#[derive(Serialize)]
#[cfg_attr(feature = "terminal", derive(schemars::JsonSchema))]
pub(crate) struct AuthObject {
    ok: bool,
    status: &'static str,
    jwt: String,
    user: Option<String>,
    role: Option<String>,
    email: Option<String>,
}

/// What an Auth object says of the operation that made it.
#[derive(Clone, Copy)]
pub(super) struct Occasion {
    status: &'static str,
    /// What stands in the token's place when it travels in the cookie.
    placeholder: &'static str,
}

impl Occasion {
    pub(super) const LOG_ON: Self = Self { status: "Logged in successfully!", placeholder: "Session token in cookie" };
    pub(super) const CHECK_IN: Self =
        Self { status: "Session renewed successfully!", placeholder: "Session key cookie" };
    pub(super) const PASSWORD: Self =
        Self { status: "Password changed successfully!", placeholder: "Session key cookie" };
    pub(super) const CONFIRM: Self = Self { status: "User credential confirmed!", placeholder: "Session key cookie" };
}

pub(super) async fn log_on(request: Request<'_>, body: LogOn) -> Result<Reply<AuthObject>, Refused> {
    let LogonFunction { operations, site, .. } = request.function;
    let LogOn { email, password, otp, new_password, enrol } = body;
    let (credential, amends) =
        (Credential { email, password, otp }, Amends { new_password, enrol: enrol.unwrap_or_default() });
    let outcome = operations.log_on(credential, amends, &request.context().await?).await;
    Reply::to(outcome, |issued| handed_over(Occasion::LOG_ON, &issued, by_delivery(site.delivery), site))
}

/// What the token of a log-on travels by.
pub(super) fn by_delivery(delivery: TokenDelivery) -> Carrier {
    match delivery {
        TokenDelivery::Cookie => Carrier::Cookie,
        TokenDelivery::Body => Carrier::Bearer,
    }
}

pub(super) async fn check_in(request: Request<'_>, (): ()) -> Result<Reply<AuthObject>, Refused> {
    let LogonFunction { operations, site, .. } = request.function;
    let identity = request.identity()?;
    let issued = operations.check_in(identity, &request.context().await?).await?;
    Ok(handed_over(Occasion::CHECK_IN, &issued, identity.carrier, site))
}

pub(super) async fn confirm(request: Request<'_>, credential: Credential) -> Result<Reply<AuthObject>, Refused> {
    let LogonFunction { operations, site, .. } = request.function;
    let identity = request.identity()?;
    let outcome = operations.confirm(credential, identity, &request.context().await?).await;
    Reply::to(outcome, |issued| handed_over(Occasion::CONFIRM, &issued, identity.carrier, site))
}

pub(super) async fn log_off(request: Request<'_>, (): ()) -> Result<Reply<AuthObject>, Refused> {
    let LogonFunction { operations, site, .. } = request.function;
    let identity = request.identity()?;
    operations.log_off(identity).await?;
    let (status, jwt) = ("Logged out successfully!", "Session token cleared".to_owned());
    let reply = Reply::ok(&AuthObject { ok: true, status, jwt, user: None, role: None, email: None });
    Ok(match identity.carrier {
        Carrier::Cookie => reply.with_cookie(site, Cookie::cleared(COOKIE_NAME)),
        Carrier::Bearer => reply,
    })
}

/// The answer that hands over a token, by the carrier that it is to travel by.
pub(super) fn handed_over(occasion: Occasion, issued: &Issued, carrier: Carrier, site: &Site) -> Reply<AuthObject> {
    let Occasion { status, placeholder } = occasion;
    let token = issued.token.expose();
    let jwt = match carrier {
        Carrier::Cookie => placeholder,
        Carrier::Bearer => token,
    };
    let reply = Reply::ok(&AuthObject {
        ok: true,
        status,
        jwt: jwt.to_owned(),
        user: Some(issued.name.as_str().to_owned()),
        role: issued.role.as_ref().map(|role| role.as_str().to_owned()),
        email: Some(issued.email.clone()),
    });
    match carrier {
        // The token first, because one known client reads no other.
        Carrier::Cookie => reply
            .with_cookie(site, Cookie { name: COOKIE_NAME, value: token, life: issued.life })
            .with_device(site, issued.device.as_deref()),
        Carrier::Bearer => reply,
    }
}
