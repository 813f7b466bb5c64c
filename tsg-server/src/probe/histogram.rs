//! How long something took, many times over.
//!
//! Owns the buckets: two significant digits, so that a quantile is told to a tenth or better and every
//! round number is the end of one. Must never take a lock, nor cost more than a few plain
//! instructions for each duration.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Buckets for each power of ten.
const STEPS: u64 = 90;
/// Powers of ten with buckets of their own; the last one ends at 100 seconds.
const DECADES: u32 = 7;
/// All buckets but the one of what took longer: first those of a microsecond each.
const BUCKETS: usize = 10 + STEPS as usize * DECADES as usize;

/// The bucket that holds a duration. Each holds its upper end.
fn bucket_of(micros: u64) -> usize {
    let below = micros.saturating_sub(1);
    let decade = below.max(1).ilog10().saturating_sub(1);
    let bucket = STEPS * u64::from(decade) + below / 10_u64.pow(decade);
    usize::try_from(bucket).map_or(BUCKETS, |bucket| bucket.min(BUCKETS))
}

/// The upper end of a bucket. `None`: it is the last one, which has none.
fn end_of(bucket: usize) -> Option<u64> {
    let bucket = (bucket < BUCKETS).then_some(bucket)? as u64;
    let decade = u32::try_from(bucket.saturating_sub(10) / STEPS).ok()?;
    Some((bucket + 1 - STEPS * u64::from(decade)) * 10_u64.pow(decade))
}

/// How often durations of each size were seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Histogram {
    counts: Vec<u64>,
    sum_micros: u64,
}

impl Default for Histogram {
    fn default() -> Self {
        Self { counts: vec![0; BUCKETS + 1], sum_micros: 0 }
    }
}

impl Histogram {
    /// How many durations there were.
    pub fn count(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// All durations together, in microseconds.
    pub const fn sum_micros(&self) -> u64 {
        self.sum_micros
    }

    /// How many did not take longer than so many microseconds. Exact for numbers of two significant
    /// digits up to 100 seconds; what lies between is taken down to one.
    pub fn at_most(&self, micros: u64) -> u64 {
        let ended = |bucket: usize| end_of(bucket).is_some_and(|end| end <= micros);
        let last = bucket_of(micros);
        let whole = if ended(last) { last + 1 } else { last };
        self.counts.iter().take(whole).sum()
    }

    /// What `share` (0 to 1) of all durations do not exceed, in microseconds: at most a tenth more
    /// than it is. `None`: it is more than 100 seconds, or there were no durations.
    pub fn quantile_micros(&self, share: f64) -> Option<u64> {
        let wanted = (self.count() as f64 * share).ceil() as u64;
        let mut seen = 0;
        let bucket = self.counts.iter().position(|count| {
            seen += count;
            seen >= wanted && seen > 0
        });
        bucket.and_then(end_of)
    }

    /// What came after an earlier reading of the same counters.
    #[must_use]
    pub fn since(&self, earlier: &Self) -> Self {
        let counts = self.counts.iter().zip(&earlier.counts).map(|(now, then)| now.saturating_sub(*then)).collect();
        Self { counts, sum_micros: self.sum_micros.saturating_sub(earlier.sum_micros) }
    }

    /// Those of two.
    pub fn add(&mut self, other: &Self) {
        self.counts.iter_mut().zip(&other.counts).for_each(|(count, more)| *count += more);
        self.sum_micros += other.sum_micros;
    }
}

impl FromIterator<Duration> for Histogram {
    fn from_iter<I: IntoIterator<Item = Duration>>(durations: I) -> Self {
        let stopwatch = Stopwatch::default();
        durations.into_iter().for_each(|duration| stopwatch.note(duration));
        stopwatch.read()
    }
}

/// Counts up. Only one task of a prober counts, so that no other write comes between, and the
/// processor need not be told to see to it.
pub fn count_up(counter: &AtomicU64, more: u64) {
    counter.store(counter.load(Ordering::Relaxed).wrapping_add(more), Ordering::Relaxed);
}

/// A histogram while it is counted.
pub struct Stopwatch {
    counts: Box<[AtomicU64]>,
    sum_micros: AtomicU64,
}

impl Default for Stopwatch {
    fn default() -> Self {
        Self { counts: (0..=BUCKETS).map(|_| AtomicU64::new(0)).collect(), sum_micros: AtomicU64::new(0) }
    }
}

impl Stopwatch {
    /// It took so long once more.
    pub fn note(&self, duration: Duration) {
        let micros = u64::try_from(duration.as_micros()).unwrap_or(u64::MAX);
        if let Some(count) = self.counts.get(bucket_of(micros)) {
            count_up(count, 1);
        }
        count_up(&self.sum_micros, micros);
    }

    /// What was counted up to now.
    pub fn read(&self) -> Histogram {
        let counts = self.counts.iter().map(|count| count.load(Ordering::Relaxed)).collect();
        Histogram { counts, sum_micros: self.sum_micros.load(Ordering::Relaxed) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(micros: impl IntoIterator<Item = u64>) -> Histogram {
        micros.into_iter().map(Duration::from_micros).collect()
    }

    #[test]
    fn each_bucket_holds_its_end_and_what_is_behind_the_end_before_it() {
        assert_eq!(bucket_of(0), 0);
        for bucket in 0..BUCKETS {
            let end = end_of(bucket).unwrap();
            assert_eq!((bucket_of(end), bucket_of(end + 1)), (bucket, bucket + 1), "up to {end} us");
        }
        assert_eq!((end_of(BUCKETS - 1), end_of(BUCKETS)), (Some(100_000_000), None));
        assert_eq!(bucket_of(u64::MAX), BUCKETS);
    }

    #[test]
    fn a_quantile_is_a_tenth_too_much_at_most() {
        for micros in (1..3_000).chain((3_000..100_000_000).step_by(77_777)) {
            let told = of([micros]).quantile_micros(1.0).unwrap();
            assert!(told >= micros && told - micros <= micros / 10, "{micros} is told as {told}");
        }
        let many = of(1..=1_000);
        assert_eq!([0.0, 0.5, 0.99, 1.0].map(|share| many.quantile_micros(share)), [1, 500, 990, 1_000].map(Some));
        assert_eq!(of([100_000_001]).quantile_micros(1.0), None, "longer than is told apart");
        assert_eq!(Histogram::default().quantile_micros(0.5), None);
    }

    #[test]
    fn what_did_not_take_longer_is_counted_to_the_end_of_a_bucket() {
        let histogram = of([0, 250, 251, 260, 30_000_000, 30_000_001, u64::MAX]);
        for (micros, count) in [(0, 0), (249, 1), (250, 2), (251, 2), (260, 4), (30_000_000, 5), (31_000_000, 6)] {
            assert_eq!(histogram.at_most(micros), count, "{micros} us");
        }
        assert_eq!((histogram.at_most(u64::MAX), histogram.count()), (6, 7));
    }

    #[test]
    fn readings_can_be_put_together_and_taken_apart() {
        let (one, other) = (of([5, 700]), of([700, 2_000_000]));
        let mut both = one.clone();
        both.add(&other);
        assert_eq!(both, of([5, 700, 700, 2_000_000]));
        assert_eq!(both.since(&one), other);
    }
}
