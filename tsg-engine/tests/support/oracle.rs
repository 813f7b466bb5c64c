//! The oracle: judges every commit and every event of the world by the invariants of the
//! protocol. Written once, for every test; it knows the store's records and the world's truth,
//! and nothing of the engine.

use std::collections::{BTreeMap, BTreeSet};

use serde::de::DeserializeOwned;

use tsg_core::model::audit::{AuditEntry, AuditEvent, RequestKind};
use tsg_core::model::group::{Group, LedgerHead, Lifecycle};
use tsg_core::model::id::{GroupId, InstanceId, OperationId};
use tsg_core::model::operation::{Cause, Operation, Phase};
use tsg_core::ports::store::{Commit, Kind, Put};
use tsg_core::records::kinds::OwnedInstance;
use tsg_sim::world::{self, Destroyer, Scalar, TruthEvent, World};

/// A broken invariant, by its number in the catalogue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    pub invariant: u8,
    pub what: String,
}

type Verdict = Result<(), Violation>;

fn broken(invariant: u8, what: impl Into<String>) -> Verdict {
    Err(Violation { invariant, what: what.into() })
}

/// What a request carried. Deletes and starts carry the machine's id alone, a create its name.
type Payload = [u8; 32];

/// Everything the oracle has learned so far.
#[derive(Default)]
pub struct Oracle {
    commits_seen: usize,
    truth_seen: usize,
    pub groups: BTreeMap<GroupId, Group>,
    heads: BTreeMap<GroupId, LedgerHead>,
    pub operations: BTreeMap<OperationId, Operation>,
    capacity_at_plan: BTreeMap<OperationId, u32>,
    was_lost: BTreeSet<OperationId>,
    owners: BTreeMap<InstanceId, (GroupId, OperationId)>,
    announced: BTreeMap<Payload, u32>,
    creates_announced: u32,
    /// What was recorded, for a person who looks into a failure.
    pub timeline: Vec<String>,
    received: BTreeMap<Payload, u32>,
    machines: BTreeMap<InstanceId, OperationId>,
    made: BTreeMap<OperationId, u32>,
    /// Phase edges that were taken, for "sometimes" checks.
    pub edges: BTreeSet<(Phase, Phase)>,
}

impl Oracle {
    /// Commits and events judged so far.
    pub fn progress(&self) -> (usize, usize) {
        (self.commits_seen, self.truth_seen)
    }

    /// Judges everything that is new. Commits come first: whatever reached the world was recorded
    /// before.
    pub fn judge(&mut self, commits: &[Commit], world: &World) -> Verdict {
        for commit in commits {
            self.judge_commit(commit, world)?;
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

    /// The store went back in time (a mutant): what the oracle believes of it starts anew.
    pub fn reread(&mut self, commits: &[Commit], world: &World) {
        let known = std::mem::take(self);
        self.truth_seen = known.truth_seen;
        self.received = known.received;
        self.machines = known.machines;
        self.made = known.made;
        for commit in commits {
            let _ = self.judge_commit(commit, world);
        }
    }

    fn judge_commit(&mut self, commit: &Commit, world: &World) -> Verdict {
        self.commits_seen += 1;
        let mut before = BTreeMap::new();
        for put in &commit.puts {
            match put.key.kind {
                Kind::Group => {
                    let group: Group = decode(put);
                    self.groups.insert(group.id, group);
                }
                Kind::Audit => self.judge_entry(&decode(put))?,
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
            self.judge_step(before.get(&operation.id).and_then(Option::as_ref), &operation, world)?;
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
        if let AuditEvent::WillSend { payload, request, .. } = &entry.event {
            *self.announced.entry(*payload.as_bytes()).or_default() += 1;
            self.creates_announced += u32::from(*request == RequestKind::Create);
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

    fn judge_step(&mut self, before: Option<&Operation>, after: &Operation, world: &World) -> Verdict {
        let Some(before) = before else { return self.judge_plan(after) };
        if before.phase == after.phase {
            return Ok(());
        }
        self.edges.insert((before.phase, after.phase));
        if !before.phase.can_become(after.phase) {
            return broken(21, format!("{} went from {:?} to {:?}", after.id, before.phase, after.phase));
        }
        match after.phase {
            Phase::Lost => {
                self.was_lost.insert(after.id);
                Ok(())
            }
            Phase::Gone => judge_end(after, world),
            Phase::Refused => self.judge_refusal(after, world),
            Phase::Deleting => self.judge_delete(before, after, world),
            _ => Ok(()),
        }
    }

    /// 2 and 20: with the new operation in it, the group holds no more slots than it has.
    fn judge_plan(&mut self, operation: &Operation) -> Verdict {
        let Some(group) = self.groups.get(&operation.group) else {
            return broken(2, format!("{} was planned for no group", operation.id));
        };
        let wanted = group.wanted();
        self.capacity_at_plan.insert(operation.id, wanted);
        let occupied = self.occupied(operation.group);
        if occupied > wanted {
            return broken(2, format!("{} was planned as number {occupied} of {wanted}", operation.id));
        }
        Ok(())
    }

    fn occupied(&self, group: GroupId) -> u32 {
        let of_group = self.operations.values().filter(|operation| operation.group == group);
        of_group.filter(|operation| operation.phase.is_occupying()).count() as u32
    }

    /// 13: what is called refused made nothing.
    fn judge_refusal(&self, operation: &Operation, world: &World) -> Verdict {
        let live = self.machines.iter().filter(|(_, of)| **of == operation.id);
        match live.filter(|(machine, _)| is_live(world, **machine)).count() {
            0 => Ok(()),
            count => broken(13, format!("{} is called refused and has {count} machines", operation.id)),
        }
    }

    /// 10: asked deletes never go below what the user wants; 14: no machine is replaced in its
    /// grace.
    fn judge_delete(&mut self, before: &Operation, after: &Operation, world: &World) -> Verdict {
        let Some(group) = self.groups.get(&after.group) else {
            return broken(10, format!("{} is deleted for no group", after.id));
        };
        let staying = self.operations.values().filter(|operation| {
            operation.group == after.group && operation.phase.is_occupying() && operation.phase != Phase::Deleting
        });
        let staying = staying.count() as u32;
        match after.deletion_cause {
            Some(Cause::TearDown) if group.lifecycle == Lifecycle::Active => {
                broken(10, format!("{} is torn down with its group alive", after.id))
            }
            Some(Cause::ScaleIn) if staying < group.wanted() => {
                broken(10, format!("a scale-in leaves {staying} of {}", group.wanted()))
            }
            Some(Cause::Repair) if before.phase == Phase::Bound && is_young(after, world) => {
                broken(14, format!("{} is replaced in its grace", after.id))
            }
            _ => Ok(()),
        }
    }

    fn judge_event(&mut self, event: &TruthEvent, world: &World) -> Verdict {
        match event {
            TruthEvent::RequestReceived { operation, payload: Some(payload), .. } => {
                self.judge_request(*operation, payload.0)
            }
            TruthEvent::MachineCreated { machine, tags, .. } => {
                self.judge_birth(InstanceId::new(machine.0), tags, world)
            }
            TruthEvent::MachineDestroyed { machine, by: Destroyer::Client } => {
                match self.owners.contains_key(&InstanceId::new(machine.0)) {
                    true => Ok(()),
                    false => broken(11, format!("machine {machine} was deleted and is in no ledger")),
                }
            }
            _ => Ok(()),
        }
    }

    /// 5: everything that reached the cloud was announced, as often as it came.
    fn judge_request(&mut self, operation: world::Operation, payload: Payload) -> Verdict {
        let received = self.received.entry(payload).or_default();
        *received += 1;
        match self.announced.get(&payload) {
            Some(announced) if announced >= received => Ok(()),
            announced => broken(5, format!("{operation:?} came {received} times, announced {announced:?}")),
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
        self.announced.values().sum()
    }
}

/// 13: what is called gone is no more.
fn judge_end(operation: &Operation, world: &World) -> Verdict {
    match operation.instance {
        Some(instance) if is_live(world, instance) => broken(13, format!("{instance} is called gone and lives")),
        _ => Ok(()),
    }
}

fn is_young(operation: &Operation, world: &World) -> bool {
    const GRACE_MS: u64 = 65 * 60 * 1000;
    operation.instance.and_then(|id| machine_of(world, id)).is_some_and(|machine| {
        machine.state == world::MachineState::Provisioning && world.now().ms_since(machine.created) < GRACE_MS
    })
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
