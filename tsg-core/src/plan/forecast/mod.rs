//! What will come of a group, if the cloud does as a model of it says.
//!
//! Owns the run in virtual time: plan, carry out on paper, wait for the next thing to happen, plan
//! again. Must never decide a step, which the planner does, nor run for ever.

mod events;
mod model;
mod placement;
mod tally;
mod world;

pub use model::{Faults, Latency, Model};
pub use tally::{Ending, Forecast, ForecastStep};

use core::time::Duration;

use super::input::{Limits, PlanInput};
use super::output::{GroupStatus, Plan, PlanError, Wait};
use super::paper::carry_out;
use super::plan;
use super::recorded::Recorded;
use crate::model::time::Timestamp;
use tally::Tally;
use world::World;

/// Runs a group to its end in virtual time, and tells every step on the way.
///
/// The planner decides as it would; the cloud does what it is told, as fast as the model says.
/// Nothing else happens: people give no orders, nodes that are suspect stay so, what is unhealthy
/// stays so until it is restarted or replaced. The first steps are those of [`plan`](super::plan)
/// for the same input.
///
/// ```
/// # use tsg_core::model::{group::Lifecycle, id::GroupId, policy::Policy, time::Timestamp};
/// # use tsg_core::plan::input::{Conditions, Intent, Limits, Orders, View, ViewTrust};
/// # use tsg_core::plan::{PlanInput, memory::PlanMemory};
/// use core::time::Duration;
/// use tsg_core::plan::forecast::{Ending, Forecast, Latency, Model, forecast};
/// # use tsg_core::protocol::timing::ProtocolTiming;
/// # let now = Timestamp::from_millis(1_800_000_000_000);
/// # let group = GroupId::new(uuid::Uuid::from_u128(1));
/// # let (lifecycle, orders) = (Lifecycle::Active, Orders::default());
/// # let (policy, timing) = (Policy::default(), ProtocolTiming::default());
/// # let input = PlanInput {
/// #     intent: Intent { group, lifecycle, capacity: 3, revision: 1, is_frozen: false, orders },
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
/// // An empty group of which three instances are wanted.
/// let model = Model { provisioning: Latency::Fixed(Duration::from_secs(20)), ..Model::default() };
/// let forecast: Forecast = forecast(&input, &model)?;
/// assert_eq!(forecast.ending, Ending::Settled);
/// assert_eq!((forecast.steps.len(), forecast.peak), (3, 3));
/// assert!(forecast.took() >= Duration::from_secs(20));
/// # Ok::<(), tsg_core::plan::PlanError>(())
/// ```
///
/// # Errors
/// Those of [`plan`](super::plan), for the input or for anything that follows from it.
pub fn forecast(input: &PlanInput<'_>, model: &Model) -> Result<Forecast, PlanError> {
    let mut run = Run::of(input, model);
    for _ in 0..model.plans_max {
        let planned = plan(&run.paper.input())?;
        run.tally.note(&run.paper, &planned);
        let is_quiet = planned.actions.is_empty() && planned.memory.is_none();
        carry_out(&mut run.paper, &planned);
        run.world.take_up(&mut run.paper, &planned);
        // What was just committed is planned on at once: only that plan knows when to look again.
        if is_quiet && let Some(ending) = run.go_on(&planned) {
            return Ok(run.tally.conclude(planned, ending));
        }
    }
    let last = plan(&run.paper.input())?;
    Ok(run.tally.conclude(last, Ending::CutShort))
}

/// A run in virtual time.
struct Run<'a> {
    model: &'a Model,
    paper: Recorded,
    world: World<'a>,
    tally: Tally,
    /// What the shared budgets are filled up to.
    full: Limits,
    refilled_at: Timestamp,
    ends_at: Timestamp,
    /// When members that vanished before the begin are too long ago to count.
    forgets_at: Timestamp,
}

impl<'a> Run<'a> {
    fn of(input: &PlanInput<'_>, model: &'a Model) -> Self {
        let paper = Recorded::of(input);
        Self {
            model,
            world: World::of(&paper, model),
            paper,
            tally: Tally::new(input.now),
            full: input.limits,
            refilled_at: input.now,
            ends_at: input.now.after(model.horizon),
            forgets_at: input.now.after(input.policy.max_unhealthy.window.as_duration()),
        }
    }

    /// Goes on to the next moment at which anything can change; or says how it ends.
    fn go_on(&mut self, planned: &Plan) -> Option<Ending> {
        if is_settled(planned) {
            return Some(Ending::Settled);
        }
        let Some(next) = self.next_moment(planned) else { return Some(Ending::Stands) };
        if next > self.ends_at {
            return Some(Ending::CutShort);
        }
        self.paper.now = next.max(self.paper.now);
        self.paper.view.taken_at = self.paper.now;
        self.world.turn(&mut self.paper);
        self.refill();
        None
    }

    fn next_moment(&self, planned: &Plan) -> Option<Timestamp> {
        let waits_for_budget = planned.report.waits.iter().any(|wait| matches!(wait, Wait::Budget { .. }));
        let refill = waits_for_budget.then(|| self.refill_at());
        let forgets = (self.paper.limits.lost_recently > 0).then_some(self.forgets_at);
        [self.world.next_at(), planned.next_wakeup, refill, forgets].into_iter().flatten().min()
    }

    fn refill_at(&self) -> Timestamp {
        self.refilled_at.after(self.model.refill.max(Duration::from_millis(1)))
    }

    fn refill(&mut self) {
        if self.paper.now >= self.forgets_at {
            self.full.lost_recently = 0;
            self.paper.limits.lost_recently = 0;
        }
        if self.paper.now >= self.refill_at() {
            self.paper.limits = self.full;
            self.refilled_at = self.paper.now;
        }
    }
}

/// Whether the group is as it should be. What is kept for a person and goes days later is not
/// waited for, nor what the cloud had before it with a machine that is gone by now.
fn is_settled(planned: &Plan) -> bool {
    match planned.report.status {
        GroupStatus::Converged => planned.report.rollout.is_none_or(|rollout| rollout.course.state.is_over()),
        GroupStatus::Deleted => true,
        _ => false,
    }
}
