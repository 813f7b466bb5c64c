//! Opening the vault at start-up: the key file and the store must belong together.
//!
//! Owns the first start and the canary. Must never make a new key for a store that was sealed
//! under another one: everything in it would be lost.

use std::path::PathBuf;

use thiserror::Error;
use tsg_core::model::id::DeploymentId;
use tsg_core::ports::store::{CommitError, StoreError};
use tsg_core::ports::{Clock, Entropy, Store};
use tsg_core::records::{Transaction, codec};

use super::key_file::{KeyEncryptionKey, KeyFileError};
use super::record::{DEPLOYMENT_SCOPE, DeploymentRecord};
use super::vault::{Vault, VaultError};

/// Why the vault cannot be opened.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum UnlockError {
    /// The key file cannot be used.
    #[error(transparent)]
    KeyFile(#[from] KeyFileError),
    /// The store holds sealed keys and there is no key file.
    #[error(
        "the store holds sealed keys, and their key file {} is missing; restore it from its backup, or begin with \
         an empty store and enrol every account again", path.display()
    )]
    KeyFileMissing {
        /// Where it should be.
        path: PathBuf,
    },
    /// The key file is another store's.
    #[error("the key file {} does not fit this store: {reason}; give the key file that this store was made with", path.display())]
    KeyFileDoesNotFit {
        /// Which file.
        path: PathBuf,
        /// What did not fit.
        reason: VaultError,
    },
    /// The canary cannot be sealed.
    #[error("the vault cannot be made: {0}")]
    Unsealable(VaultError),
    /// The store did not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The store did not take the first record.
    #[error("the deployment cannot be recorded: {0}")]
    Commit(#[from] CommitError),
}

/// Reads or makes the key file, proves that it fits, and tells which deployment this is.
pub async fn unlock(
    store: &dyn Store,
    clock: &dyn Clock,
    entropy: &dyn Entropy,
    key_file: PathBuf,
) -> Result<(Vault, DeploymentId), UnlockError> {
    let kept = codec::get::<DeploymentRecord>(store, DEPLOYMENT_SCOPE, DeploymentRecord::ID).await?;
    let key = KeyEncryptionKey::read(&key_file)?;
    let (key, record) = match (key, kept) {
        (Some(key), Some(kept)) => (key, kept.value),
        (None, Some(_)) => return Err(UnlockError::KeyFileMissing { path: key_file }),
        (key, None) => {
            let key = key.map_or_else(|| KeyEncryptionKey::create(&key_file), Ok)?;
            let record = first_start(store, clock, entropy, &Vault::new(&key)).await?;
            (key, record)
        }
    };
    let vault = Vault::new(&key);
    match vault.open(&record.canary, &DeploymentRecord::CANARY_BINDING) {
        Ok(text) if text.expose() == DeploymentRecord::CANARY => Ok((vault, record.id)),
        Ok(_) => Err(UnlockError::KeyFileDoesNotFit { path: key_file, reason: VaultError::Tampered }),
        Err(reason) => Err(UnlockError::KeyFileDoesNotFit { path: key_file, reason }),
    }
}

async fn first_start(
    store: &dyn Store,
    clock: &dyn Clock,
    entropy: &dyn Entropy,
    vault: &Vault,
) -> Result<DeploymentRecord, UnlockError> {
    let canary =
        vault.seal(DeploymentRecord::CANARY, &DeploymentRecord::CANARY_BINDING).map_err(UnlockError::Unsealable)?;
    let record = DeploymentRecord { id: DeploymentId::from_bits(entropy.draw()), canary, created_at: clock.now() };
    let mut transaction = Transaction::new();
    transaction.insert(DEPLOYMENT_SCOPE, &record);
    store.commit(transaction.into_commit()).await?;
    Ok(record)
}
