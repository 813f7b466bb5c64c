//! Tags: the typed values CloudAPI keeps, and the tags by which tsg knows its own instances.
//!
//! Owns the reserved keys and their written form. A tag is a cross-check and a way to look
//! things up; must never be taken as permission to delete.

use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::{String, ToString};

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

/// Tags by key, ordered.
pub type Tags = BTreeMap<String, TagValue>;

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
        tags.insert(GROUP.to_string(), TagValue::Text(format!("g{}", self.group.uuid().simple())));
        tags.insert(OPERATION.to_string(), TagValue::Text(Self::operation_value(self.operation)));
        tags.insert(REVISION.to_string(), TagValue::Text(format!("v{}", self.revision)));
        tags.insert(SEQUENCE.to_string(), TagValue::Text(format!("s{}", self.sequence)));
        tags.insert(V1_GROUP_NAME.to_string(), group.as_str().into());
        tags.insert(V1_TEMPLATE.to_string(), TagValue::Text(template.to_string()));
        tags
    }

    /// The value of the [`OPERATION`] tag, to filter a list by.
    pub fn operation_value(operation: OperationId) -> String {
        format!("o{operation}")
    }

    /// Reads a claim from single tag values, `None` unless all five are there and well formed.
    ///
    /// Takes a look-up, not a map, so that a wire parser can answer from borrowed text.
    pub fn read<'a>(value_of: impl Fn(&str) -> Option<&'a str>) -> Option<Self> {
        let group = value_of(GROUP)?.strip_prefix('g')?;
        Some(Self {
            manager: value_of(MANAGER)?.strip_prefix('m')?.parse().ok()?,
            group: GroupId::new(uuid::Uuid::try_parse(group).ok()?),
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
