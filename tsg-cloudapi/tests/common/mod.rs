//! Shared by the integration tests: the recorded vectors and small request builders.
#![allow(dead_code, reason = "each test program uses a part of it")]

pub mod stub;

use http::{HeaderMap, HeaderName, HeaderValue};
use jiff::Timestamp;
use serde::Deserialize;
use tsg_cloudapi::signature::{PrivateKey, PublicKey, parse_http_date};

#[derive(Deserialize)]
pub struct Vectors {
    pub keys: std::collections::BTreeMap<String, VectorKey>,
    pub vectors: Vec<Vector>,
    pub negative: Vec<Negative>,
}

#[derive(Deserialize)]
pub struct VectorKey {
    pub openssh_public: String,
    pub fingerprint_md5: String,
    pub fingerprint_sha256: String,
    pub private_key: String,
}

#[derive(Deserialize)]
pub struct Vector {
    pub name: String,
    pub key: String,
    pub method: String,
    pub target: String,
    pub date: String,
    pub authorization: String,
    pub signing_string: String,
    pub signature_valid: bool,
}

#[derive(Deserialize)]
pub struct Negative {
    pub change: String,
    pub status: u16,
    pub code: String,
    pub message: String,
}

pub fn vectors() -> Vectors {
    serde_json::from_str(include_str!("../vectors/http-signature-vectors.json")).unwrap()
}

impl Vectors {
    pub fn public(&self, name: &str) -> PublicKey {
        PublicKey::from_openssh(&self.keys[name].openssh_public).unwrap()
    }

    pub fn private(&self, name: &str) -> PrivateKey {
        PrivateKey::from_text(self.keys[name].private_key.as_bytes(), None).unwrap()
    }
}

pub fn headers(pairs: &[(&str, &str)]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in pairs {
        headers.append(
            HeaderName::from_bytes(name.as_bytes()).unwrap(),
            HeaderValue::from_bytes(value.as_bytes()).unwrap(),
        );
    }
    headers
}

pub fn at(date: &str) -> Timestamp {
    parse_http_date(date).unwrap()
}
