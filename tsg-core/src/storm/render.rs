//! Storm safety in words.
//!
//! Owns every sentence about holds, buckets and compute nodes. Must never decide anything, and
//! never tell a time: what is shown beside a moment knows how far away it is.

use core::fmt;

use super::correlate::{Bucket, Correlation};
use super::holds::{AGREEING_NEEDED, Hold, HoldCause, Scope, Stop};
use super::nodes::NodeState;
use super::spend::Spend;

impl fmt::Display for Bucket {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Node(node) => write!(out, "compute node {node}"),
            Self::Revision { group, revision } => write!(out, "revision {revision} of group {group}"),
            Self::Rack(rack) => write!(out, "rack {rack}"),
            Self::Check(check) => write!(out, "check {check}"),
            Self::Image(image) => write!(out, "image {image}"),
            Self::Prober(prober) => write!(out, "prober {prober}"),
            Self::DataCentre(data_centre) => write!(out, "data centre {data_centre}"),
        }
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Everywhere => out.write_str("everywhere"),
            Self::In(bucket) => bucket.fmt(out),
        }
    }
}

impl fmt::Display for Stop {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Losses => "no compute node is given up",
            Self::Replacing => "nothing is replaced",
            Self::Repair => "repair is held",
            Self::Everything => "everything is held",
        })
    }
}

impl fmt::Display for HoldCause {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotSeenYet => out.write_str("not seen since the start"),
            Self::CutOff { agreeing: 0 } => out.write_str("out of reach"),
            Self::CutOff { agreeing } => {
                write!(out, "back in reach; {agreeing} of {AGREEING_NEEDED} complete looks agree")
            }
            Self::ProbersFail { probers: 1 } => {
                out.write_str("the prober does not reach the targets it checks itself with")
            }
            Self::ProbersFail { probers } => {
                write!(out, "none of {probers} probers reaches the targets it checks itself with")
            }
            Self::CloudFails => out.write_str("CloudAPI does not answer its ping"),
            Self::MostFail { failing, of } => write!(out, "{failing} of {of} checked instances fail"),
            Self::Degrading { degraded, of } => {
                write!(out, "{degraded} of {of} instances began to fail within 5 min")
            }
            Self::NodesSilent { suspect, lost: 0, of } => write!(out, "{suspect} of {of} compute nodes are silent"),
            Self::NodesSilent { suspect, lost, of } => {
                write!(out, "{suspect} of {of} compute nodes are silent, beside {lost} given up before")
            }
            Self::Correlated(found) => found.fmt(out),
            Self::EveryDataCentre { data_centres } => write!(out, "repair is held in all {data_centres} data centres"),
        }
    }
}

impl fmt::Display for Correlation {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { failing, of, outside_failing, outside_of, .. } = self;
        write!(out, "{failing} of {of} checked instances fail, and {outside_failing} of {outside_of} others")
    }
}

impl fmt::Display for Hold {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.cause {
            HoldCause::EveryDataCentre { .. } => self.cause.fmt(out),
            _ => write!(out, "{}: {}; {}", self.scope, self.cause, self.cause.stops()),
        }
    }
}

impl fmt::Display for NodeState {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Healthy => "healthy",
            Self::Suspect { .. } => "silent, and may come back by itself",
            Self::Lost { .. } => "lost",
            Self::Returned { .. } => "back, and settling",
            Self::Draining { .. } => "being emptied by an operator",
        })
    }
}

impl fmt::Display for Spend {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Create => "creates",
            Self::AskedDelete => "deletes asked for",
            Self::UnaskedDelete => "deletes nobody asked for",
            Self::Start => "starts",
        })
    }
}
