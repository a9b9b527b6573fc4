//! The access keys of an account, in its owner's hand.

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::{
    answer::Reply,
    objects::{Date, Included, Succeeded, date},
    reason::Reason,
    refusal::Refused,
    request::{self, Body, Request},
};
use crate::{
    domain::{
        access_key::{AccessKeyId, DAYS_DEFAULT, DAYS_MAX, StoredKey},
        account::Name,
        session::By,
    },
    service::operations::{MadeKey, NewKey},
    web::event::Event,
};

/// An access key that is to be made.
#[derive(Deserialize)]
#[cfg_attr(feature = "terminal", derive(schemars::JsonSchema), schemars(inline))]
#[serde(deny_unknown_fields)]
pub(crate) struct NewKeyBody {
    name: String,
    // Of so few bits, as it is small: generators make large types of the others.
    #[cfg_attr(feature = "terminal", schemars(with = "Option<i32>", range(min = 1, max = DAYS_MAX)))]
    days: Option<u64>,
    /// Whether it is for reading alone.
    read_only: Option<bool>,
}

impl Body for NewKeyBody {
    fn read(event: &Event) -> Result<Self, Refused> {
        request::object(
            event,
            "Send one JSON object with the string \"name\" and, if you like, the whole number \"days\" and the truth value \"read_only\".",
        )
    }
}

/// An access key, as its owner sees it. What it is worth is not in it.
#[derive(Serialize)]
#[cfg_attr(feature = "terminal", derive(schemars::JsonSchema))]
pub(crate) struct KeyObject {
    id: String,
    name: String,
    created: Date,
    expires: Date,
    last_used: Option<Date>,
    read_only: bool,
}

impl KeyObject {
    fn of((id, key): &(AccessKeyId, StoredKey)) -> Self {
        Self {
            id: id.as_str().to_owned(),
            name: key.name.as_str().to_owned(),
            created: date(key.created),
            expires: date(key.expires_at),
            last_used: key.last_used.map(date),
            read_only: key.read_only,
        }
    }
}

/// A new access key, the only time that it is shown.
#[derive(Serialize)]
#[cfg_attr(feature = "terminal", derive(schemars::JsonSchema))]
pub(crate) struct MadeKeyObject {
    id: String,
    name: String,
    #[cfg_attr(feature = "terminal", schemars(with = "String"))]
    key: Zeroizing<String>,
    created: Date,
    expires: Date,
    read_only: bool,
}

pub(super) async fn list(request: Request<'_>, (): ()) -> Result<Reply<Included<Vec<KeyObject>>>, Refused> {
    let keys = request.function.operations.keys(request.identity()?, request.now).await?;
    Ok(Reply::ok(&Included::new("Access keys included.", keys.iter().map(KeyObject::of).collect())))
}

pub(super) async fn make(request: Request<'_>, body: NewKeyBody) -> Result<Reply<Included<MadeKeyObject>>, Refused> {
    let bad_name = |sentence: String| Refused::Malformed(Reason::BadName, sentence.into());
    let name = Name::parse(&body.name).map_err(|error| bad_name(format!("name: {error}.")))?;
    // The list of sessions says what opened each: the password, a passkey, or the key of a name.
    for by in [By::Password, By::Passkey] {
        if name.as_str().eq_ignore_ascii_case(by.as_str()) {
            return Err(bad_name(format!("name: a key cannot be called {}.", by.as_str())));
        }
    }
    let days = body.days.unwrap_or(DAYS_DEFAULT);
    if !(1..=DAYS_MAX).contains(&days) {
        return Err(Refused::Malformed(Reason::BadDays, format!("days: send 1 to {DAYS_MAX}.").into()));
    }
    let new_key = NewKey { name, days, read_only: body.read_only.unwrap_or_default() };
    let identity = request.identity()?;
    let made = request.function.operations.make_key(identity, new_key, &request.context().await?).await?;
    let MadeKey { id, text, stored } = made;
    let data = MadeKeyObject {
        id: id.as_str().to_owned(),
        name: stored.name.as_str().to_owned(),
        key: text,
        created: date(stored.created),
        expires: date(stored.expires_at),
        read_only: stored.read_only,
    };
    Ok(Reply::ok(&Included::new("Access key made. It is shown this once.", data)))
}

pub(super) async fn end(request: Request<'_>, (): ()) -> Result<Reply<Succeeded>, Refused> {
    let id = request.id(AccessKeyId::parse)?;
    request.function.operations.end_key(request.identity()?, &id, &request.context().await?).await?;
    Ok(Reply::ok(&Succeeded::new("Access key ended, and the sessions that it opened.")))
}
