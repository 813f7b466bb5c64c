//! Why an instance is treated as it is.
//!
//! Owns what follows for one member from its class, its fate and what it needs. Must never guess
//! at what the steps did; the finished plan says it.

use super::Findings;
use super::answer::{Answer, InstanceAnswer, Prospect, Succession};
use super::obstacle::{self, Obstacle};
use crate::count;
use crate::model::id::OperationId;
use crate::model::revision::Disruption;
use crate::model::time::Timestamp;
use crate::plan::classify::detail_of;
use crate::plan::input::{Detail, Mark, Member};
use crate::plan::order;
use crate::plan::output::{Action, Block, Class, PlanError, PlannedAction, Reason, Wait};
use crate::plan::repair::fate::{Fate, Verdict, fate_of};
use crate::plan::rollout::change::Change;
use crate::plan::roster::Standing;

pub(super) fn answer(findings: &Findings<'_>, operation: OperationId) -> Result<Answer, PlanError> {
    let Ok(index) = order::position(findings.input.members, operation) else {
        return Ok(Answer::NoInstance { operation });
    };
    let member = &findings.input.members[index];
    let detail = detail_of(member, &findings.input)?;
    let subject = Subject { findings, member, detail, standing: findings.situation.roster.standings[index] };
    let prospect = subject.prospect();
    let predecessor = detail.and_then(|detail| detail.replaces.map(|predecessor| (predecessor, detail.lineage)));
    Ok(Answer::Instance(InstanceAnswer {
        operation,
        instance: member.instance(),
        class: subject.standing.class,
        since: subject.since(),
        revision: member.revision,
        succession: predecessor.map(|(predecessor, lineage)| Succession { predecessor, retries: lineage.retries }),
        prospect,
        obstacles: obstacle::of(&findings.plan.report, |obstacle| subject.is_concerned(obstacle, &prospect)),
    }))
}

/// A member with everything that there is to say about it.
struct Subject<'a> {
    findings: &'a Findings<'a>,
    member: &'a Member,
    detail: Option<&'a Detail>,
    standing: Standing,
}

impl Subject<'_> {
    /// Since when it is in its class.
    fn since(&self) -> Timestamp {
        let member = self.member;
        match self.standing.class {
            Class::Leaving | Class::Intended | Class::Requested | Class::InDoubt => member.phase_since,
            Class::Retiring | Class::Kept => {
                let retirement = self.detail.and_then(|detail| detail.retirement);
                retirement.map_or(member.state_since, |retirement| retirement.since)
            }
            _ => member.state_since,
        }
    }

    fn prospect(&self) -> Prospect {
        let operation = self.member.operation;
        let planned = self.findings.plan.actions.iter().find(|planned| planned.action.operation() == operation);
        if let Some(planned) = planned {
            return Prospect::Acted { planned: *planned };
        }
        match self.standing.class {
            Class::Leaving | Class::Retiring => self.going(),
            Class::Kept => self.kept(),
            Class::Intended | Class::Requested | Class::InDoubt => Prospect::Comes,
            _ => self.left_alone().unwrap_or_else(|| self.fate()),
        }
    }

    fn going(&self) -> Prospect {
        let retirement = self.detail.and_then(|detail| detail.retirement);
        let is_leaving = self.standing.class == Class::Leaving;
        let stage = retirement.filter(|_| !is_leaving).map(|retirement| retirement.stage);
        Prospect::Goes { cause: retirement.map(|retirement| retirement.cause), stage }
    }

    fn kept(&self) -> Prospect {
        let kept_for = self.findings.input.policy.stop.preserve_for.as_duration();
        Prospect::Kept { until: self.since().after(kept_for) }
    }

    /// What a person said, if it keeps a member as it is that would not stay so.
    fn left_alone(&self) -> Option<Prospect> {
        let marks = self.detail?.marks;
        let is_well = matches!(self.standing.class, Class::Unlisted | Class::Serving);
        let mark = match () {
            () if marks.has(Mark::Held) => Mark::Held,
            () if marks.has(Mark::Skipped) && !is_well => Mark::Skipped,
            () => return None,
        };
        Some(Prospect::LeftAlone { mark })
    }

    fn fate(&self) -> Prospect {
        let verdict = self.verdict();
        // What is given up already waits for nothing of its own.
        let due_at = verdict.due_at().filter(|_| verdict.kind() != Fate::Condemned);
        let reason = verdict.reason();
        match (self.standing.fate, reason) {
            (Fate::Doomed, Some(reason)) => Prospect::Removed { reason },
            (Fate::Condemned | Fate::GivenUp, Some(reason)) => Prospect::Replaced { due_at, reason },
            (Fate::Recovers, _) => Prospect::Comes,
            (Fate::Returns, _) => Prospect::Returns { until: due_at },
            (Fate::Restarts | Fate::Waits, Some(reason)) => Prospect::Restarts { due_at, reason },
            _ => self.well(),
        }
    }

    fn verdict(&self) -> Verdict {
        fate_of(self.member, self.standing.class, self.detail, &self.findings.input, &self.findings.situation.outlook)
    }

    /// What becomes of one that repair leaves alone.
    fn well(&self) -> Prospect {
        match self.standing.class {
            Class::Missing | Class::OutOfContact | Class::Stranded => Prospect::Unresolved,
            Class::Starting => Prospect::Comes,
            Class::Unlisted => match self.change() {
                Prospect::Stays => Prospect::Comes,
                other => other,
            },
            _ => self.change(),
        }
    }

    fn change(&self) -> Prospect {
        let disruption = match self.standing.change {
            Change::None => return self.surplus(),
            Change::InPlace => Some(Disruption::InPlace),
            Change::Resize => Some(Disruption::Resize),
            Change::Replace => Some(Disruption::Replace),
            Change::Restart => None,
        };
        Prospect::Changes { to: self.findings.situation.goal.revision, disruption }
    }

    /// Whether the group has more than it should even after this plan.
    fn surplus(&self) -> Prospect {
        let Findings { situation, plan, .. } = self.findings;
        let lanes = [Some(&situation.balance.main), situation.balance.canaries.as_ref()];
        let above = lanes.into_iter().flatten().fold(0, |sum: u32, lane| sum.saturating_add(lane.deletes));
        let is_of_surplus = |planned: &&PlannedAction| {
            matches!(planned.reason, Reason::AboveCapacity { .. }) && !matches!(planned.action, Action::Cancel { .. })
        };
        let goes = count::of(plan.actions.iter().filter(is_of_surplus).count());
        if above <= goes {
            return Prospect::Stays;
        }
        Prospect::Surplus { beyond: above - goes, wanted: situation.balance.wanted }
    }

    /// Whether something stands in its way.
    fn is_concerned(&self, obstacle: &Obstacle, prospect: &Prospect) -> bool {
        match prospect {
            Prospect::Acted { .. } | Prospect::Stays | Prospect::Kept { .. } | Prospect::LeftAlone { .. } => false,
            Prospect::Comes | Prospect::Goes { .. } | Prospect::Unresolved => {
                is_of_class(obstacle, self.standing.class)
            }
            Prospect::Restarts { .. } => obstacle.delays_restarts(),
            Prospect::Returns { .. } => matches!(obstacle, Obstacle::Wait(Wait::NodeGrace { .. })),
            Prospect::Replaced { .. } => self.is_hit(obstacle) && obstacle.delays_replacements(),
            Prospect::Removed { .. } => self.is_hit(obstacle) && obstacle.delays_deletes(),
            Prospect::Changes { .. } => self.is_hit(obstacle) && obstacle.delays_changes(),
            Prospect::Surplus { .. } => self.is_hit(obstacle) && obstacle.delays_scale_in(),
        }
    }

    /// Protection concerns only those that have it.
    fn is_hit(&self, obstacle: &Obstacle) -> bool {
        self.standing.is_untouchable() || !matches!(obstacle, Obstacle::Block(Block::Protected { .. }))
    }
}

/// Whether an obstacle is what members of a class wait for.
const fn is_of_class(obstacle: &Obstacle, class: Class) -> bool {
    match obstacle {
        Obstacle::Wait(Wait::Dispatch { .. }) | Obstacle::Block(Block::CreatesRefused(_)) => {
            matches!(class, Class::Intended)
        }
        Obstacle::Wait(Wait::Answers { .. }) => matches!(class, Class::Requested),
        Obstacle::Wait(Wait::Evidence { .. }) => matches!(class, Class::InDoubt),
        Obstacle::Wait(Wait::Provisioning { .. }) => matches!(class, Class::Starting | Class::Unhealthy),
        Obstacle::Wait(Wait::Listing { .. }) => matches!(class, Class::Unlisted),
        Obstacle::Wait(Wait::Destruction { .. }) => matches!(class, Class::Leaving),
        Obstacle::Wait(Wait::Retirement { .. }) => matches!(class, Class::Retiring),
        Obstacle::Wait(Wait::Absence { .. }) => matches!(class, Class::Missing),
        Obstacle::Wait(Wait::NodeGrace { .. }) => matches!(class, Class::Stranded),
        Obstacle::Block(Block::OutOfContact { .. }) => matches!(class, Class::OutOfContact),
        Obstacle::Block(Block::Frozen | Block::View(_)) => true,
        Obstacle::Wait(_) | Obstacle::Block(_) => false,
    }
}
