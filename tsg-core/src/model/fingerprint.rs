//! Content hashes. Owns the one way a value becomes 32 bytes; must never hash a secret that is
//! short enough to be guessed without saying so at the place of use.

use alloc::string::String;
use core::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use sha2::{Digest, Sha256};

/// SHA-256 of something's canonical form.
///
/// ```
/// use tsg_core::model::fingerprint::Fingerprint;
///
/// let hash = Fingerprint::of(&("web", 3));
/// assert_eq!(hash, Fingerprint::of_bytes(br#"["web",3]"#));
/// assert_eq!(hash.to_string().len(), 64);
/// assert_ne!(hash.chain(b"and the next"), hash);
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fingerprint([u8; 32]);

impl Fingerprint {
    /// Of nothing yet: the start of a chain.
    pub const ZERO: Self = Self([0; 32]);

    /// Of raw bytes.
    pub fn of_bytes(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }

    /// Of a value's JSON form. All maps of the model are ordered, so equal values have equal
    /// forms.
    pub fn of<T: Serialize>(value: &T) -> Self {
        // A value that cannot be written as JSON does not exist in the model: its maps have
        // string keys and no serialiser in it fails. The empty form keeps this total.
        Self::of_bytes(&serde_json::to_vec(value).unwrap_or_default())
    }

    /// Of this fingerprint followed by more bytes: the next link of a chain.
    #[must_use]
    pub fn chain(self, bytes: &[u8]) -> Self {
        let mut hash = Sha256::new();
        hash.update(self.0);
        hash.update(bytes);
        Self(hash.finalize().into())
    }

    /// The 32 bytes.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(out, "{byte:02x}"))
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Fingerprint({self})")
    }
}

impl Serialize for Fingerprint {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Fingerprint {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        parse_hex(&text).ok_or_else(|| de::Error::custom("expected 64 hexadecimal digits"))
    }
}

fn parse_hex(text: &str) -> Option<Fingerprint> {
    if text.len() != 64 || !text.is_ascii() {
        return None;
    }
    let mut bytes = [0; 32];
    for (byte, place) in bytes.iter_mut().zip((0..64).step_by(2)) {
        *byte = u8::from_str_radix(&text[place..place + 2], 16).ok()?;
    }
    Some(Fingerprint(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fingerprint_reads_back_what_it_wrote() {
        let fingerprint = Fingerprint::of(&("a", 1)).chain(b"more");
        let text = serde_json::to_string(&fingerprint).unwrap();
        assert_eq!(serde_json::from_str::<Fingerprint>(&text).unwrap(), fingerprint);
        assert!(serde_json::from_str::<Fingerprint>("\"zz\"").is_err());
    }
}
