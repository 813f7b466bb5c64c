//! How long a rolling replacement takes, against its waves.
//!
//! Owns bar 6f, in the virtual time of a forecast: each step is the planner's own, and the cloud
//! does what it is told in known times. With at most u out of service there are ceil(N / u) waves,
//! and each lasts from the delete until the successor has served for long enough. Must never count
//! a wait of the model's as the planner's.
#![allow(clippy::print_stdout, reason = "a bench says what it measured")]

use core::time::Duration;
use std::process::ExitCode;
use std::sync::Arc;

use tsg_benches::plan::population::{Mood, NOW, Population};
use tsg_benches::verdict::{Line, conclude};
use tsg_core::model::policy::Policy;
use tsg_core::model::revision::{RevisionDigest, RevisionFacts};
use tsg_core::plan::PlanInput;
use tsg_core::plan::forecast::{Ending, Forecast, Latency, Model, forecast};
use tsg_core::plan::memory::{PlanMemory, RolloutState};
use tsg_core::plan::output::PlanError;

const DESTROY: Duration = Duration::from_secs(10);
const PROVISION: Duration = Duration::from_secs(20);
const HEALTHY: Duration = Duration::from_secs(5);
/// How long a successor has to serve before the next one goes.
const GATE: Duration = Duration::from_secs(30);
/// How long an instance that leaves is drained in a careful rollout.
const DRAIN: Duration = Duration::from_secs(5);
/// How long the canary, each checkpoint and the end are looked at in a careful rollout.
const BAKE: Duration = Duration::from_secs(300);

/// A rollout of so many with so many out of service at most.
struct Case {
    count: u32,
    unavailable: u32,
    is_careful: bool,
}

/// Waves, health gate, and in careful ones everything that is off unless it is asked for: a canary,
/// checkpoints, drains, windows, a range of what may be unwell.
const CASES: [Case; 9] = [
    Case { count: 10, unavailable: 1, is_careful: false },
    Case { count: 10, unavailable: 3, is_careful: false },
    Case { count: 100, unavailable: 1, is_careful: false },
    Case { count: 100, unavailable: 10, is_careful: false },
    Case { count: 100, unavailable: 33, is_careful: false },
    Case { count: 1_000, unavailable: 25, is_careful: false },
    Case { count: 1_000, unavailable: 100, is_careful: false },
    Case { count: 100, unavailable: 10, is_careful: true },
    Case { count: 1_000, unavailable: 50, is_careful: true },
];

impl Case {
    fn policy(&self) -> Policy {
        let unavailable = self.unavailable;
        let extra = if self.is_careful {
            let bake = BAKE.as_secs();
            format!(
                r#", "canary": 1, "auto_promote": true, "checkpoints": [10, 50], "bake_time": "{bake}s", "checkpoint_delay": "{bake}s""#
            )
        } else {
            String::new()
        };
        let besides = if self.is_careful {
            let drain = DRAIN.as_secs();
            format!(
                r#", "stop": {{"drain": {{"delay": "{drain}s"}}}}, "windows": [{{"from": "00:00", "to": "23:59"}}],
                   "max_unhealthy": {{"range": "[0-40]", "add_while_held": true}}"#
            )
        } else {
            String::new()
        };
        let gate = GATE.as_secs();
        let written = format!(
            r#"{{"update": {{"max_surge": 0, "max_unavailable": {unavailable}, "min_healthy_time": "{gate}s"{extra}}}{besides}}}"#
        );
        serde_json::from_str(&written).unwrap_or_else(|error| unreachable!("{error}: {written}"))
    }

    /// What the waves take. In a careful rollout the canary goes before them on its own, and
    /// each checkpoint ends a wave and is looked at.
    fn needed(&self) -> Duration {
        let wave = DESTROY + PROVISION + HEALTHY + GATE;
        if !self.is_careful {
            return wave * self.count.div_ceil(self.unavailable);
        }
        // On top of the group, so that nobody has to go for it; then up to 10 %, 50 % and all.
        let canary = PROVISION + HEALTHY + GATE + BAKE;
        let wave = DRAIN + wave;
        let checkpoints = [self.count / 10, self.count / 2, self.count];
        let mut reached = 1;
        let waves = checkpoints.map(|until| {
            let waves = (until - reached).div_ceil(self.unavailable);
            reached = until;
            waves
        });
        canary + wave * waves.iter().sum::<u32>() + BAKE * 3
    }

    fn forecast(&self) -> Result<Forecast, PlanError> {
        let mut population = Population::new(7, 1, self.count, Mood::Calm);
        let revisions: Arc<[RevisionFacts]> = [1, 2].map(facts).into();
        let (settings, members) = &mut population.groups[0];
        let policy = self.policy();
        let intent = tsg_core::plan::input::Intent { revision: 2, ..settings.intent };
        let round = Population { groups: Vec::new(), timing: population.timing };
        let round = round.round();
        forecast(
            &PlanInput {
                intent,
                policy: &policy,
                revisions: &revisions,
                view: round.view,
                members,
                details: &[],
                memory: PlanMemory { create_window: 256, ..settings.memory },
                limits: settings.limits,
                conditions: round.conditions,
                timing: round.timing,
                now: NOW,
                seed: round.seed,
            },
            &Model {
                provisioning: Latency::Fixed(PROVISION),
                healthy_after: HEALTHY,
                destroy: DESTROY,
                requests_per_second: 0,
                ..Model::default()
            },
        )
    }
}

/// Two revisions of which one can only be made anew from the other.
fn facts(number: u32) -> RevisionFacts {
    let digest = RevisionDigest { place: number.into(), size: 0, labels: 0 };
    RevisionFacts { number, digest, is_resizable: true }
}

fn main() -> ExitCode {
    println!("rolling replacement in virtual time; {GATE:?} of service before the next wave");
    let mut lines = Vec::new();
    for case in &CASES {
        match case.forecast() {
            Ok(foreseen) => lines.extend(judged(case, &foreseen)),
            Err(error) => {
                println!("{error}");
                lines.push(Line::at_most("6f", "plans that were refused", 1.0, "", 0.0));
            }
        }
    }
    conclude(&lines)
}

fn judged(case: &Case, foreseen: &Forecast) -> [Line; 3] {
    let Case { count, unavailable, is_careful } = *case;
    let name = format!("{count} by {unavailable}{}", if is_careful { ", every policy on" } else { "" });
    let needed = case.needed();
    let state = foreseen.report.rollout.map(|rollout| rollout.course.state);
    let is_done = foreseen.ending == Ending::Settled && state == Some(RolloutState::Successful);
    println!(
        "  {name:<36} T {:>9.1?}  waves {needed:>9.1?}  least serving {:>4}  peak {:>4}  steps {:>4}  {state:?}",
        foreseen.took(),
        foreseen.least_serving,
        foreseen.peak,
        foreseen.steps.len()
    );
    let times = foreseen.took().as_secs_f64() / needed.as_secs_f64();
    let below = (count - unavailable).saturating_sub(foreseen.least_serving);
    [
        Line::at_most("6f", format!("{name}: rollouts that did not succeed"), f64::from(u8::from(!is_done)), "", 0.0),
        Line::at_most("6f", format!("{name}: times its waves"), times, "x", 1.05),
        Line::at_most("6f", format!("{name}: instances below the floor"), f64::from(below), "", 0.0),
    ]
}
