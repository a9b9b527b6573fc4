//! The access keys of an account, in its owner's hand.

use zeroize::Zeroizing;

use super::{Context, Operations, Refusal};
use crate::{
    domain::{
        access_key::{AccessKey, AccessKeyId, KEYS_MAX, StoredKey},
        account::{Account, Name},
        mail::MailKind,
        time::Timestamp,
    },
    web::identity::Identity,
};

/// A key that is to be made.
pub struct NewKey {
    /// What it is called.
    pub name: Name,
    /// For how many days it opens sessions.
    pub days: u64,
    /// Whether it is for reading alone.
    pub read_only: bool,
}

/// A key that was made. It cannot be printed.
pub struct MadeKey {
    /// Its id.
    pub id: AccessKeyId,
    /// Its text, shown this once.
    pub text: Zeroizing<String>,
    /// What the account keeps of it.
    pub stored: StoredKey,
}

impl Operations {
    /// The access keys of the account that still open sessions, oldest first.
    ///
    /// # Errors
    /// [`Refusal::SessionEnded`] or [`Refusal::Unavailable`].
    pub async fn keys(&self, identity: &Identity, now: Timestamp) -> Result<Vec<(AccessKeyId, StoredKey)>, Refusal> {
        let account = self.account(identity, now).await?;
        let mut keys: Vec<_> = account.access_keys.into_iter().filter(|(_, key)| key.is_alive(now)).collect();
        keys.sort_by(|(a_id, a), (b_id, b)| (a.created, a_id).cmp(&(b.created, b_id)));
        Ok(keys)
    }

    /// Makes an access key. Keys that have expired are removed beside.
    ///
    /// # Errors
    /// [`Refusal::TooManyKeys`], [`Refusal::Throttled`], [`Refusal::SessionEnded`] or [`Refusal::Unavailable`].
    pub async fn make_key(
        &self,
        identity: &Identity,
        new_key: NewKey,
        context: &Context<'_>,
    ) -> Result<MadeKey, Refusal> {
        let now = context.now;
        let key = AccessKey::new(&context.random.bytes(), &Zeroizing::new(context.random.bytes()));
        let NewKey { name, days, read_only } = new_key;
        let stored = StoredKey { read_only, ..key.to_store(name, now, days) };
        let change = |account: &Account| {
            let mut changed = account.clone();
            changed.access_keys.retain(|_, key| key.is_alive(now));
            // A try whose answer was lost may have added it.
            if changed.access_keys.len() >= KEYS_MAX && !changed.access_keys.contains_key(&key.id) {
                return Err(Refusal::TooManyKeys);
            }
            changed.access_keys.insert(key.id.clone(), stored.clone());
            Ok(changed)
        };
        let changed = self.change_own(identity, context, &change).await?;
        self.notify(MailKind::KeyMade, &changed.after, context).await;
        Ok(MadeKey { text: key.expose(), id: key.id, stored })
    }

    /// Ends an access key, and with it the sessions that it opened, which live by it.
    ///
    /// # Errors
    /// [`Refusal::NotFound`] if the account has no such key, [`Refusal::Throttled`], [`Refusal::SessionEnded`] or
    /// [`Refusal::Unavailable`].
    pub async fn end_key(&self, identity: &Identity, id: &AccessKeyId, context: &Context<'_>) -> Result<(), Refusal> {
        let change = |account: &Account| {
            let mut changed = account.clone();
            changed.access_keys.remove(id);
            Ok(changed)
        };
        let changed = self.change_own(identity, context, &change).await?;
        if !changed.before.access_keys.contains_key(id) {
            return Err(Refusal::NotFound);
        }
        self.notify(MailKind::KeyEnded, &changed.after, context).await;
        Ok(())
    }
}
