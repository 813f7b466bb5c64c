//! What holds for every plan, whatever the input.
//!
//! `TSG_CASES` sets how many inputs each property is tried on, and `TSG_SEED` which.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test program fails by panicking")]

mod adversary;
mod held;
#[path = "../support/mod.rs"]
mod support;

use core::time::Duration;
use std::collections::{BTreeMap, BTreeSet};

use adversary::{blown, calmed, gusts, later, rests, told, without_endless};
use proptest::prelude::{ProptestConfig, Strategy, any, prop_assert, prop_assert_eq, proptest};
use support::apply::applied;
use support::draw::{calm_scene, mistrust, scene};
use support::shift::{moved, moved_form};
use support::table::Scene;
use support::tries::tries;
use tsg_core::model::amount::Amount;
use tsg_core::model::group::Lifecycle;
use tsg_core::model::id::{InstanceId, OperationId};
use tsg_core::model::instance::InstanceState;
use tsg_core::model::operation::{Cause, Phase};
use tsg_core::model::policy::{Identity, Policy, ReplaceMode, UpdateMode};
use tsg_core::model::revision::Disruption;
use tsg_core::model::span::Span;
use tsg_core::model::time::Timestamp;
use tsg_core::plan::classify::classify;
use tsg_core::plan::input::{Detail, Limits, Mark, Marks, Member, NodeState, Orders, Sighting, Verdict, ViewTrust};
use tsg_core::plan::memory::{PlanMemory, RolloutState};
use tsg_core::plan::output::{Action, Block, Class, GroupStatus, Plan, PlannedAction, Reason};
use tsg_core::plan::plan;
use tsg_core::plan::why::{Answer, Prospect, Question, why};
use uuid::Uuid;

/// Inputs that each property is tried on when nothing else is said: all of them where they cost
/// little.
const CASES: u32 = if cfg!(debug_assertions) { 500 } else { 100_000 };

fn config() -> ProptestConfig {
    tries(CASES)
}

fn by_operation(scene: &Scene) -> BTreeMap<OperationId, Member> {
    scene.members.iter().map(|member| (member.operation, *member)).collect()
}

fn count(plan: &Plan, is_counted: impl Fn(&PlannedAction) -> bool) -> u32 {
    u32::try_from(plan.actions.iter().filter(|planned| is_counted(planned)).count()).unwrap()
}

fn creates(plan: &Plan) -> u32 {
    count(plan, |planned| matches!(planned.action, Action::Create { .. }))
}

fn is_removal(planned: &PlannedAction) -> bool {
    matches!(planned.action, Action::Delete { .. } | Action::Drain { .. } | Action::Stop { .. })
}

/// Operations let go because the group has too many.
fn let_go(plan: &Plan) -> BTreeSet<OperationId> {
    let above = plan.actions.iter().filter(|planned| matches!(planned.reason, Reason::AboveCapacity { .. }));
    above.map(|planned| planned.action.operation()).collect()
}

/// Operations let go for whatever reason.
fn removed(plan: &Plan) -> BTreeSet<OperationId> {
    let is_gone = |planned: &&PlannedAction| {
        is_removal(planned) || matches!(planned.action, Action::Cancel { .. } | Action::Keep { .. })
    };
    let gone = plan.actions.iter().filter(is_gone);
    gone.map(|planned| planned.action.operation()).collect()
}

fn class_of(scene: &Scene, member: &Member) -> Class {
    classify(member, &scene.input(&scene.members)).unwrap()
}

/// Members whose removal has begun before this plan.
fn retiring(scene: &Scene) -> BTreeSet<OperationId> {
    let begun = scene.details.iter().filter(|detail| detail.retirement.is_some());
    begun.map(|detail| detail.operation).collect()
}

/// Members about which a person said so.
fn marked(scene: &Scene, mark: Mark) -> BTreeSet<OperationId> {
    let marked = scene.details.iter().filter(|detail| detail.marks.has(mark));
    marked.map(|detail| detail.operation).collect()
}

proptest! {
    #![proptest_config(config())]

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
        let mut later = scene.clone();
        later.now = Timestamp::from_millis(scene.now.as_millis() + shift);
        later.members = moved(&scene.members, shift);
        later.details = moved(&scene.details, shift);
        later.memory = moved(&scene.memory, shift);
        later.nodes = moved(&scene.nodes, shift);
        later.hold = moved(&scene.hold, shift);
        later.intent = moved(&scene.intent, shift);
        let expected = moved_form(&scene.plan().unwrap(), shift);
        prop_assert_eq!(serde_json::to_value(later.plan().unwrap()).unwrap(), expected);
    }

    #[test]
    fn every_member_has_one_class_and_no_plan_goes_beyond_its_ceiling(scene in scene()) {
        let plan = scene.plan().unwrap();
        prop_assert_eq!(plan.report.counts.total() as usize, scene.members.len());
        for member in &scene.members {
            prop_assert!(plan.report.counts.of(class_of(&scene, member)) > 0);
        }
        if creates(&plan) > 0 {
            let keeps = count(&plan, |planned| matches!(planned.action, Action::Keep { .. }));
            let kept = plan.report.counts.of(Class::Kept) + keeps;
            let taken = plan.report.counts.total() - kept - given_up(&plan);
            let ceiling = ceiling(&scene);
            let after = taken + scene.limits.orphans + creates(&plan);
            prop_assert!(after <= ceiling, "{after} of {ceiling}: {}", scene.told());
            prop_assert!(after + kept <= scene.limits.most_instances);
        }
    }

    #[test]
    fn a_plan_that_was_carried_out_leaves_nothing_to_do(scene in scene()) {
        let after = applied(&scene, &scene.plan().unwrap());
        let again = after.plan().unwrap();
        prop_assert_eq!(again.actions, vec![], "first: {}\nthen: {}", scene.told(), after.told());
        prop_assert_eq!(again.memory, None, "first: {}\nthen: {}", scene.told(), after.told());
    }

    #[test]
    fn a_wake_up_lies_in_the_future(scene in scene()) {
        prop_assert!(scene.plan().unwrap().next_wakeup.is_none_or(|at| at > scene.now));
    }

    #[test]
    fn raising_the_capacity_lets_nobody_go(scene in scene(), more in 0_u32..12) {
        let mut scene = scene;
        scene.intent.lifecycle = Lifecycle::Active;
        // A rollout lets go of canaries and of what its surge replaces, and has more of both. What
        // repair gives up has a slot or none, by how many others are up.
        (scene.policy.update.mode, scene.policy.replace.mode) = (UpdateMode::OnCreate, ReplaceMode::DetectOnly);
        (scene.intent.orders, scene.nodes) = (Orders::default(), Vec::new());
        // Whoever has a place that only the larger group has goes first in the smaller one, and changes where
        // most of it is.
        let capacity = scene.intent.capacity;
        scene.details.iter_mut().for_each(|detail| {
            (detail.marks, detail.replaces) = (Marks::NONE, None);
            detail.ordinal = detail.ordinal.filter(|ordinal| *ordinal < capacity);
        });
        // Of those that are too many the first go first, as far as a round may let go.
        (scene.limits.asked_deletes, scene.policy.scale_in.at_once) = (u32::MAX, Amount::Percent(100));
        let mut larger = scene.clone();
        larger.intent.capacity += more;
        let (small, large) = (removed(&scene.plan().unwrap()), let_go(&larger.plan().unwrap()));
        // What goes for being too many would have gone before.
        prop_assert!(large.is_subset(&small), "small: {}\nlarge: {}", scene.told(), larger.told());
    }

    #[test]
    fn in_any_group_a_larger_capacity_makes_nobody_too_many(scene in scene(), more in 0_u32..12) {
        let (small, large) = raised(scene, more);
        let (less, more) = (small.plan().unwrap(), large.plan().unwrap());
        let (gone, goes, begun) = (removed(&less), removed(&more), retiring(&small));
        let keeps = count(&more, |planned| matches!(planned.action, Action::Keep { .. }));
        let mut newly = Vec::new();
        for planned in &more.actions {
            let (operation, cause) = (planned.action.operation(), planned.reason.cause());
            if gone.contains(&operation) || !goes.contains(&operation) {
                continue;
            }
            // Only what a rollout or repair keeps stopped instead lets go of one that was kept.
            let is_replaced = matches!(cause, Cause::Rollout | Cause::Repair) || (cause == Cause::Expiry && keeps > 0);
            prop_assert!(is_replaced || cause == Cause::ScaleIn, "{planned:?}");
            if cause == Cause::ScaleIn && !begun.contains(&operation) && !is_surplus(&small, operation) {
                newly.push(operation);
            }
        }
        if !newly.is_empty() && stage(&small, &less) == stage(&large, &more) {
            let mut counted = given_up_by_repair(&small);
            counted.append(&mut given_up_by_repair(&large));
            counted.append(&mut with_new_places(&small, &large));
            counted.append(&mut told_to_restart(&small));
            let told = format!("small: {}\nlarge: {}", small.told(), large.told());
            // Who counts at the larger capacity only takes the place of another one.
            prop_assert!(newly.len() <= counted.len(), "{newly:?} beside {counted:?}\n{told}");
        }
    }

    #[test]
    fn where_all_are_well_and_bounds_are_numbers_no_more_go(scene in scene(), more in 0_u32..12) {
        let (small, large) = raised(in_numbers(&well(&scene)), more);
        let (less, more) = (small.plan().unwrap(), large.plan().unwrap());
        if stage(&small, &less) == stage(&large, &more) {
            let told = format!("small: {}\nlarge: {}", small.told(), large.told());
            prop_assert!(removed(&more).len() <= removed(&less).len(), "{told}");
        }
    }

    #[test]
    fn nothing_is_done_to_a_frozen_group_or_on_a_view_that_proves_nothing(mut scene in scene(), trust in mistrust()) {
        scene.intent.is_frozen = trust == ViewTrust::Trusted;
        scene.trust = trust;
        let plan = scene.plan().unwrap();
        prop_assert_eq!(&plan.actions, &vec![]);
        prop_assert_eq!(plan.memory.map(without_rollout), plan.memory.map(|_| without_rollout(scene.memory)));
        prop_assert!(matches!(plan.report.status, GroupStatus::Frozen | GroupStatus::Held));
        prop_assert!(!plan.report.blocks.is_empty());
    }

    #[test]
    fn no_step_of_ours_goes_below_the_availability_floor(scene in scene()) {
        let plan = scene.plan().unwrap();
        let members = by_operation(&scene);
        // What a person said is broken does not count, by whatever stages it goes.
        let marked = marked(&scene, Mark::Condemned);
        let takes = |planned: &&PlannedAction| {
            let member = planned.expects.and_then(|_| members.get(&planned.action.operation()));
            let is_disruptive = is_removal(planned)
                || matches!(planned.action, Action::Restart { .. })
                || matches!(planned.action, Action::Update { disruption, .. } if disruption > Disruption::InPlace);
            is_disruptive
                && !marked.contains(&planned.action.operation())
                && member.is_some_and(|member| class_of(&scene, member) == Class::Serving)
        };
        let taken: BTreeSet<_> = plan.actions.iter().filter(takes).map(|planned| planned.action.operation()).collect();
        if !taken.is_empty() && scene.intent.lifecycle == Lifecycle::Active {
            let floor = scene.intent.capacity.saturating_sub(out_of_service(&scene, &plan));
            let left = scene.members.iter().filter(|member| {
                class_of(&scene, member) == Class::Serving && !taken.contains(&member.operation)
                    && !is_interrupted(&scene, member)
            });
            prop_assert!(left.count() >= floor as usize, "{}", scene.told());
        }
    }

    #[test]
    fn every_step_fits_its_member(scene in scene()) {
        let members = by_operation(&scene);
        let mut touched = BTreeSet::new();
        for planned in scene.plan().unwrap().actions {
            let operation = planned.action.operation();
            prop_assert!(touched.insert(operation), "{planned:?} is the second step");
            let Some(phase) = planned.expects else {
                let is_create = matches!(planned.action, Action::Create { .. });
                prop_assert!(is_create && !members.contains_key(&operation), "{planned:?}");
                continue;
            };
            let member = members[&operation];
            prop_assert_eq!(phase, member.phase);
            prop_assert!(fits(&planned, &member), "{planned:?} for {member:?}");
        }
    }

    #[test]
    fn budgets_are_kept(scene in scene()) {
        let plan = scene.plan().unwrap();
        let begun = retiring(&scene);
        let first = |planned: &&PlannedAction| is_removal(planned) && !begun.contains(&planned.action.operation());
        let (unasked, asked): (Vec<&PlannedAction>, Vec<&PlannedAction>) =
            plan.actions.iter().filter(first).partition(|planned| planned.reason.cause() == Cause::Repair);
        prop_assert!(asked.len() as u64 <= u64::from(scene.limits.asked_deletes), "{}", scene.told());
        prop_assert!(unasked.len() as u64 <= u64::from(scene.limits.unasked_deletes), "{}", scene.told());
        let starts = count(&plan, |planned| {
            matches!(planned.action, Action::Start { .. } | Action::Restart { .. })
                && planned.reason.cause() == Cause::Repair
        });
        prop_assert!(starts <= scene.limits.starts, "{}", scene.told());
        prop_assert!(creates(&plan) <= scene.limits.creates.min(scene.memory.create_window.max(1)));
    }

    #[test]
    fn what_a_person_holds_is_left_alone(scene in scene()) {
        let held = marked(&scene, Mark::Held);
        for planned in scene.plan().unwrap().actions {
            let is_cancel = matches!(planned.action, Action::Cancel { .. });
            prop_assert!(is_cancel || !held.contains(&planned.action.operation()), "{planned:?}");
        }
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
        for (member, time) in scene.members.iter_mut().zip(&times) {
            member.phase_since = Timestamp::from_millis(*time);
            member.state_since = Timestamp::from_millis(time.rotate_left(17));
        }
        for (detail, time) in scene.details.iter_mut().zip(&times) {
            detail.asked_at = Timestamp::from_millis(time.rotate_left(31));
            detail.restarts = detail.restarts.with(Timestamp::from_millis(time.rotate_left(5)));
        }
        let plan = scene.plan().unwrap();
        prop_assert!(plan.next_wakeup.is_none_or(|at| at > scene.now));
    }

    #[test]
    fn a_cloud_that_does_as_it_is_told_converges(scene in calm_scene(), troubles in troubles()) {
        let mut scene = without_dead_ends(scene);
        for trouble in troubles {
            let plan = scene.plan().unwrap();
            scene = troubled(&obeyed(&applied(&scene, &plan)), trouble);
        }
        scene.members.retain(|member| !is_out_of_reach(member));
        for _ in 0..ROUNDS_MAX {
            let plan = scene.plan().unwrap();
            if plan.report.status == GroupStatus::Converged && plan.next_wakeup.is_none() {
                break;
            }
            scene = obeyed(&applied(&scene, &plan));
        }
        let plan = scene.plan().unwrap();
        prop_assert_eq!(plan.report.status, GroupStatus::Converged, "{}", scene.told());
        prop_assert_eq!(plan.report.counts.of(Class::Serving), scene.intent.capacity);
    }

    #[test]
    fn whatever_the_cloud_did_a_group_comes_to_rest_once_it_stops(scene in scene(), gusts in gusts()) {
        let mut scene = without_endless(scene);
        for gust in gusts {
            scene = blown(&scene, gust);
        }
        scene = calmed(&scene);
        let mut plan = scene.plan().unwrap();
        for _ in 0..CALM_ROUNDS_MAX {
            if rests(&scene, &plan) {
                break;
            }
            scene = later(&scene, &plan);
            plan = scene.plan().unwrap();
        }
        prop_assert!(rests(&scene, &plan), "{}", told(&scene));
        let is_deleting = scene.intent.lifecycle == Lifecycle::Deleting;
        let wanted = if is_deleting { 0 } else { scene.intent.capacity };
        prop_assert_eq!(plan.report.counts.of(Class::Serving), wanted, "{}", told(&scene));
        match plan.report.status {
            GroupStatus::Converged => prop_assert!(!is_deleting),
            GroupStatus::Deleted => prop_assert!(is_deleting),
            // The rollout failed, or may not do what it would take: a person decides.
            status => {
                let is_decided = |block: &Block| {
                    !matches!(block, Block::RolloutFailed { .. } | Block::DisruptionCapped { .. })
                };
                prop_assert_eq!(status, GroupStatus::Blocked, "{}", told(&scene));
                prop_assert!(!plan.report.blocks.iter().any(is_decided), "{}", told(&scene));
            }
        }
    }
}

/// Rounds within which everything comes to rest after the last fault, whatever the policies are.
const CALM_ROUNDS_MAX: usize = 400;

/// How many of the capacity may be out of service by steps of ours: what the policy says, and more
/// in two cases only.
fn out_of_service(scene: &Scene, plan: &Plan) -> u32 {
    let Scene { intent, policy, .. } = scene;
    let bounds = policy.update.bounds(policy.identity, intent.capacity);
    let course = plan.memory.unwrap_or(scene.memory).rollout.course;
    let is_rolling = policy.update.mode == UpdateMode::Rolling;
    let Some(course) = course.filter(|course| is_rolling && course.target == intent.revision) else {
        return bounds.unavailable;
    };
    let is_done = matches!(course.state, RolloutState::Successful | RolloutState::Reverted);
    match policy.identity {
        // There is no room for a surge, and `on_deadlock: swap` lets one go first.
        _ if course.is_swapping && !course.state.is_over() => bounds.unavailable.max(1),
        // What a person asked for by name, so many at once; one more of an ordinal cannot come first.
        Identity::Ordinal if is_done && intent.orders.width > 0 => intent.orders.width,
        _ => bounds.unavailable,
    }
}

/// Whether a serving member was told to restart a moment ago, and cannot be seen to serve yet.
fn is_interrupted(scene: &Scene, member: &Member) -> bool {
    let mut details = scene.details.iter();
    let told_at = |detail: &Detail| detail.restarts.last_at().filter(|_| detail.operation == member.operation);
    details.any(|detail| told_at(detail).is_some_and(|at| at.after(Duration::from_secs(1)) > scene.now))
}

/// A group as it is drawn, and the same with more wanted. Of those that are too many the first go
/// first, as far as a round may let go, so that a round lets all of them go.
fn raised(mut small: Scene, more: u32) -> (Scene, Scene) {
    small.intent.lifecycle = Lifecycle::Active;
    (small.limits.asked_deletes, small.policy.scale_in.at_once) = (u32::MAX, Amount::Percent(100));
    let mut large = small.clone();
    large.intent.capacity += more;
    (small, large)
}

/// Where a rollout stands: a share of a larger group can be one more canary, or a later checkpoint.
fn stage(scene: &Scene, plan: &Plan) -> Option<(RolloutState, u8, u32)> {
    let course = plan.report.rollout?.course;
    let is_tried = matches!(course.state, RolloutState::Canary | RolloutState::AwaitingPromotion);
    let canaries = scene.policy.update.canary.of_rounded_up(scene.intent.capacity);
    Some((course.state, course.checkpoints, if is_tried { canaries } else { 0 }))
}

/// Members that a person told to restart: once they have, they are among the canaries.
fn told_to_restart(scene: &Scene) -> BTreeSet<OperationId> {
    marked(scene, Mark::Restart)
}

fn prospect(scene: &Scene, operation: OperationId) -> Prospect {
    match why(&scene.input(&scene.members), Question::Instance(operation)).unwrap() {
        Answer::Instance(answer) => answer.prospect,
        other => panic!("{other:?}"),
    }
}

/// Whether a member is told that it has to go, although it does not go yet.
fn is_surplus(scene: &Scene, operation: OperationId) -> bool {
    matches!(prospect(scene, operation), Prospect::Surplus { .. })
}

/// Members whose ordinals are below the larger capacity, and not below the smaller one.
fn with_new_places(small: &Scene, large: &Scene) -> BTreeSet<OperationId> {
    let new = small.intent.capacity..large.intent.capacity;
    let is_ordinal = small.policy.identity == Identity::Ordinal;
    let details =
        small.details.iter().filter(|detail| is_ordinal && detail.ordinal.is_some_and(|own| new.contains(&own)));
    details.map(|detail| detail.operation).collect()
}

/// Members that repair gives up, lets go, or has made another one for: while it has to wait they
/// keep their places, and count.
fn given_up_by_repair(scene: &Scene) -> BTreeSet<OperationId> {
    let succeeded: BTreeSet<_> = scene.details.iter().filter_map(|detail| detail.replaces).collect();
    let is_given_up = |operation: &OperationId| match prospect(scene, *operation) {
        Prospect::Replaced { .. } => true,
        Prospect::Acted { planned } => planned.reason.cause() == Cause::Repair,
        _ => succeeded.contains(operation),
    };
    scene.members.iter().map(|member| member.operation).filter(is_given_up).collect()
}

/// The group with everybody serving, so that repair has nothing to do.
fn well(scene: &Scene) -> Scene {
    let mut well = scene.clone();
    well.members.retain(|member| member.instance().is_some());
    for member in &mut well.members {
        (member.phase, member.verdict) = (Phase::Ready, Verdict::Unknown);
        member.sighting = Sighting::Present(InstanceState::Running);
    }
    let members = by_operation(&well);
    well.details.retain(|detail| members.contains_key(&detail.operation));
    for detail in &mut well.details {
        (detail.marks, detail.replaces, detail.retirement) = (Marks::NONE, None, None);
        (detail.guest.is_unhealthy, detail.restarts) = (false, Default::default());
    }
    (well.nodes, well.hold, well.limits.lost_recently) = (Vec::new(), None, 0);
    well
}

/// The group with numbers where its policy has shares.
fn in_numbers(scene: &Scene) -> Scene {
    let mut scene = scene.clone();
    let number = |amount: Amount| match amount {
        Amount::Percent(percent) => Amount::Count(u32::from(percent) / 25),
        Amount::Count(_) => amount,
    };
    let update = &mut scene.policy.update;
    (update.max_surge, update.canary) = (number(update.max_surge), number(update.canary));
    update.max_unavailable = number(update.max_unavailable);
    if update.max_surge.is_zero() && update.max_unavailable.is_zero() {
        update.max_unavailable = Amount::Count(1);
    }
    scene
}

/// Rounds of at least a minute within which everything comes to rest.
const ROUNDS_MAX: usize = 600;

/// The most that the policies allow to exist.
fn ceiling(scene: &Scene) -> u32 {
    let capacity = scene.intent.capacity;
    let bounds = scene.policy.update.bounds(scene.policy.identity, capacity);
    let canaries = scene.policy.update.canary.of_rounded_up(capacity);
    let repairs = scene.policy.replace.in_flight.at_least_one_of(capacity).max(scene.intent.orders.repairs_allowed);
    let width = scene.intent.orders.width;
    // What is on a lost compute node serves nobody, and cannot be removed before the node is back.
    let is_lost = |member: &&Member| {
        let found = scene.nodes.iter().find(|condition| condition.node == member.compute_node);
        found.is_some_and(|condition| !matches!(condition.state, NodeState::Draining { .. }))
    };
    let lost = u32::try_from(scene.members.iter().filter(is_lost).count()).unwrap();
    capacity + scene.limits.surge.max(bounds.surge.max(width) + canaries) + repairs + lost
}

/// Unsent creates that the plan gives up.
fn given_up(plan: &Plan) -> u32 {
    count(plan, |planned| matches!(planned.action, Action::Cancel { .. }))
}

/// The only part of the memory that may change while nothing may be done is the rollout's clock.
fn without_rollout(memory: PlanMemory) -> PlanMemory {
    PlanMemory { rollout: Default::default(), ..memory }
}

fn fits(planned: &PlannedAction, member: &Member) -> bool {
    let is_settled = matches!(member.phase, Phase::Bound | Phase::Ready | Phase::Failed);
    let is_running = matches!(member.sighting, Sighting::Present(InstanceState::Running) | Sighting::None);
    match planned.action {
        Action::Create { .. } => false,
        Action::Cancel { .. } => member.phase == Phase::Planned,
        Action::Delete { instance, .. } | Action::Drain { instance, .. } | Action::Stop { instance, .. } => {
            is_settled && member.instance() == Some(instance) && !member.is_protected()
        }
        Action::Keep { instance, .. } => is_settled && member.instance() == Some(instance) && !member.is_protected(),
        Action::Start { instance, .. } => {
            member.instance() == Some(instance) && member.sighting == Sighting::Present(InstanceState::Stopped)
        }
        Action::Restart { instance, .. } | Action::Update { instance, .. } => {
            member.instance() == Some(instance)
                && is_settled
                && (is_running || matches!(planned.action, Action::Update { .. }))
        }
    }
}

fn without_detail(member: &Member) -> Member {
    let plain = Member::planned(member.operation, member.sequence, member.revision, member.phase_since);
    let plain = if member.is_protected() { plain.with_protection() } else { plain };
    let mut plain = member.instance().map_or(plain, |instance| plain.with_instance(instance));
    (plain.state_since, plain.compute_node) = (member.state_since, member.compute_node);
    (plain.phase, plain.sighting, plain.verdict) = (member.phase, member.sighting, member.verdict);
    plain
}

/// What goes wrong in one round.
#[derive(Debug, Clone, Copy)]
struct Trouble {
    member: u8,
    kind: u8,
}

fn troubles() -> impl Strategy<Value = Vec<Trouble>> {
    proptest::collection::vec((any::<u8>(), any::<u8>()).prop_map(|(member, kind)| Trouble { member, kind }), 0..12)
}

/// One member comes to grief.
fn troubled(scene: &Scene, trouble: Trouble) -> Scene {
    let mut after = scene.clone();
    let count = after.members.len();
    if let Some(member) = (count > 0).then(|| &mut after.members[usize::from(trouble.member) % count])
        && member.phase == Phase::Ready
    {
        match trouble.kind % 4 {
            0 => member.sighting = Sighting::Present(InstanceState::Stopped),
            1 => member.sighting = Sighting::Present(InstanceState::Deleted),
            2 => member.verdict = Verdict::Unhealthy,
            _ => {}
        }
        member.state_since = after.now;
    }
    after
}

/// Policies and members that wait for a person, or for ever, have nothing to converge to by
/// themselves.
fn without_dead_ends(mut scene: Scene) -> Scene {
    scene.members.retain(|member| !member.is_protected() && !is_out_of_reach(member));
    scene.details.clear();
    scene.members = scene.members.iter().map(without_detail).collect();
    scene.limits = Limits::default();
    scene.policy = Policy { update: scene.policy.update, identity: scene.policy.identity, ..Policy::default() };
    scene.policy.update.checkpoints.clear();
    scene.policy.update.auto_promote = true;
    scene.policy.update.max_disruption = Disruption::Replace;
    scene.policy.update.max_failures = u32::MAX;
    scene.policy.update.progress_deadline = Span::from_hours(24);
    scene.policy.stop.preserve = tsg_core::model::policy::Preserve::Never;
    scene
}

/// Members that only time or a person brings back.
fn is_out_of_reach(member: &Member) -> bool {
    use InstanceState::{Offline, Provisioning, Unknown};
    let Sighting::Present(state) = member.sighting else { return member.sighting == Sighting::Missing };
    matches!(state, Offline | Unknown) || (member.phase == Phase::Ready && state == Provisioning)
}

/// A minute later, in a cloud where everything works.
fn obeyed(scene: &Scene) -> Scene {
    let mut after = scene.clone();
    after.now = scene.now.after(Duration::from_secs(60));
    after.members.retain(|member| {
        member.phase != Phase::Deleting && member.sighting != Sighting::Present(InstanceState::Deleted)
    });
    for member in &mut after.members {
        *member = member.listed();
        let before = *member;
        if matches!(member.phase, Phase::Planned | Phase::Sent | Phase::Unknown) {
            *member = member.with_instance(InstanceId::new(Uuid::from_u128(member.operation.bits() | 1)));
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
        if (before.phase, before.sighting, before.verdict) != (member.phase, member.sighting, member.verdict) {
            (member.phase_since, member.state_since) = (after.now, after.now);
        }
    }
    let members = by_operation(&after);
    after.details.retain(|detail| members.contains_key(&detail.operation));
    after
}
