//! Enrolment: the server makes a key for an account, its owner uploads the public half, the
//! server proves that it works and that the owner asked.
//!
//! Owns the two steps between. Must never keep a key that was not proved, and never upload one
//! itself: that takes the owner's own signature, which never comes here.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use thiserror::Error;
use tsg_cloudapi::signature::{KeyError, NewKeyKind, PrivateKey};
use uuid::Uuid;

use super::allow;
use crate::app::Application;

/// How long an enrolment that was begun can be completed.
const LIFETIME: Duration = Duration::from_secs(15 * 60);
/// Enrolments of one login under way at once.
const PENDING_OF_LOGIN: usize = 4;
/// Enrolments under way at once; each holds a key in memory.
const PENDING_MAX: usize = 64;
/// New enrolments each minute: making an RSA key takes a second of a processor.
const BEGUN_PER_MINUTE: usize = 20;

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
    /// Too many were begun.
    #[error("too many enrolments are under way")]
    TooMany,
    /// No key could be made.
    #[error(transparent)]
    Key(#[from] KeyError),
}

/// The enrolments that were begun.
#[derive(Default)]
pub struct Enrolments {
    pending: Mutex<Begun>,
    /// One completion at a time: they replace engines and records.
    pub completing: tokio::sync::Mutex<()>,
}

#[derive(Default)]
struct Begun {
    by_id: BTreeMap<Uuid, Arc<Pending>>,
    times: Vec<Duration>,
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
        self.lock().make_room(login, now)?;
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
        });
        self.lock().by_id.insert(pending.id, pending.clone());
        Ok(pending)
    }

    /// An enrolment that was begun and has not expired.
    pub fn find(&self, id: Uuid, now: Duration) -> Option<Arc<Pending>> {
        self.lock().by_id.get(&id).filter(|pending| now < pending.expires_at).cloned()
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
    fn make_room(&mut self, login: &str, now: Duration) -> Result<(), BeginError> {
        self.by_id.retain(|_, pending| now < pending.expires_at);
        self.times.retain(|at| now.saturating_sub(*at) < Duration::from_secs(60));
        let of_login = self.by_id.values().filter(|pending| pending.login == login).count();
        if of_login >= PENDING_OF_LOGIN || self.by_id.len() >= PENDING_MAX || self.times.len() >= BEGUN_PER_MINUTE {
            return Err(BeginError::TooMany);
        }
        self.times.push(now);
        Ok(())
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
}
