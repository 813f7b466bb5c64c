//! Where the creates of a rehearsed plan would go.
//!
//! Owns what they are asked with: the block as the ledger has it now, the newest list, and those
//! before them that stand nowhere yet. Members that the plan removes or replaces count as still there,
//! as they are while their successors are made. Must never have a say in the plan.

use std::collections::BTreeSet;

use tsg_core::model::id::OperationId;
use tsg_core::model::operation::{Operation, Phase};
use tsg_core::placement::compile::{Newcomer, Steering};
use tsg_core::placement::outlook::course;
use tsg_core::plan::output::{Action, Plan, Wait};

use super::super::Session;
use super::super::bounds::template_of;
use super::{Placed, membership};
use crate::ledger::GroupLedger;
use crate::rehearsal::{Choice, Destinations};

impl Session {
    /// `None` for a plan without creates, now or in their turn.
    pub(in super::super) fn destinations(&self, ledger: &GroupLedger, plan: &Plan) -> Option<Destinations> {
        let group = ledger.group();
        let revisions = plan.actions.iter().filter_map(|planned| match planned.action {
            Action::Create { revision, .. } => Some(revision),
            _ => None,
        });
        let (alike, others): (Vec<u32>, Vec<u32>) =
            revisions.partition(|revision| template_of(group, *revision) == Some(group.template));
        let waiting = plan.report.waits.iter().map(|wait| match *wait {
            Wait::Slots { count } | Wait::Window { count, .. } => count,
            _ => 0,
        });
        // Those that wait are more of the same.
        let (creates, mut others) = (alike.len() as u32, others.len() as u32);
        let mut waiting = waiting.sum();
        if creates == 0 && others > 0 {
            others += core::mem::take(&mut waiting);
        }
        if creates + waiting + others == 0 {
            return None;
        }
        let cancelled = plan.actions.iter().filter_map(|planned| match planned.action {
            Action::Cancel { operation } => Some(operation),
            _ => None,
        });
        let cancelled: BTreeSet<OperationId> = cancelled.collect();
        let is_under_way = |operation: &&Operation| self.is_under_way(operation) && !cancelled.contains(&operation.id);
        let is_alike = |operation: &&Operation| operation.template == group.template;
        let (under_way, strangers): (Vec<_>, Vec<_>) = ledger.open().filter(is_under_way).partition(is_alike);
        let under_way = under_way.len() as u32;
        others += strangers.len() as u32;
        let choice = self.choice(ledger, under_way + creates + waiting);
        Some(Destinations { creates, waiting, of_other_templates: others, under_way, choice })
    }

    /// Whether an instance is to come of it of which nobody knows where it will stand.
    fn is_under_way(&self, operation: &Operation) -> bool {
        match operation.phase {
            Phase::Planned | Phase::Sent | Phase::Unknown => true,
            Phase::Bound | Phase::Ready => match self.machine_of(operation) {
                Some(seen) => seen.compute_node.is_none() && !seen.state.is_terminal(),
                None => operation.phase == Phase::Bound,
            },
            _ => false,
        }
    }

    /// What says where so many would go.
    fn choice(&self, ledger: &GroupLedger, creates: u32) -> Choice {
        let group = ledger.group();
        let Placed { block, source, labels, .. } = match self.placed_now(group) {
            Some(Some(placed)) if self.can_see_places() => placed,
            Some(None) => return Choice::Unruled,
            _ => return Choice::Unseen,
        };
        let (recent, member) = (self.recent(), membership(group.id));
        let newcomer =
            Newcomer { labels: &labels, group: Some(&member), steering: steering(ledger), ..Newcomer::default() };
        let course = course(&block, &self.residents(&recent), &newcomer, creates);
        // A block that asks for too much was refused when it was written.
        course.map_or(Choice::Unseen, |course| Choice::Ruled { block: Box::new(block), source, course })
    }
}

/// What was made hard by choice gives way where it leaves no room.
pub(super) fn steering(ledger: &GroupLedger) -> Steering {
    let has_no_room = ledger.head().memory.create_backoff.is_some();
    if has_no_room { Steering::Off } else { Steering::AsAsked }
}
