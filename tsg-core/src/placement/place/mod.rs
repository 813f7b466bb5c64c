//! Where instances go.
//!
//! Owns the choice of nodes, what it cost, and why there is none. Pure: the same request and the
//! same inventory give the same answer, whatever the order in which nodes, racks and instances
//! came into it. Must never ask for anything to be created.
//!
//! # What is allowed
//!
//! A node is open when it is up, has room for the demand, and no hard rule speaks against it:
//! `!=` where its place (the node, its rack, its data centre) has a match, `==` where it has none.
//! Rules about compute nodes look at those of the place. Each instance that is placed carries its
//! labels from then on, so that rules that match these labels see it. A hard `==` that matches
//! these labels, while nothing matches it yet, lets the first instance through; the others follow
//! it, and it goes where they can. Of a node whose rack is unknown it is not known to be near to
//! anything, or far from it, in a rack; the same for data centres.
//!
//! # What is best
//!
//! As many as were asked for are placed, if there is any way to; then it is best when their cost
//! is least. A cost has three levels, and the first that differs decides:
//!
//! 1. **Rounds.** Each spread with a `max_skew` charges an instance a round for each `max_skew`
//!    members that its place has already: places are filled in rounds of that size. Where all are
//!    one, the members of no two places differ by more than one in the end whenever that is
//!    possible at all. A place that is unknown comes after all that are known.
//! 2. **Wishes.** Each soft rule and each preference charges its weight to an instance that does
//!    not keep it where it goes, and each spread its weight for every member in the place already.
//! 3. **Crowding.** Each member on the same node counts one.
//!
//! The cost of a batch is the sum over its instances, each with those before it in place; it does
//! not depend on their order. Among choices of one cost, memory and then the id of the node decide
//! one by one.
//!
//! The result is exact: no other choice of nodes costs less. Only where a wish draws the new
//! instances to each other, or a hard rule does, and there are more than a few ways to place them,
//! it is the best of a number that were tried.

mod answer;
mod board;
mod contest;
mod field;
mod look;
mod rank;
mod refusal;
mod render;
mod request;
mod search;
mod single;
mod terms;

pub use answer::{Answer, Cost, Filter, Loss, Matched, NearMiss, Part, Placement, Reasons, Refusal, WayOut, Wish};
pub use render::{InWords, PartInWords};
pub use request::{HARD_RULES_MAX, Packing, Rejection, Request, RuleNumber, WISHES_MAX};

use alloc::vec;
use alloc::vec::Vec;

use super::inventory::Inventory;
use field::Field;
use search::search;
use terms::Terms;

/// Places one instance.
///
/// ```
/// use tsg_core::model::id::{AccountId, ComputeNodeId};
/// use tsg_core::placement::inventory::{Amounts, Inventory, NodeFacts, NodeState};
/// use tsg_core::placement::place::{Filter, Request, place};
/// use uuid::Uuid;
///
/// let mut inventory = Inventory::default();
/// let size = |gib: u32| Amounts { memory_mib: gib * 1024, disk_mib: 0, cpu_percent: 0 };
/// for (number, gib) in [(1, 16), (2, 64), (3, 32)] {
///     inventory.put_node(NodeFacts {
///         id: ComputeNodeId::new(Uuid::from_u128(number)),
///         name: format!("cn{number}"),
///         tags: Default::default(),
///         platform: String::new(),
///         capacity: size(gib),
///         taken_otherwise: Amounts::default(),
///         state: NodeState::Up,
///         rack: None,
///         data_centre: None,
///     });
/// }
/// let owner = AccountId::from_directory(Uuid::from_u128(9));
/// let answer = place(&inventory, &Request::new(owner, size(24)))?;
/// let node = answer.placements[0].node;
/// assert_eq!(inventory.node(node).map(|node| node.name.as_str()), Some("cn2"), "the most memory is left there");
///
/// let answer = place(&inventory, &Request::new(owner, size(128)))?;
/// assert_eq!(answer.losses()[0].alone, 3);
/// let refusal = answer.refusal.unwrap();
/// assert_eq!((refusal.losses[0].filter, refusal.losses[0].alone), (Filter::Memory, 3));
/// # Ok::<(), tsg_core::placement::place::Rejection>(())
/// ```
pub fn place(inventory: &Inventory, request: &Request) -> Result<Answer, Rejection> {
    place_batch(inventory, request, 1)
}

/// Places so many instances that are all alike, each with those before it in place.
///
/// ```
/// use tsg_core::model::id::{AccountId, ComputeNodeId};
/// use tsg_core::placement::inventory::{Amounts, Inventory, Label, NodeFacts, NodeState};
/// use tsg_core::placement::place::{Request, place_batch};
/// use tsg_core::placement::rule::{Criterion, Scope, Spread};
/// use uuid::Uuid;
///
/// let mut inventory = Inventory::default();
/// let size = |gib: u32| Amounts { memory_mib: gib * 1024, disk_mib: 0, cpu_percent: 0 };
/// for number in 0..4 {
///     inventory.put_node(NodeFacts {
///         id: ComputeNodeId::new(Uuid::from_u128(number)),
///         name: format!("cn{number}"),
///         tags: Default::default(),
///         platform: String::new(),
///         capacity: size(16 + u32::try_from(number)? * 16),
///         taken_otherwise: Amounts::default(),
///         state: NodeState::Up,
///         rack: Some(if number == 0 { "A" } else { "B" }.into()),
///         data_centre: None,
///     });
/// }
/// let mut request = Request::new(AccountId::from_directory(Uuid::from_u128(9)), size(8));
/// request.group = Some(Label { criterion: Criterion::Service, value: "web".into() });
/// request.spread = [Spread { over: Scope::Rack, max_skew: std::num::NonZeroU32::new(1), weight: 0 }].into();
/// let answer = place_batch(&inventory, &request, 6)?;
/// let in_rack = |rack| answer.placements.iter().filter(|one| inventory.rack_of(one.node) == Some(rack)).count();
/// let racks: Vec<_> = inventory.nodes().filter_map(|(node, _)| inventory.rack_of(node)).collect();
/// assert_eq!((in_rack(racks[0]), in_rack(racks[1])), (2, 4), "the one node in rack A is full then");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn place_batch(inventory: &Inventory, request: &Request, count: u32) -> Result<Answer, Rejection> {
    let mut terms = Terms::new(inventory, request)?;
    let reasons = look::reasons(&mut terms);
    let single = if count == 1 && !terms.is_drawn() { single::best(&terms, &reasons) } else { None };
    let (placements, cost, refusal) = match single {
        Some(placement) => (vec![placement], placement.cost, None),
        None => searched(&terms, &reasons, count),
    };
    let Terms { filters, wishes, matched, spread, .. } = terms;
    let spread = spread.into_iter().flatten().collect();
    Ok(Answer { placements, cost, refusal, matched, filters, wishes, spread, reasons })
}

/// Places for so many, what they cost, and why there are no more.
fn searched(terms: &Terms<'_>, reasons: &[Reasons], count: u32) -> (Vec<Placement>, Cost, Option<Refusal>) {
    let mut field = Field::new(terms, reasons);
    let (course, placements) = search(&mut field, count);
    let missing = count - course.steps.len() as u32;
    let refusal = (missing > 0).then(|| refusal::refusal(&field, &course.steps, missing));
    (placements, course.cost, refusal)
}
