//! Gatekeeper: whether a request with a token may pass.

mod emails;
mod keys;
mod memory;

use std::{sync::Arc, time::Duration};

use crate::{
    api::{self, Asked, Features, Reach},
    causes::Causes,
    domain::{
        ids::{AccountId, SessionId},
        session::{Life, Session},
        time::Timestamp,
        token::{TokenError, TokenRules, UnverifiedToken},
    },
    platform::store::{AccountSummary, ReadOfAccount, Store, StoreError},
    web::{
        carrier::{self, Carrier, NoOneToken},
        origin::{Provenance, TrustedOrigins},
    },
};
use emails::KnownEmails;
use keys::KnownKeys;
use memory::{Known, TokenMemory};

/// Decides who may pass, and remembers for a few seconds what it decided.
pub struct Gatekeeper {
    store: Store,
    tokens: TokenRules,
    origins: TrustedOrigins,
    keys: KnownKeys,
    emails: KnownEmails,
    memory: TokenMemory,
}

/// What a request presents to be let in.
pub struct Presented<'a> {
    /// The values of its headers `Cookie`.
    pub cookies: Vec<&'a str>,
    /// The values of its headers `Authorization`.
    pub authorizations: Vec<&'a str>,
    /// The methods by which API Gateway may route it, its own first
    /// ([`Event::methods`](crate::web::event::Event::methods)).
    pub methods: Vec<&'a str>,
    /// Its path.
    pub path: &'a str,
    /// Where it comes from.
    pub provenance: Provenance,
    /// The host it was sent to.
    pub host: &'a str,
    /// Whether it brings a header that a backend could take for the gateway's word on who it comes from.
    pub claims_identity: bool,
}

impl Presented<'_> {
    /// Whether a session may do what is asked, by each of the methods that it may be routed by.
    fn is_within_reach_of(&self, Living { session, account }: &Living) -> Result<(), Denial> {
        let reach = session.reach(account.holder());
        let is_of_table = |method: &&str| match api::asked(method, self.path, Features::ALL) {
            Asked::For(route, _) => route.marks.within.contains(&reach),
            Asked::ByOtherMethod(_) | Asked::Nothing => false,
        };
        let is_within = |method: &&str| match reach {
            Reach::Whole => true,
            Reach::Reading => is_safe(method) || is_of_table(method),
            Reach::Enrolment => is_of_table(method),
        };
        if self.methods.iter().all(is_within) { Ok(()) } else { Err(Denial::OutOfReach(reach)) }
    }
}

/// Whether a method changes nothing (RFC 9110, section 9.2.1).
fn is_safe(method: &&str) -> bool {
    matches!(*method, "GET" | "HEAD" | "OPTIONS")
}

/// A session that is alive, and its account.
#[derive(Debug, PartialEq, Eq)]
pub struct Living {
    /// The session.
    pub session: Session,
    /// Whose it is.
    pub account: AccountSummary,
}

/// A request that may pass.
#[derive(Debug, PartialEq, Eq)]
pub struct Admitted {
    /// Its session, with the account.
    pub living: Arc<Living>,
    /// How its token came.
    pub carrier: Carrier,
}

/// Why a request may not pass. Clients hear nothing but 401; the log has this.
#[derive(Debug, thiserror::Error)]
pub enum Denial {
    /// It brings no token, or several.
    #[error(transparent)]
    NoOneToken(#[from] NoOneToken),
    /// Its token is refused.
    #[error(transparent)]
    Token(#[from] TokenError),
    /// Its token was signed with a key that is not, or no longer, ours.
    #[error("unknown key")]
    UnknownKey,
    /// It comes from a page of another site.
    #[error("cross-site request with a cookie")]
    CrossSite,
    /// It says itself who it comes from.
    #[error("identity header of the client's own")]
    ClaimsIdentity,
    /// Its session has ended.
    #[error("session ended")]
    SessionEnded,
    /// Its session may do this and nothing else, and it asks for more.
    #[error("beyond what its session may do: {}", .0.name())]
    OutOfReach(Reach),
    /// It could not be decided.
    #[error(transparent)]
    Undecided(#[from] StoreError),
}

impl Gatekeeper {
    /// Asks `store` for sessions, accounts and keys. A token, its session and its account are remembered for
    /// `session_memory`; a log-off, an end of sessions or another name takes that long to be seen here. Requests for
    /// the service's own operations always read, so they see it at once; they are too rare for that to cost anything.
    #[must_use]
    pub fn new(store: Store, tokens: TokenRules, origins: TrustedOrigins, session_memory: Duration) -> Self {
        let (keys, emails, memory) = (KnownKeys::default(), KnownEmails::default(), TokenMemory::new(session_memory));
        Self { store, tokens, origins, keys, emails, memory }
    }

    /// Opens the connection to the store before the first request needs it. A failure is left to that request.
    pub async fn warm_up(&self) {
        // Ids of random bits are never all zeros; if they were, nothing would come of this read.
        let (sub, sid) = (AccountId::new(&[0; 16]), SessionId::new(&[0; 16]));
        if let Err(error) = self.store.living::<AccountSummary>((&sub, &sid), None, Timestamp::from_seconds(0)).await {
            tracing::warn!(error = %Causes(&error), "not warmed up");
        }
    }

    /// Whether it is the preflight of a page on a configured origin, sent to the service itself. Another API behind the
    /// same authorizer need not have anybody who answers it.
    #[must_use]
    pub fn is_preflight(&self, presented: &Presented<'_>) -> bool {
        presented.provenance.is_preflight
            && self.tokens.issuer.is_at(presented.host)
            && self.origins.configured(&presented.provenance).is_some()
    }

    /// Decides. What costs nothing is checked first; garbage never reaches the network.
    ///
    /// # Errors
    /// The first [`Denial`] that holds. [`Denial::Undecided`] is no verdict on the request.
    pub async fn decide(&self, presented: &Presented<'_>, now: Timestamp) -> Result<Admitted, Denial> {
        if presented.claims_identity {
            return Err(Denial::ClaimsIdentity);
        }
        let (carrier, text) =
            carrier::one_token(presented.cookies.iter().copied(), presented.authorizations.iter().copied())?;
        if carrier == Carrier::Cookie
            && !presented.methods.iter().all(is_safe)
            && self.origins.is_cross_site(&presented.provenance, presented.host)
        {
            return Err(Denial::CrossSite);
        }
        let is_own =
            api::asked(presented.methods.first().unwrap_or(&""), presented.path, Features::ALL) != Asked::Nothing;
        if let Some(known) = self.memory.recall(text, now).filter(|_| !is_own)
            && self.is_still_good(&known, now).await?
            // If it may not by what is remembered, it is read again: a second factor may have been set up since.
            && presented.is_within_reach_of(&known.living).is_ok()
        {
            return Ok(Admitted { living: Arc::clone(&known.living), carrier });
        }
        let token = UnverifiedToken::parse(text)?;
        let key = self.keys.find(&self.store, token.key_id(), now).await?;
        let claims = token.verify(key.algorithm, &key.verifying, &self.tokens, now)?;
        let email = self.emails.recall(&claims.sub);
        let living = self.store.living::<AccountSummary>((&claims.sub, &claims.sid), email.as_ref(), now).await?;
        let (session, account) = living.ok_or(Denial::SessionEnded)?;
        self.emails.remember(&session, email.as_ref());
        let living = Arc::new(Living { session, account });
        let known = Known { kid: token.key_id().clone(), claims, living: Arc::clone(&living), read_at: now };
        self.memory.remember(text, known);
        presented.is_within_reach_of(&living)?;
        Ok(Admitted { living, carrier })
    }

    /// Whether a token that was admitted a moment ago is still good: its key has not been revoked, and neither it nor
    /// what is remembered of its session has ended since. If the session has expired by what is remembered, the answer
    /// is no, and it is read again: a check-in may have extended it.
    async fn is_still_good(&self, known: &Known, now: Timestamp) -> Result<bool, Denial> {
        let has_key = match self.keys.find(&self.store, &known.kid, now).await {
            Ok(_) => true,
            Err(Denial::UnknownKey) => false,
            Err(other) => return Err(other),
        };
        let Living { session, account } = known.living.as_ref();
        let is_alive = session.life(Some(account.holder()), now) == Life::Alive;
        Ok(has_key && is_alive && self.tokens.check(&known.claims, now).is_ok())
    }
}
