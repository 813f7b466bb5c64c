//! Tags: the typed values CloudAPI keeps, and the tags by which tsg knows its own instances.
//!
//! Owns the reserved keys and their written form. A tag is a cross-check and a way to look
//! things up; must never be taken as permission to delete.

use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::{String, ToString};
use core::fmt;

use serde::{Deserialize, Serialize};

use super::id::{DeploymentId, GroupId, OperationId, TemplateId};
use super::name::GroupName;

/// A tag's value with its JSON type, which CloudAPI keeps.
#[derive(Debug, Clone, PartialEq, PartialOrd, Serialize, Deserialize)]
#[serde(untagged)]
pub enum TagValue {
    /// `true` or `false`.
    Bool(bool),
    /// A number; integral ones stay integral on the wire.
    Number(f64),
    /// Text.
    Text(String),
}

impl From<&str> for TagValue {
    fn from(text: &str) -> Self {
        Self::Text(text.to_string())
    }
}

/// The value of a tag or metadatum as a reply shows it: text mostly, but other clients can store
/// the rest. Written as CloudAPI compares it, which is JavaScript's way to write numbers.
///
/// ```
/// use tsg_core::model::tag::SeenValue;
/// assert_eq!(SeenValue::Text("1.0").to_string(), "1.0");
/// assert_eq!(SeenValue::Number(1.0).to_string(), "1");
/// assert_eq!(SeenValue::Number(1e21).to_string(), "1e+21");
/// assert_eq!(SeenValue::Flag(true).to_string(), "true");
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum SeenValue<'a> {
    /// Text.
    Text(&'a str),
    /// `true` or `false`.
    Flag(bool),
    /// A number.
    Number(f64),
    /// Null, a list or an object: CloudAPI stores none, so nobody can mean anything by it.
    Foreign,
}

impl fmt::Display for SeenValue<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => out.write_str(text),
            Self::Flag(value) => write!(out, "{value}"),
            Self::Number(number) => write_number(*number, out),
            Self::Foreign => Ok(()),
        }
    }
}

/// Where JavaScript takes to powers of ten.
const LARGE: f64 = 1e21;
/// Below this too.
const SMALL: f64 = 1e-6;

fn write_number(number: f64, out: &mut fmt::Formatter<'_>) -> fmt::Result {
    let size = number.abs();
    if size == 0.0 {
        // There is a negative one, and nobody sees it.
        return out.write_str("0");
    }
    if size.is_infinite() {
        return out.write_str(if number > 0.0 { "Infinity" } else { "-Infinity" });
    }
    if !(SMALL..LARGE).contains(&size) && !size.is_nan() {
        let sign = if size < SMALL { "e" } else { "e+" };
        return out.write_str(&format!("{number:e}").replace('e', sign));
    }
    write!(out, "{number}")
}

/// Tags by key, ordered.
pub type Tags = BTreeMap<String, TagValue>;

/// CNS: the services that it answers with an instance for.
pub const CNS_SERVICES: &str = "triton.cns.services";
/// Names the deployment: `m` and its 26 characters.
pub const MANAGER: &str = "tsgmgr";
/// Names the group: `g` and 32 hexadecimal digits.
pub const GROUP: &str = "tsggroup";
/// Names the operation: `o` and its 26 characters.
pub const OPERATION: &str = "tsgop";
/// Names the revision: `v` and its number.
pub const REVISION: &str = "tsgver";
/// Names the place in the group's ledger: `s` and its number.
pub const SEQUENCE: &str = "tsgseq";
/// TSG v1's tag with the group's name.
pub const V1_GROUP_NAME: &str = "tsg.name";
/// TSG v1's tag with the template's id.
pub const V1_TEMPLATE: &str = "tsg.template";

/// Whether a user may not set this key: it belongs to tsg.
///
/// Keys that begin with `triton.` are CloudAPI's own closed list and are left to CloudAPI.
pub fn is_reserved(key: &str) -> bool {
    key.starts_with("tsg")
}

/// What an instance's tags say about where it came from. All values begin with a letter, since
/// CloudAPI's filters match numeric and boolean looking text in two ways.
///
/// ```
/// use tsg_core::model::id::{DeploymentId, GroupId, OperationId, TemplateId};
/// use tsg_core::model::tag::{Claim, TagValue, is_reserved};
/// use uuid::Uuid;
///
/// let claim = Claim {
///     manager: DeploymentId::from_bits(7),
///     group: GroupId::new(Uuid::from_u128(8)),
///     operation: OperationId::from_bits(9),
///     revision: 10,
///     sequence: 11,
/// };
/// let tags = claim.tags(&"web".parse()?, TemplateId::new(Uuid::from_u128(12)));
/// assert_eq!(tags["tsgver"], "v10".into());
/// assert!(tags.keys().all(|key| is_reserved(key)));
///
/// let read = Claim::read(|key| match tags.get(key) {
///     Some(TagValue::Text(text)) => Some(text.as_str()),
///     _ => None,
/// });
/// assert_eq!(read, Some(claim));
/// # Ok::<(), tsg_core::model::name::InvalidName>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Claim {
    /// Which installation of tsg.
    pub manager: DeploymentId,
    /// Which group.
    pub group: GroupId,
    /// Which operation.
    pub operation: OperationId,
    /// Which revision of the group it was created from.
    pub revision: u32,
    /// Its place in the group's ledger.
    pub sequence: u64,
}

impl Claim {
    /// The tags to put on the instance, the two of TSG v1 among them.
    pub fn tags(&self, group: &GroupName, template: TemplateId) -> Tags {
        let mut tags = Tags::new();
        tags.insert(MANAGER.to_string(), TagValue::Text(format!("m{}", self.manager)));
        tags.insert(GROUP.to_string(), TagValue::Text(Self::group_value(self.group)));
        tags.insert(OPERATION.to_string(), TagValue::Text(Self::operation_value(self.operation)));
        tags.insert(REVISION.to_string(), TagValue::Text(format!("v{}", self.revision)));
        tags.insert(SEQUENCE.to_string(), TagValue::Text(format!("s{}", self.sequence)));
        tags.insert(V1_GROUP_NAME.to_string(), group.as_str().into());
        tags.insert(V1_TEMPLATE.to_string(), TagValue::Text(template.to_string()));
        tags
    }

    /// The value of the [`GROUP`] tag.
    ///
    /// ```
    /// use tsg_core::model::id::GroupId;
    /// use tsg_core::model::tag::Claim;
    ///
    /// let group = GroupId::new(uuid::Uuid::from_u128(8));
    /// let value = Claim::group_value(group);
    /// assert_eq!(value, "g00000000000000000000000000000008");
    /// assert_eq!(Claim::group_of(&value), Some(group));
    /// ```
    pub fn group_value(group: GroupId) -> String {
        format!("g{}", group.uuid().simple())
    }

    /// The group that a [`GROUP`] tag names.
    pub fn group_of(value: &str) -> Option<GroupId> {
        uuid::Uuid::try_parse(value.strip_prefix('g')?).ok().map(GroupId::new)
    }

    /// The value of the [`OPERATION`] tag, to filter a list by.
    pub fn operation_value(operation: OperationId) -> String {
        format!("o{operation}")
    }

    /// Reads a claim from single tag values, `None` unless all five are there and well formed.
    ///
    /// Takes a look-up, not a map, so that a wire parser can answer from borrowed text.
    pub fn read<'a>(value_of: impl Fn(&str) -> Option<&'a str>) -> Option<Self> {
        Some(Self {
            manager: value_of(MANAGER)?.strip_prefix('m')?.parse().ok()?,
            group: Self::group_of(value_of(GROUP)?)?,
            operation: value_of(OPERATION)?.strip_prefix('o')?.parse().ok()?,
            revision: value_of(REVISION)?.strip_prefix('v')?.parse().ok()?,
            sequence: value_of(SEQUENCE)?.strip_prefix('s')?.parse().ok()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_written_as_javascript_writes_them() {
        let table = [
            (0.0, "0"),
            (-0.0, "0"),
            (3.0, "3"),
            (-2.5, "-2.5"),
            (0.1 + 0.2, "0.30000000000000004"),
            (9_007_199_254_740_993.0, "9007199254740992"),
            (18_446_744_073_709_551_615.0, "18446744073709552000"),
            (123_456_789_012_345_680_000.0, "123456789012345680000"),
            (1e21, "1e+21"),
            (-1.25e300, "-1.25e+300"),
            (0.000_001, "0.000001"),
            (0.000_000_15, "1.5e-7"),
            (-5e-324, "-5e-324"),
            (f64::INFINITY, "Infinity"),
            (f64::NEG_INFINITY, "-Infinity"),
            (f64::NAN, "NaN"),
        ];
        for (number, text) in table {
            assert_eq!(SeenValue::Number(number).to_string(), text);
        }
        assert_eq!(SeenValue::Flag(false).to_string(), "false");
        assert_eq!(SeenValue::Foreign.to_string(), "");
    }

    #[test]
    fn a_claim_reads_back_from_its_own_tags() {
        let claim = Claim {
            manager: DeploymentId::from_bits(7),
            group: GroupId::new(uuid::Uuid::from_u128(8)),
            operation: OperationId::from_bits(9),
            revision: 10,
            sequence: 11,
        };
        let tags = claim.tags(&"web".parse().unwrap(), TemplateId::new(uuid::Uuid::from_u128(12)));
        let value_of = |key: &str| match tags.get(key) {
            Some(TagValue::Text(text)) => Some(text.as_str()),
            _ => None,
        };
        assert_eq!(Claim::read(value_of), Some(claim));
        assert_eq!(Claim::read(|key| if key == OPERATION { None } else { value_of(key) }), None);
        assert!(tags.keys().all(|key| is_reserved(key)));
    }
}
