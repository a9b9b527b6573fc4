//! Account details: read and changed by their owner.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{
    answer::Reply,
    refusal::Refused,
    request::{self, Body, Request},
};
use crate::{
    domain::{account::Account, details::DetailsChange},
    web::event::Event,
};

impl Body for DetailsChange {
    fn read(event: &Event) -> Result<Self, Refused> {
        let body = request::bytes(event, "Send one JSON object with members of the account details, each once.")?;
        Self::parse(&body).map_err(|bad| Refused::Malformed((&bad).into(), bad.to_string().into()))
    }
}

/// What `data` of the account details has may be sent back, and what clients of the original service send.
#[cfg(feature = "terminal")]
impl schemars::JsonSchema for DetailsChange {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "DetailsChange".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        use crate::domain::details::{MEMBERS, VALUE_MAX_BYTES};
        let text = serde_json::json!({"type": ["string", "null"], "maxLength": VALUE_MAX_BYTES});
        let members: BTreeMap<_, _> = MEMBERS.iter().map(|name| (*name, &text)).collect();
        schemars::json_schema!({"type": "object", "properties": members, "additionalProperties": true})
    }
}

/// An account, as its owner sees it.
#[derive(Serialize)]
#[cfg_attr(feature = "terminal", derive(schemars::JsonSchema))]
pub(crate) struct AccountObject {
    ok: bool,
    status: &'static str,
    data: Details,
}

#[derive(Serialize)]
#[cfg_attr(feature = "terminal", derive(schemars::JsonSchema))]
struct Details {
    nickname: String,
    email: String,
    role: Option<String>,
    // For generators of TypeScript all members must fit the type of those that have no name, and the role can be null.
    #[cfg_attr(feature = "terminal", schemars(with = "BTreeMap<String, Option<String>>"))]
    #[serde(flatten)]
    profile: BTreeMap<String, String>,
}

impl AccountObject {
    fn of(account: &Account) -> Self {
        let own = ["nickname", "email", "role"];
        let profile = account.profile.iter().filter(|(name, _)| !own.contains(&name.as_str()));
        let data = Details {
            nickname: account.name.as_str().to_owned(),
            email: account.registered_email.clone(),
            role: account.role.as_ref().map(|role| role.as_str().to_owned()),
            profile: profile.map(|(name, value)| (name.clone(), value.clone())).collect(),
        };
        Self { ok: true, status: "User's account details included.", data }
    }
}

/// The original service's transaction object. The session that it speaks of is one of its own.
#[derive(Serialize)]
#[cfg_attr(feature = "terminal", derive(schemars::JsonSchema))]
pub(crate) struct UpdatedObject {
    ok: bool,
    status: &'static str,
    // A type with null as its only value is one that OpenAPI Generator makes code of that does not compile.
    #[cfg_attr(feature = "terminal", schemars(with = "Option<String>"))]
    session: Option<()>,
}

pub(super) async fn user(request: Request<'_>, (): ()) -> Result<Reply<AccountObject>, Refused> {
    let account = request.function.operations.account(request.identity()?, request.now).await?;
    Ok(Reply::ok(&AccountObject::of(&account)))
}

pub(super) async fn update(request: Request<'_>, change: DetailsChange) -> Result<Reply<UpdatedObject>, Refused> {
    let identity = request.identity()?;
    request.function.operations.update_user(identity, &change, &request.context().await?).await?;
    let status = "Account details updated successfully!";
    Ok(Reply::ok(&UpdatedObject { ok: true, status, session: None }))
}
