//! The table of signing keys. The service secret lies there too, under a `kid` of its own.

use aws_sdk_dynamodb::{
    error::BoxError,
    operation::put_item::PutItemError,
    types::{Put, ReturnValue, Select, TransactWriteItem, Update},
};

use super::{
    Added, CONDITION_FAILED, Malformed, Store, StoreError, cancellation_codes,
    item::{Item, bytes, millis, seconds, text, well_formed},
};
use crate::domain::{
    signing_key::{Jwk, KeyId, SigningKey, Window},
    time::Timestamp,
};

const TABLE: &str = "signing-keys";

/// The `kid` of the service secret. It is no key id, so no token can name it.
pub const SECRET_KID: &str = "service-secret";

/// All that the table holds.
pub struct StoredKeys {
    /// The signing keys, in no order.
    pub keys: Vec<SigningKey>,
    /// The service secret, sealed, if it was made.
    pub sealed_secret: Option<Vec<u8>>,
    /// The id of the key that was made last. That key may have been removed since.
    pub latest: Option<String>,
    /// What is neither a key nor the secret.
    pub malformed: Vec<Malformed>,
}

/// The public half of a key, and how long it holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifyingKey {
    /// The key.
    pub jwk: Jwk,
    /// When it is forgotten.
    pub verifies_until: Timestamp,
}

impl Store {
    /// All keys and the service secret. A malformed item is logged and left out: the others sign and verify.
    ///
    /// # Errors
    /// [`StoreError::Call`] if DynamoDB fails.
    pub async fn signing_keys(&self) -> Result<StoredKeys, StoreError> {
        let scan = self.client.scan().table_name(&self.tables.signing_keys).consistent_read(true);
        let mut items = scan.into_paginator().items().send();
        let mut stored = StoredKeys { keys: Vec::new(), sealed_secret: None, latest: None, malformed: Vec::new() };
        while let Some(item) = items.next().await {
            let attributes = item.map_err(|error| StoreError::call("Scan", error))?;
            match well_formed(TABLE, &["kid"], attributes, stored_item) {
                Ok(StoredItem::Key(key)) => stored.keys.push(*key),
                Ok(StoredItem::Secret { sealed, latest }) => {
                    (stored.sealed_secret, stored.latest) = (Some(sealed), latest);
                }
                Err(malformed) => {
                    malformed.log();
                    stored.malformed.push(malformed);
                }
            }
        }
        Ok(stored)
    }

    /// The public halves of all keys. This is all that the authorizer reads of the table, and all that it may read.
    ///
    /// # Errors
    /// [`StoreError::Call`] if DynamoDB fails.
    pub async fn verifying_keys(&self) -> Result<Vec<VerifyingKey>, StoreError> {
        let scan = self.client.scan().table_name(&self.tables.signing_keys).select(Select::SpecificAttributes);
        let scan = scan.projection_expression("kid, jwk, verifies_until").consistent_read(true);
        let mut items = scan.into_paginator().items().send();
        let mut keys = Vec::new();
        while let Some(item) = items.next().await {
            let attributes = item.map_err(|error| StoreError::call("Scan", error))?;
            // The service secret has no public half.
            if attributes.get("kid").and_then(|kid| kid.as_s().ok()).is_some_and(|kid| kid == SECRET_KID) {
                continue;
            }
            let key = well_formed(TABLE, &["kid"], attributes, |item| {
                Ok(VerifyingKey { jwk: jwk(item)?, verifies_until: item.seconds("verifies_until")? })
            });
            keys.extend(key.inspect_err(Malformed::log));
        }
        Ok(keys)
    }

    /// Adds a key, unless another was made since `latest` was read: of two rotators at once, one makes a key. The
    /// service secret's item remembers which key was the last, so it must be there.
    ///
    /// # Errors
    /// [`StoreError::Call`] if DynamoDB fails.
    pub async fn add_signing_key(&self, key: &SigningKey, latest: Option<&str>) -> Result<Added, StoreError> {
        const OPERATION: &str = "TransactWriteItems";
        let failed = |source: BoxError| StoreError::Call { operation: OPERATION, source };
        let kid = key.jwk.key_id().as_str();
        let jwk = serde_json::to_string(&key.jwk).map_err(|error| failed(error.into()))?;
        let put = Put::builder()
            .table_name(&self.tables.signing_keys)
            .item("kid", text(kid))
            .item("alg", text(key.jwk.algorithm().name()))
            .item("jwk", text(&jwk))
            .item("sealed", bytes(&key.sealed))
            .item("created", millis(key.created))
            .item("signs_from", seconds(key.window.signs_from))
            .item("signs_until", seconds(key.window.signs_until))
            .item("verifies_until", seconds(key.window.verifies_until))
            .condition_expression("attribute_not_exists(kid)")
            .build()
            .map_err(|error| failed(error.into()))?;
        let mut remember = Update::builder()
            .table_name(&self.tables.signing_keys)
            .key("kid", text(SECRET_KID))
            .update_expression("SET latest = :kid")
            .expression_attribute_values(":kid", text(kid))
            .condition_expression("attribute_exists(kid) AND attribute_not_exists(latest)");
        if let Some(latest) = latest {
            remember =
                remember.condition_expression("latest = :latest").expression_attribute_values(":latest", text(latest));
        }
        let remember = remember.build().map_err(|error| failed(error.into()))?;
        let write = self
            .client
            .transact_write_items()
            .transact_items(TransactWriteItem::builder().put(put).build())
            .transact_items(TransactWriteItem::builder().update(remember).build());
        match write.send().await {
            Ok(_) => Ok(Added::Added),
            // A condition or a conflict is another rotator that was quicker; anything else is a failure.
            Err(error)
                if error
                    .as_service_error()
                    .into_iter()
                    .flat_map(cancellation_codes)
                    .any(|code| matches!(code, CONDITION_FAILED | "TransactionConflict")) =>
            {
                Ok(Added::Exists)
            }
            Err(error) => Err(StoreError::call(OPERATION, error)),
        }
    }

    /// Removes a key: within the time that keys are remembered, nothing signed with it holds any more. Tells whether it
    /// was there.
    ///
    /// # Errors
    /// [`StoreError::Call`] if DynamoDB fails.
    pub async fn remove_signing_key(&self, kid: &KeyId) -> Result<bool, StoreError> {
        let delete = self
            .client
            .delete_item()
            .table_name(&self.tables.signing_keys)
            .key("kid", text(kid.as_str()))
            .return_values(ReturnValue::AllOld);
        let output = delete.send().await.map_err(|error| StoreError::call("DeleteItem", error))?;
        Ok(output.attributes.is_some())
    }

    /// The service secret, sealed, if it was made.
    ///
    /// # Errors
    /// [`StoreError::Call`] if DynamoDB fails, [`StoreError::Malformed`] if the item is none.
    pub async fn service_secret(&self) -> Result<Option<Vec<u8>>, StoreError> {
        let get = self.client.get_item().table_name(&self.tables.signing_keys).key("kid", text(SECRET_KID));
        let output = get.consistent_read(true).send().await.map_err(|error| StoreError::call("GetItem", error))?;
        output.item.map(|item| Ok(Item::new(TABLE, item).bytes("sealed")?.to_vec())).transpose()
    }

    /// Adds the service secret, unless there is one.
    ///
    /// # Errors
    /// [`StoreError::Call`] if DynamoDB fails.
    pub async fn add_service_secret(&self, sealed: &[u8]) -> Result<Added, StoreError> {
        let put = self
            .client
            .put_item()
            .table_name(&self.tables.signing_keys)
            .item("kid", text(SECRET_KID))
            .item("sealed", bytes(sealed))
            .condition_expression("attribute_not_exists(kid)");
        match put.send().await {
            Ok(_) => Ok(Added::Added),
            Err(error) if error.as_service_error().is_some_and(PutItemError::is_conditional_check_failed_exception) => {
                Ok(Added::Exists)
            }
            Err(error) => Err(StoreError::call("PutItem", error)),
        }
    }
}

enum StoredItem {
    Key(Box<SigningKey>),
    Secret { sealed: Vec<u8>, latest: Option<String> },
}

fn stored_item(item: &Item) -> Result<StoredItem, StoreError> {
    if item.text("kid")? == SECRET_KID {
        let latest = item.text_or_none("latest")?.map(str::to_owned);
        return Ok(StoredItem::Secret { sealed: item.bytes("sealed")?.to_vec(), latest });
    }
    signing_key(item).map(Box::new).map(StoredItem::Key)
}

fn signing_key(item: &Item) -> Result<SigningKey, StoreError> {
    Ok(SigningKey {
        jwk: jwk(item)?,
        sealed: item.bytes("sealed")?.to_vec(),
        created: item.millis("created")?,
        window: Window {
            signs_from: item.seconds("signs_from")?,
            signs_until: item.seconds("signs_until")?,
            verifies_until: item.seconds("verifies_until")?,
        },
    })
}

/// The key of an item, which must be the one that the item's `kid` says.
fn jwk(item: &Item) -> Result<Jwk, StoreError> {
    let jwk: Jwk = serde_json::from_str(item.text("jwk")?).map_err(|_| item.malformed("jwk"))?;
    if jwk.key_id().as_str() == item.text("kid")? { Ok(jwk) } else { Err(item.malformed("jwk")) }
}
