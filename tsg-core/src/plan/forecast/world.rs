//! The cloud of a forecast: what it makes of each step, and when.
//!
//! Owns the events that are under way. Must never take a step of its own: it answers those of the
//! plan, and finishes what was under way at the begin.

use core::time::Duration;

use uuid::Uuid;

use super::events::{Agenda, Event};
use super::model::Model;
use super::placement::Placement;
use crate::count;
use crate::model::id::{InstanceId, OperationId};
use crate::model::instance::InstanceState;
use crate::model::operation::Phase;
use crate::model::revision::Disruption;
use crate::model::time::Timestamp;
use crate::plan::input::{Detail, Member, RetirementStage, Sighting, Verdict};
use crate::plan::order;
use crate::plan::output::{Action, Plan};
use crate::plan::recorded::Recorded;

/// The cloud of a forecast.
pub(super) struct World<'a> {
    model: &'a Model,
    agenda: Agenda,
    placement: Placement,
    /// When the next request may leave.
    request_at: Timestamp,
    /// Until when the data centre is busy placing machines.
    placing_until: Timestamp,
    /// How many machines were made.
    made: u32,
}

impl<'a> World<'a> {
    /// The cloud as it stands, with everything that is under way in it.
    pub(super) fn of(paper: &Recorded, model: &'a Model) -> Self {
        let (now, placement) = (paper.now, Placement::new(model.nodes));
        let agenda = Agenda::default();
        let mut world = Self { model, agenda, placement, request_at: now, placing_until: now, made: 0 };
        for member in &paper.members {
            world.expect(paper, member);
        }
        for detail in &paper.details {
            world.expect_removal(now, detail);
        }
        world
    }

    /// When something happens next.
    pub(super) fn next_at(&self) -> Option<Timestamp> {
        self.agenda.next_at()
    }

    /// Takes up the steps of a plan that was committed.
    pub(super) fn take_up(&mut self, paper: &mut Recorded, plan: &Plan) {
        self.placement.note(&plan.origins);
        for planned in &plan.actions {
            self.take_up_one(paper, &planned.action);
        }
    }

    /// Lets everything happen that is due.
    pub(super) fn turn(&mut self, paper: &mut Recorded) {
        while let Some((operation, event)) = self.agenda.take_due(paper.now) {
            self.happen(paper, operation, event);
        }
    }

    /// What is under way about a member, whoever began it.
    fn expect(&mut self, paper: &Recorded, member: &Member) {
        let (model, now, operation) = (self.model, paper.now, member.operation);
        let state = match member.sighting {
            Sighting::Present(state) => Some(state),
            Sighting::None | Sighting::Missing => None,
        };
        let due = |from: Timestamp, wait: Duration| from.after(wait).max(now);
        let (at, event) = match (member.phase, state) {
            (Phase::Planned, _) => (self.next_request(now), Event::Sent),
            (Phase::Sent, _) => (now, Event::Answered),
            (Phase::Unknown, _) => (due(member.phase_since, paper.timing.quiet), Event::Answered),
            (Phase::Deleting, _) => (due(member.phase_since, model.destroy), Event::Gone),
            (_, Some(InstanceState::Deleted)) => (now, Event::Gone),
            (Phase::Bound, Some(InstanceState::Failed)) => (now, Event::Fails),
            (_, Some(InstanceState::Stopping)) => (due(now, model.shutdown), Event::Stopped),
            (_, Some(InstanceState::Ready)) => (due(member.state_since, model.restart), Event::Runs),
            (Phase::Bound, Some(InstanceState::Running)) => (now, Event::Runs),
            (Phase::Bound, Some(InstanceState::Provisioning) | None) if member.sighting != Sighting::Missing => {
                (due(member.phase_since, self.latency()), Event::Runs)
            }
            _ if member.verdict.is_coming_up() => (due(member.state_since, model.healthy_after), Event::Passes),
            _ if member.is_unlisted() => (now.after(LISTING), Event::Listed),
            _ => return,
        };
        self.agenda.put(at, operation, event);
    }

    /// The stage of a removal that was begun before.
    fn expect_removal(&mut self, now: Timestamp, detail: &Detail) {
        let Some(retirement) = detail.retirement else { return };
        let (wait, event) = match retirement.stage {
            RetirementStage::Draining => (self.model.drain, Event::Drained),
            RetirementStage::Stopping => (self.model.shutdown, Event::Stopped),
            RetirementStage::Kept => return,
        };
        self.agenda.put(retirement.since.after(wait).max(now), detail.operation, event);
    }

    fn take_up_one(&mut self, paper: &mut Recorded, action: &Action) {
        let (model, operation) = (self.model, action.operation());
        let at = match action {
            Action::Cancel { .. } | Action::Keep { .. } => return,
            _ => self.next_request(paper.now),
        };
        let (wait, event) = match action {
            Action::Create { .. } => (Duration::ZERO, Event::Sent),
            Action::Delete { .. } => (model.destroy, Event::Gone),
            Action::Drain { .. } => (model.drain, Event::Drained),
            Action::Stop { .. } => (model.shutdown, Event::Stopped),
            Action::Start { .. } => {
                see(paper, operation, InstanceState::Ready, Verdict::Unknown);
                (model.restart, Event::Runs)
            }
            Action::Restart { .. } => {
                let verdict = member_of(paper, operation).map(|member| member.verdict).unwrap_or_default();
                see(paper, operation, InstanceState::Running, verdict.started_again());
                (model.restart, Event::Runs)
            }
            Action::Update { disruption: Disruption::Resize, .. } => {
                see(paper, operation, InstanceState::Running, Verdict::Starting);
                (model.resize, Event::Runs)
            }
            Action::Update { .. } | Action::Cancel { .. } | Action::Keep { .. } => return,
        };
        self.agenda.put(at.after(wait), operation, event);
    }

    fn happen(&mut self, paper: &mut Recorded, operation: OperationId, event: Event) {
        let Some(phase) = member_of(paper, operation).map(|member| member.phase) else { return };
        match event {
            Event::Sent => self.send(paper, operation),
            Event::Answered => self.answer(paper, operation),
            Event::Gone => forget(paper, operation),
            // Overtaken by another step.
            _ if !matches!(phase, Phase::Bound | Phase::Ready) => {}
            Event::Runs => self.run(paper, operation),
            Event::Fails => fail(paper, operation),
            Event::Passes => self.pass(paper, operation),
            Event::Listed => list(paper, operation),
            Event::Stopped => see(paper, operation, InstanceState::Stopped, Verdict::Unknown),
            Event::Drained => drained(paper, operation),
        }
    }

    /// Sends a create, if the slow start lets it go; otherwise it is looked at again later.
    fn send(&mut self, paper: &mut Recorded, operation: OperationId) {
        let (now, memory) = (paper.now, &paper.memory);
        let in_doubt = paper.members.iter().filter(|member| member.phase.is_in_doubt()).count();
        if memory.may_send(now, count::of(in_doubt)) {
            self.answer(paper, operation);
            return;
        }
        let until = memory.create_backoff.map_or(now, |backoff| backoff.until);
        self.agenda.put(until.max(now.after(RETRY)), operation, Event::Sent);
    }

    /// The cloud has made a machine and begins to provision it.
    fn answer(&mut self, paper: &mut Recorded, operation: OperationId) {
        let now = paper.now;
        let node = self.placement.place(paper, operation);
        let Some(member) = member_of(paper, operation) else { return };
        *member = member.with_instance(InstanceId::new(Uuid::from_u128(operation.bits() | 1)));
        (member.phase, member.phase_since, member.state_since) = (Phase::Bound, now, now);
        (member.sighting, member.compute_node) = (Sighting::Present(InstanceState::Provisioning), node);
        paper.memory.note_bound();
        self.placing_until = self.placing_until.max(now).after(self.model.allocation);
        let event = if self.model.faults.fails(self.made) { Event::Fails } else { Event::Runs };
        let at = self.placing_until.after(self.latency());
        self.agenda.put(at, operation, event);
    }

    /// It runs, and its checks begin if there are any.
    fn run(&mut self, paper: &mut Recorded, operation: OperationId) {
        let now = paper.now;
        let Some(member) = member_of(paper, operation) else { return };
        let (was_bound, revision, verdict) = (member.phase == Phase::Bound, member.revision, member.verdict);
        if was_bound {
            (member.phase, member.phase_since) = (Phase::Ready, now);
            paper.memory.note_ready();
        }
        let is_checked = !self.model.healthy_after.is_zero() || revision == self.model.faults.unhealthy_revision;
        let verdict = if is_checked { verdict.started_again() } else { Verdict::Unknown };
        see(paper, operation, InstanceState::Running, verdict);
        if !is_checked {
            list(paper, operation);
        } else {
            self.agenda.put(now.after(self.model.healthy_after), operation, Event::Passes);
        }
    }

    /// Its checks have come to a verdict; one that was restarted meanwhile gets its time anew.
    fn pass(&mut self, paper: &mut Recorded, operation: OperationId) {
        let (model, now) = (self.model, paper.now);
        let Some(member) = member_of(paper, operation) else { return };
        if !member.verdict.is_coming_up() || member.state_since.after(model.healthy_after) > now {
            return;
        }
        let is_bad = member.revision == model.faults.unhealthy_revision;
        *member = member.listed();
        member.verdict = if is_bad { Verdict::Unhealthy } else { Verdict::Healthy };
        member.state_since = now;
    }

    /// When the next request leaves.
    fn next_request(&mut self, now: Timestamp) -> Timestamp {
        let at = self.request_at.max(now);
        let gap = SECOND.checked_div(self.model.requests_per_second).unwrap_or_default();
        self.request_at = at.after(gap);
        at
    }

    /// How long the next machine takes.
    fn latency(&mut self) -> Duration {
        self.made = self.made.saturating_add(1);
        self.model.provisioning.of(self.made - 1)
    }
}

const SECOND: Duration = Duration::from_secs(1);
/// What it takes until discovery answers with one that is well.
const LISTING: Duration = Duration::from_secs(30);
/// How long a create that may not be sent yet waits before it is looked at again.
const RETRY: Duration = Duration::from_secs(1);

fn list(paper: &mut Recorded, operation: OperationId) {
    if let Some(member) = member_of(paper, operation) {
        *member = member.listed();
    }
}

/// The machine is seen in another state.
fn see(paper: &mut Recorded, operation: OperationId, state: InstanceState, verdict: Verdict) {
    let now = paper.now;
    if let Some(member) = member_of(paper, operation) {
        (member.sighting, member.verdict, member.state_since) = (Sighting::Present(state), verdict, now);
    }
}

fn fail(paper: &mut Recorded, operation: OperationId) {
    let now = paper.now;
    see(paper, operation, InstanceState::Failed, Verdict::Unknown);
    if let Some(member) = member_of(paper, operation) {
        (member.phase, member.phase_since) = (Phase::Failed, now);
    }
    paper.memory.note_failed(now);
}

/// Its guest has finished; the drain has put a detail there to note that in.
fn drained(paper: &mut Recorded, operation: OperationId) {
    let now = paper.now;
    let found = paper.details.binary_search_by_key(&operation, |detail| detail.operation);
    if let Some(detail) = found.ok().and_then(|place| paper.details.get_mut(place)) {
        (detail.guest.has_drained, detail.guest_at) = (true, now);
    }
}

/// Removes a member that is over, and what was said about it.
fn forget(paper: &mut Recorded, operation: OperationId) {
    paper.members.retain(|member| member.operation != operation);
    paper.details.retain(|detail| detail.operation != operation);
}

fn member_of(paper: &mut Recorded, operation: OperationId) -> Option<&mut Member> {
    let found = order::position(&paper.members, operation).ok()?;
    paper.members.get_mut(found)
}
