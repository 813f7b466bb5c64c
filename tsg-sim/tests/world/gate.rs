//! The way of a request through the world: order of refusals, throttle, lost requests and replies.

use tsg_sim::world::{
    Admission, Call, Fault, FaultRule, Fingerprint, Operation, Refusal, Reply, SimTime, Standing, Throttle, TruthEvent,
};

use crate::fixture::{Site, site, told};

fn throttled_site() -> Site {
    let mut spec = crate::fixture::spec();
    spec.throttle = Some(Throttle::default());
    Site::of(spec)
}

/// What a read answers: `ok`, `lost`, or the refusal.
fn ask(site: &mut Site, call: &Call) -> String {
    match site.world.serve(call, |_| Ok(())) {
        Reply::Delivered(Ok(())) => "ok".to_owned(),
        Reply::Delivered(Err(refusal)) => told(&refusal),
        Reply::Lost => "lost".to_owned(),
    }
}

#[test]
fn the_32nd_request_of_a_burst_is_refused_and_other_groups_and_accounts_are_not() {
    let mut site = throttled_site();
    let list = Call::new(site.demo, Operation::ListMachines);
    let answers: Vec<String> = (0..40).map(|_| ask(&mut site, &list)).collect();
    assert!(answers[..31].iter().all(|answer| answer == "ok"));
    let refused = "429 TooManyRequestsError You have exceeded your request rate of 10 r/s.";
    assert!(answers[31..].iter().all(|answer| answer == refused));
    let tags = Call::new(site.demo, Operation::ReadTags);
    assert_eq!(ask(&mut site, &tags), refused, "the same group");
    let images = Call::new(site.demo, Operation::ReadImages);
    let theirs = Call::new(site.other, Operation::ListMachines);
    assert_eq!((ask(&mut site, &images), ask(&mut site, &theirs)), ("ok".into(), "ok".into()));
    site.wait(1_000);
    let answers: Vec<String> = (0..12).map(|_| ask(&mut site, &list)).collect();
    assert_eq!(answers.iter().filter(|answer| *answer == "ok").count(), 10);
}

#[test]
fn earlier_stages_answer_first() {
    let mut site = throttled_site();
    let unknown = "11111111-1111-4111-8111-111111111111";
    let write = Call::new(site.demo, Operation::ActOnMachine).about(unknown);
    let id = site.running("web").to_string();
    let good = Call::new(site.demo, Operation::ActOnMachine).about(&id);
    site.world.switch_fault(Fault::ThrottleStorm.into()).unwrap();
    assert!(ask(&mut site, &good).starts_with("429"));
    site.world.switch_fault(Fault::ReadOnly { retry_after_s: None }.into()).unwrap();
    assert_eq!(ask(&mut site, &good), "503 ServiceUnavailableError This Triton data center is being upgraded");
    assert!(ask(&mut site, &write).starts_with("404"), "the machine is loaded first");
    site.world.set_account_standing(site.demo, Standing::Disabled);
    assert_eq!(ask(&mut site, &write), "403 NotAuthorized Account or user is disabled");
}

#[test]
fn read_only_mode_refuses_writes_only() {
    let mut site = site();
    site.world.switch_fault(Fault::ReadOnly { retry_after_s: Some(60) }.into()).unwrap();
    let read = Call::new(site.demo, Operation::ListMachines);
    assert_eq!(ask(&mut site, &read), "ok");
    let create = Call::new(site.demo, Operation::CreateMachine);
    let Admission::Refused(refusal) = site.world.admit(&create) else { panic!("a write") };
    assert_eq!(refusal.form, tsg_sim::world::RefusalForm::RetryAfter(60));
}

#[test]
fn a_lost_request_does_nothing_and_a_lost_reply_does_everything() {
    for (fault, tags_after) in [(Fault::LoseRequest, 0), (Fault::LoseReply, 1)] {
        let mut site = site();
        let id = site.running("web").to_string();
        site.world.switch_fault(FaultRule::times(fault, 1).only(Operation::WriteTags)).unwrap();
        let call = Call::new(site.demo, Operation::WriteTags).about(&id);
        let caller = site.caller.clone();
        let tags = [("a".to_owned(), crate::fixture::text("b"))].into();
        let reply =
            site.world.serve(&call, |world| world.write_tags(&caller, &id, tsg_sim::world::WriteMode::Merge, tags));
        assert_eq!(reply, Reply::Lost);
        site.settle();
        assert_eq!(site.world.tags(site.demo, &id).unwrap().len(), tags_after);
        assert_eq!(site.world.faults()[0].hits, 1);
        assert_eq!(ask(&mut site, &call), "ok", "only once");
    }
}

#[test]
fn only_the_reply_to_something_done_is_lost() {
    let mut site = site();
    site.world.switch_fault(FaultRule::times(Fault::LoseReply, 1)).unwrap();
    let call = Call::new(site.demo, Operation::WriteTags);
    let refused = Refusal::invalid_argument("no");
    let reply = site.world.serve(&call, |_| Err::<(), _>(refused.clone()));
    assert_eq!(reply, Reply::Delivered(Err(refused)));
    assert_eq!(ask(&mut site, &call), "lost");
}

#[test]
fn an_error_may_follow_an_accepted_create() {
    let mut site = site();
    site.world.switch_fault(FaultRule::times(Fault::ErrorAfterCreate, 1)).unwrap();
    let call = Call::new(site.demo, Operation::CreateMachine);
    let Admission::Admitted(permit) = site.world.admit(&call) else { panic!("admitted") };
    let request = site.request("web");
    let made = site.create(request);
    let Reply::Delivered(Err(refusal)) = site.world.conclude(permit, made) else { panic!("an error") };
    assert_eq!((refusal.status, refusal.code), (500, None));
    site.settle();
    assert_eq!(site.world.live_machines(site.demo).count(), 1);
}

#[test]
fn every_write_that_reached_the_wire_is_in_the_truth_with_its_payload() {
    let mut site = site();
    site.world.switch_fault(FaultRule::times(Fault::LoseRequest, 1)).unwrap();
    let payload = Fingerprint([7; 32]);
    let call = Call::new(site.demo, Operation::CreateMachine).carrying(Some(payload));
    assert_eq!(ask(&mut site, &call), "lost");
    let read = Call::new(site.demo, Operation::ListMachines);
    assert_eq!(ask(&mut site, &read), "ok");
    let received =
        TruthEvent::RequestReceived { account: site.demo, operation: Operation::CreateMachine, payload: Some(payload) };
    assert_eq!(site.world.truth().iter().map(|record| record.event.clone()).collect::<Vec<_>>(), [received]);
}

#[test]
fn signatures_live_for_300_seconds_by_the_data_centres_clock() {
    let mut site = site();
    let now = site.world.now();
    assert!(site.world.check_signature_date(now.offset_ms(-300_000)).is_ok());
    assert!(site.world.check_signature_date(now.offset_ms(300_000)).is_ok());
    let refusal = site.world.check_signature_date(now.offset_ms(-310_885)).unwrap_err();
    assert_eq!(
        told(&refusal),
        "400 InvalidHeader Authorization header invalid: clock skew of 310.885s was greater than 300s"
    );
    site.world.switch_fault(Fault::ClockOffset { offset_ms: 400_000 }.into()).unwrap();
    assert_eq!(site.world.clock(), now.plus_ms(400_000));
    assert!(site.world.check_signature_date(now).is_err());
    assert!(site.world.check_signature_date(SimTime::from_ms(now.as_ms() + 400_000)).is_ok());
}
