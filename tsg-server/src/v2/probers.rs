//! `/v2/probers`: who looks after the caller's instances, and how those that run elsewhere do so.
//!
//! Owns the routes. Must never judge a fact, and never know of another account's instances than the
//! caller's.

use axum::Json;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::header::{ETAG, IF_NONE_MATCH};
use http::{HeaderMap, StatusCode};
use serde::Serialize;

use super::request::{Listed, Page, json};
use crate::app::App;
use crate::auth::Caller;
use crate::health::{NotHeard, Seen};
use crate::http::failure::Failure;
use crate::remote::{FACTS_MAX, ProberName, Push, Pushed, Standing};
use crate::time;

/// A prober.
#[derive(Debug, Serialize)]
pub struct ProberBody {
    name: String,
    standing: Standing,
    last_heard_at: Option<String>,
    targets: u32,
    ignored: u64,
}

impl From<Seen> for ProberBody {
    fn from(seen: Seen) -> Self {
        let Seen { name, standing, heard_at, targets, ignored } = seen;
        Self { name, standing, last_heard_at: heard_at.map(time::milliseconds), targets, ignored }
    }
}

/// Lists them, the server's own first. There are so few that they are one page.
pub async fn list(State(_): State<App>, caller: Caller, _: Page) -> Json<Listed<ProberBody>> {
    let items = caller.enrolled.watch.probers().into_iter().map(ProberBody::from).collect();
    Json(Listed { items, next: None })
}

/// What there is to ask; nothing but its ETag when that is known.
pub async fn targets(caller: Caller, Path(name): Path<String>, headers: HeaderMap) -> Result<Response, Failure> {
    parse_name(&name)?;
    let watch = &caller.enrolled.watch;
    let tag = watch.targets_tag();
    if headers.get(IF_NONE_MATCH).is_some_and(|known| known.as_bytes() == tag.as_bytes()) {
        return Ok((StatusCode::NOT_MODIFIED, [(ETAG, tag)]).into_response());
    }
    let (tag, targets) = watch.targets();
    Ok(([(ETAG, tag)], Json(targets)).into_response())
}

/// Takes in what a prober tells.
pub async fn hear(caller: Caller, Path(name): Path<String>, body: Bytes) -> Result<Json<Pushed>, Failure> {
    let name = parse_name(&name)?;
    let push: Push = json(&body)?;
    if push.facts.len() > FACTS_MAX {
        let given = push.facts.len();
        return Err(Failure::unprocessable("TooManyFacts", format!("{given} facts are more than {FACTS_MAX}"))
            .hint("send the newest of each check, and the others with the next push"));
    }
    let heard = caller.enrolled.watch.hear(&name, &push, &caller.enrolled.engine.handle());
    heard.map(Json).map_err(not_heard)
}

/// Forgets a prober that has ended.
pub async fn dismiss(caller: Caller, Path(name): Path<String>) -> Result<StatusCode, Failure> {
    let is_gone = caller.enrolled.watch.dismiss(&parse_name(&name)?, &caller.enrolled.engine.handle());
    if is_gone { Ok(StatusCode::NO_CONTENT) } else { Err(Failure::not_found("prober")) }
}

fn parse_name(name: &str) -> Result<ProberName, Failure> {
    name.parse().map_err(|error: crate::remote::InvalidProberName| {
        Failure::unprocessable("InvalidProberName", error.to_string())
    })
}

fn not_heard(why: NotHeard) -> Failure {
    match why {
        NotHeard::TooMany => {
            Failure::new(StatusCode::CONFLICT, "TooManyProbers", "this account has as many probers as it may have")
                .hint("end one of them (`tsg probers` lists them), or wait ten minutes after one has ended by itself")
        }
        NotHeard::NameTaken(wait) => {
            Failure::new(StatusCode::CONFLICT, "ProberNameTaken", "another prober of this name was heard just before")
                .hint("give each prober a name of its own; the name of one that has ended is free after 30 s")
                .retry_after(wait)
        }
    }
}
