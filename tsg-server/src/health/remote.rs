//! What the probers of an account are told, and what they tell.
//!
//! Owns which of their facts are taken. Must never take one that is not about an instance of this
//! account, about a check as it is now, and of the time that it says.

use std::collections::BTreeMap;
use std::time::Duration;

use tsg_core::health::fact::Fact;
use tsg_core::health::quorum::Ability;
use tsg_core::model::id::InstanceId;
use tsg_core::model::time::Timestamp;
use tsg_engine::EngineHandle;

use super::panel::{Lapse, Member, Moment, NotHeard};
use super::targets::Asked;
use super::watch::{Kept, Watch, Watched};
use crate::remote::{
    FACT_AGE_MAX, GroupTargets, Ignored, PlacedCheck, ProberName, Push, Pushed, PushedFact, Standing, TargetInstance,
    Targets,
};

/// One of the probers that look after an account's instances.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// Its name.
    pub name: String,
    /// Whether it can be believed.
    pub standing: Standing,
    /// When it was heard of last; the server's own always is.
    pub heard_at: Option<Timestamp>,
    /// Checks that it makes.
    pub targets: u32,
    /// Facts of it that were not taken, so far.
    pub ignored: u64,
}

impl Watch {
    /// What there is to ask, and the ETag of it.
    pub fn targets(&self) -> (String, Targets) {
        let kept = self.lock();
        let groups = kept.groups.values().map(Watched::targets);
        let groups = groups.filter(|group| !group.checks.is_empty() && !group.instances.is_empty()).collect();
        (kept.targets_tag(), Targets { groups })
    }

    /// The ETag of what there is to ask.
    pub fn targets_tag(&self) -> String {
        self.lock().targets_tag()
    }

    /// Takes in what a prober of the account tells.
    ///
    /// # Errors
    /// It is one too many, or not the only one of its name.
    pub fn hear(&self, name: &ProberName, push: &Push, engine: &EngineHandle) -> Result<Pushed, NotHeard> {
        let now = self.moment();
        let (pushed, has_news) = {
            let mut kept = self.lock();
            let pushed = kept.hear(name, push, now)?;
            (pushed, kept.collect())
        };
        if has_news {
            engine.note_health();
        }
        Ok(pushed)
    }

    /// A prober of the account has ended, and what it knew goes with it. Whether there was one.
    pub fn dismiss(&self, name: &ProberName, engine: &EngineHandle) -> bool {
        let now = self.moment().at;
        let (is_gone, has_news) = {
            let mut kept = self.lock();
            let number = kept.panel.remove(name);
            if let Some(number) = number {
                kept.ward.forget_prober(number, now);
            }
            (number.is_some(), kept.collect())
        };
        if has_news {
            engine.note_health();
        }
        is_gone
    }

    /// Everybody who looks after the account's instances, the server's own prober first.
    pub fn probers(&self) -> Vec<Seen> {
        let kept = self.lock();
        let targets: usize = kept.groups.values().map(Watched::probed).sum();
        let own = Seen {
            name: ProberName::OWN.to_owned(),
            standing: if kept.here == Ability::Able { Standing::Able } else { Standing::Unable },
            heard_at: None,
            targets: u32::try_from(targets).unwrap_or(u32::MAX),
            ignored: 0,
        };
        let others = kept.panel.members().map(|(name, member)| Seen::of(name, member));
        std::iter::once(own).chain(others).collect()
    }
}

impl Seen {
    fn of(name: &ProberName, member: &Member) -> Self {
        let Member { standing, heard_at, targets, ignored, .. } = *member;
        Self { name: name.to_string(), standing, heard_at: Some(heard_at), targets, ignored }
    }
}

impl Kept {
    fn targets_tag(&self) -> String {
        format!("\"{:x}-{}\"", self.begun_at.as_millis(), self.changes)
    }

    /// Takes votes from probers that fell silent.
    pub(super) fn note_silence(&mut self, now: Moment) {
        for lapse in self.panel.advance(now.monotonic) {
            match lapse {
                Lapse::Silent(number) => self.ward.set_prober(number, Ability::Abstains, now.at),
                Lapse::Gone(number) => self.ward.forget_prober(number, now.at),
            }
        }
    }

    fn hear(&mut self, name: &ProberName, push: &Push, now: Moment) -> Result<Pushed, NotHeard> {
        let targets = self.targets_tag();
        let Self { panel, ward, groups, .. } = self;
        let member = panel.hear(name, push, now)?;
        ward.set_prober(member.number, if push.is_able { Ability::Able } else { Ability::Abstains }, now.at);
        let mut pushed = Pushed { taken: 0, ignored: Ignored::default(), targets };
        let index: BTreeMap<InstanceId, &Watched> = groups
            .values()
            .flat_map(|watched| watched.asked.keys().map(move |instance| (*instance, watched)))
            .collect();
        for fact in &push.facts {
            let ignored = &mut pushed.ignored;
            let because = if !push.is_able {
                &mut ignored.unable
            } else if !member.is_news(fact.number) {
                &mut ignored.repeated
            } else {
                match judged(fact, index.get(&fact.instance).copied(), now.at) {
                    Ok(known) => {
                        ward.note(member.number, fact.instance, fact.check, known, now.at);
                        &mut pushed.taken
                    }
                    Err(Refused::Unknown) => &mut ignored.unknown,
                    Err(Refused::Outdated) => &mut ignored.outdated,
                    Err(Refused::Old) => &mut ignored.old,
                }
            };
            *because += 1;
        }
        member.ignored += u64::from(pushed.ignored.total());
        Ok(pushed)
    }
}

/// Why a fact is not taken.
enum Refused {
    Unknown,
    Outdated,
    Old,
}

fn judged(fact: &PushedFact, watched: Option<&Watched>, now: Timestamp) -> Result<Fact, Refused> {
    let watched = watched.ok_or(Refused::Unknown)?;
    let tag = watched.checks.tags.get(usize::from(fact.check)).ok_or(Refused::Outdated)?;
    let is_probed = watched.checks.each.get(usize::from(fact.check)).is_some_and(|spec| spec.kind.endpoint().is_some());
    if *tag != fact.tag || !is_probed {
        return Err(Refused::Outdated);
    }
    let age = Duration::from_millis(fact.age_ms);
    if age > FACT_AGE_MAX {
        return Err(Refused::Old);
    }
    Ok(Fact { at: now.before(age), took: Duration::from_millis(fact.took_ms).min(age), outcome: fact.outcome })
}

impl Watched {
    /// The checks that take a prober, each with its place.
    fn placed(&self) -> impl Iterator<Item = PlacedCheck> + '_ {
        let each = (0_u16..).zip(self.checks.each.iter().zip(&self.checks.tags));
        let probed = each.filter(|(_, (spec, _))| spec.kind.endpoint().is_some());
        probed.map(|(place, (spec, tag))| PlacedCheck { place, tag: tag.clone(), spec: spec.as_ref().clone() })
    }

    fn targets(&self) -> GroupTargets {
        let reached = self.asked.iter().filter(|(_, asked)| asked.addresses.is_known());
        let target = |(instance, asked): (&InstanceId, &Asked)| TargetInstance {
            instance: *instance,
            addresses: asked.addresses.clone(),
        };
        GroupTargets { checks: self.placed().collect(), instances: reached.map(target).collect() }
    }

    fn probed(&self) -> usize {
        let endpoints = || self.checks.each.iter().filter_map(|spec| spec.kind.endpoint());
        let asked = self.asked.values().map(|asked| endpoints().filter_map(|at| asked.addresses.of(at)).count());
        asked.sum()
    }
}
