//! Where the compute nodes stand, as far as somebody has said so.
//!
//! Owns what a configuration says about racks and the data centre. CloudAPI shows a tenant the id
//! of the node below each of its machines and nothing else. Must never be guessed from anything.

use alloc::collections::BTreeMap;
use alloc::string::String;

use serde::{Deserialize, Serialize};

use crate::model::id::ComputeNodeId;

/// What is known of the compute nodes behind one CloudAPI.
///
/// ```
/// use tsg_core::model::id::ComputeNodeId;
/// use tsg_core::placement::topology::{Coverage, Topology};
/// use uuid::Uuid;
///
/// let topology: Topology = serde_json::from_str(r#"{
///     "data_centre": "us-east-1",
///     "coverage": "whole",
///     "nodes": {"00000000-0000-0000-0000-000000000001": {"name": "cn1", "rack": "A"}}
/// }"#)?;
/// let node = ComputeNodeId::new(Uuid::from_u128(1));
/// assert_eq!((topology.rack(node), topology.coverage), (Some("A"), Coverage::Whole));
/// assert_eq!(topology.rack(ComputeNodeId::new(Uuid::from_u128(2))), None);
/// assert!(!topology.is_empty() && Topology::default().is_empty());
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Topology {
    /// The data centre. One CloudAPI serves one of them, so that all its nodes stand there, those
    /// that are not listed among them. Default: unknown.
    pub data_centre: Option<String>,
    /// Whether all nodes are listed. Default: part.
    pub coverage: Coverage,
    /// The nodes. Default: none.
    pub nodes: BTreeMap<ComputeNodeId, Site>,
}

/// How much of a cloud is listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Coverage {
    /// There may be compute nodes that are not listed.
    #[default]
    Part,
    /// Every compute node is listed.
    Whole,
}

/// What is known of one compute node.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Site {
    /// Its name. Default: unknown.
    pub name: Option<String>,
    /// Its rack. Default: unknown.
    pub rack: Option<String>,
}

impl Topology {
    /// Whether it says nothing at all.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// The rack of a node, unless it is unknown.
    pub fn rack(&self, node: ComputeNodeId) -> Option<&str> {
        self.nodes.get(&node)?.rack.as_deref()
    }
}
