//! What became of a create that nobody answered: read from what the two look-ups found.
//!
//! Owns the exact match. Must never take a machine for ours by its name alone or by its tags
//! alone: names can be chosen and tags can be copied.

use alloc::vec::Vec;
use core::time::Duration;

use crate::model::id::{DeploymentId, InstanceId};
use crate::model::instance::{InstanceState, ObservedInstance};
use crate::model::operation::Operation;

/// The cloud's clock and ours may differ by this much before CloudAPI refuses our signatures, so
/// a machine made by a request can seem this much older than the request.
const CLOCK_SKEW: Duration = Duration::from_secs(300);

/// What the look-ups say about an operation in doubt.
#[expect(clippy::large_enum_variant, reason = "there is one at a time, and only on its way to where it is read")]
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Resolution {
    /// This machine is its own.
    Bind {
        /// The machine; of two, the older one.
        instance: ObservedInstance,
        /// Others that it made, to be deleted: they are kept in the operation.
        residue: Vec<InstanceId>,
    },
    /// It made machines, and all of them are over or were given up. Counts as a negative look-up,
    /// since another attempt may still land.
    Dead {
        /// Those that still have to be deleted.
        residue: Vec<InstanceId>,
    },
    /// Nothing was found: a negative look-up.
    Nothing,
    /// A machine made since carries our tags under another name: renamed, or a copy. It is
    /// neither taken as ours nor as proof that there is nothing.
    Ambiguous {
        /// Which machine.
        instance: InstanceId,
    },
    /// A machine carries our name without our tags. Never adopted; the operation cannot succeed
    /// under a name that is taken.
    Impostor {
        /// Which machine.
        instance: InstanceId,
    },
}

/// How a machine relates to an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Relation {
    /// Name, tags and age all say that the operation made it.
    Made,
    /// Only the tags say so.
    TagsOnly,
    /// Only the name says so.
    NameOnly,
    /// Nothing does.
    None,
}

/// How a machine relates to an operation: operation, group and manager in the tags, the
/// operation in the name, and made no earlier than the first request.
pub(crate) fn relation(operation: &Operation, deployment: DeploymentId, instance: &ObservedInstance) -> Relation {
    let is_tagged = instance.claim.is_some_and(|claim| {
        claim.operation == operation.id && claim.group == operation.group && claim.manager == deployment
    });
    let is_named = instance.named == Some(operation.id);
    let since = operation.attempts.first().map_or(operation.planned_at, |attempt| attempt.sent_at);
    let is_later = instance.created_at >= since.before(CLOCK_SKEW);
    match (is_tagged && is_later, is_named) {
        (true, true) => Relation::Made,
        (true, false) => Relation::TagsOnly,
        (false, true) => Relation::NameOnly,
        (false, false) => Relation::None,
    }
}

/// Reads the machines that the look-ups by tag and by name found, dead ones included.
///
/// `found` may hold a machine twice and may hold neighbours: CloudAPI matches names by their
/// beginning and tags by a part of them.
///
/// ```
/// # use tsg_core::model::guest::{GuestReport, GuestSigns};
/// # use tsg_core::model::id::{DeploymentId, ImageId, InstanceId};
/// # use tsg_core::model::instance::{Brand, InstanceState, ObservedInstance, PackageMark, ServicesMark};
/// use tsg_core::model::operation::Operation;
/// use tsg_core::model::tag::Claim;
/// use tsg_core::protocol::resolve::{Resolution, resolve};
/// # use uuid::Uuid;
/// # let operation: Operation = serde_json::from_str(r#"{
/// #     "id": "aaaaaaaaaaaaaaaaaaaaaaaabk", "group": "00000000-0000-0000-0000-000000000001",
/// #     "sequence": 1, "revision": 1, "template": "00000000-0000-0000-0000-000000000002",
/// #     "name": "web-aaaaaaaaaaaaaaaaaaaaaaaabk", "phase": "unknown",
/// #     "phase_since": 1800000000000, "planned_at": 1800000000000, "cause": "capacity",
/// #     "attempts": [], "silence": {"negatives": 0}, "absence": {"not_found": 0}, "residue": []
/// # }"#)?;
/// # let manager = DeploymentId::from_bits(7);
///
/// // A machine that carries the operation in its name and its tags, and is not too old for it.
/// let (group, id) = (operation.group, operation.id);
/// let made = ObservedInstance {
///     named: Some(id),
///     claim: Some(Claim { manager, group, operation: id, revision: 1, sequence: 1 }),
///     created_at: operation.planned_at,
///     # id: InstanceId::new(Uuid::from_u128(7)),
///     # state: InstanceState::Running,
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
/// let bound = resolve(&operation, manager, &[made]);
/// assert_eq!(bound, Resolution::Bind { instance: made, residue: vec![] });
///
/// let copied = ObservedInstance { named: None, ..made };
/// let ambiguous = resolve(&operation, manager, &[copied]);
/// assert_eq!(ambiguous, Resolution::Ambiguous { instance: copied.id });
/// assert_eq!(resolve(&operation, manager, &[]), Resolution::Nothing);
/// # Ok::<(), serde_json::Error>(())
/// ```
pub fn resolve(operation: &Operation, deployment: DeploymentId, found: &[ObservedInstance]) -> Resolution {
    let mut made: Vec<ObservedInstance> = Vec::new();
    let mut ambiguous = None;
    let mut impostor = None;
    for instance in found {
        match relation(operation, deployment, instance) {
            Relation::Made => made.push(*instance),
            Relation::TagsOnly if !instance.state.is_terminal() => ambiguous = ambiguous.max(Some(instance.id)),
            Relation::NameOnly if !instance.state.is_terminal() => impostor = impostor.max(Some(instance.id)),
            Relation::TagsOnly | Relation::NameOnly | Relation::None => {}
        }
    }
    // Older first, and of one that was found twice only the first.
    made.sort_unstable_by_key(|instance| (instance.created_at, instance.id));
    made.dedup_by_key(|instance| instance.id);
    // What is filed as residue failed once, and a DELETE may be on its way to it: should it come up
    // after all, it is too late for it.
    let is_good = |it: &&ObservedInstance| !it.state.is_terminal() && !operation.residue.contains(&it.id);
    if let Some(instance) = made.iter().find(is_good) {
        let (instance, own) = (*instance, instance.id);
        return Resolution::Bind { instance, residue: residue(&made, Some(own)) };
    }
    match (impostor, ambiguous) {
        (Some(instance), _) => Resolution::Impostor { instance },
        (None, Some(instance)) => Resolution::Ambiguous { instance },
        (None, None) if made.is_empty() => Resolution::Nothing,
        (None, None) => Resolution::Dead { residue: residue(&made, None) },
    }
}

/// What is left to delete besides `own`.
fn residue(made: &[ObservedInstance], own: Option<InstanceId>) -> Vec<InstanceId> {
    let is_left = |instance: &&ObservedInstance| instance.state != InstanceState::Deleted && Some(instance.id) != own;
    made.iter().filter(is_left).map(|instance| instance.id).collect()
}
