//! The runbooks, as they were when this was built: what somebody reads who is told of an alarm.

macro_rules! pages {
    ($($name:literal)*) => {
        &[$(($name, include_str!(concat!("../../docs/runbooks/", $name, ".md"))),)*]
    };
}

const PAGES: &[(&str, &str)] = pages! {
    "accepted-not-queued"
    "account-capacity"
    "api-4xx"
    "api-5xx"
    "api-latency"
    "api-requests-few"
    "api-requests-many"
    "archiver-errors"
    "archiver-stalled"
    "availability-burn"
    "budget"
    "consumer-errors"
    "dead-letter-age"
    "dead-letters-arriving"
    "dead-letters-unindexed"
    "dlq-depth"
    "duplicates"
    "function-concurrency"
    "function-duration"
    "function-throttles"
    "ingest-errors"
    "latency-burn"
    "queue-age"
    "queue-depth"
    "queue-drain"
    "queue-in-flight"
    "queue-stalled"
    "receive-count"
    "records-rejected"
    "records-retried"
    "stored-latency"
    "table-capacity"
    "table-latency"
    "table-system-errors"
    "table-throttles"
    "table-user-errors"
    "time-to-loss"
};

/// The page called `name` as Markdown. Links to other pages are `<name>.md`; links that begin with `/` lead to the
/// dashboard.
pub fn page(name: &str) -> Option<&'static str> {
    PAGES.iter().find(|(known, _)| *known == name).map(|(_, text)| *text)
}

/// Names of all pages, sorted.
pub fn names() -> impl Iterator<Item = &'static str> {
    PAGES.iter().map(|(name, _)| *name)
}
