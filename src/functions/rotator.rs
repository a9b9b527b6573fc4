//! The rotator function: each invocation, whatever its event, makes the key that is due, and tells how the keys stand.

use std::time::Duration;

use crate::{
    domain::{
        signing_key::{self, KeyId},
        time::Timestamp,
    },
    platform::journal::{Entry, Journal, Measure, Metric},
    service::rotation::{Rotation, RotationError},
};

/// The rotator function.
pub struct RotatorFunction {
    /// Makes keys.
    pub rotation: Rotation,
    /// Remembers each invocation.
    pub journal: Journal,
}

impl RotatorFunction {
    /// Makes the key that is due, and gives back its id. `random` becomes the service secret, if there is none.
    ///
    /// # Errors
    /// [`RotationError`]; the next invocation tries again.
    pub async fn handle(
        &self,
        request_id: &str,
        now: Timestamp,
        random: &[u8; 32],
    ) -> Result<Option<KeyId>, RotationError> {
        let made = self.rotation.make_due(now, random).await?;
        let keys = self.rotation.stored().await?.keys;
        let newest = signing_key::chain(&keys, now).iter().map(|key| key.created).max();
        let signs_through = signing_key::signs_through(&keys, now);
        let measures = [
            Measure::Days(Metric::KeyAge, newest.map_or(Duration::ZERO, |created| now.since(created))),
            Measure::Days(Metric::SigningDaysLeft, signs_through.map_or(Duration::ZERO, |until| until.since(now))),
        ];
        let outcome = if made.is_some() { "a key was made" } else { "no key was due" };
        let entry = Entry { event: "rotation", outcome, reason: None, request_id, account: None };
        self.journal.write(now, &entry, &measures);
        Ok(made)
    }
}
