//! The settings that Terraform passes to the consumer function.

use spillway_aws::IndexNames;
use spillway_core::retry::RetrySchedule;
use spillway_lambda::{Environment, SettingError};
use std::time::Duration;

/// The longest time that SQS hides a message, from when it was received.
/// <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_ChangeMessageVisibility.html>
const LONGEST_HIDDEN_S: u32 = 43_200;
/// All waits of a message together may take half of SQS's retention of 14 days. The other half is for the dead letter
/// queue.
const LONGEST_SPAN: Duration = Duration::from_secs(7 * 24 * 3_600);

/// The settings of the consumer function.
#[derive(Clone, Debug)]
pub struct Settings {
    /// URL of the queue.
    pub queue_url: String,
    /// URL of the dead letter queue.
    pub dlq_url: String,
    /// Where the event store is.
    pub event_store: String,
    /// The dead letters' index.
    pub index: IndexNames,
    /// Receives before a message is given up.
    pub max_receive_count: u32,
    /// When a failed message is tried again.
    pub retry: RetrySchedule,
    /// Where the schemas are; `None` if none are checked.
    pub schemas: Option<SchemaSettings>,
}

/// Where the schemas are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SchemaSettings {
    /// The bucket.
    pub bucket: String,
    /// The object with all of them.
    pub key: String,
    /// Its version.
    pub version: String,
}

impl Settings {
    /// Reads them.
    pub fn read(environment: &Environment) -> Result<Self, SettingError> {
        let schemas = match environment.optional("SPILLWAY_SCHEMAS_BUCKET") {
            Some(bucket) => Some(SchemaSettings {
                bucket,
                key: environment.text("SPILLWAY_SCHEMAS_KEY")?,
                version: environment.text("SPILLWAY_SCHEMAS_VERSION")?,
            }),
            None => None,
        };
        let (retry, max_receive_count) = retries(environment)?;
        Ok(Self {
            queue_url: environment.text("SPILLWAY_QUEUE_URL")?,
            dlq_url: environment.text("SPILLWAY_DLQ_URL")?,
            event_store: environment.text("SPILLWAY_EVENT_STORE")?,
            index: IndexNames {
                table: environment.text("SPILLWAY_DEAD_LETTER_INDEX_TABLE")?,
                ops_table: environment.text("SPILLWAY_OPS_TABLE")?,
                shards: environment.number("SPILLWAY_INDEX_SHARDS", 1..=1_000)?,
            },
            max_receive_count,
            retry,
            schemas,
        })
    }
}

/// When a failed message is tried again, and how often. Terraform checks the same (`terraform/variables_functions.tf`).
///
/// # Errors
/// A setting is missing or wrong, or a message could expire before it is a dead letter.
fn retries(environment: &Environment) -> Result<(RetrySchedule, u32), SettingError> {
    let visibility_s = environment.number("SPILLWAY_VISIBILITY_TIMEOUT_S", 0..=LONGEST_HIDDEN_S - 1)?;
    // The rest of SQS's 12 hours is the time that the work may take before.
    let cap_s = environment.number("SPILLWAY_RETRY_CAP_S", 1..=LONGEST_HIDDEN_S - visibility_s)?;
    let base_s = environment.number("SPILLWAY_RETRY_BASE_S", 1..=LONGEST_HIDDEN_S)?;
    // SQS takes no other maxReceiveCount.
    let name = "SPILLWAY_MAX_RECEIVE_COUNT";
    let max_receive_count = environment.number(name, 1..=1_000)?;
    let schedule = RetrySchedule { base_s, cap_s };
    // A receive that crashes waits for the visibility timeout and ignores the schedule.
    let visibility = Duration::from_secs(visibility_s.into());
    let span: Duration = (1..=max_receive_count).map(|count| schedule.wait(count).max(visibility)).sum();
    if span > LONGEST_SPAN {
        return Err(SettingError::Wrong {
            name,
            value: max_receive_count.to_string(),
            expected: format!(
                "so low that all waits take {} s at most; with these settings they take {} s, and SQS may delete a message before \
                 it is a dead letter",
                LONGEST_SPAN.as_secs(),
                span.as_secs()
            ),
        });
    }
    Ok((schedule, max_receive_count))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [(&str, &str); 10] = [
        ("SPILLWAY_QUEUE_URL", "https://sqs.eu-central-1.amazonaws.com/123456789012/shop-events"),
        ("SPILLWAY_DLQ_URL", "https://sqs.eu-central-1.amazonaws.com/123456789012/shop-events-dlq"),
        ("SPILLWAY_EVENT_STORE", "shop-events"),
        ("SPILLWAY_DEAD_LETTER_INDEX_TABLE", "shop-dead-letters"),
        ("SPILLWAY_OPS_TABLE", "shop-ops"),
        ("SPILLWAY_INDEX_SHARDS", "8"),
        ("SPILLWAY_MAX_RECEIVE_COUNT", "20"),
        ("SPILLWAY_RETRY_BASE_S", "5"),
        ("SPILLWAY_RETRY_CAP_S", "900"),
        ("SPILLWAY_VISIBILITY_TIMEOUT_S", "180"),
    ];

    fn with(changes: &[(&'static str, &'static str)]) -> Result<Settings, SettingError> {
        // If a name has two values, the later one counts.
        Settings::read(&Environment::of(ALL.into_iter().chain(changes.iter().copied())))
    }

    #[test]
    fn what_terraform_writes_is_read_and_what_is_missing_is_named() {
        let settings = Settings::read(&Environment::of(ALL)).unwrap();
        assert_eq!((settings.retry, settings.schemas), (RetrySchedule::default(), None));
        for (name, _) in ALL {
            let others = ALL.into_iter().filter(|(other, _)| *other != name);
            assert_eq!(Settings::read(&Environment::of(others)).unwrap_err(), SettingError::Missing { name });
        }
    }

    #[test]
    fn schemas_are_all_or_nothing() {
        let bucket = ("SPILLWAY_SCHEMAS_BUCKET", "shop-archive");
        let half = Settings::read(&Environment::of(ALL.into_iter().chain([bucket])));
        assert_eq!(half.unwrap_err(), SettingError::Missing { name: "SPILLWAY_SCHEMAS_KEY" });
        let key = ("SPILLWAY_SCHEMAS_KEY", "schema-sets/current.json");
        let half = with(&[bucket, key]);
        assert_eq!(half.unwrap_err(), SettingError::Missing { name: "SPILLWAY_SCHEMAS_VERSION" });
        let whole = with(&[bucket, key, ("SPILLWAY_SCHEMAS_VERSION", "3sL4kqtJ")]).unwrap();
        let expected = SchemaSettings {
            bucket: "shop-archive".to_owned(),
            key: "schema-sets/current.json".to_owned(),
            version: "3sL4kqtJ".to_owned(),
        };
        assert_eq!(whole.schemas, Some(expected));
    }

    #[test]
    fn a_message_never_expires_while_it_is_tried_again() {
        let error =
            with(&[("SPILLWAY_MAX_RECEIVE_COUNT", "60"), ("SPILLWAY_RETRY_CAP_S", "43020")]).unwrap_err();
        assert!(matches!(&error, SettingError::Wrong { name: "SPILLWAY_MAX_RECEIVE_COUNT", .. }), "{error}");
        assert!(error.to_string().contains("604800 s"), "{error}");
        // A crash each time: 1,000 receives and 6 × 900 s.
        let crashes = [("SPILLWAY_MAX_RECEIVE_COUNT", "1000"), ("SPILLWAY_VISIBILITY_TIMEOUT_S", "5400")];
        assert!(with(&crashes).is_err());
        assert!(with(&[("SPILLWAY_MAX_RECEIVE_COUNT", "600")]).is_ok());
    }

    #[test]
    fn a_wait_leaves_time_for_the_work_within_what_sqs_hides_a_message_for() {
        assert!(with(&[("SPILLWAY_RETRY_CAP_S", "43020")]).is_ok());
        let error = with(&[("SPILLWAY_RETRY_CAP_S", "43021")]).unwrap_err();
        assert!(error.to_string().ends_with("a whole number from 1 to 43020"), "{error}");
    }
}
