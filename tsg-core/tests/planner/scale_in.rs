//! The victims of a scale-in are those that taking one at a time would give.
//!
//! Owns the oracle: it looks at everybody for every victim, and counts every place anew.

use core::cmp::Reverse;
use std::collections::BTreeSet;

use crate::support::table::{NOW, Scene, scene};
use proptest::collection::vec;
use proptest::prelude::{Just, ProptestConfig, Strategy, any, prop_assert, prop_assert_eq, prop_oneof, proptest};
use proptest::sample::select;
use tsg_core::model::id::{InstanceId, OperationId};
use tsg_core::model::instance::InstanceState;
use tsg_core::model::operation::Phase;
use tsg_core::model::policy::{ScaleInOrder, UpdateMode};
use tsg_core::plan::input::{Detail, Mark, Member, NO_NODE, Place, Sighting};
use tsg_core::plan::output::{Action, Plan, Reason, VictimRank, Wait};
use uuid::Uuid;

const NODES: u32 = 7;

/// A member and what its guest and a person say of it.
fn member() -> impl Strategy<Value = (Member, Option<Detail>)> {
    let sighting = prop_oneof![8 => Just(InstanceState::Running), 1 => Just(InstanceState::Provisioning)];
    let missing = prop_oneof![9 => Just(false), 1 => Just(true)];
    let node = prop_oneof![6 => 0..NODES, 1 => Just(NO_NODE)];
    let guest = proptest::option::weighted(0.4, (any::<bool>(), -1_i32..2, 0_u8..8));
    (any::<u128>(), sighting, missing, node, 1_u32..6, guest, 0_u8..12).prop_map(
        |(id, state, is_missing, node, sequence, guest, protection)| {
            let operation = OperationId::from_bits(id);
            let mut member =
                Member::planned(operation, sequence, 1, NOW).with_instance(InstanceId::new(Uuid::from_u128(id | 1)));
            member.phase = if state == InstanceState::Running { Phase::Ready } else { Phase::Bound };
            member.sighting = if is_missing { Sighting::Missing } else { Sighting::Present(state) };
            member.compute_node = node;
            if protection == 0 {
                member = member.with_protection();
            }
            let detail = guest.map(|(is_busy, cost, naming)| {
                let mut detail = Detail::new(operation, NOW);
                (detail.guest.busy, detail.guest.scale_in_cost, detail.guest_at) = (Some(is_busy), Some(cost), NOW);
                if naming == 0 {
                    detail.marks = detail.marks.with(Mark::Named);
                }
                detail
            });
            (if detail.is_some() { member.with_detail() } else { member }, detail)
        },
    )
}

/// Where the first few nodes stand; of the others nobody knows.
fn places() -> impl Strategy<Value = Vec<Place>> {
    vec((0_u32..3, 0_u32..2).prop_map(|(rack, data_centre)| Place { rack, data_centre }), 0..NODES as usize)
}

fn group() -> impl Strategy<Value = Scene> {
    let order = select(&[ScaleInOrder::Oldest, ScaleInOrder::Newest][..]);
    (vec(member(), 1..14), places(), order, 0_u32..12).prop_map(|(members, places, order, capacity)| {
        let mut group = scene(&format!("group {capacity}"));
        (group.policy.update.mode, group.policy.scale_in.order, group.places) = (UpdateMode::OnCreate, order, places);
        (group.members, group.details) = (Vec::new(), Vec::new());
        for (member, detail) in members {
            group.members.push(member);
            group.details.extend(detail);
        }
        group.details.sort_by_key(|detail| detail.operation);
        group
    })
}

fn let_go(plan: &Plan) -> BTreeSet<OperationId> {
    let above = plan.actions.iter().filter(|planned| matches!(planned.reason, Reason::AboveCapacity { .. }));
    above.map(|planned| planned.action.operation()).collect()
}

fn detail<'a>(group: &'a Scene, member: &Member) -> Option<&'a Detail> {
    group.details.iter().find(|detail| detail.operation == member.operation)
}

/// Data centre, rack and node; what is not known is a place of its own.
fn spot(group: &Scene, member: &Member) -> [String; 3] {
    let node = member.compute_node;
    match group.places.get(node as usize) {
        _ if node == NO_NODE => [0; 3].map(|_| format!("alone {}", member.operation)),
        Some(Place { rack, data_centre }) => {
            [format!("dc {data_centre}"), format!("rack {data_centre} {rack}"), format!("node {node}")]
        }
        None => [0; 3].map(|_| format!("nowhere {node}")),
    }
}

fn rank(group: &Scene, member: &Member) -> VictimRank {
    match member.sighting {
        _ if detail(group, member).is_some_and(|detail| detail.marks.has(Mark::Named)) => VictimRank::Named,
        Sighting::Missing => VictimRank::OutOfContact,
        Sighting::Present(InstanceState::Provisioning) => VictimRank::Starting,
        _ => VictimRank::Oldest,
    }
}

/// The victims, one at a time.
fn naive(group: &Scene, count: usize) -> BTreeSet<OperationId> {
    let mut left = group.members.clone();
    let mut taken = BTreeSet::new();
    for _ in 0..count {
        let full = |member: &Member| {
            let mine = spot(group, member);
            [0, 1, 2].map(|level| Reverse(left.iter().filter(|other| spot(group, other)[level] == mine[level]).count()))
        };
        let key = |member: &Member| {
            let guest = detail(group, member).map(|detail| detail.guest).unwrap_or_default();
            let advice = (guest.busy == Some(true), guest.scale_in_cost.unwrap_or(0));
            let turn = match group.policy.scale_in.order {
                ScaleInOrder::Oldest => i64::from(member.sequence),
                _ => -i64::from(member.sequence),
            };
            (rank(group, member), advice, full(member), turn, member.operation)
        };
        let free = left.iter().enumerate().filter(|(_, member)| !member.is_protected());
        let (place, _) = free.min_by_key(|(_, member)| key(member)).unwrap();
        taken.insert(left.remove(place).operation);
    }
    taken
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(4000) })]

    #[test]
    fn the_first_difference_decides_for_each_victim(group in group()) {
        let plan = group.plan().unwrap();
        let victims = let_go(&plan);
        if !plan.report.waits.iter().any(|wait| matches!(wait, Wait::Availability { .. })) {
            prop_assert_eq!(&victims, &naive(&group, victims.len()));
            let free = group.members.iter().filter(|member| !member.is_protected()).count();
            let excess = group.members.len().saturating_sub(group.intent.capacity as usize);
            prop_assert_eq!(victims.len(), excess.min(free));
        }
    }

    #[test]
    fn a_smaller_scale_in_takes_some_of_those_that_a_larger_one_takes(group in group(), more in 1_u32..6) {
        let mut larger = group.clone();
        larger.intent.capacity += more;
        prop_assert!(let_go(&larger.plan().unwrap()).is_subset(&let_go(&group.plan().unwrap())));
    }

    #[test]
    fn the_lot_is_a_matter_of_the_group_and_of_nothing_else(mut group in group(), seed in any::<u128>(), salt in any::<u64>()) {
        group.policy.scale_in.order = ScaleInOrder::Random;
        let victims = let_go(&group.plan().unwrap());
        group.seed = seed;
        group.members.sort_by_key(|member| (member.operation.bits() as u64 ^ salt).wrapping_mul(salt | 1).rotate_left(23));
        prop_assert_eq!(let_go(&group.plan().unwrap()), victims);
    }
}

#[test]
fn the_lot_favours_neither_the_old_nor_the_new_and_differs_between_groups() {
    let mut drawn = BTreeSet::new();
    for group_number in 1..40_u128 {
        let mut group = scene(
            "group 2\npolicy {\"scale_in\": {\"order\": \"random\"}}\na ready running\nb ready running\nc ready running",
        );
        group.intent.group = tsg_core::model::id::GroupId::new(Uuid::from_u128(group_number));
        let plan = group.plan().unwrap();
        let deleted = plan.actions.iter().filter(|planned| matches!(planned.action, Action::Delete { .. }));
        drawn.extend(deleted.map(|planned| planned.action.operation()));
    }
    assert_eq!(drawn.len(), 3);
}
