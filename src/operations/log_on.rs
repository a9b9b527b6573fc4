//! Log on.

use std::sync::Arc;

use super::{Client, Fresh, Issued, Mismatch, Operations, Outcome, Refusal, factor::RightCode, proof::Verified};
use crate::{
    access_key::day_of,
    account::Account,
    causes::Causes,
    credential::Credential,
    device::Device,
    ids::SessionId,
    journal::{Stopwatch, Times},
    keyring::Unsealed,
    password::PasswordHash,
    session::{self, By, Session},
    store::StoreError,
    time::Timestamp,
};

/// How often a log-on begins: once more if its account changed while it ran.
const TRIES: usize = 2;
/// What the second look at the account shows.
enum Look {
    /// It is as it was.
    Same,
    /// Something has changed that a log-on depends on.
    Changed,
    /// Another request has used the code.
    CodeUsed,
}

/// Random bytes of session ids: for each time that a log-on begins, one for each of two tries to write a session.
pub type SessionIds = [[[u8; 16]; 2]; TRIES];

impl Operations {
    /// Opens a session for whoever knows the password or has an access key: one round trip for attempts and account, one hash
    /// for a password, one round trip to write the session, and one to look at the account again. With a second factor a code is
    /// asked for after the password, and the second look is the write that uses it up. The outcome is [`Refusal::Mismatch`],
    /// [`Refusal::CodeNeeded`], [`Refusal::WrongCode`], [`Refusal::Throttled`] or [`Refusal::Unavailable`], if it is not a token.
    ///
    /// No transaction holds the account and the session together. Instead each side writes first and then looks: a log-on
    /// writes its session, then reads the account; whatever ends an account's sessions raises its generation, then reads its
    /// sessions. All of these are single writes and consistent reads, so whichever side comes second sees the other. If
    /// it dies in between, a session stays that nobody has a token of, until it expires.
    pub async fn log_on(
        &self,
        credential: Credential,
        client: Client<'_>,
        now: Timestamp,
        fresh: &Fresh,
    ) -> Outcome<Issued> {
        let keys = match self.keyring.unsealed(now).await {
            Ok(keys) => keys,
            Err(error) => return Outcome::early(error.into()),
        };
        let Credential { email, password, otp } = credential;
        let (key, password) = (password.access_key(), Arc::new(password));
        let mut outcome = Outcome::early(Refusal::Mismatch(Mismatch::AccountChanged));
        for sids in &fresh.sids {
            let proof = match &key {
                Some(key) => self.prove_by_key(&email, key, client, &keys, now).await,
                None => self.prove(&email, &password, client, &keys, now, fresh).await,
            };
            (outcome.account, outcome.times) = (Some(proof.account), proof.times);
            let verified = match proof.result {
                Ok(verified) => verified,
                Err(refusal) => return Outcome { result: Err(refusal), ..outcome },
            };
            let watch = Stopwatch::start();
            let code = match verified.by {
                // A key is for scripts, and nobody guesses one.
                By::Key(_) => Ok(None),
                By::Password => self.prove_code(&verified.account, otp.as_ref(), &keys.secret, now, fresh).await,
            };
            let opened = match code {
                Ok(code) => {
                    let verified = Verified { code, ..verified };
                    let opened = self.open(&verified, &keys, client, sids, now, fresh).await;
                    // The code was right, unless another request has used it.
                    if let Some(code) = &verified.code
                        && !matches!(opened, Err(Refusal::WrongCode))
                    {
                        self.give_back(&code.given_back).await;
                    }
                    opened
                }
                Err(refusal) => {
                    // The password was right, whatever becomes of the code.
                    self.give_back(&verified.given_back).await;
                    Err(refusal)
                }
            };
            outcome.times = Times {
                store: outcome.times.store.map(|so_far| so_far.saturating_add(watch.elapsed())),
                ..outcome.times
            };
            if let Some(result) = opened.transpose() {
                return Outcome { result, ..outcome };
            }
        }
        outcome
    }

    /// Writes the session, gives back the attempt beside it, and looks at the account once more. Nothing comes back if the
    /// account was changed meanwhile; then the session is deleted.
    async fn open(
        &self,
        verified: &Verified,
        keys: &Unsealed,
        client: Client<'_>,
        sids: &[[u8; 16]; 2],
        now: Timestamp,
        fresh: &Fresh,
    ) -> Result<Option<Issued>, Refusal> {
        let account = &verified.account;
        let opening = self.open_session(verified, client, now, sids);
        let (session, ()) = tokio::join!(opening, self.give_back(&verified.given_back));
        let session = session?;
        // While DynamoDB is asked, the token is made that is given away only after its answer.
        let (look, issued) = tokio::join!(self.look_again(verified, now), async {
            let issued = self.issue(session.clone(), &keys.signer, now, fresh)?;
            // Whoever has a key alone must not get a bucket of its own to guess the password with.
            if verified.by != By::Password {
                return Ok(issued);
            }
            let id = verified.device.as_ref().map_or(fresh.device, |device| device.id);
            let device = Device { id, sub: account.sub.clone(), generation: account.generation };
            Ok::<_, Refusal>(Issued { device: Some(device.cookie(&keys.secret, &account.email, now)), ..issued })
        });
        if matches!(look, Ok(Look::Same)) {
            return issued.map(Some);
        }
        // Nobody has a token of it, and no check-in would renew it: a failure to delete it harms nobody.
        if let Err(error) = self.store.end_session(&session.sub, &session.sid).await {
            tracing::warn!(
                error = %Causes(&error),
                "a session without a token stays until it expires"
            );
        }
        match look? {
            Look::CodeUsed => Err(Refusal::WrongCode),
            Look::Changed | Look::Same => Ok(None),
        }
    }

    /// Writes a session. Each try has an id of its own, so a copy of an earlier one that arrives late opens nothing: only the
    /// id whose write was acknowledged gets a token.
    async fn open_session(
        &self,
        verified: &Verified,
        client: Client<'_>,
        now: Timestamp,
        [first, second]: &[[u8; 16]; 2],
    ) -> Result<Session, StoreError> {
        let Verified { account, by, .. } = verified;
        let token_expiry = self.tokens.lifetimes.token_expiry(now, now);
        let (confirmed_at, expires_at) = match by {
            By::Password => (Some(now), token_expiry),
            // A session ends with the key that opened it.
            By::Key(id) => (None, account.access_keys.get(id).map_or(now, |key| token_expiry.min(key.expires_at))),
        };
        let session = |sid| Session {
            sub: account.sub.clone(),
            sid: SessionId::new(sid),
            email: account.registered_email.clone(),
            name: account.name.clone(),
            role: account.role.clone(),
            auth_time: now,
            expires_at,
            generation: account.generation,
            confirmed_at,
            by: by.clone(),
            agent: session::agent(client.agent),
            address: client.address.to_owned(),
        };
        let (first, second) = (session(first), session(second));
        match self.store.add_session(&first).await {
            Ok(()) => Ok(first),
            Err(error) => {
                tracing::warn!(error = %Causes(&error), "a session was not written at the first try");
                self.store.add_session(&second).await.map(|()| second)
            }
        }
    }

    /// The second look at the account, after the session is written: whether it is still the one whose password was
    /// compared, active, with the name and the role that the session has and the key that opens it, and no session of it has
    /// been ended since. The hash is not compared: other log-ons at the same moment may have replaced it by a stronger one of
    /// the same password, and a new password raises the generation. A second factor must be the one whose code was asked for.
    async fn look_again(&self, verified: &Verified, now: Timestamp) -> Result<Look, Refusal> {
        let Verified { account: read, by, stronger, code, .. } = verified;
        if let Some(code) = code {
            return self.use_code(read, code, stronger.as_ref()).await;
        }
        let changed = match (by, &read.password_hash, stronger) {
            (By::Key(id), _, _) if read.access_keys.get(id).is_some_and(|key| key.last_used != Some(day_of(now))) => {
                self.store.mark_used(read, id, day_of(now)).await.inspect_err(|error| {
                    tracing::warn!(error = %Causes(error), "the day of a key's use was not written down");
                })
            }
            (By::Password, Some(weaker), Some(stronger)) => {
                self.store.strengthen(read, weaker, stronger).await.inspect_err(|error| {
                    tracing::warn!(error = %Causes(error), "an older hash was not replaced");
                })
            }
            (By::Key(_) | By::Password, _, _) => Ok(None),
        };
        let account = match changed {
            Ok(Some(account)) => Some(account),
            Ok(None) | Err(_) => self.store.account(&read.email).await?,
        };
        let is_same = account.is_some_and(|account| {
            let has_key = match by {
                By::Password => true,
                By::Key(id) => account.living_key(id, now).is_some(),
            };
            has_key && is_as_read(&account, read) && (*by != By::Password || sealed(&account) == sealed(read))
        });
        Ok(if is_same { Look::Same } else { Look::Changed })
    }

    /// The second look with a code: the write that uses it up, and that brings a stronger hash if there is one.
    async fn use_code(
        &self,
        read: &Account,
        code: &RightCode,
        stronger: Option<&PasswordHash>,
    ) -> Result<Look, Refusal> {
        let mut after = code.used_in(read)?;
        after.password_hash = stronger.or(read.password_hash.as_ref()).cloned();
        Ok(match self.store.use_code(read, &after).await? {
            // Also if an earlier copy of this very write got through: no other request writes the same.
            Some(account) if account.factor == after.factor => Look::Same,
            Some(account) if is_as_read(&account, read) && sealed(&account) == sealed(read) => {
                if code.used_in(&account).is_err() { Look::CodeUsed } else { Look::Changed }
            }
            Some(_) | None => Look::Changed,
        })
    }
}

/// Whether an account is still what the session says of it, and none of its sessions has been ended since it was read.
fn is_as_read(account: &Account, read: &Account) -> bool {
    (&account.sub, account.status, account.generation) == (&read.sub, read.status, read.generation)
        && (&account.name, &account.role) == (&read.name, &read.role)
}

/// Which second factor an account has.
fn sealed(account: &Account) -> Option<&[u8]> {
    account.factor.as_ref().map(|factor| factor.sealed.as_slice())
}
