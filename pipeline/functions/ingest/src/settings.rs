//! The settings that Terraform passes to the ingest function.

use spillway_core::event::Wrapping;
use spillway_core::ids::{EventSource, EventType};
use spillway_ingest::IngestSettings;
use spillway_lambda::{Environment, SettingError};

/// The settings of the ingest function.
#[derive(Clone, Debug)]
pub struct Settings {
    /// URL of the queue.
    pub queue_url: String,
    /// The handler's settings.
    pub ingest: IngestSettings,
}

impl Settings {
    /// Reads them.
    pub fn read(environment: &Environment) -> Result<Self, SettingError> {
        Ok(Self {
            queue_url: environment.text("SPILLWAY_QUEUE_URL")?,
            ingest: IngestSettings {
                wrapping: Wrapping {
                    source: EventSource::new(environment.text("SPILLWAY_DEFAULT_SOURCE")?),
                    event_type: EventType::new(environment.text("SPILLWAY_DEFAULT_TYPE")?),
                },
                max_event_bytes: environment.number("SPILLWAY_MAX_EVENT_BYTES", 1..=1024 * 1024)?,
                // What API Gateway passes on is limited by Lambda: 6 MB, with a body in Base64.
                max_request_bytes: environment.number("SPILLWAY_MAX_REQUEST_BYTES", 1..=6_000_000)?,
                max_batch_events: environment.number("SPILLWAY_MAX_BATCH_EVENTS", 1..=1_000_000)?,
            },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [(&str, &str); 6] = [
        ("SPILLWAY_QUEUE_URL", "https://sqs.eu-central-1.amazonaws.com/123456789012/shop-events"),
        ("SPILLWAY_DEFAULT_SOURCE", "/shop"),
        ("SPILLWAY_DEFAULT_TYPE", "json"),
        ("SPILLWAY_MAX_EVENT_BYTES", "245760"),
        ("SPILLWAY_MAX_REQUEST_BYTES", "1048576"),
        ("SPILLWAY_MAX_BATCH_EVENTS", "1000"),
    ];

    #[test]
    fn what_terraform_writes_is_read_and_what_is_missing_is_named() {
        let settings = Settings::read(&Environment::of(ALL)).unwrap();
        assert_eq!(settings.ingest.max_event_bytes, 245_760);
        for (name, _) in ALL {
            let others = ALL.into_iter().filter(|(other, _)| *other != name);
            assert_eq!(Settings::read(&Environment::of(others)).unwrap_err(), SettingError::Missing { name });
        }
    }
}
