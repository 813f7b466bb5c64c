//! Many groups in memory, exactly: what each change of a group touches, and what goes with it.

use std::time::Duration;

use tsg_core::model::group::Lifecycle;
use tsg_core::model::id::{GroupId, InstanceId, OperationId};
use tsg_core::model::instance::InstanceState;
use tsg_core::model::operation::Phase;
use tsg_core::model::time::Timestamp;
use tsg_core::plan::PlanError;
use tsg_core::plan::fleet::{Fleet, GroupSettings, Round};
use tsg_core::plan::input::{Conditions, Detail, Intent, Mark, Member, Orders, Sighting, View, ViewTrust};
use tsg_core::protocol::timing::ProtocolTiming;
use uuid::Uuid;

const NOW: Timestamp = Timestamp::from_millis(1_800_000_000_000);

fn settings(group: u128, capacity: u32) -> GroupSettings {
    let group = GroupId::new(Uuid::from_u128(group));
    let (lifecycle, orders) = (Lifecycle::Active, Orders::default());
    GroupSettings::new(Intent { group, lifecycle, capacity, revision: 1, is_frozen: false, orders })
}

fn operation(number: u32) -> OperationId {
    OperationId::from_bits(u128::from(number))
}

fn running(number: u32) -> Member {
    let mut member = Member::planned(operation(number), number, 1, NOW);
    (member.phase, member.sighting) = (Phase::Ready, Sighting::Present(InstanceState::Running));
    member.with_instance(InstanceId::new(Uuid::from_u128(u128::from(number))))
}

/// One whose machine is being made since then.
fn provisioning(number: u32, since: Timestamp) -> Member {
    let mut member = running(number);
    (member.phase, member.phase_since) = (Phase::Bound, since);
    member.sighting = Sighting::Present(InstanceState::Provisioning);
    member
}

/// A detail that a person's word is in.
fn detail(number: u32, mark: Mark) -> Detail {
    let mut detail = Detail::new(operation(number), NOW);
    detail.marks = detail.marks.with(mark);
    detail
}

/// Plans what is dirty at a moment: the groups in order, each with how many steps are planned.
fn planned_at(fleet: &mut Fleet, now: Timestamp) -> Vec<(u128, Result<usize, PlanError>)> {
    let timing = ProtocolTiming::default();
    let view = View { taken_at: now, trust: ViewTrust::Trusted };
    let round = Round { view, conditions: Conditions::default(), timing: &timing, now, seed: 0x5eed };
    let mut plans = Vec::new();
    fleet.plan_dirty(&round, |group, plan| {
        plans.push((group.uuid().as_u128(), plan.map(|plan| plan.actions.len())));
    });
    plans.sort_unstable_by_key(|(group, _)| *group);
    plans
}

fn planned(fleet: &mut Fleet) -> Vec<(u128, Result<usize, PlanError>)> {
    planned_at(fleet, NOW)
}

#[test]
fn a_fleet_is_empty_until_its_first_group_and_after_its_last() {
    let mut fleet = Fleet::default();
    assert_eq!((fleet.is_empty(), fleet.len()), (true, 0));
    let only = fleet.put_group(settings(1, 0));
    assert_eq!((fleet.is_empty(), fleet.len()), (false, 1));
    fleet.remove_group(only);
    assert_eq!((fleet.is_empty(), fleet.len()), (true, 0));
}

#[test]
fn other_settings_are_taken_over_and_touch_the_group() {
    let mut fleet = Fleet::default();
    let berth = fleet.put_group(settings(1, 0));
    assert_eq!(planned(&mut fleet), [(1, Ok(0))]);
    fleet.put_settings(berth, settings(1, 1));
    assert_eq!(planned(&mut fleet), [(1, Ok(1))]);
    fleet.put_settings(berth, settings(1, 1));
    assert_eq!(planned(&mut fleet), []);
}

#[test]
fn all_members_of_a_group_are_replaced_at_once_and_kept_by_operation() {
    let mut fleet = Fleet::default();
    let berth = fleet.put_group(settings(1, 0));
    assert_eq!(planned(&mut fleet), [(1, Ok(0))]);
    fleet.put_members(berth, vec![running(3), running(1), running(2)]);
    assert_eq!(fleet.members(berth), [running(1), running(2), running(3)]);
    assert_eq!(planned(&mut fleet), [(1, Ok(3))]);
    fleet.remove_member(berth, operation(3));
    assert_eq!(fleet.members(berth), [running(1), running(2)]);
    fleet.put_members(berth, vec![running(4)]);
    assert_eq!(fleet.members(berth), [running(4)]);
    assert_eq!(planned(&mut fleet), [(1, Ok(1))]);
}

#[test]
fn a_detail_touches_its_group_when_it_says_something_else() {
    let mut fleet = Fleet::default();
    let berth = fleet.put_group(settings(1, 1));
    fleet.put_member(berth, running(1).with_detail());
    assert_eq!(planned(&mut fleet), [(1, Err(PlanError::NoDetail(operation(1))))]);
    fleet.put_detail(berth, detail(1, Mark::Held));
    assert_eq!(planned(&mut fleet), [(1, Ok(0))]);
    fleet.put_detail(berth, detail(1, Mark::Held));
    assert_eq!(planned(&mut fleet), [], "it is the same");
    // One that is condemned goes, for a successor.
    fleet.put_detail(berth, detail(1, Mark::Condemned));
    let [(1, Ok(steps))] = planned(&mut fleet)[..] else { panic!("one group") };
    assert!(steps > 0);
    let gone = fleet.put_group(settings(2, 0));
    fleet.remove_group(gone);
    fleet.put_detail(gone, detail(1, Mark::Held));
    assert_eq!(planned(&mut fleet), [], "it is of no group");
}

#[test]
fn a_member_takes_its_own_detail_with_it_and_no_other() {
    let mut fleet = Fleet::default();
    let berth = fleet.put_group(settings(1, 2));
    for number in [1, 2] {
        fleet.put_member(berth, running(number).with_detail());
        fleet.put_detail(berth, detail(number, Mark::Held));
    }
    assert_eq!(planned(&mut fleet), [(1, Ok(0))]);
    fleet.remove_member(berth, operation(1));
    assert_eq!(planned(&mut fleet), [(1, Ok(1))], "the other's detail is still there");
    fleet.put_member(berth, running(1).with_detail());
    assert_eq!(planned(&mut fleet), [(1, Err(PlanError::NoDetail(operation(1))))]);
}

#[test]
fn a_removed_group_is_not_planned_and_the_others_still_are() {
    let mut fleet = Fleet::default();
    fleet.put_group(settings(1, 0));
    let berth = fleet.put_group(settings(2, 0));
    fleet.put_group(settings(3, 0));
    fleet.remove_group(berth);
    assert_eq!(fleet.put_group(settings(4, 0)), berth);
    assert_eq!(planned(&mut fleet), [(1, Ok(0)), (3, Ok(0)), (4, Ok(0))], "each once");
}

#[test]
fn groups_wake_in_the_order_of_their_times() {
    let (grace, minute) = (ProtocolTiming::default().provisioning_grace, Duration::from_secs(60));
    let mut fleet = Fleet::default();
    for (group, since) in [(1, NOW), (2, NOW.before(minute))] {
        let berth = fleet.put_group(settings(group, 1));
        fleet.put_member(berth, provisioning(1, since));
    }
    let (first, last) = (NOW.before(minute).after(grace), NOW.after(grace));
    planned(&mut fleet);
    assert_eq!(fleet.next_wakeup(), Some(first));
    assert_eq!(planned_at(&mut fleet, first.before(Duration::from_millis(1))), []);
    let woken: Vec<u128> = planned_at(&mut fleet, first).into_iter().map(|(group, _)| group).collect();
    assert_eq!(woken, [2], "the other one's time has not come");
    assert_eq!(fleet.next_wakeup(), Some(last));
    let woken: Vec<u128> = planned_at(&mut fleet, last).into_iter().map(|(group, _)| group).collect();
    assert_eq!(woken, [1]);
}
