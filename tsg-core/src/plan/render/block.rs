//! Blocks in words.

use core::fmt;

use super::InWords;
use super::measure::{Count, Distance, Length};
use super::name::{disruption, distrust};
use crate::model::time::Timestamp;
use crate::plan::input::RepairHold;
use crate::plan::output::Block;

impl fmt::Display for InWords<'_, Block> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self.value {
            Block::Frozen => out.write_str("blocked: a person has stopped this group"),
            Block::CreatesRefused(backoff) => {
                let distance = Distance { to: backoff.until, now: self.now };
                write!(out, "blocked: {}; pause {}, tries one {distance}", backoff.cause, backoff.times)
            }
            Block::View(trust) => write!(out, "blocked: {}", distrust(trust)),
            Block::Protected { count } => {
                write!(out, "blocked: {} to be deleted, but protected against it", Count(count, "machine"))
            }
            Block::OutOfContact { count } => {
                write!(out, "blocked: {} out of contact, not proved gone", Count(count, "machine"))
            }
            Block::Unhealthy { count } => {
                write!(out, "blocked: {} broken and left to a person", Count(count, "machine"))
            }
            Block::Orphans { count } => {
                write!(out, "blocked: {} with this group's tags, not members of it", Count(count, "machine"))
            }
            _ => of_policy(self.value, self.now, out),
        }
    }
}

/// The rest: what the group's own policies stop.
fn of_policy(block: &Block, now: Timestamp, out: &mut fmt::Formatter<'_>) -> fmt::Result {
    let ago = |since: Timestamp| Length(now.since(since));
    match *block {
        Block::TooManyUnhealthy { unhealthy, limit, since } => {
            write!(out, "held for {}: {unhealthy} unhealthy, {limit} may be before anything is replaced", ago(since))
        }
        Block::RepairsHeld(hold) => write!(out, "held: {}", InWords { value: &hold, now }),
        Block::RepairsSuspended(suspension) => write!(
            out,
            "repairs suspended for {}: {}; tries one {}",
            ago(suspension.since),
            suspension.cause,
            Distance { to: suspension.probe_at, now }
        ),
        Block::IdentityAtRisk { count, node } => write!(
            out,
            "blocked: {} on the silent compute node number {node} could come back; confirm that it is lost",
            Count(count, "member")
        ),
        Block::Paused => out.write_str("blocked: a person paused the rollout"),
        Block::AwaitsPromotion { revision } => {
            write!(out, "blocked: the canaries of revision {revision} are good; promote or abort it")
        }
        Block::AwaitsContinue { number } => write!(out, "blocked: stands at checkpoint {number}; continue or abort"),
        Block::RolloutFailed { revision, failure, reverted_to: 0 } => {
            write!(out, "blocked: revision {revision} failed: {}; apply another", InWords { value: &failure, now })
        }
        Block::RolloutFailed { revision, failure, reverted_to } => write!(
            out,
            "blocked: revision {revision} failed: {}; the group goes back to revision {reverted_to}",
            InWords { value: &failure, now }
        ),
        Block::NoRoomForSurge { room, needed } => write!(
            out,
            "blocked: the rollout needs {needed} instances for a while and there is room for {room}; allow `swap`"
        ),
        Block::DisruptionCapped { needed, allowed } => {
            let (needed, allowed) = (disruption(needed), disruption(allowed));
            write!(out, "blocked: the change needs {needed}, and the policy allows no more than {allowed}")
        }
        // The caller has said all others.
        _ => Ok(()),
    }
}

impl fmt::Display for InWords<'_, RepairHold> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ago = |since: Timestamp| Length(self.now.since(since));
        match *self.value {
            RepairHold::ProberFails { since } => {
                write!(out, "the prober has failed its own targets for {}", ago(since))
            }
            RepairHold::CloudFails { since } => write!(out, "the cloud has not answered for {}", ago(since)),
            RepairHold::DataCentreFails { failing, of, since } => write!(
                out,
                "{failing} of {of} instances in the data centre have failed for {}; more likely the view than they",
                ago(since)
            ),
            RepairHold::NodesSuspect { nodes, of, since } => {
                write!(out, "{nodes} of {of} compute nodes have been silent for {}", ago(since))
            }
        }
    }
}
