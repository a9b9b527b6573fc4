//! `jea-auth session`: who is logged on.

use clap::Subcommand;
use serde::Serialize;

use super::{
    Failure, Target,
    confirm::confirm,
    failures::{broke_off, unknown},
    output,
};
use crate::{
    domain::{
        account::{Account, Email},
        ids::SessionId,
        session::{self, By},
    },
    service::administration::Administration,
};

#[derive(Subcommand)]
pub(super) enum SessionCommand {
    /// List the sessions of an account
    #[command(after_help = LIST_HELP)]
    List {
        /// The account's email
        email: String,
        #[command(flatten)]
        target: Target,
    },
    /// End one session of an account, or all: whoever uses them must log on again
    Revoke {
        /// The account's email
        email: String,
        /// The session's id, as `jea-auth session list` shows it; without it all sessions end
        #[arg(value_parser = SessionId::parse)]
        sid: Option<SessionId>,
        /// Do it without asking
        #[arg(long)]
        yes: bool,
        #[command(flatten)]
        target: Target,
    },
}

const LIST_HELP: &str = "\
A session is one log-on, from then until log-off or until nobody has renewed it. The list says when that was, when the session
ends if it is not renewed, what opened it (password, or the name of an access key), from which network address, and with which
program, as that program calls itself. With --json, times are in seconds since 1970.

A log-on that broke off can leave a session that nobody has a token of. It is listed until it expires. A session that has ended
is not listed, though DynamoDB removes its item only some time after it would have expired.

Example:
  jea-auth session list yi@jeplus.org";

/// What is shown of a session.
#[derive(Serialize)]
struct SessionRow<'a> {
    sid: &'a str,
    auth_time: u64,
    expires_at: u64,
    /// `password`, `passkey`, or the name of the access key.
    by: &'a str,
    /// The id of the access key, as its name could be any.
    key: Option<&'a str>,
    /// Nothing if the gateway told none.
    address: Option<&'a str>,
    agent: Option<&'a str>,
}

/// What clients call themselves may be long, so it is last.
const COLUMNS: [&str; 6] = ["sid", "auth_time", "expires_at", "by", "address", "agent"];

impl<'a> SessionRow<'a> {
    fn of(session: &'a session::Session, account: &'a Account) -> Self {
        let (by, key) = match &session.by {
            By::Password | By::Passkey => (session.by.as_str(), None),
            // Of a key that is gone nothing but its id is known.
            By::Key(id) => {
                (account.access_keys.get(id).map_or(id.as_str(), |key| key.name.as_str()), Some(id.as_str()))
            }
        };
        Self {
            sid: session.sid.as_str(),
            auth_time: session.auth_time.seconds(),
            expires_at: session.expires_at.seconds(),
            by,
            key,
            address: Some(session.address.as_str()).filter(|address| !address.is_empty()),
            agent: Some(session.agent.as_str()).filter(|agent| !agent.is_empty()),
        }
    }
}

impl SessionCommand {
    pub(super) async fn run(self) -> Result<(), Failure> {
        match self {
            Self::List { email, target } => list(&Email::parse(&email)?, &target).await,
            Self::Revoke { email, sid: None, yes, target } => revoke_all(&Email::parse(&email)?, yes, &target).await,
            Self::Revoke { email, sid: Some(sid), yes, target } => {
                revoke_one(&Email::parse(&email)?, &sid, yes, &target).await
            }
        }
    }
}

async fn list(email: &Email, target: &Target) -> Result<(), Failure> {
    let sessions = target.connect().await.stack.administration().sessions(email).await;
    let found = sessions.map_err(|error| target.unreachable(error))?;
    let (account, sessions) = found.ok_or_else(|| unknown(email.as_str()))?;
    let shown = sessions.iter().map(|session| SessionRow::of(session, &account));
    output::rows(&shown.collect::<Vec<_>>(), &COLUMNS, target.json)?;
    if sessions.is_empty() {
        output::note("no sessions");
    }
    Ok(())
}

async fn revoke_all(email: &Email, yes: bool, target: &Target) -> Result<(), Failure> {
    let administration = target.connect().await.stack.administration();
    let alive = alive(&administration, email).await;
    let now = alive.as_ref().map_or_else(String::new, |(_, sessions)| format!(": {} now", sessions.len()));
    confirm(&format!("This ends all sessions of {}{now}.", email.as_str()), yes)?;
    let account = administration.end_sessions(email).await.map_err(|error| broke_off(error, target))?;
    account.ok_or_else(|| unknown(email.as_str()))?;
    output::note(&ended(alive.as_ref()));
    alive.map_or(Ok(()), |(account, sessions)| tell_ended(&sessions, &account, target))
}

/// What has ended, for a program. A table of it would look as if it were there.
fn tell_ended(sessions: &[session::Session], account: &Account, target: &Target) -> Result<(), Failure> {
    if !target.json {
        return Ok(());
    }
    let ended = sessions.iter().map(|session| SessionRow::of(session, account));
    output::rows(&ended.collect::<Vec<_>>(), &COLUMNS, target.json)
}

/// An account and its sessions that are alive, which are about to end. Nothing if they cannot be read: no end of
/// sessions fails because they could not be counted.
pub(super) async fn alive(administration: &Administration, email: &Email) -> Option<Alive> {
    administration.sessions(email).await.ok()?
}

/// An account and its sessions.
pub(super) type Alive = (Account, Vec<session::Session>);

/// Tells that sessions have ended that were alive before.
pub(super) fn ended(alive: Option<&Alive>) -> String {
    alive.map_or_else(
        || "all sessions ended".to_owned(),
        |(_, sessions)| format!("{} ended", output::count(sessions.len(), "session")),
    )
}

async fn revoke_one(email: &Email, sid: &SessionId, yes: bool, target: &Target) -> Result<(), Failure> {
    let administration = target.connect().await.stack.administration();
    let found = administration.sessions(email).await.map_err(|error| target.unreachable(error))?;
    let (account, mut sessions) = found.ok_or_else(|| unknown(email.as_str()))?;
    sessions.retain(|session| session.sid == *sid);
    confirm(&format!("This ends the session {} of {}.", sid.as_str(), email.as_str()), yes)?;
    // A session that is malformed can be ended by its id like any other.
    let is_there = administration.store.has_session(&account.sub, sid).await;
    if !is_there.map_err(|error| target.unreachable(error))? {
        let hint = format!("`jea-auth session list {}` shows the sessions there are", email.as_str());
        return Err(Failure::new("there is no such session", hint));
    }
    let ended = administration.store.end_session(&account.sub, sid).await;
    ended.map_err(|error| broke_off(error, target))?;
    output::note("1 session ended");
    tell_ended(&sessions, &account, target)
}
