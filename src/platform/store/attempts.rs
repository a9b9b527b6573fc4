//! The table of attempts: GCRA in conditional updates.

use std::time::Duration;

use aws_sdk_dynamodb::{
    error::SdkError,
    operation::update_item::{UpdateItemError, UpdateItemOutput, builders::UpdateItemFluentBuilder},
    types::{ReturnValue, ReturnValuesOnConditionCheckFailure},
};

use super::{
    Store, StoreError,
    item::{Item, millis, seconds, text},
};
use crate::{
    domain::{
        throttle::{BucketKey, Pace, Taken},
        time::Timestamp,
    },
    platform::tries::BUCKET,
};

const TABLE: &str = "attempts";
const OPERATION: &str = "UpdateItem";
/// How far ahead of this instance's clock another one's may be, or this request's own time may lie back that had to
/// wait before it took its attempt. What such a request finds ahead is left as it is: brought back by half a minute, a
/// bucket would have one attempt more, and by turns of two clocks as many as anybody likes.
const CLOCKS_APART: Duration = Duration::from_mins(1);

impl Store {
    /// Takes one attempt from a bucket, or tells how long to wait if there is none to take; a refusal changes nothing.
    /// If DynamoDB's answer is lost, one attempt may count as two.
    ///
    /// # Errors
    /// [`StoreError::Call`] if DynamoDB fails, [`StoreError::Overtaken`] if other attempts come between at every try,
    /// [`StoreError::WithoutItem`] if what answers is no DynamoDB.
    pub async fn take_attempt(
        &self,
        key: &BucketKey,
        pace: Pace,
        now: Timestamp,
    ) -> Result<Result<Taken, Duration>, StoreError> {
        let mut tries = self.tries(BUCKET);
        loop {
            match self.step(key, pace, now).await? {
                Step::Taken(taken) => return Ok(Ok(taken)),
                Step::At(tat) if tat > pace.empty(now).plus(CLOCKS_APART) => self.bring_back(key, pace, now).await?,
                Step::At(tat) => return Ok(Err(pace.wait(tat, now).max(Duration::from_millis(1)))),
                Step::Overtaken => {}
            }
            if !tries.again().await {
                return Err(StoreError::Overtaken { operation: OPERATION });
            }
        }
    }

    /// Puts a bucket back by what an attempt need not have cost. The SDK sends it once: a second copy would give back
    /// twice.
    ///
    /// # Errors
    /// [`StoreError::Call`] if DynamoDB fails; the attempt then goes on to cost what it took.
    pub async fn give_back(&self, key: &BucketKey, by: Duration) -> Result<(), StoreError> {
        let update = self
            .once()
            .update_item()
            .table_name(&self.tables.attempts)
            .key("key", text(key.as_str()))
            .update_expression("SET tat = tat - :by")
            .condition_expression("attribute_exists(tat)")
            .expression_attribute_values(":by", millis(Timestamp::from_millis(0).plus(by)));
        match update.send().await {
            Ok(_) => Ok(()),
            // TTL has removed the bucket, which is then full.
            Err(error)
                if error.as_service_error().is_some_and(UpdateItemError::is_conditional_check_failed_exception) =>
            {
                Ok(())
            }
            Err(error) => Err(StoreError::call(OPERATION, error)),
        }
    }

    /// An update cannot write the greater of two numbers (Amazon DynamoDB Developer Guide, "Using update expressions"),
    /// so a bucket that lies in the past and one that lies ahead are two updates. Most attempts find it in the past:
    /// one round trip.
    async fn step(&self, key: &BucketKey, pace: Pace, now: Timestamp) -> Result<Step, StoreError> {
        let next = now.plus(pace.interval);
        let full = self
            .update(key, pace, now)
            .update_expression("SET tat = :next, expires_at = :expires_at")
            .condition_expression("attribute_not_exists(tat) OR tat <= :now")
            .expression_attribute_values(":now", millis(now))
            .expression_attribute_values(":next", millis(next));
        match outcome(full.send().await, |_| Ok(Taken { tat: next, was_full: true }))? {
            Step::At(tat) if pace.wait(tat, now).is_zero() => {}
            // The condition holds where there is no bucket, so it failed on one that is there.
            Step::Overtaken => return Err(StoreError::WithoutItem { operation: OPERATION }),
            step @ (Step::Taken(_) | Step::At(_)) => return Ok(step),
        }
        let interval = millis(Timestamp::from_millis(0).plus(pace.interval));
        let ahead = self
            .update(key, pace, now)
            .update_expression("SET tat = tat + :interval, expires_at = :expires_at")
            .condition_expression("tat > :now AND tat <= :limit")
            .expression_attribute_values(":now", millis(now))
            .expression_attribute_values(":interval", interval)
            .expression_attribute_values(":limit", millis(now.plus(pace.tolerance())))
            .return_values(ReturnValue::UpdatedNew);
        let taken = |item: Item| Ok(Taken { tat: item.millis("tat")?, was_full: false });
        match outcome(ahead.send().await, taken)? {
            Step::At(tat) if pace.wait(tat, now).is_zero() => Ok(Step::Overtaken),
            step @ (Step::Taken(_) | Step::At(_) | Step::Overtaken) => Ok(step),
        }
    }

    /// Makes a bucket that lies further ahead than attempts can bring it one that is empty now. It was left there by a
    /// clock that was ahead of this one, and would have everybody wait until this one has caught up.
    async fn bring_back(&self, key: &BucketKey, pace: Pace, now: Timestamp) -> Result<(), StoreError> {
        tracing::warn!(bucket = key.as_str(), "attempts were counted by a clock that is ahead of this one");
        let update = self
            .update(key, pace, now)
            .update_expression("SET tat = :empty, expires_at = :expires_at")
            .condition_expression("tat > :empty")
            .expression_attribute_values(":empty", millis(pace.empty(now)));
        outcome(update.send().await, |_| Ok(Taken { tat: pace.empty(now), was_full: false })).map(drop)
    }

    /// If the answer to a first copy that got through is lost, the SDK's second one counts the attempt once more. No
    /// third one does.
    fn update(&self, key: &BucketKey, pace: Pace, now: Timestamp) -> UpdateItemFluentBuilder {
        self.twice()
            .update_item()
            .table_name(&self.tables.attempts)
            .key("key", text(key.as_str()))
            .expression_attribute_values(":expires_at", seconds(pace.empty(now).plus(Duration::from_secs(1))))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
    }
}

enum Step {
    Taken(Taken),
    /// There was none to take; the bucket stands here.
    At(Timestamp),
    /// Another attempt came between the two updates.
    Overtaken,
}

type Sent = Result<UpdateItemOutput, SdkError<UpdateItemError>>;

fn outcome(sent: Sent, taken: impl FnOnce(Item) -> Result<Taken, StoreError>) -> Result<Step, StoreError> {
    let error = match sent {
        Ok(output) => return taken(Item::new(TABLE, output.attributes.unwrap_or_default())).map(Step::Taken),
        Err(error) => error,
    };
    match error.as_service_error() {
        Some(UpdateItemError::ConditionalCheckFailedException(failed)) => match failed.item() {
            Some(attributes) => Item::new(TABLE, attributes.clone()).millis("tat").map(Step::At),
            None => Ok(Step::Overtaken),
        },
        Some(_) | None => Err(StoreError::call(OPERATION, error)),
    }
}
