//! Identifiers. Each kind of thing has its own type, so that a group can never be mistaken for
//! an instance. Must never be parsed from anything but its one written form.
//!
//! ```
//! use tsg_core::model::id::{AccountId, GroupId, OperationId};
//! use uuid::Uuid;
//!
//! let group: GroupId = "437c560d-b1a9-4dae-b3b3-6dbabb7d23a7".parse()?;
//! assert_eq!(GroupId::new(group.uuid()), group);
//!
//! // Drawn, not parsed; written so that CloudAPI takes it in names and tags.
//! let operation = OperationId::from_bits(42);
//! assert_eq!(operation.to_string(), "aaaaaaaaaaaaaaaaaaaaaaaabk");
//! assert_eq!("aaaaaaaaaaaaaaaaaaaaaaaabk".parse(), Ok(operation));
//!
//! // Has no parser: it comes from the cloud's directory, for a credential that was verified.
//! let account = AccountId::from_directory(Uuid::from_u128(7));
//! assert_eq!(account.to_string(), "00000000-0000-0000-0000-000000000007");
//! # Ok::<(), tsg_core::model::id::InvalidId>(())
//! ```

use alloc::string::String;
use core::fmt;
use core::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use thiserror::Error;
use uuid::Uuid;

/// A text that is not an identifier of the kind that was asked for.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{given:?} is not {expected}")]
pub struct InvalidId {
    /// What was given, shortened to 64 characters.
    pub given: String,
    /// The form that was expected, for a person to read.
    pub expected: &'static str,
}

impl InvalidId {
    fn new(given: &str, expected: &'static str) -> Self {
        Self { given: given.chars().take(64).collect(), expected }
    }
}

macro_rules! uuid_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(Uuid);

        impl $name {
            /// Wraps a UUID.
            pub const fn new(uuid: Uuid) -> Self {
                Self(uuid)
            }

            /// The UUID inside.
            pub const fn uuid(self) -> Uuid {
                self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.hyphenated().fmt(out)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(out, concat!(stringify!($name), "({})"), self.0)
            }
        }

        impl FromStr for $name {
            type Err = InvalidId;

            /// Accepts the hyphenated form only: 36 characters.
            fn from_str(text: &str) -> Result<Self, InvalidId> {
                parse_hyphenated(text).map(Self)
            }
        }
    };
}

fn parse_hyphenated(text: &str) -> Result<Uuid, InvalidId> {
    let invalid = || InvalidId::new(text, "a UUID such as 437c560d-b1a9-4dae-b3b3-6dbabb7d23a7");
    if text.len() != 36 {
        return Err(invalid());
    }
    Uuid::try_parse(text).map_err(|_| invalid())
}

uuid_id! {
    /// A service group.
    GroupId
}
uuid_id! {
    /// An immutable template.
    TemplateId
}
uuid_id! {
    /// An instance: the UUID that CloudAPI gave its machine.
    InstanceId
}
uuid_id! {
    /// A compute node (CN): one physical server of the data centre.
    ComputeNodeId
}
uuid_id! {
    /// An image.
    ImageId
}
uuid_id! {
    /// A package: the size of an instance.
    PackageId
}
uuid_id! {
    /// A network or a network pool.
    NetworkId
}

/// The tenant that owns everything filed under it.
///
/// There is no way to parse one: it comes from the cloud's own directory, for a credential that
/// has been verified, and from nowhere else. A request can therefore never name a tenant.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AccountId(Uuid);

impl AccountId {
    /// The account that the cloud's directory gave for a verified credential, or that the store
    /// keeps as part of a key.
    pub const fn from_directory(uuid: Uuid) -> Self {
        Self(uuid)
    }

    /// The UUID inside.
    pub const fn uuid(self) -> Uuid {
        self.0
    }
}

impl fmt::Display for AccountId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.hyphenated().fmt(out)
    }
}

impl fmt::Debug for AccountId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "AccountId({})", self.0)
    }
}

/// Length of the written form of a [`BigId`]: 128 bits in base32 need 26 characters.
pub const BASE32_LEN: usize = 26;

/// RFC 4648's base32 alphabet in lower case: letters and digits that CloudAPI's name rule, tag
/// filters and DNS all leave alone.
const BASE32: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";

fn write_base32(value: u128, out: &mut fmt::Formatter<'_>) -> fmt::Result {
    use core::fmt::Write as _;
    for place in (0..BASE32_LEN).rev() {
        let index = (value >> (place * 5)) as usize & 31;
        out.write_char(BASE32[index] as char)?;
    }
    Ok(())
}

fn parse_base32(text: &str) -> Option<u128> {
    if text.len() != BASE32_LEN {
        return None;
    }
    let mut value: u128 = 0;
    for byte in text.bytes() {
        let digit = match byte {
            b'a'..=b'z' => byte - b'a',
            b'2'..=b'7' => byte - b'2' + 26,
            _ => return None,
        };
        if value >> (128 - 5) != 0 {
            return None;
        }
        value = value << 5 | u128::from(digit);
    }
    Some(value)
}

macro_rules! base32_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name {
            /// Two words: compared and moved as such, and aligned to no more than a word.
            high: u64,
            low: u64,
        }

        impl $name {
            /// From 128 bits that the caller has drawn; see `ports::Entropy`.
            pub const fn from_bits(bits: u128) -> Self {
                Self { high: (bits >> 64) as u64, low: bits as u64 }
            }

            /// The 128 bits.
            pub const fn bits(self) -> u128 {
                (self.high as u128) << 64 | self.low as u128
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                write_base32(self.bits(), out)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(out, concat!(stringify!($name), "({})"), self)
            }
        }

        impl FromStr for $name {
            type Err = InvalidId;

            fn from_str(text: &str) -> Result<Self, InvalidId> {
                parse_base32(text)
                    .map(Self::from_bits)
                    .ok_or_else(|| InvalidId::new(text, "26 characters of a-z and 2-7"))
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
                to.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                let text = <alloc::borrow::Cow<'de, str>>::deserialize(from)?;
                text.parse().map_err(de::Error::custom)
            }
        }
    };
}

base32_id! {
    /// One operation: the durable record of one intended instance, from intent to its end.
    ///
    /// 128 random bits, written as 26 characters of base32; it is part of the instance's name
    /// and tags, and is never used again for another slot.
    OperationId
}
base32_id! {
    /// This installation of tsg. Two installations that manage one account tell their instances
    /// apart by it.
    DeploymentId
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    #[test]
    fn base32_round_trips_at_the_edges() {
        for bits in [0, 1, 31, 32, u128::MAX, u128::MAX >> 1, 0x0123_4567_89ab_cdef << 64] {
            let id = OperationId::from_bits(bits);
            assert_eq!(id.to_string().len(), BASE32_LEN);
            assert_eq!(id.to_string().parse::<OperationId>(), Ok(id));
        }
    }

    #[test]
    fn base32_refuses_what_it_would_not_write() {
        let too_big = "z".repeat(26);
        for text in ["", "a", "AAAAAAAAAAAAAAAAAAAAAAAAAA", "1aaaaaaaaaaaaaaaaaaaaaaaaa", too_big.as_str()] {
            assert!(text.parse::<OperationId>().is_err(), "{text}");
        }
    }

    #[test]
    fn uuids_are_read_in_one_form_only() {
        assert!("437c560d-b1a9-4dae-b3b3-6dbabb7d23a7".parse::<GroupId>().is_ok());
        assert!("437c560db1a94daeb3b36dbabb7d23a7".parse::<GroupId>().is_err());
        assert!("{437c560d-b1a9-4dae-b3b3-6dbabb7d23a7}".parse::<GroupId>().is_err());
    }
}
