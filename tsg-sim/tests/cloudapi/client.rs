//! A raw HTTP client: sends exactly what a test says, and shows exactly what came back.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use jiff::Timestamp;
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tsg_cloudapi::signature::{HttpDate, KeyId, LocalSigner, PrivateKey, SigningRequest};

use crate::support::keys::{KeyFile, ring};
use crate::support::site::Site;

/// What came back.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&self.body)))
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// Status, code and message of an error, for comparison in one go.
    pub fn refusal(&self) -> (u16, String, String) {
        let body = self.json();
        let text = |key: &str| body[key].as_str().unwrap_or_default().to_owned();
        (self.status, text("code"), text("message"))
    }

    /// Asserts the status and shows the body otherwise.
    pub fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{}", String::from_utf8_lossy(&self.body));
        self
    }
}

/// A request under construction.
#[derive(Debug, Clone)]
pub struct Ask {
    pub method: Method,
    pub target: String,
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl Ask {
    pub fn new(method: Method, target: &str) -> Self {
        Self { method, target: target.to_owned(), headers: HeaderMap::new(), body: Bytes::new() }
    }

    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.insert(HeaderName::try_from(name).unwrap(), HeaderValue::from_str(value).unwrap());
        self
    }

    pub fn json(self, body: &Value) -> Self {
        self.body("application/json", &body.to_string())
    }

    pub fn body(mut self, content_type: &str, body: &str) -> Self {
        self.body = Bytes::copy_from_slice(body.as_bytes());
        self.header("content-type", content_type)
    }

    /// Sends the request as it is; `None` when the connection ends without an answer.
    pub async fn send(self, address: SocketAddr) -> Option<Answer> {
        let stream = TcpStream::connect(address).await.unwrap();
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.unwrap();
        tokio::spawn(connection);
        let mut request = Request::new(Full::new(self.body));
        *request.method_mut() = self.method;
        *request.uri_mut() = self.target.parse().unwrap();
        *request.headers_mut() = self.headers;
        request.headers_mut().insert("host", HeaderValue::from_str(&address.to_string()).unwrap());
        let response = sender.send_request(request).await.ok()?;
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let body = response.into_body().collect().await.ok()?.to_bytes();
        Some(Answer { status, headers, body })
    }
}

/// Someone who signs requests.
pub struct Client {
    address: SocketAddr,
    signer: LocalSigner,
}

impl Client {
    /// The account `demo`, with its Ed25519 key.
    pub fn demo(site: &Site) -> Self {
        Self::with_key_id(site, "demo", None, &ring().ed25519, None)
    }

    /// The account `other`.
    pub fn other(site: &Site) -> Self {
        Self::with_key_id(site, "other", None, &ring().other, None)
    }

    /// The sub-user bob of `demo`.
    pub fn bob(site: &Site) -> Self {
        Self::with_key_id(site, "demo", Some("bob"), &ring().bob, None)
    }

    /// Any key, claimed to be anyone's under any name (the md5 fingerprint when `name` is absent).
    pub fn with_key_id(site: &Site, account: &str, user: Option<&str>, key: &KeyFile, name: Option<&str>) -> Self {
        let name = name.unwrap_or(&key.md5);
        let text = match user {
            Some(user) => format!("/{account}/users/{user}/keys/{name}"),
            None => format!("/{account}/keys/{name}"),
        };
        let private = PrivateKey::from_text(&std::fs::read(&key.private).unwrap(), None).unwrap();
        let signer = LocalSigner::new(KeyId::parse(&text, Default::default()).unwrap(), &private).unwrap();
        Self { address: site.server.cloudapi(), signer }
    }

    /// Signs and sends.
    pub async fn send(&self, ask: Ask) -> Answer {
        self.try_send(ask).await.expect("an answer")
    }

    /// Signs and sends; `None` when the connection ends without an answer.
    pub async fn try_send(&self, ask: Ask) -> Option<Answer> {
        self.sign(ask, &HttpDate::from_timestamp(Timestamp::now())).send(self.address).await
    }

    /// The request with `Date` and `Authorization`.
    pub fn sign(&self, ask: Ask, date: &HttpDate) -> Ask {
        let (method, target) = (ask.method.clone(), ask.target.clone());
        let signing = SigningRequest { method: method.as_str(), target: &target, date, host: None };
        let header = self.signer.sign(&signing).unwrap();
        ask.header("date", date.as_str()).header("authorization", header.as_str())
    }

    pub async fn get(&self, target: &str) -> Answer {
        self.send(Ask::new(Method::GET, target)).await
    }

    pub async fn head(&self, target: &str) -> Answer {
        self.send(Ask::new(Method::HEAD, target)).await
    }

    pub async fn post(&self, target: &str, body: &Value) -> Answer {
        self.send(Ask::new(Method::POST, target).json(body)).await
    }

    pub async fn put(&self, target: &str, body: &Value) -> Answer {
        self.send(Ask::new(Method::PUT, target).json(body)).await
    }

    pub async fn delete(&self, target: &str) -> Answer {
        self.send(Ask::new(Method::DELETE, target)).await
    }
}

/// How long a test waits for something that takes milliseconds.
const PATIENCE: Duration = Duration::from_secs(20);

/// Between two looks at something that changes by itself.
const POLL: Duration = Duration::from_millis(5);

impl Client {
    /// The uuid of an image by name; one of them if there are several versions.
    pub async fn image(&self, name: &str) -> String {
        let images = self.get(&format!("/my/images?name={name}")).await.expect(200).json();
        images[0]["id"].as_str().unwrap_or_else(|| panic!("no image {name}")).to_owned()
    }

    /// The body of an ordinary create.
    pub async fn request(&self, name: &str) -> Value {
        json!({"name": name, "image": self.image("base-64-lts").await, "package": "sample-1G"})
    }

    /// Creates a machine; its id.
    pub async fn create(&self, body: &Value) -> String {
        let created = self.post("/my/machines", body).await.expect(201).json();
        created["id"].as_str().unwrap().to_owned()
    }

    /// Creates a machine and waits until it runs; its id.
    pub async fn running(&self, name: &str) -> String {
        let id = self.create(&self.request(name).await).await;
        self.until(&format!("/my/machines/{id}"), |answer| answer.json()["state"] == "running").await;
        id
    }

    /// Asks again until the answer is as wanted.
    pub async fn until(&self, target: &str, is_wanted: impl Fn(&Answer) -> bool) -> Answer {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let answer = self.get(target).await;
            if is_wanted(&answer) {
                return answer;
            }
            assert!(Instant::now() < deadline, "{target} stays {}", String::from_utf8_lossy(&answer.body));
            tokio::time::sleep(POLL).await;
        }
    }
}
