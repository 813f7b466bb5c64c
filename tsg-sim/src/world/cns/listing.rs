//! Whether and as what a machine is listed: the owner's switch, the machine's state, tags and metadata.
//! It never looks at compute nodes; whether one is there is decided when a question is answered.

use std::net::Ipv4Addr;

use super::names::dns_label;
use super::services::{self, Service};
use crate::world::account::Account;
use crate::world::ids::{AccountId, ServerId};
use crate::world::machine::{Machine, MachineState};
use crate::world::scalar::Scalar;

/// What the name service says of one machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Listing {
    /// Owner.
    pub(crate) account: AccountId,
    /// The compute node it is on.
    pub(crate) server: ServerId,
    /// Its addresses, on all networks.
    pub(crate) addresses: Vec<Ipv4Addr>,
    /// Its name, as a label.
    pub(crate) alias: Option<String>,
    /// The services that it may be found by.
    pub(crate) services: Vec<Service>,
}

impl Listing {
    /// What is to be said of a machine; `None` when it is to be passed over in silence.
    pub(crate) fn of(machine: &Machine, account: &Account) -> Option<Self> {
        let is_owner_listed = account.cns_enabled && account.approved;
        let is_listed = (is_owner_listed || has_reverse_name(machine)) && !is_disabled(machine) && machine.is_active();
        if !is_listed {
            return None;
        }
        let addresses: Vec<Ipv4Addr> = machine.shown_nics().iter().map(|nic| nic.ip).collect();
        if addresses.is_empty() {
            return None;
        }
        let serves = is_owner_listed && machine.state == MachineState::Running && is_status_up(machine);
        Some(Self {
            account: machine.account,
            server: machine.server,
            addresses,
            alias: dns_label(&machine.name),
            services: if serves { services_of(machine) } else { Vec::new() },
        })
    }
}

fn services_of(machine: &Machine) -> Vec<Service> {
    let tag = machine.tags.get("triton.cns.services").and_then(Scalar::as_text);
    tag.and_then(|tag| services::parse(tag).ok()).unwrap_or_default()
}

/// Anything but `false` disables.
fn is_disabled(machine: &Machine) -> bool {
    machine.tags.get("triton.cns.disable").is_some_and(|value| *value != Scalar::Bool(false))
}

/// Upstream's documentation says that only `down` takes a machine out of its services; its code says anything but `up`.
fn is_status_up(machine: &Machine) -> bool {
    machine.metadata.get("triton.cns.status").is_none_or(|status| status.as_text() == Some("up"))
}

/// A valid name for reverse look-ups lists a machine whatever its owner switched.
fn has_reverse_name(machine: &Machine) -> bool {
    let name = machine.tags.get("triton.cns.reverse_ptr").and_then(Scalar::as_text);
    name.is_some_and(|name| name.split('.').all(is_host_label))
}

fn is_host_label(label: &str) -> bool {
    let is_of_letters = label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    (1..=63).contains(&label.len()) && !label.starts_with('-') && is_of_letters
}
