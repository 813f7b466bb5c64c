//! What the production engine makes of verdicts: who is repaired, who is left alone, and what does
//! not count before it has proved itself.

use std::time::Duration;

use crate::support::clinic::{Clinic, MINUTE, Stage};
use crate::support::site::{Site, Wiring};
use tsg_core::plan::input::Verdict;
use tsg_core::plan::output::{Block, Class};
use tsg_sim::world::WorldSpec;

#[test]
fn one_that_fails_is_restarted_then_replaced_and_the_others_are_left_alone() {
    let policy = r#"{"restart": {"attempts": 1, "delay": "5s"}, "replace": {"delay": "5s"}}"#;
    let mut stage = Stage::new(1, policy, Clinic::believing(Verdict::Healthy));
    // Past the time in which nobody is replaced for being slow to come up.
    stage.run(65 * MINUTE);
    let before = stage.machines();
    stage.clinic.believe_of(before[0], Verdict::Unhealthy);
    stage.news();
    stage.run(Duration::from_secs(1));
    assert_eq!((stage.count(Class::Unhealthy), stage.count(Class::Serving)), (1, 2));
    stage.run(30 * MINUTE);
    let after = stage.machines();
    assert_eq!(after.len(), 3);
    assert!(!after.contains(&before[0]), "it was replaced");
    assert!(after.contains(&before[1]) && after.contains(&before[2]), "the others were left alone");
    assert_eq!((stage.restarts(), stage.count(Class::Serving)), (1, 3));
}

#[test]
fn an_instance_serves_only_once_it_passes() {
    let mut stage = Stage::new(2, "{}", Clinic::believing(Verdict::Starting));
    assert_eq!((stage.count(Class::Starting), stage.count(Class::Serving)), (3, 0));
    stage.clinic.believe(Verdict::Healthy);
    stage.news();
    stage.run(MINUTE);
    assert_eq!((stage.count(Class::Starting), stage.count(Class::Serving)), (0, 3));
    let health = stage.view().members[0].health.unwrap();
    assert_eq!(health.verdict, Verdict::Healthy);
}

#[test]
fn where_all_fail_nothing_is_touched() {
    let mut stage = Stage::new(3, "{}", Clinic::believing(Verdict::Healthy));
    let before = stage.machines();
    stage.clinic.believe(Verdict::Unhealthy);
    stage.news();
    stage.run(60 * MINUTE);
    assert_eq!((stage.machines(), stage.restarts()), (before, 0));
    let view = stage.view();
    let blocks = &view.report.as_ref().unwrap().blocks;
    assert!(blocks.iter().any(|block| matches!(block, Block::TooManyUnhealthy { .. })), "{blocks:?}");
}

#[test]
fn a_check_that_goes_wrong_restarts_one_and_holds_the_rest_however_they_come_to_fail() {
    let site = Site::new(5, WorldSpec::default(), Wiring::default());
    let mut stage = Stage::of(site, 10, "{}", Clinic::believing(Verdict::Healthy));
    let before = stage.machines();
    for instance in &before {
        stage.clinic.believe_of(*instance, Verdict::Unhealthy);
        stage.news();
        stage.run_recovering(Duration::from_secs(2));
    }
    stage.run_recovering(5 * MINUTE);
    assert_eq!((stage.machines(), stage.restarts()), (before, 1));
    let view = stage.view();
    let blocks = &view.report.as_ref().unwrap().blocks;
    assert!(blocks.iter().any(|block| matches!(block, Block::TooManyUnhealthy { .. })), "{blocks:?}");
}

#[test]
fn what_nobody_can_tell_changes_nothing() {
    let mut stage = Stage::new(4, "{}", Clinic::believing(Verdict::Healthy));
    let before = stage.machines();
    stage.clinic.believe(Verdict::Unknown);
    stage.news();
    stage.run(60 * MINUTE);
    assert_eq!((stage.machines(), stage.count(Class::Serving)), (before, 3));
}
