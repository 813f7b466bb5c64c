//! Many machines, each once, in the order of their ids.
//!
//! Owns how a complete look at an account is held: in the pages it came in. Must never copy them
//! together: in an account with many machines that is most of what taking a look in would cost.

use alloc::vec::Vec;
use core::cmp::Reverse;

use super::id::InstanceId;
use super::instance::ObservedInstance;

/// A run with more is split, so that one more machine never moves many.
const LONGEST: usize = 2048;

/// Many machines, each once, in the order of their ids.
///
/// ```
/// use tsg_core::model::machines::Machines;
/// # use tsg_core::model::guest::{GuestReport, GuestSigns};
/// # use tsg_core::model::id::{ImageId, InstanceId};
/// # use tsg_core::model::instance::{Brand, InstanceState, ObservedInstance, PackageMark, ServicesMark};
/// # use tsg_core::model::time::Timestamp;
/// # use uuid::Uuid;
/// # let machine = |id| ObservedInstance {
/// #     id: InstanceId::new(Uuid::from_u128(id)),
/// #     state: InstanceState::Running,
/// #     created_at: Timestamp::EPOCH,
/// #     named: None,
/// #     claim: None,
/// #     compute_node: None,
/// #     image: ImageId::new(Uuid::from_u128(3)),
/// #     package: PackageMark::NONE,
/// #     brand: Brand::Zone,
/// #     guest: GuestReport::default(),
/// #     address: None,
/// #     is_protected: false,
/// #     is_delisted: false,
/// #     signs: GuestSigns::default(),
/// #     services: ServicesMark::default(),
/// # };
///
/// // As CloudAPI lists them: from the largest id on.
/// let pages = vec![vec![machine(9), machine(7)], vec![machine(4)]];
/// let mut machines = Machines::of_pages(pages).expect("each stands there once");
/// assert_eq!(machines.insert(machine(5)), None);
/// assert_eq!(machines.get(machine(7).id), Some(&machine(7)));
/// assert_eq!(machines, Machines::from_iter([4, 5, 7, 9].map(machine)));
/// assert_eq!(Machines::of_pages(vec![vec![machine(9)], vec![machine(9)]]), None);
/// ```
#[derive(Debug, Clone, Default)]
pub struct Machines {
    /// Those with the largest ids first, and in each the largest first, as CloudAPI lists them.
    /// None is empty.
    runs: Vec<Vec<ObservedInstance>>,
}

impl Machines {
    /// Those of pages; `None` when one stands there twice.
    pub fn of_pages(pages: Vec<Vec<ObservedInstance>>) -> Option<Self> {
        let mut last = None;
        let mut is_next = |seen: &ObservedInstance| last.replace(seen.id).is_none_or(|last| last > seen.id);
        if pages.iter().flatten().all(&mut is_next) {
            return Some(Self { runs: pages.into_iter().filter(|page| !page.is_empty()).collect() });
        }
        let mut all: Vec<ObservedInstance> = pages.into_iter().flatten().collect();
        all.sort_unstable_by_key(|seen| Reverse(seen.id));
        let is_each_once = all.is_sorted_by(|one, next| one.id > next.id);
        is_each_once.then(|| Self::of_sorted(all))
    }

    /// Of machines from the largest id on, each once.
    fn of_sorted(all: Vec<ObservedInstance>) -> Self {
        Self { runs: all.chunks(LONGEST / 2).map(<[_]>::to_vec).collect() }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.runs.iter().map(Vec::len).sum()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.runs.is_empty()
    }

    /// All of them, from the smallest id on.
    pub fn iter(&self) -> impl Iterator<Item = &ObservedInstance> {
        self.runs.iter().rev().flat_map(|run| run.iter().rev())
    }

    /// One of them.
    pub fn get(&self, id: InstanceId) -> Option<&ObservedInstance> {
        let run = self.runs.get(self.run_of(id))?;
        run.get(place_in(run, id).ok()?)
    }

    /// Adds one, or puts it in the place of the one with its id, which is handed back.
    pub fn insert(&mut self, seen: ObservedInstance) -> Option<ObservedInstance> {
        // One that is smaller than all others goes behind them.
        let number = self.run_of(seen.id).min(self.runs.len().saturating_sub(1));
        let Some(run) = self.runs.get_mut(number) else {
            self.runs.push([seen].into());
            return None;
        };
        match place_in(run, seen.id) {
            Ok(place) => run.get_mut(place).map(|known| core::mem::replace(known, seen)),
            Err(place) => {
                run.insert(place, seen);
                if run.len() > LONGEST {
                    let rest = run.split_off(LONGEST / 2);
                    self.runs.insert(number + 1, rest);
                }
                None
            }
        }
    }

    /// The run in whose bounds an id lies: the first one that does not end before it.
    fn run_of(&self, id: InstanceId) -> usize {
        self.runs.partition_point(|run| run.last().is_some_and(|smallest| smallest.id > id))
    }
}

/// Where the machine with an id stands in a run, or would.
fn place_in(run: &[ObservedInstance], id: InstanceId) -> Result<usize, usize> {
    run.binary_search_by(|seen| id.cmp(&seen.id))
}

impl FromIterator<ObservedInstance> for Machines {
    /// In any order; of those with the same id the last one counts.
    fn from_iter<I: IntoIterator<Item = ObservedInstance>>(machines: I) -> Self {
        let mut all: Vec<ObservedInstance> = machines.into_iter().collect();
        all.reverse();
        all.sort_by_key(|seen| Reverse(seen.id));
        all.dedup_by_key(|seen| seen.id);
        Self::of_sorted(all)
    }
}

impl PartialEq for Machines {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

impl Eq for Machines {}
