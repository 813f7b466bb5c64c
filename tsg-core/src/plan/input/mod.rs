//! What the planner is given.
//!
//! Owns the shape of its input as a whole; each part has its own file. Must never hold text that
//! is not the user's.

pub mod conditions;
pub mod detail;
pub mod intent;
pub mod limits;
pub mod member;

pub use conditions::{Conditions, NodeCondition, NodeState, Place, RepairHold};
pub use detail::{Detail, Lineage, Mark, Marks, RestartHistory, Retirement, RetirementStage};
pub use intent::{Intent, Orders};
pub use limits::Limits;
pub use member::{Member, NO_NODE, Sighting, Verdict};

use serde::{Deserialize, Serialize};

use super::memory::PlanMemory;
use crate::model::policy::Policy;
use crate::model::revision::RevisionFacts;
use crate::model::time::Timestamp;
use crate::protocol::timing::ProtocolTiming;

/// Everything that one plan of one group depends on.
#[derive(Debug, Clone, Copy)]
pub struct PlanInput<'a> {
    /// What the user wants.
    pub intent: Intent,
    /// How the group is to be updated, repaired and scaled.
    pub policy: &'a Policy,
    /// The revisions that the members, the intent and the memory name, by number. A member of a
    /// revision that is not among them can only be replaced.
    pub revisions: &'a [RevisionFacts],
    /// How good the last look at the cloud was.
    pub view: View,
    /// The group's operations that are not closed, joined with what was seen of them. In any
    /// order.
    pub members: &'a [Member],
    /// What there is to say about some of them beyond that, by operation.
    pub details: &'a [Detail],
    /// What the last plan asked to be remembered.
    pub memory: PlanMemory,
    /// What is allowed just now.
    pub limits: Limits,
    /// How the world around the group stands.
    pub conditions: Conditions<'a>,
    /// The protocol's waits.
    pub timing: &'a ProtocolTiming,
    /// The time.
    pub now: Timestamp,
    /// What the ids of new operations are derived from; drawn anew for each plan.
    pub seed: u128,
}

/// How good the last look at the account's machines was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct View {
    /// When it was taken.
    pub taken_at: Timestamp,
    /// Whether anything may be concluded from it.
    pub trust: ViewTrust,
}

/// Whether anything may be concluded from a look at the account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ViewTrust {
    /// There has been no complete one yet.
    Unobserved,
    /// Complete, and it agrees with what is known.
    Trusted,
    /// Too much vanished or changed at once: nothing is created or deleted until it agrees
    /// again.
    Distrusted,
    /// The account is locked out: nothing can be seen or done.
    LockedOut,
    /// The ledger has forgotten operations that the cloud shows: somebody restored an old store.
    LedgerBehind,
}
