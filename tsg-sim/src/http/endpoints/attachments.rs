//! Network interfaces and snapshots of a machine.
//!
//! Owns their `Location` headers. It must never accept a hardware address with colons in a path: CloudAPI does not.

use http::StatusCode;
use http::header::LOCATION;

use super::create::network_request;
use super::machines::counted;
use super::{Task, accepted, no_content};
use crate::http::reply::Reply;
use crate::world::{AddedNic, NicView, Refusal, World};

pub(super) fn nics(world: &World, task: &Task<'_>) -> Result<Reply, Refusal> {
    Ok(counted(&world.nics(task.account(), task.machine())?))
}

pub(super) fn nic(world: &World, task: &Task<'_>) -> Result<Reply, Refusal> {
    Ok(Reply::ok(&world.nic(task.account(), task.machine(), task.part("mac"))?))
}

pub(super) fn add_nic(world: &mut World, task: &Task<'_>) -> Result<Reply, Refusal> {
    let network = task.params().value("network").and_then(network_request);
    let mut request = network.ok_or_else(|| Refusal::missing_parameter("network must be specified"))?;
    request.primary |= task.params().flag("primary").unwrap_or_default();
    Ok(match world.add_nic(&task.caller, task.machine(), request)? {
        AddedNic::New(nic) => Reply::created(&nic_location(task, &nic), &nic),
        AddedNic::Existing(nic) => Reply::empty(StatusCode::FOUND).with_header(LOCATION, &nic_location(task, &nic)),
    })
}

pub(super) fn remove_nic(world: &mut World, task: &Task<'_>) -> Result<Reply, Refusal> {
    world.remove_nic(&task.caller, task.machine(), task.part("mac"))?;
    Ok(no_content())
}

pub(super) fn snapshots(world: &World, task: &Task<'_>) -> Result<Reply, Refusal> {
    Ok(Reply::ok(&world.snapshots(task.account(), task.machine())?))
}

pub(super) fn snapshot(world: &World, task: &Task<'_>) -> Result<Reply, Refusal> {
    Ok(Reply::ok(&world.snapshot(task.account(), task.machine(), task.part("snapshot"))?))
}

pub(super) fn create_snapshot(world: &mut World, task: &Task<'_>) -> Result<Reply, Refusal> {
    let name = task.params().text("name");
    let snapshot = world.create_snapshot(&task.caller, task.machine(), name.as_deref())?;
    let location = format!("/{}/machines/{}/snapshots/{}", task.login, task.machine(), snapshot.name);
    Ok(Reply::created(&location, &snapshot))
}

pub(super) fn roll_back(world: &mut World, task: &Task<'_>) -> Result<Reply, Refusal> {
    world.roll_back_snapshot(&task.caller, task.machine(), task.part("snapshot"))?;
    Ok(accepted())
}

pub(super) fn delete_snapshot(world: &mut World, task: &Task<'_>) -> Result<Reply, Refusal> {
    world.delete_snapshot(&task.caller, task.machine(), task.part("snapshot"))?;
    Ok(no_content())
}

fn nic_location(task: &Task<'_>, nic: &NicView) -> String {
    format!("/{}/machines/{}/nics/{}", task.login, task.machine(), nic.mac.replace(':', ""))
}
