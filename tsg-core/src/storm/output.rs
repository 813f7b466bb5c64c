//! What an assessment comes to. Owns the plain values that each group's planner is given; must
//! never name an action.

use alloc::vec::Vec;

use super::budgets::Budgets;
use super::correlate::Correlation;
use super::holds::Hold;
use super::memory::StormMemory;
use super::nodes::{NodeCondition, NodeState};
use super::spend::{Needs, Spend, Spent};
use crate::model::id::GroupId;
use crate::model::time::Timestamp;

/// What one group may do in one data centre until the next assessment.
///
/// It is paid for already: what a plan does not use goes into
/// [`StormInput::unused`](super::StormInput::unused) of the next assessment, or is lost.
///
/// ```
/// use tsg_core::model::{id::GroupId, time::Timestamp};
/// use tsg_core::plan::input::{Limits, RepairHold};
/// use tsg_core::storm::correlate::Bucket;
/// use tsg_core::storm::holds::{Hold, HoldCause, Scope};
/// use tsg_core::storm::output::Allowance;
/// use tsg_core::storm::spend::Spend;
///
/// let since = Timestamp::from_millis(1_800_000_000_000);
/// let scope = Scope::In(Bucket::DataCentre(0));
/// let allowance = Allowance {
///     group: GroupId::new(uuid::Uuid::from_u128(1)),
///     data_centre: 0,
///     creates: 5,
///     asked_deletes: 2,
///     unasked_deletes: 0,
///     starts: 0,
///     hold: Some(Hold { scope, cause: HoldCause::CloudFails, since }),
/// };
/// assert_eq!(allowance.of(Spend::Create), 5);
///
/// // As the planner of the group takes it.
/// let limits = allowance.limits(Limits::default());
/// assert_eq!((limits.creates, limits.unasked_deletes), (5, 0));
/// assert_eq!(allowance.repair_hold(), Some(RepairHold::CloudFails { since }));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Allowance {
    /// The group.
    pub group: GroupId,
    /// The data centre.
    pub data_centre: u32,
    /// Creates.
    pub creates: u32,
    /// Deletes that the user asked for.
    pub asked_deletes: u32,
    /// Deletes that nobody asked for.
    pub unasked_deletes: u32,
    /// Starts and restarts.
    pub starts: u32,
    /// The hold that stops most of it, if any does.
    pub hold: Option<Hold>,
}

impl Allowance {
    pub(super) const fn new(group: GroupId, data_centre: u32, granted: Needs, hold: Option<Hold>) -> Self {
        let Needs { creates, asked_deletes, unasked_deletes, starts } = granted;
        Self { group, data_centre, creates, asked_deletes, unasked_deletes, starts, hold }
    }

    /// How many steps of one kind.
    pub const fn of(&self, kind: Spend) -> u32 {
        match kind {
            Spend::Create => self.creates,
            Spend::AskedDelete => self.asked_deletes,
            Spend::UnaskedDelete => self.unasked_deletes,
            Spend::Start => self.starts,
        }
    }
}

/// What an assessment comes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StormOutput {
    /// What each group may do, in the order of [`StormInput::groups`](super::StormInput::groups).
    pub allowances: Vec<Allowance>,
    /// The compute nodes that are not healthy, by number.
    pub node_conditions: Vec<NodeCondition>,
    /// The holds that stand, by scope.
    pub holds: Vec<Hold>,
    /// What failing instances have in common, the one with the most failures first.
    pub correlations: Vec<Correlation>,
    /// What to remember.
    pub memory: StormMemory,
    /// When something changes by itself; always later than now.
    pub next_wakeup: Option<Timestamp>,
}

impl StormOutput {
    /// How a compute node stands.
    pub fn node(&self, node: u32) -> NodeState {
        let found = self.node_conditions.binary_search_by_key(&node, |condition| condition.node);
        found.ok().and_then(|place| self.node_conditions.get(place)).map_or(NodeState::Healthy, |found| found.state)
    }

    /// Who was granted what, the oldest first.
    pub fn ledger(&self) -> impl Iterator<Item = &Spent> {
        self.budgets().ledger()
    }

    const fn budgets(&self) -> &Budgets {
        &self.memory.budgets
    }
}
