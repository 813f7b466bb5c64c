//! The reference for batches: a dense linear scan.
//!
//! Owns a placement as one writes it first when one knows about dense rows: for each instance a
//! look at every node, with counts by number at hand. It knows what [`Wanted::Apart`] asks, and
//! serves as the oracle of its output. Must never be made faster.
//!
//! [`Wanted::Apart`]: super::cluster::Wanted::Apart

use std::collections::HashMap;

use tsg_core::placement::inventory::{Amounts, NodeState};

use super::cluster::{Cluster, size};

/// A node in a row.
#[derive(Debug, Clone)]
struct Row {
    id: u128,
    is_up: bool,
    room: [i64; 3],
    rack: usize,
    /// Members of the first group.
    members: u32,
}

/// All nodes in a row, and members by rack.
#[derive(Debug, Clone)]
pub struct Scan {
    rows: Vec<Row>,
    racks: Vec<u32>,
}

impl Scan {
    /// The rows of a cluster.
    pub fn of(cluster: &Cluster) -> Self {
        let mut numbers = HashMap::new();
        let mut rows: Vec<Row> = cluster
            .nodes
            .iter()
            .map(|node| {
                let count = numbers.len();
                let rack = *numbers.entry((node.data_centre.clone(), node.rack.clone())).or_insert(count);
                let (has, taken) = (amounts(node.capacity), amounts(node.taken_otherwise));
                let is_up = node.state == NodeState::Up;
                let room = [0, 1, 2].map(|index| has[index] - taken[index]);
                Row { id: node.id.uuid().as_u128(), is_up, room, rack, members: 0 }
            })
            .collect();
        let mut racks = vec![0; numbers.len()];
        for (group, node) in &cluster.instances {
            let (row, demand) = (&mut rows[*node as usize], amounts(cluster.demands[*group as usize]));
            row.room = [0, 1, 2].map(|index| row.room[index] - demand[index]);
            if *group == 0 {
                row.members += 1;
                racks[row.rack] += 1;
            }
        }
        Self { rows, racks }
    }

    /// Places so many, each after a look at every node; ids of nodes, in order.
    pub fn place(&mut self, count: u32) -> Vec<u128> {
        let demand = amounts(size(4));
        let mut placed = Vec::new();
        for _ in 0..count {
            let open = self.rows.iter().enumerate().filter(|(_, row)| {
                let has_room = row.room.iter().zip(demand).all(|(room, demand)| *room >= demand);
                row.is_up && row.members == 0 && has_room
            });
            let best = open.min_by_key(|(_, row)| (self.racks[row.rack], -row.room[0], row.id));
            let Some((best, _)) = best else { break };
            let row = &mut self.rows[best];
            row.members += 1;
            row.room = [0, 1, 2].map(|index| row.room[index] - demand[index]);
            self.racks[row.rack] += 1;
            placed.push(row.id);
        }
        placed
    }
}

fn amounts(amounts: Amounts) -> [i64; 3] {
    [amounts.memory_mib, amounts.disk_mib, amounts.cpu_percent].map(i64::from)
}
