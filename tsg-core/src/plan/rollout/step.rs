//! The steps of a rollout: members that are not of the goal are changed or let go.
//!
//! Owns how many at once, which is what Kubernetes computes for a deployment. Must never plan a
//! create; growing does.

use super::super::Situation;
use super::super::classify::detail_of;
use super::super::draft::{Choice, Draft, Step};
use super::super::input::{Mark, Member, PlanInput};
use super::super::memory::RolloutState;
use super::super::output::{Action, Class, PlanError, PlannedAction, Reason};
use super::super::removal;
use super::super::roster::Standing;
use super::batch;
use super::change::Change;
use super::queue::{Queue, Worth};
use super::steer::Pace;
use super::tally::has_failed;
use crate::model::revision::Disruption;

/// Changes or lets go as many members of other revisions as may be.
pub(in super::super) fn step(input: &PlanInput<'_>, situation: &Situation, draft: &mut Draft) -> Result<(), PlanError> {
    give_up_stale(input, situation, draft)?;
    if situation.steering.pace == Pace::Moves {
        let queue = Queue::of(input, situation, draft)?;
        draft.expect(queue.len(), input.members);
        draft.protected += queue.untouchable;
        change(input, situation, &queue, draft)?;
        batch::change(input, situation, &queue, draft)?;
    }
    Ok(())
}

/// Unsent creates of a revision that nobody wants any more cost nothing to give up.
fn give_up_stale(input: &PlanInput<'_>, situation: &Situation, draft: &mut Draft) -> Result<(), PlanError> {
    if situation.roster.stale == 0 {
        return Ok(());
    }
    draft.expect(situation.roster.stale, input.members);
    for ((member, standing), index) in input.members.iter().zip(&situation.roster.standings).zip(0_u32..) {
        if standing.is_stale() && !draft.is_taken(index) {
            let reason = Reason::RolledOut { from: member.revision, to: situation.goal.revision };
            draft.act(member, Choice { index, class: Class::Intended, step: Step::Cancel }, reason)?;
        }
    }
    Ok(())
}

/// Changes those that have to be taken out of service, as far as the budget goes.
fn change(input: &PlanInput<'_>, situation: &Situation, queue: &Queue, draft: &mut Draft) -> Result<(), PlanError> {
    let mut budget = Budget::of(situation, queue, draft);
    for (worth, index) in queue.disruptive(budget.steps) {
        let standing = situation.roster.standings[index as usize];
        if !budget.allows(worth) {
            continue;
        }
        let is_removal = standing.change == Change::Replace || !standing.is_useful();
        if is_removal && draft.asked_deletes >= input.limits.asked_deletes {
            draft.over_budget += 1;
            continue;
        }
        draft.asked_deletes += u32::from(is_removal);
        budget.spend(worth);
        let member = &input.members[index as usize];
        let choice = Choice { index, class: standing.class, step: step_of(input, situation, member, standing) };
        draft.act(member, choice, reason(input, situation, member)?)?;
    }
    Ok(())
}

fn step_of(input: &PlanInput<'_>, situation: &Situation, member: &Member, standing: Standing) -> Step {
    match standing.change {
        // Changing what was given up would not mend it.
        _ if !standing.is_useful() => removal::first_stage(input, member, standing),
        Change::Restart => Step::Restart,
        Change::Resize => Step::Update { revision: situation.goal.revision, disruption: Disruption::Resize },
        Change::None | Change::InPlace | Change::Replace => removal::first_stage(input, member, standing),
    }
}

/// Why a member is changed.
pub(super) fn reason(input: &PlanInput<'_>, situation: &Situation, member: &Member) -> Result<Reason, PlanError> {
    let (from, to) = (member.revision, situation.goal.revision);
    let detail = detail_of(member, input)?;
    let has = |mark| detail.is_some_and(|detail| detail.marks.has(mark));
    let state = situation.steering.memory.course.map(|course| course.state);
    Ok(match state {
        _ if has(Mark::Reprovision) => Reason::Reprovisioned,
        _ if has(Mark::Restart) => Reason::RestartAsked,
        Some(RolloutState::Reverting | RolloutState::Reverted) => Reason::RolledBack { from, to },
        _ => Reason::RolledOut { from, to },
    })
}

/// How many may be taken out of service now.
struct Budget {
    /// At all.
    steps: u32,
    /// Of those, given up or broken ones whose places are needed, whatever else is allowed.
    cornered: u32,
    /// At all, beside them.
    total: u32,
    /// Of those that can be counted on.
    proven: u32,
    /// Of those that serve.
    serving: u32,
}

impl Budget {
    fn of(situation: &Situation, queue: &Queue, draft: &Draft) -> Self {
        let Situation { roster, balance, steering, .. } = situation;
        let gone = Gone::of(situation, draft);
        let least = balance.wanted.saturating_sub(steering.unavailable);
        let (useful, current) = (roster.useful() - gone.useful, roster.current.useful - gone.current);
        let unavailable = current - (roster.current.proven - gone.current_proven);
        // What was given up is still there; its place is free only once it has gone.
        let there = useful.saturating_add(queue.condemned);
        let total = there.saturating_sub(least.saturating_add(unavailable));
        let proven = if is_too_early(situation) { 0 } else { (roster.proven() - gone.proven).saturating_sub(least) };
        let serving = roster.serving().saturating_sub(draft.serving_taken).saturating_sub(balance.floor);
        let cornered = if steering.is_cornered { queue.useless() } else { 0 };
        // Up to a checkpoint, the rest stays as it is.
        let staying = balance.wanted.saturating_sub(steering.cap.min(balance.wanted));
        let total = total.min((useful - current).saturating_add(queue.condemned).saturating_sub(staying));
        Self { steps: total.max(cornered).min(queue.len()), cornered, total, proven, serving }
    }

    const fn allows(&self, worth: Worth) -> bool {
        match worth {
            Worth::GivenUp | Worth::Broken => self.cornered > 0 || self.total > 0,
            Worth::Idle => self.total > 0,
            Worth::Fresh => self.total > 0 && self.serving > 0,
            Worth::Proven => self.total > 0 && self.serving > 0 && self.proven > 0,
        }
    }

    const fn spend(&mut self, worth: Worth) {
        self.total = self.total.saturating_sub(1);
        match worth {
            Worth::GivenUp | Worth::Broken => self.cornered = self.cornered.saturating_sub(1),
            Worth::Idle => {}
            Worth::Fresh => self.serving -= 1,
            Worth::Proven => {
                self.serving -= 1;
                self.proven -= 1;
            }
        }
    }
}

/// Whether healthy instances of what failed still have to stay: none of what the group goes back
/// to has proved itself yet, and there is room for one.
fn is_too_early(situation: &Situation) -> bool {
    let Situation { roster, balance, steering, .. } = situation;
    let is_reverting = steering.memory.course.is_some_and(|course| course.state == RolloutState::Reverting);
    is_reverting && steering.surge > 0 && balance.wanted > 0 && roster.current.proven == 0
}

/// Members that this plan lets go.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(in super::super) struct Gone {
    /// Useful ones.
    pub useful: u32,
    /// Useful ones that can be counted on.
    pub proven: u32,
    /// Useful ones of the goal.
    pub current: u32,
    /// Useful ones of the goal that can be counted on.
    pub current_proven: u32,
    /// Useful ones that are not of the goal and have a machine.
    pub moved: u32,
}

impl Gone {
    /// Counts them.
    pub(in super::super) fn of(situation: &Situation, draft: &Draft) -> Self {
        let mut gone = Self::default();
        for (planned, target) in draft.actions.iter().zip(&draft.targets) {
            if is_removal(planned) {
                gone.add(situation.roster.standings[*target as usize]);
            }
        }
        gone
    }

    fn add(&mut self, standing: Standing) {
        let (is_current, is_proven) = (standing.is_current(), standing.is_proven());
        if standing.is_useful() {
            self.moved += u32::from(!is_current && standing.class != Class::Intended);
            self.useful += 1;
            self.proven += u32::from(is_proven);
            self.current += u32::from(is_current);
            self.current_proven += u32::from(is_current && is_proven);
        }
    }
}

const fn is_removal(planned: &PlannedAction) -> bool {
    matches!(
        planned.action,
        Action::Cancel { .. }
            | Action::Delete { .. }
            | Action::Drain { .. }
            | Action::Stop { .. }
            | Action::Keep { .. }
    )
}

/// New members that came to nothing and that this plan lets go: once they are gone, nobody could
/// count them any more.
pub(in super::super) fn failed_gone(input: &PlanInput<'_>, situation: &Situation, draft: &Draft) -> u32 {
    let Some(course) = situation.steering.memory.course.filter(|course| !course.state.is_over()) else { return 0 };
    let is_counted = |index: usize| {
        let (member, standing) = (&input.members[index], situation.roster.standings[index]);
        let detail = detail_of(member, input).ok().flatten();
        standing.is_current() && has_failed(member, standing, detail, (input, &course))
    };
    let on_members = draft.actions.iter().zip(&draft.targets);
    on_members
        .filter(|(planned, target)| is_removal(planned) && is_counted(**target as usize))
        .fold(0, |sum, _| sum + 1)
}
