//! Groups with members, made up for one run.
//!
//! Owns the inputs of the planner's benches, in the planner's own form and in that of the naive
//! one. Must never give two runs with different seeds the same order.

use tsg_core::model::group::Lifecycle;
use tsg_core::model::id::{GroupId, InstanceId, OperationId};
use tsg_core::model::instance::InstanceState;
use tsg_core::model::operation::Phase;
use tsg_core::model::time::Timestamp;
use tsg_core::plan::fleet::{Berth, Fleet, GroupSettings, Round};
use tsg_core::plan::input::{Intent, Limits, Member, Sighting, View, ViewTrust};
use tsg_core::plan::memory::PlanMemory;
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
    /// Everybody serves; there is nothing to do.
    Steady,
    /// One member in a hundred is unwell, and one group in a hundred is to be another size.
    Busy,
}

impl Population {
    /// `groups` groups of `size` members each, in random order.
    pub fn new(seed: u64, groups: u32, size: u32, mood: Mood) -> Self {
        let mut seeded = Seeded::new(seed);
        let made = (0..groups).map(|_| group(&mut seeded, size, mood));
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
            let berth = fleet.put_group(*settings);
            fleet.put_members(berth, members.clone());
            berth
        };
        let berths = self.groups.iter().map(put).collect();
        (fleet, berths)
    }

    /// The conditions that all groups share.
    pub fn round(&self) -> Round<'_> {
        Round { view: View { taken_at: NOW, trust: ViewTrust::Trusted }, timing: &self.timing, now: NOW, seed: 0x5eed }
    }
}

fn group(seeded: &mut Seeded, size: u32, mood: Mood) -> (GroupSettings, Vec<Member>) {
    let capacity = match mood {
        Mood::Busy if seeded.below(100) == 0 => seeded.below(2 * size),
        Mood::Steady | Mood::Busy => size,
    };
    let settings = settings(GroupId::new(Uuid::from_u128(seeded.draw_wide())), capacity);
    let mut members: Vec<Member> = (1..=size).map(|sequence| member(seeded, sequence, mood)).collect();
    seeded.shuffle(&mut members);
    (settings, members)
}

/// A group that wants `capacity` members, with its slow start wide open.
pub fn settings(group: GroupId, capacity: u32) -> GroupSettings {
    GroupSettings {
        intent: Intent { group, lifecycle: Lifecycle::Active, capacity, revision: 1, is_frozen: false },
        memory: PlanMemory { create_window: u32::MAX, ..PlanMemory::default() },
        limits: Limits::default(),
    }
}

fn member(seeded: &mut Seeded, sequence: u32, mood: Mood) -> Member {
    let operation = OperationId::from_bits(seeded.draw_wide());
    let since = Timestamp::from_millis(NOW.as_millis() - i64::from(seeded.below(60_000_000)));
    let mut member = Member::planned(operation, sequence, 1, since);
    member.phase = Phase::Ready;
    member.sighting = Sighting::Present(InstanceState::Running);
    member.compute_node = seeded.below(1000);
    if mood == Mood::Busy && seeded.below(100) == 0 {
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
}
