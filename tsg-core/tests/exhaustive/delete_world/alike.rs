//! States that differ in names only, or in what is over, are one.
//!
//! Owns the order of the ledger and what is dropped from it. Must never drop what something may
//! still come of.

use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};

use tsg_core::model::id::{InstanceId, OperationId};

use super::{Life, State, hash_machine, hash_operation, id_of};

impl State {
    /// Drops operations that nothing can come of any more.
    pub fn forget_what_is_over(&mut self) {
        let kept: Vec<usize> = (0..self.ledger.len()).filter(|place| !self.is_over(*place)).collect();
        if kept.len() < self.ledger.len() {
            self.rearrange(&kept);
        }
    }

    fn is_over(&self, place: usize) -> bool {
        let operation = &self.ledger[place];
        let of_it = |number: &usize| self.cloud[*number].operation == place;
        let is_dead = |number: usize| matches!(self.cloud[number].life, Life::Destroyed | Life::Forgotten);
        operation.phase.is_closed()
            && operation.residue.is_empty()
            && !self.requests.iter().any(|request| request.operation == place)
            && (0..self.cloud.len()).filter(of_it).all(is_dead)
    }

    /// Gives operations that trade places the same order, whoever came first.
    pub fn put_in_order(&mut self) {
        if self.ledger.len() < 2 {
            return;
        }
        let keys: Vec<u64> = (0..self.ledger.len()).map(|place| self.key(place)).collect();
        if !keys.is_sorted() {
            let mut order: Vec<usize> = (0..keys.len()).collect();
            order.sort_by_key(|place| keys[*place]);
            self.rearrange(&order);
        }
    }

    /// All there is to say about an operation but its place.
    fn key(&self, place: usize) -> u64 {
        let mut hasher = DefaultHasher::new();
        let numbers: Vec<usize> = (0..self.cloud.len()).filter(|it| self.cloud[*it].operation == place).collect();
        let within = |id: InstanceId| numbers.iter().position(|number| id_of(*number) == id);
        hash_operation(&self.ledger[place], within, &mut hasher);
        self.planned_for[place].hash(&mut hasher);
        for number in &numbers {
            hash_machine(&self.cloud[*number], &mut hasher);
            (self.deletes.contains(number), self.lag == super::Lag::Of(*number)).hash(&mut hasher);
        }
        for request in self.requests.iter().filter(|request| request.operation == place) {
            (request.attempt, request.age, request.is_awaited).hash(&mut hasher);
        }
        hasher.finish()
    }

    /// Keeps the operations at these places, in this order, and names everything anew.
    fn rearrange(&mut self, order: &[usize]) {
        let place_of = |old: usize| order.iter().position(|place| *place == old);
        let mut numbers: Vec<usize> = (0..self.cloud.len()).collect();
        numbers.retain(|number| place_of(self.cloud[*number].operation).is_some());
        numbers.sort_by_key(|number| place_of(self.cloud[*number].operation));
        let number_of = |old: usize| numbers.iter().position(|number| *number == old);
        let renamed = |id: InstanceId| number_of(self.number(id)).map(id_of);
        let mut ledger = Vec::new();
        for (place, old) in order.iter().enumerate() {
            let mut operation = (*self.ledger[*old]).clone();
            operation.sequence = place as u64 + 1;
            operation.id = OperationId::from_bits(u128::from(operation.sequence));
            operation.instance = operation.instance.and_then(renamed);
            operation.residue = operation.residue.iter().filter_map(|id| renamed(*id)).collect();
            ledger.push(operation.into());
        }
        let mut cloud: Vec<_> = numbers.iter().map(|number| self.cloud[*number]).collect();
        cloud.iter_mut().for_each(|machine| machine.operation = place_of(machine.operation).unwrap());
        let mut requests = self.requests.clone();
        requests.iter_mut().for_each(|request| request.operation = place_of(request.operation).unwrap());
        requests.sort_by_key(|request| (request.operation, request.attempt));
        self.deletes = self.deletes.iter().filter_map(|number| number_of(*number)).collect();
        if let super::Lag::Of(number) = self.lag {
            self.lag = number_of(number).map_or(super::Lag::Over, super::Lag::Of);
        }
        self.planned_for = order.iter().map(|place| self.planned_for[*place]).collect();
        (self.ledger, self.cloud, self.requests) = (ledger, cloud, requests);
    }
}
