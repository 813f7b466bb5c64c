//! Why the rollout stands where it stands.
//!
//! Owns what would make it go on. Must never steer it.

use alloc::vec;
use alloc::vec::Vec;

use super::Findings;
use super::answer::{RolloutAnswer, WayOn};
use super::obstacle::{self, Obstacle};
use crate::plan::memory::{Course, RolloutState};
use crate::plan::output::{Block, RolloutReport};

pub(super) fn answer(findings: &Findings<'_>) -> RolloutAnswer {
    let progress = findings.plan.report.rollout;
    let course = progress.map(|progress| progress.course);
    let obstacles = match &progress {
        Some(progress) if !is_done(progress) => obstacle::of(&findings.plan.report, Obstacle::delays_rollout),
        _ => Vec::new(),
    };
    let reverts_to = course.filter(is_reverting).map(|course| course.from);
    RolloutAnswer {
        progress,
        stable: findings.situation.steering.memory.stable,
        ways_on: ways_on(progress.as_ref(), &obstacles),
        obstacles,
        failure: course.and_then(|course| course.failure),
        reverts_to,
    }
}

/// Whether nothing more is to be expected of it.
fn is_done(progress: &RolloutReport) -> bool {
    progress.course.state == RolloutState::Successful && progress.remaining == 0
}

const fn is_reverting(course: &Course) -> bool {
    matches!(course.state, RolloutState::Reverting | RolloutState::Reverted)
}

fn ways_on(progress: Option<&RolloutReport>, obstacles: &[Obstacle]) -> Vec<WayOn> {
    let Some(progress) = progress.filter(|progress| !is_done(progress)) else { return Vec::new() };
    if matches!(progress.course.state, RolloutState::FailedHold | RolloutState::Reverted) {
        return vec![WayOn::Revision];
    }
    let mut ways = Vec::new();
    for way in obstacles.iter().map(way_past) {
        // What is under way goes on in any case.
        if way != WayOn::Progress && !ways.contains(&way) {
            ways.push(way);
        }
    }
    if ways.is_empty() { vec![WayOn::Progress] } else { ways }
}

/// What would take an obstacle away.
fn way_past(obstacle: &Obstacle) -> WayOn {
    if let Some(at) = obstacle.until() {
        return WayOn::Time { at };
    }
    match *obstacle {
        Obstacle::Block(Block::Frozen) => WayOn::Thaw,
        Obstacle::Block(Block::View(_)) => WayOn::Sight,
        Obstacle::Block(Block::Paused) => WayOn::Resumption,
        Obstacle::Block(Block::AwaitsPromotion { revision }) => WayOn::Promotion { revision },
        Obstacle::Block(Block::AwaitsContinue { number }) => WayOn::Continuation { number },
        Obstacle::Block(Block::NoRoomForSurge { room, needed }) => WayOn::Room { room, needed },
        Obstacle::Block(Block::DisruptionCapped { needed, .. }) => WayOn::Permission { needed },
        Obstacle::Block(Block::RolloutFailed { .. }) => WayOn::Revision,
        Obstacle::Wait(_) | Obstacle::Block(_) => WayOn::Progress,
    }
}
