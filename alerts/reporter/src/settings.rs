//! The settings that Terraform passes to the reporter function.
//!
//! Each function lists its own: a variable that Terraform does not pass is named by the function that lacks it.

use crate::loss::Retention;
use spillway_core::retry::RetrySchedule;
use spillway_lambda::{Environment, SettingError};

/// The settings of the reporter function.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Bucket with the description of the alarms, which also keeps charts.
    pub bucket: String,
    /// Key of that description.
    pub alarms_key: String,
    /// Where keys of charts begin.
    pub digests_prefix: String,
    /// Topic of low alarms.
    pub low_topic: String,
    /// Table that records which notifications were sent.
    pub ops_table: String,
    /// Name of the budget.
    pub budget: String,
    /// Account that the budget is in.
    pub account: String,
    /// Partition that the account is in.
    pub partition: String,
    /// URL of the dead letter queue.
    pub dlq_url: String,
    /// How long messages are kept and retried.
    pub retention: Retention,
}

impl Settings {
    /// Reads them.
    pub fn read(environment: &Environment) -> Result<Self, SettingError> {
        // Each function reads its own variables, so their lists look alike.
        Ok(Self {
            bucket: environment.text("SPILLWAY_ARCHIVE_BUCKET")?,
            alarms_key: environment.text("SPILLWAY_ALARMS_KEY")?,
            digests_prefix: environment.text("SPILLWAY_DIGESTS_PREFIX")?,
            low_topic: environment.text("SPILLWAY_LOW_TOPIC_ARN")?,
            ops_table: environment.text("SPILLWAY_OPS_TABLE")?,
            budget: environment.text("SPILLWAY_BUDGET")?,
            account: environment.text("SPILLWAY_ACCOUNT")?,
            partition: environment.text("SPILLWAY_PARTITION")?,
            dlq_url: environment.text("SPILLWAY_DLQ_URL")?,
            retention: Retention {
                queue: environment.text("SPILLWAY_QUEUE")?,
                dlq: environment.text("SPILLWAY_DLQ")?,
                archiver: environment.text("SPILLWAY_ARCHIVER")?,
                retention_s: environment.number("SPILLWAY_DLQ_RETENTION_S", 60..=1_209_600)?,
                max_receive_count: environment.number("SPILLWAY_MAX_RECEIVE_COUNT", 1..=1_000)?,
                retry: RetrySchedule {
                    base_s: environment.number("SPILLWAY_RETRY_BASE_S", 1..=43_200)?,
                    cap_s: environment.number("SPILLWAY_RETRY_CAP_S", 1..=43_200)?,
                },
                visibility_timeout_s: environment.number("SPILLWAY_VISIBILITY_TIMEOUT_S", 0..=43_200)?,
            },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [(&str, &str); 17] = [
        ("SPILLWAY_ARCHIVE_BUCKET", "shop-archive"),
        ("SPILLWAY_ALARMS_KEY", "alarms/alarms.json"),
        ("SPILLWAY_DIGESTS_PREFIX", "digests/"),
        ("SPILLWAY_LOW_TOPIC_ARN", "arn:aws:sns:eu-central-1:123456789012:shop-low"),
        ("SPILLWAY_OPS_TABLE", "shop-ops"),
        ("SPILLWAY_BUDGET", "shop"),
        ("SPILLWAY_ACCOUNT", "123456789012"),
        ("SPILLWAY_PARTITION", "aws"),
        ("SPILLWAY_DLQ_URL", "https://sqs.eu-central-1.amazonaws.com/123456789012/shop-events-dlq"),
        ("SPILLWAY_QUEUE", "shop-events"),
        ("SPILLWAY_DLQ", "shop-events-dlq"),
        ("SPILLWAY_ARCHIVER", "shop-archiver"),
        ("SPILLWAY_DLQ_RETENTION_S", "1209600"),
        ("SPILLWAY_MAX_RECEIVE_COUNT", "20"),
        ("SPILLWAY_RETRY_BASE_S", "5"),
        ("SPILLWAY_RETRY_CAP_S", "900"),
        ("SPILLWAY_VISIBILITY_TIMEOUT_S", "180"),
    ];

    #[test]
    fn what_terraform_writes_is_read_and_what_is_missing_is_named() {
        let settings = Settings::read(&Environment::of(ALL)).unwrap();
        assert_eq!((settings.budget.as_str(), settings.retention.retry.cap_s), ("shop", 900));
        for (name, _) in ALL {
            let others = ALL.into_iter().filter(|(other, _)| *other != name);
            assert_eq!(Settings::read(&Environment::of(others)).unwrap_err(), SettingError::Missing { name });
        }
    }
}
