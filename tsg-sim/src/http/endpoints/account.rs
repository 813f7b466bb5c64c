//! Account, limits, configuration, data centres, services and ping.
//!
//! Owns the wording of what surrounds an account. It must never show another account.

use std::collections::BTreeMap;

use http::StatusCode;
use http::header::{HeaderName, LOCATION};
use serde::Serialize;

use super::{Task, version};
use crate::http::reply::Reply;
use crate::world::{Refusal, World};

const DATACENTER_NAME: HeaderName = HeaderName::from_static("triton-datacenter-name");

#[derive(Serialize)]
struct Pong {
    ping: &'static str,
    cloudapi: Versions,
}

#[derive(Serialize)]
struct Versions {
    versions: [&'static str; 6],
}

#[derive(Serialize)]
struct Moved<'a> {
    code: &'static str,
    message: &'a str,
}

pub(super) fn ping(datacenter: String) -> Reply {
    let pong = Pong { ping: "pong", cloudapi: Versions { versions: version::SERVED } };
    Reply::ok(&pong).with_header(DATACENTER_NAME, &datacenter)
}

pub(super) fn get(world: &World, task: &Task<'_>) -> Result<Reply, Refusal> {
    Ok(Reply::ok(&world.account_view(task.account())?))
}

pub(super) fn update(world: &mut World, task: &Task<'_>) -> Result<Reply, Refusal> {
    Ok(Reply::ok(&world.update_account(task.account(), &task.params().texts())?))
}

pub(super) fn limits(world: &World, task: &Task<'_>) -> Result<Reply, Refusal> {
    Ok(Reply::ok(&world.limits(task.account())?))
}

pub(super) fn config(world: &World, task: &Task<'_>) -> Result<Reply, Refusal> {
    Ok(Reply::ok(&world.config(task.account())?))
}

pub(super) fn update_config(world: &mut World, task: &Task<'_>) -> Result<Reply, Refusal> {
    let network = task.params().text("default_network");
    Ok(Reply::ok(&world.set_default_network(task.account(), network.as_deref())?))
}

pub(super) fn datacenters(world: &World, task: &Task<'_>) -> Reply {
    let name = world.datacenter();
    Reply::ok(&BTreeMap::from([(name, task.inbound.endpoint)])).with_header(DATACENTER_NAME, name)
}

pub(super) fn datacenter(world: &World, task: &Task<'_>) -> Result<Reply, Refusal> {
    let name = task.part("datacenter");
    if name != world.datacenter() {
        return Err(Refusal::not_found(format!("{name} is not an available datacenter")));
    }
    let url = task.inbound.endpoint;
    let moved = Moved { code: "ResourceMoved", message: url };
    Ok(Reply::json(StatusCode::FOUND, &moved).with_header(LOCATION, url))
}

pub(super) fn services(task: &Task<'_>) -> Reply {
    Reply::ok(&BTreeMap::from([("cloudapi", task.inbound.endpoint)]))
}
