//! What holds for every plan, whatever the input.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test program fails by panicking")]

mod support;

use core::time::Duration;
use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::{Just, ProptestConfig, Strategy, any, prop_assert, prop_assert_eq, prop_oneof, proptest};
use support::apply::applied;
use support::table::{NOW, Scene};
use tsg_core::model::group::Lifecycle;
use tsg_core::model::id::{GroupId, InstanceId, OperationId};
use tsg_core::model::instance::InstanceState;
use tsg_core::model::operation::Phase;
use tsg_core::model::time::Timestamp;
use tsg_core::plan::classify::classify;
use tsg_core::plan::input::{Intent, Limits, Member, NO_NODE, Sighting, Verdict, ViewTrust};
use tsg_core::plan::memory::{Backoff, PlanMemory, Setback};
use tsg_core::plan::output::{Action, Block, Class, GroupStatus, Plan, PlannedAction, Reason, VictimRank, Wait};
use tsg_core::plan::plan;
use tsg_core::protocol::create::Refusal;
use tsg_core::protocol::timing::ProtocolTiming;
use uuid::Uuid;

const STATES: [InstanceState; 9] = [
    InstanceState::Provisioning,
    InstanceState::Ready,
    InstanceState::Running,
    InstanceState::Stopping,
    InstanceState::Stopped,
    InstanceState::Offline,
    InstanceState::Failed,
    InstanceState::Deleted,
    InstanceState::Unknown,
];

fn sighting() -> impl Strategy<Value = Sighting> {
    prop_oneof![
        1 => Just(Sighting::None),
        1 => Just(Sighting::Missing),
        6 => Just(Sighting::Present(InstanceState::Running)),
        6 => proptest::sample::select(&STATES[..]).prop_map(Sighting::Present),
    ]
}

fn phase() -> impl Strategy<Value = Phase> {
    prop_oneof![
        1 => Just(Phase::Planned),
        1 => Just(Phase::Sent),
        1 => Just(Phase::Unknown),
        2 => Just(Phase::Bound),
        6 => Just(Phase::Ready),
        1 => Just(Phase::Failed),
        1 => Just(Phase::Deleting),
    ]
}

fn verdict() -> impl Strategy<Value = Verdict> {
    use Verdict as V;
    prop_oneof![
        8 => Just(V::Unknown),
        1 => Just(V::Starting),
        1 => Just(V::Healthy),
        1 => Just(V::Degraded),
        1 => Just(V::Unhealthy),
    ]
}

/// A moment up to two hours ago, or a little ahead: clocks jump.
fn moment() -> impl Strategy<Value = Timestamp> {
    (-7_200_000_i64..5_000).prop_map(|millis| Timestamp::from_millis(NOW.as_millis() + millis))
}

fn member() -> impl Strategy<Value = Member> {
    let marks = (prop_oneof![9 => Just(false), 1 => Just(true)], 0_u8..6);
    let place = (prop_oneof![4 => 0_u32..4, 1 => Just(NO_NODE)], 1_u32..3, 1_u32..12);
    ((phase(), sighting(), verdict()), (moment(), moment()), marks, place).prop_map(
        |((phase, sighting, verdict), (since, started), (is_protected, starts), (node, revision, sequence))| {
            let nameless = OperationId::from_bits(0);
            let mut member = Member::planned(nameless, sequence, revision, since).with_starts(starts, started);
            if is_protected {
                member = member.with_protection();
            }
            (member.phase, member.sighting, member.verdict, member.compute_node) = (phase, sighting, verdict, node);
            member
        },
    )
}

/// Members with ids of their own, in no order.
fn members(most: usize) -> impl Strategy<Value = Vec<Member>> {
    proptest::collection::vec((member(), any::<u64>()), 0..most).prop_map(|drawn| {
        let number = |(index, (mut member, salt)): (usize, (Member, u64))| {
            let id = (u128::from(salt) << 64) | (index as u128 + 1);
            let has_machine = matches!(member.phase, Phase::Bound | Phase::Ready | Phase::Failed | Phase::Deleting);
            member.operation = OperationId::from_bits(id);
            if has_machine { member.with_instance(InstanceId::new(Uuid::from_u128(id))) } else { member }
        };
        drawn.into_iter().enumerate().map(number).collect()
    })
}

fn budget() -> impl Strategy<Value = u32> {
    prop_oneof![2 => Just(u32::MAX), 1 => 0_u32..5]
}

fn limits() -> impl Strategy<Value = Limits> {
    ((0_u32..3, 0_u32..3), (budget(), budget(), budget(), budget()), 0_u8..9).prop_map(
        |((surge, orphans), (creates, asked_deletes, unasked_deletes, starts), start_attempts)| Limits {
            surge,
            creates,
            asked_deletes,
            unasked_deletes,
            starts,
            orphans,
            start_attempts,
            ..Limits::default()
        },
    )
}

fn memory() -> impl Strategy<Value = PlanMemory> {
    let cause = prop_oneof![Just(Setback::Refused(Refusal::Quota)), Just(Setback::ProvisioningFailed)];
    let backoff = (cause, moment(), -50_000_i64..50_000).prop_map(|(cause, _, millis)| Backoff {
        cause,
        times: 2,
        until: Timestamp::from_millis(NOW.as_millis() + millis),
    });
    (0_u32..12, prop_oneof![3 => Just(None), 1 => backoff.prop_map(Some)])
        .prop_map(|(create_window, create_backoff)| PlanMemory { create_window, create_backoff, failures_in_row: 0 })
}

fn intent() -> impl Strategy<Value = Intent> {
    let is_frozen = prop_oneof![12 => Just(false), 1 => Just(true)];
    let lifecycle = prop_oneof![6 => Just(Lifecycle::Active), 1 => Just(Lifecycle::Deleting)];
    (0_u32..24, lifecycle, is_frozen).prop_map(|(capacity, lifecycle, is_frozen)| Intent {
        group: GroupId::new(Uuid::from_u128(1)),
        lifecycle,
        capacity,
        revision: 1,
        is_frozen,
    })
}

fn trust() -> impl Strategy<Value = ViewTrust> {
    use ViewTrust as T;
    prop_oneof![
        12 => Just(T::Trusted),
        1 => proptest::sample::select(&[T::Unobserved, T::Distrusted, T::LockedOut, T::LedgerBehind][..]),
    ]
}

fn mistrust() -> impl Strategy<Value = ViewTrust> {
    use ViewTrust as T;
    proptest::sample::select(&[T::Trusted, T::Unobserved, T::Distrusted, T::LockedOut, T::LedgerBehind][..])
}

fn scene() -> impl Strategy<Value = Scene> {
    (intent(), trust(), members(24), memory(), limits(), any::<u128>()).prop_map(
        |(intent, trust, members, memory, limits, seed)| Scene {
            intent,
            trust,
            members,
            names: Vec::new(),
            memory,
            limits,
            timing: ProtocolTiming::default(),
            now: NOW,
            seed,
        },
    )
}

fn by_operation(scene: &Scene) -> BTreeMap<OperationId, Member> {
    scene.members.iter().map(|member| (member.operation, *member)).collect()
}

fn count(plan: &Plan, is_counted: impl Fn(&Action) -> bool) -> u32 {
    u32::try_from(plan.actions.iter().filter(|planned| is_counted(&planned.action)).count()).unwrap()
}

fn creates(plan: &Plan) -> u32 {
    count(plan, |action| matches!(action, Action::Create { .. }))
}

/// Operations let go because the group has too many.
fn let_go(plan: &Plan) -> BTreeSet<OperationId> {
    let operation = |action: Action| match action {
        Action::Cancel { operation } | Action::Delete { operation, .. } => operation,
        other => panic!("{other:?} for a scale-in"),
    };
    let above = plan.actions.iter().filter(|planned| matches!(planned.reason, Reason::AboveCapacity { .. }));
    above.map(|planned| operation(planned.action)).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(2500) })]

    #[test]
    fn the_order_of_the_members_does_not_matter(scene in scene(), salt in any::<u64>()) {
        let expected = scene.plan().unwrap();
        let mut shuffled = scene.members.clone();
        shuffled.sort_by_key(|member| (member.operation.bits() as u64 ^ salt).wrapping_mul(salt | 1).rotate_left(23));
        prop_assert_eq!(&plan(&scene.input(&shuffled)).unwrap(), &expected);
        shuffled.sort_by_key(|member| member.operation);
        prop_assert_eq!(&plan(&scene.input(&shuffled)).unwrap(), &expected);
    }

    #[test]
    fn only_distances_in_time_matter(scene in scene(), shift in -1_000_000_000_i64..1_000_000_000) {
        let moved = |at: Timestamp| Timestamp::from_millis(at.as_millis() + shift);
        let mut later = scene.clone();
        later.now = moved(scene.now);
        for member in &mut later.members {
            member.phase_since = moved(member.phase_since);
            member.last_start_at = moved(member.last_start_at);
        }
        if let Some(backoff) = &mut later.memory.create_backoff {
            backoff.until = moved(backoff.until);
        }
        let mut expected = scene.plan().unwrap();
        expected.next_wakeup = expected.next_wakeup.map(moved);
        for planned in &mut expected.actions {
            if let Reason::ProvisioningOverdue { since } = &mut planned.reason {
                *since = moved(*since);
            }
        }
        for wait in &mut expected.report.waits {
            if let Wait::StartDelay { until } = wait {
                *until = moved(*until);
            }
        }
        for block in &mut expected.report.blocks {
            if let Block::CreatesRefused(backoff) = block {
                backoff.until = moved(backoff.until);
            }
        }
        prop_assert_eq!(later.plan().unwrap(), expected);
    }

    #[test]
    fn every_member_has_one_class_and_no_plan_goes_beyond_the_capacity(scene in scene()) {
        let plan = scene.plan().unwrap();
        let occupied = u32::try_from(scene.members.len()).unwrap();
        prop_assert_eq!(plan.report.counts.total(), occupied);
        for member in &scene.members {
            let class = classify(member, scene.now, &scene.timing).unwrap();
            prop_assert!(plan.report.counts.of(class) > 0);
        }
        if creates(&plan) > 0 {
            let ceiling = scene.intent.capacity + scene.limits.surge;
            prop_assert!(occupied + scene.limits.orphans + creates(&plan) <= ceiling);
        }
    }

    #[test]
    fn a_plan_that_was_carried_out_leaves_nothing_to_do(scene in scene()) {
        let plan = scene.plan().unwrap();
        let again = applied(&scene, &plan).plan().unwrap();
        prop_assert_eq!(again.actions, vec![]);
        prop_assert_eq!(again.memory, None);
    }

    #[test]
    fn a_wake_up_lies_in_the_future(scene in scene()) {
        prop_assert!(scene.plan().unwrap().next_wakeup.is_none_or(|at| at > scene.now));
    }

    #[test]
    fn raising_the_capacity_lets_nobody_go_and_lowering_it_creates_nothing(scene in scene(), more in 0_u32..12) {
        let mut larger = scene.clone();
        larger.intent.capacity += more;
        let (small, large) = (scene.plan().unwrap(), larger.plan().unwrap());
        prop_assert!(let_go(&large).is_subset(&let_go(&small)));
        prop_assert!(creates(&small) <= creates(&large));
    }

    #[test]
    fn nothing_is_done_to_a_frozen_group_or_on_a_view_that_proves_nothing(mut scene in scene(), trust in mistrust()) {
        scene.intent.is_frozen = trust == ViewTrust::Trusted;
        scene.trust = trust;
        let plan = scene.plan().unwrap();
        prop_assert_eq!(plan.actions, vec![]);
        prop_assert_eq!(plan.memory, None);
        prop_assert!(matches!(plan.report.status, GroupStatus::Frozen | GroupStatus::Held));
        prop_assert!(!plan.report.blocks.is_empty());
    }

    #[test]
    fn every_step_fits_its_member_and_its_reason(scene in scene()) {
        let members = by_operation(&scene);
        let mut touched = BTreeSet::new();
        for planned in scene.plan().unwrap().actions {
            let is_kept = match (planned.action, planned.reason) {
                (Action::Create { operation, revision }, Reason::BelowCapacity { occupied, wanted }) => {
                    touched.insert(operation) && revision == scene.intent.revision && occupied < wanted
                        && planned.expects.is_none() && !members.contains_key(&operation)
                }
                (Action::Cancel { operation }, Reason::TearDown | Reason::AboveCapacity { .. }) => {
                    touched.insert(operation) && members[&operation].phase == Phase::Planned
                        && planned.expects == Some(Phase::Planned)
                }
                (Action::Delete { operation, instance }, reason) => {
                    let member = members[&operation];
                    touched.insert(operation) && !matches!(reason, Reason::BelowCapacity { .. } | Reason::Stopped { .. })
                        && member.instance() == Some(instance) && !member.is_protected()
                        && matches!(member.phase, Phase::Bound | Phase::Ready | Phase::Failed)
                        && planned.expects == Some(member.phase)
                }
                (Action::Start { operation, instance }, Reason::Stopped { starts }) => {
                    let member = members[&operation];
                    touched.insert(operation) && member.instance() == Some(instance) && member.starts() == starts
                        && member.sighting == Sighting::Present(InstanceState::Stopped)
                }
                _ => false,
            };
            prop_assert!(is_kept, "{:?}", planned);
        }
    }

    #[test]
    fn budgets_are_kept(scene in scene()) {
        let plan = scene.plan().unwrap();
        let is_repair = |reason: Reason| reason.cause() == tsg_core::model::operation::Cause::Repair;
        let deletes = plan.actions.iter().filter(|planned| matches!(planned.action, Action::Delete { .. }));
        let (unasked, asked): (Vec<&PlannedAction>, Vec<&PlannedAction>) = deletes.partition(|planned| is_repair(planned.reason));
        prop_assert!(asked.len() as u64 <= u64::from(scene.limits.asked_deletes));
        prop_assert!(unasked.len() as u64 <= u64::from(scene.limits.unasked_deletes));
        let starts = count(&plan, |action| matches!(action, Action::Start { .. }));
        prop_assert!(starts <= scene.limits.starts);
        prop_assert!(creates(&plan) <= scene.limits.creates.min(scene.memory.create_window.max(1)));
    }

    #[test]
    fn scale_in_takes_one_at_a_time_the_worst_of_those_on_the_fullest_node(scene in scene()) {
        let victims = let_go(&scene.plan().unwrap());
        let cancelled = scene.members.iter().filter(|member| member.phase == Phase::Planned);
        let cancelled = cancelled.filter(|member| victims.contains(&member.operation)).count();
        let expected = naive_victims(&scene, victims.len() - cancelled);
        let deleted: BTreeSet<OperationId> = victims
            .into_iter()
            .filter(|operation| by_operation(&scene)[operation].phase != Phase::Planned)
            .collect();
        prop_assert_eq!(deleted, expected);
    }

    #[test]
    fn no_input_brings_the_planner_down(
        mut scene in scene(), capacity in any::<u32>(), window in any::<u32>(), orphans in any::<u32>(), surge in any::<u32>(),
        times in proptest::collection::vec(any::<i64>(), 24), now in any::<i64>(),
    ) {
        (scene.intent.capacity, scene.memory.create_window) = (capacity, window);
        (scene.limits.orphans, scene.limits.surge) = (orphans, surge);
        scene.limits.creates = scene.limits.creates.min(100);
        scene.now = Timestamp::from_millis(now);
        for (member, time) in scene.members.iter_mut().zip(times) {
            member.phase_since = Timestamp::from_millis(time);
            member.last_start_at = Timestamp::from_millis(time.rotate_left(17));
        }
        let plan = scene.plan().unwrap();
        prop_assert!(plan.next_wakeup.is_none_or(|at| at > scene.now));
    }

    #[test]
    fn a_cloud_that_does_as_it_is_told_converges(mut scene in scene()) {
        (scene.intent.is_frozen, scene.intent.lifecycle, scene.trust) = (false, Lifecycle::Active, ViewTrust::Trusted);
        scene.limits = Limits { surge: scene.limits.surge, ..Limits::default() };
        scene.members.retain(|member| !member.is_protected() && !is_out_of_reach(member));
        let most = scene.members.len().max((scene.intent.capacity + scene.limits.surge) as usize);
        for _ in 0..200 {
            let plan = scene.plan().unwrap();
            if plan.report.status == GroupStatus::Converged {
                break;
            }
            scene = obeyed(&applied(&scene, &plan));
            prop_assert!(scene.members.len() <= most);
        }
        let plan = scene.plan().unwrap();
        prop_assert_eq!(plan.report.status, GroupStatus::Converged, "{:?}", plan.report);
        prop_assert_eq!(plan.report.counts.of(Class::Serving), scene.intent.capacity);
        prop_assert_eq!(plan.next_wakeup, None);
    }
}

/// Members that only time or a person brings back.
fn is_out_of_reach(member: &Member) -> bool {
    use InstanceState::{Offline, Provisioning, Unknown};
    let Sighting::Present(state) = member.sighting else { return member.sighting == Sighting::Missing };
    member.verdict == Verdict::Unhealthy
        || matches!(state, Offline | Unknown)
        || (member.phase == Phase::Ready && state == Provisioning)
}

/// A minute later, in a cloud where everything works.
fn obeyed(scene: &Scene) -> Scene {
    let mut after = scene.clone();
    after.now = scene.now.after(Duration::from_secs(60));
    after.members.retain(|member| {
        member.phase != Phase::Deleting && member.sighting != Sighting::Present(InstanceState::Deleted)
    });
    for member in &mut after.members {
        if matches!(member.phase, Phase::Planned | Phase::Sent | Phase::Unknown) {
            *member = member.with_instance(InstanceId::new(Uuid::from_u128(member.operation.bits())));
            member.sighting = Sighting::None;
            after.memory.note_bound();
            after.memory.note_ready();
        }
        let is_failed = member.phase == Phase::Failed || member.sighting == Sighting::Present(InstanceState::Failed);
        if !is_failed {
            member.phase = Phase::Ready;
            member.sighting = Sighting::Present(InstanceState::Running);
            member.verdict = Verdict::Unknown;
        }
    }
    after
}

/// The victims of a scale-in, taken one at a time.
fn naive_victims(scene: &Scene, count: usize) -> BTreeSet<OperationId> {
    let mut left: Vec<(VictimRank, Member)> =
        scene.members.iter().filter_map(|member| Some((naive_rank(scene, member)?, *member))).collect();
    let mut taken = BTreeSet::new();
    for _ in 0..count {
        let fullness = |member: &Member| {
            let is_beside = |other: &&(VictimRank, Member)| {
                other.0 == VictimRank::Oldest && other.1.compute_node == member.compute_node
            };
            let alone = member.compute_node == NO_NODE;
            if alone { 1 } else { left.iter().filter(is_beside).count() + protected_on(scene, member.compute_node) }
        };
        let key = |(rank, member): &(VictimRank, Member)| {
            let crowd = if *rank == VictimRank::Oldest { fullness(member) } else { 0 };
            (*rank, core::cmp::Reverse(crowd), member.sequence, member.operation)
        };
        let (place, _) = left.iter().enumerate().min_by_key(|(_, candidate)| key(candidate)).unwrap();
        taken.insert(left.remove(place).1.operation);
    }
    taken
}

fn protected_on(scene: &Scene, node: u32) -> usize {
    let is_serving = |member: &&Member| classify(member, scene.now, &scene.timing) == Ok(Class::Serving);
    let there = scene.members.iter().filter(|member| member.is_protected() && member.compute_node == node);
    there.filter(is_serving).count()
}

fn naive_rank(scene: &Scene, member: &Member) -> Option<VictimRank> {
    if member.is_protected() {
        return None;
    }
    match classify(member, scene.now, &scene.timing).unwrap() {
        Class::Stopped if is_given_up(scene, member) => None,
        Class::Stopped => Some(VictimRank::Broken),
        Class::Unhealthy => Some(VictimRank::Unhealthy),
        Class::Missing | Class::OutOfContact => Some(VictimRank::OutOfContact),
        Class::Starting => Some(VictimRank::Starting),
        Class::Serving if member.revision != scene.intent.revision => Some(VictimRank::OldRevision),
        Class::Serving => Some(VictimRank::Oldest),
        _ => None,
    }
}

/// Stopped, started often enough, and its last start had its time.
fn is_given_up(scene: &Scene, member: &Member) -> bool {
    let delay = scene.limits.start_delay * (1 << member.starts()) / 2;
    let had_its_time = member.starts() == 0 || scene.now >= member.last_start_at.after(delay);
    let is_there = member.sighting == Sighting::Present(InstanceState::Stopped);
    is_there && had_its_time && member.starts() >= scene.limits.start_attempts.min(7)
}
