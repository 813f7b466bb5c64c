//! Failures that have one cause.
//!
//! Owns the search for what failing instances have in common and others do not: a compute node,
//! rack, data centre, image, revision, check or prober. Must never act on an instance; the
//! response is to the bucket.

use alloc::collections::BTreeSet;
use alloc::vec::Vec;
use core::cmp::Reverse;

use serde::{Deserialize, Serialize};

use super::input::{NO_NUMBER, NodeFacts, Outcome};
use super::number::ByNumber;
use super::sift::{Seen, Sifted};
use crate::model::id::GroupId;

/// What failing instances may have in common. Where two explain the same failures equally well,
/// the earlier one here is taken: it is the more specific, and its response the milder.
///
/// ```
/// use tsg_core::storm::correlate::{Bucket, Response};
/// assert_eq!(Bucket::Image(4).response(), Response::SuspendImage(4));
/// assert_eq!(Bucket::Image(4).to_string(), "image 4");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Bucket {
    /// A compute node.
    Node(u32),
    /// A revision of a group.
    Revision {
        /// The group.
        group: GroupId,
        /// Its revision.
        revision: u32,
    },
    /// A rack.
    Rack(u32),
    /// A check.
    Check(u32),
    /// An image.
    Image(u32),
    /// A prober.
    Prober(u32),
    /// A data centre.
    DataCentre(u32),
}

/// What to do about a bucket, instead of about each of its instances.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Response {
    /// Watch the compute node; it is lost only after its grace.
    SuspectNode(u32),
    /// Give up no compute node of the rack; power and switches come back.
    HoldRack(u32),
    /// Repair nothing in the data centre.
    HoldDataCentre(u32),
    /// Take the revision no further.
    StopRollout {
        /// The group.
        group: GroupId,
        /// Its revision.
        revision: u32,
    },
    /// Replace nothing with this image.
    SuspendImage(u32),
    /// Believe no failure of this check.
    DistrustCheck(u32),
    /// Believe nothing that this prober alone says.
    DistrustProber(u32),
}

impl Bucket {
    /// What to do about it.
    pub const fn response(self) -> Response {
        match self {
            Self::Node(node) => Response::SuspectNode(node),
            Self::Revision { group, revision } => Response::StopRollout { group, revision },
            Self::Rack(rack) => Response::HoldRack(rack),
            Self::Check(check) => Response::DistrustCheck(check),
            Self::Image(image) => Response::SuspendImage(image),
            Self::Prober(prober) => Response::DistrustProber(prober),
            Self::DataCentre(data_centre) => Response::HoldDataCentre(data_centre),
        }
    }
}

/// A bucket in which instances fail while those outside do not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Correlation {
    /// What they have in common.
    pub bucket: Bucket,
    /// Checked instances in it that fail.
    pub failing: u32,
    /// Checked instances in it.
    pub of: u32,
    /// Checked instances outside that fail: of the same data centre for a compute node or a rack,
    /// of all others otherwise.
    pub outside_failing: u32,
    /// Checked instances outside.
    pub outside_of: u32,
}

/// Failing instances that a bucket needs at least: two make a coincidence unlikely on one compute
/// node, everything else needs three, like the thresholds of zones in Kubernetes.
const NODE_FAILING_MIN: u32 = 2;
const FAILING_MIN: u32 = 3;
/// Instances outside that there must be to compare with.
const OUTSIDE_MIN: u32 = 3;
/// The share that must fail inside, in per cent. A dead compute node has no survivors; a data
/// centre is judged as Kubernetes judges a zone.
const SHARE_PERCENT: u32 = 60;
const NODE_SHARE_PERCENT: u32 = 100;
pub(super) const DATA_CENTRE_SHARE_PERCENT: u32 = 55;
/// How many times the share inside must exceed the share outside.
const CONTRAST: u128 = 3;
/// More causes at once than anybody could follow; each costs a pass over the instances.
const CAUSES_MAX: usize = 8;

/// The dimensions, in the order of [`Bucket`].
const NODE: usize = 0;
const REVISION: usize = 1;
const RACK: usize = 2;
const CHECK: usize = 3;
const IMAGE: usize = 4;
const PROBER: usize = 5;
const DATA_CENTRE: usize = 6;
const DIMENSIONS: usize = 7;

/// A bucket by dimension and number.
type Key = (usize, u64);

/// How many are checked, and how many of them fail.
#[derive(Debug, Clone, Copy, Default)]
struct Tally {
    failing: u32,
    of: u32,
}

impl Tally {
    fn of(seen: &Seen<'_>) -> Self {
        Self { failing: u32::from(seen.outcome.is_failing()), of: 1 }
    }

    fn add(&mut self, other: Self) {
        self.failing = self.failing.saturating_add(other.failing);
        self.of = self.of.saturating_add(other.of);
    }

    fn minus(self, other: Self) -> Self {
        Self { failing: self.failing.saturating_sub(other.failing), of: self.of.saturating_sub(other.of) }
    }
}

/// Rack and data centre of a compute node.
#[derive(Debug, Clone, Copy, Default)]
struct Place {
    rack: Option<u32>,
}

/// All instances that are checked and not explained yet, counted by everything.
struct Census<'a, 's> {
    sifted: &'s Sifted<'a>,
    places: ByNumber<Place>,
    /// Groups with failing instances; only their revisions are worth counting.
    failing_groups: ByNumber<bool>,
    /// The data centre of each compute node and rack with failing instances.
    homes: [ByNumber<Option<u32>>; DIMENSIONS],
    tallies: [ByNumber<Tally>; DIMENSIONS],
    all: Tally,
    explained: BTreeSet<Key>,
}

/// Finds what failing instances have in common, the one with the most failures first.
///
/// Of all buckets the one that explains most is taken: whose failing instances exceed the passing
/// ones by most. What it explains is set aside, and the rest is looked at again.
pub(super) fn correlate(sifted: &Sifted<'_>, nodes: &[NodeFacts]) -> Vec<Correlation> {
    if sifted.failing().take(NODE_FAILING_MIN as usize).count() < NODE_FAILING_MIN as usize {
        return Vec::new();
    }
    let mut census = Census::take(sifted, places(nodes));
    let mut found = Vec::new();
    while found.len() < CAUSES_MAX {
        let Some((key, correlation)) = census.best() else { break };
        census.set_aside(key);
        found.push(correlation);
    }
    found.sort_unstable_by_key(|correlation| (Reverse(correlation.failing), correlation.bucket));
    found
}

fn places(nodes: &[NodeFacts]) -> ByNumber<Place> {
    let mut ordered: Vec<&NodeFacts> = nodes.iter().collect();
    ordered.sort_unstable_by_key(|facts| Reverse((facts.node, facts.id, facts.data_centre, facts.rack)));
    let mut places = ByNumber::default();
    for facts in ordered {
        let rack = (facts.rack != NO_NUMBER).then_some(facts.rack);
        places.change(facts.node.into(), |place: &mut Place| place.rack = rack);
    }
    places
}

impl<'a, 's> Census<'a, 's> {
    fn take(sifted: &'s Sifted<'a>, places: ByNumber<Place>) -> Self {
        let mut census = Self {
            sifted,
            places,
            failing_groups: ByNumber::default(),
            homes: Default::default(),
            tallies: Default::default(),
            all: Tally::default(),
            explained: BTreeSet::new(),
        };
        for seen in sifted.failing() {
            census.failing_groups.change(seen.facts.group.into(), |is_failing| *is_failing = true);
            census.note_home(&seen);
        }
        for seen in sifted.instances().filter(|seen| seen.outcome != Outcome::Unchecked) {
            let one = Tally::of(&seen);
            census.all.add(one);
            for (dimension, tally) in census.tallies.iter_mut().enumerate() {
                if let Some(number) = number(dimension, &seen, &census.places, &census.failing_groups) {
                    tally.change(number, |tally| tally.add(one));
                }
            }
        }
        census
    }

    fn note_home(&mut self, seen: &Seen<'_>) {
        for dimension in [NODE, RACK] {
            if let Some(number) = self.number(dimension, seen) {
                let here = seen.group.data_centre;
                self.homes[dimension].change(number, |home| *home = Some(home.unwrap_or(u32::MAX).min(here)));
            }
        }
    }

    /// Takes out what a bucket explains.
    fn set_aside(&mut self, key: Key) {
        let sifted = self.sifted;
        for seen in sifted.instances().filter(|seen| seen.outcome != Outcome::Unchecked) {
            if self.number(key.0, &seen) == Some(key.1) && !self.is_explained(&seen) {
                let one = Tally::of(&seen);
                self.all = self.all.minus(one);
                for dimension in 0..DIMENSIONS {
                    if let Some(number) = self.number(dimension, &seen) {
                        self.tallies[dimension].change(number, |tally| *tally = tally.minus(one));
                    }
                }
            }
        }
        self.explained.insert(key);
    }

    fn is_explained(&self, seen: &Seen<'_>) -> bool {
        self.explained.iter().any(|key| self.number(key.0, seen) == Some(key.1))
    }

    fn number(&self, dimension: usize, seen: &Seen<'_>) -> Option<u64> {
        number(dimension, seen, &self.places, &self.failing_groups)
    }

    /// The bucket that explains most.
    fn best(&self) -> Option<(Key, Correlation)> {
        let all = self.tallies.iter().enumerate();
        let keys = all.flat_map(|(dimension, row)| row.iter().map(move |(number, tally)| ((dimension, number), tally)));
        let explaining = keys.filter_map(|(key, tally)| Some((key, self.explains(key, tally)?)));
        explaining.max_by_key(|(_, found)| {
            let excess = i64::from(found.failing) * 2 - i64::from(found.of);
            (excess, Reverse(*found))
        })
    }

    fn explains(&self, key: Key, inside: Tally) -> Option<Correlation> {
        let (least, share) = match key.0 {
            NODE => (NODE_FAILING_MIN, NODE_SHARE_PERCENT),
            DATA_CENTRE => (FAILING_MIN, DATA_CENTRE_SHARE_PERCENT),
            _ => (FAILING_MIN, SHARE_PERCENT),
        };
        if inside.failing < least || !is_share(inside.failing, inside.of, share) {
            return None;
        }
        let outside = self.around(key).minus(inside);
        // A data centre needs nothing to be compared with: there may be no other.
        if key.0 != DATA_CENTRE && !is_contrast(inside, outside) {
            return None;
        }
        Some(Correlation {
            bucket: self.bucket(key)?,
            failing: inside.failing,
            of: inside.of,
            outside_failing: outside.failing,
            outside_of: outside.of,
        })
    }

    /// What a bucket is compared with, itself among it.
    fn around(&self, (dimension, number): Key) -> Tally {
        let home = self.homes[dimension].get(number);
        home.map_or(self.all, |home| self.tallies[DATA_CENTRE].get(home.into()))
    }

    fn bucket(&self, (dimension, number): Key) -> Option<Bucket> {
        let low = u32::try_from(number & u64::from(u32::MAX)).ok()?;
        Some(match dimension {
            NODE => Bucket::Node(low),
            REVISION => {
                let group = self.sifted.input.groups.get(usize::try_from(number >> 32).ok()?)?.group;
                Bucket::Revision { group, revision: low }
            }
            RACK => Bucket::Rack(low),
            CHECK => Bucket::Check(low),
            IMAGE => Bucket::Image(low),
            PROBER => Bucket::Prober(low),
            _ => Bucket::DataCentre(low),
        })
    }
}

/// Where an instance counts in a dimension.
#[inline]
fn number(dimension: usize, seen: &Seen<'_>, places: &ByNumber<Place>, failing_groups: &ByNumber<bool>) -> Option<u64> {
    let known = |number: u32| (number != NO_NUMBER).then_some(u64::from(number));
    let facts = seen.facts;
    let group = u64::from(facts.group);
    match dimension {
        NODE => known(facts.node),
        REVISION => failing_groups.get(group).then_some(group << 32 | u64::from(facts.revision)),
        RACK => known(facts.node).and_then(|node| places.get(node).rack).and_then(known),
        CHECK => known(facts.check),
        IMAGE => known(facts.image),
        PROBER => known(facts.prober),
        _ => Some(seen.group.data_centre.into()),
    }
}

/// Whether so many of them are at least so many per cent.
pub(super) fn is_share(part: u32, of: u32, percent: u32) -> bool {
    of > 0 && u64::from(part) * 100 >= u64::from(of) * u64::from(percent)
}

/// Whether there is enough outside, and it fails far less.
fn is_contrast(inside: Tally, outside: Tally) -> bool {
    let inside_share = u128::from(inside.failing) * u128::from(outside.of);
    let outside_share = u128::from(outside.failing) * u128::from(inside.of);
    outside.of >= OUTSIDE_MIN && outside_share * CONTRAST <= inside_share
}
