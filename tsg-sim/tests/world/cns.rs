//! What the name service answers: names and kinds, who is listed, and when.

use std::net::Ipv4Addr;

use tsg_sim::world::{
    DnsKind, DnsValue, Fault, LossAppearance, MachineAction, MachineId, NewAccount, Propagation, Resolution, Standing,
    Switch, Target, WorldSpec, WriteMode,
};

use crate::fixture::{Site, params, spec, text};

const ZONE: &str = "us-sim-1.cns.sim.example";

/// A site whose name service is never late.
fn prompt() -> Site {
    Site::of(WorldSpec { propagation: Propagation::immediate(), ..spec() })
}

fn serving(site: &mut Site, name: &str, services: &str) -> MachineId {
    let mut request = site.request(name);
    request.tags.insert("triton.cns.services".to_owned(), text(services));
    let id = site.create(request).unwrap();
    site.settle();
    id
}

fn ask(site: &Site, name: &str, kind: DnsKind) -> Resolution {
    site.world.resolve(&format!("{name}.{ZONE}"), kind)
}

fn values(site: &Site, name: &str, kind: DnsKind) -> Vec<DnsValue> {
    match ask(site, name, kind) {
        Resolution::Found { values, .. } => values,
        other => panic!("{name} {kind:?}: {other:?}"),
    }
}

/// The machines of a service, by what its texts say.
fn listed(site: &Site, service: &str) -> Vec<MachineId> {
    match ask(site, &format!("{service}.svc.demo"), DnsKind::Txt) {
        Resolution::Found { values, .. } => values.iter().filter_map(id_of).collect(),
        Resolution::NoSuchName => Vec::new(),
        other => panic!("{service}: {other:?}"),
    }
}

fn id_of(value: &DnsValue) -> Option<MachineId> {
    let DnsValue::Txt(text) = value else { return None };
    MachineId::parse(text)
}

fn addresses(site: &Site, id: MachineId) -> Vec<DnsValue> {
    let machine = site.world.true_machine(id).unwrap();
    machine.shown_nics().iter().map(|nic| DnsValue::A(nic.ip)).collect()
}

fn set_status(site: &mut Site, id: MachineId, status: &str) {
    let (caller, status) = (site.caller.clone(), [("triton.cns.status".to_owned(), text(status))].into());
    site.world.write_metadata(&caller, &id.to_string(), status).unwrap();
    site.settle();
}

fn set_tag(site: &mut Site, id: MachineId, key: &str, value: tsg_sim::world::ScalarInput) {
    let caller = site.caller.clone();
    site.world.write_tags(&caller, &id.to_string(), WriteMode::Merge, [(key.to_owned(), value)].into()).unwrap();
    site.settle();
}

fn act(site: &mut Site, id: MachineId, action: MachineAction) {
    let caller = site.caller.clone();
    site.world.act_on_machine(&caller, &id.to_string(), action).unwrap();
    site.settle();
}

#[test]
fn every_name_has_its_kinds_under_uuid_and_login() {
    let mut site = prompt();
    let id = serving(&mut site, "Web_1", "web:8080:priority=2:weight=5,Api");
    let (a, txt) = (addresses(&site, id), vec![DnsValue::Txt(id.to_string())]);
    assert_eq!(a.len(), 2, "an external and an internal one");
    for owner in ["demo".to_owned(), site.demo.to_string()] {
        for host in ["web-1".to_owned(), id.to_string()] {
            let name = format!("{host}.inst.{owner}");
            assert_eq!(values(&site, &name, DnsKind::A), a, "{name}");
            assert_eq!(values(&site, &name, DnsKind::Txt), txt, "{name}");
            assert_eq!(ask(&site, &name, DnsKind::Srv), Resolution::NoSuchKind, "{name}");
        }
        for service in ["web", "api"] {
            let name = format!("{service}.svc.{owner}");
            assert_eq!(values(&site, &name, DnsKind::A), a, "{name}");
            assert_eq!(values(&site, &name, DnsKind::Txt), txt, "{name}");
        }
        let target = format!("web-1.inst.demo.{ZONE}");
        let srv = DnsValue::Srv { priority: 2, weight: 5, port: 8080, target: target.clone() };
        let Resolution::Found { values, addresses } = ask(&site, &format!("web.svc.{owner}"), DnsKind::Srv) else {
            panic!("web has a port");
        };
        assert_eq!(values, [srv]);
        assert_eq!(
            addresses.iter().map(|(name, ip)| (name, DnsValue::A(*ip))).collect::<Vec<_>>(),
            [(&target, a[0].clone()), (&target, a[1].clone())]
        );
        assert_eq!(ask(&site, &format!("api.svc.{owner}"), DnsKind::Srv), Resolution::NoSuchKind);
    }
    assert_eq!(values(&site, "WEB.Svc.DEMO", DnsKind::A), a);
    assert_eq!(values(&site, "web.svc.demo", DnsKind::Any).len(), 4);
}

#[test]
fn what_get_machine_lists_is_what_is_answered() {
    let mut site = prompt();
    let id = serving(&mut site, "web-1", "web,api");
    let view = site.json(id, tsg_sim::world::Detail::Single);
    let names: Vec<&str> = view["dns_names"].as_array().unwrap().iter().filter_map(|name| name.as_str()).collect();
    assert_eq!(names.len(), 8);
    for name in names {
        assert!(matches!(site.world.resolve(name, DnsKind::A), Resolution::Found { .. }), "{name}");
    }
}

#[test]
fn unknown_names_are_told_from_unknown_kinds() {
    let mut site = prompt();
    assert_eq!(ask(&site, "demo", DnsKind::A), Resolution::NoSuchName, "nothing is listed yet");
    serving(&mut site, "web-1", "web");
    for name in ["demo", "inst.demo", "svc.demo"] {
        assert_eq!(ask(&site, name, DnsKind::A), Resolution::NoSuchKind, "{name} has names beneath it");
    }
    let unknown =
        ["nobody", "web.svc.nobody", "api.svc.demo", "web.inst.demo", "x.web.svc.demo", "web.svc.other", "a.b.demo"];
    for name in unknown {
        assert_eq!(ask(&site, name, DnsKind::A), Resolution::NoSuchName, "{name}");
    }
    assert_eq!(ask(&site, "web.svc.demo", DnsKind::Other), Resolution::NoSuchKind);
    assert_eq!(site.world.resolve("web.svc.demo.example.com", DnsKind::A), Resolution::NotOurs);
    assert_eq!(site.world.resolve(&ZONE.to_uppercase(), DnsKind::A), Resolution::NoSuchKind);
    let server = format!("ns.{ZONE}");
    assert_eq!(
        site.world.resolve(&format!("{ZONE}."), DnsKind::Ns),
        Resolution::Found { values: vec![DnsValue::Ns(server.clone())], addresses: Vec::new() }
    );
    assert_eq!(values(&site, "ns", DnsKind::A), [DnsValue::A(Ipv4Addr::LOCALHOST)]);
}

#[test]
fn a_machine_that_stops_or_goes_leaves_its_services() {
    let mut site = prompt();
    let (one, two) = (serving(&mut site, "one", "web"), serving(&mut site, "two", "web"));
    let mut both = vec![one, two];
    both.sort();
    assert_eq!(listed(&site, "web"), both);
    act(&mut site, one, MachineAction::Stop);
    assert_eq!(listed(&site, "web"), [two]);
    assert_eq!(
        values(&site, "one.inst.demo", DnsKind::A),
        addresses(&site, one),
        "a stopped machine keeps its own names"
    );
    act(&mut site, one, MachineAction::Start);
    assert_eq!(listed(&site, "web"), both);
    let caller = site.caller.clone();
    site.world.delete_machine(&caller, &one.to_string()).unwrap();
    site.settle();
    assert_eq!(listed(&site, "web"), [two]);
    assert_eq!(ask(&site, "one.inst.demo", DnsKind::A), Resolution::NoSuchName);
    site.world.switch_fault(Fault::KillInstance { machine: Target::Named("two".into()) }.into()).unwrap();
    assert_eq!(ask(&site, "web.svc.demo", DnsKind::A), Resolution::NoSuchName, "a service without members is no name");
    assert_eq!(ask(&site, "svc.demo", DnsKind::A), Resolution::NoSuchName);
}

#[test]
fn a_status_other_than_up_leaves_services_only() {
    let mut site = prompt();
    let id = serving(&mut site, "one", "web:80");
    for (status, is_listed) in [("down", false), ("up", true), ("draining", false), ("up", true)] {
        set_status(&mut site, id, status);
        assert_eq!(!listed(&site, "web").is_empty(), is_listed, "{status}");
        assert_eq!(values(&site, "one.inst.demo", DnsKind::A).len(), 2, "{status}");
    }
    site.world.put_guest_metadatum(id, "triton.cns.status", "down");
    assert_eq!(listed(&site, "web"), [], "the guest can say it too");
}

#[test]
fn tags_rule_what_is_listed() {
    let mut site = prompt();
    let id = serving(&mut site, "one", "web");
    let boolean = |value| tsg_sim::world::ScalarInput::Scalar(tsg_sim::world::Scalar::Bool(value));
    set_tag(&mut site, id, "triton.cns.disable", boolean(true));
    assert_eq!(ask(&site, "web.svc.demo", DnsKind::A), Resolution::NoSuchName);
    assert_eq!(ask(&site, "one.inst.demo", DnsKind::A), Resolution::NoSuchName);
    set_tag(&mut site, id, "triton.cns.disable", boolean(false));
    set_tag(&mut site, id, "triton.cns.services", text("api"));
    assert_eq!((listed(&site, "web"), listed(&site, "api")), (vec![], vec![id]));
    act(&mut site, id, MachineAction::Rename { name: Some("uno".to_owned()) });
    assert_eq!(ask(&site, "one.inst.demo", DnsKind::A), Resolution::NoSuchName);
    assert_eq!(values(&site, "uno.inst.demo", DnsKind::A).len(), 2);
    act(&mut site, id, MachineAction::SetFirewall(Switch::On));
    assert_eq!(listed(&site, "api"), [id], "other changes change nothing");
}

#[test]
fn the_owner_has_to_want_it() {
    let mut site = prompt();
    let id = serving(&mut site, "one", "web");
    let named = serving(&mut site, "two", "web");
    set_tag(&mut site, named, "triton.cns.reverse_ptr", text("mail.example.com"));
    let switch = |site: &mut Site, value| {
        site.world.update_account(site.demo, &params(&[("triton_cns_enabled", value)])).unwrap();
    };
    switch(&mut site, "false");
    assert_eq!(listed(&site, "web"), []);
    assert_eq!(ask(&site, "one.inst.demo", DnsKind::A), Resolution::NoSuchName);
    assert_eq!(
        values(&site, "two.inst.demo", DnsKind::A),
        addresses(&site, named),
        "a reverse name lists it all the same"
    );
    switch(&mut site, "true");
    assert_eq!(listed(&site, "web").len(), 2);
    site.world.set_account_standing(site.demo, Standing::Unapproved);
    assert_eq!(listed(&site, "web"), []);
    site.world.set_account_standing(site.demo, Standing::Approved);
    assert!(listed(&site, "web").contains(&id));
}

#[test]
fn accounts_see_names_of_their_own_only_under_their_own() {
    let mut site = prompt();
    let id = serving(&mut site, "one", "web");
    let third = NewAccount { login: "Third.One".into(), cns_enabled: true, ..NewAccount::default() };
    let third = site.world.add_account(third);
    let key = crate::fixture::KEY;
    site.world.add_key(third, Some(key), None).unwrap();
    let demo = std::mem::replace(&mut site.caller.account, third);
    let theirs = serving(&mut site, "one", "web");
    assert_eq!(values(&site, "web.svc.third-one", DnsKind::Txt), [DnsValue::Txt(theirs.to_string())]);
    assert_eq!(values(&site, &format!("one.inst.{third}"), DnsKind::Txt), [DnsValue::Txt(theirs.to_string())]);
    assert_eq!(values(&site, &format!("web.svc.{demo}"), DnsKind::Txt), [DnsValue::Txt(id.to_string())]);
    assert_eq!(ask(&site, &format!("{theirs}.inst.demo"), DnsKind::A), Resolution::NoSuchName);
}

#[test]
fn a_change_shows_after_the_delay_and_not_before() {
    let propagation = Propagation { delay_ms: 5_000, ..Propagation::default() };
    let mut site = Site::of(WorldSpec { propagation, ..spec() });
    let id = serving(&mut site, "one", "web");
    assert_eq!(listed(&site, "web"), [], "it runs, and nobody has heard of it");
    site.wait(5_000);
    assert_eq!(listed(&site, "web"), [id]);
    let serial = site.world.zone_record().serial;
    site.world.put_guest_metadatum(id, "triton.cns.status", "down");
    site.wait(2_000);
    site.world.put_guest_metadatum(id, "triton.cns.status", "up");
    site.wait(2_999);
    assert_eq!(listed(&site, "web"), [id]);
    site.wait(1);
    assert_eq!(listed(&site, "web"), [], "each change has its own delay");
    assert_eq!(site.world.zone_record().serial, serial + 5);
    site.wait(1_999);
    assert_eq!(listed(&site, "web"), []);
    site.wait(1);
    assert_eq!(listed(&site, "web"), [id]);
}

/// A node is lost at once, and its services vanish when its silence is noticed.
fn lose(site: &mut Site, id: MachineId, appearance: LossAppearance) {
    let server = Target::Named(site.server(id).to_string());
    site.world.switch_fault(Fault::ServerDown { server, appearance }.into()).unwrap();
}

fn regain(site: &mut Site, id: MachineId) {
    let server = Target::Named(site.server(id).to_string());
    site.world.switch_fault(Fault::ServerUp { server }.into()).unwrap();
}

#[test]
fn a_silent_compute_node_takes_its_machines_out_of_services() {
    let propagation = Propagation { delay_ms: 1_000, ..Propagation::default() };
    let mut site = Site::of(WorldSpec { propagation, ..spec() });
    let id = serving(&mut site, "one", "web");
    site.wait(1_000);
    lose(&mut site, id, LossAppearance::Unchanged);
    site.wait(60_999);
    assert_eq!(listed(&site, "web"), [id], "silence is noticed after a minute");
    site.wait(1);
    assert_eq!(listed(&site, "web"), []);
    assert_eq!(values(&site, "one.inst.demo", DnsKind::A).len(), 2);
    regain(&mut site, id);
    site.wait(120_999);
    assert_eq!(listed(&site, "web"), [], "a node that has just booted counts as absent");
    site.wait(1);
    assert_eq!(listed(&site, "web"), [id]);
    lose(&mut site, id, LossAppearance::Unchanged);
    site.wait(30_000);
    regain(&mut site, id);
    assert_eq!(listed(&site, "web"), [id]);
    site.wait(1_000);
    assert_eq!(listed(&site, "web"), [], "the boot is seen even when the silence was too short");
    site.wait(120_000);
    assert_eq!(listed(&site, "web"), [id]);
}

#[test]
fn a_machine_that_shows_unknown_is_out_at_once() {
    let mut site = Site::of(WorldSpec { propagation: Propagation { delay_ms: 0, ..Propagation::default() }, ..spec() });
    let id = serving(&mut site, "one", "web");
    lose(&mut site, id, LossAppearance::Unknown);
    assert_eq!(listed(&site, "web"), []);
    regain(&mut site, id);
    site.wait(120_000);
    assert_eq!(listed(&site, "web"), [id]);
}
