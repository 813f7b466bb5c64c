//! `/v2/groups/{id}/audit`: what was decided and sent, and whether the record of it is whole.

use axum::Json;
use axum::extract::{Path, State};
use serde::{Deserialize, Serialize};
use tsg_core::model::audit::{AuditEntry, verify_chain};
use tsg_core::model::group::LedgerHead;
use tsg_core::model::id::GroupId;
use tsg_core::ports::store::Scope;
use tsg_core::records::codec;
use tsg_core::records::kinds::{audit_key, group_prefix};

use super::groups::find;
use super::request::{Listed, Page, Params};
use super::template_body::invalid;
use crate::app::{App, Application};
use crate::auth::Caller;
use crate::http::failure::Failure;

/// Whether to read the whole chain and check it.
#[derive(Debug, Deserialize)]
pub struct Asked {
    #[serde(default)]
    verify: bool,
}

/// A page of the audit.
#[derive(Debug, Serialize)]
pub struct AuditPage {
    #[serde(flatten)]
    entries: Listed<AuditEntry>,
    /// Whether the chain from the first entry to the ledger's head is whole; only with
    /// `?verify=true`.
    #[serde(skip_serializing_if = "Option::is_none")]
    verified: Option<bool>,
    /// Where it is broken.
    #[serde(skip_serializing_if = "Option::is_none")]
    broken: Option<String>,
}

/// Lists audit entries, oldest first; times are milliseconds since 1970.
pub async fn list(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
    page: Page,
    Params(asked): Params<Asked>,
) -> Result<Json<AuditPage>, Failure> {
    let group = find(&app, &caller, &id).await?.value.id;
    let after = page.after.as_ref().map(|text| text.parse::<u64>()).transpose();
    let after = after.map_err(|error| invalid("after", &error))?.map(|sequence| audit_key(group, sequence));
    let store = app.store.as_ref();
    let prefix = group_prefix(group);
    let found = codec::page::<AuditEntry>(store, caller.account(), &prefix, after.as_deref(), page.limit + 1).await?;
    let items = found.into_iter().map(|entry| entry.value).collect();
    let entries = Listed::new(items, &page, |entry: &AuditEntry| entry.sequence.to_string());
    let checked = if asked.verify { Some(check(&app, &caller, group).await?) } else { None };
    Ok(Json(AuditPage { entries, verified: checked.as_ref().map(Option::is_none), broken: checked.flatten() }))
}

/// Checks the chain up to the head as it was read first: entries that are written meanwhile
/// belong to a later head.
async fn check(app: &Application, caller: &Caller, group: GroupId) -> Result<Option<String>, Failure> {
    let store = app.store.as_ref();
    let head = codec::get::<LedgerHead>(store, caller.account(), &group.to_string()).await?;
    let Some(head) = head else { return Ok(Some("the group has no ledger head".to_owned())) };
    let entries = codec::all::<AuditEntry>(store, Scope::Account(caller.account()), &group_prefix(group)).await?;
    let until_head =
        entries.iter().map(|entry| &entry.value).filter(|entry| entry.sequence <= head.value.audit_sequence);
    Ok(verify_chain(&head.value, until_head).err().map(|broken| broken.to_string()))
}
