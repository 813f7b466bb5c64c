//! The placements and updates whose instructions are counted.
//!
//! Owns inputs of one fixed seed: a count is exact, so that the same input has to be counted each
//! time. Must never do anything between two turns that is not part of the work.

use std::hint::black_box;

use tsg_core::model::id::InstanceId;
use tsg_core::placement::inventory::{InstanceFacts, InstanceNumber, Inventory};
use tsg_core::placement::place::{Placement, Request, place, place_batch};
use uuid::Uuid;

use super::cluster::{Cluster, Extent, Wanted};
use crate::seeded::Seeded;
use crate::workload::Workload;

/// Few instances: under callgrind, a million take a while to be put there.
const WIDE: Extent = Extent { nodes: 10_000, on_each: 10 };
const NARROW: Extent = Extent { nodes: 5_000, on_each: 10 };
const SMALL: Extent = Extent { nodes: 1_000, on_each: 100 };
const BATCH: u32 = 1_000;
const EVENTS: u32 = 30_000;
const SEED: u64 = 0x706c_6163;

/// All of them.
pub const WORKLOADS: [Workload; 4] = [
    Workload { name: "placement_in_batch", units: BATCH, run: |turns| batches(Wanted::Apart, turns) },
    Workload { name: "placement_in_batch_all_rules", units: BATCH, run: |turns| batches(Wanted::Everything, turns) },
    Workload { name: "single_placement_per_node", units: NARROW.nodes, run: singles },
    Workload { name: "live_update", units: EVENTS, run: updates },
];

/// Places a batch and puts it into the inventory, with an empty list of what was there before.
pub fn place_and_put(
    inventory: &mut Inventory,
    request: &Request,
    count: u32,
    seeded: &mut Seeded,
) -> Vec<InstanceNumber> {
    let Ok(answer) = place_batch(inventory, request, count) else { return Vec::new() };
    let labels: Vec<_> = request.labels.iter().chain(&request.group).cloned().collect();
    let kind = inventory.kind(request.owner, &labels, request.demand);
    let facts = |placement: &Placement| {
        let id = InstanceId::new(Uuid::from_u128(seeded.draw_wide()));
        InstanceFacts { id, name: "web-0-new", kind, node: placement.node }
    };
    let facts: Vec<InstanceFacts<'_>> = answer.placements.iter().map(facts).collect();
    inventory.put_instances(&facts).unwrap_or_default()
}

/// Takes a batch out again.
pub fn take_out(inventory: &mut Inventory, batch: &[InstanceNumber]) {
    batch.iter().for_each(|instance| _ = inventory.remove_instance(*instance));
}

/// Each turn places more of another group, and puts them into the inventory.
fn batches(wanted: Wanted, turns: u32) {
    let (mut inventory, mut seeded) = (Cluster::new(SEED, WIDE).inventory(), Seeded::new(SEED));
    for turn in 0..turns {
        let request = Cluster::request_of(wanted, turn);
        black_box(place_and_put(&mut inventory, &request, BATCH, &mut seeded));
    }
}

fn singles(turns: u32) {
    let inventory = Cluster::new(SEED, NARROW).inventory();
    let request = Cluster::request(Wanted::Everything);
    for _ in 0..turns {
        drop(black_box(place(&inventory, &request)));
    }
}

/// A third each of instances that move, go and come.
fn updates(turns: u32) {
    let (cluster, mut seeded) = (Cluster::new(SEED, SMALL), Seeded::new(SEED));
    let (mut inventory, nodes, kinds) = cluster.empty();
    let mut numbers = inventory.put_instances(&cluster.facts(&nodes, &kinds)).unwrap_or_default();
    for _ in 0..turns {
        for _ in 0..EVENTS / 3 {
            let (one, other) =
                (seeded.below(numbers.len() as u32) as usize, seeded.below(numbers.len() as u32) as usize);
            let node = nodes[seeded.below(SMALL.nodes) as usize];
            _ = inventory.move_instance(numbers[one], node);
            _ = inventory.remove_instance(numbers[other]);
            let kind = kinds[cluster.instances[other].0 as usize];
            let (id, name) = &cluster.names[other];
            if let Ok(number) = inventory.put_instance(InstanceFacts { id: *id, name, kind, node }) {
                numbers[other] = number;
            }
        }
    }
    black_box(inventory.len());
}
