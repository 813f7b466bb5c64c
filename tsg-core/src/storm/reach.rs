//! Which hold binds which group. Owns the way from scopes to groups; must never weaken a hold.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec::Vec;

use super::correlate::Bucket;
use super::holds::{Hold, HoldCause, Scope, Stop};
use super::input::{GroupFacts, InstanceFacts, StormInput};
use super::number::ByNumber;
use crate::count;
use crate::model::id::GroupId;

/// Holds by what they hold; of several the one that stops most.
#[derive(Debug, Default)]
struct Reach {
    everywhere: Option<Hold>,
    buckets: BTreeMap<Bucket, Hold>,
    /// Whether anything of this number is held, so that most instances cost no search.
    checks: ByNumber<bool>,
    images: ByNumber<bool>,
    probers: ByNumber<bool>,
    /// Groups of which a revision is held.
    groups: BTreeSet<GroupId>,
}

/// For each group the hold that stops most of what it does.
pub(super) fn binding(input: &StormInput<'_>, holds: &[Hold]) -> Vec<Option<Hold>> {
    let mut reach = Reach::default();
    holds.iter().for_each(|hold| reach.add(*hold));
    let whole = |group: &GroupFacts| {
        let here = reach.buckets.get(&Bucket::DataCentre(group.data_centre)).copied();
        stronger(reach.everywhere, here)
    };
    let mut binding: Vec<Option<Hold>> = input.groups.iter().map(whole).collect();
    if reach.is_partial() {
        let is_revised: Vec<bool> = input.groups.iter().map(|group| reach.groups.contains(&group.group)).collect();
        for facts in input.instances {
            if !reach.may_hold(facts, &is_revised) {
                continue;
            }
            let Some(group) = input.groups.get(facts.group as usize) else { continue };
            let Some(bound) = binding.get_mut(facts.group as usize) else { continue };
            *bound = reach.of(facts, group).into_iter().fold(*bound, stronger);
        }
    }
    binding
}

/// The data centres and the racks in which no compute node is given up.
pub(super) fn keeping(holds: &[Hold]) -> (BTreeSet<u32>, BTreeSet<u32>) {
    let (mut data_centres, mut racks) = (BTreeSet::new(), BTreeSet::new());
    for hold in holds {
        match hold.scope {
            Scope::In(Bucket::DataCentre(data_centre)) => _ = data_centres.insert(data_centre),
            Scope::In(Bucket::Rack(rack)) => _ = racks.insert(rack),
            Scope::In(_) | Scope::Everywhere => {}
        }
    }
    (data_centres, racks)
}

/// The hold over everything when repair is held in each of several data centres: that is not a
/// storm in each of them but something in ourselves.
pub(super) fn everywhere(input: &StormInput<'_>, holds: &[Hold]) -> Option<Hold> {
    let listed = input.data_centres.iter().map(|facts| facts.data_centre);
    let all: BTreeSet<u32> = listed.chain(input.groups.iter().map(|group| group.data_centre)).collect();
    let mut since = None;
    for data_centre in &all {
        let scope = Scope::In(Bucket::DataCentre(*data_centre));
        let here = holds.iter().filter(|hold| hold.scope == scope && hold.cause.stops() >= Stop::Repair);
        since = since.max(Some(here.map(|hold| hold.since).min()?));
    }
    let data_centres = count::of(all.len());
    let cause = HoldCause::EveryDataCentre { data_centres };
    since.filter(|_| data_centres > 1).map(|since| Hold { scope: Scope::Everywhere, cause, since })
}

fn stronger(one: Option<Hold>, other: Option<Hold>) -> Option<Hold> {
    let strength = |hold: &Hold| (hold.cause.stops(), core::cmp::Reverse(*hold));
    one.into_iter().chain(other).max_by_key(strength)
}

impl Reach {
    fn add(&mut self, hold: Hold) {
        match hold.scope {
            Scope::Everywhere => self.everywhere = stronger(self.everywhere, Some(hold)),
            Scope::In(bucket) => {
                self.note(bucket);
                let kept = self.buckets.entry(bucket).or_insert(hold);
                *kept = stronger(Some(*kept), Some(hold)).unwrap_or(hold);
            }
        }
    }

    fn note(&mut self, bucket: Bucket) {
        let (row, number) = match bucket {
            Bucket::Check(check) => (&mut self.checks, check),
            Bucket::Image(image) => (&mut self.images, image),
            Bucket::Prober(prober) => (&mut self.probers, prober),
            Bucket::Revision { group, .. } => {
                self.groups.insert(group);
                return;
            }
            Bucket::Node(_) | Bucket::Rack(_) | Bucket::DataCentre(_) => return,
        };
        row.change(number.into(), |is_held| *is_held = true);
    }

    /// Whether one of them may hold the group of an instance for what the instance is.
    #[inline]
    fn may_hold(&self, facts: &InstanceFacts, is_revised: &[bool]) -> bool {
        self.checks.get(facts.check.into())
            || self.images.get(facts.image.into())
            || self.probers.get(facts.prober.into())
            || is_revised.get(facts.group as usize).is_some_and(|is_revised| *is_revised)
    }

    /// Whether some of them hold groups by what their instances are.
    fn is_partial(&self) -> bool {
        let is_partial = |bucket: &Bucket| !matches!(bucket, Bucket::DataCentre(_) | Bucket::Node(_) | Bucket::Rack(_));
        self.buckets.keys().any(is_partial)
    }

    fn of(&self, facts: &InstanceFacts, group: &GroupFacts) -> [Option<Hold>; 4] {
        [
            Bucket::Revision { group: group.group, revision: facts.revision },
            Bucket::Check(facts.check),
            Bucket::Image(facts.image),
            Bucket::Prober(facts.prober),
        ]
        .map(|bucket| self.buckets.get(&bucket).copied())
    }
}
