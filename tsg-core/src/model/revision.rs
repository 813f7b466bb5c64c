//! Revisions: what a group's instances are made from, told apart by content.
//!
//! Owns what counts as content, what a change of it costs, and which revisions are remembered.
//! Must never decide when an instance moves to another one.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::fingerprint::Fingerprint;
use super::id::{ImageId, NetworkId, PackageId, TemplateId};
use super::tag::Tags;
use super::template::TemplateSpec;
use super::time::Timestamp;

/// How many of the newest revisions are remembered whatever became of them.
pub const REVISIONS_KEPT: usize = 20;

/// What it takes to bring an instance from one revision to another, the mildest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Disruption {
    /// Nothing: both say the same.
    #[default]
    None,
    /// A change of tags, metadata or firewall, while it runs.
    InPlace,
    /// Another package; what changes in place changes with it.
    Resize,
    /// Another instance.
    Replace,
}

/// Three short digests of a template's content, by what it takes to change it.
///
/// Short, because the planner compares them a million times. Whoever could forge one may write
/// the account's templates anyway.
///
/// ```
/// use tsg_core::model::revision::{Disruption, RevisionDigest, RevisionFacts, content_hash};
/// use tsg_core::model::template::TemplateSpec;
///
/// let small: TemplateSpec = serde_json::from_str(r#"{
///     "name": "web", "package": "00000000-0000-0000-0000-000000000001",
///     "image": "00000000-0000-0000-0000-000000000002", "networks": [], "firewall_enabled": true,
///     "userdata": "", "metadata": {}, "tags": {}
/// }"#)?;
/// let renamed = TemplateSpec { name: "shop".parse()?, ..small.clone() };
/// assert_eq!(content_hash(&renamed), content_hash(&small), "a name is not content");
///
/// let large = TemplateSpec { package: "00000000-0000-0000-0000-000000000009".parse()?, ..small.clone() };
/// let [old, new] = [&small, &large].map(RevisionDigest::of);
/// assert_eq!(old.disruption_to(&new), Disruption::Resize);
///
/// // Where machines cannot be resized, other ones have to take their place.
/// let facts = |number, digest| RevisionFacts { number, digest, is_resizable: false };
/// assert_eq!(facts(1, old).disruption_to(&facts(2, new)), Disruption::Replace);
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
pub struct RevisionDigest {
    /// Of what only another instance can change: image and networks.
    pub place: u64,
    /// Of what a resize changes: the package.
    pub size: u64,
    /// Of what changes in place: tags, metadata with the user data, firewall.
    pub labels: u64,
}

impl RevisionDigest {
    /// Of a template. Its name and its placement are not content.
    pub fn of(spec: &TemplateSpec) -> Self {
        let content = Content::of(spec);
        Self { place: short(&content.place), size: short(&content.size), labels: short(&content.labels) }
    }

    /// What it takes to bring an instance of this content to `other`: the greatest of what each
    /// difference needs.
    pub const fn disruption_to(&self, other: &Self) -> Disruption {
        if self.place != other.place {
            Disruption::Replace
        } else if self.size != other.size {
            Disruption::Resize
        } else if self.labels != other.labels {
            Disruption::InPlace
        } else {
            Disruption::None
        }
    }
}

/// What the planner knows of a revision.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct RevisionFacts {
    /// Its number.
    pub number: u32,
    /// Its content.
    pub digest: RevisionDigest,
    /// Whether instances of it can be resized: zones can while they run, bhyve machines while
    /// they are stopped, KVM machines never. Its template does not say which of them it makes.
    pub is_resizable: bool,
}

impl RevisionFacts {
    /// What it takes to bring an instance of this revision to `other`. Where a resize is not to
    /// be had, another instance is.
    pub const fn disruption_to(&self, other: &Self) -> Disruption {
        match self.digest.disruption_to(&other.digest) {
            Disruption::Resize if !(self.is_resizable && other.is_resizable) => Disruption::Replace,
            disruption => disruption,
        }
    }
}

/// A template's content, apart by what it takes to change it. The JSON form of each part is what
/// is hashed, and hashes are kept: a part may never be written differently than it was, or every
/// instance would look outdated. A field that is added to templates has to be left out of its
/// part as long as it has its default.
struct Content<'a> {
    place: (ImageId, &'a [NetworkId]),
    size: PackageId,
    labels: (&'a Tags, BTreeMap<&'a str, &'a str>, bool),
}

impl<'a> Content<'a> {
    /// Names every field, so that a new one cannot be forgotten here. Placement says where new
    /// instances go: those that are there already are the same with or without it.
    fn of(spec: &'a TemplateSpec) -> Self {
        let TemplateSpec {
            name: _,
            placement: _,
            package,
            image,
            networks,
            firewall_enabled,
            userdata,
            metadata,
            tags,
        } = spec;
        let mut metadata: BTreeMap<&str, &str> =
            metadata.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
        if !userdata.is_empty() {
            metadata.insert("user-data", userdata);
        }
        Self { place: (*image, networks), size: *package, labels: (tags, metadata, *firewall_enabled) }
    }
}

fn short<T: Serialize>(value: &T) -> u64 {
    let [a, b, c, d, e, f, g, h, ..] = *Fingerprint::of(value).as_bytes();
    u64::from_be_bytes([a, b, c, d, e, f, g, h])
}

/// The hash of everything a template says except its name and its placement: templates with the
/// same one make the same instances.
pub fn content_hash(spec: &TemplateSpec) -> Fingerprint {
    let content = Content::of(spec);
    Fingerprint::of(&(&content.place, &content.size, &content.labels))
}

/// One revision as it is remembered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct RevisionEntry {
    /// Its number.
    pub number: u32,
    /// The hash of its content.
    pub hash: Fingerprint,
    /// Its content by what it takes to change it.
    pub digest: RevisionDigest,
    /// The newest template with that content.
    pub template: TemplateId,
    /// When it was made.
    pub made_at: Timestamp,
    /// When all instances of the group were of it and had stayed healthy through the bake time;
    /// none if that never happened.
    pub stable_at: Option<Timestamp>,
}

impl RevisionEntry {
    fn new(number: u32, template: TemplateId, spec: &TemplateSpec, at: Timestamp) -> Self {
        let (hash, digest) = (content_hash(spec), RevisionDigest::of(spec));
        Self { number, hash, digest, template, made_at: at, stable_at: None }
    }
}

/// The revisions of one group, oldest first, with rising numbers.
///
/// ```
/// use tsg_core::model::id::TemplateId;
/// use tsg_core::model::revision::{Disruption, RevisionLog};
/// use tsg_core::model::template::TemplateSpec;
/// use tsg_core::model::time::Timestamp;
/// use uuid::Uuid;
///
/// let old: TemplateSpec = serde_json::from_str(r#"{
///     "name": "web", "package": "00000000-0000-0000-0000-000000000001",
///     "image": "00000000-0000-0000-0000-000000000002", "networks": [], "firewall_enabled": true,
///     "userdata": "", "metadata": {}, "tags": {"role": "web"}
/// }"#)?;
/// let mut new = old.clone();
/// new.tags.insert("role".into(), "edge".into());
///
/// let (template, now) = (TemplateId::new(Uuid::from_u128(3)), Timestamp::EPOCH);
/// let mut log = RevisionLog::default();
/// assert_eq!(log.push(template, &old, now), 1);
/// assert_eq!(log.push(template, &old, now), 1, "the same content is the same revision");
/// assert_eq!(log.push(template, &new, now), 2);
///
/// let facts = log.facts();
/// assert_eq!(facts[0].disruption_to(&facts[1]), Disruption::InPlace);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(try_from = "Vec<RevisionEntry>", into = "Vec<RevisionEntry>")]
pub struct RevisionLog(Vec<RevisionEntry>);

/// Entries that are not the log of a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("revision {later} stands after revision {earlier}; their numbers must rise")]
pub struct InvalidRevisionLog {
    /// The number that stands first.
    pub earlier: u32,
    /// The one after it.
    pub later: u32,
}

impl TryFrom<Vec<RevisionEntry>> for RevisionLog {
    type Error = InvalidRevisionLog;

    fn try_from(entries: Vec<RevisionEntry>) -> Result<Self, InvalidRevisionLog> {
        let mut pairs = entries.iter().zip(entries.iter().skip(1));
        match pairs.find(|(earlier, later)| earlier.number >= later.number) {
            Some((earlier, later)) => Err(InvalidRevisionLog { earlier: earlier.number, later: later.number }),
            None => Ok(Self(entries)),
        }
    }
}

impl From<RevisionLog> for Vec<RevisionEntry> {
    fn from(log: RevisionLog) -> Self {
        log.0
    }
}

impl RevisionLog {
    /// The log of a group that has come to revision `number` without one.
    pub fn beginning_at(number: u32, template: TemplateId, spec: &TemplateSpec, at: Timestamp) -> Self {
        Self(alloc::vec![RevisionEntry::new(number, template, spec, at)])
    }

    /// Makes a template the one in force, and says which revision that is: the newest if it has
    /// the same content, else a new one. Content of an older revision that comes back gets a new
    /// number too, since a number also says when.
    pub fn push(&mut self, template: TemplateId, spec: &TemplateSpec, at: Timestamp) -> u32 {
        let number = self.newest().map_or(1, |newest| newest.number.saturating_add(1));
        let entry = RevisionEntry::new(number, template, spec, at);
        match self.0.last_mut() {
            Some(newest) if newest.hash == entry.hash => {
                newest.template = template;
                newest.number
            }
            _ => {
                self.0.push(entry);
                number
            }
        }
    }

    /// Remembers that a revision is fit to go back to. Says so once: the first time stays, and a
    /// revision that is forgotten stays so.
    pub fn mark_stable(&mut self, number: u32, at: Timestamp) {
        if let Some(entry) = self.0.iter_mut().find(|entry| entry.number == number) {
            entry.stable_at = entry.stable_at.or(Some(at));
        }
    }

    /// Forgets revisions, but not the newest [`REVISIONS_KEPT`], none that was ever stable, and
    /// none of which there are instances.
    pub fn prune(&mut self, in_use: &[u32]) {
        let first_kept = self.0.len().saturating_sub(REVISIONS_KEPT);
        let new_since = self.0.get(first_kept).map_or(0, |entry| entry.number);
        self.0.retain(|entry| entry.number >= new_since || entry.stable_at.is_some() || in_use.contains(&entry.number));
    }

    /// All that are remembered, oldest first.
    pub fn entries(&self) -> &[RevisionEntry] {
        &self.0
    }

    /// The one with this number, if it is remembered.
    pub fn get(&self, number: u32) -> Option<&RevisionEntry> {
        self.0.iter().find(|entry| entry.number == number)
    }

    /// The one in force.
    pub fn newest(&self) -> Option<&RevisionEntry> {
        self.0.last()
    }

    /// The newest that was ever stable: what a failed rollout goes back to.
    pub fn newest_stable(&self) -> Option<&RevisionEntry> {
        self.0.iter().rev().find(|entry| entry.stable_at.is_some())
    }

    /// What the planner is told of them, oldest first. None is taken to be resizable; whoever
    /// knows what the image makes says so in the result.
    pub fn facts(&self) -> Vec<RevisionFacts> {
        let facts =
            |entry: &RevisionEntry| RevisionFacts { number: entry.number, digest: entry.digest, is_resizable: false };
        self.0.iter().map(facts).collect()
    }
}
