//! Changes of a machine that stays the same machine: who may be resized, what fails after it was
//! accepted, and what a guest writes.

use tsg_sim::world::{
    Fault, FaultRule, Image, MachineAction, MachineId, MachineState, Package, Refusal, Scalar, Switch, WriteMode,
};

use crate::fixture::{Site, site, text, told};

fn act(site: &mut Site, id: MachineId, action: MachineAction) -> Result<(), Refusal> {
    site.world.act_on_machine(&site.caller.clone(), &id.to_string(), action)
}

fn resize(site: &mut Site, id: MachineId, package: &str) -> Result<(), Refusal> {
    act(site, id, MachineAction::Resize { package: Some(package.to_owned()) })
}

/// A running machine made from `image`, with a package of 2 GiB.
fn running(site: &mut Site, image: &str) -> MachineId {
    let mut request = site.request("vm");
    request.image = Some(site.world.newest_image(image).unwrap().id.to_string());
    request.package = Some("sample-2G".to_owned());
    let id = site.create(request).unwrap();
    site.settle();
    id
}

/// A further package, like the largest one of every world.
fn like(site: &mut Site, name: &str, change: impl FnOnce(&mut Package)) {
    let mut package = site.world.package("sample-8G").unwrap().clone();
    let mut bytes = *package.id.0.as_bytes();
    bytes[0] ^= name.len() as u8;
    package.id.0 = uuid::Uuid::from_bytes(bytes);
    package.name = name.to_owned();
    change(&mut package);
    site.world.put_package(package);
}

#[test]
fn a_bhyve_machine_is_resized_only_while_stopped_and_to_a_flexible_disk() {
    let mut site = site();
    like(&mut site, "flexible", |package| package.flexible_disk = Some(true));
    let id = running(&mut site, "debian-12-bhyve");
    assert_eq!(site.get(id).unwrap().brand, "bhyve");
    let rigid = "409 InvalidArgument resize of bhyve instances needs a package with flexible_disk";
    assert_eq!(told(&resize(&mut site, id, "sample-8G").unwrap_err()), rigid);
    let running = "409 InvalidState bhyve instances can be resized only while they are stopped";
    assert_eq!(told(&resize(&mut site, id, "flexible").unwrap_err()), running);
    act(&mut site, id, MachineAction::Stop).unwrap();
    site.settle();
    resize(&mut site, id, "flexible").unwrap();
    site.settle();
    assert_eq!(site.get(id).unwrap().memory_mib, 8_192);
    let shown = site.world.package("flexible").unwrap();
    assert_eq!(serde_json::to_value(shown).unwrap()["flexible_disk"], true);
}

#[test]
fn a_kvm_machine_is_never_resized() {
    let mut site = site();
    let mut image: Image = site.world.newest_image("debian-12-bhyve").unwrap().clone();
    image.requirements.brand = Some("kvm");
    site.world.put_image(image);
    let id = running(&mut site, "debian-12-bhyve");
    act(&mut site, id, MachineAction::Stop).unwrap();
    site.settle();
    let refused = "409 InvalidArgument resize is not supported for KVM instances";
    assert_eq!(told(&resize(&mut site, id, "sample-8G").unwrap_err()), refused);
}

#[test]
fn a_zone_is_resized_while_it_runs_if_package_image_and_compute_node_allow_it() {
    let mut site = site();
    like(&mut site, "withdrawn", |package| package.active = false);
    like(&mut site, "colossal", |package| package.memory = 1 << 40);
    let id = running(&mut site, "base-64-lts");
    let inactive = told(&resize(&mut site, id, "withdrawn").unwrap_err());
    assert_eq!(inactive, "409 InvalidArgument withdrawn is not a valid package", "not found by name");
    let withdrawn = site.world.packages(&[].into()).len();
    assert_eq!(withdrawn, 6, "nor listed");
    resize(&mut site, id, "colossal").unwrap();
    site.settle();
    assert_eq!((site.get(id).unwrap().memory_mib, site.audit(id)[0].as_str()), (2_048, "resize no"));
    let used = |site: &Site| site.world.servers().map(|server| server.memory_used_mib).sum::<u64>();
    assert_eq!(used(&site), 2_048);
    resize(&mut site, id, "sample-8G").unwrap();
    site.settle();
    assert_eq!((site.get(id).unwrap().state, site.audit(id)[0].as_str()), (MachineState::Running, "resize yes"));
    assert_eq!(used(&site), 8_192);
}

#[test]
fn an_accepted_change_can_fail_afterwards_and_leaves_everything_as_it_was() {
    let mut site = site();
    let id = site.running("web");
    site.world.switch_fault(FaultRule::times(Fault::FailAction, 4)).unwrap();
    act(&mut site, id, MachineAction::Stop).unwrap();
    act(&mut site, id, MachineAction::SetFirewall(Switch::On)).unwrap();
    let caller = site.caller.clone();
    let tags = [("a".to_owned(), text("1"))].into();
    site.world.write_tags(&caller, &id.to_string(), WriteMode::Merge, tags).unwrap();
    let metadata = [("a".to_owned(), text("1"))].into();
    site.world.write_metadata(&caller, &id.to_string(), metadata).unwrap();
    site.settle();
    let machine = site.get(id).unwrap();
    assert_eq!((machine.state, machine.firewall_enabled), (MachineState::Running, false));
    assert!(!machine.tags.contains_key("a") && !machine.metadata.contains_key("a"));
    assert_eq!(site.audit(id)[..4], ["set_metadata no", "set_tags no", "unknown no", "stop no"]);
    act(&mut site, id, MachineAction::Stop).unwrap();
    site.settle();
    assert_eq!(site.get(id).unwrap().state, MachineState::Stopped);
    site.world.switch_fault(Fault::FailAction.into()).unwrap();
    site.world.delete_machine(&caller, &id.to_string()).unwrap();
    site.settle();
    assert_eq!(site.state(id), MachineState::Deleted, "not its destruction");
}

#[test]
fn a_guest_writes_its_metadata_at_once_and_the_feed_tells() {
    let mut site = site();
    let id = site.running("web");
    let cursor = site.world.change_cursor();
    site.world.put_guest_metadatum(id, "tsg.busy", "true");
    assert_eq!(site.get(id).unwrap().metadata["tsg.busy"], Scalar::from("true"));
    assert_eq!(site.audit(id).len(), 1, "no job");
    let (changes, _) = site.world.changes_after(cursor);
    let told: Vec<_> = changes.map(|change| (change.machine, change.subresources)).collect();
    assert_eq!(told, [(id, &["customer_metadata"][..])]);
}
