//! Firewall rules.
//!
//! Owns the shape of the answers; rules are stored, never enforced, in a simulated data centre.

use super::machines::counted;
use super::{Task, no_content};
use crate::http::reply::Reply;
use crate::world::{Detail, MachineView, Refusal, Switch, World};

pub(super) fn list(world: &World, task: &Task<'_>) -> Result<Reply, Refusal> {
    Ok(Reply::ok(&world.firewall_rules(task.account())))
}

pub(super) fn get(world: &World, task: &Task<'_>) -> Result<Reply, Refusal> {
    Ok(Reply::ok(&world.firewall_rule(task.account(), task.part("rule"))?))
}

pub(super) fn create(world: &mut World, task: &Task<'_>) -> Result<Reply, Refusal> {
    let rule = world.create_firewall_rule(task.account(), &task.params().texts())?;
    Ok(Reply::created(&format!("/{}/fwrules/{}", task.login, rule.id), &rule))
}

pub(super) fn update(world: &mut World, task: &Task<'_>) -> Result<Reply, Refusal> {
    Ok(Reply::ok(&world.update_firewall_rule(task.account(), task.part("rule"), &task.params().texts())?))
}

pub(super) fn delete(world: &mut World, task: &Task<'_>) -> Result<Reply, Refusal> {
    world.delete_firewall_rule(task.account(), task.part("rule"))?;
    Ok(no_content())
}

pub(super) fn enable(world: &mut World, task: &Task<'_>) -> Result<Reply, Refusal> {
    Ok(Reply::ok(&world.set_firewall_rule(task.account(), task.part("rule"), Switch::On)?))
}

pub(super) fn disable(world: &mut World, task: &Task<'_>) -> Result<Reply, Refusal> {
    Ok(Reply::ok(&world.set_firewall_rule(task.account(), task.part("rule"), Switch::Off)?))
}

pub(super) fn machines_of_rule(world: &World, task: &Task<'_>) -> Result<Reply, Refusal> {
    let machines = world.machines_of_rule(task.account(), task.part("rule"))?;
    let views: Vec<MachineView> = machines.into_iter().map(|machine| world.view(machine, Detail::Listed)).collect();
    Ok(counted(&views))
}

pub(super) fn rules_of_machine(world: &World, task: &Task<'_>) -> Result<Reply, Refusal> {
    Ok(Reply::ok(&world.rules_of_machine(task.account(), task.machine())?))
}
