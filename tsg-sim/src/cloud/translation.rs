//! Core's words for the world's things and back. It never decides anything.

use std::collections::BTreeMap;
use std::net::IpAddr;

use tsg_core::model::fingerprint;
use tsg_core::model::guest::{self, GuestReport, GuestSigns};
use tsg_core::model::id::{self, InstanceId};
use tsg_core::model::instance::{Brand, InstanceState, ObservedInstance, PackageMark, ServicesMark};
use tsg_core::model::labels::LabelPage;
use tsg_core::model::name::operation_of;
use tsg_core::model::nic;
use tsg_core::model::tag::{CNS_SERVICES, Claim, OPERATION, SeenValue, TagValue};
use tsg_core::model::time::Timestamp;
use tsg_core::ports::cloud::{
    Addressing, CreateInstance, FirewallState, Labelling, ListFilter, ListPage, PackageProfile, Tombstones,
};

use crate::world::{
    AccountId, CreateMachine, Fingerprint, ListQuery, Machine, MachineState, NetworkRequest, Nic, Package, Scalar,
    ScalarInput, SimTime, Switch, World,
};

/// A machine as the port shows it.
pub(super) fn observed(world: &World, machine: &Machine) -> ObservedInstance {
    ObservedInstance {
        id: InstanceId::new(machine.id.0),
        state: state(machine.state),
        created_at: timestamp(machine.created),
        named: operation_of(&machine.name),
        claim: Claim::read(|key| machine.tags.get(key).and_then(Scalar::as_text)),
        compute_node: Some(id::ComputeNodeId::new(machine.server.0)),
        image: id::ImageId::new(machine.image.0),
        package: PackageMark::of_name(world.shown_package(machine)),
        brand: brand(&machine.brand),
        guest: guest_report(machine),
        address: machine.primary_ip().map(IpAddr::V4),
        is_protected: machine.deletion_protection,
        is_delisted: is_delisted(machine),
        signs: guest_signs(machine),
        services: ServicesMark::of_tag(machine.tags.get(CNS_SERVICES).and_then(Scalar::as_text).unwrap_or_default()),
    }
}

/// The names and tags of machines, where they are wanted.
pub(super) fn labels(labelling: Labelling, machines: &[&Machine]) -> Option<LabelPage> {
    let mut page = match labelling {
        Labelling::Bare => return None,
        Labelling::Labelled => LabelPage::new(),
    };
    for machine in machines {
        let tags = machine.tags.iter().map(|(key, value)| (key.as_str(), seen_value(value)));
        page.push(InstanceId::new(machine.id.0), &machine.name, tags);
    }
    Some(page)
}

/// The NICs of machines, where they are wanted.
pub(super) fn nics(addressing: Addressing, machines: &[&Machine]) -> Option<Vec<nic::Nic>> {
    let of_one = |machine: &&Machine| {
        let instance = InstanceId::new(machine.id.0);
        let shown = move |nic: &Nic| {
            let (network, address) = (id::NetworkId::new(nic.network.0), IpAddr::V4(nic.ip));
            nic::Nic { instance, network, address }
        };
        machine.shown_nics().iter().map(shown).collect::<Vec<_>>()
    };
    (addressing == Addressing::EveryNetwork).then(|| machines.iter().flat_map(of_one).collect())
}

fn brand(word: &str) -> Brand {
    match word {
        "bhyve" => Brand::Bhyve,
        "kvm" => Brand::Kvm,
        _ => Brand::Zone,
    }
}

fn guest_report(machine: &Machine) -> GuestReport {
    let mut report = GuestReport::default();
    for (key, value) in &machine.metadata {
        report.note(key, seen_value(value));
    }
    report
}

fn guest_signs(machine: &Machine) -> GuestSigns {
    let mut signs = GuestSigns::default();
    for (key, value) in &machine.metadata {
        signs.note(key, seen_value(value));
    }
    signs
}

fn is_delisted(machine: &Machine) -> bool {
    machine.metadata.get(guest::CNS_STATUS).is_some_and(|status| guest::is_delisted(seen_value(status)))
}

fn seen_value(value: &Scalar) -> SeenValue<'_> {
    match value {
        Scalar::Text(text) => SeenValue::Text(text),
        // Beyond 2^53 the next double does: nothing that a guest says needs more.
        Scalar::Integer(number) => SeenValue::Number(*number as f64),
        Scalar::Float(number) => SeenValue::Number(*number),
        Scalar::Bool(value) => SeenValue::Flag(*value),
    }
}

/// A package as the port shows it.
pub(super) fn package_profile(package: &Package) -> PackageProfile {
    PackageProfile {
        id: id::PackageId::new(package.id.0),
        mark: PackageMark::of_name(&package.name),
        memory_mib: package.memory,
        disk_mib: package.disk,
        has_flexible_disk: package.flexible_disk == Some(true),
    }
}

/// The account's id, from the world's directory.
pub(super) fn account_id(account: AccountId) -> id::AccountId {
    id::AccountId::from_directory(account.0)
}

/// A moment of the world as the port writes it.
pub(super) fn timestamp(time: SimTime) -> Timestamp {
    Timestamp::from_millis(i64::try_from(time.as_ms()).unwrap_or(i64::MAX))
}

/// The fingerprint of a request that says nothing but which instance.
pub(super) fn instance_payload(instance: InstanceId) -> Fingerprint {
    Fingerprint(*fingerprint::Fingerprint::of(&instance).as_bytes())
}

/// The fingerprint of a resize.
pub(super) fn resize_payload(instance: InstanceId, package: id::PackageId) -> Fingerprint {
    Fingerprint(*fingerprint::Fingerprint::of(&(instance, package)).as_bytes())
}

/// The position of the firewall's switch.
pub(super) const fn switch(firewall: FirewallState) -> Switch {
    match firewall {
        FirewallState::Enabled => Switch::On,
        FirewallState::Disabled => Switch::Off,
    }
}

/// Metadata as CloudAPI takes them.
pub(super) fn texts(metadata: &BTreeMap<String, String>) -> BTreeMap<String, ScalarInput> {
    metadata.iter().map(|(key, value)| (key.clone(), text(value))).collect()
}

/// Tags as CloudAPI takes them.
pub(super) fn scalars<'a>(tags: impl IntoIterator<Item = (&'a String, &'a TagValue)>) -> BTreeMap<String, ScalarInput> {
    tags.into_iter().map(|(key, value)| (key.clone(), ScalarInput::Scalar(scalar(value)))).collect()
}

/// The list request as CloudAPI takes it.
pub(super) fn list_query(page: &ListPage) -> ListQuery {
    let mut query = ListQuery {
        tombstone: page.tombstones == Tombstones::Shown,
        limit: u64::from(page.limit),
        offset: u64::from(page.offset),
        ..ListQuery::default()
    };
    match &page.filter {
        ListFilter::All => {}
        ListFilter::Operation(operation) => {
            query.tags.insert(OPERATION.to_owned(), Claim::operation_value(*operation));
        }
        ListFilter::NamePrefix(prefix) => query.name_prefix = Some(prefix.clone()),
    }
    query
}

/// The create request as CloudAPI takes it.
pub(super) fn create_machine(request: &CreateInstance) -> CreateMachine {
    let template = &request.template;
    let mut metadata = texts(&template.metadata);
    if !template.userdata.is_empty() {
        metadata.insert("user-data".to_owned(), text(&template.userdata));
    }
    let networks: Vec<NetworkRequest> =
        template.networks.iter().map(|network| NetworkRequest::any_address(network.to_string())).collect();
    CreateMachine {
        name: Some(request.name.clone()),
        image: Some(template.image.to_string()),
        package: Some(template.package.to_string()),
        networks: (!networks.is_empty()).then_some(networks),
        affinity: request.affinity.clone(),
        metadata,
        tags: scalars(template.tags.iter().chain(&request.claim_tags)),
        firewall_enabled: template.firewall_enabled,
        payload: Some(Fingerprint(*request.fingerprint().as_bytes())),
        ..CreateMachine::default()
    }
}

fn text(value: &str) -> ScalarInput {
    ScalarInput::Scalar(Scalar::from(value))
}

fn scalar(value: &TagValue) -> Scalar {
    match value {
        TagValue::Bool(value) => Scalar::Bool(*value),
        TagValue::Number(number) => Scalar::from_f64(*number),
        TagValue::Text(text) => Scalar::from(text.as_str()),
    }
}

const fn state(state: MachineState) -> InstanceState {
    match state {
        MachineState::Provisioning => InstanceState::Provisioning,
        MachineState::Ready => InstanceState::Ready,
        MachineState::Running => InstanceState::Running,
        MachineState::Stopping => InstanceState::Stopping,
        MachineState::Stopped => InstanceState::Stopped,
        MachineState::Offline => InstanceState::Offline,
        MachineState::Unknown => InstanceState::Unknown,
        MachineState::Failed => InstanceState::Failed,
        MachineState::Deleted => InstanceState::Deleted,
    }
}
