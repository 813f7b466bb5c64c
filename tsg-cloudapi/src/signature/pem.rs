//! PEM private keys: PKCS#1, SEC1 and PKCS#8, all unencrypted.
//!
//! What cannot be read is recognised and named, with the command that converts it.

use ed25519_dalek::pkcs8::DecodePrivateKey as _;
use rsa::{
    RsaPrivateKey,
    pkcs1::DecodeRsaPrivateKey,
    pkcs8::{ObjectIdentifier, PrivateKeyInfo},
};
use rustls_pki_types::{PrivateKeyDer, pem::PemObject};

use super::private_key::{KeyError, PrivateKey, PrivateMaterial};

/// RFC 8017: rsaEncryption.
const RSA_ENCRYPTION: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");
/// RFC 5480: id-ecPublicKey.
const EC_PUBLIC_KEY: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");
/// RFC 8410: id-Ed25519.
const ED25519: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.101.112");
/// RFC 5480: secp256r1, secp384r1, secp521r1.
const SECP256R1: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.3.1.7");
const SECP384R1: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.132.0.34");
const SECP521R1: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.132.0.35");

pub(crate) fn read_private_key(text: &[u8]) -> Result<PrivateKey, KeyError> {
    if let Some(refusal) = recognise_unreadable(text) {
        return Err(refusal);
    }
    let der = PrivateKeyDer::from_pem_slice(text).map_err(|error| match error {
        rustls_pki_types::pem::Error::NoItemsFound => KeyError::NotAKey,
        _ => KeyError::Damaged,
    })?;
    let material = match &der {
        PrivateKeyDer::Pkcs1(key) => read_pkcs1(key.secret_pkcs1_der())?,
        PrivateKeyDer::Sec1(key) => read_sec1(key.secret_sec1_der())?,
        PrivateKeyDer::Pkcs8(key) => read_pkcs8(key.secret_pkcs8_der())?,
        _ => return Err(KeyError::NotAKey),
    };
    Ok(PrivateKey::new(material, ""))
}

/// Forms whose refusal should say more than "not a key".
fn recognise_unreadable(text: &[u8]) -> Option<KeyError> {
    let text = String::from_utf8_lossy(text);
    let has = |needle: &str| text.contains(needle);
    if has("DEK-Info:") || has("Proc-Type: 4,ENCRYPTED") {
        Some(KeyError::LegacyEncryption)
    } else if has("BEGIN ENCRYPTED PRIVATE KEY") {
        Some(KeyError::EncryptedPkcs8)
    } else if has("BEGIN DSA PRIVATE KEY") {
        Some(KeyError::UnsupportedType("DSA".to_owned()))
    } else if has("PuTTY-User-Key-File") {
        Some(KeyError::UnsupportedType("PuTTY (export it with puttygen -O private-openssh)".to_owned()))
    } else if has("PRIVATE KEY-----") {
        None
    } else if has("PUBLIC KEY-----") || text.starts_with("ssh-") || text.starts_with("ecdsa-sha2-") {
        Some(KeyError::PublicKeyGiven)
    } else {
        None
    }
}

fn read_pkcs1(der: &[u8]) -> Result<PrivateMaterial, KeyError> {
    let key = RsaPrivateKey::from_pkcs1_der(der).map_err(|_| KeyError::Damaged)?;
    Ok(PrivateMaterial::Rsa(Box::new(key)))
}

/// SEC1 files name their curve only sometimes; the length of the scalar decides, and the public
/// point inside the file is checked against it.
fn read_sec1(der: &[u8]) -> Result<PrivateMaterial, KeyError> {
    if let Ok(key) = p256::SecretKey::from_sec1_der(der) {
        return Ok(PrivateMaterial::P256(key));
    }
    if let Ok(key) = p384::SecretKey::from_sec1_der(der) {
        return Ok(PrivateMaterial::P384(key));
    }
    let key = p521::SecretKey::from_sec1_der(der).map_err(|_| KeyError::Damaged)?;
    Ok(PrivateMaterial::P521(key))
}

fn read_pkcs8(der: &[u8]) -> Result<PrivateMaterial, KeyError> {
    let envelope = PrivateKeyInfo::try_from(der).map_err(|_| KeyError::Damaged)?;
    match envelope.algorithm.oid {
        RSA_ENCRYPTION => {
            let key = RsaPrivateKey::from_pkcs8_der(der).map_err(|_| KeyError::Damaged)?;
            Ok(PrivateMaterial::Rsa(Box::new(key)))
        }
        ED25519 => {
            let key = ed25519_dalek::SigningKey::from_pkcs8_der(der).map_err(|_| KeyError::Damaged)?;
            Ok(PrivateMaterial::Ed25519(Box::new(key)))
        }
        EC_PUBLIC_KEY => {
            let curve = envelope.algorithm.parameters_oid().map_err(|_| KeyError::Damaged)?;
            read_pkcs8_curve(der, curve)
        }
        other => Err(KeyError::UnsupportedType(other.to_string())),
    }
}

fn read_pkcs8_curve(der: &[u8], curve: ObjectIdentifier) -> Result<PrivateMaterial, KeyError> {
    match curve {
        SECP256R1 => p256::SecretKey::from_pkcs8_der(der).map(PrivateMaterial::P256),
        SECP384R1 => p384::SecretKey::from_pkcs8_der(der).map(PrivateMaterial::P384),
        SECP521R1 => p521::SecretKey::from_pkcs8_der(der).map(PrivateMaterial::P521),
        other => return Err(KeyError::UnsupportedType(format!("EC {other}"))),
    }
    .map_err(|_| KeyError::Damaged)
}
