//! What people are told became of a rollout, and what none is blamed for.

use core::time::Duration;

use crate::support::table::{NOW, scene};
use tsg_core::plan::input::Orders;
use tsg_core::plan::memory::{Backoff, Course, RolloutMemory, RolloutState, Setback};
use tsg_core::plan::{RolloutOutcome, state_of};
use tsg_core::protocol::create::Refusal;

/// Where a rollout stands, what is told of it, what while it is paused, and whether `tsg wait`
/// has waited long enough for what is told.
const TOLD: [(RolloutState, RolloutOutcome, RolloutOutcome, bool); 10] = {
    use {RolloutOutcome as O, RolloutState as S};
    [
        (S::Planned, O::Planned, O::Paused, false),
        (S::Canary, O::Canary, O::Paused, false),
        (S::AwaitingPromotion, O::AwaitingPromotion, O::Paused, true),
        (S::Rolling, O::Rolling, O::Paused, false),
        (S::Checkpoint, O::Checkpoint, O::Paused, false),
        (S::Baking, O::Baking, O::Paused, false),
        (S::Reverting, O::Reverting, O::Paused, false),
        // What is over cannot be paused.
        (S::Successful, O::Successful, O::Successful, true),
        (S::Reverted, O::Reverted, O::Reverted, true),
        (S::FailedHold, O::FailedHold, O::FailedHold, true),
    ]
};

/// What is told of a revision when the rollout of revision 5 stands there.
fn told(state: RolloutState, is_paused: bool, revision: u32) -> RolloutOutcome {
    let course = Course::opened(5, 1, NOW).entering(state, NOW);
    let memory = RolloutMemory { stable: 1, course: Some(course) };
    state_of(&memory, &Orders { is_paused, ..Orders::default() }, revision)
}

#[test]
fn of_the_revision_that_is_rolled_out_it_is_told_where_it_stands() {
    for (state, running, paused, _) in TOLD {
        assert_eq!(told(state, false, 5), running, "{state:?}");
        assert_eq!(told(state, true, 5), paused, "{state:?}, paused");
    }
}

#[test]
fn an_older_revision_is_superseded_and_a_newer_one_is_planned_wherever_it_stands() {
    for (state, ..) in TOLD {
        for is_paused in [false, true] {
            for (revision, expected) in [
                (1, RolloutOutcome::Superseded),
                (4, RolloutOutcome::Superseded),
                (6, RolloutOutcome::Planned),
                (9, RolloutOutcome::Planned),
            ] {
                assert_eq!(told(state, is_paused, revision), expected, "{revision}: {state:?}, {is_paused}");
            }
        }
    }
}

#[test]
fn before_the_first_rollout_every_revision_is_planned() {
    for is_paused in [false, true] {
        let orders = Orders { is_paused, ..Orders::default() };
        assert_eq!(state_of(&RolloutMemory::default(), &orders, 1), RolloutOutcome::Planned);
    }
}

#[test]
fn a_wait_ends_when_nothing_more_comes_by_itself_or_a_person_decides() {
    for (state, outcome, _, ends_wait) in TOLD {
        assert_eq!(outcome.ends_wait(), ends_wait, "{state:?}");
    }
    assert!(RolloutOutcome::Superseded.ends_wait());
    assert!(!RolloutOutcome::Paused.ends_wait(), "it goes on once the pause is over");
}

#[test]
fn the_clock_of_a_rollout_stands_while_the_cloud_refuses_for_no_fault_of_the_revision() {
    let table = r#"group 2 revision:2
policy {"update": {"max_surge": 0, "max_unavailable": 1}}
stable 1
rollout {"target": 2, "from": 1, "progress_at": -60}
a ready running"#;
    for (refusal, is_blameless) in [
        (Refusal::Quota, true),
        (Refusal::Throttled, true),
        (Refusal::Capacity, true),
        (Refusal::Maintenance, true),
        (Refusal::Unreachable, true),
        (Refusal::Credentials, false),
        (Refusal::Permission, false),
        (Refusal::Request, false),
    ] {
        let mut scene = scene(table);
        let until = NOW.after(Duration::from_secs(30));
        scene.memory.create_backoff = Some(Backoff { cause: Setback::Refused(refusal), times: 1, until });
        let memory = scene.plan().unwrap().memory.unwrap_or(scene.memory);
        let stands_since = memory.rollout.course.unwrap().excused_since;
        assert_eq!(stands_since, is_blameless.then_some(NOW), "{refusal:?}");
    }
}
