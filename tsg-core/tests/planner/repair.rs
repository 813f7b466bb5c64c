//! What repair remembers, and what comes of it over several plans.

use core::time::Duration;

use crate::support::apply::applied;
use crate::support::table::{NOW, Scene, scene};
use tsg_core::model::id::OperationId;
use tsg_core::plan::input::RestartHistory;
use tsg_core::plan::memory::{Suspension, SuspensionCause};
use tsg_core::plan::output::{Action, Plan};

const HOUR: Duration = Duration::from_secs(3600);

fn carried_out(scene: &Scene) -> (Plan, Scene) {
    let plan = scene.plan().unwrap();
    let after = applied(scene, &plan);
    (plan, after)
}

fn suspension(memory: &str, last: &str) -> Option<Suspension> {
    let table = format!("group 3\nrepair {memory}\na ready running\nb ready running\n{last}\n");
    carried_out(&scene(&table)).1.memory.repair.suspension
}

#[test]
fn the_third_replacement_of_a_revision_that_dies_young_suspends_repairs() {
    let failed = "c bound failed replaces:z";
    let memory = r#"{"lineage_revision": 1, "failed_lineages": 2, "lineage_failed_at": -600}"#;
    let cause = SuspensionCause::LineagesFail { lineages: 3, revision: 1 };
    let expected = Suspension { since: NOW, cause, probe_at: NOW.after(HOUR), probe: None };
    assert_eq!(suspension(memory, failed), Some(expected));
    assert_eq!(suspension(memory, "c bound failed"), None, "it replaced nothing");
    let apart = r#"{"lineage_revision": 1, "failed_lineages": 2, "lineage_failed_at": -7201}"#;
    assert_eq!(suspension(apart, failed), None, "failures that lie far apart are not one problem");
    let other = r#"{"lineage_revision": 3, "failed_lineages": 2, "lineage_failed_at": -600}"#;
    assert_eq!(suspension(other, failed), None, "failures of another revision do not count");
}

#[test]
fn a_probe_is_remembered_and_when_it_stays_good_for_an_hour_repairs_go_on() {
    let suspended = r#"repair {"suspension": {"since": -3600, "probe_at": 0, "probe": null,
        "cause": {"lineages_fail": {"lineages": 3, "revision": 1}}}, "lineage_revision": 1}"#;
    let table =
        format!("group 2\n{}\na ready running\nb ready running unhealthy tried:3/120s", suspended.replace('\n', " "));
    let (plan, after) = carried_out(&scene(&table));
    let Action::Create { operation, .. } = plan.actions[0].action else { panic!("{plan:?}") };
    let probing = after.memory.repair.suspension.unwrap();
    assert_eq!((probing.probe, probing.probe_at), (Some(operation), NOW.after(HOUR)));

    let mut good = scene(&table);
    let probe = OperationId::from_bits(1);
    good.memory.repair.suspension = Some(Suspension { probe: Some(probe), probe_at: NOW.after(HOUR), ..probing });
    let since = |scene: &mut Scene, ago| {
        scene.members[0].phase_since = NOW.before(ago);
        scene.members[0].state_since = NOW.before(ago);
    };
    since(&mut good, HOUR - Duration::from_secs(1));
    let waiting = good.plan().unwrap();
    assert_eq!((waiting.actions.len(), waiting.next_wakeup), (0, Some(NOW.after(Duration::from_secs(1)))));
    since(&mut good, HOUR);
    let (plan, after) = carried_out(&good);
    assert_eq!((plan.actions.len(), after.memory.repair.suspension), (1, None));
    assert_eq!(after.memory.repair.resumed_at, NOW);
}

#[test]
fn a_successor_avoids_the_node_of_its_predecessor_and_carries_the_count_on() {
    let chain = "group 1\nb ready running unhealthy cn:7 for:10m state:5m tried:3/240s replaces:a retry:1";
    let (plan, after) = carried_out(&scene(chain));
    let origin = plan.origins[0];
    assert_eq!((origin.replaces, origin.retries), (Some(OperationId::from_bits(2)), 2));
    assert_eq!(origin.avoid, [Some(7), None]);
    let successor = after.details.iter().find(|detail| detail.operation == origin.operation).unwrap();
    assert_eq!((successor.replaces, successor.lineage.retries), (origin.replaces, 2));
}

#[test]
fn a_hold_is_remembered_with_when_it_began_to_end() {
    let (_, held) = carried_out(&scene("group 2\na ready running unhealthy\nb ready running unhealthy"));
    let hold = held.memory.repair.hold.unwrap();
    assert_eq!((hold.since, hold.under_since), (NOW, None));
    let mut well = scene("group 2\na ready running\nb ready running");
    well.memory = held.memory;
    let (plan, well) = carried_out(&well);
    assert_eq!(well.memory.repair.hold.unwrap().under_since, Some(NOW));
    assert_eq!(plan.next_wakeup, Some(NOW.after(Duration::from_secs(300))));
    let mut later = well;
    later.now = NOW.after(Duration::from_secs(300));
    assert_eq!(carried_out(&later).1.memory.repair.hold, None);
}

#[test]
fn a_start_after_a_reboot_is_remembered_and_is_no_attempt() {
    let after = carried_out(&scene("group 2\na ready stopped cn:4 state:10m\nb ready stopped cn:4 state:10m")).1;
    let expected = RestartHistory::NONE.with_excused(NOW);
    assert!(after.details.len() == 2 && after.details.iter().all(|detail| detail.restarts == expected));
    assert_eq!((expected.within(HOUR, NOW), expected.last_at()), (0, Some(NOW)));
    let mixed = expected.with(NOW).with_excused(NOW).with(NOW);
    assert_eq!(mixed.within(HOUR, NOW), 2);
}
