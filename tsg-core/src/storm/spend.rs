//! What is paid for, by whom. Owns the kinds of steps that have a budget; must never say how
//! large it is.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::model::id::{AccountId, GroupId};
use crate::model::time::Timestamp;

/// A kind of step that costs a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Spend {
    /// Creating an instance.
    Create,
    /// Deleting one because the user asked for it: scale-in, tear-down, rollout.
    AskedDelete,
    /// Deleting one although nobody asked for it: repair.
    UnaskedDelete,
    /// Starting or restarting one.
    Start,
}

impl Spend {
    /// All of them, in order.
    pub const ALL: [Self; 4] = [Self::Create, Self::AskedDelete, Self::UnaskedDelete, Self::Start];

    /// Whether tsg decides on it by itself, so that it begins slowly after a start and stops
    /// under a hold.
    pub const fn is_repair(self) -> bool {
        matches!(self, Self::UnaskedDelete | Self::Start)
    }
}

/// One value for each kind.
///
/// ```
/// use tsg_core::storm::spend::{Needs, PerSpend, Spend};
///
/// let mut needs: Needs = PerSpend { creates: 2, ..PerSpend::default() };
/// needs.set(Spend::Start, 1);
/// assert_eq!(Spend::ALL.map(|kind| needs.of(kind)), [2, 0, 0, 1]);
/// assert!(Spend::Start.is_repair() && !Spend::Create.is_repair());
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct PerSpend<T> {
    /// For creates.
    pub creates: T,
    /// For deletes that the user asked for.
    pub asked_deletes: T,
    /// For deletes that nobody asked for.
    pub unasked_deletes: T,
    /// For starts and restarts.
    pub starts: T,
}

impl<T: Copy> PerSpend<T> {
    /// The value for one kind.
    pub const fn of(&self, kind: Spend) -> T {
        match kind {
            Spend::Create => self.creates,
            Spend::AskedDelete => self.asked_deletes,
            Spend::UnaskedDelete => self.unasked_deletes,
            Spend::Start => self.starts,
        }
    }

    /// Sets the value for one kind.
    pub const fn set(&mut self, kind: Spend, value: T) {
        match kind {
            Spend::Create => self.creates = value,
            Spend::AskedDelete => self.asked_deletes = value,
            Spend::UnaskedDelete => self.unasked_deletes = value,
            Spend::Start => self.starts = value,
        }
    }
}

/// How many steps of each kind a group would take if nothing limited it.
pub type Needs = PerSpend<u32>;

/// Who pays: a group in one data centre, with its account. What is spent in one data centre is
/// never paid for in another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Spender {
    /// The group.
    pub group: GroupId,
    /// Whose it is.
    #[serde(with = "account_form")]
    pub account: AccountId,
    /// Where the step is taken.
    pub data_centre: u32,
}

/// One line of the account book.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Spent {
    /// When it was granted.
    pub at: Timestamp,
    /// To whom.
    pub spender: Spender,
    /// For what.
    pub kind: Spend,
    /// How many steps.
    pub count: u32,
}

/// What a plan did not use of its last allowance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Unused {
    /// The group.
    pub group: GroupId,
    /// The data centre of the allowance.
    pub data_centre: u32,
    /// For what it was.
    pub kind: Spend,
    /// How many steps were not taken.
    pub count: u32,
}

/// An account as it stands in the memory. Read back from what tsg itself has stored, never from a
/// request.
pub(super) mod account_form {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    use super::{AccountId, Uuid};

    pub(in crate::storm) fn serialize<S: Serializer>(account: &AccountId, to: S) -> Result<S::Ok, S::Error> {
        account.uuid().serialize(to)
    }

    pub(in crate::storm) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<AccountId, D::Error> {
        Uuid::deserialize(from).map(AccountId::from_directory)
    }
}
