//! CloudAPI as one account, with the server's own key.
//!
//! Owns what the server itself asks CloudAPI, beside the engine. Must never be given a caller's
//! signature: it cannot even hold one.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use thiserror::Error;
use tsg_cloudapi::client::{ChangeFeed, Client, ClientError, ClientOptions, InvalidOptions, MachineQuery, Pacing};
use tsg_cloudapi::cloud::ClientCloud;
use tsg_cloudapi::signature::{BackendError, KeyId, LocalSigner, PrivateKey, PublicKey};
use tsg_cloudapi::wire::Machine;
use tsg_core::model::id::{AccountId, GroupId};
use tsg_core::model::tag;
use tsg_core::ports::Cloud;
use tsg_core::ports::cloud::ErrorKind;

use super::directory::{DirectoryError, KeySource, NamedKey};
use crate::config::TritonSettings;

/// What the server asks beside its engine, at most 0.4 requests per second: with the engine's own
/// pace it stays under CloudAPI's 10 per second and burst of 30.
const PACE: Pacing = Pacing::Bucket { every: Duration::from_millis(2500), burst: 3 };

/// Why CloudAPI cannot be asked at all.
#[derive(Debug, Error)]
pub enum ConnectError {
    /// The settings do not make a client.
    #[error(transparent)]
    Options(#[from] InvalidOptions),
    /// The key cannot sign.
    #[error("the server's key cannot sign")]
    Key(#[from] BackendError),
}

/// Who the server's key belongs to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Profile {
    /// The account's id in Triton's directory.
    pub account: AccountId,
    /// Its login.
    pub login: String,
}

/// A client of one account.
pub struct AccountClient {
    client: Client,
}

impl AccountClient {
    /// A client that signs with this key. Nothing is sent yet.
    ///
    /// # Errors
    /// [`ConnectError`] when URL, CA file or key cannot be used.
    pub fn new(triton: &TritonSettings, login: &str, key: &PrivateKey) -> Result<Self, ConnectError> {
        let signer = LocalSigner::new(KeyId::for_account(login, key.public_key()), key)?;
        let mut options = ClientOptions::new(&triton.url, login, signer.into()).with_pacing(PACE);
        if let Some(path) = &triton.ca_file {
            options = options.with_ca_file(path);
        }
        Ok(Self { client: Client::new(options)? })
    }

    /// The port that the engine works through.
    pub fn cloud(&self) -> Arc<dyn Cloud> {
        Arc::new(ClientCloud::new(&self.client))
    }

    /// What CloudAPI tells of changes of the account's machines, from now on.
    ///
    /// # Errors
    /// The client's.
    pub async fn changefeed(&self) -> Result<ChangeFeed, ClientError> {
        self.client.changefeed().await
    }

    /// Who the key belongs to: proves that CloudAPI knows and accepts it.
    ///
    /// # Errors
    /// [`DirectoryError::KeyRefused`] when it does not.
    pub async fn profile(&self) -> Result<Profile, DirectoryError> {
        let account = self.client.account().await.map_err(directory_error)?;
        Ok(Profile { account: AccountId::from_directory(account.id), login: account.login })
    }

    /// The machines that carry a group's tag, in full. What of them really belongs to the group
    /// is the ledger's to say.
    ///
    /// # Errors
    /// The client's.
    pub async fn machines_tagged(&self, group: GroupId) -> Result<Vec<Machine>, ClientError> {
        let value = format!("g{}", group.uuid().simple());
        self.client.all_machines(&MachineQuery::all().tagged(tag::GROUP, &value)).await
    }
}

#[async_trait]
impl KeySource for AccountClient {
    async fn keys(&self) -> Result<Vec<NamedKey>, DirectoryError> {
        let keys = self.client.keys().await.map_err(directory_error)?;
        // A key of a type that cannot sign requests is left out; it could not be used anyway.
        let named = |key: tsg_cloudapi::wire::AccountKey| {
            Some(NamedKey { key: PublicKey::from_openssh(&key.key).ok()?, name: key.name })
        };
        Ok(keys.into_iter().filter_map(named).collect())
    }
}

fn directory_error(error: ClientError) -> DirectoryError {
    match error.kind() {
        // A wrong clock is answered 400 and must not look like a removed key.
        ErrorKind::Denied if !error.is_clock_skew() => DirectoryError::KeyRefused,
        _ => DirectoryError::Unreachable { reason: error.to_string() },
    }
}

#[cfg(test)]
mod tests {
    use tsg_engine::EngineConfig;

    use super::*;

    #[test]
    fn engine_and_server_together_stay_under_cloudapis_limits() {
        let Pacing::Bucket { every, burst } = PACE else { panic!("the server must pace itself") };
        let engine = EngineConfig::default();
        assert!(engine.requests_per_second + 1.0 / every.as_secs_f64() <= 10.0);
        assert!(engine.burst + burst <= 30);
    }
}
