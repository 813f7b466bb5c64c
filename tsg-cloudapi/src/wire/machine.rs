//! The machine object, in full.

use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use tsg_core::model::instance::Brand;
use uuid::Uuid;

use super::{or_default, tag_value::Labels};

/// The state CloudAPI shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MachineState {
    /// Being made; also shown for a moment during a delete.
    Provisioning,
    /// Between stopped and running.
    Ready,
    /// Running.
    Running,
    /// Between running and stopped.
    Stopping,
    /// Stopped.
    Stopped,
    /// The cloud lost contact with the server.
    Offline,
    /// Provisioning failed.
    Failed,
    /// Destroyed.
    Deleted,
    /// A state of a newer CloudAPI, or none at all.
    #[default]
    Unknown,
}

impl MachineState {
    /// The wire text.
    #[must_use]
    pub fn as_wire(self) -> &'static str {
        STATES.iter().find(|(_, state)| *state == self).map_or("unknown", |(text, _)| text)
    }

    /// Reads the wire text; what is not known is [`MachineState::Unknown`].
    #[must_use]
    pub fn from_wire(text: &str) -> Self {
        STATES.iter().find(|(known, _)| *known == text).map_or(Self::Unknown, |(_, state)| *state)
    }
}

const STATES: [(&str, MachineState); 8] = [
    ("running", MachineState::Running),
    ("provisioning", MachineState::Provisioning),
    ("ready", MachineState::Ready),
    ("stopping", MachineState::Stopping),
    ("stopped", MachineState::Stopped),
    ("offline", MachineState::Offline),
    ("failed", MachineState::Failed),
    ("deleted", MachineState::Deleted),
];

impl Serialize for MachineState {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(self.as_wire())
    }
}

impl<'de> Deserialize<'de> for MachineState {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(from)?;
        Ok(Self::from_wire(&text))
    }
}

/// Reads the wire text of a brand. A new brand is unknown until this version is taught what can
/// be done to it.
pub(crate) fn brand_from_wire(text: &str) -> Brand {
    match text {
        "joyent" | "joyent-minimal" | "lx" => Brand::Zone,
        "bhyve" => Brand::Bhyve,
        "kvm" => Brand::Kvm,
        _ => Brand::Unknown,
    }
}

/// One network interface.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Nic {
    /// Its hardware address.
    #[serde(default, deserialize_with = "or_default")]
    pub mac: String,
    /// Its address.
    #[serde(default, deserialize_with = "or_default")]
    pub ip: String,
    /// Whether it carries the default route.
    #[serde(default, deserialize_with = "or_default")]
    pub primary: bool,
    /// The network it is on.
    pub network: Option<Uuid>,
}

/// One machine as CloudAPI shows it.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub struct Machine {
    /// Its uuid: the one field without which a record means nothing.
    pub id: Uuid,
    /// Its name.
    #[serde(default, deserialize_with = "or_default")]
    pub name: String,
    /// `smartmachine` (a zone) or `virtualmachine`.
    #[serde(default, rename = "type", deserialize_with = "or_default")]
    pub kind: String,
    /// Its state.
    #[serde(default, deserialize_with = "or_default")]
    pub state: MachineState,
    /// `joyent`, `lx`, `kvm`, `bhyve`, …
    #[serde(default, deserialize_with = "or_default")]
    pub brand: String,
    /// Its image.
    pub image: Option<Uuid>,
    /// The NAME of its package; empty in some answers.
    #[serde(default, deserialize_with = "or_default")]
    pub package: String,
    /// Memory in MiB.
    pub memory: Option<u64>,
    /// Disk in MiB.
    pub disk: Option<u64>,
    /// All addresses.
    #[serde(default, deserialize_with = "or_default")]
    pub ips: Vec<String>,
    /// The address for its owner to use.
    #[serde(rename = "primaryIp", skip_serializing_if = "Option::is_none")]
    pub primary_ip: Option<String>,
    /// All networks.
    #[serde(default, deserialize_with = "or_default")]
    pub networks: Vec<Uuid>,
    /// All interfaces; absent before they exist.
    #[serde(default, deserialize_with = "or_default")]
    pub nics: Vec<Nic>,
    /// Tags.
    #[serde(default, deserialize_with = "or_default")]
    pub tags: Labels,
    /// Metadata.
    #[serde(default, deserialize_with = "or_default")]
    pub metadata: Labels,
    /// When its record was made.
    pub created: Option<Timestamp>,
    /// When its record last changed.
    pub updated: Option<Timestamp>,
    /// The server it was placed on.
    pub compute_node: Option<Uuid>,
    /// Whether the Cloud Firewall is on.
    #[serde(default, deserialize_with = "or_default")]
    pub firewall_enabled: bool,
    /// Whether deletion is refused.
    #[serde(default, deserialize_with = "or_default")]
    pub deletion_protection: bool,
    /// Whether it is a Docker container; those refuse most actions.
    #[serde(default, deserialize_with = "or_default")]
    pub docker: bool,
    /// Names in CNS; only in single answers.
    #[serde(default, deserialize_with = "or_default")]
    pub dns_names: Vec<String>,
}
