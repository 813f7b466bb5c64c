//! Reasons in words: each reads on from the step it is given for.

use core::fmt;

use super::InWords;
use super::measure::{Count, Length};
use crate::model::time::Timestamp;
use crate::plan::input::NO_NODE;
use crate::plan::output::Reason;

impl fmt::Display for InWords<'_, Reason> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ago = |since: Timestamp| Length(self.now.since(since));
        match *self.value {
            Reason::BelowCapacity { occupied, wanted } => write!(out, "the group has {occupied} of {wanted}"),
            Reason::AboveCapacity { occupied, wanted, rank } => {
                write!(out, "the group has {occupied} of {wanted}, and this one {rank}")
            }
            Reason::TearDown => out.write_str("the group is being deleted"),
            Reason::ProvisioningFailed => out.write_str("its provisioning failed"),
            Reason::ProvisioningOverdue { since } => write!(out, "it has been provisioning for {}", ago(since)),
            Reason::Stopped { starts: 0 } => out.write_str("it is stopped"),
            Reason::Stopped { starts } => write!(out, "it is stopped after {}", Count(starts, "start")),
            Reason::WouldNotStart { starts } => write!(out, "it is still stopped after {}", Count(starts, "start")),
            Reason::Unhealthy { since, restarts: 0 } => write!(out, "it has been unhealthy for {}", ago(since)),
            Reason::Unhealthy { since, restarts } => {
                write!(out, "it has been unhealthy for {} after {}", ago(since), Count(restarts, "restart"))
            }
            Reason::StaysUnhealthy { since, restarts } => {
                write!(out, "it stays unhealthy, for {} and after {}", ago(since), Count(restarts, "restart"))
            }
            Reason::NeverHealthy { since } => write!(out, "it has not become healthy in {}", ago(since)),
            Reason::NodeLost { node, since } => {
                write!(out, "its compute node (number {node}) has been silent for {}", ago(since))
            }
            Reason::NodeDraining { node } => write!(out, "its compute node (number {node}) is being emptied"),
            Reason::NodeRestarted { node } => {
                write!(out, "its compute node (number {node}) was restarted and left it stopped")
            }
            Reason::MarkedBroken => out.write_str("a person said that it is broken"),
            _ => of_change(self.value, self.now, out),
        }
    }
}

/// The rest: what follows from replacing and removing.
fn of_change(reason: &Reason, now: Timestamp, out: &mut fmt::Formatter<'_>) -> fmt::Result {
    let ago = |since: Timestamp| Length(now.since(since));
    match *reason {
        Reason::Succeeds { predecessor, retries: 0 } => write!(out, "it takes the place of {predecessor}"),
        Reason::Succeeds { predecessor, retries } => {
            write!(out, "it takes the place of {predecessor}, retry {retries}")
        }
        Reason::Succeeded { available, wanted } => {
            write!(out, "its successor has proved itself: {available} of {wanted} available")
        }
        Reason::ProbeRepair { since } => {
            write!(out, "one try to find out whether repairs, suspended for {}, help again", ago(since))
        }
        Reason::Canary { revision, of } => write!(out, "canary of revision {revision}, {of} in all"),
        Reason::RolledOut { from: 0, to } => write!(out, "the group moves to revision {to}"),
        Reason::RolledOut { from, to } => write!(out, "the group moves from revision {from} to {to}"),
        Reason::RolledBack { from, to } => write!(out, "the group moves back from revision {from} to {to}"),
        Reason::Reprovisioned => {
            out.write_str("a person, or the group's rules of placement, asked for it to be replaced")
        }
        Reason::RestartAsked => out.write_str("a person asked for it to be restarted"),
        Reason::Drained { since, is_acknowledged: true, .. } => {
            write!(out, "its guest says that it is drained, after {}", ago(since))
        }
        Reason::Drained { since, .. } => write!(out, "it was drained for {}", ago(since)),
        Reason::ShutDown { since, .. } => write!(out, "it was given {} to shut down", ago(since)),
        Reason::KeptLongEnough { since } => write!(out, "it was kept for {}", ago(since)),
        Reason::ReturnedLate { node } => {
            out.write_str("one that was given up serves again")?;
            if node != NO_NODE {
                write!(out, " on compute node number {node}")?;
            }
            out.write_str(", and another one took its place")
        }
        // The caller has said all others.
        _ => Ok(()),
    }
}
