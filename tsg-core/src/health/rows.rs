//! Where the checks of an instance stand in the tables of the probers.
//!
//! Owns which rows are taken: those of an instance lie side by side. Must never give a row to two.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;

/// Rows that are taken and rows that were given back.
#[derive(Debug, Clone, Default)]
pub(super) struct Rows {
    /// Behind all that were ever taken.
    end: u32,
    /// By how many lie side by side: the first of each.
    free: BTreeMap<u16, Vec<u32>>,
}

impl Rows {
    /// The first of so many rows side by side.
    pub(super) fn take(&mut self, count: u16) -> u32 {
        if let Some(first) = self.free.get_mut(&count).and_then(Vec::pop) {
            return first;
        }
        let first = self.end;
        self.end = self.end.saturating_add(count.into());
        first
    }

    /// They may be taken again.
    pub(super) fn give_back(&mut self, first: u32, count: u16) {
        self.free.entry(count).or_default().push(first);
    }
}
