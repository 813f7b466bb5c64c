//! Buckets, purses, lines and the division among data centres, each in small exact cases.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::scene::{NOW, Scene, account_id, data_centre, group, group_id, minutes, seconds};
use tsg_core::model::id::AccountId;
use tsg_core::model::time::Timestamp;
use tsg_core::storm::StormOutput;
use tsg_core::storm::buckets::{Bucket, Moment};
use tsg_core::storm::budgets::{Budgets, LEDGER_MAX, Pace, Purse};
use tsg_core::storm::fair::{Claim, Line, Waiting};
use tsg_core::storm::rates::{BudgetRates, Rate};
use tsg_core::storm::spend::{Needs, PerSpend, Spend, Spender, Spent, Unused};

const fn moment(after: Duration) -> Moment {
    Moment { now: Timestamp::from_millis(NOW.as_millis() + after.as_millis() as i64), ramp_from: None }
}

#[test]
fn a_bucket_holds_its_burst_and_takes_back_what_was_taken() {
    let rate = Rate::each_second(2000, 1);
    let mut bucket = Bucket::full(rate, moment(Duration::ZERO));
    assert_eq!(bucket.tokens(rate), 2000);
    bucket.take(rate, 5);
    bucket.put_back(rate, 2);
    assert_eq!(bucket.tokens(rate), 1997);
    assert_eq!(bucket.filled(rate, moment(seconds(2))).tokens(rate), 1999);
    let widest = Rate { burst: u32::MAX, tokens: 1, period: Duration::from_millis(1) };
    let mut bucket = Bucket::full(widest, moment(Duration::ZERO));
    bucket.put_back(widest, u32::MAX);
    assert_eq!(bucket.tokens(widest), u32::MAX, "more than can be counted");
}

#[test]
fn the_shortest_period_is_a_millisecond_and_the_longest_lets_one_step_through() {
    let shortest = Rate { burst: 1, tokens: 1, period: Duration::ZERO };
    let mut bucket = Bucket::full(shortest, moment(Duration::ZERO));
    bucket.take(shortest, 1);
    assert_eq!(bucket.filled(shortest, moment(Duration::from_millis(1))).tokens(shortest), 1);
    let longest = Rate { burst: 7, tokens: 1, period: Duration::MAX };
    assert_eq!(Bucket::full(longest, moment(Duration::ZERO)).tokens(longest), 1);
}

#[test]
fn the_rates_are_what_the_page_for_users_says() {
    let BudgetRates { group, account, data_centre, everywhere } = BudgetRates::default();
    let shown = |rates: PerSpend<Rate>| {
        Spend::ALL.map(|kind| {
            let rate = rates.of(kind);
            (rate.burst, rate.tokens, rate.period.as_secs())
        })
    };
    let unlimited = (u32::MAX, u32::MAX, 1);
    assert_eq!(shown(group), [unlimited, unlimited, (1, 1, 10), (10, 30, 60)]);
    assert_eq!(shown(account), [(300, 20, 1), (300, 20, 1), (3, 9, 60), (30, 60, 60)]);
    assert_eq!(shown(data_centre), [(3000, 200, 1), (3000, 200, 1), (5, 15, 60), (60, 120, 60)]);
    assert_eq!(shown(everywhere), [(30_000, 2000, 1), (30_000, 2000, 1), (50, 150, 60), (600, 1200, 60)]);
    assert!(Rate::UNLIMITED.is_unlimited());
    assert!(!Rate { burst: u32::MAX - 1, ..Rate::UNLIMITED }.is_unlimited());
    assert!(!Rate { burst: 0, ..Rate::UNLIMITED }.is_unlimited());
    assert_eq!(Spend::ALL.map(Spend::is_repair), [false, false, true, true]);
}

/// Purses with the default rates, an hour after the start.
struct Purses {
    budgets: Budgets,
    rates: BudgetRates,
}

impl Purses {
    fn new() -> Self {
        Self { budgets: Budgets::default(), rates: BudgetRates::default() }
    }

    fn spend(&mut self, number: u32, kind: Spend, count: u32, after: u64) -> u32 {
        let pace = Pace { rates: &self.rates, now: NOW.after(seconds(after)), started_at: NOW.before(minutes(60)) };
        self.budgets.spend(spender(number), kind, count, &pace)
    }

    /// What the account has left.
    fn left(&self, number: u32, kind: Spend, after: u64) -> u32 {
        let pace = Pace { rates: &self.rates, now: NOW.after(seconds(after)), started_at: NOW.before(minutes(60)) };
        self.budgets.available(Purse::Account { account: account_id(number), data_centre: 0 }, kind, &pace)
    }

    fn settle(&mut self, unused: &[(u32, u32)]) {
        let left = |(number, count): &(u32, u32)| Unused {
            group: group_id(*number),
            data_centre: 0,
            kind: Spend::Create,
            count: *count,
        };
        self.budgets.settle(&unused.iter().map(left).collect::<Vec<_>>(), &self.rates);
    }

    fn book(&self) -> Vec<(u32, u32)> {
        let group_of = |line: &Spent| line.spender.group.uuid().as_u128() as u32;
        self.budgets.ledger().map(|line| (group_of(line), line.count)).collect()
    }
}

fn spender(number: u32) -> Spender {
    Spender { group: group_id(number), account: account_id(number), data_centre: 0 }
}

#[test]
fn what_was_not_used_goes_back_to_the_purses_and_out_of_the_book() {
    let mut purses = Purses::new();
    let granted = [(1, 4), (1, 3), (2, 5)].map(|(number, count)| purses.spend(number, Spend::Create, count, 0));
    assert_eq!((granted, purses.left(1, Spend::Create, 0)), ([4, 3, 5], 293));
    assert_eq!(purses.book(), [(1, 4), (1, 3), (2, 5)]);
    purses.settle(&[(1, 4), (1, 2)]);
    assert_eq!([1, 2].map(|number| purses.left(number, Spend::Create, 0)), [299, 295]);
    assert_eq!(purses.book(), [(1, 1), (2, 5)]);
    purses.settle(&[(2, 5)]);
    assert_eq!((purses.left(2, Spend::Create, 0), purses.book()), (295, vec![(1, 1), (2, 5)]), "too late");
}

#[test]
fn what_was_granted_before_the_last_time_is_spent() {
    let mut purses = Purses::new();
    purses.rates.account.creates = Rate::each_minute(100, 0);
    purses.spend(1, Spend::Create, 4, 0);
    purses.spend(1, Spend::Create, 3, 1);
    purses.settle(&[(1, 5)]);
    assert_eq!((purses.left(1, Spend::Create, 1), purses.book()), (96, vec![(1, 4)]));
}

#[test]
fn more_than_was_granted_is_not_taken_back() {
    let mut purses = Purses::new();
    purses.spend(1, Spend::Create, 4, 0);
    purses.settle(&[(1, 9)]);
    assert_eq!((purses.left(1, Spend::Create, 0), purses.book()), (300, vec![]));
}

#[test]
fn the_book_forgets_its_oldest_lines() {
    let mut purses = Purses::new();
    for (count, second) in (1..=258).zip(0..) {
        purses.spend(1, Spend::AskedDelete, count, second * 60);
    }
    purses.settle(&[]);
    let counts: Vec<u32> = purses.book().into_iter().map(|(_, count)| count).collect();
    assert_eq!((counts.len(), counts), (LEDGER_MAX, (3..=258).collect()));
}

#[test]
fn the_emptiest_purse_decides_how_much_and_the_slowest_when() {
    let mut purses = Purses::new();
    purses.rates.data_centre.unasked_deletes = Rate { burst: 1, tokens: 1, period: seconds(20) };
    assert_eq!([3, 3].map(|count| purses.spend(1, Spend::UnaskedDelete, count, 0)), [1, 0]);
    assert_eq!((purses.left(1, Spend::UnaskedDelete, 0), purses.book()), (2, vec![(1, 1)]));
    let pace = Pace { rates: &purses.rates, now: NOW, started_at: NOW.before(minutes(60)) };
    let next = |number| purses.budgets.next_token_at(&spender(number), Spend::UnaskedDelete, &pace);
    assert_eq!((next(1), next(2)), (Some(NOW.after(seconds(20))), Some(NOW.after(seconds(20)))));
    assert_eq!(purses.budgets.next_token_at(&spender(1), Spend::Create, &pace), None, "there is one now");
}

const fn claim_of(number: u32, need: u32) -> (u32, u32, u32, u32) {
    (number, number, need, need)
}

/// Group, account, need and limit of each.
fn claims(of: &[(u32, u32, u32, u32)]) -> Vec<Claim> {
    let claim = |(number, account, need, limit): &(u32, u32, u32, u32)| Claim {
        group: group_id(*number),
        account: account_id(*account),
        need: *need,
        limit: *limit,
    };
    of.iter().map(claim).collect()
}

/// Serves a line whose accounts have more than enough but for those given.
fn serve(
    line: &mut Line,
    of: &[(u32, u32, u32, u32)],
    pool: u32,
    accounts: &[(u32, u32)],
    second: u64,
) -> Vec<(u32, u32)> {
    let mut left: BTreeMap<AccountId, u32> = of.iter().map(|claim| (account_id(claim.1), 1000)).collect();
    left.extend(accounts.iter().map(|(account, count)| (account_id(*account), *count)));
    let granted = line.serve(&claims(of), pool, &mut left, NOW.after(seconds(second)));
    granted.into_iter().map(|(group, count)| (group.uuid().as_u128() as u32, count)).collect()
}

/// Group, since when and what it is owed.
fn waiting(line: &Line) -> Vec<(u32, u64, u32)> {
    let shown =
        |waiting: &Waiting| (waiting.group.uuid().as_u128() as u32, waiting.since.since(NOW).as_secs(), waiting.credit);
    line.waiting().iter().map(shown).collect()
}

#[test]
fn a_turn_is_as_wide_as_the_need_is_large() {
    let of = [claim_of(1, 15), claim_of(2, 16), claim_of(3, 255), claim_of(4, 256)];
    assert_eq!(serve(&mut Line::default(), &of, 9, &[], 0), [(1, 1), (2, 2), (3, 2), (4, 4)]);
}

#[test]
fn who_had_a_turn_goes_to_the_end_and_who_had_none_waits_on() {
    let of = [1, 2, 3, 4].map(|number| claim_of(number, 10));
    let mut line = Line::default();
    assert_eq!(serve(&mut line, &of, 2, &[], 5), [(1, 1), (2, 1)]);
    assert_eq!(waiting(&line), [(3, 5, 0), (4, 5, 0), (1, 5, 0), (2, 5, 0)]);
    assert_eq!(serve(&mut line, &of, 3, &[], 7), [(1, 1), (3, 1), (4, 1)]);
    assert_eq!(waiting(&line), [(2, 5, 0), (3, 7, 0), (4, 7, 0), (1, 7, 0)]);
    assert_eq!(serve(&mut line, &of[..2], 1, &[], 9), [(2, 1)], "others have left");
    assert_eq!(waiting(&line), [(1, 7, 0), (2, 9, 0)]);
}

#[test]
fn who_can_take_no_more_stands_behind_who_had_nothing() {
    let mut line = Line::default();
    assert_eq!(serve(&mut line, &[(1, 1, 9, 1), (2, 2, 10, 10)], 1, &[], 0), [(1, 1)]);
    assert_eq!(waiting(&line), [(2, 0, 0), (1, 0, 0)]);
    assert_eq!(serve(&mut Line::default(), &[(1, 1, 10, 2)], 100, &[], 0), [(1, 2)], "its own limit");
    assert_eq!(serve(&mut Line::default(), &[(1, 1, 1, 5)], 100, &[], 0), [(1, 1)], "its need");
    assert_eq!(serve(&mut Line::default(), &[claim_of(1, 300)], 1000, &[], 0), [(1, 256)], "one visit");
}

#[test]
fn what_was_left_of_a_turn_comes_first_the_next_time() {
    let (first, second) = (claim_of(1, 300), claim_of(2, 300));
    let mut line = Line::default();
    assert_eq!(serve(&mut line, &[first], 3, &[], 0), [(1, 3)]);
    assert_eq!(waiting(&line), [(1, 0, 1)]);
    assert_eq!(serve(&mut line, &[first, second], 0, &[], 1), []);
    assert_eq!(waiting(&line), [(1, 0, 1), (2, 1, 0)], "nothing was there for anybody");
    assert_eq!(serve(&mut line, &[first, second], 5, &[], 2), [(1, 1), (2, 4)]);
    assert_eq!(waiting(&line), [(1, 2, 0), (2, 2, 0)]);
}

#[test]
fn an_account_that_runs_dry_stops_its_own_groups_only() {
    let of = [(1, 7, 10, 10), (2, 7, 10, 10), (3, 8, 10, 10)];
    assert_eq!(serve(&mut Line::default(), &of, 100, &[(7, 3)], 0), [(1, 2), (2, 1), (3, 10)]);
}

#[test]
fn of_new_ones_the_least_need_comes_first_and_of_two_claims_the_greater_counts() {
    let mut line = Line::default();
    assert_eq!(serve(&mut line, &[claim_of(1, 10), claim_of(2, 1)], 1, &[], 0), [(2, 1)]);
    assert_eq!(serve(&mut Line::default(), &[claim_of(1, 1), claim_of(2, 10)], 20, &[], 0), [(1, 1), (2, 10)]);
    for of in [[claim_of(1, 1), claim_of(1, 5)], [claim_of(1, 5), claim_of(1, 1)]] {
        assert_eq!(serve(&mut Line::default(), &of, 100, &[], 0), [(1, 5)]);
    }
    assert_eq!(serve(&mut Line::default(), &[claim_of(1, 0)], 100, &[], 0), []);
}

/// A deployment of these groups: number, data centre, unasked deletes.
fn repairing(groups: &[(u32, u32, u32)]) -> Scene {
    let mut scene = Scene::calm();
    scene.data_centres = (0..3).map(data_centre).collect();
    for (number, place, count) in groups {
        let mut facts = group(*number, *place);
        (facts.account, facts.needs.unasked_deletes) = (account_id(*number), *count);
        scene.groups.push(facts);
    }
    scene
}

fn unasked(output: &StormOutput) -> Vec<u32> {
    output.allowances.iter().map(|allowance| allowance.unasked_deletes).collect()
}

#[test]
fn a_single_token_goes_from_data_centre_to_data_centre() {
    let mut scene = repairing(&[(1, 0, 9), (2, 1, 9), (3, 2, 9)]);
    scene.rates.group.unasked_deletes = Rate::UNLIMITED;
    scene.rates.everywhere.unasked_deletes = Rate::each_second(1, 1);
    let granted: Vec<Vec<u32>> = (0..4).map(|_| unasked(&scene.later(seconds(1)))).collect();
    assert_eq!(granted, [[1, 0, 0], [0, 1, 0], [0, 0, 1], [1, 0, 0]]);
}

#[test]
fn a_data_centre_gets_no_more_than_its_groups_can_take() {
    let divided = |pool: u32, groups: &[(u32, u32, u32)]| {
        let mut scene = repairing(groups);
        scene.rates.everywhere.unasked_deletes = Rate::each_minute(pool, 0);
        let output = scene.assess();
        let of = |place: u32| -> u32 {
            let there = output.allowances.iter().filter(|allowance| allowance.data_centre == place);
            there.map(|allowance| allowance.unasked_deletes).sum()
        };
        [of(0), of(1)]
    };
    let many: Vec<(u32, u32, u32)> = (100..110).map(|number| (number, 1, 1)).collect();
    let beside = |few: &[(u32, u32, u32)]| [few, &many].concat();
    assert_eq!(divided(3, &beside(&[(1, 0, 1)])), [1, 2], "one needs one");
    assert_eq!(divided(5, &beside(&[(1, 0, 9)])), [1, 4], "one may take one at once");
    // Of two entries for one group and data centre only one is served.
    assert_eq!(divided(5, &beside(&[(1, 0, 1), (2, 0, 1), (1, 0, 1)])), [2, 3]);
    assert_eq!(divided(5, &beside(&[(1, 0, 1), (1, 0, 1), (2, 0, 1)])), [2, 3]);
}

#[test]
fn what_a_plan_did_not_use_is_there_again() {
    let mut scene = repairing(&[(1, 0, 9)]);
    assert_eq!(unasked(&scene.assess()), [1]);
    scene.unused = vec![Unused { group: group_id(1), data_centre: 0, kind: Spend::UnaskedDelete, count: 1 }];
    assert_eq!(unasked(&scene.later(seconds(1))), [1]);
    assert_eq!(unasked(&scene.later(seconds(9))), [0]);
    assert_eq!(unasked(&scene.later(seconds(1))), [1]);
    scene.groups[0].needs = Needs::default();
    assert!(serde_json::to_string(&scene.later(seconds(5)).memory).unwrap().contains(r#""buckets":[["#));
    assert!(serde_json::to_string(&scene.later(minutes(60)).memory).unwrap().contains(r#""buckets":[]"#));
}

#[test]
fn who_waits_is_remembered_until_nothing_is_waited_for_any_more() {
    let mut scene = repairing(&[(1, 0, 0), (2, 0, 0)]);
    scene.rates.group.starts = Rate::UNLIMITED;
    scene.rates.account.starts = Rate::each_minute(1, 1);
    scene.groups.iter_mut().for_each(|group| group.needs.starts = 3);
    let starts = |output: &StormOutput| -> Vec<(u32, u64, u32)> {
        let kept = output.memory.lines.iter().filter(|kept| kept.kind == Spend::Start);
        kept.flat_map(|kept| waiting(&kept.line)).collect()
    };
    assert_eq!(starts(&scene.assess()), [(1, 0, 0), (2, 0, 0)]);
    let output = scene.later(seconds(10));
    assert_eq!(starts(&output), [(1, 0, 0), (2, 0, 0)], "since then, and nothing meanwhile");
    assert_eq!(output.next_wakeup, Some(NOW.after(seconds(60))));
    scene.groups.iter_mut().for_each(|group| group.needs = Needs::default());
    assert_eq!(scene.later(seconds(1)).memory.lines, []);
}

#[test]
fn who_had_all_of_a_visit_is_visited_again_after_a_second() {
    let mut scene = repairing(&[(1, 0, 0)]);
    scene.rates.account.creates = Rate::UNLIMITED;
    scene.groups[0].needs.creates = 300;
    let output = scene.assess();
    assert_eq!((output.allowances[0].creates, output.next_wakeup), (256, Some(NOW.after(seconds(1)))));
    scene.groups[0].needs.creates = 44;
    assert_eq!(scene.later(seconds(1)).next_wakeup, None);
}
