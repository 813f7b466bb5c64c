//! The numbers that stand for phases, sightings and verdicts.
//!
//! Owns numbers that are never given to anything else again: a new variant gets the next one.
//! Must never follow the order of an enum.

use crate::model::instance::InstanceState;
use crate::model::operation::Phase;
use crate::plan::input::{Sighting, Verdict};

pub(super) const fn of_phase(phase: Phase) -> u8 {
    match phase {
        Phase::Planned => 0,
        Phase::Cancelled => 1,
        Phase::Sent => 2,
        Phase::Unknown => 3,
        Phase::Refused => 4,
        Phase::Lost => 5,
        Phase::Bound => 6,
        Phase::Ready => 7,
        Phase::Failed => 8,
        Phase::Deleting => 9,
        Phase::Gone => 10,
    }
}

pub(super) const fn phase(code: u8) -> Option<Phase> {
    Some(match code {
        0 => Phase::Planned,
        1 => Phase::Cancelled,
        2 => Phase::Sent,
        3 => Phase::Unknown,
        4 => Phase::Refused,
        5 => Phase::Lost,
        6 => Phase::Bound,
        7 => Phase::Ready,
        8 => Phase::Failed,
        9 => Phase::Deleting,
        10 => Phase::Gone,
        _ => return None,
    })
}

pub(super) const fn of_sighting(sighting: Sighting) -> u8 {
    match sighting {
        Sighting::None => 0,
        Sighting::Missing => 1,
        Sighting::Present(InstanceState::Provisioning) => 2,
        Sighting::Present(InstanceState::Ready) => 3,
        Sighting::Present(InstanceState::Running) => 4,
        Sighting::Present(InstanceState::Stopping) => 5,
        Sighting::Present(InstanceState::Stopped) => 6,
        Sighting::Present(InstanceState::Offline) => 7,
        Sighting::Present(InstanceState::Failed) => 8,
        Sighting::Present(InstanceState::Deleted) => 9,
        Sighting::Present(InstanceState::Unknown) => 10,
    }
}

pub(super) const fn sighting(code: u8) -> Option<Sighting> {
    Some(match code {
        0 => Sighting::None,
        1 => Sighting::Missing,
        2 => Sighting::Present(InstanceState::Provisioning),
        3 => Sighting::Present(InstanceState::Ready),
        4 => Sighting::Present(InstanceState::Running),
        5 => Sighting::Present(InstanceState::Stopping),
        6 => Sighting::Present(InstanceState::Stopped),
        7 => Sighting::Present(InstanceState::Offline),
        8 => Sighting::Present(InstanceState::Failed),
        9 => Sighting::Present(InstanceState::Deleted),
        10 => Sighting::Present(InstanceState::Unknown),
        _ => return None,
    })
}

pub(super) const fn of_verdict(verdict: Verdict) -> u8 {
    match verdict {
        Verdict::Unknown => 0,
        Verdict::Starting => 1,
        Verdict::Healthy => 2,
        Verdict::Degraded => 3,
        Verdict::Unhealthy => 4,
        Verdict::Recovering => 5,
    }
}

pub(super) const fn verdict(code: u8) -> Option<Verdict> {
    Some(match code {
        0 => Verdict::Unknown,
        1 => Verdict::Starting,
        2 => Verdict::Healthy,
        3 => Verdict::Degraded,
        4 => Verdict::Unhealthy,
        5 => Verdict::Recovering,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_stands_for_one_thing() {
        let phases = (0..=u8::MAX).filter(|code| phase(*code).is_some_and(|phase| of_phase(phase) == *code));
        assert_eq!(phases.count(), 11);
        let sightings =
            (0..=u8::MAX).filter(|code| sighting(*code).is_some_and(|sighting| of_sighting(sighting) == *code));
        assert_eq!(sightings.count(), 11);
        let verdicts = (0..=u8::MAX).filter(|code| verdict(*code).is_some_and(|verdict| of_verdict(verdict) == *code));
        assert_eq!(verdicts.count(), 6);
    }
}
