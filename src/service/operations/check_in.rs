//! Check in, log off and confirm: what is done with a session that is there.

use std::sync::Arc;

use super::{Context, Credential, Issued, Mismatch, Operations, Outcome, Refusal};
use crate::{domain::session::By, web::identity::Identity};

impl Operations {
    /// Renews a session: a new token, and an end that lies as far ahead as the token's.
    ///
    /// # Errors
    /// [`Refusal::SessionEnded`] or [`Refusal::Unavailable`].
    pub async fn check_in(&self, identity: &Identity, context: &Context<'_>) -> Result<Issued, Refusal> {
        let now = context.now;
        let (session, account) = self.living(identity, now).await?;
        // A second factor that is demanded by now is set up by a new log-on.
        if session.by.is_person() && self.lacks_factor(&account) {
            return Err(Refusal::SessionEnded);
        }
        let mut expires_at = self.rules.tokens.lifetimes.token_expiry(session.auth_time, now);
        // One that an access key opened ends with its key at the latest.
        if let By::Key(id) = &session.by {
            expires_at = account.access_keys.get(id).map_or(now, |key| expires_at.min(key.expires_at));
        }
        if expires_at.seconds() <= now.seconds() {
            return Err(Refusal::SessionEnded);
        }
        // A log-off that came since the read has deleted the session, and this does not bring it back.
        let extended = self.store.extend_session((&session.sub, &session.sid), now, expires_at).await?;
        self.issue(&extended.ok_or(Refusal::SessionEnded)?, &account, context)
    }

    /// Ends a session. One that is gone already is as the caller wants it: this request may have ended it itself, if
    /// the first answer to it was lost and it was sent again.
    ///
    /// # Errors
    /// [`Refusal::Unavailable`].
    pub async fn log_off(&self, identity: &Identity) -> Result<(), Refusal> {
        self.store.end_session(&identity.sub, &identity.sid).await?;
        Ok(())
    }

    /// Opens another session for the user of a session who gives the password once more, which an access key cannot
    /// stand for. The session that asked stays as good as it was and never rises, so that a copy of its cookie gains
    /// nothing (ASVS 5.0, 7.2.4). The outcome is [`Refusal::Mismatch`] if the credential is not that of the session's
    /// own account, [`Refusal::CodeNeeded`], [`Refusal::WrongCode`], [`Refusal::UsedCode`], [`Refusal::ChangeNeeded`],
    /// [`Refusal::FactorRequired`], [`Refusal::Throttled`], [`Refusal::SessionEnded`] or [`Refusal::Unavailable`], if
    /// it is not a token.
    pub async fn confirm(&self, credential: Credential, identity: &Identity, context: &Context<'_>) -> Outcome<Issued> {
        let Credential { email, password, otp } = credential;
        let password = Arc::new(password);
        let proving = self.prove(&email, &password, context);
        let (proof, living) = tokio::join!(proving, self.living(identity, context.now));
        let result = match proof.result {
            Ok(verified) if verified.account.sub != identity.sub => Err(Refusal::Mismatch(Mismatch::AnotherAccount)),
            Ok(verified) => {
                // A temporary password is good for its own change alone.
                let is_temporary = verified.account.temporary_until.is_some();
                match living {
                    Ok((_, of_session)) if !is_temporary => {
                        let verified = verified.not_after(&of_session);
                        let opened = self.open(&verified, otp.as_ref(), false, context).await;
                        // The log-on before has made the device a known one.
                        opened.map(|issued| Issued { device: None, ..issued })
                    }
                    living => {
                        // The password was right, whatever has become of the session.
                        self.give_back(&verified.given_back).await;
                        living.and(Err(Refusal::ChangeNeeded))
                    }
                }
            }
            Err(refusal) => Err(refusal),
        };
        Outcome { result, told: proof.told }
    }
}
