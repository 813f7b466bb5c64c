//! `/v2/groups/{id}/placement`: where a group's instances stand, and where the next one can go.
//!
//! Owns the shape on the wire. Must never place anything, nor look anything up that the engine has
//! not seen.

mod text;

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use serde::Serialize;
use tsg_core::model::group::Group;
use tsg_core::model::id::ComputeNodeId;
use tsg_core::placement::compile::{Compiled, Pace};
use tsg_core::placement::rule::{Enforce, PlacementSpec};
use tsg_core::placement::topology::Topology;
use tsg_core::placement::verify::{Prospect, Verdict, Verified};
use tsg_engine::{GroupView, Landed, PlacementSource, PlacementView};

use super::groups::find;
use crate::app::App;
use crate::auth::Caller;
use crate::http::failure::Failure;
use crate::time;

/// How a group's placement stands.
#[derive(Debug, Serialize)]
pub struct PlacementBody {
    /// When the list was asked for that this rests on.
    seen_at: String,
    source: &'static str,
    placement: PlacementSpec,
    /// What is sent with the next instance.
    affinity: Vec<String>,
    enforced: Vec<String>,
    attempted: Vec<String>,
    unenforceable: Vec<String>,
    is_blocked: bool,
    is_one_by_one: bool,
    instances: Vec<InstancePlace>,
    compute_nodes: Vec<NodePlace>,
    replaced_in_a_row: u8,
    summary: String,
}

/// Where an instance stands.
#[derive(Debug, Serialize)]
struct InstancePlace {
    operation: String,
    name: String,
    instance: String,
    compute_node: String,
    rack: Option<String>,
    /// Whether a hard rule did not want it there when it landed; `null` before it was looked at.
    is_misplaced: Option<bool>,
    rules: Vec<RuleVerdict>,
}

/// A compute node as the next instance would find it.
#[derive(Debug, Serialize)]
struct NodePlace {
    compute_node: String,
    name: Option<String>,
    rack: Option<String>,
    members: u32,
    is_allowed: bool,
    rules: Vec<RuleVerdict>,
}

/// A part of the block that is not kept.
#[derive(Debug, Serialize)]
struct RuleVerdict {
    /// Its path in the block.
    at: String,
    verdict: &'static str,
    words: String,
}

/// Shows it.
pub async fn show(State(app): State<App>, caller: Caller, Path(id): Path<String>) -> Result<Response, Failure> {
    let group = find(&app, &caller, &id).await?.value;
    let view = caller.enrolled.engine.handle().group(group.id);
    match view.and_then(|view| seen_of(&view, &group)) {
        Some(seen) => Ok(Json(PlacementBody::of(&seen, &app.config.engine.config.topology)).into_response()),
        None => Err(nothing_to_show()),
    }
}

/// What was seen of a group's placement, unless the group says something else by now.
pub fn seen_of(view: &GroupView, group: &Group) -> Option<Arc<PlacementView>> {
    let seen = view.placement.clone()?;
    let is_current = match &group.placement {
        Some(block) => **block == seen.block,
        None => seen.source == PlacementSource::Template,
    };
    is_current.then_some(seen)
}

fn nothing_to_show() -> Failure {
    let what = "no rule says where instances of this group may go, so that CloudAPI chooses; or one does, and the \
                account was not listed since";
    Failure::new(StatusCode::NOT_FOUND, "NoPlacement", what)
        .hint("see `placement` of the group and of its template; repeat the request if one of them has rules")
}

impl PlacementBody {
    /// On the wire.
    pub fn of(seen: &PlacementView, topology: &Topology) -> Self {
        let PlacementView { compiled, block, .. } = seen;
        let Compiled { affinity, enforced, attempted, unenforceable, blocked, pace, .. } = compiled;
        Self {
            seen_at: time::milliseconds(seen.at),
            source: match seen.source {
                PlacementSource::Group => "group",
                PlacementSource::Template => "template",
            },
            placement: block.clone(),
            affinity: affinity.clone(),
            enforced: enforced.iter().map(|held| held.at.to_string()).collect(),
            attempted: attempted.iter().map(|held| held.at.to_string()).collect(),
            unenforceable: unenforceable.iter().map(|lost| lost.at.to_string()).collect(),
            is_blocked: !blocked.is_empty(),
            is_one_by_one: *pace == Pace::OneByOne,
            instances: seen.landed.iter().map(|landed| InstancePlace::of(landed, topology)).collect(),
            compute_nodes: seen.prospects.iter().map(|prospect| NodePlace::of(prospect, topology)).collect(),
            replaced_in_a_row: seen.replaced_in_a_row,
            summary: text::summary(seen, topology),
        }
    }
}

impl InstancePlace {
    fn of(landed: &Landed, topology: &Topology) -> Self {
        Self {
            operation: landed.operation.to_string(),
            name: landed.name.clone(),
            instance: landed.instance.to_string(),
            compute_node: landed.compute_node.to_string(),
            rack: rack(landed.compute_node, topology),
            is_misplaced: landed.landing.map(|landing| landing.is_misplaced),
            rules: not_kept(&landed.verified),
        }
    }
}

impl NodePlace {
    fn of(prospect: &Prospect, topology: &Topology) -> Self {
        Self {
            compute_node: prospect.node.to_string(),
            name: topology.nodes.get(&prospect.node).and_then(|site| site.name.clone()),
            rack: rack(prospect.node, topology),
            members: prospect.members,
            is_allowed: prospect.is_allowed(),
            rules: not_kept(&prospect.verified),
        }
    }
}

fn rack(node: ComputeNodeId, topology: &Topology) -> Option<String> {
    topology.rack(node).map(str::to_owned)
}

fn not_kept(verified: &[Verified]) -> Vec<RuleVerdict> {
    let verdict = |one: &Verified| match one.verdict {
        Verdict::Kept => None,
        Verdict::Broken(_) => Some("broken"),
        Verdict::Unknown(_) => Some("unknown"),
    };
    let told = |one: &Verified| {
        Some(RuleVerdict { at: one.at.to_string(), verdict: verdict(one)?, words: one.verdict.to_string() })
    };
    verified.iter().filter_map(told).collect()
}

/// What becomes of an instance that stands where a hard rule does not want it, in words.
fn consequence(seen: &PlacementView) -> String {
    match seen.enforce {
        Enforce::Report => "It stays, and is reported.".to_owned(),
        Enforce::Replace if seen.replaced_in_a_row >= seen.block.attempts => {
            format!("It stays: {} in a row were replaced for nothing.", seen.replaced_in_a_row)
        }
        Enforce::Replace => "It is replaced (enforce: replace).".to_owned(),
    }
}
