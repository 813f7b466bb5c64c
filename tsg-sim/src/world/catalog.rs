//! Images and packages: what every world starts with, and the requests that read them.
//! It never imports or publishes anything.

use std::collections::BTreeMap;

use serde::Serialize;

use super::World;
use super::ids::{AccountId, ImageId, NetworkId, PackageId, parse_canonical};
use super::refusal::Refusal;

/// Whether an image can be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ImageState {
    /// Usable.
    Active,
    /// Withdrawn: readable, not usable.
    Disabled,
    /// Not yet usable.
    Unactivated,
}

/// An image. Serialises as CloudAPI prints it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Image {
    /// Identity.
    pub id: ImageId,
    /// Name, shared by all versions.
    pub name: String,
    /// Version.
    pub version: String,
    /// Operating system.
    pub os: &'static str,
    /// What a package must offer.
    pub requirements: Requirements,
    /// `zone-dataset`, `lx-dataset`, `zvol`, ...
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// Description.
    pub description: String,
    /// The file behind it.
    pub files: Vec<ImageFile>,
    /// Tags of the publisher.
    pub tags: BTreeMap<String, String>,
    /// Publication time, without milliseconds.
    pub published_at: String,
    /// Publisher.
    pub owner: AccountId,
    /// Whether everybody may use it; otherwise only the owner.
    pub public: bool,
    /// Whether it can be used.
    pub state: ImageState,
}

/// What an image demands of a package.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Requirements {
    /// Least memory, in MiB.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min_ram: Option<u64>,
    /// Most memory, in MiB.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_ram: Option<u64>,
    /// The only brand it runs as.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub brand: Option<&'static str>,
}

/// The file behind an image.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ImageFile {
    /// Compression.
    pub compression: &'static str,
    /// Checksum.
    pub sha1: String,
    /// Bytes.
    pub size: u64,
}

/// A package. Serialises as CloudAPI prints it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Package {
    /// Identity.
    pub id: PackageId,
    /// Name, shared by all versions.
    pub name: String,
    /// Version.
    pub version: String,
    /// MiB.
    pub memory: u64,
    /// MiB.
    pub disk: u64,
    /// MiB.
    pub swap: u64,
    /// Most light-weight processes.
    pub lwps: u64,
    /// Virtual CPUs; 0 for zones.
    pub vcpus: u32,
    /// Always false; a relic.
    pub default: bool,
    /// Description.
    pub description: String,
    /// Group of packages it is sold in.
    pub group: String,
    /// The only brand it may be used with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub brand: Option<&'static str>,
    /// Whether bhyve machines divide its disk as they like; only then they can be resized to it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub flexible_disk: Option<bool>,
    /// Whether it can be used; others are readable by id only.
    #[serde(skip)]
    pub active: bool,
    /// Networks of its machines when the client names none.
    #[serde(skip)]
    pub networks: Vec<NetworkId>,
}

/// What tells the images of a fresh world apart.
struct Edition {
    name: &'static str,
    version: &'static str,
    os: &'static str,
    kind: &'static str,
    brand: Option<&'static str>,
    min_ram: u64,
}

/// The images every world has, oldest first.
const IMAGES: [Edition; 4] = [
    zone("22.4.0"),
    zone("23.4.0"),
    Edition {
        name: "debian-12",
        version: "20240612",
        os: "linux",
        kind: "lx-dataset",
        brand: Some("lx"),
        min_ram: 256,
    },
    Edition {
        name: "debian-12-bhyve",
        version: "20240612",
        os: "linux",
        kind: "zvol",
        brand: Some("bhyve"),
        min_ram: 1_024,
    },
];

const fn zone(version: &'static str) -> Edition {
    Edition { name: "base-64-lts", version, os: "smartos", kind: "zone-dataset", brand: None, min_ram: 64 }
}

/// Name and memory (MiB) of the packages every world has.
const PACKAGES: [(&str, u64); 5] =
    [("sample-128M", 128), ("sample-512M", 512), ("sample-1G", 1_024), ("sample-2G", 2_048), ("sample-8G", 8_192)];

/// Disk of a sample package for each MiB of memory, in MiB: 25 GiB for 1 GiB, as upstream's samples.
const DISK_PER_MEMORY: u64 = 25;

/// One day, in milliseconds.
const DAY_MS: u64 = 86_400_000;

impl World {
    pub(super) fn furnish_catalog(&mut self) {
        let publisher = AccountId::fresh(&mut self.rng.ids);
        for (age, edition) in IMAGES.iter().enumerate() {
            let days = 400_u64.saturating_sub(100 * u64::try_from(age).unwrap_or(0));
            let image = self.image_of(edition, publisher, days);
            self.images.insert(image.id, image);
        }
        for (name, memory) in PACKAGES {
            self.add_sample_package(name, memory);
        }
    }

    fn image_of(&mut self, edition: &Edition, owner: AccountId, days_old: u64) -> Image {
        let published = super::SimTime::from_ms(self.spec.start.as_ms().saturating_sub(days_old * DAY_MS));
        let requirements = Requirements { min_ram: Some(edition.min_ram), max_ram: None, brand: edition.brand };
        Image {
            id: ImageId::fresh(&mut self.rng.ids),
            name: edition.name.to_owned(),
            version: edition.version.to_owned(),
            os: edition.os,
            requirements,
            kind: edition.kind,
            description: format!("Simulated {} image", edition.name),
            files: vec![ImageFile { compression: "gzip", sha1: "0".repeat(40), size: 110_742_036 }],
            tags: BTreeMap::new(),
            published_at: published.iso_seconds(),
            owner,
            public: true,
            state: ImageState::Active,
        }
    }

    fn add_sample_package(&mut self, name: &str, memory: u64) {
        let package = Package {
            id: PackageId::fresh(&mut self.rng.ids),
            name: name.to_owned(),
            version: "1.0.0".to_owned(),
            memory,
            disk: memory * DISK_PER_MEMORY,
            swap: memory * 4,
            lwps: 4_000,
            vcpus: 1,
            default: false,
            description: format!("Simulated package with {memory} MiB of memory"),
            group: "sample".to_owned(),
            brand: None,
            flexible_disk: None,
            active: true,
            networks: Vec::new(),
        };
        self.packages.insert(package.id, package);
    }

    /// Adds or replaces an image.
    pub fn put_image(&mut self, image: Image) {
        self.images.insert(image.id, image);
    }

    /// Adds or replaces a package.
    pub fn put_package(&mut self, package: Package) {
        self.packages.insert(package.id, package);
    }

    /// The newest active public image of a name.
    #[must_use]
    pub fn newest_image(&self, name: &str) -> Option<&Image> {
        let usable = self.images.values().filter(|image| image.public && image.state == ImageState::Active);
        usable.filter(|image| image.name == name).max_by(|a, b| a.published_at.cmp(&b.published_at))
    }

    /// `GET /:account/images`, with its filters.
    #[must_use]
    pub fn images(&self, account: AccountId, filters: &BTreeMap<String, String>) -> Vec<&Image> {
        let images = self.images.values().filter(|image| image.public || image.owner == account);
        images.filter(|image| image.passes(filters)).collect()
    }

    /// `GET /:account/images/:uuid`. Only by uuid.
    pub fn image(&self, account: AccountId, id: &str) -> Result<&Image, Refusal> {
        let image = ImageId::parse(id).and_then(|id| self.images.get(&id));
        let usable = image.filter(|image| image.public || image.owner == account);
        usable.ok_or_else(|| Refusal::not_found(format!("{id} not found")))
    }

    /// `GET /:account/packages`, with its filters. Only active ones.
    #[must_use]
    pub fn packages(&self, filters: &BTreeMap<String, String>) -> Vec<&Package> {
        self.packages.values().filter(|package| package.active && package.passes(filters)).collect()
    }

    /// `GET /:account/packages/:id`, by uuid, or by name: the highest version among active ones.
    pub fn package(&self, id_or_name: &str) -> Result<&Package, Refusal> {
        let found = match parse_canonical(id_or_name) {
            Some(uuid) => self.packages.get(&PackageId(uuid)),
            None => self.newest_package(id_or_name),
        };
        found.ok_or_else(|| Refusal::not_found(format!("{id_or_name} not found")))
    }

    fn newest_package(&self, name: &str) -> Option<&Package> {
        let named = self.packages.values().filter(|package| package.active && package.name == name);
        named.max_by_key(|package| semver::Version::parse(&package.version).ok())
    }
}

impl Image {
    fn passes(&self, filters: &BTreeMap<String, String>) -> bool {
        let state = filters.get("state").map_or("active", String::as_str);
        let own_state = match self.state {
            ImageState::Active => "active",
            ImageState::Disabled => "disabled",
            ImageState::Unactivated => "unactivated",
        };
        let public = self.public.to_string();
        let owner = self.owner.to_string();
        let facts = [
            ("name", self.name.as_str()),
            ("version", &self.version),
            ("os", self.os),
            ("type", self.kind),
            ("public", &public),
            ("owner", &owner),
        ];
        (state == "all" || state == own_state) && all_equal(filters, &facts)
    }
}

impl Package {
    fn passes(&self, filters: &BTreeMap<String, String>) -> bool {
        let numbers = [
            ("memory", self.memory),
            ("disk", self.disk),
            ("swap", self.swap),
            ("lwps", self.lwps),
            ("vcpus", u64::from(self.vcpus)),
        ];
        let texts = [("name", self.name.as_str()), ("version", &self.version), ("group", &self.group)];
        let brand = filters.get("brand");
        all_equal(filters, &texts)
            && numbers.iter().all(|(key, number)| filters.get(*key).is_none_or(|asked| *asked == number.to_string()))
            && brand.is_none_or(|asked| self.brand == Some(asked.as_str()))
    }
}

fn all_equal(filters: &BTreeMap<String, String>, facts: &[(&str, &str)]) -> bool {
    facts.iter().all(|(key, fact)| filters.get(*key).is_none_or(|asked| asked == fact))
}
