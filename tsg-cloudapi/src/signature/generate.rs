//! New keys for the server's own use: one per account, uploaded by its owner at enrolment.
//!
//! Randomness comes from the operating system; this is not for tests that want determinism.

use rand_core::{OsRng, RngCore};
use zeroize::Zeroizing;

use super::{
    backend::preferred_backend,
    private_key::{KeyError, PrivateKey, PrivateMaterial},
};

/// The kinds of key tsg makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NewKeyKind {
    /// Preferred: small, fast, constant time.
    Ed25519,
    /// For clouds that predate Ed25519. 3072 bits is about 128 bits of security.
    Rsa3072,
}

impl PrivateKey {
    /// Makes a new key. `comment` becomes the comment of the public half.
    ///
    /// ```
    /// use tsg_cloudapi::signature::{NewKeyKind, PrivateKey};
    /// let key = PrivateKey::generate(NewKeyKind::Ed25519, "tsg on us-east-1")?;
    /// assert!(key.public_key().to_openssh().ends_with(" tsg on us-east-1"));
    /// let pem = key.to_pkcs8_pem()?;
    /// let again = PrivateKey::from_text(pem.expose().as_bytes(), None)?;
    /// assert_eq!(key.public_key(), again.public_key());
    /// # Ok::<(), tsg_cloudapi::signature::KeyError>(())
    /// ```
    ///
    /// # Errors
    /// [`KeyError::GenerationFailed`] when the random source fails.
    pub fn generate(kind: NewKeyKind, comment: &str) -> Result<Self, KeyError> {
        let material = match kind {
            NewKeyKind::Ed25519 => {
                let mut seed = Zeroizing::new([0; 32]);
                OsRng.try_fill_bytes(seed.as_mut()).map_err(|_| KeyError::GenerationFailed)?;
                let key = ed25519_dalek::SigningKey::from_bytes(&seed);
                PrivateMaterial::Ed25519(Box::new(key))
            }
            NewKeyKind::Rsa3072 => PrivateMaterial::Rsa(Box::new(
                preferred_backend().generate_rsa_3072().map_err(|_| KeyError::GenerationFailed)?,
            )),
        };
        Ok(Self::new(material, comment))
    }
}
