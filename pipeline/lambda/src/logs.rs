//! Log lines: JSON on standard output, each with its invocation's request id and trace id.

use tracing::Level;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

/// Starts logging at this level. Lambda filters by the members `level` and `timestamp`
/// ("Log-level filtering" in its developer guide), which each line has.
///
/// Libraries log only warnings and errors: at finer levels the AWS SDK logs requests, with the clients' data.
pub fn init(level: LevelFilter) {
    let targets = Targets::new()
        .with_default(level.min(LevelFilter::WARN))
        // We log a failed invocation ourselves, with its ids.
        .with_target("lambda_runtime::layers::panic", LevelFilter::OFF)
        .with_target("spillway", level);
    let lines = tracing_subscriber::fmt::layer()
        .json()
        .flatten_event(true)
        .with_current_span(true)
        .with_span_list(false);
    // Only tests call this twice in one process.
    let _ = tracing_subscriber::registry().with(lines).with(targets).try_init();
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string);
        tracing::error!(target: "spillway::panic", place, reason = message(panic.payload()), "panic");
    }));
}

/// The message of a panic.
pub fn message(payload: &dyn std::any::Any) -> &str {
    let text = payload.downcast_ref::<&str>().copied();
    text.or_else(|| payload.downcast_ref::<String>().map(String::as_str)).unwrap_or("no reason given")
}

/// Lambda's spelling of a level.
pub fn name(level: LevelFilter) -> &'static str {
    level.into_level().map_or("ERROR", |level: Level| level.as_str())
}
