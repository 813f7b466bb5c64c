//! Random scenarios with every kind of trouble, judged by the oracle at every step.
//!
//! `TSG_SEEDS=5000 cargo test -p tsg-engine --test simulation` plays more of them;
//! `TSG_SEED=42 …` plays one.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout, reason = "a test fails by panicking")]

mod support;

use support::scenario::play;
use support::site::Wiring;

/// Seeds of an ordinary run.
const SEEDS: u64 = 1_000;

fn seeds() -> Vec<u64> {
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse().ok());
    match number("TSG_SEED") {
        Some(seed) => vec![seed],
        None => (0..number("TSG_SEEDS").unwrap_or(SEEDS)).collect(),
    }
}

#[test]
fn no_invariant_breaks_and_every_group_settles() {
    for seed in seeds() {
        if let Some(failure) = play(seed, Wiring::default()).failure {
            panic!(
                "{failure}\nreproduce: TSG_SEED={seed} cargo test -p tsg-engine --test simulation \
                 no_invariant_breaks_and_every_group_settles"
            );
        }
    }
}

#[test]
fn a_seed_decides_everything() {
    for seed in [3, 17] {
        assert_eq!(play(seed, Wiring::default()).trace, play(seed, Wiring::default()).trace, "seed {seed}");
    }
}
