//! Writes that are done once, however often they are sent: by an `Idempotency-Key`.
//!
//! Owns the record of what a key stood for and was answered. Must never answer one request with
//! what another one did.

use std::time::Duration;

use axum::response::{IntoResponse, Response};
use http::header::{CONTENT_TYPE, ETAG, HeaderName, LOCATION};
use http::{HeaderValue, StatusCode};
use serde::{Deserialize, Serialize};
use tsg_core::model::fingerprint::Fingerprint;
use tsg_core::model::id::AccountId;
use tsg_core::model::time::Timestamp;
use tsg_core::ports::Store;
use tsg_core::ports::store::{CommitError, Kind, Scope};
use tsg_core::records::{Stored, Transaction, Versioned, codec};
use uuid::Uuid;

use super::request::Write;
use crate::app::Application;
use crate::auth::Caller;
use crate::http::failure::Failure;

/// Marks an answer that was given before.
const REPLAYED: HeaderName = HeaderName::from_static("idempotent-replayed");

/// The answer to a write, as it can be given again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The version of what was written.
    pub etag: Option<String>,
    /// Where what was made stands.
    pub location: Option<String>,
    /// The JSON body; empty for none.
    pub body: String,
}

impl Answer {
    /// An answer without a body.
    pub fn empty(status: StatusCode) -> Self {
        Self { status: status.as_u16(), etag: None, location: None, body: String::new() }
    }

    /// An answer with a JSON body.
    pub fn json(status: StatusCode, body: &impl Serialize) -> Self {
        Self { body: serde_json::to_string(body).unwrap_or_default(), ..Self::empty(status) }
    }
}

impl IntoResponse for Answer {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = (status, self.body).into_response();
        let headers = response.headers_mut();
        headers.remove(CONTENT_TYPE);
        if status != StatusCode::NO_CONTENT {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        }
        for (name, text) in [(ETAG, self.etag), (LOCATION, self.location)] {
            if let Some(value) = text.and_then(|text| HeaderValue::from_str(&text).ok()) {
                headers.insert(name, value);
            }
        }
        response
    }
}

/// What a key stands for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyUse {
    /// Hash of the key: the record's id.
    pub key: Fingerprint,
    /// Hash of method, path and body.
    pub request: Fingerprint,
    /// The answer, once it was given.
    pub answer: Option<Answer>,
    /// When it was first used.
    pub at: Timestamp,
}

impl Stored for KeyUse {
    const KIND: Kind = Kind::Idempotency;

    fn id(&self) -> String {
        self.key.to_string()
    }
}

/// Does a write once. `work` is given the id to use for what it makes: the same one whenever the
/// same key is used, so that a write whose answer got lost in a crash makes nothing twice.
pub async fn once<W>(app: &Application, caller: &Caller, write: &Write, work: W) -> Result<Response, Failure>
where
    W: AsyncFnOnce(Uuid) -> Result<Answer, Failure>,
{
    let Some(key) = &write.key else {
        return work(app.draw_id()).await.map(IntoResponse::into_response);
    };
    let key_use = match claim(app, caller, write, key).await? {
        Claimed::Answered(answer) => {
            let mut response = answer.into_response();
            response.headers_mut().insert(REPLAYED, HeaderValue::from_static("true"));
            return Ok(response);
        }
        Claimed::Open(key_use) => key_use,
    };
    let answer = work(derived_id(caller.account(), &key_use.value)).await;
    settle(app, &key_use, &answer).await;
    answer.map(IntoResponse::into_response)
}

enum Claimed {
    Answered(Answer),
    Open(Versioned<KeyUse>),
}

async fn claim(app: &Application, caller: &Caller, write: &Write, key: &str) -> Result<Claimed, Failure> {
    let request = Fingerprint::of(&(write.method.as_str(), &write.path)).chain(&write.body);
    let wanted = KeyUse { key: Fingerprint::of_bytes(key.as_bytes()), request, answer: None, at: app.now() };
    let mut transaction = Transaction::new();
    transaction.insert(caller.account(), &wanted);
    match app.store.commit(transaction.into_commit()).await {
        // Somebody used the key before, or it may just have been taken: the record says.
        Ok(_) | Err(CommitError::Conflict { .. } | CommitError::Ambiguous { .. }) => {}
        Err(CommitError::Store(error)) => return Err(error.into()),
    }
    let found = codec::get::<KeyUse>(app.store.as_ref(), caller.account(), &wanted.id()).await?;
    match found {
        None => Err(Failure::contended()),
        Some(found) if found.value.request != request => Err(Failure::new(
            StatusCode::CONFLICT,
            "IdempotencyKeyReused",
            "this Idempotency-Key was used for another request",
        )
        .hint("use a new key for each new request")),
        Some(Versioned { value: KeyUse { answer: Some(answer), .. }, .. }) => Ok(Claimed::Answered(answer)),
        Some(open) => Ok(Claimed::Open(open)),
    }
}

/// Keeps a good answer, and lets go of the key after a refusal so that the corrected request can
/// use it. After a failure of the server the key stays taken by this request: nobody knows what
/// was done, and only the same request may find out.
async fn settle(app: &Application, key_use: &Versioned<KeyUse>, answer: &Result<Answer, Failure>) {
    let mut transaction = Transaction::new();
    match answer {
        Ok(answer) => {
            transaction.replace(key_use, &KeyUse { answer: Some(answer.clone()), ..key_use.value.clone() });
        }
        Err(failure) if failure.status.is_client_error() => transaction.remove(key_use),
        Err(_) => return,
    }
    if let Err(error) = app.store.commit(transaction.into_commit()).await {
        // The write itself stands; a repetition is done again, with the same id.
        tracing::warn!(%error, "an answer could not be kept under its idempotency key");
    }
}

/// The request is part of it: once a key is forgotten it may come with another request, which must
/// not meet what the first one made.
fn derived_id(account: AccountId, key_use: &KeyUse) -> Uuid {
    let parts = ("idempotency", account.to_string(), key_use.key.to_string(), key_use.request.to_string());
    let hash = Fingerprint::of(&parts);
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&hash.as_bytes()[..16]);
    uuid::Builder::from_random_bytes(bytes).into_uuid()
}

/// How long a key is remembered: longer than any client goes on repeating a request.
const REMEMBERED_FOR: Duration = Duration::from_secs(24 * 3600);

/// Records removed in one commit.
const BATCH: usize = 200;

/// Forgets keys that are older than [`REMEMBERED_FOR`].
///
/// # Errors
/// The store's. What was forgotten until then stays forgotten.
pub async fn forget_old(store: &dyn Store, now: Timestamp) -> Result<(), CommitError> {
    let limit = now.before(REMEMBERED_FOR);
    let kept = codec::all::<KeyUse>(store, Scope::Everyone, "").await?;
    let old: Vec<_> = kept.into_iter().filter(|key_use| key_use.value.at < limit).collect();
    for batch in old.chunks(BATCH) {
        let mut transaction = Transaction::new();
        for key_use in batch {
            transaction.remove(key_use);
        }
        store.commit(transaction.into_commit()).await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tsg_store::MemoryStore;

    use super::*;
    use crate::host::SystemClock;

    #[test]
    fn what_is_made_is_named_after_account_key_and_request() {
        let account = |n| AccountId::from_directory(Uuid::from_u128(n));
        let key_use = |key: &[u8], request: &[u8]| KeyUse {
            key: Fingerprint::of_bytes(key),
            request: Fingerprint::of_bytes(request),
            answer: None,
            at: Timestamp::EPOCH,
        };
        let first = derived_id(account(1), &key_use(b"k", b"r"));
        assert_eq!(derived_id(account(1), &key_use(b"k", b"r")), first);
        assert_ne!(derived_id(account(2), &key_use(b"k", b"r")), first);
        assert_ne!(derived_id(account(1), &key_use(b"l", b"r")), first);
        assert_ne!(derived_id(account(1), &key_use(b"k", b"s")), first);
    }

    #[tokio::test]
    async fn keys_are_forgotten_after_a_day_and_not_before() {
        let store = MemoryStore::new(Arc::new(SystemClock));
        let account = AccountId::from_directory(Uuid::from_u128(1));
        let start = Timestamp::from_millis(1_000_000);
        let key_use = |name: &str, at| KeyUse {
            key: Fingerprint::of_bytes(name.as_bytes()),
            request: Fingerprint::ZERO,
            answer: None,
            at,
        };
        let mut transaction = Transaction::new();
        transaction.insert(account, &key_use("old", start));
        transaction.insert(account, &key_use("new", start.after(Duration::from_millis(1))));
        store.commit(transaction.into_commit()).await.unwrap();
        forget_old(&store, start.after(REMEMBERED_FOR)).await.unwrap();
        assert_eq!(codec::all::<KeyUse>(&store, Scope::Everyone, "").await.unwrap().len(), 2);
        forget_old(&store, start.after(REMEMBERED_FOR + Duration::from_millis(1))).await.unwrap();
        let left = codec::all::<KeyUse>(&store, Scope::Everyone, "").await.unwrap();
        assert_eq!(left.iter().map(|kept| kept.value.key).collect::<Vec<_>>(), [Fingerprint::of_bytes(b"new")]);
    }
}
