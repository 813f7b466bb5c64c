//! The change feed over a real websocket.

use futures_util::{SinkExt, StreamExt};
use http::Method;
use jiff::Timestamp;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::{self, Message};
use tokio_tungstenite::{WebSocketStream, client_async};
use tsg_cloudapi::signature::HttpDate;
use tsg_sim::http::{FeedOffer, FeedsReading, ServerConfig, SimServer, Speed};

use crate::client::{Ask, Client};
use crate::support::site::{FAST, Site, quick, world};
use crate::support::verifier::CloudApiVerifier;

type Socket = WebSocketStream<TcpStream>;

async fn open(site: &Site, client: &Client) -> Socket {
    let signed = client.sign(Ask::new(Method::GET, "/my/changefeed"), &HttpDate::from_timestamp(Timestamp::now()));
    let stream = TcpStream::connect(site.server.cloudapi()).await.unwrap();
    let mut request = http::Request::get(format!("ws://{}/my/changefeed", site.server.cloudapi()))
        .header("host", site.server.cloudapi().to_string())
        .header("upgrade", "websocket")
        .header("connection", "Upgrade")
        .header("sec-websocket-version", "13")
        .header("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==")
        .body(())
        .unwrap();
    request.headers_mut().extend(signed.headers);
    let (socket, response) = client_async(request, stream).await.unwrap();
    assert_eq!(response.status(), 101);
    socket
}

async fn register(socket: &mut Socket, sub_resources: &[&str]) {
    let registration = json!({"resource": "vm", "subResources": sub_resources});
    socket.send(Message::text(registration.to_string())).await.unwrap();
}

async fn next_message(socket: &mut Socket) -> Option<Result<Message, tungstenite::Error>> {
    tokio::time::timeout(Duration::from_secs(20), socket.next()).await.expect("a frame in time")
}

async fn next(socket: &mut Socket) -> Value {
    let message = next_message(socket).await;
    serde_json::from_str(message.unwrap().unwrap().to_text().unwrap()).unwrap()
}

/// Reads frames until one has the wanted raw state.
async fn until_state(socket: &mut Socket, state: &str) -> Value {
    loop {
        let frame = next(socket).await;
        if frame["resourceState"] == state {
            return frame;
        }
    }
}

#[tokio::test]
async fn changes_of_the_own_account_are_told_after_registration() {
    let site = Site::at_speed(FAST, quick()).await;
    let (demo, other) = (Client::demo(&site), Client::other(&site));
    let mut socket = open(&site, &demo).await;
    demo.running("before").await;
    socket.send(Message::text("not a registration")).await.unwrap();
    register(&mut socket, &["state"]).await;
    // A ping is answered in order, so that its pong proves the registration was read.
    socket.send(Message::Ping(Default::default())).await.unwrap();
    assert!(matches!(socket.next().await.unwrap().unwrap(), Message::Pong(_)), "nothing before the registration");
    other.running("foreign").await;
    let id = demo.running("after").await;
    let frame = until_state(&mut socket, "running").await;
    assert_eq!(frame["changedResourceId"], id.as_str());
    assert_eq!(frame["changeKind"], json!({"resource": "vm", "subResources": ["state"]}));
    assert_eq!(
        (frame["resourceObject"]["name"].as_str(), frame["resourceObject"]["state"].as_str()),
        (Some("after"), Some("running"))
    );
    assert!(frame["published"].as_str().unwrap().parse::<u64>().is_ok());
    demo.delete(&format!("/my/machines/{id}")).await.expect(204);
    assert_eq!(until_state(&mut socket, "destroyed").await["changedResourceId"], id.as_str());
}

#[tokio::test]
async fn a_plain_get_must_upgrade_and_a_wrong_key_is_refused() {
    let site = Site::at_speed(FAST, quick()).await;
    let plain = Client::demo(&site).get("/my/changefeed").await.expect(500);
    assert_eq!(plain.json(), json!({"message": "Connection Must Upgrade For WebSockets"}));
    Client::demo(&site).get("/other/changefeed").await.expect(403);
}

#[tokio::test]
async fn feeds_are_counted_and_cut_and_one_that_is_opened_after_that_stays() {
    let site = Site::at_speed(FAST, quick()).await;
    let demo = Client::demo(&site);
    let mut socket = open(&site, &demo).await;
    register(&mut socket, &["state"]).await;
    socket.send(Message::Ping(Default::default())).await.unwrap();
    assert!(matches!(next_message(&mut socket).await, Some(Ok(Message::Pong(_)))));
    assert_eq!(site.server.feeds(), FeedsReading { asked: 1, registered: 1 });
    site.server.cut_feeds();
    assert!(!matches!(next_message(&mut socket).await, Some(Ok(_))), "it breaks without a word");
    let mut socket = open(&site, &demo).await;
    register(&mut socket, &["state"]).await;
    let id = demo.running("after").await;
    assert_eq!(until_state(&mut socket, "running").await["changedResourceId"], id.as_str());
    assert_eq!(site.server.feeds(), FeedsReading { asked: 2, registered: 1 });
}

#[tokio::test]
async fn a_data_centre_may_have_none() {
    let config = ServerConfig {
        change_feed: FeedOffer::Missing,
        ..ServerConfig::on_loopback(Arc::new(CloudApiVerifier)).at_speed(Speed::new(FAST).unwrap())
    };
    let site = Site { server: SimServer::start(world(quick()), config).await.unwrap() };
    let answer = Client::demo(&site).get("/my/changefeed").await.expect(404);
    assert_eq!(answer.json()["code"], "ResourceNotFound");
    assert_eq!(site.server.feeds(), FeedsReading { asked: 1, registered: 0 });
}

#[tokio::test]
async fn shutdown_closes_feeds() {
    let site = Site::at_speed(FAST, quick()).await;
    let mut socket = open(&site, &Client::demo(&site)).await;
    register(&mut socket, &["state"]).await;
    tokio::time::timeout(Duration::from_secs(5), site.server.shutdown()).await.unwrap();
    let ended = tokio::time::timeout(Duration::from_secs(5), async {
        while let Some(Ok(message)) = socket.next().await {
            if message.is_close() {
                break;
            }
        }
    });
    ended.await.expect("the feed ends with the server");
}
