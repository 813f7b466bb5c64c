//! Compute nodes that were rebooted: what stopped together there did not fail.
//!
//! Owns which members went down together. Must never cost more than sorting those that are down.

use alloc::vec::Vec;
use core::time::Duration;

use super::super::classify::detail_of;
use super::super::input::{Member, NO_NODE, PlanInput, RestartHistory, Sighting};
use super::node::SETTLE;
use crate::model::instance::InstanceState as State;
use crate::model::operation::Phase;
use crate::model::time::Timestamp;

/// Members of one compute node that went down within this time of one another went down with it.
const TOGETHER: Duration = Duration::from_secs(60);

/// Members of one compute node that went down one shortly after the other.
#[derive(Debug, Clone, Copy)]
struct Event {
    node: u32,
    first_at: Timestamp,
    last_at: Timestamp,
    /// Whether something runs on the node.
    is_up: bool,
}

/// All of them, by node and time.
#[derive(Debug, Default)]
pub(in super::super) struct Reboots(Vec<Event>);

impl Reboots {
    /// Finds out which nodes were rebooted. Where nothing is started again after a reboot, it does
    /// not matter.
    pub(super) fn of(input: &PlanInput<'_>) -> Self {
        if !input.policy.restart.condition.on_cn_restart() {
            return Self::default();
        }
        let fallen = input.members.iter().filter(|member| has_gone_down(member, input));
        let mut fallen: Vec<(u32, Timestamp)> =
            fallen.map(|member| (member.compute_node, member.state_since)).collect();
        fallen.sort_unstable();
        let is_together =
            |one: &(u32, Timestamp), next: &(u32, Timestamp)| one.0 == next.0 && next.1.since(one.1) <= TOGETHER;
        let event = |run: &[(u32, Timestamp)]| {
            let ((node, first_at), (_, last_at)) = (*run.first()?, *run.last()?);
            (run.len() > 1).then_some(Event { node, first_at, last_at, is_up: false })
        };
        let mut reboots = Self(fallen.chunk_by(is_together).filter_map(event).collect());
        reboots.find_what_is_up(input);
        reboots
    }

    fn find_what_is_up(&mut self, input: &PlanInput<'_>) {
        if self.0.is_empty() {
            return;
        }
        for member in input.members.iter().filter(|member| member.sighting == Sighting::Present(State::Running)) {
            let from = self.0.partition_point(|event| event.node < member.compute_node);
            let of_node = self.0[from..].iter_mut().take_while(|event| event.node == member.compute_node);
            // Whoever runs beside it has told already of all that happened on its node.
            of_node.take_while(|event| !event.is_up).for_each(|event| event.is_up = true);
        }
    }

    /// When a stopped member is started because its node was rebooted; `None` when it stopped by
    /// itself, or has been started since.
    ///
    /// One that goes down again soon after such a start is not helped by it: then its attempts
    /// count, or nothing would ever end its restarts.
    pub(super) fn due_at(&self, member: &Member, history: RestartHistory, input: &PlanInput<'_>) -> Option<Timestamp> {
        // Those of one node follow one another, so that only the last that had begun can be its.
        let fell = (member.compute_node, member.state_since);
        let begun = self.0.partition_point(|event| (event.node, event.first_at) <= fell);
        let event = self.0.get(..begun)?.last()?;
        let is_its = event.node == member.compute_node && member.state_since <= event.last_at;
        if !is_its || is_recent(history, input) {
            return None;
        }
        let grace = input.policy.node_loss_grace().as_duration();
        Some(event.last_at.after(if event.is_up { grace.min(SETTLE) } else { grace }))
    }
}

/// Whether a member went down, and not for the second time in short.
fn has_gone_down(member: &Member, input: &PlanInput<'_>) -> bool {
    let is_down = matches!(member.sighting, Sighting::Present(State::Stopping | State::Stopped | State::Offline));
    if !is_down || member.phase != Phase::Ready || member.compute_node == NO_NODE {
        return false;
    }
    // One without its detail is refused later on.
    let history = detail_of(member, input).ok().flatten().map(|detail| detail.restarts).unwrap_or_default();
    let is_started_since = history.last_at().is_some_and(|at| at >= member.state_since.min(input.now));
    !is_recent(history, input) || is_started_since
}

/// Whether a member was restarted within the restart interval.
fn is_recent(history: RestartHistory, input: &PlanInput<'_>) -> bool {
    let start = input.now.before(input.policy.restart.interval.as_duration());
    history.last_at().is_some_and(|at| at > start)
}
