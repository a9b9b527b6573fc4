//! `jea-auth key`: signing keys.

use clap::Subcommand;
use serde::Serialize;

use super::{Failure, Target, output};
use crate::{app, signing_key};

#[derive(Subcommand)]
pub(super) enum Key {
    /// List signing keys
    List {
        #[command(flatten)]
        target: Target,
    },
    /// Make the key that is due: the first one of a new stack, or the successor of one that is about to end
    Rotate {
        #[command(flatten)]
        target: Target,
    },
}

/// What is shown of a key. Dates are seconds since the epoch.
#[derive(Serialize)]
struct Shown<'a> {
    kid: &'a str,
    alg: &'static str,
    state: &'static str,
    signs_from: u64,
    signs_until: u64,
    verifies_until: u64,
}

const COLUMNS: [&str; 6] = ["kid", "alg", "state", "signs_from", "signs_until", "verifies_until"];

impl Key {
    pub(super) async fn run(self) -> Result<(), Failure> {
        let (Self::List { target } | Self::Rotate { target }) = &self;
        let keyring = target.connect().await.keyring;
        if matches!(self, Self::Rotate { .. }) {
            let made = keyring.make_due(app::now(), &app::random()).await;
            match made.map_err(|error| target.unreachable(error))? {
                Some(kid) => output::note(&format!("made key {}", kid.as_str())),
                None => output::note("no key is due"),
            }
        }
        let keys = keyring.stored().await.map_err(|error| target.unreachable(error))?;
        let now = app::now();
        let signer = signing_key::signer(&keys, now).map(|key| key.jwk.key_id());
        let shown = keys.iter().map(|key| Shown {
            kid: key.jwk.key_id().as_str(),
            alg: key.jwk.algorithm().name(),
            state: if signer == Some(key.jwk.key_id()) {
                "signs"
            } else if !key.window.verifies_at(now) {
                "expired"
            } else if key.window.signs_from > now {
                "next"
            } else {
                "verifies"
            },
            signs_from: key.window.signs_from.seconds(),
            signs_until: key.window.signs_until.seconds(),
            verifies_until: key.window.verifies_until.seconds(),
        });
        output::rows(&shown.collect::<Vec<_>>(), &COLUMNS, target.json)
    }
}
