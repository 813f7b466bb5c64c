//! Listing machines: one page, or all of them by pages that overlap.
//!
//! CloudAPI pages by offset over uuids in falling order, so a machine that goes away between two
//! pages would make a live one slip through. Pages therefore overlap, and must share a machine.

use super::{
    call::{Call, MAX_PAGE_BYTES},
    error::ClientError,
    machine_calls::MachinePage,
    transport::Client,
};
use crate::wire::Machine;
use tsg_core::ports::cloud::{ErrorKind, PAGE_MAX, Reach};

/// How many machines neighbouring pages share.
const OVERLAP: u32 = 50;
/// How often a listing is begun again when its pages do not join.
const MAX_RESTARTS: u32 = 3;

/// Whether machines that are over are listed too.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TombstoneMachines {
    /// Failed and destroyed machines stay hidden: CloudAPI's default.
    #[default]
    Hidden,
    /// Everything that the cloud still knows.
    Shown,
}

/// Which machines to list. CloudAPI's own filters are loose: `name=` matches prefixes and tags
/// match as text. [`Client::all_machines`] compares exactly what is asked for here.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MachineQuery {
    pub(crate) name: Option<NameMatch>,
    pub(crate) tags: Vec<(String, String)>,
    pub(crate) tombstones: TombstoneMachines,
}

/// How a name is compared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NameMatch {
    /// This name and no other.
    Exactly(String),
    /// Names that begin so.
    Prefix(String),
}

impl MachineQuery {
    /// All machines that are not over.
    #[must_use]
    pub fn all() -> Self {
        Self::default()
    }

    /// Only machines with this name.
    #[must_use]
    pub fn named(mut self, name: NameMatch) -> Self {
        self.name = Some(name);
        self
    }

    /// Only machines with this tag, as text.
    #[must_use]
    pub fn tagged(mut self, key: &str, value: &str) -> Self {
        self.tags.push((key.to_owned(), value.to_owned()));
        self
    }

    /// Machines that are over as well, or not.
    #[must_use]
    pub fn tombstones(mut self, tombstones: TombstoneMachines) -> Self {
        self.tombstones = tombstones;
        self
    }

    pub(crate) fn call(&self, account: &str, offset: u32, limit: u32) -> Call {
        let mut call = Call::get(&[account, "machines"])
            .with_query("limit", &limit.to_string())
            .with_query("offset", &offset.to_string());
        if let Some(NameMatch::Exactly(name) | NameMatch::Prefix(name)) = &self.name {
            call = call.with_query("name", name);
        }
        for (key, value) in &self.tags {
            call = call.with_query(&format!("tag.{key}"), value);
        }
        if self.tombstones == TombstoneMachines::Shown {
            call = call.with_query("tombstone", "true");
        }
        call.max_reply_bytes = MAX_PAGE_BYTES;
        call
    }

    /// The exact comparison that CloudAPI does not make.
    fn matches(&self, machine: &Machine) -> bool {
        let name_matches = match &self.name {
            Some(NameMatch::Exactly(name)) => machine.name == *name,
            Some(NameMatch::Prefix(prefix)) => machine.name.starts_with(prefix.as_str()),
            None => true,
        };
        let tag_matches = |(key, value): &(String, String)| match machine.tags.get(key) {
            Some(crate::wire::LabelValue::Text(text)) => text == value,
            Some(other) => serde_json::to_string(other).is_ok_and(|text| text == *value),
            None => false,
        };
        name_matches && self.tags.iter().all(tag_matches)
    }
}

impl Client {
    /// One page, as CloudAPI filters it.
    ///
    /// # Errors
    /// [`ClientError`]; `limit` must be 1 to 1,000.
    pub async fn machines_page(
        &self,
        query: &MachineQuery,
        offset: u32,
        limit: u32,
    ) -> Result<MachinePage, ClientError> {
        let reply = self.machines_reply(query, offset, limit).await?;
        Ok(MachinePage { machines: reply.json()?, server_time: reply.server_time() })
    }

    /// All matching machines, compared exactly, each once.
    ///
    /// # Errors
    /// [`ClientError`]; `Conflict` when machines come and go faster than pages can be joined.
    pub async fn all_machines(&self, query: &MachineQuery) -> Result<Vec<Machine>, ClientError> {
        for _ in 0..=MAX_RESTARTS {
            if let Some(mut machines) = self.joined_pages(query).await? {
                machines.retain(|machine| query.matches(machine));
                return Ok(machines);
            }
        }
        let message = "the list changed while it was read, again and again".to_owned();
        Err(ClientError::without_reply(ErrorKind::Conflict, Reach::Answered, message, None))
    }

    /// `None` when two neighbouring pages have no machine in common.
    async fn joined_pages(&self, query: &MachineQuery) -> Result<Option<Vec<Machine>>, ClientError> {
        let mut machines: Vec<Machine> = Vec::new();
        let mut offset = 0;
        loop {
            let page = self.machines_page(query, offset, PAGE_MAX).await?.machines;
            let is_last = page.len() < PAGE_MAX as usize;
            let known: std::collections::BTreeSet<_> = machines.iter().map(|machine| machine.id).collect();
            let new: Vec<Machine> = page.iter().filter(|machine| !known.contains(&machine.id)).cloned().collect();
            if offset > 0 && new.len() == page.len() {
                return Ok(None);
            }
            machines.extend(new);
            if is_last {
                return Ok(Some(machines));
            }
            offset += PAGE_MAX - OVERLAP;
        }
    }

    pub(crate) async fn machines_reply(
        &self,
        query: &MachineQuery,
        offset: u32,
        limit: u32,
    ) -> Result<super::reply::Reply, ClientError> {
        if !(1..=PAGE_MAX).contains(&limit) {
            return Err(ClientError::unsendable(format!("a page holds 1 to {PAGE_MAX} machines")));
        }
        self.send(query.call(self.account_login(), offset, limit)).await
    }
}
