//! Requests to a tsg server, signed or spoilt at will.

use std::time::Duration;

use reqwest::{Method, StatusCode};
use serde_json::Value;
use tsg_cloudapi::signature::{HttpDate, KeyId, LocalSigner, SigningRequest};

use super::site::User;

/// How long to wait for an answer.
const ANSWER_WITHIN: Duration = Duration::from_secs(20);

/// A client that signs as a user.
pub struct Client {
    http: reqwest::Client,
    signer: LocalSigner,
}

/// An answer.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The status.
    pub status: StatusCode,
    /// The body, as it came.
    pub body: String,
}

impl Answer {
    /// The body as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }
}

impl Client {
    /// A client of the account `demo`.
    pub fn new(user: &User) -> Self {
        Self::for_account(user, "demo")
    }

    /// A client that claims to be an account.
    pub fn for_account(user: &User, login: &str) -> Self {
        let signer = LocalSigner::new(KeyId::for_account(login, user.key().public_key()), user.key()).unwrap();
        let http = reqwest::Client::builder().timeout(ANSWER_WITHIN).no_proxy().build().unwrap();
        Self { http, signer }
    }

    /// A signed request; writes get a nonce, as the server demands.
    pub async fn ask(
        &self,
        server: &str,
        method: Method,
        path: &str,
        body: Option<&str>,
    ) -> Result<Answer, reqwest::Error> {
        let target = match method {
            Method::GET => path.to_owned(),
            _ => format!("{path}?nonce={}", uuid::Uuid::new_v4().simple()),
        };
        self.ask_exactly(server, method, &target, body, HttpDate::from_timestamp(jiff::Timestamp::now())).await
    }

    /// A request with exactly this target and date.
    pub async fn ask_exactly(
        &self,
        server: &str,
        method: Method,
        target: &str,
        body: Option<&str>,
        date: HttpDate,
    ) -> Result<Answer, reqwest::Error> {
        let signed = SigningRequest { method: method.as_str(), target, date: &date, host: None };
        let authorization = self.signer.sign(&signed).unwrap();
        let mut request = self
            .http
            .request(method, format!("{server}{target}"))
            .header("date", date.as_str())
            .header("authorization", authorization.as_str());
        if let Some(body) = body {
            request = request.header("content-type", "application/json").body(body.to_owned());
        }
        let response = request.send().await?;
        Ok(Answer { status: response.status(), body: response.text().await? })
    }
}
