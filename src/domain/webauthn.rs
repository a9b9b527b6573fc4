//! Passkeys in use: what comes from a browser, and how it is verified (Web Authentication Level 3, sections 7.1 and
//! 7.2).
//!
//! The standard calls the two ways in ceremonies. A registration makes a passkey of an account; an assertion uses one.
//! Each begins with options that hold a [`challenge`], and ends with an answer that is taken apart in this order: its
//! JSON ([`UnverifiedAssertion::parse`]), its challenge, which whoever calls then spends, and the rest.
//!
//! An account's log-on with a passkey is one with two factors: the authenticator, and what it asks of its user. So user
//! verification is demanded. No attestation is: it would tell which model an authenticator is, and there is no model
//! that an owner may not have.

mod authenticator_data;
mod challenge;
mod client_data;
mod error;
mod relying_party;
mod response;

use aws_lc_rs::digest::{SHA256, digest};

pub use challenge::{CHALLENGE_LIFE, ChallengeFor, PresentedChallenge, challenge};
pub use error::CeremonyError;
pub use relying_party::{InvalidRelyingParty, RelyingParty};
pub use response::{AssertionJson, InvalidResponse, RegistrationJson};

use authenticator_data::{AttestedCredential, AuthenticatorData};
use client_data::ClientData;
use response::{Assertion, Registration};

use crate::domain::{
    account::{Account, Name, Status, TEXTS_MAX_BYTES},
    passkey::{CredentialId, PASSKEYS_MAX, PublicKey, StoredPasskey, UsedPasskey, UserHandle},
    secret::ServiceSecret,
    time::Timestamp,
};

/// The use of a passkey, of which nothing is checked.
pub struct UnverifiedAssertion(Assertion);

impl UnverifiedAssertion {
    /// Parses an `AuthenticationResponseJSON`.
    ///
    /// # Errors
    /// Any [`InvalidResponse`].
    pub fn parse(body: &[u8]) -> Result<Self, InvalidResponse> {
        AssertionJson::parse(body)?.bytes().map(Self)
    }

    /// Checks the challenge that it answers. That is to be spent before [`AnsweredAssertion::verify`] tells whether the
    /// rest is right, so that a wrong try costs its own challenge.
    ///
    /// # Errors
    /// [`CeremonyError::ClientData`], [`CeremonyError::Type`], [`CeremonyError::Challenge`],
    /// [`CeremonyError::Expired`].
    pub fn answered(
        self,
        secret: &ServiceSecret,
        now: Timestamp,
    ) -> Result<(PresentedChallenge, AnsweredAssertion), CeremonyError> {
        let client_data = ClientData::parse(&self.0.client_data, "webauthn.get")?;
        let purpose = ChallengeFor::Assertion;
        let challenge = PresentedChallenge::parse(&client_data.challenge, purpose, secret, now)?;
        let handle = self.0.handle.as_deref().and_then(UserHandle::from_slice);
        Ok((challenge, AnsweredAssertion { handle, assertion: self.0, client_data }))
    }
}

/// The use of a passkey, of which the challenge is checked and nothing else.
pub struct AnsweredAssertion {
    /// Whose passkey it says to be. It is not signed: it finds an account, and proves nothing.
    pub handle: Option<UserHandle>,
    assertion: Assertion,
    client_data: ClientData,
}

impl AnsweredAssertion {
    /// Checks all the rest, for the account that the handle has led to, if there is one.
    ///
    /// Counter and backup flags refuse nothing. A counter that does not rise may be a copy of a key, and is more often
    /// a passkey that several devices share; the backup flags change when an owner begins to synchronise.
    ///
    /// # Errors
    /// The first that holds of [`CeremonyError::Origin`], [`CeremonyError::CrossOrigin`], [`CeremonyError::TopOrigin`],
    /// [`CeremonyError::AuthenticatorData`], [`CeremonyError::RpId`], [`CeremonyError::UserPresence`],
    /// [`CeremonyError::UserVerification`], [`CeremonyError::BackupState`], [`CeremonyError::NoHandle`],
    /// [`CeremonyError::OtherHandle`], [`CeremonyError::UnknownPasskey`], [`CeremonyError::Disabled`] and
    /// [`CeremonyError::Signature`].
    pub fn verify(&self, party: &RelyingParty, account: Option<&Account>) -> Result<UsedPasskey, CeremonyError> {
        let Self { handle, assertion, client_data } = self;
        client_data.check(party)?;
        let authenticator_data = AuthenticatorData::parse(&assertion.authenticator_data)?;
        authenticator_data.check(party)?;
        let handle = handle.ok_or(CeremonyError::NoHandle)?;
        let account = account.filter(|account| account.handle == Some(handle)).ok_or(CeremonyError::OtherHandle)?;
        let id = CredentialId::new(&assertion.id).map_err(|_| CeremonyError::UnknownPasskey)?;
        let passkey = account.passkeys.get(&id).ok_or(CeremonyError::UnknownPasskey)?;
        if account.status != Status::Active {
            return Err(CeremonyError::Disabled);
        }
        let hash = digest(&SHA256, &assertion.client_data);
        let signed = [assertion.authenticator_data.as_slice(), hash.as_ref()].concat();
        if !passkey.public_key.has_signed(&signed, &assertion.signature) {
            return Err(CeremonyError::Signature);
        }
        let (sign_count, backed_up) = (authenticator_data.sign_count, authenticator_data.is_backed_up());
        Ok(UsedPasskey { id, sign_count, backed_up })
    }
}

/// The registration of a passkey, of which nothing is checked.
pub struct UnverifiedRegistration(Registration);

impl TryFrom<RegistrationJson> for UnverifiedRegistration {
    type Error = InvalidResponse;

    fn try_from(json: RegistrationJson) -> Result<Self, InvalidResponse> {
        json.bytes().map(Self)
    }
}

impl UnverifiedRegistration {
    /// Checks the challenge that it answers, which is to be spent then. It must have been given out for this account.
    ///
    /// # Errors
    /// [`CeremonyError::ClientData`], [`CeremonyError::Type`], [`CeremonyError::NoHandle`] if the account has none yet,
    /// so no challenge either, [`CeremonyError::Challenge`], [`CeremonyError::Expired`].
    pub fn answered(
        self,
        account: &Account,
        secret: &ServiceSecret,
        now: Timestamp,
    ) -> Result<(PresentedChallenge, AnsweredRegistration), CeremonyError> {
        let client_data = ClientData::parse(&self.0.client_data, "webauthn.create")?;
        let handle = account.handle.as_ref().ok_or(CeremonyError::NoHandle)?;
        let purpose = ChallengeFor::Registration(&account.sub, handle);
        let challenge = PresentedChallenge::parse(&client_data.challenge, purpose, secret, now)?;
        Ok((challenge, AnsweredRegistration { registration: self.0, client_data }))
    }
}

/// The registration of a passkey, of which the challenge is checked and nothing else.
pub struct AnsweredRegistration {
    registration: Registration,
    client_data: ClientData,
}

impl AnsweredRegistration {
    /// Checks all the rest.
    ///
    /// # Errors
    /// The first that holds of [`CeremonyError::Origin`], [`CeremonyError::CrossOrigin`], [`CeremonyError::TopOrigin`],
    /// [`CeremonyError::AuthenticatorData`], [`CeremonyError::RpId`], [`CeremonyError::UserPresence`],
    /// [`CeremonyError::UserVerification`], [`CeremonyError::BackupState`], [`CeremonyError::NoKey`],
    /// [`CeremonyError::Algorithm`], [`CeremonyError::Key`], [`CeremonyError::OtherId`] and
    /// [`CeremonyError::IdLength`].
    pub fn verify(&self, party: &RelyingParty) -> Result<NewPasskey, CeremonyError> {
        let Self { registration, client_data } = self;
        client_data.check(party)?;
        let authenticator_data = AuthenticatorData::parse(&registration.authenticator_data)?;
        authenticator_data.check(party)?;
        let AttestedCredential { id, public_key } = authenticator_data.attested_credential()?;
        if id != registration.id {
            return Err(CeremonyError::OtherId);
        }
        let id = CredentialId::new(&id).map_err(|_| CeremonyError::IdLength)?;
        let (sign_count, backed_up) = (authenticator_data.sign_count, authenticator_data.is_backed_up());
        Ok(NewPasskey { id, public_key, rp_id: party.id().to_owned(), sign_count, backed_up })
    }
}

/// A passkey that was made, with all that the standard asks for, and is not the account's yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewPasskey {
    /// Its id.
    pub id: CredentialId,
    public_key: PublicKey,
    rp_id: String,
    sign_count: u32,
    backed_up: bool,
}

/// A passkey cannot be added to an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotAdded {
    /// The account has it already.
    #[error("the account has this passkey already")]
    Known,
    /// The account has as many as it may have.
    #[error("an account has at most {PASSKEYS_MAX} passkeys")]
    TooMany,
    /// The account would be larger than one may be.
    #[error("the texts of the account would have more than {TEXTS_MAX_BYTES} bytes")]
    TooLarge,
}

impl NewPasskey {
    /// Whether it is the account's already, as far as the authenticator has made it.
    #[must_use]
    pub fn is_of(&self, account: &Account) -> bool {
        account.passkeys.get(&self.id).is_some_and(|kept| kept.public_key == self.public_key)
    }

    /// The account with this passkey.
    ///
    /// # Errors
    /// [`NotAdded::Known`], [`NotAdded::TooMany`], [`NotAdded::TooLarge`].
    pub fn added_to(&self, account: &Account, name: Name, now: Timestamp) -> Result<Account, NotAdded> {
        let Self { id, public_key, rp_id, sign_count, backed_up } = self.clone();
        if account.passkeys.contains_key(&id) {
            return Err(NotAdded::Known);
        }
        if account.passkeys.len() >= PASSKEYS_MAX {
            return Err(NotAdded::TooMany);
        }
        let created = Timestamp::from_seconds(now.seconds());
        let passkey = StoredPasskey { name, public_key, rp_id, created, last_used: None, sign_count, backed_up };
        let mut changed = account.clone();
        changed.passkeys.insert(id, passkey);
        if changed.texts_bytes() > TEXTS_MAX_BYTES { Err(NotAdded::TooLarge) } else { Ok(changed) }
    }
}

#[cfg(test)]
mod tests;
