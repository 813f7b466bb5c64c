//! An input of the planner that owns what it is made of.
//!
//! Owns the copy that outlives the moment: what a recording is written from and read into, and
//! what a forecast works on. Must never know how it is written, or what happens to it.

use alloc::vec::Vec;

use super::input::{Conditions, Detail, Intent, Limits, Member, NodeCondition, Place, PlanInput, RepairHold, View};
use super::memory::PlanMemory;
use crate::model::policy::Policy;
use crate::model::revision::RevisionFacts;
use crate::model::time::Timestamp;
use crate::protocol::timing::ProtocolTiming;

/// A [`PlanInput`] with everything it borrows.
///
/// ```
/// use tsg_core::model::{group::Lifecycle, id::GroupId, policy::Policy, time::Timestamp};
/// use tsg_core::plan::input::{Conditions, Intent, Limits, Orders, View, ViewTrust};
/// use tsg_core::plan::memory::PlanMemory;
/// use tsg_core::plan::recorded::Recorded;
/// use tsg_core::plan::{PlanInput, plan};
/// use tsg_core::protocol::timing::ProtocolTiming;
///
/// let now = Timestamp::from_millis(1_800_000_000_000);
/// let group = GroupId::new(uuid::Uuid::from_u128(1));
/// let (lifecycle, orders) = (Lifecycle::Active, Orders::default());
/// let input = PlanInput {
///     intent: Intent { group, lifecycle, capacity: 3, revision: 1, is_frozen: false, orders },
///     policy: &Policy::default(),
///     revisions: &[],
///     view: View { taken_at: now, trust: ViewTrust::Trusted },
///     members: &[],
///     details: &[],
///     memory: PlanMemory::default(),
///     limits: Limits::default(),
///     conditions: Conditions::default(),
///     timing: &ProtocolTiming::default(),
///     now,
///     seed: 7,
/// };
/// let recorded = Recorded::of(&input);
/// assert_eq!(plan(&recorded.input())?, plan(&input)?);
/// # Ok::<(), tsg_core::plan::PlanError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recorded {
    /// What the user wants.
    pub intent: Intent,
    /// How the group is to be updated, repaired and scaled.
    pub policy: Policy,
    /// The revisions that matter, by number.
    pub revisions: Vec<RevisionFacts>,
    /// How good the last look at the cloud was.
    pub view: View,
    /// The members, in the order they were given in.
    pub members: Vec<Member>,
    /// What there is to say about some of them beyond that, by operation.
    pub details: Vec<Detail>,
    /// What the last plan asked to be remembered.
    pub memory: PlanMemory,
    /// What is allowed just now.
    pub limits: Limits,
    /// Compute nodes that are not simply well, by number.
    pub nodes: Vec<NodeCondition>,
    /// Rack and data centre of each compute node, at its number.
    pub places: Vec<Place>,
    /// Set while nobody may repair anything.
    pub hold: Option<RepairHold>,
    /// The protocol's waits.
    pub timing: ProtocolTiming,
    /// The time.
    pub now: Timestamp,
    /// What the ids of new operations are derived from.
    pub seed: u128,
}

impl Recorded {
    /// Copies an input whole.
    pub fn of(input: &PlanInput<'_>) -> Self {
        Self {
            intent: input.intent,
            policy: input.policy.clone(),
            revisions: input.revisions.to_vec(),
            view: input.view,
            members: input.members.to_vec(),
            details: input.details.to_vec(),
            memory: input.memory,
            limits: input.limits,
            nodes: input.conditions.nodes.to_vec(),
            places: input.conditions.places.to_vec(),
            hold: input.conditions.hold,
            timing: input.timing.clone(),
            now: input.now,
            seed: input.seed,
        }
    }

    /// The input that this is a copy of.
    pub fn input(&self) -> PlanInput<'_> {
        PlanInput {
            intent: self.intent,
            policy: &self.policy,
            revisions: &self.revisions,
            view: self.view,
            members: &self.members,
            details: &self.details,
            memory: self.memory,
            limits: self.limits,
            conditions: Conditions { nodes: &self.nodes, places: &self.places, hold: self.hold },
            timing: &self.timing,
            now: self.now,
            seed: self.seed,
        }
    }
}
