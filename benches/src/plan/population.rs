//! Groups with members, made up for one run.
//!
//! Owns the inputs of the planner's benches, in the planner's own form and in that of the naive
//! one. Must never give two runs with different seeds the same order.

use std::sync::Arc;

use tsg_core::model::group::Lifecycle;
use tsg_core::model::id::{GroupId, InstanceId, OperationId};
use tsg_core::model::instance::InstanceState;
use tsg_core::model::operation::Phase;
use tsg_core::model::policy::Policy;
use tsg_core::model::revision::{RevisionDigest, RevisionFacts};
use tsg_core::model::time::Timestamp;
use tsg_core::plan::fleet::{Berth, Fleet, GroupSettings, Round};
use tsg_core::plan::input::{Conditions, Intent, Member, Orders, Sighting, View, ViewTrust};
use tsg_core::plan::memory::{Course, PlanMemory, RolloutMemory, RolloutState};
use tsg_core::protocol::timing::ProtocolTiming;
use uuid::Uuid;

use crate::seeded::Seeded;

/// The moment everything is planned at.
pub const NOW: Timestamp = Timestamp::from_millis(1_800_000_000_000);

/// Groups and their members.
#[derive(Debug)]
pub struct Population {
    /// What each group brings along.
    pub groups: Vec<(GroupSettings, Vec<Member>)>,
    /// The protocol's waits.
    pub timing: ProtocolTiming,
}

/// How a population looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mood {
    /// Everybody serves; there is nothing to do. Every policy is on.
    Steady,
    /// The same, and whoever is to leave does so at once.
    Calm,
    /// One member in a hundred is unwell, and one group in a hundred is to be another size; whoever is
    /// to leave does so at once.
    Busy,
    /// The same with every policy on.
    Full,
}

impl Population {
    /// `groups` groups of `size` members each, in random order.
    pub fn new(seed: u64, groups: u32, size: u32, mood: Mood) -> Self {
        let mut seeded = Seeded::new(seed);
        let shared = (Arc::new(policies(mood)), revisions());
        let made = (0..groups).map(|_| group(&mut seeded, size, mood, &shared));
        let mut groups: Vec<_> = made.collect();
        seeded.shuffle(&mut groups);
        Self { groups, timing: ProtocolTiming::default() }
    }

    /// How many members there are.
    pub fn members(&self) -> usize {
        self.groups.iter().map(|(_, members)| members.len()).sum()
    }

    /// The planner's own state, with nothing planned yet, and where each group stands in it.
    pub fn fleet(&self) -> (Fleet, Vec<Berth>) {
        let mut fleet = Fleet::default();
        let put = |(settings, members): &(GroupSettings, Vec<Member>)| {
            let berth = fleet.put_group(settings.clone());
            fleet.put_members(berth, members.clone());
            berth
        };
        let berths = self.groups.iter().map(put).collect();
        (fleet, berths)
    }

    /// The conditions that all groups share.
    pub fn round(&self) -> Round<'_> {
        Round {
            view: View { taken_at: NOW, trust: ViewTrust::Trusted },
            conditions: Conditions::default(),
            timing: &self.timing,
            now: NOW,
            seed: 0x5eed,
        }
    }
}

fn group(
    seeded: &mut Seeded,
    size: u32,
    mood: Mood,
    shared: &(Arc<Policy>, Arc<[RevisionFacts]>),
) -> (GroupSettings, Vec<Member>) {
    let capacity = match mood {
        Mood::Busy | Mood::Full if seeded.below(100) == 0 => seeded.below(2 * size),
        Mood::Steady | Mood::Calm | Mood::Busy | Mood::Full => size,
    };
    let id = GroupId::new(Uuid::from_u128(seeded.draw_wide()));
    let settings =
        GroupSettings { policy: Arc::clone(&shared.0), revisions: Arc::clone(&shared.1), ..settings(id, capacity) };
    let mut members: Vec<Member> = (1..=size).map(|sequence| member(seeded, sequence, mood)).collect();
    seeded.shuffle(&mut members);
    (settings, members)
}

/// A group that wants `capacity` members, with its slow start wide open and its first revision
/// rolled out. Its members leave as they are.
pub fn settings(group: GroupId, capacity: u32) -> GroupSettings {
    let (lifecycle, orders) = (Lifecycle::Active, Orders::default());
    let intent = Intent { group, lifecycle, capacity, revision: 1, is_frozen: false, orders };
    let rollout = RolloutMemory { course: Some(done()), ..RolloutMemory::default() };
    GroupSettings {
        memory: PlanMemory {
            create_window: u32::MAX,
            rollout: RolloutMemory { stable: 1, ..rollout },
            ..PlanMemory::default()
        },
        policy: Arc::new(policies(Mood::Calm)),
        revisions: revisions(),
        ..GroupSettings::new(intent)
    }
}

/// The same group with nothing that keeps repair from doing everything at once.
pub fn unbraked(settings: GroupSettings) -> GroupSettings {
    let written = r#"{"max_unhealthy": "100%", "replace": {"in_flight": "100%"}}"#;
    let policy: Policy = serde_json::from_str(written).unwrap_or_else(|error| unreachable!("{error}"));
    let policy =
        Policy { max_unhealthy: policy.max_unhealthy, replace: policy.replace, ..Policy::clone(&settings.policy) };
    GroupSettings { policy: Arc::new(policy), ..settings }
}

/// Everything that is off unless it is asked for.
fn policies(mood: Mood) -> Policy {
    let leaving = match mood {
        Mood::Steady | Mood::Full => {
            r#", "stop": {"drain": {"delay": "5s", "timeout": "1m"}, "shutdown": "graceful", "preserve": "always"},
               "max_unhealthy": {"range": "[0-40]", "add_while_held": true}"#
        }
        Mood::Calm | Mood::Busy => "",
    };
    let written = format!(
        r#"{{
            "update": {{"canary": 1, "checkpoints": [10, 50], "bake_time": "5m", "on_deadlock": "swap"}},
            "windows": [{{"from": "00:00", "to": "12:00"}}]{leaving}
        }}"#
    );
    serde_json::from_str(&written).unwrap_or_else(|error| unreachable!("{error}"))
}

/// The first revision, done a day ago.
fn done() -> Course {
    let ended_at = Timestamp::from_millis(NOW.as_millis() - 86_400_000);
    Course::opened(1, 0, ended_at).entering(RolloutState::Successful, ended_at)
}

fn revisions() -> Arc<[RevisionFacts]> {
    let facts = |number| RevisionFacts {
        number,
        digest: RevisionDigest { place: u64::from(number), size: 0, labels: 0 },
        is_resizable: true,
    };
    (1..=2).map(facts).collect()
}

fn member(seeded: &mut Seeded, sequence: u32, mood: Mood) -> Member {
    let operation = OperationId::from_bits(seeded.draw_wide());
    let since = Timestamp::from_millis(NOW.as_millis() - i64::from(seeded.below(60_000_000)));
    let mut member = Member::planned(operation, sequence, 1, since);
    member.phase = Phase::Ready;
    member.state_since = since;
    member.sighting = Sighting::Present(InstanceState::Running);
    member.compute_node = seeded.below(1000);
    if matches!(mood, Mood::Busy | Mood::Full) && seeded.below(100) == 0 {
        upset(seeded, &mut member);
    }
    member.with_instance(InstanceId::new(Uuid::from_u128(seeded.draw_wide())))
}

fn upset(seeded: &mut Seeded, member: &mut Member) {
    (member.phase, member.sighting) = match seeded.below(5) {
        0 => (Phase::Bound, Sighting::Present(InstanceState::Failed)),
        1 => (Phase::Ready, Sighting::Present(InstanceState::Stopped)),
        2 => (Phase::Ready, Sighting::Missing),
        3 => (Phase::Deleting, Sighting::Present(InstanceState::Running)),
        _ => (Phase::Bound, Sighting::Present(InstanceState::Provisioning)),
    };
    // Short enough ago for nothing to be overdue.
    member.phase_since = NOW;
    if member.sighting == Sighting::Missing {
        // Nobody has seen it since.
        member.state_since = NOW;
    }
}
