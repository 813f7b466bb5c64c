//! What follows from facts: named cases, one for each rule.

use crate::scene::plain::Plain;
use crate::scene::warded::Warded;
use crate::scene::{BEGIN, Judge as _, cases, second};

fn play(text: &str) {
    let mut wrong = Vec::new();
    for case in cases(text) {
        let mut plain = Plain::new(case.health.clone(), BEGIN, case.has_served, BEGIN);
        let mut warded = Warded::new(case.health.clone(), BEGIN, case.has_served, BEGIN);
        for played in [case.played(&mut plain), case.played(&mut warded)] {
            if played != case.expected {
                wrong.push(format!("{}: it is\n{played}\nand should be\n{}", case.name, case.expected));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

#[test]
fn one_prober_is_believed_as_the_pacing_says() {
    play(include_str!("cases/one_prober.txt"));
}

#[test]
fn several_probers_have_to_agree() {
    play(include_str!("cases/probers.txt"));
}

#[test]
fn checks_decide_what_they_are_for() {
    play(include_str!("cases/checks.txt"));
}

#[test]
fn since_when_it_is_so_is_kept_until_it_is_not() {
    let case = &cases(include_str!("cases/one_prober.txt"))[0];
    let mut judge = Warded::new(case.health.clone(), BEGIN, false, BEGIN);
    case.played(&mut judge);
    // ++++---+++, ten seconds apart: up at 10 s, down at 60 s and up again at 80 s.
    let judgement = judge.judgement(second(95));
    assert_eq!((judgement.since, judgement.ready_since), (second(80), second(80)));
    let unknown = judge.judgement(second(200));
    assert_eq!((unknown.since, unknown.ready_since), (second(200), second(80)), "as far as anybody looked");
}
