//! Virtual time as core's `Clock`: it stands still until somebody moves it, and then wakes whoever
//! waited. It never looks at the real time.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use async_trait::async_trait;
use tsg_core::model::time::Timestamp;
use tsg_core::ports::Clock;

use crate::world::SimTime;

/// A clock that somebody else moves. Clones share it.
#[derive(Debug, Clone)]
pub struct VirtualTime {
    state: Arc<Mutex<State>>,
}

#[derive(Debug)]
struct State {
    start: SimTime,
    elapsed: Duration,
    wall_offset_ms: i64,
    timers: BTreeMap<TimerKey, Waker>,
    last_timer: u64,
}

/// Timers of the same moment fire in the order in which they were set.
type TimerKey = (Duration, u64);

impl VirtualTime {
    /// A clock that stands at `start`.
    #[must_use]
    pub fn starting_at(start: SimTime) -> Self {
        let state = State { start, elapsed: Duration::ZERO, wall_offset_ms: 0, timers: BTreeMap::new(), last_timer: 0 };
        Self { state: Arc::new(Mutex::new(state)) }
    }

    /// The true virtual time, by which the world goes.
    #[must_use]
    pub fn sim_now(&self) -> SimTime {
        let state = self.lock();
        state.start.plus_ms(millis(state.elapsed))
    }

    /// Virtual time since the start.
    #[must_use]
    pub fn elapsed(&self) -> Duration {
        self.lock().elapsed
    }

    /// Makes the wall clock of whoever uses this clock wrong by so much; the monotonic one and the
    /// world's are not touched.
    pub fn set_wall_offset_ms(&self, offset_ms: i64) {
        self.lock().wall_offset_ms = offset_ms;
    }

    /// When the earliest sleeper wants to wake.
    #[must_use]
    pub fn next_timer(&self) -> Option<Duration> {
        self.lock().timers.first_key_value().map(|((at, _), _)| *at)
    }

    /// Moves time forward and wakes everybody whose time has come, in order. Never goes back.
    pub fn advance_to(&self, elapsed: Duration) {
        let due = {
            let mut state = self.lock();
            let now = state.elapsed.max(elapsed);
            state.elapsed = now;
            let later = state.timers.split_off(&(now, u64::MAX));
            std::mem::replace(&mut state.timers, later)
        };
        due.into_values().for_each(Waker::wake);
    }

    /// Waits until [`VirtualTime::elapsed`] has reached `deadline`.
    pub fn sleep_until_elapsed(&self, deadline: Duration) -> impl Future<Output = ()> + Send + use<> {
        Sleep { time: self.clone(), deadline, key: None }
    }

    /// Waits until the world's time has reached `at`.
    pub fn sleep_until_sim(&self, at: SimTime) -> impl Future<Output = ()> + Send + use<> {
        let start = self.lock().start;
        self.sleep_until_elapsed(Duration::from_millis(at.ms_since(start)))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // A panic while the lock was held left a clock that is still a clock.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Clock for VirtualTime {
    fn now(&self) -> Timestamp {
        let state = self.lock();
        let wall = state.start.plus_ms(millis(state.elapsed)).offset_ms(state.wall_offset_ms);
        Timestamp::from_millis(i64::try_from(wall.as_ms()).unwrap_or(i64::MAX))
    }

    fn monotonic(&self) -> Duration {
        self.elapsed()
    }

    async fn sleep_until(&self, deadline: Duration) {
        self.sleep_until_elapsed(deadline).await;
    }
}

/// A sleeper. Its timer goes with it when it is dropped.
#[derive(Debug)]
struct Sleep {
    time: VirtualTime,
    deadline: Duration,
    key: Option<TimerKey>,
}

impl Future for Sleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let time = self.time.clone();
        let mut state = time.lock();
        if let Some(old) = self.key.take() {
            state.timers.remove(&old);
        }
        if state.elapsed >= self.deadline {
            return Poll::Ready(());
        }
        state.last_timer += 1;
        let key = (self.deadline, state.last_timer);
        state.timers.insert(key, context.waker().clone());
        self.key = Some(key);
        Poll::Pending
    }
}

impl Drop for Sleep {
    fn drop(&mut self) {
        if let Some(key) = self.key.take() {
            self.time.lock().timers.remove(&key);
        }
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
