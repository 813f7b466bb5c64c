//! An account's change feed, kept open beside its engine.
//!
//! Owns when it is opened again, and that whatever may have been missed meanwhile leads to a look at
//! the whole account. Must never tell the engine more than which machine to look at: what the feed
//! says may be late, wrong or missing.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::time::{Instant, sleep};
use tsg_cloudapi::client::{ChangeFeed, ClientError};
use tsg_core::model::id::InstanceId;
use tsg_core::ports::Entropy;
use tsg_core::ports::cloud::ErrorKind;
use tsg_engine::EngineHandle;

use crate::accounts::client::AccountClient;

/// First pause before a feed that was lost is opened again.
const PAUSE_FIRST: Duration = Duration::from_secs(1);
/// Longest such pause. Without a feed an account is seen as often as lists come, so there is no hurry.
const PAUSE_MAX: Duration = Duration::from_secs(60);
/// Pause where there is no feed: until the data centre is upgraded. The longest one where it is refused.
const PAUSE_ABSENT: Duration = Duration::from_secs(3600);
/// A feed that was open for so long works: the next pause is the first again.
const PROVEN_AFTER: Duration = Duration::from_secs(60);
/// By then CloudAPI has taken in what the feed is to tell, of which it says nothing: changes before
/// that may not have been told.
const REGISTERED_AFTER: Duration = Duration::from_secs(5);

/// The change feed of one account.
pub struct Feed {
    login: String,
    client: Arc<AccountClient>,
    entropy: Arc<dyn Entropy>,
    is_open: AtomicBool,
}

impl Feed {
    /// The feed of the account that `client` speaks for. Nothing is sent before it is listened to.
    pub fn new(login: &str, client: Arc<AccountClient>, entropy: Arc<dyn Entropy>) -> Self {
        Self { login: login.to_owned(), client, entropy, is_open: AtomicBool::new(false) }
    }

    /// Whether it is open now.
    pub fn is_open(&self) -> bool {
        self.is_open.load(Ordering::Relaxed)
    }

    /// Hands hints on to the engine that runs at that moment. Never returns; may be dropped any time.
    pub(super) async fn listen(&self, engine: impl Fn() -> EngineHandle + Send) {
        let mut course = Course::default();
        loop {
            match self.client.changefeed().await {
                Ok(feed) => {
                    course.note_open(&self.login);
                    let began = Instant::now();
                    let why = self.hear(feed, &engine).await;
                    course.note_lost(&self.login, began.elapsed(), &why);
                }
                Err(error) => course.note_refused(&self.login, &error),
            }
            sleep(spread(course.pause, self.entropy.draw())).await;
        }
    }

    /// Hears one feed to its end; why it ended.
    async fn hear(&self, mut feed: ChangeFeed, engine: &impl Fn() -> EngineHandle) -> String {
        let open = Open::new(&self.is_open);
        engine().note_missed_changes();
        let mut registered = pin!(sleep(REGISTERED_AFTER));
        let mut is_registered = false;
        let why = loop {
            tokio::select! {
                heard = feed.next() => match heard {
                    Ok(Some(hint)) => engine().note_change(InstanceId::new(hint.machine)),
                    Ok(None) => break "CloudAPI closed it".to_owned(),
                    Err(error) => break error.to_string(),
                },
                () = &mut registered, if !is_registered => {
                    is_registered = true;
                    engine().note_missed_changes();
                }
            }
        };
        drop(open);
        engine().note_missed_changes();
        why
    }
}

/// Up to half of a pause less or more: whatever ended the feeds of all accounts at once must not make
/// them all come back at once.
fn spread(pause: Duration, drawn: u128) -> Duration {
    let unit = (drawn >> 64) as u64 as f64 / u64::MAX as f64;
    pause.mul_f64(0.5 + unit)
}

/// Marks a feed as open until it is dropped, be it with the task.
struct Open<'a>(&'a AtomicBool);

impl<'a> Open<'a> {
    fn new(is_open: &'a AtomicBool) -> Self {
        is_open.store(true, Ordering::Relaxed);
        Self(is_open)
    }
}

impl Drop for Open<'_> {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Relaxed);
    }
}

/// What became of the attempts so far: how long to pause now, and what need not be said again.
#[derive(Debug, Default)]
struct Course {
    pause: Duration,
    said: Option<Said>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Said {
    Open,
    Absent,
    Failing,
}

impl Course {
    fn note_open(&mut self, login: &str) {
        if self.is_news(Said::Open) {
            tracing::info!(login, "the change feed is open");
        }
    }

    fn note_lost(&mut self, login: &str, lasted: Duration, why: &str) {
        if lasted >= PROVEN_AFTER {
            self.pause = Duration::ZERO;
        }
        self.back_off(PAUSE_MAX);
        tracing::debug!(login, why, pause = ?self.pause, "the change feed ended");
    }

    fn note_refused(&mut self, login: &str, error: &ClientError) {
        self.note_refusal(error.kind());
        if is_absent(error.kind()) {
            if self.is_news(Said::Absent) {
                tracing::info!(login, %error, "CloudAPI has no change feed; changes are seen when the account is listed");
            }
        } else if self.is_news(Said::Failing) {
            tracing::warn!(login, %error, "the change feed cannot be opened; it is tried again");
        }
    }

    fn note_refusal(&mut self, kind: ErrorKind) {
        match kind {
            _ if is_absent(kind) => self.pause = PAUSE_ABSENT,
            // A key that was just made may not be known everywhere; one that was removed comes back seldom.
            ErrorKind::Denied => self.back_off(PAUSE_ABSENT),
            _ => self.back_off(PAUSE_MAX),
        }
    }

    fn back_off(&mut self, limit: Duration) {
        let before = if self.pause > limit { Duration::ZERO } else { self.pause };
        self.pause = (before * 2).clamp(PAUSE_FIRST, limit);
    }

    fn is_news(&mut self, what: Said) -> bool {
        self.said.replace(what) != Some(what)
    }
}

/// Whether there is no feed. An old CloudAPI knows no such path.
fn is_absent(kind: ErrorKind) -> bool {
    matches!(kind, ErrorKind::Unsupported | ErrorKind::NotFound)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_a_bound_and_begin_anew_once_a_feed_has_lasted() {
        let mut course = Course::default();
        let mut lost_after = |seconds| {
            course.note_lost("demo", Duration::from_secs(seconds), "planted");
            course.pause.as_secs()
        };
        let pauses: Vec<u64> = [0, 0, 59, 0, 0, 0, 0, 0, 60, 0].map(&mut lost_after).into();
        assert_eq!(pauses, [1, 2, 4, 8, 16, 32, 60, 60, 1, 2]);
    }

    #[test]
    fn where_there_is_none_it_is_asked_for_seldom_and_that_is_said_once() {
        let mut course = Course::default();
        assert!(course.is_news(Said::Absent) && !course.is_news(Said::Absent) && course.is_news(Said::Open));
        let mut refused = |kind| {
            course.note_refusal(kind);
            course.pause.as_secs()
        };
        assert_eq!([ErrorKind::NotFound, ErrorKind::Unsupported].map(&mut refused), [3600, 3600]);
        assert_eq!([ErrorKind::Unavailable; 3].map(&mut refused), [1, 2, 4], "no worse for what was before");
        let denied: Vec<u64> = (0..12).map(|_| refused(ErrorKind::Denied)).collect();
        assert_eq!((denied[0], denied[11]), (8, 3600));
    }

    #[test]
    fn pauses_are_spread() {
        let pause = Duration::from_secs(10);
        assert_eq!((spread(pause, 0).as_secs(), spread(pause, u128::MAX).as_secs()), (5, 15));
    }
}
