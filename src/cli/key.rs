//! `jea-auth key`: signing keys.

use clap::{Subcommand, ValueEnum};
use serde::Serialize;

use super::{Failure, Target, confirm::confirm, output};
use crate::{
    domain::{
        signing_key::{self, Algorithm, KeyId, SigningKey},
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
    /// Make a new signing key: the first one signs at once, a later one in ten minutes, when all caches have it
    Rotate {
        /// The algorithm that the key signs with; without it, that of the newest key
        #[arg(long, value_enum)]
        alg: Option<Alg>,
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
            Self::Rotate { alg, target } => {
                let rotation = target.connect().await.stack.rotation();
                let made = rotation.make_now(machine::now(), &machine::random(), alg.map(Algorithm::from)).await;
                match made.map_err(|error| target.unreachable(error))? {
                    Some(kid) => output::note(&format!("made key {}", kid.as_str())),
                    None => output::note("another rotation was quicker; no key was made"),
                }
                show(&rotation, &target).await
            }
            Self::Revoke { kid, yes, target } => revoke(kid, yes, &target).await,
        }
    }
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
