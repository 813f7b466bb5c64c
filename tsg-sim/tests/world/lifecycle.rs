//! States, actions, deletion and the audit trail.

use std::collections::BTreeSet;

use tsg_sim::world::{Fault, FaultRule, ListQuery, MachineAction, MachineId, MachineState, RefusalForm, Switch};

use crate::fixture::{Site, params, site, told};

/// All states a machine shows until nothing is under way, without repetition.
fn course(site: &mut Site, id: MachineId) -> Vec<MachineState> {
    let mut states = vec![site.state(id)];
    while let Some(at) = site.world.next_event() {
        site.world.advance_to(at);
        if states.last() != Some(&site.state(id)) {
            states.push(site.state(id));
        }
    }
    states
}

fn act(site: &mut Site, id: MachineId, action: MachineAction) {
    site.world.act_on_machine(&site.caller.clone(), &id.to_string(), action).unwrap();
}

fn delete(site: &mut Site, id: MachineId) -> Result<(), tsg_sim::world::Refusal> {
    site.world.delete_machine(&site.caller.clone(), &id.to_string())
}

#[test]
fn actions_pass_through_their_states_in_order() {
    use MachineState::{Ready, Running, Stopped, Stopping};
    let mut site = site();
    let id = site.running("web");
    for (action, expected) in [
        (MachineAction::Stop, vec![Running, Stopping, Stopped]),
        (MachineAction::Start, vec![Stopped, Ready, Running]),
        (MachineAction::Reboot, vec![Running, Stopping, Stopped, Running]),
    ] {
        act(&mut site, id, action);
        assert_eq!(course(&mut site, id), expected);
    }
    assert_eq!(site.audit(id), ["reboot yes", "start yes", "stop yes", "provision yes"]);
}

#[test]
fn an_action_in_the_wrong_state_is_accepted_and_its_job_fails() {
    let mut site = site();
    let id = site.running("web");
    act(&mut site, id, MachineAction::Start);
    assert_eq!(course(&mut site, id), [MachineState::Running]);
    act(&mut site, id, MachineAction::Stop);
    site.settle();
    act(&mut site, id, MachineAction::Stop);
    act(&mut site, id, MachineAction::Reboot);
    assert_eq!(course(&mut site, id), [MachineState::Stopped]);
    assert_eq!(site.audit(id), ["reboot no", "stop no", "stop yes", "start no", "provision yes"]);
}

#[test]
fn nothing_but_delete_is_accepted_while_provisioning() {
    let mut site = site();
    let request = site.request("web");
    let id = site.create(request).unwrap();
    let caller = site.caller.clone();
    let refusal = site.world.act_on_machine(&caller, &id.to_string(), MachineAction::Stop).unwrap_err();
    assert_eq!(told(&refusal), "409 UnallocatedVM Cannot call stop for a VM that has not been provisioned yet");
    let refusal =
        site.world.write_tags(&caller, &id.to_string(), tsg_sim::world::WriteMode::Merge, [].into()).unwrap_err();
    assert_eq!(told(&refusal), "409 CloudApiError error adding tags");
    delete(&mut site, id).unwrap();
    assert_eq!(course(&mut site, id).last(), Some(&MachineState::Deleted));
}

#[test]
fn a_deleted_machine_answers_410_with_itself() {
    let mut site = site();
    let id = site.placed("web", ("role", "web"), &[]).unwrap();
    site.settle();
    delete(&mut site, id).unwrap();
    delete(&mut site, id).expect("again while the job runs");
    let states = course(&mut site, id);
    assert_eq!(states[..2], [MachineState::Running, MachineState::Stopping]);
    assert_eq!(states.last(), Some(&MachineState::Deleted));
    for refusal in [site.get(id).unwrap_err(), delete(&mut site, id).unwrap_err()] {
        assert_eq!(refusal.status, 410);
        let RefusalForm::Gone(view) = refusal.form else { panic!("the body is the machine") };
        assert_eq!((view.state, view.name.as_str()), ("deleted", "web"));
        assert!(view.tags.contains_key("role") && !view.ips.is_empty());
    }
    let unknown = "11111111-1111-4111-8111-111111111111";
    let refusal = site.world.machine(site.demo, unknown).unwrap_err();
    assert_eq!(told(&refusal), format!("404 ResourceNotFound VM {unknown} not found"));
    let refusal = site.world.machine(site.demo, &unknown.to_uppercase().replace('1', "A")).unwrap_err();
    assert_eq!(told(&refusal), "409 ValidationFailed Invalid Parameter");
    assert_eq!(site.audit(id)[0], "destroy yes");
}

#[test]
fn some_deletes_pass_through_provisioning() {
    let mut site = site();
    let mut seen = BTreeSet::new();
    for n in 0..20 {
        let id = site.running(&format!("web{n}"));
        delete(&mut site, id).unwrap();
        seen.insert(course(&mut site, id).contains(&MachineState::Provisioning));
    }
    assert_eq!(seen, BTreeSet::from([false, true]));
}

#[test]
fn the_history_of_a_deleted_machine_ends() {
    let mut spec = crate::fixture::spec();
    spec.history_ms = Some(3_600_000);
    let mut site = Site::of(spec);
    let id = site.running("web");
    delete(&mut site, id).unwrap();
    site.settle();
    site.wait(3_600_000);
    assert_eq!(site.get(id).unwrap_err().status, 410);
    site.wait(1);
    assert_eq!(site.get(id).unwrap_err().status, 404);
    let all = ListQuery { tombstone: true, ..ListQuery::default() };
    assert!(site.world.list_machines(site.demo, &all).items.is_empty());
}

#[test]
fn protection_forbids_deletion_until_it_is_switched_off() {
    let mut site = site();
    let mut request = site.request("web");
    request.deletion_protection = true;
    let id = site.create(request).unwrap();
    site.settle();
    assert_eq!(
        told(&delete(&mut site, id).unwrap_err()),
        "409 CannotDestroyMachineError Instance has \"deletion_protection\" enabled, preventing deletion"
    );
    act(&mut site, id, MachineAction::SetDeletionProtection(Switch::Off));
    assert!(delete(&mut site, id).is_err(), "the switch takes a job");
    site.settle();
    delete(&mut site, id).unwrap();
    assert_eq!(course(&mut site, id).last(), Some(&MachineState::Deleted));
}

#[test]
fn a_failed_machine_is_found_by_id_only_and_can_be_deleted() {
    let mut site = site();
    site.world.switch_fault(FaultRule::times(Fault::FailProvision, 1)).unwrap();
    let request = site.request("web");
    let id = site.create(request).unwrap();
    assert_eq!(course(&mut site, id), [MachineState::Provisioning, MachineState::Failed]);
    assert_eq!(site.get(id).unwrap().state, MachineState::Failed);
    assert!(site.world.list_machines(site.demo, &ListQuery::default()).items.is_empty());
    let all = ListQuery { tombstone: true, ..ListQuery::default() };
    assert_eq!(site.world.list_machines(site.demo, &all).items.len(), 1);
    assert_eq!(site.audit(id), ["provision no"]);
    delete(&mut site, id).unwrap();
    assert_eq!(course(&mut site, id), [MachineState::Failed, MachineState::Deleted]);
}

#[test]
fn rename_and_resize_are_checked_at_once_and_done_later() {
    let mut site = site();
    let id = site.running("web");
    site.running("db");
    let caller = site.caller.clone();
    let mut attempt = |pairs: &[(&str, &str)]| {
        let action = MachineAction::parse(&params(pairs))?;
        site.world.act_on_machine(&caller, &id.to_string(), action)
    };
    for (pairs, expected) in [
        (&[][..], "409 MissingParameter action is required"),
        (&[("action", "explode")], "409 InvalidArgument explode is not a valid action"),
        (&[("action", "rename"), ("name", "db")], "409 ValidationFailed Invalid VM update parameters"),
        (&[("action", "rename"), ("name", "-")], "409 ValidationFailed Invalid VM update parameters"),
        (&[("action", "resize"), ("package", "zz")], "409 InvalidArgument zz is not a valid package"),
    ] {
        assert_eq!(told(&attempt(pairs).unwrap_err()), expected);
    }
    attempt(&[("action", "rename"), ("name", "web2")]).unwrap();
    attempt(&[("action", "resize"), ("package", "sample-2G")]).unwrap();
    assert_eq!(site.get(id).unwrap().name, "web");
    site.settle();
    assert_eq!(site.get(id).unwrap().name, "web2");
    assert_eq!(site.get(id).unwrap().memory_mib, 2_048);
    assert_eq!(site.audit(id), ["resize yes", "rename yes", "provision yes"]);
    let request = site.request("web");
    assert!(site.create(request).is_ok(), "the old name is free");
}

#[test]
fn the_audit_tells_who_asked_and_when_the_job_ended() {
    let mut site = site();
    let id = site.running("web");
    act(&mut site, id, MachineAction::Stop);
    let before = site.world.now();
    assert_eq!(site.audit(id).len(), 1, "only finished jobs");
    site.settle();
    let entry = &site.world.audit(site.demo, &id.to_string()).unwrap()[0];
    assert_eq!(entry.time, site.world.now().iso_millis());
    assert!(site.world.now() > before);
    let json = serde_json::to_value(entry).unwrap();
    let caller = serde_json::json!({"type": "signature", "ip": "127.0.0.1", "keyId": "/demo/keys/laptop"});
    assert_eq!(json["caller"], caller);
}

#[test]
fn created_is_constant_and_updated_moves_with_every_write() {
    let mut site = site();
    let id = site.running("web");
    let (created, updated) = (site.get(id).unwrap().created, site.get(id).unwrap().updated);
    assert!(updated > created);
    act(&mut site, id, MachineAction::SetFirewall(Switch::On));
    site.settle();
    assert_eq!(site.get(id).unwrap().created, created);
    assert!(site.get(id).unwrap().updated > updated);
    assert!(site.get(id).unwrap().firewall_enabled);
}

#[test]
fn snapshots_appear_when_their_job_is_done() {
    let mut site = site();
    let id = site.running("web").to_string();
    let caller = site.caller.clone();
    let queued = site.world.create_snapshot(&caller, &id, Some("one")).unwrap();
    assert_eq!((queued.name.as_str(), queued.state), ("one", "queued"));
    assert!(site.world.snapshots(site.demo, &id).unwrap().is_empty());
    site.settle();
    assert_eq!(site.world.snapshot(site.demo, &id, "one").unwrap().state, "created");
    site.world.roll_back_snapshot(&caller, &id, "one").unwrap();
    site.world.delete_snapshot(&caller, &id, "one").unwrap();
    site.settle();
    assert_eq!(
        told(&site.world.snapshot(site.demo, &id, "one").unwrap_err()),
        "404 ResourceNotFound Snapshot does not exist"
    );
    assert!(site.world.delete_snapshot(&caller, &id, "one").is_err());
}

#[test]
fn changes_of_an_account_are_told_in_order() {
    let mut site = site();
    let cursor = site.world.change_cursor();
    let id = site.running("web");
    let (changes, next) = site.world.changes_after(cursor);
    let seen: Vec<_> = changes.map(|change| (change.machine, change.account, change.raw_state)).collect();
    assert_eq!(seen.first(), Some(&(id, site.demo, "provisioning")));
    assert_eq!(seen.last(), Some(&(id, site.demo, "running")));
    assert_eq!(site.world.changes_after(next).0.count(), 0);
}
