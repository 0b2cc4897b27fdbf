//! Light live traffic for the demo.

use spillway_core::ports::Clock;
use spillway_embedded::gateway::{Gateway, post_event};
use spillway_traffic::Generator;
use std::sync::Arc;

/// Sends events of the shop to the gateway until dropped.
pub async fn run(gateway: Arc<Gateway>, clock: Arc<dyn Clock>, events_per_s: f64) {
    // Another seed each time: the ids of an earlier run are in the store already.
    let seed = u64::try_from(clock.now().as_millisecond()).unwrap_or_default();
    let mut generator = Generator::new(seed);
    loop {
        let now = clock.now();
        let answer = gateway.call(post_event(generator.event(now).body)).await;
        if !answer.status().is_success() {
            tracing::debug!(status = %answer.status(), "an event of the demo's traffic was not accepted");
        }
        clock.sleep(generator.gap(events_per_s)).await;
    }
}
