//! `/v2/groups/{id}/rollout` and `/reprovision`: what a person tells a rollout to do, and which
//! instances are replaced or restarted although their revision is right.
//!
//! Owns the wire form of orders. Must never carry one out; the planner reads them from the group.

use axum::extract::{Path, State};
use axum::response::Response;
use http::StatusCode;
use serde::Deserialize;
use tsg_core::model::group::Group;
use tsg_core::model::id::{ComputeNodeId, GroupId, InstanceId, OperationId};
use tsg_core::model::policy::UpdateMode;
use tsg_core::plan::input::Mark;
use tsg_core::plan::output::Class;
use tsg_engine::intent::{self, MarkError, Marking, Order, OrderError};
use tsg_engine::{GroupView, MemberView};

use super::groups::{answer, find, parse_id};
use super::idempotency::once;
use super::request::{Write, json};
use crate::app::{App, Application};
use crate::auth::Caller;
use crate::http::failure::Failure;

/// What a rollout, or the repair of a group, is told.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Action {
    Pause,
    Continue,
    Promote,
    Abort,
    ResumeRepairs,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct OrderBody {
    action: Action,
}

impl From<Action> for Order {
    fn from(action: Action) -> Self {
        match action {
            Action::Pause => Self::Pause,
            Action::Continue => Self::Continue,
            Action::Promote => Self::Promote,
            Action::Abort => Self::Abort,
            Action::ResumeRepairs => Self::ResumeRepairs,
        }
    }
}

/// Takes an order.
pub async fn order(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
    write: Write,
) -> Result<Response, Failure> {
    let group = parse_id(&id)?;
    let OrderBody { action } = json(&write.body)?;
    once(&app, &caller, &write, async |_| {
        give(&app, &caller, group, action.into()).await?;
        answer(&app, &caller, StatusCode::OK, group).await
    })
    .await
}

async fn give(app: &Application, caller: &Caller, group: GroupId, order: Order) -> Result<(), Failure> {
    let given = intent::give_order(app.store.as_ref(), &caller.intent(app.now()), group, order).await;
    given.map_err(|error| match error {
        OrderError::UnknownGroup(_) => Failure::not_found("group"),
        OrderError::NoRollout(_) => Failure::new(StatusCode::CONFLICT, "NoRollout", error.to_string())
            .hint("see `report.rollout` of the group for the last one; a new template begins another"),
        OrderError::Contended => Failure::contended(),
        OrderError::Store(error) => error.into(),
    })?;
    caller.enrolled.engine.handle().wake();
    Ok(())
}

/// What is done to the instances that were chosen.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
enum How {
    #[default]
    Replace,
    Restart,
}

/// Which instances, by every condition that is given, and how many of them.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct ReprovisionBody {
    how: How,
    all: bool,
    instances: Option<Vec<InstanceId>>,
    revision: Option<u32>,
    compute_node: Option<ComputeNodeId>,
    count: Option<usize>,
    at_once: Option<u32>,
}

impl ReprovisionBody {
    fn check(&self) -> Result<(), Failure> {
        let is_narrowed = self.instances.is_some() || self.revision.is_some() || self.compute_node.is_some();
        if is_narrowed || self.count.is_some() || self.all {
            return Ok(());
        }
        Err(Failure::unprocessable("NothingChosen", "no instance was chosen")
            .hint("give instances, revision, compute_node, count, or \"all\": true for every instance"))
    }

    fn has_chosen(&self, member: &MemberView) -> bool {
        let is_among = |chosen: &Vec<InstanceId>| member.instance.is_some_and(|instance| chosen.contains(&instance));
        member.instance.is_some()
            && self.instances.as_ref().is_none_or(is_among)
            && self.revision.is_none_or(|revision| revision == member.revision)
            && self.compute_node.is_none_or(|node| Some(node) == member.compute_node)
            && !member.marks.has(Mark::Held)
            && matches!(member.class, Some(Class::Serving | Class::Unlisted | Class::Unhealthy))
    }

    /// The members that were chosen: those of the oldest revision first, the wanted one last, and
    /// the oldest first among them.
    fn chosen(&self, group: &Group, view: Option<&GroupView>) -> Vec<OperationId> {
        let members = view.map(|view| view.members.as_slice()).unwrap_or_default();
        let mut chosen: Vec<_> = members.iter().filter(|member| self.has_chosen(member)).collect();
        chosen.sort_unstable_by_key(|member| (member.revision == group.revision, member.revision, member.sequence));
        chosen.into_iter().map(|member| member.operation).take(self.count.unwrap_or(usize::MAX)).collect()
    }
}

/// Asks for instances to be replaced or restarted, in the manner of an update.
pub async fn reprovision(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
    write: Write,
) -> Result<Response, Failure> {
    let group = parse_id(&id)?;
    let body = if write.body.is_empty() { ReprovisionBody::default() } else { json(&write.body)? };
    body.check()?;
    once(&app, &caller, &write, async |_| {
        let known = find(&app, &caller, &id).await?.value;
        check_mode(&known)?;
        let view = caller.enrolled.engine.handle().group(group);
        let chosen = body.chosen(&known, view.as_deref());
        if chosen.is_empty() {
            return Err(Failure::unprocessable("NothingChosen", "no instance of the group fits the conditions")
                .hint("see /v2/groups/{id}/instances"));
        }
        if let Some(instances) = body.at_once {
            give(&app, &caller, group, Order::HandleAtOnce { instances }).await?;
        }
        let mark = match body.how {
            How::Replace => Mark::Reprovision,
            How::Restart => Mark::Restart,
        };
        let by = caller.intent(app.now());
        let marked = intent::mark_instances(app.store.as_ref(), &by, group, &chosen, Marking::Set(mark)).await;
        marked.map_err(mark_failure)?;
        caller.enrolled.engine.handle().wake();
        answer(&app, &caller, StatusCode::ACCEPTED, group).await
    })
    .await
}

/// A group that only makes new instances of a revision would never get to it.
fn check_mode(group: &Group) -> Result<(), Failure> {
    if group.policy.update.mode == UpdateMode::Rolling {
        return Ok(());
    }
    Err(Failure::unprocessable("NeverRolls", "the group's update mode is `on_create`: nothing that exists is replaced")
        .hint("change its policy to {\"update\": {\"mode\": \"rolling\"}} first"))
}

fn mark_failure(error: MarkError) -> Failure {
    match error {
        MarkError::UnknownGroup(_) => Failure::not_found("group"),
        MarkError::UnknownMember { .. } | MarkError::Contended => Failure::contended(),
        MarkError::Store(error) => error.into(),
    }
}
