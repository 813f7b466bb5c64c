//! What happened to an account's instances and groups lately.
//!
//! Owns the newest events and their numbers. They are of this process: another one begins anew, and
//! its cursors say so. Must never make whoever tells an event wait for a reader.

mod cursor;

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;
use tsg_core::model::id::{GroupId, OperationId};
use tsg_core::model::time::Timestamp;
use tsg_engine::{Event, Witness};

pub use cursor::Cursor;

/// Events that are kept for each account.
const KEPT_MAX: usize = 4096;

/// The newest events of one account.
pub struct Chronicle {
    begun_at: Timestamp,
    kept: Mutex<Kept>,
    /// The number of the newest one; 0 before the first.
    newest: watch::Sender<u64>,
}

#[derive(Default)]
struct Kept {
    events: VecDeque<Arc<Event>>,
    /// The number of the oldest one that is kept, less one.
    forgotten: u64,
}

/// Some events, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Passage {
    /// Each with its number.
    pub events: Vec<(u64, Arc<Event>)>,
    /// Where to go on.
    pub cursor: Cursor,
    /// Whether there are more by now.
    pub has_more: bool,
    /// How many there were after the reader's place that nobody keeps any more.
    pub missed: u64,
    /// Whether the reader's place was one of another process.
    pub has_begun_anew: bool,
}

impl Chronicle {
    /// An empty one.
    pub fn new(begun_at: Timestamp) -> Self {
        Self { begun_at, kept: Mutex::default(), newest: watch::Sender::new(0) }
    }

    /// What happened after a place; without one, from the oldest that is kept. At most `limit`, of
    /// one group or of all.
    pub fn read(&self, after: Option<Cursor>, group: Option<GroupId>, limit: usize) -> Passage {
        let has_begun_anew = after.is_some_and(|after| after.begun_at != self.begun_at);
        let kept = self.lock();
        let place = after.filter(|_| !has_begun_anew).map(|after| after.number);
        let newest = kept.newest();
        let from = place.map_or(kept.forgotten, |place| place.clamp(kept.forgotten, newest));
        let is_meant = |event: &Event| group.is_none_or(|id| event.group.as_ref().is_some_and(|of| of.group == id));
        let skipped = usize::try_from(from - kept.forgotten).unwrap_or(usize::MAX);
        let mut meant = (from + 1..).zip(kept.events.iter().skip(skipped)).filter(|(_, event)| is_meant(event));
        let events: Vec<_> = meant.by_ref().take(limit).map(|(number, event)| (number, event.clone())).collect();
        let has_more = meant.next().is_some();
        let number = if has_more { events.last().map_or(from, |(number, _)| *number) } else { newest };
        let missed = place.map_or(0, |place| kept.forgotten.saturating_sub(place));
        Passage { events, cursor: self.cursor(number), has_more, missed, has_begun_anew }
    }

    /// The newest of what happened to one instance, oldest first.
    pub fn newest_of(&self, operation: OperationId, limit: usize) -> Vec<Arc<Event>> {
        let kept = self.lock();
        let is_of = |event: &&Arc<Event>| event.what.subject().is_some_and(|of| of.operation == operation);
        let mut newest: Vec<_> = kept.events.iter().rev().filter(is_of).take(limit).cloned().collect();
        newest.reverse();
        newest
    }

    /// The place just after an event.
    pub const fn cursor(&self, number: u64) -> Cursor {
        Cursor { begun_at: self.begun_at, number }
    }

    /// Returns once something has happened after a place of this process.
    pub async fn go_on(&self, after: Cursor) {
        let mut newest = self.newest.subscribe();
        // The sender is this very chronicle's: it cannot be gone.
        _ = newest.wait_for(|newest| *newest > after.number).await;
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Witness for Chronicle {
    fn note(&self, event: Event) {
        let number = {
            let mut kept = self.lock();
            if kept.events.len() >= KEPT_MAX {
                kept.events.pop_front();
                kept.forgotten += 1;
            }
            kept.events.push_back(Arc::new(event));
            kept.newest()
        };
        self.newest.send_replace(number);
    }
}

impl Kept {
    fn newest(&self) -> u64 {
        self.forgotten + self.events.len() as u64
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;
    use tsg_core::model::id::ComputeNodeId;
    use tsg_engine::{Occurrence, Place};
    use uuid::Uuid;

    use super::*;

    fn group(number: u128) -> GroupId {
        GroupId::new(Uuid::from_u128(number))
    }

    /// In group 1 if its number is odd.
    fn event(number: u64) -> Event {
        let place = Place { group: group(1), name: "web".parse().unwrap() };
        let node = ComputeNodeId::new(Uuid::from_u128(u128::from(number)));
        Event {
            at: Timestamp::from_millis(number.cast_signed()),
            group: (number % 2 == 1).then_some(place),
            what: Occurrence::Node { node, state: None },
        }
    }

    fn chronicle(events: u64) -> Chronicle {
        let chronicle = Chronicle::new(Timestamp::from_millis(7));
        (1..=events).for_each(|number| chronicle.note(event(number)));
        chronicle
    }

    fn numbers(passage: &Passage) -> Vec<u64> {
        passage.events.iter().map(|(number, _)| *number).collect()
    }

    #[test]
    fn a_reader_goes_on_where_it_was_and_is_told_each_event_once() {
        let chronicle = chronicle(5);
        let first = chronicle.read(None, None, 2);
        assert_eq!((numbers(&first), first.has_more, first.missed), (vec![1, 2], true, 0));
        assert_eq!(*first.events[1].1, event(2));
        let second = chronicle.read(Some(first.cursor), None, 2);
        let third = chronicle.read(Some(second.cursor), None, 2);
        assert_eq!((numbers(&second), numbers(&third), third.has_more), (vec![3, 4], vec![5], false));
        assert_eq!(numbers(&chronicle.read(Some(third.cursor), None, 2)), [0; 0]);
        chronicle.note(event(6));
        assert_eq!(numbers(&chronicle.read(Some(third.cursor), None, 2)), [6]);
    }

    #[test]
    fn what_happens_elsewhere_is_passed_over_and_not_looked_at_again() {
        let chronicle = chronicle(6);
        let first = chronicle.read(None, Some(group(1)), 2);
        assert_eq!((numbers(&first), first.has_more), (vec![1, 3], true));
        let second = chronicle.read(Some(first.cursor), Some(group(1)), 2);
        assert_eq!((numbers(&second), second.has_more, second.cursor.number), (vec![5], false, 6));
        assert_eq!(numbers(&chronicle.read(None, Some(group(2)), 2)), [0; 0]);
    }

    #[test]
    fn a_reader_that_fell_behind_is_told_how_much_it_missed() {
        let most = KEPT_MAX as u64;
        let chronicle = chronicle(most);
        let first = chronicle.read(None, None, 1).cursor;
        (most + 1..=most + 10).for_each(|number| chronicle.note(event(number)));
        assert_eq!(chronicle.lock().events.len(), KEPT_MAX, "no more are kept");
        let late = chronicle.read(Some(first), None, 1);
        assert_eq!((numbers(&late), late.missed), (vec![11], 9));
        assert_eq!(chronicle.read(None, None, 1).missed, 0, "one that begins misses nothing");
    }

    #[test]
    fn a_place_of_another_process_is_none_here() {
        let chronicle = chronicle(3);
        let before = Cursor { begun_at: Timestamp::from_millis(6), number: 2 };
        let passage = chronicle.read(Some(before), None, 9);
        assert_eq!((numbers(&passage), passage.has_begun_anew, passage.missed), (vec![1, 2, 3], true, 0));
        let ahead = Cursor { begun_at: Timestamp::from_millis(7), number: 99 };
        assert_eq!(chronicle.read(Some(ahead), None, 9).cursor.number, 3, "no such event was told yet");
    }

    #[tokio::test]
    async fn whoever_waits_is_woken_by_the_next_event() {
        let chronicle = chronicle(3);
        let at = |number| Cursor { begun_at: Timestamp::from_millis(7), number };
        chronicle.go_on(at(2)).await;
        assert!(chronicle.go_on(at(3)).now_or_never().is_none());
        let (waited, ()) = tokio::join!(chronicle.go_on(at(3)), async { chronicle.note(event(4)) });
        assert_eq!(waited, ());
    }
}
