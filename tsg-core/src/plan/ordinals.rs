//! The numbers of instances that each have one of their own.
//!
//! Owns which ordinals are free and which members have none to keep. Must never give an ordinal
//! out that another machine may still answer to.

use alloc::vec::Vec;

use super::classify::{classify, detail_of};
use super::input::{Member, PlanInput};
use super::output::{Class, PlanError};
use crate::count;
use crate::model::group::Lifecycle;
use crate::model::policy::{Identity, Reconcile};

/// The free ordinals of a group, the lowest first.
#[derive(Debug)]
pub(super) struct FreeOrdinals {
    /// Those that are not free, rising.
    taken: Vec<u32>,
    next: u32,
    end: u32,
}

impl FreeOrdinals {
    /// Those below the capacity; `None` when members can stand in for one another.
    ///
    /// A member on its way out keeps its ordinal until it is gone. One that is kept stopped does
    /// not: it answers to nothing any more.
    pub(super) fn of(input: &PlanInput<'_>) -> Result<Option<Self>, PlanError> {
        if input.policy.identity != Identity::Ordinal {
            return Ok(None);
        }
        let mut taken = Vec::with_capacity(input.members.len());
        for member in input.members {
            if let Some(ordinal) = ordinal_of(member, input)?
                && classify(member, input)? != Class::Kept
            {
                taken.push(ordinal);
            }
        }
        taken.sort_unstable();
        taken.dedup();
        Ok(Some(Self { taken, next: 0, end: input.intent.capacity }))
    }

    /// How many are left.
    pub(super) fn left(&self) -> u32 {
        let taken = self.taken.partition_point(|taken| *taken < self.end) - self.place();
        self.end.saturating_sub(self.next).saturating_sub(count::of(taken))
    }

    /// Gives the lowest one out.
    pub(super) fn take(&mut self) -> Option<u32> {
        for taken in &self.taken[self.place()..] {
            if *taken > self.next {
                break;
            }
            self.next = taken.saturating_add(1);
        }
        let free = (self.next < self.end).then_some(self.next)?;
        self.next += 1;
        Some(free)
    }

    /// Where the taken ones begin that have not been passed yet.
    fn place(&self) -> usize {
        self.taken.partition_point(|taken| *taken < self.next)
    }
}

fn ordinal_of(member: &Member, input: &PlanInput<'_>) -> Result<Option<u32>, PlanError> {
    Ok(detail_of(member, input)?.and_then(|detail| detail.ordinal))
}

/// Why a member has no place in a group with ordinals.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Displacement {
    /// Another member is the one to keep its ordinal.
    Double,
    /// Its ordinal is beyond the capacity.
    Beyond,
}

/// The members that have no place in a group with ordinals, by index.
pub(super) fn displaced(input: &PlanInput<'_>) -> Result<Vec<(u32, Displacement)>, PlanError> {
    if input.policy.identity != Identity::Ordinal || input.intent.lifecycle == Lifecycle::Deleting {
        return Ok(Vec::new());
    }
    let mut held = Vec::with_capacity(input.members.len());
    for (member, index) in input.members.iter().zip(0_u32..) {
        let class = classify(member, input)?;
        let is_there = !matches!(class, Class::Leaving | Class::Retiring | Class::Kept);
        if let Some(ordinal) = ordinal_of(member, input)?.filter(|_| is_there) {
            held.push((ordinal, claim(member, class, input.policy.cn_loss.reconcile), index));
        }
    }
    held.sort_unstable();
    let mut kept = None;
    let mut displaced = Vec::new();
    for (ordinal, _, index) in held {
        if kept.replace(ordinal) == Some(ordinal) {
            displaced.push((index, Displacement::Double));
        } else if ordinal >= input.intent.capacity {
            displaced.push((index, Displacement::Beyond));
        }
    }
    displaced.sort_unstable();
    Ok(displaced)
}

/// How good a member's claim to its ordinal is; of several the smallest is the best. One that
/// does not serve never outdoes one that does, whatever the policy prefers.
fn claim(member: &Member, class: Class, reconcile: Reconcile) -> (bool, u32, u32) {
    let (worse, older) = (Class::Serving as u32 - class as u32, member.sequence);
    let preferred = match reconcile {
        Reconcile::KeepHealthiest => (worse, older),
        Reconcile::KeepOriginal => (older, worse),
        Reconcile::KeepReplacement => (u32::MAX - older, worse),
    };
    (class != Class::Serving, preferred.0, preferred.1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;

    #[test]
    fn the_lowest_free_ordinals_are_given_out_and_none_twice() {
        let mut ordinals = FreeOrdinals { taken: vec![0, 2, 3, 7], next: 0, end: 6 };
        assert_eq!(ordinals.left(), 3);
        let given: Vec<u32> = core::iter::from_fn(|| ordinals.take()).collect();
        assert_eq!((given, ordinals.left()), (vec![1, 4, 5], 0));
    }

    #[test]
    fn the_last_ordinal_there_is_can_be_given_out() {
        let mut ordinals = FreeOrdinals { taken: vec![u32::MAX], next: u32::MAX - 1, end: u32::MAX };
        assert_eq!((ordinals.left(), ordinals.take(), ordinals.take()), (1, Some(u32::MAX - 1), None));
    }
}
