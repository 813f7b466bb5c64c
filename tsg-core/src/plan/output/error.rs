//! What can be wrong with an input or a finished plan. Owns the planner's errors; nothing to do,
//! waiting and unplaceable are never among them.

use thiserror::Error;

use crate::model::id::OperationId;

/// An input that contradicts itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum PlanError {
    /// Two members are the same operation.
    #[error("operation {0} is given twice")]
    TwiceTheSame(OperationId),
    /// A member's operation is closed.
    #[error("operation {0} is closed and cannot be a member")]
    Closed(OperationId),
    /// A member is bound but its machine is not given.
    #[error("operation {0} is bound to no machine")]
    Unbound(OperationId),
    /// A member says that there is a detail of it, and there is none; or they are in no order.
    #[error("the detail of operation {0} is not given, or the details are not in order")]
    NoDetail(OperationId),
    /// More members than a plan can number.
    #[error("a group of {given} members cannot be planned; at most {MEMBERS_MAX} can")]
    TooMany {
        /// How many were given.
        given: usize,
    },
    /// The seed was used before: it gives the id of an operation that exists.
    #[error("the seed was used before: it gives operation {0} again")]
    SeedReused(OperationId),
    /// The finished plan breaks a rule that no plan may break. Nothing of it may be carried out.
    #[error("the plan breaks a rule: {0}")]
    Broken(Rule),
}

/// Most members one plan can number: 16 GiB of them.
pub const MEMBERS_MAX: usize = 1 << 28;

/// What no plan may do, whatever its input.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum Rule {
    /// Act on a group that a person has stopped, or on a view that proves nothing.
    #[error("nothing is done to a frozen group or on a view that is not trusted")]
    ActsOnlyWhenAllowed,
    /// Create beyond capacity and surge.
    #[error("creates never exceed capacity and surge")]
    CreatesWithinCapacity,
    /// Take two steps on one operation.
    #[error("an operation is acted on once at most")]
    OneStepEach,
    /// Delete a member that is protected, in doubt or already on its way out.
    #[error("a member that is protected, in doubt or leaving is not deleted")]
    DeletesOnlyKnown,
    /// Do more of something than its budget.
    #[error("budgets are kept")]
    WithinBudget,
    /// Take a serving member away and thereby fall below the availability floor.
    #[error("no step of ours takes the group below its availability floor")]
    KeepsAvailable,
    /// Let a rollout change its state for ever.
    #[error("a rollout comes to rest within one plan")]
    RolloutSettles,
}
