//! Tags of a machine: reads of what is stored, writes that answer at once with the new set and
//! take effect when their job ends.

use std::collections::BTreeMap;

use super::World;
use super::create::check_tags;
use super::ids::{AccountId, JobId, MachineId};
use super::jobs::Work;
use super::refusal::Refusal;
use super::requests::Caller;
use super::scalar::{Scalar, ScalarInput};

/// Tag keys that cannot be set through the tag routes, because they are parameters of the request
/// itself; they are ignored.
const PARAMETER_KEYS: [&str; 6] = ["account", "machine", "uuid", "owner_uuid", "context", "image"];

/// What a write of several values does with the rest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WriteMode {
    /// Other values stay.
    Merge,
    /// Other values go.
    Replace,
}

/// The answer to a write: what will be stored, and the job that will store it.
#[derive(Debug, Clone, PartialEq)]
pub struct Written {
    /// The whole new set.
    pub values: BTreeMap<String, Scalar>,
    /// The job, for `x-job-uuid`.
    pub job: JobId,
}

impl World {
    /// `GET /:account/machines/:id/tags`.
    pub fn tags(&self, account: AccountId, id: &str) -> Result<&BTreeMap<String, Scalar>, Refusal> {
        Ok(&self.machine(account, id)?.tags)
    }

    /// `GET /:account/machines/:id/tags/:key`. Values that are no strings come back empty, an
    /// upstream defect that clients know.
    pub fn tag(&self, account: AccountId, id: &str, key: &str) -> Result<String, Refusal> {
        let value = self.tags(account, id)?.get(key).ok_or_else(|| missing_tag(key))?;
        Ok(value.as_text().unwrap_or_default().to_owned())
    }

    /// `POST` (merge) and `PUT` (replace) `/:account/machines/:id/tags`.
    pub fn write_tags(
        &mut self,
        caller: &Caller,
        id: &str,
        mode: WriteMode,
        mut tags: BTreeMap<String, ScalarInput>,
    ) -> Result<Written, Refusal> {
        let machine = self.taggable(caller.account, id)?;
        tags.retain(|key, _| !PARAMETER_KEYS.contains(&key.as_str()));
        let has_compound = tags.values().any(|value| *value == ScalarInput::Compound);
        if has_compound {
            return Err(Refusal::new(409, "CloudApiError", "error adding tags: Invalid tag parameters"));
        }
        let new = check_tags(tags, "Invalid VM parameters: Invalid tags")?;
        let (mut values, action) = match mode {
            WriteMode::Merge => (self.tags(caller.account, id)?.clone(), "set_tags"),
            WriteMode::Replace => (BTreeMap::new(), "replace_tags"),
        };
        values.extend(new);
        let job = self.submit_job(machine, caller.clone(), Work::StoreTags(values.clone(), action));
        Ok(Written { values, job })
    }

    /// `DELETE /:account/machines/:id/tags/:key`.
    pub fn remove_tag(&mut self, caller: &Caller, id: &str, key: &str) -> Result<JobId, Refusal> {
        let machine = self.taggable(caller.account, id)?;
        let mut tags = self.tags(caller.account, id)?.clone();
        tags.remove(key).ok_or_else(|| missing_tag(key))?;
        Ok(self.submit_job(machine, caller.clone(), Work::StoreTags(tags, "remove_tags")))
    }

    /// `DELETE /:account/machines/:id/tags`.
    pub fn remove_tags(&mut self, caller: &Caller, id: &str) -> Result<JobId, Refusal> {
        let machine = self.taggable(caller.account, id)?;
        Ok(self.submit_job(machine, caller.clone(), Work::StoreTags(BTreeMap::new(), "remove_tags")))
    }

    /// The machine, unless it is still being provisioned.
    pub(super) fn taggable(&self, account: AccountId, id: &str) -> Result<MachineId, Refusal> {
        let machine = self.machine(account, id)?;
        if machine.is_unprovisioned() {
            return Err(Refusal::new(409, "CloudApiError", "error adding tags"));
        }
        Ok(machine.id)
    }
}

fn missing_tag(key: &str) -> Refusal {
    Refusal::not_found(format!("tag \"{key}\" not found"))
}
