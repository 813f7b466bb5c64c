//! The requests of clients about machines, as the world takes them: parameters as they were sent,
//! before any check. It never judges them; the world does, in CloudAPI's order.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

use super::ids::AccountId;
use super::refusal::Refusal;
use super::scalar::ScalarInput;

/// Who asks, as the audit shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// The account acted on.
    pub account: AccountId,
    /// Address of the client.
    pub ip: IpAddr,
    /// The `keyId` of the signature.
    pub key_id: Arc<str>,
}

/// `POST /:account/machines`. Texts are as sent: whether `image` is a uuid is for the world to say.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct CreateMachine {
    /// Name, with `{{shortId}}` still in it.
    pub name: Option<String>,
    /// Image uuid.
    pub image: Option<String>,
    /// Package uuid or name.
    pub package: Option<String>,
    /// Brand.
    pub brand: Option<String>,
    /// Networks; `None` when the parameter is absent.
    pub networks: Option<Vec<NetworkRequest>>,
    /// Affinity rules.
    pub affinity: Vec<String>,
    /// The older way to say where.
    pub locality: Option<Locality>,
    /// Metadata without the `metadata.` prefix.
    pub metadata: BTreeMap<String, ScalarInput>,
    /// Tags without the `tag.` prefix.
    pub tags: BTreeMap<String, ScalarInput>,
    /// Cloud firewall.
    pub firewall_enabled: bool,
    /// Deletion protection.
    pub deletion_protection: bool,
    /// Hash of the request's payload, for the truth log.
    pub payload: Option<Fingerprint>,
}

/// One network of a create.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct NetworkRequest {
    /// Uuid as sent.
    pub network: String,
    /// Addresses asked for.
    pub ips: Vec<String>,
    /// How many addresses; only 1 is accepted.
    pub count: Option<u64>,
    /// Whether this shall be the primary interface.
    pub primary: bool,
}

impl NetworkRequest {
    /// Any address on a network.
    #[must_use]
    pub fn any_address(network: impl Into<String>) -> Self {
        Self { network: network.into(), ..Self::default() }
    }
}

/// The `locality` parameter: machines to be near to or far from.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Locality {
    /// Whether the request fails when it cannot be met.
    pub strict: bool,
    /// Uuids of machines to share a server with.
    pub near: Vec<String>,
    /// Uuids of machines not to share a server with.
    pub far: Vec<String>,
}

/// A hash of a request's payload, made by whoever sent or received it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fingerprint(pub [u8; 32]);

/// What `POST /:account/machines/:id` can do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MachineAction {
    /// Halt.
    Stop,
    /// Boot.
    Start,
    /// Halt and boot.
    Reboot,
    /// Change the package.
    Resize {
        /// Uuid or name; absence is refused by the handler.
        package: Option<String>,
    },
    /// Change the name.
    Rename {
        /// New name; absence is refused by the handler.
        name: Option<String>,
    },
    /// Switch the cloud firewall.
    SetFirewall(Switch),
    /// Switch deletion protection.
    SetDeletionProtection(Switch),
}

/// The position of a switch of a machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Switch {
    /// On.
    On,
    /// Off.
    Off,
}

impl Switch {
    /// Whether it is on.
    #[must_use]
    pub const fn is_on(self) -> bool {
        matches!(self, Self::On)
    }
}

impl MachineAction {
    /// Reads the merged query and body parameters of the request.
    pub fn parse(params: &BTreeMap<String, String>) -> Result<Self, Refusal> {
        let Some(action) = params.get("action") else {
            return Err(Refusal::missing_parameter("action is required"));
        };
        let param = |key: &str| params.get(key).cloned();
        Ok(match action.as_str() {
            "stop" => Self::Stop,
            "start" => Self::Start,
            "reboot" => Self::Reboot,
            "resize" => Self::Resize { package: param("package") },
            "rename" => Self::Rename { name: param("name") },
            "enable_firewall" => Self::SetFirewall(Switch::On),
            "disable_firewall" => Self::SetFirewall(Switch::Off),
            "enable_deletion_protection" => Self::SetDeletionProtection(Switch::On),
            "disable_deletion_protection" => Self::SetDeletionProtection(Switch::Off),
            _ => return Err(Refusal::invalid_argument(format!("{action} is not a valid action"))),
        })
    }

    /// The word in refusals such as `Cannot call stop for a VM ...`.
    #[must_use]
    pub const fn verb(&self) -> &'static str {
        match self {
            Self::Stop => "stop",
            Self::Start => "start",
            Self::Reboot => "reboot",
            Self::Resize { .. } => "resize",
            Self::Rename { .. } => "rename",
            Self::SetFirewall(Switch::On) => "enable_firewall",
            Self::SetFirewall(Switch::Off) => "disable_firewall",
            Self::SetDeletionProtection(Switch::On) => "enable_deletion_protection",
            Self::SetDeletionProtection(Switch::Off) => "disable_deletion_protection",
        }
    }
}
