//! Who is listed.
//!
//! Owns that what is not ready is taken out of discovery, and when that does more harm than good.
//! Must never take out what nobody can tell of, and never put back what is not ready.

use alloc::vec::Vec;
use core::cmp::Reverse;
use core::fmt;
use core::time::Duration;

use super::spec::Discovery;
use super::verdict::Judgement;
use crate::count;
use crate::model::id::InstanceId;
pub use crate::model::listing::Listing;
use crate::model::time::Timestamp;
use crate::plan::input::Verdict;

/// An instance as far as discovery goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry {
    /// Which one.
    pub instance: InstanceId,
    /// What is believed of it; `None` while it is not judged.
    pub judgement: Option<Judgement>,
    /// Whether it is listed.
    pub listing: Listing,
}

/// Something to be done, and why.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Change {
    /// Which instance.
    pub instance: InstanceId,
    /// What becomes of it.
    pub to: ListedAs,
    /// Why.
    pub why: Why,
}

/// What becomes of an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ListedAs {
    /// It is listed.
    Listed,
    /// It is not.
    Delisted,
}

/// Why an entry changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// It has not been ready for so long.
    NotReady {
        /// How long.
        since: Duration,
    },
    /// It has been ready for so long.
    Ready {
        /// How long.
        since: Duration,
    },
}

/// Why entries stay that should not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Alarm {
    /// So many are not ready that it is likelier that the checks are wrong.
    Panic {
        /// How many are not ready.
        unready: u32,
        /// Of how many.
        of: u32,
        /// How many may be.
        most: u32,
    },
    /// Too few would be left.
    TooFew {
        /// How many stay although they should not.
        kept: u32,
        /// How many have to be left.
        least: u32,
    },
}

impl fmt::Display for Alarm {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Panic { unready, of, most } => {
                write!(out, "{unready} of {of} are not ready, more than the {most} of `discovery.panic`")
            }
            Self::TooFew { kept, least } => {
                write!(out, "{kept} stay listed although not ready, for `discovery.min_listed` of {least}")
            }
        }
    }
}

/// What is to be done about the entries of a group.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Outlook {
    /// The changes, those of newcomers first.
    pub changes: Vec<Change>,
    /// Those that stay although they should not, in the order of the entries.
    pub kept: Vec<InstanceId>,
    /// Why they do.
    pub alarm: Option<Alarm>,
    /// When there may be more to do, if everything stays as it is.
    pub next_at: Option<Timestamp>,
}

/// Who of a group is to be listed.
///
/// ```
/// use tsg_core::health::discovery::{Alarm, Entry, ListedAs, Listing, Why, review};
/// use tsg_core::health::spec::Discovery;
/// use tsg_core::health::verdict::Judgement;
/// # use core::time::Duration;
/// # use tsg_core::model::id::InstanceId;
/// # use tsg_core::model::time::Timestamp;
/// # let at = |second: i64| Timestamp::from_millis(second * 1000);
/// # let id = |number| InstanceId::new(uuid::Uuid::from_u128(number));
///
/// let ready = Judgement::unknown(at(0));
/// let failing = Judgement { is_ready: false, ..ready };
/// let entry = |number, judgement| {
///     Entry { instance: id(number), judgement: Some(judgement), listing: Listing::Listed }
/// };
/// let discovery = Discovery::default();
///
/// let one = review(&[entry(1, ready), entry(2, failing), entry(3, ready)], &discovery, at(10));
/// assert_eq!((one.changes[0].instance, one.changes[0].to), (id(2), ListedAs::Delisted));
/// assert_eq!(one.changes[0].why, Why::NotReady { since: Duration::from_secs(10) });
///
/// let most = review(&[entry(1, ready), entry(2, failing), entry(3, failing)], &discovery, at(10));
/// assert!(most.changes.is_empty());
/// assert_eq!(most.alarm, Some(Alarm::Panic { unready: 2, of: 3, most: 1 }));
/// ```
pub fn review(entries: &[Entry], discovery: &Discovery, now: Timestamp) -> Outlook {
    let mut outlook = Outlook::default();
    let mut wants: Vec<(usize, Why)> = Vec::new();
    for (place, entry) in entries.iter().enumerate() {
        match entry.wish(discovery, now) {
            Wish::Stay => {}
            Wish::Wait(until) => outlook.next_at = Some(outlook.next_at.map_or(until, |next| next.min(until))),
            Wish::Enter(why) => {
                outlook.changes.push(Change { instance: entry.instance, to: ListedAs::Listed, why });
            }
            Wish::Leave(why) => wants.push((place, why)),
        }
    }
    let mut kept = keep_in_panic(entries, discovery, &mut wants, &mut outlook);
    kept.extend(keep_least(entries, discovery, &mut wants, &mut outlook));
    kept.sort_unstable();
    outlook.kept = kept.into_iter().filter_map(|place| entries.get(place)).map(|entry| entry.instance).collect();
    wants.sort_unstable_by_key(|(place, _)| *place);
    let leave = |(place, why): (usize, Why)| {
        Some(Change { instance: entries.get(place)?.instance, to: ListedAs::Delisted, why })
    };
    outlook.changes.extend(wants.into_iter().filter_map(leave));
    outlook
}

/// What should become of an entry if it were alone.
enum Wish {
    Stay,
    Wait(Timestamp),
    Enter(Why),
    Leave(Why),
}

impl Entry {
    fn wish(&self, discovery: &Discovery, now: Timestamp) -> Wish {
        let is_listed = self.listing.is_listed();
        let Some(Judgement { is_ready, ready_since, verdict, .. }) = self.judgement else { return Wish::Stay };
        // Who is not listed enters once it is seen to pass, and not because nobody can tell.
        let is_unproved = !is_listed && verdict == Verdict::Unknown;
        if is_ready == is_listed || is_unproved {
            return Wish::Stay;
        }
        let wait = if is_ready { discovery.up_after } else { discovery.down_after };
        let (since, due_at) = (now.since(ready_since), ready_since.after(wait.as_duration()));
        match is_ready {
            _ if now < due_at => Wish::Wait(due_at),
            true => Wish::Enter(Why::Ready { since }),
            false => Wish::Leave(Why::NotReady { since }),
        }
    }

    fn is_unready(&self) -> bool {
        self.judgement.is_some_and(|judgement| !judgement.is_ready)
    }

    /// Never listed, and not because nobody has come to it yet.
    fn is_starting(&self) -> bool {
        self.listing == Listing::NotYet && self.judgement.is_none_or(|judgement| !judgement.is_ready)
    }

    /// The worse, the less: one that is ready is better than any that is not, and of those the
    /// one that was ready last.
    fn worth(&self) -> (bool, Option<Timestamp>) {
        let unready_since =
            self.judgement.filter(|judgement| !judgement.is_ready).map(|judgement| judgement.ready_since);
        (!self.is_unready(), unready_since)
    }
}

/// If too many of all that ever were ready are not, those that are listed stay so. Who is not
/// ready for long enough yet counts as well, so that what fails one after the other is seen to fail
/// together.
fn keep_in_panic(
    entries: &[Entry],
    discovery: &Discovery,
    wants: &mut Vec<(usize, Why)>,
    outlook: &mut Outlook,
) -> Vec<usize> {
    let settled = entries.iter().filter(|entry| !entry.is_starting());
    let of = count::of(settled.clone().count());
    let unready = count::of(settled.filter(|entry| entry.is_unready()).count());
    let most = discovery.panic.of_rounded_down(of);
    if wants.is_empty() || unready <= most {
        return Vec::new();
    }
    outlook.alarm = Some(Alarm::Panic { unready, of, most });
    wants.drain(..).map(|(place, _)| place).collect()
}

/// Of those that should leave the best stay, so that enough are left.
fn keep_least(
    entries: &[Entry],
    discovery: &Discovery,
    wants: &mut Vec<(usize, Why)>,
    outlook: &mut Outlook,
) -> Vec<usize> {
    // Those that enter count once they are in: that may fail.
    let listed = entries.iter().filter(|entry| entry.listing.is_listed()).count();
    let least = discovery.min_listed.of_rounded_up(count::of(entries.len()));
    let may_leave = listed.saturating_sub(least as usize);
    if wants.len() <= may_leave {
        return Vec::new();
    }
    wants.sort_by_key(|(place, _)| (entries.get(*place).map(Entry::worth), Reverse(*place)));
    let kept: Vec<usize> = wants.drain(may_leave..).map(|(place, _)| place).collect();
    outlook.alarm = outlook.alarm.or(Some(Alarm::TooFew { kept: count::of(kept.len()), least }));
    kept
}
