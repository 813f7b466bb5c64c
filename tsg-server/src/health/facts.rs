//! What was heard of an instance last, by the names that people know.
//!
//! Owns which prober a number stands for. Must never form a verdict, nor keep a fact: the ward does.

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

impl Watch {
    /// What was heard last of an instance of a group, in the order of its checks, and when that was
    /// asked. Nothing of one that nobody looks after.
    pub fn facts(&self, group: GroupId, instance: InstanceId) -> (Timestamp, Vec<KnownFact>) {
        let now = self.moment().at;
        (now, self.lock().facts(group, instance, now))
    }
}

impl Kept {
    fn facts(&self, group: GroupId, instance: InstanceId, now: Timestamp) -> Vec<KnownFact> {
        let Some(watched) = self.groups.get(&group) else { return Vec::new() };
        let known = |last: LastFact| {
            let check = watched.checks.each.get(usize::from(last.check))?.name.clone();
            Some(KnownFact { check, prober: self.prober_name(last.prober)?, last })
        };
        let mut facts: Vec<KnownFact> = self.ward.facts_of(instance, now).filter_map(known).collect();
        facts.sort_by_key(|fact| (fact.last.check, fact.last.prober));
        facts
    }

    fn prober_name(&self, number: u16) -> Option<String> {
        if number < ELSEWHERE {
            return Some(ProberName::OWN.to_owned());
        }
        let named = self.panel.members().find(|(_, member)| member.number == number);
        named.map(|(name, _)| name.to_string())
    }
}
