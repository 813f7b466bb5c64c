//! What the account's machines carry, as placement rules ask for it.
//!
//! Owns the step from tags to labels. Members of one group carry the same, so that there is one set
//! of labels for all of them. Must never guess what a machine carries that nobody has shown.

use std::collections::BTreeMap;
use std::hash::{BuildHasher as _, BuildHasherDefault, DefaultHasher};

use tsg_core::model::group::Group;
use tsg_core::model::id::{GroupId, InstanceId};
use tsg_core::model::labels::{LabelledMachine, MachineLabels};
use tsg_core::model::tag::{Claim, GROUP, TagValue, Tags, V1_GROUP_NAME};
use tsg_core::placement::compile::Carrier;
use tsg_core::placement::inventory::Label;
use tsg_core::placement::rule::Criterion;

/// The labels of all machines of the newest complete list.
#[derive(Debug, Default)]
pub(crate) struct Carried {
    labels: MachineLabels,
    sets: Vec<Vec<Label>>,
    /// The set of each machine, in the order of their ids.
    set_of: Vec<usize>,
}

impl Carried {
    /// Of a list.
    pub(crate) fn of(labels: MachineLabels) -> Self {
        let mut sets = Sets::default();
        let set_of = labels.iter().map(|machine| sets.number_of(&machine)).collect();
        Self { sets: sets.all, set_of, labels }
    }

    /// How many machines.
    pub(crate) fn len(&self) -> usize {
        self.labels.len()
    }

    /// Whether a machine was in the list.
    pub(crate) fn knows(&self, id: InstanceId) -> bool {
        self.labels.get(id).is_some()
    }

    /// Every machine with what it carries, ordered by id.
    pub(crate) fn machines(&self) -> impl Iterator<Item = (LabelledMachine<'_>, &[Label])> {
        let sets = self.set_of.iter().map(|set| self.sets.get(*set).map(Vec::as_slice).unwrap_or_default());
        self.labels.iter().zip(sets)
    }
}

/// Sets of labels, each once.
#[derive(Default)]
struct Sets {
    all: Vec<Vec<Label>>,
    /// Numbers of sets by the hash of the tags that they come from.
    by_hash: BTreeMap<u64, Vec<usize>>,
}

impl Sets {
    fn number_of(&mut self, machine: &LabelledMachine<'_>) -> usize {
        let hash = BuildHasherDefault::<DefaultHasher>::default().hash_one(Hashed(*machine));
        let known = self.by_hash.entry(hash).or_default();
        if let Some(number) = known.iter().find(|number| is_set_of(&self.all[**number], machine)) {
            return *number;
        }
        let number = self.all.len();
        known.push(number);
        self.all.push(labels_of(machine.tags()));
        number
    }
}

/// Whether a set comes from just these tags: each of them is a label of it, in their order.
fn is_set_of(set: &[Label], machine: &LabelledMachine<'_>) -> bool {
    let tags = set.iter().filter_map(|label| match &label.criterion {
        Criterion::InstanceTag(key) => Some((key.as_str(), label.value.as_str())),
        _ => None,
    });
    machine.tags().eq(tags)
}

struct Hashed<'a>(LabelledMachine<'a>);

impl std::hash::Hash for Hashed<'_> {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.0.tags().for_each(|tag| tag.hash(state));
    }
}

/// Labels of a machine's tags. Two tags of tsg's say of which group it is: its service, by name and
/// by id.
fn labels_of<'t>(tags: impl Iterator<Item = (&'t str, &'t str)>) -> Vec<Label> {
    let mut labels = Vec::new();
    for (key, value) in tags {
        match key {
            V1_GROUP_NAME => labels.push(service(value)),
            GROUP => labels.extend(Claim::group_of(value).map(|id| service(&id.to_string()))),
            _ => {}
        }
        labels.push(Label { criterion: Criterion::InstanceTag(key.to_owned()), value: value.to_owned() });
    }
    labels
}

/// Labels of an instance of a group that nobody has listed yet: they follow from what was sent.
pub(crate) fn labels_of_member(group: &Group, tags: &Tags) -> Vec<Label> {
    let texts: Vec<(&str, String)> = tags.iter().map(|(key, value)| (key.as_str(), text_of(value))).collect();
    let own = [(V1_GROUP_NAME, group.name.to_string()), (GROUP, Claim::group_value(group.id))];
    labels_of(texts.iter().chain(&own).map(|(key, value)| (*key, value.as_str())))
}

/// The tags that stand for a group: by them CloudAPI knows instances that are just being made.
pub(crate) fn carriers_of(group: &Group) -> [Carrier; 2] {
    let (name, id) = (group.name.as_str(), group.id.to_string());
    [
        Carrier { label: service(name), key: GROUP.to_owned(), value: Claim::group_value(group.id) },
        Carrier { label: service(&id), key: GROUP.to_owned(), value: Claim::group_value(group.id) },
    ]
}

/// The label by which the members of a group know one another.
pub(crate) fn membership(group: GroupId) -> Label {
    service(&group.to_string())
}

fn service(value: &str) -> Label {
    Label { criterion: Criterion::Service, value: value.to_owned() }
}

/// A tag's value as CloudAPI compares it.
fn text_of(value: &TagValue) -> String {
    match value {
        TagValue::Bool(value) => value.to_string(),
        TagValue::Number(value) => value.to_string(),
        TagValue::Text(text) => text.clone(),
    }
}
