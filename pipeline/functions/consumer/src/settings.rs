//! What Terraform tells the consumer function.

use spillway_core::retry::RetrySchedule;
use spillway_lambda::{Environment, SettingError};
use std::time::Duration;

/// The settings of the consumer function.
#[derive(Clone, Debug)]
pub struct Settings {
    /// URL of the queue.
    pub queue_url: String,
    /// URL of the dead letter queue.
    pub dlq_url: String,
    /// Table of events.
    pub events_table: String,
    /// Table of the dead letters' index.
    pub index_table: String,
    /// Table of replays.
    pub ops_table: String,
    /// Partitions over which the index is spread.
    pub index_shards: u32,
    /// Receives before a message is given up.
    pub max_receive_count: u32,
    /// When a failed message is tried again.
    pub retry: RetrySchedule,
    /// Where the schemas are; `None` if none are checked.
    pub schemas: Option<SchemaSettings>,
    /// How long an invocation may take.
    pub timeout: Duration,
}

/// Where the schemas are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SchemaSettings {
    /// The bucket.
    pub bucket: String,
    /// Where their keys begin.
    pub prefix: String,
}

impl Settings {
    /// Reads them.
    ///
    /// # Errors
    /// The first that is missing or wrong.
    pub fn read(environment: &Environment) -> Result<Self, SettingError> {
        let schemas = match environment.optional("SPILLWAY_SCHEMAS_BUCKET") {
            Some(bucket) => {
                Some(SchemaSettings { bucket, prefix: environment.text("SPILLWAY_SCHEMAS_PREFIX")? })
            }
            None => None,
        };
        Ok(Self {
            queue_url: environment.text("SPILLWAY_QUEUE_URL")?,
            dlq_url: environment.text("SPILLWAY_DLQ_URL")?,
            events_table: environment.text("SPILLWAY_EVENTS_TABLE")?,
            index_table: environment.text("SPILLWAY_DEAD_LETTER_INDEX_TABLE")?,
            ops_table: environment.text("SPILLWAY_OPS_TABLE")?,
            index_shards: environment.number("SPILLWAY_INDEX_SHARDS", 1..=1_000)?,
            // SQS takes a maxReceiveCount of 1 to 1,000, and a visibility timeout of up to 12 h.
            max_receive_count: environment.number("SPILLWAY_MAX_RECEIVE_COUNT", 1..=1_000)?,
            retry: RetrySchedule {
                base_s: environment.number("SPILLWAY_RETRY_BASE_S", 1..=43_200)?,
                cap_s: environment.number("SPILLWAY_RETRY_CAP_S", 1..=43_200)?,
            },
            schemas,
            timeout: Duration::from_secs(environment.number("SPILLWAY_TIMEOUT_S", 1..=900)?),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [(&str, &str); 10] = [
        ("SPILLWAY_QUEUE_URL", "https://sqs.eu-central-1.amazonaws.com/123456789012/shop-events"),
        ("SPILLWAY_DLQ_URL", "https://sqs.eu-central-1.amazonaws.com/123456789012/shop-events-dlq"),
        ("SPILLWAY_EVENTS_TABLE", "shop-events"),
        ("SPILLWAY_DEAD_LETTER_INDEX_TABLE", "shop-dead-letters"),
        ("SPILLWAY_OPS_TABLE", "shop-ops"),
        ("SPILLWAY_INDEX_SHARDS", "8"),
        ("SPILLWAY_MAX_RECEIVE_COUNT", "20"),
        ("SPILLWAY_RETRY_BASE_S", "5"),
        ("SPILLWAY_RETRY_CAP_S", "900"),
        ("SPILLWAY_TIMEOUT_S", "30"),
    ];

    #[test]
    fn what_terraform_tells_is_read_and_what_is_missing_is_named() {
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
        assert_eq!(half.unwrap_err(), SettingError::Missing { name: "SPILLWAY_SCHEMAS_PREFIX" });
        let prefix = ("SPILLWAY_SCHEMAS_PREFIX", "schemas/");
        let whole = Settings::read(&Environment::of(ALL.into_iter().chain([bucket, prefix]))).unwrap();
        let expected = SchemaSettings { bucket: "shop-archive".to_owned(), prefix: "schemas/".to_owned() };
        assert_eq!(whole.schemas, Some(expected));
    }
}
