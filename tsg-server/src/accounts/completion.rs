//! The second step of an enrolment: proof, record, engine.
//!
//! Owns the order: CloudAPI accepts the new key, the caller's signature is by a key that the
//! account has in CloudAPI, then the record, then the engine. Must never stop an engine before
//! the record of its new key is durable, nor stop half-way after it.

use std::sync::Arc;

use http::request::Parts;
use thiserror::Error;
use tsg_cloudapi::signature::KeyId;
use tsg_cloudapi::signature::verify::{self, ParsedAuthorization};
use tsg_core::model::time::Timestamp;
use tsg_core::ports::Store;
use tsg_core::ports::store::{CommitError, StoreError};
use tsg_core::records::{Transaction, codec};
use uuid::Uuid;

use super::client::{AccountClient, ConnectError, Profile};
use super::directory::{DirectoryError, KeySource, NamedKey};
use super::enrolment::Pending;
use super::record::{AccountKeyRecord, AccountRecord};
use super::vault::VaultError;
use crate::app::{App, Application};
use crate::auth::refusal::Refusal;
use crate::auth::replay::Freshness;
use crate::auth::signature;
use crate::host::enlist;

/// A key that was replaced; its owner can remove it from Triton.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Superseded {
    /// Its name in CloudAPI.
    pub key_name: String,
    /// Its md5 fingerprint.
    pub fingerprint: String,
}

/// An enrolment that was completed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Completed {
    /// The account.
    pub profile: Profile,
    /// The key that was used until now, if there was another.
    pub superseded: Option<Superseded>,
}

/// Why an enrolment is not completed.
#[derive(Debug, Error)]
pub enum CompleteError {
    /// The request is not signed as it must be.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// CloudAPI does not accept the new key.
    #[error("CloudAPI does not accept the new key yet")]
    KeyNotVisible,
    /// CloudAPI does not answer.
    #[error("CloudAPI does not answer: {0}")]
    CloudDown(String),
    /// CloudAPI says that the key belongs to another login.
    #[error("CloudAPI says that the key belongs to {found:?}, not to {expected:?}")]
    OtherAccount {
        /// Who began.
        expected: String,
        /// Whose key it is.
        found: String,
    },
    /// The key cannot be used at all.
    #[error(transparent)]
    Connect(#[from] ConnectError),
    /// The key cannot be sealed.
    #[error(transparent)]
    Vault(#[from] VaultError),
    /// The store did not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Somebody else enrolled the same account at the same moment.
    #[error("the account was enrolled by somebody else at the same moment")]
    Contended,
    /// It is being completed already, or was tried too often.
    #[error("this enrolment is being completed already, or was tried too often")]
    TooMany,
    /// The server ended in between.
    #[error("the server is ending")]
    Ended,
}

/// Completes an enrolment for the caller who signed this request.
///
/// # Errors
/// [`CompleteError`]; nothing has changed then.
pub async fn complete(app: &App, pending: &Arc<Pending>, parts: &Parts) -> Result<Completed, CompleteError> {
    let claim = read_claim(app, pending, parts)?;
    let _one_at_a_time = pending.try_once().ok_or(CompleteError::TooMany)?;
    let client = AccountClient::new(&app.config.triton, &pending.login, &pending.key)?;
    let profile = prove_key(&client, pending).await?;
    let keys = prove_caller(app, &client, &profile, &claim).await?;
    if !app.allowed.is_allowed(&profile.login) {
        return Err(Refusal::NotAllowed.into());
    }
    // From the record on there is no way back, so it is nobody's request any more: a client that
    // hangs up must not leave the account with a stopped engine.
    let proven = Proven { pending: pending.clone(), profile, client, keys };
    tokio::spawn(put_to_use(app.clone(), proven)).await.map_err(|_| CompleteError::Ended)?
}

/// An enrolment of which everything is proved.
struct Proven {
    pending: Arc<Pending>,
    profile: Profile,
    client: AccountClient,
    keys: Vec<NamedKey>,
}

async fn put_to_use(app: App, proven: Proven) -> Result<Completed, CompleteError> {
    let Proven { pending, profile, client, keys } = proven;
    let turn = app.enrolments.turn().await.ok_or(CompleteError::Ended)?;
    let superseded = record(&app, &pending, &profile).await?;
    enlist::replace(&app, &profile, client, keys).await;
    app.enrolments.remove(pending.id);
    drop(turn);
    tracing::info!(account = %profile.account, login = %profile.login, key = %pending.key_name, "enrolled");
    Ok(Completed { profile, superseded })
}

/// What the caller says and signed, before anybody is asked.
struct Claim {
    parsed: ParsedAuthorization,
    key_id: KeyId,
}

/// Refuses what cannot be the owner's, at no cost to CloudAPI.
fn read_claim(app: &Application, pending: &Pending, parts: &Parts) -> Result<Claim, Refusal> {
    let (parsed, key_id) = signature::read(parts, app.now(), app.config.auth.skew)?;
    if !parsed.covers_request_target() {
        return Err(Refusal::TargetNotCovered);
    }
    let may_name_account = key_id.account() == pending.login || Uuid::try_parse(key_id.account()).is_ok();
    if may_name_account { Ok(Claim { parsed, key_id }) } else { Err(Refusal::Unknown) }
}

async fn prove_key(client: &AccountClient, pending: &Pending) -> Result<Profile, CompleteError> {
    let profile = client.profile().await.map_err(|error| match error {
        DirectoryError::KeyRefused => CompleteError::KeyNotVisible,
        DirectoryError::Unreachable { reason } => CompleteError::CloudDown(reason),
    })?;
    if profile.login != pending.login {
        return Err(CompleteError::OtherAccount { expected: pending.login.clone(), found: profile.login });
    }
    Ok(profile)
}

/// The caller must have signed this very request with a key that the account has in CloudAPI.
async fn prove_caller(
    app: &Application,
    client: &AccountClient,
    profile: &Profile,
    claim: &Claim,
) -> Result<Vec<NamedKey>, CompleteError> {
    let Claim { parsed, key_id } = claim;
    let names_account = key_id.account() == profile.login || key_id.account() == profile.account.to_string();
    let keys = client.keys().await.map_err(|error| CompleteError::CloudDown(error.to_string()))?;
    let key = keys.iter().find(|named| names_account && key_id.names(&named.key, &named.name));
    let key = &key.ok_or(Refusal::Unknown)?.key;
    verify::check(parsed, key).map_err(|_| Refusal::Unknown)?;
    match app.replay.note(profile.account, signature::signed_by(key, parsed), app.clock.monotonic()) {
        Freshness::New => Ok(keys),
        Freshness::Seen => Err(Refusal::Replayed.into()),
        Freshness::Full => Err(Refusal::Crowded.into()),
    }
}

async fn record(app: &Application, pending: &Pending, profile: &Profile) -> Result<Option<Superseded>, CompleteError> {
    let (store, account, now) = (app.store.as_ref(), profile.account, app.now());
    let before = codec::get::<AccountKeyRecord>(store, account, AccountKeyRecord::ID).await?;
    let kept = codec::get::<AccountRecord>(store, account, AccountRecord::ID).await?;
    let version = before.as_ref().map_or(1, |key| key.value.version.saturating_add(1));
    let key = key_record(app, pending, profile, version, now)?;
    let mut transaction = Transaction::new();
    match &before {
        Some(before) => transaction.replace(before, &key),
        None => transaction.insert(account, &key),
    }
    match &kept {
        Some(kept) => transaction.replace(kept, &AccountRecord { login: profile.login.clone(), ..kept.value.clone() }),
        None => transaction.insert(account, &AccountRecord { login: profile.login.clone(), enrolled_at: now }),
    }
    commit(store, transaction, profile, &key).await?;
    Ok(before.map(|before| Superseded { key_name: before.value.key_name, fingerprint: before.value.fingerprint }))
}

fn key_record(
    app: &Application,
    pending: &Pending,
    profile: &Profile,
    version: u32,
    now: Timestamp,
) -> Result<AccountKeyRecord, CompleteError> {
    let pem = pending.key.to_pkcs8_pem().map_err(|_| VaultError::Unsealable)?;
    let account = profile.account.to_string();
    let private_key = app.vault.seal(pem.expose(), &AccountKeyRecord::binding(&account, version))?;
    Ok(AccountKeyRecord {
        version,
        key_name: pending.key_name.clone(),
        public_key: pending.key.public_key().to_openssh(),
        fingerprint: pending.key.public_key().fingerprint_md5(),
        private_key,
        created_at: now,
    })
}

async fn commit(
    store: &dyn Store,
    transaction: Transaction,
    profile: &Profile,
    key: &AccountKeyRecord,
) -> Result<(), CompleteError> {
    match store.commit(transaction.into_commit()).await {
        Ok(_) => Ok(()),
        Err(CommitError::Conflict { .. }) => Err(CompleteError::Contended),
        Err(CommitError::Store(error)) => Err(error.into()),
        Err(CommitError::Ambiguous { reason }) => {
            let found = codec::get::<AccountKeyRecord>(store, profile.account, AccountKeyRecord::ID).await?;
            match found {
                Some(found) if found.value == *key => Ok(()),
                _ => Err(StoreError::Unavailable { reason }.into()),
            }
        }
    }
}
