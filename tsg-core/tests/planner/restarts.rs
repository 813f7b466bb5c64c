//! Which restarts are attempts, and when an attempt is forgotten.

use core::time::Duration;

use tsg_core::model::time::Timestamp;
use tsg_core::plan::input::RestartHistory;
use tsg_core::plan::output::Reason;

const NOW: Timestamp = Timestamp::from_millis(1_800_000_000_000);

#[test]
fn an_attempt_is_forgotten_when_it_leaves_the_interval() {
    let minutes = |count: u64| Duration::from_secs(60 * count);
    let history = RestartHistory::NONE
        .with(NOW.before(minutes(30)))
        .with(NOW.before(minutes(20)))
        .with_excused(NOW.before(minutes(15)))
        .with(NOW.before(minutes(10)));
    for (interval, count, first) in [(31, 3, Some(30)), (30, 2, Some(20)), (11, 1, Some(10)), (10, 0, None)] {
        assert_eq!(history.within(minutes(interval), NOW), count, "{interval} min");
        let first = first.map(|minute| NOW.before(minutes(minute)));
        assert_eq!(history.first_within(minutes(interval), NOW), first, "{interval} min");
    }
}

#[test]
fn only_what_the_instance_did_itself_is_an_attempt() {
    let since = NOW;
    for (reason, uses_attempt) in [
        (Reason::Stopped { starts: 0 }, true),
        (Reason::Unhealthy { since, restarts: 0 }, true),
        (Reason::NodeRestarted { node: 4 }, false),
        (Reason::RestartAsked, false),
    ] {
        assert_eq!(reason.uses_attempt(), uses_attempt, "{reason:?}");
    }
}
