//! From a plan to the ledger: what of it may be recorded, and how.
//!
//! Owns the ceilings of the user's intent, which hold whatever a plan says, and what each step
//! writes. Must never send anything.

use tsg_core::model::errand::{Errand, ErrandKind};
use tsg_core::model::group::{Group, Lifecycle};
use tsg_core::model::id::{OperationId, TemplateId};
use tsg_core::model::instance::InstanceState;
use tsg_core::model::operation::{Cause, InvalidEdge, Operation, Phase};
use tsg_core::model::policy::{Identity, ReplaceOrder, UpdateMode};
use tsg_core::model::revision::Disruption;
use tsg_core::model::time::Timestamp;
use tsg_core::observe::lasting::LastingStates;
use tsg_core::plan::input::{Lineage, Mark, Retirement, RetirementStage, Sighting};
use tsg_core::plan::output::{Action, Origin, PlannedAction};

use super::dispatch::Toll;
use super::round::Scene;
use crate::ledger::{Edit, GroupLedger};

/// The ceilings of the user's intent, whatever the plan says: no create beyond the capacity and
/// what the policy allows on top, no asked removal below the capacity, and no rollout that takes
/// more out of service than the policy says.
pub(super) fn hold_to_intent(ledger: &GroupLedger, scene: &Scene, actions: &mut Vec<PlannedAction>) {
    if actions.is_empty() {
        return;
    }
    let mut room = Room::of(ledger, scene, actions);
    actions.retain(|planned| {
        let is_within = room.admits(ledger, planned);
        if !is_within {
            tracing::error!(group = %ledger.group().id, ?planned, "a plan went beyond the user's intent");
        }
        is_within
    });
}

/// What the user's intent leaves room for.
struct Room {
    creates: u32,
    /// Members that are more than the user wants.
    spare: u32,
    /// Running members that a rollout may take out of service.
    serving: Vec<OperationId>,
    disruptions: u32,
}

impl Room {
    fn of(ledger: &GroupLedger, scene: &Scene, actions: &[PlannedAction]) -> Self {
        let group = ledger.group();
        let is_cancel = |action| matches!(action, Action::Cancel { .. });
        let is_keep = |action| matches!(action, Action::Keep { .. });
        // What this plan puts aside is out of the capacity as what is kept already.
        let (wanted, kept) = (group.wanted(), kept(ledger).saturating_add(count(actions, is_keep)));
        let occupied = ledger.open_count().saturating_sub(kept).saturating_add(scene.limits.orphans);
        let occupied = occupied.saturating_sub(count(actions, is_cancel));
        let is_rolled_out = actions.iter().any(|planned| planned.reason.cause() == Cause::Rollout);
        let serving = if is_rolled_out { serving(ledger, scene) } else { Vec::new() };
        let running = u32::try_from(serving.len()).unwrap_or(u32::MAX);
        Self {
            creates: wanted.saturating_add(surge(ledger)).saturating_sub(occupied),
            spare: ledger.count_open(|phase| phase != Phase::Deleting).saturating_sub(kept).saturating_sub(wanted),
            serving,
            disruptions: running.saturating_sub(wanted.saturating_sub(unavailable(group))),
        }
    }

    fn admits(&mut self, ledger: &GroupLedger, planned: &PlannedAction) -> bool {
        let id = planned.action.operation();
        let is_leaving = ledger.operation(id).is_some_and(|operation| operation.retirement.is_some());
        let left = match (planned.action, planned.reason.cause()) {
            (Action::Create { .. }, _) => &mut self.creates,
            // What was begun is brought to its end.
            _ if is_leaving => return true,
            (
                Action::Cancel { .. } | Action::Delete { .. } | Action::Drain { .. } | Action::Stop { .. },
                Cause::ScaleIn | Cause::TearDown,
            ) => &mut self.spare,
            (action, Cause::Rollout) if is_disruptive(action) && self.serving.binary_search(&id).is_ok() => {
                &mut self.disruptions
            }
            _ => return true,
        };
        let is_within = *left > 0;
        *left = left.saturating_sub(1);
        is_within
    }
}

fn count(actions: &[PlannedAction], is_meant: impl Fn(Action) -> bool) -> u32 {
    let meant = actions.iter().filter(|planned| is_meant(planned.action));
    u32::try_from(meant.count()).unwrap_or(u32::MAX)
}

const fn is_disruptive(action: Action) -> bool {
    match action {
        Action::Create { .. } | Action::Cancel { .. } | Action::Start { .. } | Action::Keep { .. } => false,
        Action::Delete { .. } | Action::Restart { .. } | Action::Drain { .. } | Action::Stop { .. } => true,
        Action::Update { disruption, .. } => !matches!(disruption, Disruption::None | Disruption::InPlace),
    }
}

/// Instances over the capacity that the user's policy can ever allow at once.
fn surge(ledger: &GroupLedger) -> u32 {
    let Group { policy, capacity, lifecycle, orders, .. } = ledger.group();
    if *lifecycle == Lifecycle::Deleting || policy.identity == Identity::Ordinal {
        return 0;
    }
    let is_marked = || ledger.open().any(|operation| operation.marks.has(Mark::Reprovision));
    let rollout = match policy.update.mode {
        UpdateMode::OnCreate if !is_marked() => 0,
        UpdateMode::OnCreate | UpdateMode::Rolling => {
            let canaries = policy.update.canary.of_rounded_up(*capacity);
            let bounds = policy.update.bounds(policy.identity, *capacity);
            bounds.surge.max(orders.width).saturating_add(canaries)
        }
    };
    let repair = match policy.replace.order {
        ReplaceOrder::StartFirst => policy.replace.in_flight.at_least_one_of(*capacity).max(orders.repairs_allowed),
        ReplaceOrder::StopFirst => 0,
    };
    rollout.saturating_add(repair)
}

/// Instances of the capacity that a rollout may take out of service at once. One at least: where
/// there is no room for a surge, or nothing to replace it by, it has to begin somewhere.
fn unavailable(group: &Group) -> u32 {
    let bounds = group.policy.update.bounds(group.policy.identity, group.capacity);
    bounds.unavailable.max(group.orders.width).max(1)
}

/// Instances that are kept for a person to look at, outside of the capacity.
fn kept(ledger: &GroupLedger) -> u32 {
    let is_kept = |operation: &&Operation| {
        operation.phase != Phase::Deleting
            && operation.retirement.is_some_and(|retirement| retirement.stage == RetirementStage::Kept)
    };
    u32::try_from(ledger.open().filter(is_kept).count()).unwrap_or(u32::MAX)
}

/// Members that run and are not on their way out, ordered by operation.
fn serving(ledger: &GroupLedger, scene: &Scene) -> Vec<OperationId> {
    let is_leaving = |id: OperationId| ledger.operation(id).is_none_or(|operation| operation.retirement.is_some());
    let members =
        scene.joined.members.iter().filter(|member| {
            member.phase == Phase::Ready && member.sighting == Sighting::Present(InstanceState::Running)
        });
    members.map(|member| member.operation).filter(|id| !is_leaving(*id)).collect()
}

/// Members that vanished since the user's last change, within the window of `max_unhealthy`.
pub(super) fn lost_recently(ledger: &GroupLedger, now: Timestamp) -> u32 {
    let group = ledger.group();
    let since = now.before(group.policy.max_unhealthy.window.as_duration()).max(group.updated_at);
    let is_lost = |operation: &&Operation| {
        operation.phase == Phase::Gone && operation.deletion.is_none() && operation.phase_since > since
    };
    u32::try_from(ledger.operations().filter(is_lost).count()).unwrap_or(u32::MAX)
}

/// Where a plan's new operations come from.
pub(super) struct Origins<'a> {
    pub(super) all: &'a [Origin],
    /// What the plan's numbers of compute nodes stand for.
    pub(super) lasting: &'a LastingStates,
}

/// Records one step of a plan, if it still holds.
pub(super) fn apply(edit: &mut Edit<'_>, planned: &PlannedAction, origins: &Origins<'_>) -> Result<(), InvalidEdge> {
    let cause = planned.reason.cause();
    let id = planned.action.operation();
    let phase = edit.operation(id).map(|operation| operation.phase);
    match planned.action {
        Action::Create { revision, .. } => {
            if phase.is_none() {
                create(edit, id, revision, cause, origins);
            }
            return Ok(());
        }
        _ if phase.is_none() || phase != planned.expects => {}
        Action::Cancel { .. } => return edit.enter(id, Phase::Cancelled, "not needed any more"),
        Action::Delete { .. } => return edit.decide_delete(id, cause, words(cause)),
        // Recorded when it is sent: until then there is nothing to remember.
        Action::Start { .. } => {}
        Action::Restart { .. } => restart(edit, id, Toll::of(planned.reason)),
        Action::Drain { .. } => retire(edit, id, RetirementStage::Draining, cause),
        Action::Stop { .. } => retire(edit, id, RetirementStage::Stopping, cause),
        Action::Keep { .. } => retire(edit, id, RetirementStage::Kept, cause),
        Action::Update { revision, disruption, .. } => update(edit, id, revision, disruption),
    }
    Ok(())
}

fn create(edit: &mut Edit<'_>, id: OperationId, revision: u32, cause: Cause, origins: &Origins<'_>) {
    let Some(template) = template_of(edit.group(), revision) else { return };
    edit.plan(id, (revision, template), cause);
    if let Some(origin) = origins.all.iter().find(|origin| origin.operation == id) {
        edit.change(id, |operation| {
            operation.replaces = origin.replaces;
            operation.lineage = Lineage { retries: origin.retries };
            operation.ordinal = origin.ordinal;
            operation.avoid = origin.avoid.iter().flatten().filter_map(|node| origins.lasting.node(*node)).collect();
        });
    }
}

/// The template of a revision, if the group remembers it.
pub(super) fn template_of(group: &Group, revision: u32) -> Option<TemplateId> {
    if revision == group.revision {
        return Some(group.template);
    }
    group.revisions.get(revision).map(|entry| entry.template)
}

fn restart(edit: &mut Edit<'_>, id: OperationId, toll: Toll) {
    let now = edit.now();
    edit.change(id, |operation| {
        operation.restarts = toll.note(operation.restarts, now);
        operation.marks = operation.marks.without(Mark::Restart);
        operation.errand = Some(Errand::new(ErrandKind::Restart, now));
    });
}

fn retire(edit: &mut Edit<'_>, id: OperationId, stage: RetirementStage, cause: Cause) {
    let since = edit.now();
    let kind = match stage {
        RetirementStage::Draining => Some(ErrandKind::Drain),
        RetirementStage::Stopping => Some(ErrandKind::Stop),
        RetirementStage::Kept => None,
    };
    edit.change(id, |operation| {
        operation.retirement = Some(Retirement { stage, since, cause });
        operation.errand = kind.map(|kind| Errand::new(kind, since));
    });
}

fn update(edit: &mut Edit<'_>, id: OperationId, revision: u32, disruption: Disruption) {
    let now = edit.now();
    let Some(template) = template_of(edit.group(), revision) else { return };
    edit.change(id, |operation| {
        // What an earlier update has written of its template may be there as well.
        let mut from = operation.errand.as_ref().map(|errand| errand.kind.from().to_vec()).unwrap_or_default();
        let was_resized = matches!(operation.errand, Some(Errand { kind: ErrandKind::Resize { .. }, .. }));
        if !from.contains(&operation.template) {
            from.push(operation.template);
        }
        let kind = match disruption {
            Disruption::None if from.len() == 1 => None,
            Disruption::None | Disruption::InPlace if !was_resized => Some(ErrandKind::Update { from }),
            _ => Some(ErrandKind::Resize { from }),
        };
        (operation.revision, operation.template) = (revision, template);
        // A resize takes an instance out of service as a restart does.
        if disruption == Disruption::Resize {
            operation.restarts = operation.restarts.with_excused(now);
            operation.marks = operation.marks.without(Mark::Restart);
        }
        operation.errand = kind.map(|kind| Errand::new(kind, now));
    });
}

const fn words(cause: Cause) -> &'static str {
    match cause {
        Cause::Capacity => "replaced",
        Cause::ScaleIn => "the user asked for fewer instances",
        Cause::TearDown => "the user deleted the group",
        Cause::Repair => "it does not work and is replaced",
        Cause::Surplus => "the group has another machine for it",
        Cause::Rollout => "the group moves to another revision",
        Cause::Expiry => "it was kept as long as the policy says",
    }
}
