//! A service that the name service answers with an instance for.
//!
//! Owns the grammar of an entry of Triton CNS's tag `triton.cns.services`. Must never say whether
//! an instance is listed.

use alloc::borrow::ToOwned as _;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;
use core::str::FromStr;

use serde::{Deserialize, Serialize};

use super::invalid::{InvalidHealth, shortened};

/// Services of one group at most.
pub const SERVICES_MAX: usize = 16;
/// Longest name of a service: that of a label of DNS.
const NAME_MAX: usize = 63;

/// A service: its name and, where it has one, its port, with `priority` and `weight` for SRV
/// records.
///
/// ```
/// use tsg_core::health::service::Service;
///
/// let web: Service = "web:8080:weight=20".parse()?;
/// assert_eq!(Service::tag_of(&[web, "api".parse()?]), "web:8080:weight=20,api");
/// let fault = "web:70000".parse::<Service>().unwrap_err().to_string();
/// assert!(fault.contains("\"web:8080\""), "{fault}");
/// # Ok::<(), tsg_core::health::invalid::InvalidHealth>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Service(String);

impl Service {
    /// The value of the tag that names these; empty for none.
    pub fn tag_of(services: &[Self]) -> String {
        let texts: Vec<&str> = services.iter().map(|service| service.0.as_str()).collect();
        texts.join(",")
    }
}

fn is_property(text: &str) -> bool {
    let (key, value) = text.split_once('=').unwrap_or(("port", text));
    let is_number = value.bytes().all(|byte| byte.is_ascii_digit());
    let number = value.parse::<u16>().ok().filter(|_| is_number);
    match key {
        "port" => number.is_some_and(|port| port > 0),
        "priority" | "weight" => number.is_some(),
        _ => false,
    }
}

impl FromStr for Service {
    type Err = InvalidHealth;

    fn from_str(text: &str) -> Result<Self, InvalidHealth> {
        let mut parts = text.split(':');
        let name = parts.next().unwrap_or_default();
        let is_label = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        if is_label && (1..=NAME_MAX).contains(&name.len()) && text.len() <= 4 * NAME_MAX && parts.all(is_property) {
            Ok(Self(text.to_owned()))
        } else {
            Err(InvalidHealth::Service { given: shortened(text) })
        }
    }
}

impl TryFrom<String> for Service {
    type Error = InvalidHealth;

    fn try_from(text: String) -> Result<Self, InvalidHealth> {
        text.parse()
    }
}

impl From<Service> for String {
    fn from(service: Service) -> Self {
        service.0
    }
}

impl fmt::Display for Service {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn services_are_what_the_name_service_takes() {
        for good in ["web", "Web-2", "web:80", "web:port=80", "web:80:priority=1:weight=65535", "0", &"x".repeat(63)] {
            assert_eq!(good.parse::<Service>().map(|service| service.0).as_deref(), Ok(good));
        }
        for bad in [
            "",
            " ",
            "a b",
            "a,b",
            "web:0",
            "web:70000",
            "web:+80",
            "web:",
            "web:port=0",
            "web:ttl=3",
            "web:weight=-1",
            "w\u{e4}b",
            "a_b",
            "web.api",
            &"x".repeat(64),
        ] {
            assert!(bad.parse::<Service>().is_err(), "{bad:?}");
        }
    }
}
