//! Carries a plan out on paper: what the members look like right after the engine has committed
//! every step.

use tsg_core::model::operation::{Cause, Phase};
use tsg_core::plan::input::{Detail, Lineage, Mark, Member, Retirement, RetirementStage};
use tsg_core::plan::output::{Action, Plan, PlannedAction};

use super::table::Scene;

/// The scene after every step of the plan was committed, with what is left of its budgets.
pub fn applied(scene: &Scene, plan: &Plan) -> Scene {
    let mut after = scene.clone();
    after.seed = scene.seed.wrapping_add(1);
    if let Some(memory) = plan.memory {
        after.memory = memory;
    }
    for planned in &plan.actions {
        spend(&mut after, planned);
        apply(&mut after, planned);
    }
    for origin in &plan.origins {
        let detail = detail_of(&mut after, origin.operation);
        detail.replaces = origin.replaces;
        detail.lineage = Lineage { retries: origin.retries };
        detail.ordinal = origin.ordinal;
    }
    after
}

/// Members that are on their way out already cost nothing more.
fn spend(after: &mut Scene, planned: &PlannedAction) {
    let is_begun = |scene: &Scene| {
        let operation = planned.action.operation();
        scene.details.iter().any(|detail| detail.operation == operation && detail.retirement.is_some())
    };
    let limits = match planned.action {
        Action::Create { .. } => &mut after.limits.creates,
        Action::Start { .. } => &mut after.limits.starts,
        Action::Restart { .. } if planned.reason.cause() == Cause::Repair => &mut after.limits.starts,
        Action::Delete { .. } | Action::Drain { .. } | Action::Stop { .. } if !is_begun(after) => {
            match planned.reason.cause() {
                Cause::Repair => &mut after.limits.unasked_deletes,
                _ => &mut after.limits.asked_deletes,
            }
        }
        _ => return,
    };
    *limits -= 1;
}

fn apply(after: &mut Scene, planned: &PlannedAction) {
    let now = after.now;
    match planned.action {
        Action::Create { operation, revision } => {
            let newest = after.members.iter().map(|member| member.sequence).max().unwrap_or(0);
            after.members.push(Member::planned(operation, newest.saturating_add(1), revision, now));
        }
        Action::Cancel { operation } => after.members.retain(|member| member.operation != operation),
        Action::Delete { operation, .. } => {
            let member = member_of(after, operation);
            member.phase = Phase::Deleting;
            member.phase_since = now;
        }
        Action::Start { operation, .. } | Action::Restart { operation, .. } => {
            let detail = detail_of(after, operation);
            detail.restarts = detail.restarts.with(now);
            detail.marks = detail.marks.without(Mark::Restart);
        }
        Action::Drain { operation, .. } => retire(after, operation, RetirementStage::Draining, planned),
        Action::Stop { operation, .. } => retire(after, operation, RetirementStage::Stopping, planned),
        Action::Keep { operation, .. } => retire(after, operation, RetirementStage::Kept, planned),
        Action::Update { operation, revision, .. } => member_of(after, operation).revision = revision,
    }
}

fn retire(after: &mut Scene, operation: tsg_core::model::id::OperationId, stage: RetirementStage, by: &PlannedAction) {
    let (since, cause) = (after.now, by.reason.cause());
    let detail = detail_of(after, operation);
    detail.retirement = Some(Retirement { stage, since, cause });
}

fn member_of(after: &mut Scene, operation: tsg_core::model::id::OperationId) -> &mut Member {
    after.members.iter_mut().find(|member| member.operation == operation).unwrap()
}

fn detail_of(after: &mut Scene, operation: tsg_core::model::id::OperationId) -> &mut Detail {
    let member = member_of(after, operation);
    *member = member.with_detail();
    let asked_at = member.phase_since;
    let place = match after.details.binary_search_by_key(&operation, |detail| detail.operation) {
        Ok(found) => found,
        Err(gap) => {
            after.details.insert(gap, Detail::new(operation, asked_at));
            gap
        }
    };
    &mut after.details[place]
}
