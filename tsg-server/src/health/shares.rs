//! Whose program is run next, when not all can be at once.
//!
//! Owns how many of each account run. As long as no more accounts have programs than run at once, each
//! has some for itself: whatever hangs, hangs for its own account alone. Must never look at a clock.

use std::collections::{BTreeMap, VecDeque};
use std::ops::Bound;

use tsg_core::model::id::AccountId;

/// Programs that run at once.
pub const AT_ONCE: usize = 32;
/// Of one account, however few have any: one that comes finds room.
const OF_ONE_MAX: usize = AT_ONCE - AT_ONCE / 4;

/// Who runs and who waits, by small numbers.
#[derive(Default)]
pub struct Shares {
    accounts: BTreeMap<AccountId, Share>,
    running: usize,
    /// Whose turn it was.
    last: Option<AccountId>,
}

#[derive(Default)]
struct Share {
    running: usize,
    waiting: VecDeque<u32>,
}

impl Shares {
    /// One is to be run.
    pub fn wait(&mut self, account: AccountId, number: u32) {
        self.accounts.entry(account).or_default().waiting.push_back(number);
    }

    /// The next one that may run, and does, where so many accounts have programs: of the accounts in
    /// turn, of each in the order in which they came.
    pub fn next(&mut self, accounts: usize) -> Option<u32> {
        if self.running >= AT_ONCE {
            return None;
        }
        let most = (AT_ONCE / accounts.max(1)).clamp(1, OF_ONE_MAX);
        let is_next = |(_, share): &(&AccountId, &Share)| !share.waiting.is_empty() && share.running < most;
        let after = self.last.map_or(Bound::Unbounded, Bound::Excluded);
        let later = self.accounts.range((after, Bound::Unbounded)).find(is_next);
        let account = *later.or_else(|| self.accounts.iter().find(is_next))?.0;
        let share = self.accounts.get_mut(&account)?;
        share.running += 1;
        self.running += 1;
        self.last = Some(account);
        share.waiting.pop_front()
    }

    /// One of an account does not run any more.
    pub fn end(&mut self, account: AccountId) {
        self.running = self.running.saturating_sub(1);
        if let Some(share) = self.accounts.get_mut(&account) {
            share.running = share.running.saturating_sub(1);
            if share.running == 0 && share.waiting.is_empty() {
                self.accounts.remove(&account);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn account(number: u32) -> AccountId {
        AccountId::from_directory(Uuid::from_u128(number.into()))
    }

    /// Whose programs begin, each of which is called as its account.
    fn begun(shares: &mut Shares, accounts: usize) -> Vec<u32> {
        std::iter::from_fn(|| shares.next(accounts)).collect()
    }

    #[test]
    fn accounts_take_turns_and_none_has_more_than_its_share() {
        let mut shares = Shares::default();
        (0..100).for_each(|_| shares.wait(account(1), 1));
        assert_eq!(begun(&mut shares, 1), [1; OF_ONE_MAX], "the others are for whoever comes");
        (0..100).for_each(|_| shares.wait(account(2), 2));
        (0..2).for_each(|_| shares.wait(account(3), 3));
        assert_eq!(begun(&mut shares, 3), [2, 3, 2, 3, 2, 2, 2, 2]);
        shares.end(account(1));
        assert_eq!(begun(&mut shares, 3), [2], "the first one still has more than its share");
    }

    #[test]
    fn as_long_as_each_can_have_one_each_has() {
        let mut shares = Shares::default();
        for number in 0..AT_ONCE as u32 {
            (0..10).for_each(|_| shares.wait(account(number), number));
            // Whoever is there already takes what there is.
            begun(&mut shares, AT_ONCE);
            assert_eq!(shares.running, number as usize + 1);
        }
        assert_eq!(shares.next(AT_ONCE), None);
        (0..10).for_each(|_| shares.wait(account(99), 99));
        shares.end(account(5));
        assert_eq!(begun(&mut shares, AT_ONCE + 1), [99], "it is the turn of whoever comes after the last one");
    }
}
