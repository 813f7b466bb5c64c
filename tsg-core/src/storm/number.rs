//! Values by number. Owns the choice between a row and a tree, so that dense numbers cost one
//! look and wild ones no memory. Must never depend on the order in which numbers come.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;

/// Numbers below this stand in a row: more compute nodes, images or checks than one deployment
/// has, and still only a few megabytes if somebody numbers wildly.
const ROW_MAX: u64 = 1 << 17;

/// Values by number; a number nobody touched has the default.
#[derive(Debug, Clone, Default)]
pub(super) struct ByNumber<T> {
    row: Vec<T>,
    tree: BTreeMap<u64, T>,
}

impl<T: Copy + Default> ByNumber<T> {
    /// The value at a number.
    #[inline]
    pub(super) fn get(&self, number: u64) -> T {
        if number < ROW_MAX {
            return self.row.get(place(number)).copied().unwrap_or_default();
        }
        self.tree.get(&number).copied().unwrap_or_default()
    }

    /// Changes the value at a number.
    #[inline]
    pub(super) fn change(&mut self, number: u64, change: impl FnOnce(&mut T)) {
        if number < ROW_MAX
            && let Some(value) = self.row.get_mut(place(number))
        {
            return change(value);
        }
        change(self.made(number));
    }

    /// The value at a number that nobody touched yet, or that stands in the tree.
    fn made(&mut self, number: u64) -> &mut T {
        if number >= ROW_MAX {
            return self.tree.entry(number).or_default();
        }
        self.row.resize(place(number) + 1, T::default());
        let last = self.row.len() - 1;
        &mut self.row[last]
    }

    /// Every number up to the highest, in order.
    pub(super) fn iter(&self) -> impl Iterator<Item = (u64, T)> + '_ {
        let row = (0_u64..).zip(self.row.iter().copied());
        row.chain(self.tree.iter().map(|(number, value)| (*number, *value)))
    }
}

/// Only for numbers below [`ROW_MAX`].
const fn place(number: u64) -> usize {
    number as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dense_and_wild_numbers_are_kept_alike() {
        let mut values = ByNumber::<u32>::default();
        for number in [3, ROW_MAX - 1, ROW_MAX, u64::MAX, 3] {
            values.change(number, |value| *value += 1);
        }
        let touched: Vec<(u64, u32)> = values.iter().filter(|(_, value)| *value > 0).collect();
        assert_eq!(touched, [(3, 2), (ROW_MAX - 1, 1), (ROW_MAX, 1), (u64::MAX, 1)]);
        assert_eq!((values.get(3), values.get(4), values.get(u64::MAX - 1)), (2, 0, 0));
        assert_eq!((values.get(ROW_MAX - 1), values.get(ROW_MAX), values.get(ROW_MAX + 1)), (1, 1, 0));
    }

    #[test]
    fn a_row_is_as_long_as_its_highest_number_asks() {
        let mut values = ByNumber::<u32>::default();
        values.change(3, |value| *value = 7);
        assert_eq!(values.iter().collect::<Vec<_>>(), [(0, 0), (1, 0), (2, 0), (3, 7)]);
    }
}
