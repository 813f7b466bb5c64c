//! `/v2/groups/{id}/operations`: the ledger of a group, closed operations included.

use axum::Json;
use axum::extract::{Path, State};
use tsg_core::model::operation::Operation;
use tsg_core::records::codec;
use tsg_core::records::kinds::group_prefix;

use super::groups::find;
use super::request::{Listed, Page};
use crate::app::App;
use crate::auth::Caller;
use crate::http::failure::Failure;

/// Lists operations as they are recorded; times are milliseconds since 1970.
pub async fn list(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
    page: Page,
) -> Result<Json<Listed<Operation>>, Failure> {
    let group = find(&app, &caller, &id).await?.value.id;
    let prefix = group_prefix(group);
    let after = page.after.as_ref().map(|after| format!("{prefix}{after}"));
    let store = app.store.as_ref();
    let found = codec::page::<Operation>(store, caller.account(), &prefix, after.as_deref(), page.limit + 1).await?;
    let items = found.into_iter().map(|operation| operation.value).collect();
    Ok(Json(Listed::new(items, &page, |operation: &Operation| operation.id.to_string())))
}
