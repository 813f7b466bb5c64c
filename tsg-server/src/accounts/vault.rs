//! Encryption of what the server must keep secret: AES-256-GCM under the key-encryption key.
//!
//! Owns the sealed form and what it is bound to. Must never return a secret as anything but
//! text that wipes itself.

use aes_gcm::aead::{Aead, KeyInit, Payload};
use aes_gcm::{Aes256Gcm, Nonce};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rand_core::{OsRng, RngCore};
use serde::{Deserialize, Serialize};
use thiserror::Error;
use tsg_cloudapi::signature::SecretText;
use zeroize::Zeroizing;

use super::key_file::KeyEncryptionKey;

/// GCM's standard nonce. Drawn at random: a deployment seals a few thousand records in its life,
/// far below the 2^32 at which random nonces under one key become risky.
const NONCE_BYTES: usize = 12;

/// A secret as it is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sealed {
    /// Which key-encryption key sealed it; see [`KeyEncryptionKey::id`].
    pub kek: String,
    /// The nonce, in base64.
    pub nonce: String,
    /// The ciphertext with its tag, in base64.
    pub ciphertext: String,
}

/// What a sealed secret belongs to. It is authenticated with the secret, so that a ciphertext
/// copied to another record cannot be opened there.
#[derive(Debug, Clone, Copy)]
pub struct Binding<'a> {
    /// Whose.
    pub account: &'a str,
    /// What kind of secret.
    pub kind: &'a str,
    /// Which one.
    pub id: &'a str,
    /// Which version of it.
    pub version: u32,
}

impl Binding<'_> {
    fn bytes(&self) -> Vec<u8> {
        // Lengths are written out, so that no two bindings have the same bytes.
        let mut out = Vec::new();
        for part in [self.account, self.kind, self.id] {
            out.extend_from_slice(&(part.len() as u64).to_be_bytes());
            out.extend_from_slice(part.as_bytes());
        }
        out.extend_from_slice(&self.version.to_be_bytes());
        out
    }
}

/// Why something could not be sealed or opened.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum VaultError {
    /// It was sealed under another key.
    #[error("it was sealed under the key-encryption key {sealed_by}, and the key file holds {held}")]
    OtherKey {
        /// The key it was sealed under.
        sealed_by: String,
        /// The key that is held.
        held: String,
    },
    /// The ciphertext, its tag or what it is bound to does not fit.
    #[error("it cannot be opened: it was changed, or belongs to another record")]
    Tampered,
    /// The random source or the cipher failed.
    #[error("it cannot be sealed: the system's random source failed")]
    Unsealable,
}

/// Seals and opens secrets.
pub struct Vault {
    cipher: Aes256Gcm,
    kek: String,
}

impl Vault {
    /// A vault under this key.
    pub fn new(key: &KeyEncryptionKey) -> Self {
        Self { cipher: Aes256Gcm::new(key.bytes().into()), kek: key.id() }
    }

    /// Seals a secret.
    ///
    /// # Errors
    /// [`VaultError::Unsealable`] when the random source fails.
    pub fn seal(&self, secret: &str, binding: &Binding<'_>) -> Result<Sealed, VaultError> {
        let mut nonce = [0; NONCE_BYTES];
        OsRng.try_fill_bytes(&mut nonce).map_err(|_| VaultError::Unsealable)?;
        let payload = Payload { msg: secret.as_bytes(), aad: &binding.bytes() };
        let ciphertext = self.cipher.encrypt(Nonce::from_slice(&nonce), payload).map_err(|_| VaultError::Unsealable)?;
        Ok(Sealed { kek: self.kek.clone(), nonce: STANDARD.encode(nonce), ciphertext: STANDARD.encode(ciphertext) })
    }

    /// Opens a sealed secret.
    ///
    /// # Errors
    /// [`VaultError::OtherKey`] or [`VaultError::Tampered`].
    pub fn open(&self, sealed: &Sealed, binding: &Binding<'_>) -> Result<SecretText, VaultError> {
        if sealed.kek != self.kek {
            return Err(VaultError::OtherKey { sealed_by: sealed.kek.clone(), held: self.kek.clone() });
        }
        let tampered = |_| VaultError::Tampered;
        let nonce = STANDARD.decode(&sealed.nonce).map_err(tampered)?;
        let nonce = <[u8; NONCE_BYTES]>::try_from(nonce).map_err(|_| VaultError::Tampered)?;
        let ciphertext = STANDARD.decode(&sealed.ciphertext).map_err(tampered)?;
        let payload = Payload { msg: &ciphertext, aad: &binding.bytes() };
        let opened = self.cipher.decrypt(Nonce::from_slice(&nonce), payload).map_err(|_| VaultError::Tampered)?;
        let opened = Zeroizing::new(opened);
        let text = std::str::from_utf8(&opened).map_err(|_| VaultError::Tampered)?;
        Ok(SecretText::new(text.to_owned()))
    }
}
