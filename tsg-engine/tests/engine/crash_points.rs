//! Every crash point of a scale-out and of a scale-in, enumerated: the engine dies at its k-th
//! await for every k, a second one takes over, and the oracle judges all of it.

use std::time::Duration;

use crate::support::oracle::Oracle;
use crate::support::site::{Running, Site, Wiring};
use tsg_sim::cloud::lock;
use tsg_sim::executor::Halt;
use tsg_sim::world::WorldSpec;

/// One quiet window, and what follows from it.
const BOUND: Duration = Duration::from_secs(2 * 3600);

struct Run {
    site: Site,
    oracle: Oracle,
    engine: Running,
}

impl Run {
    fn begin(seed: u64) -> Self {
        let mut site = Site::new(seed, WorldSpec::default(), Wiring::default());
        let engine = site.start_engine();
        Self { site, oracle: Oracle::default(), engine }
    }

    fn want(&mut self, capacity: u32) {
        let handles = vec![self.engine.handle.clone()];
        match self.oracle.groups.is_empty() {
            true => self.site.make_group(0, capacity, handles),
            false => self.site.scale(0, capacity, handles),
        }
    }

    /// Runs until the group has settled at `capacity`, starting another engine when one is dead.
    fn settle(&mut self, capacity: u32, at: &str) {
        let deadline = self.site.time.elapsed() + BOUND;
        loop {
            let Self { site, oracle, engine } = self;
            let (world, time, store) = (site.world.clone(), site.time.clone(), site.store.clone());
            let halt = site.executor.run_until(deadline, |executor| {
                Site::catch_up(&world, &time);
                let world = lock(&world);
                oracle.judge(&store.news(oracle.progress()), &world).unwrap_or_else(|violation| {
                    panic!("{at}: {violation:?}");
                });
                let is_wanted = oracle.groups.values().any(|group| group.capacity == capacity);
                executor.is_over(engine.task) || (is_wanted && oracle.unsettled(&world).is_none())
            });
            assert_eq!(halt, Halt::Satisfied, "{at}: {:?}", oracle.unsettled(&lock(&site.world)));
            if !site.executor.is_over(engine.task) {
                return;
            }
            self.engine = self.site.start_engine();
        }
    }

    fn polls(&self) -> u64 {
        self.site.executor.polls_of(self.engine.task).unwrap()
    }
}

/// Runs `first` without trouble, then a change to `then` with a crash at every one of its awaits.
fn crash_everywhere(first: u32, then: u32) {
    let mut points = 0;
    for point in 1.. {
        let at = format!("{first} to {then}, crash at await {point}");
        let mut run = Run::begin(point);
        run.want(first);
        run.settle(first, &at);
        let before = run.polls();
        run.site.executor.crash_after_polls(run.engine.task, point);
        run.want(then);
        let first_engine = run.engine.task;
        run.settle(then, &at);
        if run.engine.task == first_engine && run.polls() - before < point {
            break;
        }
        points = point;
    }
    println!("{first} to {then}: {points} crash points");
    assert!(points > 30, "only {points} awaits");
}

#[test]
fn a_crash_at_any_await_of_a_scale_out() {
    crash_everywhere(0, 3);
}

#[test]
fn a_crash_at_any_await_of_a_scale_in() {
    crash_everywhere(3, 1);
}
