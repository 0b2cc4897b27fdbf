//! The commands as people and scripts use them: their output and their exit codes.

mod dlq;
mod documents;
mod events;
mod explained;
mod faults;
mod hints;
mod in_aws;
mod incidents;
mod loads;
mod places;
mod schemas;
mod status;

/// Compares the output of a command with a snapshot. Random replay ids are replaced.
macro_rules! assert_output {
    ($output:expr) => {{
        let output = $output;
        insta::with_settings!({filters => vec![
            (r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}", "[replay]"),
        ]}, { insta::assert_snapshot!(output) })
    }};
}
use assert_output;
