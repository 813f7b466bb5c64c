//! The store that this server opened, and closing it again.
//!
//! Must never leave the file's lock behind for the next server to stumble over.

use std::sync::Arc;

use tsg_core::ports::{Clock, Store};
use tsg_store::{MemoryStore, SqliteStore};

use super::start::{StartError, make_folder_of};
use crate::config::{ServerConfig, StoreLocation};

/// An open store.
pub(super) enum Kept {
    /// In memory.
    Memory(Arc<MemoryStore>),
    /// In a file.
    File(Arc<SqliteStore>),
}

impl Kept {
    pub(super) async fn open(config: &ServerConfig, clock: Arc<dyn Clock>) -> Result<Self, StartError> {
        match &config.store {
            StoreLocation::Memory => Ok(Self::Memory(Arc::new(MemoryStore::new(clock)))),
            StoreLocation::File(path) => {
                make_folder_of(path)?;
                Ok(Self::File(Arc::new(SqliteStore::open(path, clock).await?)))
            }
        }
    }

    pub(super) fn store(&self) -> Arc<dyn Store> {
        match self {
            Self::Memory(store) => store.clone(),
            Self::File(store) => store.clone(),
        }
    }

    /// Returns when the store has given up writing for good; a store in memory never does.
    pub(super) async fn stopped(&self) -> String {
        match self {
            Self::Memory(_) => std::future::pending().await,
            Self::File(store) => store.stopped().await,
        }
    }

    /// Closes the store, once nobody else holds it.
    pub(super) async fn close(self) {
        if let Self::File(store) = self {
            match Arc::into_inner(store) {
                Some(store) => store.close().await,
                None => tracing::warn!("the store is still in use and is closed by the end of the process"),
            }
        }
    }
}
