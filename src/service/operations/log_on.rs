//! Log on.

use std::sync::Arc;

use serde::Deserialize;

use super::{Context, Issued, Mismatch, Operations, Outcome, Refusal, Told, factor::with_code_used, proof::Verified};
use crate::{
    causes::Causes,
    domain::{
        access_key::day_of,
        account::{Account, Email, Status},
        factor::Otp,
        ids::SessionId,
        mail::MailKind,
        password::{
            Password,
            policy::{self, CHARACTERS_MIN},
        },
        session::{self, By, Session},
    },
    platform::{
        aws::giving_way,
        journal::{Stopwatch, Times},
        store::{KeptSession, StoreError},
    },
};

/// An email and a password, and a code if one was typed, none of them checked.
#[derive(Deserialize)]
#[cfg_attr(feature = "terminal", derive(schemars::JsonSchema), schemars(inline))]
#[serde(deny_unknown_fields)]
pub struct Credential {
    /// In canonical form; possibly the email of nobody.
    #[cfg_attr(feature = "terminal", schemars(with = "String"))]
    pub email: Email,
    /// The password.
    #[cfg_attr(feature = "terminal", schemars(with = "String"))]
    pub password: Password,
    /// A code of the second factor, or a recovery code.
    #[cfg_attr(feature = "terminal", schemars(with = "Option<String>"))]
    pub otp: Option<Otp>,
}

/// What a log-on needs beside the credential where an operator demands it; passed over where nothing asks for it.
#[derive(Default)]
pub struct Amends {
    /// The password that is to take a temporary one's place.
    pub new_password: Option<Password>,
    /// Whether a session is wanted that can do nothing but set up a second factor.
    pub enrol: bool,
}

impl Operations {
    /// Opens a session for whoever knows the password or has an access key: one round trip for attempts and account,
    /// one hash for a password, and one round trip to write the session. With a second factor a code is asked for after
    /// the password, and a write between the two uses it up. A temporary password is changed by the write that opens
    /// the session. The outcome is [`Refusal::Mismatch`], [`Refusal::CodeNeeded`], [`Refusal::WrongCode`],
    /// [`Refusal::UsedCode`], [`Refusal::ChangeNeeded`], [`Refusal::Unfit`], [`Refusal::FactorRequired`],
    /// [`Refusal::Throttled`] or [`Refusal::Unavailable`], if it is not a token.
    ///
    /// The session is of the generation that the account had when it was read, before the hash. If an end of sessions
    /// comes between that read and the write, the session is dead when it is written: the client gets the answer of a
    /// log-on that came just before the end.
    pub async fn log_on(&self, credential: Credential, amends: Amends, context: &Context<'_>) -> Outcome<Issued> {
        let Credential { email, password, otp } = credential;
        let password = Arc::new(password);
        let proof = match password.access_key() {
            Some(key) => self.prove_by_key(&email, &key, context).await,
            None => self.prove(&email, &password, context).await,
        };
        let told = proof.told;
        let verified = match proof.result {
            Ok(verified) => verified,
            Err(refusal) => return Outcome { result: Err(refusal), told },
        };
        let watch = Stopwatch::start();
        let result = match verified.by {
            // A key is for scripts, and nobody guesses one; a passkey is two factors: nothing more is asked.
            By::Key(_) | By::Passkey => self.write_and_issue(&verified, false, context).await,
            By::Password if verified.account.temporary_until.is_some() => {
                self.open_with_another(&verified, &password, otp.as_ref(), amends, context).await
            }
            By::Password => self.open(&verified, otp.as_ref(), amends.enrol, context).await,
        };
        let store = told.times.store.map(|so_far| so_far.saturating_add(watch.elapsed()));
        Outcome { result, told: Told { times: Times { store, ..told.times }, ..told } }
    }

    /// Asks for the code, if there is a second factor, and uses it up; then opens the session. It is limited if the
    /// account lacks a second factor that it must have, and `enrol` says that one is to be set up.
    pub(super) async fn open(
        &self,
        verified: &Verified,
        otp: Option<&Otp>,
        enrol: bool,
        context: &Context<'_>,
    ) -> Result<Issued, Refusal> {
        let limited = self.lacks_factor(&verified.account);
        let asked = match self.ask_code(&verified.account, otp, context).await {
            Ok(()) if limited && !enrol => Err(Refusal::FactorRequired),
            asked => asked,
        };
        if let Err(refusal) = asked {
            // The password was right, whatever becomes of the rest.
            self.give_back(&verified.given_back).await;
            return Err(refusal);
        }
        self.write_and_issue(verified, limited, context).await
    }

    /// As [`Self::open`], for whoever gave a temporary password: another one takes its place, which ends all sessions
    /// before. Nothing is written, and no code used up, until all that is asked is there.
    async fn open_with_another(
        &self,
        verified: &Verified,
        temporary: &Password,
        otp: Option<&Otp>,
        amends: Amends,
        context: &Context<'_>,
    ) -> Result<Issued, Refusal> {
        self.give_back(&verified.given_back).await;
        let read = &verified.account;
        let code = self.prove_code(read, otp, context).await?;
        let limited = self.lacks_factor(read);
        let session = Session { limited, ..self.session_of(verified, context) };
        let change = async {
            let new_password = amends.new_password.ok_or(Refusal::ChangeNeeded)?;
            policy::check(&new_password, CHARACTERS_MIN, &read.names())
                .and_then(|()| policy::differs(&new_password, temporary))
                .map_err(Refusal::Unfit)?;
            if limited && !amends.enrol {
                return Err(Refusal::FactorRequired);
            }
            let hash = self.hash(Arc::new(new_password), context).await?;
            let change = |account: &Account| {
                // Of an account that was disabled meanwhile, the new session would wake when it is enabled.
                let is_proved = (account.status, &account.password_hash) == (Status::Active, &read.password_hash);
                let account = with_code_used(account, code.as_ref())?.next_generation(context.now);
                is_proved.then(|| account.with_password(hash.clone())).ok_or(Refusal::Mismatch(Mismatch::WrongPassword))
            };
            let read_again = || async {
                let account = self.store.account(&read.email).await?;
                account.ok_or(Refusal::Mismatch(Mismatch::UnknownEmail))
            };
            self.change_and_keep(KeptSession::New(&session), read.clone(), read_again, &change).await
        };
        let account = self.used(code.as_ref(), change.await, context).await?;
        self.notify(MailKind::PasswordChanged, &account, context).await;
        let issued = self.issue(&session, &account, context)?;
        Ok(Issued { device: Some(context.device_of(&account, verified.device.as_ref())), ..issued })
    }

    /// Writes the session, and beside it gives back the attempt, keeps what the log-on shows of the account, and signs
    /// the token, which is given away after the session's write was acknowledged.
    pub(super) async fn write_and_issue(
        &self,
        verified: &Verified,
        limited: bool,
        context: &Context<'_>,
    ) -> Result<Issued, Refusal> {
        let account = &verified.account;
        let [first, second] = [(); 2].map(|()| Session { limited, ..self.session_of(verified, context) });
        let (written, (), (), issued) = tokio::join!(
            self.write_session(&first, &second),
            self.give_back(&verified.given_back),
            self.keep(verified, context),
            giving_way(1, async || self.issue(&first, account, context)),
        );
        let is_first = written? == first.sid;
        let issued = if is_first { issued } else { self.issue(&second, account, context) }?;
        // Whoever has a key alone must not get a bucket of its own to guess the password with.
        if !verified.by.is_person() {
            return Ok(issued);
        }
        Ok(Issued { device: Some(context.device_of(account, verified.device.as_ref())), ..issued })
    }

    /// A new session of whoever was verified.
    pub(super) fn session_of(&self, verified: &Verified, context: &Context<'_>) -> Session {
        let Verified { account, by, .. } = verified;
        let (Context { client, random, .. }, now) = (context, context.now);
        let token_expiry = self.rules.tokens.lifetimes.token_expiry(now, now);
        let (confirmed_at, expires_at) = match by {
            By::Password | By::Passkey => (Some(now), token_expiry),
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

    /// Keeps what a log-on shows: a stronger hash of the password, or the day of a key's or a passkey's use; and tells
    /// the owner of a key that ends soon. A failure fails no log-on.
    async fn keep(&self, verified: &Verified, context: &Context<'_>) {
        let Verified { account, by, passkey, stronger, .. } = verified;
        let not_kept = |kept: Result<(), StoreError>, what: &str| {
            if let Err(error) = kept {
                tracing::warn!(error = %Causes(&error), "{what}");
            }
        };
        match (by, &account.password_hash, stronger) {
            (By::Key(id), _, _) => {
                let (now, today) = (context.now, day_of(context.now));
                let Some(key) = account.access_keys.get(id) else { return };
                if key.last_used != Some(today) {
                    let kept = self.store.mark_used(account, id, today).await;
                    not_kept(kept, "the day of a key's use was not written down");
                }
                if self.rules.sends_mail && key.is_end_due(now) {
                    let told = self.store.tell_of_end(&context.random.bytes(), account, id, now).await;
                    not_kept(told, "an owner is not told that a key ends");
                }
            }
            (By::Password, Some(weaker), Some(stronger)) => {
                not_kept(self.store.strengthen(account, weaker, stronger).await, "an older hash was not replaced");
            }
            (By::Passkey, _, _) => {
                let Some(used) = passkey else { return };
                let kept = self.store.mark_passkey_used(account, used, context.now).await;
                not_kept(kept, "the day of a passkey's use was not written down");
            }
            (By::Password, _, _) => {}
        }
    }
}
