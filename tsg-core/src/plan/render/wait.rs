//! Waits in words.

use core::fmt;

use super::InWords;
use super::measure::{Are, Count, Distance};
use crate::model::time::Timestamp;
use crate::plan::output::Wait;

impl fmt::Display for InWords<'_, Wait> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self.value {
            Wait::Answers { count } => write!(out, "waits for the answer to {}", Count(count, "create")),
            Wait::Evidence { count } => write!(out, "waits for evidence about {} in doubt", Count(count, "create")),
            Wait::Dispatch { count } => write!(out, "waits for {} to be sent", Count(count, "create")),
            Wait::Provisioning { count } => write!(out, "waits for {} to come up", Count(count, "machine")),
            Wait::Listing { count } => {
                write!(out, "waits for discovery to answer with {}", Count(count, "member"))
            }
            Wait::Destruction { count } => write!(out, "waits for {} to be destroyed", Count(count, "machine")),
            Wait::Absence { count } => {
                write!(out, "waits for proof that {} no list shows is gone", Count(count, "machine"))
            }
            Wait::Stopping { count } => write!(out, "waits for {} to finish stopping", Count(count, "machine")),
            Wait::Slots { count } => write!(out, "waits for slots for {}", Count(count, "create")),
            Wait::Window { count, window } => {
                write!(out, "waits for the slow start with {}; {window} at once so far", Count(count, "create"))
            }
            Wait::StartDelay { until } => write!(out, "starts again {}", Distance { to: until, now: self.now }),
            Wait::Budget { count } => write!(out, "waits for a shared budget with {}", Count(count, "step")),
            _ => of_policy(self.value, self.now, out),
        }
    }
}

/// The rest: what the group's own policies make it wait for.
fn of_policy(wait: &Wait, now: Timestamp, out: &mut fmt::Formatter<'_>) -> fmt::Result {
    let at = |to| Distance { to, now };
    match *wait {
        Wait::Proving { count, until } => {
            write!(out, "waits for {} to stay healthy, the first until {}", Count(count, "member"), at(until))
        }
        Wait::Retirement { count } => write!(out, "waits for {} to drain or shut down", Count(count, "member")),
        Wait::Turns { count, at_once } => {
            write!(out, "waits with {}; {at_once} at once at most", Count(count, "removal"))
        }
        Wait::Spared { count, until } => write!(
            out,
            "waits with {}: those left are busy or were adopted lately; goes on {}",
            Count(count, "removal"),
            at(until)
        ),
        Wait::ReplaceDelay { until } => write!(out, "replaces what is given up {}", at(until)),
        Wait::RepairsInFlight { count, limit } => {
            write!(out, "waits with {}; {limit} at once at most", Count(count, "repair"))
        }
        Wait::Siblings { count } => {
            write!(out, "waits with repairs while {} not up for other reasons", Are(count, "member"))
        }
        Wait::NodeGrace { count, until } => {
            write!(
                out,
                "waits for the compute node of {} to come back; gives it up {}",
                Count(count, "member"),
                at(until)
            )
        }
        Wait::Availability { count, floor } => {
            write!(out, "waits with {} so that {floor} stay available", Count(count, "step"))
        }
        Wait::Maintenance { until: Some(until) } => write!(out, "waits for a maintenance window, {}", at(until)),
        Wait::Maintenance { until: None } => out.write_str("waits for a maintenance window, and none ever opens"),
        Wait::Checkpoint { number, until } => write!(out, "stands at checkpoint {number}, goes on {}", at(until)),
        Wait::Baking { until } => write!(out, "everything has to stay well; done {}", at(until)),
        // The caller has said all others.
        _ => Ok(()),
    }
}
