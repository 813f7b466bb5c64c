//! The executor: order, time, crashes, pauses, and that it repeats itself exactly.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use tsg_core::ports::Clock;
use tsg_sim::executor::{Executor, Halt, yield_now};
use tsg_sim::virtual_time::VirtualTime;
use tsg_sim::world::{Rng, SimTime};

type Log = Rc<RefCell<Vec<(&'static str, u64)>>>;

fn executor() -> (Executor, VirtualTime, Log) {
    let time = VirtualTime::starting_at(SimTime::WORLD_START);
    (Executor::new(time.clone()), time, Log::default())
}

fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// Writes its name and the second every `period` seconds, `count` times.
async fn tick(time: VirtualTime, log: Log, name: &'static str, period: u64, count: u64) {
    for n in 1..=count {
        time.sleep_until(secs(period * n)).await;
        log.borrow_mut().push((name, time.monotonic().as_secs()));
    }
}

#[test]
fn timers_fire_in_order_and_equal_ones_in_the_order_they_were_set() {
    let (mut executor, time, log) = executor();
    executor.spawn(tick(time.clone(), log.clone(), "a", 2, 3));
    executor.spawn(tick(time.clone(), log.clone(), "b", 3, 2));
    assert_eq!(executor.run_until(Duration::MAX, |_| false), Halt::Idle);
    assert_eq!(*log.borrow(), [("a", 2), ("b", 3), ("a", 4), ("b", 6), ("a", 6)]);
    assert_eq!(time.sim_now(), SimTime::WORLD_START.plus_ms(6_000));
}

#[test]
fn a_deadline_stops_time_exactly_there() {
    let (mut executor, time, log) = executor();
    let task = executor.spawn(tick(time.clone(), log.clone(), "a", 10, 2));
    assert_eq!(executor.run_until(secs(15), |_| false), Halt::Deadline);
    assert_eq!(time.elapsed(), secs(15));
    assert_eq!(executor.run_until(secs(60), |executor| executor.is_over(task)), Halt::Satisfied);
    assert_eq!(log.borrow().len(), 2);
}

#[test]
fn a_crash_drops_the_future_at_the_await_it_stands_at() {
    for crash_after in 1..=4 {
        let (mut executor, _, log) = executor();
        let inner = log.clone();
        let task = executor.spawn(async move {
            for step in 0..4 {
                inner.borrow_mut().push(("step", step));
                yield_now().await;
            }
        });
        executor.crash_after_polls(task, crash_after);
        assert_eq!(executor.run_until(Duration::MAX, |_| false), Halt::Idle);
        assert!(executor.is_over(task));
        assert_eq!(log.borrow().len() as u64, crash_after);
        assert_eq!(Rc::strong_count(&log), 1, "everything it held is dropped");
    }
}

#[test]
fn a_crash_at_a_moment_removes_the_timer_too() {
    let (mut executor, time, log) = executor();
    let task = executor.spawn(tick(time.clone(), log.clone(), "a", 10, 9));
    executor.crash_at(task, secs(25));
    assert_eq!(executor.run_until(Duration::MAX, |_| false), Halt::Idle);
    assert_eq!(*log.borrow(), [("a", 10), ("a", 20)]);
    assert_eq!((time.elapsed(), time.next_timer()), (secs(25), None));
}

#[test]
fn a_paused_task_finds_out_afterwards() {
    let (mut executor, time, log) = executor();
    let paused = executor.spawn(tick(time.clone(), log.clone(), "a", 10, 4));
    executor.spawn(tick(time.clone(), log.clone(), "b", 10, 4));
    executor.pause_at(paused, secs(15), secs(20));
    assert_eq!(executor.run_until(Duration::MAX, |_| false), Halt::Idle);
    let of = |name| log.borrow().iter().filter(|entry| entry.0 == name).map(|entry| entry.1).collect::<Vec<_>>();
    assert_eq!(of("a"), [10, 35, 35, 40]);
    assert_eq!(of("b"), [10, 20, 30, 40]);
}

#[test]
fn the_wall_clock_can_be_wrong_without_touching_the_monotonic_one() {
    let (_, time, _) = executor();
    let before = time.now();
    time.set_wall_offset_ms(-90_000);
    assert_eq!(before.since(time.now()), secs(90));
    assert_eq!((time.monotonic(), time.sim_now()), (Duration::ZERO, SimTime::WORLD_START));
}

#[test]
fn two_runs_of_one_seed_leave_the_same_trace_and_another_seed_does_not() {
    let run = |seed: u64| {
        let (mut executor, time, _) = executor();
        for purpose in ["one", "two", "three"] {
            let time = time.clone();
            let mut rng = Rng::for_purpose(seed, purpose);
            executor.spawn(async move {
                for _ in 0..50 {
                    let until = time.elapsed() + Duration::from_millis(rng.below(500));
                    time.sleep_until(until).await;
                    yield_now().await;
                }
            });
        }
        executor.run_until(Duration::MAX, |_| false);
        (executor.trace(), executor.polls())
    };
    assert_eq!(run(1), run(1));
    assert_ne!(run(1).0, run(2).0);
}
