//! Service groups: the user's intent, and the ledger head that all writers of a group meet at.
//!
//! Owns the two records. Must never hold anything observed; that is a snapshot's part.

use alloc::boxed::Box;
use alloc::string::String;

use serde::{Deserialize, Serialize};

use super::fingerprint::Fingerprint;
use super::id::{GroupId, TemplateId};
use super::name::GroupName;
use super::policy::{Policy, UpdateMode, UpdatePolicy};
use super::revision::RevisionLog;
use super::template::TemplateSpec;
use super::time::Timestamp;
use crate::health::spec::HealthSpec;
use crate::placement::rule::PlacementSpec;
use crate::plan::input::Orders;
use crate::plan::memory::PlanMemory;

/// What a group is on its way to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Lifecycle {
    /// Kept at its capacity.
    Active,
    /// Being torn down: every instance of it is deleted, then the group is forgotten.
    Deleting,
}

/// A stop that a person put on the group: no request that changes anything is sent until they
/// lift it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Freeze {
    /// Who froze it.
    pub by: String,
    /// Why, in their words.
    pub reason: String,
    /// Since when.
    pub since: Timestamp,
}

/// A service group as the user wants it: `capacity` instances of one template.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Group {
    /// Its id.
    pub id: GroupId,
    /// Its name.
    pub name: GroupName,
    /// What new instances are made from.
    pub template: TemplateId,
    /// Goes up by one each time the template's content changes; instances say which one made
    /// them.
    pub revision: u32,
    /// How many instances are wanted.
    pub capacity: u32,
    /// Active, or on its way out.
    pub lifecycle: Lifecycle,
    /// Set while a person has stopped it.
    pub freeze: Option<Freeze>,
    /// Goes up with each freeze, so that a request planned before one can be told apart.
    pub freeze_epoch: u64,
    /// When it was made.
    pub created_at: Timestamp,
    /// When the user last changed it.
    pub updated_at: Timestamp,
    /// How it is updated, repaired and scaled. A group from before there were policies has
    /// [`Group::first_policy`].
    #[serde(default = "Group::first_policy")]
    pub policy: Box<Policy>,
    /// The revisions that are remembered; none of a group from before they were.
    #[serde(default)]
    pub revisions: RevisionLog,
    /// What a person told its rollout and its repair to do.
    #[serde(default)]
    pub orders: Orders,
    /// Where instances may go, instead of what their template says of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub placement: Option<Box<PlacementSpec>>,
    /// How it is known whether an instance is well. `None`: one that runs is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub health: Option<Box<HealthSpec>>,
}

impl Group {
    /// Where instances of a template may go in this group: as the group says, and if it says
    /// nothing, as the template does.
    pub fn placement_of<'a>(&'a self, template: &'a TemplateSpec) -> &'a PlacementSpec {
        self.placement.as_deref().unwrap_or(&template.placement)
    }

    /// The policy of a group whose owner never chose one, as TSG v1 had it: a new template is for
    /// new instances, and nothing is rolled out.
    ///
    /// ```
    /// use tsg_core::model::group::Group;
    /// use tsg_core::model::policy::UpdateMode;
    /// assert_eq!(Group::first_policy().update.mode, UpdateMode::OnCreate);
    /// ```
    pub fn first_policy() -> Box<Policy> {
        let update = UpdatePolicy { mode: UpdateMode::OnCreate, ..UpdatePolicy::default() };
        Box::new(Policy { update, ..Policy::default() })
    }

    /// How many instances there should be now: none once the group is being deleted.
    pub fn wanted(&self) -> u32 {
        match self.lifecycle {
            Lifecycle::Active => self.capacity,
            Lifecycle::Deleting => 0,
        }
    }
}

/// The head of a group's ledger: one small record that every commit which takes a slot, sends a
/// request or writes audit compares and replaces.
///
/// Safety rests on it: two servers that both believe they own a group meet here, and one of
/// them loses.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LedgerHead {
    /// Which group.
    pub group: GroupId,
    /// The sequence number of the newest operation; `tsgseq` of its instance.
    pub sequence: u64,
    /// The number of the newest audit entry.
    pub audit_sequence: u64,
    /// The hash of the newest audit entry.
    pub audit_hash: Fingerprint,
    /// What the planner asked to be remembered.
    pub memory: PlanMemory,
}

impl LedgerHead {
    /// The head of a group that has done nothing yet.
    pub fn new(group: GroupId) -> Self {
        Self { group, sequence: 0, audit_sequence: 0, audit_hash: Fingerprint::ZERO, memory: PlanMemory::default() }
    }
}
