//! The networks parameter, addresses and interfaces.

use std::net::Ipv4Addr;

use tsg_sim::world::{AddedNic, MachineState, NetworkRequest, Reach, Switch};

use crate::fixture::{Site, params, site, told};

fn id_of(site: &Site, name: &str) -> String {
    let networks = site.world.networks(site.demo, &params(&[]));
    networks.iter().find(|network| network.name == name).unwrap().id.to_string()
}

#[test]
fn public_networks_hide_their_addresses_and_fabrics_are_their_owners() {
    let site = site();
    let networks = site.world.networks(site.demo, &params(&[]));
    assert_eq!(networks.len(), 3);
    let external = networks.iter().find(|network| network.public).unwrap();
    assert!(external.addresses.is_none());
    let fabrics = site.world.networks(site.demo, &params(&[("fabric", "true")]));
    assert_eq!(fabrics.len(), 1);
    let addresses = fabrics[0].addresses.as_ref().unwrap();
    assert_eq!((addresses.fabric, addresses.vlan_id), (true, Some(2)));
    let fabric = fabrics[0].id.to_string();
    assert_eq!(
        told(&site.world.network(site.other, &fabric).unwrap_err()),
        format!("404 ResourceNotFound {fabric} not found")
    );
}

#[test]
fn one_public_network_at_most_and_duplicates_are_merged() {
    let mut site = site();
    let (external, fabric) = (id_of(&site, "external"), id_of(&site, "My-Fabric-Network"));
    let mut request = site.request("merged");
    let any = |network: &str| NetworkRequest::any_address(network);
    request.networks = Some(vec![any(&fabric), any(&fabric), any(&external)]);
    let id = site.create(request).unwrap();
    site.settle();
    let nics = site.get(id).unwrap().shown_nics().to_vec();
    assert_eq!(nics.len(), 2);
    assert!(nics[1].primary && !nics[0].primary, "the public one is primary");
    let second = site.world.add_network("external2", Reach::Public, Ipv4Addr::new(127, 48, 0, 0), 16).to_string();
    let mut request = site.request("twice-public");
    request.networks = Some(vec![any(&external), any(&second)]);
    let refusal = site.create(request).unwrap_err();
    assert_eq!(told(&refusal), "409 InvalidArgument Can specify at most one public network");
    let mut request = site.request("broken");
    request.networks = Some(vec![any("not-a-uuid")]);
    let refusal = site.create(request).unwrap_err();
    assert_eq!(told(&refusal), "500 - netUuid (uuid) is required", "an upstream defect");
}

#[test]
fn an_address_can_be_asked_for_once() {
    let mut site = site();
    let fabric = id_of(&site, "My-Fabric-Network");
    let wish = |ip: &str| {
        Some(vec![NetworkRequest { network: fabric.clone(), ips: vec![ip.to_owned()], ..NetworkRequest::default() }])
    };
    let mut request = site.request("first");
    request.networks = wish("127.128.0.77");
    let first = site.create(request).unwrap();
    site.settle();
    assert_eq!(site.get(first).unwrap().primary_ip(), Some(Ipv4Addr::new(127, 128, 0, 77)));
    let mut request = site.request("second");
    request.networks = wish("127.128.0.77");
    let refusal = site.create(request).unwrap_err();
    assert_eq!((refusal.status, refusal.code), (422, Some("InvalidParameters")));
    assert_eq!((refusal.errors[0].field.as_str(), refusal.errors[0].code), ("ip", "UsedBy"));
    site.settle();
    let failed = site.world.live_machines(site.demo).filter(|machine| machine.name == "second").count();
    assert_eq!(failed, 0, "the record left behind soon shows failed");
    site.world.delete_machine(&site.caller.clone(), &first.to_string()).unwrap();
    site.settle();
    let mut request = site.request("third");
    request.networks = wish("127.128.0.77");
    assert!(site.create(request).is_ok(), "free again");
}

#[test]
fn a_full_subnet_refuses_and_gives_nothing_away() {
    let mut site = site();
    let tiny = site.world.add_network("tiny", Reach::Internal, Ipv4Addr::new(127, 48, 0, 0), 28).to_string();
    let external = id_of(&site, "external");
    let mut answers = Vec::new();
    for n in 0..11 {
        let mut request = site.request(&format!("m{n}"));
        request.networks = Some(vec![NetworkRequest::any_address(&external), NetworkRequest::any_address(&tiny)]);
        answers.push(site.create(request).map_err(|refusal| refusal.errors[0].code));
    }
    assert!(answers[..10].iter().all(Result::is_ok));
    assert_eq!(answers[10], Err("SubnetFull"));
    let held = site.world.network_ips(site.demo, &external, &params(&[])).unwrap().items;
    assert_eq!(held.iter().filter(|ip| ip.belongs_to_uuid.is_some()).count(), 10);
}

#[test]
fn addresses_are_listed_and_reserved() {
    let mut site = site();
    let fabric = id_of(&site, "My-Fabric-Network");
    let managed = site.world.network_ips(site.demo, &fabric, &params(&[])).unwrap().items;
    assert!(managed.iter().all(|ip| ip.managed) && managed.len() == 2);
    let view = site.world.reserve_ip(site.demo, &fabric, "127.128.0.9", Switch::On).unwrap();
    assert!(view.reserved && !view.managed);
    let gateway = site.world.reserve_ip(site.demo, &fabric, "127.128.0.1", Switch::On).unwrap_err();
    assert_eq!(gateway.status, 409);
    let external = id_of(&site, "external");
    assert_eq!(site.world.reserve_ip(site.demo, &external, "127.16.0.9", Switch::On).unwrap_err().status, 409);
    let used: Vec<Ipv4Addr> = (0..6)
        .map(|n| {
            let mut request = site.request(&format!("m{n}"));
            request.networks = Some(vec![NetworkRequest::any_address(&fabric)]);
            let id = site.create(request).unwrap();
            site.world.true_machine(id).unwrap().nics[0].ip
        })
        .collect();
    assert!(!used.contains(&Ipv4Addr::new(127, 128, 0, 9)), "allocation passes reserved ones over: {used:?}");
}

#[test]
fn only_a_running_machine_on_a_server_that_is_up_answers() {
    let mut site = site();
    let request = site.request("web");
    let id = site.create(request).unwrap();
    let ip = site.world.true_machine(id).unwrap().nics[0].ip;
    assert!(site.world.serving_machine(ip).is_none(), "still provisioning");
    site.settle();
    assert_eq!(site.world.serving_machine(ip).map(|machine| machine.id), Some(id));
    site.world.act_on_machine(&site.caller.clone(), &id.to_string(), tsg_sim::world::MachineAction::Stop).unwrap();
    site.settle();
    assert!(site.world.serving_machine(ip).is_none());
}

#[test]
fn adding_an_interface_restarts_the_machine() {
    let mut site = site();
    let id = site.running("web");
    let (fabric, caller, machine) = (id_of(&site, "My-Fabric-Network"), site.caller.clone(), id.to_string());
    let request = NetworkRequest::any_address(&fabric);
    let AddedNic::New(nic) = site.world.add_nic(&caller, &machine, request.clone()).unwrap() else {
        panic!("a new one")
    };
    assert_eq!(nic.state, Some("provisioning"));
    assert!(matches!(site.world.add_nic(&caller, &machine, request), Ok(AddedNic::Existing(_))));
    let at = site.world.next_event().unwrap();
    site.world.advance_to(at);
    assert_eq!(site.state(id), MachineState::Stopped);
    site.settle();
    assert_eq!(site.state(id), MachineState::Running);
    let mac = nic.mac.replace(':', "");
    assert_eq!(site.world.nic(site.demo, &machine, &mac).unwrap().state, Some("running"));
    assert_eq!(
        told(&site.world.nic(site.demo, &machine, &nic.mac).unwrap_err()),
        "409 InvalidArgument mac has invalid format"
    );
    site.world.remove_nic(&caller, &machine, &mac).unwrap();
    site.settle();
    assert_eq!(site.world.nics(site.demo, &machine).unwrap().len(), 2);
    assert_eq!(site.audit(id)[..2], ["remove_nics yes", "add_nics yes"]);
}
