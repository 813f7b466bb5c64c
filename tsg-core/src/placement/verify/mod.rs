//! Whether an instance stands where its rules want it.
//!
//! Owns the look after the fact: CloudAPI chooses the place, and not every rule can be put to it.
//! Must never take what a tenant cannot know for kept or for broken.

mod crowd;
mod inspection;
mod prospects;
mod remedy;
mod render;

use alloc::vec::Vec;

use super::compile::{Newcomer, Obstacle, View};
use super::rule::{PlacementSpec, SpecPlace, Strength};
use crate::model::id::{ComputeNodeId, InstanceId};

pub use inspection::Inspection;
pub use prospects::{Prospect, prospects};
pub use remedy::{Remedy, remedy};

/// A part of a block, and whether it is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Verified {
    /// Which part.
    pub at: SpecPlace,
    /// How strict it is. A preference and a spread are wishes.
    pub strength: Strength,
    /// Whether it is kept.
    pub verdict: Verdict,
}

/// Whether a part of a block is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It is.
    Kept,
    /// It is not.
    Broken(Breach),
    /// That cannot be known.
    Unknown(Unknown),
}

/// What breaks a part of a block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Breach {
    /// It is to be apart from an instance that is in the same place; of several, the one with the
    /// lowest id.
    Beside {
        /// Which one.
        instance: InstanceId,
    },
    /// It is to be apart from a node that is in the same place.
    On {
        /// Which one.
        node: ComputeNodeId,
    },
    /// It is to be with something, and nothing of that is in its place.
    Alone {
        /// How many there are elsewhere.
        elsewhere: u32,
    },
    /// Its place has more members than another one and what is tolerated.
    Uneven {
        /// Members in its place, itself among them.
        members: u32,
        /// Members in the emptiest place.
        fewest: u32,
    },
}

/// Why it cannot be known whether something is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unknown {
    /// CloudAPI does not show the instance, or not where it stands.
    NotPlaced,
    /// It would take what tenants are not told.
    Hidden(Obstacle),
}

/// Looks whether an instance stands where its block wants it; one verdict for each rule, preference
/// and spread, in the order of the block. To be asked once, when it has landed: a rule says where a
/// new instance may go, and what came to it later is nothing that it broke. For many of them make one
/// [`Inspection`]: this reads the block for each.
///
/// ```
/// use tsg_core::model::id::{ComputeNodeId, InstanceId};
/// use tsg_core::placement::compile::{Newcomer, Resident, View};
/// use tsg_core::placement::inventory::Label;
/// use tsg_core::placement::rule::{Criterion, PlacementSpec};
/// use tsg_core::placement::topology::Topology;
/// use tsg_core::placement::verify::{Breach, Remedy, Verdict, remedy, verify};
/// use uuid::Uuid;
///
/// let topology = Topology::default();
/// let db = [Label { criterion: Criterion::InstanceTag("role".into()), value: "db".into() }];
/// let node = Some(ComputeNodeId::new(Uuid::from_u128(1)));
/// let [old, new] = [2, 3].map(|id| InstanceId::new(Uuid::from_u128(id)));
/// let old_one = Resident { id: old, name: "db-1", labels: &db, node };
/// let view = View::new(&topology, vec![old_one, Resident { id: new, name: "web-1", labels: &[], node }], vec![]);
///
/// let spec: PlacementSpec = serde_json::from_str(r#"{"cn": ["role!=db"], "enforce": "replace"}"#)?;
/// let verified = verify(&spec, &view, &Newcomer::default(), new);
/// assert_eq!(verified[0].verdict, Verdict::Broken(Breach::Beside { instance: old }));
/// assert_eq!(remedy(&spec, &verified, 1), Remedy::Replace { attempts_left: 1 });
/// # Ok::<(), serde_json::Error>(())
/// ```
pub fn verify(spec: &PlacementSpec, view: &View<'_>, newcomer: &Newcomer<'_>, landed: InstanceId) -> Vec<Verified> {
    Inspection::new(spec, view, newcomer).landed(landed)
}
