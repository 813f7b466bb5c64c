//! How fast a group creates and how long it waits after a setback, to the second.
//!
//! Owns the waits as docs/semantics.md gives them; they are not read from the code.

use core::time::Duration;

use tsg_core::model::time::Timestamp;
use tsg_core::plan::memory::{PlanMemory, Setback};
use tsg_core::protocol::create::Refusal;

const NOW: Timestamp = Timestamp::from_millis(1_800_000_000_000);

const PASSING: [Refusal; 3] = [Refusal::Throttled, Refusal::Maintenance, Refusal::Unreachable];
const LASTING: [Refusal; 5] =
    [Refusal::Credentials, Refusal::Permission, Refusal::Quota, Refusal::Capacity, Refusal::Request];

/// The waits in milliseconds after setbacks, each of which comes as soon as the one before is over.
fn waits(count: usize, mut set_back: impl FnMut(&mut PlanMemory, Timestamp)) -> Vec<u128> {
    let (mut memory, mut now) = (PlanMemory::default(), NOW);
    let mut wait = || {
        set_back(&mut memory, now);
        let until = memory.create_backoff.unwrap().until;
        until.since(core::mem::replace(&mut now, until)).as_millis()
    };
    (0..count).map(|_| wait()).collect()
}

fn seconds(seconds: &[u128]) -> Vec<u128> {
    seconds.iter().map(|seconds| seconds * 1000).collect()
}

#[test]
fn what_says_nothing_about_the_request_is_asked_again_within_a_minute() {
    for cause in PASSING {
        let waits = waits(9, |memory, now| memory.note_refused(cause, now, None));
        assert_eq!(waits, seconds(&[1, 2, 4, 8, 16, 32, 60, 60, 60]), "{cause:?}");
    }
}

#[test]
fn what_lies_with_the_request_is_asked_again_within_half_an_hour() {
    for cause in LASTING {
        let waits = waits(7, |memory, now| memory.note_refused(cause, now, None));
        assert_eq!(waits, seconds(&[60, 120, 240, 480, 960, 1800, 1800]), "{cause:?}");
    }
}

#[test]
fn the_cloud_may_ask_for_more_patience_and_not_for_less() {
    for (asked, waited) in [(0, 60), (59, 60), (60, 60), (61, 61), (7200, 7200)] {
        let retry_after = Some(Duration::from_secs(asked));
        let waits = waits(1, |memory, now| memory.note_refused(Refusal::Capacity, now, retry_after));
        assert_eq!(waits, seconds(&[waited]));
    }
}

#[test]
fn the_third_machine_in_a_row_that_fails_has_creates_wait() {
    let mut memory = PlanMemory::default();
    memory.note_failed(NOW);
    memory.note_failed(NOW);
    let waits = waits(7, |later, now| {
        later.failures_in_row = later.failures_in_row.max(memory.failures_in_row);
        later.note_failed(now);
    });
    assert_eq!(waits, seconds(&[60, 120, 240, 480, 960, 1800, 1800]));
}

#[test]
fn the_waits_of_a_hundred_setbacks_do_not_overflow() {
    let waits = waits(100, |memory, now| memory.note_refused(Refusal::Quota, now, None));
    assert_eq!(waits.last(), Some(&1_800_000));
}

#[test]
fn the_window_opens_by_one_with_each_answer_up_to_256() {
    let mut memory = PlanMemory::default();
    let widths: Vec<u32> = core::iter::repeat_with(|| {
        memory.note_bound();
        memory.create_window
    })
    .take(300)
    .collect();
    let expected: Vec<u32> = (2..=256).chain(core::iter::repeat_n(256, 45)).collect();
    assert_eq!(widths, expected);
}

#[test]
fn an_answer_ends_the_wait_after_a_refusal_and_a_machine_that_comes_up_the_one_after_failures() {
    let mut refused = PlanMemory::default();
    refused.note_refused(Refusal::Quota, NOW, None);
    let waiting = refused.create_backoff;
    refused.note_ready();
    assert_eq!(refused.create_backoff, waiting, "that an older machine came up says nothing about the quota");
    refused.note_bound();
    assert_eq!(refused.create_backoff, None);

    let mut failing = PlanMemory { failures_in_row: 2, ..PlanMemory::default() };
    failing.note_failed(NOW);
    failing.note_bound();
    assert_eq!(failing.create_backoff.unwrap().cause, Setback::ProvisioningFailed);
    failing.note_ready();
    assert_eq!((failing.create_backoff, failing.failures_in_row), (None, 0));
}

#[test]
fn without_a_setback_as_many_may_be_unanswered_as_the_window_is_wide() {
    for (window, unanswered, may_send) in
        [(0, 0, true), (0, 1, false), (1, 0, true), (1, 1, false), (2, 1, true), (2, 2, false)]
    {
        let memory = PlanMemory { create_window: window, ..PlanMemory::default() };
        assert_eq!(memory.may_send(NOW, unanswered), may_send, "{unanswered} of {window}");
    }
    assert_eq!(PlanMemory::default().create_window, 1);
}

#[test]
fn a_new_intent_begins_with_a_clean_slate() {
    let mut memory = PlanMemory { failures_in_row: 5, ..PlanMemory::default() };
    memory.note_failed(NOW);
    assert!(memory.create_backoff.is_some());
    memory.note_new_intent();
    assert_eq!(memory, PlanMemory::default());
}
