//! Many groups in memory, planned as they change.
//!
//! Owns the dense state that plans are made from: one run of members for each group, in the
//! order the planner likes. A change costs its own group and nothing else, however many others
//! there are. Must never hold what a store does not; it is rebuilt from one at start.

use alloc::collections::BTreeSet;
use alloc::sync::Arc;
use alloc::vec::Vec;

use super::input::{Conditions, Detail, Intent, Limits, Member, PlanInput, View};
use super::memory::PlanMemory;
use super::order;
use super::output::{Plan, PlanError};
use super::plan;
use crate::count;
use crate::model::id::{GroupId, OperationId};
use crate::model::policy::Policy;
use crate::model::revision::RevisionFacts;
use crate::model::time::Timestamp;
use crate::protocol::timing::ProtocolTiming;

/// What the plan of every group depends on alike.
#[derive(Debug, Clone, Copy)]
pub struct Round<'a> {
    /// How good the last look at the account was.
    pub view: View,
    /// How the world around the groups stands.
    pub conditions: Conditions<'a>,
    /// The protocol's waits.
    pub timing: &'a ProtocolTiming,
    /// The time.
    pub now: Timestamp,
    /// Drawn anew for each round; each group's own seed is made from it.
    pub seed: u128,
}

/// What one group brings along. Policy and revisions are shared: many groups have the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupSettings {
    /// What the user wants of it.
    pub intent: Intent,
    /// What its last plan asked to be remembered.
    pub memory: PlanMemory,
    /// What it may do just now.
    pub limits: Limits,
    /// How it is to be updated, repaired and scaled.
    pub policy: Arc<Policy>,
    /// The revisions that its members, its intent and its memory name, by number.
    pub revisions: Arc<[RevisionFacts]>,
}

impl GroupSettings {
    /// A group that has done nothing yet, with every policy at its default.
    pub fn new(intent: Intent) -> Self {
        let (memory, limits) = (PlanMemory::default(), Limits::default());
        Self { intent, memory, limits, policy: Arc::default(), revisions: Arc::default() }
    }
}

/// Where a group stands in a fleet, from when it is put there until it is removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Berth(u32);

/// Many groups with their members.
///
/// ```
/// use tsg_core::model::{group::Lifecycle, id::{GroupId, OperationId}, time::Timestamp};
/// use tsg_core::plan::fleet::{Fleet, GroupSettings, Round};
/// use tsg_core::plan::input::{Conditions, Intent, Member, Orders, View, ViewTrust};
/// use tsg_core::protocol::timing::ProtocolTiming;
///
/// let group = GroupId::new(uuid::Uuid::from_u128(1));
/// let (lifecycle, orders) = (Lifecycle::Active, Orders::default());
/// let intent = Intent { group, lifecycle, capacity: 1, revision: 1, is_frozen: false, orders };
/// let now = Timestamp::from_millis(1_800_000_000_000);
/// let view = View { taken_at: now, trust: ViewTrust::Trusted };
/// let (conditions, timing) = (Conditions::default(), &ProtocolTiming::default());
/// let round = Round { view, conditions, timing, now, seed: 7 };
///
/// let mut fleet = Fleet::default();
/// let berth = fleet.put_group(GroupSettings::new(intent));
/// fleet.plan_dirty(&round, |_, plan| assert_eq!(plan.map_or(0, |plan| plan.actions.len()), 1));
/// fleet.put_member(berth, Member::planned(OperationId::from_bits(9), 1, 1, now));
/// fleet.plan_dirty(&round, |_, plan| assert_eq!(plan.map_or(1, |plan| plan.actions.len()), 0));
/// fleet.plan_dirty(&round, |group, _| panic!("nothing touched {group}"));
/// ```
#[derive(Debug, Default)]
pub struct Fleet {
    /// By berth; `None` where a group was removed.
    groups: Vec<Option<Group>>,
    free: Vec<Berth>,
    dirty: Vec<Berth>,
    /// When groups that nobody touches want to be planned again.
    wakeups: BTreeSet<(Timestamp, Berth)>,
}

#[derive(Debug)]
struct Group {
    settings: GroupSettings,
    /// By operation.
    members: Vec<Member>,
    /// By operation; of few of them.
    details: Vec<Detail>,
    is_dirty: bool,
    wakeup: Option<Timestamp>,
}

impl Fleet {
    /// Whether there are no groups.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many groups there are.
    pub fn len(&self) -> usize {
        self.groups.len() - self.free.len()
    }

    /// A group's members, by operation.
    pub fn members(&self, berth: Berth) -> &[Member] {
        self.group(berth).map_or(&[], |group| &group.members)
    }

    /// Adds a group.
    pub fn put_group(&mut self, settings: GroupSettings) -> Berth {
        let group = Some(Group { settings, members: Vec::new(), details: Vec::new(), is_dirty: false, wakeup: None });
        let berth = match self.free.pop() {
            Some(berth) => {
                self.groups[berth.0 as usize] = group;
                berth
            }
            None => {
                self.groups.push(group);
                Berth(count::of(self.groups.len() - 1))
            }
        };
        self.touch(berth);
        berth
    }

    /// Changes what a group brings along.
    pub fn put_settings(&mut self, berth: Berth, settings: GroupSettings) {
        if let Some(group) = self.group_mut(berth)
            && group.settings != settings
        {
            group.settings = settings;
            self.touch(berth);
        }
    }

    /// Replaces all members of a group.
    pub fn put_members(&mut self, berth: Berth, mut members: Vec<Member>) {
        members.sort_unstable_by_key(|member| member.operation);
        if let Some(group) = self.group_mut(berth) {
            group.members = members;
            self.touch(berth);
        }
    }

    /// Says more about a member, or something else than before. Its member says that there is a
    /// detail only when it is put as [`Member::with_detail`].
    pub fn put_detail(&mut self, berth: Berth, detail: Detail) {
        let Some(group) = self.group_mut(berth) else { return };
        match group.details.binary_search_by_key(&detail.operation, |known| known.operation) {
            Ok(found) if group.details[found] == detail => return,
            Ok(found) => group.details[found] = detail,
            Err(gap) => group.details.insert(gap, detail),
        }
        self.touch(berth);
    }

    /// Adds a member, or replaces the one with the same operation. One that is the same already
    /// touches nothing.
    pub fn put_member(&mut self, berth: Berth, member: Member) {
        let Some(group) = self.group_mut(berth) else { return };
        match order::position(&group.members, member.operation) {
            Ok(found) if group.members[found] == member => return,
            Ok(found) => group.members[found] = member,
            Err(gap) => group.members.insert(gap, member),
        }
        self.touch(berth);
    }

    /// Removes a member whose operation was closed.
    pub fn remove_member(&mut self, berth: Berth, operation: OperationId) {
        let Some(group) = self.group_mut(berth) else { return };
        if let Ok(found) = order::position(&group.members, operation) {
            group.members.remove(found);
            group.details.retain(|detail| detail.operation != operation);
            self.touch(berth);
        }
    }

    /// Forgets a group and its members; the berth is given to another one later.
    pub fn remove_group(&mut self, berth: Berth) {
        if self.group(berth).is_none() {
            return;
        }
        self.schedule(berth, None);
        self.dirty.retain(|dirty| *dirty != berth);
        self.groups[berth.0 as usize] = None;
        self.free.push(berth);
    }

    /// Marks every group for planning: after a look at the account, or when the round's own
    /// conditions changed.
    pub fn touch_all(&mut self) {
        for place in 0..count::of(self.groups.len()) {
            self.touch(Berth(place));
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
        for berth in dirty.drain(..) {
            let Some(group) = self.group_mut(berth) else { continue };
            group.is_dirty = false;
            let id = group.settings.intent.group;
            let planned = group.plan(round);
            let wakeup = planned.as_ref().ok().and_then(|plan| plan.next_wakeup);
            self.schedule(berth, wakeup);
            take(id, planned);
        }
        self.dirty = dirty;
    }

    fn group(&self, berth: Berth) -> Option<&Group> {
        self.groups.get(berth.0 as usize)?.as_ref()
    }

    fn group_mut(&mut self, berth: Berth) -> Option<&mut Group> {
        self.groups.get_mut(berth.0 as usize)?.as_mut()
    }

    fn touch(&mut self, berth: Berth) {
        if let Some(group) = self.group_mut(berth)
            && !group.is_dirty
        {
            group.is_dirty = true;
            self.dirty.push(berth);
        }
    }

    fn touch_due(&mut self, now: Timestamp) {
        while let Some((at, berth)) = self.wakeups.first().copied() {
            if at > now {
                return;
            }
            self.schedule(berth, None);
            self.touch(berth);
        }
    }

    fn schedule(&mut self, berth: Berth, wakeup: Option<Timestamp>) {
        let Some(group) = self.group_mut(berth) else { return };
        let before = core::mem::replace(&mut group.wakeup, wakeup);
        if before == wakeup {
            return;
        }
        if let Some(at) = before {
            self.wakeups.remove(&(at, berth));
        }
        self.wakeups.extend(wakeup.map(|at| (at, berth)));
    }
}

impl Group {
    fn plan(&self, round: &Round<'_>) -> Result<Plan, PlanError> {
        let GroupSettings { intent, memory, limits, ref policy, ref revisions } = self.settings;
        plan(&PlanInput {
            intent,
            view: round.view,
            policy,
            revisions,
            members: &self.members,
            details: &self.details,
            memory,
            limits,
            conditions: round.conditions,
            timing: round.timing,
            now: round.now,
            seed: round.seed ^ intent.group.uuid().as_u128(),
        })
    }
}
