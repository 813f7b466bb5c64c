//! How many inputs a property is tried on, and which: `TSG_CASES`, `TSG_SEED`.
//!
//! Owns what is tried when nothing else is said; must never be reachable from production code.

use proptest::prelude::ProptestConfig;
use proptest::test_runner::RngSeed;

/// Which inputs, when nothing else is said.
const SEED: u64 = 0x7467_7321;

/// So many inputs, unless another number is given.
pub fn tries(cases: u32) -> ProptestConfig {
    let number = |name: &str| std::env::var(name).ok().map(|text| text.parse::<u64>().expect("a number"));
    let cases = number("TSG_CASES").map_or(cases, |cases| u32::try_from(cases).expect("a small number"));
    // The same inputs each time, so that a change is blamed for what it breaks; others by hand.
    let rng_seed = RngSeed::Fixed(number("TSG_SEED").unwrap_or(SEED));
    ProptestConfig { failure_persistence: None, rng_seed, ..ProptestConfig::with_cases(cases) }
}
