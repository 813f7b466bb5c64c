//! What is believed of the instances' health.
//!
//! Owns how a verdict comes into a plan, and where instances are reached that are asked in a
//! network. Must never form a verdict; whoever looks after the instances
//! does.

use core::time::Duration;

use tsg_core::health::check::CheckKind;
use tsg_core::health::verdict::Judgement;
use tsg_core::model::group::Group;
use tsg_core::model::id::{GroupId, InstanceId};
use tsg_core::model::instance::InstanceState;
use tsg_core::model::operation::{Operation, Phase};
use tsg_core::observe::join::Joined;
use tsg_core::plan::input::{Member, Sighting, Verdict};

use super::Session;

/// A machine that was started this long ago has come to the notice of whoever looks after it.
const UNNOTICED: Duration = Duration::from_secs(10);

impl Session {
    /// Groups of whose instances something else is believed now are looked at.
    pub(super) fn take_in_verdicts(&mut self) {
        let changed = self.health.as_ref().map(|health| health.take_changed()).unwrap_or_default();
        if !changed.is_empty() {
            self.weather.note_news();
        }
        for group in changed {
            if self.books.group(group).is_some() {
                self.mark_dirty(group);
            }
        }
    }

    /// Gives the members that run their verdicts.
    pub(super) fn judge(&self, group: &Group, joined: &mut Joined) {
        if !has_checks(group) || self.health.is_none() {
            return;
        }
        let young_since = self.now().before(start_window(group).max(UNNOTICED));
        for member in joined.members.iter_mut().filter(|member| runs(member)) {
            match member.instance().and_then(|instance| self.judgement(group, instance)) {
                Some(judgement) => {
                    member.verdict = judgement.verdict;
                    member.state_since = member.state_since.max(judgement.since);
                }
                // Nobody has begun to look after it: one that was just made has proved nothing.
                None if member.phase == Phase::Bound || member.phase_since.max(member.state_since) > young_since => {
                    member.verdict = Verdict::Starting;
                }
                None => {}
            }
        }
        // Where a check asks what its guest says, its policy decides and not the bare word.
        if asks_guests(group) {
            joined.details.iter_mut().for_each(|detail| detail.guest.is_unhealthy = false);
        }
    }

    /// Takes note of whether the checks of a group name networks.
    pub(super) fn note_networks(&mut self, group: GroupId) {
        let ledger = self.books.group(group).filter(|_| self.health.is_some());
        if ledger.is_some_and(|ledger| names_networks(ledger.group())) {
            self.networked.insert(group);
        } else {
            self.networked.remove(&group);
        }
    }

    /// Whether lists have to show the addresses of all NICs.
    pub(super) fn wants_nics(&self) -> bool {
        !self.networked.is_empty()
    }

    /// Whether somebody waits for a list that shows the addresses of all NICs, and none was asked
    /// for.
    pub(super) fn lacks_nics(&self) -> bool {
        self.wants_nics() && self.sight.nics.is_none() && !self.sight.is_addressed
    }

    /// What is believed of an instance of a group that has checks.
    pub(super) fn judgement(&self, group: &Group, instance: InstanceId) -> Option<Judgement> {
        self.health.as_ref().filter(|_| has_checks(group))?.judgement(instance)
    }
}

/// How long an instance may take to pass for the first time.
fn start_window(group: &Group) -> Duration {
    let checks = group.health.iter().flat_map(|health| &health.checks);
    checks.map(|check| check.pacing.start_window.as_duration()).max().unwrap_or_default()
}

pub(super) fn names_networks(group: &Group) -> bool {
    let mut checks = group.health.iter().flat_map(|health| &health.checks);
    checks.any(|check| check.kind.endpoint().is_some_and(|endpoint| endpoint.network.is_some()))
}

fn asks_guests(group: &Group) -> bool {
    group.health.iter().flat_map(|health| &health.checks).any(|check| matches!(check.kind, CheckKind::Guest(_)))
}

/// One that has come up and is to stay. What is on its way out is drained by its removal.
pub(super) fn is_in_service(operation: &Operation) -> bool {
    operation.phase == Phase::Ready && operation.retirement.is_none()
}

pub(super) fn has_checks(group: &Group) -> bool {
    group.health.as_ref().is_some_and(|health| !health.checks.is_empty())
}

fn runs(member: &Member) -> bool {
    let is_new = member.phase == Phase::Ready && member.sighting == Sighting::None;
    is_new || member.sighting == Sighting::Present(InstanceState::Running)
}
