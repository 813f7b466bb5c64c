//! What machines are made from: images, packages and networks.
//!
//! Owns nothing but the shape of the answers.

use super::Task;
use super::machines::paged;
use crate::http::reply::Reply;
use crate::world::{Refusal, Switch, World};

pub(super) fn images(world: &World, task: &Task<'_>) -> Reply {
    Reply::ok(&world.images(task.account(), &task.params().texts()))
}

pub(super) fn image(world: &World, task: &Task<'_>) -> Result<Reply, Refusal> {
    Ok(Reply::ok(world.image(task.account(), task.part("image"))?))
}

pub(super) fn packages(world: &World, task: &Task<'_>) -> Reply {
    Reply::ok(&world.packages(&task.params().texts()))
}

pub(super) fn package(world: &World, task: &Task<'_>) -> Result<Reply, Refusal> {
    Ok(Reply::ok(world.package(task.part("package"))?))
}

pub(super) fn networks(world: &World, task: &Task<'_>) -> Reply {
    Reply::ok(&world.networks(task.account(), &task.params().texts()))
}

pub(super) fn network(world: &World, task: &Task<'_>) -> Result<Reply, Refusal> {
    Ok(Reply::ok(&world.network(task.account(), task.part("network"))?))
}

pub(super) fn network_ips(world: &World, task: &Task<'_>) -> Result<Reply, Refusal> {
    let page = world.network_ips(task.account(), task.part("network"), &task.params().texts())?;
    Ok(paged(&page.items, page.limit))
}

pub(super) fn network_ip(world: &World, task: &Task<'_>) -> Result<Reply, Refusal> {
    Ok(Reply::ok(&world.network_ip(task.account(), task.part("network"), task.part("ip"))?))
}

pub(super) fn update_network_ip(world: &mut World, task: &Task<'_>) -> Result<Reply, Refusal> {
    let reserved = match task.params().flag("reserved") {
        Some(true) => Switch::On,
        Some(false) => Switch::Off,
        None => return Err(Refusal::missing_parameter("reserved must be specified")),
    };
    Ok(Reply::ok(&world.reserve_ip(task.account(), task.part("network"), task.part("ip"), reserved)?))
}
