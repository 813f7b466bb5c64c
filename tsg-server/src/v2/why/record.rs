//! What the ledger knows of an instance, and what was told of it lately.
//!
//! Owns how an instance is found, and the sentences on why it was made and why it went. Must never read
//! a whole ledger or audit for it.

use std::sync::Arc;

use serde::Serialize;
use tsg_core::model::group::Group;
use tsg_core::model::id::{GroupId, InstanceId, OperationId};
use tsg_core::model::name::operation_of;
use tsg_core::model::operation::{Cause, Operation, Phase};
use tsg_core::records::codec;
use tsg_core::records::kinds::{OwnedInstance, operation_key};
use tsg_engine::Event;

use super::super::events::words;
use crate::app::Application;
use crate::auth::Caller;
use crate::http::failure::Failure;
use crate::time;

/// How much of what happened lately is told.
pub const EVENTS_TOLD: usize = 5;

/// An instance, once found.
pub struct Found {
    /// Its operation.
    pub operation: OperationId,
    /// The machine that was asked for, if one was.
    pub machine: Option<InstanceId>,
}

/// What is recorded of an instance.
#[derive(Debug, Serialize)]
pub struct RecordBody {
    operation: OperationId,
    name: String,
    instance: Option<InstanceId>,
    revision: u32,
    phase: Phase,
    phase_since: String,
    planned_at: String,
    /// Why it was made.
    cause: Cause,
    /// Whose place it was made to take.
    replaces: Option<OperationId>,
    /// Why it goes or went; `null` also where tsg did not decide it.
    deletion_cause: Option<Cause>,
    deletion_decided_at: Option<String>,
    /// How many DELETE requests were sent.
    deletes_sent: u32,
    /// When it was marked to be replaced because its place breaks the group's rules.
    misplaced_at: Option<String>,
    /// Who was made to take its place, as far as the engine remembers.
    successors: Vec<OperationId>,
    /// The newest of what happened to it, since the server was started.
    events: Vec<EventBody>,
}

#[derive(Debug, Serialize)]
struct EventBody {
    at: String,
    text: String,
}

/// The instance of a machine, a name or an operation.
pub async fn find(app: &Application, caller: &Caller, group: &Group, wanted: &str) -> Result<Found, Failure> {
    if let Ok(machine) = wanted.parse::<InstanceId>() {
        let owned = codec::get::<OwnedInstance>(app.store.as_ref(), caller.account(), &machine.to_string()).await?;
        let owned = owned.map(|owned| owned.value).ok_or_else(|| unknown(group.id))?;
        if owned.group != group.id {
            return Err(Failure::not_found("instance in this group")
                .hint(format!("it is one of another group: ask /v2/groups/{}/why", owned.group)));
        }
        return Ok(Found { operation: owned.operation, machine: Some(machine) });
    }
    let operation = wanted.parse().ok().or_else(|| operation_of(wanted)).ok_or_else(|| unknown(group.id))?;
    let known = read(app, caller, group.id, operation).await?;
    // A name that only ends as one of the group's does is somebody else's.
    if wanted == known.name || wanted == operation.to_string() {
        return Ok(Found { operation, machine: None });
    }
    Err(unknown(group.id))
}

/// The operation's record, closed or not.
pub async fn read(app: &Application, caller: &Caller, group: GroupId, id: OperationId) -> Result<Operation, Failure> {
    let key = operation_key(group, id);
    let found = codec::get::<Operation>(app.store.as_ref(), caller.account(), &key).await?;
    found.map(|operation| operation.value).ok_or_else(|| unknown(group))
}

fn unknown(group: GroupId) -> Failure {
    Failure::not_found("instance in this group").hint(format!(
        "give the id of its machine, its whole name or its operation; `tsg group instances` and \
         /v2/groups/{group}/instances list those that there are, /v2/groups/{group}/operations and \
         /v2/groups/{group}/audit know those that were"
    ))
}

/// Who it is.
pub fn heading(operation: &Operation, asked: Option<InstanceId>) -> String {
    let name = &operation.name;
    match (operation.instance, asked) {
        (Some(machine), Some(asked)) if asked != machine => {
            let end = if operation.residue.contains(&asked) { "is to be deleted" } else { "is gone" };
            format!(
                "{asked} turned up beside another one for the same operation, and {end}; of {name}, machine {machine}:"
            )
        }
        (Some(machine), _) => format!("{name}, machine {machine}"),
        (None, Some(asked)) => {
            let end = if operation.residue.contains(&asked) { "is to be deleted" } else { "is gone" };
            format!("{asked} turned up late, and {end}; of {name}:")
        }
        (None, None) => format!("{name}, of which no machine is known"),
    }
}

impl RecordBody {
    pub fn of(operation: &Operation, successors: &[OperationId], events: &[Arc<Event>]) -> Self {
        let deletion = operation.deletion.filter(|_| operation.deletion_cause.is_some());
        let told = |event: &Arc<Event>| EventBody { at: time::milliseconds(event.at), text: words::of(event) };
        Self {
            operation: operation.id,
            name: operation.name.clone(),
            instance: operation.instance,
            revision: operation.revision,
            phase: operation.phase,
            phase_since: time::milliseconds(operation.phase_since),
            planned_at: time::milliseconds(operation.planned_at),
            cause: operation.cause,
            replaces: operation.replaces,
            deletion_cause: operation.deletion_cause,
            deletion_decided_at: deletion.map(|deletion| time::milliseconds(deletion.decided_at)),
            deletes_sent: deletion.map_or(0, |deletion| deletion.attempts),
            misplaced_at: operation.landing.and_then(|landing| landing.replaced_at).map(time::milliseconds),
            successors: successors.to_vec(),
            events: events.iter().map(told).collect(),
        }
    }

    /// What was, in words; what is to come is the planner's to say.
    pub fn words(&self) -> Vec<String> {
        let mut words = vec![format!("planned at {}: {}", self.planned_at, self.made())];
        words.extend(self.went());
        words.extend(self.successors.iter().map(|successor| format!("{successor} was made to take its place")));
        if !self.events.is_empty() {
            words.push("lately:".to_owned());
            words.extend(self.events.iter().map(|event| format!("  {} {}", event.at, event.text)));
        }
        words
    }

    fn made(&self) -> String {
        let why = match self.cause {
            Cause::Rollout => "for a rollout, or for one that was to be replaced",
            Cause::Repair => "for one that was repaired by replacing it",
            _ => "the group had fewer than were wanted",
        };
        match self.replaces {
            Some(predecessor) => format!("{why}, in the place of {predecessor}"),
            None => why.to_owned(),
        }
    }

    /// How it ended, or that it was decided to end it.
    fn went(&self) -> Option<String> {
        let since = &self.phase_since;
        let why = match self.deletion_cause {
            Some(Cause::Rollout) if self.misplaced_at.is_some() => "its place broke the group's rules of placement",
            Some(cause) => gone_for(cause),
            None => "for no recorded reason",
        };
        let decided = self.deletion_decided_at.as_ref().unwrap_or(since);
        match self.phase {
            Phase::Gone if self.deletion_decided_at.is_none() => {
                Some(format!("gone since {since}: tsg deleted nothing; its machine was destroyed or vanished"))
            }
            Phase::Gone if self.deletes_sent == 0 => Some(format!(
                "gone since {since}, before tsg sent a delete; its delete was decided at {decided}: {why}"
            )),
            Phase::Gone => Some(format!("deleted, decided at {decided}: {why}; gone since {since}")),
            Phase::Deleting => Some(format!("its delete was decided at {decided}: {why}")),
            Phase::Cancelled => Some(format!("called off at {since}, before anything was sent: not needed any more")),
            Phase::Refused => {
                Some(format!("refused by CloudAPI at {since}; the answer is in the audit of the group, at this time"))
            }
            Phase::Lost => Some(format!("given up at {since}: no machine appeared for its create, sent or repeated")),
            _ => None,
        }
    }
}

/// What it went for.
const fn gone_for(cause: Cause) -> &'static str {
    match cause {
        Cause::Capacity => "for the capacity",
        Cause::ScaleIn => "the group had too many",
        Cause::TearDown => "the group is being deleted",
        Cause::Repair => "repair: it was not well, or its compute node was not",
        Cause::Surplus => "it turned up late",
        Cause::Rollout => "a rollout: to another revision, back to one, or of what a person asked to be replaced",
        Cause::Expiry => "it was kept long enough",
    }
}
