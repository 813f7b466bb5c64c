//! A group without trouble: made, scaled, torn down.

use std::time::Duration;

use crate::support::oracle::Oracle;
use crate::support::site::{Site, Wiring};
use tsg_sim::cloud::lock;
use tsg_sim::executor::Halt;
use tsg_sim::world::WorldSpec;

/// Runs until everything stands as wanted, and says how long it took.
fn settle(site: &mut Site, oracle: &mut Oracle, within: Duration) -> Duration {
    let began = site.time.elapsed();
    let (world, time, store) = (site.world.clone(), site.time.clone(), site.store.clone());
    let halt = site.executor.run_until(began + within, |_| {
        Site::catch_up(&world, &time);
        let world = lock(&world);
        oracle.judge(&store.news(oracle.progress()), &world).unwrap();
        !oracle.groups.is_empty() && oracle.unsettled(&world).is_none()
    });
    let why = oracle.unsettled(&lock(&site.world));
    assert_eq!((halt, why), (Halt::Satisfied, None), "{:#?}", oracle.timeline);
    site.time.elapsed() - began
}

#[test]
fn a_group_is_made_scaled_and_torn_down() {
    let mut site = Site::new(1, WorldSpec::default(), Wiring::default());
    let mut oracle = Oracle::default();
    let engine = site.start_engine();
    site.make_group(0, 5, vec![engine.handle.clone()]);
    let took = settle(&mut site, &mut oracle, Duration::from_secs(300));
    assert!(took < Duration::from_secs(120), "{took:?}");
    for capacity in [8, 2, 0, 3] {
        site.scale(0, capacity, vec![engine.handle.clone()]);
        site.executor.run_until(site.time.elapsed() + Duration::from_millis(1), |_| false);
        settle(&mut site, &mut oracle, Duration::from_secs(300));
    }
    site.delete_group(0, vec![engine.handle.clone()]);
    site.executor.run_until(site.time.elapsed() + Duration::from_millis(1), |_| false);
    settle(&mut site, &mut oracle, Duration::from_secs(300));
    assert_eq!(lock(&site.world).live_machines(site.world_account).count(), 0);
}
