//! A forecast takes the planner's own steps, ends whatever the input is, and its times are those
//! that follow from the model.

use core::time::Duration;

use crate::support::even::{EVEN, foreseen, secs};
use crate::support::table::{Scene, scene};
use proptest::prelude::{ProptestConfig, prop_assert, prop_assert_eq, proptest};
use tsg_core::model::id::{InstanceId, OperationId};
use tsg_core::model::instance::InstanceState;
use tsg_core::model::operation::Phase;
use tsg_core::plan::forecast::{Ending, Faults, Forecast, Model, forecast};
use tsg_core::plan::input::{Member, Sighting};
use tsg_core::plan::memory::RolloutState;
use tsg_core::plan::output::{Action, Class, GroupStatus};
use tsg_core::plan::render::in_words;
use uuid::Uuid;

fn creates(forecast: &Forecast) -> Vec<Duration> {
    let of_create = forecast.steps.iter().filter(|step| matches!(step.planned.action, Action::Create { .. }));
    of_create.map(|step| step.at.since(forecast.begins_at)).collect()
}

#[test]
fn a_forecast_in_words() {
    let mut scene = scene("group 2\na ready running for:1h\nb ready stopped tried:1/5s\nc ready running for:2h\n");
    scene.memory.rollout.course = None;
    scene.policy.update.mode = tsg_core::model::policy::UpdateMode::OnCreate;
    let foreseen = foreseen(&scene, &EVEN);
    let mut told = in_words(&foreseen, foreseen.begins_at).to_string();
    for (name, operation) in &scene.names {
        told = told.replace(&operation.to_string(), name);
    }
    assert_eq!(
        told,
        "done in 10 s; at most 3 instances, at least 2 serving\n  \
         now: delete b: the group has 3 of 2, and this one is stopped or failed\n\
         then converged: 2 of 2 serving"
    );
}

#[test]
fn the_compute_nodes_that_are_used_are_told_where_they_are_known() {
    let told = |table: &str| {
        let foreseen = foreseen(&scene(table), &EVEN);
        in_words(&foreseen, foreseen.begins_at).to_string()
    };
    let told_of_one = told("group 1\na ready running cn:9\n");
    assert!(told_of_one.contains("serving, on 1 compute node\n"), "{told_of_one}");
    assert!(!told("group 1\na ready running\n").contains("compute node"));
}

/// `count` members of revision 1, with revision 2 wanted and `unavailable` of them out of service
/// at once at most.
fn outdated(count: u32, unavailable: u32) -> Scene {
    let policy = format!(r#"policy {{"update": {{"max_surge": 0, "max_unavailable": {unavailable}}}}}"#);
    let done = r#"rollout {"target": 1, "state": "successful", "since": -86400}"#;
    let mut scene = scene(&format!("group {count} revision:2 window:256\nstable 1\n{policy}\n{done}\n"));
    for number in 1..=count {
        let id = u128::from(number);
        let mut member = Member::planned(OperationId::from_bits(id), number, 1, scene.now.before(secs(86_400)));
        (member.phase, member.sighting) = (Phase::Ready, Sighting::Present(InstanceState::Running));
        scene.members.push(member.with_instance(InstanceId::new(Uuid::from_u128(id << 64))));
    }
    scene
}

#[test]
fn a_rolling_replacement_takes_as_long_as_its_waves_and_keeps_to_the_floor() {
    for (count, unavailable) in [(4, 1), (10, 3), (100, 10)] {
        let foreseen = foreseen(&outdated(count, unavailable), &Model { healthy_after: secs(5), ..EVEN });
        let state = foreseen.report.rollout.unwrap().course.state;
        assert_eq!((foreseen.ending, state), (Ending::Settled, RolloutState::Successful), "{foreseen:?}");
        assert_eq!(foreseen.least_serving, count - unavailable);
        assert_eq!(foreseen.peak, count);
        assert_eq!(foreseen.steps.len(), 2 * count as usize);
        // Gone, made, healthy, and healthy for long enough; without these gates it would be over
        // sooner, and with anything else between them later.
        let wave = EVEN.destroy + secs(20) + secs(5) + secs(30);
        let needed = wave * count.div_ceil(unavailable);
        assert!(foreseen.took() >= needed - secs(30), "{count}: {:?} of {needed:?}", foreseen.took());
        assert!(foreseen.took() <= needed * 105 / 100, "{count}: {:?} of {needed:?}", foreseen.took());
    }
}

#[test]
fn a_bad_revision_is_taken_back() {
    let faults = Faults { unhealthy_revision: 2, ..Faults::default() };
    let foreseen = foreseen(&outdated(4, 1), &Model { faults, healthy_after: secs(5), ..EVEN });
    let course = foreseen.report.rollout.unwrap().course;
    assert_eq!((foreseen.ending, course.state), (Ending::Stands, RolloutState::Reverted), "{foreseen:?}");
    assert_eq!(foreseen.report.counts.of(Class::Serving), 4);
    assert!(foreseen.least_serving >= 3);
}

#[test]
fn requests_leave_as_fast_as_the_cloud_takes_them() {
    let mut scene = scene("group 5 window:8");
    let steps = creates(&foreseen(&scene, &EVEN));
    assert_eq!(steps, [Duration::ZERO; 5]);
    // One create in the unknown; each answer lets one more out, and answers come in 100 ms each.
    scene.memory.create_window = 1;
    let paced = foreseen(&scene, &Model { requests_per_second: 10, ..EVEN });
    assert_eq!(creates(&paced).len(), 5);
    let serving = |forecast: &Forecast| forecast.report.counts.of(Class::Serving);
    assert_eq!((serving(&paced), paced.peak), (5, 5));
    assert!(paced.took() >= secs(20) + Duration::from_millis(400), "{:?}", paced.took());
}

#[test]
fn machines_are_placed_one_after_the_other() {
    let scene = scene("group 4 window:8");
    let quick = foreseen(&scene, &EVEN).took();
    let slow = foreseen(&scene, &Model { allocation: secs(7), ..EVEN }).took();
    assert_eq!(slow - quick, secs(4 * 7));
}

#[test]
fn machines_are_spread_over_the_nodes_and_away_from_bad_ones() {
    let scene = scene("group 6 window:8\nnode 1 draining/60s\n");
    let foreseen = foreseen(&scene, &Model { nodes: 4, ..EVEN });
    assert_eq!((foreseen.nodes_used, foreseen.ending), (3, Ending::Settled));
}

#[test]
fn a_create_in_doubt_is_waited_for() {
    let scene = scene("group 1\na unknown for:5m\n");
    let foreseen = foreseen(&scene, &EVEN);
    assert_eq!(foreseen.ending, Ending::Settled);
    assert!(foreseen.took() >= secs(10 * 60 + 20), "{:?}", foreseen.took());
    assert_eq!(foreseen.steps, []);
}

#[test]
fn machines_that_fail_are_made_again_until_one_comes_up() {
    let scene = scene("group 2 window:8");
    let faults = Faults { failing_every: 2, ..Faults::default() };
    let foreseen = foreseen(&scene, &Model { faults, ..EVEN });
    assert_eq!(foreseen.ending, Ending::Settled);
    assert!(creates(&foreseen).len() > 2);
}

#[test]
fn what_never_comes_up_is_cut_short_at_the_horizon() {
    let scene = scene("group 2 window:8");
    let faults = Faults { failing_every: 1, ..Faults::default() };
    let model = Model { faults, horizon: secs(3600), ..EVEN };
    let foreseen = foreseen(&scene, &model);
    assert_eq!((foreseen.ending, foreseen.least_serving), (Ending::CutShort, 0));
    assert!(foreseen.took() <= model.horizon);
    // The pause after failures in a row keeps it from being a storm.
    assert!((4..20).contains(&creates(&foreseen).len()), "{}", creates(&foreseen).len());
}

#[test]
fn a_group_that_a_person_has_stopped_stands() {
    let foreseen = foreseen(&scene("group 2 frozen"), &EVEN);
    assert_eq!((foreseen.ending, foreseen.report.status), (Ending::Stands, GroupStatus::Frozen));
    assert_eq!((foreseen.steps.as_slice(), foreseen.took()), (&[][..], Duration::ZERO));
}

#[test]
fn a_group_that_is_deleted_ends_deleted() {
    let foreseen = foreseen(&scene("group 2 deleting\na ready running\nb bound provisioning\nc planned\n"), &EVEN);
    assert_eq!((foreseen.ending, foreseen.report.status), (Ending::Settled, GroupStatus::Deleted));
    assert_eq!(foreseen.took(), secs(10));
}

#[test]
fn budgets_are_filled_up_again_and_again() {
    let scene = scene("group 4 window:8 creates:1");
    let foreseen = foreseen(&scene, &Model { refill: secs(5), ..EVEN });
    assert_eq!(creates(&foreseen), [0, 5, 10, 15].map(secs));
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(300) })]

    #[test]
    fn every_forecast_ends_and_begins_with_the_plan(scene in crate::support::draw::scene()) {
        let input = scene.input(&scene.members);
        let model = Model { nodes: 3, plans_max: 500, ..Model::default() };
        let Ok(plan) = tsg_core::plan::plan(&input) else { return Ok(()) };
        let foreseen = forecast(&input, &model).unwrap();
        prop_assert!(foreseen.steps.len() >= plan.actions.len());
        for (step, planned) in foreseen.steps.iter().zip(&plan.actions) {
            prop_assert_eq!(&step.planned, planned);
            prop_assert_eq!(step.at, scene.now);
        }
        prop_assert!(foreseen.took() <= model.horizon);
        prop_assert!(foreseen.peak as usize >= scene.members.len());
        prop_assert!(foreseen.steps.windows(2).all(|pair| pair[0].at <= pair[1].at));
        prop_assert_eq!(forecast(&input, &model).unwrap(), foreseen);
    }
}
