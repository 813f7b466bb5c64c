//! What the production engine tells of what it sees and decides: in order, each once, and nothing
//! of how it found the groups when it began.

use std::time::Duration;

use crate::support::clinic::{Clinic, MINUTE, Stage};
use crate::support::diary::is_of;
use crate::support::site::{Site, Wiring, group_id};
use tsg_core::health::discovery::{Alarm, ListedAs, Why};
use tsg_core::model::id::InstanceId;
use tsg_core::plan::input::Verdict;
use tsg_core::plan::memory::RolloutState;
use tsg_core::plan::output::Reason;
use tsg_engine::{Held, Occurrence, Repair};
use tsg_sim::world::WorldSpec;

/// Nothing is repaired.
const WATCHED: &str = r#"{"restart": {"condition": "never"}, "replace": {"mode": "detect_only"}}"#;

/// In a group that discovery answers for.
fn served(seed: u64, policy: &str) -> Stage {
    let mut site = Site::new(seed, WorldSpec::default(), Wiring::default());
    site.make_served_template("web");
    Stage::at(site, policy, Clinic::believing(Verdict::Healthy))
}

fn say(stage: &mut Stage, instance: InstanceId, verdict: Verdict, length: Duration) {
    stage.clinic.believe_of(instance, verdict);
    stage.news();
    stage.run(length);
}

/// What is told of an instance, in a word each.
fn story(told: &[Occurrence], instance: InstanceId) -> Vec<String> {
    let words = told.iter().filter(|what| is_of(what, instance)).map(|what| match what {
        Occurrence::Judged { from, to, .. } => format!("{from:?} -> {to:?}"),
        Occurrence::Listed { to, .. } => format!("{to:?}"),
        Occurrence::Repaired { by, .. } => format!("{by:?}"),
        other => panic!("{other:?} is of no instance"),
    });
    words.collect()
}

#[test]
fn an_instance_that_hangs_is_judged_restarted_taken_out_replaced_and_removed_in_that_order() {
    let policy = r#"{"restart": {"attempts": 1, "delay": "20s"}, "replace": {"delay": "5s"}}"#;
    let mut stage = served(1, policy);
    // Past the time in which nobody is replaced for being slow to come up.
    stage.run(65 * MINUTE);
    let (hung, well) = (stage.machines()[0], stage.machines()[1]);
    stage.diary.take();
    say(&mut stage, hung, Verdict::Unhealthy, 30 * MINUTE);
    let events = stage.diary.take();
    assert!(events.is_sorted_by_key(|event| event.at), "{events:#?}");
    let places = events.iter().filter_map(|event| event.group.as_ref());
    assert!(places.clone().count() > 0 && places.clone().all(|place| place.group == group_id(0)), "{events:#?}");
    let told: Vec<Occurrence> = events.into_iter().map(|event| event.what).collect();
    let expected = ["Some(Healthy) -> Unhealthy", "Restart", "Delisted", "Replace", "Remove"];
    assert_eq!(story(&told, hung), expected, "{told:#?}");
    assert_eq!(story(&told, well), [""; 0], "nothing happened to the others");
    let reasons: Vec<Reason> = told
        .iter()
        .filter_map(|what| match what {
            Occurrence::Repaired { of, reason, .. } if of.instance == Some(hung) => Some(*reason),
            _ => None,
        })
        .collect();
    assert!(matches!(reasons[0], Reason::Unhealthy { restarts: 0, .. }), "{reasons:?}");
    assert!(matches!(reasons[1], Reason::Succeeds { retries: 0, .. }), "{reasons:?}");
    assert!(matches!(reasons[2], Reason::StaysUnhealthy { restarts: 1, .. }), "{reasons:?}");
}

#[test]
fn who_is_listed_is_told_once_with_why() {
    let mut stage = served(2, WATCHED);
    let sick = stage.machines()[1];
    stage.diary.take();
    say(&mut stage, sick, Verdict::Unhealthy, 5 * MINUTE);
    let told = stage.diary.what();
    assert_eq!(story(&told, sick), ["Some(Healthy) -> Unhealthy", "Delisted"]);
    let why = told.iter().find_map(|what| match what {
        Occurrence::Listed { to: ListedAs::Delisted, why: Why::NotReady { since }, .. } => Some(*since),
        _ => None,
    });
    assert!(why.is_some_and(|since| since >= Duration::from_secs(10)), "{why:?}");
    say(&mut stage, sick, Verdict::Healthy, 60 * MINUTE);
    assert_eq!(story(&stage.diary.what(), sick), ["Some(Unhealthy) -> Healthy", "Listed"]);
}

#[test]
fn a_hold_and_an_alarm_begin_and_end() {
    let mut stage = served(3, "{}");
    stage.run(65 * MINUTE);
    stage.diary.take();
    stage.clinic.believe(Verdict::Unhealthy);
    stage.news();
    stage.run(30 * MINUTE);
    let told = stage.diary.what();
    let begun: Vec<&Occurrence> = told.iter().filter(|what| matches!(what, Occurrence::HoldBegan(_))).collect();
    assert!(
        matches!(begun[..], [Occurrence::HoldBegan(Held::TooManyUnhealthy { unhealthy: 3, limit: 1 })]),
        "{told:#?}"
    );
    let is_raised = |what: &Occurrence| matches!(what, Occurrence::AlarmRaised(Alarm::Panic { unready: 3, of: 3, .. }));
    assert_eq!(told.iter().filter(|what| is_raised(what)).count(), 1, "{told:#?}");
    assert!(!told.iter().any(|what| matches!(what, Occurrence::Repaired { by: Repair::Replace, .. })), "{told:#?}");

    stage.clinic.believe(Verdict::Healthy);
    stage.news();
    stage.run(30 * MINUTE);
    let told = stage.diary.what();
    assert_eq!(told.iter().filter(|what| matches!(what, Occurrence::HoldEnded(_))).count(), 1, "{told:#?}");
    assert_eq!(told.iter().filter(|what| matches!(what, Occurrence::AlarmOver(_))).count(), 1, "{told:#?}");
    stage.run(60 * MINUTE);
    assert_eq!(stage.diary.what(), [], "nothing more happens");
}

#[test]
fn a_rollout_is_told_from_state_to_state_and_a_first_one_is_not() {
    let mut stage = Stage::new(4, "{}", Clinic::believing(Verdict::Healthy));
    let is_rollout = |what: &Occurrence| matches!(what, Occurrence::Rollout { .. });
    assert!(!stage.diary.what().iter().any(is_rollout), "it is how the group came to be");
    stage.site.change_template(0, vec![stage.engine.handle.clone()]);
    stage.run(60 * MINUTE);
    let told = stage.diary.what();
    let states: Vec<RolloutState> = told
        .iter()
        .filter_map(|what| match what {
            Occurrence::Rollout { target: 2, state, failure: None } => Some(*state),
            _ => None,
        })
        .collect();
    assert_eq!((states.first(), states.last()), (Some(&RolloutState::Rolling), Some(&RolloutState::Successful)));
    let mut distinct = states.clone();
    distinct.dedup();
    assert_eq!(distinct, states, "no state is told twice in a row");
}

#[test]
fn an_engine_that_begins_tells_what_is_wrong_and_nothing_else() {
    let mut stage = Stage::new(5, WATCHED, Clinic::believing(Verdict::Healthy));
    let sick = stage.machines()[2];
    say(&mut stage, sick, Verdict::Unhealthy, 5 * MINUTE);
    stage.engine.handle.stop();
    stage.run(MINUTE);
    stage.diary.take();
    stage.engine = stage.site.start_engine();
    stage.run(5 * MINUTE);
    let told = stage.diary.what();
    assert_eq!(told.len(), 1, "{told:#?}");
    assert_eq!(story(&told, sick), ["None -> Unhealthy"]);
}
