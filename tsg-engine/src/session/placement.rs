//! Where instances may go, and whether they went there.
//!
//! Owns which groups are under a `placement` block and what is sent for them. Must never hold a create
//! back for a group without a block.

mod destinations;
mod landings;
mod survey;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use tsg_core::model::fingerprint::Fingerprint;
use tsg_core::model::group::{Group, Lifecycle};
use tsg_core::model::id::{ComputeNodeId, GroupId, InstanceId, OperationId, TemplateId};
use tsg_core::model::instance::ObservedInstance;
use tsg_core::model::landing::Landing;
use tsg_core::model::operation::{AttemptOutcome, Operation, Phase};
use tsg_core::model::policy::UpdateMode;
use tsg_core::model::tag::Tags;
use tsg_core::model::template::{Template, TemplateSpec};
use tsg_core::observe::join::find_instance;
use tsg_core::placement::compile::{Compiled, Newcomer, Pace, Resident, View, compile};
use tsg_core::placement::inventory::Label;
use tsg_core::placement::rule::PlacementSpec;
use tsg_core::plan::input::Mark;
use tsg_core::ports::store::StoreError;

use super::Session;
use crate::ledger::GroupLedger;
use crate::placement::{Blocked, PlacementSource, carriers_of, labels_of_member, membership};
use destinations::steering;

/// A group under a `placement` block.
#[derive(Debug)]
pub(super) struct Placed {
    block: PlacementSpec,
    source: PlacementSource,
    /// What its template makes each instance carry.
    labels: Vec<Label>,
    /// Why none of its creates may be sent, by the newest list that was taken in while it had some.
    blocked: Option<Arc<Blocked>>,
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
        !self.placed.is_empty() || !self.placed_before.is_empty()
    }

    /// Whether a group waits for a list that shows what machines carry, and none was asked for.
    pub(super) fn lacks_labels(&self) -> bool {
        self.wants_labels() && self.sight.carried.is_none() && !self.sight.is_labelled
    }

    /// Forgets what a group said of placement.
    pub(super) fn forget_placement(&mut self, group: GroupId) {
        self.placed.remove(&group);
        self.placed_before.remove(&group);
    }

    /// Reads what a group's instances are made from, as far as it was not read yet.
    pub(super) async fn read_templates(&mut self, group: GroupId) -> Result<(), StoreError> {
        let templates = self.books.group(group).map(templates_of).unwrap_or_default();
        for template in templates {
            if self.templates.contains_key(&template) {
                continue;
            }
            // Whoever needs it and cannot have it says so.
            match self.template(template).await {
                Ok(_) | Err(StoreError::Corrupt { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Reads what a group says of placement, itself or by its template.
    pub(super) async fn note_placement(&mut self, group: GroupId) -> Result<(), StoreError> {
        self.read_templates(group).await?;
        let Some(ledger) = self.books.group(group) else {
            self.forget_placement(group);
            return Ok(());
        };
        let is_under_block = |template: &TemplateId| {
            let template = self.templates.get(template);
            template.is_some_and(|template| !ledger.group().placement_of(&template.spec).is_default())
        };
        let is_live = ledger.group().lifecycle == Lifecycle::Active;
        let is_placed_before = is_live && templates_of(ledger).iter().any(is_under_block);
        let template = self.templates.get(&ledger.group().template).filter(|_| is_live);
        let placed = template.and_then(|template| Placed::of(ledger.group(), &template.spec));
        if is_placed_before {
            self.placed_before.insert(group);
        } else {
            self.placed_before.remove(&group);
        }
        let before = self.placed.remove(&group);
        if let Some(mut placed) = placed {
            // What was found holds for as long as the block does.
            placed.blocked = before.filter(|before| before.block == placed.block).and_then(|before| before.blocked);
            self.placed.insert(group, placed);
        }
        self.lift_marks(group).await
    }

    /// Nobody is replaced for a block that is no more, or once nothing is rolled out any more.
    async fn lift_marks(&mut self, group: GroupId) -> Result<(), StoreError> {
        let Some(ledger) = self.books.group(group) else { return Ok(()) };
        let marked: Vec<(OperationId, Landing)> = ledger
            .open()
            .filter(|operation| operation.phase != Phase::Deleting && operation.marks.has(Mark::Reprovision))
            .filter_map(|operation| Some((operation.id, operation.landing.filter(|seen| seen.replaced_at.is_some())?)))
            .collect();
        if marked.is_empty() {
            return Ok(());
        }
        let block = self.placed.get(&group).map(|placed| Fingerprint::of(&placed.block));
        let is_over = ledger.group().policy.update.mode == UpdateMode::OnCreate;
        let is_void = |(_, landing): &&(OperationId, Landing)| is_over || Some(landing.block) != block;
        let void: Vec<OperationId> = marked.iter().filter(is_void).map(|(id, _)| *id).collect();
        let now = self.now();
        let result = self
            .books
            .record_once(group, now, |edit| {
                void.iter().for_each(|id| {
                    edit.change(*id, |operation| {
                        operation.landing = operation.landing.map(|landing| Landing { replaced_at: None, ..landing });
                    });
                    edit.unmark(*id, Mark::Reprovision);
                });
                Ok(())
            })
            .await;
        self.only_store(group, result).map(|_| ())
    }

    fn guidance(&self, ledger: &GroupLedger, operation: &Operation, template: &Template) -> Guidance {
        let block = ledger.group().placement_of(&template.spec);
        if block.is_default() && operation.avoid.is_empty() {
            return Guidance::Send(Vec::new());
        }
        if !block.is_default() && self.sight.carried.is_none() {
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
        let newcomer = Newcomer { labels, group: Some(&group), avoid, steering: steering(ledger) };
        compile(block, &self.residents(&recent), &newcomer)
    }

    /// Nodes on which predecessors died, and those on which misplaced ones wait to be replaced.
    fn avoided(&self, ledger: &GroupLedger, operation: &Operation) -> Vec<ComputeNodeId> {
        let is_replaced = |known: &&Operation| known.landing.is_some_and(|landing| landing.replaced_at.is_some());
        let misplaced = ledger.open().filter(is_replaced).filter_map(|known| self.node_of(known));
        operation.avoid.iter().copied().chain(misplaced).collect()
    }

    fn node_of(&self, operation: &Operation) -> Option<ComputeNodeId> {
        self.machine_of(operation)?.compute_node
    }

    fn machine_of(&self, operation: &Operation) -> Option<&ObservedInstance> {
        find_instance(&self.sight.snapshot, operation.instance?)
    }

    /// Whether an instance of the group is on its way and nobody knows where it will stand.
    fn is_one_unlocated(&self, ledger: &GroupLedger) -> bool {
        ledger.open().any(|operation| match operation.phase {
            Phase::Sent => true,
            // One of which it is known that it left nothing waits to be sent itself.
            Phase::Unknown => operation.last_attempt().is_none_or(|last| last.outcome != Some(AttemptOutcome::Quiet)),
            Phase::Bound | Phase::Ready => match self.machine_of(operation) {
                // One that failed is nowhere, and will be nowhere.
                Some(seen) => seen.compute_node.is_none() && !seen.state.is_terminal(),
                None => true,
            },
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
            let none = Tags::new();
            let tags = self.templates.get(&operation.template).map_or(&none, |template| &template.spec.tags);
            Some((seen.id, (operation.name.clone(), labels_of_member(ledger.group(), tags))))
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

    /// Why none of the creates that a group waits for may be sent, by the newest list.
    pub(super) fn blocked(&self, group: GroupId) -> Option<Arc<Blocked>> {
        let is_now = self.can_see_places() && waits_for_creates(self.books.group(group)?);
        self.placed.get(&group)?.blocked.clone().filter(|_| is_now)
    }
}

impl Placed {
    /// What a group says with a template; `None` when that is nothing.
    fn of(group: &Group, template: &TemplateSpec) -> Option<Self> {
        let block = group.placement_of(template);
        let source = if group.placement.is_some() { PlacementSource::Group } else { PlacementSource::Template };
        let labels = || labels_of_member(group, &template.tags);
        (!block.is_default()).then(|| Self { block: block.clone(), source, labels: labels(), blocked: None })
    }
}

/// Whether a group has creates that were not sent.
fn waits_for_creates(ledger: &GroupLedger) -> bool {
    ledger.count_open(|phase| matches!(phase, Phase::Planned | Phase::Unknown)) > 0
}

/// What the group's instances are made from, and those that are still to be made from another
/// template.
fn templates_of(ledger: &GroupLedger) -> BTreeSet<TemplateId> {
    let is_to_be_made = |operation: &&Operation| matches!(operation.phase, Phase::Planned | Phase::Unknown);
    let still = ledger.open().filter(is_to_be_made).map(|operation| operation.template);
    still.chain([ledger.group().template]).collect()
}
