//! Many groups in memory: only what changes is planned, as if it were planned alone, and a change
//! that calls for nothing costs no memory.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::support::draw::scene;
use crate::support::table::Scene;
use crate::support::tries::tries;
use proptest::collection::vec;
use proptest::prelude::{Strategy, any, prop_assert, prop_assert_eq, proptest};
use tsg_core::model::group::Lifecycle;
use tsg_core::model::id::{GroupId, InstanceId, OperationId};
use tsg_core::model::instance::InstanceState;
use tsg_core::model::operation::Phase;
use tsg_core::model::time::Timestamp;
use tsg_core::plan::fleet::{Berth, Fleet, GroupSettings, Round};
use tsg_core::plan::input::{Conditions, Detail, Intent, Member, Orders, Sighting, View, ViewTrust};
use tsg_core::plan::memory::{Course, PlanMemory, RolloutMemory, RolloutState};
use tsg_core::plan::output::GroupStatus;
use tsg_core::plan::{Plan, PlanInput, plan};
use tsg_core::protocol::timing::ProtocolTiming;
use uuid::Uuid;

const NOW: Timestamp = Timestamp::from_millis(1_800_000_000_000);

fn round(timing: &ProtocolTiming, now: Timestamp) -> Round<'_> {
    let view = View { taken_at: now, trust: ViewTrust::Trusted };
    Round { view, conditions: Conditions::default(), timing, now, seed: 0x5eed }
}

/// A group whose first revision has been rolled out.
fn settings(group: u128, capacity: u32) -> GroupSettings {
    let group = GroupId::new(Uuid::from_u128(group));
    let (lifecycle, orders) = (Lifecycle::Active, Orders::default());
    let intent = Intent { group, lifecycle, capacity, revision: 1, is_frozen: false, orders };
    let course = Course::opened(1, 0, NOW).entering(RolloutState::Successful, NOW);
    let rollout = RolloutMemory { stable: 1, course: Some(course) };
    let memory = PlanMemory { create_window: 64, rollout, ..PlanMemory::default() };
    GroupSettings { memory, ..GroupSettings::new(intent) }
}

fn running(number: u32) -> Member {
    let mut member = Member::planned(OperationId::from_bits(u128::from(number)), number, 1, NOW);
    (member.phase, member.sighting) = (Phase::Ready, Sighting::Present(InstanceState::Running));
    member.with_instance(InstanceId::new(Uuid::from_u128(u128::from(number))))
}

/// Plans what is dirty, by group.
fn planned(fleet: &mut Fleet, round: &Round<'_>) -> BTreeMap<u128, Plan> {
    let mut plans = BTreeMap::new();
    fleet.plan_dirty(round, |group, plan| {
        let is_first = plans.insert(group.uuid().as_u128(), plan.unwrap()).is_none();
        assert!(is_first, "{group} was planned twice in one round");
    });
    plans
}

#[test]
fn only_what_was_touched_is_planned() {
    let timing = ProtocolTiming::default();
    let round = round(&timing, NOW);
    let mut fleet = Fleet::default();
    let berths: Vec<Berth> = (0..5).map(|group| fleet.put_group(settings(group, 1))).collect();
    assert_eq!((fleet.len(), fleet.is_empty()), (5, false));
    assert_eq!(planned(&mut fleet, &round).len(), 5);
    assert_eq!(planned(&mut fleet, &round), BTreeMap::new());

    fleet.put_member(berths[3], running(1));
    let plans = planned(&mut fleet, &round);
    assert_eq!(plans.keys().collect::<Vec<_>>(), [&3]);
    assert_eq!(plans[&3].report.status, GroupStatus::Converged);

    fleet.put_member(berths[3], running(1));
    fleet.put_settings(berths[2], settings(2, 1));
    fleet.remove_member(berths[1], OperationId::from_bits(77));
    assert_eq!(planned(&mut fleet, &round), BTreeMap::new(), "what stays the same touches nothing");

    fleet.remove_member(berths[3], OperationId::from_bits(1));
    assert_eq!(planned(&mut fleet, &round)[&3].actions.len(), 1);
    fleet.touch_all();
    assert_eq!(planned(&mut fleet, &round).len(), 5);
}

#[test]
fn groups_wake_when_their_time_has_come() {
    let timing = ProtocolTiming::default();
    let mut fleet = Fleet::default();
    let mut member = running(1);
    (member.phase, member.sighting) = (Phase::Bound, Sighting::Present(InstanceState::Provisioning));
    let berth = fleet.put_group(settings(1, 1));
    fleet.put_group(settings(2, 0));
    fleet.put_member(berth, member);
    planned(&mut fleet, &round(&timing, NOW));
    let due = NOW.after(timing.provisioning_grace);
    assert_eq!(fleet.next_wakeup(), Some(due));
    let early = due.before(Duration::from_millis(1));
    assert_eq!(planned(&mut fleet, &round(&timing, early)), BTreeMap::new());
    let plans = planned(&mut fleet, &round(&timing, due));
    assert_eq!(plans.keys().collect::<Vec<_>>(), [&1]);
    assert_eq!(plans[&1].actions.len(), 1, "the overdue one is deleted");
    assert_eq!(fleet.next_wakeup(), None);
}

#[test]
fn a_removed_group_leaves_nothing_behind_for_the_next_one_in_its_berth() {
    let timing = ProtocolTiming::default();
    let round = round(&timing, NOW);
    let mut fleet = Fleet::default();
    let mut member = running(1);
    (member.phase, member.sighting) = (Phase::Bound, Sighting::Present(InstanceState::Provisioning));
    let berth = fleet.put_group(settings(1, 1));
    fleet.put_member(berth, member);
    planned(&mut fleet, &round);
    fleet.remove_group(berth);
    fleet.remove_group(berth);
    assert_eq!((fleet.len(), fleet.next_wakeup()), (0, None));
    fleet.put_member(berth, running(2));
    assert_eq!(planned(&mut fleet, &round), BTreeMap::new());
    let again = fleet.put_group(settings(9, 0));
    assert_eq!(again, berth);
    assert_eq!(fleet.members(again), []);
    assert_eq!(planned(&mut fleet, &round)[&9].report.status, GroupStatus::Converged);
}

#[test]
fn a_change_that_calls_for_nothing_costs_no_memory() {
    let timing = ProtocolTiming::default();
    let round = round(&timing, NOW);
    let mut fleet = Fleet::default();
    let berth = fleet.put_group(settings(1, 100));
    fleet.put_members(berth, (1..=100).map(running).collect());
    assert_eq!(planned(&mut fleet, &round)[&1].report.status, GroupStatus::Converged);
    let mut statuses = [GroupStatus::Held; 20];
    let used = allocation_counter::measure(|| {
        for (turn, status) in (1..).zip(&mut statuses) {
            let mut member = running(turn);
            member.phase_since = NOW.before(Duration::from_secs(u64::from(turn)));
            fleet.put_member(berth, member);
            fleet.plan_dirty(&round, |_, plan| *status = plan.map_or(GroupStatus::Held, |plan| plan.report.status));
        }
    });
    assert_eq!(statuses, [GroupStatus::Converged; 20]);
    assert_eq!(used.count_total, 0, "heap allocations");
}

/// Groups in a fleet; the last is the one that nothing happens to.
const GROUPS: usize = 4;
const CASES: u32 = if cfg!(debug_assertions) { 200 } else { 100_000 };

/// What happens to one group.
#[derive(Debug, Clone, Copy)]
struct Change {
    group: usize,
    place: u8,
    kind: u8,
}

fn changes() -> impl Strategy<Value = Vec<Change>> {
    let one = (0..GROUPS - 1, any::<u8>(), 0_u8..6);
    vec(one.prop_map(|(group, place, kind)| Change { group, place, kind }), 1..40)
}

/// Groups in any state, each with an id of its own.
fn groups() -> impl Strategy<Value = Vec<Scene>> {
    vec(scene(), GROUPS).prop_map(|mut scenes| {
        for (scene, number) in scenes.iter_mut().zip(1..) {
            scene.intent.group = GroupId::new(Uuid::from_u128(number));
        }
        scenes
    })
}

fn settings_of(scene: &Scene) -> GroupSettings {
    let Scene { intent, memory, limits, ref policy, ref revisions, .. } = *scene;
    GroupSettings { intent, memory, limits, policy: policy.clone().into(), revisions: revisions.clone().into() }
}

/// Puts a member and what there is to say about it, in the fleet and on its own.
fn put(fleet: &mut Fleet, berth: Berth, alone: &mut Scene, member: Member, details: &[Detail]) {
    fleet.put_member(berth, member);
    alone.members.retain(|known| known.operation != member.operation);
    alone.members.push(member);
    for detail in details.iter().filter(|detail| detail.operation == member.operation) {
        fleet.put_detail(berth, *detail);
        alone.details.retain(|known| known.operation != member.operation);
        alone.details.push(*detail);
        alone.details.sort_by_key(|detail| detail.operation);
    }
}

/// Changes one group in the fleet, and on its own, towards what it is later.
fn change(fleet: &mut Fleet, berth: Berth, alone: &mut Scene, later: &Scene, change: Change) {
    let one_of = |members: &[Member]| members.get(usize::from(change.place) % members.len().max(1)).copied();
    match change.kind {
        0 => {
            if let Some(member) = one_of(&alone.members) {
                fleet.remove_member(berth, member.operation);
                alone.members.retain(|known| known.operation != member.operation);
                alone.details.retain(|known| known.operation != member.operation);
            }
        }
        1 => {
            let Scene { intent, memory, limits, ref policy, .. } = *later;
            alone.intent = Intent { group: alone.intent.group, ..intent };
            (alone.memory, alone.limits, alone.policy) = (memory, limits, policy.clone());
            fleet.put_settings(berth, settings_of(alone));
        }
        _ => {
            if let Some(member) = one_of(&later.members) {
                put(fleet, berth, alone, member, &later.details);
            }
        }
    }
}

/// The plan of a group that stands alone.
fn plan_alone(scene: &Scene, round: &Round<'_>) -> Plan {
    let Round { view, conditions, timing, now, seed } = *round;
    let seed = seed ^ scene.intent.group.uuid().as_u128();
    plan(&PlanInput { view, conditions, timing, now, seed, ..scene.input(&scene.members) }).unwrap()
}

proptest! {
    #![proptest_config(tries(CASES))]

    /// A fleet that was changed step by step plans each group as the planner does from scratch, and
    /// what happens to others changes nothing for a group: it is not even planned.
    #[test]
    fn a_fleet_plans_as_if_each_group_stood_alone(mut alone in groups(), later in groups(), changes in changes()) {
        let world = later[0].clone();
        let conditions = Conditions { nodes: &world.nodes, places: &world.places, hold: world.hold };
        let view = View { taken_at: world.now, trust: world.trust };
        let round = Round { view, conditions, timing: &world.timing, now: world.now, seed: 0x5eed };
        let mut fleet = Fleet::default();
        let berths: Vec<Berth> = alone.iter().map(|scene| fleet.put_group(settings_of(scene))).collect();
        for (scene, berth) in alone.iter_mut().zip(&berths) {
            for member in scene.members.clone() {
                let details = scene.details.clone();
                put(&mut fleet, *berth, scene, member, &details);
            }
        }
        let before = planned(&mut fleet, &round);
        let mut touched = BTreeSet::new();
        for it in changes {
            change(&mut fleet, berths[it.group], &mut alone[it.group], &later[it.group], it);
            touched.insert(it.group as u128 + 1);
            if it.place < 16 {
                prop_assert!(planned(&mut fleet, &round).keys().all(|group| touched.contains(group)));
            }
        }
        prop_assert!(planned(&mut fleet, &round).keys().all(|group| touched.contains(group)));
        fleet.touch_all();
        let plans = planned(&mut fleet, &round);
        for scene in &alone {
            let group = scene.intent.group.uuid().as_u128();
            prop_assert_eq!(&plans[&group], &plan_alone(scene, &round));
            prop_assert!(touched.contains(&group) || plans[&group] == before[&group]);
        }
    }
}
