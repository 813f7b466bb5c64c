//! What a forecast says of small groups, to the millisecond: each thing that the cloud does by
//! itself, what was under way at the begin, and what a run waits for.

use core::time::Duration;
use std::fmt::Write as _;

use crate::support::even::{EVEN, foreseen, secs};
use crate::support::table::{Scene, scene};
use tsg_core::model::id::OperationId;
use tsg_core::plan::forecast::{Faults, Latency, Model};
use tsg_core::plan::output::{Action, Class};

/// Each step with its moment, and how it ends. New operations are called 1, 2, ...
fn told(scene: &Scene, model: &Model) -> String {
    let foreseen = foreseen(scene, model);
    let mut names: Vec<(OperationId, String)> =
        scene.names.iter().map(|(name, operation)| (*operation, name.clone())).collect();
    let mut text = String::new();
    for step in &foreseen.steps {
        let (action, at) = (step.planned.action, step.at.since(foreseen.begins_at));
        if let Action::Create { operation, .. } = action {
            names.push((operation, (names.len() - scene.names.len() + 1).to_string()));
        }
        let (_, name) = names.iter().find(|(operation, _)| *operation == action.operation()).unwrap();
        write!(text, "{at:?} {} {name}, ", verb(action)).unwrap();
    }
    let counts = foreseen.report.counts;
    let counts = Class::ALL.iter().filter(|class| counts.of(**class) > 0);
    let counts: Vec<String> = counts.map(|class| format!("{} {class:?}", foreseen.report.counts.of(*class))).collect();
    write!(text, "{:?} {:?}: {}", foreseen.took(), foreseen.ending, counts.join(" ")).unwrap();
    text
}

const fn verb(action: Action) -> &'static str {
    match action {
        Action::Create { .. } => "create",
        Action::Cancel { .. } => "cancel",
        Action::Delete { .. } => "delete",
        Action::Start { .. } => "start",
        Action::Restart { .. } => "restart",
        Action::Drain { .. } => "drain",
        Action::Stop { .. } => "stop",
        Action::Keep { .. } => "keep",
        Action::Update { .. } => "update",
    }
}

/// What a table comes to.
#[track_caller]
fn comes_to(table: &str, model: &Model, expected: &str) {
    let told = told(&scene(table), model);
    assert_eq!(told, expected, "{table}");
}

#[test]
fn a_new_machine_is_asked_for_at_once_and_runs_when_its_time_is_over() {
    comes_to("group 1", &EVEN, "0ns create 1, 50s Settled: 1 Serving");
    comes_to("group 1", &Model { healthy_after: secs(5), ..EVEN }, "0ns create 1, 55s Settled: 1 Serving");
    // Cut short in between.
    comes_to(
        "group 1",
        &Model { horizon: Duration::from_millis(19_999), ..EVEN },
        "0ns create 1, 0ns CutShort: 1 Starting",
    );
    comes_to("group 1", &Model { horizon: secs(20), ..EVEN }, "0ns create 1, 20s CutShort: 1 Serving");
    comes_to(
        "group 1",
        &Model { horizon: secs(24), healthy_after: secs(5), ..EVEN },
        "0ns create 1, 20s CutShort: 1 Starting",
    );
    comes_to("group 1", &Model { plans_max: 0, ..EVEN }, "0ns CutShort: ");
    comes_to("group 1", &Model { plans_max: 1, ..EVEN }, "0ns create 1, 0ns CutShort: 1 Intended");
}

#[test]
fn what_was_under_way_at_the_begin_is_finished_from_where_it_stood() {
    comes_to("group 1\na planned\n", &EVEN, "50s Settled: 1 Serving");
    comes_to("group 1\na sent for:5s\n", &EVEN, "50s Settled: 1 Serving");
    comes_to("group 1\na unknown for:5m\n", &EVEN, "650s Settled: 1 Serving");
    comes_to("group 1\na bound for:5s\n", &EVEN, "45s Settled: 1 Serving");
    comes_to("group 1\na bound provisioning for:5s\n", &EVEN, "45s Settled: 1 Serving");
    comes_to("group 1\na bound provisioning for:25s\n", &EVEN, "30s Settled: 1 Serving");
    comes_to("group 1\na bound running for:5s\n", &Model { healthy_after: secs(7), ..EVEN }, "37s Settled: 1 Serving");
    comes_to("group 1\na bound failed for:5s\n", &EVEN, "0ns delete a, 10s create 1, 60s Settled: 1 Serving");
    comes_to("group 1\na bound missing for:5s\n", &EVEN, "0ns Stands: 1 Missing");
    comes_to("group 0\na deleting running for:4s\n", &EVEN, "6s Settled: ");
    comes_to("group 1\na ready deleted for:4s\n", &EVEN, "0ns create 1, 50s Settled: 1 Serving");
    comes_to("group 1\na ready missing for:5s\n", &EVEN, "0ns Stands: 1 Missing");
    comes_to("group 1\na ready booting for:5s\n", &EVEN, "40s Settled: 1 Serving");
    comes_to("group 1\na ready stopping for:5s\n", &EVEN, "10s start a, 55s Settled: 1 Serving");
    comes_to("group 1\na ready stopped for:5s\n", &EVEN, "0ns start a, 45s Settled: 1 Serving");
    comes_to(
        "group 1\na ready running for:4s\n",
        &Model { healthy_after: secs(3600), ..EVEN },
        "26s Settled: 1 Serving",
    );
    comes_to(
        "group 1\na ready running warming for:4s\n",
        &Model { healthy_after: secs(60), ..EVEN },
        "86s Settled: 1 Serving",
    );
    comes_to("group 1\na ready provisioning for:5s\n", &EVEN, "0ns Stands: 1 OutOfContact");
}

#[test]
fn a_machine_that_is_started_or_restarted_is_away_until_it_runs() {
    comes_to("group 1\na ready stopped\n", &EVEN, "0ns start a, 45s Settled: 1 Serving");
    comes_to(
        "group 1\na ready stopped\n",
        &Model { horizon: secs(14), ..EVEN },
        "0ns start a, 0ns CutShort: 1 Starting",
    );
    comes_to("group 1\na ready running unhealthy for:1h\n", &EVEN, "0ns restart a, 45s Settled: 1 Serving");
}

/// At most one of the group may be away, and none more than the capacity be there.
const ONE_AWAY: &str = r#"policy {"update": {"max_surge": 0, "max_unavailable": 1, "max_disruption": "resize"}}"#;

#[test]
fn one_that_a_person_wants_restarted_is_away_until_it_is_healthy_again() {
    let both = format!("group 2\n{ONE_AWAY}\na ready running for:1h restart\nb ready running for:1h restart\n");
    comes_to(&both, &EVEN, "0ns restart a, 45s restart b, 90s Settled: 2 Serving");
    comes_to(&both, &Model { horizon: secs(14), ..EVEN }, "0ns restart a, 0ns CutShort: 1 Starting 1 Serving");
    // What is being checked is not restarted before there is a verdict.
    let warming = format!("group 2\n{ONE_AWAY}\na ready running warming for:50s restart\nb ready running for:1h\n");
    let checked = Model { healthy_after: secs(60), ..EVEN };
    comes_to(&warming, &checked, "10s restart a, 115s Settled: 2 Serving");
    comes_to(&warming, &Model { horizon: secs(12), ..checked }, "10s restart a, 10s CutShort: 1 Starting 1 Serving");
    comes_to(&warming, &Model { horizon: secs(74), ..checked }, "10s restart a, 25s CutShort: 1 Starting 1 Serving");
}

#[test]
fn a_machine_that_is_resized_is_away_until_it_runs() {
    let done = r#"rollout {"target": 1, "state": "successful", "since": -86400}"#;
    let first = "revision 1 image:a package:x labels:l";
    let members = "a ready running for:1h\nb ready running for:1h";
    let to = |second| format!("group 2 revision:2\nstable 1\n{ONE_AWAY}\n{done}\n{first}\n{second}\n{members}\n");
    let resize = to("revision 2 image:a package:y labels:l");
    comes_to(&resize, &EVEN, "0ns update a, 60s update b, 120s Settled: 2 Serving");
    comes_to(&resize, &Model { horizon: secs(29), ..EVEN }, "0ns update a, 0ns CutShort: 1 Starting 1 Serving");
    // Nor is what is being checked resized before there is a verdict.
    let checked = Model { healthy_after: secs(60), ..EVEN };
    let warming = resize.replace("a ready running for:1h", "a ready running warming for:50s");
    comes_to(&warming, &checked, "10s update a, 130s update b, 250s Settled: 2 Serving");
    comes_to(&warming, &Model { horizon: secs(12), ..checked }, "10s update a, 10s CutShort: 1 Starting 1 Serving");
    comes_to(&to("revision 2 image:a package:x labels:m"), &EVEN, "0ns update a, 0ns update b, 30s Settled: 2 Serving");
}

const DRAINS: &str = r#"policy {"stop": {"drain": {"delay": "10s", "timeout": "60s"}}}"#;

#[test]
fn a_drain_ends_when_the_guest_says_so_or_its_time_is_over() {
    let table = format!("group 1\n{DRAINS}\na ready running for:1h\nb ready running for:2h\n");
    comes_to(&table, &EVEN, "0ns drain a, 30s delete a, 40s Settled: 1 Serving");
    comes_to(&table, &Model { drain: secs(3600), ..EVEN }, "0ns drain a, 60s delete a, 70s Settled: 1 Serving");
    comes_to(
        &table,
        &Model { horizon: secs(35), ..EVEN },
        "0ns drain a, 30s delete a, 30s CutShort: 1 Leaving 1 Serving",
    );
    let table =
        "group 1\npolicy {\"stop\": {\"shutdown\": \"graceful\"}}\na ready running for:1h\nb ready running for:2h\n";
    comes_to(table, &EVEN, "0ns stop a, 10s delete a, 20s Settled: 1 Serving");
    comes_to(table, &Model { shutdown: secs(3600 * 24), ..EVEN }, "0ns stop a, 60s delete a, 70s Settled: 1 Serving");
    let table = "group 1\npolicy {\"stop\": {\"shutdown\": \"graceful\", \"preserve\": \"always\"}}\na ready running for:1h\nb ready running for:2h\n";
    comes_to(table, &EVEN, "0ns stop a, 10s keep a, 10s Settled: 1 Kept 1 Serving");
}

#[test]
fn a_removal_that_was_begun_before_is_finished_from_where_it_stood() {
    let drains = |member| format!("group 1\n{DRAINS}\n{member}\nb ready running for:2h\n");
    comes_to(&drains("a ready running draining:12s"), &EVEN, "18s delete a, 28s Settled: 1 Serving");
    comes_to(&drains("a ready running draining:12s drained"), &EVEN, "0ns delete a, 10s Settled: 1 Serving");
    comes_to(&drains("a ready running draining:40s"), &EVEN, "0ns delete a, 10s Settled: 1 Serving");
    comes_to(
        &drains("a ready running draining:12s"),
        &Model { drain: secs(3600), ..EVEN },
        "48s delete a, 58s Settled: 1 Serving",
    );
    let stops = |member| {
        format!("group 1\npolicy {{\"stop\": {{\"shutdown\": \"graceful\"}}}}\n{member}\nb ready running for:2h\n")
    };
    comes_to(&stops("a ready running stopping:4s"), &EVEN, "6s delete a, 16s Settled: 1 Serving");
    comes_to(&stops("a ready stopping stopping:4s"), &EVEN, "6s delete a, 16s Settled: 1 Serving");
    comes_to(&stops("a ready stopped stopping:4s"), &EVEN, "0ns delete a, 10s Settled: 1 Serving");
}

#[test]
fn what_is_deleted_has_only_its_end_before_it() {
    comes_to(
        "group 0\na bound provisioning for:5s\n",
        &Model { destroy: secs(30), healthy_after: secs(3600), ..EVEN },
        "0ns delete a, 30s Settled: ",
    );
    comes_to("group 1\na bound failed for:5s\nb ready running\n", &EVEN, "0ns delete a, 10s Settled: 1 Serving");
    comes_to(
        "group 1 deletes:0\na ready running\nb ready running\n",
        &Model { plans_max: 50, ..EVEN },
        "48s CutShort: 2 Serving",
    );
    comes_to("group 0\na planned\nb sent for:5s\n", &EVEN, "0ns cancel a, 0ns delete b, 10s Settled: ");
}

#[test]
fn requests_leave_one_after_the_other() {
    comes_to(
        "group 0\na ready running\nb ready running\nc ready running\n",
        &Model { requests_per_second: 1, ..EVEN },
        "0ns delete a, 0ns delete b, 0ns delete c, 12s Settled: ",
    );
    comes_to(
        "group 3",
        &Model { requests_per_second: 4, ..EVEN },
        "0ns create 1, 0ns create 2, 0ns create 3, 50.5s Settled: 3 Serving",
    );
    comes_to("group 2\na planned\nb planned\n", &Model { requests_per_second: 2, ..EVEN }, "50.5s Settled: 2 Serving");
}

#[test]
fn the_slow_start_widens_with_each_answer() {
    comes_to(
        "group 5 window:1",
        &EVEN,
        "0ns create 1, 0ns create 2, 0ns create 3, 0ns create 4, 0ns create 5, 50s Settled: 5 Serving",
    );
    comes_to(
        "group 5 window:1",
        &Model { requests_per_second: 1, ..EVEN },
        "0ns create 1, 0ns create 2, 0ns create 3, 1s create 4, 1s create 5, 54s Settled: 5 Serving",
    );
    // The one in doubt fills the window; the other is looked at again each second.
    comes_to("group 2 window:1\na unknown for:5m\nb planned\n", &EVEN, "650s Settled: 2 Serving");
    comes_to("group 1 refused:quota/60s\na planned\n", &EVEN, "110s Settled: 1 Serving");
    comes_to("group 2 refused:quota/60s", &EVEN, "60s create 1, 60s create 2, 110s Settled: 2 Serving");
    comes_to("group 2 window:0\na planned\nb planned\n", &EVEN, "50s Settled: 2 Serving");
}

#[test]
fn failures_in_a_row_let_creates_wait() {
    let failing = |failing_every| Model { faults: Faults { failing_every, ..Faults::default() }, ..EVEN };
    comes_to(
        "group 1",
        &Model { horizon: secs(500), ..failing(1) },
        "0ns create 1, 20s delete 1, 30s create 2, 50s delete 2, 60s create 3, 80s delete 3, 140s create 4, 160s delete 4, 280s create 5, 300s delete 5, 310s CutShort: ",
    );
    comes_to("group 2", &failing(2), "0ns create 1, 0ns create 2, 20s delete 2, 30s create 3, 80s Settled: 2 Serving");
    comes_to(
        "group 4",
        &failing(2),
        "0ns create 1, 0ns create 2, 0ns create 3, 0ns create 4, 20s delete 4, 20s delete 2, 30s create 5, 30s create 6, 50s delete 6, 60s create 7, 110s Settled: 4 Serving",
    );
    comes_to(
        "group 3",
        &Model { provisioning: Latency::EachSlow { usual: secs(20), slow: secs(50), each: 2 }, ..EVEN },
        "0ns create 1, 0ns create 2, 0ns create 3, 80s Settled: 3 Serving",
    );
    comes_to(
        "group 1\na bound provisioning for:5s\n",
        &Model { provisioning: Latency::EachSlow { usual: secs(20), slow: secs(50), each: 1 }, ..EVEN },
        "75s Settled: 1 Serving",
    );
}

#[test]
fn a_revision_that_is_never_healthy() {
    let faults = Faults { unhealthy_revision: 1, ..Faults::default() };
    comes_to(
        "group 1",
        &Model { faults, horizon: secs(20), ..EVEN },
        "0ns create 1, 20s restart 1, 20s CutShort: 1 Unhealthy",
    );
    comes_to(
        "group 1",
        &Model { faults, horizon: secs(100), ..EVEN },
        "0ns create 1, 20s restart 1, 35s CutShort: 1 Unhealthy",
    );
    comes_to(
        "group 1",
        &Model { faults: Faults { unhealthy_revision: 2, ..faults }, healthy_after: secs(5), ..EVEN },
        "0ns create 1, 55s Settled: 1 Serving",
    );
    comes_to(
        "group 1",
        &Model { provisioning: Latency::Fixed(secs(200)), healthy_after: secs(200), ..EVEN },
        "0ns create 1, 430s Settled: 1 Serving",
    );
}

#[test]
fn the_time_to_become_healthy_begins_when_a_machine_runs() {
    let slow = Model { provisioning: Latency::Fixed(secs(400)), healthy_after: secs(400), ..EVEN };
    comes_to("group 1", &slow, "0ns create 1, 830s Settled: 1 Serving");
    comes_to(
        "group 1",
        &Model { healthy_after: secs(900), horizon: secs(1000), ..EVEN },
        "0ns create 1, 650s create 2, 950s delete 2, 960s Settled: 1 Serving",
    );
}

#[test]
fn budgets_are_filled_up_when_there_is_something_to_pay() {
    comes_to(
        "group 4 window:8 creates:1",
        &Model { refill: Duration::ZERO, ..EVEN },
        "0ns create 1, 1ms create 2, 2ms create 3, 3ms create 4, 50.003s Settled: 4 Serving",
    );
    comes_to(
        "group 4 window:8 creates:1",
        &Model { refill: secs(5), ..EVEN },
        "0ns create 1, 5s create 2, 10s create 3, 15s create 4, 65s Settled: 4 Serving",
    );
    comes_to("group 1\na unknown for:5m\n", &Model { plans_max: 10, ..EVEN }, "650s Settled: 1 Serving");
    comes_to("group 2 frozen\na bound provisioning for:5s\n", &EVEN, "15s Stands: 1 Serving");
}

#[test]
fn what_vanished_is_forgotten_after_the_window() {
    let table = |vanished| {
        format!(
            "group 4 vanished:{vanished}\npolicy {{\"max_unhealthy\": {{\"limit\": 1, \"window\": \"10m\"}}}}\na ready running\nb ready running\n"
        )
    };
    comes_to(&table(0), &EVEN, "0ns create 1, 0ns create 2, 50s Settled: 4 Serving");
    comes_to(&table(1), &EVEN, "0ns create 1, 0ns create 2, 50s Settled: 4 Serving");
    comes_to(&table(2), &EVEN, "900s create 1, 900s create 2, 950s Settled: 4 Serving");
    comes_to(&table(2), &Model { refill: secs(3600), ..EVEN }, "900s create 1, 900s create 2, 950s Settled: 4 Serving");
    comes_to(&table(2), &Model { refill: secs(599), ..EVEN }, "900s create 1, 900s create 2, 950s Settled: 4 Serving");
    let table = |vanished| {
        format!(
            "group 2 vanished:{vanished}\npolicy {{\"max_unhealthy\": {{\"limit\": 1, \"window\": \"10m\"}}}}\na ready running\nb ready running unhealthy tried:3/120s\n"
        )
    };
    comes_to(&table(0), &EVEN, "0ns create 1, 50s delete b, 60s Settled: 2 Serving");
    comes_to(&table(1), &EVEN, "900s create 1, 950s delete b, 960s Settled: 2 Serving");
    comes_to(&table(1), &Model { refill: secs(3600), ..EVEN }, "900s create 1, 950s delete b, 960s Settled: 2 Serving");
}

#[test]
fn each_so_manieth_machine_is_counted_from_the_first() {
    let each = |each| Model { provisioning: Latency::EachSlow { usual: secs(20), slow: secs(50), each }, ..EVEN };
    comes_to("group 2", &each(3), "0ns create 1, 0ns create 2, 50s Settled: 2 Serving");
    comes_to("group 3", &each(3), "0ns create 1, 0ns create 2, 0ns create 3, 80s Settled: 3 Serving");
    comes_to("group 1", &each(0), "0ns create 1, 50s Settled: 1 Serving");
    comes_to(
        "group 1 window:8 deletes:0 repairs:0",
        &Model { faults: Faults { failing_every: 1, unhealthy_revision: 0 }, horizon: secs(30), ..EVEN },
        "0ns create 1, 30s CutShort: 1 Failed",
    );
    // One whose operation is nothing but zeros gets a machine like any other.
    let mut scene = scene("group 1\na sent for:5s\n");
    scene.members[0].operation = OperationId::from_bits(0);
    assert_eq!(told(&scene, &EVEN), "50s Settled: 1 Serving");
}

fn nodes_used(table: &str, model: &Model) -> u32 {
    foreseen(&scene(table), model).nodes_used
}

#[test]
fn machines_go_to_the_emptiest_node_that_is_well() {
    let over = |nodes| Model { nodes, ..EVEN };
    assert_eq!([0, 1, 2, 3, 5].map(|nodes| nodes_used("group 3", &over(nodes))), [0, 1, 2, 3, 3]);
    assert_eq!(nodes_used("group 3\nnode 1 draining/60s\nnode 2 draining/60s\n", &over(4)), 2);
    assert_eq!(nodes_used("group 2\na ready running cn:0\n", &over(2)), 2);
    assert_eq!(nodes_used("group 4\na ready running cn:0\nb ready running cn:0\n", &over(3)), 3);
    assert_eq!(nodes_used("group 1\na ready running cn:9\n", &over(2)), 1);
}

#[test]
fn a_successor_does_not_go_where_its_predecessor_died() {
    // The other node is to be emptied, and still it is the better one.
    let table = "group 1\nnode 1 draining/60s\na ready running unhealthy tried:3/120s cn:0\n";
    assert_eq!(nodes_used(table, &Model { nodes: 2, horizon: secs(15), ..EVEN }), 2);
    let table = "group 2\nnode 1 draining/60s\na ready running cn:0\n";
    assert_eq!(nodes_used(table, &Model { nodes: 2, horizon: secs(15), ..EVEN }), 1);
}

#[test]
fn the_extremes_of_a_run_are_told() {
    let extremes = |table: &str| {
        let foreseen = foreseen(&scene(table), &EVEN);
        (foreseen.peak, foreseen.least_serving)
    };
    assert_eq!(extremes("group 2"), (2, 0));
    assert_eq!(extremes("group 1\na ready running\nb ready running\nc ready running\n"), (3, 1));
}

#[test]
fn the_default_is_a_data_centre_that_is_not_busy() {
    let provisioning = Latency::Spread { median: secs(20), slowest: secs(60), seed: 0 };
    let (requests_per_second, plans_max) = (10, 100_000);
    assert_eq!(Model::default(), Model { provisioning, requests_per_second, plans_max, ..EVEN });
    assert_eq!((EVEN.horizon, Faults::default()), (secs(604_800), EVEN.faults));
}

#[test]
fn a_draw_follows_from_its_seed_and_its_number() {
    let of = |seed, nth| Latency::Spread { median: secs(20), slowest: secs(60), seed }.of(nth).as_millis();
    let drawn = |seed| [0, 1, 2, 3, 1000, u32::MAX].map(|nth| of(seed, nth));
    assert_eq!(
        [drawn(0), drawn(1), drawn(u64::MAX)],
        [
            [20000, 22560, 21760, 18880, 19620, 19620],
            [19300, 20000, 20160, 14700, 13320, 28080],
            [46480, 52880, 10020, 32720, 16600, 17920]
        ]
    );
}
