//! The token bucket in front of the API.

use spillway_core::Timestamp;
use std::sync::atomic::{AtomicI64, Ordering};

/// A token bucket, kept as the time at which it will be full again: one number, so that no lock is needed.
///
/// (The "generic cell rate algorithm": a request costs the time in which its token grows back. It is refused if the
/// bucket would then take longer to fill than all its tokens take.)
pub(super) struct Throttle {
    /// Nanoseconds in which a token grows.
    token_ns: i64,
    /// Nanoseconds in which an empty bucket fills.
    bucket_ns: i64,
    /// Unix nanoseconds at which the bucket is full.
    full_at_ns: AtomicI64,
}

/// About eleven days. No client waits longer, and sums of these fit.
const LONGEST_NS: f64 = 1e15;

impl Throttle {
    /// A full bucket of `burst` tokens that grow at `rate_per_s`. A rate of 0 or less refuses everything.
    pub(super) fn new(rate_per_s: f64, burst: f64) -> Self {
        let is_open = rate_per_s > 0.0;
        let token_ns = if is_open { (1e9 / rate_per_s).clamp(1.0, LONGEST_NS) } else { LONGEST_NS };
        let bucket_ns = if is_open { (token_ns * burst.max(0.0)).min(1000.0 * LONGEST_NS) } else { 0.0 };
        Self { token_ns: token_ns as i64, bucket_ns: bucket_ns as i64, full_at_ns: AtomicI64::new(i64::MIN) }
    }

    /// Takes a token.
    ///
    /// # Errors
    /// There is none: the whole seconds, at least 1, until there is one.
    pub(super) fn admit(&self, now: Timestamp) -> Result<(), u32> {
        let now = i64::try_from(now.as_nanosecond()).unwrap_or(i64::MAX / 2);
        let mut known = self.full_at_ns.load(Ordering::Relaxed);
        let empty = now.saturating_add(self.bucket_ns);
        loop {
            let was_set_back = known > empty;
            let full_at = if was_set_back {
                // The time is further in the future than for an empty bucket: the clock was set back. The API
                // must not stay closed until the clock has caught up. So the bucket counts as empty now.
                empty
            } else {
                known.max(now).saturating_add(self.token_ns)
            };
            if full_at > empty {
                let wait_s = (full_at - empty).saturating_add(999_999_999) / 1_000_000_000;
                return Err(u32::try_from(wait_s).unwrap_or(u32::MAX));
            }
            match self.full_at_ns.compare_exchange_weak(known, full_at, Ordering::Relaxed, Ordering::Relaxed)
            {
                Ok(_) if was_set_back => known = empty,
                Ok(_) => return Ok(()),
                Err(changed) => known = changed,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn at(ms: i64) -> Timestamp {
        Timestamp::from_millisecond(1_800_000_000_000 + ms).unwrap()
    }

    fn admitted(throttle: &Throttle, ms: i64, tries: usize) -> usize {
        (0..tries).filter(|_| throttle.admit(at(ms)).is_ok()).count()
    }

    #[test]
    fn a_burst_and_then_the_rate() {
        let throttle = Throttle::new(10.0, 5.0);
        assert_eq!(admitted(&throttle, 0, 100), 5);
        assert_eq!(admitted(&throttle, 99, 100), 0);
        assert_eq!(admitted(&throttle, 100, 100), 1);
        assert_eq!(admitted(&throttle, 400, 100), 3);
        assert_eq!(admitted(&throttle, 1_000_000, 100), 5, "no more than the bucket holds");
    }

    #[test]
    fn the_wait_is_until_the_next_token() {
        let throttle = Throttle::new(0.1, 1.0);
        assert_eq!(throttle.admit(at(0)), Ok(()));
        assert_eq!(throttle.admit(at(0)), Err(10));
        assert_eq!(throttle.admit(at(9_500)), Err(1));
        assert_eq!(throttle.admit(at(10_000)), Ok(()));
    }

    #[test]
    fn a_clock_set_back_does_not_close_the_api() {
        let throttle = Throttle::new(10.0, 5.0);
        assert_eq!(admitted(&throttle, 3_600_000, 5), 5);
        assert_eq!(admitted(&throttle, 0, 5), 0);
        assert_eq!(admitted(&throttle, 100, 5), 1);
    }

    #[test]
    fn odd_settings_refuse_or_admit_but_never_overflow() {
        for (rate, burst, expected) in [
            (0.0, 5.0, 0),
            (-1.0, 5.0, 0),
            (f64::NAN, 5.0, 0),
            (10.0, 0.0, 0),
            (10.0, f64::NAN, 0),
            (1e-300, 2.0, 2),
            (1e300, 1e300, 10),
            (f64::INFINITY, f64::INFINITY, 10),
        ] {
            let throttle = Throttle::new(rate, burst);
            assert_eq!(admitted(&throttle, 0, 10), expected, "{rate} {burst}");
        }
    }

    #[test]
    fn threads_share_one_bucket() {
        let throttle = Throttle::new(1.0, 1_000.0);
        let total: usize = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..4).map(|_| scope.spawn(|| admitted(&throttle, 0, 1_000))).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).sum()
        });
        assert_eq!(total, 1_000);
        assert!(throttle.admit(at(0) + Duration::from_secs(1)).is_ok());
    }
}
