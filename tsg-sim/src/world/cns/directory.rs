//! What the name service has taken notice of, and how late: the listings by name, the changes on
//! their way, and the times at which compute nodes count as absent.
//! It never decides what is listed, and never lets a change be seen before its time.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use super::listing::Listing;
use crate::world::ids::{AccountId, MachineId, ServerId};
use crate::world::spec::Propagation;
use crate::world::time::SimTime;

/// Everything that can be asked for.
#[derive(Debug, Clone)]
pub(crate) struct Directory {
    propagation: Propagation,
    /// Accounts by the label of their login.
    logins: BTreeMap<String, AccountId>,
    /// The latest listings, seen or not: what is equal to them is no change.
    latest: BTreeMap<MachineId, Arc<Listing>>,
    on_their_way: VecDeque<Notice>,
    listings: BTreeMap<MachineId, Arc<Listing>>,
    names: BTreeMap<AccountId, Names>,
    absences: BTreeMap<ServerId, Vec<Absence>>,
    changed_at: SimTime,
}

/// A change that will be seen.
#[derive(Debug, Clone)]
struct Notice {
    due: SimTime,
    machine: MachineId,
    listing: Option<Arc<Listing>>,
}

/// The names in use within one account.
#[derive(Debug, Clone, Default)]
struct Names {
    machines: BTreeSet<MachineId>,
    aliases: BTreeMap<String, BTreeSet<MachineId>>,
    services: BTreeMap<String, BTreeSet<MachineId>>,
}

/// A time at which a compute node counts as absent.
#[derive(Debug, Clone, Copy)]
struct Absence {
    from: SimTime,
    until: Option<SimTime>,
}

impl Directory {
    pub(crate) fn new(propagation: Propagation, now: SimTime) -> Self {
        Self {
            propagation,
            logins: BTreeMap::new(),
            latest: BTreeMap::new(),
            on_their_way: VecDeque::new(),
            listings: BTreeMap::new(),
            names: BTreeMap::new(),
            absences: BTreeMap::new(),
            changed_at: now,
        }
    }

    /// Lets an account be found by the label of its login. The first one keeps it.
    pub(crate) fn add_login(&mut self, label: String, account: AccountId) {
        self.logins.entry(label).or_insert(account);
    }

    /// The account with this label of a login.
    pub(crate) fn account(&self, login: &str) -> Option<AccountId> {
        self.logins.get(login).copied()
    }

    /// When the last change was seen.
    pub(crate) const fn changed_at(&self) -> SimTime {
        self.changed_at
    }

    /// Takes notice of what is to be said of a machine from now on; it is seen later.
    pub(crate) fn note(&mut self, machine: MachineId, listing: Option<Listing>, now: SimTime) {
        if self.latest.get(&machine).map(Arc::as_ref) == listing.as_ref() {
            return;
        }
        let listing = listing.map(Arc::new);
        match &listing {
            Some(listing) => self.latest.insert(machine, Arc::clone(listing)),
            None => self.latest.remove(&machine),
        };
        let due = now.plus_ms(self.propagation.delay_ms);
        self.on_their_way.push_back(Notice { due, machine, listing });
        self.publish_until(now);
    }

    /// Lets everything be seen that is due.
    pub(crate) fn publish_until(&mut self, now: SimTime) {
        while self.on_their_way.front().is_some_and(|notice| notice.due <= now) {
            if let Some(Notice { due, machine, listing }) = self.on_their_way.pop_front() {
                self.withdraw(machine);
                self.publish(machine, listing);
                self.changed_at = due;
            }
        }
    }

    fn withdraw(&mut self, machine: MachineId) {
        let Some(old) = self.listings.remove(&machine) else { return };
        let Some(names) = self.names.get_mut(&old.account) else { return };
        names.machines.remove(&machine);
        old.alias.iter().for_each(|label| strike(&mut names.aliases, label, machine));
        old.services.iter().for_each(|service| strike(&mut names.services, &service.label, machine));
    }

    fn publish(&mut self, machine: MachineId, listing: Option<Arc<Listing>>) {
        let Some(listing) = listing else { return };
        let names = self.names.entry(listing.account).or_default();
        names.machines.insert(machine);
        if let Some(label) = &listing.alias {
            names.aliases.entry(label.clone()).or_default().insert(machine);
        }
        for service in &listing.services {
            names.services.entry(service.label.clone()).or_default().insert(machine);
        }
        self.listings.insert(machine, listing);
    }

    /// A compute node was lost: nobody hears from it any more.
    pub(crate) fn lose_server(&mut self, server: ServerId, now: SimTime) {
        let from = now.plus_ms(self.propagation.silence_ms).plus_ms(self.propagation.delay_ms);
        let absences = self.absences.entry(server).or_default();
        absences.retain(|absence| absence.until.is_none_or(|until| now < until));
        absences.push(Absence { from, until: None });
    }

    /// A compute node came back. One that has only just booted counts as absent for a while, even
    /// when its silence had not been noticed.
    pub(crate) fn regain_server(&mut self, server: ServerId, now: SimTime) {
        let seen = now.plus_ms(self.propagation.delay_ms);
        let until = seen.plus_ms(self.propagation.settle_ms);
        for absence in self.absences.entry(server).or_default() {
            if absence.until.is_none() {
                *absence = Absence { from: absence.from.min(seen), until: Some(until) };
            }
        }
    }

    /// Whether anything is listed for the account.
    pub(crate) fn knows(&self, account: AccountId) -> bool {
        self.names.get(&account).is_some_and(|names| !names.machines.is_empty())
    }

    /// Whether any service of the account has an entry.
    pub(crate) fn knows_services(&self, account: AccountId) -> bool {
        self.names.get(&account).is_some_and(|names| !names.services.is_empty())
    }

    /// The listed machine, if it is the account's.
    pub(crate) fn machine(&self, account: AccountId, id: MachineId) -> Option<(MachineId, &Listing)> {
        let listing = self.listings.get(&id).filter(|listing| listing.account == account)?;
        Some((id, listing.as_ref()))
    }

    /// Machines with this alias. Different names can make the same label.
    pub(crate) fn by_alias<'a>(
        &'a self,
        account: AccountId,
        label: &str,
    ) -> impl Iterator<Item = (MachineId, &'a Listing)> + use<'a> {
        let bearers = self.names.get(&account).and_then(|names| names.aliases.get(label));
        bearers.into_iter().flatten().filter_map(move |id| self.machine(account, *id))
    }

    /// Machines of this service on compute nodes that are there.
    pub(crate) fn by_service<'a>(
        &'a self,
        account: AccountId,
        label: &str,
        now: SimTime,
    ) -> impl Iterator<Item = (MachineId, &'a Listing)> + use<'a> {
        let members = self.names.get(&account).and_then(|names| names.services.get(label));
        let listed = members.into_iter().flatten().filter_map(move |id| self.machine(account, *id));
        listed.filter(move |(_, listing)| !self.is_absent(listing.server, now))
    }

    fn is_absent(&self, server: ServerId, now: SimTime) -> bool {
        let mut absences = self.absences.get(&server).into_iter().flatten();
        absences.any(|absence| absence.from <= now && absence.until.is_none_or(|until| now < until))
    }
}

fn strike(names: &mut BTreeMap<String, BTreeSet<MachineId>>, label: &str, machine: MachineId) {
    let Some(bearers) = names.get_mut(label) else { return };
    bearers.remove(&machine);
    if bearers.is_empty() {
        names.remove(label);
    }
}
