//! Who is judged, and by which checks.
//!
//! Owns what stays known when a group, its checks or its machines change. Must never judge anybody
//! by what was heard of another machine or another check.

use alloc::sync::Arc;
use alloc::vec::Vec;

use super::{Group, Seat, Target, Ward, count, silence};
use crate::health::pulse::Thresholds;
use crate::health::spec::HealthSpec;
use crate::health::verdict::Judgement;
use crate::model::id::{GroupId, InstanceId};
use crate::model::time::Timestamp;

/// The group of a seat that nobody has.
const NO_GROUP: u32 = u32::MAX;

/// By new check: the place among the checks before of the one that asks the same.
type Same = Vec<Option<u16>>;

impl Ward {
    /// From now on these instances of a group are judged by these checks, and no others of it.
    ///
    /// What is known of an instance stays so, check by check, as long as a check asks the same and
    /// the machine was not started again; one that was is starting, whatever `has_served` says.
    pub fn set_group(&mut self, group: GroupId, health: &Arc<HealthSpec>, targets: &[Target], now: Timestamp) {
        let number = self.number_of(group, health);
        let same = self.ask_otherwise(number, health);
        let mut wanted = targets.to_vec();
        wanted.sort_by_key(|target| target.instance);
        wanted.dedup_by_key(|target| target.instance);
        let is_wanted = |id: InstanceId| wanted.binary_search_by_key(&id, |target| target.instance).is_ok();
        self.dismiss(number, |id| !is_wanted(id));
        for target in &wanted {
            let place = self.seat(number, target, same.as_deref(), now);
            self.judge(place, now);
        }
    }

    /// Nobody of a group is judged any more.
    pub fn forget_group(&mut self, group: GroupId) {
        let Some(number) = self.numbers.remove(&group) else { return };
        self.dismiss(number, |_| true);
        if let Some(known) = self.groups.get_mut(number as usize) {
            known.is_changed = false;
        }
        self.empty_groups.push(number);
    }

    fn number_of(&mut self, id: GroupId, health: &Arc<HealthSpec>) -> u32 {
        if let Some(number) = self.numbers.get(&id) {
            return *number;
        }
        let thresholds = thresholds_of(health);
        let group = Group { id, health: Arc::clone(health), thresholds, members: Vec::new(), is_changed: false };
        let number = self.empty_groups.pop().unwrap_or_else(|| count::of(self.groups.len()));
        match self.groups.get_mut(number as usize) {
            Some(known) => *known = group,
            None => self.groups.push(group),
        }
        self.numbers.insert(id, number);
        number
    }

    /// A group has other checks; tells which of them ask the same as one before, if any changed.
    fn ask_otherwise(&mut self, number: u32, health: &Arc<HealthSpec>) -> Option<Same> {
        let group = self.groups.get_mut(number as usize)?;
        if Arc::ptr_eq(&group.health, health) || group.health == *health {
            return None;
        }
        let before = core::mem::replace(&mut group.health, Arc::clone(health));
        group.thresholds = thresholds_of(health);
        let same = health.checks.iter().map(|check| {
            let asks_same = before.checks.iter().position(|other| other.name == check.name && other.kind == check.kind);
            asks_same.and_then(|place| u16::try_from(place).ok())
        });
        Some(same.collect())
    }

    /// Gives a target a seat in its group, or leaves it there; tells which.
    fn seat(&mut self, number: u32, target: &Target, same: Option<&[Option<u16>]>, now: Timestamp) -> u32 {
        match self.seat_of(target.instance) {
            Some((place, seat)) if seat.group == number => {
                if seat.began_at != target.began_at {
                    self.begin_anew(place, target.began_at);
                } else if let Some(same) = same {
                    self.move_rows(place, same);
                }
                place
            }
            Some((_, seat)) => {
                self.dismiss(seat.group, |id| id == target.instance);
                self.seat_newcomer(number, target, now)
            }
            None => self.seat_newcomer(number, target, now),
        }
    }

    fn seat_newcomer(&mut self, number: u32, target: &Target, now: Timestamp) -> u32 {
        let Target { instance, began_at, has_served, was_ready } = *target;
        let checks = self.checks_of(number);
        let seat = Seat { instance, began_at, group: number, row: self.rows.take(checks), checks, has_served };
        let judgement = if has_served { Judgement::unknown(now) } else { Judgement::starting(began_at) };
        let judgement = Judgement { is_ready: was_ready, ..judgement };
        let place = self.empty_seats.pop().unwrap_or_else(|| count::of(self.seats.len()));
        match (self.seats.get_mut(place as usize), self.judgements.get_mut(place as usize)) {
            (Some(known), Some(judged)) => (*known, *judged) = (seat, judgement),
            _ => {
                self.seats.push(seat);
                self.judgements.push(judgement);
            }
        }
        let seats = &self.seats;
        self.roll.enter(instance, place, |place| seats.get(place as usize).map(|seat| seat.instance));
        if let Some(group) = self.groups.get_mut(number as usize) {
            group.members.push(place);
        }
        self.note_changed(number);
        place
    }

    fn checks_of(&self, number: u32) -> u16 {
        let checks = self.groups.get(number as usize).map_or(0, |group| group.thresholds.len());
        u16::try_from(checks).unwrap_or(u16::MAX)
    }

    /// The machine was started again: nothing that was heard is about it.
    fn begin_anew(&mut self, place: u32, began_at: Timestamp) {
        let Some(seat) = self.seats.get(place as usize).copied() else { return };
        self.give_rows_back(&seat);
        let checks = self.checks_of(seat.group);
        let row = self.rows.take(checks);
        if let Some(known) = self.seats.get_mut(place as usize) {
            *known = Seat { began_at, row, checks, has_served: false, ..seat };
        }
        if let Some(judgement) = self.judgements.get_mut(place as usize) {
            *judgement = judgement.started_again(began_at);
        }
        self.note_changed(seat.group);
    }

    /// The checks are others: what was heard goes with those that ask the same.
    fn move_rows(&mut self, place: u32, same: &[Option<u16>]) {
        let Some(seat) = self.seats.get(place as usize).copied() else { return };
        let checks = self.checks_of(seat.group);
        let row = self.rows.take(checks);
        for prober in &mut self.probers {
            for (check, before) in (row as usize..).zip(same) {
                let known =
                    before.and_then(|before| prober.pulses.get(seat.row as usize + usize::from(before)).copied());
                let Some(known) = known.filter(|pulse| pulse.is_heard()) else { continue };
                if check >= prober.pulses.len() {
                    prober.pulses.resize(check + 1, silence());
                }
                if let Some(pulse) = prober.pulses.get_mut(check) {
                    *pulse = known;
                }
            }
        }
        self.give_rows_back(&seat);
        if let Some(known) = self.seats.get_mut(place as usize) {
            *known = Seat { row, checks, ..seat };
        }
    }

    fn give_rows_back(&mut self, seat: &Seat) {
        let first = seat.row as usize;
        for prober in &mut self.probers {
            let heard = prober.pulses.iter_mut().skip(first).take(seat.checks.into());
            heard.for_each(|pulse| *pulse = silence());
        }
        self.rows.give_back(seat.row, seat.checks);
    }

    /// Takes the seats of those members of a group that are to go.
    fn dismiss(&mut self, number: u32, is_to_go: impl Fn(InstanceId) -> bool) {
        let Some(group) = self.groups.get_mut(number as usize) else { return };
        let members = core::mem::take(&mut group.members);
        let seats = &self.seats;
        let goes = |place: &u32| seats.get(*place as usize).is_none_or(|seat| is_to_go(seat.instance));
        let (gone, stay): (Vec<u32>, Vec<u32>) = members.into_iter().partition(goes);
        if let Some(group) = self.groups.get_mut(number as usize) {
            group.members = stay;
        }
        gone.into_iter().for_each(|place| self.vacate(place));
    }

    fn vacate(&mut self, place: u32) {
        let Some(seat) = self.seats.get(place as usize).copied() else { return };
        self.give_rows_back(&seat);
        self.timers.cancel(place);
        let seats = &self.seats;
        self.roll.strike(seat.instance, |place| seats.get(place as usize).map(|seat| seat.instance));
        if let Some(known) = self.seats.get_mut(place as usize) {
            known.group = NO_GROUP;
        }
        self.empty_seats.push(place);
    }
}

fn thresholds_of(health: &HealthSpec) -> Vec<Thresholds> {
    health.checks.iter().map(|check| Thresholds::of(health, check)).collect()
}
