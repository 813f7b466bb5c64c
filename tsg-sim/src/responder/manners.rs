//! How machines answer, where they do not answer promptly: the orders given so far.
//!
//! Owns the rule that of all orders that concern a machine the latest stands. It must never say how a manner is
//! carried out.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::admin::{Manner, MannerOrder, Whom};
use crate::world::{MachineId, ServerId, World, parse_canonical};

/// All orders.
#[derive(Debug, Default)]
pub(crate) struct Manners {
    orders: Mutex<Orders>,
}

#[derive(Debug, Default)]
struct Orders {
    given: u64,
    everyone: Order,
    by_server: BTreeMap<ServerId, Order>,
    by_machine: BTreeMap<MachineId, Order>,
}

/// A manner and when it was ordered; the default is older than any order.
#[derive(Debug, Clone, Copy, Default)]
struct Order {
    number: u64,
    manner: Manner,
}

/// Whom an order names and nobody knows, or a manner that cannot be had.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum MannersRefusal {
    /// No such machine runs anywhere.
    #[error("there is no machine called {0}")]
    NoMachine(String),
    /// Several machines bear the name.
    #[error("several machines are called {0}; give the id of one")]
    SeveralMachines(String),
    /// No such compute node.
    #[error("there is no compute node called {0}")]
    NoNode(String),
    /// Not a final status.
    #[error("{0} is no final status: give one from 200 to 599")]
    Status(u16),
}

impl Manners {
    /// Carries out an order: all of it, or nothing.
    pub(crate) fn order(&self, world: &World, order: &MannerOrder) -> Result<(), MannersRefusal> {
        check(order.manner)?;
        match &order.of {
            Whom::Everyone => self.set(order.manner, |orders, order| {
                let given = orders.given;
                *orders = Orders { given, everyone: order, ..Orders::default() };
            }),
            Whom::Node(name) => {
                let server = node(world, name)?;
                self.set(order.manner, |orders, order| orders.by_server.extend([(server, order)]));
            }
            Whom::Machines(names) => {
                let machines = names.iter().map(|name| machine(world, name)).collect::<Result<Vec<_>, _>>()?;
                self.set(order.manner, |orders, order| {
                    orders.by_machine.extend(machines.iter().map(|machine| (*machine, order)));
                });
            }
        }
        Ok(())
    }

    /// How a machine on a compute node answers.
    pub(crate) fn of(&self, machine: MachineId, server: ServerId) -> Manner {
        let orders = self.lock();
        let own = [orders.by_machine.get(&machine), orders.by_server.get(&server)];
        let latest = own.into_iter().flatten().chain([&orders.everyone]).max_by_key(|order| order.number);
        latest.map(|order| order.manner).unwrap_or_default()
    }

    fn set(&self, manner: Manner, store: impl FnOnce(&mut Orders, Order)) {
        let mut orders = self.lock();
        orders.given += 1;
        let order = Order { number: orders.given, manner };
        store(&mut orders, order);
    }

    fn lock(&self) -> MutexGuard<'_, Orders> {
        self.orders.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn check(manner: Manner) -> Result<(), MannersRefusal> {
    match manner {
        Manner::Status { code } if !(200..600).contains(&code) => Err(MannersRefusal::Status(code)),
        _ => Ok(()),
    }
}

fn node(world: &World, name: &str) -> Result<ServerId, MannersRefusal> {
    let id = parse_canonical(name).map(ServerId);
    let mut servers = world.servers();
    let found = servers.find(|server| server.name == name || Some(server.id) == id);
    found.map(|server| server.id).ok_or_else(|| MannersRefusal::NoNode(name.to_owned()))
}

/// A machine by its id, or by its name if only one bears it.
fn machine(world: &World, name: &str) -> Result<MachineId, MannersRefusal> {
    if let Some(machine) = MachineId::parse(name).and_then(|id| world.true_machine(id)) {
        return Ok(machine.id);
    }
    let mut bearers = world.accounts().flat_map(|account| world.live_machines_named(account.id, name));
    let first = bearers.next().ok_or_else(|| MannersRefusal::NoMachine(name.to_owned()))?;
    match bearers.next() {
        None => Ok(first.id),
        Some(_) => Err(MannersRefusal::SeveralMachines(name.to_owned())),
    }
}
