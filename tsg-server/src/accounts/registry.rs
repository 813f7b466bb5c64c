//! The enrolled accounts in memory, by login and by id.
//!
//! Owns which account a key id can mean. Must never be filled from a request; only enrolment and
//! the store's records add to it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, PoisonError, RwLock};

use tsg_core::model::id::AccountId;
use uuid::Uuid;

use super::client::AccountClient;
use super::directory::KeyCache;
use crate::events::Chronicle;
use crate::health::Watch;
use crate::host::feed::Feed;
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
    /// Its change feed, if that is listened to.
    pub feed: Option<Arc<Feed>>,
    /// Who looks after its instances.
    pub watch: Arc<Watch>,
    /// What happened to them lately.
    pub events: Arc<Chronicle>,
}

/// All of them.
#[derive(Default)]
pub struct Registry {
    known: RwLock<Known>,
}

#[derive(Default)]
struct Known {
    accounts: BTreeMap<AccountId, Arc<Enrolled>>,
    logins: BTreeMap<String, AccountId>,
    left_out: BTreeSet<AccountId>,
}

impl Registry {
    /// The account that a key id names, by login or by id.
    pub fn find(&self, name: &str) -> Option<Arc<Enrolled>> {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(account) = known.logins.get(name) {
            return known.accounts.get(account).cloned();
        }
        let id = Uuid::try_parse(name).ok()?;
        known.accounts.values().find(|enrolled| enrolled.account.uuid() == id).cloned()
    }

    /// All accounts.
    pub fn all(&self) -> Vec<Arc<Enrolled>> {
        self.known.read().unwrap_or_else(PoisonError::into_inner).accounts.values().cloned().collect()
    }

    /// How many accounts could not be put to work: their groups are nobody's care until they are
    /// enrolled again.
    pub fn left_out(&self) -> usize {
        self.known.read().unwrap_or_else(PoisonError::into_inner).left_out.len()
    }

    /// Notes an account that cannot be put to work.
    pub fn leave_out(&self, account: AccountId) {
        self.known.write().unwrap_or_else(PoisonError::into_inner).left_out.insert(account);
    }

    /// Puts an account in. Its login is its own from then on, whoever had it before: CloudAPI has
    /// just said so.
    pub fn put(&self, enrolled: Arc<Enrolled>) {
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        known.left_out.remove(&enrolled.account);
        known.logins.retain(|_, account| *account != enrolled.account);
        known.logins.insert(enrolled.login.clone(), enrolled.account);
        known.accounts.insert(enrolled.account, enrolled);
    }
}
