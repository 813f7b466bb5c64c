//! Metadata of a machine: reads of what is stored, writes that take effect when their job ends.
//! The account's keys in it are never lost.

use std::collections::BTreeMap;

use super::World;
use super::create::ROOT_KEYS;
use super::ids::{AccountId, JobId, MachineId};
use super::jobs::Work;
use super::refusal::Refusal;
use super::requests::Caller;
use super::scalar::{Scalar, ScalarInput};
use super::tags::Written;

/// Keys that cannot be deleted one by one.
const PROTECTED: [&str; 3] = ["credentials", "administrator_pw", ROOT_KEYS];

impl World {
    /// `GET /:account/machines/:id/metadata`.
    pub fn metadata(&self, account: AccountId, id: &str) -> Result<&BTreeMap<String, Scalar>, Refusal> {
        Ok(&self.machine(account, id)?.metadata)
    }

    /// `GET /:account/machines/:id/metadata/:key`.
    pub fn metadatum(&self, account: AccountId, id: &str, key: &str) -> Result<String, Refusal> {
        let value = self.metadata(account, id)?.get(key).ok_or_else(|| missing(key))?;
        Ok(value.to_string())
    }

    /// `POST /:account/machines/:id/metadata`: merges. Passwords and compound values are dropped.
    pub fn write_metadata(
        &mut self,
        caller: &Caller,
        id: &str,
        new: BTreeMap<String, ScalarInput>,
    ) -> Result<Written, Refusal> {
        let machine = self.taggable(caller.account, id)?;
        let mut values = self.metadata(caller.account, id)?.clone();
        for (key, value) in new {
            match value {
                ScalarInput::Scalar(value) if !key.ends_with("_pw") && key != ROOT_KEYS => {
                    values.insert(key, value);
                }
                ScalarInput::Scalar(_) | ScalarInput::Compound => {}
            }
        }
        let job = self.store(machine, caller, values.clone(), "set_metadata");
        Ok(Written { values, job })
    }

    /// `DELETE /:account/machines/:id/metadata/:key`.
    pub fn remove_metadatum(&mut self, caller: &Caller, id: &str, key: &str) -> Result<JobId, Refusal> {
        let machine = self.taggable(caller.account, id)?;
        if PROTECTED.contains(&key) {
            return Err(Refusal::invalid_argument(format!("{key} cannot be deleted")));
        }
        let mut values = self.metadata(caller.account, id)?.clone();
        values.remove(key).ok_or_else(|| missing(key))?;
        Ok(self.store(machine, caller, values, "remove_metadata"))
    }

    /// `DELETE /:account/machines/:id/metadata`: all but the account's keys.
    pub fn remove_metadata(&mut self, caller: &Caller, id: &str) -> Result<JobId, Refusal> {
        let machine = self.taggable(caller.account, id)?;
        let mut values = self.metadata(caller.account, id)?.clone();
        values.retain(|key, _| key == ROOT_KEYS);
        Ok(self.store(machine, caller, values, "remove_metadata"))
    }

    /// The guest writes one of its own metadata, as `mdata-put` does: at once, without a job and
    /// without an audit record.
    pub fn put_guest_metadatum(&mut self, machine: MachineId, key: &str, value: impl Into<Scalar>) {
        if let Some(machine) = self.machines.get_mut(&machine) {
            machine.metadata.insert(key.to_owned(), value.into());
        }
        self.touch(machine, &["customer_metadata"]);
    }

    fn store(
        &mut self,
        machine: MachineId,
        caller: &Caller,
        values: BTreeMap<String, Scalar>,
        action: &'static str,
    ) -> JobId {
        self.submit_job(machine, caller.clone(), Work::StoreMetadata(values, action))
    }
}

fn missing(key: &str) -> Refusal {
    Refusal::not_found(format!("metadatum \"{key}\" not found"))
}
