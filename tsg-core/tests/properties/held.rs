//! What repair leaves undone in a group that is held, whatever the input.
//!
//! Owns the list of what is exempt. Must never ask the planner whether a group is held.

use std::collections::BTreeSet;

use proptest::prelude::{Strategy, prop_assert, prop_assert_eq, proptest};
use tsg_core::model::amount::Amount;
use tsg_core::model::group::Lifecycle;
use tsg_core::model::id::OperationId;
use tsg_core::model::operation::Cause;
use tsg_core::plan::input::{Mark, Verdict, ViewTrust};
use tsg_core::plan::memory::{Course, Hold};
use tsg_core::plan::output::{Action, Block, Class, Plan, PlannedAction, Reason};

use super::support::draw::{hold, moment, scene};
use super::support::table::Scene;
use super::{class_of, config, creates, marked, retiring};

/// More that vanished than any group here may miss.
const VANISHED: u32 = 100;

proptest! {
    #![proptest_config(config())]

    /// Exempt is what docs/semantics.md says goes on in a held group, and nothing else:
    ///
    /// - the stages of a removal that was begun before the hold: who was told to finish may have;
    /// - what a person marked as broken, and its successor: a word on one instance is stronger
    ///   than what was found about the group;
    /// - `orders.repairs_allowed`, so many replacements; restarts are not among what it allows;
    /// - one start, since to start what is stopped takes nothing from anybody.
    ///
    /// Scaling and rollouts go on too, but their steps are not repair's.
    #[test]
    fn repair_does_nothing_in_a_held_group_but_what_is_exempt(scene in held_scene()) {
        let plan = scene.plan().unwrap();
        let (begun, marked, told) = (retiring(&scene), marked(&scene, Mark::Condemned), scene.told());
        let (mut starts, mut removals, mut successors) = (0, 0, 0);
        for planned in plan.actions.iter().filter(|planned| planned.reason.cause() == Cause::Repair) {
            let operation = planned.action.operation();
            match planned.action {
                Action::Restart { .. } => prop_assert!(false, "{planned:?}\n{told}"),
                Action::Start { .. } => starts += 1,
                Action::Create { .. } => successors += u32::from(!succeeds_one_of(&plan, planned, &marked)),
                _ if begun.contains(&operation) || marked.contains(&operation) => {}
                _ => {
                    prop_assert!(!is_clearing(planned), "{planned:?}\n{told}");
                    removals += u32::from(!has_counterpart(&scene, planned));
                    prop_assert!(scene.intent.orders.repairs_allowed > 0, "{planned:?}\n{told}");
                }
            }
        }
        let allowed = scene.intent.orders.repairs_allowed;
        prop_assert!(starts <= 1, "{starts} starts at once\n{told}");
        prop_assert!(successors <= allowed, "{successors} successors of {allowed}\n{told}");
        // Where there are more than wanted, whoever goes first leaves no place that is to be filled.
        let on_top = plan.report.counts.total().saturating_sub(scene.intent.capacity);
        let most = if allowed == 0 { 0 } else { allowed + on_top };
        prop_assert!(removals <= most, "{removals} removals of {allowed}, {on_top} on top\n{told}");
    }

    /// Over `max_unhealthy` no gap is filled either, outside of a rollout: what is new would likely
    /// share the fault. A hold of the look across groups does not say so.
    #[test]
    fn no_gap_is_filled_where_too_many_are_unhealthy(scene in held_scene()) {
        if !is_over(&scene) {
            return Ok(());
        }
        let plan = scene.plan().unwrap();
        let is_told = plan.report.blocks.iter().any(|block| matches!(block, Block::TooManyUnhealthy { .. }));
        prop_assert!(is_told, "{}", scene.told());
        let courses = [scene.memory.rollout.course, plan.report.rollout.map(|rollout| rollout.course)];
        let is_rolling = |course: Course| !course.is_first && !course.state.is_over();
        if scene.intent.orders.repairs_allowed == 0 && !courses.into_iter().flatten().any(is_rolling) {
            prop_assert_eq!(creates(&plan), 0, "{}", scene.told());
        }
    }
}

/// A group that is held, in each way that there is.
fn held_scene() -> impl Strategy<Value = Scene> {
    (scene(), hold(), moment(), 0_u8..4).prop_filter_map("not held", |(mut scene, hold, since, kind)| {
        (scene.intent.is_frozen, scene.intent.lifecycle, scene.trust) = (false, Lifecycle::Active, ViewTrust::Trusted);
        // One that was under the limit for long enough may end in this very plan.
        scene.memory.repair.hold.iter_mut().for_each(|hold| hold.under_since = None);
        match kind {
            0 => scene.hold = Some(hold),
            1 => scene.memory.repair.hold = Some(Hold { since, under_since: None }),
            2 => scene.limits.lost_recently = VANISHED,
            _ => make_unwell(&mut scene),
        }
        (scene.hold.is_some() || is_over(&scene)).then_some(scene)
    })
}

/// Lets everybody fail its checks, each for a place of its own.
fn make_unwell(scene: &mut Scene) {
    scene.policy.max_unhealthy.limit = Amount::Count(1);
    scene.members.iter_mut().for_each(|member| member.verdict = Verdict::Unhealthy);
    scene.details.iter_mut().for_each(|detail| detail.replaces = None);
}

/// Whether a group is over `max_unhealthy`, or was and has not been under it since.
fn is_over(scene: &Scene) -> bool {
    let held = marked(scene, Mark::Held);
    let is_unhealthy = |class| class == Class::Unhealthy;
    let unhealthy = scene.members.iter().filter(|member| !held.contains(&member.operation));
    let unhealthy = unhealthy.filter(|member| is_unhealthy(class_of(scene, member))).count();
    let has_chains = scene.details.iter().any(|detail| detail.replaces.is_some());
    let is_remembered = scene.memory.repair.hold.is_some_and(|hold| hold.under_since.is_none());
    is_remembered
        || scene.limits.lost_recently >= VANISHED
        || (!has_chains && unhealthy > scene.policy.max_unhealthy.limit_of(scene.intent.capacity) as usize)
}

/// Whether a create is to take the place of one of these.
fn succeeds_one_of(plan: &Plan, planned: &PlannedAction, operations: &BTreeSet<OperationId>) -> bool {
    let origin = plan.origins.iter().find(|origin| origin.operation == planned.action.operation());
    origin.and_then(|origin| origin.replaces).is_some_and(|predecessor| operations.contains(&predecessor))
}

/// Whether it removes what is dead.
const fn is_clearing(planned: &PlannedAction) -> bool {
    matches!(planned.reason, Reason::ProvisioningFailed | Reason::ProvisioningOverdue { .. })
}

/// Whether a member has a successor or takes the place of another: its replacement was begun.
fn has_counterpart(scene: &Scene, planned: &PlannedAction) -> bool {
    let operation = planned.action.operation();
    scene.details.iter().any(|detail| {
        detail.replaces == Some(operation) || (detail.operation == operation && detail.replaces.is_some())
    })
}
