//! Who is meant by "reprovision these": RFD 36's selection policy, line by line.

use crate::support::table::scene;
use tsg_core::plan::PlanError;
use tsg_core::plan::selection::{Filter, select};

/// The names of those selected.
fn selected(table: &str, filter: &Filter<'_>, count: Option<u32>) -> String {
    let scene = scene(table);
    let name = |operation| scene.names.iter().find(|(_, known)| *known == operation).unwrap().0.as_str();
    let selected = select(&scene.input(&scene.members), filter, count).unwrap();
    selected.into_iter().map(name).collect::<Vec<_>>().join(" ")
}

const ALL: Filter<'_> = Filter { revision: None, revisions: None, compute_node: None, instance: None };

const MIXED: &str = "group 6 revision:2
a ready running revision:2 age:1 cn:4
b ready running revision:3 age:9 cn:4
c ready running revision:1 age:8 cn:5
d ready running revision:1 age:7 cn:5
e ready running revision:2 age:2 cn:5
f ready running revision:3 age:3";

#[test]
fn the_oldest_revision_comes_first_and_the_wanted_one_last() {
    assert_eq!(selected(MIXED, &ALL, None), "d c f b a e");
}

#[test]
fn a_count_takes_the_first() {
    assert_eq!(selected(MIXED, &ALL, Some(2)), "d c");
    assert_eq!(selected(MIXED, &ALL, Some(0)), "");
    assert_eq!(selected(MIXED, &ALL, Some(u32::MAX)), "d c f b a e");
}

#[test]
fn filters_are_applied_before_the_count_and_all_of_them_have_to_hold() {
    assert_eq!(selected(MIXED, &Filter { revision: Some(2), ..ALL }, Some(1)), "a");
    assert_eq!(selected(MIXED, &Filter { revisions: Some(&[3, 2]), ..ALL }, None), "f b a e");
    assert_eq!(selected(MIXED, &Filter { compute_node: Some(5), ..ALL }, None), "d c e");
    let instance = scene(MIXED).members[4].instance();
    assert_eq!(selected(MIXED, &Filter { instance, ..ALL }, None), "e");
    assert_eq!(selected(MIXED, &Filter { instance, compute_node: Some(4), ..ALL }, None), "");
}

#[test]
fn only_those_that_run_and_go_nowhere_are_selected() {
    let states = "group 9
a ready running
b ready running unhealthy
c ready running warming
d ready stopped
e ready stopping
f bound provisioning
g deleting running
h ready running draining:5s
i ready missing
j ready offline
k planned
l sent
m unknown
n bound failed
o ready running held";
    assert_eq!(selected(states, &ALL, None), "a b");
}

#[test]
fn the_order_of_the_members_does_not_matter_and_marks_change_nothing() {
    let marked = "group 2
b ready running age:1 reprovision
a ready running age:1";
    assert_eq!(selected(marked, &ALL, Some(1)), "a");
    assert_eq!(selected(marked, &ALL, None), "a b");
}

#[test]
fn a_member_that_contradicts_itself_is_refused() {
    let scene = scene("group 1\na gone");
    let refused = select(&scene.input(&scene.members), &ALL, None);
    assert_eq!(refused, Err(PlanError::Closed(scene.members[0].operation)));
}
