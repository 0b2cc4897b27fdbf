//! Which requests are traced.

use spillway_core::Timestamp;
use std::sync::atomic::{AtomicU64, Ordering};

/// Samples as X-Ray does ("Configuring sampling rules" in its developer guide). It takes a fixed number of requests
/// of each second, and a share of the others.
pub(super) struct Sampler {
    reservoir: u64,
    /// The share, of `u64::MAX`.
    share: u64,
    /// The second, and in the lowest bits how many of its reservoir are used.
    used: AtomicU64,
    /// Requests beyond the reservoir: the seed of their random choice.
    others: AtomicU64,
}

const COUNT_BITS: u32 = 24;
const COUNT_MASK: u64 = (1 << COUNT_BITS) - 1;

impl Sampler {
    pub(super) fn new(reservoir_per_s: f64, fixed_rate: f64) -> Self {
        Self {
            reservoir: (reservoir_per_s as u64).min(COUNT_MASK),
            share: (fixed_rate.clamp(0.0, 1.0) * u64::MAX as f64) as u64,
            used: AtomicU64::new(0),
            others: AtomicU64::new(0),
        }
    }

    pub(super) fn sample(&self, now: Timestamp) -> bool {
        let second = now.as_second().unsigned_abs();
        let mut known = self.used.load(Ordering::Relaxed);
        loop {
            let used = if known >> COUNT_BITS == second { known & COUNT_MASK } else { 0 };
            if used >= self.reservoir {
                break;
            }
            let taken = second << COUNT_BITS | (used + 1);
            match self.used.compare_exchange_weak(known, taken, Ordering::Relaxed, Ordering::Relaxed) {
                Ok(_) => return true,
                Err(changed) => known = changed,
            }
        }
        // The same requests are traced each time that a simulation runs.
        self.share > 0 && scattered(self.others.fetch_add(1, Ordering::Relaxed)) <= self.share
    }
}

/// A number that looks random, a different one for each input (the finaliser of SplitMix64).
pub(super) fn scattered(number: u64) -> u64 {
    let mut z = number.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sampled(sampler: &Sampler, second: i64, requests: usize) -> usize {
        let now = Timestamp::from_second(second).unwrap();
        (0..requests).filter(|_| sampler.sample(now)).count()
    }

    #[test]
    fn the_reservoir_is_per_second() {
        let sampler = Sampler::new(2.0, 0.0);
        assert_eq!(sampled(&sampler, 100, 50), 2);
        assert_eq!(sampled(&sampler, 101, 50), 2);
        assert_eq!(sampled(&Sampler::new(0.0, 0.0), 100, 50), 0);
        assert_eq!(sampled(&Sampler::new(0.0, 1.0), 100, 50), 50);
    }

    #[test]
    fn of_the_others_it_is_the_share() {
        let share = sampled(&Sampler::new(1.0, 0.05), 100, 20_001) - 1;
        assert!((900..1_100).contains(&share), "{share} of 20,000 at 5 %");
    }
}
