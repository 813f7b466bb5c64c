//! Signing requests: from a key (or an ssh-agent) to the `Authorization` header's value.
//!
//! The date is always an argument, because a create must carry the date that was fixed when it was
//! recorded. Nothing is cached and nothing reads a clock.

use std::fmt;

use base64::{Engine, engine::general_purpose::STANDARD};

use super::{
    agent::{AgentClient, AgentError},
    algorithm::{Algorithm, Curve, KeyFamily},
    backend::{BackendError, PreparedSigner, preferred_backend},
    date::HttpDate,
    key_id::KeyId,
    private_key::PrivateKey,
    public_key::PublicKey,
    signing_string::{REQUEST_TARGET, push_line, request_target},
};

/// Why a request could not be signed. Nothing has been sent when this is returned.
#[derive(Debug, thiserror::Error)]
pub enum SignError {
    /// The backend refused.
    #[error("the key could not sign")]
    Backend(#[from] BackendError),
    /// The ssh-agent refused or could not be asked.
    #[error("the ssh-agent did not sign")]
    Agent(#[from] AgentError),
    /// An ssh-agent signs P-384 with SHA-384 only, which CloudAPI does not verify.
    #[error(
        "an ssh-agent cannot sign for CloudAPI with a P-384 key (it uses SHA-384); use the key file, or another key"
    )]
    AgentCurve,
}

/// The parts of a request that a signature covers.
#[derive(Clone, Copy, Debug)]
pub struct SigningRequest<'a> {
    /// The method, in any case.
    pub method: &'a str,
    /// The raw target: path and query exactly as they will stand in the request line.
    pub target: &'a str,
    /// The `Date` header's text.
    pub date: &'a HttpDate,
    /// The `Host` header, when it should be covered too.
    pub host: Option<&'a str>,
}

impl SigningRequest<'_> {
    fn covered(&self) -> &'static str {
        match self.host {
            Some(_) => "(request-target) host date",
            None => "(request-target) date",
        }
    }

    fn signing_string(&self) -> Vec<u8> {
        let mut out = Vec::new();
        push_line(&mut out, REQUEST_TARGET, request_target(self.method, self.target).as_bytes());
        if let Some(host) = self.host {
            push_line(&mut out, "host", host.as_bytes());
        }
        push_line(&mut out, "date", self.date.as_str().as_bytes());
        out
    }

    fn authorization(&self, key_id: &KeyId, algorithm: Algorithm, signature: &[u8]) -> AuthorizationHeader {
        AuthorizationHeader(format!(
            "Signature keyId=\"{key_id}\",algorithm=\"{algorithm}\",headers=\"{}\",signature=\"{}\"",
            self.covered(),
            STANDARD.encode(signature)
        ))
    }
}

/// The value of an `Authorization` header: usable by anyone who sees it for 300 s, so `Debug`
/// does not show it.
#[derive(Clone, PartialEq, Eq)]
pub struct AuthorizationHeader(String);

impl AuthorizationHeader {
    /// The header's value.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for AuthorizationHeader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AuthorizationHeader(redacted)")
    }
}

/// Signs with a key held in this process.
///
/// ```
/// use tsg_cloudapi::signature::{HttpDate, KeyId, LocalSigner, NewKeyKind, PrivateKey, SigningRequest};
/// let key = PrivateKey::generate(NewKeyKind::Ed25519, "example")?;
/// let signer = LocalSigner::new(KeyId::for_account("demo", key.public_key()), &key)?;
/// let date = HttpDate::from_text("Thu, 01 Jan 2026 00:00:00 GMT");
/// let request = SigningRequest { method: "GET", target: "/demo", date: &date, host: None };
/// assert!(signer.sign(&request)?.as_str().starts_with("Signature keyId=\"/demo/keys/"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct LocalSigner {
    key_id: KeyId,
    public: PublicKey,
    algorithm: Algorithm,
    prepared: Box<dyn PreparedSigner>,
}

impl LocalSigner {
    /// Prepares `key` once for many signatures.
    ///
    /// # Errors
    /// [`BackendError`] when the key is unusable.
    pub fn new(key_id: KeyId, key: &PrivateKey) -> Result<Self, BackendError> {
        Ok(Self {
            key_id,
            public: key.public_key().clone(),
            algorithm: algorithm_for(key.public_key()),
            prepared: preferred_backend().signer(key)?,
        })
    }

    /// Signs one request.
    ///
    /// # Errors
    /// [`BackendError`] when the operation fails.
    pub fn sign(&self, request: &SigningRequest<'_>) -> Result<AuthorizationHeader, BackendError> {
        let signature = self.prepared.sign(self.algorithm, &request.signing_string())?;
        Ok(request.authorization(&self.key_id, self.algorithm, &signature))
    }
}

/// The algorithm tsg declares for a key: SHA-256, or SHA-512 where CloudAPI's refusal of SHA-384
/// leaves nothing closer to the curve.
fn algorithm_for(key: &PublicKey) -> Algorithm {
    match (key.family(), key.curve()) {
        (KeyFamily::Rsa, _) => Algorithm::RsaSha256,
        (KeyFamily::Ed25519, _) => Algorithm::Ed25519Sha512,
        (KeyFamily::Ecdsa, Some(Curve::P384 | Curve::P521)) => Algorithm::EcdsaSha512,
        (KeyFamily::Ecdsa, Some(Curve::P256) | None) => Algorithm::EcdsaSha256,
    }
}

/// Signs requests, with a key in this process or through an ssh-agent.
pub enum Signer {
    /// The key is in this process.
    Local(LocalSigner),
    /// The key stays in an ssh-agent.
    Agent {
        /// How CloudAPI finds the public half.
        key_id: KeyId,
        /// Which of the agent's keys signs.
        key: PublicKey,
        /// The agent.
        agent: AgentClient,
    },
}

impl Signer {
    /// Signs one request. Local keys never wait; an agent may ask its user.
    ///
    /// # Errors
    /// [`SignError`]; nothing has been sent then.
    pub async fn sign(&self, request: &SigningRequest<'_>) -> Result<AuthorizationHeader, SignError> {
        match self {
            Self::Local(signer) => Ok(signer.sign(request)?),
            Self::Agent { key_id, key, agent } => {
                if key.curve() == Some(Curve::P384) {
                    return Err(SignError::AgentCurve);
                }
                let algorithm = algorithm_for(key);
                let signature = agent.sign(key, &request.signing_string()).await?;
                Ok(request.authorization(key_id, algorithm, &signature))
            }
        }
    }

    /// The key id put into each header.
    #[must_use]
    pub fn key_id(&self) -> &KeyId {
        match self {
            Self::Local(signer) => &signer.key_id,
            Self::Agent { key_id, .. } => key_id,
        }
    }

    /// The public half of the signing key.
    #[must_use]
    pub fn public_key(&self) -> &PublicKey {
        match self {
            Self::Local(signer) => &signer.public,
            Self::Agent { key, .. } => key,
        }
    }
}

impl From<LocalSigner> for Signer {
    fn from(signer: LocalSigner) -> Self {
        Self::Local(signer)
    }
}

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Signer({})", self.key_id())
    }
}
