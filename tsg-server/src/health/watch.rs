//! Who looks after the instances of one account.
//!
//! Owns the account's ward and what is to be asked of whom. Must never hold its lock while it waits.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tsg_core::health::check::Pacing;
use tsg_core::health::contact::Contact;
use tsg_core::health::fact::{Fact, Outcome};
use tsg_core::health::last::{LastFact, Told};
use tsg_core::health::quorum::Ability;
use tsg_core::health::verdict::Judgement;
use tsg_core::health::ward::Ward;
use tsg_core::model::id::{GroupId, InstanceId};
use tsg_core::model::time::Timestamp;
use tsg_core::plan::input::ViewTrust;
use tsg_core::ports::{Clock, Health};
use tsg_engine::{EngineHandle, GroupView};

use super::commands::Order;
use super::panel::{Moment, Panel};
use super::targets::{Asked, Checks, Starts};
use crate::probe::{self, Assignment};

/// The prober in this process.
const HERE: u16 = 0;
/// What is known without a prober is told under this number: no prober's failure makes it doubtful.
const TOLD: u16 = 1;
/// The first of those elsewhere.
pub(super) const ELSEWHERE: u16 = 2;

/// What there is to ask now, as far as it changed.
#[derive(Default)]
pub struct Errands {
    /// To be asked from now on, or otherwise than before.
    pub set: Vec<Assignment>,
    /// Not to be asked any more.
    pub gone: Vec<(InstanceId, u16)>,
}

/// Who looks after the instances of one account.
pub struct Watch {
    clock: Arc<dyn Clock>,
    kept: Mutex<Kept>,
}

pub(super) struct Kept {
    /// Who showed the instances last.
    engine: Option<EngineHandle>,
    pub(super) ward: Ward,
    pub(super) groups: BTreeMap<GroupId, Watched>,
    /// Whether the prober in this process can be believed.
    pub(super) here: Ability,
    /// The other ones.
    pub(super) panel: Panel,
    pub(super) begun_at: Timestamp,
    /// How often it changed since then what there is to ask.
    pub(super) changes: u64,
    /// Of which something else is believed since the engine asked.
    changed: Vec<GroupId>,
}

/// A group that has checks.
pub(super) struct Watched {
    view: Arc<GroupView>,
    pub(super) checks: Checks,
    starts: Starts,
    pub(super) asked: BTreeMap<InstanceId, Asked>,
    /// When the list was taken that was told of last.
    told_of: Timestamp,
}

impl Watch {
    /// Nobody is looked after.
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        let begun_at = clock.now();
        let kept = Kept {
            engine: None,
            ward: Ward::new(begun_at),
            groups: BTreeMap::new(),
            here: Ability::Able,
            panel: Panel::new(ELSEWHERE),
            begun_at,
            changes: 0,
            changed: Vec::new(),
        };
        Self { clock, kept: Mutex::new(kept) }
    }

    /// Takes in what the engine shows, and lets time pass.
    pub fn look(&self, engine: &EngineHandle) -> Errands {
        let moment = self.moment();
        let now = moment.at;
        let mut errands = Errands::default();
        let views = engine.groups();
        let has_news = {
            let mut kept = self.lock();
            // An engine that has not looked yet shows nothing, which is not that nothing is there.
            if engine.health().view.trust != ViewTrust::Unobserved {
                kept.note_engine(engine);
                kept.forget_groups(&views, &mut errands);
                for view in views.iter().filter(|view| view.view.trust != ViewTrust::Unobserved) {
                    kept.take_in(view, now, &mut errands);
                }
            }
            kept.changes += u64::from(!errands.set.is_empty() || !errands.gone.is_empty());
            kept.note_silence(moment);
            kept.tell_of_lists(now);
            kept.ward.advance(now);
            kept.collect()
        };
        if has_news {
            engine.note_health();
        }
        errands
    }

    /// Takes in what the prober of this process found.
    pub fn note(&self, findings: impl IntoIterator<Item = (InstanceId, u16, Fact)>, engine: &EngineHandle) {
        self.note_of(HERE, findings, engine);
    }

    /// Takes in what programs found that were run in the instances.
    pub fn note_run(&self, findings: impl IntoIterator<Item = (InstanceId, u16, Fact)>, engine: &EngineHandle) {
        self.note_of(TOLD, findings, engine);
    }

    fn note_of(&self, prober: u16, findings: impl IntoIterator<Item = (InstanceId, u16, Fact)>, engine: &EngineHandle) {
        let now = self.clock.now();
        let has_news = {
            let mut kept = self.lock();
            for (instance, check, fact) in findings {
                kept.ward.note(prober, instance, check, fact, now);
            }
            kept.collect()
        };
        if has_news {
            engine.note_health();
        }
    }

    /// Takes in whether the prober of this process can believe what it finds.
    pub fn note_ability(&self, ability: probe::Ability, engine: &EngineHandle) {
        let now = self.clock.now();
        let ability = match ability {
            probe::Ability::Able => Ability::Able,
            probe::Ability::Unable => Ability::Abstains,
        };
        let has_news = {
            let mut kept = self.lock();
            kept.here = ability;
            kept.ward.set_prober(HERE, ability, now);
            kept.collect()
        };
        if has_news {
            engine.note_health();
        }
    }

    /// Everything that is asked now.
    pub fn asked(&self) -> Vec<(InstanceId, u16)> {
        let kept = self.lock();
        kept.groups.values().flat_map(|watched| watched.keys(watched.asked.keys())).collect()
    }

    /// Every program that is to be run now.
    pub fn commands(&self) -> Vec<Order> {
        let kept = self.lock();
        let of = |watched: &Watched| -> Vec<Order> {
            watched.asked.keys().flat_map(|instance| watched.checks.commands(*instance)).collect()
        };
        kept.groups.values().flat_map(of).collect()
    }

    /// Everything that is asked now, as a prober that knows nothing is told.
    pub fn assignments(&self) -> Vec<Assignment> {
        let kept = self.lock();
        let of = |watched: &Watched| -> Vec<Assignment> {
            let asked = watched.asked.iter();
            asked.flat_map(|(instance, asked)| watched.checks.assignments(*instance, &asked.addresses)).collect()
        };
        kept.groups.values().flat_map(of).collect()
    }

    pub(super) fn moment(&self) -> Moment {
        Moment { at: self.clock.now(), monotonic: self.clock.monotonic() }
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Health for Watch {
    fn judgement(&self, instance: InstanceId) -> Option<Judgement> {
        let now = self.clock.now();
        self.lock().ward.judgement(instance, now)
    }

    fn contact(&self, instance: InstanceId) -> Contact {
        let now = self.clock.now();
        self.lock().ward.contact(instance, now)
    }

    fn take_changed(&self) -> Vec<GroupId> {
        std::mem::take(&mut self.lock().changed)
    }
}

impl Kept {
    fn note_engine(&mut self, engine: &EngineHandle) {
        if self.engine.as_ref().is_none_or(|before| !before.is_of_same(engine)) {
            self.groups.values_mut().for_each(|watched| watched.starts.begin_anew());
            self.engine = Some(engine.clone());
        }
    }

    fn forget_groups(&mut self, views: &[Arc<GroupView>], errands: &mut Errands) {
        let is_there = |id: &GroupId| views.binary_search_by_key(id, |view| view.group.id).is_ok();
        let gone: Vec<GroupId> = self.groups.keys().copied().filter(|id| !is_there(id)).collect();
        for group in gone {
            self.forget(group, errands);
        }
    }

    fn forget(&mut self, group: GroupId, errands: &mut Errands) {
        let Some(watched) = self.groups.remove(&group) else { return };
        errands.gone.extend(watched.keys(watched.asked.keys()));
        self.ward.forget_group(group);
    }

    fn take_in(&mut self, view: &Arc<GroupView>, now: Timestamp, errands: &mut Errands) {
        let group = view.group.id;
        let Some(spec) = view.group.health.as_deref().filter(|spec| !spec.checks.is_empty()) else {
            return self.forget(group, errands);
        };
        let known = self.groups.get(&group);
        if known.is_some_and(|watched| Arc::ptr_eq(&watched.view, view)) {
            return;
        }
        if known.is_none_or(|watched| *watched.checks.spec != *spec) {
            let starts = self.groups.remove(&group).map(|before| {
                errands.gone.extend(before.keys(before.asked.keys()));
                before.starts
            });
            let Some(checks) = Checks::of(spec) else { return };
            let (starts, asked) = (starts.unwrap_or_default(), BTreeMap::new());
            let watched = Watched { view: view.clone(), checks, starts, asked, told_of: Timestamp::EPOCH };
            self.groups.insert(group, watched);
        }
        let Some(watched) = self.groups.get_mut(&group) else { return };
        watched.view = view.clone();
        let (targets, asked) = watched.starts.take_in(&view.members, &watched.checks, now);
        self.ward.set_group(group, &watched.checks.spec, &targets, now);
        watched.ask(asked, errands);
    }

    /// Tells the ward what lists show. Each list is one observation, made when it was taken: it counts once, for the
    /// checks whose interval has passed since the one that counted last.
    fn tell_of_lists(&mut self, now: Timestamp) {
        let Self { ward, groups, .. } = self;
        for watched in groups.values_mut().filter(|watched| watched.told_of < watched.view.view.taken_at) {
            let taken_at = watched.view.view.taken_at;
            watched.told_of = taken_at;
            for (instance, asked) in &watched.asked {
                for (check, outcome) in watched.checks.told(asked, taken_at) {
                    let is_of_it = |last: &LastFact| (last.prober, last.check) == (TOLD, check);
                    let before = ward.facts_of(*instance, now).find(is_of_it).and_then(|last| last.told);
                    if watched.is_due(check, before, taken_at) {
                        let fact = Fact { at: taken_at, took: core::time::Duration::ZERO, outcome };
                        ward.note(TOLD, *instance, check, fact, now);
                    }
                }
            }
        }
    }

    /// Whether something else is believed of a group now.
    pub(super) fn collect(&mut self) -> bool {
        let changed = self.ward.take_changed();
        let has_news = !changed.is_empty();
        self.changed.extend(changed);
        self.changed.sort_unstable();
        self.changed.dedup();
        has_news
    }
}

impl Watched {
    fn keys<'a>(
        &'a self,
        instances: impl IntoIterator<Item = &'a InstanceId> + 'a,
    ) -> impl Iterator<Item = (InstanceId, u16)> + 'a {
        let checks = u16::try_from(self.checks.each.len()).unwrap_or(u16::MAX);
        instances.into_iter().flat_map(move |instance| (0..checks).map(|check| (*instance, check)))
    }

    /// Changes whom the prober asks.
    fn ask(&mut self, asked: BTreeMap<InstanceId, Asked>, errands: &mut Errands) {
        let addresses = |of: Option<&Asked>| of.map(|asked| asked.addresses.clone());
        let is_other = |instance: &&InstanceId| addresses(asked.get(*instance)) != addresses(self.asked.get(*instance));
        // What is set is not gone, whatever was asked there before.
        errands.gone.extend(self.keys(self.asked.keys().filter(is_other)));
        for instance in asked.keys().filter(is_other) {
            let new = addresses(asked.get(instance)).unwrap_or_default();
            errands.set.extend(self.checks.assignments(*instance, &new));
        }
        self.asked = asked;
    }

    /// Whether a list that was taken at some time counts for a check, given what counted last.
    fn is_due(&self, check: u16, before: Option<Told>, taken_at: Timestamp) -> bool {
        let Some(spec) = self.checks.each.get(usize::from(check)) else { return false };
        let Pacing { interval, unhealthy_interval, .. } = spec.pacing;
        let pace = |told: &Told| match told.outcome {
            Outcome::Failed(_) => interval.min(unhealthy_interval),
            _ => interval,
        };
        before.is_none_or(|told| told.at.after(pace(&told).as_duration()) <= taken_at)
    }
}
