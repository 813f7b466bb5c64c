//! The compute nodes that are known, as the next instance would find them.
//!
//! Owns the same look as at one that landed, ahead of it. Must never say that a node has room: tenants
//! are not told.

use alloc::vec::Vec;

use super::{Inspection, Verdict, Verified};
use crate::model::id::ComputeNodeId;
use crate::placement::compile::{Newcomer, View};
use crate::placement::rule::{PlacementSpec, Strength};

/// A compute node, and what the rules say of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prospect {
    /// Which one.
    pub node: ComputeNodeId,
    /// How many members of the group stand there.
    pub members: u32,
    /// Each rule, in the order of the block; wishes among them.
    pub verified: Vec<Verified>,
}

impl Prospect {
    /// Whether no hard rule keeps an instance from it.
    pub fn is_allowed(&self) -> bool {
        let forbids = |one: &Verified| one.strength == Strength::Hard && matches!(one.verdict, Verdict::Broken(_));
        !self.verified.iter().any(forbids)
    }
}

/// Every compute node that is listed or has one of ours, ordered by id.
///
/// ```
/// use tsg_core::model::id::{ComputeNodeId, InstanceId};
/// use tsg_core::placement::compile::{Newcomer, Resident, View};
/// use tsg_core::placement::inventory::Label;
/// use tsg_core::placement::rule::{Criterion, PlacementSpec};
/// use tsg_core::placement::topology::Topology;
/// use tsg_core::placement::verify::prospects;
/// use uuid::Uuid;
///
/// let topology = Topology::default();
/// let db = [Label { criterion: Criterion::InstanceTag("role".into()), value: "db".into() }];
/// let on = |node| Some(ComputeNodeId::new(Uuid::from_u128(node)));
/// let id = |id| InstanceId::new(Uuid::from_u128(id));
/// let residents = vec![
///     Resident { id: id(3), name: "db-1", labels: &db, node: on(1) },
///     Resident { id: id(4), name: "web-1", labels: &[], node: on(2) },
/// ];
/// let view = View::new(&topology, residents, vec![]);
/// let spec: PlacementSpec = serde_json::from_str(r#"{"cn": ["role!=db"]}"#)?;
/// let allowed: Vec<bool> =
///     prospects(&spec, &view, &Newcomer::default()).iter().map(|prospect| prospect.is_allowed()).collect();
/// assert_eq!(allowed, [false, true]);
/// # Ok::<(), serde_json::Error>(())
/// ```
pub fn prospects(spec: &PlacementSpec, view: &View<'_>, newcomer: &Newcomer<'_>) -> Vec<Prospect> {
    Inspection::new(spec, view, newcomer).prospects()
}
