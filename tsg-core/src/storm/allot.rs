//! Divides what may be spent among those who need it.
//!
//! Owns the order: what a hold leaves of a need, the data centre's part of the whole, and there
//! one line for each kind of step. Must never grant what is not paid for.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use core::cmp::Reverse;
use core::time::Duration;

use serde::{Deserialize, Serialize};

use super::budgets::{Budgets, Pace, Purse};
use super::fair::{Claim, Line, divide};
use super::holds::{Hold, Stop};
use super::input::{GroupFacts, StormInput};
use super::output::Allowance;
use super::spend::{Needs, PerSpend, Spend, Spender};
use super::wakeup::Wakeup;
use crate::model::id::{AccountId, GroupId};

/// Until a group that had all a single visit may bring is visited again.
const VISIT_INTERVAL: Duration = Duration::from_secs(1);

/// The line for one kind of step in one data centre.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptLine {
    /// The data centre.
    pub data_centre: u32,
    /// The kind.
    pub kind: Spend,
    /// The line.
    pub line: Line,
}

/// What is left when everything is divided.
#[derive(Debug)]
pub(super) struct Allotment {
    pub(super) allowances: Vec<Allowance>,
    pub(super) budgets: Budgets,
    pub(super) lines: Vec<KeptLine>,
    pub(super) divided_last: PerSpend<Option<u32>>,
}

/// Of one kind: the claims of each data centre.
type Claims = BTreeMap<u32, Vec<Claim>>;
/// Of one kind: who got how much.
type Granted = BTreeMap<(GroupId, u32), u32>;

/// The purses while they are divided.
struct Counter<'a, 'i> {
    input: &'i StormInput<'a>,
    binding: &'i [Option<Hold>],
    pace: Pace<'a>,
    budgets: Budgets,
    lines: BTreeMap<(u32, Spend), Line>,
}

/// Gives every group what it may do; `binding` has the hold of each.
pub(super) fn allot(input: &StormInput<'_>, binding: &[Option<Hold>], wakeup: &mut Wakeup) -> Allotment {
    let mut budgets = input.memory.budgets.clone();
    budgets.settle(input.unused, input.rates);
    let kept = input.memory.lines.iter().map(|kept| ((kept.data_centre, kept.kind), kept.line.clone()));
    let pace = Pace { rates: input.rates, now: input.now, started_at: input.started_at };
    let mut counter = Counter { input, binding, pace, budgets, lines: kept.collect() };
    let mut divided_last = input.memory.divided_last;
    let mut granted = PerSpend::<Granted>::default();
    for kind in Spend::ALL {
        let mut last = divided_last.of(kind);
        *slot(&mut granted, kind) = counter.serve(kind, &mut last, wakeup);
        divided_last.set(kind, last);
    }
    let allowances = counter.allowances(granted);
    counter.budgets.forget_full(&pace);
    let waiting = counter.lines.into_iter().filter(|(_, line)| !line.waiting().is_empty());
    let lines = waiting.map(|((data_centre, kind), line)| KeptLine { data_centre, kind, line });
    Allotment { allowances, budgets: counter.budgets, lines: lines.collect(), divided_last }
}

/// What a hold leaves of a need. A person's override stands against every hold but the one that
/// says that nothing is seen.
fn left_of(group: &GroupFacts, hold: Option<Hold>, kind: Spend) -> u32 {
    let need = group.needs.of(kind);
    let stop = hold.map_or(Stop::Losses, |hold| hold.cause.stops());
    match (stop, kind) {
        (Stop::Everything, _) | (Stop::Repair, Spend::Start) => 0,
        (Stop::Replacing | Stop::Repair, Spend::UnaskedDelete) => need.min(group.overridden),
        (Stop::Losses | Stop::Replacing | Stop::Repair, _) => need,
    }
}

fn slot<T>(per: &mut PerSpend<T>, kind: Spend) -> &mut T {
    match kind {
        Spend::Create => &mut per.creates,
        Spend::AskedDelete => &mut per.asked_deletes,
        Spend::UnaskedDelete => &mut per.unasked_deletes,
        Spend::Start => &mut per.starts,
    }
}

impl Counter<'_, '_> {
    /// Serves all lines for one kind of step.
    fn serve(&mut self, kind: Spend, last: &mut Option<u32>, wakeup: &mut Wakeup) -> Granted {
        let claims = self.claims(kind);
        self.lines.retain(|(data_centre, of), _| *of != kind || claims.contains_key(data_centre));
        let pools = self.pools(kind, &claims, last);
        let mut granted = Granted::new();
        for (data_centre, claims) in &claims {
            let pool = pools.get(data_centre).copied().unwrap_or(0);
            let mut accounts = self.accounts(kind, *data_centre, claims);
            let line = self.lines.entry((*data_centre, kind)).or_default();
            let served = line.serve(claims, pool, &mut accounts, self.pace.now);
            let account: BTreeMap<GroupId, AccountId> =
                claims.iter().map(|claim| (claim.group, claim.account)).collect();
            for (group, count) in served {
                let Some(account) = account.get(&group).copied() else { continue };
                let spender = Spender { group, account, data_centre: *data_centre };
                granted.insert((group, *data_centre), self.budgets.spend(spender, kind, count, &self.pace));
            }
            self.note_next(kind, *data_centre, &account, wakeup);
        }
        granted
    }

    fn claims(&self, kind: Spend) -> Claims {
        let mut claims = Claims::new();
        for (group, hold) in self.input.groups.iter().zip(self.binding) {
            let need = left_of(group, *hold, kind);
            if need > 0 {
                let purse = Purse::Group { group: group.group, data_centre: group.data_centre };
                let limit = self.budgets.available(purse, kind, &self.pace);
                let claim = Claim { group: group.group, account: group.account, need, limit };
                claims.entry(group.data_centre).or_default().push(claim);
            }
        }
        for claims in claims.values_mut() {
            let key = |claim: &Claim| (claim.group, Reverse((claim.need, claim.limit, claim.account)));
            claims.sort_unstable_by_key(key);
            claims.dedup_by_key(|claim| claim.group);
        }
        claims
    }

    /// What each data centre may give: from its own purse, as far as the whole allows.
    fn pools(&self, kind: Spend, claims: &Claims, last: &mut Option<u32>) -> BTreeMap<u32, u32> {
        let demand = |(data_centre, claims): (&u32, &Vec<Claim>)| {
            let own = self.budgets.available(Purse::DataCentre(*data_centre), kind, &self.pace);
            let asked = claims.iter().fold(0_u32, |sum, claim| sum.saturating_add(claim.need.min(claim.limit)));
            (*data_centre, own.min(asked))
        };
        let demands = claims.iter().map(demand).collect();
        divide(self.budgets.available(Purse::Everywhere, kind, &self.pace), &demands, last)
    }

    fn accounts(&self, kind: Spend, data_centre: u32, claims: &[Claim]) -> BTreeMap<AccountId, u32> {
        let mut accounts = BTreeMap::new();
        for claim in claims {
            let account = claim.account;
            let purse = Purse::Account { account, data_centre };
            accounts.entry(account).or_insert_with(|| self.budgets.available(purse, kind, &self.pace));
        }
        accounts
    }

    /// When the first of those who wait can go on.
    fn note_next(&self, kind: Spend, data_centre: u32, accounts: &BTreeMap<GroupId, AccountId>, wakeup: &mut Wakeup) {
        let waiting = self.lines.get(&(data_centre, kind)).map_or(&[][..], |line| line.waiting());
        for waiting in waiting {
            let Some(account) = accounts.get(&waiting.group).copied() else { continue };
            let spender = Spender { group: waiting.group, account, data_centre };
            match self.budgets.next_token_at(&spender, kind, &self.pace) {
                Some(next) => wakeup.at(next),
                // Nothing but the length of the visit stopped it.
                None => wakeup.at(self.pace.now.after(VISIT_INTERVAL)),
            }
        }
    }

    fn allowances(&self, mut granted: PerSpend<Granted>) -> Vec<Allowance> {
        let allowance = |(group, hold): (&GroupFacts, &Option<Hold>)| {
            let mut got = Needs::default();
            let key = (group.group, group.data_centre);
            for kind in Spend::ALL {
                got.set(kind, slot(&mut granted, kind).remove(&key).unwrap_or(0));
            }
            Allowance::new(group.group, group.data_centre, got, *hold)
        };
        self.input.groups.iter().zip(self.binding).map(allowance).collect()
    }
}
