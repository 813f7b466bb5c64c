//! The `networks` parameter: which interfaces a machine shall have, and taking their addresses.
//! It never shows an interface; that is for the provisioning job to do.

use std::net::Ipv4Addr;

use super::World;
use super::ids::{AccountId, MachineId, NetworkId, PackageId, parse_canonical};
use super::machine::Nic;
use super::networks::AddressFault;
use super::refusal::Refusal;
use super::requests::NetworkRequest;

/// An interface that a machine shall have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct WantedNic {
    pub(crate) network: NetworkId,
    pub(crate) ip: Option<Ipv4Addr>,
    pub(crate) primary: bool,
}

impl World {
    /// Checks the `networks` parameter; without it, takes the package's networks or the defaults.
    pub(super) fn wanted_nics(
        &self,
        account: AccountId,
        package: PackageId,
        networks: Option<&[NetworkRequest]>,
    ) -> Result<Vec<WantedNic>, Refusal> {
        let Some(requests) = networks.filter(|requests| !requests.is_empty()) else {
            return Ok(self.default_nics(package));
        };
        let mut wanted: Vec<WantedNic> = Vec::new();
        for request in requests {
            let nic = self.wanted_nic(account, request)?;
            if !wanted.iter().any(|other| other.network == nic.network && other.ip == nic.ip) {
                wanted.push(nic);
            }
        }
        let is_public = |nic: &&WantedNic| self.networks.get(&nic.network).is_some_and(|network| network.is_public);
        if wanted.iter().filter(is_public).count() > 1 {
            return Err(Refusal::invalid_argument("Can specify at most one public network"));
        }
        if wanted.iter().filter(|nic| nic.primary).count() > 1 {
            return Err(Refusal::invalid_argument("Can specify at most one primary network"));
        }
        self.settle_primary(&mut wanted);
        Ok(wanted)
    }

    /// Checks one network of the parameter.
    pub(super) fn wanted_nic(&self, account: AccountId, request: &NetworkRequest) -> Result<WantedNic, Refusal> {
        let invalid = |detail: &str| Refusal::new(409, "InvalidNetworks", format!("Invalid Networks: {detail}"));
        if parse_canonical(&request.network).is_none() {
            return Err(Refusal::crashed("netUuid (uuid) is required"));
        }
        let network = self.usable_network(account, &request.network);
        let network = network.map_err(|_| Refusal::invalid_argument("Invalid Networks"))?;
        if request.ips.len() > 1 || request.count.is_some_and(|count| count != 1) {
            return Err(invalid("only one IP per network is supported"));
        }
        let ip = match request.ips.first().map(|ip| ip.parse::<Ipv4Addr>()) {
            None => None,
            Some(Ok(ip)) => Some(ip),
            Some(Err(_)) => return Err(invalid("ipv4_ips must be IPv4 addresses")),
        };
        Ok(WantedNic { network: network.id, ip, primary: request.primary })
    }

    /// The package's networks, else the first external and the first internal one.
    fn default_nics(&self, package: PackageId) -> Vec<WantedNic> {
        let by_package = self.packages.get(&package).map(|package| package.networks.clone()).unwrap_or_default();
        let first = |is_public: bool| {
            let shared = self.networks.values().filter(|network| network.fabric_of.is_none());
            shared.filter(|network| network.is_public == is_public).min_by_key(|network| network.id)
        };
        let ids = if by_package.is_empty() {
            [first(true), first(false)].into_iter().flatten().map(|network| network.id).collect()
        } else {
            by_package
        };
        let mut nics: Vec<WantedNic> =
            ids.into_iter().map(|network| WantedNic { network, ip: None, primary: false }).collect();
        self.settle_primary(&mut nics);
        nics
    }

    /// Without a wish the public interface is primary, else the first one.
    fn settle_primary(&self, nics: &mut [WantedNic]) {
        if nics.iter().any(|nic| nic.primary) {
            return;
        }
        let public = nics.iter().position(|nic| self.networks.get(&nic.network).is_some_and(|n| n.is_public));
        if let Some(nic) = nics.get_mut(public.unwrap_or(0)) {
            nic.primary = true;
        }
    }

    /// Takes the addresses of all interfaces, or none of them.
    pub(super) fn take_addresses(
        &mut self,
        account: AccountId,
        machine: MachineId,
        wanted: &[WantedNic],
    ) -> Result<Vec<Nic>, Refusal> {
        let mut nics = Vec::with_capacity(wanted.len());
        for wish in wanted {
            match self.take_address(account, machine, wish) {
                Ok(nic) => nics.push(nic),
                Err(refusal) => {
                    self.release_addresses(&nics);
                    return Err(refusal);
                }
            }
        }
        Ok(nics)
    }

    fn take_address(&mut self, account: AccountId, machine: MachineId, wish: &WantedNic) -> Result<Nic, Refusal> {
        let mac = self.fresh_mac();
        let network = self.networks.get_mut(&wish.network);
        let network = network.ok_or_else(|| Refusal::invalid_argument("Invalid Networks"))?;
        let taken = match wish.ip {
            Some(ip) => network.take(ip, account, machine).map(|()| ip),
            None => network.take_any(account, machine),
        };
        let ip = taken.map_err(|fault| match fault {
            AddressFault::InUse => Refusal::invalid_parameters("ip", "UsedBy", "IP in use"),
            AddressFault::OutOfRange => Refusal::invalid_parameters("ip", "Invalid", "IP is not in the subnet"),
            AddressFault::Exhausted => Refusal::invalid_parameters("network_uuid", "SubnetFull", "Subnet is full"),
        })?;
        Ok(Nic {
            mac,
            ip,
            primary: wish.primary,
            network: wish.network,
            prefix_length: network.prefix_length,
            gateway: Some(network.gateway()),
            is_running: true,
        })
    }

    /// Gives addresses back to their networks.
    pub(super) fn release_addresses(&mut self, nics: &[Nic]) {
        for nic in nics {
            if let Some(network) = self.networks.get_mut(&nic.network) {
                network.release(nic.ip);
            }
        }
    }

    /// `90:b8:d0` is the prefix of machines' interfaces in the real thing.
    fn fresh_mac(&mut self) -> String {
        let [.., a, b, c] = self.rng.ids.next_u64().to_be_bytes();
        format!("90:b8:d0:{a:02x}:{b:02x}:{c:02x}")
    }
}
