//! Log on.

use std::sync::Arc;

use serde::Deserialize;

use super::{Context, Issued, Operations, Outcome, Refusal, Told, proof::Verified};
use crate::{
    causes::Causes,
    domain::{
        access_key::day_of,
        account::{Account, Email},
        factor::Otp,
        ids::SessionId,
        password::Password,
        session::{self, By, Session},
        time::Timestamp,
    },
    platform::{
        journal::{Stopwatch, Times},
        store::StoreError,
    },
};

/// An email and a password, and a code if one was typed, none of them checked.
#[derive(Deserialize)]
#[cfg_attr(feature = "terminal", derive(schemars::JsonSchema), schemars(inline))]
#[serde(deny_unknown_fields)]
pub struct Credential {
    // In canonical form; possibly the email of nobody.
    #[cfg_attr(feature = "terminal", schemars(with = "String"))]
    pub(super) email: Email,
    #[cfg_attr(feature = "terminal", schemars(with = "String"))]
    pub(super) password: Password,
    /// A code of the second factor, or a recovery code.
    #[cfg_attr(feature = "terminal", schemars(with = "Option<String>"))]
    pub(super) otp: Option<Otp>,
}

impl Operations {
    /// Opens a session for whoever knows the password or has an access key: one round trip for attempts and account,
    /// one hash for a password, and one round trip to write the session. With a second factor a code is asked for after
    /// the password, and a write between the two uses it up. The outcome is [`Refusal::Mismatch`],
    /// [`Refusal::CodeNeeded`], [`Refusal::WrongCode`], [`Refusal::Throttled`] or [`Refusal::Unavailable`], if it is
    /// not a token.
    ///
    /// The session is of the generation that the account had when it was read, before the hash. If an end of sessions
    /// comes between that read and the write, the session is dead when it is written: the client gets the answer of a
    /// log-on that came just before the end.
    pub async fn log_on(&self, credential: Credential, context: &Context<'_>) -> Outcome<Issued> {
        let Credential { email, password, otp } = credential;
        let proof = match password.access_key() {
            Some(key) => self.prove_by_key(&email, &key, context).await,
            None => self.prove(&email, &Arc::new(password), context).await,
        };
        let told = proof.told;
        let verified = match proof.result {
            Ok(verified) => verified,
            Err(refusal) => return Outcome { result: Err(refusal), told },
        };
        let watch = Stopwatch::start();
        let result = self.open(&verified, otp.as_ref(), context).await;
        let store = told.times.store.map(|so_far| so_far.saturating_add(watch.elapsed()));
        Outcome { result, told: Told { times: Times { store, ..told.times }, ..told } }
    }

    /// Asks for the code, if there is a second factor, and uses it up; then writes the session, and beside it gives
    /// back the attempt, keeps what the log-on shows of the account, and signs the token, which is given away after the
    /// session's write was acknowledged.
    pub(super) async fn open(
        &self,
        verified: &Verified,
        otp: Option<&Otp>,
        context: &Context<'_>,
    ) -> Result<Issued, Refusal> {
        let code = match verified.by {
            // A key is for scripts, and nobody guesses one.
            By::Key(_) => Ok(()),
            By::Password => self.ask_code(&verified.account, otp, context).await,
        };
        if let Err(refusal) = code {
            // The password was right, whatever becomes of the code.
            self.give_back(&verified.given_back).await;
            return Err(refusal);
        }
        let account = &verified.account;
        let [first, second] = [(); 2].map(|()| self.session_of(verified, context));
        let (written, (), (), issued) = tokio::join!(
            self.write_session(&first, &second),
            self.give_back(&verified.given_back),
            self.keep(verified, context.now),
            async { self.issue(&first, account, context) },
        );
        let is_first = written? == first.sid;
        let issued = if is_first { issued } else { self.issue(&second, account, context) }?;
        // Whoever has a key alone must not get a bucket of its own to guess the password with.
        if verified.by != By::Password {
            return Ok(issued);
        }
        Ok(Issued { device: Some(context.device_of(account, verified.device.as_ref())), ..issued })
    }

    /// A new session of whoever was verified.
    pub(super) fn session_of(&self, verified: &Verified, context: &Context<'_>) -> Session {
        let Verified { account, by, .. } = verified;
        let (Context { client, random, .. }, now) = (context, context.now);
        let token_expiry = self.tokens.lifetimes.token_expiry(now, now);
        let (confirmed_at, expires_at) = match by {
            By::Password => (Some(now), token_expiry),
            // A session ends with the key that opened it.
            By::Key(id) => (None, account.access_keys.get(id).map_or(now, |key| token_expiry.min(key.expires_at))),
        };
        Session {
            sub: account.sub.clone(),
            sid: SessionId::new(&random.bytes()),
            email: account.registered_email.clone(),
            auth_time: now,
            expires_at,
            generation: account.generation,
            confirmed_at,
            by: by.clone(),
            limited: false,
            agent: session::agent(client.agent),
            address: client.address.to_owned(),
        }
    }

    /// Writes a session, and gives back the id under which it was. Each try has an id of its own, so a copy of an
    /// earlier one that arrives late opens nothing: only the id whose write was acknowledged gets a token.
    async fn write_session(&self, first: &Session, second: &Session) -> Result<SessionId, StoreError> {
        match self.store.add_session(first).await {
            Ok(()) => Ok(first.sid.clone()),
            Err(error) => {
                tracing::warn!(error = %Causes(&error), "a session was not written at the first try");
                self.store.add_session(second).await.map(|()| second.sid.clone())
            }
        }
    }

    /// Keeps what a log-on shows: a stronger hash of the password, or the day of a key's use. A failure fails no
    /// log-on.
    async fn keep(&self, verified: &Verified, now: Timestamp) {
        let Verified { account, by, stronger, .. } = verified;
        let is_marked =
            |account: &Account, id| account.access_keys.get(id).is_none_or(|key| key.last_used == Some(day_of(now)));
        let (kept, what) = match (by, &account.password_hash, stronger) {
            (By::Key(id), _, _) if !is_marked(account, id) => {
                (self.store.mark_used(account, id, day_of(now)).await, "the day of a key's use was not written down")
            }
            (By::Password, Some(weaker), Some(stronger)) => {
                (self.store.strengthen(account, weaker, stronger).await, "an older hash was not replaced")
            }
            (By::Key(_) | By::Password, _, _) => return,
        };
        if let Err(error) = kept {
            tracing::warn!(error = %Causes(&error), "{what}");
        }
    }
}
