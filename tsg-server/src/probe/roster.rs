//! All targets of a prober.
//!
//! Owns which there are and what is remembered of each between its probes. Must never forget one
//! while it is being probed: its place is free only when that is over.

use std::collections::BTreeMap;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tsg_core::health::check::CheckSpec;
use tsg_core::health::fact::{Failure, Outcome};
use tsg_core::model::id::InstanceId;

use super::connection::Connection;
use super::counts::ProbeKind;
use super::lanes::{Lane, Ticket};
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
    /// Where the check stands among those of its group.
    pub place: u16,
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
    /// It is being probed.
    Running(Ticket),
    /// It was being probed, had to give its slot back, and is to be probed as soon as it gets another.
    CutOff(Lane),
}

/// One target.
pub struct Target {
    /// Which it is, what is asked and how.
    pub prepared: Prepared,
    /// Where it stands.
    pub activity: Activity,
    /// By what it draws its slot next time.
    pub lane: Lane,
    /// Where its connection stands among those that are kept.
    kept: Option<usize>,
    is_gone: bool,
    mark: u32,
}

/// All targets, by their places.
#[derive(Default)]
pub struct Roster {
    targets: Vec<Option<Target>>,
    places: HashMap<Key, u32>,
    free: Vec<u32>,
    mark: u32,
    /// Connections that wait for the next probes of their targets, the one last used at the end.
    kept: Vec<(u32, Connection)>,
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
        // A control target never waits for others: without it nothing can be said of any.
        let lane = if matches!(key, Key::Control(_)) { Lane::Prompt } else { Lane::New };
        let target = Target { prepared, activity: Activity::Idle, lane, kept: None, is_gone: false, mark };
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
        let (key, load) = (target.prepared.key, load(&target.prepared));
        let is_idle = target.activity == Activity::Idle;
        self.take_connection(place);
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

    /// Takes the connection of a target, to use it.
    pub fn take_connection(&mut self, place: u32) -> Option<Connection> {
        let at = self.get_mut(place)?.kept.take()?;
        let (_, connection) = self.kept.swap_remove(at);
        if let Some((moved, _)) = self.kept.get(at)
            && let Some(target) = self.targets.get_mut(*moved as usize).and_then(Option::as_mut)
        {
            target.kept = Some(at);
        }
        Some(connection)
    }

    /// Keeps a connection for the next probe.
    pub fn keep(&mut self, place: u32, connection: Connection) {
        let at = self.kept.len();
        if let Some(target) = self.get_mut(place) {
            target.kept = Some(at);
            self.kept.push((place, connection));
        }
    }

    /// Closes connections until only so many are kept: those first that were used last, whose
    /// targets have the longest time until they are probed again.
    pub fn keep_at_most(&mut self, count: usize) {
        while self.kept.len() > count {
            if let Some((place, _)) = self.kept.pop()
                && let Some(target) = self.get_mut(place)
            {
                target.kept = None;
            }
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

impl Target {
    /// A probe of it is over: by what the next one draws its slot.
    pub fn note_answer(&mut self, outcome: Outcome, took: Duration, patience: Duration) {
        self.lane = match outcome {
            _ if matches!(self.prepared.key, Key::Control(_)) => Lane::Prompt,
            Outcome::Failed(Failure::TimedOut(_)) => Lane::Silent,
            _ if took > patience => Lane::Late,
            _ => Lane::Prompt,
        };
    }
}

impl Prepared {
    /// As what its probes are counted.
    pub fn kind(&self) -> Option<ProbeKind> {
        match self.key {
            Key::Check(..) => ProbeKind::of(&self.spec.kind),
            Key::Control(_) => Some(ProbeKind::Control),
        }
    }

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

#[cfg(test)]
mod tests {
    use super::*;
    use tsg_core::health::fact::Stage;
    use uuid::Uuid;

    fn targets(count: u16) -> Roster {
        let mut roster = Roster::default();
        let spec: Arc<CheckSpec> = Arc::new("tcp:22".parse().unwrap());
        for check in 0..count {
            let key = Key::Check(InstanceId::new(Uuid::nil()), check);
            let plan = Err(Outcome::Failed(Failure::TimedOut(Stage::Connect)));
            roster.set(Prepared { key, place: check, spec: Arc::clone(&spec), plan });
        }
        roster
    }

    /// Which of the targets have a connection, taken from them.
    fn kept(roster: &mut Roster) -> Vec<u32> {
        (0..roster.places()).filter(|place| roster.take_connection(*place).is_some()).collect()
    }

    #[tokio::test]
    async fn a_connection_is_kept_for_its_own_target() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let mut roster = targets(4);
        for place in 0..4 {
            roster.keep(place, Connection::open(address).await.unwrap());
        }
        assert!(roster.take_connection(1).is_some() && roster.take_connection(1).is_none());
        roster.keep_at_most(2);
        assert_eq!(kept(&mut roster), [0, 3], "the third one is now the last");
        assert_eq!(kept(&mut roster), Vec::<u32>::new());
    }

    #[tokio::test]
    async fn who_is_let_go_takes_the_connection_along() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let mut roster = targets(2);
        for place in 0..2 {
            roster.keep(place, Connection::open(address).await.unwrap());
        }
        roster.remove(Key::Check(InstanceId::new(Uuid::nil()), 0));
        assert_eq!((roster.kept.len(), kept(&mut roster)), (1, vec![1]));
    }
}
