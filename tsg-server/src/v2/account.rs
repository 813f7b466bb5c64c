//! `/v2/account`: the caller's own account here, and the two steps of enrolling one.

use std::time::Duration;

use axum::Json;
use axum::extract::{Path, Request, State};
use bytes::Bytes;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use tsg_cloudapi::signature::NewKeyKind;
use tsg_core::records::codec;
use uuid::Uuid;

use super::request::json;
use crate::accounts::completion::{self, CompleteError};
use crate::accounts::enrolment::{BeginError, Pending};
use crate::accounts::record::{AccountKeyRecord, AccountRecord};
use crate::app::{App, Application};
use crate::auth::Caller;
use crate::http::failure::Failure;
use crate::time;

#[derive(Debug, Serialize)]
pub struct AccountBody {
    id: String,
    login: String,
    enrolled_at: String,
    key_name: String,
    key_fingerprint: String,
    key_version: u32,
}

/// The caller's account and the server's key for it; the public half only.
pub async fn show(State(app): State<App>, caller: Caller) -> Result<Json<AccountBody>, Failure> {
    let (store, account) = (app.store.as_ref(), caller.account());
    let record = codec::get::<AccountRecord>(store, account, AccountRecord::ID).await?;
    let key = codec::get::<AccountKeyRecord>(store, account, AccountKeyRecord::ID).await?;
    let (Some(record), Some(key)) = (record, key) else { return Err(Failure::internal()) };
    Ok(Json(AccountBody {
        id: account.to_string(),
        login: record.value.login,
        enrolled_at: time::milliseconds(record.value.enrolled_at),
        key_name: key.value.key_name,
        key_fingerprint: key.value.fingerprint,
        key_version: key.value.version,
    }))
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Begin {
    login: String,
    #[serde(default)]
    key_type: KeyType,
}

/// What kind of key to make. Shorter RSA keys cannot be asked for.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
enum KeyType {
    #[default]
    Ed25519,
    Rsa3072,
}

#[derive(Debug, Serialize)]
pub struct BegunBody {
    id: Uuid,
    login: String,
    key_name: String,
    public_key: String,
    key_fingerprint: String,
    expires_at: String,
}

/// First step: makes a key. Its owner uploads the public half under the name given.
pub async fn begin(State(app): State<App>, body: Bytes) -> Result<(StatusCode, Json<BegunBody>), Failure> {
    let asked: Begin = json(&body)?;
    let kind = match asked.key_type {
        KeyType::Ed25519 => NewKeyKind::Ed25519,
        KeyType::Rsa3072 => NewKeyKind::Rsa3072,
    };
    let pending = app.enrolments.begin(&app, &asked.login, kind).await.map_err(begin_failure)?;
    Ok((StatusCode::CREATED, Json(begun(&app, &pending))))
}

fn begun(app: &Application, pending: &Pending) -> BegunBody {
    let left = pending.expires_at.saturating_sub(app.clock.monotonic());
    BegunBody {
        id: pending.id,
        login: pending.login.clone(),
        key_name: pending.key_name.clone(),
        public_key: pending.key.public_key().to_openssh(),
        key_fingerprint: pending.key.public_key().fingerprint_md5(),
        expires_at: time::milliseconds(app.now().after(left)),
    }
}

fn begin_failure(error: BeginError) -> Failure {
    match &error {
        BeginError::NotALogin(_) => Failure::unprocessable("InvalidLogin", error.to_string()),
        BeginError::NotAllowed(_) => Failure::new(StatusCode::FORBIDDEN, "AccountNotAllowed", error.to_string())
            .hint("the operator lets accounts in with `tsg account allow LOGIN`"),
        BeginError::TooMany => Failure::new(StatusCode::TOO_MANY_REQUESTS, "TooManyEnrolments", error.to_string())
            .hint("ask for an ed25519 key, or wait a minute")
            .retry_after(Duration::from_secs(60)),
        BeginError::Key(_) => Failure::internal(),
    }
}

#[derive(Debug, Serialize)]
pub struct CompletedBody {
    account: AccountName,
    key_name: String,
    key_fingerprint: String,
    /// Keys that are not used any more; their owner can remove them from Triton.
    superseded: Vec<SupersededBody>,
}

#[derive(Debug, Serialize)]
struct AccountName {
    id: String,
    login: String,
}

#[derive(Debug, Serialize)]
struct SupersededBody {
    key_name: String,
    key_fingerprint: String,
}

/// Second step, signed by the account's owner: proves the key and puts it to use.
pub async fn complete(
    State(app): State<App>,
    Path(id): Path<String>,
    request: Request,
) -> Result<Json<CompletedBody>, Failure> {
    let unknown = || Failure::not_found("enrolment under way").hint("it may have expired: begin again");
    let id = Uuid::try_parse(&id).map_err(|_| unknown())?;
    let pending = app.enrolments.find(id, app.clock.monotonic()).ok_or_else(unknown)?;
    let (parts, _) = request.into_parts();
    let completed = completion::complete(&app, &pending, &parts).await.map_err(complete_failure)?;
    let superseded = completed.superseded.into_iter();
    Ok(Json(CompletedBody {
        account: AccountName { id: completed.profile.account.to_string(), login: completed.profile.login },
        key_name: pending.key_name.clone(),
        key_fingerprint: pending.key.public_key().fingerprint_md5(),
        superseded: superseded
            .map(|key| SupersededBody { key_name: key.key_name, key_fingerprint: key.fingerprint })
            .collect(),
    }))
}

fn complete_failure(error: CompleteError) -> Failure {
    let message = error.to_string();
    match error {
        CompleteError::Refused(refusal) => refusal.into(),
        CompleteError::KeyNotVisible => Failure::new(StatusCode::CONFLICT, "KeyNotVisible", message)
            .hint("upload the public half under its name (POST /LOGIN/keys), wait some seconds, and repeat")
            .retry_after(Duration::from_secs(2)),
        CompleteError::CloudDown(reason) => {
            tracing::warn!(%reason, "an enrolment cannot be proved");
            Failure::new(StatusCode::SERVICE_UNAVAILABLE, "CloudUnavailable", "CloudAPI does not answer")
                .hint("repeat the request when CloudAPI answers")
                .retry_after(Duration::from_secs(5))
        }
        CompleteError::OtherAccount { .. } => Failure::new(StatusCode::CONFLICT, "OtherAccount", message)
            .hint("begin the enrolment with the login that the key was uploaded to"),
        CompleteError::Contended => Failure::contended(),
        CompleteError::TooMany => Failure::new(StatusCode::TOO_MANY_REQUESTS, "TooManyEnrolments", message)
            .hint("wait for the other request, or begin again")
            .retry_after(Duration::from_secs(1)),
        CompleteError::Ended => Failure::new(StatusCode::SERVICE_UNAVAILABLE, "Ending", message)
            .hint("enrol again when the server is back")
            .retry_after(Duration::from_secs(5)),
        CompleteError::Store(error) => error.into(),
        CompleteError::Connect(_) | CompleteError::Vault(_) => {
            tracing::error!(%message, "an enrolment failed");
            Failure::internal()
        }
    }
}
