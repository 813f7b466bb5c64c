//! Placement by affinity rules on three servers.

use tsg_sim::world::{MachineState, Scalar, ScalarInput};

use crate::fixture::{site, told};

fn no_servers(reason: &str) -> String {
    format!("409 NoAllocatableServersError No compute resources available: {reason}")
}

#[test]
fn a_hard_not_equal_spreads_and_refuses_the_surplus_without_a_record() {
    let mut site = site();
    let servers: std::collections::BTreeSet<_> = (0..3)
        .map(|n| {
            let id = site.placed(&format!("web{n}"), ("role", "web"), &["role!=web"]).unwrap();
            site.server(id)
        })
        .collect();
    assert_eq!(servers.len(), 3);
    let refusal = site.placed("web3", ("role", "web"), &["role!=web"]).unwrap_err();
    assert_eq!(refusal.code, Some("NoAllocatableServersError"));
    assert_eq!(site.world.live_machines(site.demo).count(), 3);
}

#[test]
fn creates_in_flight_together_see_one_another() {
    let mut site = site();
    let tickets: Vec<_> = (0..4)
        .map(|n| {
            let mut request = site.request(&format!("web{n}"));
            request.tags.insert("role".into(), crate::fixture::text("web"));
            request.affinity = vec!["role!=web".into()];
            site.world.submit_create(&site.caller.clone(), request).unwrap()
        })
        .collect();
    site.wait(5_000);
    let made = tickets.iter().filter(|ticket| site.world.take_created(ticket.id).unwrap().is_ok()).count();
    assert_eq!(made, 3);
}

#[test]
fn a_soft_not_equal_gives_way() {
    let mut site = site();
    for n in 0..4 {
        site.placed(&format!("web{n}"), ("role", "web"), &["role!=~web"]).unwrap();
    }
    let servers: std::collections::BTreeSet<_> =
        site.world.live_machines(site.demo).map(|machine| machine.server).collect();
    assert_eq!(servers.len(), 3, "spread as far as it goes");
}

#[test]
fn a_hard_equal_without_a_match_fails_and_a_soft_one_does_not() {
    let mut site = site();
    let refusal = site.placed("web0", ("role", "web"), &["role==web"]).unwrap_err();
    assert_eq!(
        told(&refusal),
        no_servers("no active containers found matching tag \"role=web\" for affinity \"role==web\"")
    );
    let refusal = site.placed("web0", ("role", "web"), &["instance==db0"]).unwrap_err();
    assert_eq!(
        told(&refusal),
        no_servers("no active containers found matching \"db0\" for affinity \"instance==db0\"")
    );
    assert!(site.placed("web0", ("role", "web"), &["role==~web"]).is_ok());
}

#[test]
fn names_match_exactly_or_by_pattern_and_case_counts() {
    let mut site = site();
    let db0 = site.placed("db0", ("role", "db"), &[]).unwrap();
    for rule in
        ["instance==db0", "container==db0", "instance==/^db[0-9]$/", "instance==d*0", &format!("instance=={db0}")]
    {
        let id = site.placed("near-{{shortId}}", ("role", "x"), &[rule]).unwrap();
        assert_eq!(site.server(id), site.server(db0), "{rule}");
    }
    for rule in ["instance==DB0", "instance==/^db[1-9]$/", "inst==db0"] {
        assert!(site.placed("near-{{shortId}}", ("role", "x"), &[rule]).is_err(), "{rule}");
    }
}

#[test]
fn equal_matches_on_two_servers_fit_nowhere() {
    let mut site = site();
    site.placed("db0", ("role", "db"), &[]).unwrap();
    site.placed("db1", ("role", "db"), &["role!=db"]).unwrap();
    let refusal = site.placed("near", ("role", "x"), &["instance==db*"]).unwrap_err();
    assert_eq!(refusal.code, Some("NoAllocatableServersError"));
}

#[test]
fn several_rules_are_a_union() {
    let mut site = site();
    let a = site.placed("a", ("role", "a"), &[]).unwrap();
    let b = site.placed("b", ("role", "b"), &["role!=a"]).unwrap();
    let c = site.placed("c", ("role", "c"), &["role!=a", "role!=b"]).unwrap();
    let servers = [site.server(a), site.server(b), site.server(c)];
    assert_eq!(servers.iter().collect::<std::collections::BTreeSet<_>>().len(), 3);
    assert!(site.placed("d", ("role", "d"), &["role==a", "role==b"]).is_err(), "near two servers at once");
}

#[test]
fn one_hard_rule_makes_all_soft_ones_void() {
    let mut site = site();
    let a = site.placed("a", ("role", "a"), &[]).unwrap();
    let b = site.placed("b", ("role", "b"), &["role!=a"]).unwrap();
    let c = site.placed("c", ("role", "c"), &["role!=~b", "role==b"]).unwrap();
    assert_eq!(site.server(c), site.server(b), "the soft != would forbid it");
    let d = site.placed("d", ("role", "d"), &["role==~a", "role!=nobody"]).unwrap();
    assert_ne!(site.server(d), site.server(a), "the soft == would ask for it");
}

#[test]
fn provisioning_and_stopped_machines_count_and_gone_ones_do_not() {
    let mut site = site();
    let web = site.placed("web", ("role", "web"), &[]).unwrap();
    assert_eq!(site.state(web), MachineState::Provisioning);
    assert!(site.placed("n1", ("role", "x"), &["role==web"]).is_ok());
    site.settle();
    let caller = site.caller.clone();
    site.world.act_on_machine(&caller, &web.to_string(), tsg_sim::world::MachineAction::Stop).unwrap();
    site.settle();
    assert_eq!(site.state(web), MachineState::Stopped);
    assert!(site.placed("n2", ("role", "x"), &["role==web"]).is_ok());
    site.world.delete_machine(&caller, &web.to_string()).unwrap();
    site.settle();
    assert!(site.placed("n3", ("role", "x"), &["role==web"]).is_err());
}

#[test]
fn machines_of_others_and_numbers_as_text() {
    let mut site = site();
    let mut request = site.request("theirs");
    request.tags.insert("role".into(), crate::fixture::text("web"));
    let theirs = tsg_sim::world::Caller { account: site.other, ..site.caller.clone() };
    site.world.submit_create(&theirs, request).unwrap();
    site.settle();
    assert!(site.placed("n1", ("role", "x"), &["role==web"]).is_err());
    let mut request = site.request("numbered");
    request.tags.insert("shard".into(), ScalarInput::Scalar(Scalar::Integer(3)));
    let numbered = site.create(request).unwrap();
    let near = site.placed("n2", ("role", "x"), &["shard==3"]).unwrap();
    assert_eq!(site.server(near), site.server(numbered));
}

#[test]
fn without_rules_servers_free_of_the_owner_are_preferred() {
    let mut site = site();
    let servers: std::collections::BTreeSet<_> =
        (0..3).map(|n| site.placed(&format!("w{n}"), ("a", "b"), &[]).map(|id| site.server(id)).unwrap()).collect();
    assert_eq!(servers.len(), 3);
    assert!(site.placed("w4", ("a", "b"), &[]).is_ok(), "never strict");
}

#[test]
fn image_rules_are_ignored() {
    let mut site = site();
    assert!(site.placed("w", ("a", "b"), &["image==whatever"]).is_ok());
}
