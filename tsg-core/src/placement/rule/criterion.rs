//! What a rule looks at.

use alloc::string::String;

/// The kind of a group of resources; `deployment` unless it is said otherwise.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct GroupKind(pub String);

/// What a rule looks at: something that has instances, an instance, or a compute node itself.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Criterion {
    /// `service`: instances of a service, by its name or id.
    Service,
    /// `service:<tag>`: instances of services with a tag.
    ServiceTag(String),
    /// `group:<kind>`: instances in a group of resources, by its name or id.
    Group(GroupKind),
    /// `group:<kind>:<tag>`: instances in groups of resources with a tag.
    GroupTag(GroupKind, String),
    /// `volume`: instances with a volume, by its name or id.
    Volume,
    /// `volume:<tag>`: instances with a volume that has a tag.
    VolumeTag(String),
    /// `instance`: an instance by its name or id.
    Instance,
    /// `instance:<tag>`, or the tag alone: instances with a tag.
    InstanceTag(String),
    /// `cn`: a compute node by its name or id.
    Node,
    /// `cn:<tag>`: compute nodes with a tag.
    NodeTag(String),
    /// `cn:platform>=<image>`: compute nodes with that platform image or a later one.
    Platform,
}
