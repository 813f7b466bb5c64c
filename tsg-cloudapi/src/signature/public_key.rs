//! Public keys: read from OpenSSH text or blobs, printed back, fingerprinted.
//!
//! Holds no secrets. Never decides whose key it is.

use std::{
    fmt,
    sync::{Arc, OnceLock},
};

use base64::{Engine, engine::general_purpose::STANDARD};
use md5::{Digest, Md5};
use sha2::Sha256;

use super::{
    algorithm::{Curve, KeyFamily},
    backend::{BackendError, PreparedVerifier, preferred_backend},
    ssh_wire::{WireError, WireReader, put_mpint, put_string},
};

/// Why a text or blob is not a usable public key.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PublicKeyError {
    /// The text is not `type base64 [comment]`.
    #[error("not an OpenSSH public key line (expected: type, base64, comment)")]
    NotOpenSsh,
    /// The base64 part does not decode, or its content is malformed.
    #[error("the public key's encoding is damaged")]
    Damaged,
    /// A key type that http-signature as CloudAPI speaks it cannot use.
    #[error("public keys of type {0} are not supported (use RSA, ECDSA or Ed25519)")]
    UnsupportedType(String),
}

impl From<WireError> for PublicKeyError {
    fn from(_: WireError) -> Self {
        Self::Damaged
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum PublicMaterial {
    Rsa { modulus: Vec<u8>, exponent: Vec<u8> },
    Ecdsa { curve: Curve, point: Vec<u8> },
    Ed25519([u8; 32]),
}

/// A public key of one of the supported families.
///
/// ```
/// use tsg_cloudapi::signature::PublicKey;
/// let key = PublicKey::from_openssh(
///     "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAeuqz5CL05v06r1Qkyiwmhf5QKeOBk5Iz/maTM/R5Ai me",
/// )?;
/// assert_eq!(key.fingerprint_md5(), "a5:49:7e:12:cc:25:f0:48:33:06:32:7a:de:b1:ba:d6");
/// assert_eq!(key.fingerprint_sha256(), "SHA256:3NtqoLupRn7Gc9j0avdk2t2e2G6lwDPFU1grqCLOmOE");
/// # Ok::<(), tsg_cloudapi::signature::PublicKeyError>(())
/// ```
#[derive(Clone)]
pub struct PublicKey {
    blob: Vec<u8>,
    comment: String,
    material: PublicMaterial,
    /// The backend's parsed form, made on first use and shared by clones: parsing costs more than
    /// verifying an RSA signature.
    verifier: Arc<OnceLock<Result<Box<dyn PreparedVerifier>, BackendError>>>,
}

impl PublicKey {
    /// Reads one line as in `id_rsa.pub` or `authorized_keys` without options.
    ///
    /// # Errors
    /// [`PublicKeyError`] says whether the form, the encoding or the key type is at fault.
    pub fn from_openssh(line: &str) -> Result<Self, PublicKeyError> {
        let mut words = line.trim().splitn(3, [' ', '\t']);
        let (Some(kind), Some(encoded)) = (words.next(), words.next()) else {
            return Err(PublicKeyError::NotOpenSsh);
        };
        let blob = STANDARD.decode(encoded).map_err(|_| PublicKeyError::Damaged)?;
        let key = Self::from_blob(&blob, words.next().unwrap_or_default().trim())?;
        if key.ssh_type() != kind {
            return Err(PublicKeyError::Damaged);
        }
        Ok(key)
    }

    /// Reads the binary form used inside SSH messages and files.
    ///
    /// # Errors
    /// [`PublicKeyError`] as for [`PublicKey::from_openssh`].
    pub fn from_blob(blob: &[u8], comment: &str) -> Result<Self, PublicKeyError> {
        let mut reader = WireReader::new(blob);
        let material = read_material(&mut reader)?;
        if !reader.is_empty() {
            return Err(PublicKeyError::Damaged);
        }
        Ok(Self::from_material(material, comment))
    }

    pub(crate) fn from_material(material: PublicMaterial, comment: &str) -> Self {
        Self { blob: write_material(&material), comment: comment.to_owned(), material, verifier: Arc::default() }
    }

    /// The key's family.
    #[must_use]
    pub fn family(&self) -> KeyFamily {
        match self.material {
            PublicMaterial::Rsa { .. } => KeyFamily::Rsa,
            PublicMaterial::Ecdsa { .. } => KeyFamily::Ecdsa,
            PublicMaterial::Ed25519(_) => KeyFamily::Ed25519,
        }
    }

    /// The curve of an ECDSA key.
    #[must_use]
    pub fn curve(&self) -> Option<Curve> {
        match self.material {
            PublicMaterial::Ecdsa { curve, .. } => Some(curve),
            PublicMaterial::Rsa { .. } | PublicMaterial::Ed25519(_) => None,
        }
    }

    /// The size that people quote: modulus bits for RSA, field bits otherwise.
    #[must_use]
    pub fn bits(&self) -> usize {
        match &self.material {
            PublicMaterial::Rsa { modulus, .. } => {
                let unused = modulus.first().map_or(0, |first| first.leading_zeros() as usize);
                modulus.len() * 8 - unused
            }
            PublicMaterial::Ecdsa { curve: Curve::P256, .. } | PublicMaterial::Ed25519(_) => 256,
            PublicMaterial::Ecdsa { curve: Curve::P384, .. } => 384,
            PublicMaterial::Ecdsa { curve: Curve::P521, .. } => 521,
        }
    }

    /// The comment, empty when there is none.
    #[must_use]
    pub fn comment(&self) -> &str {
        &self.comment
    }

    /// The same key with another comment.
    #[must_use]
    pub fn with_comment(mut self, comment: &str) -> Self {
        comment.clone_into(&mut self.comment);
        self
    }

    /// The binary form used inside SSH messages.
    #[must_use]
    pub fn blob(&self) -> &[u8] {
        &self.blob
    }

    /// `type base64 [comment]`, without a final newline.
    #[must_use]
    pub fn to_openssh(&self) -> String {
        let encoded = STANDARD.encode(&self.blob);
        let line = format!("{} {encoded} {}", self.ssh_type(), self.comment);
        line.trim_end().to_owned()
    }

    /// The md5 fingerprint as CloudAPI stores it: sixteen lower-case hex pairs with colons.
    #[must_use]
    pub fn fingerprint_md5(&self) -> String {
        let digest = Md5::digest(&self.blob);
        let pairs: Vec<String> = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        pairs.join(":")
    }

    /// The fingerprint as `ssh-keygen -l` prints it: `SHA256:` and unpadded base64.
    #[must_use]
    pub fn fingerprint_sha256(&self) -> String {
        let encoded = STANDARD.encode(Sha256::digest(&self.blob));
        format!("SHA256:{}", encoded.trim_end_matches('='))
    }

    pub(crate) fn material(&self) -> &PublicMaterial {
        &self.material
    }

    pub(crate) fn verifier(&self) -> Result<&dyn PreparedVerifier, BackendError> {
        match self.verifier.get_or_init(|| preferred_backend().verifier(self)) {
            Ok(verifier) => Ok(verifier.as_ref()),
            Err(error) => Err(error.clone()),
        }
    }

    fn ssh_type(&self) -> &'static str {
        match self.material {
            PublicMaterial::Rsa { .. } => "ssh-rsa",
            PublicMaterial::Ecdsa { curve, .. } => curve.ssh_key_type(),
            PublicMaterial::Ed25519(_) => "ssh-ed25519",
        }
    }
}

fn read_material(reader: &mut WireReader<'_>) -> Result<PublicMaterial, PublicKeyError> {
    let kind = reader.text()?;
    match kind {
        "ssh-rsa" => {
            let exponent = reader.positive_mpint()?.to_vec();
            let modulus = reader.positive_mpint()?.to_vec();
            if modulus.is_empty() || exponent.is_empty() {
                return Err(PublicKeyError::Damaged);
            }
            Ok(PublicMaterial::Rsa { modulus, exponent })
        }
        "ssh-ed25519" => {
            let point = reader.string()?.try_into().map_err(|_| PublicKeyError::Damaged)?;
            Ok(PublicMaterial::Ed25519(point))
        }
        _ if kind.starts_with("ecdsa-sha2-") => {
            let name = reader.text()?;
            let curve = Curve::from_ssh_name(name)
                .filter(|curve| curve.ssh_key_type() == kind)
                .ok_or_else(|| PublicKeyError::UnsupportedType(kind.to_owned()))?;
            let point = reader.string()?.to_vec();
            // Only the uncompressed form occurs in SSH keys.
            if point.len() != 1 + 2 * curve.scalar_bytes() || point.first() != Some(&4) {
                return Err(PublicKeyError::Damaged);
            }
            Ok(PublicMaterial::Ecdsa { curve, point })
        }
        _ => Err(PublicKeyError::UnsupportedType(kind.to_owned())),
    }
}

fn write_material(material: &PublicMaterial) -> Vec<u8> {
    let mut blob = Vec::new();
    match material {
        PublicMaterial::Rsa { modulus, exponent } => {
            put_string(&mut blob, b"ssh-rsa");
            put_mpint(&mut blob, exponent);
            put_mpint(&mut blob, modulus);
        }
        PublicMaterial::Ecdsa { curve, point } => {
            put_string(&mut blob, curve.ssh_key_type().as_bytes());
            put_string(&mut blob, curve.ssh_name().as_bytes());
            put_string(&mut blob, point);
        }
        PublicMaterial::Ed25519(point) => {
            put_string(&mut blob, b"ssh-ed25519");
            put_string(&mut blob, point);
        }
    }
    blob
}

impl PartialEq for PublicKey {
    /// Same key; comments do not matter.
    fn eq(&self, other: &Self) -> bool {
        self.blob == other.blob
    }
}

impl Eq for PublicKey {}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({} {})", self.ssh_type(), self.fingerprint_md5())
    }
}
