//! Finds machines that claim to be ours and are not a member's own.
//!
//! Owns the matching of late arrivals, leftovers and orphans. A hit is a fact to act on through
//! the ledger; must never be taken as permission to delete.

use alloc::vec::Vec;

use crate::model::id::{DeploymentId, GroupId, InstanceId, OperationId};
use crate::model::instance::{ObservedInstance, Snapshot};
use crate::model::operation::{Operation, Phase};
use crate::model::tag::Claim;
use crate::protocol::resolve::{Relation, relation};

/// A machine that claims to be ours and is not a member's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Arrival {
    /// The answer to a create that is in doubt: resolve that operation now.
    Answers(Stray),
    /// The machine of an operation that was given up. Bind it; if the group has enough, the
    /// planner lets it go.
    Late(Stray),
    /// One more machine of an operation that has its own, or one that was given up before: record
    /// it as residue and delete it.
    Residue(Stray),
    /// A machine that was destroyed and is there again. Never deleted; alert.
    Revenant(Stray),
    /// A machine of an operation that surely made none. Never deleted; alert.
    Contradiction(Stray),
    /// It carries our tags and not our name: renamed, or the tags were copied. Ignored.
    Misnamed(Stray),
    /// It carries our name and not our tags. Never adopted; alert.
    Untagged(Stray),
    /// Its tags name an operation that the ledger does not know, or has not sent: somebody
    /// restored an old store.
    LedgerBehind {
        /// Which machine.
        instance: InstanceId,
        /// What it claims.
        claim: Claim,
    },
    /// It claims a group whose records cannot be read: whether it is a member's own cannot be
    /// said. It takes up a slot of that group, and the others go on.
    Unread {
        /// The group.
        group: GroupId,
        /// Which machine.
        instance: InstanceId,
    },
    /// It claims a group that was torn down and forgotten: it came very late, or the tags were
    /// copied. Never deleted; alert.
    Forgotten {
        /// The group.
        group: GroupId,
        /// Which machine.
        instance: InstanceId,
    },
}

/// Which machine, and which operation it claims.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stray {
    /// The operation.
    pub operation: OperationId,
    /// The operation's group.
    pub group: GroupId,
    /// The machine.
    pub instance: InstanceId,
}

impl Arrival {
    /// The group one of whose slots it takes up, without being counted as a member.
    pub const fn orphan_of(&self) -> Option<GroupId> {
        match self {
            Self::Late(stray) | Self::Residue(stray) | Self::Revenant(stray) | Self::Contradiction(stray) => {
                Some(stray.group)
            }
            Self::Unread { group, .. } => Some(*group),
            Self::Answers(_)
            | Self::Misnamed(_)
            | Self::Untagged(_)
            | Self::LedgerBehind { .. }
            | Self::Forgotten { .. } => None,
        }
    }
}

/// What the ledger says of a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// It is kept.
    Kept {
        /// The sequence number of its newest operation.
        newest: u64,
    },
    /// Its records are there and cannot be read.
    Unreadable,
    /// It was torn down, and all that is left is the head of its ledger.
    Forgotten {
        /// The sequence number of its newest operation.
        newest: u64,
    },
    /// There was never such a group.
    Unheard,
}

/// The ledger, closed operations included. It has to be read after the snapshot was complete: an
/// operation is committed before it is sent, so everything the snapshot shows is in it then.
pub trait LedgerLookup {
    /// An operation in any phase.
    fn operation(&self, id: OperationId) -> Option<&Operation>;

    /// What there is of a group.
    fn standing(&self, group: GroupId) -> Standing;
}

/// Everything in a snapshot that claims to be ours and is not a member's own machine.
///
/// ```
/// # use tsg_core::model::guest::{GuestReport, GuestSigns};
/// use tsg_core::model::id::{DeploymentId, GroupId, OperationId};
/// # use tsg_core::model::id::{ImageId, InstanceId};
/// use tsg_core::model::instance::{ObservedInstance, Snapshot};
/// # use tsg_core::model::instance::{Brand, InstanceState, PackageMark, ServicesMark};
/// use tsg_core::model::operation::Operation;
/// # use tsg_core::model::{tag::Claim, time::Timestamp};
/// use tsg_core::observe::arrivals::{Arrival, LedgerLookup, Standing, arrivals};
/// # use uuid::Uuid;
///
/// /// A ledger without a single group, such as one from an old backup.
/// struct Empty;
///
/// impl LedgerLookup for Empty {
///     fn operation(&self, _id: OperationId) -> Option<&Operation> {
///         None
///     }
///
///     fn standing(&self, _group: GroupId) -> Standing {
///         Standing::Unheard
///     }
/// }
///
/// # let manager = DeploymentId::from_bits(7);
/// # let (group, operation) = (GroupId::new(Uuid::from_u128(1)), OperationId::from_bits(42));
/// # let (instance, now) = (InstanceId::new(Uuid::from_u128(7)), Timestamp::from_millis(1_800_000_000_000));
/// # let claim = Claim { manager, group, operation, revision: 1, sequence: 1 };
/// let claiming = ObservedInstance {
///     id: instance,
///     claim: Some(claim),
///     # state: InstanceState::Running,
///     # created_at: now,
///     # named: Some(operation),
///     # compute_node: None,
///     # image: ImageId::new(Uuid::from_u128(3)),
///     # package: PackageMark::NONE,
///     # brand: Brand::Zone,
///     # guest: GuestReport::default(),
///     # address: None,
///     # is_protected: false,
///     # is_delisted: false,
///     # signs: GuestSigns::default(),
///     # services: ServicesMark::default(),
///     // and what else is seen of it
/// };
/// let foreign = ObservedInstance { claim: None, named: None, ..claiming };
/// let seen = |machine| Snapshot { taken_at: now, instances: [machine].into_iter().collect() };
/// assert_eq!(arrivals(&seen(claiming), manager, &Empty), [Arrival::LedgerBehind { instance, claim }]);
/// assert_eq!(arrivals(&seen(foreign), manager, &Empty), [], "not ours");
/// ```
pub fn arrivals(snapshot: &Snapshot, deployment: DeploymentId, ledger: &impl LedgerLookup) -> Vec<Arrival> {
    let live = snapshot.instances.iter().filter(|instance| !instance.state.is_terminal());
    live.filter_map(|instance| arrival(instance, deployment, ledger)).collect()
}

fn arrival(instance: &ObservedInstance, deployment: DeploymentId, ledger: &impl LedgerLookup) -> Option<Arrival> {
    let claim = instance.claim.filter(|claim| claim.manager == deployment);
    if let Some(beyond) = claim.and_then(|claim| beyond_the_ledger(instance.id, claim, ledger)) {
        return Some(beyond);
    }
    let operation = ledger.operation(claim.map(|claim| claim.operation).or(instance.named)?)?;
    let stray = Stray { operation: operation.id, group: operation.group, instance: instance.id };
    if operation.instance == Some(instance.id) {
        return (operation.phase == Phase::Gone).then_some(Arrival::Revenant(stray));
    }
    match relation(operation, deployment, instance) {
        // Nothing was ever sent for it by this ledger, and yet it was made.
        Relation::Made if operation.attempts.is_empty() => {
            Some(Arrival::LedgerBehind { instance: instance.id, claim: claim? })
        }
        Relation::Made => Some(by_phase(operation, stray)),
        Relation::TagsOnly => Some(Arrival::Misnamed(stray)),
        Relation::NameOnly => Some(Arrival::Untagged(stray)),
        // Our tags on a machine that is older than the operation: copied.
        Relation::None => Some(Arrival::Misnamed(stray)),
    }
}

/// What a claim means that the ledger's operations cannot account for: most often that it is
/// from a future which the ledger has forgotten.
fn beyond_the_ledger(instance: InstanceId, claim: Claim, ledger: &impl LedgerLookup) -> Option<Arrival> {
    let group = claim.group;
    let is_known = ledger.operation(claim.operation).is_some();
    match ledger.standing(group) {
        Standing::Kept { newest } | Standing::Forgotten { newest } if claim.sequence > newest => {
            Some(Arrival::LedgerBehind { instance, claim })
        }
        _ if is_known => None,
        Standing::Unreadable => Some(Arrival::Unread { group, instance }),
        // Its head remembers having planned the operation, so nothing was rolled back.
        Standing::Forgotten { .. } => Some(Arrival::Forgotten { group, instance }),
        Standing::Kept { .. } | Standing::Unheard => Some(Arrival::LedgerBehind { instance, claim }),
    }
}

fn by_phase(operation: &Operation, stray: Stray) -> Arrival {
    // It failed once and came up after all, but a DELETE may be on its way to it.
    if operation.residue.contains(&stray.instance) {
        return Arrival::Residue(stray);
    }
    match (operation.phase, operation.instance) {
        (Phase::Sent | Phase::Unknown, _) => Arrival::Answers(stray),
        (Phase::Lost, None) => Arrival::Late(stray),
        (Phase::Planned | Phase::Cancelled | Phase::Refused, _) => Arrival::Contradiction(stray),
        (Phase::Lost | Phase::Bound | Phase::Ready | Phase::Failed | Phase::Deleting | Phase::Gone, _) => {
            Arrival::Residue(stray)
        }
    }
}
