//! Carries a plan out on paper: what the members look like right after the engine has committed
//! every step, and before the cloud has done anything about it.
//!
//! Owns what each step changes at once. Must never let time pass; what the cloud makes of a step
//! is the forecast's.

use alloc::vec::Vec;

use super::input::{Detail, Limits, Lineage, Mark, Member, PlanInput, Retirement, RetirementStage};
use super::memory::PlanMemory;
use super::order;
use super::output::{Action, Origin, Plan, PlannedAction};
use super::recorded::Recorded;
use crate::model::id::OperationId;
use crate::model::operation::{Cause, Phase};
use crate::model::revision::Disruption;
use crate::model::time::Timestamp;

/// Carries a plan of this input out on paper: its memory is kept, its steps are committed and
/// paid for from the limits, and the seed is another one.
///
/// Planning again plans nothing more and changes no memory. The members are in order of their
/// operations afterwards. A step on an operation that the input does not have is passed over.
///
/// ```
/// # use tsg_core::model::{group::Lifecycle, id::GroupId, policy::Policy, time::Timestamp};
/// # use tsg_core::plan::input::{Conditions, Intent, Limits, Orders, View, ViewTrust};
/// # use tsg_core::plan::{PlanInput, memory::PlanMemory};
/// use tsg_core::plan::paper::carry_out;
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
    let mut members = core::mem::take(&mut paper.members);
    members.sort_by_key(|member| member.operation);
    let details = core::mem::take(&mut paper.details);
    let mut sheet = Sheet { members, details, memory: paper.memory, limits: paper.limits, now: paper.now };
    sheet.carry_out(plan);
    (paper.members, paper.details) = (sheet.members, sheet.details);
    (paper.memory, paper.limits) = (sheet.memory, sheet.limits);
    paper.seed = paper.seed.wrapping_add(1);
}

/// What the steps of a plan change of its input.
pub(super) struct Sheet {
    /// In order of their operations.
    members: Vec<Member>,
    details: Vec<Detail>,
    memory: PlanMemory,
    limits: Limits,
    now: Timestamp,
}

impl Sheet {
    /// Copies of an input whose members are in order.
    pub(super) fn of(input: &PlanInput<'_>) -> Self {
        let (members, details) = (input.members.to_vec(), input.details.to_vec());
        Self { members, details, memory: input.memory, limits: input.limits, now: input.now }
    }

    /// The input that a plan was made from, with what its steps have changed.
    pub(super) fn input<'a>(&'a self, before: &PlanInput<'a>) -> PlanInput<'a> {
        let Self { members, details, memory, limits, .. } = self;
        PlanInput { members, details, memory: *memory, limits: *limits, ..*before }
    }

    /// Commits every step of a plan.
    pub(super) fn carry_out(&mut self, plan: &Plan) {
        self.memory = plan.memory.unwrap_or(self.memory);
        for planned in &plan.actions {
            self.spend(planned);
        }
        self.forget(&plan.actions);
        let known = self.details.len();
        for planned in &plan.actions {
            self.apply(planned, known);
        }
        self.add(&plan.actions);
        for origin in &plan.origins {
            self.trace(origin, known);
        }
        self.details.sort_by_key(|detail| detail.operation);
    }

    /// Takes the price of a step from the limits. Members that are on their way out already cost
    /// nothing more.
    fn spend(&mut self, planned: &PlannedAction) {
        let operation = planned.action.operation();
        let known = self.details.binary_search_by_key(&operation, |detail| detail.operation);
        let is_begun = known.is_ok_and(|found| self.details[found].retirement.is_some());
        if let Some(limit) = limit_of(&mut self.limits, planned, is_begun) {
            *limit = limit.saturating_sub(1);
        }
    }

    /// Changes the member that a step is about, if it was there before. Of the details only the
    /// first `known` are in order: new ones follow.
    fn apply(&mut self, planned: &PlannedAction, known: usize) {
        let (now, operation) = (self.now, planned.action.operation());
        match planned.action {
            // All at once, before and after the others.
            Action::Create { .. } | Action::Cancel { .. } => {}
            Action::Delete { .. } => {
                if let Some(member) = self.member(operation) {
                    (member.phase, member.phase_since) = (Phase::Deleting, now);
                }
            }
            Action::Start { .. } | Action::Restart { .. } => {
                if let Some(detail) = self.detail(operation, known) {
                    let restarts = detail.restarts;
                    let uses_attempt = planned.reason.uses_attempt();
                    detail.restarts = if uses_attempt { restarts.with(now) } else { restarts.with_excused(now) };
                    detail.marks = detail.marks.without(Mark::Restart);
                }
            }
            Action::Drain { .. } => self.retire(planned, RetirementStage::Draining, known),
            Action::Stop { .. } => self.retire(planned, RetirementStage::Stopping, known),
            Action::Keep { .. } => self.retire(planned, RetirementStage::Kept, known),
            Action::Update { revision, disruption, .. } => {
                if let Some(member) = self.member(operation) {
                    member.revision = revision;
                }
                // A resize takes an instance out of service as a restart does.
                if disruption == Disruption::Resize
                    && let Some(detail) = self.detail(operation, known)
                {
                    detail.restarts = detail.restarts.with_excused(now);
                    detail.marks = detail.marks.without(Mark::Restart);
                }
            }
        }
    }

    fn retire(&mut self, planned: &PlannedAction, stage: RetirementStage, known: usize) {
        let retirement = Retirement { stage, since: self.now, cause: planned.reason.cause() };
        if let Some(detail) = self.detail(planned.action.operation(), known) {
            detail.retirement = Some(retirement);
        }
    }

    /// Removes what was cancelled.
    fn forget(&mut self, actions: &[PlannedAction]) {
        let cancelled = actions.iter().filter(|planned| matches!(planned.action, Action::Cancel { .. }));
        let mut cancelled: Vec<OperationId> = cancelled.map(|planned| planned.action.operation()).collect();
        if cancelled.is_empty() {
            return;
        }
        cancelled.sort_unstable();
        self.members.retain(|member| cancelled.binary_search(&member.operation).is_err());
        self.details.retain(|detail| cancelled.binary_search(&detail.operation).is_err());
    }

    /// Adds what is created.
    fn add(&mut self, actions: &[PlannedAction]) {
        let mut newest = self.members.iter().map(|member| member.sequence).max().unwrap_or(0);
        for planned in actions {
            if let Action::Create { operation, revision } = planned.action {
                newest = newest.saturating_add(1);
                self.members.push(Member::planned(operation, newest, revision, self.now));
            }
        }
        self.members.sort_by_key(|member| member.operation);
    }

    /// Notes where a new operation comes from.
    fn trace(&mut self, origin: &Origin, known: usize) {
        if let Some(detail) = self.detail(origin.operation, known) {
            detail.replaces = origin.replaces;
            detail.lineage = Lineage { retries: origin.retries };
            detail.ordinal = origin.ordinal;
        }
    }

    fn member(&mut self, operation: OperationId) -> Option<&mut Member> {
        let found = order::position(&self.members, operation).ok()?;
        self.members.get_mut(found)
    }

    /// What is said about a member; nothing yet when it is asked for the first time.
    fn detail(&mut self, operation: OperationId, known: usize) -> Option<&mut Detail> {
        let member = self.member(operation)?;
        *member = member.with_detail();
        let asked_at = member.phase_since;
        let known = self.details.get(..known).unwrap_or_default();
        let place = known.binary_search_by_key(&operation, |detail| detail.operation).unwrap_or_else(|_| {
            self.details.push(Detail::new(operation, asked_at));
            self.details.len() - 1
        });
        self.details.get_mut(place)
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
