//! Whether instances went where their group's rules want them.
//!
//! Owns the one look at each that landed, and who is replaced for where it stands. Must never take a
//! list for evidence that is distrusted.

use std::sync::Arc;

use tsg_core::model::fingerprint::Fingerprint;
use tsg_core::model::id::{ComputeNodeId, GroupId, InstanceId, OperationId};
use tsg_core::model::landing::{Landing, replaced_in_a_row};
use tsg_core::model::operation::{Operation, Phase};
use tsg_core::model::policy::UpdateMode;
use tsg_core::observe::join::find_instance;
use tsg_core::placement::compile::{Compiled, Newcomer, View, compile};
use tsg_core::placement::rule::{PlacementSpec, Strength};
use tsg_core::placement::verify::{Inspection, Remedy, Verdict, Verified, remedy};
use tsg_core::plan::input::{Mark, ViewTrust};
use tsg_core::ports::store::StoreError;

use super::super::Session;
use super::super::round::BATCH;
use super::destinations::steering;
use super::{membership, waits_for_creates};
use crate::board::Trouble;
use crate::ledger::GroupLedger;
use crate::placement::{Blocked, Landed};

/// What was found of a group's instances.
pub(super) struct Found {
    pub(super) block: PlacementSpec,
    /// Oldest first.
    pub(super) landed: Vec<Landed>,
    pub(super) replaced_in_a_row: u8,
}

impl Session {
    /// A complete list came in: looks at what landed since the one before.
    /// What is distrusted shows too little: rules would seem kept that are not.
    pub(in super::super) async fn look_at_places(&mut self) -> Result<(), StoreError> {
        if self.view().trust != ViewTrust::Trusted || !self.wants_labels() {
            return Ok(());
        }
        if self.sight.carried.is_none() {
            if self.sight.is_labelled {
                let what = "the list of machines does not show what they carry, as placement rules need it";
                self.sight.trouble = Some(Trouble { at: self.now(), what: what.to_owned() });
            }
            return Ok(());
        }
        let (found, blocked) = {
            let recent = self.recent();
            let view = self.residents(&recent);
            let found: Vec<_> = self.placed.keys().filter_map(|id| Some((*id, self.find_new(*id, &view)?))).collect();
            let blocked: Vec<_> = self.placed.keys().map(|id| (*id, self.find_blocked(*id, &view))).collect();
            (found, blocked)
        };
        for (group, blocked) in blocked {
            if let Some(placed) = self.placed.get_mut(&group) {
                placed.blocked = blocked;
            }
        }
        for (group, found) in found {
            self.record_landings(group, &found).await?;
            self.mark_misplaced(group, &found).await?;
        }
        Ok(())
    }

    /// How a group's instances stand; `None` when there is nothing to find out: all were looked at, and
    /// landed well.
    fn find_new(&self, group: GroupId, view: &View<'_>) -> Option<Found> {
        let (placed, ledger, member) = (self.placed.get(&group)?, self.books.group(group)?, membership(group));
        let block = Fingerprint::of(&placed.block);
        self.located(ledger).find(|(operation, ..)| !has_landed_well(operation, block))?;
        let newcomer = Newcomer { labels: &placed.labels, group: Some(&member), ..Newcomer::default() };
        let inspection = Inspection::new(&placed.block, view, &newcomer);
        Some(self.found(ledger, &placed.block, |instance| inspection.landed(instance)))
    }

    /// Why none of the creates that a group waits for may be sent.
    fn find_blocked(&self, group: GroupId, view: &View<'_>) -> Option<Arc<Blocked>> {
        let (placed, ledger, member) = (self.placed.get(&group)?, self.books.group(group)?, membership(group));
        if !waits_for_creates(ledger) {
            return None;
        }
        let steering = steering(ledger);
        let newcomer = Newcomer { labels: &placed.labels, group: Some(&member), steering, ..Newcomer::default() };
        let Compiled { blocked, .. } = compile(&placed.block, view, &newcomer);
        let (at, block) = (self.sight.snapshot.taken_at, || placed.block.clone());
        (!blocked.is_empty()).then(|| Arc::new(Blocked { at, block: block(), why: blocked }))
    }

    /// Members whose machines are seen somewhere.
    fn located<'a>(
        &'a self,
        ledger: &'a GroupLedger,
    ) -> impl Iterator<Item = (&'a Operation, InstanceId, ComputeNodeId)> {
        let bound = ledger.open().filter(|operation| matches!(operation.phase, Phase::Bound | Phase::Ready));
        bound.filter_map(|operation| Some((operation, operation.instance?, self.node_of(operation)?)))
    }

    pub(super) fn found(
        &self,
        ledger: &GroupLedger,
        spec: &PlacementSpec,
        look: impl Fn(InstanceId) -> Vec<Verified>,
    ) -> Found {
        let block = Fingerprint::of(spec);
        let landed = self.located(ledger).map(|(operation, instance, compute_node)| Landed {
            operation: operation.id,
            name: operation.name.clone(),
            instance,
            compute_node,
            landing: operation.landing,
            // Nothing can break later what was kept when it landed.
            verified: if has_landed_well(operation, block) { Vec::new() } else { look(instance) },
        });
        let mut landed: Vec<Landed> = landed.collect();
        landed.sort_by_key(|landed| ledger.operation(landed.operation).map(|operation| operation.sequence));
        let landings: Vec<Landing> = ledger.operations().filter_map(|operation| operation.landing).collect();
        Found { block: spec.clone(), landed, replaced_in_a_row: replaced_in_a_row(&landings, block) }
    }

    /// Remembers what was found of those that landed since.
    async fn record_landings(&mut self, group: GroupId, seen: &Found) -> Result<(), StoreError> {
        let (now, block) = (self.now(), Fingerprint::of(&seen.block));
        let is_new = |landed: &&Landed| landed.landing.is_none_or(|landing| landing.block != block);
        let look = |landed: &Landed| {
            let is_misplaced = is_misplaced(&landed.verified);
            (landed.operation, Landing { block, looked_at: now, is_misplaced, replaced_at: None })
        };
        let new: Vec<(OperationId, Landing)> = seen.landed.iter().filter(is_new).map(look).collect();
        for batch in new.chunks(BATCH) {
            let result = self
                .books
                .record(group, now, |edit| {
                    for (id, landing) in batch {
                        // Somebody else may have looked, and decided, meanwhile.
                        let is_new = |known: &Operation| known.landing.is_none_or(|seen| seen.block != landing.block);
                        if edit.operation(*id).is_some_and(is_new) {
                            edit.change(*id, |operation| operation.landing = Some(*landing));
                        }
                    }
                    Ok(())
                })
                .await;
            self.only_store(group, result)?;
        }
        Ok(())
    }

    /// Marks one that is to be replaced.
    async fn mark_misplaced(&mut self, group: GroupId, seen: &Found) -> Result<(), StoreError> {
        let now = self.now();
        let Some(id) = self.one_to_replace(group, seen, Fingerprint::of(&seen.block)) else { return Ok(()) };
        // Once: whoever was first has perhaps marked another one.
        let result = self
            .books
            .record_once(group, now, |edit| {
                edit.change(id, |operation| {
                    operation.landing = operation.landing.map(|landing| Landing { replaced_at: Some(now), ..landing });
                });
                edit.mark(id, Mark::Reprovision);
                Ok(())
            })
            .await;
        self.only_store(group, result).map(|_| ())
    }

    /// The misplaced instance to replace now: one at a time, and only as often in a row as the block
    /// allows. Whether the last successor landed better has to be seen first.
    fn one_to_replace(&self, group: GroupId, seen: &Found, block: Fingerprint) -> Option<OperationId> {
        let ledger = self.books.group(group)?;
        // Where nothing is rolled out nothing would follow from a mark.
        if ledger.group().freeze.is_some() || ledger.group().policy.update.mode == UpdateMode::OnCreate {
            return None;
        }
        let is_under_way = |operation: &Operation| {
            let is_marked = operation.landing.is_some_and(|landing| landing.replaced_at.is_some());
            let is_unseen = operation.landing.is_none_or(|landing| landing.block != block);
            is_marked || operation.marks.has(Mark::Reprovision) || is_unseen && operation.phase != Phase::Deleting
        };
        if ledger.open().any(is_under_way) {
            return None;
        }
        let is_untouchable = |landed: &&Landed| {
            find_instance(&self.sight.snapshot, landed.instance).is_some_and(|seen| seen.is_protected)
                || ledger.operation(landed.operation).is_some_and(|operation| operation.marks.has(Mark::Held))
        };
        let is_due = |landed: &&Landed| {
            landed.landing.is_some_and(|landing| landing.is_misplaced)
                && matches!(remedy(&seen.block, &landed.verified, seen.replaced_in_a_row), Remedy::Replace { .. })
        };
        seen.landed.iter().filter(is_due).find(|landed| !is_untouchable(landed)).map(|landed| landed.operation)
    }
}

/// Whether it was looked at under this block, and stands where it should.
fn has_landed_well(operation: &Operation, block: Fingerprint) -> bool {
    operation.landing.is_some_and(|landing| landing.block == block && !landing.is_misplaced)
}

/// Whether a hard rule does not want it there.
fn is_misplaced(verified: &[Verified]) -> bool {
    verified.iter().any(|one| one.strength == Strength::Hard && matches!(one.verdict, Verdict::Broken(_)))
}
