//! What happens at the very millisecond, and between two looks: the table counts in seconds.

use core::time::Duration;

use crate::support::table::{NOW, Scene, scene};
use tsg_core::model::id::OperationId;
use tsg_core::model::time::Timestamp;
use tsg_core::plan::input::{Member, View};
use tsg_core::plan::output::{Action, Plan, Reason, Wait};
use tsg_core::plan::plan;
use tsg_core::plan::recorded::Recorded;
use tsg_core::plan::render::in_words;
use tsg_core::plan::replay::record;
use tsg_core::plan::why::Prospect;

const MILLISECOND: Duration = Duration::from_millis(1);

fn deleted(plan: &Plan) -> Vec<OperationId> {
    let deletes = plan.actions.iter().filter(|planned| matches!(planned.action, Action::Delete { .. }));
    deletes.map(|planned| planned.action.operation()).collect()
}

/// The plan of a scene that was looked at some time ago.
fn seen_ago(scene: &Scene, ago: Duration) -> Plan {
    let input = scene.input(&scene.members);
    plan(&tsg_core::plan::PlanInput { view: View { taken_at: NOW.before(ago), ..input.view }, ..input }).unwrap()
}

#[test]
fn what_a_guest_says_is_believed_for_ten_minutes_and_no_longer() {
    let mut group = scene("group 1\na ready running cost:5 said:600s\nb ready running cost:1 said:600s");
    let [dear, cheap] = [0, 1].map(|index| group.members[index].operation);
    assert_eq!(deleted(&group.plan().unwrap()), [cheap]);
    for detail in &mut group.details {
        detail.guest_at = detail.guest_at.before(MILLISECOND);
    }
    assert_eq!(deleted(&group.plan().unwrap()), [dear], "the oldest");
}

#[test]
fn a_hold_that_is_to_end_at_once_ends_a_millisecond_later() {
    let table = r#"policy {"max_unhealthy": {"clear_after": 0}}"#;
    let repair = r#"repair {"hold": {"since": -10, "under_since": 0}}"#;
    let plan = scene(&format!("group 1\n{table}\n{repair}\na ready running")).plan().unwrap();
    assert_eq!(plan.next_wakeup, Some(NOW.after(MILLISECOND)));
}

#[test]
fn members_of_a_node_went_down_together_within_a_minute_and_no_longer() {
    for (apart, is_reboot) in [(60_000, true), (60_001, false)] {
        let mut group = scene("group 2\na ready stopped cn:4 for:1h\nb ready stopped cn:4 for:1h");
        group.members[1].state_since = group.members[0].state_since.after(Duration::from_millis(apart));
        let plan = group.plan().unwrap();
        let reasons: Vec<Reason> = plan.actions.iter().map(|planned| planned.reason).collect();
        let reason = if is_reboot { Reason::NodeRestarted { node: 4 } } else { Reason::Stopped { starts: 0 } };
        assert_eq!(reasons, [reason; 2], "{apart} ms apart");
    }
}

#[test]
fn one_that_was_told_to_restart_after_the_last_look_does_not_count_as_serving() {
    let quiet = "stable 1\nrollout {\"target\": 1, \"state\": \"successful\"}";
    let group = scene(&format!("group 1\n{quiet}\na ready running tried:1/2s\nb ready running"));
    for (ago, is_kept) in [(2, true), (1, false)] {
        let plan = seen_ago(&group, Duration::from_secs(ago));
        let is_told = plan.report.waits.contains(&Wait::Availability { count: 1, floor: 1 });
        assert_eq!((plan.actions.is_empty(), is_told), (is_kept, is_kept), "seen {ago} s ago");
    }
}

#[test]
fn what_was_to_be_seen_in_the_past_is_no_reason_to_look_again_now() {
    let policy = r#"policy {"update": {"mode": "on_create"}}"#;
    let group = scene(&format!("group 1\n{policy}\na ready running tried:1/1s"));
    assert_eq!(seen_ago(&group, Duration::from_secs(2)).next_wakeup, None);
    // It can be seen again a second after it was told: at this moment, or before.
    for ago in [1, 5] {
        let late = scene(&format!("group 2\n{policy}\na ready running tried:1/{ago}s\nb bound provisioning"));
        let plan = seen_ago(&late, Duration::from_secs(6));
        assert_eq!(plan.next_wakeup, late.plan().unwrap().next_wakeup, "when the other one is overdue");
        assert!(plan.next_wakeup.is_some_and(|at| at > NOW));
    }
}

#[test]
fn a_plan_looks_sixteen_times_and_leaves_the_rest_to_the_next() {
    let policy = r#"policy {"stop": {"preserve": "always", "shutdown_timeout": 0}, "scale_in": {"at_once": 1}}"#;
    let members: String = ('a'..='t').map(|name| format!("{name} ready running\n")).collect();
    let quiet = "stable 1\nrollout {\"target\": 1, \"state\": \"successful\"}";
    let plan = scene(&format!("group 1\n{policy}\n{quiet}\n{members}")).plan().unwrap();
    assert_eq!((deleted(&plan).len(), plan.actions.len()), (15, 16));
}

#[test]
fn what_is_due_now_is_done_as_soon_as_it_may_be() {
    let told = |due_at: Timestamp| {
        let prospect = Prospect::Restarts { due_at: Some(due_at), reason: Reason::Stopped { starts: 0 } };
        in_words(&prospect, NOW).to_string()
    };
    assert!(told(NOW).contains("as soon as it may be"), "{}", told(NOW));
    assert!(told(NOW.after(Duration::from_secs(5))).contains("in 5 s"));
}

#[test]
fn members_that_say_nothing_are_read_back_from_their_recording() {
    let mut group = scene("group 2");
    group.members = (1..=2).map(|id| Member::planned(OperationId::from_bits(id), 1, 1, NOW)).collect();
    let input = group.input(&group.members);
    assert_eq!(Recorded::parse(&record(&input)), Ok(Recorded::of(&input)));
}
