//! `/v2/events`: what happened lately to the caller's instances and groups.
//!
//! Owns the wire form of events, and how long a reader may wait for one.

pub mod words;

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use tsg_core::health::discovery::{Alarm, ListedAs, Why};
use tsg_core::model::id::{ComputeNodeId, GroupId, InstanceId, OperationId};
use tsg_core::model::span::Span;
use tsg_core::plan::input::{NodeState, Verdict};
use tsg_core::plan::memory::RolloutState;
use tsg_core::plan::output::Reason;
use tsg_engine::{Event, Held, Occurrence, Repair, Subject};

use super::groups::parse_id;
use super::request::{Page, Params};
use super::template_body::invalid;
use crate::app::{App, Application};
use crate::auth::Caller;
use crate::events::{Chronicle, Cursor, Passage};
use crate::http::failure::Failure;
use crate::time;

/// The longest that a reader may wait.
const WAIT_MAX: Duration = Duration::from_secs(50);

/// What the reader asks for beside the page.
#[derive(Debug, Deserialize)]
pub struct Asked {
    group: Option<String>,
    wait: Option<String>,
}

/// Some events.
#[derive(Debug, Serialize)]
pub struct EventPage {
    items: Vec<EventBody>,
    /// The cursor of those that are there already; `null` if there are no more.
    next: Option<String>,
    /// Where to go on, also if there are no more yet.
    cursor: String,
    /// Events of the account after the reader's place that are not kept any more.
    missed: u64,
    /// Whether the server was started since the reader's place: what happened between is not known.
    has_begun_anew: bool,
}

/// One event.
#[derive(Debug, Serialize)]
struct EventBody {
    cursor: String,
    at: String,
    group: Option<GroupId>,
    group_name: Option<String>,
    #[serde(flatten)]
    what: Details,
    /// The whole in words.
    text: String,
}

/// Whom it happened to.
#[derive(Debug, Serialize)]
struct Member {
    operation: OperationId,
    instance: Option<InstanceId>,
    name: String,
}

#[derive(Debug, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
enum Details {
    Verdict {
        #[serde(flatten)]
        of: Member,
        from: Option<Verdict>,
        to: Verdict,
        check: Option<String>,
        reason: Option<String>,
    },
    Discovery {
        #[serde(flatten)]
        of: Member,
        to: &'static str,
        reason: &'static str,
    },
    Repair {
        #[serde(flatten)]
        of: Member,
        step: &'static str,
        reason: Reason,
    },
    HoldBegan {
        hold: &'static str,
    },
    HoldEnded {
        hold: &'static str,
    },
    AlarmRaised {
        alarm: &'static str,
    },
    AlarmOver {
        alarm: &'static str,
    },
    Node {
        node: ComputeNodeId,
        state: &'static str,
    },
    Rollout {
        revision: u32,
        state: RolloutState,
    },
}

/// Reads, and waits if there is nothing yet and the reader says for how long.
pub async fn list(
    State(app): State<App>,
    caller: Caller,
    page: Page,
    Params(asked): Params<Asked>,
) -> Result<Json<EventPage>, Failure> {
    let place = page.after.as_ref().map(|text| text.parse()).transpose();
    let place: Option<Cursor> = place.map_err(|error| invalid("after", &error))?;
    let group = asked.group.as_ref().map(|id| parse_id(id)).transpose()?;
    let wait = asked.wait.as_ref().map(|text| text.parse::<Span>()).transpose();
    let wait = wait.map_err(|error| invalid("wait", &error))?.unwrap_or(Span::ZERO).as_duration();
    let chronicle = &caller.enrolled.events;
    let read = |place| chronicle.read(place, group, page.limit as usize);
    let passage = look(&app, chronicle, place, read, wait.min(longest(&app))).await;
    Ok(Json(EventPage::of(&passage, chronicle)))
}

/// Well within the time that a request may take.
fn longest(app: &Application) -> Duration {
    WAIT_MAX.min(app.config.limits.request_time.mul_f32(0.8))
}

async fn look(
    app: &Application,
    chronicle: &Chronicle,
    mut place: Option<Cursor>,
    read: impl Fn(Option<Cursor>) -> Passage,
    wait: Duration,
) -> Passage {
    let mut stopping = app.stopping.clone();
    let patience = tokio::time::sleep(wait);
    tokio::pin!(patience);
    loop {
        let passage = read(place);
        // Where there is nothing of the reader's group, the rest need not be looked at again.
        place = Some(passage.cursor);
        if !passage.events.is_empty() || passage.missed > 0 || passage.has_begun_anew {
            return passage;
        }
        tokio::select! {
            () = chronicle.go_on(passage.cursor) => {}
            () = &mut patience => return passage,
            // A server that ends waits for its readers.
            _ = stopping.wait_for(|is_stopping| *is_stopping) => return passage,
        }
    }
}

impl EventPage {
    fn of(passage: &Passage, chronicle: &Chronicle) -> Self {
        let body = |(number, event): &(u64, Arc<Event>)| EventBody::of(chronicle.cursor(*number), event);
        let cursor = passage.cursor.to_string();
        Self {
            items: passage.events.iter().map(body).collect(),
            next: passage.has_more.then(|| cursor.clone()),
            cursor,
            missed: passage.missed,
            has_begun_anew: passage.has_begun_anew,
        }
    }
}

impl EventBody {
    fn of(cursor: Cursor, event: &Event) -> Self {
        Self {
            cursor: cursor.to_string(),
            at: time::milliseconds(event.at),
            group: event.group.as_ref().map(|place| place.group),
            group_name: event.group.as_ref().map(|place| place.name.to_string()),
            what: Details::of(&event.what),
            text: words::of(event),
        }
    }
}

impl Member {
    fn of(subject: &Subject) -> Self {
        Self { operation: subject.operation, instance: subject.instance, name: subject.name.clone() }
    }
}

impl Details {
    fn of(what: &Occurrence) -> Self {
        match what {
            Occurrence::Judged { of, from, to, check } => Self::Verdict {
                of: Member::of(of),
                from: *from,
                to: *to,
                check: check.as_ref().map(|check| check.name.clone()),
                reason: check.as_ref().map(|check| check.failure.to_string()),
            },
            Occurrence::Listed { of, to, why } => {
                Self::Discovery { of: Member::of(of), to: listed_as(*to), reason: reason(*why) }
            }
            Occurrence::Repaired { of, by, reason } => {
                Self::Repair { of: Member::of(of), step: step(*by), reason: *reason }
            }
            Occurrence::HoldBegan(held) => Self::HoldBegan { hold: hold(held) },
            Occurrence::HoldEnded(held) => Self::HoldEnded { hold: hold(held) },
            Occurrence::AlarmRaised(raised) => Self::AlarmRaised { alarm: alarm(raised) },
            Occurrence::AlarmOver(over) => Self::AlarmOver { alarm: alarm(over) },
            Occurrence::Node { node, state } => Self::Node { node: *node, state: node_state(*state) },
            Occurrence::Rollout { target, state, .. } => Self::Rollout { revision: *target, state: *state },
        }
    }
}

const fn listed_as(to: ListedAs) -> &'static str {
    match to {
        ListedAs::Listed => "listed",
        ListedAs::Delisted => "delisted",
    }
}

const fn reason(why: Why) -> &'static str {
    match why {
        Why::NotReady { .. } => "not_ready",
        Why::Ready { .. } => "ready",
    }
}

const fn step(by: Repair) -> &'static str {
    match by {
        Repair::Start => "start",
        Repair::Restart => "restart",
        Repair::Replace => "replace",
        Repair::Remove => "remove",
    }
}

const fn alarm(alarm: &Alarm) -> &'static str {
    match alarm {
        Alarm::Panic { .. } => "panic",
        Alarm::TooFew { .. } => "too_few",
    }
}

const fn node_state(state: Option<NodeState>) -> &'static str {
    match state {
        None => "well",
        Some(NodeState::Suspect { .. }) => "suspect",
        Some(NodeState::Lost { .. }) => "lost",
        Some(NodeState::Returned { .. }) => "returned",
        Some(NodeState::Draining { .. }) => "draining",
    }
}

/// The same words as in the metrics.
const fn hold(held: &Held) -> &'static str {
    use tsg_core::storm::holds::HoldCause;
    match held {
        Held::TooManyUnhealthy { .. } => "too_many_unhealthy",
        Held::Suspended(_) => "repairs_suspended",
        Held::Beyond(hold) => match hold.cause {
            HoldCause::NotSeenYet => "not_seen_yet",
            HoldCause::CutOff { .. } => "cut_off",
            HoldCause::ProbersFail { .. } => "probers_fail",
            HoldCause::CloudFails => "cloud_fails",
            HoldCause::MostFail { .. } => "most_fail",
            HoldCause::Degrading { .. } => "degrading",
            HoldCause::NodesSilent { .. } => "nodes_silent",
            HoldCause::Correlated(_) => "correlated",
            HoldCause::EveryDataCentre { .. } => "every_data_centre",
        },
    }
}
