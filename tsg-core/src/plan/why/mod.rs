//! Why a group, an instance or a rollout stands where it stands, and until when.
//!
//! Owns the questions; each kind of answer has its own file. Must never decide anything: it runs
//! the planner once and tells what it found, so that an answer can never differ from a plan.

mod answer;
mod group;
mod instance;
mod obstacle;
mod rollout;

pub use answer::{Answer, GroupAnswer, InstanceAnswer, Prospect, RolloutAnswer, Succession, WayOn};
pub use obstacle::Obstacle;

use super::input::PlanInput;
use super::output::{Plan, PlanError};
use super::{Decision, Situation, decide_with_reasons, order, survey};
use crate::model::id::OperationId;

/// What can be asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Question {
    /// Why is this instance treated as it is: deleted, not deleted, not replaced, waiting?
    Instance(OperationId),
    /// Why are instances created, or not created, or let go?
    Group,
    /// Why does the rollout stand where it stands, and what would make it go on?
    Rollout,
}

/// What the answers are drawn from.
struct Findings<'a> {
    /// Its members are in order.
    input: PlanInput<'a>,
    situation: Situation,
    lacking: u32,
    plan: Plan,
}

/// Answers a question about a group.
///
/// ```
/// # use tsg_core::model::{group::Lifecycle, id::GroupId, policy::Policy, time::Timestamp};
/// # use tsg_core::plan::input::{Conditions, Intent, Limits, Orders, View, ViewTrust};
/// # use tsg_core::plan::{PlanInput, memory::PlanMemory};
/// use tsg_core::plan::render::in_words;
/// use tsg_core::plan::why::{Answer, Question, why};
/// # use tsg_core::protocol::timing::ProtocolTiming;
/// # let now = Timestamp::from_millis(1_800_000_000_000);
/// # let group = GroupId::new(uuid::Uuid::from_u128(1));
/// # let (lifecycle, orders) = (Lifecycle::Active, Orders::default());
/// # let (policy, timing) = (Policy::default(), ProtocolTiming::default());
/// # let input = PlanInput {
/// #     intent: Intent { group, lifecycle, capacity: 3, revision: 1, is_frozen: true, orders },
/// #     policy: &policy,
/// #     revisions: &[],
/// #     view: View { taken_at: now, trust: ViewTrust::Trusted },
/// #     members: &[],
/// #     details: &[],
/// #     memory: PlanMemory::default(),
/// #     limits: Limits::default(),
/// #     conditions: Conditions::default(),
/// #     timing: &timing,
/// #     now,
/// #     seed: 7,
/// # };
///
/// // An empty group of which three instances are wanted, and which a person has frozen.
/// let answer = why(&input, Question::Group)?;
/// let Answer::Group(group) = &answer else { unreachable!() };
/// assert_eq!((group.lacking, group.creates), (3, 0));
/// assert_eq!(
///     in_words(&answer, input.now).to_string(),
///     "frozen: 0 of 3 serving\n3 lacking, and none is created\n  blocked: a person has stopped this group"
/// );
/// # Ok::<(), tsg_core::plan::PlanError>(())
/// ```
///
/// # Errors
/// Those of [`plan`](super::plan) for the same input.
pub fn why(input: &PlanInput<'_>, question: Question) -> Result<Answer, PlanError> {
    // Says what no order of the members could mend.
    survey::of_ordered(input)?;
    let ordered = order::ordered(input.members)?;
    let input = PlanInput { members: &ordered, ..*input };
    let Decision { situation, lacking, plan } = decide_with_reasons(&input)?;
    let findings = Findings { input, situation, lacking, plan };
    Ok(match question {
        Question::Instance(operation) => instance::answer(&findings, operation)?,
        Question::Group => Answer::Group(group::answer(findings)),
        Question::Rollout => Answer::Rollout(rollout::answer(&findings)),
    })
}
