//! What was heard of an instance last, by the names that people know.
//!
//! Owns which prober a number stands for. Must never form a verdict, nor keep a fact: the ward does.

use std::collections::BTreeMap;

use tsg_core::health::last::LastFact;
use tsg_core::model::id::{GroupId, InstanceId};
use tsg_core::model::time::Timestamp;

use super::watch::{ELSEWHERE, Kept, Watch};
use crate::remote::ProberName;

/// What one prober told of one check last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownFact {
    /// The name of the check.
    pub check: String,
    /// The name of the prober. What CloudAPI, a guest or a program in the instance says, the server
    /// tells.
    pub prober: String,
    /// What it told.
    pub last: LastFact,
}

/// What was heard of some instances of a group, by numbers still, with the names that they stand for.
struct Heard {
    checks: Vec<String>,
    probers: BTreeMap<u16, String>,
    /// In the order of the instances, those of each in the order of their checks.
    facts: Vec<Vec<LastFact>>,
}

impl Watch {
    /// What was heard last of each of these instances of a group, in the order of its checks, and when
    /// that was asked. Nothing of one that nobody looks after.
    ///
    /// Every probe result waits for the same lock: it is taken once, and held for no more than reading.
    pub fn facts(&self, group: GroupId, instances: &[InstanceId]) -> (Timestamp, Vec<Vec<KnownFact>>) {
        let now = self.moment().at;
        let heard = self.lock().heard(group, instances, now);
        (now, heard.facts.iter().map(|facts| heard.named(facts)).collect())
    }
}

impl Kept {
    fn heard(&self, group: GroupId, instances: &[InstanceId], now: Timestamp) -> Heard {
        let watched = self.groups.get(&group);
        let checks = watched.into_iter().flat_map(|watched| &watched.checks.each).map(|check| check.name.clone());
        let elsewhere = self.panel.members().map(|(name, member)| (member.number, name.to_string()));
        let own = (0..ELSEWHERE).map(|number| (number, ProberName::OWN.to_owned()));
        let of = |instance: &InstanceId| {
            let mut facts: Vec<LastFact> = self.ward.facts_of(*instance, now).collect();
            facts.sort_by_key(|last| (last.check, last.prober));
            facts
        };
        Heard {
            checks: checks.collect(),
            probers: own.chain(elsewhere).collect(),
            facts: instances.iter().map(of).collect(),
        }
    }
}

impl Heard {
    fn named(&self, facts: &[LastFact]) -> Vec<KnownFact> {
        let named = |last: &LastFact| {
            let check = self.checks.get(usize::from(last.check))?.clone();
            Some(KnownFact { check, prober: self.probers.get(&last.prober)?.clone(), last: *last })
        };
        facts.iter().filter_map(named).collect()
    }
}
