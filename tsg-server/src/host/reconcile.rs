//! One run until nothing is left to do: what a scheduler calls.
//!
//! Must never call a group settled on the strength of an old look.

use std::time::Duration;

use tsg_core::model::group::Group;
use tsg_core::model::id::AccountId;
use tsg_core::model::name::GroupName;
use tsg_core::model::time::Timestamp;
use tsg_core::plan::output::GroupStatus;
use tsg_core::ports::store::Scope;
use tsg_core::records::codec;

use crate::app::Application;

/// How often the engines are looked at.
const LOOK_EVERY: Duration = Duration::from_millis(250);

/// What a run came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reconciled {
    /// How many groups are as their users want them.
    pub settled: usize,
    /// Those that are not, with how they stand; `None` when nothing is known of them yet.
    pub unsettled: Vec<(AccountId, GroupName, Option<GroupStatus>)>,
    /// How many accounts' groups could not even be read.
    pub unreadable: usize,
    /// How many accounts have no engine, since the server's key for them cannot be used: nothing
    /// is done for their groups until they are enrolled again.
    pub left_out: usize,
}

impl Reconciled {
    /// Whether every group is as its user wants it.
    pub fn is_complete(&self) -> bool {
        self.is_settled() && self.left_out == 0
    }

    /// Whether waiting longer cannot help.
    fn is_settled(&self) -> bool {
        self.unsettled.is_empty() && self.unreadable == 0
    }
}

/// Wakes every engine and waits.
pub async fn until_settled(app: &Application, limit: Duration) -> Reconciled {
    let began = app.now();
    let deadline = app.clock.monotonic() + limit;
    for enrolled in app.accounts.all() {
        enrolled.engine.handle().wake();
    }
    loop {
        let found = look(app, began).await;
        if found.is_settled() || app.clock.monotonic() >= deadline {
            return found;
        }
        app.clock.sleep_until((app.clock.monotonic() + LOOK_EVERY).min(deadline)).await;
    }
}

async fn look(app: &Application, began: Timestamp) -> Reconciled {
    let mut found = Reconciled { settled: 0, unsettled: Vec::new(), unreadable: 0, left_out: app.accounts.left_out() };
    for enrolled in app.accounts.all() {
        let handle = enrolled.engine.handle();
        let groups = match codec::all::<Group>(app.store.as_ref(), Scope::Account(enrolled.account), "").await {
            Ok(groups) => groups,
            Err(error) => {
                tracing::error!(%error, "the groups of an account cannot be read");
                found.unreadable += 1;
                continue;
            }
        };
        for group in groups {
            let view = handle.group(group.value.id).filter(|view| view.at >= began && view.group == group.value);
            let status = view.and_then(|view| view.report.as_ref().map(|report| report.status));
            match status {
                Some(GroupStatus::Converged | GroupStatus::Deleted) => found.settled += 1,
                status => found.unsettled.push((enrolled.account, group.value.name, status)),
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tsg_core::ports::Store;
    use tsg_core::records::Transaction;
    use tsg_store::SqliteStore;
    use uuid::Uuid;

    use super::*;
    use crate::accounts::record::AccountRecord;
    use crate::config::{ServerConfig, StoreLocation};
    use crate::host::{Server, SystemClock};

    #[tokio::test]
    async fn a_run_that_had_to_leave_an_account_out_is_not_complete() {
        let folder = tempfile::tempdir().unwrap();
        let mut config = ServerConfig::for_cloud("http://127.0.0.1:9", folder.path());
        let file = folder.path().join("tsg.db");
        config.store = StoreLocation::File(file.clone());
        config.http.port = 0;
        let limit = Duration::from_secs(60);
        let server = Server::start(config.clone()).await.unwrap();
        assert!(server.reconcile(limit).await.is_complete());
        server.shutdown().await;

        let store = SqliteStore::open(&file, Arc::new(SystemClock)).await.unwrap();
        let record = AccountRecord { login: "demo".to_owned(), enrolled_at: Timestamp::EPOCH };
        let mut transaction = Transaction::new();
        transaction.insert(AccountId::from_directory(Uuid::from_u128(1)), &record);
        store.commit(transaction.into_commit()).await.unwrap();
        store.close().await;

        let server = Server::start(config).await.unwrap();
        let reconciled = server.reconcile(limit).await;
        assert_eq!((reconciled.is_complete(), reconciled.left_out), (false, 1));
        server.shutdown().await;
    }
}
