//! The second factor of an account, in its owner's hand.

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::{
    LogonFunction,
    answer::Reply,
    objects::{Included, Succeeded},
    refusal::Refused,
    request::{self, Body, Request},
};
use crate::{domain::factor::Otp, web::event::Event};

/// A code of an authenticator app, or a recovery code where one counts.
#[derive(Deserialize)]
#[cfg_attr(feature = "terminal", derive(schemars::JsonSchema), schemars(inline))]
#[serde(deny_unknown_fields)]
pub(crate) struct Code {
    #[cfg_attr(feature = "terminal", schemars(with = "String"))]
    otp: Otp,
}

impl Body for Code {
    fn read(event: &Event) -> Result<Self, Refused> {
        request::object(event, "Send one JSON object with exactly one string: \"otp\".")
    }
}

/// What its owner may know of a second factor.
#[derive(Serialize)]
#[cfg_attr(feature = "terminal", derive(schemars::JsonSchema))]
pub(crate) struct FactorState {
    set: bool,
    /// How many of them are left.
    recovery_codes: usize,
}

/// A second factor that waits for its confirmation, the only time that it is shown.
#[derive(Serialize)]
#[cfg_attr(feature = "terminal", derive(schemars::JsonSchema))]
pub(crate) struct FactorObject {
    #[cfg_attr(feature = "terminal", schemars(with = "String"))]
    secret: Zeroizing<String>,
    #[cfg_attr(feature = "terminal", schemars(with = "String"))]
    uri: Zeroizing<String>,
}

/// Recovery codes, the only time that they are shown.
#[derive(Serialize)]
#[cfg_attr(feature = "terminal", derive(schemars::JsonSchema))]
pub(crate) struct RecoveryCodesObject {
    #[cfg_attr(feature = "terminal", schemars(with = "Vec<String>"))]
    recovery_codes: Vec<Zeroizing<String>>,
}

pub(super) async fn factor(request: Request<'_>, (): ()) -> Result<Reply<Included<FactorState>>, Refused> {
    let factor = request.function.operations.account(request.identity()?, request.now).await?.factor;
    let recovery_codes = factor.as_ref().map_or(0, |factor| factor.recovery.len());
    Ok(Reply::ok(&Included::new("Second factor included.", FactorState { set: factor.is_some(), recovery_codes })))
}

pub(super) async fn begin(request: Request<'_>, (): ()) -> Result<Reply<Included<FactorObject>>, Refused> {
    let LogonFunction { operations, site, .. } = request.function;
    let begun = operations.begin_factor(request.identity()?, &request.context().await?).await?;
    let data = FactorObject { secret: begun.secret.base32(), uri: begun.secret.uri(&site.service, &begun.email) };
    Ok(Reply::ok(&Included::new("Confirm it with a code of your authenticator app.", data)))
}

pub(super) async fn confirm(request: Request<'_>, body: Code) -> Result<Reply<Included<RecoveryCodesObject>>, Refused> {
    let identity = request.identity()?;
    let codes = request.function.operations.confirm_factor(identity, &body.otp, &request.context().await?).await?;
    let data = RecoveryCodesObject { recovery_codes: codes };
    Ok(Reply::ok(&Included::new("Second factor set up. The recovery codes are shown this once.", data)))
}

pub(super) async fn new_codes(
    request: Request<'_>,
    body: Code,
) -> Result<Reply<Included<RecoveryCodesObject>>, Refused> {
    let identity = request.identity()?;
    let codes = request.function.operations.new_codes(identity, &body.otp, &request.context().await?).await?;
    let data = RecoveryCodesObject { recovery_codes: codes };
    Ok(Reply::ok(&Included::new("New recovery codes. They are shown this once.", data)))
}

pub(super) async fn remove(request: Request<'_>, (): ()) -> Result<Reply<Succeeded>, Refused> {
    request.function.operations.remove_factor(request.identity()?, &request.context().await?).await?;
    Ok(Reply::ok(&Succeeded::new("Second factor removed.")))
}
