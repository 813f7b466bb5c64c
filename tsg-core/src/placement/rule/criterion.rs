//! What a rule looks at.
//!
//! Owns the criteria and how they are written. Must never know what a cloud can answer.

use alloc::string::{String, ToString};
use core::fmt;

use super::words;

/// The kind of a group of resources, such as `deployment`, `resource` or `billing`.
///
/// ```
/// use tsg_core::placement::rule::GroupKind;
///
/// assert_eq!(GroupKind::deployment().to_string(), "deployment");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct GroupKind(pub String);

impl GroupKind {
    /// What is deployed together; the older word for such a group is `project`.
    pub fn deployment() -> Self {
        Self(DEPLOYMENT.to_string())
    }
}

const DEPLOYMENT: &str = "deployment";

impl fmt::Display for GroupKind {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

/// What a rule looks at: something that has instances, an instance, or a compute node itself.
///
/// ```
/// use tsg_core::placement::rule::{Criterion, GroupKind};
///
/// assert_eq!(Criterion::GroupTag(GroupKind::deployment(), "env".into()).to_string(), "group:deployment:env");
/// assert_eq!(Criterion::InstanceTag("role".into()).to_string(), "role");
/// assert_eq!(Criterion::InstanceTag("rack".into()).to_string(), "instance:rack", "a tag named like a scope");
/// assert!(Criterion::Platform.is_about_nodes() && !Criterion::Service.is_about_nodes());
/// ```
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

impl Criterion {
    /// Whether it looks at compute nodes, not at what runs on them.
    pub const fn is_about_nodes(&self) -> bool {
        matches!(self, Self::Node | Self::NodeTag(_) | Self::Platform)
    }

    /// Whether its values are names or ids, not the values of a tag.
    pub const fn is_by_name(&self) -> bool {
        matches!(self, Self::Service | Self::Group(_) | Self::Volume | Self::Instance | Self::Node)
    }
}

impl fmt::Display for Criterion {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Service => out.write_str("service"),
            Self::ServiceTag(tag) => write!(out, "service:{tag}"),
            Self::Group(kind) => write!(out, "group:{kind}"),
            Self::GroupTag(kind, tag) => write!(out, "group:{kind}:{tag}"),
            Self::Volume => out.write_str("volume"),
            Self::VolumeTag(tag) => write!(out, "volume:{tag}"),
            Self::Instance => out.write_str("instance"),
            Self::InstanceTag(tag) if words::is_bare_tag(tag) => out.write_str(tag),
            Self::InstanceTag(tag) => write!(out, "instance:{tag}"),
            Self::Node => out.write_str("cn"),
            Self::NodeTag(tag) => write!(out, "cn:{tag}"),
            Self::Platform => out.write_str("cn:platform"),
        }
    }
}
