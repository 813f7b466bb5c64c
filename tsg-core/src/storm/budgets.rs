//! The purses that steps are paid from, and the book of who spent what.
//!
//! Owns that a step is paid for at every level or not at all, and that a data centre never pays
//! for another. Must never decide who comes first.

use alloc::collections::{BTreeMap, VecDeque};
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use super::buckets::{Bucket, Moment};
use super::rates::{BudgetRates, Rate};
use super::spend::{Spend, Spender, Spent, Unused, account_form};
use crate::model::id::{AccountId, GroupId};
use crate::model::time::Timestamp;

/// Lines of the book that are kept: enough to see an hour of repair at the full rate of ten data
/// centres' worth of groups, and small enough to be stored with each change.
pub const LEDGER_MAX: usize = 256;

/// Something with buckets of its own.
///
/// ```
/// use tsg_core::model::id::{AccountId, GroupId};
/// use tsg_core::storm::budgets::Purse;
/// use tsg_core::storm::spend::Spender;
///
/// let (group, account) = (GroupId::new(uuid::Uuid::from_u128(1)), AccountId::from_directory(uuid::Uuid::from_u128(2)));
/// let purses = Purse::of(&Spender { group, account, data_centre: 3 });
/// assert_eq!(purses[2..], [Purse::DataCentre(3), Purse::Everywhere]);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Purse {
    /// A group in one data centre.
    Group {
        /// The group.
        group: GroupId,
        /// The data centre.
        data_centre: u32,
    },
    /// An account in one data centre.
    Account {
        /// The account.
        #[serde(with = "account_form")]
        account: AccountId,
        /// The data centre.
        data_centre: u32,
    },
    /// A data centre.
    DataCentre(u32),
    /// The deployment.
    Everywhere,
}

impl Purse {
    /// All that a step of this spender is paid from.
    pub const fn of(spender: &Spender) -> [Self; 4] {
        let Spender { group, account, data_centre } = *spender;
        [
            Self::Group { group, data_centre },
            Self::Account { account, data_centre },
            Self::DataCentre(data_centre),
            Self::Everywhere,
        ]
    }

    const fn rate(self, kind: Spend, rates: &BudgetRates) -> Rate {
        match self {
            Self::Group { .. } => rates.group.of(kind),
            Self::Account { .. } => rates.account.of(kind),
            Self::DataCentre(_) => rates.data_centre.of(kind),
            Self::Everywhere => rates.everywhere.of(kind),
        }
    }
}

/// The rates that hold at a moment.
#[derive(Debug, Clone, Copy)]
pub struct Pace<'a> {
    /// The rates.
    pub rates: &'a BudgetRates,
    /// The time.
    pub now: Timestamp,
    /// When the slow start of repair began.
    pub started_at: Timestamp,
}

impl Pace<'_> {
    fn moment(&self, kind: Spend) -> Moment {
        Moment { now: self.now, ramp_from: kind.is_repair().then_some(self.started_at) }
    }
}

/// All purses and the book.
///
/// ```
/// use tsg_core::model::id::{AccountId, GroupId};
/// use tsg_core::model::time::Timestamp;
/// use tsg_core::storm::budgets::{Budgets, Pace};
/// use tsg_core::storm::rates::BudgetRates;
/// use tsg_core::storm::spend::{Spend, Spender};
///
/// let id = uuid::Uuid::from_u128;
/// let spender =
///     Spender { group: GroupId::new(id(1)), account: AccountId::from_directory(id(2)), data_centre: 0 };
/// let (rates, started_at) = (BudgetRates::default(), Timestamp::from_millis(-3_600_000));
/// let at = |second: i64| Pace { rates: &rates, now: Timestamp::from_millis(second * 1000), started_at };
///
/// let mut budgets = Budgets::default();
/// // Of three replacements one is let through; the next follows ten seconds later.
/// assert_eq!(budgets.spend(spender, Spend::UnaskedDelete, 3, &at(1000)), 1);
/// assert_eq!(budgets.spend(spender, Spend::UnaskedDelete, 2, &at(1009)), 0);
/// assert_eq!(budgets.spend(spender, Spend::UnaskedDelete, 2, &at(1010)), 1);
/// assert_eq!(budgets.ledger().map(|line| line.count).sum::<u32>(), 2);
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(from = "Written", into = "Written")]
pub struct Budgets {
    /// Only those that are not full.
    buckets: BTreeMap<(Purse, Spend), Bucket>,
    /// Granted last; what of it was not used may still come back.
    open: Vec<Spent>,
    settled: VecDeque<Spent>,
}

impl Budgets {
    /// What was granted, the oldest first: the last [`LEDGER_MAX`] lines and those that are not
    /// settled yet.
    pub fn ledger(&self) -> impl Iterator<Item = &Spent> {
        self.settled.iter().chain(&self.open)
    }

    /// Takes back what was granted last and not used, and closes the book over it. What comes
    /// later, or is more than was granted, is not taken back.
    pub fn settle(&mut self, unused: &[Unused], rates: &BudgetRates) {
        let mut left: BTreeMap<(GroupId, u32, Spend), u32> = BTreeMap::new();
        for unused in unused {
            let count = left.entry((unused.group, unused.data_centre, unused.kind)).or_default();
            *count = count.saturating_add(unused.count);
        }
        for mut line in core::mem::take(&mut self.open) {
            let key = (line.spender.group, line.spender.data_centre, line.kind);
            let back = left.get_mut(&key).map_or(0, |left| {
                let back = line.count.min(*left);
                *left -= back;
                back
            });
            self.put_back(&line, back, rates);
            line.count -= back;
            self.close(line);
        }
    }

    /// Whole tokens in a purse.
    pub fn available(&self, purse: Purse, kind: Spend, pace: &Pace<'_>) -> u32 {
        let rate = purse.rate(kind, pace.rates);
        if rate.is_unlimited() { u32::MAX } else { self.bucket(purse, kind, pace).tokens(rate) }
    }

    /// Pays for up to `count` steps: as many as every purse has, which is the answer.
    pub fn spend(&mut self, spender: Spender, kind: Spend, count: u32, pace: &Pace<'_>) -> u32 {
        let purses = Purse::of(&spender);
        let least = purses.iter().map(|purse| self.available(*purse, kind, pace)).min();
        let count = count.min(least.unwrap_or(0));
        if count == 0 {
            return 0;
        }
        for purse in purses {
            self.take(purse, kind, count, pace);
        }
        if self.open.first().is_some_and(|first| first.at != pace.now) {
            self.settle(&[], pace.rates);
        }
        self.open.push(Spent { at: pace.now, spender, kind, count });
        count
    }

    /// When the first purse that is empty now, of those a step is paid from, has a token again.
    pub fn next_token_at(&self, spender: &Spender, kind: Spend, pace: &Pace<'_>) -> Option<Timestamp> {
        let next = |purse: Purse| {
            let rate = purse.rate(kind, pace.rates);
            let bucket = self.bucket(purse, kind, pace);
            if rate.is_unlimited() { None } else { bucket.next_token_at(rate, pace.moment(kind)) }
        };
        Purse::of(spender).into_iter().filter_map(next).max()
    }

    /// Forgets the buckets that are full again.
    pub(super) fn forget_full(&mut self, pace: &Pace<'_>) {
        self.buckets.retain(|(purse, kind), bucket| {
            let rate = purse.rate(*kind, pace.rates);
            !rate.is_unlimited() && !bucket.filled(rate, pace.moment(*kind)).is_full(rate)
        });
    }

    fn bucket(&self, purse: Purse, kind: Spend, pace: &Pace<'_>) -> Bucket {
        let (rate, moment) = (purse.rate(kind, pace.rates), pace.moment(kind));
        let kept = self.buckets.get(&(purse, kind));
        kept.map_or_else(|| Bucket::full(rate, moment), |bucket| bucket.filled(rate, moment))
    }

    fn take(&mut self, purse: Purse, kind: Spend, count: u32, pace: &Pace<'_>) {
        let rate = purse.rate(kind, pace.rates);
        if !rate.is_unlimited() {
            let mut bucket = self.bucket(purse, kind, pace);
            bucket.take(rate, count);
            self.buckets.insert((purse, kind), bucket);
        }
    }

    /// Nothing was filled since the line was granted, so this is as if less had been taken.
    fn put_back(&mut self, line: &Spent, count: u32, rates: &BudgetRates) {
        for purse in Purse::of(&line.spender) {
            if let Some(bucket) = self.buckets.get_mut(&(purse, line.kind)) {
                bucket.put_back(purse.rate(line.kind, rates), count);
            }
        }
    }

    fn close(&mut self, line: Spent) {
        if line.count == 0 {
            return;
        }
        if self.settled.len() >= LEDGER_MAX {
            self.settled.pop_front();
        }
        self.settled.push_back(line);
    }
}

/// The written form: a tree whose keys are not text cannot be JSON.
#[derive(Serialize, Deserialize)]
struct Written {
    buckets: Vec<(Purse, Spend, Bucket)>,
    open: Vec<Spent>,
    settled: VecDeque<Spent>,
}

impl From<Budgets> for Written {
    fn from(budgets: Budgets) -> Self {
        let buckets = budgets.buckets.into_iter().map(|((purse, kind), bucket)| (purse, kind, bucket));
        Self { buckets: buckets.collect(), open: budgets.open, settled: budgets.settled }
    }
}

impl From<Written> for Budgets {
    fn from(written: Written) -> Self {
        let buckets = written.buckets.into_iter().map(|(purse, kind, bucket)| ((purse, kind), bucket));
        Self { buckets: buckets.collect(), open: written.open, settled: written.settled }
    }
}
