//! One seed, one history; and what holds in every history.

use proptest::prelude::{Just, ProptestConfig, Strategy, any, prop, prop_oneof, proptest};
use tsg_sim::world::{Fault, FaultRule, Latency, MachineAction, MachineId, Target, TruthEvent, WorldSpec, WriteMode};

use crate::fixture::{Site, text};

/// One step of a random history.
#[derive(Debug, Clone)]
enum Step {
    Create(u8),
    Act(u8, u8),
    Delete(u8),
    Tag(u8),
    Wait(u64),
    Break(u8),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => any::<u8>().prop_map(Step::Create),
        2 => (any::<u8>(), any::<u8>()).prop_map(|(which, action)| Step::Act(which, action)),
        1 => any::<u8>().prop_map(Step::Delete),
        1 => any::<u8>().prop_map(Step::Tag),
        3 => (0_u64..40_000).prop_map(Step::Wait),
        1 => any::<u8>().prop_map(Step::Break),
        1 => Just(Step::Wait(200_000)),
    ]
}

fn world_of(seed: u64) -> Site {
    let mut spec = WorldSpec { racks: 2, servers_per_rack: 2, throttle: None, ..WorldSpec::with_seed(seed) };
    spec.server_memory_mib = 8 * 1_024;
    spec.timing.allocation = Latency::Uniform { min_ms: 10, max_ms: 3_000 };
    Site::of(spec)
}

fn pick(site: &Site, which: u8) -> Option<MachineId> {
    let machines: Vec<MachineId> = site.world.live_machines(site.demo).map(|machine| machine.id).collect();
    machines.get(usize::from(which) % machines.len().max(1)).copied()
}

fn take(site: &mut Site, step: &Step) {
    let caller = site.caller.clone();
    match *step {
        Step::Create(name) => {
            let request = site.request(&format!("m{}", name % 16));
            let _ = site.world.submit_create(&caller, request);
        }
        Step::Act(which, action) => {
            let action =
                [MachineAction::Stop, MachineAction::Start, MachineAction::Reboot][usize::from(action % 3)].clone();
            if let Some(id) = pick(site, which) {
                let _ = site.world.act_on_machine(&caller, &id.to_string(), action);
            }
        }
        Step::Delete(which) => {
            if let Some(id) = pick(site, which) {
                let _ = site.world.delete_machine(&caller, &id.to_string());
            }
        }
        Step::Tag(which) => {
            if let Some(id) = pick(site, which) {
                let tags = [("t".to_owned(), text("v"))].into();
                let _ = site.world.write_tags(&caller, &id.to_string(), WriteMode::Merge, tags);
            }
        }
        Step::Wait(ms) => site.wait(ms),
        Step::Break(kind) => {
            let fault: FaultRule = match kind % 6 {
                0 => FaultRule::rate(Fault::FailProvision, 0.5),
                1 => Fault::KillInstance { machine: Target::Any }.into(),
                2 => FaultRule::times(Fault::StickProvision, 1),
                3 => Fault::ServerDown { server: Target::Any, appearance: Default::default() }.into(),
                4 => Fault::ServerUp { server: Target::Any }.into(),
                _ => FaultRule::times(Fault::HideRecord { for_ms: 30_000 }, 1),
            };
            let _ = site.world.switch_fault(fault);
        }
    }
}

/// Counts that must agree whatever happened.
fn check(site: &Site) {
    let live: Vec<_> = site.world.live_machines(site.demo).collect();
    let (mut created, mut ended) = (0, 0);
    for record in site.world.truth() {
        match record.event {
            TruthEvent::MachineCreated { .. } => created += 1,
            TruthEvent::MachineFailed { .. } => ended += 1,
            TruthEvent::MachineDestroyed { machine, .. } => {
                let failed_first =
                    site.world.truth().iter().any(|other| other.event == TruthEvent::MachineFailed { machine });
                ended += usize::from(!failed_first);
            }
            _ => {}
        }
    }
    assert_eq!(created - ended, live.len(), "created, less ended, are live");
    let memory: u64 = live.iter().map(|machine| machine.memory_mib).sum();
    let used: u64 = site.world.servers().map(|server| server.memory_used_mib).sum();
    assert_eq!(memory, used, "room taken is room of live machines");
    assert!(site.world.servers().all(|server| server.memory_used_mib <= server.memory_mib));
    let addresses: Vec<_> = live.iter().flat_map(|machine| machine.nics.iter().map(|nic| nic.ip)).collect();
    let unique: std::collections::BTreeSet<_> = addresses.iter().collect();
    assert_eq!(addresses.len(), unique.len(), "no address twice");
    let visible: Vec<_> = live.iter().filter(|machine| machine.is_visible(site.world.now())).collect();
    assert!(visible.len() <= live.len());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_seed_and_the_same_requests_give_the_same_history(
        seed in any::<u64>(),
        steps in prop::collection::vec(step(), 1..60),
    ) {
        let run = || {
            let mut site = world_of(seed);
            steps.iter().for_each(|step| take(&mut site, step));
            site.settle();
            (site.world.truth_digest(), site.world.truth().len(), site.world.now())
        };
        assert_eq!(run(), run());
    }

    #[test]
    fn rooms_addresses_and_counts_agree_after_every_step(
        seed in any::<u64>(),
        steps in prop::collection::vec(step(), 1..60),
    ) {
        let mut site = world_of(seed);
        for step in &steps {
            take(&mut site, step);
            check(&site);
        }
        site.settle();
        check(&site);
    }

    /// How finely time is advanced changes nothing.
    #[test]
    fn small_steps_and_large_ones_meet(seed in any::<u64>(), names in prop::collection::vec(any::<u8>(), 1..12)) {
        let run = |step_ms: u64| {
            let mut site = world_of(seed);
            for name in &names {
                take(&mut site, &Step::Create(*name));
            }
            for _ in 0..300_000 / step_ms {
                site.wait(step_ms);
            }
            site.world.truth_digest()
        };
        assert_eq!(run(300_000), run(100));
    }
}

#[test]
fn different_seeds_give_different_histories() {
    let digest = |seed| {
        let mut site = world_of(seed);
        take(&mut site, &Step::Create(1));
        site.settle();
        site.world.truth_digest()
    };
    assert_ne!(digest(1), digest(2));
}
