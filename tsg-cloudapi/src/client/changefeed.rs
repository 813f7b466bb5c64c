//! The change feed: a websocket on which the cloud says that a machine changed.
//!
//! A hint to look sooner, never a source of truth: frames are neither acknowledged nor replayed,
//! and the connection drops whenever the back end does. The same TLS rules hold as for requests.

use base64::{Engine, engine::general_purpose::STANDARD};
use futures_util::{SinkExt, StreamExt};
use http::{HeaderValue, StatusCode, header};
use rand_core::{OsRng, RngCore};
use tokio_tungstenite::{
    WebSocketStream,
    tungstenite::{
        self, Message,
        handshake::derive_accept_key,
        protocol::{Role, WebSocketConfig},
    },
};

use super::{call::Call, error::ClientError, reply::Reply, transport::Client};
use crate::wire::{ChangeHint, Registration};
use tsg_core::ports::cloud::{ErrorKind, Reach};

/// A frame holds one machine; this is a hundred times what one needs.
const MAX_FRAME_BYTES: usize = 1024 * 1024;

/// Why a change feed ended. The answer to any of them is to list, and to connect again later.
#[derive(Debug, thiserror::Error)]
pub enum ChangefeedError {
    /// The connection broke or the other side broke the protocol.
    #[error("the change feed broke")]
    Broken(#[source] tungstenite::Error),
    /// A frame that is not a change.
    #[error("the change feed sent a frame that cannot be read")]
    UnreadableFrame,
}

/// An open change feed.
pub struct ChangeFeed {
    socket: WebSocketStream<reqwest::Upgraded>,
}

impl Client {
    /// Opens the change feed of the account's machines.
    ///
    /// # Errors
    /// [`ClientError`]; kind `Unsupported` when this CloudAPI has no change feed.
    pub async fn changefeed(&self) -> Result<ChangeFeed, ClientError> {
        let key = websocket_key();
        let mut request = self.signed_request(&Call::get(&[self.account_login(), "changefeed"])).await?;
        // The time limit is one for answers; this connection is meant to last.
        *request.timeout_mut() = None;
        let headers = request.headers_mut();
        headers.insert(header::CONNECTION, HeaderValue::from_static("Upgrade"));
        headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
        headers.insert(header::SEC_WEBSOCKET_VERSION, HeaderValue::from_static("13"));
        let key_value = HeaderValue::from_str(&key)
            .map_err(|_| ClientError::unsendable("a websocket key that is no header value"))?;
        headers.insert(header::SEC_WEBSOCKET_KEY, key_value);
        let response = self.send_upgrade(request).await?;
        let accepted = response.headers().get(header::SEC_WEBSOCKET_ACCEPT);
        if accepted.map(HeaderValue::as_bytes) != Some(derive_accept_key(key.as_bytes()).as_bytes()) {
            return Err(broken_handshake("the websocket handshake was answered wrongly"));
        }
        let upgraded = response.upgrade().await.map_err(|error| broken_handshake(&error.to_string()))?;
        ChangeFeed::register(upgraded).await
    }

    async fn send_upgrade(&self, request: reqwest::Request) -> Result<reqwest::Response, ClientError> {
        let response = self.execute_within_limit(request).await?;
        match response.status() {
            StatusCode::SWITCHING_PROTOCOLS => Ok(response),
            status => {
                let headers = response.headers().clone();
                let received_at = self.now();
                let reply = Reply { status, headers, body: bytes::Bytes::new(), received_at };
                Err(if status.is_success() { reply.corrupt("no websocket was opened") } else { reply.refusal() })
            }
        }
    }
}

impl ChangeFeed {
    async fn register(upgraded: reqwest::Upgraded) -> Result<Self, ClientError> {
        let config =
            WebSocketConfig::default().max_message_size(Some(MAX_FRAME_BYTES)).max_frame_size(Some(MAX_FRAME_BYTES));
        let mut socket = WebSocketStream::from_raw_socket(upgraded, Role::Client, Some(config)).await;
        let registration =
            serde_json::to_string(&Registration::MACHINES).map_err(|error| broken_handshake(&error.to_string()))?;
        socket.send(Message::text(registration)).await.map_err(|error| broken_handshake(&error.to_string()))?;
        Ok(Self { socket })
    }

    /// Waits for the next hint; `None` when the cloud closed the feed. Dropping the future loses
    /// nothing.
    ///
    /// # Errors
    /// [`ChangefeedError`]; the feed is of no further use then.
    pub async fn next(&mut self) -> Result<Option<ChangeHint>, ChangefeedError> {
        while let Some(message) = self.socket.next().await {
            match message.map_err(ChangefeedError::Broken)? {
                Message::Text(text) => {
                    return serde_json::from_str(text.as_str()).map(Some).map_err(|_| ChangefeedError::UnreadableFrame);
                }
                Message::Close(_) => return Ok(None),
                // Pings are answered by the library.
                Message::Ping(_) | Message::Pong(_) | Message::Binary(_) | Message::Frame(_) => {}
            }
        }
        Ok(None)
    }
}

impl std::fmt::Debug for ChangeFeed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ChangeFeed")
    }
}

/// Sixteen random bytes (RFC 6455 section 4.1).
fn websocket_key() -> String {
    let mut bytes = [0; 16];
    OsRng.fill_bytes(&mut bytes);
    STANDARD.encode(bytes)
}

fn broken_handshake(message: &str) -> ClientError {
    ClientError::without_reply(ErrorKind::Unavailable, Reach::MaybeSent, message.to_owned(), None)
}
