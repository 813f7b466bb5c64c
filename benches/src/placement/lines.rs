//! The floor: reading 64 bytes of each instance, and nothing else.

use super::cluster::Cluster;

/// Instances as raw words, one cache line each.
#[derive(Debug)]
pub struct Lines(Vec<[u64; 8]>);

impl Lines {
    /// As many lines as there are instances, filled from them.
    pub fn of(cluster: &Cluster) -> Self {
        let line = |place: &(u32, u32)| {
            let [group, node] = [place.0, place.1].map(u64::from);
            [group, node, group ^ node, group + node, 1, 2, 3, 4]
        };
        Self(cluster.instances.iter().map(line).collect())
    }

    /// Reads all of them.
    pub fn read(&self) -> u64 {
        self.0.iter().fold(0, |sum: u64, line| {
            let of_line = line.iter().fold(0_u64, |sum, word| sum.wrapping_add(*word));
            sum.wrapping_add(of_line)
        })
    }
}
