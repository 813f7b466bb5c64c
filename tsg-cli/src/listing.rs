//! Reading lists to their end, page by page.
//!
//! Owns the walk. It must never show a part of a list as the whole.

use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use crate::api::client::escaped;
use crate::api::shapes::Page;
use crate::api::{Api, ApiError};

/// The most that one page may hold.
const PAGE_LIMIT: u32 = 200;

/// A whole list: what its items say, and each as it came, which `--json` hands on unchanged.
#[derive(Debug, Clone)]
pub(crate) struct Listing<T> {
    /// What the items say.
    pub(crate) items: Vec<T>,
    raw: Vec<Box<RawValue>>,
}

impl<T> Listing<T> {
    /// The items as one JSON array.
    pub(crate) fn json(&self) -> String {
        let texts: Vec<&str> = self.raw.iter().map(|item| item.get()).collect();
        format!("[{}]", texts.join(","))
    }
}

/// Everything of a list.
pub(crate) async fn all<T: DeserializeOwned>(api: &Api, path: &str) -> Result<Listing<T>, ApiError> {
    let separator = if path.contains('?') { '&' } else { '?' };
    let mut listing = Listing { items: Vec::new(), raw: Vec::new() };
    let mut after: Option<String> = None;
    loop {
        let cursor = after.map(|cursor| format!("&after={}", escaped(&cursor))).unwrap_or_default();
        let page: Page<Box<RawValue>> = api.get(&format!("{path}{separator}limit={PAGE_LIMIT}{cursor}")).await?.value;
        for raw in page.items {
            let unreadable = |source| ApiError::Unreadable { url: api.base().to_string(), source };
            listing.items.push(serde_json::from_str(raw.get()).map_err(unreadable)?);
            listing.raw.push(raw);
        }
        match page.next {
            Some(next) => after = Some(next),
            None => return Ok(listing),
        }
    }
}

/// Whether a text is an id rather than a name.
pub(crate) fn is_uuid(text: &str) -> bool {
    text.len() == 36 && uuid::Uuid::try_parse(text).is_ok()
}
