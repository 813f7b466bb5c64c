//! Compute nodes that were rebooted: what stopped together there did not fail.
//!
//! Owns which members went down together. Must never cost more than sorting those that are down.

use alloc::vec::Vec;
use core::time::Duration;

use super::super::classify::detail_of;
use super::super::input::{Member, NO_NODE, PlanInput, Sighting};
use super::node::SETTLE;
use crate::count;
use crate::model::instance::InstanceState as State;
use crate::model::operation::Phase;
use crate::model::time::Timestamp;

/// Members of one compute node that went down within this time of one another went down with it.
const TOGETHER: Duration = Duration::from_secs(60);

/// A compute node and a moment as one number: nodes first, and quicker to sort than a pair.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Spot(u128);

impl Spot {
    fn of(member: &Member) -> Self {
        // Moments before the epoch come before the others.
        let moment = member.state_since.as_millis().cast_unsigned() ^ (1 << 63);
        Self(u128::from(member.compute_node) << 64 | u128::from(moment))
    }

    const fn node(self) -> u32 {
        (self.0 >> 64) as u32
    }

    const fn at(self) -> Timestamp {
        Timestamp::from_millis(((self.0 as u64) ^ (1 << 63)).cast_signed())
    }

    fn is_together_with(self, next: Self) -> bool {
        self.node() == next.node() && next.at().since(self.at()) <= TOGETHER
    }
}

/// Members of one compute node that went down one shortly after the other.
#[derive(Debug, Clone, Copy)]
struct Event {
    first_at: Timestamp,
    last_at: Timestamp,
}

/// A compute node that members went down together on.
#[derive(Debug, Clone, Copy)]
struct Node {
    number: u32,
    /// Where its events begin; they end where those of the next node begin.
    from: u32,
    /// Whether something runs on it.
    is_up: bool,
}

/// All of them, by node and time.
#[derive(Debug, Default)]
pub(in super::super) struct Reboots {
    nodes: Vec<Node>,
    events: Vec<Event>,
}

impl Reboots {
    /// Finds out which nodes were rebooted. Where nothing is started again after a reboot, it does
    /// not matter.
    pub(super) fn of(input: &PlanInput<'_>) -> Self {
        if !input.policy.restart.condition.on_cn_restart() {
            return Self::default();
        }
        let fallen = input.members.iter().filter(|member| has_gone_down(member, input));
        let mut fallen: Vec<Spot> = fallen.map(Spot::of).collect();
        fallen.sort_unstable();
        let mut reboots = Self::default();
        for run in fallen.chunk_by(|one, next| one.is_together_with(*next)) {
            if let [first, .., last] = run {
                reboots.add(first.node(), Event { first_at: first.at(), last_at: last.at() });
            }
        }
        reboots.find_what_is_up(input);
        reboots
    }

    fn add(&mut self, node: u32, event: Event) {
        if self.nodes.last().is_none_or(|last| last.number != node) {
            self.nodes.push(Node { number: node, from: count::of(self.events.len()), is_up: false });
        }
        self.events.push(event);
    }

    fn find_what_is_up(&mut self, input: &PlanInput<'_>) {
        if self.nodes.is_empty() {
            return;
        }
        for member in input.members.iter().filter(|member| member.sighting == Sighting::Present(State::Running)) {
            if let Some(place) = self.place_of(member.compute_node) {
                self.nodes[place].is_up = true;
            }
        }
    }

    fn place_of(&self, node: u32) -> Option<usize> {
        self.nodes.binary_search_by_key(&node, |node| node.number).ok()
    }

    fn events_of(&self, place: usize) -> &[Event] {
        let start_of = |place| self.nodes.get(place).map_or(self.events.len(), |node: &Node| node.from as usize);
        self.events.get(start_of(place)..start_of(place + 1)).unwrap_or_default()
    }

    /// When a stopped member is started because its node was rebooted; `None` when it stopped by
    /// itself, or has been started since.
    ///
    /// One that goes down again soon after such a start is not helped by it: then its attempts
    /// count, or nothing would ever end its restarts.
    pub(super) fn due_at(
        &self,
        member: &Member,
        last_restart: Option<Timestamp>,
        input: &PlanInput<'_>,
    ) -> Option<Timestamp> {
        let is_started_since = last_restart.is_some_and(|at| at >= member.state_since.min(input.now));
        if self.nodes.is_empty() || is_started_since || is_recent(last_restart, input) {
            return None;
        }
        let (place, fell_at) = (self.place_of(member.compute_node)?, member.state_since);
        // They follow one another, so that only the last that had begun can be its.
        let events = self.events_of(place);
        let begun = events.partition_point(|event| event.first_at <= fell_at);
        let event = events.get(..begun)?.last().filter(|event| fell_at <= event.last_at)?;
        let grace = input.policy.node_loss_grace().as_duration();
        Some(event.last_at.after(if self.nodes[place].is_up { grace.min(SETTLE) } else { grace }))
    }
}

/// Whether a member went down, and not for the second time in short.
fn has_gone_down(member: &Member, input: &PlanInput<'_>) -> bool {
    let is_down = matches!(member.sighting, Sighting::Present(State::Stopping | State::Stopped | State::Offline));
    if !is_down || member.phase != Phase::Ready || member.compute_node == NO_NODE {
        return false;
    }
    // One without its detail is refused later on.
    let last_restart = detail_of(member, input).ok().flatten().and_then(|detail| detail.restarts.last_at());
    let is_started_since = last_restart.is_some_and(|at| at >= member.state_since.min(input.now));
    !is_recent(last_restart, input) || is_started_since
}

/// Whether a member was restarted within the restart interval.
fn is_recent(last_restart: Option<Timestamp>, input: &PlanInput<'_>) -> bool {
    let start = || input.now.before(input.policy.restart.interval.as_duration());
    last_restart.is_some_and(|at| at > start())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::id::OperationId;

    #[test]
    fn a_spot_says_where_and_when_and_stands_by_node_and_then_by_moment() {
        let moments = [i64::MIN, -1, 0, 1, i64::MAX].map(Timestamp::from_millis);
        let member = |node, at| {
            let mut member = Member::planned(OperationId::from_bits(1), 1, 1, at);
            member.compute_node = node;
            member
        };
        let told: Vec<(u32, Timestamp)> =
            [0, 1, NO_NODE - 1].into_iter().flat_map(|node| moments.map(|at| (node, at))).collect();
        let spots: Vec<Spot> = told.iter().map(|(node, at)| Spot::of(&member(*node, *at))).collect();
        assert!(spots.is_sorted());
        assert_eq!(spots.iter().map(|spot| (spot.node(), spot.at())).collect::<Vec<_>>(), told);
    }
}
