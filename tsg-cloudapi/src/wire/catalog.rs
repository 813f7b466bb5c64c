//! What machines are made from: images, packages, networks.

use serde::Deserialize;
use uuid::Uuid;

use super::or_default;

/// An image.
#[derive(Clone, Debug, Deserialize)]
pub struct Image {
    /// Its uuid.
    pub id: Uuid,
    /// Its name; several versions share one.
    #[serde(default, deserialize_with = "or_default")]
    pub name: String,
    /// Its version.
    #[serde(default, deserialize_with = "or_default")]
    pub version: String,
    /// `smartos`, `linux`, …
    #[serde(default, deserialize_with = "or_default")]
    pub os: String,
    /// `zone-dataset`, `lx-dataset`, `zvol`, …
    #[serde(default, rename = "type", deserialize_with = "or_default")]
    pub kind: String,
    /// `active` when it can be used.
    #[serde(default, deserialize_with = "or_default")]
    pub state: String,
    /// RFC 3339 without fractions; the newest of a name is found by it.
    #[serde(default, deserialize_with = "or_default")]
    pub published_at: String,
}

/// A package: the size of a machine.
#[derive(Clone, Debug, Deserialize)]
pub struct Package {
    /// Its uuid.
    pub id: Uuid,
    /// Its name.
    #[serde(default, deserialize_with = "or_default")]
    pub name: String,
    /// Its version.
    #[serde(default, deserialize_with = "or_default")]
    pub version: String,
    /// Memory in MiB.
    #[serde(default, deserialize_with = "or_default")]
    pub memory: u64,
    /// Disk in MiB.
    #[serde(default, deserialize_with = "or_default")]
    pub disk: u64,
    /// Virtual CPUs, 0 for zones.
    #[serde(default, deserialize_with = "or_default")]
    pub vcpus: u64,
    /// The brand it demands, if any.
    #[serde(default, deserialize_with = "or_default")]
    pub brand: String,
    /// Whether bhyve machines of it divide its disk as they like.
    #[serde(default, deserialize_with = "or_default")]
    pub flexible_disk: bool,
}

/// A network or a pool of networks.
#[derive(Clone, Debug, Deserialize)]
pub struct Network {
    /// Its uuid.
    pub id: Uuid,
    /// Its name.
    #[serde(default, deserialize_with = "or_default")]
    pub name: String,
    /// Whether it reaches the Internet.
    #[serde(default, deserialize_with = "or_default")]
    pub public: bool,
    /// Whether it is the account's own fabric.
    #[serde(default, deserialize_with = "or_default")]
    pub fabric: bool,
}
