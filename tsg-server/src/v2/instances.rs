//! `/v2/groups/{id}/instances`: the members of a group, each with its class and its reason.

use std::fmt::Display;
use std::net::IpAddr;

use axum::Json;
use axum::extract::{Path, State};
use serde::{Deserialize, Serialize};
use tsg_core::health::check::CheckSpec;
use tsg_core::health::verdict::Judgement;
use tsg_core::model::id::{ComputeNodeId, GroupId, InstanceId, OperationId};
use tsg_core::model::instance::InstanceState;
use tsg_core::model::listing::Listing;
use tsg_core::model::operation::{Cause, Operation, Phase};
use tsg_core::plan::input::Verdict;
use tsg_core::plan::output::Class;
use tsg_core::ports::store::Scope;
use tsg_core::records::codec;
use tsg_core::records::kinds::group_prefix;
use tsg_engine::{GroupView, MemberView};

use super::facts::FactBody;
use super::groups::find;
use super::request::{Listed, Page, Params};
use crate::app::{App, Application};
use crate::auth::Caller;
use crate::health::Watch;
use crate::http::failure::Failure;
use crate::time;

/// Which members, and what of them.
#[derive(Debug, Deserialize)]
pub struct Asked {
    /// The id, the operation's id or the name of the only one.
    instance: Option<String>,
    /// Whether to tell what was heard of each last.
    #[serde(default)]
    facts: bool,
}

/// One member.
#[derive(Debug, Serialize)]
pub struct InstanceBody {
    operation: OperationId,
    sequence: u64,
    name: String,
    instance: Option<InstanceId>,
    class: Option<Class>,
    phase: Phase,
    phase_since: String,
    state: Option<InstanceState>,
    revision: u32,
    address: Option<IpAddr>,
    compute_node: Option<ComputeNodeId>,
    created_at: Option<String>,
    is_protected: bool,
    health: Option<HealthBody>,
    /// `None` where the group's checks do not drive discovery.
    discovery: Option<ListingBody>,
    cause: Cause,
    reason: Option<Cause>,
}

/// Whether discovery answers with an instance.
#[derive(Debug, Clone, Copy, Serialize)]
#[serde(rename_all = "snake_case")]
enum ListingBody {
    /// It does, while the instance runs.
    Listed,
    /// It did, and does not any more: the instance was not ready.
    Delisted,
    /// It never did: the instance was not ready yet.
    NotYet,
    /// Somebody else took it out of its services.
    TakenOut,
}

impl ListingBody {
    const fn of(member: &MemberView) -> Self {
        match member.listing {
            Listing::Listed if member.is_delisted => Self::TakenOut,
            Listing::Listed => Self::Listed,
            Listing::Delisted => Self::Delisted,
            Listing::NotYet => Self::NotYet,
        }
    }
}

/// What is believed of an instance's health.
#[derive(Debug, Serialize)]
struct HealthBody {
    verdict: Verdict,
    since: String,
    /// Whether it may be listed in discovery.
    is_ready: bool,
    ready_since: String,
    /// The check that fails.
    check: Option<String>,
    /// Why, in words.
    reason: Option<String>,
    /// What was heard last, by check and prober; only with `?facts=true`.
    #[serde(skip_serializing_if = "Option::is_none")]
    facts: Option<Vec<FactBody>>,
}

impl HealthBody {
    fn of(judgement: &Judgement, checks: &[CheckSpec]) -> Self {
        let cause = judgement.cause;
        let check = cause.and_then(|cause| checks.get(usize::from(cause.check)));
        Self {
            verdict: judgement.verdict,
            since: time::milliseconds(judgement.since),
            is_ready: judgement.is_ready,
            ready_since: time::milliseconds(judgement.ready_since),
            check: check.map(|check| check.name.clone()),
            reason: cause.map(|cause| cause.failure.to_string()),
            facts: None,
        }
    }
}

/// Lists the members, in the order of their operations.
pub async fn list(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
    page: Page,
    Params(asked): Params<Asked>,
) -> Result<Json<Listed<InstanceBody>>, Failure> {
    let group = find(&app, &caller, &id).await?.value;
    let mut members = match caller.enrolled.engine.handle().group(group.id) {
        Some(view) => view.members.iter().map(|member| InstanceBody::seen(member, &view)).collect(),
        None => unseen(&app, &caller, group.id).await?,
    };
    if let Some(wanted) = &asked.instance {
        members.retain(|member: &InstanceBody| member.is(wanted));
    }
    members.sort_unstable_by_key(|member: &InstanceBody| member.operation.to_string());
    if let Some(after) = &page.after {
        members.retain(|member| member.operation.to_string() > *after);
    }
    let mut listed = Listed::new(members, &page, |member| member.operation.to_string());
    if asked.facts {
        take_facts(&mut listed.items, &caller.enrolled.watch, group.id);
    }
    Ok(Json(listed))
}

/// What the ledger knows, before the engine's first look.
async fn unseen(app: &Application, caller: &Caller, group: GroupId) -> Result<Vec<InstanceBody>, Failure> {
    let scope = Scope::Account(caller.account());
    let operations = codec::all::<Operation>(app.store.as_ref(), scope, &group_prefix(group)).await?;
    let open = operations.into_iter().map(|operation| operation.value).filter(|operation| !operation.phase.is_closed());
    Ok(open.map(InstanceBody::unseen).collect())
}

/// Takes in what was heard of the members last. That changes with each probe, and the engine shows an
/// instance only when something follows from it: so it is asked for now.
fn take_facts(members: &mut [InstanceBody], watch: &Watch, group: GroupId) {
    let judged = members.iter_mut().filter_map(|member| Some((member.instance?, member.health.as_mut()?)));
    let (instances, healths): (Vec<InstanceId>, Vec<&mut HealthBody>) = judged.unzip();
    let (now, facts) = watch.facts(group, &instances);
    for (health, known) in healths.into_iter().zip(facts) {
        health.facts = Some(known.into_iter().map(|known| FactBody::of(known, now)).collect());
    }
}

impl InstanceBody {
    /// Whether it is the one of this id, operation or name.
    fn is(&self, wanted: &str) -> bool {
        let is_it = |id: &dyn Display| id.to_string() == wanted;
        self.name == wanted || is_it(&self.operation) || self.instance.is_some_and(|instance| is_it(&instance))
    }

    fn seen(member: &MemberView, view: &GroupView) -> Self {
        let checks = view.group.health.as_ref().map(|health| health.checks.as_slice()).unwrap_or_default();
        Self {
            operation: member.operation,
            sequence: member.sequence,
            name: member.name.clone(),
            instance: member.instance,
            class: member.class,
            phase: member.phase,
            phase_since: time::milliseconds(member.phase_since),
            state: member.state,
            revision: member.revision,
            address: member.address,
            compute_node: member.compute_node,
            created_at: member.created_at.map(time::milliseconds),
            is_protected: member.is_protected,
            health: member.health.as_ref().map(|judgement| HealthBody::of(judgement, checks)),
            discovery: view.discovery.map(|_| ListingBody::of(member)),
            cause: member.cause,
            reason: member.deletion_cause,
        }
    }

    fn unseen(operation: Operation) -> Self {
        Self {
            operation: operation.id,
            sequence: operation.sequence,
            name: operation.name,
            instance: operation.instance,
            class: None,
            phase: operation.phase,
            phase_since: time::milliseconds(operation.phase_since),
            state: None,
            revision: operation.revision,
            address: None,
            compute_node: None,
            created_at: None,
            is_protected: false,
            health: None,
            discovery: None,
            cause: operation.cause,
            reason: operation.deletion_cause,
        }
    }
}
