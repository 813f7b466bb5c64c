//! All instances of an account that are probed, with what is known of them.
//!
//! Owns who is judged and by which checks, and which groups have to be looked at again. Must never
//! make a probe, and never forget what is known of a check that stays as it is.

use alloc::collections::BTreeMap;
use alloc::sync::Arc;
use alloc::vec::Vec;

use super::check::CheckKind;
use super::contact::Contact;
use super::fact::{Fact, Failure};
use super::last::LastFact;
use super::pulse::{Pulse, Thresholds};
use super::quorum::{Ability, Poll};
use super::roll::Roll;
use super::rows::Rows;
use super::spec::HealthSpec;
use super::verdict::{Finding, Judgement};
use super::wheel::Wheel;
use crate::count;
use crate::model::id::{GroupId, InstanceId};
use crate::model::time::Timestamp;

mod seating;

/// Probers at most. Their numbers are small: what is kept of each is a table of all checks.
pub const PROBERS_MAX: u16 = 64;

/// An instance that is to be judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Target {
    /// Which one.
    pub instance: InstanceId,
    /// When its machine was started, or started again, last: where its start window begins.
    pub began_at: Timestamp,
    /// Whether it was healthy since then, as far as anybody remembers: of where it stands nothing
    /// is known then, but it is past its start.
    pub has_served: bool,
    /// Whether it may be listed as far as anybody remembers. It is believed until something is heard,
    /// so that nobody is taken out because nobody has looked yet.
    pub was_ready: bool,
}

/// Whoever is judged, with everything it takes to judge them.
///
/// ```
/// # use core::time::Duration;
/// # use std::sync::Arc;
/// use tsg_core::health::fact::{Fact, Failure, Outcome};
/// use tsg_core::health::spec::HealthSpec;
/// use tsg_core::health::ward::{Target, Ward};
/// # use tsg_core::model::id::{GroupId, InstanceId};
/// # use tsg_core::model::time::Timestamp;
/// use tsg_core::plan::input::Verdict;
/// # let (group, instance) = (GroupId::new(uuid::Uuid::from_u128(1)), InstanceId::new(uuid::Uuid::from_u128(2)));
/// # let at = |second: i64| Timestamp::from_millis(second * 1000);
///
/// let health: HealthSpec = serde_json::from_str(r#"{"checks": [{"type": "http", "port": 8080}]}"#)?;
/// let mut ward = Ward::new(at(0));
/// ward.set_group(group, &Arc::new(health), &[Target { instance, began_at: at(0), has_served: true, was_ready: true }], at(0));
/// for second in [10, 20, 30] {
///     let outcome = Outcome::Failed(Failure::Status(503));
///     ward.note(0, instance, 0, Fact { at: at(second), took: Duration::ZERO, outcome }, at(second));
/// }
/// assert_eq!(ward.take_changed(), [group]);
/// assert_eq!(ward.judgement(instance, at(30)).map(|known| known.verdict), Some(Verdict::Unhealthy));
///
/// // Then nobody looks any more.
/// assert!(ward.next_change_at() <= Some(at(66)));
/// ward.advance(at(66));
/// assert_eq!(ward.take_changed(), [group]);
/// assert_eq!(ward.judgement(instance, at(66)).map(|known| known.verdict), Some(Verdict::Unknown));
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Ward {
    roll: Roll,
    seats: Vec<Seat>,
    /// By seat.
    judgements: Vec<Judgement>,
    empty_seats: Vec<u32>,
    numbers: BTreeMap<GroupId, u32>,
    /// By number.
    groups: Vec<Group>,
    empty_groups: Vec<u32>,
    /// By number.
    probers: Vec<Prober>,
    rows: Rows,
    /// By seat: when it may be judged otherwise without anything being heard.
    timers: Wheel,
    due: Vec<u32>,
    changed: Vec<u32>,
}

/// One instance: what every fact asks for.
#[derive(Debug, Clone, Copy)]
struct Seat {
    instance: InstanceId,
    began_at: Timestamp,
    group: u32,
    /// The row of its first check; the others follow.
    row: u32,
    checks: u16,
    has_served: bool,
}

impl Seat {
    fn fresh(&self, thresholds: &Thresholds) -> Pulse {
        if self.has_served { Pulse::unknown(self.began_at) } else { Pulse::starting(self.began_at, thresholds) }
    }
}

#[derive(Debug, Clone)]
struct Group {
    id: GroupId,
    health: Arc<HealthSpec>,
    thresholds: Vec<Thresholds>,
    /// Seats.
    members: Vec<u32>,
    is_changed: bool,
}

#[derive(Debug, Clone, Default)]
struct Prober {
    ability: Ability,
    /// By row; nothing beyond its end was ever heard.
    pulses: Vec<Pulse>,
}

/// So that a hundred thousand timers do not wake anybody more often than four times a second.
const LOOK_MS: i64 = 250;

fn rounded(at: Timestamp) -> Timestamp {
    let looks = at.as_millis().saturating_add(LOOK_MS - 1).div_euclid(LOOK_MS);
    Timestamp::from_millis(looks.saturating_mul(LOOK_MS))
}

/// Nothing was heard, of nobody in particular.
fn silence() -> Pulse {
    Pulse::unknown(Timestamp::EPOCH)
}

impl Ward {
    /// Nobody is judged.
    pub fn new(now: Timestamp) -> Self {
        Self {
            roll: Roll::default(),
            seats: Vec::new(),
            judgements: Vec::new(),
            empty_seats: Vec::new(),
            numbers: BTreeMap::new(),
            groups: Vec::new(),
            empty_groups: Vec::new(),
            probers: Vec::new(),
            rows: Rows::default(),
            timers: Wheel::new(now),
            due: Vec::new(),
            changed: Vec::new(),
        }
    }

    /// A probe of a check of an instance has ended. Facts about what is not judged, or from before
    /// its machine was started, say nothing; a time that lies ahead counts as now.
    pub fn note(&mut self, prober: u16, instance: InstanceId, check: u16, fact: Fact, now: Timestamp) {
        let Some((place, seat)) = self.seat_of(instance) else { return };
        if check >= seat.checks || prober >= PROBERS_MAX {
            return;
        }
        let row = seat.row as usize + usize::from(check);
        let group = self.groups.get(seat.group as usize);
        let Some(thresholds) = group.and_then(|group| group.thresholds.get(usize::from(check))) else { return };
        let Some(pulse) = pulse_mut(&mut self.probers, prober, row) else { return };
        if pulse.is_heard() {
            pulse.not_after(now);
        } else {
            *pulse = seat.fresh(thresholds);
        }
        let is_fit = |pulse: &Pulse| pulse.failure().is_some_and(Failure::is_of_readiness_alone);
        let was_fit = is_fit(pulse);
        let may_differ = pulse.hear(fact.outcome, fact.took, fact.at.min(now), thresholds);
        if may_differ || is_fit(pulse) != was_fit {
            self.judge(place, now);
        }
    }

    /// A prober reaches its control targets, or does not. One that was never heard of does.
    pub fn set_prober(&mut self, prober: u16, ability: Ability, now: Timestamp) {
        if prober >= PROBERS_MAX {
            return;
        }
        let known = prober_mut(&mut self.probers, prober);
        if known.is_some_and(|known| core::mem::replace(&mut known.ability, ability) != ability) {
            self.judge_all(now);
        }
    }

    /// A prober is gone for good, and what it knew with it. Its number may be given to another one.
    pub fn forget_prober(&mut self, prober: u16, now: Timestamp) {
        if let Some(known) = self.probers.get_mut(usize::from(prober)) {
            *known = Prober::default();
            self.judge_all(now);
        }
    }

    /// Judges everybody whose time has come.
    pub fn advance(&mut self, now: Timestamp) {
        let mut due = core::mem::take(&mut self.due);
        self.timers.advance(now, &mut due);
        due.drain(..).for_each(|place| self.judge(place, now));
        self.due = due;
    }

    /// No judgement changes before that unless something is heard; then [`Ward::advance`] is to be
    /// called. It may be too early, and too late by a quarter of a second.
    pub fn next_change_at(&self) -> Option<Timestamp> {
        self.timers.next_at()
    }

    /// What is believed of an instance now; `None` for one that is not judged.
    pub fn judgement(&self, instance: InstanceId, now: Timestamp) -> Option<Judgement> {
        let (place, seat) = self.seat_of(instance)?;
        let before = self.judgements.get(place as usize)?;
        Some(self.assessed(&seat, before, now).0)
    }

    /// What was heard of an instance last, prober by prober and check by check: as many as there are of
    /// both at most.
    ///
    /// ```
    /// # use core::time::Duration;
    /// # use std::sync::Arc;
    /// use tsg_core::health::fact::{Fact, Failure, Outcome};
    /// use tsg_core::health::spec::HealthSpec;
    /// use tsg_core::health::ward::{Target, Ward};
    /// # use tsg_core::model::id::{GroupId, InstanceId};
    /// # use tsg_core::model::time::Timestamp;
    /// # let (group, instance) = (GroupId::new(uuid::Uuid::from_u128(1)), InstanceId::new(uuid::Uuid::from_u128(2)));
    /// # let at = |second: i64| Timestamp::from_millis(second * 1000);
    ///
    /// let health: HealthSpec = serde_json::from_str(r#"{"checks": [{"type": "http", "port": 8080}]}"#)?;
    /// let mut ward = Ward::new(at(0));
    /// ward.set_group(group, &Arc::new(health), &[Target { instance, began_at: at(0), has_served: true, was_ready: true }], at(0));
    /// let outcome = Outcome::Failed(Failure::Status(503));
    /// for second in [10, 20] {
    ///     ward.note(0, instance, 0, Fact { at: at(second), took: Duration::from_millis(40), outcome }, at(second));
    /// }
    /// let told = ward.facts_of(instance, at(25)).next().and_then(|last| last.told).ok_or("nothing was heard")?;
    /// assert_eq!((told.outcome, told.at, told.in_a_row, told.is_stale), (outcome, at(20), 2, false));
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    pub fn facts_of(&self, instance: InstanceId, now: Timestamp) -> impl Iterator<Item = LastFact> + '_ {
        let seat = self.seat_of(instance).map(|(_, seat)| seat);
        let seated = seat.and_then(|seat| Some((seat, self.groups.get(seat.group as usize)?)));
        seated.into_iter().flat_map(move |(seat, group)| {
            (0_u16..).zip(&self.probers).flat_map(move |(prober, known)| {
                let pulses = (0_u16..).zip(seat.pulses_of(known).iter().zip(&group.thresholds));
                let last = pulses.map(move |(check, (pulse, thresholds))| {
                    let (told, obstruction) = (pulse.told(now, thresholds), pulse.obstruction());
                    LastFact { prober, check, told, obstruction }
                });
                last.filter(|last| last.told.is_some() || last.obstruction.is_some())
            })
        })
    }

    /// What whoever asks an instance directly heard of it last, since it was started. What the cloud tells
    /// of it may be told long after it fell silent, and is no contact.
    ///
    /// ```
    /// # use core::time::Duration;
    /// # use std::sync::Arc;
    /// use tsg_core::health::contact::Contact;
    /// use tsg_core::health::fact::{Fact, Failure, Outcome, Stage};
    /// use tsg_core::health::spec::HealthSpec;
    /// use tsg_core::health::ward::{Target, Ward};
    /// # use tsg_core::model::id::{GroupId, InstanceId};
    /// # use tsg_core::model::time::Timestamp;
    /// # let (group, instance) = (GroupId::new(uuid::Uuid::from_u128(1)), InstanceId::new(uuid::Uuid::from_u128(2)));
    /// # let at = |second: i64| Timestamp::from_millis(second * 1000);
    ///
    /// let health: HealthSpec = serde_json::from_str(r#"{"checks": [{"type": "http", "port": 8080}, {"type": "cloud"}]}"#)?;
    /// let mut ward = Ward::new(at(0));
    /// ward.set_group(group, &Arc::new(health), &[Target { instance, began_at: at(0), has_served: true, was_ready: true }], at(0));
    /// let mut note = |check, second, outcome| {
    ///     ward.note(0, instance, check, Fact { at: at(second), took: Duration::ZERO, outcome }, at(second));
    ///     ward.contact(instance, at(second))
    /// };
    /// assert_eq!(note(1, 9, Outcome::Passed), Contact::Unheard);
    /// assert_eq!(note(0, 10, Outcome::Failed(Failure::Refused)), Contact::Answers);
    /// assert_eq!(note(0, 20, Outcome::Failed(Failure::TimedOut(Stage::Connect))), Contact::Silent);
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    pub fn contact(&self, instance: InstanceId, now: Timestamp) -> Contact {
        let group = self.seat_of(instance).and_then(|(_, seat)| self.groups.get(seat.group as usize));
        let Some(group) = group else { return Contact::Unheard };
        let is_direct = |last: &LastFact| {
            let asked = group.health.checks.get(usize::from(last.check));
            asked.is_some_and(|check| check.kind.endpoint().is_some() || matches!(check.kind, CheckKind::Command(_)))
        };
        let told = self.facts_of(instance, now).filter(is_direct).filter_map(|last| last.told);
        told.filter(|told| !told.is_stale).fold(Contact::Unheard, |contact, told| match contact {
            Contact::Answers => contact,
            _ if told.outcome.is_answer() => Contact::Answers,
            _ => Contact::Silent,
        })
    }

    /// The groups of which somebody is judged otherwise than when this was asked last, or for the
    /// first time.
    pub fn take_changed(&mut self) -> Vec<GroupId> {
        let changed = core::mem::take(&mut self.changed);
        let is_first = |number: &u32| {
            let group = self.groups.get_mut(*number as usize)?;
            core::mem::take(&mut group.is_changed).then_some(group.id)
        };
        changed.iter().filter_map(is_first).collect()
    }

    fn seat_of(&self, instance: InstanceId) -> Option<(u32, Seat)> {
        let place = self.roll.find(instance, |place| self.seats.get(place as usize).map(|seat| seat.instance))?;
        Some((place, *self.seats.get(place as usize)?))
    }

    fn judge_all(&mut self, now: Timestamp) {
        let everybody: Vec<u32> = self.groups.iter().flat_map(|group| &group.members).copied().collect();
        everybody.into_iter().for_each(|place| self.judge(place, now));
    }

    /// Judges whoever has a seat anew, and sets when that is to be done again.
    fn judge(&mut self, place: u32, now: Timestamp) {
        let Some(seat) = self.seats.get(place as usize) else { return };
        let Some(before) = self.judgements.get(place as usize) else { return };
        let (judgement, holds_until) = self.assessed(seat, before, now);
        let (group, is_new) = (seat.group, judgement != *before);
        match holds_until {
            Some(at) => self.timers.set(place, rounded(at)),
            None => self.timers.cancel(place),
        }
        if is_new {
            if let Some(known) = self.judgements.get_mut(place as usize) {
                *known = judgement;
            }
            self.note_changed(group);
        }
    }

    fn note_changed(&mut self, number: u32) {
        let Some(group) = self.groups.get_mut(number as usize) else { return };
        if !core::mem::replace(&mut group.is_changed, true) {
            self.changed.push(number);
        }
    }

    /// What follows from what is known, and until when it does at least.
    fn assessed(&self, seat: &Seat, before: &Judgement, now: Timestamp) -> (Judgement, Option<Timestamp>) {
        let Some(group) = self.groups.get(seat.group as usize) else { return (*before, None) };
        let mut holds_until: Option<Timestamp> = None;
        let findings = (0_usize..).zip(group.health.checks.iter().zip(&group.thresholds));
        let findings = findings.map(|(check, (spec, thresholds))| {
            let poll = self.polled(seat, check, thresholds, now);
            holds_until = [holds_until, poll.holds_until()].into_iter().flatten().min();
            let standing = poll.standing(group.health.quorum);
            Finding { purpose: spec.purpose, standing, failure: poll.failure() }
        });
        (before.then(now, findings), holds_until)
    }

    fn polled<'t>(&self, seat: &Seat, check: usize, thresholds: &'t Thresholds, now: Timestamp) -> Poll<'t> {
        let mut poll = Poll::new(now, thresholds);
        // What holds as long as nobody has looked.
        poll.hear(&seat.fresh(thresholds), Ability::Abstains);
        for prober in &self.probers {
            if let Some(pulse) = prober.pulses.get(seat.row as usize + check).filter(|pulse| pulse.is_heard()) {
                poll.hear(pulse, prober.ability);
            }
        }
        poll
    }
}

impl Seat {
    fn pulses_of(self, prober: &Prober) -> &[Pulse] {
        let first = (self.row as usize).min(prober.pulses.len());
        let last = (first + usize::from(self.checks)).min(prober.pulses.len());
        prober.pulses.get(first..last).unwrap_or_default()
    }
}

fn prober_mut(probers: &mut Vec<Prober>, number: u16) -> Option<&mut Prober> {
    let place = usize::from(number);
    if place >= probers.len() {
        probers.resize_with(place + 1, Prober::default);
    }
    probers.get_mut(place)
}

/// What a prober knows of a row; a new table of its own, if it is the first time.
fn pulse_mut(probers: &mut Vec<Prober>, number: u16, row: usize) -> Option<&mut Pulse> {
    let pulses = &mut prober_mut(probers, number)?.pulses;
    if row >= pulses.len() {
        pulses.resize(row + 1, silence());
    }
    pulses.get_mut(row)
}
