//! The NICs of a machine in a list page. Owns which of them say where the machine is reached; must
//! never refuse a page for what one of them lacks.

use std::{borrow::Cow, net::IpAddr};

use uuid::Uuid;

use super::{
    scan::{ScanError, Scanner},
    tags::TagKeeper,
};

/// A NIC that has an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FoundNic {
    /// The network it is on.
    pub network: Uuid,
    /// Its address.
    pub address: IpAddr,
}

/// Keeps NICs beside the tags that another one keeps.
#[derive(Default)]
pub(super) struct WithNics<K> {
    pub(super) rest: K,
    pub(super) nics: Vec<FoundNic>,
}

impl<'a, K: TagKeeper<'a>> TagKeeper<'a> for WithNics<K> {
    fn keep(&mut self, scanner: &mut Scanner<'a>, key: Cow<'a, str>) -> Result<(), ScanError> {
        self.rest.keep(scanner, key)
    }

    fn note(&mut self, key: Cow<'a, str>, text: Cow<'a, str>) -> Cow<'a, str> {
        self.rest.note(key, text)
    }

    fn keep_nics(&mut self, scanner: &mut Scanner<'a>) -> Result<(), ScanError> {
        if scanner.peek() != b'[' {
            return scanner.skip();
        }
        scanner.list(|scanner| {
            self.nics.extend(scan_nic(scanner)?);
            Ok(())
        })
    }
}

/// One that has no address yet, or no network, says nothing.
fn scan_nic(scanner: &mut Scanner<'_>) -> Result<Option<FoundNic>, ScanError> {
    if scanner.peek() != b'{' {
        scanner.skip()?;
        return Ok(None);
    }
    let (mut network, mut address) = (None, None);
    scanner.object(|scanner, key| {
        match &*key.decode() {
            "network" => network = read(scanner, |text| Uuid::try_parse(text).ok())?,
            "ip" => address = read(scanner, |text| text.parse().ok())?,
            _ => scanner.skip()?,
        }
        Ok(())
    })?;
    Ok(network.zip(address).map(|(network, address)| FoundNic { network, address }))
}

fn read<T>(scanner: &mut Scanner<'_>, parse: impl FnOnce(&str) -> Option<T>) -> Result<Option<T>, ScanError> {
    if scanner.peek() == b'"' {
        Ok(parse(&scanner.string()?.decode()))
    } else {
        scanner.skip()?;
        Ok(None)
    }
}
