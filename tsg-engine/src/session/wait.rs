//! The one place where the engine waits: for an answer, a call or a moment. Owns the next
//! moment; must never do anything itself.

use std::pin::pin;
use std::task::Poll;

use core::time::Duration;

use futures_util::future::poll_fn;
use futures_util::{FutureExt as _, StreamExt as _};

use super::answers::Answer;
use super::{STORE_PAUSE, Session};
use crate::handle::Call;

/// With nothing else to do, the engine looks around this often.
const IDLE: Duration = Duration::from_secs(60);

/// What ended a wait.
pub(super) enum Woken {
    Answer(Box<Answer>),
    Call,
    /// Something else is believed of an instance.
    News,
    Time,
}

impl Session {
    pub(super) async fn wait(&mut self) -> Woken {
        let deadline = self.next_moment();
        let clock = self.ports.clock.clone();
        let mut sleep = pin!(clock.sleep_until(deadline));
        let mut calls = pin!(self.handle.calls());
        let answers = &mut self.answers;
        poll_fn(|context| {
            if let Poll::Ready(Some(answer)) = answers.poll_next_unpin(context) {
                return Poll::Ready(Woken::Answer(Box::new(answer)));
            }
            match calls.as_mut().poll(context) {
                Poll::Ready(Call::News) => return Poll::Ready(Woken::News),
                Poll::Ready(Call::Wake | Call::Stop) => return Poll::Ready(Woken::Call),
                Poll::Pending => {}
            }
            sleep.as_mut().poll(context).map(|()| Woken::Time)
        })
        .await
    }

    /// An answer that is there already.
    pub(super) fn next_answer_now(&mut self) -> Option<Answer> {
        self.answers.next().now_or_never().flatten()
    }

    pub(super) async fn wait_for_answer_until(&mut self, deadline: Duration) -> Option<Answer> {
        let clock = self.ports.clock.clone();
        let mut sleep = pin!(clock.sleep_until(deadline));
        let answers = &mut self.answers;
        poll_fn(|context| {
            if let Poll::Ready(answer) = answers.poll_next_unpin(context) {
                return Poll::Ready(answer);
            }
            sleep.as_mut().poll(context).map(|()| None)
        })
        .await
    }

    /// Waits before the store is asked again; true when the engine was stopped meanwhile.
    pub(super) async fn pause_for_store(&mut self) -> bool {
        let deadline = self.monotonic() + STORE_PAUSE;
        let clock = self.ports.clock.clone();
        let mut sleep = pin!(clock.sleep_until(deadline));
        let mut calls = pin!(self.handle.calls());
        poll_fn(|context| {
            if calls.as_mut().poll(context).is_ready() {
                return Poll::Ready(());
            }
            sleep.as_mut().poll(context)
        })
        .await;
        self.handle.is_stopped()
    }

    fn next_moment(&self) -> Duration {
        let now = self.monotonic();
        if now < self.store_retry_at {
            return self.store_retry_at;
        }
        let mut next = now + IDLE;
        let mut consider = |moment: Option<Duration>| {
            if let Some(moment) = moment {
                next = next.min(moment);
            }
        };
        consider(self.list_due_at(now));
        consider(self.next_doubt());
        consider(self.next_agenda());
        consider(self.weather.due_at().filter(|_| self.health.is_some()));
        let may_read = self.todo.has_reads() && !self.sight.is_locked_out();
        if may_read || (self.may_change() && self.todo.has_jobs(self.creates_left())) {
            consider(Some(self.pace.ready_at(now)));
        }
        if !self.unrecorded.is_empty() {
            consider(Some(now + STORE_PAUSE));
        }
        // A moment that has passed is looked at a millisecond from now, so that a mistake here
        // costs some work and never the whole processor.
        next.max(now + Duration::from_millis(1))
    }
}
