//! Answers what would be done. Owns that a rehearsal is planned from what the next plan is made
//! from; must never record or send anything.

use tsg_core::model::id::GroupId;
use tsg_core::plan::output::{Plan, PlanError};
use tsg_core::plan::plan;
use tsg_core::ports::store::StoreError;

use super::Session;
use crate::rehearsal::{About, Question, Rehearsal};

impl Session {
    /// Answers everybody who has asked. One whose group there is not hears nothing.
    pub(super) async fn answer_questions(&mut self) -> Result<(), StoreError> {
        for Question { group, about } in self.handle.take_questions() {
            if self.books.group(group).is_none() {
                self.books.refresh().await?;
            }
            let freshened = self.books.freshen(group).await;
            self.only_store(group, freshened)?;
            // Whoever asked may have stopped waiting.
            match about {
                About::Plan { capacity, answer } => {
                    if let Some(rehearsal) = self.rehearse(group, capacity) {
                        _ = answer.send(rehearsal);
                    }
                }
                About::Placement { answer } => _ = self.survey(group).map(|survey| answer.send(survey)),
            }
        }
        Ok(())
    }

    fn rehearse(&self, group: GroupId, capacity: Option<u32>) -> Option<Result<Rehearsal, PlanError>> {
        let ledger = self.books.group(group)?;
        let scene = self.scene(group);
        let mut input = self.input(ledger, &scene, self.ports.entropy.draw());
        input.intent.capacity = capacity.unwrap_or(input.intent.capacity);
        let rehearsed = |plan: Plan| Rehearsal {
            id: plan.id(&input),
            destinations: self.destinations(ledger, &plan),
            plan,
            view: input.view,
            at: input.now,
        };
        Some(plan(&input).map(rehearsed))
    }
}
