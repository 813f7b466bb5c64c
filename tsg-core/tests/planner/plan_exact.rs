//! What a plan says beside its steps, exactly: what is remembered of creates and rollouts, how much
//! one plan creates at most, and what is reported of a group that is as it should be.

use crate::support::apply::applied;
use crate::support::table::scene;
use tsg_core::plan::memory::PlanMemory;

/// What a plan asks to be remembered, or what was known before if it asks for nothing.
fn remembered(table: &str) -> PlanMemory {
    let scene = scene(table);
    scene.plan().unwrap().memory.unwrap_or(scene.memory)
}

#[test]
fn a_back_off_is_forgotten_once_it_is_over_and_nothing_needs_creates() {
    let is_kept = |table: &str| remembered(table).create_backoff.is_some();
    for table in ["group 1 refused:quota/-1s\na ready running", "group 1 refused:quota/0s\na ready running"] {
        assert!(!is_kept(table), "{table}");
    }
    for table in [
        "group 1 refused:quota/1s\na ready running",
        "group 1 frozen refused:quota/-1s\na ready running",
        // One is lacking.
        "group 2 refused:quota/-1s creates:0\na ready running",
        // One is on its way, however far it has come.
        "group 1 refused:quota/-1s\na planned",
        "group 1 refused:quota/-1s\na sent",
        "group 0 refused:quota/-1s\na unknown",
        "group 1 refused:failures/-1s\na bound provisioning",
    ] {
        assert!(is_kept(table), "{table}");
    }
}

#[test]
fn a_rollout_remembers_the_failed_instances_that_are_gone() {
    let table = |members: &str| {
        let policy = r#"policy {"update": {"max_failures": 9}}"#;
        let course = r#"rollout {"target": 2, "from": 1, "keeps": 1, "state": "rolling", "failed": 1}"#;
        format!("group 2 revision:2\n{policy}\nstable 1\n{course}\na ready running\nb ready running\n{members}")
    };
    let failed = |members: &str| remembered(&table(members)).rollout.course.unwrap().failed;
    assert_eq!(failed("c ready running revision:2 for:10s"), 1);
    assert_eq!(failed("c bound failed revision:2"), 2);
    assert_eq!(failed("c bound failed revision:2\nd bound failed revision:2"), 3);
}

#[test]
fn one_plan_creates_no_more_than_131072() {
    let mut huge = scene("group 200000");
    huge.memory.create_window = u32::MAX;
    let plan = huge.plan().unwrap();
    assert_eq!(plan.actions.len(), 131_072);
}

#[test]
fn a_seed_that_was_used_before_does_not_matter_when_nothing_is_created() {
    let empty = scene("group 2");
    let mut again = applied(&empty, &empty.plan().unwrap());
    again.seed = empty.seed;
    assert_eq!(again.plan().unwrap().actions, []);
}

#[test]
fn a_rollout_that_is_over_has_none_to_go_in_a_group_that_is_as_it_should_be() {
    let course = r#"rollout {"target": 1, "from": 0, "state": "successful"}"#;
    let plan = scene(&format!("group 2\nstable 1\n{course}\na ready running\nb ready running")).plan().unwrap();
    let rollout = plan.report.rollout.unwrap();
    assert_eq!((plan.memory, rollout.changed, rollout.available, rollout.remaining), (None, 2, 2, 0));
}

#[test]
fn a_canary_that_takes_the_place_of_a_broken_one_is_told_whose() {
    let policy = r#"policy {"update": {"canary": 1, "max_failures": 9}, "max_unhealthy": "100%"}"#;
    let course = r#"rollout {"target": 2, "from": 1, "keeps": 1, "state": "canary"}"#;
    let members = "a ready running\nb ready running warming for:1m\nc ready running revision:2 unhealthy tried:3/120s";
    let scene = scene(&format!("group 2 revision:2\n{policy}\nstable 1\n{course}\n{members}"));
    let plan = scene.plan().unwrap();
    let replaced: Vec<_> = plan.origins.iter().map(|origin| origin.replaces).collect();
    assert_eq!(replaced, [Some(scene.members[2].operation)], "{plan:#?}");
}
