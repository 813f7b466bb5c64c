//! One round of one group: plan, record, queue.
//!
//! Owns when a group is planned and that a plan is recorded in one commit before anything of it
//! is done. Must never choose; the planner does. Must never let one group stop another.

use core::time::Duration;

use tsg_core::model::group::{Group, Lifecycle};
use tsg_core::model::id::{GroupId, OperationId};
use tsg_core::model::instance::ResizeMode;
use tsg_core::model::operation::{AttemptOutcome, Phase};
use tsg_core::model::revision::RevisionFacts;
use tsg_core::model::time::Timestamp;
use tsg_core::observe::join::{Joined, Look, join};
use tsg_core::plan::input::{Conditions, Intent, Limits, Member, ViewTrust};
use tsg_core::plan::output::{Action, GroupStatus, Plan, PlannedAction};
use tsg_core::plan::{PlanInput, plan};
use tsg_core::ports::store::StoreError;

use super::Session;
use super::bounds::{Origins, apply, hold_to_intent, lost_recently};
use super::sight::Sight;
use crate::board::Trouble;
use crate::budget::is_unasked;
use crate::ledger::GroupLedger;
use crate::todo::Job;

/// Actions recorded by one commit at most.
pub(super) const BATCH: usize = 200;
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

/// What one plan of a group rests on, beside its ledger.
#[derive(Debug, Default)]
pub(super) struct Scene {
    pub(super) joined: Joined,
    pub(super) revisions: Vec<RevisionFacts>,
    pub(super) limits: Limits,
}

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
                self.forget_placement(group);
                self.networked.remove(&group);
                self.forget_listing(group);
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
        self.terrain.take_in(&self.config.topology, &self.sight.lasting);
        for group in due {
            self.plan_group(group).await?;
        }
        Ok(())
    }

    async fn plan_group(&mut self, group: GroupId) -> Result<(), StoreError> {
        let freshened = self.books.freshen(group).await;
        self.only_store(group, freshened)?;
        self.note_placement(group).await?;
        self.note_networks(group);
        let now = self.monotonic();
        let Some(ledger) = self.books.group(group) else {
            self.agenda.remove(&group);
            return Ok(());
        };
        let open = u64::from(ledger.open_count());
        let scene = self.scene(group);
        let planned =
            self.books.group(group).map(|ledger| plan(&self.input(ledger, &scene, self.ports.entropy.draw())));
        let Some(planned) = planned else { return Ok(()) };
        self.plans += 1;
        let agenda = self.agenda.entry(group).or_default();
        agenda.is_dirty = false;
        agenda.wake_at = None;
        agenda.not_before = now + GAP_MIN.max(Duration::from_millis(open / MEMBERS_PER_MILLI));
        match planned {
            Err(error) => {
                self.set_aside(group, error.to_string());
                Ok(())
            }
            Ok(plan) => self.carry_out(group, &scene, plan).await,
        }
    }

    /// A group as it stands now.
    pub(super) fn scene(&self, group: GroupId) -> Scene {
        let now = self.now();
        let limits = self.limits(group);
        let Some(ledger) = self.books.group(group) else { return Scene { limits, ..Scene::default() } };
        let youth = ledger.group().policy.update.healthy_deadline.as_duration() * 2;
        let Sight { snapshot, lasting, .. } = &self.sight;
        let look = Look { taken_at: snapshot.taken_at, lasting, now, youth };
        let mut joined = join(ledger.briefs(), |id| ledger.operation(id), &look);
        self.judge(ledger.group(), &mut joined);
        // A bhyve machine would have to be stopped for it, and a KVM machine never can.
        let is_resizable = joined.resize == Some(ResizeMode::Live);
        let facts = ledger.group().revisions.facts().into_iter();
        let revisions = facts.map(|facts| RevisionFacts { is_resizable, ..facts }).collect();
        Scene { joined, revisions, limits }
    }

    fn limits(&self, group: GroupId) -> Limits {
        let now = self.monotonic();
        let limits = Limits {
            unasked_deletes: self.unasked_left(group, now),
            starts: self.budget.starts(now),
            orphans: self.sight.orphans.get(&group).copied().unwrap_or(0),
            least_listed: self.books.group(group).map_or(0, |ledger| self.least_listed(ledger.group())),
            lost_recently: self.books.group(group).map_or(0, |ledger| lost_recently(ledger, self.now())),
            ..Limits::default()
        };
        self.weather.limits(group, limits)
    }

    pub(super) fn input<'a>(&'a self, ledger: &'a GroupLedger, scene: &'a Scene, seed: u128) -> PlanInput<'a> {
        PlanInput {
            intent: intent(ledger.group()),
            policy: &ledger.group().policy,
            revisions: &scene.revisions,
            view: self.view(),
            members: &scene.joined.members,
            details: &scene.joined.details,
            memory: ledger.head().memory,
            limits: scene.limits,
            conditions: Conditions { places: self.terrain.places(), ..self.weather.conditions(ledger.group().id) },
            timing: &self.config.timing,
            now: self.now(),
            seed,
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

    async fn carry_out(&mut self, group: GroupId, scene: &Scene, mut plan: Plan) -> Result<(), StoreError> {
        if self.view().trust != ViewTrust::Trusted {
            plan.actions.clear();
        }
        if let Some(ledger) = self.books.group(group) {
            hold_to_intent(ledger, scene, &mut plan.actions);
        }
        let is_recorded = self.record_plan(group, &plan).await?;
        if is_recorded {
            let agenda = self.agenda.entry(group).or_default();
            agenda.failures = 0;
            agenda.trouble = None;
            self.spend(group, &plan.actions);
        }
        let repairs = if is_recorded { self.repairs_begun(&plan.actions) } else { Vec::new() };
        if let Some(at) = plan.next_wakeup {
            let at = self.when(at);
            self.wake_group_at(group, at);
        }
        self.queue(group, &scene.joined.members, &plan.actions);
        self.recall_protected(group).await?;
        self.queue_errands(group);
        self.review_listing(group).await?;
        self.review_services(group);
        let is_over = plan.report.status == GroupStatus::Deleted;
        self.show_group(group, scene, &plan);
        self.tell_repairs(group, repairs);
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
            let origins = Origins { all: &plan.origins, lasting: &self.sight.lasting };
            let result = self
                .books
                .record_once(group, now, |edit| {
                    if let Some(memory) = remembered {
                        *edit.memory() = memory;
                    }
                    batch.iter().try_for_each(|planned| apply(edit, planned, &origins))
                })
                .await;
            if self.only_store(group, result)?.is_none() {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Queues what is recorded and not done yet, whoever recorded it.
    pub(super) fn queue(&mut self, group: GroupId, members: &[Member], actions: &[PlannedAction]) {
        let now = self.monotonic();
        for planned in actions {
            match planned.action {
                Action::Create { operation, .. } => self.todo.push(group, Job::Create(operation)),
                Action::Delete { operation, .. } => self.todo.push(group, Job::Delete(operation)),
                Action::Start { operation, .. } => {
                    // The newest reason holds, also for a start that waits already.
                    if planned.reason.uses_attempt() {
                        self.todo.excused.remove(&operation);
                    } else {
                        self.todo.excused.insert(operation);
                    }
                    self.todo.push(group, Job::Start(operation));
                }
                // What else there is to do to a machine is in its record, as an errand.
                Action::Restart { .. }
                | Action::Drain { .. }
                | Action::Stop { .. }
                | Action::Keep { .. }
                | Action::Update { .. }
                | Action::Cancel { .. } => {}
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
        orders: group.orders,
    }
}
