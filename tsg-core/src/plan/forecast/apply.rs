//! Carries a plan out on paper: what the members look like right after the engine has committed
//! every step, and before the cloud has done anything about it.
//!
//! Owns what each step changes at once. Must never let time pass; what the cloud makes of a step
//! is another file's.

use crate::model::id::OperationId;
use crate::model::operation::{Cause, Phase};
use crate::model::revision::Disruption;
use crate::plan::input::{Detail, Limits, Lineage, Mark, Member, Retirement, RetirementStage};
use crate::plan::output::{Action, Origin, Plan, PlannedAction};
use crate::plan::recorded::Recorded;

/// Carries a plan of this input out on paper: its memory is kept, its steps are committed and
/// paid for from the limits, and the seed is another one.
///
/// Planning again plans nothing more and changes no memory. A step on an operation that the input
/// does not have is passed over.
///
/// ```
/// # use tsg_core::model::{group::Lifecycle, id::GroupId, policy::Policy, time::Timestamp};
/// # use tsg_core::plan::input::{Conditions, Intent, Limits, Orders, View, ViewTrust};
/// # use tsg_core::plan::{PlanInput, memory::PlanMemory};
/// use tsg_core::plan::forecast::carry_out;
/// use tsg_core::plan::plan;
/// use tsg_core::plan::recorded::Recorded;
/// # use tsg_core::protocol::timing::ProtocolTiming;
/// # let now = Timestamp::from_millis(1_800_000_000_000);
/// # let group = GroupId::new(uuid::Uuid::from_u128(1));
/// # let (lifecycle, orders) = (Lifecycle::Active, Orders::default());
/// # let input = PlanInput {
/// #     intent: Intent { group, lifecycle, capacity: 3, revision: 1, is_frozen: false, orders },
/// #     policy: &Policy::default(),
/// #     revisions: &[],
/// #     view: View { taken_at: now, trust: ViewTrust::Trusted },
/// #     members: &[],
/// #     details: &[],
/// #     memory: PlanMemory { create_window: 8, ..PlanMemory::default() },
/// #     limits: Limits::default(),
/// #     conditions: Conditions::default(),
/// #     timing: &ProtocolTiming::default(),
/// #     now,
/// #     seed: 7,
/// # };
/// // An empty group of which three instances are wanted.
/// let mut paper = Recorded::of(&input);
/// carry_out(&mut paper, &plan(&input)?);
/// assert_eq!(paper.members.len(), 3);
/// assert_eq!(plan(&paper.input())?.actions, []);
/// # Ok::<(), tsg_core::plan::PlanError>(())
/// ```
pub fn carry_out(paper: &mut Recorded, plan: &Plan) {
    paper.seed = paper.seed.wrapping_add(1);
    if let Some(memory) = plan.memory {
        paper.memory = memory;
    }
    for planned in &plan.actions {
        spend(paper, planned);
        apply(paper, planned);
    }
    for origin in &plan.origins {
        trace(paper, origin);
    }
}

/// Takes the price of a step from the limits. Members that are on their way out already cost
/// nothing more.
fn spend(paper: &mut Recorded, planned: &PlannedAction) {
    let operation = planned.action.operation();
    let is_begun = paper.details.iter().any(|detail| detail.operation == operation && detail.retirement.is_some());
    if let Some(limit) = limit_of(&mut paper.limits, planned, is_begun) {
        *limit = limit.saturating_sub(1);
    }
}

/// The budget that a step is paid from.
fn limit_of<'a>(limits: &'a mut Limits, planned: &PlannedAction, is_begun: bool) -> Option<&'a mut u32> {
    let is_repair = planned.reason.cause() == Cause::Repair;
    match planned.action {
        Action::Create { .. } => Some(&mut limits.creates),
        Action::Start { .. } => Some(&mut limits.starts),
        Action::Restart { .. } if is_repair => Some(&mut limits.starts),
        Action::Delete { .. } | Action::Drain { .. } | Action::Stop { .. } if is_begun => None,
        Action::Delete { .. } | Action::Drain { .. } | Action::Stop { .. } if is_repair => {
            Some(&mut limits.unasked_deletes)
        }
        Action::Delete { .. } | Action::Drain { .. } | Action::Stop { .. } => Some(&mut limits.asked_deletes),
        Action::Restart { .. } | Action::Cancel { .. } | Action::Keep { .. } | Action::Update { .. } => None,
    }
}

fn apply(paper: &mut Recorded, planned: &PlannedAction) {
    match planned.action {
        Action::Create { operation, revision } => {
            let newest = paper.members.iter().map(|member| member.sequence).max().unwrap_or(0);
            paper.members.push(Member::planned(operation, newest.saturating_add(1), revision, paper.now));
        }
        Action::Cancel { operation } => forget(paper, operation),
        Action::Delete { operation, .. } => {
            let now = paper.now;
            if let Some(member) = member_of(paper, operation) {
                member.phase = Phase::Deleting;
                member.phase_since = now;
            }
        }
        Action::Start { operation, .. } | Action::Restart { operation, .. } => {
            let now = paper.now;
            if let Some(detail) = detail_of(paper, operation) {
                let restarts = detail.restarts;
                let uses_attempt = planned.reason.uses_attempt();
                detail.restarts = if uses_attempt { restarts.with(now) } else { restarts.with_excused(now) };
                detail.marks = detail.marks.without(Mark::Restart);
            }
        }
        Action::Drain { operation, .. } => retire(paper, operation, RetirementStage::Draining, planned),
        Action::Stop { operation, .. } => retire(paper, operation, RetirementStage::Stopping, planned),
        Action::Keep { operation, .. } => retire(paper, operation, RetirementStage::Kept, planned),
        Action::Update { operation, revision, disruption, .. } => {
            let now = paper.now;
            if let Some(member) = member_of(paper, operation) {
                member.revision = revision;
            }
            // A resize takes an instance out of service as a restart does.
            if disruption == Disruption::Resize
                && let Some(detail) = detail_of(paper, operation)
            {
                detail.restarts = detail.restarts.with_excused(now);
            }
        }
    }
}

fn retire(paper: &mut Recorded, operation: OperationId, stage: RetirementStage, by: &PlannedAction) {
    let (since, cause) = (paper.now, by.reason.cause());
    if let Some(detail) = detail_of(paper, operation) {
        detail.retirement = Some(Retirement { stage, since, cause });
    }
}

/// Notes where a new operation comes from.
fn trace(paper: &mut Recorded, origin: &Origin) {
    if let Some(detail) = detail_of(paper, origin.operation) {
        detail.replaces = origin.replaces;
        detail.lineage = Lineage { retries: origin.retries };
        detail.ordinal = origin.ordinal;
    }
}

/// Removes a member that is over, and what was said about it.
pub(super) fn forget(paper: &mut Recorded, operation: OperationId) {
    paper.members.retain(|member| member.operation != operation);
    paper.details.retain(|detail| detail.operation != operation);
}

pub(super) fn member_of(paper: &mut Recorded, operation: OperationId) -> Option<&mut Member> {
    paper.members.iter_mut().find(|member| member.operation == operation)
}

/// What is said about a member; nothing yet when it is asked for the first time.
pub(super) fn detail_of(paper: &mut Recorded, operation: OperationId) -> Option<&mut Detail> {
    let member = member_of(paper, operation)?;
    *member = member.with_detail();
    let asked_at = member.phase_since;
    let place = match paper.details.binary_search_by_key(&operation, |detail| detail.operation) {
        Ok(found) => found,
        Err(gap) => {
            paper.details.insert(gap, Detail::new(operation, asked_at));
            gap
        }
    };
    paper.details.get_mut(place)
}
