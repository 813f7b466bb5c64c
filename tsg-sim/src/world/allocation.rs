//! The allocator: one placement at a time in the whole data centre, in the order of arrival, with
//! limited patience. The record of a placed machine exists before the next placement starts.

use std::collections::BTreeMap;

use super::World;
use super::create::{Order, duplicate_name};
use super::events::Event;
use super::faults::Fault;
use super::ids::{AccountId, MachineId, ServerId};
use super::jobs::{ProvisionFate, Work};
use super::machine::{Machine, MachineState, Nic};
use super::refusal::Refusal;
use super::requests::{Caller, CreateMachine};
use super::time::SimTime;
use super::truth::TruthEvent;

/// Answers nobody asked for (the client went away) are forgotten after this long: well beyond any
/// client's patience.
const UNCLAIMED_MS: u64 = 600_000;

/// The handle of a create whose answer is not there yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TicketId(u64);

/// A create that was accepted for allocation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CreateTicket {
    /// Its handle.
    pub id: TicketId,
    /// When the answer is there.
    pub due: SimTime,
}

/// The queue in front of placement.
#[derive(Debug, Clone)]
pub(crate) struct Allocator {
    free_at: SimTime,
    last_ticket: u64,
    waiting: BTreeMap<TicketId, Order>,
    answers: BTreeMap<TicketId, Answer>,
}

/// How a new record shows itself.
#[derive(Debug, Clone, Copy)]
struct Visibility {
    hidden_ms: u64,
    /// Whether the create, which reads the machine back, finds it.
    is_read_back: bool,
}

#[derive(Debug, Clone)]
struct Answer {
    due: SimTime,
    outcome: Option<Result<MachineId, Refusal>>,
}

impl Allocator {
    pub(crate) const fn new(start: SimTime) -> Self {
        Self { free_at: start, last_ticket: 0, waiting: BTreeMap::new(), answers: BTreeMap::new() }
    }

    /// Drops answers that nobody will take any more. They lie about in the order of their dues.
    fn forget_unclaimed(&mut self, now: SimTime) {
        while let Some(oldest) = self.answers.first_entry() {
            if now.ms_since(oldest.get().due) < UNCLAIMED_MS {
                break;
            }
            oldest.remove();
        }
    }

    fn answer(&mut self, ticket: TicketId, outcome: Result<MachineId, Refusal>) {
        if let Some(answer) = self.answers.get_mut(&ticket) {
            answer.outcome = Some(outcome);
        }
    }
}

impl World {
    /// Checks a create and queues it for placement. `Err` is the answer at once; a ticket says when
    /// the answer will be there. The create goes on whether or not anybody takes the answer.
    pub fn submit_create(&mut self, caller: &Caller, request: CreateMachine) -> Result<CreateTicket, Refusal> {
        let order = self.check_create(caller, request)?;
        self.allocator.last_ticket += 1;
        let id = TicketId(self.allocator.last_ticket);
        let due = self.queue(id, order);
        self.allocator.forget_unclaimed(self.now);
        Ok(CreateTicket { id, due })
    }

    /// Takes the answer of a create: the new machine, or why there is none. `None` before it is due
    /// and after it was taken.
    pub fn take_created(&mut self, ticket: TicketId) -> Option<Result<MachineId, Refusal>> {
        let answer = self.allocator.answers.get(&ticket).filter(|answer| answer.due <= self.now)?;
        answer.outcome.as_ref()?;
        self.allocator.answers.remove(&ticket)?.outcome
    }

    /// Gives the order its turn, unless the turn comes too late.
    fn queue(&mut self, id: TicketId, order: Order) -> SimTime {
        let turn = self.allocator.free_at.max(self.now);
        let patience_ms = self.spec.timing.allocation_patience_ms;
        if turn.ms_since(self.now) > patience_ms {
            let due = self.now.plus_ms(patience_ms);
            let refusal = Refusal::new(500, "InternalError", "timed out waiting for the allocator");
            self.allocator.answers.insert(id, Answer { due, outcome: Some(Err(refusal)) });
            return due;
        }
        let allocation = self.spec.timing.allocation;
        let placed_at = turn.plus_ms(self.rng.latency.latency_ms(&allocation));
        self.allocator.free_at = placed_at;
        let due = placed_at.plus_ms(self.spec.timing.create_reply_ms);
        self.allocator.waiting.insert(id, order);
        self.allocator.answers.insert(id, Answer { due, outcome: None });
        self.events.plan(placed_at, Event::Placement(id));
        due
    }

    /// A turn at the allocator.
    pub(super) fn place(&mut self, ticket: TicketId) {
        let Some(order) = self.allocator.waiting.remove(&ticket) else { return };
        let outcome = self.place_order(order);
        self.allocator.answer(ticket, outcome);
    }

    fn place_order(&mut self, order: Order) -> Result<MachineId, Refusal> {
        let account = order.caller.account;
        let is_race_on = self.strikes(account, |fault| matches!(fault, Fault::NameRace)).is_some();
        if !is_race_on && self.is_name_taken(account, &order.name) {
            return Err(duplicate_name("Invalid VM parameters: Invalid machine name"));
        }
        let server = self.choose_server(account, order.footprint, &order.rules)?;
        let (id, caller) = (order.id, order.caller.clone());
        // A failure after the record was written leaves a record that soon shows `failed`.
        let (nics, fate, answer) = match self.take_addresses(account, id, &order.nics) {
            Ok(nics) => (nics, self.provision_fate(account), Ok(id)),
            Err(refusal) => (Vec::new(), ProvisionFate::Fails, Err(refusal)),
        };
        let seen = self.record_visibility(account);
        self.enter_order(order, server, nics, seen.hidden_ms);
        self.submit_job(id, caller, Work::Provision(fate));
        if seen.is_read_back { answer } else { Err(Refusal::not_found(format!("VM {id} not found"))) }
    }

    /// Whether and when the record of the next machine can be seen.
    fn record_visibility(&mut self, account: AccountId) -> Visibility {
        let is_meant = |fault: &Fault| matches!(fault, Fault::HideRecord { .. } | Fault::LateRecord { .. });
        match self.strikes(account, is_meant) {
            Some(Fault::HideRecord { for_ms }) => Visibility { hidden_ms: for_ms, is_read_back: true },
            Some(Fault::LateRecord { for_ms }) => {
                Visibility { hidden_ms: for_ms, is_read_back: for_ms <= self.spec.timing.create_reply_ms }
            }
            _ => Visibility { hidden_ms: 0, is_read_back: true },
        }
    }

    fn provision_fate(&mut self, account: AccountId) -> ProvisionFate {
        if self.strikes(account, |fault| matches!(fault, Fault::StickProvision)).is_some() {
            ProvisionFate::Vanishes
        } else if self.strikes(account, |fault| matches!(fault, Fault::FailProvision)).is_some() {
            ProvisionFate::Fails
        } else {
            ProvisionFate::Runs
        }
    }

    /// Writes the record of a placed machine.
    fn enter_order(&mut self, order: Order, server: ServerId, nics: Vec<Nic>, hidden_ms: u64) {
        let account = order.caller.account;
        self.record(TruthEvent::MachineCreated {
            machine: order.id,
            account,
            name: order.name.clone(),
            tags: order.tags.clone(),
            payload: order.payload,
        });
        self.occupy(server, account, order.footprint);
        let id = order.id;
        self.enter_machine(Machine {
            id,
            account,
            name: order.name,
            brand: order.brand,
            state: MachineState::Provisioning,
            image: order.image,
            package: order.package,
            memory_mib: order.footprint.memory_mib,
            disk_mib: order.footprint.disk_mib,
            server,
            nics,
            tags: order.tags,
            metadata: order.metadata,
            deletion_protection: order.deletion_protection,
            firewall_enabled: order.firewall_enabled,
            created: self.now,
            updated: self.now,
            audit: Vec::new(),
            snapshots: Vec::new(),
            visible_from: self.now.plus_ms(hidden_ms),
            is_configured: false,
            state_before_loss: None,
            jobs: std::collections::VecDeque::new(),
        });
        self.touch(id, &["alias", "customer_metadata", "owner_uuid", "server_uuid", "state", "tags"]);
    }
}
