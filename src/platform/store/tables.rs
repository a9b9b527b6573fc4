//! The tables themselves. In AWS the template makes them; on one machine this does.

use aws_sdk_dynamodb::{
    operation::create_table::CreateTableError,
    types::{
        AttributeDefinition, BillingMode, KeySchemaElement, KeyType, ScalarAttributeType, StreamSpecification,
        StreamViewType, TimeToLiveSpecification,
    },
};

use super::{Store, StoreError, Tables};

impl Store {
    /// Creates the tables that are not there. The template describes the same ones, and a test compares the two.
    ///
    /// # Errors
    /// [`StoreError::Call`] if DynamoDB fails.
    pub async fn create_tables(&self) -> Result<(), StoreError> {
        self.create_table(&self.tables.accounts, &["email"], None).await?;
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

    async fn create_table(&self, name: &str, keys: &[&str], ttl: Option<&str>) -> Result<(), StoreError> {
        const OPERATION: &str = "CreateTable";
        let built = |error: aws_sdk_dynamodb::error::BuildError| StoreError::Call {
            operation: OPERATION,
            source: error.into(),
        };
        let mut create = self.client.create_table().table_name(name).billing_mode(BillingMode::PayPerRequest);
        if name == self.tables.outbox {
            let stream = StreamSpecification::builder().stream_enabled(true).stream_view_type(StreamViewType::NewImage);
            create = create.stream_specification(stream.build().map_err(built)?);
        }
        for (key, key_type) in keys.iter().zip([KeyType::Hash, KeyType::Range]) {
            create = create
                .attribute_definitions(
                    AttributeDefinition::builder()
                        .attribute_name(*key)
                        .attribute_type(ScalarAttributeType::S)
                        .build()
                        .map_err(built)?,
                )
                .key_schema(
                    KeySchemaElement::builder().attribute_name(*key).key_type(key_type).build().map_err(built)?,
                );
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
