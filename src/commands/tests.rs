//! Commands as people and scripts meet them: what they print, and their exit codes.

mod dlq;
mod faults;
mod in_aws;
mod loads;
mod whereabouts;

/// Compares what a command printed with a snapshot; ids of replays are random.
macro_rules! assert_output {
    ($output:expr) => {{
        let output = $output;
        insta::with_settings!({filters => vec![
            (r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}", "[replay]"),
        ]}, { insta::assert_snapshot!(output) })
    }};
}
use assert_output;
