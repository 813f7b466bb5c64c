//! How much may be unhealthy before repairs do more harm than good.
//!
//! Owns the short circuit's limits. Must never judge an instance.

use alloc::format;
use alloc::string::String;
use core::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::invalid::{InvalidPolicy, share, some};
use crate::model::amount::Amount;
use crate::model::span::Span;

/// The `max_unhealthy` block. In a policy its limit may also stand alone: `max_unhealthy: 40%`.
///
/// ```
/// use tsg_core::model::policy::MaxUnhealthy;
///
/// let share = MaxUnhealthy::default();
/// assert_eq!(share.limit_of(10), 4, "40 % of ten");
/// assert!(share.permits(4, 10) && !share.permits(5, 10));
///
/// let range: MaxUnhealthy = serde_json::from_str(r#"{"range": "[2-5]"}"#)?;
/// assert!(!range.permits(1, 10) && range.permits(2, 10));
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct MaxUnhealthy {
    /// How many of the wanted instances may be unhealthy or missing; a share rounds down, to one
    /// at least. Default: 40 %.
    pub limit: Amount,
    /// Repairs only while so many are unhealthy, both ends included; takes the place of `limit`.
    /// Written as `"[2-5]"`. Default: none.
    #[serde(serialize_with = "write_range", deserialize_with = "read_range")]
    pub range: Option<[u32; 2]>,
    /// How far back failures are counted. Default: 10 min.
    pub window: Span,
    /// How long the group must stay under the limit before repairs go on. Default: 5 min.
    pub clear_after: Span,
    /// Whether missing capacity is made up for while repairs are held. Default: no.
    pub add_while_held: bool,
}

impl Default for MaxUnhealthy {
    fn default() -> Self {
        Self {
            limit: Amount::Percent(40),
            range: None,
            window: Span::from_mins(10),
            clear_after: Span::from_mins(5),
            add_while_held: false,
        }
    }
}

impl MaxUnhealthy {
    /// How many of `desired` instances may be unhealthy: one at least, since a limit of none
    /// would keep a group of one or two from ever healing.
    pub const fn limit_of(&self, desired: u32) -> u32 {
        self.limit.at_least_one_of(desired)
    }

    /// Whether repairs may go on with so many of `desired` instances unhealthy.
    pub const fn permits(&self, unhealthy: u32, desired: u32) -> bool {
        match self.range {
            Some([least, most]) => least <= unhealthy && unhealthy <= most,
            None => unhealthy <= self.limit_of(desired),
        }
    }
}

impl MaxUnhealthy {
    pub(super) fn check(&self) -> Result<(), InvalidPolicy> {
        share("max_unhealthy.limit", self.limit)?;
        let instead = "1 or more, or `replace.mode: detect_only` to repair nothing";
        some("max_unhealthy.limit", self.limit.is_zero(), "nothing could ever be repaired", instead)?;
        some("max_unhealthy.window", self.window.is_zero(), "no failure would ever count", "\"10m\"")?;
        match self.range {
            Some([least, most]) if least > most => Err(InvalidPolicy::Range { least, most }),
            _ => Ok(()),
        }
    }
}

fn write_range<S: Serializer>(range: &Option<[u32; 2]>, to: S) -> Result<S::Ok, S::Error> {
    match range {
        Some([least, most]) => to.serialize_some(&format!("[{least}-{most}]")),
        None => to.serialize_none(),
    }
}

fn read_range<'de, D: Deserializer<'de>>(from: D) -> Result<Option<[u32; 2]>, D::Error> {
    let Some(text) = Option::<String>::deserialize(from)? else { return Ok(None) };
    let refused = || de::Error::invalid_value(de::Unexpected::Str(&text), &"a range such as \"[2-5]\"");
    parse_range(&text).map(Some).ok_or_else(refused)
}

fn parse_range(text: &str) -> Option<[u32; 2]> {
    let (least, most) = text.strip_prefix('[')?.strip_suffix(']')?.split_once('-')?;
    let number = |digits: &str| if digits.starts_with('+') { None } else { digits.parse().ok() };
    Some([number(least)?, number(most)?])
}

/// Reads the whole block, or its limit alone.
pub(super) fn block_or_limit<'de, D: Deserializer<'de>>(from: D) -> Result<MaxUnhealthy, D::Error> {
    from.deserialize_any(BlockOrLimit)
}

struct BlockOrLimit;

impl<'de> de::Visitor<'de> for BlockOrLimit {
    type Value = MaxUnhealthy;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a limit such as \"40%\", or a block with `limit`, `range`, `window` and others")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<MaxUnhealthy, E> {
        limit(de::value::StrDeserializer::new(text))
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> Result<MaxUnhealthy, E> {
        limit(de::value::U64Deserializer::new(number))
    }

    fn visit_i64<E: de::Error>(self, number: i64) -> Result<MaxUnhealthy, E> {
        limit(de::value::I64Deserializer::new(number))
    }

    fn visit_map<A: de::MapAccess<'de>>(self, block: A) -> Result<MaxUnhealthy, A::Error> {
        MaxUnhealthy::deserialize(de::value::MapAccessDeserializer::new(block))
    }
}

fn limit<'de, D: Deserializer<'de>>(from: D) -> Result<MaxUnhealthy, D::Error> {
    Ok(MaxUnhealthy { limit: Amount::deserialize(from)?, ..MaxUnhealthy::default() })
}
