//! A plan in the making.
//!
//! Owns the steps so far, which member each one touches, and what was left undone and why. Must
//! never allocate before there is a first step.

use alloc::vec;
use alloc::vec::Vec;

use super::input::Member;
use super::memory::RepairMemory;
use super::output::{Action, Block, Class, ClassCounts, Origin, PlanError, PlannedAction, Reason, Rule, Wait};
use super::repair::fate::Fate;
use super::roster::{Standing, earliest};
use crate::count;
use crate::model::id::OperationId;
use crate::model::revision::Disruption;
use crate::model::time::Timestamp;

/// The steps so far and what was left undone.
#[derive(Debug, Default)]
pub(super) struct Draft {
    /// The steps.
    pub actions: Vec<PlannedAction>,
    /// For each step on a member, that member's index; the creates come after all of them.
    pub targets: Vec<u32>,
    /// Members of each class that a step was taken on.
    pub acted: ClassCounts,
    /// One bit for each member: whether a step was taken on it.
    taken: Vec<u64>,
    /// Creates that will follow, as far as is known before the first step.
    foreseen: u32,
    /// Where some of the creates come from.
    pub origins: Vec<Origin>,
    /// Removals that were decided for the capacity, the rollout or the tear-down.
    pub asked_deletes: u32,
    /// Removals that were decided for repair.
    pub unasked_deletes: u32,
    /// Starts and restarts.
    pub starts: u32,
    /// Serving members that are taken out of service, for however short.
    pub serving_taken: u32,
    /// Restarts that wait for other repairs.
    pub behind_repairs: u32,
    /// Members that are put aside, outside of the capacity.
    pub kept: u32,
    /// Steps of a removal that others follow: drains, shut-downs, and members that are put aside.
    pub staged: u32,
    /// Steps that wait for the availability floor.
    pub under_floor: u32,
    /// Creates.
    pub creates: u32,
    /// Members that should go and are protected.
    pub protected: u32,
    /// Steps that wait for a shared budget.
    pub over_budget: u32,
    /// Instances lacking beside the other steps, where they were counted.
    pub lacking: Option<u32>,
    /// Creates that wait for slots.
    pub without_slot: u32,
    /// Creates that wait for the slow start, and how wide it is.
    pub behind_window: (u32, u32),
    /// More waits, from the steps that know them.
    pub waits: Vec<Wait>,
    /// More blocks, from the steps that know them.
    pub blocks: Vec<Block>,
    /// What repair asks to be remembered, if it changed.
    pub repair_memory: Option<RepairMemory>,
    /// Removals of members whose place another one has taken, kept back by a hold.
    pub held_removals: u32,
    /// When a batch of members was changed in place, if one is in this plan.
    pub batch_at: Option<Timestamp>,
    /// When time alone changes something that a step waits for; see [`Draft::wake`].
    pub wakeup: Option<Timestamp>,
    /// Creates wait for the end of a back-off until then.
    pub backoff_until: Option<Timestamp>,
}

impl Draft {
    /// A draft that so many creates are likely to be in.
    pub(super) fn foreseeing(creates: u32) -> Self {
        Self { foreseen: creates, ..Self::default() }
    }

    /// Makes room for `steps` more steps on some of `members`, as many as there are.
    pub(super) fn expect(&mut self, steps: u32, members: &[Member]) {
        // With those that come after them, so that nothing has to be moved for their sake.
        self.actions.reserve_exact(steps as usize + self.foreseen as usize);
        self.targets.reserve_exact(steps as usize);
        if self.taken.is_empty() {
            self.taken = vec![0; members.len().div_ceil(64)];
        }
    }

    /// Takes a step on a member; [`Draft::expect`] was asked for room before.
    ///
    /// Part of each loop that calls it, so that a step is written once, where it is to stay.
    #[inline(always)]
    pub(super) fn act(&mut self, member: &Member, choice: Choice, reason: Reason) -> Result<(), PlanError> {
        let action = choice.step.on(member)?;
        let (index, bit) = (choice.index as usize, 1 << (choice.index % 64));
        match self.taken.get_mut(index / 64) {
            Some(word) if *word & bit == 0 => *word |= bit,
            _ => return Err(PlanError::Broken(Rule::OneStepEach)),
        }
        self.serving_taken += u32::from(choice.class == Class::Serving && choice.step.is_disruptive());
        self.kept += u32::from(choice.step == Step::Keep);
        self.staged += u32::from(choice.step.is_stage());
        self.acted.0[choice.class as usize] += 1;
        self.actions.push(PlannedAction { action, expects: Some(member.phase), reason });
        self.targets.push(choice.index);
        Ok(())
    }

    /// Asks to be planned again then.
    pub(super) fn wake(&mut self, at: Option<Timestamp>) {
        earliest(&mut self.wakeup, at);
    }

    /// Makes room for creates that are about to be planned.
    pub(super) fn expect_creates(&mut self, count: u32) {
        self.actions.reserve_exact(count as usize);
    }

    /// Plans a new operation.
    pub(super) fn create(&mut self, operation: OperationId, revision: u32, reason: Reason) {
        let action = Action::Create { operation, revision };
        self.actions.push(PlannedAction { action, expects: None, reason });
        self.creates += 1;
    }

    /// Whether a step was taken on a member.
    pub(super) fn is_taken(&self, index: u32) -> bool {
        self.taken.get(index as usize / 64).is_some_and(|word| word >> (index % 64) & 1 == 1)
    }

    /// How many of those with a certain fate are left to it: a change in place takes nobody's fate
    /// away, every other step does.
    pub(super) fn left_of(&self, fate: Fate, count: u32, standings: &[Standing]) -> u32 {
        if count == 0 {
            return 0;
        }
        let is_other = |action: Action| !matches!(action, Action::Update { .. });
        let acted = self.actions.iter().zip(&self.targets).filter(|(planned, _)| is_other(planned.action));
        let taken = acted.filter(|(_, index)| standings[**index as usize].fate == fate);
        count.saturating_sub(count::of(taken.count()))
    }

    /// How many members a step was taken on.
    pub(super) fn taken_count(&self) -> u32 {
        self.taken.iter().map(|word| word.count_ones()).sum()
    }
}

/// A step on a member.
#[derive(Debug, Clone, Copy)]
pub(super) struct Choice {
    pub index: u32,
    pub class: Class,
    pub step: Step,
}

/// What can be done to a member.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    Cancel,
    Delete,
    Start,
    Restart,
    Drain,
    Stop,
    Keep,
    Update { revision: u32, disruption: Disruption },
}

impl Step {
    /// The step on a certain member.
    #[inline]
    fn on(self, member: &Member) -> Result<Action, PlanError> {
        let operation = member.operation;
        let instance = match member.instance() {
            Some(instance) => instance,
            None if self == Self::Cancel => return Ok(Action::Cancel { operation }),
            None => return Err(PlanError::Unbound(operation)),
        };
        Ok(match self {
            Self::Cancel => Action::Cancel { operation },
            Self::Delete => Action::Delete { operation, instance },
            Self::Start => Action::Start { operation, instance },
            Self::Restart => Action::Restart { operation, instance },
            Self::Drain => Action::Drain { operation, instance },
            Self::Stop => Action::Stop { operation, instance },
            Self::Keep => Action::Keep { operation, instance },
            Self::Update { revision, disruption } => Action::Update { operation, instance, revision, disruption },
        })
    }

    /// Whether another stage follows, at once if there is nothing to wait for.
    const fn is_stage(self) -> bool {
        matches!(self, Self::Drain | Self::Stop | Self::Keep)
    }

    /// Whether a member that serves does not serve any more, at least for a while.
    pub(super) const fn is_disruptive(self) -> bool {
        match self {
            Self::Cancel | Self::Start | Self::Keep => false,
            Self::Delete | Self::Restart | Self::Drain | Self::Stop => true,
            Self::Update { disruption, .. } => !matches!(disruption, Disruption::None | Disruption::InPlace),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::id::InstanceId;

    #[test]
    fn it_is_known_of_each_of_many_members_whether_a_step_was_taken_on_it() {
        let members: Vec<Member> = (0..200)
            .map(|number| Member::planned(OperationId::from_bits(u128::from(number)), number, 1, Timestamp::EPOCH))
            .collect();
        let mut draft = Draft::default();
        draft.expect(200, &members);
        let is_chosen = |index: u32| index.is_multiple_of(3) || index.is_multiple_of(64);
        for (member, index) in members.iter().zip(0..).filter(|(_, index)| is_chosen(*index)) {
            let choice = Choice { index, class: Class::Intended, step: Step::Cancel };
            draft.act(member, choice, Reason::TearDown).unwrap();
        }
        assert!((0..200).all(|index| draft.is_taken(index) == is_chosen(index)));
        assert_eq!((draft.is_taken(200), draft.taken_count() as usize), (false, draft.targets.len()));
    }

    #[test]
    fn steps_that_others_follow_are_counted() {
        let instance = InstanceId::new(uuid::Uuid::from_u128(1));
        let member = Member::planned(OperationId::from_bits(1), 1, 1, Timestamp::EPOCH).with_instance(instance);
        let staged_after = |step| {
            let mut draft = Draft::default();
            draft.expect(1, &[member]);
            draft.act(&member, Choice { index: 0, class: Class::Serving, step }, Reason::TearDown).unwrap();
            draft.staged
        };
        let update = Step::Update { revision: 2, disruption: Disruption::InPlace };
        assert_eq!([Step::Drain, Step::Stop, Step::Keep].map(staged_after), [1; 3]);
        assert_eq!([Step::Cancel, Step::Delete, Step::Start, Step::Restart, update].map(staged_after), [0; 5]);
    }

    #[test]
    fn creates_that_are_foreseen_have_their_room_from_the_first_step_on() {
        let member = Member::planned(OperationId::from_bits(1), 1, 1, Timestamp::EPOCH);
        let mut draft = Draft::foreseeing(7);
        draft.expect(1, &[member]);
        let room = draft.actions.capacity();
        draft.expect_creates(7);
        assert_eq!((room, draft.actions.capacity()), (8, 8));
    }
}
