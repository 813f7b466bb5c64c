//! The enrolled accounts in memory, by login and by id.
//!
//! Owns which account a key id can mean. Must never be filled from a request; only enrolment and
//! the store's records add to it.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

use tsg_core::model::id::AccountId;

use super::client::AccountClient;
use super::directory::KeyCache;
use crate::host::seat::EngineSeat;

/// An account that tsg works for.
pub struct Enrolled {
    /// Its id in Triton's directory.
    pub account: AccountId,
    /// Its login.
    pub login: String,
    /// CloudAPI as this account, with the server's own key.
    pub client: Arc<AccountClient>,
    /// The public keys of its people.
    pub keys: KeyCache,
    /// Its engine.
    pub engine: EngineSeat,
}

/// All of them.
#[derive(Default)]
pub struct Registry {
    accounts: RwLock<BTreeMap<AccountId, Arc<Enrolled>>>,
}

impl Registry {
    /// The account that a key id names, by login or by id.
    pub fn find(&self, name: &str) -> Option<Arc<Enrolled>> {
        let accounts = self.accounts.read().unwrap_or_else(PoisonError::into_inner);
        let is_named = |enrolled: &&Arc<Enrolled>| enrolled.login == name || enrolled.account.to_string() == name;
        accounts.values().find(is_named).cloned()
    }

    /// All accounts.
    pub fn all(&self) -> Vec<Arc<Enrolled>> {
        self.accounts.read().unwrap_or_else(PoisonError::into_inner).values().cloned().collect()
    }

    /// Puts an account in, and returns the one it takes the place of.
    pub fn put(&self, enrolled: Arc<Enrolled>) -> Option<Arc<Enrolled>> {
        let mut accounts = self.accounts.write().unwrap_or_else(PoisonError::into_inner);
        accounts.insert(enrolled.account, enrolled)
    }
}
