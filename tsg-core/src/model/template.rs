//! Templates: the immutable description of an instance.
//!
//! Owns what a template may say. Must never change one after it was made.

use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::id::{ImageId, NetworkId, PackageId, TemplateId};
use super::name::TemplateName;
use super::tag::{self, Tags};
use super::time::Timestamp;
use crate::placement::rule::{InvalidPlacement, PlacementSpec};

/// The largest request body CloudAPI takes is 100,000 bytes; what a template may add to one
/// stays well under it, so that names, tags and JSON escapes fit beside it.
pub const CONTENT_MAX_BYTES: usize = 80_000;

/// What the instances of a group are made from. Validate with [`TemplateSpec::check`] before
/// it is kept.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TemplateSpec {
    /// What people call it; unique in the account.
    pub name: TemplateName,
    /// The size.
    pub package: PackageId,
    /// The image.
    pub image: ImageId,
    /// The networks to attach, in order. Empty: CloudAPI chooses.
    pub networks: Vec<NetworkId>,
    /// Whether Triton's Cloud Firewall is on.
    pub firewall_enabled: bool,
    /// Handed to the instance as metadata `user-data`. Empty: none.
    pub userdata: String,
    /// Metadata by key.
    pub metadata: BTreeMap<String, String>,
    /// Tags by key; keys that begin with `tsg` are tsg's own and refused.
    pub tags: Tags,
    /// Where instances may go, and where they would rather go. A group's own placement stands
    /// instead of it. Empty: wherever the cloud puts them.
    #[serde(default, skip_serializing_if = "PlacementSpec::is_default")]
    pub placement: PlacementSpec,
}

/// Why a template cannot be kept.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum InvalidTemplate {
    /// A tag key that belongs to tsg.
    #[error("the tag {0:?} is reserved: keys that begin with \"tsg\" are set by tsg itself")]
    ReservedTag(String),
    /// A key CloudAPI would expand, merge or refuse.
    #[error("the {kind} key {key:?} is not allowed: use 1 to 128 of letters, digits, '_', '.', '-' and ':'")]
    Key {
        /// `tag` or `metadata`.
        kind: &'static str,
        /// The key.
        key: String,
    },
    /// Metadata that CloudAPI sets or swallows.
    #[error("the metadata key {0:?} cannot be set: CloudAPI keeps it for itself")]
    ProtectedMetadata(String),
    /// `userdata` and a metadata key `user-data` that disagree.
    #[error("give either `userdata` or the metadata key \"user-data\", not both")]
    TwoUserData,
    /// More text than one create request can carry.
    #[error(
        "the template holds {0} bytes of metadata, tags and userdata; at most {CONTENT_MAX_BYTES} fit into one CloudAPI request"
    )]
    TooLarge(usize),
    /// Placement that cannot be kept.
    #[error(transparent)]
    Placement(#[from] InvalidPlacement),
}

impl TemplateSpec {
    /// Checks everything that can be known without asking the cloud.
    ///
    /// ```
    /// use tsg_core::model::template::{InvalidTemplate, TemplateSpec};
    ///
    /// let mut spec: TemplateSpec = serde_json::from_str(r#"{
    ///     "name": "web", "package": "00000000-0000-0000-0000-000000000001",
    ///     "image": "00000000-0000-0000-0000-000000000002", "networks": [], "firewall_enabled": true,
    ///     "userdata": "", "metadata": {}, "tags": {"role": "web"}
    /// }"#)?;
    /// assert_eq!(spec.check(), Ok(()));
    /// spec.tags.insert("tsgop".into(), "mine".into());
    /// assert_eq!(spec.check(), Err(InvalidTemplate::ReservedTag("tsgop".into())));
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    ///
    /// # Errors
    /// The first rule that is broken.
    pub fn check(&self) -> Result<(), InvalidTemplate> {
        for key in self.tags.keys() {
            if tag::is_reserved(key) {
                return Err(InvalidTemplate::ReservedTag(key.clone()));
            }
            check_key("tag", key)?;
        }
        for key in self.metadata.keys() {
            check_key("metadata", key)?;
            if matches!(key.as_str(), "root_authorized_keys" | "credentials") || key.ends_with("_pw") {
                return Err(InvalidTemplate::ProtectedMetadata(key.clone()));
            }
        }
        if !self.userdata.is_empty() && self.metadata.contains_key("user-data") {
            return Err(InvalidTemplate::TwoUserData);
        }
        self.placement.check()?;
        match self.content_bytes() {
            size if size > CONTENT_MAX_BYTES => Err(InvalidTemplate::TooLarge(size)),
            _ => Ok(()),
        }
    }

    fn content_bytes(&self) -> usize {
        let metadata: usize = self.metadata.iter().map(|(key, value)| key.len() + value.len()).sum();
        let tags: usize = self.tags.iter().map(|(key, value)| key.len() + text_len(value)).sum();
        metadata + tags + self.userdata.len()
    }
}

fn text_len(value: &tag::TagValue) -> usize {
    match value {
        tag::TagValue::Text(text) => text.len(),
        tag::TagValue::Bool(_) | tag::TagValue::Number(_) => 24,
    }
}

fn check_key(kind: &'static str, key: &str) -> Result<(), InvalidTemplate> {
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-' | b':');
    if (1..=128).contains(&key.len()) && key.bytes().all(is_allowed) {
        Ok(())
    } else {
        Err(InvalidTemplate::Key { kind, key: key.chars().take(64).collect() })
    }
}

/// A template as it is kept: immutable.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Template {
    /// Its id.
    pub id: TemplateId,
    /// What it says.
    pub spec: TemplateSpec,
    /// When it was made.
    pub created_at: Timestamp,
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;
    use uuid::Uuid;

    fn spec() -> TemplateSpec {
        TemplateSpec {
            name: "web".parse().unwrap(),
            package: PackageId::new(Uuid::from_u128(1)),
            image: ImageId::new(Uuid::from_u128(2)),
            networks: Vec::new(),
            firewall_enabled: false,
            userdata: String::new(),
            metadata: BTreeMap::new(),
            tags: Tags::new(),
            placement: PlacementSpec::default(),
        }
    }

    #[test]
    fn what_cloudapi_or_tsg_owns_is_refused() {
        let mut reserved = spec();
        reserved.tags.insert("tsg.name".to_string(), "x".into());
        assert_eq!(reserved.check(), Err(InvalidTemplate::ReservedTag("tsg.name".to_string())));

        let mut spaced = spec();
        spaced.metadata.insert("a b".to_string(), String::new());
        assert!(matches!(spaced.check(), Err(InvalidTemplate::Key { kind: "metadata", .. })));

        let mut protected = spec();
        protected.metadata.insert("admin_pw".to_string(), String::new());
        assert!(matches!(protected.check(), Err(InvalidTemplate::ProtectedMetadata(_))));

        let mut twice = spec();
        twice.userdata = "a".to_string();
        twice.metadata.insert("user-data".to_string(), "b".to_string());
        assert_eq!(twice.check(), Err(InvalidTemplate::TwoUserData));

        let mut large = spec();
        large.userdata = "x".repeat(CONTENT_MAX_BYTES + 1);
        assert_eq!(large.check(), Err(InvalidTemplate::TooLarge(CONTENT_MAX_BYTES + 1)));
        assert_eq!(spec().check(), Ok(()));
    }
}
