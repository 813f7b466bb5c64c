//! The pure-Rust backend: `rsa`, the NIST curve crates and `ed25519-dalek`.
//!
//! RSA private operations are always blinded with fresh randomness, because the arithmetic of
//! `rsa` 0.9 is not constant time (RUSTSEC-2023-0071).

use ed25519_dalek::Signer as _;
use p256::ecdsa::signature::hazmat::{PrehashSigner, PrehashVerifier, RandomizedPrehashSigner};
use rand_core::OsRng;
use rsa::{BigUint, Pkcs1v15Sign, RsaPrivateKey, RsaPublicKey};
use sha1::Sha1;
use sha2::{Digest, Sha256, Sha512};

use super::{BackendError, PreparedSigner, PreparedVerifier, SigningBackend};
use crate::signature::{
    Algorithm, Curve, DigestKind, KeyFamily, PrivateKey, PublicKey, private_key::PrivateMaterial,
    public_key::PublicMaterial,
};

/// The largest RSA modulus verified, in bits: CPU time grows with its cube.
const MAX_RSA_BITS: usize = 8192;
const NEW_RSA_BITS: usize = 3072;

/// Signs and verifies in pure Rust.
#[derive(Clone, Copy, Debug)]
pub struct PortableBackend;

impl SigningBackend for PortableBackend {
    fn name(&self) -> &'static str {
        "portable"
    }

    fn signer(&self, key: &PrivateKey) -> Result<Box<dyn PreparedSigner>, BackendError> {
        Ok(match key.material() {
            PrivateMaterial::Rsa(key) => Box::new(RsaSigner(key.as_ref().clone())),
            PrivateMaterial::P256(key) => Box::new(EcdsaSigner::P256(key.into())),
            PrivateMaterial::P384(key) => Box::new(EcdsaSigner::P384(key.into())),
            PrivateMaterial::P521(key) => Box::new(EcdsaSigner::P521(
                p521::ecdsa::SigningKey::from_bytes(&key.to_bytes()).map_err(|_| BackendError::UnusableKey)?,
            )),
            PrivateMaterial::Ed25519(key) => Box::new(Ed25519Signer(key.as_ref().clone())),
        })
    }

    fn verifier(&self, key: &PublicKey) -> Result<Box<dyn PreparedVerifier>, BackendError> {
        match key.material() {
            PublicMaterial::Rsa { modulus, exponent } => {
                let modulus = BigUint::from_bytes_be(modulus);
                let exponent = BigUint::from_bytes_be(exponent);
                let key = RsaPublicKey::new_with_max_size(modulus, exponent, MAX_RSA_BITS)
                    .map_err(|_| BackendError::UnusableKey)?;
                Ok(Box::new(RsaVerifier(key)))
            }
            PublicMaterial::Ecdsa { curve, point } => ecdsa_verifier(*curve, point),
            PublicMaterial::Ed25519(point) => ed25519_dalek::VerifyingKey::from_bytes(point)
                .map(|key| Box::new(Ed25519Verifier(key)) as Box<dyn PreparedVerifier>)
                .map_err(|_| BackendError::UnusableKey),
        }
    }

    fn generate_rsa_3072(&self) -> Result<RsaPrivateKey, BackendError> {
        RsaPrivateKey::new(&mut OsRng, NEW_RSA_BITS).map_err(|_| BackendError::OperationFailed)
    }
}

fn ecdsa_verifier(curve: Curve, point: &[u8]) -> Result<Box<dyn PreparedVerifier>, BackendError> {
    let verifier = match curve {
        Curve::P256 => p256::ecdsa::VerifyingKey::from_sec1_bytes(point).map(EcdsaVerifier::P256),
        Curve::P384 => p384::ecdsa::VerifyingKey::from_sec1_bytes(point).map(EcdsaVerifier::P384),
        Curve::P521 => p521::ecdsa::VerifyingKey::from_sec1_bytes(point).map(EcdsaVerifier::P521),
    };
    match verifier {
        Ok(verifier) => Ok(Box::new(verifier)),
        Err(_) => Err(BackendError::UnusableKey),
    }
}

pub(super) fn hashed(digest: DigestKind, message: &[u8]) -> Vec<u8> {
    match digest {
        DigestKind::Sha1 => Sha1::digest(message).to_vec(),
        DigestKind::Sha256 => Sha256::digest(message).to_vec(),
        DigestKind::Sha512 => Sha512::digest(message).to_vec(),
    }
}

fn rsa_padding(digest: DigestKind) -> Pkcs1v15Sign {
    match digest {
        DigestKind::Sha1 => Pkcs1v15Sign::new::<Sha1>(),
        DigestKind::Sha256 => Pkcs1v15Sign::new::<Sha256>(),
        DigestKind::Sha512 => Pkcs1v15Sign::new::<Sha512>(),
    }
}

/// ECDSA takes the hash as an integer, so zero bytes in front change nothing; the curve crates
/// insist on at least half of the field's width, which SHA-256 misses for P-521 by one byte.
fn widened(mut prehash: Vec<u8>, width: usize) -> Vec<u8> {
    let missing = width.saturating_sub(prehash.len());
    prehash.splice(0..0, std::iter::repeat_n(0, missing));
    prehash
}

struct RsaSigner(RsaPrivateKey);

impl PreparedSigner for RsaSigner {
    fn sign(&self, algorithm: Algorithm, message: &[u8]) -> Result<Vec<u8>, BackendError> {
        if algorithm.family() != KeyFamily::Rsa {
            return Err(BackendError::WrongAlgorithm(algorithm));
        }
        let digest = algorithm.digest();
        self.0
            .sign_with_rng(&mut OsRng, rsa_padding(digest), &hashed(digest, message))
            .map_err(|_| BackendError::OperationFailed)
    }
}

struct RsaVerifier(RsaPublicKey);

impl PreparedVerifier for RsaVerifier {
    fn verify(&self, algorithm: Algorithm, message: &[u8], signature: &[u8]) -> bool {
        let digest = algorithm.digest();
        algorithm.family() == KeyFamily::Rsa
            && self.0.verify(rsa_padding(digest), &hashed(digest, message), signature).is_ok()
    }
}

enum EcdsaSigner {
    P256(p256::ecdsa::SigningKey),
    P384(p384::ecdsa::SigningKey),
    P521(p521::ecdsa::SigningKey),
}

impl PreparedSigner for EcdsaSigner {
    fn sign(&self, algorithm: Algorithm, message: &[u8]) -> Result<Vec<u8>, BackendError> {
        if algorithm.family() != KeyFamily::Ecdsa {
            return Err(BackendError::WrongAlgorithm(algorithm));
        }
        let prehash = hashed(algorithm.digest(), message);
        let der = match self {
            Self::P256(key) => PrehashSigner::<p256::ecdsa::Signature>::sign_prehash(key, &prehash)
                .map(|signature| signature.to_der().as_bytes().to_vec()),
            Self::P384(key) => PrehashSigner::<p384::ecdsa::Signature>::sign_prehash(key, &prehash)
                .map(|signature| signature.to_der().as_bytes().to_vec()),
            Self::P521(key) => {
                let prehash = widened(prehash, Curve::P521.scalar_bytes());
                // This curve's crate offers no deterministic nonces.
                RandomizedPrehashSigner::<p521::ecdsa::Signature>::sign_prehash_with_rng(key, &mut OsRng, &prehash)
                    .map(|signature| signature.to_der().as_bytes().to_vec())
            }
        };
        der.map_err(|_| BackendError::OperationFailed)
    }
}

enum EcdsaVerifier {
    P256(p256::ecdsa::VerifyingKey),
    P384(p384::ecdsa::VerifyingKey),
    P521(p521::ecdsa::VerifyingKey),
}

impl PreparedVerifier for EcdsaVerifier {
    fn verify(&self, algorithm: Algorithm, message: &[u8], signature: &[u8]) -> bool {
        if algorithm.family() != KeyFamily::Ecdsa {
            return false;
        }
        let prehash = hashed(algorithm.digest(), message);
        match self {
            Self::P256(key) => p256::ecdsa::Signature::from_der(signature)
                .is_ok_and(|signature| key.verify_prehash(&prehash, &signature).is_ok()),
            Self::P384(key) => p384::ecdsa::Signature::from_der(signature)
                .is_ok_and(|signature| key.verify_prehash(&prehash, &signature).is_ok()),
            Self::P521(key) => p521::ecdsa::Signature::from_der(signature).is_ok_and(|signature| {
                let prehash = widened(prehash, Curve::P521.scalar_bytes());
                key.verify_prehash(&prehash, &signature).is_ok()
            }),
        }
    }
}

struct Ed25519Signer(ed25519_dalek::SigningKey);

impl PreparedSigner for Ed25519Signer {
    fn sign(&self, algorithm: Algorithm, message: &[u8]) -> Result<Vec<u8>, BackendError> {
        if algorithm.family() != KeyFamily::Ed25519 {
            return Err(BackendError::WrongAlgorithm(algorithm));
        }
        Ok(self.0.sign(message).to_bytes().to_vec())
    }
}

struct Ed25519Verifier(ed25519_dalek::VerifyingKey);

impl PreparedVerifier for Ed25519Verifier {
    fn verify(&self, algorithm: Algorithm, message: &[u8], signature: &[u8]) -> bool {
        algorithm.family() == KeyFamily::Ed25519
            && ed25519_dalek::Signature::from_slice(signature)
                .is_ok_and(|signature| self.0.verify_strict(message, &signature).is_ok())
    }
}
