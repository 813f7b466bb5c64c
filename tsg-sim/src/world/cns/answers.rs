//! Answers of the name service, made of what it has taken notice of at the moment of the question.
//! It keeps nothing: an answer costs about its own size.

use std::net::Ipv4Addr;

use super::listing::Listing;
use super::names::{self, Kind, Place};
use crate::world::World;
use crate::world::account::Account;
use crate::world::ids::{AccountId, MachineId};

/// What is asked for under a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DnsKind {
    /// Addresses.
    A,
    /// Ids of the machines.
    Txt,
    /// Where a service listens.
    Srv,
    /// Name servers of the zone.
    Ns,
    /// The zone's own record.
    Soa,
    /// All of them.
    Any,
    /// Something the name service does not have.
    Other,
}

/// One value under a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DnsValue {
    /// An address.
    A(Ipv4Addr),
    /// A text.
    Txt(String),
    /// Where a service listens.
    Srv {
        /// Lower ones are tried first.
        priority: u16,
        /// Share among those of equal priority.
        weight: u16,
        /// Port.
        port: u16,
        /// Name of the machine.
        target: String,
    },
    /// A name server.
    Ns(String),
    /// The zone's own record.
    Soa(Soa),
}

/// The own record of a zone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Soa {
    /// The zone.
    pub zone: String,
    /// Its name server.
    pub server: String,
    /// Grows with each change: the second in which the last one was seen.
    pub serial: u32,
}

/// What becomes of a question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Resolution {
    /// There are records.
    Found {
        /// The values under the name.
        values: Vec<DnsValue>,
        /// Addresses of the machines that the values name.
        addresses: Vec<(String, Ipv4Addr)>,
    },
    /// The name exists, and has no such records.
    NoSuchKind,
    /// The name does not exist.
    NoSuchName,
    /// The name is not in this data centre's zone.
    NotOurs,
}

impl World {
    /// What the name service says of a name, in any letter case and with or without the final dot.
    #[must_use]
    pub fn resolve(&self, name: &str, kind: DnsKind) -> Resolution {
        let name = name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase();
        let zone = names::zone(&self.spec.datacenter);
        match names::locate(&name, &zone) {
            Place::Outside => Resolution::NotOurs,
            Place::Nowhere => Resolution::NoSuchName,
            Place::Apex => {
                found(kind, vec![DnsValue::Soa(self.zone_record()), DnsValue::Ns(names::server_name(&zone))])
            }
            Place::Server => found(kind, vec![DnsValue::A(Ipv4Addr::LOCALHOST)]),
            Place::Branch { owner, kind: branch } => match self.has_branch(owner, branch) {
                true => Resolution::NoSuchKind,
                false => Resolution::NoSuchName,
            },
            Place::Leaf { owner, kind: Kind::Instance, label } => self.resolve_instance(owner, label, kind),
            Place::Leaf { owner, kind: Kind::Service, label } => self.resolve_service(owner, label, kind),
        }
    }

    /// The own record of the data centre's zone.
    #[must_use]
    pub fn zone_record(&self) -> Soa {
        let zone = names::zone(&self.spec.datacenter);
        let seconds = self.directory.changed_at().as_ms() / 1_000;
        Soa { server: names::server_name(&zone), zone, serial: u32::try_from(seconds).unwrap_or(u32::MAX) }
    }

    /// What the name service has to say of a machine changed, perhaps.
    pub(in crate::world) fn note_listing(&mut self, id: MachineId) {
        let Some(machine) = self.machines.get(&id) else { return };
        let account = self.accounts.get(&machine.account);
        let listing = account.and_then(|account| Listing::of(machine, account));
        self.directory.note(id, listing, self.now);
    }

    /// The same of all machines of an account: its own switches were moved.
    pub(in crate::world) fn note_listings_of(&mut self, account: AccountId) {
        let active: Vec<MachineId> =
            self.index.get(&account).into_iter().flat_map(|index| index.active()).copied().collect();
        active.into_iter().for_each(|id| self.note_listing(id));
    }

    fn resolve_instance(&self, owner: &str, label: &str, kind: DnsKind) -> Resolution {
        let Some(account) = self.owner(owner) else { return Resolution::NoSuchName };
        let by_id = MachineId::parse(label).and_then(|id| self.directory.machine(account.id, id));
        let bearers: Vec<_> = by_id.into_iter().chain(self.directory.by_alias(account.id, label)).collect();
        if bearers.is_empty() {
            return Resolution::NoSuchName;
        }
        let mut values = Vec::new();
        for (id, listing) in bearers {
            add_host(&mut values, kind, id, listing);
        }
        found(kind, values)
    }

    fn resolve_service(&self, owner: &str, label: &str, kind: DnsKind) -> Resolution {
        let Some(account) = self.owner(owner) else { return Resolution::NoSuchName };
        let mut members = self.directory.by_service(account.id, label, self.now).peekable();
        if members.peek().is_none() {
            return Resolution::NoSuchName;
        }
        let (mut values, mut addresses) = (Vec::new(), Vec::new());
        for (id, listing) in members {
            add_host(&mut values, kind, id, listing);
            if wants(kind, DnsKind::Srv)
                && add_ports(&mut values, label, listing, || self.host_name(account, id, listing))
            {
                let name = self.host_name(account, id, listing);
                addresses.extend(listing.addresses.iter().map(|address| (name.clone(), *address)));
            }
        }
        if values.is_empty() {
            return Resolution::NoSuchKind;
        }
        Resolution::Found { values, addresses }
    }

    /// The one name by which other records call a machine.
    fn host_name(&self, account: &Account, id: MachineId, listing: &Listing) -> String {
        let zone = names::zone(&self.spec.datacenter);
        let owner = names::dns_label(&account.login).unwrap_or_else(|| account.id.to_string());
        let host = listing.alias.clone().unwrap_or_else(|| id.to_string());
        names::leaf(&host, Kind::Instance, &owner, &zone)
    }

    fn has_branch(&self, owner: &str, kind: Option<Kind>) -> bool {
        self.owner(owner).is_some_and(|account| match kind {
            None | Some(Kind::Instance) => self.directory.knows(account.id),
            Some(Kind::Service) => self.directory.knows_services(account.id),
        })
    }

    /// The account under this label: its uuid or its login's.
    fn owner(&self, label: &str) -> Option<&Account> {
        let id = AccountId::parse(label).or_else(|| self.directory.account(label))?;
        self.accounts.get(&id)
    }
}

fn add_host(values: &mut Vec<DnsValue>, kind: DnsKind, id: MachineId, listing: &Listing) {
    if wants(kind, DnsKind::A) {
        values.extend(listing.addresses.iter().copied().map(DnsValue::A));
    }
    if wants(kind, DnsKind::Txt) {
        values.push(DnsValue::Txt(id.to_string()));
    }
}

/// Adds the ports of a service; whether there are any.
fn add_ports(values: &mut Vec<DnsValue>, label: &str, listing: &Listing, target: impl Fn() -> String) -> bool {
    let ports = listing.services.iter().filter(|service| service.label == label).flat_map(|service| &service.ports);
    let before = values.len();
    values.extend(ports.map(|port| DnsValue::Srv {
        priority: port.priority,
        weight: port.weight,
        port: port.port,
        target: target(),
    }));
    values.len() > before
}

fn wants(asked: DnsKind, kind: DnsKind) -> bool {
    asked == kind || asked == DnsKind::Any
}

/// Those of the values that are of the kind asked for.
fn found(kind: DnsKind, mut values: Vec<DnsValue>) -> Resolution {
    values.retain(|value| wants(kind, value.kind()));
    match values.is_empty() {
        true => Resolution::NoSuchKind,
        false => Resolution::Found { values, addresses: Vec::new() },
    }
}

impl DnsValue {
    /// The kind of record it stands in.
    #[must_use]
    pub const fn kind(&self) -> DnsKind {
        match self {
            Self::A(_) => DnsKind::A,
            Self::Txt(_) => DnsKind::Txt,
            Self::Srv { .. } => DnsKind::Srv,
            Self::Ns(_) => DnsKind::Ns,
            Self::Soa(_) => DnsKind::Soa,
        }
    }
}
