//! Look-ups of an account's machines by activity, name and tag, kept in step with the records.
//! They hold ids only and never outlive a change of the record they describe.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;

use super::World;
use super::ids::{AccountId, MachineId};
use super::machine::Machine;
use super::scalar::Scalar;

/// The look-ups of one account. They cover every record that ever was; `active` only live ones.
#[derive(Debug, Clone, Default)]
pub(crate) struct AccountIndex {
    all: BTreeSet<MachineId>,
    active: BTreeSet<MachineId>,
    names: BTreeMap<String, BTreeSet<MachineId>>,
    tags: BTreeMap<String, BTreeMap<String, BTreeSet<MachineId>>>,
}

impl AccountIndex {
    pub(crate) fn all(&self) -> impl DoubleEndedIterator<Item = &MachineId> {
        self.all.iter()
    }

    pub(crate) fn active(&self) -> impl DoubleEndedIterator<Item = &MachineId> {
        self.active.iter()
    }

    pub(crate) fn is_active(&self, id: MachineId) -> bool {
        self.active.contains(&id)
    }

    pub(crate) fn named(&self, name: &str) -> impl Iterator<Item = &MachineId> + use<'_> {
        self.names.get(name).into_iter().flatten()
    }

    /// All names with this prefix, with the machines that bear them.
    pub(crate) fn name_prefixed<'a>(&'a self, prefix: &'a str) -> impl Iterator<Item = &'a MachineId> {
        let from = (Bound::Included(prefix), Bound::Unbounded);
        let names = self.names.range::<str, _>(from).take_while(move |(name, _)| name.starts_with(prefix));
        names.flat_map(|(_, ids)| ids)
    }

    pub(crate) fn tagged(&self, key: &str, value: &str) -> impl Iterator<Item = &MachineId> + use<'_> {
        self.tags.get(key).and_then(|values| values.get(value)).into_iter().flatten()
    }

    fn add_tags(&mut self, id: MachineId, tags: &BTreeMap<String, Scalar>) {
        for (key, value) in tags {
            self.tags.entry(key.clone()).or_default().entry(value.to_string()).or_default().insert(id);
        }
    }

    fn drop_tags(&mut self, id: MachineId, tags: &BTreeMap<String, Scalar>) {
        for (key, value) in tags {
            let Some(values) = self.tags.get_mut(key) else { continue };
            let text = value.to_string();
            if let Some(ids) = values.get_mut(&text) {
                ids.remove(&id);
                if ids.is_empty() {
                    values.remove(&text);
                }
            }
        }
    }

    fn drop_name(&mut self, id: MachineId, name: &str) {
        if let Some(ids) = self.names.get_mut(name) {
            ids.remove(&id);
            if ids.is_empty() {
                self.names.remove(name);
            }
        }
    }
}

impl World {
    /// Adds a new record and its look-ups.
    pub(super) fn enter_machine(&mut self, machine: Machine) {
        let index = self.index.entry(machine.account).or_default();
        index.all.insert(machine.id);
        index.active.insert(machine.id);
        index.names.entry(machine.name.clone()).or_default().insert(machine.id);
        index.add_tags(machine.id, &machine.tags);
        self.machines.insert(machine.id, machine);
    }

    /// Takes a machine that failed or was destroyed out of the active ones.
    pub(super) fn retire_from_index(&mut self, account: AccountId, id: MachineId) {
        if let Some(index) = self.index.get_mut(&account) {
            index.active.remove(&id);
        }
    }

    /// Replaces a machine's tags.
    pub(super) fn store_tags(&mut self, id: MachineId, tags: BTreeMap<String, Scalar>) {
        let Some(machine) = self.machines.get_mut(&id) else { return };
        let index = self.index.entry(machine.account).or_default();
        index.drop_tags(id, &machine.tags);
        index.add_tags(id, &tags);
        machine.tags = tags;
    }

    /// Replaces a machine's name.
    pub(super) fn store_name(&mut self, id: MachineId, name: String) {
        let Some(machine) = self.machines.get_mut(&id) else { return };
        let index = self.index.entry(machine.account).or_default();
        index.drop_name(id, &machine.name);
        index.names.entry(name.clone()).or_default().insert(id);
        machine.name = name;
    }

    /// Whether a visible active machine of the account bears this name. Hidden records do not count:
    /// upstream asks its index too.
    pub(super) fn is_name_taken(&self, account: AccountId, name: &str) -> bool {
        let Some(index) = self.index.get(&account) else { return false };
        let mut bearers = index.named(name).filter(|id| index.is_active(**id));
        bearers.any(|id| self.machines.get(id).is_some_and(|machine| machine.is_visible(self.now)))
    }
}
