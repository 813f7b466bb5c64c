//! Where a machine goes: capacity, affinity, and the mild preference for servers without machines
//! of the same owner. It only chooses; taking the room is the caller's business.

use std::collections::BTreeSet;

use super::World;
use super::affinity::{AffinityRule, Direction, Matcher, Subject};
use super::faults::Fault;
use super::ids::{AccountId, MachineId, ServerId};
use super::machine::Machine;
use super::refusal::Refusal;
use super::servers::{Footprint, Server};

/// The union of what the rules of each direction match.
#[derive(Debug, Default)]
pub(super) struct Wishes {
    is_hard: bool,
    near: BTreeSet<MachineId>,
    far: BTreeSet<MachineId>,
}

impl World {
    /// Chooses a server for a new machine of `account`.
    pub(super) fn choose_server(
        &mut self,
        account: AccountId,
        footprint: Footprint,
        rules: &[AffinityRule],
    ) -> Result<ServerId, Refusal> {
        if self.strikes(account, |fault| matches!(fault, Fault::NoCapacity)).is_some() {
            return Err(Refusal::no_servers("No servers found with enough free memory and disk"));
        }
        let wishes = self.wishes(account, rules).map_err(|reason| Refusal::no_servers(&reason))?;
        let roomy: Vec<&Server> =
            self.servers.values().filter(|server| server.is_up && server.has_room(footprint)).collect();
        if roomy.is_empty() {
            return Err(Refusal::no_servers("No servers found with enough free memory and disk"));
        }
        let fitting = self.fitting(account, &wishes, roomy);
        let best = fitting.into_iter().min_by_key(|server| (server.memory_used_mib, server.id));
        best.map(|server| server.id).ok_or_else(|| Refusal::no_servers("No servers satisfy the affinity rules"))
    }

    /// Collects what the effective rules match. One hard rule makes all soft ones void; a hard `==`
    /// without a match fails.
    pub(super) fn wishes(&self, account: AccountId, rules: &[AffinityRule]) -> Result<Wishes, String> {
        let is_hard = rules.iter().any(|rule| rule.is_hard);
        let mut wishes = Wishes { is_hard, ..Wishes::default() };
        for rule in rules.iter().filter(|rule| rule.is_hard || !is_hard) {
            let matches = self.matches(account, rule);
            let is_void = rule.subject == Subject::Nothing;
            if matches.is_empty() && rule.is_hard && rule.direction == Direction::Near && !is_void {
                return Err(rule.no_match_reason());
            }
            match rule.direction {
                Direction::Near => wishes.near.extend(matches),
                Direction::Far => wishes.far.extend(matches),
            }
        }
        Ok(wishes)
    }

    /// The account's visible active machines a rule matches. A uuid is taken as it is.
    fn matches(&self, account: AccountId, rule: &AffinityRule) -> Vec<MachineId> {
        let Some(index) = self.index.get(&account) else { return Vec::new() };
        let is_candidate = |id: &MachineId| {
            index.is_active(*id) && self.machines.get(id).is_some_and(|machine| machine.is_visible(self.now))
        };
        let scan = |is_match: &dyn Fn(&Machine) -> bool| {
            let ids = index.active().copied().filter(is_candidate);
            ids.filter(|id| self.machines.get(id).is_some_and(is_match)).collect()
        };
        match (&rule.subject, &rule.matcher) {
            (Subject::Nothing, _) => Vec::new(),
            (_, Matcher::Uuid(id)) => vec![*id],
            (Subject::Instance(_), Matcher::Exact(name)) => index.named(name).copied().filter(is_candidate).collect(),
            (Subject::Instance(_), matcher) => scan(&|machine| matcher.is_match(&machine.name)),
            (Subject::Tag(key), Matcher::Exact(value)) => {
                let label = format!("docker:label:{key}");
                let tagged = index.tagged(key, value).chain(index.tagged(&label, value));
                tagged.copied().filter(is_candidate).collect()
            }
            (Subject::Tag(key), matcher) => scan(&|machine| {
                let values = [machine.tags.get(key), machine.tags.get(&format!("docker:label:{key}"))];
                values.into_iter().flatten().any(|value| matcher.is_match(&value.to_string()))
            }),
        }
    }

    pub(super) fn fitting<'a>(&self, account: AccountId, wishes: &Wishes, servers: Vec<&'a Server>) -> Vec<&'a Server> {
        if wishes.near.is_empty() && wishes.far.is_empty() {
            return prefer(servers, |server| !server.hosts(account));
        }
        let far: BTreeSet<ServerId> = self.servers_of(&wishes.far).flatten().collect();
        let near: BTreeSet<Option<ServerId>> = self.servers_of(&wishes.near).collect();
        if wishes.is_hard {
            let is_allowed = |server: &&Server| {
                !far.contains(&server.id) && (near.is_empty() || near == BTreeSet::from([Some(server.id)]))
            };
            return servers.into_iter().filter(is_allowed).collect();
        }
        let apart = prefer(servers, |server| !far.contains(&server.id));
        prefer(apart, |server| near.contains(&Some(server.id)))
    }

    /// The server of each machine; `None` for a uuid that is no active machine.
    fn servers_of(&self, machines: &BTreeSet<MachineId>) -> impl Iterator<Item = Option<ServerId>> {
        let found = machines.iter().map(|id| self.machines.get(id).filter(|machine| machine.is_active()));
        found.map(|machine| machine.map(|machine| machine.server))
    }
}

/// Those that are preferred, or all when that would leave none.
fn prefer(servers: Vec<&Server>, is_preferred: impl Fn(&Server) -> bool) -> Vec<&Server> {
    let preferred: Vec<&Server> = servers.iter().copied().filter(|server| is_preferred(server)).collect();
    if preferred.is_empty() { servers } else { preferred }
}
