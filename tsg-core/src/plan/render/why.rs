//! Answers to "why" in words.

use core::fmt;

use super::measure::{Distance, Length};
use super::{InWords, in_words, name};
use crate::model::operation::Cause;
use crate::model::revision::Disruption;
use crate::model::time::Timestamp;
use crate::plan::input::{Mark, RetirementStage};
use crate::plan::memory::{Failure, RolloutState};
use crate::plan::output::Class;
use crate::plan::why::{Answer, GroupAnswer, InstanceAnswer, Obstacle, Prospect, RolloutAnswer, WayOn};

/// Steps of a group that are told one by one: with what waits they fit on a screen.
const STEPS_TOLD: usize = 12;

impl fmt::Display for InWords<'_, Answer> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.value {
            Answer::Instance(answer) => in_words(answer, self.now).fmt(out),
            Answer::NoInstance { operation } => {
                write!(out, "{operation} is no instance of this group: it was never made, or it is gone")
            }
            Answer::Group(answer) => in_words(answer, self.now).fmt(out),
            Answer::Rollout(answer) => in_words(answer, self.now).fmt(out),
        }
    }
}

impl fmt::Display for InWords<'_, InstanceAnswer> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let answer = self.value;
        let since = Length(self.now.since(answer.since));
        write!(
            out,
            "{} has been {} for {since}, of revision {}",
            answer.operation,
            One(answer.class),
            answer.revision
        )?;
        if let Some(succession) = answer.succession {
            write!(out, "\nit was made to take the place of {}", succession.predecessor)?;
            if succession.retries > 0 {
                write!(out, ", as retry {}", succession.retries)?;
            }
        }
        write!(out, "\n{}", in_words(&answer.prospect, self.now))?;
        obstacles(&answer.obstacles, self.now, out)
    }
}

impl fmt::Display for InWords<'_, Prospect> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let when = |due_at: Option<Timestamp>| When { due_at, now: self.now };
        match self.value {
            Prospect::Acted { planned } => write!(out, "now: {}", in_words(planned, self.now)),
            Prospect::Stays => out.write_str("it is as it should be"),
            Prospect::Comes => out.write_str("it is on its way up"),
            Prospect::Goes { cause, stage } => going(*cause, *stage, out),
            Prospect::Kept { until } => {
                write!(out, "it is kept to be looked at, and deleted {}", Distance { to: *until, now: self.now })
            }
            Prospect::LeftAlone { mark: Mark::Held } => out.write_str("it is left alone: a person holds it"),
            Prospect::LeftAlone { .. } => out.write_str("it is left alone: a person told repair to skip it"),
            Prospect::Unresolved => out.write_str("nothing is done: what is seen of it proves nothing"),
            Prospect::Restarts { due_at, reason } => {
                write!(out, "it is started again {}: {}", when(*due_at), in_words(reason, self.now))
            }
            Prospect::Returns { until: Some(until) } => {
                write!(out, "its compute node is waited for; given up {}", Distance { to: *until, now: self.now })
            }
            Prospect::Returns { until: None } => out.write_str("its compute node is waited for"),
            Prospect::Replaced { due_at, reason } => {
                write!(out, "it is replaced {}: {}", when(*due_at), in_words(reason, self.now))
            }
            Prospect::Removed { reason } => {
                write!(out, "it is deleted as soon as it may be: {}", in_words(reason, self.now))
            }
            Prospect::Surplus { beyond, wanted } => {
                write!(out, "the group has {beyond} more than the {wanted} that are wanted; it does not go now")
            }
            Prospect::Changes { to, disruption: None } => write!(out, "it is to be restarted, in revision {to}"),
            Prospect::Changes { to, disruption: Some(Disruption::Replace) } => {
                write!(out, "it is to be replaced by one of revision {to}")
            }
            Prospect::Changes { to, disruption: Some(disruption) } => {
                write!(out, "it is to become one of revision {to} by {}", name::disruption(*disruption))
            }
        }
    }
}

/// When something is done that has to be waited for.
struct When {
    due_at: Option<Timestamp>,
    now: Timestamp,
}

impl fmt::Display for When {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.due_at {
            Some(to) if to > self.now => Distance { to, now: self.now }.fmt(out),
            _ => out.write_str("as soon as it may be"),
        }
    }
}

fn going(cause: Option<Cause>, stage: Option<RetirementStage>, out: &mut fmt::Formatter<'_>) -> fmt::Result {
    out.write_str(match stage {
        None => "it is being deleted",
        Some(RetirementStage::Draining) => "it is being drained before it goes",
        Some(RetirementStage::Stopping) => "it is being shut down before it goes",
        Some(RetirementStage::Kept) => "it is kept",
    })?;
    match cause {
        Some(cause) => write!(out, ", {}", purpose(cause)),
        None => Ok(()),
    }
}

/// What something is done for.
const fn purpose(cause: Cause) -> &'static str {
    match cause {
        Cause::Capacity => "for the capacity",
        Cause::ScaleIn => "since the group has too many",
        Cause::TearDown => "since the group is being deleted",
        Cause::Repair => "since it failed",
        Cause::Surplus => "since it turned up late",
        Cause::Rollout => "for the rollout",
        Cause::Expiry => "since it was kept long enough",
    }
}

/// What one instance is, where [`Class`] says what several are.
struct One(Class);

impl fmt::Display for One {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Class::Retiring => out.write_str("on its way out"),
            class => class.fmt(out),
        }
    }
}

impl fmt::Display for InWords<'_, Obstacle> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.value {
            Obstacle::Wait(wait) => in_words(wait, self.now).fmt(out),
            Obstacle::Block(block) => in_words(block, self.now).fmt(out),
        }
    }
}

fn obstacles(obstacles: &[Obstacle], now: Timestamp, out: &mut fmt::Formatter<'_>) -> fmt::Result {
    obstacles.iter().try_for_each(|obstacle| write!(out, "\n  {}", in_words(obstacle, now)))
}

impl fmt::Display for InWords<'_, GroupAnswer> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let GroupAnswer { report, lacking, creates, steps, .. } = self.value;
        write!(out, "{}: {} of {} serving", report.status, report.counts.of(Class::Serving), report.wanted)?;
        match (*lacking, *creates) {
            (0, _) => {}
            (lacking, 0) => write!(out, "\n{lacking} lacking, and none is created")?,
            (lacking, creates) if creates < lacking => {
                write!(out, "\n{lacking} lacking, and only {creates} created now")?;
            }
            (lacking, _) => write!(out, "\n{lacking} lacking, and created now")?,
        }
        obstacles(&self.value.obstacles, self.now, out)?;
        if !steps.is_empty() {
            out.write_str("\nnow:")?;
            steps.iter().take(STEPS_TOLD).try_for_each(|step| write!(out, "\n  {}", in_words(step, self.now)))?;
            if steps.len() > STEPS_TOLD {
                write!(out, "\n  and {} more", steps.len() - STEPS_TOLD)?;
            }
        }
        self.rest(out)
    }
}

impl InWords<'_, GroupAnswer> {
    /// What waits and is blocked besides the creates.
    fn rest(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let GroupAnswer { report, obstacles: told, looks_again_at, .. } = self.value;
        let waits = report.waits.iter().copied().map(Obstacle::Wait);
        let all = waits.chain(report.blocks.iter().copied().map(Obstacle::Block));
        let mut is_first = true;
        for obstacle in all.filter(|obstacle| !told.contains(obstacle)) {
            if is_first {
                out.write_str("\nbesides:")?;
            }
            is_first = false;
            write!(out, "\n  {}", in_words(&obstacle, self.now))?;
        }
        match looks_again_at {
            Some(at) => write!(out, "\nlooks again {}", Distance { to: *at, now: self.now }),
            None => Ok(()),
        }
    }
}

impl fmt::Display for InWords<'_, RolloutAnswer> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let answer = self.value;
        let Some(progress) = &answer.progress else {
            return out.write_str("there is no rollout");
        };
        let course = &progress.course;
        let since = Length(self.now.since(course.since));
        write!(out, "revision {} is {} for {since}", course.target, rollout_state(course.state))?;
        write!(out, "; {} changed, {} available", progress.changed, progress.available)?;
        write!(out, ", {} to go", progress.remaining)?;
        if let Some(failure) = &answer.failure {
            failed(failure, answer.reverts_to, self.now, out)?;
        }
        obstacles(&answer.obstacles, self.now, out)?;
        answer.ways_on.iter().try_for_each(|way| write!(out, "\ngoes on {}", in_words(way, self.now)))
    }
}

/// A rollout's state as what it is.
const fn rollout_state(state: RolloutState) -> &'static str {
    match state {
        RolloutState::Planned => "planned",
        RolloutState::Canary => "tried by canaries",
        RolloutState::AwaitingPromotion => "waiting for promotion",
        RolloutState::Rolling => "being rolled out",
        RolloutState::Checkpoint => "at a checkpoint",
        RolloutState::Baking => "baking",
        RolloutState::Reverting => "being taken back",
        RolloutState::Successful => "rolled out",
        RolloutState::Reverted => "taken back",
        RolloutState::FailedHold => "stuck",
    }
}

fn failed(failure: &Failure, reverts_to: Option<u32>, now: Timestamp, out: &mut fmt::Formatter<'_>) -> fmt::Result {
    write!(out, "\nit failed: {}", in_words(failure, now))?;
    match reverts_to {
        Some(revision) => write!(out, "; the group goes back to revision {revision}"),
        None => out.write_str("; the group stays as it is"),
    }
}

impl fmt::Display for InWords<'_, WayOn> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self.value {
            WayOn::Time { at } => Distance { to: at, now: self.now }.fmt(out),
            WayOn::Progress => out.write_str("with what is under way"),
            WayOn::Promotion { revision } => write!(out, "when a person promotes revision {revision}, or aborts it"),
            WayOn::Continuation { number } => write!(out, "when a person lets it pass checkpoint {number}"),
            WayOn::Resumption => out.write_str("when a person lifts the pause"),
            WayOn::Thaw => out.write_str("when a person lifts the freeze"),
            WayOn::Sight => out.write_str("when the account is seen well again"),
            WayOn::Room { room, needed } => {
                write!(out, "when there is room for {needed} instances, not {room}, or `on_deadlock: swap`")
            }
            WayOn::Permission { needed } => {
                write!(out, "when the policy allows {}", name::disruption(needed))
            }
            WayOn::Revision => out.write_str("with another revision"),
        }
    }
}
