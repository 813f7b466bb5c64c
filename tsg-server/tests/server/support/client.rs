//! Signed HTTP requests, in every form that clients use.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

use http::Method;
use serde_json::Value;

use super::person::{Person, date};

/// What a signature covers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// `(request-target) date`: what new clients send.
    Target,
    /// `date` only: triton-go, and so Terraform and TSG v1's own tools.
    DateOnly,
    /// The bare date, signature after a blank: the shell function of TSG v1's README.
    Legacy,
}

/// A reply.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: http::HeaderMap,
    pub body: String,
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    pub fn code(&self) -> String {
        self.json()["code"].as_str().unwrap_or_default().to_owned()
    }
}

/// A request in the making.
pub struct Asking {
    pub method: Method,
    pub base: String,
    pub path: String,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Asking {
    pub fn new(method: &str, base: &str, path: &str) -> Self {
        Self {
            method: method.parse().unwrap(),
            base: base.to_owned(),
            path: path.to_owned(),
            headers: Vec::new(),
            body: Vec::new(),
        }
    }

    pub fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self
    }

    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Makes the signature differ from that of the same request in the same second.
    pub fn unique(mut self) -> Self {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let mark = if self.path.contains('?') { '&' } else { '?' };
        self.path = format!("{}{mark}nonce={}", self.path, COUNT.fetch_add(1, Ordering::Relaxed));
        self
    }

    pub fn signed(self, person: &Person, form: Form) -> Self {
        self.signed_at(person, form, &date(0))
    }

    pub fn signed_at(self, person: &Person, form: Form, date: &str) -> Self {
        let (key_id, algorithm) = (person.key_id(), person.algorithm.to_string());
        let target = format!("{} {}", self.method.as_str().to_lowercase(), self.path);
        let start = format!("Signature keyId=\"{key_id}\",algorithm=\"{algorithm}\"");
        let authorization = match form {
            Form::Target => {
                let signature = person.sign(&format!("(request-target): {target}\ndate: {date}"));
                format!("{start},headers=\"(request-target) date\",signature=\"{signature}\"")
            }
            Form::DateOnly => {
                let signature = person.sign(&format!("date: {date}"));
                format!("{start},headers=\"date\",signature=\"{signature}\"")
            }
            Form::Legacy => format!("{start},headers=\"date\" {}", person.sign(date)),
        };
        self.header("date", date).header("authorization", &authorization)
    }

    pub async fn send(self) -> Answer {
        let client = client();
        let mut request = client.request(self.method, format!("{}{}", self.base, self.path)).body(self.body);
        for (name, value) in self.headers {
            request = request.header(name, value);
        }
        let response = request.send().await.unwrap();
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        Answer { status, headers, body: response.text().await.unwrap() }
    }
}

/// One client for all tests: making one reads the system's certificates, which takes longer than
/// a request. It keeps no connection, since each test has a runtime of its own.
fn client() -> &'static reqwest::Client {
    static CLIENT: OnceLock<reqwest::Client> = OnceLock::new();
    CLIENT.get_or_init(|| {
        let builder = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none());
        builder.pool_max_idle_per_host(0).build().unwrap()
    })
}
