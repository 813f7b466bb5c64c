//! A tiny single-threaded executor in virtual time: it polls what is ready, and when nothing is, it
//! moves the clock to the next timer. It can crash a task at any await and pause one as SIGSTOP
//! does. It never waits for real and never does anything in an order of its own: two runs of the
//! same tasks are the same to the last poll.

use std::collections::{BTreeMap, VecDeque};
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use crate::virtual_time::VirtualTime;

/// A task's handle.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TaskId(u64);

/// Why [`Executor::run_until`] returned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Halt {
    /// The condition holds.
    Satisfied,
    /// Virtual time reached the deadline first.
    Deadline,
    /// Nothing is ready, no timer is set and nothing is planned: it would stay like this for ever.
    Idle,
}

/// Runs futures in virtual time.
///
/// ```
/// use std::time::Duration;
/// use tsg_sim::executor::{Executor, Halt};
/// use tsg_sim::virtual_time::VirtualTime;
/// use tsg_sim::world::SimTime;
///
/// let time = VirtualTime::starting_at(SimTime::WORLD_START);
/// let mut executor = Executor::new(time.clone());
/// let task = executor.spawn(time.sleep_until_elapsed(Duration::from_secs(3600)));
/// let halt = executor.run_until(Duration::MAX, |executor| executor.is_over(task));
/// assert_eq!(halt, Halt::Satisfied);
/// assert_eq!(time.elapsed(), Duration::from_secs(3600));
/// ```
pub struct Executor {
    time: VirtualTime,
    tasks: BTreeMap<TaskId, Task>,
    ready: Arc<ReadyQueue>,
    plans: BTreeMap<(Duration, u64), Intervention>,
    last_id: u64,
    polls: u64,
    trace: u64,
}

struct Task {
    future: Pin<Box<dyn Future<Output = ()>>>,
    waker: Waker,
    polls: u64,
    crash_after: Option<u64>,
    paused_until: Option<Duration>,
    was_woken_in_pause: bool,
}

#[derive(Debug, Clone, Copy)]
enum Intervention {
    Crash(TaskId),
    Pause(TaskId, Duration),
    Resume(TaskId),
}

/// Tasks that were woken, in order, each once.
#[derive(Debug, Default)]
struct ReadyQueue {
    tasks: Mutex<VecDeque<TaskId>>,
}

impl ReadyQueue {
    fn push(&self, task: TaskId) {
        let mut tasks = self.tasks.lock().unwrap_or_else(PoisonError::into_inner);
        if !tasks.contains(&task) {
            tasks.push_back(task);
        }
    }

    fn pop(&self) -> Option<TaskId> {
        self.tasks.lock().unwrap_or_else(PoisonError::into_inner).pop_front()
    }
}

struct TaskWaker {
    task: TaskId,
    ready: Arc<ReadyQueue>,
}

impl Wake for TaskWaker {
    fn wake(self: Arc<Self>) {
        self.ready.push(self.task);
    }
}

impl Executor {
    /// An executor that moves this clock.
    #[must_use]
    pub fn new(time: VirtualTime) -> Self {
        Self {
            time,
            tasks: BTreeMap::new(),
            ready: Arc::new(ReadyQueue::default()),
            plans: BTreeMap::new(),
            last_id: 0,
            polls: 0,
            trace: FNV_OFFSET,
        }
    }

    /// The clock it moves.
    #[must_use]
    pub const fn time(&self) -> &VirtualTime {
        &self.time
    }

    /// Starts a task.
    pub fn spawn(&mut self, future: impl Future<Output = ()> + 'static) -> TaskId {
        self.last_id += 1;
        let id = TaskId(self.last_id);
        let waker = Waker::from(Arc::new(TaskWaker { task: id, ready: Arc::clone(&self.ready) }));
        let task = Task {
            future: Box::pin(future),
            waker,
            polls: 0,
            crash_after: None,
            paused_until: None,
            was_woken_in_pause: false,
        };
        self.tasks.insert(id, task);
        self.ready.push(id);
        id
    }

    /// Whether a task has ended or was crashed.
    #[must_use]
    pub fn is_over(&self, task: TaskId) -> bool {
        !self.tasks.contains_key(&task)
    }

    /// Crashes a task now: its future is dropped where it stands.
    pub fn crash(&mut self, task: TaskId) {
        self.tasks.remove(&task);
    }

    /// Crashes a task at the await it stands at after its `polls`-th poll from now.
    pub fn crash_after_polls(&mut self, task: TaskId, polls: u64) {
        if let Some(task) = self.tasks.get_mut(&task) {
            task.crash_after = Some(task.polls + polls);
        }
    }

    /// Crashes a task when virtual time reaches `at`.
    pub fn crash_at(&mut self, task: TaskId, at: Duration) {
        self.plan(at, Intervention::Crash(task));
    }

    /// Stops a task at `at` as SIGSTOP would, and lets it go on `length` later. Time and timers go
    /// on meanwhile; the task only finds out afterwards.
    pub fn pause_at(&mut self, task: TaskId, at: Duration, length: Duration) {
        self.plan(at, Intervention::Pause(task, at.saturating_add(length)));
    }

    /// How many polls a task has had; `None` when it is over.
    #[must_use]
    pub fn polls_of(&self, task: TaskId) -> Option<u64> {
        self.tasks.get(&task).map(|task| task.polls)
    }

    /// All polls so far.
    #[must_use]
    pub const fn polls(&self) -> u64 {
        self.polls
    }

    /// A hash of every poll so far: which task, when, and with what result. Equal runs have equal
    /// traces.
    #[must_use]
    pub const fn trace(&self) -> u64 {
        self.trace
    }

    /// Runs until `is_enough` holds (asked whenever nothing is ready), virtual time has reached
    /// `deadline`, or nothing can ever happen again.
    pub fn run_until(&mut self, deadline: Duration, mut is_enough: impl FnMut(&Self) -> bool) -> Halt {
        loop {
            while let Some(task) = self.ready.pop() {
                self.poll(task);
            }
            if is_enough(self) {
                return Halt::Satisfied;
            }
            let plan = self.plans.first_key_value().map(|((at, _), _)| *at);
            let timer = self.time.next_timer();
            let Some(next) = [plan, timer].into_iter().flatten().min() else { return Halt::Idle };
            if next > deadline {
                self.time.advance_to(deadline);
                return Halt::Deadline;
            }
            self.time.advance_to(next);
            self.intervene(next);
        }
    }

    fn plan(&mut self, at: Duration, intervention: Intervention) {
        self.last_id += 1;
        self.plans.insert((at, self.last_id), intervention);
    }

    fn intervene(&mut self, now: Duration) {
        while let Some(entry) = self.plans.first_entry().filter(|entry| entry.key().0 <= now) {
            match entry.remove() {
                Intervention::Crash(task) => self.crash(task),
                Intervention::Pause(task, until) => self.pause(task, until),
                Intervention::Resume(task) => self.resume(task, now),
            }
        }
    }

    fn pause(&mut self, id: TaskId, until: Duration) {
        if let Some(task) = self.tasks.get_mut(&id) {
            task.paused_until = task.paused_until.max(Some(until));
            self.plan(until, Intervention::Resume(id));
        }
    }

    fn resume(&mut self, id: TaskId, now: Duration) {
        let Some(task) = self.tasks.get_mut(&id).filter(|task| task.paused_until <= Some(now)) else { return };
        task.paused_until = None;
        if std::mem::take(&mut task.was_woken_in_pause) {
            self.ready.push(id);
        }
    }

    fn poll(&mut self, id: TaskId) {
        let Some(task) = self.tasks.get_mut(&id) else { return };
        if task.paused_until.is_some() {
            task.was_woken_in_pause = true;
            return;
        }
        task.polls += 1;
        self.polls += 1;
        let waker = task.waker.clone();
        let result = task.future.as_mut().poll(&mut Context::from_waker(&waker));
        let is_crash = task.crash_after == Some(task.polls);
        let is_done = result == Poll::Ready(());
        self.note(id, u64::from(is_done) + 2 * u64::from(is_crash));
        if is_done || is_crash {
            self.tasks.remove(&id);
        }
    }

    fn note(&mut self, task: TaskId, result: u64) {
        let millis = u64::try_from(self.time.elapsed().as_millis()).unwrap_or(u64::MAX);
        for word in [task.0, millis, result] {
            for byte in word.to_le_bytes() {
                self.trace = (self.trace ^ u64::from(byte)).wrapping_mul(FNV_PRIME);
            }
        }
    }
}

/// FNV-1a, 64 bits: enough to tell two runs apart.
const FNV_OFFSET: u64 = 0xcbf2_9ce4_8422_2325;
const FNV_PRIME: u64 = 0x0000_0100_0000_01b3;

/// Gives every other task its turn once: an await at which a task can be crashed or paused even
/// though it need not wait for anything.
pub fn yield_now() -> impl Future<Output = ()> + Send {
    let mut has_yielded = false;
    std::future::poll_fn(move |context| {
        if std::mem::replace(&mut has_yielded, true) {
            return Poll::Ready(());
        }
        context.waker().wake_by_ref();
        Poll::Pending
    })
}
