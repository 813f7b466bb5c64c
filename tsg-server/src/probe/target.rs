//! Where a probe may connect to.
//!
//! Owns the choice among an instance's own addresses, and which of them are out of bounds. Must
//! never resolve a name: an address is given, or there is none.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::str::FromStr;

use thiserror::Error;
use tsg_core::health::check::Endpoint;
use tsg_core::health::fact::{Obstruction, Outcome};
use tsg_core::model::id::NetworkId;

/// An address of one of an instance's own NICs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Nic {
    /// The address.
    pub address: IpAddr,
    /// Its network, where that is known.
    pub network: Option<NetworkId>,
}

/// Which addresses may be probed.
///
/// A tenant names no addresses, but chooses those of a fabric: one that is also an address of the
/// operator's own network would be reached there. Whoever probes from inside a data centre lists
/// its networks in `refused`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TargetPolicy {
    /// 127/8 and ::1. Only for a simulated data centre.
    pub loopback: Permission,
    /// RFC 1918 and unique local addresses, which are what fabrics are made of.
    pub private: Permission,
    /// Networks that are out of bounds besides.
    pub refused: Vec<Network>,
}

/// Whether something may be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Permission {
    /// It may.
    Allowed,
    /// It may not.
    Refused,
}

/// An address and how many of its leading bits count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Network {
    /// Any address of it.
    pub address: IpAddr,
    /// The length of its prefix in bits.
    pub prefix: u8,
}

/// Why a text names no network.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{given:?} is no network; write one such as \"10.0.0.0/8\", or a single address")]
pub struct InvalidNetwork {
    /// What was given, shortened.
    pub given: String,
}

/// `10.0.0.0/8`, or a single address.
impl FromStr for Network {
    type Err = InvalidNetwork;

    fn from_str(text: &str) -> Result<Self, InvalidNetwork> {
        Self::read(text).ok_or_else(|| InvalidNetwork { given: text.chars().take(64).collect() })
    }
}

impl Default for TargetPolicy {
    fn default() -> Self {
        Self { loopback: Permission::Refused, private: Permission::Allowed, refused: Vec::new() }
    }
}

impl Network {
    fn read(text: &str) -> Option<Self> {
        let (address, prefix) = text.split_once('/').map_or((text, None), |(address, prefix)| (address, Some(prefix)));
        let address: IpAddr = address.parse().ok()?;
        let width = if address.is_ipv4() { 32 } else { 128 };
        let is_number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        let prefix = match prefix {
            Some(prefix) => prefix.parse().ok().filter(|length| is_number(prefix) && *length <= width)?,
            None => width,
        };
        // One in IPv6 clothes would be counted in bits of another width than its targets.
        (address.to_canonical() == address).then_some(Self { address, prefix })
    }

    fn contains(self, address: IpAddr) -> bool {
        let (ours, theirs, width) = match (self.address.to_canonical(), address) {
            (IpAddr::V4(ours), IpAddr::V4(theirs)) => (u128::from(ours.to_bits()), u128::from(theirs.to_bits()), 32),
            (IpAddr::V6(ours), IpAddr::V6(theirs)) => (ours.to_bits(), theirs.to_bits(), 128),
            _ => return false,
        };
        let ignored = 128_u32.min(width - u32::from(self.prefix).min(width));
        (ours ^ theirs).checked_shr(ignored).unwrap_or(0) == 0
    }
}

impl TargetPolicy {
    /// The one address that `endpoint` of an instance with these NICs means. Otherwise what every
    /// probe of it finds.
    ///
    /// # Errors
    /// It has none there, or none that may be probed.
    pub fn choose(&self, nics: &[Nic], endpoint: Endpoint) -> Result<SocketAddr, Outcome> {
        let is_meant = |nic: &&Nic| endpoint.network.is_none() || nic.network == endpoint.network;
        let nic = nics.iter().find(is_meant).ok_or(Outcome::Unjudged(Obstruction::NoAddress))?;
        // An IPv4 address in IPv6 clothes is judged as what it is.
        let address = nic.address.to_canonical();
        if self.permits(address) {
            Ok(SocketAddr::new(address, endpoint.port.get()))
        } else {
            Err(Outcome::Unjudged(Obstruction::Forbidden))
        }
    }

    fn permits(&self, address: IpAddr) -> bool {
        if self.refused.iter().any(|network| network.contains(address)) {
            return false;
        }
        let (is_loopback, is_private, is_never) = match address {
            IpAddr::V4(v4) => {
                // 0/8 is "this host", 240/4 is nobody's. 169.254/16 has the clouds' metadata services.
                let [first, ..] = v4.octets();
                let is_never = first == 0 || first >= 240 || v4.is_link_local() || v4.is_multicast();
                (v4.is_loopback(), v4.is_private(), is_never)
            }
            IpAddr::V6(v6) => {
                let is_never = v6.is_unspecified() || v6.is_unicast_link_local() || v6.is_multicast() || hides_v4(v6);
                (v6.is_loopback(), v6.is_unique_local(), is_never)
            }
        };
        !is_never
            && (!is_loopback || self.loopback == Permission::Allowed)
            && (!is_private || self.private == Permission::Allowed)
    }
}

/// Addresses that a gateway turns into IPv4 ones (6to4, NAT64, and those of old): what they lead
/// to cannot be judged by the rules for IPv4.
const fn hides_v4(address: Ipv6Addr) -> bool {
    let [first, second, third, fourth, fifth, sixth, seventh, _] = address.segments();
    let is_old_form = first | second | third | fourth | fifth | sixth == 0 && seventh != 0;
    first == 0x2002 || (first == 0x64 && second == 0xff9b) || is_old_form
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU16;

    use tsg_core::model::id::NetworkId;
    use uuid::Uuid;

    use super::*;

    fn endpoint(network: Option<u128>) -> Endpoint {
        let network = network.map(|number| NetworkId::new(Uuid::from_u128(number)));
        Endpoint { port: NonZeroU16::new(8080).unwrap(), network }
    }

    fn nic(address: &str, network: u128) -> Nic {
        Nic { address: address.parse().unwrap(), network: Some(NetworkId::new(Uuid::from_u128(network))) }
    }

    fn judged(policy: &TargetPolicy, address: &str) -> bool {
        policy.choose(&[nic(address, 1)], endpoint(None)).is_ok()
    }

    #[test]
    fn the_network_of_the_check_chooses_the_address_and_the_first_nic_is_the_default() {
        let (policy, nics) = (TargetPolicy::default(), [nic("10.0.0.5", 1), nic("192.0.2.7", 2)]);
        assert_eq!(policy.choose(&nics, endpoint(None)), Ok("10.0.0.5:8080".parse().unwrap()));
        assert_eq!(policy.choose(&nics, endpoint(Some(2))), Ok("192.0.2.7:8080".parse().unwrap()));
        let none = Err(Outcome::Unjudged(Obstruction::NoAddress));
        assert_eq!(policy.choose(&nics, endpoint(Some(3))), none);
        assert_eq!(policy.choose(&[], endpoint(None)), none);
    }

    #[test]
    fn a_network_is_read_with_its_width_or_refused() {
        let read = |text: &str| text.parse::<Network>();
        let network = |address: &str, prefix| Ok(Network { address: address.parse().unwrap(), prefix });
        assert_eq!(read("10.0.0.0/8"), network("10.0.0.0", 8));
        assert_eq!(read("10.0.0.5"), network("10.0.0.5", 32));
        assert_eq!(read("0.0.0.0/0"), network("0.0.0.0", 0));
        assert_eq!(read("fd00::/8"), network("fd00::", 8));
        assert_eq!(read("fd00::1"), network("fd00::1", 128));
        for text in ["", "10.0.0.0/33", "10/8", "10.0.0.0/", "10.0.0.0/+8", "fd00::/129", "::ffff:10.0.0.0/104", "lan"]
        {
            assert_eq!(read(text).unwrap_err().given, text);
        }
    }

    #[test]
    fn what_leads_to_the_prober_itself_or_to_services_of_the_host_is_out_of_bounds() {
        let strict = TargetPolicy::default();
        for address in ["127.0.0.1", "127.255.255.254", "::1", "::ffff:127.0.0.1"] {
            assert!(!judged(&strict, address), "{address}");
            assert!(judged(&TargetPolicy { loopback: Permission::Allowed, ..strict.clone() }, address), "{address}");
        }
        let loose = TargetPolicy { loopback: Permission::Allowed, ..strict.clone() };
        for address in [
            "0.0.0.0",
            "0.1.2.3",
            "169.254.169.254",
            "::ffff:169.254.169.254",
            "224.0.0.1",
            "255.255.255.255",
            "240.0.0.1",
            "::",
            "fe80::1",
            "ff02::1",
            "64:ff9b::a9fe:a9fe",
            "2002:7f00:1::",
            "::127.0.0.1",
        ] {
            assert!(!judged(&loose, address), "{address}");
        }
        assert!(judged(&strict, "192.0.2.7") && judged(&strict, "2001:db8::1"));
    }

    #[test]
    fn private_and_listed_networks_are_as_configured() {
        let (open, closed) =
            (TargetPolicy::default(), TargetPolicy { private: Permission::Refused, ..TargetPolicy::default() });
        for address in ["10.1.2.3", "172.16.0.1", "192.168.4.4", "fd12::3"] {
            assert!(judged(&open, address) && !judged(&closed, address), "{address}");
        }
        let network = |address: &str, prefix| Network { address: address.parse().unwrap(), prefix };
        let refused = vec![network("10.99.99.0", 24), network("2001:db8::", 32), network("192.0.2.1", 32)];
        let policy = TargetPolicy { refused, ..TargetPolicy::default() };
        assert!(
            !judged(&policy, "10.99.99.7") && !judged(&policy, "::ffff:10.99.99.7") && judged(&policy, "10.99.98.7")
        );
        assert!(!judged(&policy, "2001:db8::9") && judged(&policy, "2001:db9::9"));
        assert!(!judged(&policy, "192.0.2.1") && judged(&policy, "192.0.2.0"));
        let everything = TargetPolicy { refused: vec![network("0.0.0.0", 0)], ..TargetPolicy::default() };
        assert!(!judged(&everything, "192.0.2.1") && judged(&everything, "2001:db8::1"));
    }
}
