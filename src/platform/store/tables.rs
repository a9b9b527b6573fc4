//! The tables themselves. In AWS the template makes them; on one machine this does.

use aws_sdk_dynamodb::{
    error::BuildError,
    operation::create_table::CreateTableError,
    types::{
        AttributeDefinition, BillingMode, CreateGlobalSecondaryIndexAction, GlobalSecondaryIndexUpdate,
        KeySchemaElement, KeyType, Projection, ProjectionType, ScalarAttributeType, StreamSpecification,
        StreamViewType, TimeToLiveSpecification,
    },
};

use super::{Store, StoreError, Tables, account_item::HANDLE, passkeys::BY_HANDLE};

impl Store {
    /// Creates the tables that are not there. The template describes the same ones, and a test compares the two.
    ///
    /// # Errors
    /// [`StoreError::Call`] if DynamoDB fails.
    pub async fn create_tables(&self) -> Result<(), StoreError> {
        self.create_table(&self.tables.accounts, &["email"], None).await?;
        self.index_handles().await?;
        self.create_table(&self.tables.sessions, &["sub", "sid"], Some("expires_at")).await?;
        self.create_table(&self.tables.attempts, &["key"], Some("expires_at")).await?;
        self.create_table(&self.tables.outbox, &["id"], Some("expires_at")).await?;
        self.create_table(&self.tables.signing_keys, &["kid"], Some("verifies_until")).await
    }

    /// Asks for each table, and gives back its name with what came of it.
    pub async fn reach_tables(&self) -> Vec<(&str, Result<(), StoreError>)> {
        let mut reached = Vec::new();
        // The outbox is there only where mails are switched on.
        let Tables { accounts, sessions, attempts, outbox: _, signing_keys } = &self.tables;
        for name in [accounts, sessions, attempts, signing_keys] {
            let described = self.client.describe_table().table_name(name).send().await;
            reached.push((&**name, described.map(drop).map_err(|error| StoreError::call("DescribeTable", error))));
        }
        reached
    }

    /// Whether the table of accounts has the index of handles, without which no passkey logs on.
    ///
    /// # Errors
    /// [`StoreError::Call`] if DynamoDB fails, or does not let one look.
    pub async fn has_index(&self) -> Result<bool, StoreError> {
        let describe = self.client.describe_table().table_name(&self.tables.accounts);
        let described = describe.send().await.map_err(|error| StoreError::call("DescribeTable", error))?;
        let indexes = described.table.and_then(|table| table.global_secondary_indexes).unwrap_or_default();
        Ok(indexes.iter().any(|index| index.index_name() == Some(BY_HANDLE)))
    }

    /// Adds the index of handles to the table of accounts, unless it has one: an earlier release made tables without.
    async fn index_handles(&self) -> Result<(), StoreError> {
        const OPERATION: &str = "UpdateTable";
        let built = |error| StoreError::build(OPERATION, error);
        if self.has_index().await? {
            return Ok(());
        }
        let index = CreateGlobalSecondaryIndexAction::builder()
            .index_name(BY_HANDLE)
            .key_schema(element(HANDLE, KeyType::Hash).map_err(built)?)
            .projection(Projection::builder().projection_type(ProjectionType::KeysOnly).build());
        let index = GlobalSecondaryIndexUpdate::builder().create(index.build().map_err(built)?).build();
        let mut update = self.client.update_table().table_name(&self.tables.accounts);
        for key in ["email", HANDLE] {
            update = update.attribute_definitions(definition(key).map_err(built)?);
        }
        let update = update.global_secondary_index_updates(index);
        update.send().await.map(drop).map_err(|error| StoreError::call(OPERATION, error))
    }

    async fn create_table(&self, name: &str, keys: &[&str], ttl: Option<&str>) -> Result<(), StoreError> {
        const OPERATION: &str = "CreateTable";
        let built = |error| StoreError::build(OPERATION, error);
        let mut create = self.client.create_table().table_name(name).billing_mode(BillingMode::PayPerRequest);
        if name == self.tables.outbox {
            let stream = StreamSpecification::builder().stream_enabled(true).stream_view_type(StreamViewType::NewImage);
            create = create.stream_specification(stream.build().map_err(built)?);
        }
        for (key, key_type) in keys.iter().zip([KeyType::Hash, KeyType::Range]) {
            create = create
                .attribute_definitions(definition(key).map_err(built)?)
                .key_schema(element(key, key_type).map_err(built)?);
        }
        match create.send().await {
            Ok(_) => {}
            Err(error) if error.as_service_error().is_some_and(CreateTableError::is_resource_in_use_exception) => {
                return Ok(());
            }
            Err(error) => return Err(StoreError::call(OPERATION, error)),
        }
        let Some(ttl) = ttl else { return Ok(()) };
        let ttl = TimeToLiveSpecification::builder().attribute_name(ttl).enabled(true).build().map_err(built)?;
        let update = self.client.update_time_to_live().table_name(name).time_to_live_specification(ttl);
        update.send().await.map(drop).map_err(|error| StoreError::call("UpdateTimeToLive", error))
    }
}

/// Every attribute of a key is a text.
fn definition(key: &str) -> Result<AttributeDefinition, BuildError> {
    AttributeDefinition::builder().attribute_name(key).attribute_type(ScalarAttributeType::S).build()
}

fn element(key: &str, key_type: KeyType) -> Result<KeySchemaElement, BuildError> {
    KeySchemaElement::builder().attribute_name(key).key_type(key_type).build()
}
