//! The constant-time backend on AWS-LC, the library that TLS brings along anyway.
//!
//! The few combinations AWS-LC does not offer (RSA keys under 2048 bits, P-384 with SHA-512 and
//! the like when signing) go to the portable backend, so that both accept the same keys.

use std::sync::OnceLock;

use aws_lc_rs::{
    encoding::AsDer,
    rand::SystemRandom,
    rsa::KeySize,
    signature::{
        ECDSA_P256_SHA256_ASN1, ECDSA_P256_SHA256_ASN1_SIGNING, ECDSA_P256_SHA512_ASN1, ECDSA_P384_SHA256_ASN1,
        ECDSA_P384_SHA512_ASN1, ECDSA_P521_SHA256_ASN1, ECDSA_P521_SHA256_ASN1_SIGNING, ECDSA_P521_SHA512_ASN1,
        ECDSA_P521_SHA512_ASN1_SIGNING, ED25519, EcdsaKeyPair, EcdsaSigningAlgorithm, Ed25519KeyPair, ParsedPublicKey,
        RSA_PKCS1_1024_8192_SHA1_FOR_LEGACY_USE_ONLY, RSA_PKCS1_1024_8192_SHA256_FOR_LEGACY_USE_ONLY,
        RSA_PKCS1_1024_8192_SHA512_FOR_LEGACY_USE_ONLY, RSA_PKCS1_SHA256, RSA_PKCS1_SHA512, RsaEncoding, RsaKeyPair,
        VerificationAlgorithm,
    },
};
use rsa::{
    RsaPrivateKey,
    pkcs1::{EncodeRsaPrivateKey, EncodeRsaPublicKey},
    pkcs8::DecodePrivateKey,
};
use zeroize::Zeroizing;

use super::{BackendError, PortableBackend, PreparedSigner, PreparedVerifier, SigningBackend};
use crate::signature::{
    Algorithm, Curve, DigestKind, KeyFamily, PrivateKey, PublicKey, private_key::PrivateMaterial,
    public_key::PublicMaterial,
};

/// AWS-LC refuses to sign with smaller RSA keys.
const MIN_RSA_BITS: usize = 2048;

/// Signs and verifies with AWS-LC.
#[derive(Clone, Copy, Debug)]
pub struct AwsLcBackend;

impl SigningBackend for AwsLcBackend {
    fn name(&self) -> &'static str {
        "aws-lc"
    }

    fn signer(&self, key: &PrivateKey) -> Result<Box<dyn PreparedSigner>, BackendError> {
        let portable = PortableBackend.signer(key)?;
        match key.material() {
            PrivateMaterial::Rsa(_) if key.public_key().bits() < MIN_RSA_BITS => Ok(portable),
            PrivateMaterial::Rsa(material) => rsa_signer(material, portable),
            PrivateMaterial::P256(material) => ecdsa_signer(
                Zeroizing::new(material.to_bytes().to_vec()),
                key.public_key(),
                [Some(&ECDSA_P256_SHA256_ASN1_SIGNING), None],
                portable,
            ),
            PrivateMaterial::P384(_) => Ok(portable),
            PrivateMaterial::P521(material) => ecdsa_signer(
                Zeroizing::new(material.to_bytes().to_vec()),
                key.public_key(),
                [Some(&ECDSA_P521_SHA256_ASN1_SIGNING), Some(&ECDSA_P521_SHA512_ASN1_SIGNING)],
                portable,
            ),
            PrivateMaterial::Ed25519(material) => {
                let seed = Zeroizing::new(material.to_bytes());
                let pair = Ed25519KeyPair::from_seed_unchecked(seed.as_ref()).map_err(|_| BackendError::UnusableKey)?;
                Ok(Box::new(Ed25519Signer(pair)))
            }
        }
    }

    fn verifier(&self, key: &PublicKey) -> Result<Box<dyn PreparedVerifier>, BackendError> {
        let (encoded, family) = match key.material() {
            PublicMaterial::Rsa { modulus, exponent } => {
                let key = rsa::RsaPublicKey::new_with_max_size(
                    rsa::BigUint::from_bytes_be(modulus),
                    rsa::BigUint::from_bytes_be(exponent),
                    8192,
                )
                .map_err(|_| BackendError::UnusableKey)?;
                let der = key.to_pkcs1_der().map_err(|_| BackendError::UnusableKey)?;
                (der.as_bytes().to_vec(), KeyFamily::Rsa)
            }
            PublicMaterial::Ecdsa { point, .. } => (point.clone(), KeyFamily::Ecdsa),
            PublicMaterial::Ed25519(point) => (point.to_vec(), KeyFamily::Ed25519),
        };
        Ok(Box::new(Verifier { encoded, family, curve: key.curve(), parsed: [const { OnceLock::new() }; 3] }))
    }

    fn generate_rsa_3072(&self) -> Result<RsaPrivateKey, BackendError> {
        let pair = RsaKeyPair::generate(KeySize::Rsa3072).map_err(|_| BackendError::OperationFailed)?;
        let der =
            AsDer::<aws_lc_rs::encoding::Pkcs8V1Der<'_>>::as_der(&pair).map_err(|_| BackendError::OperationFailed)?;
        RsaPrivateKey::from_pkcs8_der(der.as_ref()).map_err(|_| BackendError::OperationFailed)
    }
}

fn rsa_signer(
    material: &RsaPrivateKey,
    portable: Box<dyn PreparedSigner>,
) -> Result<Box<dyn PreparedSigner>, BackendError> {
    let der = material.to_pkcs1_der().map_err(|_| BackendError::UnusableKey)?;
    // Unusual but valid keys (odd sizes, more than two primes) still sign, blinded.
    match RsaKeyPair::from_der(der.as_bytes()) {
        Ok(pair) => Ok(Box::new(RsaSigner { pair, portable })),
        Err(_) => Ok(portable),
    }
}

fn ecdsa_signer(
    scalar: Zeroizing<Vec<u8>>,
    public: &PublicKey,
    algorithms: [Option<&'static EcdsaSigningAlgorithm>; 2],
    portable: Box<dyn PreparedSigner>,
) -> Result<Box<dyn PreparedSigner>, BackendError> {
    let PublicMaterial::Ecdsa { point, .. } = public.material() else {
        return Err(BackendError::UnusableKey);
    };
    let load = |algorithm: &'static EcdsaSigningAlgorithm| {
        EcdsaKeyPair::from_private_key_and_public_key(algorithm, &scalar, point).map_err(|_| BackendError::UnusableKey)
    };
    let [sha256, sha512] = algorithms.map(|algorithm| algorithm.map(load).transpose());
    Ok(Box::new(EcdsaSigner { sha256: sha256?, sha512: sha512?, portable }))
}

struct RsaSigner {
    pair: RsaKeyPair,
    portable: Box<dyn PreparedSigner>,
}

impl PreparedSigner for RsaSigner {
    fn sign(&self, algorithm: Algorithm, message: &[u8]) -> Result<Vec<u8>, BackendError> {
        let encoding: &'static dyn RsaEncoding = match algorithm {
            Algorithm::RsaSha256 => &RSA_PKCS1_SHA256,
            Algorithm::RsaSha512 => &RSA_PKCS1_SHA512,
            _ => return self.portable.sign(algorithm, message),
        };
        let mut signature = vec![0; self.pair.public_modulus_len()];
        self.pair
            .sign(encoding, &SystemRandom::new(), message, &mut signature)
            .map_err(|_| BackendError::OperationFailed)?;
        Ok(signature)
    }
}

struct EcdsaSigner {
    sha256: Option<EcdsaKeyPair>,
    sha512: Option<EcdsaKeyPair>,
    portable: Box<dyn PreparedSigner>,
}

impl PreparedSigner for EcdsaSigner {
    fn sign(&self, algorithm: Algorithm, message: &[u8]) -> Result<Vec<u8>, BackendError> {
        let pair = match algorithm {
            Algorithm::EcdsaSha256 => &self.sha256,
            Algorithm::EcdsaSha512 => &self.sha512,
            _ => return Err(BackendError::WrongAlgorithm(algorithm)),
        };
        match pair {
            Some(pair) => pair
                .sign(&SystemRandom::new(), message)
                .map(|signature| signature.as_ref().to_vec())
                .map_err(|_| BackendError::OperationFailed),
            None => self.portable.sign(algorithm, message),
        }
    }
}

struct Ed25519Signer(Ed25519KeyPair);

impl PreparedSigner for Ed25519Signer {
    fn sign(&self, algorithm: Algorithm, message: &[u8]) -> Result<Vec<u8>, BackendError> {
        if algorithm.family() != KeyFamily::Ed25519 {
            return Err(BackendError::WrongAlgorithm(algorithm));
        }
        Ok(self.0.sign(message).as_ref().to_vec())
    }
}

/// AWS-LC binds a parsed key to one hash, so there is one slot for each.
struct Verifier {
    encoded: Vec<u8>,
    family: KeyFamily,
    curve: Option<Curve>,
    parsed: [OnceLock<Option<ParsedPublicKey>>; 3],
}

impl Verifier {
    fn parsed(&self, algorithm: Algorithm) -> Option<&ParsedPublicKey> {
        let slot = match algorithm.digest() {
            DigestKind::Sha1 => &self.parsed[0],
            DigestKind::Sha256 => &self.parsed[1],
            DigestKind::Sha512 => &self.parsed[2],
        };
        let parse = || ParsedPublicKey::new(verification(algorithm, self.curve)?, &self.encoded).ok();
        slot.get_or_init(parse).as_ref()
    }
}

impl PreparedVerifier for Verifier {
    fn verify(&self, algorithm: Algorithm, message: &[u8], signature: &[u8]) -> bool {
        algorithm.family() == self.family
            && self.parsed(algorithm).is_some_and(|key| key.verify_sig(message, signature).is_ok())
    }
}

fn verification(algorithm: Algorithm, curve: Option<Curve>) -> Option<&'static dyn VerificationAlgorithm> {
    Some(match (algorithm, curve) {
        (Algorithm::RsaSha1, _) => &RSA_PKCS1_1024_8192_SHA1_FOR_LEGACY_USE_ONLY,
        (Algorithm::RsaSha256, _) => &RSA_PKCS1_1024_8192_SHA256_FOR_LEGACY_USE_ONLY,
        (Algorithm::RsaSha512, _) => &RSA_PKCS1_1024_8192_SHA512_FOR_LEGACY_USE_ONLY,
        (Algorithm::EcdsaSha256, Some(Curve::P256)) => &ECDSA_P256_SHA256_ASN1,
        (Algorithm::EcdsaSha512, Some(Curve::P256)) => &ECDSA_P256_SHA512_ASN1,
        (Algorithm::EcdsaSha256, Some(Curve::P384)) => &ECDSA_P384_SHA256_ASN1,
        (Algorithm::EcdsaSha512, Some(Curve::P384)) => &ECDSA_P384_SHA512_ASN1,
        (Algorithm::EcdsaSha256, Some(Curve::P521)) => &ECDSA_P521_SHA256_ASN1,
        (Algorithm::EcdsaSha512, Some(Curve::P521)) => &ECDSA_P521_SHA512_ASN1,
        (Algorithm::Ed25519Sha512, _) => &ED25519,
        (Algorithm::EcdsaSha256 | Algorithm::EcdsaSha512, None) => return None,
    })
}
