//! The machine object as clients receive it, field for field.
//! It never decides what a client may see; visibility is settled before a view is made.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use serde::Serialize;

use super::ids::{ImageId, MachineId, NetworkId, ServerId};
use super::machine::{Machine, Nic};
use super::scalar::Scalar;
use super::{World, cns};

/// A machine as CloudAPI prints it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct MachineView {
    /// Identity.
    pub id: MachineId,
    /// Name.
    pub name: String,
    /// `smartmachine` or `virtualmachine`.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// Brand.
    pub brand: String,
    /// State.
    pub state: &'static str,
    /// Image.
    pub image: ImageId,
    /// Addresses.
    pub ips: Vec<Ipv4Addr>,
    /// MiB.
    pub memory: u64,
    /// MiB.
    pub disk: u64,
    /// Deletion protection.
    pub deletion_protection: bool,
    /// Metadata.
    pub metadata: BTreeMap<String, Scalar>,
    /// Tags.
    pub tags: BTreeMap<String, Scalar>,
    /// Creation time.
    pub created: String,
    /// Time of the last write.
    pub updated: String,
    /// Networks of the interfaces.
    pub networks: Vec<NetworkId>,
    /// Interfaces; absent before they are stored.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub nics: Vec<NicView>,
    /// Address of the primary interface.
    #[serde(rename = "primaryIp", skip_serializing_if = "Option::is_none")]
    pub primary_ip: Option<Ipv4Addr>,
    /// Cloud firewall.
    pub firewall_enabled: bool,
    /// Compute node.
    pub compute_node: ServerId,
    /// Name of the package; empty before it is stored.
    pub package: String,
    /// CNS names; only in a single GET of an account with CNS.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dns_names: Option<Vec<String>>,
}

/// An interface as CloudAPI prints it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NicView {
    /// Hardware address with colons.
    pub mac: String,
    /// Address.
    pub ip: Ipv4Addr,
    /// Whether it is the primary one.
    pub primary: bool,
    /// Netmask in dotted form.
    pub netmask: Ipv4Addr,
    /// Gateway, if the network has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gateway: Option<Ipv4Addr>,
    /// Network.
    pub network: NetworkId,
    /// `running` or `provisioning`; only the nics routes show it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<&'static str>,
}

/// How much of a machine is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Detail {
    /// In lists, create answers and change frames.
    Listed,
    /// In a GET of one machine: with `dns_names`.
    Single,
}

impl World {
    /// The object clients receive for `machine`.
    #[must_use]
    pub fn view(&self, machine: &Machine, detail: Detail) -> MachineView {
        let nics: Vec<NicView> = machine.shown_nics().iter().map(NicView::of).collect();
        MachineView {
            id: machine.id,
            name: machine.name.clone(),
            kind: machine.kind(),
            brand: machine.brand.clone(),
            state: machine.state.as_str(),
            image: machine.image,
            ips: nics.iter().map(|nic| nic.ip).collect(),
            memory: machine.memory_mib,
            disk: machine.disk_mib,
            deletion_protection: machine.deletion_protection,
            metadata: machine.metadata.clone(),
            tags: machine.tags.clone(),
            created: machine.created.iso_millis(),
            updated: machine.updated.iso_millis(),
            networks: nics.iter().map(|nic| nic.network).collect(),
            primary_ip: machine.primary_ip(),
            nics,
            firewall_enabled: machine.firewall_enabled,
            compute_node: machine.server,
            package: self.shown_package(machine).to_owned(),
            dns_names: self.dns_names(machine, detail),
        }
    }

    /// The name of the machine's package; empty before the provisioning job has stored it.
    #[must_use]
    pub fn shown_package(&self, machine: &Machine) -> &str {
        let package = self.packages.get(&machine.package).filter(|_| machine.is_configured);
        package.map_or("", |package| &package.name)
    }

    fn dns_names(&self, machine: &Machine, detail: Detail) -> Option<Vec<String>> {
        let account = self.accounts.get(&machine.account)?;
        let is_shown = detail == Detail::Single && account.cns_enabled && machine.is_active();
        is_shown.then(|| cns::dns_names(machine, account, &self.spec.datacenter))
    }
}

impl NicView {
    /// The object inside a machine.
    #[must_use]
    pub fn of(nic: &Nic) -> Self {
        Self {
            mac: nic.mac.clone(),
            ip: nic.ip,
            primary: nic.primary,
            netmask: netmask(nic.prefix_length),
            gateway: nic.gateway,
            network: nic.network,
            state: None,
        }
    }

    /// The object of the nics routes, which also tells the state.
    #[must_use]
    pub fn with_state(nic: &Nic) -> Self {
        Self { state: Some(if nic.is_running { "running" } else { "provisioning" }), ..Self::of(nic) }
    }
}

/// The dotted mask of a prefix length.
fn netmask(prefix_length: u8) -> Ipv4Addr {
    let host_bits = 32 - u32::from(prefix_length.min(32));
    Ipv4Addr::from(u32::MAX.checked_shl(host_bits).unwrap_or(0))
}
