//! One round of one group: plan, record, queue.
//!
//! Owns when a group is planned and that a plan is recorded in one commit before anything of it
//! is done. Must never choose; the planner does. Must never let one group stop another.

use core::time::Duration;

use tsg_core::model::group::{Group, Lifecycle};
use tsg_core::model::id::{GroupId, OperationId};
use tsg_core::model::operation::{AttemptOutcome, Cause, InvalidEdge, Phase};
use tsg_core::model::time::Timestamp;
use tsg_core::observe::join::members;
use tsg_core::plan::input::{Intent, Limits, Member, ViewTrust};
use tsg_core::plan::output::{Action, GroupStatus, Plan, PlannedAction};
use tsg_core::plan::{PlanInput, plan};
use tsg_core::ports::store::StoreError;

use super::Session;
use crate::board::Trouble;
use crate::budget::is_unasked;
use crate::ledger::{Edit, GroupLedger};
use crate::todo::Job;

/// Actions recorded by one commit at most.
const BATCH: usize = 200;
/// A group of this many members is planned at most every millisecond; larger ones accordingly
/// less often, so that planning never takes a large part of a processor. A window of creates
/// lasts much longer than that.
const MEMBERS_PER_MILLI: u64 = 20;
/// A group that changes all the time is planned at most this often.
const GAP_MIN: Duration = Duration::from_millis(20);
/// First wait after a group could not be handled; doubles with each.
const ASIDE_FIRST: Duration = Duration::from_secs(5);
/// Longest wait after a group could not be handled.
const ASIDE_MAX: Duration = Duration::from_secs(10 * 60);

/// When a group is to be planned.
#[derive(Debug, Default)]
pub(super) struct Agenda {
    is_dirty: bool,
    not_before: Duration,
    wake_at: Option<Duration>,
    failures: u32,
    pub(super) trouble: Option<Trouble>,
}

impl Agenda {
    fn due_at(&self) -> Option<Duration> {
        let at = if self.is_dirty { Some(Duration::ZERO) } else { self.wake_at };
        at.map(|at| at.max(self.not_before))
    }
}

impl Session {
    pub(super) fn next_agenda(&self) -> Option<Duration> {
        self.agenda.values().filter_map(Agenda::due_at).min()
    }

    pub(super) fn mark_dirty(&mut self, group: GroupId) {
        self.agenda.entry(group).or_default().is_dirty = true;
    }

    pub(super) fn mark_all_dirty(&mut self) {
        self.agenda.values_mut().for_each(|agenda| agenda.is_dirty = true);
    }

    pub(super) fn wake_group_at(&mut self, group: GroupId, at: Duration) {
        let agenda = self.agenda.entry(group).or_default();
        agenda.wake_at = Some(agenda.wake_at.map_or(at, |before| before.min(at)));
    }

    /// Something about a group cannot be handled: the others go on without it.
    pub(super) fn set_aside(&mut self, group: GroupId, what: String) {
        tracing::error!(%group, what, "a group is set aside");
        let (now, at) = (self.monotonic(), self.now());
        let agenda = self.agenda.entry(group).or_default();
        let wait = ASIDE_FIRST.saturating_mul(1 << agenda.failures.min(10)).min(ASIDE_MAX);
        agenda.failures = agenda.failures.saturating_add(1);
        agenda.not_before = now + wait;
        agenda.is_dirty = true;
        agenda.trouble = Some(Trouble { at, what });
        self.show_trouble(group);
    }

    /// Looks at every group that was read anew: what its records say may be news.
    pub(super) async fn take_in_rereads(&mut self) -> Result<(), StoreError> {
        // Taken before the look: read anew once more during it, it is looked at once more.
        while let Some(group) = self.books.take_reread() {
            if self.books.group(group).is_none() {
                self.agenda.remove(&group);
                self.handle.board().hide_group(group);
                continue;
            }
            self.mark_dirty(group);
            if let Err(error) = self.recover_doubts(group).await {
                self.books.note_reread(group);
                return Err(error);
            }
            self.recover_budget(group);
        }
        Ok(())
    }

    /// A create whose sender is not this run is in doubt.
    async fn recover_doubts(&mut self, group: GroupId) -> Result<(), StoreError> {
        let Some(ledger) = self.books.group(group) else { return Ok(()) };
        let is_orphaned = |id: &OperationId| !self.requested.contains_key(id);
        let sent: Vec<_> = ledger.open().filter(|known| known.phase == Phase::Sent).map(|known| known.id).collect();
        let orphaned: Vec<_> = sent.into_iter().filter(is_orphaned).collect();
        if !orphaned.is_empty() {
            let now = self.now();
            let result = self
                .books
                .record(group, now, |edit| {
                    orphaned.iter().try_for_each(|id| match edit.operation(*id).map(|known| known.phase) {
                        Some(Phase::Sent) => edit.enter(*id, Phase::Unknown, "its sender is gone"),
                        _ => Ok(()),
                    })
                })
                .await;
            self.only_store(group, result)?;
        }
        let Some(ledger) = self.books.group(group) else { return Ok(()) };
        let unknown: Vec<_> =
            ledger.open().filter(|known| known.phase == Phase::Unknown).map(|known| known.id).collect();
        unknown.into_iter().for_each(|id| self.doubt(id));
        Ok(())
    }

    /// An engine that crashes again and again must not get a new budget each time.
    fn recover_budget(&mut self, group: GroupId) {
        let (now, wall) = (self.monotonic(), self.now());
        let gap = self.config.unasked_gap;
        let Some(ledger) = self.books.group(group) else { return };
        let is_recent = ledger.operations().any(|operation| {
            let sent_at = operation.deletion.and_then(|deletion| deletion.last_sent_at);
            is_unasked(operation.deletion_cause) && sent_at.is_some_and(|at| wall.since(at) < gap)
        });
        if is_recent && self.budget.deletes_of(group, now) > 0 {
            self.budget.take_delete(group, now);
        }
    }

    /// Plans every group that is due.
    pub(super) async fn plan_groups(&mut self) -> Result<(), StoreError> {
        let now = self.monotonic();
        let is_due = |agenda: &Agenda| agenda.due_at().is_some_and(|at| at <= now);
        let due: Vec<_> = self.agenda.iter().filter(|(_, agenda)| is_due(agenda)).map(|(id, _)| *id).collect();
        for group in due {
            self.plan_group(group).await?;
        }
        Ok(())
    }

    async fn plan_group(&mut self, group: GroupId) -> Result<(), StoreError> {
        let freshened = self.books.freshen(group).await;
        self.only_store(group, freshened)?;
        let now = self.monotonic();
        let Some(ledger) = self.books.group(group) else {
            self.agenda.remove(&group);
            return Ok(());
        };
        let open = u64::from(ledger.open_count());
        let members = members(ledger.open(), &self.sight.snapshot, &mut self.sight.nodes);
        let limits = self.limits(group);
        let planned = plan(&self.input(group, &members, limits));
        let agenda = self.agenda.entry(group).or_default();
        agenda.is_dirty = false;
        agenda.wake_at = None;
        agenda.not_before = now + GAP_MIN.max(Duration::from_millis(open / MEMBERS_PER_MILLI));
        match planned {
            Err(error) => {
                self.set_aside(group, error.to_string());
                Ok(())
            }
            Ok(plan) => self.carry_out(group, &members, limits, plan).await,
        }
    }

    fn limits(&self, group: GroupId) -> Limits {
        let now = self.monotonic();
        Limits {
            unasked_deletes: self.unasked_left(group, now),
            starts: self.budget.starts(now),
            orphans: self.sight.orphans.get(&group).copied().unwrap_or(0),
            ..Limits::default()
        }
    }

    fn input<'a>(&'a self, group: GroupId, members: &'a [Member], limits: Limits) -> PlanInput<'a> {
        let ledger = self.books.group(group);
        let intent = ledger.map_or_else(|| no_intent(group), |ledger| intent(ledger.group()));
        PlanInput {
            intent,
            view: self.view(),
            members,
            memory: ledger.map(|ledger| ledger.head().memory).unwrap_or_default(),
            limits,
            timing: &self.config.timing,
            now: self.now(),
            seed: self.ports.entropy.draw(),
        }
    }

    /// Unasked deletes that may be decided: those decided and not sent yet count.
    fn unasked_left(&self, group: GroupId, now: Duration) -> u32 {
        let leaving = self.books.group(group).filter(|ledger| ledger.count_open(|phase| phase == Phase::Deleting) > 0);
        let waits = leaving.is_some_and(|ledger| {
            ledger.open().any(|operation| {
                operation.phase == Phase::Deleting
                    && is_unasked(operation.deletion_cause)
                    && operation.deletion.is_none_or(|deletion| deletion.attempts == 0)
            })
        });
        if waits { 0 } else { self.budget.deletes_of(group, now) }
    }

    async fn carry_out(
        &mut self,
        group: GroupId,
        members: &[Member],
        limits: Limits,
        mut plan: Plan,
    ) -> Result<(), StoreError> {
        if self.view().trust != ViewTrust::Trusted {
            plan.actions.clear();
        }
        if let Some(ledger) = self.books.group(group) {
            hold_to_intent(ledger, limits.orphans, &mut plan.actions);
        }
        let is_recorded = self.record_plan(group, &plan).await?;
        if is_recorded {
            let agenda = self.agenda.entry(group).or_default();
            agenda.failures = 0;
            agenda.trouble = None;
        }
        if let Some(at) = plan.next_wakeup {
            let at = self.when(at);
            self.wake_group_at(group, at);
        }
        self.queue(group, members, &plan.actions);
        let is_over = plan.report.status == GroupStatus::Deleted;
        self.show_group(group, members, limits, &plan);
        if is_over { self.forget_when_cold(group).await } else { Ok(()) }
    }

    /// The plan transaction; false when somebody else was first and the plan is void.
    async fn record_plan(&mut self, group: GroupId, plan: &Plan) -> Result<bool, StoreError> {
        let now = self.now();
        let mut memory = plan.memory;
        let mut batches: Vec<&[PlannedAction]> = plan.actions.chunks(BATCH).collect();
        if batches.is_empty() {
            batches.push(&[]);
        }
        for batch in batches {
            let remembered = memory.take();
            let result = self
                .books
                .record_once(group, now, |edit| {
                    if let Some(memory) = remembered {
                        *edit.memory() = memory;
                    }
                    batch.iter().try_for_each(|planned| apply(edit, planned))
                })
                .await;
            if self.only_store(group, result)?.is_none() {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Queues what is recorded and not done yet, whoever recorded it.
    fn queue(&mut self, group: GroupId, members: &[Member], actions: &[PlannedAction]) {
        let now = self.monotonic();
        for planned in actions {
            match planned.action {
                Action::Create { operation, .. } => self.todo.push(group, Job::Create(operation)),
                Action::Delete { operation, .. } => self.todo.push(group, Job::Delete(operation)),
                Action::Start { operation, .. } => self.todo.push(group, Job::Start(operation)),
                Action::Cancel { .. } => {}
            }
        }
        for member in members {
            match (member.phase, member.instance()) {
                (Phase::Planned, _) => self.todo.push(group, Job::Create(member.operation)),
                (Phase::Unknown, _) if self.is_repeatable(group, member.operation) => {
                    self.todo.push(group, Job::Create(member.operation));
                }
                (Phase::Deleting, Some(instance)) if self.is_removal_due(instance, now) => {
                    self.todo.push(group, Job::Delete(member.operation));
                }
                _ => {}
            }
        }
    }

    fn is_repeatable(&self, group: GroupId, id: OperationId) -> bool {
        self.books.group(group).and_then(|ledger| ledger.operation(id)).is_some_and(|operation| {
            operation.last_attempt().is_some_and(|attempt| attempt.outcome == Some(AttemptOutcome::Quiet))
        })
    }

    /// Forgets a torn down group once lists that still show its machines have died out, and
    /// nothing can arrive late any more.
    async fn forget_when_cold(&mut self, group: GroupId) -> Result<(), StoreError> {
        let Some(ledger) = self.books.group(group) else { return Ok(()) };
        if ledger.group().lifecycle != Lifecycle::Deleting || ledger.open_count() > 0 {
            return Ok(());
        }
        let cold_at = ledger
            .operations()
            .map(|operation| match operation.phase {
                Phase::Lost => operation.phase_since.after(self.config.timing.keep_closed),
                _ => operation.phase_since.after(self.config.forget_after),
            })
            .max()
            .unwrap_or(Timestamp::EPOCH);
        let has_residue = ledger.operations().any(|operation| !operation.residue.is_empty());
        if cold_at > self.now() || has_residue {
            let at = self.when(cold_at).max(self.monotonic() + ASIDE_FIRST);
            self.wake_group_at(group, at);
            return Ok(());
        }
        let result = self.books.forget(group, self.now()).await;
        self.only_store(group, result).map(|_| ())
    }
}

fn intent(group: &Group) -> Intent {
    Intent {
        group: group.id,
        lifecycle: group.lifecycle,
        capacity: group.capacity,
        revision: group.revision,
        is_frozen: group.freeze.is_some(),
    }
}

fn no_intent(group: GroupId) -> Intent {
    Intent { group, lifecycle: Lifecycle::Deleting, capacity: 0, revision: 0, is_frozen: true }
}

/// The ceilings of the user's intent, whatever the plan says: no create beyond the capacity, no
/// asked delete below it.
fn hold_to_intent(ledger: &GroupLedger, orphans: u32, actions: &mut Vec<PlannedAction>) {
    let wanted = ledger.group().wanted();
    let mut creates_left = wanted.saturating_sub(ledger.open_count().saturating_add(orphans));
    let mut deletes_left = ledger.count_open(|phase| phase != Phase::Deleting).saturating_sub(wanted);
    actions.retain(|planned| {
        let left = match (planned.action, planned.reason.cause()) {
            (Action::Create { .. }, _) => &mut creates_left,
            (Action::Cancel { .. }, _) | (Action::Delete { .. }, Cause::ScaleIn | Cause::TearDown) => &mut deletes_left,
            (Action::Delete { .. } | Action::Start { .. }, _) => return true,
        };
        let is_within = *left > 0;
        *left = left.saturating_sub(1);
        if !is_within {
            tracing::error!(group = %ledger.group().id, ?planned, "a plan went beyond the user's intent");
        }
        is_within
    });
}

/// Records one step of a plan, if it still holds.
fn apply(edit: &mut Edit<'_>, planned: &PlannedAction) -> Result<(), InvalidEdge> {
    let cause = planned.reason.cause();
    let phase_of = |edit: &Edit<'_>, id| edit.operation(id).map(|operation| operation.phase);
    match planned.action {
        Action::Create { operation, revision } => {
            let is_new = phase_of(edit, operation).is_none();
            if is_new && revision == edit.group().revision {
                edit.plan(operation, cause);
            }
            Ok(())
        }
        Action::Cancel { operation } if phase_of(edit, operation) == Some(Phase::Planned) => {
            edit.enter(operation, Phase::Cancelled, "not needed any more")
        }
        Action::Delete { operation, .. } if phase_of(edit, operation) == planned.expects => {
            edit.decide_delete(operation, cause, words(cause))
        }
        Action::Cancel { .. } | Action::Delete { .. } | Action::Start { .. } => Ok(()),
    }
}

fn words(cause: Cause) -> &'static str {
    match cause {
        Cause::Capacity => "replaced",
        Cause::ScaleIn => "the user asked for fewer instances",
        Cause::TearDown => "the user deleted the group",
        Cause::Repair => "it does not work and is replaced",
        Cause::Surplus => "the group has another machine for it",
    }
}
