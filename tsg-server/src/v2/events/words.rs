//! Events as sentences.
//!
//! Owns the sentences. What a reason, an alarm or a hold says by itself is worded in the core.

use tsg_core::health::discovery::{ListedAs, Why};
use tsg_core::plan::input::{NodeState, Verdict};
use tsg_core::plan::output::Reason;
use tsg_core::plan::render::in_words;
use tsg_engine::{Event, FailedCheck, Held, Occurrence, Repair};

/// What happened, as it was then.
pub fn of(event: &Event) -> String {
    match &event.what {
        Occurrence::Judged { of, from, to, check } => judged(&of.name, *from, *to, check.as_ref()),
        Occurrence::Listed { of, to, why } => listed(&of.name, *to, *why),
        Occurrence::Repaired { of, reason: Reason::Succeeds { retries, .. }, .. } => replaced(&of.name, *retries),
        Occurrence::Repaired { of, by, reason } => {
            format!("{} {}: {}", of.name, repaired(*by), in_words(reason, event.at))
        }
        Occurrence::HoldBegan(held) => format!("repair is held: {}", hold(held)),
        Occurrence::HoldEnded(held) => format!("repair is not held any more for: {}", hold(held)),
        Occurrence::AlarmRaised(alarm) => format!("instances stay listed although they are not ready: {alarm}"),
        Occurrence::AlarmOver(_) => "no instance has to stay listed any more that is not ready".to_owned(),
        Occurrence::Node { node, state } => format!("compute node {node} {}", node_state(*state)),
        Occurrence::Rollout { target, state, failure: None } => format!("rollout of revision {target}: {state}"),
        Occurrence::Rollout { target, state, failure: Some(failure) } => {
            format!("rollout of revision {target}: {state}; {}", in_words(failure, event.at))
        }
    }
}

fn judged(name: &str, from: Option<Verdict>, to: Verdict, check: Option<&FailedCheck>) -> String {
    let was = from.map(|from| format!(" (was {})", verdict(from))).unwrap_or_default();
    let why = check.map(|check| format!(": {}: {}", check.name, check.failure)).unwrap_or_default();
    let silence = if to == Verdict::Unknown { ": nobody has heard of it" } else { "" };
    format!("{name} is {}{was}{silence}{why}", verdict(to))
}

const fn verdict(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Unknown => "unknown",
        Verdict::Starting => "starting",
        Verdict::Healthy => "healthy",
        Verdict::Degraded => "degraded",
        Verdict::Unhealthy => "unhealthy",
        Verdict::Recovering => "recovering",
    }
}

fn listed(name: &str, to: ListedAs, why: Why) -> String {
    let becomes = match to {
        ListedAs::Listed => "is listed from now on",
        ListedAs::Delisted => "is taken out of discovery",
    };
    match why {
        Why::NotReady { since } => format!("{name} {becomes}: it has not been ready for {} s", since.as_secs()),
        Why::Ready { since } => format!("{name} {becomes}: it has been ready for {} s", since.as_secs()),
    }
}

fn replaced(name: &str, retries: u8) -> String {
    match retries {
        0 => format!("{name} is replaced: another one is made for its place"),
        _ => format!("{name} is replaced: another one is made for its place, retry {retries}"),
    }
}

const fn repaired(by: Repair) -> &'static str {
    match by {
        Repair::Start => "is started",
        Repair::Restart => "is restarted",
        Repair::Replace => "is replaced",
        Repair::Remove => "is removed",
    }
}

fn hold(held: &Held) -> String {
    match held {
        Held::TooManyUnhealthy { unhealthy, limit } => {
            format!("{unhealthy} are unhealthy, and {limit} may be (max_unhealthy)")
        }
        Held::Suspended(suspension) => format!("repairs are suspended, {}", suspension.cause),
        Held::Beyond(hold) => hold.to_string(),
    }
}

const fn node_state(state: Option<NodeState>) -> &'static str {
    match state {
        None => "is well again, or has nothing of the account any more",
        Some(NodeState::Suspect { .. }) => "fell silent; it may come back by itself",
        Some(NodeState::Lost { .. }) => "is given up as lost",
        Some(NodeState::Returned { .. }) => "is back, and settles",
        Some(NodeState::Draining { .. }) => "is to be emptied",
    }
}
