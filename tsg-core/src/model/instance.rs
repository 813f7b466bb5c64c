//! Instances as the cloud shows them.
//!
//! Owns the compact record of one observed machine and of one complete look at an account. Must
//! never hold text: a million of these fit in memory.

use core::net::IpAddr;

use serde::{Deserialize, Serialize};

use super::fnv::fnv;
use super::guest::{GuestReport, GuestSigns};
use super::id::{ComputeNodeId, ImageId, InstanceId, OperationId};
use super::machines::Machines;
use super::tag::Claim;
use super::time::Timestamp;

/// The state CloudAPI shows. It is not liveness: a machine on a dead compute node stays
/// `running`.
///
/// ```
/// use tsg_core::model::instance::InstanceState;
///
/// let state: InstanceState = serde_json::from_str("\"failed\"")?;
/// assert!(state.is_terminal(), "it holds no slot any more");
/// assert!(!InstanceState::Stopped.is_terminal(), "it can be started again");
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
pub enum InstanceState {
    /// Being made; legitimate for more than an hour. Also seen for a moment during a delete.
    Provisioning,
    /// On the way from stopped to running.
    Ready,
    /// Running.
    Running,
    /// On the way to stopped.
    Stopping,
    /// Stopped.
    Stopped,
    /// The data centre lost contact with its compute node.
    Offline,
    /// Its provisioning failed. Hidden from ordinary lists.
    Failed,
    /// Destroyed. Hidden from ordinary lists; a get answers 410 with its body.
    Deleted,
    /// A state this version does not know.
    Unknown,
}

impl InstanceState {
    /// Whether the machine is over: it holds no slot in the cloud any more.
    pub const fn is_terminal(self) -> bool {
        matches!(self, Self::Failed | Self::Deleted)
    }
}

/// What runs a machine, as far as it decides what can be done to it in place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
pub enum Brand {
    /// A zone, native or LX.
    Zone,
    /// Hardware virtualisation by bhyve.
    Bhyve,
    /// Hardware virtualisation by KVM.
    Kvm,
    /// One this version does not know, or none was shown.
    #[default]
    Unknown,
}

/// How a machine can be given another size.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ResizeMode {
    /// While it runs.
    Live,
    /// While it is stopped, and only to a package with a flexible disk.
    Stopped,
    /// Not at all.
    Never,
}

impl Brand {
    /// How CloudAPI resizes machines of this brand.
    ///
    /// ```
    /// use tsg_core::model::instance::{Brand, ResizeMode};
    /// assert_eq!(Brand::Zone.resize(), ResizeMode::Live);
    /// assert_eq!(Brand::Kvm.resize(), ResizeMode::Never);
    /// ```
    pub const fn resize(self) -> ResizeMode {
        match self {
            Self::Zone => ResizeMode::Live,
            Self::Bhyve => ResizeMode::Stopped,
            Self::Kvm | Self::Unknown => ResizeMode::Never,
        }
    }
}

/// Which package a machine has, as its record shows it: CloudAPI tells the package's name there
/// and not its id, so this is the name, condensed. Compare it with the mark of
/// [`PackageProfile`](crate::ports::cloud::PackageProfile). Versions of a package that share a
/// name share a mark.
///
/// ```
/// use tsg_core::model::instance::PackageMark;
/// assert_eq!(PackageMark::of_name("g4-highcpu-1G"), PackageMark::of_name("g4-highcpu-1G"));
/// assert_ne!(PackageMark::of_name("g4-highcpu-1G"), PackageMark::of_name("g4-highcpu-2G"));
/// assert_eq!(PackageMark::of_name("").known(), None);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PackageMark(u64);

impl PackageMark {
    /// None was shown, as in the answer to a create.
    pub const NONE: Self = Self(0);

    /// The mark of a package's name. Only the operators of a cloud choose these names, so a
    /// cheap hash will do.
    pub fn of_name(name: &str) -> Self {
        if name.is_empty() {
            return Self::NONE;
        }
        Self(fnv(name.bytes()))
    }

    /// The mark, unless none was shown.
    pub fn known(self) -> Option<Self> {
        (self != Self::NONE).then_some(self)
    }
}

/// Which services a machine's tag names, as its record shows it: its text, condensed. Only the
/// owner of the machine writes it, so a cheap hash will do.
///
/// ```
/// use tsg_core::model::instance::ServicesMark;
/// assert_eq!(ServicesMark::of_tag("web:8080"), ServicesMark::of_tag("web:8080"));
/// assert_ne!(ServicesMark::of_tag("web:8080"), ServicesMark::of_tag("web"));
/// assert_eq!(ServicesMark::of_tag(""), ServicesMark::default(), "without the tag");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ServicesMark(u32);

impl ServicesMark {
    /// The mark of a value of the tag; empty for none.
    pub fn of_tag(text: &str) -> Self {
        // Half of it is enough to tell two texts of one group apart.
        if text.is_empty() { Self::default() } else { Self(fnv(text.bytes()) as u32) }
    }
}

/// One machine as one reply showed it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ObservedInstance {
    /// The machine's UUID.
    pub id: InstanceId,
    /// Its state.
    pub state: InstanceState,
    /// When the cloud made its record.
    pub created_at: Timestamp,
    /// The operation that its *name* carries.
    pub named: Option<OperationId>,
    /// What its *tags* claim.
    pub claim: Option<Claim>,
    /// The compute node it was placed on, once known.
    pub compute_node: Option<ComputeNodeId>,
    /// Its image.
    pub image: ImageId,
    /// Its package.
    pub package: PackageMark,
    /// What runs it.
    pub brand: Brand,
    /// What its guest says of itself.
    pub guest: GuestReport,
    /// Its primary address, once it has one.
    pub address: Option<IpAddr>,
    /// Whether CloudAPI refuses to delete it.
    pub is_protected: bool,
    /// Whether its metadata take it out of its services in CNS, whoever wrote them.
    pub is_delisted: bool,
    /// What its guest says to whoever looks after its health.
    pub signs: GuestSigns,
    /// The services that its tag names.
    pub services: ServicesMark,
}

/// One complete look at all machines of an account, made of pages that were checked to join.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Snapshot {
    /// When its first page was asked for.
    pub taken_at: Timestamp,
    /// The machines.
    pub instances: Machines,
}
