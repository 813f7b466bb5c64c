//! An ssh-agent client: which keys it holds, and signatures by them.
//!
//! Two requests of the agent protocol over its Unix socket, a connection for each. The agent's
//! replies are bounded and checked; its key material never comes here.

use std::{path::PathBuf, time::Duration};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::UnixStream,
    time::timeout,
};

use super::{
    algorithm::{Curve, KeyFamily},
    der::encode_ecdsa_signature,
    public_key::PublicKey,
    ssh_wire::{WireError, WireReader, put_string},
};

/// Message numbers of the agent protocol.
const REQUEST_IDENTITIES: u8 = 11;
const IDENTITIES_ANSWER: u8 = 12;
const SIGN_REQUEST: u8 = 13;
const SIGN_RESPONSE: u8 = 14;
/// Flag of a sign request: RSA with SHA-256 instead of SHA-1.
const RSA_SHA2_256: u32 = 2;
/// OpenSSH's own bound on agent messages, in bytes.
const MAX_REPLY_BYTES: u32 = 256 * 1024;
/// A key may demand its user's confirmation, so this is a person's time, not a machine's.
const REPLY_TIMEOUT: Duration = Duration::from_secs(120);

/// Why the agent gave no answer or no signature.
#[derive(Debug, thiserror::Error)]
pub enum AgentError {
    /// The socket could not be opened.
    #[error("cannot reach the ssh-agent at {path} (is it running, is SSH_AUTH_SOCK right?)")]
    Unreachable {
        /// The socket.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
    /// The connection broke while talking.
    #[error("the connection to the ssh-agent broke")]
    Broken(#[source] std::io::Error),
    /// No reply in two minutes.
    #[error("the ssh-agent did not answer in time")]
    TimedOut,
    /// The agent said no: it lacks the key, is locked, or its user declined.
    #[error("the ssh-agent refused (key not loaded, agent locked, or declined)")]
    Refused,
    /// The reply is not what the protocol prescribes.
    #[error("the ssh-agent's reply makes no sense")]
    Malformed,
    /// The agent signed with another algorithm than demanded.
    #[error("the ssh-agent signed with {0}, which is too weak or unexpected")]
    WrongAlgorithm(String),
}

impl From<WireError> for AgentError {
    fn from(_: WireError) -> Self {
        Self::Malformed
    }
}

/// A key that the agent holds.
#[derive(Clone, Debug)]
pub struct AgentIdentity {
    /// Its public half; the comment is the agent's.
    pub key: PublicKey,
}

/// A client of one agent socket.
///
/// ```no_run
/// # async fn example() -> Result<(), tsg_cloudapi::signature::AgentError> {
/// use tsg_cloudapi::signature::AgentClient;
/// let agent = AgentClient::new("/run/user/1000/ssh-agent.socket");
/// for identity in agent.identities().await? {
///     assert!(identity.key.fingerprint_md5().contains(':'));
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct AgentClient {
    socket: PathBuf,
}

impl AgentClient {
    /// Names the socket (the value of `SSH_AUTH_SOCK`). Connects only when asked something.
    #[must_use]
    pub fn new(socket: impl Into<PathBuf>) -> Self {
        Self { socket: socket.into() }
    }

    /// The agent's keys of supported types, in its order.
    ///
    /// # Errors
    /// [`AgentError`].
    pub async fn identities(&self) -> Result<Vec<AgentIdentity>, AgentError> {
        let reply = self.ask(&[REQUEST_IDENTITIES]).await?;
        let mut reader = expect_reply(&reply, IDENTITIES_ANSWER)?;
        let count = reader.u32()?;
        let mut identities = Vec::new();
        for _ in 0..count {
            let blob = reader.string()?;
            let comment = String::from_utf8_lossy(reader.string()?).into_owned();
            // Certificates, DSA and security keys are passed over: CloudAPI cannot verify them.
            if let Ok(key) = PublicKey::from_blob(blob, &comment) {
                identities.push(AgentIdentity { key });
            }
        }
        Ok(identities)
    }

    /// Has the agent sign `message`; the result is in the form the http-signature header wants.
    ///
    /// # Errors
    /// [`AgentError`]; a signature by another algorithm than the one tsg declares is refused.
    pub async fn sign(&self, key: &PublicKey, message: &[u8]) -> Result<Vec<u8>, AgentError> {
        let flags = if key.family() == KeyFamily::Rsa { RSA_SHA2_256 } else { 0 };
        let mut request = vec![SIGN_REQUEST];
        put_string(&mut request, key.blob());
        put_string(&mut request, message);
        request.extend_from_slice(&flags.to_be_bytes());
        let reply = self.ask(&request).await?;
        let mut reader = expect_reply(&reply, SIGN_RESPONSE)?;
        read_signature(key, reader.string()?)
    }

    async fn ask(&self, request: &[u8]) -> Result<Vec<u8>, AgentError> {
        timeout(REPLY_TIMEOUT, self.exchange(request)).await.map_err(|_| AgentError::TimedOut)?
    }

    async fn exchange(&self, request: &[u8]) -> Result<Vec<u8>, AgentError> {
        let mut stream = UnixStream::connect(&self.socket)
            .await
            .map_err(|source| AgentError::Unreachable { path: self.socket.clone(), source })?;
        let mut frame = Vec::with_capacity(request.len() + 4);
        put_string(&mut frame, request);
        stream.write_all(&frame).await.map_err(AgentError::Broken)?;
        let length = stream.read_u32().await.map_err(AgentError::Broken)?;
        if length == 0 || length > MAX_REPLY_BYTES {
            return Err(AgentError::Malformed);
        }
        let mut reply = vec![0; length as usize];
        stream.read_exact(&mut reply).await.map_err(AgentError::Broken)?;
        Ok(reply)
    }
}

fn expect_reply(reply: &[u8], wanted: u8) -> Result<WireReader<'_>, AgentError> {
    let mut reader = WireReader::new(reply);
    if reader.byte()? == wanted { Ok(reader) } else { Err(AgentError::Refused) }
}

fn read_signature(key: &PublicKey, blob: &[u8]) -> Result<Vec<u8>, AgentError> {
    let mut reader = WireReader::new(blob);
    let format = reader.text()?;
    let expected = match (key.family(), key.curve()) {
        (KeyFamily::Rsa, _) => "rsa-sha2-256",
        (KeyFamily::Ed25519, _) => "ssh-ed25519",
        (KeyFamily::Ecdsa, curve) => curve.map_or("", Curve::ssh_key_type),
    };
    if format != expected {
        return Err(AgentError::WrongAlgorithm(format.to_owned()));
    }
    let signature = reader.string()?;
    match key.family() {
        KeyFamily::Rsa | KeyFamily::Ed25519 => Ok(signature.to_vec()),
        KeyFamily::Ecdsa => {
            let mut pair = WireReader::new(signature);
            let (r, s) = (pair.positive_mpint()?, pair.positive_mpint()?);
            encode_ecdsa_signature(r, s).ok_or(AgentError::Malformed)
        }
    }
}
