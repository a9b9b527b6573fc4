//! The table of attempts: GCRA in conditional updates.

use std::time::Duration;

use aws_sdk_dynamodb::{
    operation::update_item::{UpdateItemError, builders::UpdateItemFluentBuilder},
    types::ReturnValuesOnConditionCheckFailure,
};

use super::{
    Store, StoreError,
    item::{Item, millis, seconds, text},
    meets_transaction, until_alone,
};
use crate::{
    throttle::{BucketKey, Pace, WAIT_MAX},
    time::Timestamp,
};

const TABLE: &str = "attempts";
const OPERATION: &str = "UpdateItem";
/// How often an attempt that was overtaken starts over.
const TRIES: u32 = 4;

impl Store {
    /// Takes one attempt from a bucket. Gives back zero, or how long to wait if there is none to take; a refusal
    /// changes nothing.
    ///
    /// # Errors
    /// [`StoreError::Call`] if DynamoDB fails, [`StoreError::Overtaken`] if other attempts come between at every try.
    pub async fn take_attempt(&self, key: &BucketKey, pace: Pace, now: Timestamp) -> Result<Duration, StoreError> {
        for _ in 0..TRIES {
            match self.step(key, pace, now).await? {
                Step::Taken => return Ok(Duration::ZERO),
                Step::Full(tat) => return Ok(pace.wait(tat, now).clamp(Duration::from_millis(1), WAIT_MAX)),
                Step::Overtaken => {}
            }
        }
        Err(StoreError::Overtaken { operation: OPERATION })
    }

    /// Forgets the attempts on an account.
    ///
    /// # Errors
    /// [`StoreError::Call`] if DynamoDB fails.
    pub async fn forget_attempts(&self, key: &BucketKey) -> Result<(), StoreError> {
        let delete = self.client.delete_item().table_name(&self.tables.attempts).key("key", text(key.as_str()));
        let deleted = until_alone(meets_transaction, || delete.clone().send()).await;
        deleted.map(drop).map_err(|error| StoreError::call("DeleteItem", error))
    }

    /// DynamoDB has no maximum of two numbers, so a bucket that lies in the past and one that lies ahead are two
    /// updates. Most attempts find it in the past: one round trip.
    async fn step(&self, key: &BucketKey, pace: Pace, now: Timestamp) -> Result<Step, StoreError> {
        let fresh = self
            .update(key, pace, now)
            .update_expression("SET tat = :next, expires_at = :expires_at")
            .condition_expression("attribute_not_exists(tat) OR tat <= :now")
            .expression_attribute_values(":next", millis(now.plus(pace.interval)));
        match outcome(until_alone(meets_transaction, || fresh.clone().send()).await)? {
            Step::Full(tat) if pace.wait(tat, now).is_zero() => {}
            step @ (Step::Taken | Step::Full(_) | Step::Overtaken) => return Ok(step),
        }
        let interval = millis(Timestamp::from_millis(0).plus(pace.interval));
        let ahead = self
            .update(key, pace, now)
            .update_expression("SET tat = tat + :interval, expires_at = :expires_at")
            .condition_expression("tat > :now AND tat <= :limit")
            .expression_attribute_values(":interval", interval)
            .expression_attribute_values(":limit", millis(now.plus(pace.tolerance())));
        match outcome(until_alone(meets_transaction, || ahead.clone().send()).await)? {
            Step::Full(tat) if pace.wait(tat, now).is_zero() => Ok(Step::Overtaken),
            step @ (Step::Taken | Step::Full(_) | Step::Overtaken) => Ok(step),
        }
    }

    fn update(&self, key: &BucketKey, pace: Pace, now: Timestamp) -> UpdateItemFluentBuilder {
        let full = pace.interval.saturating_mul(pace.burst).saturating_add(Duration::from_secs(1));
        self.client
            .update_item()
            .table_name(&self.tables.attempts)
            .key("key", text(key.as_str()))
            .expression_attribute_values(":now", millis(now))
            .expression_attribute_values(":expires_at", seconds(now.plus(full)))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
    }
}

enum Step {
    Taken,
    /// The bucket stands at this point.
    Full(Timestamp),
    /// Another attempt or a cleared bucket came between the two updates.
    Overtaken,
}

type Sent = Result<
    aws_sdk_dynamodb::operation::update_item::UpdateItemOutput,
    aws_sdk_dynamodb::error::SdkError<UpdateItemError>,
>;

fn outcome(sent: Sent) -> Result<Step, StoreError> {
    let Err(error) = sent else { return Ok(Step::Taken) };
    match error.as_service_error() {
        Some(UpdateItemError::ConditionalCheckFailedException(failed)) => match failed.item() {
            Some(attributes) => Item::new(TABLE, attributes.clone()).millis("tat").map(Step::Full),
            None => Ok(Step::Overtaken),
        },
        Some(_) | None => Err(StoreError::call(OPERATION, error)),
    }
}
