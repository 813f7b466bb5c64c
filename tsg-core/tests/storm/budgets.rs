//! What is paid for, by whom, and who comes first, in named cases; and how all of it is told.

use crate::scene::{NOW, Scene, account_id, data_centre, group, group_id, minutes, seconds};
use tsg_core::storm::StormOutput;
use tsg_core::storm::budgets::LEDGER_MAX;
use tsg_core::storm::correlate::{Bucket, Correlation};
use tsg_core::storm::holds::{Hold, HoldCause, Scope};
use tsg_core::storm::nodes::NodeState;
use tsg_core::storm::rates::Rate;
use tsg_core::storm::spend::{Needs, Spend, Unused};

/// So many groups of different accounts, each with these needs.
fn wanting(groups: u32, needs: Needs) -> Scene {
    let mut scene = Scene::calm();
    scene.groups = (0..groups).map(|number| group(number, 0)).collect();
    for (number, group) in (0_u32..).zip(&mut scene.groups) {
        (group.account, group.needs) = (account_id(number), needs);
    }
    scene
}

const REPLACING: Needs = Needs { creates: 0, asked_deletes: 0, unasked_deletes: 9, starts: 0 };

fn unasked(output: &StormOutput) -> u32 {
    output.allowances.iter().map(|allowance| allowance.unasked_deletes).sum()
}

fn unasked_in(output: &StormOutput, data_centre: u32) -> u32 {
    let there = output.allowances.iter().filter(|allowance| allowance.data_centre == data_centre);
    there.map(|allowance| allowance.unasked_deletes).sum()
}

#[test]
fn a_group_loses_one_instance_in_ten_seconds_unasked() {
    let mut scene = wanting(1, REPLACING);
    let output = scene.assess();
    assert_eq!((unasked(&output), output.next_wakeup), (1, Some(NOW.after(seconds(10)))));
    assert_eq!(unasked(&scene.later(seconds(9))), 0);
    assert_eq!(unasked(&scene.later(seconds(1))), 1);
    assert_eq!(unasked(&scene.later(minutes(60))), 1, "an hour of rest saves nothing up");
}

#[test]
fn a_data_centre_loses_twenty_instances_a_minute_unasked() {
    let mut scene = wanting(300, REPLACING);
    let each_second: Vec<u32> = (0..600).map(|_| unasked(&scene.later(seconds(1)))).collect();
    assert!(each_second.windows(60).all(|minute| minute.iter().sum::<u32>() <= 20));
    assert_eq!(each_second.iter().sum::<u32>(), 5 + 149, "and no fewer than the rate");
    let mut scene = wanting(300, REPLACING);
    scene.groups.iter_mut().for_each(|group| group.account = account_id(1));
    assert_eq!(unasked(&scene.assess()), 3, "one account has less");
}

#[test]
fn what_a_user_asked_for_does_not_wait_for_repair_or_for_the_start() {
    let mut scene = wanting(300, Needs { creates: 5, asked_deletes: 5, unasked_deletes: 5, starts: 5 });
    scene.started_at = NOW;
    let output = scene.assess();
    for allowance in &output.allowances {
        assert_eq!((allowance.creates, allowance.asked_deletes), (5, 5));
    }
    assert_eq!(unasked(&output), 1, "a tenth of five, rounded up");
    assert_eq!(output.allowances.iter().map(|allowance| allowance.starts).sum::<u32>(), 6, "a tenth of sixty");
}

#[test]
fn repair_begins_slowly_after_a_start() {
    let within = |age: u64| {
        let mut scene = wanting(300, REPLACING);
        scene.started_at = NOW.before(minutes(age));
        unasked(&scene.assess());
        (0..60).map(|_| unasked(&scene.later(seconds(1)))).sum::<u32>()
    };
    let counts: Vec<u32> = (0..7).map(within).collect();
    assert!(counts.is_sorted(), "{counts:?}");
    assert!(counts[0] <= 4 && counts[5] == 15 && counts[6] == 15, "{counts:?}");
}

#[test]
fn each_data_centre_has_its_own_purse() {
    let mut scene = wanting(300, REPLACING);
    scene.data_centres.push(data_centre(1));
    scene.groups.iter_mut().skip(290).for_each(|group| group.data_centre = 1);
    scene.groups[299].needs = Needs::default();
    let output = scene.assess();
    assert_eq!([0, 1].map(|number| unasked_in(&output, number)), [5, 5]);
    // The whole is divided evenly when it is the narrowest.
    let mut scene = Scene { memory: Default::default(), ..scene };
    scene.rates.everywhere.unasked_deletes = Rate::each_minute(3, 0);
    let output = scene.assess();
    assert_eq!([0, 1].map(|number| unasked_in(&output, number)), [2, 1]);
}

#[test]
fn what_was_not_used_comes_back_once_and_only_at_once() {
    let unused = |count| Unused { group: group_id(0), data_centre: 0, kind: Spend::UnaskedDelete, count };
    let mut scene = wanting(1, REPLACING);
    assert_eq!(unasked(&scene.assess()), 1);
    scene.unused = vec![unused(1), unused(7)];
    let output = scene.later(seconds(1));
    assert_eq!((unasked(&output), output.ledger().count()), (1, 1), "the first was never spent");
    assert_eq!(unasked(&scene.later(seconds(1))), 0);
    scene.unused = vec![unused(1)];
    let output = scene.later(seconds(1));
    assert_eq!((unasked(&output), output.ledger().count()), (0, 1), "too late");
}

#[test]
fn the_book_tells_who_spent_what_and_stays_short() {
    let mut scene = wanting(3, Needs { creates: 2, ..REPLACING });
    let output = scene.assess();
    let lines: Vec<_> = output.ledger().map(|line| (line.at, line.spender.group, line.kind, line.count)).collect();
    let creates = (0..3).map(|number| (NOW, group_id(number), Spend::Create, 2));
    let deletes = (0..3).map(|number| (NOW, group_id(number), Spend::UnaskedDelete, 1));
    assert_eq!(lines, creates.chain(deletes).collect::<Vec<_>>());
    for _ in 0..200 {
        scene.later(seconds(10));
    }
    scene.groups.clear();
    assert_eq!(scene.later(seconds(10)).ledger().count(), LEDGER_MAX);
}

#[test]
fn a_quiet_deployment_remembers_nothing_but_its_book() {
    let mut scene = wanting(50, Needs { creates: 5, asked_deletes: 5, unasked_deletes: 5, starts: 5 });
    scene.assess();
    scene.groups.iter_mut().for_each(|group| group.needs = Needs::default());
    let mut memory = scene.later(minutes(60)).memory;
    memory.budgets = Default::default();
    memory.divided_last = Default::default();
    assert_eq!(memory, Default::default());
    let text = serde_json::to_string(&scene.memory).unwrap();
    assert!(text.contains(r#""buckets":[]"#), "{text}");
}

/// How many seconds a single repair waits for its create behind scale-outs, at ten a second.
fn wait_behind(scale_outs: u32) -> u64 {
    let mut scene = wanting(scale_outs, Needs { creates: 10_000, ..Needs::default() });
    scene.rates.data_centre.creates = Rate::each_second(10, 10);
    (0..5).for_each(|_| _ = scene.later(seconds(1)));
    scene.groups.push(group(9000, 0));
    scene.groups.last_mut().unwrap().needs.creates = 1;
    (0..).find(|_| scene.later(seconds(1)).allowances.last().unwrap().creates == 1).unwrap()
}

#[test]
fn a_single_repair_hardly_waits_behind_a_scale_out_of_thousands() {
    assert_eq!(wait_behind(1), 0);
    assert!(wait_behind(4) <= 2);
}

#[test]
fn a_thousand_groups_that_share_one_purse_finish_together() {
    let mut scene = wanting(1000, Needs { creates: 40, ..Needs::default() });
    scene.rates.data_centre.creates = Rate::each_second(500, 500);
    let mut finished = Vec::new();
    for second in 0_u32.. {
        let output = scene.later(seconds(1));
        for (group, allowance) in scene.groups.iter_mut().zip(&output.allowances) {
            group.needs.creates -= allowance.creates;
            finished.extend((allowance.creates > 0 && group.needs.creates == 0).then_some(second));
        }
        if finished.len() == 1000 {
            break;
        }
    }
    let (first, last) = (finished[0], finished[999]);
    assert_eq!(last, 79, "500 a second, 40,000 in all");
    assert!(f64::from(last + 1) / f64::from(first + 1) <= 1.2, "{first} to {last}");
}

#[test]
fn a_visit_has_an_end_and_the_rest_follows() {
    let mut scene = wanting(1, Needs { creates: 700, ..Needs::default() });
    let output = scene.assess();
    assert_eq!((output.allowances[0].creates, output.next_wakeup), (256, Some(NOW.after(seconds(1)))));
}

#[test]
fn everything_has_its_words() {
    let bucket = Bucket::Image(4);
    let found = Correlation { bucket, failing: 9, of: 10, outside_failing: 1, outside_of: 90 };
    let tell = |bucket, cause| Hold { scope: Scope::In(bucket), cause, since: NOW }.to_string();
    let revision = Bucket::Revision { group: group_id(7), revision: 3 };
    let told = [
        tell(bucket, HoldCause::Correlated(found)),
        tell(revision, HoldCause::Correlated(Correlation { bucket: revision, ..found })),
        tell(Bucket::Rack(2), HoldCause::Correlated(Correlation { bucket: Bucket::Rack(2), ..found })),
        tell(Bucket::Check(2), HoldCause::Correlated(Correlation { bucket: Bucket::Check(2), ..found })),
        tell(Bucket::DataCentre(1), HoldCause::NotSeenYet),
        tell(Bucket::DataCentre(1), HoldCause::CutOff { agreeing: 0 }),
        tell(Bucket::DataCentre(1), HoldCause::CutOff { agreeing: 1 }),
        tell(Bucket::DataCentre(1), HoldCause::ProbersFail { probers: 1 }),
        tell(Bucket::DataCentre(1), HoldCause::ProbersFail { probers: 3 }),
        tell(Bucket::DataCentre(1), HoldCause::CloudFails),
        tell(Bucket::DataCentre(1), HoldCause::Degrading { degraded: 12, of: 80 }),
        tell(Bucket::DataCentre(1), HoldCause::NodesSilent { suspect: 3, lost: 0, of: 40 }),
        tell(Bucket::DataCentre(1), HoldCause::NodesSilent { suspect: 1, lost: 2, of: 6 }),
        Hold { scope: Scope::Everywhere, cause: HoldCause::EveryDataCentre { data_centres: 2 }, since: NOW }
            .to_string(),
    ];
    assert_eq!(
        told.join("\n"),
        "image 4: 9 of 10 checked instances fail, and 1 of 90 others; nothing is replaced\n\
         revision 3 of group 00000000-0000-0000-0000-000000000007: 9 of 10 checked instances fail, and 1 of 90 others; nothing is replaced\n\
         rack 2: 9 of 10 checked instances fail, and 1 of 90 others; no compute node is given up\n\
         check 2: 9 of 10 checked instances fail, and 1 of 90 others; repair is held\n\
         data centre 1: not seen since the start; everything is held\n\
         data centre 1: out of reach; everything is held\n\
         data centre 1: back in reach; 1 of 2 complete looks agree; everything is held\n\
         data centre 1: the prober does not reach the targets it checks itself with; repair is held\n\
         data centre 1: none of 3 probers reaches the targets it checks itself with; repair is held\n\
         data centre 1: CloudAPI does not answer its ping; repair is held\n\
         data centre 1: 12 of 80 instances began to fail within 5 min; nothing is replaced\n\
         data centre 1: 3 of 40 compute nodes are silent; repair is held\n\
         data centre 1: 1 of 6 compute nodes are silent, beside 2 given up before; repair is held\n\
         repair is held in all 2 data centres"
    );
    let states = [
        NodeState::Healthy,
        NodeState::Suspect { since: NOW },
        NodeState::Lost { since: NOW, confirmed_at: NOW },
        NodeState::Returned { at: NOW },
        NodeState::Draining { since: NOW },
    ];
    let states = states.map(|state| state.to_string()).join(", ");
    assert_eq!(
        states,
        "healthy, silent, and may come back by itself, lost, back, and settling, being emptied by an operator"
    );
    assert_eq!(
        Spend::ALL.map(|kind| kind.to_string()).join(", "),
        "creates, deletes asked for, deletes nobody asked for, starts"
    );
}
