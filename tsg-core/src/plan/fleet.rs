//! Many groups in memory, planned as they change.
//!
//! Owns the dense state that plans are made from: one run of members for each group, in the
//! order the planner likes. A change costs its own group and nothing else, however many others
//! there are. Must never hold what a store does not; it is rebuilt from one at start.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec::Vec;

use thiserror::Error;

use super::input::{Intent, Limits, Member, PlanInput, View};
use super::memory::PlanMemory;
use super::order;
use super::output::{Plan, PlanError};
use super::plan;
use crate::model::id::{GroupId, OperationId};
use crate::model::time::Timestamp;
use crate::protocol::timing::ProtocolTiming;

/// What the plan of every group depends on alike.
#[derive(Debug, Clone, Copy)]
pub struct Round<'a> {
    /// How good the last look at the account was.
    pub view: View,
    /// The protocol's waits.
    pub timing: &'a ProtocolTiming,
    /// The time.
    pub now: Timestamp,
    /// Drawn anew for each round; each group's own seed is made from it.
    pub seed: u128,
}

/// What one group brings along.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GroupSettings {
    /// What the user wants of it.
    pub intent: Intent,
    /// What its last plan asked to be remembered.
    pub memory: PlanMemory,
    /// What it may do just now.
    pub limits: Limits,
}

/// The fleet does not know a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("group {0} is not in the fleet")]
pub struct UnknownGroup(pub GroupId);

/// Many groups with their members.
///
/// ```
/// use tsg_core::plan::fleet::Fleet;
///
/// let fleet = Fleet::default();
/// assert!(fleet.is_empty());
/// ```
#[derive(Debug, Default)]
pub struct Fleet {
    groups: Vec<Group>,
    places: BTreeMap<GroupId, u32>,
    dirty: Vec<u32>,
    /// When groups that nobody touches want to be planned again.
    wakeups: BTreeSet<(Timestamp, u32)>,
}

#[derive(Debug)]
struct Group {
    settings: GroupSettings,
    /// By operation.
    members: Vec<Member>,
    is_dirty: bool,
    wakeup: Option<Timestamp>,
}

impl Fleet {
    /// Whether there are no groups.
    pub fn is_empty(&self) -> bool {
        self.groups.is_empty()
    }

    /// How many groups there are.
    pub fn len(&self) -> usize {
        self.groups.len()
    }

    /// A group's members, by operation.
    pub fn members(&self, group: GroupId) -> Option<&[Member]> {
        let place = *self.places.get(&group)?;
        Some(&self.groups[place as usize].members)
    }

    /// Adds a group, or changes what it brings along.
    pub fn put_group(&mut self, settings: GroupSettings) {
        let next = u32::try_from(self.groups.len()).unwrap_or(u32::MAX);
        let place = *self.places.entry(settings.intent.group).or_insert(next);
        if place == next {
            self.groups.push(Group { settings, members: Vec::new(), is_dirty: false, wakeup: None });
        } else {
            self.groups[place as usize].settings = settings;
        }
        self.touch(place);
    }

    /// Replaces all members of a group.
    ///
    /// # Errors
    /// When the group is not known.
    pub fn put_members(&mut self, group: GroupId, mut members: Vec<Member>) -> Result<(), UnknownGroup> {
        let place = self.place(group)?;
        members.sort_unstable_by_key(|member| member.operation);
        self.groups[place as usize].members = members;
        self.touch(place);
        Ok(())
    }

    /// Adds a member, or replaces the one with the same operation.
    ///
    /// # Errors
    /// When the group is not known.
    pub fn put_member(&mut self, group: GroupId, member: Member) -> Result<(), UnknownGroup> {
        let place = self.place(group)?;
        let members = &mut self.groups[place as usize].members;
        match order::position(members, member.operation) {
            Ok(found) if members[found] == member => return Ok(()),
            Ok(found) => members[found] = member,
            Err(gap) => members.insert(gap, member),
        }
        self.touch(place);
        Ok(())
    }

    /// Removes a member whose operation was closed.
    ///
    /// # Errors
    /// When the group is not known.
    pub fn remove_member(&mut self, group: GroupId, operation: OperationId) -> Result<(), UnknownGroup> {
        let place = self.place(group)?;
        let members = &mut self.groups[place as usize].members;
        if let Ok(found) = order::position(members, operation) {
            members.remove(found);
            self.touch(place);
        }
        Ok(())
    }

    /// Forgets a group and its members.
    pub fn remove_group(&mut self, group: GroupId) {
        let Some(place) = self.places.remove(&group) else { return };
        let last = u32::try_from(self.groups.len() - 1).unwrap_or(u32::MAX);
        self.unschedule(place);
        self.unschedule(last);
        self.groups.swap_remove(place as usize);
        self.dirty.retain(|dirty| *dirty != place && *dirty != last);
        if place != last {
            // The last group moved into the gap.
            let moved = &mut self.groups[place as usize];
            moved.is_dirty = false;
            self.places.insert(moved.settings.intent.group, place);
            self.touch(place);
        }
    }

    /// Marks every group for planning: after a look at the account, or when the round's own
    /// conditions changed.
    pub fn touch_all(&mut self) {
        for place in 0..u32::try_from(self.groups.len()).unwrap_or(u32::MAX) {
            self.touch(place);
        }
    }

    /// When the next group wants to be planned although nobody touches it.
    pub fn next_wakeup(&self) -> Option<Timestamp> {
        self.wakeups.first().map(|(at, _)| *at)
    }

    /// Plans the groups that were touched or whose time has come, and hands each plan to `take`.
    pub fn plan_dirty(&mut self, round: &Round<'_>, mut take: impl FnMut(GroupId, Result<Plan, PlanError>)) {
        self.touch_due(round.now);
        // Taken out and put back, so that its memory is used again.
        let mut dirty = core::mem::take(&mut self.dirty);
        for place in dirty.drain(..) {
            let group = &mut self.groups[place as usize];
            group.is_dirty = false;
            let planned = group.plan(round);
            let wakeup = planned.as_ref().ok().and_then(|plan| plan.next_wakeup);
            let id = group.settings.intent.group;
            self.schedule(place, wakeup);
            take(id, planned);
        }
        self.dirty = dirty;
    }

    fn place(&self, group: GroupId) -> Result<u32, UnknownGroup> {
        self.places.get(&group).copied().ok_or(UnknownGroup(group))
    }

    fn touch(&mut self, place: u32) {
        let group = &mut self.groups[place as usize];
        if !group.is_dirty {
            group.is_dirty = true;
            self.dirty.push(place);
        }
    }

    fn touch_due(&mut self, now: Timestamp) {
        while let Some((at, place)) = self.wakeups.first().copied() {
            if at > now {
                return;
            }
            self.unschedule(place);
            self.touch(place);
        }
    }

    fn schedule(&mut self, place: u32, wakeup: Option<Timestamp>) {
        if self.groups[place as usize].wakeup == wakeup {
            return;
        }
        self.unschedule(place);
        self.groups[place as usize].wakeup = wakeup;
        self.wakeups.extend(wakeup.map(|at| (at, place)));
    }

    fn unschedule(&mut self, place: u32) {
        if let Some(at) = self.groups[place as usize].wakeup.take() {
            self.wakeups.remove(&(at, place));
        }
    }
}

impl Group {
    fn plan(&self, round: &Round<'_>) -> Result<Plan, PlanError> {
        let GroupSettings { intent, memory, limits } = self.settings;
        plan(&PlanInput {
            intent,
            view: round.view,
            members: &self.members,
            memory,
            limits,
            timing: round.timing,
            now: round.now,
            seed: round.seed ^ intent.group.uuid().as_u128(),
        })
    }
}
