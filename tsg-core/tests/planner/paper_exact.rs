//! What a plan that was carried out on paper leaves behind, exactly.

use crate::support::apply::applied;
use crate::support::table::{Scene, scene};
use tsg_core::plan::input::{Limits, Mark};
use tsg_core::plan::output::Action;

/// A scene with ten of each, and what its plan leaves.
fn carried_out(table: &str) -> (Scene, Scene) {
    let mut before = scene(table);
    let limits = before.limits;
    before.limits = Limits { creates: 10, asked_deletes: 10, unasked_deletes: 10, starts: 10, ..limits };
    let after = applied(&before, &before.plan().unwrap());
    (before, after)
}

/// Creates, removals that were asked for and that were not, and starts.
fn left(table: &str) -> [u32; 4] {
    let limits = carried_out(table).1.limits;
    [limits.creates, limits.asked_deletes, limits.unasked_deletes, limits.starts]
}

#[test]
fn each_step_is_paid_for_once_and_from_its_own_budget() {
    assert_eq!(left("group 1\na ready running"), [10, 10, 10, 10]);
    assert_eq!(left("group 2"), [8, 10, 10, 10]);
    assert_eq!(left("group 0\na ready running"), [10, 9, 10, 10]);
    assert_eq!(left("group 2 most:1\na ready running\nb bound failed"), [10, 10, 9, 10]);
    assert_eq!(left("group 1\na ready stopped"), [10, 10, 10, 9]);
    assert_eq!(left("group 1\na ready running unhealthy"), [10, 10, 10, 9]);
    let asked = "group 2\npolicy {\"update\": {\"max_surge\": 0, \"max_unavailable\": 2}}\na ready running restart\nb ready running";
    assert!(matches!(scene(asked).plan().unwrap().actions[0].action, Action::Restart { .. }));
    assert_eq!(left(asked), [10, 10, 10, 10], "a person asked for it");
    let draining = "group 0\npolicy {\"stop\": {\"drain\": {\"timeout\": \"5m\"}}}\na ready running draining:1h";
    let (_, after) = carried_out(draining);
    assert_eq!(after.limits.asked_deletes, 10, "it was paid for when it was drained");
}

#[test]
fn the_next_plan_has_another_seed() {
    let (before, after) = carried_out("group 2");
    assert_eq!(after.seed, before.seed + 1);
}

#[test]
fn new_members_come_after_all_there_were() {
    let sequences = |table: &str| {
        let (before, after) = carried_out(table);
        let is_new = |operation| before.members.iter().all(|member| member.operation != operation);
        let mut new: Vec<u32> =
            after.members.iter().filter(|member| is_new(member.operation)).map(|member| member.sequence).collect();
        new.sort_unstable();
        new
    };
    assert_eq!(sequences("group 2"), [1, 2]);
    assert_eq!(sequences("group 4\na ready running age:7\nb ready running age:3"), [8, 9]);
}

#[test]
fn what_was_cancelled_is_gone_with_all_that_was_said_about_it() {
    let before = scene("group 0\na planned retry:1\nb planned retry:1\nc planned retry:1");
    let mut plan = before.plan().unwrap();
    assert!(plan.actions.iter().all(|planned| matches!(planned.action, Action::Cancel { .. })));
    for _ in 0..2 {
        plan.actions.reverse();
        let after = applied(&before, &plan);
        assert_eq!((after.members, after.details), (vec![], vec![]));
    }
}

#[test]
fn an_instance_that_is_resized_need_not_be_restarted_as_well() {
    let policy = r#"policy {"update": {"max_surge": 0, "max_unavailable": 1}}"#;
    let revisions = "revision 1 image:a package:x\nrevision 2 image:a package:y\nstable 1";
    let table = format!("group 1 revision:2\n{policy}\n{revisions}\na ready running");
    let plan = scene(&table).plan().unwrap();
    assert!(matches!(plan.actions[0].action, Action::Update { .. }), "{plan:?}");
    let after = applied(&scene(&(table + " restart")), &plan);
    assert_eq!((after.members[0].revision, after.details[0].marks.has(Mark::Restart)), (2, false));
}
