//! Check in, log off and confirm: what is done with a session that is there.

use std::sync::Arc;

use super::{Client, Fresh, Issued, Mismatch, Operations, Outcome, Refusal, proof::Verified};
use crate::{
    account::Account,
    credential::Credential,
    factor::Otp,
    identity::Identity,
    keyring::{Signer, Unsealed},
    session::By,
    store::Confirmed,
    time::Timestamp,
};

impl Operations {
    /// Renews a session: a new token, and an end that lies as far ahead as the token's.
    ///
    /// # Errors
    /// [`Refusal::SessionEnded`] or [`Refusal::Unavailable`].
    pub async fn check_in(&self, identity: &Identity, now: Timestamp, fresh: &Fresh) -> Result<Issued, Refusal> {
        let (keys, account) = tokio::join!(self.keyring.unsealed(now), self.account(identity, now));
        self.renew(identity, &account?, &keys?.signer, now, fresh, Confirmed::Before).await
    }

    /// Ends a session. One that is gone already is as the caller wants it: this request may have ended it itself, if the
    /// first answer to it was lost and it was sent again.
    ///
    /// # Errors
    /// [`Refusal::Unavailable`].
    pub async fn log_off(&self, identity: &Identity) -> Result<(), Refusal> {
        self.store.end_session(&identity.sub, &identity.sid).await?;
        Ok(())
    }

    /// Renews a session whose user gives the password once more, which an access key cannot stand for. The outcome is
    /// [`Refusal::Mismatch`] if the credential is not that of the session's own account, [`Refusal::CodeNeeded`],
    /// [`Refusal::WrongCode`], [`Refusal::Throttled`],
    /// [`Refusal::SessionEnded`] or [`Refusal::Unavailable`].
    pub async fn confirm(
        &self,
        credential: Credential,
        identity: &Identity,
        client: Client<'_>,
        now: Timestamp,
        fresh: &Fresh,
    ) -> Outcome<Issued> {
        let keys = match self.keyring.unsealed(now).await {
            Ok(keys) => keys,
            Err(error) => return Outcome::early(error.into()),
        };
        let Credential { email, password, otp } = credential;
        let proof = self.prove(&email, &Arc::new(password), client, &keys, now, fresh).await;
        let result = match proof.result {
            Ok(verified) => self.confirmed(&verified, otp.as_ref(), identity, &keys, now, fresh).await,
            Err(refusal) => Err(refusal),
        };
        Outcome { result, account: Some(proof.account), times: proof.times }
    }

    async fn confirmed(
        &self,
        verified: &Verified,
        otp: Option<&Otp>,
        identity: &Identity,
        keys: &Unsealed,
        now: Timestamp,
        fresh: &Fresh,
    ) -> Result<Issued, Refusal> {
        if verified.account.sub != identity.sub {
            return Err(Refusal::Mismatch(Mismatch::AnotherAccount));
        }
        // The password was right, whatever becomes of the session.
        self.give_back(&verified.given_back).await;
        if !identity.is_of(&verified.account, now) {
            self.account(identity, now).await?;
        }
        if let Some(code) = self.prove_code(&verified.account, otp, &keys.secret, now, fresh).await? {
            let used = self.use_up(&code, &verified.account, identity, now).await;
            if !matches!(used, Err(Refusal::WrongCode)) {
                self.give_back(&code.given_back).await;
            }
            used?;
        }
        self.renew(identity, &verified.account, &keys.signer, now, fresh, Confirmed::Now).await
    }

    /// Extends the session, and signs a token of it. One that an access key opened ends with its key at the latest.
    pub(super) async fn renew(
        &self,
        identity: &Identity,
        account: &Account,
        signer: &Signer,
        now: Timestamp,
        fresh: &Fresh,
        confirmed: Confirmed,
    ) -> Result<Issued, Refusal> {
        let mut expires_at = self.tokens.lifetimes.token_expiry(identity.auth_time, now);
        if let By::Key(id) = &identity.by {
            let key = account.living_key(id, now).ok_or(Refusal::SessionEnded)?;
            expires_at = expires_at.min(key.expires_at);
        }
        if expires_at.seconds() <= now.seconds() {
            return Err(Refusal::SessionEnded);
        }
        let ids = (&identity.sub, &identity.sid);
        let session = self.store.extend_session(ids, now, expires_at, confirmed).await?;
        let session = session.ok_or(Refusal::SessionEnded)?;
        // Whoever changes a name or a role writes it into all sessions; something may have broken off before this one.
        let session = if session.is_labelled_as(account) {
            session
        } else {
            self.store.relabel(session).await?.ok_or(Refusal::SessionEnded)?
        };
        self.issue(session, signer, now, fresh)
    }
}
