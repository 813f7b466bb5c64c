//! Answers whoever asks: one a turn, and what would be done from what the next plan is made from.
//!
//! Owns the order of answers. Must never record or send anything, nor keep what is due waiting for more
//! than one of them.

use tsg_core::model::id::GroupId;
use tsg_core::plan::output::{Plan, PlanError};
use tsg_core::plan::plan;
use tsg_core::ports::store::StoreError;

use super::Session;
use crate::rehearsal::{About, Preview, Question, Rehearsal};

impl Session {
    /// Answers one of those who have asked: an answer may be work for each instance of the account, and
    /// what is due comes between two of them. One whose group there is not hears nothing.
    pub(super) async fn answer_question(&mut self) -> Result<(), StoreError> {
        let Some(Question { group, about }) = self.handle.take_question() else { return Ok(()) };
        if self.books.group(group).is_none() {
            self.books.refresh().await?;
        }
        let freshened = self.books.freshen(group).await;
        self.only_store(group, freshened)?;
        self.read_templates(group).await?;
        // Whoever asked may have stopped waiting.
        match about {
            About::Plan { capacity, answer } => {
                if let Some(rehearsed) = self.rehearse(group, capacity) {
                    _ = answer.send(rehearsed);
                }
            }
            About::Preview { capacity, answer } => {
                if let Some(previewed) = self.preview(group, capacity) {
                    _ = answer.send(previewed);
                }
            }
            About::Placement { answer } => {
                if let Some(survey) = self.survey(group) {
                    _ = answer.send(survey);
                }
            }
            About::Why { topic, answer } => {
                if let Some(explained) = self.explain(group, topic) {
                    _ = answer.send(explained);
                }
            }
        }
        Ok(())
    }

    fn preview(&self, group: GroupId, capacity: Option<u32>) -> Option<Result<Preview, PlanError>> {
        let ledger = self.books.group(group)?;
        let placement = self.survey(group)?;
        let previewed = |rehearsal: Rehearsal| Preview {
            destinations: self.destinations(ledger, &rehearsal.plan),
            rehearsal,
            placement,
        };
        Some(self.rehearse(group, capacity)?.map(previewed))
    }

    fn rehearse(&self, group: GroupId, capacity: Option<u32>) -> Option<Result<Rehearsal, PlanError>> {
        let ledger = self.books.group(group)?;
        let scene = self.scene(group);
        let mut input = self.input(ledger, &scene, self.ports.entropy.draw());
        input.intent.capacity = capacity.unwrap_or(input.intent.capacity);
        let rehearsed = |plan: Plan| Rehearsal { id: plan.id(&input), plan, view: input.view, at: input.now };
        Some(plan(&input).map(rehearsed))
    }
}
