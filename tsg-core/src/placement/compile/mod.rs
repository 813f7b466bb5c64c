//! What a tenant can tell CloudAPI of a `placement` block.
//!
//! Owns the step from rules to CloudAPI's affinity rules, and an honest account of what they hold.
//! Pure: the same block, view and newcomer give the same answer. Must never mix hard and soft
//! affinity rules, and never say that something is enforced that CloudAPI could break.
//!
//! # What is sent when
//!
//! CloudAPI knows the compute node as the only place, tenants can name no node but through an
//! instance of theirs on it, one hard rule makes it drop every soft one, `==` fails when its
//! matches stand on two nodes, and with any rule at all its own spreading ends. So:
//!
//! - **`!=`** goes as the same rule where CloudAPI means the same by it, which also sees what is
//!   created at the same moment; else the instances are named, one for each node, and rules about
//!   the group's own members set [`Pace::OneByOne`].
//! - **`==`** becomes `instance==<uuid>` of one instance that stands where all hard rules want the
//!   new one: off the nodes to avoid, then with the fewest wishes broken, then with the fewest
//!   members, then by id. The first of those that are to be together has no such rule. With
//!   something that does not exist, nothing may be created.
//! - **Racks** are kept out of by naming an instance on each of their nodes, and on those whose rack
//!   is unknown. That is enforced if each has one of ours and all nodes of the cloud are listed.
//!   `==` keeps out of all other racks where that can be said, and follows an instance where not.
//! - **Data centres**: all of a CloudAPI is in one, so that a rule holds everywhere or nowhere.
//! - **Compute nodes** by id or name are meant by an instance of ours on them.
//! - **Wishes** go as soft rules if no hard rule is sent. Beside hard ones they decide whom to
//!   follow; where nobody is followed, `soft: steer` makes them hard as long as a node is left, and
//!   else they are lost.
//! - **Spreading** is said last, by naming a member on each node that has more of them than the
//!   emptiest one.
//!
//! No more than [`AFFINITY_MAX`] rules are sent: CloudAPI has no documented limit, but it looks the
//! instances up rule by rule while all other placements of the data centre wait.

mod ground;
mod hard;
mod meaning;
mod newcomer;
mod outcome;
mod render;
mod same;
mod sheet;
mod soft;
mod spreading;
mod view;
mod wishes;

pub(crate) use ground::{Ground, numbers};
pub(crate) use hard::placed_rules;
pub(crate) use meaning::{Meaning, meaning};
pub use newcomer::{Newcomer, Steering};
pub use outcome::{Block, Compiled, Held, Lost, Means, Note, Obstacle, Pace};
pub use render::InWords;
pub use sheet::AFFINITY_MAX;
pub(crate) use spreading::members;
pub use view::{Carrier, Resident, View};

use super::rule::{PlacementSpec, Strength};
use hard::{HardRules, Way};
use sheet::Sheet;
use soft::Wishes;

/// Says what to put to CloudAPI for one new instance.
///
/// It looks at every instance of the view once for each rule. One answer does for all instances of
/// a group that are alike, unless its pace says otherwise.
///
/// ```
/// use tsg_core::model::id::{ComputeNodeId, InstanceId};
/// use tsg_core::placement::compile::{Means, Newcomer, Obstacle, Pace, Resident, View, compile};
/// use tsg_core::placement::inventory::Label;
/// use tsg_core::placement::rule::{Criterion, PlacementSpec};
/// use tsg_core::placement::topology::Topology;
/// use uuid::Uuid;
///
/// let topology = Topology::default();
/// let db = [Label { criterion: Criterion::InstanceTag("role".into()), value: "db".into() }];
/// let (node, id) = (Some(ComputeNodeId::new(Uuid::from_u128(1))), InstanceId::new(Uuid::from_u128(2)));
/// let view = View::new(&topology, vec![Resident { id, name: "db-1", labels: &db, node }], vec![]);
///
/// let spec: PlacementSpec = serde_json::from_str(r#"{"cn": ["role!=db", "cn:ssd==true", "instance!=~web-*"]}"#)?;
/// let compiled = compile(&spec, &view, &Newcomer::default());
/// assert_eq!(compiled.affinity, ["role!=db"]);
/// assert_eq!((compiled.enforced[0].by, compiled.pace), (Means::SameRule, Pace::Together));
/// let lost: Vec<Obstacle> = compiled.unenforceable.iter().map(|lost| lost.why).collect();
/// assert_eq!(lost, [Obstacle::NodeTagsUnseen, Obstacle::HardRulesSent]);
///
/// let together: PlacementSpec = serde_json::from_str(r#"{"cn": ["role==db"]}"#)?;
/// let compiled = compile(&together, &view, &Newcomer::default());
/// assert_eq!(compiled.affinity, ["instance==00000000-0000-0000-0000-000000000002"]);
/// # Ok::<(), serde_json::Error>(())
/// ```
pub fn compile(spec: &PlacementSpec, view: &View<'_>, newcomer: &Newcomer<'_>) -> Compiled {
    let (ground, mut compiled) = (Ground::new(view), Compiled::default());
    let mut hard = HardRules::read(&ground, spec, newcomer, &mut compiled);
    let wishes = Wishes::read(&ground, spec, newcomer, &mut compiled);
    let way = hard.way(&ground, &mut compiled);
    compiled.blocked.extend(hard.block(&ground));
    let mut sheet = Sheet::new(Strength::Hard, 1);
    let leader = match way {
        Way::Follow => wishes.leader(&ground, &hard.open, |resident| hard.is_wanted(resident)),
        Way::Free => None,
    };
    if let Some(leader) = leader {
        sheet.lead(leader);
    }
    hard.say(&ground, newcomer, leader, &mut sheet, &mut compiled);
    compiled.affinity = match leader {
        Some(leader) => {
            wishes.follow(&ground, leader, &mut compiled);
            sheet.into_rules()
        }
        None if sheet.is_empty() => wishes.ask(&ground, newcomer, &hard, &mut compiled),
        None => wishes.steer(&ground, newcomer, &hard, sheet, &mut compiled),
    };
    compiled.tidy();
    compiled
}
