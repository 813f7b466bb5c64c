//! Revisions: what a group's instances were and are to be made from, told apart by content.
//!
//! Owns what counts as content, what a change of it costs, and which revisions are remembered.
//! Must never decide when an instance moves to another one.

use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use super::fingerprint::Fingerprint;
use super::id::TemplateId;
use super::template::TemplateSpec;
use super::time::Timestamp;

/// What it takes to bring an instance from one revision to another, the mildest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Disruption {
    /// Nothing: both say the same.
    #[default]
    None,
    /// A change of tags, metadata or firewall while it runs.
    InPlace,
    /// Another package.
    Resize,
    /// Another instance.
    Replace,
}

/// Three short digests of a template's content, by what it takes to change it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
pub struct RevisionDigest {
    /// Of what only a new instance can change: image and networks.
    pub place: u64,
    /// Of what a resize changes: the package.
    pub size: u64,
    /// Of what changes in place: tags, metadata with the user data, firewall.
    pub labels: u64,
}

/// What the planner knows of a revision.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct RevisionFacts {
    /// Its number.
    pub number: u32,
    /// Its content.
    pub digest: RevisionDigest,
    /// Whether its instances can be resized.
    pub is_resizable: bool,
}

impl RevisionDigest {
    /// Of a template. Its name is not content.
    pub fn of(spec: &TemplateSpec) -> Self {
        Self {
            place: short(&(spec.image, &spec.networks)),
            size: short(&spec.package),
            labels: short(&(&spec.tags, &spec.metadata, &spec.userdata, spec.firewall_enabled)),
        }
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

fn short<T: Serialize>(value: &T) -> u64 {
    let [a, b, c, d, e, f, g, h, ..] = *Fingerprint::of(value).as_bytes();
    u64::from_be_bytes([a, b, c, d, e, f, g, h])
}

/// The hash of all that a template says but its name.
pub fn content_hash(spec: &TemplateSpec) -> Fingerprint {
    Fingerprint::of(&RevisionDigest::of(spec))
}

/// One revision as it is remembered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct RevisionEntry {
    /// Its number, the first one 1.
    pub number: u32,
    /// The hash of its content.
    pub hash: Fingerprint,
    /// Its content by what it takes to change it.
    pub digest: RevisionDigest,
    /// A template that says so.
    pub template: TemplateId,
    /// When it was made.
    pub made_at: Timestamp,
    /// When all instances of it had stayed healthy through the bake time.
    pub stable_at: Option<Timestamp>,
}

/// The revisions of one group, oldest first.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RevisionLog(Vec<RevisionEntry>);
