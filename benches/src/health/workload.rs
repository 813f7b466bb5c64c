//! What a fact and a probe cost, counted in instructions.
//!
//! Owns inputs of one fixed seed: a count is exact, so that the same input has to be counted each
//! time. Must never do anything between two turns that is not part of the work.

use std::hint::black_box;

use super::{Beats, Hospital, Pulses, Round, TARGETS};
use crate::workload::Workload;

const SEED: u64 = 0x6865_616c;

/// All of them.
pub const WORKLOADS: [Workload; 3] = [
    Workload { name: "pulse_per_fact", units: TARGETS, run: pulses },
    Workload { name: "timer_per_probe", units: TARGETS, run: beats },
    Workload { name: "ward_per_fact", units: TARGETS, run: ward },
];

fn pulses(turns: u32) {
    let (round, mut pulses) = (Round::drawn(SEED), Pulses::new());
    for _ in 0..turns {
        black_box(pulses.take(&round));
    }
}

fn beats(turns: u32) {
    let mut beats = Beats::new(SEED);
    for _ in 0..turns {
        black_box(beats.pass());
    }
}

fn ward(turns: u32) {
    let (round, mut hospital) = (Round::drawn(SEED), Hospital::new(SEED));
    // Until everybody is known to be well.
    (0..3).for_each(|_| _ = hospital.take(&round));
    for _ in 0..turns {
        black_box(hospital.take(&round));
    }
}
