//! What a prober elsewhere and the server say to one another.
//!
//! Owns the wire forms, and the limits that both sides keep. Must never carry an account: which one
//! it is, the signature says.

use std::collections::BTreeMap;
use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use thiserror::Error;
use tsg_core::health::check::{CheckSpec, Endpoint};
use tsg_core::health::fact::Outcome;
use tsg_core::model::fingerprint::Fingerprint;
use tsg_core::model::id::{InstanceId, NetworkId};
use uuid::Uuid;

use crate::probe::Nic;

/// Most facts of one push.
pub const FACTS_MAX: usize = 400;
/// What is older when it arrives is not taken.
pub const FACT_AGE_MAX: Duration = Duration::from_secs(60);
/// Time between two pushes, at least: each is remembered for a while, lest it is repeated.
pub const PUSH_GAP: Duration = Duration::from_secs(1);
/// A prober with nothing to tell says so after this time.
pub const PUSH_LATEST: Duration = Duration::from_secs(5);
/// One that was not heard of for so long has no vote.
pub const SILENT_AFTER: Duration = Duration::from_secs(30);

/// What a prober is called within its account: 1 to 32 of a-z, 0-9 and "-".
///
/// ```
/// use tsg_server::remote::ProberName;
///
/// assert_eq!("fabric-1".parse::<ProberName>()?.to_string(), "fabric-1");
/// assert!("server".parse::<ProberName>().is_err(), "that is the server's own");
/// # Ok::<(), tsg_server::remote::InvalidProberName>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ProberName(String);

/// Why a text names no prober.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error(
    "{given:?} cannot be a prober's name; use 1 to 32 of a-z, 0-9 and \"-\", and not \"server\", which is the \
     server's own"
)]
pub struct InvalidProberName {
    /// What was given, shortened.
    pub given: String,
}

impl ProberName {
    /// The prober in the server itself.
    pub(crate) const OWN: &str = "server";

    /// As it stands in a path.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for ProberName {
    type Err = InvalidProberName;

    fn from_str(text: &str) -> Result<Self, InvalidProberName> {
        let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        let is_name = (1..=32).contains(&text.len()) && text.bytes().all(is_plain) && text != Self::OWN;
        if is_name {
            Ok(Self(text.to_owned()))
        } else {
            Err(InvalidProberName { given: text.chars().take(64).collect() })
        }
    }
}

impl TryFrom<String> for ProberName {
    type Error = InvalidProberName;

    fn try_from(text: String) -> Result<Self, InvalidProberName> {
        text.parse()
    }
}

impl From<ProberName> for String {
    fn from(name: ProberName) -> Self {
        name.0
    }
}

impl fmt::Display for ProberName {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

/// What a check asks, in short: what was found counts for that check alone, whatever stands in its
/// place meanwhile.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct CheckTag(String);

impl CheckTag {
    /// That of a check.
    pub fn of(spec: &CheckSpec) -> Self {
        Self(Fingerprint::of(spec).to_string().chars().take(16).collect())
    }
}

/// Everything that a prober of an account may ask.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Targets {
    /// By group.
    pub groups: Vec<GroupTargets>,
}

/// The instances of one group, and what each is asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupTargets {
    /// What is asked.
    pub checks: Vec<PlacedCheck>,
    /// Who is asked.
    pub instances: Vec<TargetInstance>,
}

/// A check and its place among those of its group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlacedCheck {
    /// Its place.
    pub place: u16,
    /// What it asks, in short.
    pub tag: CheckTag,
    /// What it asks.
    pub spec: CheckSpec,
}

/// An instance that is asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TargetInstance {
    /// Which one.
    pub instance: InstanceId,
    /// Its own addresses.
    #[serde(flatten)]
    pub addresses: Addresses,
}

/// The addresses of an instance's own NICs, as far as they are known.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Addresses {
    /// The primary one.
    #[serde(rename = "address")]
    pub primary: Option<IpAddr>,
    /// That in each network; `None` while nothing is known of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub networks: Option<BTreeMap<NetworkId, IpAddr>>,
}

impl Addresses {
    /// Where a check is to ask: at one of these, and nowhere if there is none. `None` as long as
    /// nobody knows.
    ///
    /// ```
    /// use tsg_core::health::check::CheckSpec;
    /// use tsg_server::remote::Addresses;
    ///
    /// let check: CheckSpec = "http:8080/ping".parse()?;
    /// let endpoint = check.kind.endpoint().ok_or("it connects")?;
    /// let known = Addresses { primary: Some([10, 0, 0, 7].into()), networks: None };
    /// assert_eq!(known.of(endpoint).map(|nics| nics.len()), Some(1));
    /// assert_eq!(Addresses::default().of(endpoint), None);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn of(&self, endpoint: Endpoint) -> Option<Vec<Nic>> {
        let Some(network) = endpoint.network else {
            return self.primary.map(|address| vec![Nic { address, network: None }]);
        };
        let address = self.networks.as_ref()?.get(&network);
        Some(address.map(|address| Nic { address: *address, network: Some(network) }).into_iter().collect())
    }

    /// Whether any is known.
    pub fn is_known(&self) -> bool {
        self.primary.is_some() || self.networks.is_some()
    }
}

/// Whether a prober can be believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// A control target of it answers, or it has none.
    Able,
    /// No control target of it answers: it has nothing to say of others.
    Unable,
    /// It was not heard of for too long.
    Silent,
}

/// What a prober tells.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Push {
    /// Drawn when the prober began: another one of the same name is another run.
    pub run: Uuid,
    /// Whether it reaches its control targets.
    pub is_able: bool,
    /// How many checks it makes.
    pub targets: u32,
    /// What it found, oldest first, at most [`FACTS_MAX`].
    pub facts: Vec<PushedFact>,
}

/// What one probe found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PushedFact {
    /// Counts up through a run, so that a push that is repeated tells nothing twice.
    pub number: u64,
    /// The instance.
    pub instance: InstanceId,
    /// The place of the check among those of its group.
    pub check: u16,
    /// What it asked.
    pub tag: CheckTag,
    /// How long ago the probe began: clocks may differ.
    pub age_ms: u64,
    /// How long it took.
    pub took_ms: u64,
    /// What it found.
    pub outcome: Outcome,
}

/// What became of a push.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pushed {
    /// Facts that were taken.
    pub taken: u32,
    /// Facts that were not.
    pub ignored: Ignored,
    /// The ETag of the targets as they are now.
    pub targets: String,
}

/// Facts that were not taken, by why.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Ignored {
    /// Of an instance that this account does not have, or that is not asked any more.
    pub unknown: u32,
    /// Of a check that is another one now.
    pub outdated: u32,
    /// Too old.
    pub old: u32,
    /// Told before.
    pub repeated: u32,
    /// Of a prober that reaches no control target.
    pub unable: u32,
}

impl Ignored {
    /// All of them.
    pub const fn total(self) -> u32 {
        self.unknown + self.outdated + self.old + self.repeated + self.unable
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_short_and_plain_and_not_the_servers_own() {
        for good in ["a", "fabric-1", "0", &"x".repeat(32)] {
            assert_eq!(good.parse::<ProberName>().unwrap().as_str(), good);
        }
        for bad in ["", "A", "a b", "a/b", "ü", "..", "server", &"x".repeat(33)] {
            assert!(bad.parse::<ProberName>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_full_push_fits_into_a_request() {
        let fact = PushedFact {
            number: u64::MAX >> 12,
            instance: InstanceId::new(Uuid::nil()),
            check: 7,
            tag: CheckTag::of(&"http:8080/ping".parse().unwrap()),
            age_ms: 59_999,
            took_ms: 59_999,
            outcome: serde_json::from_str(r#"{"failed": {"timed_out": "handshake"}}"#).unwrap(),
        };
        let push = Push { run: Uuid::nil(), is_able: true, targets: u32::MAX, facts: vec![fact; FACTS_MAX] };
        let bytes = serde_json::to_vec(&push).unwrap().len();
        assert!(bytes < crate::config::LimitSettings::default().body_max, "{bytes}");
    }
}
