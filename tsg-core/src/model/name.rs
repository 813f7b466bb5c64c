//! Names: what people call templates and groups, and what instances are called in the cloud.
//!
//! Owns the rules for both. Must never let through a character that CloudAPI, its tag filters or
//! its `{{shortId}}` substitution would treat specially.

use alloc::format;
use alloc::string::{String, ToString};
use core::fmt;
use core::str::FromStr;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::id::{BASE32_LEN, OperationId};

/// Longest group or template name, in characters: TSG v1 allowed 182.
pub const NAME_MAX: usize = 182;

/// Longest group part of an instance name. With the dash and the operation id an instance name
/// has at most 59 characters; CloudAPI allows 63 on accounts with CNS.
pub const SLUG_MAX: usize = 32;

/// Why a text cannot be a name.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum InvalidName {
    /// Nothing was given.
    #[error("the name is empty; give 1 to {NAME_MAX} characters")]
    Empty,
    /// More than [`NAME_MAX`] characters.
    #[error("the name has {0} characters; at most {NAME_MAX} are allowed")]
    TooLong(usize),
    /// A character outside `[a-zA-Z0-9_.-]`, or a first one that is not a letter or digit.
    #[error(
        "the name has {character:?} at position {position}; use letters, digits, '_', '.' and '-', \
         and begin with a letter or digit"
    )]
    Character {
        /// The offending character.
        character: char,
        /// Its place, counted in characters from 1.
        position: usize,
    },
}

fn check_name(text: &str) -> Result<(), InvalidName> {
    if text.is_empty() {
        return Err(InvalidName::Empty);
    }
    let length = text.chars().count();
    if length > NAME_MAX {
        return Err(InvalidName::TooLong(length));
    }
    for (index, character) in text.chars().enumerate() {
        let is_plain = character.is_ascii_alphanumeric();
        let is_inner = index > 0 && matches!(character, '_' | '.' | '-');
        if !is_plain && !is_inner {
            return Err(InvalidName::Character { character, position: index + 1 });
        }
    }
    Ok(())
}

macro_rules! person_given_name {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// The text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = InvalidName;

            fn from_str(text: &str) -> Result<Self, InvalidName> {
                check_name(text).map(|()| Self(text.to_string()))
            }
        }

        impl TryFrom<String> for $name {
            type Error = InvalidName;

            fn try_from(text: String) -> Result<Self, InvalidName> {
                check_name(&text).map(|()| Self(text))
            }
        }

        impl From<$name> for String {
            fn from(name: $name) -> Self {
                name.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str(&self.0)
            }
        }
    };
}

person_given_name! {
    /// A service group's name, unique in its account among groups that are not being deleted.
    GroupName
}
person_given_name! {
    /// A template's name, unique in its account.
    TemplateName
}

impl GroupName {
    /// The group's part of its instances' names: lower case `[a-z0-9-]`, at most
    /// [`SLUG_MAX`] characters, beginning with a letter or digit.
    pub fn slug(&self) -> String {
        let mut slug = String::with_capacity(SLUG_MAX);
        for character in self.0.chars().take(SLUG_MAX) {
            let lower = character.to_ascii_lowercase();
            slug.push(if lower.is_ascii_alphanumeric() { lower } else { '-' });
        }
        slug
    }

    /// The name of the one instance that `operation` may ever create.
    pub fn instance_name(&self, operation: OperationId) -> String {
        format!("{}-{operation}", self.slug())
    }
}

/// The operation that an instance's name carries, if it has the form that
/// [`GroupName::instance_name`] writes.
///
/// ```
/// use tsg_core::model::{id::OperationId, name::{GroupName, operation_of}};
///
/// let group: GroupName = "Jolly.Jelly".parse()?;
/// let operation = OperationId::from_bits(42);
/// assert_eq!(operation_of(&group.instance_name(operation)), Some(operation));
/// assert_eq!(operation_of("somebody-elses-machine"), None);
/// # Ok::<(), tsg_core::model::name::InvalidName>(())
/// ```
pub fn operation_of(instance_name: &str) -> Option<OperationId> {
    let (slug, tail) = instance_name.split_at_checked(instance_name.len().checked_sub(BASE32_LEN + 1)?)?;
    let id = tail.strip_prefix('-')?;
    if slug.is_empty() { None } else { id.parse().ok() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_refused_with_the_place_of_the_fault() {
        let cases = [
            ("", InvalidName::Empty),
            ("web{{shortId}}", InvalidName::Character { character: '{', position: 4 }),
            ("-web", InvalidName::Character { character: '-', position: 1 }),
            ("grün", InvalidName::Character { character: 'ü', position: 3 }),
            ("a b", InvalidName::Character { character: ' ', position: 2 }),
        ];
        for (text, expected) in cases {
            assert_eq!(text.parse::<GroupName>(), Err(expected), "{text:?}");
        }
        assert_eq!("x".repeat(183).parse::<GroupName>(), Err(InvalidName::TooLong(183)));
        assert!("x".repeat(182).parse::<GroupName>().is_ok());
    }

    #[test]
    fn an_instance_name_fits_cloudapi_with_cns() {
        let name: GroupName = "Z".repeat(182).parse().unwrap();
        let instance = name.instance_name(OperationId::from_bits(u128::MAX));
        assert!(instance.len() <= 63, "{instance}");
        assert!(instance.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-'));
    }

    #[test]
    fn foreign_names_carry_no_operation() {
        for name in ["", "-aaaaaaaaaaaaaaaaaaaaaaaaaa", "ü-aaaaaaaaaaaaaaaaaaaaaaaaa", "web-1"] {
            assert_eq!(operation_of(name), None, "{name:?}");
        }
    }
}
