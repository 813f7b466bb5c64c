//! Machines: listing, reading, acting on and deleting them, and their audit.
//!
//! Owns the paging headers. It must never filter or order: the world does.

use http::header::HeaderName;
use serde::Serialize;

use super::{Task, accepted, no_content};
use crate::http::reply::Reply;
use crate::world::{Detail, ListQuery, MachineAction, MachineView, Refusal, World};

const QUERY_LIMIT: HeaderName = HeaderName::from_static("x-query-limit");
pub(super) const RESOURCE_COUNT: HeaderName = HeaderName::from_static("x-resource-count");

pub(super) fn list(world: &World, task: &Task<'_>) -> Result<Reply, Refusal> {
    let query = ListQuery::parse(&task.params().texts())?;
    let page = world.list_machines(task.account(), &query);
    let views: Vec<MachineView> = page.items.iter().map(|machine| world.view(machine, Detail::Listed)).collect();
    Ok(paged(&views, page.limit))
}

pub(super) fn get(world: &World, task: &Task<'_>) -> Result<Reply, Refusal> {
    let machine = world.machine(task.account(), task.machine())?;
    Ok(Reply::ok(&world.view(machine, Detail::Single)))
}

pub(super) fn act(world: &mut World, task: &Task<'_>) -> Result<Reply, Refusal> {
    let action = MachineAction::parse(&task.params().texts())?;
    world.act_on_machine(&task.caller, task.machine(), action)?;
    Ok(accepted())
}

pub(super) fn delete(world: &mut World, task: &Task<'_>) -> Result<Reply, Refusal> {
    world.delete_machine(&task.caller, task.machine())?;
    Ok(no_content())
}

pub(super) fn audit(world: &World, task: &Task<'_>) -> Result<Reply, Refusal> {
    Ok(Reply::ok(&world.audit(task.account(), task.machine())?))
}

/// A page with the headers clients page by. The count is that of this page, not of everything.
pub(super) fn paged(items: &[impl Serialize], limit: u64) -> Reply {
    counted(items).with_header(QUERY_LIMIT, &limit.to_string())
}

/// A list that tells its own length.
pub(super) fn counted(items: &[impl Serialize]) -> Reply {
    Reply::ok(&items).with_header(RESOURCE_COUNT, &items.len().to_string())
}
