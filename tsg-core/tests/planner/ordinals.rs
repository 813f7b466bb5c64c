//! Which number each new member of a group with ordinals gets.

use crate::support::apply::applied;
use crate::support::table::scene;
use tsg_core::plan::output::Action;

/// The ordinals of the creates that are planned, in their order.
fn given(table: &str) -> Vec<u32> {
    let plan = scene(table).plan().unwrap();
    let created = plan.actions.iter().filter_map(|planned| match planned.action {
        Action::Create { operation, .. } => Some(operation),
        _ => None,
    });
    let ordinal = |operation| plan.origins.iter().find(|origin| origin.operation == operation)?.ordinal;
    created.map(|operation| ordinal(operation).expect("every one has a number")).collect()
}

#[test]
fn the_lowest_free_ones_are_given_out() {
    assert_eq!(given("group 3\npolicy {\"identity\": \"ordinal\"}"), [0, 1, 2]);
    assert_eq!(given("group 4\npolicy {\"identity\": \"ordinal\"}\nb ready running ordinal:1"), [0, 2, 3]);
}

#[test]
fn a_replacement_gets_the_number_that_became_free() {
    let table = "group 3\npolicy {\"identity\": \"ordinal\"}\na ready running ordinal:0\nc ready running ordinal:2";
    assert_eq!(given(table), [1]);
}

#[test]
fn one_that_is_kept_stopped_gives_its_number_up_and_one_that_leaves_does_not() {
    let table = |retirement: &str| {
        format!(
            "group 2 surge:1\npolicy {{\"identity\": \"ordinal\"}}\na ready stopped ordinal:0 {retirement}\nb ready running ordinal:1"
        )
    };
    assert_eq!(given(&table("kept:5m")), [0]);
    assert!(given(&table("stopping:5s")).is_empty());
}

#[test]
fn a_number_that_the_same_plan_sets_free_is_given_out_in_it() {
    let table = "group 1\npolicy {\"identity\": \"ordinal\", \"stop\": {\"preserve\": \"always\"}}\na ready stopped ordinal:0 stopping:5s/repair";
    assert_eq!(given(table), [0]);
}

#[test]
fn no_number_is_ever_given_twice_while_a_group_grows_round_after_round() {
    let mut group = scene("group 6 window:2\npolicy {\"identity\": \"ordinal\"}\nc ready running ordinal:3");
    for _ in 0..4 {
        let plan = group.plan().unwrap();
        group = applied(&group, &plan);
        group.memory.create_window += 2;
    }
    let mut ordinals: Vec<_> = group.details.iter().filter_map(|detail| detail.ordinal).collect();
    ordinals.sort_unstable();
    assert_eq!(ordinals, [0, 1, 2, 3, 4, 5]);
}

#[test]
fn members_that_stand_in_for_one_another_have_no_number() {
    let plan = scene("group 3").plan().unwrap();
    assert!(plan.origins.iter().all(|origin| origin.ordinal.is_none()));
}
