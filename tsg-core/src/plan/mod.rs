//! The planner: one pure function from what is wanted and what is seen to what should be done.
//!
//! Owns the order of the steps, one file each. Must never read a clock, draw a random number or
//! depend on the order of its input.

mod balance;
mod check;
pub mod classify;
mod crowding;
mod draft;
pub mod fleet;
mod grow;
mod identity;
pub mod input;
pub mod memory;
mod order;
pub mod output;
pub mod render;
mod repair;
mod report;
mod shrink;
mod survey;
mod teardown;

pub use input::PlanInput;
pub use output::{Plan, PlanError};

use crate::model::group::Lifecycle;
use balance::Balance;
use draft::Draft;
use input::ViewTrust;
use survey::Survey;

/// Plans one group.
///
/// The result depends on the input and on nothing else, not even on the order of the members.
/// Planning again after every step has taken effect plans nothing.
///
/// ```
/// use tsg_core::model::group::Lifecycle;
/// use tsg_core::model::id::GroupId;
/// use tsg_core::model::time::Timestamp;
/// use tsg_core::plan::input::{Intent, Limits, View, ViewTrust};
/// use tsg_core::plan::memory::PlanMemory;
/// use tsg_core::plan::output::{Action, GroupStatus};
/// use tsg_core::plan::{PlanInput, plan};
/// use tsg_core::protocol::timing::ProtocolTiming;
///
/// let now = Timestamp::from_millis(1_800_000_000_000);
/// let plan = plan(&PlanInput {
///     intent: Intent {
///         group: GroupId::new(uuid::Uuid::from_u128(1)),
///         lifecycle: Lifecycle::Active,
///         capacity: 3,
///         revision: 1,
///         is_frozen: false,
///     },
///     view: View { taken_at: now, trust: ViewTrust::Trusted },
///     members: &[],
///     memory: PlanMemory::default(),
///     limits: Limits::default(),
///     timing: &ProtocolTiming::default(),
///     now,
///     seed: 7,
/// })?;
/// // The slow start sends one create into the unknown; the others follow when it is answered.
/// assert!(matches!(plan.actions[0].action, Action::Create { revision: 1, .. }));
/// assert_eq!(plan.actions.len(), 1);
/// assert_eq!(plan.report.status, GroupStatus::Converging);
/// # Ok::<(), tsg_core::plan::PlanError>(())
/// ```
///
/// # Errors
/// When the input contradicts itself, or the plan would break a [`Rule`](output::Rule): see
/// [`PlanError`].
pub fn plan(input: &PlanInput<'_>) -> Result<Plan, PlanError> {
    if let Some(survey) = survey::of_ordered(input)? {
        return decide(input, &survey);
    }
    let ordered = order::ordered(input.members)?;
    let input = PlanInput { members: &ordered, ..*input };
    let survey = survey::of_ordered(&input)?.unwrap_or_default();
    decide(&input, &survey)
}

fn decide(input: &PlanInput<'_>, survey: &Survey) -> Result<Plan, PlanError> {
    let balance = Balance::of(input, survey);
    let mut draft = Draft::default();
    if may_act(input) {
        match input.intent.lifecycle {
            Lifecycle::Deleting => teardown::clear_out(input, survey, &mut draft)?,
            Lifecycle::Active => {
                shrink::shrink(input, &balance, &mut draft)?;
                repair::repair(input, survey, &mut draft)?;
                grow::grow(input, &balance, &mut draft)?;
            }
        }
    }
    check::check(input, &balance, &draft)?;
    Ok(report::conclude(input, survey, &balance, draft))
}

/// Whether anything may be done at all: no person has stopped the group and the view proves what
/// it shows.
fn may_act(input: &PlanInput<'_>) -> bool {
    !input.intent.is_frozen && input.view.trust == ViewTrust::Trusted
}
