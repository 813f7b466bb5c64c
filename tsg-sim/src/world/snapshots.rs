//! Snapshots of machines, as far as clients see them: names, states and the jobs behind them.
//! There is no disk, so rolling back changes nothing but the audit trail.

use serde::Serialize;

use super::World;
use super::ids::AccountId;
use super::jobs::Work;
use super::machine::Snapshot;
use super::refusal::Refusal;
use super::requests::Caller;

/// A snapshot as CloudAPI prints it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SnapshotView {
    /// Name.
    pub name: String,
    /// `queued` in the answer of a POST, later `created`.
    pub state: &'static str,
    /// When it was made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub created: Option<String>,
    /// The same again; upstream prints both.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub updated: Option<String>,
}

impl SnapshotView {
    fn of(snapshot: &Snapshot) -> Self {
        let time = snapshot.created.iso_millis();
        Self { name: snapshot.name.clone(), state: "created", created: Some(time.clone()), updated: Some(time) }
    }
}

impl World {
    /// `GET /:account/machines/:id/snapshots`.
    pub fn snapshots(&self, account: AccountId, id: &str) -> Result<Vec<SnapshotView>, Refusal> {
        Ok(self.machine(account, id)?.snapshots.iter().map(SnapshotView::of).collect())
    }

    /// `GET /:account/machines/:id/snapshots/:name`.
    pub fn snapshot(&self, account: AccountId, id: &str, name: &str) -> Result<SnapshotView, Refusal> {
        let snapshots = self.snapshots(account, id)?;
        let found = snapshots.into_iter().find(|snapshot| snapshot.name == name);
        found.ok_or_else(|| Refusal::not_found("Snapshot does not exist"))
    }

    /// `POST /:account/machines/:id/snapshots`. The name defaults to the time.
    pub fn create_snapshot(&mut self, caller: &Caller, id: &str, name: Option<&str>) -> Result<SnapshotView, Refusal> {
        let machine = self.taggable(caller.account, id)?;
        let name = name.map_or_else(|| self.now.iso_millis(), str::to_owned);
        self.submit_job(machine, caller.clone(), Work::CreateSnapshot(name.clone()));
        Ok(SnapshotView { name, state: "queued", created: None, updated: None })
    }

    /// `POST /:account/machines/:id/snapshots/:name`.
    pub fn roll_back_snapshot(&mut self, caller: &Caller, id: &str, name: &str) -> Result<(), Refusal> {
        self.snapshot(caller.account, id, name)?;
        let machine = self.taggable(caller.account, id)?;
        self.submit_job(machine, caller.clone(), Work::RollBackSnapshot(name.to_owned()));
        Ok(())
    }

    /// `DELETE /:account/machines/:id/snapshots/:name`.
    pub fn delete_snapshot(&mut self, caller: &Caller, id: &str, name: &str) -> Result<(), Refusal> {
        self.snapshot(caller.account, id, name)?;
        let machine = self.taggable(caller.account, id)?;
        self.submit_job(machine, caller.clone(), Work::DeleteSnapshot(name.to_owned()));
        Ok(())
    }
}
