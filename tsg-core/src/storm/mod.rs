//! Storm safety: one look across all groups before any of them repairs itself.
//!
//! Owns the order of the steps, one file each: sift, correlate, nodes, holds, allot. Must never
//! read a clock, look into the steps of a plan, or depend on the order of its input.

mod allot;
pub mod buckets;
pub mod budgets;
pub mod correlate;
pub mod fair;
mod hand_over;
pub mod holds;
pub mod input;
pub mod memory;
pub mod nodes;
mod number;
pub mod output;
pub mod ramp;
pub mod rates;
mod reach;
pub mod render;
mod sift;
pub mod spend;
mod wakeup;

pub use input::StormInput;
pub use memory::StormMemory;
pub use output::StormOutput;

use alloc::vec::Vec;

use correlate::{Bucket, Correlation};
use holds::{Hold, Scope};
use nodes::NodeSurvey;
use sift::Sifted;
use wakeup::Wakeup;

/// Looks at all groups of a deployment and says what the planner of each may do.
///
/// The result depends on the input and on nothing else, not even on the order of its parts, and
/// any input has one. What is granted is paid for at once; see
/// [`Allowance`](output::Allowance).
///
/// ```
/// use core::time::Duration;
/// use tsg_core::model::id::{AccountId, GroupId};
/// use tsg_core::model::time::Timestamp;
/// use tsg_core::storm::holds::HoldCause;
/// use tsg_core::storm::input::{
///     DataCentreFacts, GroupFacts, InstanceFacts, NO_NUMBER, Outcome, Probe, Sight, StormInput,
/// };
/// use tsg_core::storm::memory::StormMemory;
/// use tsg_core::storm::rates::BudgetRates;
/// use tsg_core::storm::spend::Needs;
///
/// let now = Timestamp::from_millis(1_800_000_000_000);
/// let group = |number| GroupFacts {
///     group: GroupId::new(uuid::Uuid::from_u128(number)),
///     account: AccountId::from_directory(uuid::Uuid::from_u128(9)),
///     data_centre: 0,
///     needs: Needs { creates: 1, unasked_deletes: 2, ..Needs::default() },
///     node_grace: Duration::from_secs(600),
///     overridden: 0,
/// };
/// let instance = |group, outcome| InstanceFacts {
///     since: now.before(Duration::from_secs(3600)),
///     group,
///     node: NO_NUMBER,
///     image: NO_NUMBER,
///     revision: 1,
///     check: NO_NUMBER,
///     prober: NO_NUMBER,
///     outcome,
/// };
/// let seen = DataCentreFacts { data_centre: 0, ping: Probe::Passing, sight: Sight::Seen { agreeing: 9 } };
/// let mut instances = vec![instance(0, Outcome::Passing); 9];
/// instances.push(instance(1, Outcome::Failing));
/// let input = StormInput {
///     now,
///     started_at: now.before(Duration::from_secs(3600)),
///     data_centres: &[seen],
///     nodes: &[],
///     probers: &[],
///     groups: &[group(1), group(2)],
///     instances: &instances,
///     unused: &[],
///     rates: &BudgetRates::default(),
///     memory: &StormMemory::default(),
/// };
/// // One of ten fails: each group may replace one instance in ten seconds.
/// let calm = tsg_core::storm::assess(&input);
/// assert_eq!(calm.holds, []);
/// assert_eq!((calm.allowances[1].creates, calm.allowances[1].unasked_deletes), (1, 1));
///
/// // All fail: nobody repairs anything, and what users asked for goes on.
/// let instances = vec![instance(0, Outcome::Failing); 10];
/// let storm = tsg_core::storm::assess(&StormInput { instances: &instances, ..input });
/// assert_eq!(storm.holds[0].cause, HoldCause::MostFail { failing: 10, of: 10 });
/// assert_eq!(storm.holds[0].to_string(), "data centre 0: 10 of 10 checked instances fail; repair is held");
/// assert_eq!((storm.allowances[1].creates, storm.allowances[1].unasked_deletes), (1, 0));
/// ```
pub fn assess(input: &StormInput<'_>) -> StormOutput {
    let mut wakeup = Wakeup::new(input.now);
    let seen = holds::seen(input);
    let sifted = Sifted::new(input, &seen);
    let correlations = correlate::correlate(&sifted, input.nodes);
    let sifted = sifted.without(suspected(input, &correlations));
    let mut survey = NodeSurvey::take(&sifted, &mut wakeup);
    let kept = holds::hold(&sifted, &survey, &correlations, &mut wakeup);
    let mut holds: Vec<Hold> = kept.iter().map(|kept| kept.hold).collect();
    let (data_centres, racks) = reach::keeping(&holds);
    survey.give_up(&data_centres, &racks, &mut wakeup);
    holds.extend(reach::everywhere(input, &holds));
    holds.sort_unstable();
    let allotted = allot::allot(input, &reach::binding(input, &holds), &mut wakeup);
    let memory = StormMemory {
        nodes: survey.memory(&mut wakeup),
        holds: kept,
        budgets: allotted.budgets,
        lines: allotted.lines,
        divided_last: allotted.divided_last,
    };
    StormOutput {
        allowances: allotted.allowances,
        node_conditions: survey.conditions(),
        holds,
        correlations,
        memory,
        next_wakeup: wakeup.next(),
    }
}

/// Whose word is doubted: by what is seen now, or by a hold that still stands.
fn suspected<'a>(input: &'a StormInput<'_>, correlations: &'a [Correlation]) -> impl Iterator<Item = Bucket> + 'a {
    let held = holds::standing(input).filter_map(|hold| match hold.scope {
        Scope::In(bucket) => Some(bucket),
        Scope::Everywhere => None,
    });
    correlations.iter().map(|correlation| correlation.bucket).chain(held)
}
