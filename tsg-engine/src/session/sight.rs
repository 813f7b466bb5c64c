//! What the engine has seen of the account, and how far it may be believed.
//!
//! Owns the newest complete list with everything seen since, the lock-out and the self-test.
//! Must never conclude that a machine is gone; `protocol::absence` does.

use std::collections::BTreeMap;

use core::time::Duration;

use tsg_core::model::id::{GroupId, InstanceId};
use tsg_core::model::instance::{ObservedInstance, Snapshot};
use tsg_core::model::nic::Nics;
use tsg_core::model::time::Timestamp;
use tsg_core::observe::lasting::LastingStates;
use tsg_core::observe::paging::{CompleteList, Paging};
use tsg_core::observe::trust::ViewWatch;
use tsg_core::plan::input::{View, ViewTrust};
use tsg_core::ports::cloud::CloudError;
use tsg_core::protocol::create::is_locked_out;
use tsg_core::protocol::quiet::SelfTest;

use crate::board::Trouble;
use crate::placement::Carried;

/// Replies of 401 in a row that lock the account: one may be a key that is just being replaced.
const STRIKES: u8 = 2;
/// First wait before a locked account is probed again.
const PROBE_FIRST: Duration = Duration::from_secs(60);
/// Longest wait before a locked account is probed again.
const PROBE_MAX: Duration = Duration::from_secs(30 * 60);
/// A self-test is good for this long.
const TEST_FRESH: Duration = Duration::from_secs(30);
/// First wait after a list that failed.
const RETRY_FIRST: Duration = Duration::from_secs(1);
/// Longest wait after lists that failed.
const RETRY_MAX: Duration = Duration::from_secs(60);

/// A list being read.
pub(super) struct Listing {
    pub(super) began: Duration,
    pub(super) pages: u32,
    /// `None` while a page is under way.
    pub(super) paging: Option<Paging>,
}

struct LockOut {
    wait: Duration,
    probe_at: Duration,
}

impl LockOut {
    fn put_off(&mut self, now: Duration) {
        self.wait = (self.wait * 2).min(PROBE_MAX);
        self.probe_at = now + self.wait;
    }
}

/// What was seen of the account.
#[derive(Default)]
pub(super) struct Sight {
    /// The newest complete list, with everything seen since written into it.
    pub(super) snapshot: Snapshot,
    /// What the machines of that list carry, if rules ask for it. What was seen since is not in it.
    pub(super) carried: Option<Carried>,
    /// The NICs of the machines of that list, if checks name networks. They may be older than what
    /// was seen since.
    pub(super) nics: Option<Nics>,
    /// Its machines as a join needs them, and since when they are so.
    pub(super) lasting: LastingStates,
    pub(super) watch: ViewWatch,
    /// The ledger has forgotten what the cloud shows.
    pub(super) is_ledger_behind: bool,
    /// Slots taken up by machines that are no members, by group.
    pub(super) orphans: BTreeMap<GroupId, u32>,
    /// Machines that nobody may touch, for a person to look at.
    pub(super) strangers: Vec<InstanceId>,
    pub(super) listing: Option<Listing>,
    pub(super) list_began: Option<Duration>,
    /// Whether the newest list was asked for what machines carry.
    pub(super) is_labelled: bool,
    /// Whether it was asked for the addresses of all NICs.
    pub(super) is_addressed: bool,
    pub(super) list_pages: u32,
    /// Until when machines may come or go that were asked to.
    pub(super) awaited_until: Duration,
    list_failures: u32,
    list_not_before: Duration,
    completed_at: Option<Duration>,
    /// What single replies showed, with the time they were asked for.
    glimpses: BTreeMap<InstanceId, (Timestamp, ObservedInstance)>,
    /// When a missing machine may be asked for again.
    pub(super) ask_again: BTreeMap<InstanceId, Duration>,
    strikes: u8,
    locked: Option<LockOut>,
    tested_green: Option<Duration>,
    pub(super) test_asked: Option<Duration>,
    /// How far the cloud's clock was behind ours in the newest reply that told.
    cloud_behind: Duration,
    pub(super) trouble: Option<Trouble>,
}

impl Sight {
    /// How far the newest look may be believed. One that is older than `stale_after` says
    /// nothing any more.
    pub(super) fn view(&self, now: Duration, stale_after: Duration) -> View {
        let is_fresh = self.completed_at.is_some_and(|at| now.saturating_sub(at) <= stale_after);
        let trust = match self.watch.trust() {
            _ if self.locked.is_some() => ViewTrust::LockedOut,
            _ if !is_fresh => ViewTrust::Unobserved,
            _ if self.is_ledger_behind => ViewTrust::LedgerBehind,
            trust => trust,
        };
        View { taken_at: self.snapshot.taken_at, trust }
    }

    /// A complete list came in: what single replies showed since it began is newer.
    pub(super) fn take_list(&mut self, list: CompleteList, began: Duration, pages: u32, now: Duration) {
        let CompleteList { snapshot: mut list, labels, nics } = list;
        self.carried = labels.map(Carried::of);
        self.nics = nics;
        self.glimpses.retain(|_, (asked_at, _)| *asked_at >= list.taken_at);
        for (_, seen) in self.glimpses.values() {
            list.instances.insert(*seen);
        }
        self.lasting.note_all(&list);
        self.snapshot = list;
        self.list_began = Some(began);
        self.list_pages = pages.max(1);
        self.list_failures = 0;
        self.completed_at = Some(now);
    }

    /// A single reply, asked for at `asked_at`, showed a machine.
    pub(super) fn glimpse(&mut self, asked_at: Timestamp, seen: ObservedInstance) {
        self.glimpses.insert(seen.id, (asked_at, seen));
        self.lasting.note(&seen, asked_at);
        self.snapshot.instances.insert(seen);
    }

    /// A list failed: the next one waits, longer each time.
    pub(super) fn note_list_failed(&mut self, now: Duration, jitter: f64) {
        self.listing = None;
        let doubled = RETRY_FIRST.saturating_mul(1 << self.list_failures.min(10)).min(RETRY_MAX);
        self.list_failures = self.list_failures.saturating_add(1);
        self.list_not_before = now + doubled.mul_f64(0.75 + 0.5 * jitter);
    }

    /// A list was discarded because the account changed under it: the next one begins at once.
    pub(super) fn note_list_discarded(&mut self) {
        self.listing = None;
        self.list_began = None;
    }

    pub(super) fn list_not_before(&self) -> Duration {
        self.list_not_before
    }

    /// Lists that failed in a row.
    pub(super) fn list_failures(&self) -> u32 {
        self.list_failures
    }

    /// Learns from any reply whether the credentials are accepted.
    pub(super) fn note_reply<T>(&mut self, reply: &Result<T, CloudError>, now: Duration) {
        match reply {
            Ok(_) => self.unlock(),
            Err(error) if is_locked_out(error) => self.strike(now),
            Err(_) => {}
        }
    }

    fn unlock(&mut self) {
        self.strikes = 0;
        if self.locked.take().is_some() {
            // What was seen before the lock-out is too old to act on.
            self.completed_at = None;
            self.list_began = None;
        }
    }

    fn strike(&mut self, now: Duration) {
        self.strikes = self.strikes.saturating_add(1);
        if self.strikes < STRIKES {
            return;
        }
        let wait = match &self.locked {
            // Several refusals of one moment count once.
            Some(locked) if now < locked.probe_at => return,
            Some(locked) => (locked.wait * 2).min(PROBE_MAX),
            None => PROBE_FIRST,
        };
        tracing::error!(wait_s = wait.as_secs(), "the cloud refuses the credentials, the account is locked");
        self.locked = Some(LockOut { wait, probe_at: now + wait });
        self.tested_green = None;
        self.listing = None;
    }

    pub(super) fn is_locked_out(&self) -> bool {
        self.locked.is_some()
    }

    /// When a locked account is probed next.
    pub(super) fn probe_at(&self) -> Option<Duration> {
        self.locked.as_ref().map(|locked| locked.probe_at)
    }

    pub(super) fn note_test(&mut self, is_green: bool, now: Duration) {
        self.test_asked = None;
        self.tested_green = is_green.then_some(now);
        // A probe that neither got through nor was refused says nothing; asking at once again
        // would not either.
        if !is_green && let Some(locked) = self.locked.as_mut().filter(|locked| locked.probe_at <= now) {
            locked.put_off(now);
        }
    }

    /// The newest self-test, if it is fresh enough to count.
    pub(super) fn self_test(&self, now: Duration) -> SelfTest {
        match self.tested_green {
            Some(at) if now.saturating_sub(at) <= TEST_FRESH => SelfTest::Green,
            _ => SelfTest::Failing,
        }
    }

    /// The cloud told its time.
    pub(super) fn note_server_time(&mut self, server_time: Option<Timestamp>, now: Timestamp) {
        if let Some(server_time) = server_time {
            self.cloud_behind = now.since(server_time);
        }
    }

    /// The later of two clocks must not cut a wait short: ours may have been set forward.
    pub(super) fn evidence_time(&self, now: Timestamp) -> Timestamp {
        now.before(self.cloud_behind)
    }
}
