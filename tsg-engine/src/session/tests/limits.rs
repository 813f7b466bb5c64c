//! From a plan to the ledger: what a step writes, and what the user's intent has room for.

use super::*;
use crate::session::bounds::{Origins, apply, hold_to_intent};
use crate::session::round::Scene;
use tsg_core::model::revision::Disruption;
use tsg_core::observe::join::Joined;
use tsg_core::plan::input::{Limits, Mark, Marks};
use tsg_core::plan::output::VictimRank;

fn update_by(disruption: Disruption) -> PlannedAction {
    let action = Action::Update { operation: FIRST, instance: MACHINE, revision: 1, disruption };
    PlannedAction { action, reason: Reason::RolledOut { from: 1, to: 1 }, expects: Some(Phase::Bound) }
}

#[test]
fn a_resize_counts_as_the_restart_that_it_is_and_nothing_else_does() {
    let now = Stage::new().now;
    let marked = Marks::NONE.with(Mark::Restart).with(Mark::Held);
    let resized = (RestartHistory::NONE.with_excused(now), marked.without(Mark::Restart));
    for (disruption, expected) in [(Disruption::Resize, resized), (Disruption::InPlace, (RestartHistory::NONE, marked))]
    {
        let mut stage = Stage::new();
        stage.write(|edit, _| edit.bind(FIRST, MACHINE, "test"));
        stage.write(|edit, _| {
            edit.change(FIRST, |operation| operation.marks = marked);
            Ok(())
        });
        stage.write(|edit, _| {
            apply(edit, &update_by(disruption), &Origins { all: &[], lasting: &LastingStates::new() })
        });
        let operation = stage.operation(FIRST);
        assert_eq!((operation.restarts, operation.marks), expected, "{disruption:?}");
    }
}

fn create(number: u128) -> PlannedAction {
    let action = Action::Create { operation: OperationId::from_bits(number), revision: 1 };
    PlannedAction { action, reason: Reason::BelowCapacity { occupied: 4, wanted: 3 }, expects: None }
}

fn cancel(number: u128) -> PlannedAction {
    let action = Action::Cancel { operation: OperationId::from_bits(number) };
    let reason = Reason::AboveCapacity { occupied: 4, wanted: 3, rank: VictimRank::Unsent };
    PlannedAction { action, reason, expects: Some(Phase::Planned) }
}

fn keep() -> PlannedAction {
    let action = Action::Keep { operation: FIRST, instance: MACHINE };
    PlannedAction { action, reason: Reason::ProvisioningFailed, expects: Some(Phase::Bound) }
}

/// Three instances are wanted, one on top is allowed for a repair, and there are four.
#[test]
fn what_a_plan_puts_aside_makes_room_in_the_same_plan_and_is_no_spare() {
    let mut stage = Stage::new();
    stage.write(|edit, _| edit.bind(FIRST, MACHINE, "test"));
    stage.write(|edit, _| {
        (12..15).for_each(|number| edit.plan(OperationId::from_bits(number), (1, TEMPLATE), Cause::Capacity));
        Ok(())
    });
    let joined = Joined { members: Vec::new(), details: Vec::new(), resize: None };
    let scene = Scene { joined, revisions: Vec::new(), limits: Limits::default() };
    let ledger = stage.session.books.group(GROUP).unwrap();
    let cases: [(&[PlannedAction], usize); 5] = [
        (&[create(15)], 0),
        (&[keep(), create(15)], 2),
        (&[keep(), create(15), create(16)], 2),
        (&[cancel(12), cancel(13)], 1),
        (&[keep(), cancel(12)], 1),
    ];
    for (planned, admitted) in cases {
        let mut actions = planned.to_vec();
        hold_to_intent(ledger, &scene, &mut actions);
        assert_eq!(actions, planned[..admitted], "{planned:?}");
    }
}
