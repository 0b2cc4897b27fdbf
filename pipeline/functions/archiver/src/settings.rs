//! The settings that Terraform passes to the archiver function.
//!
//! Each function lists its own: a variable that Terraform does not pass is named by the function that lacks it.

use spillway_aws::{ArchiveNames, IndexNames};
use spillway_lambda::{Environment, SettingError};

/// The settings of the archiver function.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Name of the dead letter queue in traces.
    pub queue: String,
    /// URL of the primary queue, to which replays go.
    pub queue_url: String,
    /// The archive, its index and the table of replays.
    pub archive: ArchiveNames,
    /// Receives after which a message is a dead letter.
    pub max_receive_count: u32,
}

impl Settings {
    /// Reads them.
    pub fn read(environment: &Environment) -> Result<Self, SettingError> {
        Ok(Self {
            // Terraform names it so. The archiver has no other use for the queue: Lambda passes it the
            // messages.
            queue: format!("{}-events-dlq", environment.text("SPILLWAY_DEPLOYMENT")?),
            queue_url: environment.text("SPILLWAY_QUEUE_URL")?,
            archive: ArchiveNames {
                bucket: environment.text("SPILLWAY_ARCHIVE_BUCKET")?,
                prefix: environment.text("SPILLWAY_ARCHIVE_PREFIX")?,
                unindexed_prefix: environment.text("SPILLWAY_ARCHIVE_UNINDEXED_PREFIX")?,
                index: IndexNames {
                    table: environment.text("SPILLWAY_DEAD_LETTER_INDEX_TABLE")?,
                    ops_table: environment.text("SPILLWAY_OPS_TABLE")?,
                    shards: environment.number("SPILLWAY_INDEX_SHARDS", 1..=1_000)?,
                },
            },
            max_receive_count: environment.number("SPILLWAY_MAX_RECEIVE_COUNT", 1..=1_000)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [(&str, &str); 9] = [
        ("SPILLWAY_DEPLOYMENT", "shop"),
        ("SPILLWAY_QUEUE_URL", "https://sqs.eu-central-1.amazonaws.com/123456789012/shop-events"),
        ("SPILLWAY_ARCHIVE_BUCKET", "shop-archive"),
        ("SPILLWAY_ARCHIVE_PREFIX", "dead-letters/"),
        ("SPILLWAY_ARCHIVE_UNINDEXED_PREFIX", "unindexed/"),
        ("SPILLWAY_DEAD_LETTER_INDEX_TABLE", "shop-dead-letters"),
        ("SPILLWAY_OPS_TABLE", "shop-ops"),
        ("SPILLWAY_INDEX_SHARDS", "8"),
        ("SPILLWAY_MAX_RECEIVE_COUNT", "20"),
    ];

    #[test]
    fn what_terraform_writes_is_read_and_what_is_missing_is_named() {
        let settings = Settings::read(&Environment::of(ALL)).unwrap();
        assert_eq!((settings.queue.as_str(), settings.archive.index.shards), ("shop-events-dlq", 8));
        for (name, _) in ALL {
            let others = ALL.into_iter().filter(|(other, _)| *other != name);
            assert_eq!(Settings::read(&Environment::of(others)).unwrap_err(), SettingError::Missing { name });
        }
    }
}
