//! The arithmetic behind signatures, exchangeable.
//!
//! Two backends with identical results: pure Rust (always there, RSA blinded) and `aws-lc-rs`
//! (constant time, switched on by the programs). A backend prepares a key once; preparing is
//! costlier than signing.

#[cfg(feature = "aws-lc-rs")]
mod aws_lc;
mod portable;

use rsa::RsaPrivateKey;

#[cfg(feature = "aws-lc-rs")]
pub use aws_lc::AwsLcBackend;
pub use portable::PortableBackend;

use super::{Algorithm, PrivateKey, PublicKey};

/// A backend could not do what was asked. Never says anything about key material.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BackendError {
    /// The key's numbers are unusable (wrong size, point not on the curve).
    #[error("the key is unusable")]
    UnusableKey,
    /// The algorithm does not go with the key's family.
    #[error("algorithm {0} does not fit this kind of key")]
    WrongAlgorithm(Algorithm),
    /// The operation itself failed, for lack of randomness or by an internal check.
    #[error("the signature operation failed")]
    OperationFailed,
}

/// Makes prepared keys.
pub trait SigningBackend: Send + Sync {
    /// A short name for logs and `tsg version`.
    fn name(&self) -> &'static str;

    /// Prepares a private key for many signatures.
    ///
    /// # Errors
    /// [`BackendError::UnusableKey`] when the backend rejects the key.
    fn signer(&self, key: &PrivateKey) -> Result<Box<dyn PreparedSigner>, BackendError>;

    /// Prepares a public key for many verifications.
    ///
    /// # Errors
    /// [`BackendError::UnusableKey`] when the backend rejects the key.
    fn verifier(&self, key: &PublicKey) -> Result<Box<dyn PreparedVerifier>, BackendError>;

    /// Makes a new RSA key of 3072 bits.
    ///
    /// # Errors
    /// [`BackendError::OperationFailed`] when the random source fails.
    fn generate_rsa_3072(&self) -> Result<RsaPrivateKey, BackendError>;
}

/// A private key ready to sign.
pub trait PreparedSigner: Send + Sync {
    /// Signs `message`. RSA gives PKCS#1 v1.5 bytes, ECDSA a DER sequence, Ed25519 64 bytes.
    ///
    /// # Errors
    /// [`BackendError::WrongAlgorithm`] when the algorithm is not one of the key's.
    fn sign(&self, algorithm: Algorithm, message: &[u8]) -> Result<Vec<u8>, BackendError>;
}

/// A public key ready to verify.
pub trait PreparedVerifier: Send + Sync {
    /// True when `signature` is this key's signature of `message`. A malformed signature or an
    /// algorithm of another family is simply not a signature.
    fn verify(&self, algorithm: Algorithm, message: &[u8], signature: &[u8]) -> bool;
}

/// The constant-time backend when it is compiled in, the portable one otherwise.
#[must_use]
pub fn preferred_backend() -> &'static dyn SigningBackend {
    #[cfg(feature = "aws-lc-rs")]
    {
        &AwsLcBackend
    }
    #[cfg(not(feature = "aws-lc-rs"))]
    {
        &PortableBackend
    }
}
