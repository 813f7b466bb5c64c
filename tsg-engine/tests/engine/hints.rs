//! What the production engine makes of hints that machines changed: it looks sooner, not often, and
//! believes nothing but what it sees.

use std::time::Duration;

use crate::support::clinic::{Clinic, MINUTE, Stage};
use crate::support::site::{Site, Wiring};
use tsg_core::model::id::InstanceId;
use tsg_core::plan::input::{Verdict, ViewTrust};
use tsg_core::plan::output::Class;
use tsg_engine::EngineConfig;
use tsg_sim::cloud::lock;
use tsg_sim::world::{Fault, FaultRule, Target, WorldSpec};
use uuid::Uuid;

const SECOND: Duration = Duration::from_secs(1);
/// No list of its own comes within any of these tests.
const SELDOM: Duration = Duration::from_secs(24 * 3600);

fn stage(seed: u64) -> Stage {
    stage_of(seed, 3)
}

/// A group that has come to rest at a site whose account is hardly ever listed.
fn stage_of(seed: u64, capacity: u32) -> Stage {
    let config = EngineConfig { list_interval_min: SELDOM, list_interval_max: SELDOM, ..EngineConfig::default() };
    let site = Site::new(seed, WorldSpec::default(), Wiring { config, ..Wiring::default() });
    let mut stage = Stage::of(site, capacity, "{}", Clinic::believing(Verdict::Healthy));
    stage.run(65 * MINUTE);
    assert_eq!(stage.count(Class::Serving), capacity);
    stage
}

fn lists(stage: &Stage) -> u64 {
    stage.engine.handle.health().requests.list_pages
}

/// Everything that was asked of the cloud but lists.
fn others(stage: &Stage) -> u64 {
    let sent = stage.engine.handle.health().requests;
    sent.creates + sent.deletes + sent.starts + sent.changes + sent.reads
}

fn hint(stage: &Stage, machine: InstanceId) {
    stage.engine.handle.note_change(machine);
}

/// Somebody else does something to machines.
fn strike(stage: &Stage, fault: Fault) {
    lock(&stage.site.world).switch_fault(FaultRule::times(fault, 1)).unwrap();
}

fn kill(stage: &Stage, machine: InstanceId) {
    strike(stage, Fault::KillInstance { machine: Target::Named(machine.to_string()) });
}

#[test]
fn a_machine_that_went_is_seen_at_once_when_there_is_a_hint_and_not_before_the_next_list_without() {
    for is_hinted in [true, false] {
        let mut stage = stage(1);
        let (before, lost) = (lists(&stage), stage.machines()[0]);
        kill(&stage, lost);
        if is_hinted {
            hint(&stage, lost);
        }
        stage.run(4 * SECOND);
        let is_gone = stage.view().members.iter().all(|member| member.instance != Some(lost));
        assert_eq!((lists(&stage) > before, is_gone), (is_hinted, is_hinted));
        stage.run(10 * MINUTE);
        assert_eq!(stage.machines().len(), if is_hinted { 3 } else { 2 }, "hinted: {is_hinted}");
    }
}

#[test]
fn a_machine_that_was_stopped_is_started_soon_after_a_hint() {
    let mut stage = stage(2);
    let stopped = stage.machines()[0];
    strike(&stage, Fault::StopInstance { machine: Target::Named(stopped.to_string()) });
    for _ in 0..30 {
        // That it runs again is told like everything else.
        stage.run(SECOND);
        hint(&stage, stopped);
    }
    stage.run(2 * MINUTE);
    assert_eq!((stage.count(Class::Serving), stage.restarts()), (3, 1));
}

#[test]
fn a_thousand_hints_lead_to_a_list_each_two_seconds_at_most() {
    let mut stage = stage(3);
    let (before, machines) = (lists(&stage), stage.machines());
    for number in 0..1000 {
        hint(&stage, machines[number % 3]);
        stage.run(Duration::from_millis(10));
    }
    stage.run(MINUTE);
    let of_a_storm = lists(&stage) - before;
    // Ten seconds of hints: one at once, one each two seconds, and one after the last of them.
    assert!((4..=7).contains(&of_a_storm), "{of_a_storm}");
    let before = lists(&stage);
    (0..1000).for_each(|number| hint(&stage, machines[number % 3]));
    stage.run(MINUTE);
    assert_eq!(lists(&stage) - before, 1);
}

#[test]
fn lists_that_come_early_take_no_more_than_the_share_of_lists() {
    let config = EngineConfig {
        list_interval_min: SELDOM,
        list_interval_max: SELDOM,
        requests_per_second: 0.5,
        ..EngineConfig::default()
    };
    let site = Site::new(4, WorldSpec::default(), Wiring { config, ..Wiring::default() });
    let mut stage = Stage::of(site, 3, "{}", Clinic::believing(Verdict::Healthy));
    stage.run(65 * MINUTE);
    let (before, machine) = (lists(&stage), stage.machines()[0]);
    for _ in 0..100 {
        hint(&stage, machine);
        stage.run(SECOND);
    }
    // A fifth of a request each two seconds: a list of one page each ten.
    assert!((9..=11).contains(&(lists(&stage) - before)), "{}", lists(&stage) - before);
}

#[test]
fn a_hint_that_comes_while_a_list_is_read_leads_to_another_one() {
    let mut stage = stage(5);
    let (before, machine) = (lists(&stage), stage.machines()[0]);
    hint(&stage, machine);
    // The list is sent, and not answered.
    stage.run(Duration::from_millis(1));
    assert_eq!(lists(&stage), before + 1);
    hint(&stage, machine);
    stage.run(MINUTE);
    assert_eq!(lists(&stage), before + 2);
}

#[test]
fn a_hint_outlives_a_list_that_fails() {
    let mut stage = stage(6);
    let lost = stage.machines()[0];
    kill(&stage, lost);
    lock(&stage.site.world).switch_fault(FaultRule::times(Fault::InternalError, 2)).unwrap();
    hint(&stage, lost);
    stage.run(10 * MINUTE);
    assert_eq!((stage.machines().len(), stage.count(Class::Serving)), (3, 3), "it has a successor");
}

#[test]
fn what_was_missed_may_be_anything() {
    let mut stage = stage(7);
    kill(&stage, stage.machines()[0]);
    stage.engine.handle.note_missed_changes();
    stage.run(10 * MINUTE);
    assert_eq!((stage.machines().len(), stage.count(Class::Serving)), (3, 3));
}

#[test]
fn machines_of_others_change_as_they_like() {
    let mut stage = stage(8);
    let before = lists(&stage);
    for number in 0..500 {
        hint(&stage, InstanceId::new(Uuid::from_u128(number)));
        stage.run(Duration::from_millis(100));
    }
    assert_eq!(lists(&stage), before);
}

#[test]
fn a_hint_decides_nothing_by_itself() {
    let mut stage = stage(9);
    let (machines, asked, before) = (stage.machines(), others(&stage), lists(&stage));
    stage.diary.take();
    for number in 0..600 {
        hint(&stage, machines[number % 3]);
        stage.engine.handle.note_missed_changes();
        stage.run(SECOND);
    }
    assert!(lists(&stage) > before + 100);
    assert_eq!((stage.machines(), others(&stage), stage.count(Class::Serving)), (machines, asked, 3));
    assert!(stage.diary.what().is_empty(), "{:?}", stage.diary.what());
}

#[test]
fn hints_do_not_make_a_view_that_is_distrusted_believed_sooner() {
    let mut stage = stage_of(10, 12);
    let machines = stage.machines();
    machines.iter().take(8).for_each(|machine| kill(&stage, *machine));
    machines.iter().for_each(|machine| hint(&stage, *machine));
    stage.run(10 * SECOND);
    assert_eq!(stage.engine.handle.health().view.trust, ViewTrust::Distrusted);
    let before = lists(&stage);
    for _ in 0..60 {
        machines.iter().for_each(|machine| hint(&stage, *machine));
        stage.run(SECOND);
    }
    assert_eq!((lists(&stage), stage.machines().len()), (before, 4));
    assert_eq!(stage.engine.handle.health().view.trust, ViewTrust::Distrusted);
}
