//! Private keys in memory: what kinds there are, how they are read and exported.
//!
//! The material is wiped on drop (each inner type does so) and never reachable through `Debug`,
//! `Display` or `Serialize`. Reading files is the caller's work; this module takes their bytes.

use std::fmt;

use p256::elliptic_curve::sec1::ToEncodedPoint;
use rsa::{
    RsaPrivateKey,
    pkcs8::{EncodePrivateKey, LineEnding},
    traits::PublicKeyParts,
};

use super::{
    algorithm::Curve,
    openssh, pem,
    public_key::{PublicKey, PublicMaterial},
    secret::SecretText,
};

/// Why a key file could not be used. The messages end with what to do about it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// Nothing in the text looks like a key.
    #[error("no private key found in this text (expected a PEM or OpenSSH private key)")]
    NotAKey,
    /// The text is the public half.
    #[error("this is a public key; give the private key file (the one without .pub)")]
    PublicKeyGiven,
    /// PEM with a `DEK-Info` header: its key derivation is a single MD5.
    #[error(
        "this key uses the obsolete PEM encryption (DEK-Info); convert it to the OpenSSH format with: ssh-keygen -p -f FILE"
    )]
    LegacyEncryption,
    /// `BEGIN ENCRYPTED PRIVATE KEY`.
    #[error("encrypted PKCS#8 keys are not supported; convert it to the OpenSSH format with: ssh-keygen -p -f FILE")]
    EncryptedPkcs8,
    /// An OpenSSH file with a passphrase, and none was given.
    #[error("this key needs a passphrase (or load it into ssh-agent)")]
    PassphraseNeeded,
    /// The passphrase does not open the file.
    #[error("the passphrase is wrong")]
    WrongPassphrase,
    /// The structure is broken or the numbers do not belong together.
    #[error("the private key is damaged or inconsistent")]
    Damaged,
    /// A type of key that CloudAPI does not verify or tsg does not sign with.
    #[error("private keys of type {0} are not supported (use RSA, ECDSA or Ed25519)")]
    UnsupportedType(String),
    /// The operating system's random source or the key generator failed.
    #[error("could not generate a key")]
    GenerationFailed,
}

pub(crate) enum PrivateMaterial {
    Rsa(Box<RsaPrivateKey>),
    P256(p256::SecretKey),
    P384(p384::SecretKey),
    P521(p521::SecretKey),
    Ed25519(Box<ed25519_dalek::SigningKey>),
}

/// A private key of one of the supported families, with its public half.
pub struct PrivateKey {
    material: PrivateMaterial,
    public: PublicKey,
}

impl PrivateKey {
    /// Reads a private key file's content: OpenSSH (with or without passphrase), PKCS#1, PKCS#8
    /// or SEC1 PEM.
    ///
    /// # Errors
    /// [`KeyError`]; formats that cannot be read are named together with the way to convert them.
    pub fn from_text(text: &[u8], passphrase: Option<&SecretText>) -> Result<Self, KeyError> {
        if openssh::is_openssh(text) {
            openssh::read_private_key(text, passphrase)
        } else {
            pem::read_private_key(text)
        }
    }

    pub(crate) fn new(material: PrivateMaterial, comment: &str) -> Self {
        let public = PublicKey::from_material(public_material(&material), comment);
        Self { material, public }
    }

    /// The public half.
    #[must_use]
    pub fn public_key(&self) -> &PublicKey {
        &self.public
    }

    /// The key as PKCS#8 PEM, which [`PrivateKey::from_text`] reads back.
    ///
    /// # Errors
    /// [`KeyError::Damaged`] if the key cannot be encoded.
    pub fn to_pkcs8_pem(&self) -> Result<SecretText, KeyError> {
        let pem = match &self.material {
            PrivateMaterial::Rsa(key) => key.to_pkcs8_pem(LineEnding::LF),
            PrivateMaterial::P256(key) => key.to_pkcs8_pem(LineEnding::LF),
            PrivateMaterial::P384(key) => key.to_pkcs8_pem(LineEnding::LF),
            PrivateMaterial::P521(key) => key.to_pkcs8_pem(LineEnding::LF),
            PrivateMaterial::Ed25519(key) => key.to_pkcs8_pem(LineEnding::LF),
        };
        pem.map(SecretText::from).map_err(|_| KeyError::Damaged)
    }

    pub(crate) fn material(&self) -> &PrivateMaterial {
        &self.material
    }
}

fn public_material(material: &PrivateMaterial) -> PublicMaterial {
    match material {
        PrivateMaterial::Rsa(key) => {
            PublicMaterial::Rsa { modulus: key.n().to_bytes_be(), exponent: key.e().to_bytes_be() }
        }
        PrivateMaterial::P256(key) => PublicMaterial::Ecdsa {
            curve: Curve::P256,
            point: key.public_key().to_encoded_point(false).as_bytes().to_vec(),
        },
        PrivateMaterial::P384(key) => PublicMaterial::Ecdsa {
            curve: Curve::P384,
            point: key.public_key().to_encoded_point(false).as_bytes().to_vec(),
        },
        PrivateMaterial::P521(key) => PublicMaterial::Ecdsa {
            curve: Curve::P521,
            point: key.public_key().to_encoded_point(false).as_bytes().to_vec(),
        },
        PrivateMaterial::Ed25519(key) => PublicMaterial::Ed25519(key.verifying_key().to_bytes()),
    }
}

impl fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PrivateKey(redacted, public half {:?})", self.public)
    }
}
