//! Which instances a person means who asks for some to be replaced or restarted.
//!
//! Owns the filters and the order of RFD 36. Must never act: the caller marks what is selected
//! with [`Mark::Reprovision`](super::input::Mark::Reprovision) or
//! [`Mark::Restart`](super::input::Mark::Restart), and the rollout does the rest.

use alloc::vec::Vec;

use super::classify::{classify, detail_of};
use super::input::{Mark, Member, PlanInput};
use super::output::{Class, PlanError};
use crate::model::id::{InstanceId, OperationId};

/// What an instance has to be like. What is not given is like everything; all that is given has
/// to hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Filter<'a> {
    /// Of this revision. Default: of any.
    pub revision: Option<u32>,
    /// Of one of these revisions: those whose template has a certain image. Default: of any.
    pub revisions: Option<&'a [u32]>,
    /// On the compute node of this number, as in [`Member::compute_node`]. Default: on any.
    pub compute_node: Option<u32>,
    /// This instance. Default: any.
    pub instance: Option<InstanceId>,
}

impl Filter<'_> {
    fn accepts(&self, member: &Member) -> bool {
        self.revision.is_none_or(|revision| member.revision == revision)
            && self.revisions.is_none_or(|revisions| revisions.contains(&member.revision))
            && self.compute_node.is_none_or(|node| member.compute_node == node)
            && self.instance.is_none_or(|instance| member.instance() == Some(instance))
    }
}

/// Selects running instances, at most `count` of them; `None` for all.
///
/// The oldest revision comes first and the wanted one last, and within a revision the oldest
/// instance. Those that are stopped, on their way somewhere, or held by a person are never
/// selected. To select again before anything was done selects the same.
///
/// ```
/// use tsg_core::model::group::Lifecycle;
/// use tsg_core::model::id::{GroupId, InstanceId, OperationId};
/// use tsg_core::model::operation::Phase;
/// use tsg_core::model::policy::Policy;
/// use tsg_core::model::time::Timestamp;
/// use tsg_core::plan::PlanInput;
/// use tsg_core::plan::input::{Conditions, Intent, Limits, Member, Orders, View, ViewTrust};
/// use tsg_core::plan::memory::PlanMemory;
/// use tsg_core::plan::selection::{Filter, select};
/// use tsg_core::protocol::timing::ProtocolTiming;
///
/// let now = Timestamp::from_millis(1_800_000_000_000);
/// let member = |number: u32, revision: u32, node: u32| {
///     let id = u128::from(number);
///     let mut member = Member::planned(OperationId::from_bits(id), number, revision, now)
///         .with_instance(InstanceId::new(uuid::Uuid::from_u128(id)));
///     (member.phase, member.compute_node) = (Phase::Ready, node);
///     member
/// };
/// let input = PlanInput {
///     intent: Intent {
///         group: GroupId::new(uuid::Uuid::from_u128(1)),
///         lifecycle: Lifecycle::Active,
///         capacity: 3,
///         revision: 2,
///         is_frozen: false,
///         orders: Orders::default(),
///     },
///     policy: &Policy::default(),
///     revisions: &[],
///     view: View { taken_at: now, trust: ViewTrust::Trusted },
///     members: &[member(1, 2, 7), member(2, 1, 7), member(3, 2, 8)],
///     details: &[],
///     memory: PlanMemory::default(),
///     limits: Limits::default(),
///     conditions: Conditions::default(),
///     timing: &ProtocolTiming::default(),
///     now,
///     seed: 7,
/// };
/// // Everything on compute node 7, which is going to be rebooted: the outdated one first.
/// let on_node = Filter { compute_node: Some(7), ..Filter::default() };
/// assert_eq!(select(&input, &on_node, None)?, [2, 1].map(OperationId::from_bits));
/// // One of the group, to see how it goes.
/// assert_eq!(select(&input, &Filter::default(), Some(1))?, [OperationId::from_bits(2)]);
/// # Ok::<(), tsg_core::plan::PlanError>(())
/// ```
///
/// # Errors
/// When the input contradicts itself: see [`PlanError`].
pub fn select(input: &PlanInput<'_>, filter: &Filter<'_>, count: Option<u32>) -> Result<Vec<OperationId>, PlanError> {
    let mut selected = Vec::new();
    for member in input.members.iter().filter(|member| filter.accepts(member)) {
        if is_selectable(member, input)? {
            let is_wanted = member.revision == input.intent.revision;
            selected.push((is_wanted, member.revision, member.sequence, member.operation));
        }
    }
    selected.sort_unstable();
    selected.truncate(count.map_or(usize::MAX, |count| count as usize));
    Ok(selected.into_iter().map(|(.., operation)| operation).collect())
}

/// Whether a member runs, and may be touched.
fn is_selectable(member: &Member, input: &PlanInput<'_>) -> Result<bool, PlanError> {
    let is_running = matches!(classify(member, input)?, Class::Serving | Class::Unlisted | Class::Unhealthy);
    let is_held = detail_of(member, input)?.is_some_and(|detail| detail.marks.has(Mark::Held));
    Ok(is_running && !is_held)
}
