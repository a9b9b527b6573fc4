//! `jea-auth session`: who is logged on.

use clap::Subcommand;
use serde::Serialize;

use super::{Failure, Target, confirm::confirm, output, user::unknown};
use crate::{account::Email, ids::SessionId, machine};

#[derive(Subcommand)]
pub(super) enum Session {
    /// List the sessions of an account
    #[command(
        after_help = "A log-on that broke off can leave a session that nobody has a token of. It is listed until it \
                            expires."
    )]
    List {
        /// Its email
        email: String,
        #[command(flatten)]
        target: Target,
    },
    /// End all sessions of an account, or one
    Revoke {
        /// Its email
        email: String,
        /// The session's id; all sessions without it
        #[arg(value_parser = SessionId::parse)]
        sid: Option<SessionId>,
        /// Do not ask
        #[arg(long)]
        yes: bool,
        #[command(flatten)]
        target: Target,
    },
}

/// What is shown of a session.
#[derive(Serialize)]
struct SessionRow<'a> {
    sid: &'a str,
    auth_time: u64,
    expires_at: u64,
}

const COLUMNS: [&str; 3] = ["sid", "auth_time", "expires_at"];

impl Session {
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
    let sessions = target.connect().await.stack.administration().sessions(email, machine::now()).await;
    let (_, sessions) = sessions.map_err(|error| target.unreachable(error))?.ok_or_else(|| unknown(email.as_str()))?;
    let shown = sessions.iter().map(|session| SessionRow {
        sid: session.sid.as_str(),
        auth_time: session.auth_time.seconds(),
        expires_at: session.expires_at.seconds(),
    });
    output::rows(&shown.collect::<Vec<_>>(), &COLUMNS, target.json)
}

async fn revoke_all(email: &Email, yes: bool, target: &Target) -> Result<(), Failure> {
    let administration = target.connect().await.stack.administration();
    let sessions = administration.sessions(email, machine::now()).await.map_err(|error| target.unreachable(error))?;
    let (_, sessions) = sessions.ok_or_else(|| unknown(email.as_str()))?;
    confirm(&format!("This ends all sessions of {}: {} now.", email.as_str(), sessions.len()), yes)?;
    let changed = administration.end_sessions(email).await.map_err(|error| target.unreachable(error))?;
    let changed = changed.ok_or_else(|| unknown(email.as_str()))?;
    output::note(&format!("{} ended", output::count(changed.ended, "session")));
    Ok(())
}

async fn revoke_one(email: &Email, sid: &SessionId, yes: bool, target: &Target) -> Result<(), Failure> {
    let store = target.connect().await.stack.store;
    let account = store.account(email).await.map_err(|error| target.unreachable(error))?;
    let account = account.ok_or_else(|| unknown(email.as_str()))?;
    confirm(&format!("This ends the session {} of {}.", sid.as_str(), email.as_str()), yes)?;
    let ended = store.end_session(&account.sub, sid).await.map_err(|error| target.unreachable(error))?;
    if !ended {
        let hint = format!("`jea-auth session list {}` shows the sessions there are", email.as_str());
        return Err(Failure::new("there is no such session", hint));
    }
    output::note("1 session ended");
    Ok(())
}
