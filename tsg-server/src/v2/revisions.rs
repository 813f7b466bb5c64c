//! `/v2/groups/{id}/revisions`: what a group's instances are and were made from.

use axum::Json;
use axum::extract::{Path, State};
use serde::Serialize;
use tsg_core::model::fingerprint::Fingerprint;
use tsg_core::model::group::{Group, LedgerHead};
use tsg_core::model::revision::RevisionEntry;
use tsg_core::records::codec;

use super::groups::find;
use super::request::{Listed, Page};
use crate::app::App;
use crate::auth::Caller;
use crate::http::failure::Failure;
use crate::time;

/// One revision.
#[derive(Debug, Serialize)]
pub struct RevisionBody {
    number: u32,
    template_id: String,
    hash: Fingerprint,
    made_at: String,
    is_wanted: bool,
    /// Whether all instances were of it once and stayed healthy through the bake time.
    is_stable: bool,
}

impl RevisionBody {
    fn of(entry: &RevisionEntry, group: &Group, stable: u32) -> Self {
        Self {
            number: entry.number,
            template_id: entry.template.to_string(),
            hash: entry.hash,
            made_at: time::milliseconds(entry.made_at),
            is_wanted: entry.number == group.revision,
            is_stable: entry.number == stable || entry.stable_at.is_some(),
        }
    }
}

/// Lists the revisions that are remembered, the newest first.
pub async fn list(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
    page: Page,
) -> Result<Json<Listed<RevisionBody>>, Failure> {
    let group = find(&app, &caller, &id).await?.value;
    let head = codec::get::<LedgerHead>(app.store.as_ref(), caller.account(), &group.id.to_string()).await?;
    let stable = head.map_or(0, |head| head.value.memory.rollout.stable);
    let before = page.after.as_ref().map(|after| after.parse().unwrap_or(0));
    let entries = group.revisions.entries().iter().rev();
    let found = entries.filter(|entry| before.is_none_or(|before: u32| entry.number < before));
    let items = found.map(|entry| RevisionBody::of(entry, &group, stable)).collect();
    Ok(Json(Listed::new(items, &page, |revision: &RevisionBody| revision.number.to_string())))
}
