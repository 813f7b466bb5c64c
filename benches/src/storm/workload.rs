//! The looks across all groups whose instructions are counted.
//!
//! Owns inputs of one fixed seed: a count is exact, so that the same input has to be counted each
//! time. Must never do anything between two turns that is not part of the work.

use std::hint::black_box;

use tsg_core::storm::assess;

use super::population::{Deployment, Extent, Weather};
use crate::workload::Workload;

const EXTENT: Extent = Extent { groups: 500, size: 100, nodes: 400 };
const SEED: u64 = 0x7374_6f72;

/// All of them.
pub const WORKLOADS: [Workload; 2] = [
    Workload {
        name: "calm_look_per_instance",
        units: EXTENT.groups * EXTENT.size,
        run: |turns| look(Weather::Calm, turns),
    },
    Workload {
        name: "storm_per_instance",
        units: EXTENT.groups * EXTENT.size,
        run: |turns| look(Weather::Storm, turns),
    },
];

fn look(weather: Weather, turns: u32) {
    let deployment = Deployment::new(SEED, EXTENT, weather);
    for _ in 0..turns {
        drop(black_box(assess(&deployment.input())));
    }
}
