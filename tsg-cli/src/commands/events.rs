//! `tsg events`: what happened lately, and what happens.

use std::time::Duration;

use clap::Args;
use serde::Deserialize;
use serde_json::json;
use serde_json::value::RawValue;
use tokio::time::sleep;

use super::group::find;
use crate::api::client::escaped;
use crate::api::shapes::EventView;
use crate::api::{Api, ApiError};
use crate::context::Context;
use crate::failure::Failure;
use crate::listing::{self, Listing};
use crate::output::{Output, Show};
use crate::signals;
use crate::table::Table;

/// How long the server is to wait for the next event.
const WAIT: &str = "20s";
/// How long it rests before it asks a server again that does not answer.
const PAUSE: Duration = Duration::from_secs(1);
/// Failures in a row that it takes to give up: a server that restarts is back before.
const FAILURES_MAX: u32 = 30;

/// List what happened lately: what instances are believed to be, repairs, holds, alarms, rollouts
///
/// The server keeps the newest 4,096 of each account, and none over its own restart. What was asked
/// of the cloud, and by whom, is in the audit: GET /v2/groups/ID/audit.
///
/// Examples:
///   tsg events --group web
///   tsg events --follow --json
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Events {
    /// Only those of one group: its name or id.
    #[arg(short, long, value_name = "GROUP")]
    group: Option<String>,
    /// Go on with what happens from now on, until Ctrl-C; one JSON document on each line with --json.
    #[arg(short, long)]
    follow: bool,
}

/// A part of the events.
#[derive(Debug, Deserialize)]
struct Passage {
    items: Vec<Box<RawValue>>,
    cursor: String,
    #[serde(default)]
    missed: u64,
    #[serde(default)]
    has_begun_anew: bool,
}

impl Events {
    /// Lists them, and follows if that is asked.
    pub(crate) async fn run(&self, context: &Context) -> Result<(), Failure> {
        let api = context.api().await?;
        let path = match &self.group {
            Some(name) => format!("/v2/events?group={}", find(&api, name).await?.value.id),
            None => "/v2/events".to_owned(),
        };
        if !self.follow {
            let listing: Listing<EventView> = listing::all(&api, &path).await.map_err(unread)?;
            return context.output.show(&listing);
        }
        tokio::select! {
            asked = signals::asked_to_end() => asked,
            followed = follow(&api, context.output, &path) => followed,
        }
    }
}

fn unread(error: ApiError) -> Failure {
    error.preventing("cannot read the events")
}

async fn follow(api: &Api, output: Output, path: &str) -> Result<(), Failure> {
    let separator = if path.contains('?') { '&' } else { '?' };
    let (mut after, mut failures) = (String::new(), 0);
    loop {
        let from = format!("{path}{separator}limit=200&wait={WAIT}&after={}", escaped(&after));
        match api.get::<Passage>(&from).await {
            Ok(answer) => {
                failures = 0;
                show(output, api, &answer.value)?;
                after = answer.value.cursor;
            }
            Err(ApiError::Unreachable { .. }) if failures < FAILURES_MAX => {
                failures += 1;
                sleep(PAUSE).await;
            }
            Err(error) => return Err(unread(error)),
        }
    }
}

fn show(output: Output, api: &Api, passage: &Passage) -> Result<(), Failure> {
    if passage.has_begun_anew {
        output.show(&Gap::Restart)?;
    }
    if passage.missed > 0 {
        output.show(&Gap::Missed { events: passage.missed })?;
    }
    for raw in &passage.items {
        let unreadable = |source| unread(ApiError::Unreadable { url: api.base().to_string(), source });
        let event: EventView = serde_json::from_str(raw.get()).map_err(unreadable)?;
        output.show(&Line { event, raw })?;
    }
    Ok(())
}

/// One event while they are followed.
struct Line<'a> {
    event: EventView,
    raw: &'a RawValue,
}

impl Show for Line<'_> {
    fn human(&self) -> String {
        let EventView { at, group_name, text } = &self.event;
        format!("{at}  {}  {text}", group_name.as_deref().unwrap_or("-"))
    }

    fn json(&self) -> String {
        self.raw.get().to_owned()
    }
}

/// Events that were not seen.
enum Gap {
    Restart,
    Missed { events: u64 },
}

impl Show for Gap {
    fn human(&self) -> String {
        match self {
            Self::Restart => "The server was started again; what happened before that is not known.".to_owned(),
            Self::Missed { events } => format!("{events} events were missed: more happened than the server keeps."),
        }
    }

    fn json(&self) -> String {
        match self {
            Self::Restart => json!({"kind": "begun_anew"}).to_string(),
            Self::Missed { events } => json!({"kind": "missed", "events": events}).to_string(),
        }
    }
}

impl Show for Listing<EventView> {
    fn human(&self) -> String {
        let headings = Table::new(["AT", "GROUP", "WHAT"]);
        let add = |table: Table, event: &EventView| {
            let EventView { at, group_name, text } = event.clone();
            table.row([at, group_name.unwrap_or_else(|| "-".to_owned()), text])
        };
        self.items.iter().fold(headings, add).render()
    }

    fn json(&self) -> String {
        Listing::json(self)
    }
}
