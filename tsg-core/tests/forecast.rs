//! A forecast takes the planner's own steps, ends whatever the input is, and its times are those
//! that follow from the model.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test program fails by panicking")]

mod support;

use core::time::Duration;

use proptest::prelude::{ProptestConfig, prop_assert, prop_assert_eq, proptest};
use support::table::{Scene, scene};
use tsg_core::plan::forecast::{Ending, Faults, Forecast, Latency, Model, forecast};
use tsg_core::plan::output::{Action, Class, GroupStatus};
use tsg_core::plan::render::in_words;

const fn secs(count: u64) -> Duration {
    Duration::from_secs(count)
}

/// A cloud in which everything takes the same time, as fast as it is told.
const EVEN: Model = Model {
    provisioning: Latency::Fixed(secs(20)),
    healthy_after: Duration::ZERO,
    destroy: secs(10),
    drain: secs(30),
    shutdown: secs(10),
    restart: secs(15),
    resize: secs(30),
    allocation: Duration::ZERO,
    requests_per_second: 0,
    nodes: 0,
    faults: Faults { failing_every: 0, unhealthy_revision: 0 },
    refill: secs(1),
    horizon: secs(7 * 24 * 3600),
    plans_max: 100_000,
};

fn foreseen(scene: &Scene, model: &Model) -> Forecast {
    forecast(&scene.input(&scene.members), model).unwrap()
}

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
         now: delete b: the group has 3 of 2, and this one is stopped\n\
         then converged: 2 of 2 serving"
    );
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
    fn every_forecast_ends_and_begins_with_the_plan(scene in support::draw::scene()) {
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
