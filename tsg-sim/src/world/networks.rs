//! Networks and their addresses. All addresses lie in 127/8, so that a responder on this very
//! machine can serve them. It never opens a socket.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::net::Ipv4Addr;

use serde::Serialize;

use super::World;
use super::cns;
use super::ids::{AccountId, MachineId, NetworkId};
use super::listing::Page;
use super::refusal::Refusal;
use super::requests::Switch;

/// Addresses at both ends of a subnet that are never given to machines: network, gateway,
/// resolvers, broadcast.
const RESERVED_HEAD: u32 = 5;
const RESERVED_TAIL: u32 = 1;

/// `ips` answers at most this many at once.
const PAGE_LIMIT: u64 = 1_000;

/// External network: 127.16.0.0/12, a million addresses.
const EXTERNAL: (Ipv4Addr, u8) = (Ipv4Addr::new(127, 16, 0, 0), 12);

/// Internal network: 127.32.0.0/12.
const INTERNAL: (Ipv4Addr, u8) = (Ipv4Addr::new(127, 32, 0, 0), 12);

/// The first account's fabric is 127.128.0.0/16; each further account has the next one.
const FABRIC_FIRST_OCTET: u8 = 128;

/// VLAN of every account's default fabric network.
const FABRIC_VLAN: u16 = 2;

/// Who holds an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Holder {
    /// The network itself: gateway, broadcast.
    Managed,
    /// An account that reserved it.
    Reserved(AccountId),
    /// A machine.
    Machine(AccountId, MachineId),
}

/// A network.
#[derive(Debug, Clone)]
pub(crate) struct Network {
    pub(crate) id: NetworkId,
    pub(crate) name: String,
    pub(crate) description: String,
    pub(crate) is_public: bool,
    /// The account whose fabric this is; `None` is a network of the data centre.
    pub(crate) fabric_of: Option<AccountId>,
    subnet: Ipv4Addr,
    pub(crate) prefix_length: u8,
    cursor: u32,
    holders: BTreeMap<u32, Holder>,
}

/// Where a network leads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// To the internet.
    Public,
    /// To other machines only.
    Internal,
}

/// Who answers on an address.
#[derive(Debug, Clone, Copy)]
pub enum Answering<'a> {
    /// Nobody has it, or whoever has it does not run.
    Nobody,
    /// A machine on a compute node that is down: what is sent there vanishes.
    Lost,
    /// A running machine.
    Machine(&'a super::Machine),
}

/// Why an address cannot be had.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AddressFault {
    /// Another machine or account has it.
    InUse,
    /// It is not in the network's range.
    OutOfRange,
    /// None is left.
    Exhausted,
}

/// A network as CloudAPI prints it. Public ones show no addresses.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NetworkView {
    /// Identity.
    pub id: NetworkId,
    /// Name.
    pub name: String,
    /// Whether it is routed on the internet.
    pub public: bool,
    /// Description.
    pub description: String,
    /// What only networks that are not public show.
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    pub addresses: Option<AddressesView>,
    /// Name-service suffixes; only for accounts with CNS.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub suffixes: Option<Vec<String>>,
}

/// The part of a network that public ones do not show.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AddressesView {
    /// Whether it is a fabric network.
    pub fabric: bool,
    /// VLAN of a fabric network.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vlan_id: Option<u16>,
    /// Subnet with prefix length.
    pub subnet: String,
    /// First address for machines.
    pub provision_start_ip: Ipv4Addr,
    /// Last address for machines.
    pub provision_end_ip: Ipv4Addr,
    /// Gateway.
    pub gateway: Ipv4Addr,
    /// Resolvers.
    pub resolvers: Vec<Ipv4Addr>,
    /// Whether a fabric network reaches the internet.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub internet_nat: Option<bool>,
}

/// An address as CloudAPI prints it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct IpView {
    /// The address.
    pub ip: Ipv4Addr,
    /// Whether automatic allocation passes it over.
    pub reserved: bool,
    /// Whether it belongs to the network itself.
    pub managed: bool,
    /// Its owner.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub owner_uuid: Option<AccountId>,
    /// The machine that has it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub belongs_to_uuid: Option<MachineId>,
}

impl Network {
    fn new(id: NetworkId, name: &str, description: &str, (subnet, prefix_length): (Ipv4Addr, u8)) -> Self {
        let mut network = Self {
            id,
            name: name.to_owned(),
            description: description.to_owned(),
            is_public: false,
            fabric_of: None,
            subnet,
            prefix_length,
            cursor: 0,
            holders: BTreeMap::new(),
        };
        network.cursor = network.first();
        network.holders.insert(u32::from(network.gateway()), Holder::Managed);
        network.holders.insert(u32::from(network.subnet) + network.size() - 1, Holder::Managed);
        network
    }

    fn size(&self) -> u32 {
        1 << (32 - u32::from(self.prefix_length))
    }

    fn first(&self) -> u32 {
        u32::from(self.subnet) + RESERVED_HEAD
    }

    fn last(&self) -> u32 {
        u32::from(self.subnet) + self.size() - 1 - RESERVED_TAIL
    }

    pub(crate) fn gateway(&self) -> Ipv4Addr {
        Ipv4Addr::from(u32::from(self.subnet) + 1)
    }

    /// Takes the next free address, going round so that a freed one is not used again at once.
    pub(crate) fn take_any(&mut self, account: AccountId, machine: MachineId) -> Result<Ipv4Addr, AddressFault> {
        let mut candidate = self.cursor;
        for _ in self.first()..=self.last() {
            let next = if candidate == self.last() { self.first() } else { candidate + 1 };
            if let Entry::Vacant(vacant) = self.holders.entry(candidate) {
                vacant.insert(Holder::Machine(account, machine));
                self.cursor = next;
                return Ok(Ipv4Addr::from(candidate));
            }
            candidate = next;
        }
        Err(AddressFault::Exhausted)
    }

    /// Takes this very address. One the account itself reserved is fine.
    pub(crate) fn take(&mut self, ip: Ipv4Addr, account: AccountId, machine: MachineId) -> Result<(), AddressFault> {
        let key = u32::from(ip);
        if key < u32::from(self.subnet) || key >= u32::from(self.subnet) + self.size() {
            return Err(AddressFault::OutOfRange);
        }
        match self.holders.get(&key) {
            None => {}
            Some(Holder::Reserved(owner)) if *owner == account => {}
            Some(_) => return Err(AddressFault::InUse),
        }
        self.holders.insert(key, Holder::Machine(account, machine));
        Ok(())
    }

    pub(crate) fn release(&mut self, ip: Ipv4Addr) {
        self.holders.remove(&u32::from(ip));
    }

    /// The machine that has an address here.
    fn machine_at(&self, ip: Ipv4Addr) -> Option<MachineId> {
        match self.holders.get(&u32::from(ip)) {
            Some(Holder::Machine(_, machine)) => Some(*machine),
            Some(Holder::Managed | Holder::Reserved(_)) | None => None,
        }
    }

    fn ip_view(ip: u32, holder: Option<Holder>) -> IpView {
        let (owner_uuid, belongs_to_uuid) = match holder {
            Some(Holder::Machine(account, machine)) => (Some(account), Some(machine)),
            Some(Holder::Reserved(account)) => (Some(account), None),
            Some(Holder::Managed) | None => (None, None),
        };
        IpView {
            ip: Ipv4Addr::from(ip),
            reserved: matches!(holder, Some(Holder::Managed | Holder::Reserved(_))),
            managed: matches!(holder, Some(Holder::Managed)),
            owner_uuid,
            belongs_to_uuid,
        }
    }
}

impl World {
    pub(super) fn furnish_networks(&mut self) {
        let mut external =
            Network::new(NetworkId::fresh(&mut self.rng.ids), "external", "Simulated public network", EXTERNAL);
        external.is_public = true;
        let internal =
            Network::new(NetworkId::fresh(&mut self.rng.ids), "internal", "Simulated internal network", INTERNAL);
        self.networks.extend([(external.id, external), (internal.id, internal)]);
    }

    /// Adds a network that every account can use.
    pub fn add_network(&mut self, name: &str, reach: Reach, subnet: Ipv4Addr, prefix_length: u8) -> NetworkId {
        let id = NetworkId::fresh(&mut self.rng.ids);
        let mut network = Network::new(id, name, "Simulated network", (subnet, prefix_length.clamp(8, 30)));
        network.is_public = reach == Reach::Public;
        self.networks.insert(id, network);
        id
    }

    /// Gives an account its fabric network. Accounts beyond the 127th share the last subnet's
    /// number space, which is what separate fabrics do anyway.
    pub(super) fn add_fabric_of(&mut self, account: AccountId) {
        let fabrics = self.networks.values().filter(|network| network.fabric_of.is_some()).count();
        let octet = FABRIC_FIRST_OCTET.saturating_add(u8::try_from(fabrics).unwrap_or(u8::MAX)).min(254);
        let subnet = (Ipv4Addr::new(127, octet, 0, 0), 16);
        let id = NetworkId::fresh(&mut self.rng.ids);
        let mut fabric = Network::new(id, "My-Fabric-Network", "Default fabric network", subnet);
        fabric.fabric_of = Some(account);
        self.networks.insert(id, fabric);
        if let Some(account) = self.accounts.get_mut(&account) {
            account.default_network = Some(id);
        }
    }

    /// `GET /:account/networks`, with the `fabric` filter.
    #[must_use]
    pub fn networks(&self, account: AccountId, filters: &BTreeMap<String, String>) -> Vec<NetworkView> {
        let fabric = filters.get("fabric").map(|asked| asked == "true");
        let usable = self.networks.values().filter(|network| self.can_use_network(account, network.id));
        let asked = usable.filter(|network| fabric.is_none_or(|asked| asked == network.fabric_of.is_some()));
        asked.map(|network| self.network_view(account, network)).collect()
    }

    /// `GET /:account/networks/:id`.
    pub fn network(&self, account: AccountId, id: &str) -> Result<NetworkView, Refusal> {
        self.usable_network(account, id).map(|network| self.network_view(account, network))
    }

    /// `GET /:account/networks/:id/ips`: addresses that are held, in order.
    pub fn network_ips(
        &self,
        account: AccountId,
        id: &str,
        filters: &BTreeMap<String, String>,
    ) -> Result<Page<IpView>, Refusal> {
        let network = self.usable_network(account, id)?;
        let number = |key: &str, default: u64| filters.get(key).map_or(Some(default), |text| text.parse().ok());
        let window = number("limit", PAGE_LIMIT).zip(number("offset", 0));
        let Some((limit, offset)) = window.filter(|(limit, _)| (1..=PAGE_LIMIT).contains(limit)) else {
            return Err(Refusal::validation(
                "Invalid parameters",
                "limit",
                "Invalid",
                "must be a number from 1 to 1000",
            ));
        };
        let skip = usize::try_from(offset).unwrap_or(usize::MAX);
        let take = usize::try_from(limit).unwrap_or(usize::MAX);
        let held = network.holders.iter().skip(skip).take(take);
        Ok(Page { items: held.map(|(ip, holder)| Network::ip_view(*ip, Some(*holder))).collect(), limit })
    }

    /// `GET /:account/networks/:id/ips/:ip`.
    pub fn network_ip(&self, account: AccountId, id: &str, ip: &str) -> Result<IpView, Refusal> {
        let network = self.usable_network(account, id)?;
        let key = address_of(network, ip)?;
        Ok(Network::ip_view(key, network.holders.get(&key).copied()))
    }

    /// `PUT /:account/networks/:id/ips/:ip`.
    pub fn reserve_ip(&mut self, account: AccountId, id: &str, ip: &str, reserved: Switch) -> Result<IpView, Refusal> {
        let network = self.usable_network(account, id)?;
        if network.is_public {
            return Err(Refusal::invalid_argument("cannot reserve IPs on a public network"));
        }
        let (network_id, key) = (network.id, address_of(network, ip)?);
        match network.holders.get(&key) {
            Some(Holder::Managed) => return Err(Refusal::invalid_argument("cannot update a managed IP")),
            Some(Holder::Machine(..)) => return self.network_ip(account, id, ip),
            Some(Holder::Reserved(_)) | None => {}
        }
        if let Some(network) = self.networks.get_mut(&network_id) {
            if reserved.is_on() {
                network.holders.insert(key, Holder::Reserved(account));
            } else {
                network.holders.remove(&key);
            }
        }
        self.network_ip(account, id, ip)
    }

    /// Who answers on an address now.
    #[must_use]
    pub fn answering(&self, ip: Ipv4Addr) -> Answering<'_> {
        let holder = self.networks.values().find_map(|network| network.machine_at(ip));
        let Some(machine) = holder.and_then(|machine| self.machines.get(&machine)) else { return Answering::Nobody };
        let is_up = self.servers.get(&machine.server).is_some_and(|server| server.is_up);
        if !is_up {
            return Answering::Lost;
        }
        let is_serving = machine.true_state() == super::MachineState::Running && machine.is_configured;
        if is_serving { Answering::Machine(machine) } else { Answering::Nobody }
    }

    /// The machine that answers on an address now: running, on a compute node that is up.
    #[must_use]
    pub fn serving_machine(&self, ip: Ipv4Addr) -> Option<&super::Machine> {
        match self.answering(ip) {
            Answering::Machine(machine) => Some(machine),
            Answering::Nobody | Answering::Lost => None,
        }
    }

    pub(super) fn can_use_network(&self, account: AccountId, id: NetworkId) -> bool {
        self.networks.get(&id).is_some_and(|network| network.fabric_of.is_none_or(|owner| owner == account))
    }

    pub(super) fn usable_network(&self, account: AccountId, id: &str) -> Result<&Network, Refusal> {
        let usable = NetworkId::parse(id).filter(|id| self.can_use_network(account, *id));
        usable.and_then(|id| self.networks.get(&id)).ok_or_else(|| Refusal::not_found(format!("{id} not found")))
    }

    fn network_view(&self, account: AccountId, network: &Network) -> NetworkView {
        let cns_account = self.accounts.get(&account).filter(|account| account.cns_enabled);
        NetworkView {
            id: network.id,
            name: network.name.clone(),
            public: network.is_public,
            description: network.description.clone(),
            addresses: (!network.is_public).then(|| addresses_view(network)),
            suffixes: cns_account.map(|account| cns::suffixes(account, &self.spec.datacenter)),
        }
    }
}

fn addresses_view(network: &Network) -> AddressesView {
    let is_fabric = network.fabric_of.is_some();
    AddressesView {
        fabric: is_fabric,
        vlan_id: is_fabric.then_some(FABRIC_VLAN),
        subnet: format!("{}/{}", network.subnet, network.prefix_length),
        provision_start_ip: Ipv4Addr::from(network.first()),
        provision_end_ip: Ipv4Addr::from(network.last()),
        gateway: network.gateway(),
        resolvers: vec![network.gateway()],
        internet_nat: is_fabric.then_some(true),
    }
}

fn address_of(network: &Network, ip: &str) -> Result<u32, Refusal> {
    let key = ip.parse::<Ipv4Addr>().map(u32::from).ok();
    let inside = key.filter(|key| (u32::from(network.subnet)..=network.last() + RESERVED_TAIL).contains(key));
    inside.ok_or_else(|| Refusal::not_found(format!("{ip} not found")))
}
