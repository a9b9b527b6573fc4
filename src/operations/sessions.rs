//! What an owner sees of the account's sessions, and how they are ended.

use super::{Operations, Refusal};
use crate::{
    account::Account,
    identity::Identity,
    ids::SessionId,
    session::{By, Session},
    time::Timestamp,
};

/// A session, and what opened it, in its owner's words.
pub struct Described {
    /// The session.
    pub session: Session,
    /// `password`, or the name of the access key.
    pub by: String,
}

impl Operations {
    /// The sessions of the account that are alive, newest first.
    ///
    /// # Errors
    /// [`Refusal::SessionEnded`] or [`Refusal::Unavailable`].
    pub async fn sessions(&self, identity: &Identity, now: Timestamp) -> Result<Vec<Described>, Refusal> {
        let (account, sessions) = tokio::join!(self.account(identity, now), self.store.sessions(&identity.sub));
        let (account, mut sessions) = (account?, sessions?);
        // What something that broke off has left is dead, though not deleted yet.
        sessions.retain(|session| session.is_alive(now) && session.generation == account.generation);
        sessions.sort_by(|a, b| (b.auth_time, &b.sid).cmp(&(a.auth_time, &a.sid)));
        Ok(sessions.into_iter().filter_map(|session| described(session, &account, now)).collect())
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

/// Nothing comes back for a session whose access key has ended: it has ended with it.
fn described(session: Session, account: &Account, now: Timestamp) -> Option<Described> {
    let by = match &session.by {
        By::Password => session.by.as_str().to_owned(),
        By::Key(id) => account.living_key(id, now)?.name.as_str().to_owned(),
    };
    Some(Described { session, by })
}
