//! Faults: each does what it says, counts its hits, and ends when it should.

use tsg_sim::world::{
    Call, Destroyer, Fault, FaultError, FaultRule, Latency, ListQuery, LossAppearance, MachineAction, MachineId,
    MachineState, Operation, Reply, Target, TruthEvent,
};

use crate::fixture::{Site, site, told};

fn on(site: &mut Site, rule: impl Into<FaultRule>) -> tsg_sim::world::FaultId {
    site.world.switch_fault(rule.into()).unwrap()
}

fn made(site: &mut Site, name: &str) -> MachineId {
    let request = site.request(name);
    site.create(request).unwrap()
}

#[test]
fn killing_and_stopping_from_outside_leave_no_trail_for_clients() {
    let mut site = site();
    let (a, b) = (site.running("a"), site.running("b"));
    on(&mut site, Fault::KillInstance { machine: Target::Named("a".into()) });
    on(&mut site, Fault::StopInstance { machine: Target::Named(b.to_string()) });
    assert_eq!((site.state(a), site.state(b)), (MachineState::Deleted, MachineState::Stopped));
    assert_eq!(site.audit(a), ["provision yes"]);
    let last = site.world.truth().last().unwrap().event.clone();
    assert_eq!(last, TruthEvent::MachineDestroyed { machine: a, by: Destroyer::Outside });
    assert!(site.world.faults().iter().all(|status| status.hits == 1));
    let nobody = Fault::KillInstance { machine: Target::Named("nobody".into()) };
    assert!(matches!(site.world.switch_fault(nobody.into()), Err(FaultError::NoTarget(_))));
    assert_eq!(site.world.faults().len(), 2);
    assert!(matches!(site.world.switch_fault(FaultRule::rate(Fault::LoseReply, 1.5)), Err(FaultError::Rate(_))));
}

#[test]
fn a_fault_can_be_planned_ahead_and_ends_by_itself() {
    let mut site = site();
    let a = site.running("a");
    let at = site.world.now().plus_ms(60_000);
    on(&mut site, FaultRule { from: Some(at), ..Fault::KillInstance { machine: Target::Any }.into() });
    let call = Call::new(site.demo, Operation::ListMachines);
    on(&mut site, FaultRule::from(Fault::ProxyUnavailable).between(at, at.plus_ms(1_000)));
    let mut is_served = |ms: u64| {
        site.wait(ms);
        matches!(site.world.serve(&call, |_| Ok(())), Reply::Delivered(Ok(())))
    };
    assert_eq!([is_served(59_999), is_served(1), is_served(999), is_served(1)], [true, false, false, true]);
    assert_eq!(site.state(a), MachineState::Deleted);
}

#[test]
fn a_lost_server_keeps_showing_its_machines_by_default() {
    for (appearance, shown) in [
        (LossAppearance::Unchanged, MachineState::Running),
        (LossAppearance::Unknown, MachineState::Unknown),
        (LossAppearance::Offline, MachineState::Offline),
    ] {
        let mut site = site();
        let id = site.running("web");
        let ip = site.get(id).unwrap().primary_ip().unwrap();
        let server = Target::Named(site.server(id).to_string());
        on(&mut site, Fault::ServerDown { server: server.clone(), appearance });
        assert_eq!(site.state(id), shown);
        assert!(site.world.serving_machine(ip).is_none(), "it does not answer");
        site.world.act_on_machine(&site.caller.clone(), &id.to_string(), MachineAction::Stop).unwrap();
        site.settle();
        assert_eq!(site.state(id), shown, "jobs wait for the server");
        on(&mut site, Fault::ServerUp { server });
        site.settle();
        assert_eq!(site.state(id), MachineState::Stopped, "and go on afterwards");
    }
}

#[test]
fn nothing_is_placed_on_a_lost_server() {
    let mut site = site();
    for _ in 0..2 {
        on(&mut site, Fault::ServerDown { server: Target::Any, appearance: LossAppearance::Unchanged });
    }
    let up = site.world.servers().find(|server| server.is_up).unwrap().id;
    for n in 0..3 {
        let id = made(&mut site, &format!("m{n}"));
        assert_eq!(site.server(id), up);
    }
}

#[test]
fn stuck_provisioning_lasts_until_the_machine_is_deleted() {
    let mut site = site();
    on(&mut site, FaultRule::times(Fault::StickProvision, 1));
    let id = made(&mut site, "web");
    site.settle();
    site.wait(7_200_000);
    assert_eq!(site.state(id), MachineState::Provisioning);
    assert_eq!(site.audit(id).len(), 0);
    site.world.delete_machine(&site.caller.clone(), &id.to_string()).unwrap();
    site.settle();
    assert_eq!(site.state(id), MachineState::Deleted);
}

#[test]
fn held_provisioning_goes_on_when_released() {
    let mut site = site();
    let hold = on(&mut site, Fault::HoldProvision);
    let id = made(&mut site, "web");
    site.settle();
    site.wait(600_000);
    assert_eq!(site.state(id), MachineState::Provisioning);
    assert!(site.world.clear_fault(hold));
    site.settle();
    assert_eq!(site.state(id), MachineState::Running);
    let until = site.world.now().plus_ms(60_000);
    on(&mut site, FaultRule { until: Some(until), ..Fault::HoldProvision.into() });
    let id = made(&mut site, "web2");
    site.wait(59_000);
    assert_eq!(site.state(id), MachineState::Provisioning);
    site.settle();
    assert_eq!(site.state(id), MachineState::Running, "released by the end of the window");
}

#[test]
fn a_server_that_returns_brings_its_machines_back_as_they_were() {
    let mut site = site();
    let (up, down) = (site.running("up"), site.running("down"));
    site.world.act_on_machine(&site.caller.clone(), &down.to_string(), MachineAction::Stop).unwrap();
    site.settle();
    let servers = [site.server(up), site.server(down)].map(|server| Target::Named(server.to_string()));
    for server in servers.clone() {
        on(&mut site, Fault::ServerDown { server, appearance: LossAppearance::Unknown });
    }
    assert_eq!([site.state(up), site.state(down)], [MachineState::Unknown; 2]);
    for server in servers {
        on(&mut site, Fault::ServerUp { server });
    }
    assert_eq!([site.state(up), site.state(down)], [MachineState::Running, MachineState::Stopped]);
}

#[test]
fn a_job_that_was_held_twice_goes_on_once() {
    let mut spec = crate::fixture::spec();
    (spec.timing.stop, spec.timing.start) = (Latency::Fixed { ms: 10_000 }, Latency::Fixed { ms: 10_000 });
    let mut site = Site::of(spec);
    let id = site.running("web");
    let server = Target::Named(site.server(id).to_string());
    let caller = site.caller.clone();
    site.world.act_on_machine(&caller, &id.to_string(), MachineAction::Reboot).unwrap();
    on(&mut site, Fault::ServerDown { server: server.clone(), appearance: LossAppearance::Unchanged });
    site.settle();
    on(&mut site, Fault::ServerUp { server });
    site.world.clear_faults();
    let mut states = Vec::new();
    for _ in 0..3 {
        site.wait(9_000);
        states.push(site.state(id));
    }
    assert_eq!(states, [MachineState::Stopping, MachineState::Stopped, MachineState::Running]);
}

#[test]
fn a_hidden_record_is_nowhere_although_the_machine_exists() {
    let mut site = site();
    on(&mut site, FaultRule::times(Fault::HideRecord { for_ms: 120_000 }, 1));
    let id = made(&mut site, "web");
    let tombstones = ListQuery { tombstone: true, ..ListQuery::default() };
    assert!(site.world.list_machines(site.demo, &tombstones).items.is_empty());
    assert_eq!(site.get(id).unwrap_err().status, 404);
    assert_eq!(site.world.live_machines(site.demo).count(), 1);
    made(&mut site, "web");
    site.wait(120_000);
    assert_eq!(site.world.list_machines(site.demo, &tombstones).items.len(), 2, "two of one name, as upstream");
}

#[test]
fn a_late_record_makes_the_create_itself_answer_404() {
    let mut site = site();
    on(&mut site, FaultRule::times(Fault::LateRecord { for_ms: 120_000 }, 1));
    let request = site.request("web");
    let refusal = site.create(request).unwrap_err();
    let id = site.world.live_machines(site.demo).next().expect("it exists").id;
    assert_eq!(told(&refusal), format!("404 ResourceNotFound VM {id} not found"));
    assert_eq!(site.get(id).unwrap_err().status, 404);
    site.wait(120_000);
    assert_eq!(site.get(id).unwrap().state, MachineState::Running);
}

#[test]
fn refusals_on_demand_and_deletes_that_do_nothing() {
    let mut site = site();
    on(&mut site, FaultRule::times(Fault::QuotaReached, 1));
    let request = site.request("web");
    assert!(told(&site.create(request.clone()).unwrap_err()).starts_with("403 NotAuthorized Quota exceeded"));
    on(&mut site, FaultRule::times(Fault::NoCapacity, 1));
    assert_eq!(site.create(request).unwrap_err().code, Some("NoAllocatableServersError"));
    let id = site.running("web");
    on(&mut site, FaultRule::times(Fault::IgnoreDelete, 1));
    let caller = site.caller.clone();
    for expected in [MachineState::Running, MachineState::Deleted] {
        site.world.delete_machine(&caller, &id.to_string()).unwrap();
        site.settle();
        assert_eq!(site.state(id), expected);
    }
}

#[test]
fn a_disabled_account_is_refused_while_the_fault_is_on() {
    let mut site = site();
    let rule = FaultRule { account: Some(site.demo), ..Fault::AccountDisabled.into() };
    let id = on(&mut site, rule);
    let mut ask = |account| match site.world.serve(&Call::new(account, Operation::ReadAccount), |_| Ok(())) {
        Reply::Delivered(Ok(())) => "ok".to_owned(),
        Reply::Delivered(Err(refusal)) => told(&refusal),
        Reply::Lost => "lost".to_owned(),
    };
    let (demo, other) = (site.demo, site.other);
    assert_eq!(ask(demo), "403 NotAuthorized Account or user is disabled");
    assert_eq!(ask(other), "ok");
    site.world.clear_fault(id);
    assert!(matches!(site.world.serve(&Call::new(demo, Operation::ReadAccount), |_| Ok(())), Reply::Delivered(Ok(()))));
}

#[test]
fn a_rate_is_met_and_hits_are_counted() {
    let mut site = site();
    on(&mut site, FaultRule::rate(Fault::LoseRequest, 0.25).only(Operation::GetMachine));
    let call = Call::new(site.demo, Operation::GetMachine);
    let lost = (0..4_000).filter(|_| matches!(site.world.serve(&call, |_| Ok(())), Reply::Lost)).count();
    assert!((900..1_100).contains(&lost), "{lost}");
    assert_eq!(site.world.faults()[0].hits, lost as u64);
}

#[test]
fn rules_travel_as_json() {
    for text in [
        r#"{"fault":"lose_reply","rate":0.5,"operation":"create_machine"}"#,
        r#"{"fault":"kill_instance","machine":{"named":"web"}}"#,
        r#"{"fault":"kill_instance"}"#,
        r#"{"fault":"server_down","server":"any","appearance":"unknown","limit":1}"#,
        r#"{"fault":"hide_record","for_ms":1000,"until":1767225700000}"#,
    ] {
        let rule: FaultRule = serde_json::from_str(text).unwrap();
        let again: FaultRule = serde_json::from_str(&serde_json::to_string(&rule).unwrap()).unwrap();
        assert_eq!(rule, again, "{text}");
    }
    let rule: FaultRule = serde_json::from_str(r#"{"fault":"throttle_storm"}"#).unwrap();
    assert_eq!(rule, FaultRule::from(Fault::ThrottleStorm));
    assert!(serde_json::from_str::<FaultRule>(r#"{"fault":"no_such_thing"}"#).is_err());
}
