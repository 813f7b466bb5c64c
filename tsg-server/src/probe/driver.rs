//! The loop of a prober.
//!
//! Owns what happens in which order: changes of the targets, probes that ended, probes that are
//! due. One task for all of them; an idle target costs nothing but its memory. Must never wait
//! for anything but time, sockets and changes.

use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::future::AbortHandle;
use futures_util::stream::FuturesUnordered;
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, Sleep, sleep_until};
use tsg_core::health::fact::{Fact, Outcome};
use tsg_core::health::rota::Ended;
use tsg_core::model::id::InstanceId;

use super::attempt::Attempted;
use super::counts::Counters;
use super::files::FileBudget;
use super::job::{self, Done, Job, Running, wall_clock};
use super::lanes::{Lane, Lanes, RunOn, Ticket};
use super::outbox::{Finding, Outbox};
use super::roster::{Activity, Change, Controls, Key, Prepared, Roster};
use super::rounds::Rounds;

/// A change of the targets.
pub enum Command {
    /// These and no others.
    Replace(Vec<Prepared>),
    /// These come or change, those go.
    Update(Vec<Prepared>, Vec<Key>),
}

/// What is left to do of a change. Large ones are made in pieces, so that nobody is late.
enum Work {
    Begin,
    Set(std::vec::IntoIter<Prepared>),
    Remove(std::vec::IntoIter<Key>),
    Sweep(u32),
}

/// Targets that are looked at in one piece of a change.
const PIECE: usize = 512;
/// Probes that are begun in one turn.
const BEGIN_MAX: usize = 256;
/// A connection that is idle for longer is not worth its socket: most servers close it sooner.
const IDLE_MAX_MILLIS: u64 = 60_000;

/// What stays the same while a prober runs.
pub struct Fixed {
    /// What it is called.
    pub name: String,
    /// Its sockets.
    pub budget: FileBudget,
    /// Requests that one connection carries.
    pub uses_max: u32,
    /// After how long a running probe is not taken for prompt any more.
    pub patience: Duration,
}

/// A target that was due, in the queue for a slot.
struct Waiting {
    place: u32,
    due: Instant,
}

/// A probe that is one of those that answer at once, or may be, until then.
struct Watched {
    until: Instant,
    place: u32,
    ticket: Ticket,
}

/// Everything but the running probes.
pub struct Driver {
    fixed: Fixed,
    roster: Roster,
    rounds: Rounds,
    lanes: Lanes<Waiting, Running>,
    controls: Controls,
    watched: VecDeque<Watched>,
    outbox: Outbox,
    counters: Arc<Counters>,
    work: VecDeque<Work>,
    commands: mpsc::Receiver<Command>,
    stop: oneshot::Receiver<()>,
    /// Filled anew each time.
    due: Vec<(u32, Instant)>,
    timer: Pin<Box<Sleep>>,
    is_short: bool,
}

impl Driver {
    /// With nothing but control targets to probe.
    pub fn new(
        fixed: Fixed,
        controls: Vec<Prepared>,
        outbox: Outbox,
        counters: Arc<Counters>,
        (commands, stop): (mpsc::Receiver<Command>, oneshot::Receiver<()>),
    ) -> Self {
        let now = Instant::now();
        let lanes = Lanes::new(fixed.budget);
        Self {
            rounds: Rounds::new(&fixed.name, (now, wall_clock())),
            fixed,
            roster: Roster::default(),
            lanes,
            controls: Controls::new(u16::try_from(controls.len()).unwrap_or(u16::MAX)),
            watched: VecDeque::new(),
            outbox,
            counters,
            work: VecDeque::from([Work::Set(controls.into_iter())]),
            commands,
            stop,
            due: Vec::new(),
            timer: Box::pin(sleep_until(now)),
            is_short: false,
        }
    }

    /// Probes until it is stopped. What still runs then is dropped, with its sockets.
    pub async fn run(mut self) {
        let mut running = FuturesUnordered::new();
        self.judge_controls(Instant::now());
        std::future::poll_fn(|context| self.turn(context, &mut running, job::run)).await;
    }

    fn turn<F: Future<Output = Done>>(
        &mut self,
        context: &mut Context<'_>,
        running: &mut FuturesUnordered<F>,
        begin: impl Fn(Job) -> F,
    ) -> Poll<()> {
        loop {
            if Pin::new(&mut self.stop).poll(context).is_ready() {
                return Poll::Ready(());
            }
            let is_all_done = self.work_on(context);
            while let Poll::Ready(Some(done)) = running.poll_next_unpin(context) {
                self.finish(done);
            }
            self.queue_due();
            // First, since a full outbox lets nobody begin.
            self.outbox.flush(Instant::now());
            let begun = self.begin_waiting(running, &begin);
            self.make_room();
            self.counters.now(self.lanes.load());
            if !is_all_done || begun == BEGIN_MAX {
                // There is more to do at once, but sockets and time have to be looked at too.
                context.waker().wake_by_ref();
                return Poll::Pending;
            }
            if begun == 0 && self.is_waiting(context) {
                return Poll::Pending;
            }
        }
    }

    fn take_command(&mut self, command: Command) {
        match command {
            Command::Replace(all) => {
                self.work.extend([Work::Begin, Work::Set(all.into_iter()), Work::Sweep(0)]);
            }
            Command::Update(set, gone) => {
                self.work.extend([Work::Remove(gone.into_iter()), Work::Set(set.into_iter())]);
            }
        }
    }

    /// Makes a piece of what is left of the changes. Whether nothing is, and no new one has come.
    fn work_on(&mut self, context: &mut Context<'_>) -> bool {
        for _ in 0..PIECE {
            let Some(work) = self.work.pop_front() else {
                match self.commands.poll_recv(context) {
                    Poll::Ready(Some(command)) => self.take_command(command),
                    Poll::Ready(None) | Poll::Pending => return true,
                }
                continue;
            };
            if let Some(rest) = self.work_on_one(work) {
                self.work.push_front(rest);
            } else if self.work.is_empty() {
                self.warn_of_files();
            }
        }
        false
    }

    fn work_on_one(&mut self, work: Work) -> Option<Work> {
        match work {
            Work::Begin => {
                self.roster.begin();
                None
            }
            Work::Set(mut targets) => {
                self.set(targets.next()?);
                Some(Work::Set(targets))
            }
            Work::Remove(mut keys) => {
                self.remove(keys.next()?);
                Some(Work::Remove(keys))
            }
            Work::Sweep(place) if place < self.roster.places() => {
                if let Some(key) = self.roster.leftover(place) {
                    self.remove(key);
                }
                Some(Work::Sweep(place + 1))
            }
            Work::Sweep(_) => None,
        }
    }

    fn set(&mut self, prepared: Prepared) {
        let (key, pacing, spread_by) = (prepared.key, prepared.spec.pacing, prepared.place);
        let place = match self.roster.set(prepared) {
            Change::Nothing => return,
            Change::Added(place) => place,
            Change::Replaced(gone, place) => {
                self.let_go(key, gone);
                place
            }
        };
        let now = Instant::now();
        let beat = match key {
            Key::Check(instance, _) => (instance, spread_by),
            Key::Control(number) => (InstanceId::new(uuid::Uuid::nil()), number),
        };
        self.rounds.set(place, beat, &pacing, now);
        if matches!(key, Key::Control(_)) {
            // Until one answers, nothing can be said: they are looked at right away.
            self.queue(place, now);
        }
    }

    fn remove(&mut self, key: Key) {
        if let Some(place) = self.roster.remove(key) {
            self.let_go(key, place);
        }
    }

    fn let_go(&mut self, key: Key, place: u32) {
        self.rounds.remove(place);
        if let Key::Check(instance, check) = key {
            self.outbox.forget(instance, check);
        }
    }

    /// Everything that is due queues for a slot.
    fn queue_due(&mut self) {
        let now = Instant::now();
        self.slow_down(now);
        let mut due = std::mem::take(&mut self.due);
        self.rounds.begin(now, &mut due);
        due.drain(..).for_each(|(place, at)| self.queue(place, at));
        self.due = due;
    }

    fn queue(&mut self, place: u32, due: Instant) {
        let Some(target) = self.roster.get_mut(place).filter(|target| target.activity == Activity::Idle) else {
            return;
        };
        match target.prepared.plan {
            Ok(_) => {
                target.activity = Activity::Waiting;
                self.lanes.wait(target.lane, Waiting { place, due });
            }
            Err(outcome) => {
                let fact = Fact { at: wall_clock(), took: Duration::ZERO, outcome };
                let now = Instant::now();
                self.conclude(place, fact, now, now);
            }
        }
    }

    /// Those that get a slot begin. How many.
    fn begin_waiting<F: Future<Output = Done>>(
        &mut self,
        running: &FuturesUnordered<F>,
        begin: impl Fn(Job) -> F,
    ) -> usize {
        for begun in 0..BEGIN_MAX {
            if self.outbox.is_full() {
                return begun;
            }
            let Some((lane, Waiting { place, due })) = self.lanes.next() else {
                return begun;
            };
            if let Some(job) = self.job(place, due, lane) {
                running.push(begin(job));
            }
        }
        BEGIN_MAX
    }

    fn job(&mut self, place: u32, due: Instant, lane: Lane) -> Option<Job> {
        // One that was let go while it waited.
        if !self.roster.is_there(place) {
            self.roster.settle(place);
            return None;
        }
        let kept = self.roster.take_connection(place);
        self.roster.keep_at_most(self.lanes.free().saturating_sub(1));
        let target = self.roster.get_mut(place)?;
        let plan = Arc::clone(target.prepared.plan.as_ref().ok()?);
        let (handle, cut) = AbortHandle::new_pair();
        let ticket = self.lanes.begin(lane, Running { place, handle });
        target.activity = Activity::Running(ticket);
        let is_control = matches!(target.prepared.key, Key::Control(_));
        if matches!(lane, Lane::Prompt | Lane::New) && !is_control {
            self.watched.push_back(Watched { until: Instant::now() + self.fixed.patience, place, ticket });
        }
        Some(Job { place, due, lane, plan, kept, cut })
    }

    /// Probes that have run for too long are not counted among those that answer at once any more.
    fn slow_down(&mut self, now: Instant) {
        while self.watched.front().is_some_and(|watched| watched.until <= now) {
            let Some(Watched { place, ticket, .. }) = self.watched.pop_front() else { break };
            let Some(target) = self.roster.get_mut(place).filter(|target| target.activity == Activity::Running(ticket))
            else {
                continue;
            };
            match self.lanes.run_on(ticket) {
                RunOn::Counted(ticket) => target.activity = Activity::Running(ticket),
                RunOn::CutOff(lane, running) => self.cut(lane, &running),
                RunOn::Over => {}
            }
        }
    }

    /// Whoever has a slot that another one has a right to gives it back.
    fn make_room(&mut self) {
        while let Some((lane, running)) = self.lanes.take_back() {
            self.cut(lane, &running);
        }
    }

    /// It says nothing of the target that its probe was cut off: it is made anew as soon as there is
    /// room for it.
    fn cut(&mut self, lane: Lane, running: &Running) {
        running.handle.abort();
        if let Some(target) = self.roster.get_mut(running.place) {
            target.activity = Activity::CutOff(lane);
        }
    }

    fn finish(&mut self, done: Done) {
        let Done { place, lane, due, began, at, attempted } = done;
        let Some(target) = self.roster.get_mut(place) else {
            return;
        };
        match target.activity {
            Activity::Running(ticket) => self.lanes.leave(ticket),
            Activity::CutOff(_) => self.lanes.left(),
            Activity::Idle | Activity::Waiting => {}
        }
        let Some(Attempted { outcome, took, connection, is_reused }) = attempted else {
            return self.begin_again(place, due);
        };
        self.counters.began_late(lane, began.saturating_duration_since(due));
        if is_reused {
            self.counters.reused();
        }
        if let Some(kind) = target.prepared.kind() {
            self.counters.ended(kind, outcome, took);
        }
        target.note_answer(outcome, took, self.fixed.patience);
        let is_frequent = target.prepared.spec.pacing.interval.as_millis() <= IDLE_MAX_MILLIS;
        if !self.roster.settle(place) {
            return;
        }
        if let Some(connection) = connection.filter(|kept| is_frequent && kept.uses() < self.fixed.uses_max) {
            self.roster.keep(place, connection);
        }
        self.conclude(place, Fact { at, took, outcome }, began, Instant::now());
    }

    /// One that was cut off waits again, before those that have not begun.
    fn begin_again(&mut self, place: u32, due: Instant) {
        let Some(target) = self.roster.get_mut(place) else { return };
        if let Activity::CutOff(lane) = target.activity {
            target.activity = Activity::Waiting;
            self.lanes.wait_again(lane, Waiting { place, due });
        }
    }

    fn conclude(&mut self, place: u32, fact: Fact, began: Instant, now: Instant) {
        let ended = if matches!(fact.outcome, Outcome::Failed(_)) { Ended::Failing } else { Ended::Well };
        self.rounds.done(place, ended, now);
        let Some(target) = self.roster.get_mut(place) else {
            return;
        };
        match target.prepared.key {
            Key::Check(instance, check) => {
                self.outbox.put(Finding { instance, check, fact, waited: Duration::ZERO }, now);
            }
            Key::Control(number) => {
                self.controls.note(number, fact.outcome);
                self.judge_controls(now);
                if !matches!(fact.outcome, Outcome::Failed(_) | Outcome::Unjudged(_)) {
                    self.outbox.confirm(began, now);
                }
            }
        }
    }

    fn judge_controls(&mut self, now: Instant) {
        self.outbox.set_ability(self.controls.ability(), now);
    }

    /// Sets the timer for what comes next. Whether that is later.
    fn is_waiting(&mut self, context: &mut Context<'_>) -> bool {
        // Whoever waits for a slot gets it when the one that has it runs out of patience.
        let patience = self.watched.front().filter(|_| self.lanes.is_pressed()).map(|watched| watched.until);
        let next = [self.rounds.next_at(), self.outbox.flush_at(), patience].into_iter().flatten().min();
        let Some(next) = next else {
            return true;
        };
        if self.timer.deadline() != next {
            self.timer.as_mut().reset(next);
        }
        self.timer.as_mut().poll(context).is_pending()
    }

    fn warn_of_files(&mut self) {
        let (needed, slots) = (self.roster.silent_load(), self.fixed.budget.slow);
        let is_short = needed > slots as u64;
        if is_short && !self.is_short {
            tracing::warn!(
                needed,
                slots,
                "the limit on open files is too low for all targets of this prober to fall silent at once; \
                 raise it (ulimit -Hn) or have fewer targets on more probers, or checks of silent instances will be late"
            );
        }
        self.is_short = is_short;
    }
}
