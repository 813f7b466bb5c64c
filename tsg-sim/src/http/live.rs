//! A world kept up with the machine's clock: the one place where virtual time meets real time.
//!
//! Owns the lock around the world, its pace, and the wake-up of whoever waits for its next event. It must never hold
//! the lock across an await.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::{Notify, broadcast};

use super::pace::{Pace, Speed};
use crate::world::{Change, Detail, MachineView, SimTime, World};

/// How many change-feed frames a slow listener may lag behind before it misses some. The feed promises nothing, so a
/// listener that lags is simply told less.
const FEED_BACKLOG: usize = 4_096;

/// Longest sleep of the timekeeper while the world expects nothing: keeps the mapping fresh after long idle times.
const IDLE_TICK: Duration = Duration::from_secs(3_600);

/// A world and the pace at which it lives.
#[derive(Debug)]
pub(crate) struct LiveWorld {
    world: Mutex<Followed>,
    pace: Mutex<Pace>,
    changed: Notify,
    feed: broadcast::Sender<SeenChange>,
}

/// A change of a machine together with what the machine then looked like.
#[derive(Debug, Clone)]
pub(crate) struct SeenChange {
    pub(crate) change: Change,
    pub(crate) machine: MachineView,
}

/// The world, and how far its change log has been passed on.
#[derive(Debug)]
struct Followed {
    world: World,
    passed_on: u64,
}

/// What the clock shows, for the admin API.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct ClockReading {
    pub(crate) now: SimTime,
    pub(crate) speed: Speed,
    pub(crate) is_paused: bool,
}

impl LiveWorld {
    /// The world goes on from its own present at the given speed.
    pub(crate) fn start(world: World, speed: Speed) -> Self {
        let pace = Pace::starting(Instant::now(), world.now(), speed);
        let (feed, _) = broadcast::channel(FEED_BACKLOG);
        Self {
            world: Mutex::new(Followed { world, passed_on: 0 }),
            pace: Mutex::new(pace),
            changed: Notify::new(),
            feed,
        }
    }

    /// Brings the world up to the present, lets `act` work on it, and passes on what changed.
    pub(crate) fn with<T>(&self, act: impl FnOnce(&mut World) -> T) -> T {
        let outcome = self.step(act);
        self.changed.notify_one();
        outcome
    }

    /// Brings the world up to the present and lets `look` see it. What nobody changed brings no new event, so the
    /// timekeeper sleeps on.
    pub(crate) fn look<T>(&self, look: impl FnOnce(&World) -> T) -> T {
        self.step(|world| look(world))
    }

    fn step<T>(&self, act: impl FnOnce(&mut World) -> T) -> T {
        let mut followed = lock(&self.world);
        let Followed { world, passed_on } = &mut *followed;
        world.advance_to(self.pace().virtual_at(Instant::now()));
        let outcome = act(world);
        *passed_on = self.pass_on(world, *passed_on);
        outcome
    }

    /// Tells listeners what changed after a cursor; the next cursor.
    fn pass_on(&self, world: &World, cursor: u64) -> u64 {
        let (changes, next) = world.changes_after(cursor);
        if self.feed.receiver_count() == 0 {
            return next;
        }
        for change in changes {
            if let Some(machine) = world.true_machine(change.machine) {
                let seen = SeenChange { change: change.clone(), machine: world.view(machine, Detail::Listed) };
                // The last listener may have left since; the feed promises nothing.
                let _ = self.feed.send(seen);
            }
        }
        next
    }

    /// Real time left until a virtual moment; `None` while time stands still before it.
    pub(crate) fn real_until(&self, moment: SimTime) -> Option<Duration> {
        self.pace().real_until(moment, Instant::now())
    }

    /// Returns when virtual time has reached the moment.
    pub(crate) async fn reached(&self, moment: SimTime) {
        loop {
            match self.real_until(moment) {
                Some(Duration::ZERO) => return,
                Some(wait) => tokio::time::sleep(wait).await,
                // Time stands still; nobody is told when it passes again.
                None => tokio::time::sleep(PAUSED_POLL).await,
            }
        }
    }

    /// Changes the pace, and lets everything that waits reckon anew.
    pub(crate) fn repace(&self, change: impl FnOnce(&mut Pace, Instant)) -> ClockReading {
        change(&mut self.pace(), Instant::now());
        self.changed.notify_one();
        self.clock()
    }

    /// What the clock shows.
    pub(crate) fn clock(&self) -> ClockReading {
        let pace = self.pace();
        ClockReading { now: pace.virtual_at(Instant::now()), speed: pace.speed(), is_paused: pace.is_paused() }
    }

    /// A listener to all changes from now on.
    pub(crate) fn subscribe(&self) -> broadcast::Receiver<SeenChange> {
        self.feed.subscribe()
    }

    /// Lets the world live: advances it at each of its events. Never returns.
    pub(crate) async fn keep_time(&self) {
        loop {
            let next_event = self.look(World::next_event);
            let wait = next_event.and_then(|moment| self.real_until(moment)).unwrap_or(IDLE_TICK);
            tokio::select! {
                () = tokio::time::sleep(wait) => {}
                () = self.changed.notified() => {}
            }
        }
    }

    fn pace(&self) -> MutexGuard<'_, Pace> {
        lock(&self.pace)
    }
}

/// How often a request that waits in paused time looks whether time passes again.
const PAUSED_POLL: Duration = Duration::from_millis(20);

/// A panic of another request must not take the whole data centre down with it.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
