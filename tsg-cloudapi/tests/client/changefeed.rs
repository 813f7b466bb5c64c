//! The change feed against a websocket server.

use crate::common::stub::{Stub, json};
use futures_util::{SinkExt, StreamExt};
use tokio::net::TcpListener;
use tokio_tungstenite::tungstenite::Message;
use tsg_cloudapi::{
    client::{ChangefeedError, Client, ClientOptions, ReadRetries},
    signature::{KeyId, LocalSigner},
};
use tsg_core::ports::cloud::ErrorKind;
use uuid::Uuid;

fn client_of(url: &str) -> Client {
    let key = crate::common::vectors().private("ed25519");
    let signer = LocalSigner::new(KeyId::for_account("demo", key.public_key()), &key).unwrap();
    let options = ClientOptions::new(url, "demo", signer.into());
    Client::new(options.with_read_retries(ReadRetries::NEVER)).unwrap()
}

/// Serves one feed: takes the registration, sends the frames, closes. Returns the registration.
async fn serve(listener: TcpListener, frames: Vec<Message>) -> String {
    let (stream, _) = listener.accept().await.unwrap();
    let mut socket = tokio_tungstenite::accept_async(stream).await.unwrap();
    let registration = socket.next().await.unwrap().unwrap().into_text().unwrap().to_string();
    for frame in frames {
        socket.send(frame).await.unwrap();
    }
    drop(socket.close(None).await);
    registration
}

#[tokio::test]
async fn a_feed_registers_hands_out_hints_and_ends() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let id = Uuid::from_u128(5);
    let frame = format!(
        r#"{{"changeKind":{{"resource":"vm","subResources":["state"]}},"changedResourceId":"{id}",
        "published":"1767225600000","resourceObject":{{"id":"{id}"}},"resourceState":"running"}}"#
    );
    let frames = vec![Message::text(frame), Message::Ping(vec![1].into()), Message::text("nonsense")];
    let server = tokio::spawn(serve(listener, frames));
    let mut feed = client_of(&url).changefeed().await.unwrap();
    assert_eq!(feed.next().await.unwrap().unwrap().machine, id);
    assert!(matches!(feed.next().await, Err(ChangefeedError::UnreadableFrame)));
    assert_eq!(feed.next().await.unwrap(), None);
    let registration = server.await.unwrap();
    assert!(registration.starts_with(r#"{"resource":"vm","subResources":["alias","#), "{registration}");
}

#[tokio::test]
async fn a_cloud_without_a_feed_is_an_error_of_its_status() {
    let table = [
        (json(404, ""), ErrorKind::NotFound),
        (json(405, ""), ErrorKind::Unsupported),
        (json(500, r#"{"message":"Connection Must Upgrade For WebSockets"}"#), ErrorKind::Unavailable),
        (json(200, "{}"), ErrorKind::Corrupt),
    ];
    for (step, kind) in table {
        let stub = Stub::start([step]).await;
        let error = client_of(&stub.url()).changefeed().await.unwrap_err();
        assert_eq!(error.kind(), kind, "{error}");
    }
}
