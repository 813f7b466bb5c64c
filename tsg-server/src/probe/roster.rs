//! All targets of a prober.
//!
//! Owns which there are and what is remembered of each between its probes. Must never forget one
//! while it is being probed: its place is free only when that is over.

use std::collections::BTreeMap;
use std::collections::HashMap;
use std::sync::Arc;

use tsg_core::health::check::CheckSpec;
use tsg_core::health::fact::Outcome;
use tsg_core::model::id::InstanceId;

use super::connection::Connection;
use super::lanes::Lane;
use super::outbox::Ability;
use super::plan::Plan;

/// Which check of which instance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Key {
    /// An assigned one.
    Check(InstanceId, u16),
    /// A control target, which tells the prober's own failures from others'.
    Control(u16),
}

/// What is to be probed, worked out.
pub struct Prepared {
    /// Which it is.
    pub key: Key,
    /// The check.
    pub spec: Arc<CheckSpec>,
    /// What to do, or what every probe finds without doing anything.
    pub plan: Result<Arc<Plan>, Outcome>,
}

/// Where a target stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Activity {
    /// Its time has not come.
    Idle,
    /// It waits for a slot.
    Waiting,
    /// It is being probed, for the n-th time.
    Running(Lane, u32),
}

/// One target.
pub struct Target {
    /// Which it is, what is asked and how.
    pub prepared: Prepared,
    /// Where it stands.
    pub activity: Activity,
    /// By what it draws its slot next time.
    pub lane: Lane,
    /// Its connection, if that was kept.
    pub kept: Option<Connection>,
    is_gone: bool,
    mark: u32,
}

/// All targets, by their places.
#[derive(Default)]
pub struct Roster {
    targets: Vec<Option<Target>>,
    places: HashMap<Key, u32>,
    free: Vec<u32>,
    turn: u32,
    mark: u32,
    kept: usize,
    /// Sockets in use if no target answers, in thousandths.
    silent_load: u64,
}

/// What became of a target that was set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// It is the same as before.
    Nothing,
    /// There is one more, at this place.
    Added(u32),
    /// One at this place went, another came.
    Replaced(u32, u32),
}

impl Roster {
    /// Begins a new look at all targets; those that are not set until [`Roster::leftover`] are
    /// leftovers.
    pub const fn begin(&mut self) {
        self.mark = self.mark.wrapping_add(1);
    }

    /// Takes in a target, or lets it go on if it is the same as before.
    pub fn set(&mut self, prepared: Prepared) -> Change {
        let mark = self.mark;
        let before = self.places.get(&prepared.key).copied();
        if let Some(target) = before.and_then(|place| self.get_mut(place))
            && target.prepared.is_same(&prepared)
        {
            target.mark = mark;
            return Change::Nothing;
        }
        let gone = before.filter(|place| self.drop_at(*place));
        self.silent_load += load(&prepared);
        let key = prepared.key;
        let target = Target { prepared, activity: Activity::Idle, lane: Lane::Slow, kept: None, is_gone: false, mark };
        let place = self.place(target);
        self.places.insert(key, place);
        gone.map_or(Change::Added(place), |gone| Change::Replaced(gone, place))
    }

    fn place(&mut self, target: Target) -> u32 {
        if let Some(place) = self.free.pop()
            && let Some(slot) = self.targets.get_mut(place as usize)
        {
            *slot = Some(target);
            return place;
        }
        self.targets.push(Some(target));
        u32::try_from(self.targets.len() - 1).unwrap_or(u32::MAX)
    }

    /// Lets a target go. Its place, if there was one.
    pub fn remove(&mut self, key: Key) -> Option<u32> {
        let place = self.places.get(&key).copied()?;
        self.drop_at(place).then_some(place)
    }

    fn drop_at(&mut self, place: u32) -> bool {
        let Some(target) = self.get_mut(place).filter(|target| !target.is_gone) else {
            return false;
        };
        target.is_gone = true;
        let (key, lost, load) = (target.prepared.key, target.kept.take(), load(&target.prepared));
        let is_idle = target.activity == Activity::Idle;
        self.kept -= usize::from(lost.is_some());
        self.silent_load = self.silent_load.saturating_sub(load);
        self.places.remove(&key);
        if is_idle {
            self.release(place);
        }
        true
    }

    fn release(&mut self, place: u32) {
        if let Some(slot) = self.targets.get_mut(place as usize) {
            *slot = None;
            self.free.push(place);
        }
    }

    /// One that is not idle any more has become so: frees its place if it was let go meanwhile.
    /// Whether it is still there.
    pub fn settle(&mut self, place: u32) -> bool {
        let Some(target) = self.get_mut(place) else {
            return false;
        };
        target.activity = Activity::Idle;
        let is_gone = target.is_gone;
        if is_gone {
            self.release(place);
        }
        !is_gone
    }

    /// The key of the target at a place, if it has not been set since the last look began.
    pub fn leftover(&self, place: u32) -> Option<Key> {
        let target = self.targets.get(place as usize)?.as_ref()?;
        let is_left = target.mark != self.mark && !target.is_gone && matches!(target.prepared.key, Key::Check(..));
        is_left.then_some(target.prepared.key)
    }

    /// Places there are, free ones too.
    pub fn places(&self) -> u32 {
        u32::try_from(self.targets.len()).unwrap_or(u32::MAX)
    }

    /// A target that has not been let go, or has been only while it was busy.
    pub fn get_mut(&mut self, place: u32) -> Option<&mut Target> {
        self.targets.get_mut(place as usize)?.as_mut()
    }

    /// A number that no earlier probe had, as far as anybody remembers.
    pub const fn next_turn(&mut self) -> u32 {
        self.turn = self.turn.wrapping_add(1);
        self.turn
    }

    /// Takes the connection of a target, to use it.
    pub fn take_connection(&mut self, place: u32) -> Option<Connection> {
        let connection = self.get_mut(place)?.kept.take();
        self.kept -= usize::from(connection.is_some());
        connection
    }

    /// Keeps a connection for the next probe, unless there are too many.
    pub fn keep(&mut self, place: u32, connection: Connection, kept_max: usize) {
        if self.kept >= kept_max {
            return;
        }
        if let Some(target) = self.get_mut(place) {
            target.kept = Some(connection);
            self.kept += 1;
        }
    }

    /// How many sockets are in use at once if no target answers.
    pub const fn silent_load(&self) -> u64 {
        self.silent_load / 1_000
    }

    /// Whether there is a target at a place that has not been let go.
    pub fn is_there(&self, place: u32) -> bool {
        self.targets.get(place as usize).and_then(Option::as_ref).is_some_and(|target| !target.is_gone)
    }
}

impl Prepared {
    fn is_same(&self, other: &Self) -> bool {
        let is_same_place = match (&self.plan, &other.plan) {
            (Ok(ours), Ok(theirs)) => ours.address == theirs.address,
            (Err(ours), Err(theirs)) => ours == theirs,
            _ => false,
        };
        is_same_place && (Arc::ptr_eq(&self.spec, &other.spec) || self.spec == other.spec)
    }
}

/// What a target adds to the sockets in use if it never answers, in thousandths of one.
fn load(prepared: &Prepared) -> u64 {
    let pacing = prepared.spec.pacing;
    let shortest = pacing.interval.min(pacing.unhealthy_interval).as_millis().max(1);
    if prepared.plan.is_ok() { pacing.timeout.as_millis() * 1_000 / shortest } else { 0 }
}

/// Which control targets were well when they were last looked at.
#[derive(Default)]
pub struct Controls {
    states: BTreeMap<u16, bool>,
}

impl Controls {
    /// So many, of which nothing is known yet.
    pub fn new(count: u16) -> Self {
        Self { states: (0..count).map(|number| (number, false)).collect() }
    }

    /// One was probed.
    pub fn note(&mut self, number: u16, outcome: Outcome) {
        if let Some(is_well) = self.states.get_mut(&number) {
            *is_well = matches!(outcome, Outcome::Passed | Outcome::Degraded);
        }
    }

    /// Whether the prober can believe what it finds: one control answers, or there are none.
    pub fn ability(&self) -> Ability {
        let is_able = self.states.is_empty() || self.states.values().any(|is_well| *is_well);
        if is_able { Ability::Able } else { Ability::Unable }
    }
}
