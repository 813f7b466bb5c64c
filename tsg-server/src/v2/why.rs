//! `/v2/groups/{id}/why`: why a group and its rollout, or one instance of it, stand as they do.
//!
//! Owns the answer as data and in words. Must never decide anything: the account's engine answers from
//! what its next plan is made from, and the ledger says what was.

mod record;

use axum::Json;
use axum::extract::{Path, State};
use serde::{Deserialize, Serialize};
use tsg_core::model::group::Group;
use tsg_core::model::time::Timestamp;
use tsg_core::plan::output::PlannedAction;
use tsg_core::plan::render::in_words;
use tsg_core::plan::why::{Answer, GroupAnswer, InstanceAnswer, Obstacle, Prospect, RolloutAnswer};
use tsg_engine::{Explanation, Topic, Trouble};

use super::group_body::{ReportBody, trouble};
use super::groups::find;
use super::plan::answered;
use super::request::Params;
use crate::app::{App, Application};
use crate::auth::Caller;
use crate::http::failure::Failure;
use crate::time;
use record::{Found, RecordBody};

/// Which instance, by its machine's id, its name or its operation; the group without one.
#[derive(Debug, Deserialize)]
pub struct Asked {
    instance: Option<String>,
}

/// Why.
#[derive(Debug, Serialize)]
pub struct WhyBody {
    at: String,
    /// Of the group, from the plan that would be made now; times in it and in the next two are
    /// milliseconds since 1970.
    group: Option<GroupWhy>,
    /// Of its rollout, from the same.
    rollout: Option<RolloutAnswer>,
    /// Of the instance that was asked for, from the same; `null` once it is gone.
    instance: Option<InstanceAnswer>,
    /// When all that an instance waits for is over by itself, where that can be told.
    until: Option<String>,
    /// What is recorded of that instance.
    record: Option<RecordBody>,
    /// What keeps the engine from doing what is planned.
    trouble: Option<Trouble>,
    /// All of it in words.
    words: Vec<String>,
}

/// Why instances are created, not created or let go.
#[derive(Debug, Serialize)]
struct GroupWhy {
    report: ReportBody,
    lacking: u32,
    creates: u32,
    obstacles: Vec<Obstacle>,
    steps: Vec<PlannedAction>,
    looks_again_at: Option<Timestamp>,
}

/// Explains the group, or the instance that is asked for.
pub async fn show(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
    Params(asked): Params<Asked>,
) -> Result<Json<WhyBody>, Failure> {
    let group = find(&app, &caller, &id).await?.value;
    let body = match asked.instance.as_deref() {
        Some(wanted) => of_instance(&app, &caller, &group, wanted).await?,
        None => of_group(&caller, &group).await?,
    };
    Ok(Json(body))
}

async fn of_group(caller: &Caller, group: &Group) -> Result<WhyBody, Failure> {
    let explanation = explain(caller, group, Topic::Group).await?;
    let trouble = trouble_of(caller, group);
    let words = words_of(&explanation).chain(in_the_way(trouble.as_ref())).collect();
    Ok(WhyBody { words, trouble, ..WhyBody::of(explanation) })
}

async fn of_instance(app: &Application, caller: &Caller, group: &Group, wanted: &str) -> Result<WhyBody, Failure> {
    let Found { operation, machine } = record::find(app, caller, group, wanted).await?;
    let explained = explain(caller, group, Topic::Instance(operation)).await;
    // After the engine has answered: it may have closed the operation on the way.
    let operation = record::read(app, caller, group.id, operation).await?;
    let explanation = match explained {
        Ok(explanation) => explanation,
        // What is over does not change any more: the ledger is enough.
        Err(_) if operation.phase.is_closed() => {
            Explanation { answers: Vec::new(), successors: Vec::new(), at: app.now() }
        }
        Err(failure) => return Err(failure),
    };
    let events = caller.enrolled.events.newest_of(operation.id, record::EVENTS_TOLD);
    let trouble = trouble_of(caller, group).filter(|_| is_waiting(&explanation));
    let record = RecordBody::of(&operation, &explanation.successors, &events);
    let mut words = vec![record::heading(&operation, machine)];
    words.extend(words_of(&explanation));
    words.extend(in_the_way(trouble.as_ref()));
    words.extend(record.words());
    Ok(WhyBody { words, trouble, record: Some(record), ..WhyBody::of(explanation) })
}

async fn explain(caller: &Caller, group: &Group, topic: Topic) -> Result<Explanation, Failure> {
    let handle = caller.enrolled.engine.handle();
    answered(group.id, handle.explain(group.id, topic)).await
}

/// What keeps the engine from going on with the group, or with all of the account.
fn trouble_of(caller: &Caller, group: &Group) -> Option<Trouble> {
    let handle = caller.enrolled.engine.handle();
    let health = handle.health();
    let of_group = handle.group(group.id).and_then(|view| trouble(&view));
    of_group.or_else(|| health.cloud_trouble.clone()).or_else(|| health.store_trouble.clone())
}

/// Whether something is to become of the instance: what keeps a group from going on concerns nobody
/// else.
fn is_waiting(explanation: &Explanation) -> bool {
    explanation.answers.iter().any(|answer| match answer {
        Answer::Instance(instance) => {
            !matches!(instance.prospect, Prospect::Stays | Prospect::Kept { .. } | Prospect::LeftAlone { .. })
        }
        _ => false,
    })
}

fn words_of(explanation: &Explanation) -> impl Iterator<Item = String> {
    // Of one that is gone the ledger knows more than that.
    let told = explanation.answers.iter().filter(|answer| !matches!(answer, Answer::NoInstance { .. }));
    let texts = told.map(|answer| in_words(answer, explanation.at).to_string());
    texts.flat_map(|text| text.lines().map(str::to_owned).collect::<Vec<_>>())
}

fn in_the_way(trouble: Option<&Trouble>) -> Option<String> {
    trouble.map(|trouble| format!("in the way: {}", trouble.what))
}

impl WhyBody {
    fn of(Explanation { answers, at, .. }: Explanation) -> Self {
        let mut body = Self {
            at: time::milliseconds(at),
            group: None,
            rollout: None,
            instance: None,
            until: None,
            record: None,
            trouble: None,
            words: Vec::new(),
        };
        for answer in answers {
            match answer {
                Answer::Group(group) => body.group = Some(GroupWhy::of(group, at)),
                Answer::Rollout(rollout) => body.rollout = Some(rollout),
                Answer::Instance(instance) => {
                    body.until = instance.until().map(time::milliseconds);
                    body.instance = Some(instance);
                }
                Answer::NoInstance { .. } => {}
            }
        }
        body
    }
}

impl GroupWhy {
    fn of(
        GroupAnswer { report, lacking, creates, obstacles, steps, looks_again_at }: GroupAnswer,
        at: Timestamp,
    ) -> Self {
        Self { report: ReportBody::of(&report, at), lacking, creates, obstacles, steps, looks_again_at }
    }
}
