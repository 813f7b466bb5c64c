//! How many requests of one account are worked on at once.
//!
//! Owns the count. Must never make a caller wait: a full house is answered at once.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use tsg_core::model::id::AccountId;

/// Counts the requests under way for each account.
#[derive(Debug)]
pub struct Gate {
    most: usize,
    inside: Arc<Mutex<BTreeMap<AccountId, usize>>>,
}

/// One request under way; leaving is dropping it.
#[derive(Debug)]
pub struct Ticket {
    account: AccountId,
    inside: Arc<Mutex<BTreeMap<AccountId, usize>>>,
}

impl Gate {
    /// Lets `most` requests of each account in at once.
    pub fn new(most: usize) -> Self {
        Self { most, inside: Arc::default() }
    }

    /// Lets one more in, or `None` when the house is full.
    pub fn enter(&self, account: AccountId) -> Option<Ticket> {
        let mut inside = self.inside.lock().unwrap_or_else(PoisonError::into_inner);
        let count = inside.entry(account).or_insert(0);
        if *count >= self.most {
            return None;
        }
        *count += 1;
        Some(Ticket { account, inside: self.inside.clone() })
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        let mut inside = self.inside.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = inside.get_mut(&self.account) {
            *count -= 1;
            if *count == 0 {
                inside.remove(&self.account);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    #[test]
    fn one_account_that_is_full_does_not_keep_another_out() {
        let gate = Gate::new(2);
        let [first, second] = [1, 2].map(|n| AccountId::from_directory(Uuid::from_u128(n)));
        let held = [gate.enter(first).unwrap(), gate.enter(first).unwrap()];
        assert!(gate.enter(first).is_none());
        assert!(gate.enter(second).is_some());
        drop(held);
        assert!(gate.enter(first).is_some());
        assert!(gate.inside.lock().unwrap().is_empty());
    }
}
