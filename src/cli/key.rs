//! `jea-auth key`: signing keys.

mod export;

use std::{path::PathBuf, time::Duration};

use clap::{Subcommand, ValueEnum};
use serde::Serialize;

use super::{Failure, Target, confirm::confirm, output};
use crate::{
    domain::{
        signing_key::{self, Algorithm, KeyId, PUBLISHED_AHEAD_MIN, PUBLISHED_AHEAD_URGENT, SigningKey},
        time::Timestamp,
    },
    platform::machine,
    service::rotation::Rotation,
};

#[derive(Subcommand)]
pub(super) enum KeyCommand {
    /// List signing keys
    List {
        #[command(flatten)]
        target: Target,
    },
    /// Print the public keys, or write them into files, for programs that verify tokens and read no URL
    #[command(after_help = export::HELP)]
    Export {
        /// Each key as PEM too, by its id; without --out, as PEM instead of the set
        #[arg(long)]
        pem: bool,
        /// The folder that gets the files
        #[arg(long, value_name = "DIR")]
        out: Option<PathBuf>,
        /// Ask the service at this URL, which needs no rights on AWS
        #[arg(long, conflicts_with = "local")]
        url: Option<String>,
        #[command(flatten)]
        target: Target,
    },
    /// Make a new signing key: the first one signs at once, a later one in ten minutes, when all caches have it
    Rotate {
        /// The algorithm that the key signs with; without it, that of the newest key
        #[arg(long, value_enum)]
        alg: Option<Alg>,
        /// Have it sign in a minute and a half: programs that ask for the set again when they meet an unknown key
        /// have it by then, others refuse its tokens for as long as they cache the set
        #[arg(long)]
        now: bool,
        /// Return when the key signs, so that the one before can be revoked
        #[arg(long)]
        wait: bool,
        #[command(flatten)]
        target: Target,
    },
    /// Remove a signing key: within a minute every token signed with it is void, and their users must log on again
    Revoke {
        /// The key's id, as `jea-auth key list` shows it
        kid: String,
        /// Do it without asking
        #[arg(long)]
        yes: bool,
        #[command(flatten)]
        target: Target,
    },
}

#[derive(Clone, Copy, ValueEnum)]
pub(super) enum Alg {
    /// ECDSA on the curve P-256: short tokens, fast
    #[value(name = "ES256")]
    Es256,
    /// RSA with 3072 bits: for programs that verify tokens and know only RSA
    #[value(name = "RS256")]
    Rs256,
}

impl From<Alg> for Algorithm {
    fn from(alg: Alg) -> Self {
        match alg {
            Alg::Es256 => Self::Es256,
            Alg::Rs256 => Self::Rs256,
        }
    }
}

/// What is shown of a key.
#[derive(Serialize)]
struct KeyRow<'a> {
    kid: &'a str,
    alg: &'static str,
    state: &'static str,
    signs_from: u64,
    signs_until: u64,
    verifies_until: u64,
}

const COLUMNS: [&str; 6] = ["kid", "alg", "state", "signs_from", "signs_until", "verifies_until"];

impl KeyCommand {
    pub(super) async fn run(self) -> Result<(), Failure> {
        match self {
            Self::List { target } => show(&target.connect().await.stack.rotation(), &target).await,
            Self::Export { pem, out, url, target } => export::run(pem, out.as_deref(), url.as_deref(), &target).await,
            Self::Rotate { alg, now, wait, target } => {
                let rotation = target.connect().await.stack.rotation();
                let ahead = if now { PUBLISHED_AHEAD_URGENT } else { PUBLISHED_AHEAD_MIN };
                let alg = alg.map(Algorithm::from);
                let made = rotation.make_now(machine::now(), &machine::random(), alg, ahead).await;
                match made.map_err(|error| target.unreachable(error))? {
                    Some(kid) => {
                        output::note(&format!("made key {}", kid.as_str()));
                        if wait {
                            until_it_signs(&rotation, &kid, &target).await?;
                        }
                    }
                    None => output::note("another rotation was quicker; no key was made"),
                }
                show(&rotation, &target).await
            }
            Self::Revoke { kid, yes, target } => revoke(kid, yes, &target).await,
        }
    }
}

/// Waits until a key signs. Every instance of the service has read it by then: it was published for longer than they
/// keep what they read.
async fn until_it_signs(rotation: &Rotation, kid: &KeyId, target: &Target) -> Result<(), Failure> {
    let keys = rotation.stored().await.map_err(|error| target.unreachable(error))?.keys;
    let Some(key) = keys.iter().find(|key| key.jwk.key_id() == kid) else {
        return Err(Failure::new("the key is gone again", "`jea-auth key list` shows the keys there are"));
    };
    let wait = key.window.signs_from.since(machine::now());
    if wait > Duration::ZERO {
        output::note(&format!("it signs in {} s; Ctrl-C leaves it as it is", wait.as_secs() + 1));
        tokio::time::sleep(wait).await;
    }
    Ok(())
}

async fn revoke(kid: String, yes: bool, target: &Target) -> Result<(), Failure> {
    let kid = KeyId::try_from(kid)?;
    let rotation = target.connect().await.stack.rotation();
    let stored = rotation.stored().await.map_err(|error| target.unreachable(error))?;
    let keys = stored.keys;
    let is_malformed = stored.malformed.iter().any(|item| item.key == kid.as_str());
    if !is_malformed && !keys.iter().any(|key| *key.jwk.key_id() == kid) {
        return Err(Failure::new("there is no such key", "`jea-auth key list` shows the keys there are"));
    }
    let signs = signing_key::signs_now(&keys, machine::now()).is_some_and(|key| *key.jwk.key_id() == kid);
    let also = if signs { " It signs now; another key is made at once." } else { "" };
    confirm(&format!("This voids every token signed with key {}.{also}", kid.as_str()), yes)?;
    rotation.revoke(&kid).await.map_err(|error| target.unreachable(error))?;
    output::note(&format!("removed key {}; its tokens are void within a minute", kid.as_str()));
    // Log-on must not wait for the next run of the rotator.
    let made =
        rotation.make_due(machine::now(), &machine::random()).await.map_err(|error| target.unreachable(error))?;
    if let Some(made) = made {
        output::note(&format!("made key {}", made.as_str()));
    }
    show(&rotation, target).await?;
    let left = rotation.stored().await.map_err(|error| target.unreachable(error))?;
    if signing_key::signs_now(&left.keys, machine::now()).is_none() {
        return Err(Failure::new("no key signs now, so nobody can log on", "make one with `jea-auth key rotate`"));
    }
    Ok(())
}

async fn show(rotation: &Rotation, target: &Target) -> Result<(), Failure> {
    let keys = rotation.stored().await.map_err(|error| target.unreachable(error))?.keys;
    let now = machine::now();
    let shown = keys.iter().map(|key| KeyRow {
        kid: key.jwk.key_id().as_str(),
        alg: key.jwk.algorithm().name(),
        state: state(key, &keys, now),
        signs_from: key.window.signs_from.seconds(),
        signs_until: key.window.signs_until.seconds(),
        verifies_until: key.window.verifies_until.seconds(),
    });
    output::rows(&shown.collect::<Vec<_>>(), &COLUMNS, target.json)
}

fn state(key: &SigningKey, keys: &[SigningKey], now: Timestamp) -> &'static str {
    if signing_key::signs_now(keys, now) == Some(key) {
        "signs"
    } else if !key.window.verifies_at(now) {
        "expired"
    } else if key.window.signs_from > now {
        "next"
    } else {
        "verifies"
    }
}
