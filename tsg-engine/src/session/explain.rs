//! Answers why things stand as they do. Owns that it is drawn from what the next plan is made from; must
//! never record or send anything.

use tsg_core::model::id::{GroupId, OperationId};
use tsg_core::plan::output::PlanError;
use tsg_core::plan::why::{Question, why};

use super::Session;
use crate::explanation::{Explanation, Topic};
use crate::ledger::GroupLedger;

impl Session {
    pub(super) fn explain(&self, group: GroupId, topic: Topic) -> Option<Result<Explanation, PlanError>> {
        let ledger = self.books.group(group)?;
        let scene = self.scene(group);
        let input = self.input(ledger, &scene, self.ports.entropy.draw());
        let (questions, successors) = match topic {
            Topic::Group => (vec![Question::Group, Question::Rollout], Vec::new()),
            Topic::Instance(operation) => (vec![Question::Instance(operation)], successors(ledger, operation)),
        };
        let answers: Result<Vec<_>, _> = questions.into_iter().map(|question| why(&input, question)).collect();
        Some(answers.map(|answers| Explanation { answers, successors, at: input.now }))
    }
}

/// Several, where successors died young.
fn successors(ledger: &GroupLedger, of: OperationId) -> Vec<OperationId> {
    let mut found: Vec<_> = ledger.operations().filter(|operation| operation.replaces == Some(of)).collect();
    found.sort_unstable_by_key(|operation| operation.sequence);
    found.into_iter().map(|operation| operation.id).collect()
}
