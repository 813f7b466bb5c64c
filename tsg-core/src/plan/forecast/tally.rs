//! What a forecast tells.
//!
//! Owns the steps and the extremes of a run. Must never change what it counts.

use alloc::collections::BTreeSet;
use alloc::vec::Vec;
use core::time::Duration;

use serde::Serialize;

use crate::count;
use crate::model::time::Timestamp;
use crate::plan::input::NO_NODE;
use crate::plan::output::{Class, Plan, PlannedAction, Report};
use crate::plan::recorded::Recorded;

/// What will come of a group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Forecast {
    /// Every step, in the order of time. The operations that do not exist yet have ids that tell
    /// them apart, and will have others.
    pub steps: Vec<ForecastStep>,
    /// The most instances that exist at once, planned ones and kept ones among them.
    pub peak: u32,
    /// The fewest that serve at once, the begin included.
    pub least_serving: u32,
    /// How many compute nodes are used, as far as they are known.
    pub nodes_used: u32,
    /// From when on it runs.
    pub begins_at: Timestamp,
    /// When it ends.
    pub ends_at: Timestamp,
    /// Why it ends.
    pub ending: Ending,
    /// How the group stands in the end, and what it waits for if it does.
    pub report: Report,
}

impl Forecast {
    /// How long it takes.
    pub fn took(&self) -> Duration {
        self.ends_at.since(self.begins_at)
    }
}

/// One step of a forecast.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct ForecastStep {
    /// When it is taken.
    pub at: Timestamp,
    /// What is done and why.
    pub planned: PlannedAction,
}

/// Why a forecast ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Ending {
    /// The group is as it should be.
    Settled,
    /// Nothing more happens by itself; the report says what is lacking.
    Stands,
    /// It was still going on at the end of the horizon, or after as many plans as were allowed.
    CutShort,
}

/// The counts of a run so far.
#[derive(Debug)]
pub(super) struct Tally {
    begins_at: Timestamp,
    now: Timestamp,
    steps: Vec<ForecastStep>,
    peak: u32,
    least_serving: u32,
    nodes: BTreeSet<u32>,
}

impl Tally {
    pub(super) const fn new(now: Timestamp) -> Self {
        Self { begins_at: now, now, steps: Vec::new(), peak: 0, least_serving: u32::MAX, nodes: BTreeSet::new() }
    }

    /// Takes in a plan, before it is carried out; what it leads to shows in the next one.
    pub(super) fn note(&mut self, paper: &Recorded, plan: &Plan) {
        let at = paper.now;
        self.now = at;
        self.steps.extend(plan.actions.iter().map(|planned| ForecastStep { at, planned: *planned }));
        self.peak = self.peak.max(plan.report.counts.total());
        self.least_serving = self.least_serving.min(plan.report.counts.of(Class::Serving));
        let nodes = paper.members.iter().map(|member| member.compute_node);
        self.nodes.extend(nodes.filter(|node| *node != NO_NODE));
    }

    pub(super) fn conclude(self, last: Plan, ending: Ending) -> Forecast {
        Forecast {
            steps: self.steps,
            peak: self.peak,
            least_serving: self.least_serving.min(last.report.counts.of(Class::Serving)),
            nodes_used: count::of(self.nodes.len()),
            begins_at: self.begins_at,
            ends_at: self.now,
            ending,
            report: last.report,
        }
    }
}
