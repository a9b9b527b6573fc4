//! The sessions of an account, in its owner's hand.

use serde::Serialize;

use super::{
    LogonFunction,
    answer::Reply,
    objects::{Date, Included, Succeeded, date},
    refusal::Refused,
    request::Request,
};
use crate::{
    domain::ids::SessionId,
    service::operations::{EndedOthers, ListedSession},
};

/// A session, as its owner sees it.
#[derive(Serialize)]
#[cfg_attr(feature = "terminal", derive(schemars::JsonSchema))]
pub(crate) struct SessionObject {
    sid: String,
    /// Whether it is the one that asks.
    current: bool,
    by: String,
    agent: String,
    address: String,
    created: Date,
    expires: Date,
}

impl SessionObject {
    fn of(listed: ListedSession, own: &SessionId) -> Self {
        let ListedSession { session, by } = listed;
        Self {
            sid: session.sid.as_str().to_owned(),
            current: session.sid == *own,
            by,
            agent: session.agent,
            address: session.address,
            created: date(session.auth_time),
            expires: date(session.expires_at),
        }
    }
}

pub(super) async fn list(request: Request<'_>, (): ()) -> Result<Reply<Included<Vec<SessionObject>>>, Refused> {
    let identity = request.identity()?;
    let sessions = request.function.operations.sessions(identity, request.now).await?;
    let data = sessions.into_iter().map(|session| SessionObject::of(session, &identity.sid)).collect();
    Ok(Reply::ok(&Included::new("Sessions included.", data)))
}

pub(super) async fn end(request: Request<'_>, (): ()) -> Result<Reply<Succeeded>, Refused> {
    let sid = request.id(SessionId::parse)?;
    request.function.operations.end_session(request.identity()?, &sid, request.now).await?;
    Ok(Reply::ok(&Succeeded::new("1 session ended.")))
}

pub(super) async fn end_others(request: Request<'_>, (): ()) -> Result<Reply<Succeeded>, Refused> {
    let LogonFunction { operations, site, .. } = request.function;
    let ended = operations.end_other_sessions(request.identity()?, &request.context().await?).await?;
    let EndedOthers { count, device } = ended;
    let sentence = if count == 1 { "1 session ended.".to_owned() } else { format!("{count} sessions ended.") };
    Ok(Reply::ok(&Succeeded::new(sentence)).with_device(site, device.as_deref()))
}
