//! When the complete list is asked for, and what follows from it.
//!
//! Owns the rhythm of lists and everything that a complete one proves. Must never act on a list
//! before the ledger was read after it.

use std::collections::BTreeMap;

use core::time::Duration;

use tsg_core::model::id::{GroupId, InstanceId, OperationId};
use tsg_core::model::instance::ObservedInstance;
use tsg_core::model::operation::Phase;
use tsg_core::observe::arrivals::{Arrival, LedgerLookup as _, Stray, arrivals};
use tsg_core::observe::join::find_instance;
use tsg_core::observe::paging::{CompleteList, Discard, Paging, PagingStep};
use tsg_core::observe::trust::LedgerMachine;
use tsg_core::plan::input::{View, ViewTrust};
use tsg_core::ports::cloud::{Addressing, CloudError, InstancePage, Labelling};
use tsg_core::ports::store::StoreError;
use tsg_core::protocol::resolve::resolve;

use super::Session;
use super::sight::Listing;
use crate::board::Trouble;
use crate::placement::{Carried, Occupancy};
use crate::todo::Read;

/// A self-test that was asked for and never answered is asked for again.
const TEST_PATIENCE: Duration = Duration::from_secs(60);
/// For how long after a create or a delete its end is looked for more often than else. Nearly all
/// of them have come or gone by then.
const AWAITED_FOR: Duration = Duration::from_secs(120);

impl Session {
    /// How far the newest look may be believed now.
    pub(super) fn view(&self) -> View {
        // Two lists may fail before what the last good one showed is dropped.
        let stale_after = self.config.list_interval_max * 2 + self.config.timing.list_limit;
        self.sight.view(self.monotonic(), stale_after)
    }

    pub(super) fn list_due_at(&self, now: Duration) -> Option<Duration> {
        if let Some(probe_at) = self.sight.probe_at() {
            return Some(self.sight.test_asked.map_or(probe_at, |asked| asked + TEST_PATIENCE));
        }
        match (&self.sight.listing, self.sight.list_began) {
            (Some(_), _) => None,
            (None, None) => Some(self.sight.list_not_before().max(now)),
            // A group under rules cannot go on before it is seen what machines carry, and nobody is
            // asked in a network before it is seen where.
            (None, Some(_)) if self.lacks_labels() || self.lacks_nics() => Some(self.sight.list_not_before().max(now)),
            (None, Some(began)) => {
                let regular = began + self.list_interval();
                let due = self.early_due_at(began).map_or(regular, |early| early.min(regular));
                Some(due.max(self.sight.list_not_before()))
            }
        }
    }

    /// The time between two lists: as short as the share of requests allows that they may take.
    fn list_interval(&self) -> Duration {
        let at_most = self.config.list_interval_max;
        let at_least = self.config.list_interval_min.min(at_most);
        let at_least = if self.is_awaiting() { at_least.min(self.config.list_interval_awaited) } else { at_least };
        self.list_share().clamp(at_least, at_most)
    }

    /// The time in which a list takes its share of the requests.
    fn list_share(&self) -> Duration {
        let is_busy = !self.todo.creates.is_empty();
        let share = if is_busy { self.config.list_share_busy } else { self.config.list_share_idle };
        let seconds = f64::from(self.sight.list_pages) / (self.pace.rate() * share.max(f64::MIN_POSITIVE));
        Duration::try_from_secs_f64(seconds).unwrap_or(self.config.list_interval_max)
    }

    /// Whether machines are about to come or to go. A view that is distrusted is believed again
    /// after some lists that agree, which are worth less the closer they are to one another.
    fn is_awaiting(&self) -> bool {
        let is_on_its_way = |phase| matches!(phase, Phase::Bound | Phase::Deleting);
        self.monotonic() < self.sight.awaited_until
            && self.view().trust == ViewTrust::Trusted
            && self.books.groups().any(|(_, ledger)| ledger.count_open(is_on_its_way) > 0)
    }

    /// A machine was asked to come or to go just now.
    pub(super) fn await_change(&mut self) {
        self.sight.awaited_until = self.monotonic() + AWAITED_FOR;
    }

    /// Asks for the next complete list when it is due, or probes a locked account.
    pub(super) fn ask_for_list(&mut self) {
        let now = self.monotonic();
        if self.list_due_at(now).is_none_or(|due| due > now) {
            return;
        }
        if self.sight.is_locked_out() {
            self.todo.clear();
            self.todo.read(Read::Test);
            self.sight.test_asked = Some(now);
            return;
        }
        let is_early = self.sight.list_began.is_some_and(|began| now < began + self.list_interval());
        self.early.note_begun(now, is_early, self.list_share());
        let labelling = if self.wants_labels() { Labelling::Labelled } else { Labelling::Bare };
        self.sight.is_labelled = labelling == Labelling::Labelled;
        let addressing = if self.wants_nics() { Addressing::EveryNetwork } else { Addressing::Primary };
        self.sight.is_addressed = addressing == Addressing::EveryNetwork;
        let paging = Some(Paging::new(self.now(), labelling).with_addresses(addressing));
        self.sight.listing = Some(Listing { began: now, pages: 0, paging });
        self.todo.read(Read::Page);
    }

    /// Asks for the self-test unless a fresh one is there or under way.
    pub(super) fn ask_for_test(&mut self) {
        let now = self.monotonic();
        let is_asked = self.sight.test_asked.is_some_and(|asked| now.saturating_sub(asked) < TEST_PATIENCE);
        if !is_asked && self.sight.self_test(now) == tsg_core::protocol::quiet::SelfTest::Failing {
            self.sight.test_asked = Some(now);
            self.todo.read(Read::Test);
        }
    }

    pub(super) async fn take_page(&mut self, reply: Result<InstancePage, CloudError>) -> Result<(), StoreError> {
        let now = self.monotonic();
        let Some(mut listing) = self.sight.listing.take() else { return Ok(()) };
        let (Some(paging), page) = (listing.paging.take(), reply) else { return Ok(()) };
        let page = match page {
            Ok(page) => page,
            Err(error) => {
                self.note_list_trouble(error.to_string());
                return Ok(());
            }
        };
        listing.pages += 1;
        self.sight.note_server_time(page.server_time, self.now());
        match paging.accept(page, now.saturating_sub(listing.began), &self.config.timing) {
            PagingStep::More(paging) => {
                listing.paging = Some(paging);
                self.sight.listing = Some(listing);
                self.todo.read(Read::Page);
                Ok(())
            }
            PagingStep::Discard(Discard::Torn) => {
                self.sight.note_list_discarded();
                Ok(())
            }
            PagingStep::Discard(reason) => {
                self.note_list_trouble(format!("the list of machines does not hold together: {reason:?}"));
                Ok(())
            }
            PagingStep::Complete(list) => self.take_list(list, listing.began, listing.pages).await,
        }
    }

    fn note_list_trouble(&mut self, what: String) {
        tracing::warn!(account = %self.account, what, "the list of machines failed");
        let jitter = self.jitter();
        self.early.note_failed();
        self.sight.note_list_failed(self.monotonic(), jitter);
        self.sight.trouble = Some(Trouble { at: self.now(), what });
    }

    async fn take_list(&mut self, list: CompleteList, began: Duration, pages: u32) -> Result<(), StoreError> {
        // The ledger has to be read after the list: whatever the list shows is in it then.
        self.sight.list_began = Some(began);
        self.books.refresh().await?;
        self.take_in_rereads().await?;
        self.sight.take_list(list, began, pages, self.monotonic());
        self.handle.board().show_occupancy(Occupancy::of(&self.sight.snapshot));
        let (machines, labelled) = (self.sight.snapshot.instances.len(), self.sight.carried.as_ref().map(Carried::len));
        tracing::debug!(account = %self.account, machines, ?labelled, "the account was seen as a whole");
        self.sight.trouble = None;
        let machines = self.ledger_machines();
        let judgement = self.sight.watch.judge(&self.sight.snapshot, &machines);
        if judgement.trust == ViewTrust::Distrusted {
            tracing::error!(account = %self.account, ?judgement, "too much changed at once, nothing is done");
        }
        self.take_arrivals().await?;
        self.note_all_seen().await?;
        self.look_at_places().await?;
        self.weather.note_news();
        self.mark_all_dirty();
        Ok(())
    }

    fn ledger_machines(&self) -> Vec<LedgerMachine> {
        let taken_at = self.sight.snapshot.taken_at;
        let open = self.books.groups().flat_map(|(_, ledger)| ledger.open());
        // What we shut down is no surprise, and what was bound after the list began could not be
        // in it.
        open.filter(|operation| operation.retirement.is_none())
            .filter(|operation| {
                operation.phase_since < taken_at
                    || operation
                        .instance
                        .is_some_and(|instance| find_instance(&self.sight.snapshot, instance).is_some())
            })
            .filter_map(|operation| {
                operation.instance.map(|instance| LedgerMachine { instance, phase: operation.phase })
            })
            .collect()
    }

    /// Everything in the list that claims to be ours without being a member's machine.
    pub(super) async fn take_arrivals(&mut self) -> Result<(), StoreError> {
        let arrivals = arrivals(&self.sight.snapshot, self.deployment, &self.books);
        self.sight.is_ledger_behind = arrivals.iter().any(|arrival| matches!(arrival, Arrival::LedgerBehind { .. }));
        // Before anything that can fail: the list counts from here, so its orphans have to.
        self.sight.orphans = self.count_orphans(&arrivals);
        let mut strangers = Vec::new();
        let mut answers: BTreeMap<OperationId, Vec<InstanceId>> = BTreeMap::new();
        for arrival in &arrivals {
            match arrival {
                Arrival::Answers(stray) => answers.entry(stray.operation).or_default().push(stray.instance),
                Arrival::Late(stray) => self.take_late(*stray).await?,
                Arrival::Residue(stray) if self.take_residue(*stray).await? => {}
                Arrival::Residue(stray)
                | Arrival::Revenant(stray)
                | Arrival::Contradiction(stray)
                | Arrival::Misnamed(stray)
                | Arrival::Untagged(stray) => strangers.push((stray.instance, arrival)),
                Arrival::LedgerBehind { instance, .. }
                | Arrival::Unread { instance, .. }
                | Arrival::Forgotten { instance, .. } => strangers.push((*instance, arrival)),
            }
        }
        self.sight.orphans = self.count_orphans(&arrivals);
        self.report_strangers(&strangers);
        for (operation, instances) in answers {
            self.take_answers(operation, &instances).await?;
        }
        Ok(())
    }

    /// Slots taken up by machines that are no members, as far as they are none by now.
    fn count_orphans(&self, arrivals: &[Arrival]) -> BTreeMap<GroupId, u32> {
        let mut orphans = BTreeMap::new();
        for arrival in arrivals {
            let is_bound_by_now = match arrival {
                Arrival::Late(stray) => {
                    self.books.operation(stray.operation).is_some_and(|operation| operation.instance.is_some())
                }
                _ => false,
            };
            if let Some(group) = arrival.orphan_of().filter(|_| !is_bound_by_now) {
                *orphans.entry(group).or_default() += 1;
            }
        }
        orphans
    }

    fn report_strangers(&mut self, found: &[(InstanceId, &Arrival)]) {
        for (instance, arrival) in found {
            if !self.sight.strangers.contains(instance) {
                tracing::error!(account = %self.account, %instance, ?arrival, "a machine with our marks is not ours to touch");
            }
        }
        self.sight.strangers = found.iter().map(|(instance, _)| *instance).collect();
    }

    async fn take_late(&mut self, stray: Stray) -> Result<(), StoreError> {
        let now = self.now();
        let result = self
            .books
            .record(stray.group, now, |edit| match edit.operation(stray.operation).map(|operation| operation.phase) {
                Some(Phase::Lost) => edit.bind(stray.operation, stray.instance, "late arrival in the complete list"),
                _ => Ok(()),
            })
            .await;
        self.only_store(stray.group, result).map(|_| ())
    }

    /// Files a further machine of an operation; false when the operation cannot have made it.
    async fn take_residue(&mut self, stray: Stray) -> Result<bool, StoreError> {
        // It is there: whatever spoke for its end before is void.
        self.residue_absence.remove(&stray.instance);
        let can_be_ours = self.books.operation(stray.operation).is_some_and(|operation| {
            // Each attempt makes one machine at most. What goes beyond that was copied.
            let others = operation.residue.iter().filter(|other| **other != stray.instance).count();
            usize::from(operation.instance.is_some()) + others < operation.attempts.len()
        });
        if can_be_ours {
            let now = self.now();
            let result = self
                .books
                .record(stray.group, now, |edit| {
                    edit.add_residue(stray.operation, stray.instance);
                    Ok(())
                })
                .await;
            self.only_store(stray.group, result)?;
        }
        Ok(can_be_ours)
    }

    /// Machines answer for operations in doubt before their look-ups do.
    async fn take_answers(&mut self, operation: OperationId, instances: &[InstanceId]) -> Result<(), StoreError> {
        if self.requested.contains_key(&operation) {
            return Ok(());
        }
        let found: Vec<ObservedInstance> =
            instances.iter().filter_map(|id| find_instance(&self.sight.snapshot, *id)).copied().collect();
        let Some(known) = self.books.operation(operation) else { return Ok(()) };
        let resolution = resolve(known, self.deployment, &found);
        self.apply_finding(operation, resolution).await
    }
}
