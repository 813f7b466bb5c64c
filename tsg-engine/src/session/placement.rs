//! Where instances may go, and whether they went there.
//!
//! Owns which groups are under a `placement` block, what is sent for them, and the one look at each
//! instance that landed. Must never hold a create back for a group without a block.

use std::collections::BTreeMap;
use std::sync::Arc;

use tsg_core::model::fingerprint::Fingerprint;
use tsg_core::model::group::{Group, Lifecycle};
use tsg_core::model::id::{ComputeNodeId, GroupId, InstanceId, OperationId, TemplateId};
use tsg_core::model::instance::ObservedInstance;
use tsg_core::model::landing::{Landing, replaced_in_a_row};
use tsg_core::model::operation::{Operation, Phase};
use tsg_core::model::template::{Template, TemplateSpec};
use tsg_core::observe::join::find_instance;
use tsg_core::placement::compile::{Compiled, Newcomer, Pace, Resident, Steering, View, compile};
use tsg_core::placement::inventory::Label;
use tsg_core::placement::rule::{PlacementSpec, Strength};
use tsg_core::placement::verify::{Remedy, Verdict, Verified, prospects, remedy, verify};
use tsg_core::plan::input::Mark;
use tsg_core::ports::store::StoreError;

use super::Session;
use crate::ledger::GroupLedger;
use crate::placement::{Landed, PlacementSource, PlacementView, carriers_of, labels_of_member, membership};

/// A group under a `placement` block.
#[derive(Debug)]
pub(super) struct Placed {
    block: PlacementSpec,
    source: PlacementSource,
    /// What its template makes each instance carry.
    labels: Vec<Label>,
    view: Option<Arc<PlacementView>>,
}

/// Machines that were seen since the newest list, by what was sent to make them.
type Recent = BTreeMap<InstanceId, (String, Vec<Label>)>;

/// What may be sent for the creates of one group at one moment.
#[derive(Default)]
pub(super) struct Guide {
    /// What holds for those that are alike.
    last: Option<(TemplateId, Vec<ComputeNodeId>, Guidance)>,
    sent: u32,
}

/// What may be sent for a create.
#[derive(Clone)]
enum Guidance {
    /// These affinity rules, with as many creates as are wanted.
    Send(Vec<String>),
    /// These affinity rules, and nothing else of the group until it is seen where the instance is.
    SendAlone(Vec<String>),
    /// Nothing now: the next list may show more.
    Wait,
}

impl Guide {
    /// The affinity rules for a create; `None` while it has to wait.
    pub(super) fn affinity(
        &mut self,
        session: &Session,
        ledger: &GroupLedger,
        operation: &Operation,
        template: &Template,
    ) -> Option<Vec<String>> {
        let known = self.last.take().filter(|(of, avoid, _)| *of == template.id && *avoid == operation.avoid);
        let guidance = known.map_or_else(|| session.guidance(ledger, operation, template), |(.., guidance)| guidance);
        self.last = Some((template.id, operation.avoid.clone(), guidance.clone()));
        let affinity = match guidance {
            Guidance::Send(rules) => Some(rules),
            Guidance::SendAlone(rules) if self.sent == 0 => Some(rules),
            Guidance::SendAlone(_) | Guidance::Wait => None,
        };
        self.sent += u32::from(affinity.is_some());
        affinity
    }
}

impl Session {
    /// Whether lists have to show what machines carry.
    pub(super) fn wants_labels(&self) -> bool {
        !self.placed.is_empty()
    }

    /// Whether a group waits for a list that shows what machines carry.
    pub(super) fn lacks_labels(&self) -> bool {
        self.wants_labels() && self.sight.carried.is_none()
    }

    /// Reads what a group says of placement, itself or by its template.
    pub(super) async fn note_placement(&mut self, group: GroupId) -> Result<(), StoreError> {
        let Some(template) = self.books.group(group).map(|ledger| ledger.group().template) else {
            self.placed.remove(&group);
            return Ok(());
        };
        if !self.templates.contains_key(&template) {
            // Whoever needs it and cannot have it says so.
            match self.template(template).await {
                Ok(_) | Err(StoreError::Corrupt { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        let Some(ledger) = self.books.group(group) else { return Ok(()) };
        let spec = self.templates.get(&template).map(|template| &template.spec);
        match spec.map(|spec| (ledger.group().placement_of(spec), spec)) {
            Some((block, spec)) if !block.is_default() && ledger.group().lifecycle == Lifecycle::Active => {
                let is_same = self.placed.get(&group).is_some_and(|placed| placed.block == *block);
                if !is_same {
                    let placed = Placed::new(ledger.group(), spec, block.clone());
                    self.placed.insert(group, placed);
                }
            }
            _ => _ = self.placed.remove(&group),
        }
        Ok(())
    }

    fn guidance(&self, ledger: &GroupLedger, operation: &Operation, template: &Template) -> Guidance {
        let block = ledger.group().placement_of(&template.spec);
        if block.is_default() && operation.avoid.is_empty() {
            return Guidance::Send(Vec::new());
        }
        if !block.is_default() && self.lacks_labels() {
            return Guidance::Wait;
        }
        let labels = labels_of_member(ledger.group(), &template.spec.tags);
        let avoid = self.avoided(ledger, operation);
        let compiled = self.compiled(ledger, block, &labels, &avoid);
        match (compiled.to_send(), compiled.pace) {
            (Err(_), _) => Guidance::Wait,
            (Ok(_), Pace::OneByOne) if self.is_one_unlocated(ledger) => Guidance::Wait,
            (Ok(rules), Pace::OneByOne) => Guidance::SendAlone(rules.to_vec()),
            (Ok(rules), Pace::Together) => Guidance::Send(rules.to_vec()),
        }
    }

    fn compiled(
        &self,
        ledger: &GroupLedger,
        block: &PlacementSpec,
        labels: &[Label],
        avoid: &[ComputeNodeId],
    ) -> Compiled {
        let (recent, group) = (self.recent(), membership(ledger.group().id));
        // What was made hard by choice gives way where it leaves no room.
        let has_no_room = ledger.head().memory.create_backoff.is_some();
        let steering = if has_no_room { Steering::Off } else { Steering::AsAsked };
        compile(block, &self.residents(&recent), &Newcomer { labels, group: Some(&group), avoid, steering })
    }

    /// Nodes on which predecessors died, and those on which misplaced ones wait to be replaced.
    fn avoided(&self, ledger: &GroupLedger, operation: &Operation) -> Vec<ComputeNodeId> {
        let is_replaced = |known: &&Operation| known.landing.is_some_and(|landing| landing.replaced_at.is_some());
        let misplaced = ledger.open().filter(is_replaced).filter_map(|known| self.node_of(known));
        operation.avoid.iter().copied().chain(misplaced).collect()
    }

    fn node_of(&self, operation: &Operation) -> Option<ComputeNodeId> {
        find_instance(&self.sight.snapshot, operation.instance?)?.compute_node
    }

    /// Whether an instance of the group is on its way and nobody knows where it will stand.
    fn is_one_unlocated(&self, ledger: &GroupLedger) -> bool {
        ledger.open().any(|operation| match operation.phase {
            Phase::Sent | Phase::Unknown => true,
            Phase::Bound | Phase::Ready => self.node_of(operation).is_none(),
            _ => false,
        })
    }

    /// Machines that no list with labels has shown yet, and that are ours.
    fn recent(&self) -> Recent {
        let listed = self.sight.carried.as_ref();
        let is_new = |seen: &&ObservedInstance| !listed.is_some_and(|carried| carried.knows(seen.id));
        let ours = self.sight.snapshot.instances.iter().filter(is_new).filter_map(|seen| {
            let claim = seen.claim?;
            let ledger = self.books.group(claim.group)?;
            let operation = ledger.operation(claim.operation)?;
            let tags = self.templates.get(&operation.template).map(|template| template.spec.tags.clone());
            let labels = labels_of_member(ledger.group(), &tags.unwrap_or_default());
            Some((seen.id, (operation.name.clone(), labels)))
        });
        ours.collect()
    }

    /// Everything that rules can be about.
    fn residents<'a>(&'a self, recent: &'a Recent) -> View<'a> {
        let mut listed = self.sight.carried.iter().flat_map(|carried| carried.machines()).peekable();
        let active = self.sight.snapshot.instances.iter().filter(|seen| !seen.state.is_terminal());
        let residents = active.map(|seen| {
            while listed.next_if(|(machine, _)| machine.id() < seen.id).is_some() {}
            let shown = listed.next_if(|(machine, _)| machine.id() == seen.id);
            let (name, labels) = match (shown, recent.get(&seen.id)) {
                (Some((machine, labels)), _) => (machine.name(), labels),
                (None, Some((name, labels))) => (name.as_str(), labels.as_slice()),
                (None, None) => ("", &[][..]),
            };
            Resident { id: seen.id, name, labels, node: seen.compute_node }
        });
        let carriers = self.books.groups().flat_map(|(_, ledger)| carriers_of(ledger.group()));
        View::new(&self.config.topology, residents.collect(), carriers.collect())
    }

    /// A complete list came in: looks at what landed, and shows how every group under a block stands.
    pub(super) async fn look_at_places(&mut self) -> Result<(), StoreError> {
        if self.sight.carried.is_none() {
            return Ok(());
        }
        let groups: Vec<GroupId> = self.placed.keys().copied().collect();
        for group in groups {
            let Some(seen) = self.survey(group) else { continue };
            self.record_landings(group, &seen).await?;
            self.show_placement(group, seen);
        }
        Ok(())
    }

    /// How a group's instances stand.
    fn survey(&self, group: GroupId) -> Option<PlacementView> {
        let (placed, ledger) = (self.placed.get(&group)?, self.books.group(group)?);
        let (recent, member) = (self.recent(), membership(group));
        let view = self.residents(&recent);
        let newcomer = Newcomer { labels: &placed.labels, group: Some(&member), ..Newcomer::default() };
        let located = ledger.open().filter(|operation| matches!(operation.phase, Phase::Bound | Phase::Ready));
        let located = located.filter_map(|operation| Some((operation, operation.instance?, self.node_of(operation)?)));
        let mut landed: Vec<Landed> = located
            .map(|(operation, instance, compute_node)| Landed {
                operation: operation.id,
                name: operation.name.clone(),
                instance,
                compute_node,
                landing: operation.landing,
                verified: verify(&placed.block, &view, &newcomer, instance),
            })
            .collect();
        landed.sort_by_key(|landed| ledger.operation(landed.operation).map(|operation| operation.sequence));
        let landings: Vec<Landing> = ledger.operations().filter_map(|operation| operation.landing).collect();
        Some(PlacementView {
            at: self.sight.snapshot.taken_at,
            compiled: compile(&placed.block, &view, &newcomer),
            prospects: prospects(&placed.block, &view, &newcomer),
            replaced_in_a_row: replaced_in_a_row(&landings, Fingerprint::of(&placed.block)),
            block: placed.block.clone(),
            source: placed.source,
            landed,
        })
    }

    /// Remembers what was found of those that landed since, and marks one that is to be replaced.
    async fn record_landings(&mut self, group: GroupId, seen: &PlacementView) -> Result<(), StoreError> {
        let (now, block) = (self.now(), Fingerprint::of(&seen.block));
        let is_new = |landed: &&Landed| landed.landing.is_none_or(|landing| landing.block != block);
        let new: Vec<(OperationId, Landing)> = seen
            .landed
            .iter()
            .filter(is_new)
            .map(|landed| {
                (
                    landed.operation,
                    Landing { block, looked_at: now, is_misplaced: is_misplaced(&landed.verified), replaced_at: None },
                )
            })
            .collect();
        let unwanted = self.one_to_replace(group, seen, block);
        if new.is_empty() && unwanted.is_none() {
            return Ok(());
        }
        let result = self
            .books
            .record(group, now, |edit| {
                for (id, landing) in &new {
                    edit.change(*id, |operation| operation.landing = Some(*landing));
                }
                if let Some(id) = unwanted {
                    edit.change(id, |operation| {
                        operation.landing =
                            operation.landing.map(|landing| Landing { replaced_at: Some(now), ..landing });
                    });
                    edit.mark(id, Mark::Reprovision);
                }
                Ok(())
            })
            .await;
        self.only_store(group, result).map(|_| ())
    }

    /// The misplaced instance to replace now: one at a time, and only as often in a row as the block
    /// allows. Whether the last successor landed better has to be seen first.
    fn one_to_replace(&self, group: GroupId, seen: &PlacementView, block: Fingerprint) -> Option<OperationId> {
        let ledger = self.books.group(group)?;
        let is_under_way = |operation: &Operation| {
            let is_marked = operation.landing.is_some_and(|landing| landing.replaced_at.is_some());
            let is_unseen = operation.landing.is_none_or(|landing| landing.block != block);
            is_marked || is_unseen
        };
        if ledger.open().any(is_under_way) {
            return None;
        }
        let is_due = |landed: &&Landed| {
            landed.landing.is_some_and(|landing| landing.is_misplaced)
                && matches!(remedy(&seen.block, &landed.verified, seen.replaced_in_a_row), Remedy::Replace { .. })
        };
        seen.landed.iter().find(is_due).map(|landed| landed.operation)
    }

    fn show_placement(&mut self, group: GroupId, seen: PlacementView) {
        if let Some(placed) = self.placed.get_mut(&group) {
            placed.view = Some(Arc::new(seen));
        }
    }

    pub(super) fn placement_view(&self, group: GroupId) -> Option<Arc<PlacementView>> {
        self.placed.get(&group)?.view.clone()
    }
}

impl Placed {
    fn new(group: &Group, template: &TemplateSpec, block: PlacementSpec) -> Self {
        let source = if group.placement.is_some() { PlacementSource::Group } else { PlacementSource::Template };
        Self { block, source, labels: labels_of_member(group, &template.tags), view: None }
    }
}

/// Whether a hard rule does not want it there.
fn is_misplaced(verified: &[Verified]) -> bool {
    verified.iter().any(|one| one.strength == Strength::Hard && matches!(one.verdict, Verdict::Broken(_)))
}
