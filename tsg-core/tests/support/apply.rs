//! Carries a plan out on paper: what the members look like right after the engine has committed
//! every step.

use tsg_core::model::operation::{Cause, Phase};
use tsg_core::plan::input::Member;
use tsg_core::plan::output::{Action, Plan};

use super::table::Scene;

/// The scene after every step of the plan was committed, with what is left of its budgets.
pub fn applied(scene: &Scene, plan: &Plan) -> Scene {
    let mut after = scene.clone();
    after.seed = scene.seed.wrapping_add(1);
    if let Some(memory) = plan.memory {
        after.memory = memory;
    }
    let mut sequence = after.members.iter().map(|member| member.sequence).max().unwrap_or(0);
    for planned in &plan.actions {
        match planned.action {
            Action::Create { operation, revision } => {
                sequence = sequence.saturating_add(1);
                after.limits.creates -= 1;
                after.members.push(Member::planned(operation, sequence, revision, scene.now));
            }
            Action::Cancel { operation } => after.members.retain(|member| member.operation != operation),
            Action::Delete { operation, .. } => {
                if planned.reason.cause() == Cause::Repair {
                    after.limits.unasked_deletes -= 1;
                } else {
                    after.limits.asked_deletes -= 1;
                }
                let member = after.members.iter_mut().find(|member| member.operation == operation).unwrap();
                member.phase = Phase::Deleting;
                member.phase_since = scene.now;
            }
            Action::Start { operation, .. } => {
                after.limits.starts -= 1;
                let member = after.members.iter_mut().find(|member| member.operation == operation).unwrap();
                *member = member.with_starts(member.starts() + 1, scene.now);
            }
        }
    }
    after
}
