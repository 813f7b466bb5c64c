//! The floor: reading 64 bytes of each member, and nothing else.

use tsg_core::plan::input::Member;

use super::population::Population;

/// Members as raw words, one cache line each.
#[derive(Debug)]
pub struct Lines(Vec<[u64; 8]>);

impl Lines {
    /// As many lines as there are members, filled from them.
    pub fn of(population: &Population) -> Self {
        Self(population.groups.iter().flat_map(|(_, members)| members).map(line).collect())
    }

    /// Reads all of them.
    pub fn read(&self) -> u64 {
        self.0.iter().fold(0, |sum: u64, line| {
            let of_line = line.iter().fold(0_u64, |sum, word| sum.wrapping_add(*word));
            sum.wrapping_add(of_line)
        })
    }
}

fn line(member: &Member) -> [u64; 8] {
    let operation = member.operation.bits();
    let since = member.phase_since.as_millis().unsigned_abs();
    let node = u64::from(member.compute_node);
    [(operation >> 64) as u64, operation as u64, since, node, u64::from(member.sequence), 1, 2, 3]
}
