//! The record of one machine: what the world knows about it, and the states it can show.
//! It never changes itself; jobs and requests do, through the world.

use std::collections::{BTreeMap, VecDeque};
use std::net::Ipv4Addr;

use super::audit::AuditRecord;
use super::ids::{AccountId, ImageId, MachineId, NetworkId, PackageId, ServerId};
use super::jobs::Job;
use super::scalar::Scalar;
use super::time::SimTime;

/// The states a client can see.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MachineState {
    /// Being made, or on its way through "incomplete" while being destroyed.
    Provisioning,
    /// Booting.
    Ready,
    /// Running, as far as the cloud knows.
    Running,
    /// Halting.
    Stopping,
    /// Halted.
    Stopped,
    /// The compute node is unreachable.
    Offline,
    /// Nobody knows.
    Unknown,
    /// Its provisioning failed. Final but for deletion.
    Failed,
    /// Destroyed. Final.
    Deleted,
}

impl MachineState {
    /// The word in machine objects.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Provisioning => "provisioning",
            Self::Ready => "ready",
            Self::Running => "running",
            Self::Stopping => "stopping",
            Self::Stopped => "stopped",
            Self::Offline => "offline",
            Self::Unknown => "unknown",
            Self::Failed => "failed",
            Self::Deleted => "deleted",
        }
    }

    /// Active machines hold their name, count for quota and are seen by affinity rules.
    #[must_use]
    pub const fn is_active(self) -> bool {
        !matches!(self, Self::Failed | Self::Deleted)
    }
}

/// One network interface.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Nic {
    /// Hardware address with colons.
    pub mac: String,
    /// Address on the network.
    pub ip: Ipv4Addr,
    /// Whether the default route goes here.
    pub primary: bool,
    /// The network it is on.
    pub network: NetworkId,
    /// Prefix length of that network.
    pub prefix_length: u8,
    /// Gateway of that network.
    pub gateway: Option<Ipv4Addr>,
    /// False while the machine is being (re)configured for it.
    pub is_running: bool,
}

/// A snapshot of a machine's disks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    /// Its name, unique within the machine.
    pub name: String,
    /// When the job that made it ended.
    pub created: SimTime,
}

/// One machine.
#[derive(Debug, Clone)]
pub struct Machine {
    /// Identity.
    pub id: MachineId,
    /// Owner.
    pub account: AccountId,
    /// Name (alias).
    pub name: String,
    /// Brand of the zone, which decides the type.
    pub brand: String,
    /// State as clients see it.
    pub state: MachineState,
    /// Image it was made from.
    pub image: ImageId,
    /// Package, by id; clients see the name.
    pub package: PackageId,
    /// Memory in MiB.
    pub memory_mib: u64,
    /// Disk in MiB.
    pub disk_mib: u64,
    /// The compute node it was placed on.
    pub server: ServerId,
    /// Interfaces, in the order requested.
    pub nics: Vec<Nic>,
    /// Tags.
    pub tags: BTreeMap<String, Scalar>,
    /// Customer metadata, with the injected keys.
    pub metadata: BTreeMap<String, Scalar>,
    /// Deletion protection.
    pub deletion_protection: bool,
    /// Cloud firewall.
    pub firewall_enabled: bool,
    /// When the record was made. Constant.
    pub created: SimTime,
    /// When the record was last written.
    pub updated: SimTime,
    /// Finished jobs, oldest first.
    pub audit: Vec<AuditRecord>,
    /// Snapshots, oldest first.
    pub snapshots: Vec<Snapshot>,
    /// Until then nobody can see the record, though the machine exists.
    pub(crate) visible_from: SimTime,
    /// Whether the provisioning job has stored package and interfaces.
    pub(crate) is_configured: bool,
    /// The state from before the compute node was lost.
    pub(crate) state_before_loss: Option<MachineState>,
    /// Jobs in order; the first one is running.
    pub(crate) jobs: VecDeque<Job>,
}

impl Machine {
    /// Whether the machine holds its name, counts for quota and is seen by affinity rules.
    #[must_use]
    pub const fn is_active(&self) -> bool {
        self.state.is_active()
    }

    /// Whether a client's request at `now` can see the record at all.
    #[must_use]
    pub fn is_visible(&self, now: SimTime) -> bool {
        self.visible_from <= now
    }

    /// The state of the machine itself, whatever it looks like while its compute node is lost.
    #[must_use]
    pub fn true_state(&self) -> MachineState {
        self.state_before_loss.unwrap_or(self.state)
    }

    /// Interfaces a client can see: none before the provisioning job has stored them.
    #[must_use]
    pub fn shown_nics(&self) -> &[Nic] {
        if self.is_configured { &self.nics } else { &[] }
    }

    /// The address of the primary interface, once stored.
    #[must_use]
    pub fn primary_ip(&self) -> Option<Ipv4Addr> {
        self.shown_nics().iter().find(|nic| nic.primary).map(|nic| nic.ip)
    }

    /// `virtualmachine` for hardware-virtualised brands, else `smartmachine`.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        if matches!(self.brand.as_str(), "kvm" | "bhyve") { "virtualmachine" } else { "smartmachine" }
    }
}
