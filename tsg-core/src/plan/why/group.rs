//! Why instances are created, not created or let go. Owns the count of what is lacking; must
//! never explain a single instance.

use super::Findings;
use super::answer::GroupAnswer;
use super::obstacle;

pub(super) fn answer(findings: Findings<'_>) -> GroupAnswer {
    let Findings { lacking, plan, .. } = findings;
    let creates = plan.creates();
    let obstacles = obstacle::of(&plan.report, |obstacle| creates < lacking && obstacle.delays_creates());
    let (report, steps, looks_again_at) = (plan.report, plan.actions, plan.next_wakeup);
    GroupAnswer { report, lacking, creates, obstacles, steps, looks_again_at }
}
