//! Who is changed next.
//!
//! Owns the order: those that do not serve before those that do, then the oldest revision, then
//! the oldest instance. Must never decide how many.

use alloc::vec::Vec;

use super::super::Situation;
use super::super::classify::detail_of;
use super::super::draft::Draft;
use super::super::input::PlanInput;
use super::super::output::{Class, PlanError};
use super::super::roster::Standing;
use super::batch::can_be_updated;
use super::change::Change;
use super::way::Way;
use crate::count;

/// How much is lost with a member, the least first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Worth {
    /// It was given up.
    GivenUp,
    /// It has stopped serving.
    Broken,
    /// It does not serve yet, or is out of sight.
    Idle,
    /// It serves, but has not done so for long, or is to be replaced anyway.
    Fresh,
    /// It serves and can be counted on.
    Proven,
}

impl Worth {
    pub(super) const fn of(standing: Standing) -> Self {
        match standing.class {
            Class::Serving if standing.is_proven() && standing.is_useful() => Self::Proven,
            Class::Serving => Self::Fresh,
            _ if !standing.is_useful() => Self::GivenUp,
            Class::Stopped | Class::Unhealthy => Self::Broken,
            _ => Self::Idle,
        }
    }
}

/// A member in the queue: worth, revision, age; then its index, which stands for its operation.
type Place = (Worth, u32, u32, u32);

/// Who is changed, in order.
#[derive(Debug, Default)]
pub(super) struct Queue {
    disruptive: Vec<Place>,
    in_place: Vec<Place>,
    /// Members that a person or the cloud's protection keeps as they are.
    pub untouchable: u32,
    /// Members in it that have been given up, whether they serve or not.
    pub condemned: u32,
}

impl Queue {
    /// Everybody that can be changed and is not gone already.
    pub(super) fn of(input: &PlanInput<'_>, situation: &Situation, draft: &Draft) -> Result<Self, PlanError> {
        let mut queue = Self::default();
        for ((member, standing), index) in input.members.iter().zip(&situation.roster.standings).zip(0_u32..) {
            if draft.is_taken(index) {
                continue;
            }
            let place = (Worth::of(*standing), member.revision, member.sequence, index);
            match Way::of(member, *standing, detail_of(member, input)?, input) {
                Way::InPlace if can_be_updated(standing.class) => queue.in_place.push(place),
                Way::Disruptive if is_ready_for(*standing) => {
                    queue.disruptive.push(place);
                    queue.condemned += u32::from(!standing.is_useful());
                }
                Way::Untouchable => queue.untouchable += 1,
                Way::InPlace | Way::Disruptive | Way::Nothing | Way::Capped(_) => {}
            }
        }
        Ok(queue)
    }

    /// How many can be changed.
    pub(super) fn len(&self) -> u32 {
        count::of(self.disruptive.len() + self.in_place.len())
    }

    /// The first so many that have to be taken out of service.
    pub(super) fn disruptive(&self, count: u32) -> impl Iterator<Item = (Worth, u32)> {
        first(&self.disruptive, count).into_iter().map(|(worth, _, _, index)| (worth, index))
    }

    /// How many have been given up or are broken: whoever takes one out of service costs nothing.
    pub(super) fn useless(&self) -> u32 {
        let useless = self.disruptive.iter().filter(|(worth, ..)| *worth <= Worth::Broken);
        count::of(useless.count())
    }

    /// The first so many that can be changed while they serve.
    pub(super) fn in_place(&self, count: u32) -> impl Iterator<Item = u32> {
        first(&self.in_place, count).into_iter().map(|(_, _, _, index)| index)
    }
}

/// Whether a member is in a state in which its change can be asked for.
const fn is_ready_for(standing: Standing) -> bool {
    match standing.change {
        _ if !standing.is_useful() => true,
        Change::Replace => true,
        Change::Restart => matches!(standing.class, Class::Serving | Class::Unlisted | Class::Unhealthy),
        Change::Resize => can_be_updated(standing.class),
        Change::None | Change::InPlace => false,
    }
}

/// The smallest, in order; no more is sorted than has to be.
fn first(places: &[Place], count: u32) -> Vec<Place> {
    let (mut places, count) = (places.to_vec(), count as usize);
    if count < places.len() {
        places.select_nth_unstable(count);
        places.truncate(count);
    }
    places.sort_unstable();
    places
}
