//! Where instances are reached in each of their networks.
//!
//! Owns the addresses of NICs as one list showed them. Must never hold one that the cloud did not
//! show as the instance's own.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use core::net::IpAddr;

use super::id::{InstanceId, NetworkId};

/// The address of an instance in one of its networks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Nic {
    /// Whose it is.
    pub instance: InstanceId,
    /// In which network; never a pool of them.
    pub network: NetworkId,
    /// The address.
    pub address: IpAddr,
}

/// The NICs of many instances.
///
/// ```
/// use tsg_core::model::id::{InstanceId, NetworkId};
/// use tsg_core::model::nic::{Nic, Nics};
/// use uuid::Uuid;
///
/// let [web, db] = [1, 2].map(|number| InstanceId::new(Uuid::from_u128(number)));
/// let network = NetworkId::new(Uuid::from_u128(9));
/// let nics = Nics::of(vec![Nic { instance: web, network, address: [10, 0, 0, 7].into() }]);
/// let addresses = nics.of_instance(web).ok_or("it was shown with one")?;
/// assert_eq!(addresses.get(&network), Some(&[10, 0, 0, 7].into()));
/// assert_eq!(nics.of_instance(db), None, "nothing is known of it");
/// # Ok::<(), &str>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Nics(Vec<Nic>);

impl Nics {
    /// Those of a list, in any order. An instance has one at most in each network; of several the
    /// first counts.
    pub fn of(mut nics: Vec<Nic>) -> Self {
        nics.sort_by_key(|nic| (nic.instance, nic.network));
        nics.dedup_by_key(|nic| (nic.instance, nic.network));
        Self(nics)
    }

    /// The addresses of an instance by network; `None` where no NIC of it was shown, so that
    /// nothing is known of them.
    pub fn of_instance(&self, instance: InstanceId) -> Option<BTreeMap<NetworkId, IpAddr>> {
        let first = self.0.partition_point(|nic| nic.instance < instance);
        let own = self.0.iter().skip(first).take_while(|nic| nic.instance == instance);
        let addresses: BTreeMap<NetworkId, IpAddr> = own.map(|nic| (nic.network, nic.address)).collect();
        (!addresses.is_empty()).then_some(addresses)
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec;

    use uuid::Uuid;

    use super::*;

    #[test]
    fn each_instance_has_its_own_addresses_and_the_first_of_a_network_counts() {
        let (instance, network) = (|n| InstanceId::new(Uuid::from_u128(n)), |n| NetworkId::new(Uuid::from_u128(n)));
        let nic =
            |of, on, last: u8| Nic { instance: instance(of), network: network(on), address: [10, 0, 0, last].into() };
        let nics = Nics::of(vec![nic(3, 1, 31), nic(1, 2, 12), nic(1, 1, 11), nic(1, 2, 99), nic(2, 1, 21)]);
        let of = |number| nics.of_instance(instance(number));
        assert_eq!(
            of(1),
            Some(BTreeMap::from([(network(1), [10, 0, 0, 11].into()), (network(2), [10, 0, 0, 12].into())]))
        );
        assert_eq!(of(2), Some(BTreeMap::from([(network(1), [10, 0, 0, 21].into())])));
        assert_eq!(of(4), None);
    }
}
