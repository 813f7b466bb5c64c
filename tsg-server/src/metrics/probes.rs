//! What the server's own prober does, in metrics.
//!
//! Owns their names. What probers elsewhere do is known to themselves; they tell facts only.

use std::fmt;

use super::page::{NO_LABELS, Page};
use crate::probe::{Counts, ProbeKind, Tally};

/// Writes them.
pub fn write(counts: &Counts, page: &mut Page<'_>) -> fmt::Result {
    let kinds = || ProbeKind::ALL.map(name).into_iter().zip(&counts.by_kind);
    let ended = kinds().flat_map(|(kind, tally)| outcomes(kind, tally));
    page.counter("tsg_probes", "Probes that ended, by what they asked and what they found.", ended)?;
    let took = kinds().map(|(kind, tally)| ([("type", kind)], &tally.took));
    page.durations("tsg_probe_duration", "How long probes took.", took)?;
    let late = [([("lane", "prompt")], &counts.late), ([("lane", "slow")], &counts.late_slow)];
    let help = "How long after their time probes began; those of targets that do not answer are in the slow lane.";
    page.durations("tsg_probe_lateness", help, late)?;
    let in_flight = [([("lane", "prompt")], counts.in_flight), ([("lane", "slow")], counts.in_flight_slow)];
    page.gauge("tsg_probes_in_flight", "Probes that run.", in_flight)?;
    page.gauge(
        "tsg_probes_waiting",
        "Targets whose time has come and that wait for a socket.",
        [(NO_LABELS, counts.waiting)],
    )?;
    let help = "Answers over a connection that an earlier probe had made.";
    page.counter("tsg_probe_connections_reused", help, [(NO_LABELS, counts.reused)])?;
    let help = "Facts that nobody was told because no control target answered.";
    page.counter("tsg_probe_facts_withheld", help, [(NO_LABELS, counts.withheld)])?;
    let help = "Whether a control target answers, or there is none; 0: the server believes nothing that it finds.";
    page.gauge("tsg_prober_able", help, [(NO_LABELS, u32::from(counts.is_able))])
}

const fn name(kind: ProbeKind) -> &'static str {
    match kind {
        ProbeKind::Http => "http",
        ProbeKind::Https => "https",
        ProbeKind::Tcp => "tcp",
        ProbeKind::ContainerPilot => "containerpilot",
        ProbeKind::Control => "control",
    }
}

fn outcomes(kind: &'static str, tally: &Tally) -> [([(&'static str, &'static str); 2], u64); 5] {
    let Tally { passed, degraded, failed, timed_out, unjudged, .. } = *tally;
    let outcomes = [
        ("passed", passed),
        ("degraded", degraded),
        ("failed", failed),
        ("timed_out", timed_out),
        ("unjudged", unjudged),
    ];
    outcomes.map(|(outcome, count)| ([("type", kind), ("outcome", outcome)], count))
}
