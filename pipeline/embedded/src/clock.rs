//! The clocks.

use async_trait::async_trait;
use jiff::SignedDuration;
use spillway_core::Timestamp;
use spillway_core::ports::Clock;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use tokio::time::Instant;

/// The machine's clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct RealClock;

#[async_trait]
impl Clock for RealClock {
    #[expect(clippy::disallowed_methods, reason = "this is the one place that asks the machine for the time")]
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    fn elapsed(&self) -> Duration {
        static ZERO: OnceLock<Instant> = OnceLock::new();
        ZERO.get_or_init(Instant::now).elapsed()
    }

    async fn sleep(&self, duration: Duration) {
        tokio::time::sleep(duration).await;
    }
}

/// A clock that runs a given number of times as fast as the machine's, starting at the machine's time. It is
/// for tests of things that take minutes and involve processes and browsers, where virtual time can't jump.
#[derive(Clone, Copy, Debug)]
pub struct FastClock {
    start: Timestamp,
    zero: Instant,
    speed: u32,
}

impl FastClock {
    /// A clock that shows `start` now. Call it inside a runtime. A speed of 0 counts as 1.
    pub fn starting_at(start: Timestamp, speed: u32) -> Self {
        Self { start, zero: Instant::now(), speed: speed.max(1) }
    }
}

#[async_trait]
impl Clock for FastClock {
    fn now(&self) -> Timestamp {
        self.start.checked_add(self.elapsed()).unwrap_or(self.start)
    }

    fn elapsed(&self) -> Duration {
        self.zero.elapsed().saturating_mul(self.speed)
    }

    async fn sleep(&self, duration: Duration) {
        tokio::time::sleep(self.on_machine(duration)).await;
    }

    fn on_machine(&self, duration: Duration) -> Duration {
        duration / self.speed
    }
}

/// Virtual time. On a tokio runtime whose time is paused, it jumps to the next timer whenever no other work
/// remains.
#[derive(Clone, Copy, Debug)]
pub struct VirtualClock {
    start: Timestamp,
    zero: Instant,
}

impl VirtualClock {
    /// A clock that shows `start` now. Call it inside the paused runtime.
    pub fn starting_at(start: Timestamp) -> Self {
        Self { start, zero: Instant::now() }
    }
}

#[async_trait]
impl Clock for VirtualClock {
    fn now(&self) -> Timestamp {
        self.start.checked_add(self.elapsed()).unwrap_or(self.start)
    }

    fn elapsed(&self) -> Duration {
        self.zero.elapsed()
    }

    async fn sleep(&self, duration: Duration) {
        tokio::time::sleep(duration).await;
    }
}

/// The clock of a running pipeline. It never jumps by itself.
///
/// It begins with the time of another clock and counts the time that passes. The difference between both is how much the
/// other one was set meanwhile. The pipeline follows it in the transaction that moves the times that it keeps.
pub struct SteadyClock {
    other: Arc<dyn Clock>,
    /// What this clock showed when `other` had counted nothing.
    zero: Timestamp,
    /// What was followed so far.
    followed_ns: AtomicI64,
}

impl SteadyClock {
    /// A clock that shows what `other` shows now.
    pub fn beginning_as(other: Arc<dyn Clock>) -> Self {
        let (now, elapsed) = (other.now(), other.elapsed());
        Self { other, zero: now.checked_sub(elapsed).unwrap_or(now), followed_ns: AtomicI64::new(0) }
    }

    /// By how much the other clock was set since this one followed it the last time.
    pub fn behind(&self) -> SignedDuration {
        let read = || self.other.now().duration_since(self.now());
        // Between its two readings this process may have been stopped for a while. It is not stopped twice.
        let (once, again) = (read(), read());
        if once.abs() < again.abs() { once } else { again }
    }

    /// Follows the other clock by that much.
    pub fn follow(&self, by: SignedDuration) {
        let by = i64::try_from(by.as_nanos()).unwrap_or(0);
        self.followed_ns.fetch_add(by, Ordering::AcqRel);
    }
}

#[async_trait]
impl Clock for SteadyClock {
    fn now(&self) -> Timestamp {
        let followed = SignedDuration::from_nanos(self.followed_ns.load(Ordering::Acquire));
        let now = self.zero.checked_add(self.other.elapsed());
        now.and_then(|now| now.checked_add(followed)).unwrap_or(self.zero)
    }

    fn elapsed(&self) -> Duration {
        self.other.elapsed()
    }

    async fn sleep(&self, duration: Duration) {
        self.other.sleep(duration).await;
    }

    fn on_machine(&self, duration: Duration) -> Duration {
        self.other.on_machine(duration)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simulate::in_virtual_time;
    use spillway_testkit::SettableClock;

    #[test]
    fn a_steady_clock_follows_a_clock_that_was_set_when_it_is_told_to() {
        let start = Timestamp::UNIX_EPOCH;
        in_virtual_time(start, async |real| {
            let machine = Arc::new(SettableClock::over(Arc::new(real)));
            real.sleep(Duration::from_secs(60)).await;
            let steady = SteadyClock::beginning_as(machine.clone());
            assert_eq!((steady.now().as_second(), steady.behind()), (60, SignedDuration::ZERO));
            machine.set_by(-20);
            real.sleep(Duration::from_secs(5)).await;
            assert_eq!((steady.now().as_second(), steady.behind()), (65, SignedDuration::from_secs(-20)));
            steady.follow(steady.behind());
            assert_eq!((steady.now(), steady.behind()), (machine.now(), SignedDuration::ZERO));
            assert_eq!(steady.elapsed(), Duration::from_secs(65), "intervals don't change");
        })
        .unwrap();
    }

    #[test]
    fn a_fast_clock_shows_more_and_sleeps_less() {
        let start = Timestamp::UNIX_EPOCH;
        let seconds = in_virtual_time(start, async |real| {
            let fast = FastClock::starting_at(start, 60);
            fast.sleep(Duration::from_secs(600)).await;
            [real.now(), fast.now()].map(|at| at.as_second())
        });
        assert_eq!(seconds.unwrap(), [10, 600]);
    }

    #[test]
    fn what_a_function_may_take_is_shorter_on_a_fast_clock_as_its_visibility_timeout_is() {
        in_virtual_time(Timestamp::UNIX_EPOCH, async |real| {
            let fast = FastClock::starting_at(real.now(), 60);
            let steady = SteadyClock::beginning_as(Arc::new(fast));
            let minute = Duration::from_secs(60);
            assert_eq!(
                (fast.on_machine(minute), steady.on_machine(minute)),
                (Duration::from_secs(1), Duration::from_secs(1))
            );
            assert_eq!(real.on_machine(minute), minute);
        })
        .unwrap();
    }
}
