//! Which type is kept under which kind and id. Owns the shape of every key; must never change
//! one that has been written.
//!
//! ```
//! use tsg_core::model::id::{GroupId, OperationId};
//! use tsg_core::records::kinds::{audit_key, group_prefix, operation_key};
//!
//! let group = GroupId::new(uuid::Uuid::from_u128(1));
//! assert_eq!(group_prefix(group), "00000000-0000-0000-0000-000000000001/");
//! assert!(operation_key(group, OperationId::from_bits(42)).ends_with("0001/aaaaaaaaaaaaaaaaaaaaaaaabk"));
//! assert!(audit_key(group, 9) < audit_key(group, 10), "ids sort as numbers do");
//! ```

use alloc::format;
use alloc::string::{String, ToString};

use serde::{Deserialize, Serialize};

use super::codec::Stored;
use crate::model::audit::AuditEntry;
use crate::model::group::{Group, LedgerHead};
use crate::model::id::{GroupId, InstanceId, OperationId, TemplateId};
use crate::model::name::{GroupName, TemplateName};
use crate::model::operation::Operation;
use crate::model::template::Template;
use crate::ports::store::Kind;

impl Stored for Template {
    const KIND: Kind = Kind::Template;

    fn id(&self) -> String {
        self.id.to_string()
    }
}

impl Stored for Group {
    const KIND: Kind = Kind::Group;

    fn id(&self) -> String {
        self.id.to_string()
    }
}

impl Stored for LedgerHead {
    const KIND: Kind = Kind::Ledger;

    fn id(&self) -> String {
        self.group.to_string()
    }
}

/// The prefix under which everything of one group's operations or audit stands.
pub fn group_prefix(group: GroupId) -> String {
    format!("{group}/")
}

/// The id of an operation's record.
pub fn operation_key(group: GroupId, operation: OperationId) -> String {
    format!("{group}/{operation}")
}

/// The id of an audit entry's record; zero-padded, so that ids sort as numbers do.
pub fn audit_key(group: GroupId, sequence: u64) -> String {
    format!("{group}/{sequence:020}")
}

impl Stored for Operation {
    const KIND: Kind = Kind::Operation;

    fn id(&self) -> String {
        operation_key(self.group, self.id)
    }
}

impl Stored for AuditEntry {
    const KIND: Kind = Kind::Audit;

    fn id(&self) -> String {
        audit_key(self.group, self.sequence)
    }
}

/// A group name in use.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TakenGroupName {
    /// The name.
    pub name: GroupName,
    /// Whose it is.
    pub group: GroupId,
}

impl Stored for TakenGroupName {
    const KIND: Kind = Kind::GroupName;

    fn id(&self) -> String {
        self.name.to_string()
    }
}

/// A template name in use.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TakenTemplateName {
    /// The name.
    pub name: TemplateName,
    /// Whose it is.
    pub template: TemplateId,
}

impl Stored for TakenTemplateName {
    const KIND: Kind = Kind::TemplateName;

    fn id(&self) -> String {
        self.name.to_string()
    }
}

/// A machine that belongs to an operation: unique, so that no machine is ever in two groups.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OwnedInstance {
    /// The machine.
    pub instance: InstanceId,
    /// Its group.
    pub group: GroupId,
    /// Its operation.
    pub operation: OperationId,
}

impl Stored for OwnedInstance {
    const KIND: Kind = Kind::Instance;

    fn id(&self) -> String {
        self.instance.to_string()
    }
}
