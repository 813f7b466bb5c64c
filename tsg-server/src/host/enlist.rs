//! Putting an account to work: from its records to a client and a running engine.
//!
//! Must never leave an account without an engine because another one's key is damaged.

use std::sync::Arc;

use thiserror::Error;
use tsg_cloudapi::signature::{KeyError, PrivateKey};
use tsg_core::model::id::AccountId;
use tsg_core::ports::store::{Scope, StoreError};
use tsg_core::records::{Versioned, codec};
use tsg_engine::EnginePorts;

use super::feed::Feed;
use super::seat::{EngineParts, EngineSeat};
use crate::accounts::client::{AccountClient, ConnectError, Profile};
use crate::accounts::directory::{KeyCache, NamedKey};
use crate::accounts::record::{AccountKeyRecord, AccountRecord};
use crate::accounts::registry::Enrolled;
use crate::accounts::vault::VaultError;
use crate::app::Application;
use crate::events::Chronicle;
use crate::health::Watch;

/// Why an enrolled account cannot be put to work.
#[derive(Debug, Error)]
pub enum EnlistError {
    /// There is no key record.
    #[error("there is no key for it; enrol it again")]
    NoKey,
    /// The key cannot be opened.
    #[error(transparent)]
    Vault(#[from] VaultError),
    /// The key cannot be read.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// CloudAPI cannot be asked.
    #[error(transparent)]
    Connect(#[from] ConnectError),
    /// The store did not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Puts every account of the store to work.
///
/// # Errors
/// The store's, when the accounts cannot even be listed.
pub async fn all(app: &Application) -> Result<(), StoreError> {
    for record in codec::all::<AccountRecord>(app.store.as_ref(), Scope::Everyone, "").await? {
        match one(app, &record).await {
            Ok(()) => tracing::info!(account = %record.account, login = %record.value.login, "at work"),
            Err(error) => {
                tracing::error!(account = %record.account, login = %record.value.login, %error, "an account is left out");
                app.accounts.leave_out(record.account);
            }
        }
    }
    Ok(())
}

async fn one(app: &Application, record: &Versioned<AccountRecord>) -> Result<(), EnlistError> {
    let account = record.account;
    let key = codec::get::<AccountKeyRecord>(app.store.as_ref(), account, AccountKeyRecord::ID).await?;
    let key = key.ok_or(EnlistError::NoKey)?.value;
    let text = account.to_string();
    let pem = app.vault.open(&key.private_key, &AccountKeyRecord::binding(&text, key.version))?;
    let key = PrivateKey::from_text(pem.expose().as_bytes(), None)?;
    let client = AccountClient::new(&app.config.triton, &record.value.login, &key)?;
    let (keys, events) = (KeyCache::default(), Arc::new(Chronicle::new(app.now())));
    app.accounts.put(Arc::new(enrolled(app, account, &record.value.login, client, keys, events)));
    Ok(())
}

/// Puts an account to work with a new key; an engine that worked with an older one is ended
/// first. `keys` are those the account had in CloudAPI a moment ago.
pub async fn replace(app: &Application, profile: &Profile, client: AccountClient, keys: Vec<NamedKey>) {
    let before = app.accounts.find(&profile.account.to_string());
    if let Some(before) = &before {
        before.engine.stop().await;
    }
    // Whoever reads them reads on.
    let events = before.map_or_else(|| Arc::new(Chronicle::new(app.now())), |before| before.events.clone());
    let keys = KeyCache::remembering(keys);
    app.accounts.put(Arc::new(enrolled(app, profile.account, &profile.login, client, keys, events)));
}

fn enrolled(
    app: &Application,
    account: AccountId,
    login: &str,
    client: AccountClient,
    keys: KeyCache,
    events: Arc<Chronicle>,
) -> Enrolled {
    let ports = EnginePorts {
        store: app.store.clone(),
        cloud: client.cloud(),
        clock: app.clock.clone(),
        entropy: app.entropy.clone(),
    };
    let config = app.config.engine.config.clone();
    let watch = Arc::new(Watch::new(app.clock.clone()));
    let (health, witness) = (watch.clone(), events.clone());
    let client = Arc::new(client);
    let is_wanted = app.config.triton.changefeed;
    let feed = is_wanted.then(|| Arc::new(Feed::new(login, client.clone(), app.entropy.clone())));
    let parts = EngineParts { account, deployment: app.deployment, ports, config, health, witness, feed: feed.clone() };
    let engine = EngineSeat::start(parts);
    let login = login.to_owned();
    Enrolled { account, login, client, keys, engine, feed, watch, events }
}
