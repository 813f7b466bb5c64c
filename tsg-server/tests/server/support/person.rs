//! Somebody with a key in the data centre.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use tsg_cloudapi::signature::{Algorithm, HttpDate, NewKeyKind, PrivateKey, preferred_backend};

/// An account's login and one of its private keys.
pub struct Person {
    pub login: String,
    pub key: PrivateKey,
    pub algorithm: Algorithm,
}

impl Person {
    pub fn new(login: &str) -> Self {
        Self::with_key(login, NewKeyKind::Ed25519)
    }

    pub fn with_key(login: &str, kind: NewKeyKind) -> Self {
        let algorithm = match kind {
            NewKeyKind::Ed25519 => Algorithm::Ed25519Sha512,
            NewKeyKind::Rsa3072 => Algorithm::RsaSha256,
        };
        Self { login: login.to_owned(), key: PrivateKey::generate(kind, login).unwrap(), algorithm }
    }

    pub fn public_key(&self) -> String {
        self.key.public_key().to_openssh()
    }

    pub fn key_id(&self) -> String {
        format!("/{}/keys/{}", self.login, self.key.public_key().fingerprint_md5())
    }

    pub fn sign(&self, text: &str) -> String {
        let signer = preferred_backend().signer(&self.key).unwrap();
        STANDARD.encode(signer.sign(self.algorithm, text.as_bytes()).unwrap())
    }
}

/// The date of a header, so many seconds from now.
pub fn date(offset_seconds: i64) -> String {
    let at = jiff::Timestamp::now() + jiff::SignedDuration::from_secs(offset_seconds);
    HttpDate::from_timestamp(at).as_str().to_owned()
}
