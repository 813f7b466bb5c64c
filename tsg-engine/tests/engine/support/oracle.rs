//! The oracle: judges every commit, every request, every reply and every event of the world by
//! the invariants of the protocol. Written once, for every test; it knows the store's records, the
//! world's truth and what the engines were told, and nothing of the engine.
//!
//! Which numbered invariant is checked where:
//!
//! | Invariant | At | In |
//! |---|---|---|
//! | 1 no more machines than slots and what the policy allows on top | each event | `judge_live` |
//! | 2 planned within capacity and surge, orphans counted | each plan | `judge_plan` |
//! | 3 a machine for each attempt, one alive; attempts in order, none too soon | births, writes | `judge_birth`, `books`, `evidence` |
//! | 4 a machine belongs to one operation, filed when it is taken | each write | `judge_owner`, `judge_taken` |
//! | 5 announced once, by the sender, then sent once within the guard | each request | `evidence` |
//! | 6 audit gapless and kept | each commit | `judge_entry`, `judge_head`, `judge_removal` |
//! | 7 nothing announced for a frozen group | each announcement | `judge_announcement` |
//! | 10 unasked deletes within their ceilings, asked ones within the wish | deletes | `books::Unasked`, `judge_delete` |
//! | 11 only own machines, of this account, on their way out, are deleted, and none taken back | announcements, deaths, writes | `judge_target`, `judge_death`, `books` |
//! | 12 complete, fresh and trusted view | each announcement | `outlook` |
//! | 13 no conclusion from 401, 403, 5xx or a time-out alone | each outcome and end | `evidence`, `judge_end`, `judge_refusal` |
//! | 14 nothing healthy is replaced in its grace | each repair | `judge_repair` |
//! | 15, 16 an applied commit is there whole, a refused one not at all | crashes, the end | `compare` |
//! | 20 one operation for each slot | each plan | `judge_plan` |
//! | 21 edges of the protocol only, each audited and compared | each write | `books::walk` |
//! | 23 an operation is of a revision of its group, and changes it by an errand only | plans, writes | `judge_plan`, `books` |
//! | 33 it settles, and then stays calm | the end | `unsettled`, `announcements` |

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde::de::DeserializeOwned;

use tsg_core::model::audit::{AuditEntry, AuditEvent, RequestKind};
use tsg_core::model::group::{Group, LedgerHead, Lifecycle};
use tsg_core::model::id::{GroupId, InstanceId, OperationId};
use tsg_core::model::operation::{Cause, Operation, Phase};
use tsg_core::plan::memory::PlanMemory;
use tsg_core::ports::store::{Commit, Key, Kind, Put};
use tsg_core::records::kinds::OwnedInstance;
use tsg_engine::EngineConfig;
use tsg_sim::world::{self, Destroyer, Scalar, TruthEvent, World};

use super::books::{self, Unasked};
use super::evidence::Evidence;
use super::journal::{Author, Note, What};
use super::outlook::Outlook;

/// A broken invariant, by its number in the catalogue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    pub invariant: u8,
    pub what: String,
}

pub type Verdict = Result<(), Violation>;

pub fn broken(invariant: u8, what: impl Into<String>) -> Verdict {
    Err(Violation { invariant, what: what.into() })
}

/// A commit comes this much after the look at the view that it rests on, at most.
const SLACK: Duration = Duration::from_secs(10);

/// Where and when something was committed.
#[derive(Clone, Copy)]
struct Moment<'a> {
    at: Duration,
    by: Author,
    world: &'a World,
}

/// Everything the oracle has learned so far.
#[derive(Default)]
pub struct Oracle {
    notes_seen: usize,
    truth_seen: usize,
    /// What the engines are held to: the figures as shipped, whatever they run with.
    rules: EngineConfig,
    pub groups: BTreeMap<GroupId, Group>,
    heads: BTreeMap<GroupId, LedgerHead>,
    pub operations: BTreeMap<OperationId, Operation>,
    capacity_at_plan: BTreeMap<OperationId, u32>,
    was_lost: BTreeSet<OperationId>,
    owners: BTreeMap<InstanceId, (GroupId, OperationId)>,
    evidence: Evidence,
    outlooks: BTreeMap<u64, Outlook>,
    unasked: Unasked,
    /// Every record as the journal says it should be.
    shadow: BTreeMap<Key, Vec<u8>>,
    announced: u32,
    creates_announced: u32,
    /// What was recorded, for a person who looks into a failure.
    pub timeline: Vec<String>,
    machines: BTreeMap<InstanceId, OperationId>,
    made: BTreeMap<OperationId, u32>,
    deleted: BTreeSet<InstanceId>,
    /// The farthest that the engines' clock was off, which may shorten a grace.
    pub clock_off: Duration,
    /// Phase edges that were taken, for "sometimes" checks.
    pub edges: BTreeSet<(Phase, Phase)>,
    /// How many times an engine's view came into doubt.
    pub distrusts: u32,
}

impl Oracle {
    /// Notes of the journal judged so far.
    pub fn progress(&self) -> usize {
        self.notes_seen
    }

    /// Judges everything that is new. Notes come first: whatever reached the world was recorded
    /// before.
    pub fn judge(&mut self, notes: &[Note], world: &World) -> Verdict {
        for note in notes {
            self.notes_seen += 1;
            self.judge_note(note, world)?;
        }
        let news = &world.truth()[self.truth_seen..];
        self.truth_seen += news.len();
        for record in news {
            self.judge_event(&record.event, world)?;
        }
        if !news.is_empty() {
            self.judge_live(world)?;
        }
        Ok(())
    }

    /// 15, 16: the store holds what was applied, all of it and nothing else.
    pub fn compare(&self, contents: &BTreeMap<Key, Vec<u8>>) -> Verdict {
        if self.shadow == *contents {
            return Ok(());
        }
        let differs = |key: &&Key| self.shadow.get(key) != contents.get(key);
        let keys = self.shadow.keys().chain(contents.keys());
        let first = keys.filter(differs).min_by_key(|key| (key.kind.as_str(), &key.id));
        let lost = self.shadow.keys().filter(|key| !contents.contains_key(key)).count();
        broken(15, format!("{lost} records are lost; the first that differs is {first:?}"))
    }

    fn judge_note(&mut self, note: &Note, world: &World) -> Verdict {
        let moment = Moment { at: note.at, by: note.by, world };
        match &note.what {
            What::Committed(commit) => self.judge_commit(commit, moment),
            What::Left(departure) => self.evidence.depart(note.by, note.at, departure, self.rules.timing.send_guard),
            What::CreateAnswered { departure, refusal } => {
                self.evidence.answer_create(departure, refusal.as_ref());
                Ok(())
            }
            What::Listed(list) => {
                list.iter().for_each(|seen| self.evidence.show(seen));
                let is_settled = |operation: &&Operation| matches!(operation.phase, Phase::Bound | Phase::Ready);
                let ledger = self.operations.values().filter(is_settled).filter_map(|operation| operation.instance);
                let ledger: Vec<_> = ledger.collect();
                let outlook = self.outlooks.entry(note.by.unwrap_or(0)).or_default();
                let was_distrusted = outlook.is_distrusted();
                outlook.list(note.at, list, &ledger);
                self.distrusts += u32::from(outlook.is_distrusted() && !was_distrusted);
                Ok(())
            }
            What::Shown(seen) => {
                self.evidence.show(seen);
                Ok(())
            }
            What::NotFound(instance) => {
                self.evidence.not_found(*instance, note.at);
                Ok(())
            }
            What::Accepted(is_accepted) => {
                self.outlooks.entry(note.by.unwrap_or(0)).or_default().accepted(*is_accepted);
                Ok(())
            }
        }
    }

    fn judge_commit(&mut self, commit: &Commit, moment: Moment<'_>) -> Verdict {
        let mut before = BTreeMap::new();
        let mut audit = Vec::new();
        for put in &commit.puts {
            self.shadow.insert(put.key.clone(), put.value.clone());
            match put.key.kind {
                Kind::Group => {
                    let group: Group = decode(put);
                    self.groups.insert(group.id, group);
                }
                Kind::Audit => {
                    let entry: AuditEntry = decode(put);
                    self.judge_entry(&entry)?;
                    audit.push(entry.event);
                }
                Kind::Instance => self.judge_owner(&decode(put))?,
                Kind::Operation => {
                    let operation: Operation = decode(put);
                    before.insert(operation.id, self.operations.insert(operation.id, operation));
                }
                _ => {}
            }
        }
        for put in commit.puts.iter().filter(|put| put.key.kind == Kind::Ledger) {
            self.judge_head(decode(put))?;
        }
        for put in commit.puts.iter().filter(|put| put.key.kind == Kind::Operation) {
            let operation: Operation = decode(put);
            if !commit.checks.iter().any(|check| check.key == put.key) {
                return broken(21, format!("operation {} was written without a check", operation.id));
            }
            self.judge_write(before.get(&operation.id).and_then(Option::as_ref), &operation, &audit, moment)?;
        }
        audit.iter().try_for_each(|event| self.judge_announcement(event, moment))?;
        self.judge_removals(commit, moment)
    }

    /// 6: audit and heads outlive all but a forgotten group; operations only go once they are
    /// closed, and claims on machines with them.
    fn judge_removals(&mut self, commit: &Commit, moment: Moment<'_>) -> Verdict {
        for key in &commit.deletes {
            self.shadow.remove(key);
            if key.kind == Kind::Operation {
                let doomed = self.operations.values().find(|operation| key.id.ends_with(&operation.id.to_string()));
                match doomed.map(|doomed| (doomed.id, doomed.phase.is_closed() && doomed.residue.is_empty())) {
                    Some((id, true)) => {
                        self.operations.remove(&id);
                    }
                    found => return broken(6, format!("{} was removed as {found:?} at {:?}", key.id, moment.at)),
                }
            }
        }
        for key in &commit.deletes {
            let is_forgotten = |group: &GroupId| {
                commit.deletes.iter().any(|other| other.kind == Kind::Group && other.id == group.to_string())
                    || !self.groups.contains_key(group)
            };
            match key.kind {
                Kind::Audit | Kind::Ledger
                    if !self
                        .heads
                        .keys()
                        .any(|group| key.id.starts_with(&group.to_string()) && is_forgotten(group)) =>
                {
                    return broken(6, format!("{key:?} was removed"));
                }
                Kind::Instance => {
                    let owner = self.owners.iter().find(|(instance, _)| instance.to_string() == key.id);
                    if let Some((_, (_, operation))) = owner.filter(|(_, (_, of))| self.operations.contains_key(of)) {
                        return broken(4, format!("machine {} was taken from {operation}", key.id));
                    }
                }
                _ => {}
            }
        }
        for key in commit.deletes.iter().filter(|key| key.kind == Kind::Group) {
            self.groups.retain(|id, _| id.to_string() != key.id);
        }
        Ok(())
    }

    /// 6: the audit is a gapless chain that the head agrees with.
    fn judge_entry(&mut self, entry: &AuditEntry) -> Verdict {
        let head = self.heads.entry(entry.group).or_insert_with(|| LedgerHead::new(entry.group));
        if entry.sequence != head.audit_sequence + 1 || entry.previous != head.audit_hash {
            return broken(6, format!("entry {} of group {} does not follow", entry.sequence, entry.group));
        }
        self.timeline.push(format!("{:>12} {:?}", entry.at.as_millis() % 1_000_000_000, entry.event));
        head.audit_sequence = entry.sequence;
        head.audit_hash = entry.hash();
        Ok(())
    }

    /// 7, 10, 11, 12: what is announced may be sent.
    fn judge_announcement(&mut self, event: &AuditEvent, moment: Moment<'_>) -> Verdict {
        let AuditEvent::WillSend { operation, request, instance, attempt, payload } = event else { return Ok(()) };
        self.announced += 1;
        self.creates_announced += u32::from(*request == RequestKind::Create);
        self.evidence.announce(moment.by, moment.at, *request, *payload, *attempt);
        let Some(known) = self.operations.get(operation) else {
            return broken(5, format!("a {request:?} is announced for {operation}, which is in no ledger"));
        };
        if *request == RequestKind::Create && *attempt as usize != known.attempts.len() {
            return broken(5, format!("{operation} announces attempt {attempt} of {}", known.attempts.len()));
        }
        if self.groups.get(&known.group).is_none_or(|group| group.freeze.is_some()) {
            return broken(7, format!("a {request:?} is announced for a group that is frozen or gone"));
        }
        let stale_after = self.rules.list_interval_max * 2 + self.rules.timing.list_limit + SLACK;
        let Some(outlook) = moment.by.and_then(|by| self.outlooks.get(&by)) else {
            return broken(12, format!("a {request:?} is announced by one who has seen nothing"));
        };
        outlook.judge(moment.at, stale_after)?;
        match (request, instance) {
            (RequestKind::Delete, Some(instance)) => self.judge_target(*operation, *instance, moment),
            _ => Ok(()),
        }
    }

    /// 11: only a machine on its way out is deleted, and 10: not too many that nobody asked for.
    fn judge_target(&mut self, operation: OperationId, instance: InstanceId, moment: Moment<'_>) -> Verdict {
        let known = &self.operations[&operation];
        let is_leaving = known.phase == Phase::Deleting && known.instance == Some(instance);
        let is_residue = known.residue.contains(&instance);
        if !is_leaving && !is_residue || self.owners.get(&instance) != Some(&(known.group, operation)) {
            return broken(11, format!("a delete of {instance} is announced, {operation} is {:?}", known.phase));
        }
        self.deleted.insert(instance);
        let is_first = known.deletion.is_some_and(|deletion| deletion.attempts == 1);
        let is_asked = known.deletion_cause.is_some_and(books::is_asked);
        if is_residue || is_first && !is_asked {
            let ceilings = (self.rules.unasked_gap, self.rules.unasked_per_minute);
            return self.unasked.delete(moment.at, (operation, known.group), moment.by, ceilings);
        }
        Ok(())
    }

    fn judge_head(&mut self, head: LedgerHead) -> Verdict {
        let known = self.heads.get(&head.group).map(|known| (known.audit_sequence, known.audit_hash));
        if known != Some((head.audit_sequence, head.audit_hash)) {
            return broken(6, format!("the head of group {} does not agree with its audit", head.group));
        }
        self.heads.insert(head.group, head);
        Ok(())
    }

    /// 4: a machine belongs to one group for ever.
    fn judge_owner(&mut self, owned: &OwnedInstance) -> Verdict {
        let owner = (owned.group, owned.operation);
        match self.owners.insert(owned.instance, owner) {
            Some(other) if other != owner => broken(4, format!("machine {} changed hands", owned.instance)),
            _ => Ok(()),
        }
    }

    fn judge_write(
        &mut self,
        before: Option<&Operation>,
        after: &Operation,
        audit: &[AuditEvent],
        moment: Moment<'_>,
    ) -> Verdict {
        let Some(before) = before else { return self.judge_plan(after, audit, moment) };
        let edges = match books::walk(before, after, audit) {
            Ok(edges) => edges,
            Err(what) => return broken(21, what),
        };
        books::judge_growth(before, after)?;
        books::judge_next_attempt(before, after)?;
        if let (true, Some(newest)) = (after.attempts.len() > before.attempts.len(), after.last_attempt()) {
            let wall_ms = i64::try_from(moment.world.now().as_ms()).unwrap_or(i64::MAX);
            self.evidence.record_try((after.id, before.attempts.len()), newest, moment.at, wall_ms);
        }
        for (index, outcome) in books::news(before, after) {
            self.evidence.judge_outcome((after.id, index), outcome, moment.at, self.rules.timing.quiet)?;
        }
        self.judge_taken(before, after)?;
        for (from, to) in edges {
            self.edges.insert((from, to));
            self.judge_step(from, to, after, moment.world)?;
        }
        Ok(())
    }

    /// 4: what an operation takes is filed under it, and 13: somebody has seen it.
    fn judge_taken(&self, before: &Operation, after: &Operation) -> Verdict {
        for instance in books::taken(before, after) {
            if self.owners.get(&instance) != Some(&(after.group, after.id)) {
                return broken(4, format!("{} took {instance}, which is not filed under it", after.id));
            }
            if !self.evidence.was_shown(instance) {
                return broken(13, format!("{} took {instance}, which nobody was shown", after.id));
            }
        }
        Ok(())
    }

    fn judge_step(&mut self, from: Phase, to: Phase, after: &Operation, world: &World) -> Verdict {
        match to {
            Phase::Lost => {
                self.was_lost.insert(after.id);
                books::judge_closing(after)
            }
            Phase::Gone => self.judge_end(after, world),
            Phase::Refused => {
                books::judge_closing(after)?;
                self.judge_refusal(after, world)
            }
            Phase::Deleting => self.judge_delete(from, after, world),
            Phase::Bound if after.instance.is_none() => broken(4, format!("{} is bound to nothing", after.id)),
            _ => Ok(()),
        }
    }

    /// 2, 20 and 23: with the new operation in it, the group holds no more slots than it has,
    /// machines that its engine has seen and that are no members included.
    fn judge_plan(&mut self, operation: &Operation, audit: &[AuditEvent], moment: Moment<'_>) -> Verdict {
        let Some(group) = self.groups.get(&operation.group) else {
            return broken(2, format!("{} was planned for no group", operation.id));
        };
        if !books::is_of_group(operation, group) {
            return broken(23, format!("{} was planned for another revision", operation.id));
        }
        let is_it =
            |event: &AuditEvent| matches!(event, AuditEvent::Planned { operation: id, .. } if *id == operation.id);
        if operation.phase != Phase::Planned || !audit.iter().any(is_it) {
            return broken(21, format!("{} began as {:?}, or without an audit entry", operation.id, operation.phase));
        }
        let allowed = group.wanted() + books::surge(group);
        self.capacity_at_plan.insert(operation.id, allowed);
        let (occupied, orphans) = (self.occupied(operation.group), self.orphans(operation.group, moment));
        if occupied + orphans > allowed {
            let what = format!("{} was planned as number {occupied} of {allowed}, {orphans} orphans", operation.id);
            return broken(2, what);
        }
        Ok(())
    }

    /// Machines of a group that an engine has seen in its newest list, that live, and that are
    /// nobody's instance though their operation is decided.
    fn orphans(&self, group: GroupId, moment: Moment<'_>) -> u32 {
        let Some(outlook) = moment.by.and_then(|by| self.outlooks.get(&by)) else { return 0 };
        let is_orphan = |id: &InstanceId| {
            let operation = self.machines.get(id).and_then(|of| self.operations.get(of));
            operation.is_some_and(|operation| {
                let is_open = matches!(operation.phase, Phase::Planned | Phase::Sent | Phase::Unknown);
                operation.group == group && operation.instance != Some(*id) && !is_open
            })
        };
        let seen = outlook.newest.keys().filter(|id| is_orphan(id) && is_live(moment.world, **id));
        u32::try_from(seen.count()).unwrap_or(u32::MAX)
    }

    fn occupied(&self, group: GroupId) -> u32 {
        let of_group = self.operations.values().filter(|operation| operation.group == group);
        of_group.filter(|operation| operation.phase.is_occupying() && !books::is_kept(operation)).count() as u32
    }

    /// 13: what is called refused made nothing.
    fn judge_refusal(&self, operation: &Operation, world: &World) -> Verdict {
        let live = self.machines.iter().filter(|(_, of)| **of == operation.id);
        match live.filter(|(machine, _)| is_live(world, **machine)).count() {
            0 => Ok(()),
            count => broken(13, format!("{} is called refused and has {count} machines", operation.id)),
        }
    }

    /// 10: asked deletes never go below what the user wants.
    fn judge_delete(&self, from: Phase, after: &Operation, world: &World) -> Verdict {
        let Some(group) = self.groups.get(&after.group) else {
            return broken(10, format!("{} is deleted for no group", after.id));
        };
        let staying = self.operations.values().filter(|operation| {
            operation.group == after.group
                && operation.phase.is_occupying()
                && operation.phase != Phase::Deleting
                && !books::is_kept(operation)
        });
        let staying = staying.count() as u32;
        match after.deletion_cause {
            Some(Cause::TearDown) if group.lifecycle == Lifecycle::Active => {
                broken(10, format!("{} is torn down with its group alive", after.id))
            }
            // What was drained or shut down while fewer were wanted does not come back.
            Some(Cause::ScaleIn) if after.retirement.is_none() && staying < group.wanted() => {
                broken(10, format!("a scale-in leaves {staying} of {}", group.wanted()))
            }
            Some(Cause::Repair) if from != Phase::Failed => self.judge_repair(after, world),
            _ => Ok(()),
        }
    }

    /// 14: a young machine is not replaced for its health or its provisioning, as long as no reply
    /// ever showed it ailing.
    fn judge_repair(&self, operation: &Operation, world: &World) -> Verdict {
        let Some(machine) = operation.instance.and_then(|id| machine_of(world, id)) else { return Ok(()) };
        let age = Duration::from_millis(world.now().ms_since(machine.created)) + self.clock_off;
        let is_ailing = self.evidence.was_ailing(InstanceId::new(machine.id.0));
        match age < self.rules.timing.provisioning_grace && !is_ailing {
            true => broken(14, format!("{} is replaced at the age of {age:?}", operation.id)),
            false => Ok(()),
        }
    }

    /// 13: what is called gone is no more, and its end was proved.
    fn judge_end(&self, operation: &Operation, world: &World) -> Verdict {
        let Some(instance) = operation.instance else { return Ok(()) };
        if is_live(world, instance) {
            return broken(13, format!("{instance} is called gone and lives"));
        }
        match self.evidence.is_over(instance, self.rules.timing.absence_gap) {
            true => Ok(()),
            false => broken(13, format!("{instance} is called gone without proof")),
        }
    }

    /// 11: what a client destroyed was ours, of this account, and its delete was announced.
    fn judge_death(&self, instance: InstanceId, world: &World) -> Verdict {
        let owner = self.owners.get(&instance).map(|(group, _)| group.to_string());
        let account = machine_of(world, instance).map(|machine| machine.account.0);
        let is_ours = self.shadow.keys().any(|key| {
            key.kind == Kind::Ledger && Some(&key.id) == owner.as_ref() && Some(key.account.uuid()) == account
        });
        match is_ours && self.deleted.contains(&instance) {
            true => Ok(()),
            false => broken(11, format!("machine {instance} was deleted, and no ledger announced it")),
        }
    }

    fn judge_event(&mut self, event: &TruthEvent, world: &World) -> Verdict {
        match event {
            TruthEvent::RequestReceived { operation, payload: Some(payload), .. } => {
                let kind = match operation {
                    world::Operation::CreateMachine => RequestKind::Create,
                    world::Operation::DeleteMachine => RequestKind::Delete,
                    _ => RequestKind::Start,
                };
                self.evidence.receive(kind, payload.0)
            }
            TruthEvent::MachineCreated { machine, tags, .. } => {
                self.judge_birth(InstanceId::new(machine.0), tags, world)
            }
            TruthEvent::MachineDestroyed { machine, by: Destroyer::Client } => {
                self.judge_death(InstanceId::new(machine.0), world)
            }
            _ => Ok(()),
        }
    }

    fn judge_birth(&mut self, machine: InstanceId, tags: &BTreeMap<String, Scalar>, world: &World) -> Verdict {
        let Some(Scalar::Text(text)) = tags.get("tsgop") else { return Ok(()) };
        let Some(id) = text.strip_prefix('o').and_then(|id| id.parse::<OperationId>().ok()) else { return Ok(()) };
        let is_twin = self.machines.iter().any(|(other, of)| *of == id && is_live(world, *other));
        self.machines.insert(machine, id);
        let made = self.made.entry(id).or_default();
        *made += 1;
        let Some(operation) = self.operations.get(&id) else {
            return broken(5, format!("machine {machine} was made for an operation nobody recorded"));
        };
        if *made as usize > operation.attempts.len() {
            return broken(3, format!("{id} made {made} machines with {} attempts", operation.attempts.len()));
        }
        if is_twin {
            return broken(3, format!("{id} has two machines"));
        }
        if matches!(operation.phase, Phase::Refused | Phase::Cancelled | Phase::Planned) {
            return broken(13, format!("{id} is {:?} and made a machine", operation.phase));
        }
        Ok(())
    }

    /// 1: no group ever has more machines than it had slots when they were planned.
    fn judge_live(&self, world: &World) -> Verdict {
        let mut live: BTreeMap<GroupId, (u32, u32, u32)> = BTreeMap::new();
        for (machine, id) in &self.machines {
            let Some(operation) = self.operations.get(id).filter(|_| is_live(world, *machine)) else { continue };
            let (count, allowed, late) = live.entry(operation.group).or_default();
            *count += 1;
            *allowed = (*allowed).max(self.capacity_at_plan.get(id).copied().unwrap_or(0));
            *late += u32::from(self.was_lost.contains(id));
        }
        for (group, (count, allowed, late)) in live {
            if count > allowed + late {
                return broken(1, format!("group {group} has {count} machines, {allowed} + {late} allowed"));
            }
        }
        Ok(())
    }

    /// What a group's planner remembers.
    pub fn memory(&self, group: GroupId) -> Option<PlanMemory> {
        self.heads.get(&group).map(|head| head.memory)
    }

    /// The newest revision of a group that was marked stable; 0 for none.
    pub fn stable(&self, group: GroupId) -> u32 {
        self.memory(group).map_or(0, |memory| memory.rollout.stable)
    }

    /// 33: whether every group stands as its user wants it, with nothing open.
    pub fn unsettled(&self, world: &World) -> Option<String> {
        for group in self.groups.values() {
            let mut ready = 0;
            for operation in self.operations.values().filter(|operation| operation.group == group.id) {
                match operation.phase {
                    Phase::Ready => {
                        let is_running = operation
                            .instance
                            .and_then(|id| machine_of(world, id))
                            .is_some_and(|machine| machine.state == world::MachineState::Running);
                        if !is_running {
                            return Some(format!("{} of {} does not run", operation.id, group.name));
                        }
                        ready += 1;
                    }
                    phase if phase.is_closed() && operation.residue.is_empty() => {}
                    phase => return Some(format!("{} of {} is {phase:?}", operation.id, group.name)),
                }
            }
            let live = self.live_of(group.id, world);
            if ready != group.wanted() || live != group.wanted() {
                return Some(format!("{}: {ready} ready and {live} live of {}", group.name, group.wanted()));
            }
        }
        None
    }

    fn live_of(&self, group: GroupId, world: &World) -> u32 {
        let of_group = |id: &OperationId| self.operations.get(id).is_some_and(|operation| operation.group == group);
        self.machines.iter().filter(|(machine, id)| of_group(id) && is_live(world, **machine)).count() as u32
    }

    /// Create requests that were announced so far.
    pub fn creates_announced(&self) -> u32 {
        self.creates_announced
    }

    /// Everything in the audit that asked for a change, to see that nothing more comes.
    pub fn announcements(&self) -> u32 {
        self.announced
    }
}

fn machine_of(world: &World, id: InstanceId) -> Option<&world::Machine> {
    world.true_machine(world::MachineId(id.uuid()))
}

fn is_live(world: &World, id: InstanceId) -> bool {
    machine_of(world, id).is_some_and(world::Machine::is_active)
}

fn decode<T: DeserializeOwned>(put: &Put) -> T {
    serde_json::from_slice(&put.value).unwrap()
}
