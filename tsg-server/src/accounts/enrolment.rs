//! Enrolment: the server makes a key for an account, its owner uploads the public half, the
//! server proves that it works and that the owner asked.
//!
//! Owns the two steps between. Must never keep a key that was not proved, and never upload one
//! itself: that takes the owner's own signature, which never comes here.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use thiserror::Error;
use tokio::sync::{Semaphore, SemaphorePermit};
use tsg_cloudapi::signature::{KeyError, NewKeyKind, PrivateKey};
use uuid::Uuid;

use super::allow;
use crate::app::Application;

/// How long an enrolment that was begun can be completed.
const LIFETIME: Duration = Duration::from_secs(15 * 60);
/// Enrolments of one login under way at once; the oldest makes room for one more. Nobody has to
/// sign to begin, so whoever begins many must not keep the owner out.
const PENDING_OF_LOGIN: usize = 16;
/// Enrolments under way at once, a key in memory each; the oldest of the login with most of them
/// makes room.
const PENDING_MAX: usize = 256;
/// New RSA keys each minute: making one takes a second of a processor.
const RSA_PER_MINUTE: usize = 20;
/// How often the completion of one enrolment may be tried, each at the cost of a request or two to
/// CloudAPI: twice what an owner tries who waits a minute for the key to be seen.
const TRIES_MAX: usize = 240;

/// The path of the first step.
pub const BEGIN_ROUTE: &str = "/v2/account/enrollments";

/// Whether a path is one of the two steps, which authenticate in their own way.
pub fn is_route(path: &str) -> bool {
    match path.strip_prefix(BEGIN_ROUTE) {
        Some("") => true,
        Some(rest) => rest.starts_with('/') && rest.ends_with("/complete"),
        None => false,
    }
}

/// An enrolment that was begun.
pub struct Pending {
    /// Its id.
    pub id: Uuid,
    /// Whose account.
    pub login: String,
    /// The key, in memory only.
    pub key: PrivateKey,
    /// The name to upload it under.
    pub key_name: String,
    /// Until when it can be completed, on the monotonic clock.
    pub expires_at: Duration,
    tries: tokio::sync::Mutex<usize>,
}

impl Pending {
    /// Lets one try to complete it in, until what is returned is dropped; `None` while another one
    /// is under way, or when it was tried too often.
    pub fn try_once(&self) -> Option<impl Drop + '_> {
        let mut tries = self.tries.try_lock().ok().filter(|tries| **tries < TRIES_MAX)?;
        *tries += 1;
        Some(tries)
    }
}

/// Why an enrolment cannot begin.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum BeginError {
    /// The text cannot be a login.
    #[error("{0:?} cannot be a login")]
    NotALogin(String),
    /// The login is not on the allow-list.
    #[error("the account {0:?} may not enrol here")]
    NotAllowed(String),
    /// Too many RSA keys were made within a minute.
    #[error("too many RSA keys were asked for")]
    TooMany,
    /// No key could be made.
    #[error(transparent)]
    Key(#[from] KeyError),
}

/// The enrolments that were begun.
pub struct Enrolments {
    pending: Mutex<Begun>,
    completing: Semaphore,
}

impl Default for Enrolments {
    fn default() -> Self {
        Self { pending: Mutex::default(), completing: Semaphore::new(1) }
    }
}

#[derive(Default)]
struct Begun {
    by_id: BTreeMap<Uuid, Arc<Pending>>,
    rsa_at: Vec<Duration>,
}

impl Enrolments {
    /// Makes a key for `login` and waits for its owner to upload it.
    ///
    /// # Errors
    /// [`BeginError`].
    pub async fn begin(&self, app: &Application, login: &str, kind: NewKeyKind) -> Result<Arc<Pending>, BeginError> {
        if !allow::is_login(login) {
            return Err(BeginError::NotALogin(login.chars().take(64).collect()));
        }
        if !app.allowed.is_allowed(login) {
            return Err(BeginError::NotAllowed(login.to_owned()));
        }
        let now = app.clock.monotonic();
        if kind == NewKeyKind::Rsa3072 {
            self.lock().note_rsa(now)?;
        }
        let datacenter = app.config.triton.datacenter.clone();
        let comment = format!("tsg {datacenter}");
        let made = tokio::task::spawn_blocking(move || PrivateKey::generate(kind, &comment)).await;
        let key = made.map_err(|_| KeyError::GenerationFailed)??;
        let pending = Arc::new(Pending {
            id: app.draw_id(),
            login: login.to_owned(),
            key_name: key_name(&datacenter, &key),
            key,
            expires_at: now + LIFETIME,
            tries: tokio::sync::Mutex::default(),
        });
        self.lock().keep(pending.clone(), now);
        Ok(pending)
    }

    /// An enrolment that was begun and has not expired.
    pub fn find(&self, id: Uuid, now: Duration) -> Option<Arc<Pending>> {
        self.lock().by_id.get(&id).filter(|pending| now < pending.expires_at).cloned()
    }

    /// Waits for the right to replace records and engines, which one completion at a time has;
    /// `None` when the server ends.
    pub async fn turn(&self) -> Option<SemaphorePermit<'_>> {
        self.completing.acquire().await.ok()
    }

    /// Lets the completion under way end, and none begin after it.
    pub async fn close(&self) {
        let _last = self.turn().await;
        self.completing.close();
    }

    /// Forgets an enrolment that was completed.
    pub fn remove(&self, id: Uuid) {
        self.lock().by_id.remove(&id);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Begun> {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Begun {
    fn note_rsa(&mut self, now: Duration) -> Result<(), BeginError> {
        self.rsa_at.retain(|at| now.saturating_sub(*at) < Duration::from_secs(60));
        if self.rsa_at.len() >= RSA_PER_MINUTE {
            return Err(BeginError::TooMany);
        }
        self.rsa_at.push(now);
        Ok(())
    }

    fn keep(&mut self, pending: Arc<Pending>, now: Duration) {
        self.by_id.retain(|_, pending| now < pending.expires_at);
        if self.count_of(&pending.login) >= PENDING_OF_LOGIN {
            self.evict_oldest_of(&pending.login);
        } else if self.by_id.len() >= PENDING_MAX {
            let most = self.by_id.values().max_by_key(|kept| self.count_of(&kept.login));
            if let Some(login) = most.map(|kept| kept.login.clone()) {
                self.evict_oldest_of(&login);
            }
        }
        self.by_id.insert(pending.id, pending);
    }

    fn count_of(&self, login: &str) -> usize {
        self.by_id.values().filter(|pending| pending.login == login).count()
    }

    fn evict_oldest_of(&mut self, login: &str) {
        let of_login = self.by_id.values().filter(|pending| pending.login == login);
        if let Some(id) = of_login.min_by_key(|pending| pending.expires_at).map(|oldest| oldest.id) {
            self.by_id.remove(&id);
        }
    }
}

/// `TSG_Management_<dc>_<8 digits of the fingerprint>`: TSG v1's name with a part that differs
/// for each key, since key names are unique in an account and a new key is uploaded before the
/// old one is removed.
fn key_name(datacenter: &str, key: &PrivateKey) -> String {
    let digits: String = key.public_key().fingerprint_md5().chars().filter(|digit| *digit != ':').take(8).collect();
    format!("TSG_Management_{datacenter}_{digits}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_two_steps_are_open() {
        assert!(is_route("/v2/account/enrollments"));
        assert!(is_route("/v2/account/enrollments/x/complete"));
        for path in ["/v2/account", "/v2/account/enrollmentsx/complete", "/v2/account/enrollments/x", "/v2/groups"] {
            assert!(!is_route(path), "{path}");
        }
    }

    fn pending(number: u64, login: &str) -> Arc<Pending> {
        Arc::new(Pending {
            id: Uuid::from_u128(u128::from(number)),
            login: login.to_owned(),
            key: PrivateKey::generate(NewKeyKind::Ed25519, "").unwrap(),
            key_name: String::new(),
            expires_at: LIFETIME + Duration::from_millis(number),
            tries: tokio::sync::Mutex::default(),
        })
    }

    #[test]
    fn whoever_begins_many_pushes_out_their_own() {
        let mut begun = Begun::default();
        begun.keep(pending(0, "owner"), Duration::ZERO);
        for number in 1..=300 {
            begun.keep(pending(number, "flooded"), Duration::ZERO);
        }
        assert_eq!((begun.count_of("owner"), begun.count_of("flooded")), (1, PENDING_OF_LOGIN));
        assert!(begun.by_id.contains_key(&Uuid::from_u128(300)) && !begun.by_id.contains_key(&Uuid::from_u128(1)));
        for number in 301..=700 {
            begun.keep(pending(number, &format!("made-up-{}", number / 8)), Duration::ZERO);
        }
        assert_eq!(begun.by_id.len(), PENDING_MAX);
        assert_eq!(begun.count_of("owner"), 1, "the logins with many make room first");
    }

    #[test]
    fn one_enrolment_is_tried_once_at_a_time_and_not_for_ever() {
        let pending = pending(0, "owner");
        let trying = pending.try_once();
        assert!(trying.is_some() && pending.try_once().is_none());
        drop(trying);
        for _ in 1..TRIES_MAX {
            assert!(pending.try_once().is_some());
        }
        assert!(pending.try_once().is_none());
    }
}
