//! The change feed: a websocket that tells an account which of its machines changed.
//!
//! Owns the upgrade, the registration and the frames. It must never promise anything: no acknowledgement, no replay, and
//! nothing before the client has registered.

use std::collections::BTreeSet;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::{SinkExt, StreamExt};
use http::header::{CONNECTION, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY, UPGRADE};
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::upgrade::{OnUpgrade, Upgraded};
use hyper_util::rt::TokioIo;
use serde::{Deserialize, Serialize};
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::watch;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::Role;

use super::connection::{Shutdown, ended};
use super::feeds::{Feeds, Registered};
use super::live::{LiveWorld, SeenChange};
use crate::world::{AccountId, MachineId, MachineView};

type Socket = WebSocketStream<TokioIo<Upgraded>>;

/// A client's wish to speak websocket.
pub(crate) struct Upgrade {
    switched: OnUpgrade,
    accept_key: String,
}

/// The only text frame a client sends: what it wants to hear of.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Registration {
    resource: String,
    sub_resources: BTreeSet<String>,
    vms: Option<BTreeSet<MachineId>>,
}

/// One change as the server tells it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Frame<'a> {
    change_kind: ChangeKind<'a>,
    changed_resource_id: MachineId,
    published: String,
    resource_object: &'a MachineView,
    resource_state: &'a str,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct ChangeKind<'a> {
    resource: &'static str,
    sub_resources: Vec<&'a str>,
}

/// The websocket handshake in a request, if there is one.
pub(crate) fn requested_upgrade(request: &mut Request<Incoming>) -> Option<Upgrade> {
    let headers = request.headers();
    if !names(headers, &UPGRADE, "websocket") || !names(headers, &CONNECTION, "upgrade") {
        return None;
    }
    let accept_key = derive_accept_key(headers.get(SEC_WEBSOCKET_KEY)?.as_bytes());
    Some(Upgrade { switched: hyper::upgrade::on(request), accept_key })
}

fn names(headers: &HeaderMap, header: &http::HeaderName, word: &str) -> bool {
    let text = headers.get(header).and_then(|value| value.to_str().ok()).unwrap_or_default();
    text.split(',').any(|part| part.trim().eq_ignore_ascii_case(word))
}

/// Answers the handshake and serves the feed of one account from then on.
pub(crate) fn open(
    upgrade: Upgrade,
    (live, feeds): (&Arc<LiveWorld>, &Arc<Feeds>),
    account: AccountId,
    shutdown: Shutdown,
) -> Response<Full<Bytes>> {
    let told = Told { account, changes: live.subscribe(), feeds: Arc::clone(feeds), cuts: feeds.cuts() };
    let mut response = Response::new(Full::new(Bytes::new()));
    *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    let headers = response.headers_mut();
    headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
    headers.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
    if let Ok(accept) = HeaderValue::from_str(&upgrade.accept_key) {
        headers.insert(SEC_WEBSOCKET_ACCEPT, accept);
    }
    tokio::spawn(async move {
        // A client that goes away before the switch has nothing to be told.
        let Ok(upgraded) = upgrade.switched.await else { return };
        let socket = WebSocketStream::from_raw_socket(TokioIo::new(upgraded), Role::Server, None).await;
        tell(socket, told, shutdown).await;
    });
    response
}

/// What one feed is told.
struct Told {
    account: AccountId,
    changes: Receiver<SeenChange>,
    feeds: Arc<Feeds>,
    cuts: watch::Receiver<u64>,
}

/// Tells the account's changes until either side ends.
async fn tell(mut socket: Socket, mut told: Told, mut shutdown: Shutdown) {
    let mut registration: Option<(Registration, Registered)> = None;
    loop {
        tokio::select! {
            heard = socket.next() => match heard {
                Some(Ok(Message::Text(text))) => {
                    registration = parse(&text).map(|wanted| (wanted, told.feeds.register())).or(registration);
                }
                Some(Ok(Message::Close(_)) | Err(_)) | None => return,
                Some(Ok(_)) => {}
            },
            change = told.changes.recv() => {
                let change = match change {
                    Ok(change) => change,
                    Err(RecvError::Lagged(_)) => continue,
                    Err(RecvError::Closed) => return,
                };
                let frame = registration.as_ref().and_then(|(wanted, _)| frame(wanted, told.account, &change));
                if let Some(frame) = frame
                    && socket.send(Message::text(frame)).await.is_err()
                {
                    return;
                }
            }
            _ = told.cuts.changed() => return,
            () = ended(&mut shutdown) => {
                // The client may be gone already; there is nobody else to tell.
                let _ = socket.close(None).await;
                return;
            }
        }
    }
}

/// A registration that makes sense; others are ignored without an answer.
fn parse(text: &str) -> Option<Registration> {
    serde_json::from_str(text).ok().filter(|registration: &Registration| registration.resource == "vm")
}

/// The frame for a change, if the client asked for it and may see it.
fn frame(wanted: &Registration, account: AccountId, seen: &SeenChange) -> Option<String> {
    let change = &seen.change;
    let is_wanted = change.account == account && wanted.vms.as_ref().is_none_or(|vms| vms.contains(&change.machine));
    let sub_resources: Vec<&str> =
        change.subresources.iter().copied().filter(|name| wanted.sub_resources.contains(*name)).collect();
    if !is_wanted || sub_resources.is_empty() {
        return None;
    }
    let frame = Frame {
        change_kind: ChangeKind { resource: "vm", sub_resources },
        changed_resource_id: change.machine,
        published: change.at.as_ms().to_string(),
        resource_object: &seen.machine,
        resource_state: change.raw_state,
    };
    serde_json::to_string(&frame).ok()
}
