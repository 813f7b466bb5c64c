//! What a tenant knows: its own instances, and where it was told that compute nodes stand.
//!
//! Owns the look-ups that rules need. There is no capacity, no platform and no tag of a node here,
//! and no instance of anybody else: CloudAPI shows a tenant none of them, so that what is not here
//! cannot be counted on by mistake. Must never decide anything.

use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;

use crate::model::id::{ComputeNodeId, InstanceId};
use crate::placement::inventory::Label;
use crate::placement::rule::{Criterion, Pattern};
use crate::placement::topology::Topology;

/// An instance of the account that counts for rules: neither destroyed nor failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Resident<'a> {
    /// Which one.
    pub id: InstanceId,
    /// Its name.
    pub name: &'a str,
    /// What it carries: each tag as a label of [`Criterion::InstanceTag`], and what is known of it
    /// besides, such as its service by name and by id.
    pub labels: &'a [Label],
    /// Where it stands; `None` as long as CloudAPI does not say.
    pub node: Option<ComputeNodeId>,
}

/// Which tag stands for a label: the instances with the label are those with the tag. By it,
/// CloudAPI can be told about instances that are not there yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Carrier {
    /// The label, such as a service by its name.
    pub label: Label,
    /// The tag's key, such as [`GROUP`](crate::model::tag::GROUP).
    pub key: String,
    /// The tag's value.
    pub value: String,
}

/// All that a tenant knows at one moment.
///
/// ```
/// use tsg_core::model::id::{ComputeNodeId, InstanceId};
/// use tsg_core::placement::compile::{Carrier, Resident, View};
/// use tsg_core::placement::inventory::Label;
/// use tsg_core::placement::rule::Criterion;
/// use tsg_core::placement::topology::Topology;
/// use uuid::Uuid;
///
/// let topology = Topology::default();
/// let web = [Label { criterion: Criterion::Service, value: "web".into() }];
/// let node = Some(ComputeNodeId::new(Uuid::from_u128(1)));
/// let id = InstanceId::new(Uuid::from_u128(2));
/// let carrier = Carrier { label: web[0].clone(), key: "tsggroup".into(), value: "g01".into() };
/// let view = View::new(&topology, vec![Resident { id, name: "web-1", labels: &web, node }], vec![carrier]);
/// assert_eq!(view.find(id).map(|resident| resident.name), Some("web-1"));
/// assert_eq!(view.residents().len(), 1);
/// ```
#[derive(Debug, Clone)]
pub struct View<'a> {
    pub(crate) topology: &'a Topology,
    residents: Vec<Resident<'a>>,
    pub(super) carriers: Vec<Carrier>,
    /// Residents by node, those with the lowest id first.
    by_node: BTreeMap<ComputeNodeId, Vec<usize>>,
}

impl<'a> View<'a> {
    /// From the instances in any order; of several with one id the first counts.
    pub fn new(topology: &'a Topology, mut residents: Vec<Resident<'a>>, carriers: Vec<Carrier>) -> Self {
        residents.sort_by_key(|resident| resident.id);
        residents.dedup_by_key(|resident| resident.id);
        let mut by_node: BTreeMap<ComputeNodeId, Vec<usize>> = BTreeMap::new();
        for (number, resident) in residents.iter().enumerate() {
            if let Some(node) = resident.node {
                by_node.entry(node).or_default().push(number);
            }
        }
        Self { topology, residents, carriers, by_node }
    }

    /// The same with more instances.
    pub(crate) fn with<'b>(&'b self, more: Vec<Resident<'b>>) -> View<'b> {
        let residents = self.residents.iter().copied().chain(more);
        View::new(self.topology, residents.collect(), self.carriers.clone())
    }

    /// The instance with an id.
    pub fn find(&self, id: InstanceId) -> Option<&Resident<'a>> {
        let place = self.residents.binary_search_by_key(&id, |resident| resident.id).ok()?;
        self.residents.get(place)
    }

    /// The instances, ordered by id.
    pub fn residents(&self) -> &[Resident<'a>] {
        &self.residents
    }

    /// Every node that is listed or has one of ours, in order.
    pub(crate) fn nodes(&self) -> Vec<ComputeNodeId> {
        let mut nodes: Vec<ComputeNodeId> = self.topology.nodes.keys().chain(self.by_node.keys()).copied().collect();
        nodes.sort_unstable();
        nodes.dedup();
        nodes
    }

    /// Ours on a node, the one with the lowest id first.
    pub(crate) fn on(&self, node: ComputeNodeId) -> impl Iterator<Item = &Resident<'a>> {
        self.by_node.get(&node).into_iter().flatten().filter_map(|number| self.residents.get(*number))
    }
}

impl Resident<'_> {
    /// Whether it is among those that a rule is about. An instance goes by its name and by its id;
    /// a text that is meant exactly is a name.
    pub(crate) fn is_match(&self, criterion: &Criterion, pattern: &Pattern) -> bool {
        match (criterion, pattern) {
            (Criterion::Instance, Pattern::Uuid(id)) => self.id.uuid() == *id,
            (Criterion::Instance, Pattern::Exact(name)) => self.name == name,
            (Criterion::Instance, _) => pattern.is_match(self.name) || is_id_match(pattern, self.id.uuid()),
            _ => carries(self.labels, criterion, pattern),
        }
    }

    pub(crate) fn has(&self, label: &Label) -> bool {
        self.labels.contains(label)
    }
}

/// Whether one of the labels matches.
pub(crate) fn carries(labels: &[Label], criterion: &Criterion, pattern: &Pattern) -> bool {
    labels.iter().any(|label| label.criterion == *criterion && pattern.is_match(&label.value))
}

/// Whether a written id matches.
pub(crate) fn is_id_match(pattern: &Pattern, id: uuid::Uuid) -> bool {
    let mut buffer = [0; uuid::fmt::Hyphenated::LENGTH];
    pattern.is_match(id.as_hyphenated().encode_lower(&mut buffer))
}
