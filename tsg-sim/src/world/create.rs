//! The checks of a create, in CloudAPI's order: the first failure is the answer.
//! It never places anything; what passes here goes to the allocator.

use std::collections::BTreeMap;

use super::World;
use super::account::{Account, Standing};
use super::affinity::AffinityRule;
use super::catalog::{Image, ImageState, Package};
use super::cns;
use super::create_networks::WantedNic;
use super::faults::Fault;
use super::ids::{AccountId, ImageId, MachineId, PackageId, parse_canonical};
use super::refusal::Refusal;
use super::requests::{Caller, CreateMachine, Fingerprint};
use super::scalar::{Scalar, ScalarInput};
use super::servers::Footprint;

/// Longest machine name.
const NAME_LIMIT: usize = 189;

/// Longest machine name of an account with the name service: one DNS label.
const CNS_NAME_LIMIT: usize = 63;

/// Metadata that holds the account's keys for the guest.
pub(crate) const ROOT_KEYS: &str = "root_authorized_keys";

const SHORT_ID: &str = "{{shortId}}";

/// A machine that passed all checks and waits for its server.
#[derive(Debug, Clone)]
pub(crate) struct Order {
    pub(crate) id: MachineId,
    pub(crate) caller: Caller,
    pub(crate) name: String,
    pub(crate) image: ImageId,
    pub(crate) package: PackageId,
    pub(crate) brand: String,
    pub(crate) footprint: Footprint,
    pub(crate) nics: Vec<WantedNic>,
    pub(crate) rules: Vec<AffinityRule>,
    pub(crate) tags: BTreeMap<String, Scalar>,
    pub(crate) metadata: BTreeMap<String, Scalar>,
    pub(crate) deletion_protection: bool,
    pub(crate) firewall_enabled: bool,
    pub(crate) payload: Option<Fingerprint>,
}

/// What an account's active machines take.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Usage {
    pub(crate) machines: u64,
    pub(crate) memory_mib: u64,
    pub(crate) disk_mib: u64,
}

impl World {
    /// Runs all checks of a create.
    pub(super) fn check_create(&mut self, caller: &Caller, request: CreateMachine) -> Result<Order, Refusal> {
        let account_id = caller.account;
        let image = self.usable_image(account_id, request.image.as_deref())?;
        let package = self.usable_package(request.package.as_deref())?;
        let (image_id, package_id) = (image.id, package.id);
        let footprint = Footprint { memory_mib: package.memory, disk_mib: package.disk };
        let account = self.account_or_refuse(account_id)?;
        check_owner(account, self.standing(account_id))?;
        let brand = brand_of(request.brand.as_deref(), image, package)?;
        let has_cns = account.cns_enabled;
        let root_keys: Vec<&str> = account.keys.iter().map(|key| key.key.as_str()).collect();
        let root_keys = root_keys.join("\n");

        let id = MachineId::fresh(&mut self.rng.ids);
        let name = expanded_name(request.name.as_deref(), id);
        check_name_length(&name, has_cns)?;
        let nics = self.wanted_nics(account_id, package_id, request.networks.as_deref())?;
        self.check_quota(account_id, footprint)?;
        let rules = check_affinity(&request)?;
        self.check_name(account_id, &name, "Invalid VM parameters: Invalid machine name")?;
        let tags = check_tags(request.tags, "Invalid VM parameters: Invalid tags")?;
        let metadata = first_metadata(request.metadata, root_keys)?;
        Ok(Order {
            id,
            caller: caller.clone(),
            name,
            image: image_id,
            package: package_id,
            brand,
            footprint,
            nics,
            rules,
            tags,
            metadata,
            deletion_protection: request.deletion_protection,
            firewall_enabled: request.firewall_enabled,
            payload: request.payload,
        })
    }

    fn usable_image(&self, account: AccountId, image: Option<&str>) -> Result<&Image, Refusal> {
        let text = image.ok_or_else(|| Refusal::missing_parameter("image must be specified"))?;
        if parse_canonical(text).is_none() {
            return Err(Refusal::invalid_argument(format!("{text} is not a valid image")));
        }
        let image = self.image(account, text)?;
        if image.state != ImageState::Active {
            return Err(Refusal::invalid_argument(format!("image {text} is not active")));
        }
        Ok(image)
    }

    pub(super) fn usable_package(&self, package: Option<&str>) -> Result<&Package, Refusal> {
        let text = package.ok_or_else(|| Refusal::missing_parameter("package must be specified"))?;
        let is_uuid = parse_canonical(text).is_some();
        let package = self.package(text).map_err(|_| {
            if is_uuid {
                Refusal::not_found(format!("Package {text} does not exist"))
            } else {
                Refusal::invalid_argument(format!("{text} is not a valid package"))
            }
        })?;
        if !package.active {
            return Err(Refusal::invalid_argument(format!("{text} is inactive. Must use an active package")));
        }
        Ok(package)
    }

    /// What an account's active machines take together.
    pub(super) fn usage(&self, account: AccountId) -> Usage {
        let mut usage = Usage::default();
        for machine in self.live_machines(account) {
            usage.machines += 1;
            usage.memory_mib += machine.memory_mib;
            usage.disk_mib += machine.disk_mib;
        }
        usage
    }

    fn check_quota(&mut self, account: AccountId, footprint: Footprint) -> Result<(), Refusal> {
        let exceeded = || Refusal::not_authorized("Quota exceeded; to have your limits raised please contact Support");
        if self.strikes(account, |fault| matches!(fault, Fault::QuotaReached)).is_some() {
            return Err(exceeded());
        }
        let quota = self.account_or_refuse(account)?.quota;
        if quota == super::Quota::default() {
            return Ok(());
        }
        let used = self.usage(account);
        let is_over = |limit: Option<u64>, wanted: u64| limit.is_some_and(|limit| wanted > limit);
        let is_exceeded = is_over(quota.machines, used.machines + 1)
            || is_over(quota.memory_mib, used.memory_mib + footprint.memory_mib)
            || is_over(quota.disk_mib, used.disk_mib + footprint.disk_mib);
        if is_exceeded { Err(exceeded()) } else { Ok(()) }
    }

    /// Refuses a name that is malformed or borne by an active machine of the account.
    pub(super) fn check_name(&self, account: AccountId, name: &str, message: &str) -> Result<(), Refusal> {
        if !is_name(name) {
            return Err(Refusal::validation(message, "alias", "Invalid", "String does not match regexp"));
        }
        if self.is_name_taken(account, name) {
            return Err(duplicate_name(message));
        }
        Ok(())
    }
}

/// 409: an active machine of the account bears the name.
pub(crate) fn duplicate_name(message: &str) -> Refusal {
    Refusal::validation(message, "alias", "Duplicate", "Already exists for this owner_uuid")
}

/// Refuses a name that is too long to be a DNS label of an account with the name service.
pub(crate) fn check_name_length(name: &str, has_cns: bool) -> Result<(), Refusal> {
    if has_cns && name.len() > CNS_NAME_LIMIT {
        return Err(Refusal::invalid_argument(
            "Name cannot be longer than 63 characters, because you have triton_cns_enabled set on your Account.",
        ));
    }
    Ok(())
}

/// Refuses values that are no scalars and special tags that do not exist.
pub(crate) fn check_tags(
    tags: BTreeMap<String, ScalarInput>,
    message: &str,
) -> Result<BTreeMap<String, Scalar>, Refusal> {
    let mut checked = BTreeMap::new();
    for (key, value) in tags {
        let ScalarInput::Scalar(value) = value else {
            return Err(Refusal::validation(message, "tags", "Invalid", "Must be a string, number or boolean"));
        };
        checked.insert(key, value);
    }
    match cns::tag_fault(&checked) {
        Some(fault) => Err(Refusal::validation(message, "tags", "Invalid", fault)),
        None => Ok(checked),
    }
}

fn check_owner(account: &Account, standing: Standing) -> Result<(), Refusal> {
    if account.keys.is_empty() {
        return Err(Refusal::new(409, "KeyRequired", "At least one SSH key is required to provision"));
    }
    if standing != Standing::Approved {
        return Err(Refusal::invalid_argument("User is not currently approved for provisioning"));
    }
    Ok(())
}

fn brand_of(asked: Option<&str>, image: &Image, package: &Package) -> Result<String, Refusal> {
    if let Some(unknown) = asked.filter(|brand| !matches!(*brand, "kvm" | "bhyve")) {
        return Err(Refusal::invalid_argument(format!("Unknown brand {unknown}")));
    }
    let by_image = image.requirements.brand.or(match image.kind {
        "zone-dataset" => Some("joyent"),
        "lx-dataset" => Some("lx"),
        _ => None,
    });
    let wanted = asked.or(by_image).or(package.brand).unwrap_or("kvm");
    if let Some(required) = package.brand.filter(|required| *required != wanted) {
        return Err(Refusal::invalid_argument(format!(
            "Package requires brand \"{required}\", but brand \"{wanted}\" was selected"
        )));
    }
    if let Some(required) = by_image.filter(|required| *required != wanted) {
        return Err(Refusal::invalid_argument(format!(
            "Image requires brand \"{required}\", but brand \"{wanted}\" was selected"
        )));
    }
    check_image_memory(image, package)?;
    Ok(wanted.to_owned())
}

/// Refuses a package outside the image's memory range.
pub(crate) fn check_image_memory(image: &Image, package: &Package) -> Result<(), Refusal> {
    let memory = package.memory;
    let min = image.requirements.min_ram.filter(|min| memory < *min);
    let max = image.requirements.max_ram.filter(|max| memory > *max);
    match min.or(max) {
        Some(bound) => Err(Refusal::invalid_argument(format!(
            "Specified package memory {memory} does not fit the image's limit of {bound}"
        ))),
        None => Ok(()),
    }
}

fn check_affinity(request: &CreateMachine) -> Result<Vec<AffinityRule>, Refusal> {
    let rules: Vec<AffinityRule> =
        request.affinity.iter().map(|rule| AffinityRule::parse(rule)).collect::<Result<_, _>>()?;
    match &request.locality {
        Some(_) if !rules.is_empty() => {
            Err(Refusal::invalid_argument("Cannot specify both \"affinity\" and \"locality\""))
        }
        Some(locality) => Ok(AffinityRule::of_locality(locality)),
        None => Ok(rules),
    }
}

fn expanded_name(name: Option<&str>, id: MachineId) -> String {
    let id = id.to_string();
    let short_id = id.get(..8).unwrap_or(&id);
    name.filter(|name| !name.is_empty()).map_or_else(|| short_id.to_owned(), |name| name.replace(SHORT_ID, short_id))
}

fn is_name(name: &str) -> bool {
    let starts_well = name.as_bytes().first().is_some_and(u8::is_ascii_alphanumeric);
    let is_legal = |byte: u8| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte);
    starts_well && name.len() <= NAME_LIMIT && name.bytes().all(is_legal)
}

/// Metadata of a new machine: the client's without passwords, plus the account's keys.
fn first_metadata(
    metadata: BTreeMap<String, ScalarInput>,
    root_keys: String,
) -> Result<BTreeMap<String, Scalar>, Refusal> {
    let mut checked = BTreeMap::new();
    for (key, value) in metadata.into_iter().filter(|(key, _)| !key.ends_with("_pw")) {
        let ScalarInput::Scalar(value) = value else {
            let message = "Invalid VM parameters: Invalid customer_metadata";
            return Err(Refusal::validation(message, "customer_metadata", "Invalid", "Must be a string"));
        };
        checked.insert(key, value);
    }
    checked.insert(ROOT_KEYS.to_owned(), root_keys.into());
    Ok(checked)
}
