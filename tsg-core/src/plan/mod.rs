//! The planner: one pure function from what is wanted and what is seen to what should be done.
//!
//! Owns the order of the steps, one file each. Must never read a clock, draw a random number or
//! depend on the order of its input.

mod balance;
mod check;
pub mod classify;
mod conclude;
mod draft;
pub mod fingerprint;
pub mod fleet;
pub mod forecast;
mod grow;
mod identity;
pub mod input;
pub mod memory;
mod order;
mod ordinals;
pub mod output;
pub mod paper;
pub mod recorded;
mod removal;
pub mod render;
mod repair;
pub mod replay;
mod rollout;
mod roster;
pub mod selection;
mod settle;
mod survey;
pub mod why;

pub use input::PlanInput;
pub use output::{Plan, PlanError};
pub use rollout::{RolloutOutcome, state_of};

use crate::model::group::Lifecycle;
use balance::Balance;
use draft::Draft;
use input::{Limits, ViewTrust};
use output::ClassCounts;
use repair::{Outlook, Pace};
use rollout::{Goal, Steering};
use roster::Roster;

/// Plans one group.
///
/// The result depends on the input and on nothing else, not even on the order of the members.
/// Planning again after every step has taken effect plans nothing.
///
/// ```
/// use tsg_core::model::group::Lifecycle;
/// use tsg_core::model::id::GroupId;
/// use tsg_core::model::policy::Policy;
/// use tsg_core::model::time::Timestamp;
/// use tsg_core::plan::input::{Conditions, Intent, Limits, Orders, View, ViewTrust};
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
///         orders: Orders::default(),
///     },
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
    match survey::of_ordered(input)? {
        survey::Found::Steady(counts) => Ok(conclude::steady(input, counts)),
        survey::Found::Ordered => decide(input),
        survey::Found::Unordered => {
            let ordered = order::ordered(input.members)?;
            decide(&PlanInput { members: &ordered, ..*input })
        }
    }
}

/// Everything that the steps look at.
struct Situation {
    outlook: Outlook,
    goal: Goal,
    roster: Roster,
    steering: Steering,
    pace: Pace,
    balance: Balance,
}

fn decide(input: &PlanInput<'_>) -> Result<Plan, PlanError> {
    Ok(decide_with_reasons(input)?.plan)
}

/// Creates in one plan at most, however often it looks again: no capacity, however absurd, asks for
/// memory without end.
const CREATES_MAX: u32 = 1 << 17;

/// A plan, and what it was made from.
struct Decision {
    /// How things stood before it.
    situation: Situation,
    /// Instances lacking beside its other steps: what it creates, and what it does not create yet.
    lacking: u32,
    plan: Plan,
}

fn decide_with_reasons(input: &PlanInput<'_>) -> Result<Decision, PlanError> {
    let limits = Limits { creates: input.limits.creates.min(CREATES_MAX), ..input.limits };
    let input = &PlanInput { limits, ..*input };
    let (situation, draft) = deliberate(input)?;
    let (staged, lacking) = (draft.staged, lacking(&situation, &draft));
    let first = conclude::conclude(input, &situation, draft, &ClassCounts::default());
    let (plan, lacking) = settle::settle(input, first, lacking, staged)?;
    Ok(Decision { situation, lacking, plan })
}

/// Instances lacking beside a draft's other steps.
fn lacking(situation: &Situation, draft: &Draft) -> u32 {
    draft.lacking.unwrap_or_else(|| situation.balance.missing())
}

/// Everything that a plan says, before it is said.
fn deliberate(input: &PlanInput<'_>) -> Result<(Situation, Draft), PlanError> {
    let situation = assess(input)?;
    let mut draft = Draft::foreseeing(grow::foreseen(input, &situation));
    if may_act(input) {
        match input.intent.lifecycle {
            Lifecycle::Deleting => removal::teardown::clear_out(input, &situation, &mut draft)?,
            Lifecycle::Active => {
                removal::stages::advance(input, &situation, &mut draft)?;
                removal::shrink::shrink(input, &situation, &mut draft)?;
                // Before repair, which need not mend what is replaced anyway.
                rollout::step(input, &situation, &mut draft)?;
                repair::repair(input, &situation, &mut draft)?;
                removal::kept::expire(input, &situation, &mut draft)?;
                grow::grow(input, &situation, &mut draft)?;
                repair::remember(input, &situation, &mut draft)?;
            }
        }
    }
    check::check(input, &situation, &draft)?;
    Ok((situation, draft))
}

/// Transitions of a rollout in one plan at most: more than its states and three for each checkpoint that
/// there can be, whose clock may have to stop in between, so that the last one is always reached.
const TRANSITIONS_MAX: usize = 512;

/// Looks at the members until the rollout has come as far as they allow: a transition can change
/// what they are measured against.
fn assess(input: &PlanInput<'_>) -> Result<Situation, PlanError> {
    let outlook = Outlook::of(input);
    let mut memory = input.memory.rollout;
    let mut measured: Option<(Goal, Roster, Pace)> = None;
    for _ in 0..TRANSITIONS_MAX {
        let goal = Goal::of(input, &memory);
        let (roster, pace) = match measured.take() {
            Some((before, roster, pace)) if before == goal => (roster, pace),
            _ => {
                let mut roster = Roster::of(input, &goal, &outlook)?;
                let pace = Pace::set(input, &outlook, &mut roster);
                (roster, pace)
            }
        };
        let steering = rollout::steer(input, &goal, &roster, memory);
        if steering.memory == memory {
            let balance = Balance::of(input, &roster, &goal, &steering, &pace);
            return Ok(Situation { outlook, goal, roster, steering, pace, balance });
        }
        memory = steering.memory;
        measured = Some((goal, roster, pace));
    }
    Err(PlanError::Broken(output::Rule::RolloutSettles))
}

/// Whether anything may be done at all: no person has stopped the group and the view proves what
/// it shows.
fn may_act(input: &PlanInput<'_>) -> bool {
    !input.intent.is_frozen && input.view.trust == ViewTrust::Trusted
}
