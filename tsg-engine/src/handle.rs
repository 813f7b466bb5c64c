//! The handle on a running engine. Owns the ways in: wake, hint, stop, look and ask; must never carry in
//! what changes anything, since a wake-up only says "look again".

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use futures_channel::oneshot;
use futures_util::task::AtomicWaker;

use tsg_core::model::id::{GroupId, InstanceId};
use tsg_core::plan::output::PlanError;

use crate::board::{AccountHealth, Board, GroupView};
use crate::explanation::{Explanation, Topic};
use crate::hints::{Hint, Hints};
use crate::placement::{Occupancy, Survey};
use crate::rehearsal::{About, Preview, Question, Rehearsal};

/// How many wait for an answer at most.
const QUESTIONS_MAX: usize = 64;

/// A way into a running [`AccountEngine`](crate::AccountEngine). Cheap to clone.
#[derive(Debug, Clone)]
pub struct EngineHandle {
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    is_woken: AtomicBool,
    has_news: AtomicBool,
    hints: Hints,
    questions: Mutex<VecDeque<Question>>,
    is_stopped: AtomicBool,
    waker: AtomicWaker,
    board: Board,
}

impl EngineHandle {
    pub(crate) fn new() -> Self {
        Self { shared: Arc::new(Shared::default()) }
    }

    /// Says that something may have changed in the store. Calling it twice is like calling it
    /// once; calling it for nothing does no harm.
    pub fn wake(&self) {
        self.shared.is_woken.store(true, Ordering::Release);
        self.shared.waker.wake();
    }

    /// Says that something else may be believed of an instance's health. The store is not read for
    /// it.
    pub fn note_health(&self) {
        self.shared.has_news.store(true, Ordering::Release);
        self.shared.waker.wake();
    }

    /// Says that a machine may have changed. If it is one of the account's instances, the account is
    /// listed sooner than it would have been: within some seconds, however often this is said.
    /// Nothing else follows from it.
    pub fn note_change(&self, machine: InstanceId) {
        self.shared.hints.note(machine);
        self.note_health();
    }

    /// The same when it cannot be said which machine: changes may have been missed.
    pub fn note_missed_changes(&self) {
        self.shared.hints.note_anything();
        self.note_health();
    }

    /// Asks the engine to end: no new request is sent, answers to those under way are awaited
    /// for a moment, then its future is done. Dropping the future instead is safe too.
    pub fn stop(&self) {
        self.shared.is_stopped.store(true, Ordering::Release);
        self.shared.waker.wake();
    }

    /// Whether [`EngineHandle::stop`] was called.
    pub fn is_stopped(&self) -> bool {
        self.shared.is_stopped.load(Ordering::Acquire)
    }

    /// Whether both are handles on one engine: an engine that was started again is another one.
    pub fn is_of_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.shared, &other.shared)
    }

    /// Every group as it was last seen, ordered by id. A group that the engine has not looked
    /// at yet is not there.
    pub fn groups(&self) -> Vec<Arc<GroupView>> {
        self.shared.board.groups()
    }

    /// One group as it was last seen.
    pub fn group(&self, id: GroupId) -> Option<Arc<GroupView>> {
        self.shared.board.group(id)
    }

    /// How the account as a whole stands.
    pub fn health(&self) -> Arc<AccountHealth> {
        self.shared.board.health()
    }

    /// Where the account's instances stand; `None` before it was listed.
    pub fn occupancy(&self) -> Option<Arc<Occupancy>> {
        self.shared.board.occupancy()
    }

    /// What the engine would do with a group as everything stands, or with another capacity:
    /// planned as its own plans are, and not carried out. `None` when the engine has ended, has no
    /// such group, its store does not answer, or too many wait for an answer already. Whoever may
    /// drop the engine's future has to bound the wait.
    ///
    /// # Errors
    ///
    /// [`PlanError`]: the group's records do not fit together.
    pub async fn rehearse(&self, group: GroupId, capacity: Option<u32>) -> Option<Result<Rehearsal, PlanError>> {
        let (answer, answered) = oneshot::channel();
        self.ask(Question { group, about: About::Plan { capacity, answer } });
        answered.await.ok()
    }

    /// The same with what it means for places: where the group's instances stand, and where its creates
    /// would go. More work than [`Self::rehearse`]; `None` as there.
    ///
    /// # Errors
    ///
    /// As [`Self::rehearse`].
    pub async fn preview(&self, group: GroupId, capacity: Option<u32>) -> Option<Result<Preview, PlanError>> {
        let (answer, answered) = oneshot::channel();
        self.ask(Question { group, about: About::Preview { capacity, answer } });
        answered.await.ok()
    }

    /// Where an instance of a group may go, and where those that it has stand, as the newest list of the
    /// account shows it. `None` as with [`Self::rehearse`], and the same holds for the wait.
    pub async fn survey(&self, group: GroupId) -> Option<Survey> {
        let (answer, answered) = oneshot::channel();
        self.ask(Question { group, about: About::Placement { answer } });
        answered.await.ok()
    }

    /// Why a group or one of its instances stands as it does, drawn from the plan that would be made now.
    /// `None` as with [`Self::rehearse`], and the same holds for the wait.
    ///
    /// # Errors
    ///
    /// [`PlanError`]: the group's records do not fit together.
    pub async fn explain(&self, group: GroupId, topic: Topic) -> Option<Result<Explanation, PlanError>> {
        let (answer, answered) = oneshot::channel();
        self.ask(Question { group, about: About::Why { topic, answer } });
        answered.await.ok()
    }

    /// Asks, unless too many wait for an answer: then it hears nothing.
    fn ask(&self, question: Question) {
        let mut waiting = self.questions();
        waiting.retain(|question| !question.is_void());
        if waiting.len() < QUESTIONS_MAX {
            waiting.push_back(question);
        }
        drop(waiting);
        self.note_health();
        // One that has ended takes out no question any more.
        if self.is_stopped() {
            self.drop_questions();
        }
    }

    pub(crate) fn take_hints(&self) -> Hint {
        self.shared.hints.take()
    }

    /// The question that has waited longest. While there are others the engine is to look again.
    pub(crate) fn take_question(&self) -> Option<Question> {
        let mut waiting = self.questions();
        waiting.retain(|question| !question.is_void());
        let next = waiting.pop_front();
        let has_more = !waiting.is_empty();
        drop(waiting);
        if has_more {
            self.note_health();
        }
        next
    }

    /// Nobody will answer any more.
    pub(crate) fn drop_questions(&self) {
        self.questions().clear();
    }

    fn questions(&self) -> MutexGuard<'_, VecDeque<Question>> {
        self.shared.questions.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn board(&self) -> &Board {
        &self.shared.board
    }

    /// Ready once a wake-up or a stop has come in since the last call.
    pub(crate) fn calls(&self) -> Calls<'_> {
        Calls { shared: &self.shared }
    }
}

/// What came in through the handle.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Call {
    Wake,
    News,
    Stop,
}

/// Waits for the next call.
pub(crate) struct Calls<'a> {
    shared: &'a Shared,
}

impl Future for Calls<'_> {
    type Output = Call;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Call> {
        self.shared.waker.register(context.waker());
        if self.shared.is_stopped.load(Ordering::Acquire) {
            Poll::Ready(Call::Stop)
        } else if self.shared.is_woken.swap(false, Ordering::AcqRel) {
            Poll::Ready(Call::Wake)
        } else if self.shared.has_news.swap(false, Ordering::AcqRel) {
            Poll::Ready(Call::News)
        } else {
            Poll::Pending
        }
    }
}
