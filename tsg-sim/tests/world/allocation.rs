//! The serial allocator and how long things take.

use tsg_sim::world::{Latency, MachineState, SimTime, WorldSpec};

use crate::fixture::{Site, site, told};

fn serial(allocation_ms: u64) -> Site {
    let mut spec = crate::fixture::spec();
    spec.timing.allocation = Latency::Fixed { ms: allocation_ms };
    Site::of(spec)
}

#[test]
fn placements_happen_one_after_the_other() {
    let mut site = serial(1_000);
    let start = site.world.now();
    let dues: Vec<u64> = (0..5)
        .map(|n| {
            let request = site.request(&format!("m{n}"));
            let ticket = site.world.submit_create(&site.caller.clone(), request).unwrap();
            ticket.due.ms_since(start)
        })
        .collect();
    assert_eq!(dues, [1_200, 2_200, 3_200, 4_200, 5_200], "allocation, then 200 ms to the answer");
    site.wait(2_999);
    assert_eq!(site.world.live_machines(site.demo).count(), 2, "a record exists from its placement on");
}

#[test]
fn accounts_share_the_allocator() {
    let mut site = serial(1_000);
    let start = site.world.now();
    let request = site.request("mine");
    site.world.submit_create(&site.caller.clone(), request.clone()).unwrap();
    let theirs = tsg_sim::world::Caller { account: site.other, ..site.caller.clone() };
    let ticket = site.world.submit_create(&theirs, request).unwrap();
    assert_eq!(ticket.due.ms_since(start), 2_200);
}

#[test]
fn whoever_would_wait_too_long_fails_and_leaves_no_machine() {
    let mut site = serial(10_000);
    let tickets: Vec<_> = (0..25)
        .map(|n| {
            let request = site.request(&format!("m{n}"));
            site.world.submit_create(&site.caller.clone(), request).unwrap()
        })
        .collect();
    assert!(site.world.take_created(tickets[0].id).is_none(), "not due yet");
    site.wait(400_000);
    let answers: Vec<_> = tickets.iter().map(|ticket| site.world.take_created(ticket.id).unwrap()).collect();
    assert!(answers[..19].iter().all(Result::is_ok), "turns after 0 to 180 s");
    for answer in &answers[19..] {
        assert_eq!(told(answer.as_ref().unwrap_err()), "500 InternalError timed out waiting for the allocator");
    }
    assert_eq!(site.world.live_machines(site.demo).count(), 19);
    assert!(site.world.take_created(tickets[0].id).is_none(), "an answer is taken once");
}

#[test]
fn provisioning_takes_the_asked_median_and_tail() {
    let mut spec = WorldSpec { throttle: None, ..WorldSpec::with_seed(5) };
    spec.timing.allocation = Latency::Fixed { ms: 0 };
    spec.timing.create_reply_ms = 0;
    let mut site = Site::of(spec);
    let start = site.world.now();
    for n in 0..2_000 {
        let request = site.request(&format!("m{n}"));
        site.create(request).unwrap();
    }
    site.settle();
    let mut took: Vec<u64> =
        site.world.live_machines(site.demo).map(|machine| machine.updated.ms_since(start)).collect();
    took.sort_unstable();
    assert!((18_500..21_500).contains(&took[1_000]), "median {}", took[1_000]);
    assert!((54_000..67_000).contains(&took[1_980]), "p99 {}", took[1_980]);
}

#[test]
fn interfaces_are_stored_shortly_before_running() {
    let mut site = site();
    let request = site.request("web");
    let id = site.create(request).unwrap();
    site.wait(17_500);
    assert!(site.get(id).unwrap().shown_nics().is_empty());
    site.wait(1_000);
    assert_eq!(site.get(id).unwrap().state, MachineState::Provisioning);
    assert_eq!(site.get(id).unwrap().shown_nics().len(), 2);
}

#[test]
fn room_on_servers_is_taken_and_given_back() {
    let mut spec = crate::fixture::spec();
    spec.servers_per_rack = 1;
    spec.server_memory_mib = 2_048;
    let mut site = Site::of(spec);
    let (first, _) = (site.running("a"), site.running("b"));
    let request = site.request("c");
    assert_eq!(site.create(request.clone()).unwrap_err().code, Some("NoAllocatableServersError"));
    site.world.delete_machine(&site.caller.clone(), &first.to_string()).unwrap();
    assert!(site.create(request.clone()).is_err(), "not before it is gone");
    site.settle();
    assert!(site.create(request).is_ok());
    let server = site.world.servers().next().unwrap();
    assert_eq!(server.memory_used_mib, 2_048);
}

#[test]
fn time_never_goes_back() {
    let mut site = site();
    site.wait(5);
    let now = site.world.now();
    site.world.advance_to(SimTime::WORLD_START);
    assert_eq!(site.world.now(), now);
}
