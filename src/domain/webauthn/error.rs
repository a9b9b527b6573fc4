//! Why a passkey is refused.

/// A registration or a use of a passkey is refused: one reason for each check of Web Authentication Level 3, sections
/// 7.1 and 7.2. They are for the log. A client is told that it did not work, and nothing else.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CeremonyError {
    /// The client data are no JSON object of what a browser collects.
    #[error("client data malformed")]
    ClientData,
    /// The client data are those of another ceremony: a use in the place of a registration, or the other way round.
    #[error("client data of another type")]
    Type,
    /// The challenge was not given out here, or for something else: another ceremony, another account.
    #[error("challenge of somebody else")]
    Challenge,
    /// The challenge was given out too long ago.
    #[error("challenge expired")]
    Expired,
    /// The challenge was used already, by whatever was verified then. Whoever spends it finds out.
    #[error("challenge used already")]
    Spent,
    /// It was done on a page of another origin.
    #[error("other origin")]
    Origin,
    /// It was done in a frame of a page of another origin.
    #[error("in a frame of another origin")]
    CrossOrigin,
    /// The client data name the origin of a page around the frame that it was done in.
    #[error("in a frame below a top origin")]
    TopOrigin,
    /// The authenticator data are malformed.
    #[error("authenticator data malformed")]
    AuthenticatorData,
    /// The passkey is for another relying party.
    #[error("other relying party")]
    RpId,
    /// Nobody was there.
    #[error("no user presence")]
    UserPresence,
    /// The authenticator has not verified its user, by a fingerprint, a face or a PIN.
    #[error("no user verification")]
    UserVerification,
    /// It is backed up, and cannot be: the standard has no such state.
    #[error("backed up without being eligible")]
    BackupState,
    /// The registration brings no key.
    #[error("no credential data")]
    NoKey,
    /// The id in the answer is another one than the authenticator's.
    #[error("id other than the authenticator's")]
    OtherId,
    /// The id is empty, or longer than an id may be.
    #[error("length of the id")]
    IdLength,
    /// The key is of no algorithm that was offered.
    #[error("algorithm that was not offered")]
    Algorithm,
    /// The key is malformed, too weak, or no point of its curve.
    #[error("key malformed")]
    Key,
    /// No user handle of ours came with it.
    #[error("no user handle")]
    NoHandle,
    /// The user handle is that of no account, or of another one.
    #[error("user handle of another account")]
    OtherHandle,
    /// The account has no passkey with this id.
    #[error("passkey that the account does not have")]
    UnknownPasskey,
    /// The account may not log on.
    #[error("account disabled")]
    Disabled,
    /// The passkey has not signed it.
    #[error("signature invalid")]
    Signature,
}
