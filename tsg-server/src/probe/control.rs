//! Control targets as an operator writes them.
//!
//! Owns their written form and their pace. Must never take a name for an address: who would resolve
//! it is what a control target is to tell about.

use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;
use std::sync::Arc;

use thiserror::Error;
use tsg_core::health::check::CheckSpec;
use tsg_core::model::span::Span;

use super::target::{Nic, Permission, TargetPolicy};

/// A target of the operator's that tells the prober's own failures from others'. The target
/// policy does not apply to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Control {
    /// Where it is.
    pub nic: Nic,
    /// How it is looked at.
    pub spec: Arc<CheckSpec>,
}

/// Why a text names no control target.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error(
    "{given:?} is no control target; write one with its literal address, such as \"http://192.0.2.1:80/\" or \
     \"tcp:192.0.2.1:53\""
)]
pub struct InvalidControl {
    /// What was given, shortened.
    pub given: String,
}

/// How often a control target is looked at, and the longest that may take: as quick as the
/// quickest check, so that a failure of the prober's own does not go unnoticed between two looks.
const PACE: Span = Span::from_secs(1);

/// `http://192.0.2.1:80/`, `https://192.0.2.1/ping` or `tcp:192.0.2.1:53`.
///
/// ```
/// use tsg_server::probe::Control;
///
/// let control: Control = "http://192.0.2.1/ping".parse()?;
/// assert_eq!((control.nic.address.to_string(), control.spec.to_string()), ("192.0.2.1".into(), "http:80/ping".into()));
/// assert!("http://example.com/".parse::<Control>().is_err(), "a name would have to be resolved");
/// # Ok::<(), tsg_server::probe::InvalidControl>(())
/// ```
impl FromStr for Control {
    type Err = InvalidControl;

    fn from_str(text: &str) -> Result<Self, InvalidControl> {
        read(text).ok_or_else(|| InvalidControl { given: text.chars().take(64).collect() })
    }
}

fn read(text: &str) -> Option<Control> {
    let (address, short) = if let Some(address) = text.strip_prefix("tcp:") {
        let address: SocketAddr = address.strip_prefix("//").unwrap_or(address).parse().ok()?;
        (address, format!("tcp:{}", address.port()))
    } else if let Some(rest) = text.strip_prefix("http://") {
        web("http", 80, rest)?
    } else {
        web("https", 443, text.strip_prefix("https://")?)?
    };
    let mut spec: CheckSpec = short.parse().ok()?;
    let pacing = &mut spec.pacing;
    (pacing.interval, pacing.unhealthy_interval, pacing.timeout) = (PACE, PACE, PACE);
    let nic = Nic { address: address.ip(), network: None };
    is_anywhere(nic, &spec).then(|| Control { nic, spec: Arc::new(spec) })
}

fn web(scheme: &str, usual_port: u16, rest: &str) -> Option<(SocketAddr, String)> {
    let (host, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let address = host.parse().ok().or_else(|| {
        let bare = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(host);
        let address: IpAddr = bare.parse().ok()?;
        (address.is_ipv4() == (bare == host)).then(|| SocketAddr::new(address, usual_port))
    })?;
    let path = if path.is_empty() { "/" } else { path };
    Some((address, format!("{scheme}:{}{path}", address.port())))
}

/// Whether it is an address that anybody can have.
fn is_anywhere(nic: Nic, spec: &CheckSpec) -> bool {
    spec.kind.endpoint().is_some_and(|endpoint| ANYWHERE.choose(&[nic], endpoint).is_ok())
}

/// What control targets are held to.
pub(super) const ANYWHERE: TargetPolicy =
    TargetPolicy { loopback: Permission::Allowed, private: Permission::Allowed, refused: Vec::new() };

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_is_read_with_its_address_and_port() {
        for (text, address, check) in [
            ("http://192.0.2.1:8080/ping?a=b", "192.0.2.1", "http:8080/ping?a=b"),
            ("http://192.0.2.1", "192.0.2.1", "http:80/"),
            ("https://[2001:db8::1]/", "2001:db8::1", "https:443/"),
            ("http://[2001:db8::1]:81", "2001:db8::1", "http:81/"),
            ("tcp:192.0.2.1:53", "192.0.2.1", "tcp:53"),
            ("tcp://10.0.0.1:53", "10.0.0.1", "tcp:53"),
            ("tcp:127.0.0.1:1", "127.0.0.1", "tcp:1"),
        ] {
            let control: Control = text.parse().unwrap();
            assert_eq!((control.nic.address.to_string().as_str(), control.spec.to_string().as_str()), (address, check));
            assert_eq!(control.spec.pacing.interval, PACE);
        }
    }

    #[test]
    fn a_name_or_half_a_target_is_refused() {
        for text in [
            "",
            "192.0.2.1",
            "tcp:192.0.2.1",
            "tcp:192.0.2.1:0",
            "tcp:192.0.2.1:70000",
            "tcp:localhost:53",
            "http://example.com/",
            "http://user@192.0.2.1/",
            "http://192.0.2.1?a=b",
            "http://192.0.2.1/a b",
            "http://2001:db8::1/",
            "http://[192.0.2.1]/",
            "udp:192.0.2.1:53",
            "HTTP://192.0.2.1/",
            "tcp:0.0.0.0:53",
            "http://169.254.169.254/",
            "tcp:224.0.0.1:53",
        ] {
            let refused = text.parse::<Control>().unwrap_err();
            assert_eq!(refused.given, text);
        }
        assert_eq!("x".repeat(1000).parse::<Control>().unwrap_err().given.len(), 64);
    }
}
