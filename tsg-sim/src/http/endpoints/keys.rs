//! SSH keys of an account.
//!
//! Owns `Location` of a new key. It must never see a private key.

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use super::{Task, no_content};
use crate::http::reply::Reply;
use crate::world::{Refusal, World};

pub(super) fn list(world: &World, task: &Task<'_>) -> Result<Reply, Refusal> {
    Ok(Reply::ok(&world.keys(task.account())?))
}

pub(super) fn create(world: &mut World, task: &Task<'_>) -> Result<Reply, Refusal> {
    let (key, name) = (task.params().text("key"), task.params().text("name"));
    let key = world.add_key(task.account(), key.as_deref(), name.as_deref())?;
    let fingerprint = utf8_percent_encode(&key.fingerprint, NON_ALPHANUMERIC);
    Ok(Reply::created(&format!("/{}/keys/{fingerprint}", task.login), &key))
}

pub(super) fn get(world: &World, task: &Task<'_>) -> Result<Reply, Refusal> {
    Ok(Reply::ok(world.key(task.account(), task.part("key"))?))
}

pub(super) fn delete(world: &mut World, task: &Task<'_>) -> Result<Reply, Refusal> {
    world.remove_key(task.account(), task.part("key"))?;
    Ok(no_content())
}
