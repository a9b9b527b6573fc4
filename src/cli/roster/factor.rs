//! A second factor as it stands in a file: in clear, so that another stack can seal it for itself.

use std::sync::Arc;

use serde::{Serialize, Serializer, ser::SerializeStruct};
use serde_json::Value;

use super::{
    keys::{digest, digits},
    number, text,
};
use crate::{
    cli::Failure,
    domain::{
        access_key::Digest,
        account::Account,
        factor::{Factor, RECOVERY_CODES, STEP_SECONDS, TotpSecret},
        ids::AccountId,
        secret::{SealNonce, ServiceSecret},
    },
    functions::app::Stack,
    platform::machine,
};

const SECRET_EXPECTED: &str = "10 to 64 bytes in base32 are expected, as 16 to 103 letters and digits";

const MEMBERS: [&str; 3] = ["secret", "last_step", "recovery_codes"];

/// A second factor whose secret can be read. It cannot be printed.
pub(in crate::cli) struct OpenFactor {
    secret: TotpSecret,
    last_step: u64,
    recovery: Vec<Digest>,
}

/// The secret that factors of a stack are sealed with.
pub(in crate::cli) async fn sealing_secret(stack: &Stack) -> Result<Arc<ServiceSecret>, Failure> {
    let secret = stack.keyring().service_secret(machine::now()).await;
    secret.map_err(|error| Failure::with_hint(error, "the stack needs its keys, and you kms:Decrypt on its KMS key"))
}

impl OpenFactor {
    /// The factor of an account, if it has one. What is wrong with one that does not open is told.
    pub(in crate::cli) fn of(account: &Account, secret: &ServiceSecret) -> Result<Option<Self>, &'static str> {
        let Some(factor) = &account.factor else { return Ok(None) };
        let secret = TotpSecret::open(secret, &account.sub, &factor.sealed)
            .ok_or("its second factor was sealed with another service secret than the present one")?;
        Ok(Some(Self { secret, last_step: factor.last_step, recovery: factor.recovery.clone() }))
    }

    /// The factor as the account `sub` of this stack keeps it; nothing if AWS-LC fails.
    pub(in crate::cli) fn sealed(self, sub: &AccountId, secret: &ServiceSecret, nonce: SealNonce) -> Option<Factor> {
        let sealed = secret.seal(sub, nonce, self.secret.expose())?;
        let Self { last_step, recovery, .. } = self;
        Some(Factor { sealed, last_step, last_use: "import".to_owned(), recovery, confirmed_by: None })
    }

    /// The factor of which a table has the secret alone.
    pub(in crate::cli) fn of_secret(text: &str) -> Result<Self, String> {
        let secret = TotpSecret::parse(text).ok_or_else(|| format!("totp_secret: {SECRET_EXPECTED}"))?;
        Ok(Self { secret, last_step: 0, recovery: Vec::new() })
    }

    pub(super) fn parse(value: &Value) -> Result<Option<Self>, String> {
        if value.is_null() {
            return Ok(None);
        }
        let factor = value.as_object().ok_or("second_factor: an object is expected")?;
        if let Some(unknown) = factor.keys().find(|name| !MEMBERS.contains(&name.as_str())) {
            return Err(format!("second_factor: unknown member {unknown}: {} are expected", MEMBERS.join(", ")));
        }
        let member = |name: &'static str| factor.get(name).unwrap_or(&Value::Null);
        let secret = text("second_factor: secret", member("secret"))?.and_then(|secret| TotpSecret::parse(&secret));
        let none = Vec::new();
        let codes = if member("recovery_codes").is_null() { Some(&none) } else { member("recovery_codes").as_array() };
        let codes = codes.ok_or("second_factor: recovery_codes: a list is expected")?;
        let last_step = number("second_factor: last_step", member("last_step"), "a time step of 30 seconds")?;
        // No code of a step before it counts.
        if last_step.is_some_and(|step| step > machine::now().seconds() / STEP_SECONDS + 1) {
            return Err("second_factor: last_step is in the future: a time step of 30 seconds is expected".to_owned());
        }
        let recovery: Option<Vec<_>> = codes.iter().map(|code| digest(code.as_str()?)).collect();
        let recovery = recovery.filter(|recovery| recovery.len() <= RECOVERY_CODES);
        Ok(Some(Self {
            secret: secret.ok_or_else(|| format!("second_factor: secret: {SECRET_EXPECTED}"))?,
            last_step: last_step.unwrap_or_default(),
            recovery: recovery.ok_or_else(|| {
                format!(
                    "second_factor: recovery_codes: at most {RECOVERY_CODES} SHA-256 in hexadecimal digits are expected"
                )
            })?,
        }))
    }
}

/// For the file of an operator who asked for it, and for nothing else.
impl Serialize for OpenFactor {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut object = serializer.serialize_struct("OpenFactor", MEMBERS.len())?;
        object.serialize_field("secret", self.secret.base32().as_str())?;
        object.serialize_field("last_step", &self.last_step)?;
        object.serialize_field("recovery_codes", &self.recovery.iter().map(digits).collect::<Vec<_>>())?;
        object.end()
    }
}
