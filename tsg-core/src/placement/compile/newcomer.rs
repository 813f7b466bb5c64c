//! The instance that is to be created.
//!
//! Owns what is known of it beforehand. Must never know where it will stand.

use crate::model::id::ComputeNodeId;
use crate::placement::inventory::Label;
use crate::placement::rule::Rule;

use super::view::carries;

/// An instance that is to be created.
///
/// ```
/// use tsg_core::placement::compile::{Newcomer, Steering};
///
/// let plain = Newcomer::default();
/// assert_eq!((plain.group, plain.avoid.len(), plain.steering), (None, 0, Steering::AsAsked));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Newcomer<'a> {
    /// What it will carry, so that rules can be about its own kind. A label of
    /// [`Criterion::Instance`](crate::placement::rule::Criterion::Instance) stands for its name.
    pub labels: &'a [Label],
    /// The label that makes instances members of the same group; it will carry it as well.
    pub group: Option<&'a Label>,
    /// Compute nodes to stay away from, if another will do: those that its predecessors died on.
    pub avoid: &'a [ComputeNodeId],
    /// Whether wishes may be made hard.
    pub steering: Steering,
}

/// Whether wishes may be made hard.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Steering {
    /// If the block asks for it.
    #[default]
    AsAsked,
    /// Not this time: for another attempt after the cloud found no room.
    Off,
}

impl<'a> Newcomer<'a> {
    /// All that it will carry.
    pub(super) fn all_labels(&self) -> impl Iterator<Item = &'a Label> + use<'a> {
        self.labels.iter().chain(self.group)
    }

    /// Whether it will be among those that a rule is about.
    pub(crate) fn is_match(&self, rule: &Rule) -> bool {
        let is_member =
            self.group.is_some_and(|group| carries(core::slice::from_ref(group), &rule.criterion, &rule.pattern));
        is_member || carries(self.labels, &rule.criterion, &rule.pattern)
    }
}
