//! Kinds of instances: what instances have in common as far as rules can tell.
//!
//! Owns the dictionary of labels and the kinds made of them. A hundred members of a group are of
//! one kind, so that a rule looks at a few distinct texts, and an instance that comes or goes
//! changes one count. Must never hold an instance.

use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;

use super::Amounts;
use super::members::Members;
use crate::model::id::AccountId;
use crate::placement::rule::{Criterion, Pattern};

/// What a rule can see of an instance: `service` is `web`, the tag `role` is `db`.
///
/// Something that goes by a name and by an id, such as a service, is two labels. What is about
/// compute nodes, or about the name of the instance itself, is no label and has no effect as one.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Label {
    /// What it is.
    pub criterion: Criterion,
    /// Its name, its id, or the value of the tag.
    pub value: String,
}

/// The number of a kind within its inventory, until [`super::Inventory::forget_unused`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KindNumber(pub(super) u32);

/// Instances of one account with the same labels and the same size.
#[derive(Debug, Clone)]
pub(crate) struct Kind {
    pub(crate) owner: AccountId,
    pub(crate) demand: Amounts,
    labels: Box<[u32]>,
    pub(crate) members: Members,
    is_free: bool,
}

/// What makes a kind.
type Features = (AccountId, Box<[u32]>, Amounts);

/// All kinds.
#[derive(Debug, Clone, Default)]
pub(super) struct Kinds {
    kinds: Vec<Kind>,
    free_kinds: Vec<u32>,
    by_features: BTreeMap<Features, u32>,
    /// The number of each distinct label of each account.
    labels: BTreeMap<AccountId, BTreeMap<Criterion, BTreeMap<String, u32>>>,
    /// The kinds that have a label, by its number.
    having: Vec<Vec<u32>>,
    free_labels: Vec<u32>,
}

impl Kinds {
    /// The kind with these labels; made when there is none.
    pub(super) fn intern(&mut self, owner: AccountId, labels: &[Label], demand: Amounts) -> KindNumber {
        let mut numbers: Vec<u32> = labels.iter().map(|label| self.label(owner, label)).collect();
        numbers.sort_unstable();
        numbers.dedup();
        let features = (owner, numbers.into_boxed_slice(), demand);
        if let Some(known) = self.by_features.get(&features) {
            return KindNumber(*known);
        }
        let labels = features.1.clone();
        let kind = Kind { owner, demand, labels, members: Members::default(), is_free: false };
        let number = match self.free_kinds.pop() {
            Some(free) => {
                self.kinds[free as usize] = kind;
                free
            }
            None => {
                self.kinds.push(kind);
                self.kinds.len() as u32 - 1
            }
        };
        features.1.iter().for_each(|label| self.having[*label as usize].push(number));
        self.by_features.insert(features, number);
        KindNumber(number)
    }

    fn label(&mut self, owner: AccountId, label: &Label) -> u32 {
        let of_owner = self.labels.entry(owner).or_default();
        if let Some(known) = of_owner.get(&label.criterion).and_then(|values| values.get(&label.value)) {
            return *known;
        }
        let number = self.free_labels.pop().unwrap_or_else(|| {
            self.having.push(Vec::new());
            self.having.len() as u32 - 1
        });
        of_owner.entry(label.criterion.clone()).or_default().insert(label.value.clone(), number);
        number
    }

    /// How many numbers are given out or were.
    pub(super) fn len(&self) -> usize {
        self.kinds.len()
    }

    /// All of them, by number; what is not in use has no members.
    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = &mut Kind> {
        self.kinds.iter_mut()
    }

    /// A kind that is in use.
    #[inline]
    pub(super) fn get(&self, number: u32) -> Option<&Kind> {
        self.kinds.get(number as usize).filter(|kind| !kind.is_free)
    }

    #[inline]
    pub(super) fn get_mut(&mut self, number: u32) -> Option<&mut Kind> {
        self.kinds.get_mut(number as usize).filter(|kind| !kind.is_free)
    }

    /// Calls for each kind of an account that has a label which matches, once.
    pub(super) fn matching(
        &self,
        owner: AccountId,
        criterion: &Criterion,
        pattern: &Pattern,
        mut on: impl FnMut(&Kind),
    ) {
        let Some(values) = self.labels.get(&owner).and_then(|criteria| criteria.get(criterion)) else { return };
        let mut each = |kinds: &[u32]| kinds.iter().for_each(|kind| on(&self.kinds[*kind as usize]));
        if let Pattern::Exact(exact) = pattern {
            values.get(exact).into_iter().for_each(|label| each(&self.having[*label as usize]));
            return;
        }
        let labels = values.iter().filter(|(value, _)| pattern.is_match(value));
        let mut kinds: Vec<u32> = labels.flat_map(|(_, label)| &self.having[*label as usize]).copied().collect();
        // A kind with several labels that match is still one kind.
        kinds.sort_unstable();
        kinds.dedup();
        each(&kinds);
    }

    /// The kinds of an account.
    pub(super) fn of_owner(&self, owner: AccountId) -> impl Iterator<Item = &Kind> {
        let first: Features = (owner, Box::default(), Amounts::default());
        let of_owner = self.by_features.range(first..).take_while(move |((other, ..), _)| *other == owner);
        of_owner.map(|(_, kind)| &self.kinds[*kind as usize])
    }

    /// Drops kinds without instances and labels without kinds.
    pub(super) fn forget_unused(&mut self) {
        for (number, kind) in (0..).zip(&mut self.kinds) {
            if kind.members.len() > 0 || kind.is_free {
                continue;
            }
            kind.is_free = true;
            let labels = core::mem::take(&mut kind.labels);
            labels.iter().for_each(|label| self.having[*label as usize].retain(|having| *having != number));
            self.by_features.remove(&(kind.owner, labels, kind.demand));
            self.free_kinds.push(number);
        }
        let (having, free) = (&self.having, &mut self.free_labels);
        let mut is_used = |label: &u32| {
            let is_used = !having[*label as usize].is_empty();
            free.extend((!is_used).then_some(*label));
            is_used
        };
        self.labels.retain(|_, criteria| {
            criteria.retain(|_, values| {
                values.retain(|_, label| is_used(label));
                !values.is_empty()
            });
            !criteria.is_empty()
        });
    }

    /// How many kinds and how many labels there are.
    pub(super) fn counts(&self) -> (usize, usize) {
        (self.kinds.len() - self.free_kinds.len(), self.having.len() - self.free_labels.len())
    }
}
