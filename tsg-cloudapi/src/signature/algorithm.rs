//! The algorithm names of the scheme and which of them CloudAPI honours.
//!
//! Measured, not read from the manual: sha384 is advertised upstream but refused, and `hs2019` too.

use std::fmt;

/// What kind of key signs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum KeyFamily {
    /// RSA, PKCS#1 v1.5 signatures.
    Rsa,
    /// ECDSA on one of the NIST curves, DER signatures.
    Ecdsa,
    /// Ed25519, plain 64-byte signatures.
    Ed25519,
}

/// A NIST curve.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Curve {
    /// NIST P-256.
    P256,
    /// NIST P-384.
    P384,
    /// NIST P-521.
    P521,
}

impl Curve {
    /// The curve's name in OpenSSH keys.
    #[must_use]
    pub fn ssh_name(self) -> &'static str {
        match self {
            Self::P256 => "nistp256",
            Self::P384 => "nistp384",
            Self::P521 => "nistp521",
        }
    }

    /// The key type's name in OpenSSH keys.
    #[must_use]
    pub fn ssh_key_type(self) -> &'static str {
        match self {
            Self::P256 => "ecdsa-sha2-nistp256",
            Self::P384 => "ecdsa-sha2-nistp384",
            Self::P521 => "ecdsa-sha2-nistp521",
        }
    }

    /// Bytes of a scalar of this curve.
    #[must_use]
    pub fn scalar_bytes(self) -> usize {
        match self {
            Self::P256 => 32,
            Self::P384 => 48,
            Self::P521 => 66,
        }
    }

    pub(crate) fn from_ssh_name(name: &str) -> Option<Self> {
        [Self::P256, Self::P384, Self::P521].into_iter().find(|curve| curve.ssh_name() == name)
    }
}

/// The hash named by an algorithm.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DigestKind {
    /// SHA-1: verified for old clients only, never used for signing here.
    Sha1,
    /// SHA-256.
    Sha256,
    /// SHA-512.
    Sha512,
}

/// An algorithm CloudAPI verifies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Algorithm {
    /// Sent by triton-go up to 1.8.5 and by old ssh-agent signers.
    RsaSha1,
    /// What most clients send for RSA keys.
    RsaSha256,
    /// Sent by triton-go 2.
    RsaSha512,
    /// ECDSA over SHA-256, any curve.
    EcdsaSha256,
    /// ECDSA over SHA-512, any curve.
    EcdsaSha512,
    /// Ed25519; the hash is part of the scheme.
    Ed25519Sha512,
}

const NAMES: [(&str, Algorithm); 6] = [
    ("rsa-sha1", Algorithm::RsaSha1),
    ("rsa-sha256", Algorithm::RsaSha256),
    ("rsa-sha512", Algorithm::RsaSha512),
    ("ecdsa-sha256", Algorithm::EcdsaSha256),
    ("ecdsa-sha512", Algorithm::EcdsaSha512),
    ("ed25519-sha512", Algorithm::Ed25519Sha512),
];

impl Algorithm {
    /// The name as it stands in the header, lower case.
    #[must_use]
    pub fn name(self) -> &'static str {
        NAMES.iter().find(|(_, algorithm)| *algorithm == self).map_or("", |(name, _)| name)
    }

    /// Finds an algorithm by its lower-case name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        NAMES.iter().find(|(known, _)| *known == name).map(|(_, algorithm)| *algorithm)
    }

    /// The family of key that can make and check it.
    #[must_use]
    pub fn family(self) -> KeyFamily {
        match self {
            Self::RsaSha1 | Self::RsaSha256 | Self::RsaSha512 => KeyFamily::Rsa,
            Self::EcdsaSha256 | Self::EcdsaSha512 => KeyFamily::Ecdsa,
            Self::Ed25519Sha512 => KeyFamily::Ed25519,
        }
    }

    /// The hash it uses.
    #[must_use]
    pub fn digest(self) -> DigestKind {
        match self {
            Self::RsaSha1 => DigestKind::Sha1,
            Self::RsaSha256 | Self::EcdsaSha256 => DigestKind::Sha256,
            Self::RsaSha512 | Self::EcdsaSha512 | Self::Ed25519Sha512 => DigestKind::Sha512,
        }
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
