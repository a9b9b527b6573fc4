//! What an owner sees of the account's sessions, and how they are ended.

use super::{Context, Operations, Refusal};
use crate::{
    domain::{
        account::Account,
        device::Device,
        ids::SessionId,
        session::{By, Life, Session},
        time::Timestamp,
    },
    platform::store::KeptSession,
    web::identity::Identity,
};

/// The most sessions that are listed: about 600 kB, of the 6 MB that an answer of a function may have (AWS Lambda
/// Developer Guide, "Lambda quotas"). A script that logs on every second has more.
const LISTED_MAX: usize = 1_000;

/// A session, and what opened it, in its owner's words.
pub struct ListedSession {
    /// The session.
    pub session: Session,
    /// `password`, `passkey`, the name of the access key, or the id of one that has ended.
    pub by: String,
}

/// What came of an end of all other sessions.
pub struct EndedOthers {
    /// How many there were just before.
    pub count: usize,
    /// The cookie value that keeps the device a known one, if it was one.
    pub device: Option<String>,
}

impl Operations {
    /// The sessions of the account that are alive, newest first, at most 1,000.
    ///
    /// # Errors
    /// [`Refusal::SessionEnded`] or [`Refusal::Unavailable`].
    pub async fn sessions(&self, identity: &Identity, now: Timestamp) -> Result<Vec<ListedSession>, Refusal> {
        let account = self.account(identity, now).await?;
        let mut sessions = self.living_sessions(&account, now).await?;
        sessions.sort_by(|a, b| (b.auth_time, &b.sid).cmp(&(a.auth_time, &a.sid)));
        sessions.truncate(LISTED_MAX);
        Ok(sessions.into_iter().map(|session| listed(session, &account)).collect())
    }

    /// Ends one session of the account. Its end does not move the generation, as the others stay; a log-on cannot bring
    /// it back, as none uses an id twice.
    ///
    /// # Errors
    /// [`Refusal::NotFound`] if the account has no such session, [`Refusal::SessionEnded`] or [`Refusal::Unavailable`].
    pub async fn end_session(&self, identity: &Identity, sid: &SessionId, now: Timestamp) -> Result<(), Refusal> {
        let (account, is_there) = tokio::join!(self.account(identity, now), self.store.has_session(&identity.sub, sid));
        account?;
        // Read before it is deleted: of a delete whose first answer was lost the second one finds nothing.
        if !is_there? {
            return Err(Refusal::NotFound);
        }
        Ok(self.store.end_session(&identity.sub, sid).await?)
    }

    /// Ends all sessions of the account but the one that asks. A device that was known stays known, as it is known for
    /// a generation of the account.
    ///
    /// # Errors
    /// [`Refusal::Throttled`], [`Refusal::SessionEnded`] or [`Refusal::Unavailable`].
    pub async fn end_other_sessions(&self, identity: &Identity, context: &Context<'_>) -> Result<EndedOthers, Refusal> {
        let Context { client, keys, now, .. } = context;
        let (secret, now) = (&keys.secret, *now);
        let before = self.before_change(identity, context).await?;
        let sessions = self.living_sessions(&before, now).await?;
        let count = sessions.iter().filter(|session| session.sid != identity.sid).count();
        let device = Device::known(&client.devices, secret, &before.email, now).filter(|device| device.is_of(&before));
        let kept = KeptSession::Carried(&identity.sid);
        let same = |account: &Account| Ok(account.clone());
        let account = self.end_all_but(kept, before, identity, context, &same).await?;
        let device = device.map(|device| Device::of(&account, device.id).cookie(secret, &account.email, now));
        Ok(EndedOthers { count, device })
    }

    async fn living_sessions(&self, account: &Account, now: Timestamp) -> Result<Vec<Session>, Refusal> {
        let mut sessions = self.store.sessions(&account.sub, account.generation, now).await?;
        sessions.retain(|session| session.life(Some(account.holder()), now) == Life::Alive);
        Ok(sessions)
    }
}

fn listed(session: Session, account: &Account) -> ListedSession {
    let by = match &session.by {
        By::Password | By::Passkey => session.by.as_str(),
        By::Key(id) => account.access_keys.get(id).map_or(id.as_str(), |key| key.name.as_str()),
    };
    let by = by.to_owned();
    ListedSession { session, by }
}
