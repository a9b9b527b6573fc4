//! Sealing: private keys and the service secret are stored as KMS ciphertext.

use aws_sdk_kms::{
    Client,
    error::{BoxError, ProvideErrorMetadata, SdkError},
    primitives::Blob,
};
use zeroize::Zeroizing;

/// The key of the encryption context that binds a ciphertext to the item it is stored in.
const CONTEXT: &str = "kid";

/// The KMS key of one stack.
#[derive(Clone, Debug)]
pub struct Kms {
    client: Client,
    key_id: String,
}

/// KMS could not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum KmsError {
    /// KMS did not answer in time, refused, or failed.
    #[error("KMS {operation} failed")]
    Call {
        /// The API's name of the call.
        operation: &'static str,
        /// What the SDK says.
        source: BoxError,
    },
    /// KMS answered without what it was asked for.
    #[error("KMS {operation} gave nothing back")]
    Empty {
        /// The API's name of the call.
        operation: &'static str,
    },
}

impl KmsError {
    fn call<E>(operation: &'static str, error: SdkError<E>) -> Self
    where
        E: std::error::Error + ProvideErrorMetadata + Send + Sync + 'static,
    {
        Self::Call { operation, source: error.into() }
    }
}

impl Kms {
    /// The key of `stack`, by its alias.
    #[must_use]
    pub fn new(client: Client, stack: &str) -> Self {
        Self { client, key_id: format!("alias/{stack}") }
    }

    /// Seals `plain` for the item `kid`.
    ///
    /// # Errors
    /// [`KmsError`] if KMS fails.
    pub async fn seal(&self, kid: &str, plain: &[u8]) -> Result<Vec<u8>, KmsError> {
        let output = self
            .client
            .encrypt()
            .key_id(&self.key_id)
            .encryption_context(CONTEXT, kid)
            .plaintext(Blob::new(plain))
            .send()
            .await
            .map_err(|error| KmsError::call("Encrypt", error))?;
        output.ciphertext_blob.map(Blob::into_inner).ok_or(KmsError::Empty { operation: "Encrypt" })
    }

    /// Opens what was sealed for the item `kid`.
    ///
    /// # Errors
    /// [`KmsError`] if KMS fails, or if `sealed` was sealed by another key or for another item.
    pub async fn unseal(&self, kid: &str, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, KmsError> {
        let output = self
            .client
            .decrypt()
            .key_id(&self.key_id)
            .encryption_context(CONTEXT, kid)
            .ciphertext_blob(Blob::new(sealed))
            .send()
            .await
            .map_err(|error| KmsError::call("Decrypt", error))?;
        let plain = output.plaintext.map(Blob::into_inner).ok_or(KmsError::Empty { operation: "Decrypt" })?;
        Ok(Zeroizing::new(plain))
    }
}
