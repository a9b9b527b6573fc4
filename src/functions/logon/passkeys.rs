//! Passkeys: a log-on without a password, and what an owner does with them. Options and answers have the JSON forms of
//! Web Authentication Level 3, section 5.1, so that browsers and their libraries take and give them as they are.

mod forms;

use serde::{Deserialize, Serialize};

use super::{
    LogonFunction, Reason,
    answer::Reply,
    log_on::{AuthObject, Occasion, by_delivery, handed_over},
    objects::{Date, Included, Succeeded, date},
    refusal::Refused,
    request::{self, Body, REGISTRATION_MAX_BYTES, Request},
};
use crate::{
    domain::{
        account::Name,
        json,
        passkey::{CredentialId, StoredPasskey},
        webauthn::{InvalidResponse, RegistrationJson, UnverifiedAssertion, UnverifiedRegistration},
    },
    service::operations::AddedPasskey,
    web::event::Event,
};
use forms::{CreationOptions, RequestOptions};

/// What the use of a passkey has brought.
#[cfg_attr(feature = "terminal", derive(schemars::JsonSchema), schemars(inline, transparent))]
pub(crate) struct Assertion(
    #[cfg_attr(feature = "terminal", schemars(with = "forms::AuthenticationResponse"))] UnverifiedAssertion,
);

impl Body for Assertion {
    fn read(event: &Event) -> Result<Self, Refused> {
        let body = request::bytes(event, "Send one AuthenticationResponseJSON of Web Authentication.")?;
        UnverifiedAssertion::parse(&body).map(Self).map_err(|invalid| malformed(&invalid.to_string()))
    }
}

/// A passkey that is to be added, and what it is to be called.
#[derive(Deserialize)]
#[cfg_attr(feature = "terminal", derive(schemars::JsonSchema), schemars(inline))]
#[serde(deny_unknown_fields)]
pub(crate) struct NewPasskeyBody {
    name: String,
    #[cfg_attr(feature = "terminal", schemars(with = "forms::RegistrationResponse"))]
    credential: RegistrationJson,
}

impl Body for NewPasskeyBody {
    fn read(event: &Event) -> Result<Self, Refused> {
        const EXPECTED: &str = "Send one JSON object with the string \"name\" and the object \"credential\", a \
             RegistrationResponseJSON of Web Authentication.";
        let body = request::bytes_up_to(REGISTRATION_MAX_BYTES, event, EXPECTED)?;
        json::object(&body).ok_or_else(|| request::malformed(EXPECTED))
    }
}

fn malformed(sentence: &str) -> Refused {
    Refused::Malformed(Reason::MalformedBody, sentence.to_owned().into())
}

/// A passkey, as its owner sees it.
#[derive(Serialize)]
#[cfg_attr(feature = "terminal", derive(schemars::JsonSchema))]
pub(crate) struct PasskeyObject {
    id: String,
    name: String,
    created: Date,
    last_used: Option<Date>,
    /// Whether there is a copy of it elsewhere, by what its authenticator said last.
    backed_up: bool,
}

impl PasskeyObject {
    fn of(id: &CredentialId, passkey: &StoredPasskey) -> Self {
        Self {
            id: id.text(),
            name: passkey.name.as_str().to_owned(),
            created: date(passkey.created),
            last_used: passkey.last_used.map(date),
            backed_up: passkey.backed_up,
        }
    }
}

pub(super) async fn options(request: Request<'_>, (): ()) -> Result<Reply<Included<RequestOptions>>, Refused> {
    let context = request.context().await?;
    let (challenge, rp_id) = request.function.operations.passkey_options(&context)?;
    Ok(Reply::ok(&Included::new("Passkey options included.", RequestOptions::new(challenge, rp_id.to_owned()))))
}

pub(super) async fn log_on(request: Request<'_>, body: Assertion) -> Result<Reply<AuthObject>, Refused> {
    let LogonFunction { operations, site, .. } = request.function;
    let outcome = operations.log_on_by_passkey(body.0, &request.context().await?).await;
    Reply::to(outcome, |issued| handed_over(Occasion::LOG_ON, &issued, by_delivery(site.delivery), site))
}

pub(super) async fn confirm(request: Request<'_>, body: Assertion) -> Result<Reply<AuthObject>, Refused> {
    let LogonFunction { operations, site, .. } = request.function;
    let identity = request.identity()?;
    let outcome = operations.confirm_by_passkey(body.0, identity, &request.context().await?).await;
    Reply::to(outcome, |issued| handed_over(Occasion::CONFIRM, &issued, identity.carrier, site))
}

pub(super) async fn list(request: Request<'_>, (): ()) -> Result<Reply<Included<Vec<PasskeyObject>>>, Refused> {
    let passkeys = request.function.operations.passkeys(request.identity()?, request.now).await?;
    let data = passkeys.iter().map(|(id, passkey)| PasskeyObject::of(id, passkey)).collect();
    Ok(Reply::ok(&Included::new("Passkeys included.", data)))
}

pub(super) async fn begin(request: Request<'_>, (): ()) -> Result<Reply<Included<CreationOptions>>, Refused> {
    let LogonFunction { operations, site, .. } = request.function;
    let begun = operations.begin_passkey(request.identity()?, &request.context().await?).await?;
    let data = CreationOptions::new(begun, &site.service);
    Ok(Reply::ok(&Included::new("Make a passkey with these options.", data)))
}

pub(super) async fn add(request: Request<'_>, body: NewPasskeyBody) -> Result<Reply<Included<PasskeyObject>>, Refused> {
    let name = Name::parse(&body.name)
        .map_err(|error| Refused::Malformed(Reason::BadName, format!("name: {error}.").into()))?;
    let registration = UnverifiedRegistration::try_from(body.credential)
        .map_err(|invalid: InvalidResponse| malformed(&format!("credential: {invalid}")))?;
    let (identity, context) = (request.identity()?, request.context().await?);
    let AddedPasskey { id, stored } =
        request.function.operations.add_passkey(identity, name, registration, &context).await?;
    Ok(Reply::ok(&Included::new("Passkey added.", PasskeyObject::of(&id, &stored))))
}

pub(super) async fn remove(request: Request<'_>, (): ()) -> Result<Reply<Succeeded>, Refused> {
    let id = request.id(CredentialId::parse)?;
    request.function.operations.remove_passkey(request.identity()?, &id, &request.context().await?).await?;
    Ok(Reply::ok(&Succeeded::new("Passkey removed.")))
}
