//! What an owner sees of the account's sessions, and how they are ended.

use super::{Operations, Refusal};
use crate::{
    account::Account,
    identity::Identity,
    ids::SessionId,
    session::{By, Session},
    time::Timestamp,
};

/// The most sessions that are listed: about 600 kB, of the 6 MB that an answer of a function may have (AWS Lambda Developer
/// Guide, "Lambda quotas"). A script that logs on every second has more.
const LISTED_MAX: usize = 1_000;

/// A session, and what opened it, in its owner's words.
pub struct Described {
    /// The session.
    pub session: Session,
    /// `password`, the name of the access key, or the id of one that has ended.
    pub by: String,
}

impl Operations {
    /// The sessions of the account that are alive, newest first, at most 1,000. Those too which an end of sessions
    /// that broke off has left: the authorizer accepts them.
    ///
    /// # Errors
    /// [`Refusal::SessionEnded`] or [`Refusal::Unavailable`].
    pub async fn sessions(&self, identity: &Identity, now: Timestamp) -> Result<Vec<Described>, Refusal> {
        let (account, sessions) = tokio::join!(self.account(identity, now), self.store.sessions(&identity.sub));
        let (account, mut sessions) = (account?, sessions?);
        sessions.retain(|session| session.is_alive(now));
        sessions.sort_by(|a, b| (b.auth_time, &b.sid).cmp(&(a.auth_time, &a.sid)));
        sessions.truncate(LISTED_MAX);
        Ok(sessions.into_iter().map(|session| described(session, &account)).collect())
    }

    /// Ends one session of the account. Its end does not move the generation, as the others stay; a log-on cannot bring it
    /// back, as none uses an id twice.
    ///
    /// # Errors
    /// [`Refusal::NotFound`] if the account has no such session, [`Refusal::SessionEnded`] or [`Refusal::Unavailable`].
    pub async fn end_session(&self, identity: &Identity, sid: &SessionId, now: Timestamp) -> Result<(), Refusal> {
        let (account, session) = tokio::join!(self.account(identity, now), self.store.session(&identity.sub, sid));
        account?;
        // Read before it is deleted: of a delete whose first answer was lost the second one finds nothing.
        session?.ok_or(Refusal::NotFound)?;
        self.store.end_session(&identity.sub, sid).await?;
        Ok(())
    }

    /// Ends all sessions of the account but the one that asks. Gives back how many ended.
    ///
    /// # Errors
    /// [`Refusal::SessionEnded`] or [`Refusal::Unavailable`].
    pub async fn end_other_sessions(&self, identity: &Identity, now: Timestamp) -> Result<usize, Refusal> {
        let account = self.account(identity, now).await?;
        let change = |account: &Account| Ok(account.clone().next_generation());
        self.change_and_keep(account, identity, now, change).await.map(|carried| carried.ended)
    }
}

fn described(session: Session, account: &Account) -> Described {
    let by = match &session.by {
        By::Password => session.by.as_str(),
        By::Key(id) => account.access_keys.get(id).map_or(id.as_str(), |key| key.name.as_str()),
    };
    let by = by.to_owned();
    Described { session, by }
}
