//! The world's own source of chance: small seeded streams and the draws the world needs.
//! It never reads entropy from outside, so a seed alone decides everything a world does.

use core::f64::consts::TAU;

/// Quantile of the standard normal distribution at 0.99, used to turn a 99th percentile into a sigma.
const NORMAL_Q99: f64 = 2.326_347_874_040_841;

/// One seeded stream of pseudo-random numbers (SplitMix64: 64 bits of state, passes BigCrush,
/// and every seed is a good one).
#[derive(Debug, Clone)]
pub struct Rng {
    state: u64,
}

impl Rng {
    /// The stream of `seed` that belongs to `purpose`. Streams of different purposes are
    /// independent, so that one more fault draw does not shift every latency after it.
    #[must_use]
    pub fn for_purpose(seed: u64, purpose: &str) -> Self {
        let mut state = seed ^ 0x9e37_79b9_7f4a_7c15;
        for byte in purpose.bytes() {
            state = mix(state.wrapping_add(u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3));
        }
        Self { state }
    }

    /// The next 64 random bits.
    pub fn next_u64(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        mix(self.state)
    }

    /// A number in `[0, 1)` with 53 random bits.
    #[expect(clippy::cast_precision_loss, reason = "53 bits fit an f64 exactly")]
    pub fn unit(&mut self) -> f64 {
        (self.next_u64() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// A number in `[0, bound)`; 0 when `bound` is 0. The bias of the multiplication is below 2^-32
    /// for the small bounds used here.
    pub fn below(&mut self, bound: u64) -> u64 {
        u64::try_from((u128::from(self.next_u64()) * u128::from(bound)) >> 64).unwrap_or(0)
    }

    /// True with the given probability. A probability of 0 or 1 draws nothing.
    pub fn chance(&mut self, probability: f64) -> bool {
        if probability >= 1.0 {
            return true;
        }
        probability > 0.0 && self.unit() < probability
    }

    /// Sixteen random bytes, for a uuid.
    pub fn bytes16(&mut self) -> [u8; 16] {
        let high = u128::from(self.next_u64());
        ((high << 64) | u128::from(self.next_u64())).to_be_bytes()
    }

    /// A draw from the standard normal distribution (Box-Muller; the second value is thrown away
    /// to keep the stream free of hidden state).
    fn normal(&mut self) -> f64 {
        let radius = (-2.0 * (1.0 - self.unit()).ln()).sqrt();
        radius * (TAU * self.unit()).cos()
    }

    /// A draw from `latency`, in milliseconds.
    pub fn latency_ms(&mut self, latency: &Latency) -> u64 {
        let value = match *latency {
            Latency::Fixed { ms } => return ms,
            Latency::Uniform { min_ms, max_ms } => {
                return min_ms + self.below(max_ms.saturating_sub(min_ms).saturating_add(1));
            }
            Latency::LogNormal { median_ms, p99_ms } => {
                let sigma = (p99_ms / median_ms).ln() / NORMAL_Q99;
                median_ms * (sigma * self.normal()).exp()
            }
        };
        to_ms(value)
    }
}

/// How long something takes: a distribution, drawn from once for each occasion.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(tag = "distribution", rename_all = "snake_case")]
pub enum Latency {
    /// Always the same.
    Fixed {
        /// The value, in milliseconds.
        ms: u64,
    },
    /// Every value between two bounds (both included) is equally likely.
    Uniform {
        /// Shortest, in milliseconds.
        min_ms: u64,
        /// Longest, in milliseconds.
        max_ms: u64,
    },
    /// Log-normal: the long right tail that provisioning has.
    LogNormal {
        /// Half of all draws are below this, in milliseconds.
        median_ms: f64,
        /// 99 of 100 draws are below this, in milliseconds.
        p99_ms: f64,
    },
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "an `as` cast of a float saturates, which is what a latency wants"
)]
fn to_ms(value: f64) -> u64 {
    value.round() as u64
}

fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::{Latency, Rng};

    #[test]
    fn same_seed_and_purpose_give_the_same_stream_and_other_purposes_do_not() {
        let draw = |purpose| {
            let mut rng = Rng::for_purpose(7, purpose);
            (0..8).map(|_| rng.next_u64()).collect::<Vec<_>>()
        };
        assert_eq!(draw("ids"), draw("ids"));
        assert_ne!(draw("ids"), draw("faults"));
    }

    #[test]
    fn log_normal_has_the_asked_median_and_tail() {
        let latency = Latency::LogNormal { median_ms: 20_000.0, p99_ms: 60_000.0 };
        let mut rng = Rng::for_purpose(1, "latency");
        let mut draws: Vec<u64> = (0..20_000).map(|_| rng.latency_ms(&latency)).collect();
        draws.sort_unstable();
        assert!((19_500..20_500).contains(&draws[10_000]), "median {}", draws[10_000]);
        assert!((57_000..63_500).contains(&draws[19_800]), "p99 {}", draws[19_800]);
    }

    #[test]
    fn uniform_and_below_stay_inside_their_bounds_and_reach_them() {
        let mut rng = Rng::for_purpose(3, "bounds");
        let latency = Latency::Uniform { min_ms: 5, max_ms: 8 };
        let seen: std::collections::BTreeSet<u64> = (0..200).map(|_| rng.latency_ms(&latency)).collect();
        assert_eq!(seen.into_iter().collect::<Vec<_>>(), [5, 6, 7, 8]);
        assert_eq!(rng.below(0), 0);
    }
}
