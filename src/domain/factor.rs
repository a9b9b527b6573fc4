//! The second factor of an account: codes of an authenticator app (TOTP, RFC 6238: SHA-1, 6 digits, 30 s), and recovery
//! codes for whoever has lost the app. Every code counts once.

mod otp;

use aws_lc_rs::{
    constant_time::verify_slices_are_equal,
    digest::{SHA256, digest},
    hmac,
};
use data_encoding::BASE32_NOPAD;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use zeroize::Zeroizing;

pub use self::otp::Otp;
use crate::domain::{
    access_key::Digest,
    ids::{AccountId, SessionId},
    secret::ServiceSecret,
    time::Timestamp,
};

/// Length of the secret that service and app share, in bytes: as SHA-1's output (RFC 4226, section 4, R6).
pub const SECRET_BYTES: usize = 20;
/// Lengths of secrets that other systems have made, in bytes: Google's own had 10, and HMAC shortens what is longer
/// than its block of 64.
pub const IMPORTED_SECRET_BYTES: std::ops::RangeInclusive<usize> = 10..=64;
/// How many recovery codes there are.
pub const RECOVERY_CODES: usize = 10;
/// Length of a recovery code, in bytes. So many random bits are not guessed, so their SHA-256 is enough (ASVS 5.0,
/// 6.5.2).
pub const RECOVERY_CODE_BYTES: usize = 15;

/// How long a code is the present one, in seconds.
pub const STEP_SECONDS: u64 = 30;
const DIGITS: usize = 6;
/// How many letters of a recovery code stand together.
const GROUP: usize = 4;

/// The secret that the service and an authenticator app share. It cannot be printed, and clears itself.
pub struct TotpSecret(Zeroizing<Vec<u8>>);

impl TotpSecret {
    /// The secret of these bytes.
    #[must_use]
    pub fn new(bytes: &[u8; SECRET_BYTES]) -> Self {
        Self(Zeroizing::new(bytes.to_vec()))
    }

    /// The secret of bytes that were kept; nothing if they are of another length.
    #[must_use]
    pub fn from_slice(bytes: &[u8]) -> Option<Self> {
        IMPORTED_SECRET_BYTES.contains(&bytes.len()).then(|| Self(Zeroizing::new(bytes.to_vec())))
    }

    /// The secret that was sealed for the account `sub`; nothing if it was sealed with another service secret.
    #[must_use]
    pub fn open(secret: &ServiceSecret, sub: &AccountId, sealed: &[u8]) -> Option<Self> {
        Self::from_slice(&secret.open(sub, sealed)?)
    }

    /// The secret that a text of base32 is, as apps take it: in letters of any case, in groups, padded, and whatever
    /// the bits are that are left over at its end.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut spelled = Zeroizing::new(String::with_capacity(text.len()));
        let is_letter = |c: &char| !c.is_whitespace() && *c != '-';
        spelled.extend(
            text.trim_end_matches(|c: char| c == '=' || c.is_whitespace())
                .chars()
                .filter(is_letter)
                .map(|c| c.to_ascii_uppercase()),
        );
        let mut lenient = BASE32_NOPAD.specification();
        lenient.check_trailing_bits = false;
        let bytes = Zeroizing::new(lenient.encoding().ok()?.decode(spelled.as_bytes()).ok()?);
        Self::from_slice(&bytes)
    }

    /// Its bytes.
    #[must_use]
    pub fn expose(&self) -> &[u8] {
        self.0.as_slice()
    }

    /// Its text in base32, which a person can type into an app.
    #[must_use]
    pub fn base32(&self) -> Zeroizing<String> {
        Zeroizing::new(BASE32_NOPAD.encode(self.expose()))
    }

    /// What a QR code holds for an app: the secret, and what the app calls it (Google Authenticator wiki, "Key Uri
    /// Format").
    #[must_use]
    pub fn uri(&self, service: &str, email: &str) -> Zeroizing<String> {
        let [service, email] = [service, email].map(|text| utf8_percent_encode(text, NON_ALPHANUMERIC));
        let secret = self.base32();
        Zeroizing::new(format!(
            "otpauth://totp/{service}:{email}?secret={}&issuer={service}&algorithm=SHA1&digits={DIGITS}&period={STEP_SECONDS}",
            *secret
        ))
    }

    /// The code of a time step (RFC 4226, section 5.3).
    fn code(&self, step: u64) -> String {
        let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, self.expose());
        let tag = hmac::sign(&key, &step.to_be_bytes());
        let bytes = tag.as_ref();
        let offset = usize::from(bytes.last().copied().unwrap_or_default() & 0xf);
        let four = bytes.iter().skip(offset).take(4).fold(0_u32, |number, byte| (number << 8) | u32::from(*byte));
        format!("{:0DIGITS$}", (four & 0x7fff_ffff) % 1_000_000)
    }
}

/// A recovery code. It cannot be printed, and clears itself.
pub struct RecoveryCode(Zeroizing<[u8; RECOVERY_CODE_BYTES]>);

impl RecoveryCode {
    /// The code of these random bytes.
    #[must_use]
    pub fn new(random: &[u8; RECOVERY_CODE_BYTES]) -> Self {
        Self(Zeroizing::new(*random))
    }

    /// Its text in groups, to be shown this once.
    #[must_use]
    pub fn expose(&self) -> Zeroizing<String> {
        let mut letters = Zeroizing::new(BASE32_NOPAD.encode(self.0.as_slice()));
        letters.make_ascii_lowercase();
        let mut text = Zeroizing::new(String::with_capacity(letters.len() * 2));
        for (at, letter) in letters.chars().enumerate() {
            if at > 0 && at % GROUP == 0 {
                text.push('-');
            }
            text.push(letter);
        }
        text
    }

    /// What an account keeps of it.
    #[must_use]
    pub fn digest(&self) -> Digest {
        let mut bytes = [0; 32];
        bytes.copy_from_slice(digest(&SHA256, self.0.as_slice()).as_ref());
        Digest(bytes)
    }
}

/// What an account keeps of its second factor.
#[derive(Clone, PartialEq, Eq)]
pub struct Factor {
    /// The secret, sealed by the service secret for this account alone.
    pub sealed: Vec<u8>,
    /// The time step of the last code that was used. No code of it or of an earlier one counts again.
    pub last_step: u64,
    /// Which request used the last code. So one that is sent twice finds that its code was used by itself.
    pub last_use: String,
    /// The recovery codes that are left.
    pub recovery: Vec<Digest>,
    /// The session that confirmed it. The same session may send its confirmation again, with the same code, if the
    /// answer was lost: without one it has no recovery codes.
    pub confirmed_by: Option<SessionId>,
}

/// What comparing a typed code with a factor tells.
#[must_use]
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CodeVerification {
    /// It is right, and counts.
    Right(Accepted),
    /// It is right, but it was used, or a later one was. A recovery code that was used is forgotten, and so is wrong.
    Used,
    /// It is wrong.
    Wrong,
}

/// A code that is right, and that was not used before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Accepted {
    /// The code of this time step.
    Step(u64),
    /// This recovery code.
    Recovery(Digest),
}

/// The time step whose code this is: the present one, or the one before, for whoever types slowly (RFC 6238, section
/// 5.2).
#[must_use]
pub fn step_of(secret: &TotpSecret, otp: &Otp, now: Timestamp) -> Option<u64> {
    let step = now.seconds() / STEP_SECONDS;
    let is_code = |step: &u64| verify_slices_are_equal(secret.code(*step).as_bytes(), otp.0.as_bytes()).is_ok();
    [step, step.saturating_sub(1)].into_iter().find(is_code)
}

impl Factor {
    /// What a typed code is worth now.
    pub fn verify(&self, secret: &TotpSecret, otp: &Otp, now: Timestamp) -> CodeVerification {
        let code = otp.recovery_code().map(|code| Accepted::Recovery(code.digest()));
        match code.or_else(|| step_of(secret, otp, now).map(Accepted::Step)) {
            Some(accepted) if self.has(&accepted) => CodeVerification::Right(accepted),
            Some(Accepted::Step(_)) => CodeVerification::Used,
            Some(Accepted::Recovery(_)) | None => CodeVerification::Wrong,
        }
    }

    /// The factor after a code was used by a request of this id; nothing if another one has used the code meanwhile.
    #[must_use]
    pub fn after(&self, accepted: &Accepted, request: &str) -> Option<Self> {
        if !self.has(accepted) {
            return None;
        }
        let mut used = Self { last_use: request.to_owned(), ..self.clone() };
        match accepted {
            Accepted::Step(step) => used.last_step = *step,
            Accepted::Recovery(digest) => used.recovery.retain(|left| left != digest),
        }
        Some(used)
    }

    fn has(&self, accepted: &Accepted) -> bool {
        match accepted {
            Accepted::Step(step) => *step > self.last_step,
            Accepted::Recovery(digest) => self.recovery.contains(digest),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::secret::clears_itself;

    // Check 9.
    #[test]
    fn what_a_second_factor_is_made_of_clears_itself() {
        let _ = |TotpSecret(secret): &TotpSecret, Otp(typed): &Otp, RecoveryCode(code): &RecoveryCode| {
            clears_itself(secret);
            clears_itself(typed);
            clears_itself(code);
        };
    }

    pub(super) fn secret() -> TotpSecret {
        TotpSecret::from_slice(b"12345678901234567890").unwrap()
    }

    pub(super) fn at(seconds: u64) -> Timestamp {
        Timestamp::from_seconds(seconds)
    }

    pub(super) fn factor(last_step: u64) -> Factor {
        let recovery = [1, 2].map(|byte| RecoveryCode::new(&[byte; RECOVERY_CODE_BYTES]).digest()).to_vec();
        Factor { sealed: Vec::new(), last_step, last_use: String::new(), recovery, confirmed_by: None }
    }

    /// RFC 6238, appendix B, of whose eight digits the last six are shown here: both are remainders of one number.
    // Check 76.
    #[test]
    fn codes_are_those_of_the_rfc() {
        for (seconds, code) in [
            (59, "287082"),
            (1_111_111_109, "081804"),
            (1_111_111_111, "050471"),
            (1_234_567_890, "005924"),
            (2_000_000_000, "279037"),
            (20_000_000_000, "353130"),
        ] {
            assert_eq!(secret().code(seconds / STEP_SECONDS), code);
        }
        // RFC 4226, appendix D.
        let codes =
            ["755224", "287082", "359152", "969429", "338314", "254676", "287922", "162583", "399871", "520489"];
        assert_eq!((0..10).map(|step| secret().code(step)).collect::<Vec<_>>(), codes);
    }

    // Checks 76, 86.
    #[test]
    fn the_present_code_and_the_one_before_count_once() {
        let now = at(3_000);
        let verify = |factor: &Factor, step| factor.verify(&secret(), &Otp::new(&secret().code(step)), now);
        for (step, counts) in [(98, false), (99, true), (100, true), (101, false)] {
            let expected = if counts { CodeVerification::Right(Accepted::Step(step)) } else { CodeVerification::Wrong };
            assert_eq!(verify(&factor(0), step), expected, "{step}");
        }
        let used = factor(0).after(&Accepted::Step(99), "a").unwrap();
        assert_eq!((used.last_step, used.last_use.as_str()), (99, "a"));
        assert!(used.after(&Accepted::Step(99), "b").is_none(), "twice");
        assert_eq!(verify(&used, 98), CodeVerification::Wrong, "its time is over");
        assert_eq!(verify(&used, 99), CodeVerification::Used);
        assert_eq!(verify(&used, 100), CodeVerification::Right(Accepted::Step(100)));
        assert_eq!(verify(&factor(100), 99), CodeVerification::Used, "an earlier one");
    }

    #[test]
    fn an_app_gets_the_secret_and_what_to_call_it() {
        let uri = secret().uri("Example & Co", "yi+x@jeplus.org");
        assert_eq!(
            *uri,
            "otpauth://totp/Example%20%26%20Co:yi%2Bx%40jeplus%2Eorg?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ\
             &issuer=Example%20%26%20Co&algorithm=SHA1&digits=6&period=30"
        );
        // Google's 16 letters, 26 with bits left over, Authelia's 52; and the longest.
        for (spelled, bytes) in [
            ("DHXE6GCU7V6SNOVY", 10),
            ("dhxe 6gcu 7v6s novy", 10),
            ("dhxe-6gcu-7v6s-novy", 10),
            ("GEZDGNBVGY3TQOJQGEZDGNBVGZ", 16),
            ("GEZDGNBVGY3TQOJQGEZDGNBVGY======", 16),
            ("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQGEZD", 32),
            (&BASE32_NOPAD.encode(&[7; 64]), 64),
        ] {
            assert_eq!(TotpSecret::parse(spelled).unwrap().expose().len(), bytes, "{spelled}");
        }
        assert!(TotpSecret::parse(&BASE32_NOPAD.encode(&[7; 65])).is_none());
        assert!(TotpSecret::parse(&BASE32_NOPAD.encode(&[7; 9])).is_none());
        let parsed = TotpSecret::parse("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ").unwrap();
        assert_eq!(parsed.expose(), secret().expose());
        assert!(TotpSecret::parse("GEZDGNBV").is_none() && TotpSecret::parse("no base32").is_none());
    }
}
