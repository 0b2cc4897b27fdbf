//! A histogram with buckets that grow by 1 %, from which percentiles are read with an error of at most 1 %.

/// Each bucket ends at this many times its beginning.
const GROWTH: f64 = 1.01;
/// Values below count as zero: less than a thousandth of a millisecond does not matter here.
const SMALLEST: f64 = 1e-3;
/// The last bucket holds all that is larger: about 10⁹, twelve days in milliseconds.
const LAST: u16 = 2_800;
/// Up to here each whole number has its own bucket, whose value is the number itself. That makes percentiles
/// of small counts exact, such as those of receive counts.
const EXACT_UP_TO: f64 = 100.0;
/// Room left at either side when the counters grow.
const SLACK: u16 = 32;

/// Counts of values by bucket.
#[derive(Clone, Debug, Default)]
pub struct Histogram {
    /// The bucket of the first counter.
    first: u16,
    counts: Vec<u64>,
}

impl Histogram {
    /// Counts a value. What is negative counts as zero.
    pub fn add(&mut self, value: f64) {
        *self.count_of(bucket(value)) += 1;
    }

    /// Adds another histogram's counts.
    pub fn merge(&mut self, other: &Self) {
        for (bucket, count) in other.occupied() {
            *self.count_of(bucket) += count;
        }
    }

    /// Takes away the counts of a histogram that was added.
    pub fn remove(&mut self, other: &Self) {
        for (bucket, count) in other.occupied() {
            let counter = self.count_of(bucket);
            *counter = counter.saturating_sub(count);
        }
    }

    /// The value of which `percent` of all values are at or below, by nearest rank; `None` if there are no values.
    pub fn percentile(&self, percent: f64) -> Option<f64> {
        let total: u64 = self.counts.iter().sum();
        let rank = ((percent / 100.0 * total as f64).ceil() as u64).clamp(1, total.max(1));
        let mut seen = 0;
        for (bucket, count) in self.occupied() {
            seen += count;
            if seen >= rank {
                return Some(representative_value(bucket));
            }
        }
        None
    }

    /// Appends the bytes that [`Self::merge_encoded`] reads: for each bucket in use, the distance from the one before
    /// and the count, both as LEB128.
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut before = 0;
        for (bucket, count) in self.occupied() {
            write_number(&mut bytes, u64::from(bucket - before));
            write_number(&mut bytes, count);
            before = bucket;
        }
        bytes
    }

    /// Adds the counts of an encoded histogram. Invalid bytes are ignored from the first one on.
    pub fn merge_encoded(&mut self, mut bytes: &[u8]) {
        let mut bucket = 0_u64;
        while let (Some(distance), Some(count)) = (read_number(&mut bytes), read_number(&mut bytes)) {
            bucket = bucket.saturating_add(distance);
            let Ok(index) = u16::try_from(bucket) else { return };
            if index > LAST {
                return;
            }
            let counter = self.count_of(index);
            *counter = counter.saturating_add(count);
        }
    }

    fn occupied(&self) -> impl Iterator<Item = (u16, u64)> {
        let all = (self.first..).zip(&self.counts);
        all.filter(|(_, count)| **count > 0).map(|(bucket, count)| (bucket, *count))
    }

    fn count_of(&mut self, bucket: u16) -> &mut u64 {
        let end = self.first + self.counts.len() as u16;
        if self.counts.is_empty() {
            self.first = bucket.saturating_sub(SLACK);
            self.counts = vec![0; usize::from(bucket - self.first + 1)];
        } else if bucket < self.first {
            let first = bucket.saturating_sub(SLACK);
            let added = usize::from(self.first - first);
            self.counts.splice(0..0, std::iter::repeat_n(0, added));
            self.first = first;
        } else if bucket >= end {
            let last = (bucket + SLACK).min(LAST);
            self.counts.resize(usize::from(last - self.first + 1), 0);
        }
        &mut self.counts[usize::from(bucket - self.first)]
    }
}

fn bucket(value: f64) -> u16 {
    if value < SMALLEST {
        return 0;
    }
    let steps = (value / SMALLEST).ln() / GROWTH.ln();
    (steps as u64).saturating_add(1).min(u64::from(LAST)) as u16
}

/// The value that represents a bucket: no value in the bucket differs from it by more than 1 %.
fn representative_value(index: u16) -> f64 {
    if index == 0 {
        return 0.0;
    }
    let low = SMALLEST * GROWTH.powi(i32::from(index) - 1);
    let middle = low * GROWTH.sqrt();
    let whole = middle.round();
    if (1.0..=EXACT_UP_TO).contains(&whole) && bucket(whole) == index { whole } else { middle }
}

fn write_number(bytes: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        bytes.push((number & 0x7f) as u8 | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
}

fn read_number(bytes: &mut &[u8]) -> Option<u64> {
    let mut number = 0;
    for shift in (0..64).step_by(7) {
        let (byte, rest) = bytes.split_first()?;
        *bytes = rest;
        number |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(number);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::{Rng, SeedableRng};

    fn of(values: &[f64]) -> Histogram {
        let mut histogram = Histogram::default();
        for value in values {
            histogram.add(*value);
        }
        histogram
    }

    fn exact(values: &[f64], percent: f64) -> f64 {
        let mut sorted = values.to_vec();
        sorted.sort_by(f64::total_cmp);
        sorted[((percent / 100.0 * sorted.len() as f64).ceil() as usize).max(1) - 1]
    }

    #[test]
    fn percentiles_are_within_one_percent_of_the_exact_ones() {
        let mut random = rand::rngs::StdRng::seed_from_u64(7);
        for scale in [0.01, 1.0, 40.0, 3_000.0, 1e6] {
            // Long-tailed, as latencies are.
            let values: Vec<f64> = (0..5_000).map(|_| scale * (random.random::<f64>() * 6.0).exp()).collect();
            let histogram = of(&values);
            for percent in [0.1, 10.0, 50.0, 90.0, 99.0, 99.9, 100.0] {
                let (near, truth) = (histogram.percentile(percent).unwrap(), exact(&values, percent));
                assert!((near / truth - 1.0).abs() <= 0.0101, "p{percent} at {scale}: {near} for {truth}");
            }
        }
    }

    #[test]
    fn small_whole_numbers_are_exact() {
        for number in 0..=100 {
            let number = f64::from(number);
            assert_eq!(of(&[number]).percentile(50.0), Some(number));
        }
        let receives: Vec<f64> = (1..=20).map(f64::from).collect();
        let histogram = of(&receives);
        for percent in [5.0, 50.0, 95.0, 100.0] {
            assert_eq!(histogram.percentile(percent), Some(exact(&receives, percent)));
        }
    }

    #[test]
    fn encoding_and_merging_lose_nothing() {
        let (low, high) = (of(&[0.0, 0.5, 0.5, 3.0]), of(&[900.0, 1e12, -4.0]));
        let mut merged = Histogram::default();
        merged.merge_encoded(&high.encode());
        merged.merge_encoded(&low.encode());
        let mut direct = low.clone();
        direct.merge(&high);
        assert_eq!(merged.occupied().collect::<Vec<_>>(), direct.occupied().collect::<Vec<_>>());
        assert_eq!(merged.occupied().map(|(_, count)| count).sum::<u64>(), 7);
    }

    #[test]
    fn invalid_bytes_are_ignored() {
        for bytes in [&[0xff; 40][..], &[0x80], &[1], &[0xff, 0xff, 0x7f, 1]] {
            let mut histogram = Histogram::default();
            histogram.merge_encoded(bytes);
            assert_eq!(histogram.percentile(50.0), None);
        }
    }
}
