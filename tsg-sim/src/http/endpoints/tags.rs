//! Tags and metadata of a machine.
//!
//! Owns the job header of their writes. It must never wait for a write to become visible: clients poll.

use std::collections::BTreeMap;

use http::header::HeaderName;

use super::{Task, no_content};
use crate::http::reply::Reply;
use crate::world::{JobId, Refusal, ScalarInput, World, WriteMode, Written};

const JOB: HeaderName = HeaderName::from_static("x-job-uuid");

pub(super) fn list(world: &World, task: &Task<'_>) -> Result<Reply, Refusal> {
    Ok(Reply::ok(world.tags(task.account(), task.machine())?))
}

pub(super) fn add(world: &mut World, task: &Task<'_>) -> Result<Reply, Refusal> {
    Ok(written(&world.write_tags(&task.caller, task.machine(), WriteMode::Merge, values(task))?))
}

pub(super) fn replace(world: &mut World, task: &Task<'_>) -> Result<Reply, Refusal> {
    Ok(written(&world.write_tags(&task.caller, task.machine(), WriteMode::Replace, values(task))?))
}

pub(super) fn delete_all(world: &mut World, task: &Task<'_>) -> Result<Reply, Refusal> {
    Ok(removed(world.remove_tags(&task.caller, task.machine())?))
}

pub(super) fn get(world: &World, task: &Task<'_>) -> Result<Reply, Refusal> {
    Ok(Reply::ok(&world.tag(task.account(), task.machine(), task.part("tag"))?))
}

pub(super) fn delete(world: &mut World, task: &Task<'_>) -> Result<Reply, Refusal> {
    Ok(removed(world.remove_tag(&task.caller, task.machine(), task.part("tag"))?))
}

pub(super) fn list_metadata(world: &World, task: &Task<'_>) -> Result<Reply, Refusal> {
    Ok(Reply::ok(world.metadata(task.account(), task.machine())?))
}

pub(super) fn add_metadata(world: &mut World, task: &Task<'_>) -> Result<Reply, Refusal> {
    Ok(written(&world.write_metadata(&task.caller, task.machine(), values(task))?))
}

pub(super) fn delete_all_metadata(world: &mut World, task: &Task<'_>) -> Result<Reply, Refusal> {
    Ok(removed(world.remove_metadata(&task.caller, task.machine())?))
}

pub(super) fn get_metadatum(world: &World, task: &Task<'_>) -> Result<Reply, Refusal> {
    Ok(Reply::ok(&world.metadatum(task.account(), task.machine(), task.part("key"))?))
}

pub(super) fn delete_metadatum(world: &mut World, task: &Task<'_>) -> Result<Reply, Refusal> {
    Ok(removed(world.remove_metadatum(&task.caller, task.machine(), task.part("key"))?))
}

/// All parameters are values here; which keys cannot be set is the world's knowledge.
fn values(task: &Task<'_>) -> BTreeMap<String, ScalarInput> {
    task.params().scalars("")
}

fn written(written: &Written) -> Reply {
    Reply::ok(&written.values).with_header(JOB, &written.job.to_string())
}

fn removed(job: JobId) -> Reply {
    no_content().with_header(JOB, &job.to_string())
}
