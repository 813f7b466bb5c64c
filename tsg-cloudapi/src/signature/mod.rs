//! Triton's http-signature: keys, signing, and verification with CloudAPI's exact refusals.
//!
//! Sans-IO except for [`AgentClient`], which talks to an ssh-agent. Time is always an argument and
//! nothing in here ever prints, logs or serialises private key material.

mod agent;
mod algorithm;
mod backend;
mod date;
mod der;
mod generate;
mod key_id;
mod openssh;
mod pem;
mod private_key;
mod public_key;
mod secret;
mod signer;
mod signing_string;
mod ssh_wire;
pub mod verify;

pub use agent::{AgentClient, AgentError, AgentIdentity};
pub use algorithm::{Algorithm, Curve, DigestKind, KeyFamily};
#[cfg(feature = "aws-lc-rs")]
pub use backend::AwsLcBackend;
pub use backend::{BackendError, PortableBackend, PreparedSigner, PreparedVerifier, SigningBackend, preferred_backend};
pub use date::{HttpDate, parse_http_date};
pub use generate::NewKeyKind;
pub use key_id::{KeyId, SubUserKeys};
pub use private_key::{KeyError, PrivateKey};
pub use public_key::{PublicKey, PublicKeyError};
pub use secret::SecretText;
pub use signer::{AuthorizationHeader, LocalSigner, SignError, Signer, SigningRequest};
