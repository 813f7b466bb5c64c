//! Policies: what is assumed, what is refused and with which words, and that what was written
//! reads back.

use proptest::collection::btree_set;
use proptest::prelude::{Just, ProptestConfig, Strategy, any, prop_assert, prop_assert_eq, prop_oneof, proptest};
use proptest::sample::select;
use serde_json::{Value, json};
use tsg_core::model::amount::Amount;
use tsg_core::model::policy::{
    Bounds, DrainPolicy, Identity, MaxUnhealthy, NodeLossPolicy, NodeLossReplace, OnDeadlock, Policy, Preserve,
    Protection, Reconcile, ReplaceMode, ReplaceOrder, ReplacePolicy, RestartConditions, RestartPolicy, ScaleInOrder,
    ScaleInPolicy, Shutdown, StartPolicy, StopPolicy, UpdateMode, UpdatePolicy,
};
use tsg_core::model::revision::Disruption;
use tsg_core::model::span::Span;

fn read(policy: Value) -> Result<Policy, String> {
    serde_json::from_value(policy).map_err(|fault| fault.to_string())
}

fn refusal(policy: Value) -> String {
    read(policy.clone()).map_or_else(|fault| fault, |_| panic!("{policy} was accepted"))
}

#[test]
fn what_is_not_given_has_these_values() {
    let expected = json!({
        "update": {
            "mode": "rolling", "max_surge": 1, "max_unavailable": 0, "min_healthy_time": "30s",
            "healthy_deadline": "10m", "progress_deadline": "20m", "max_failures": 0, "canary": 0,
            "auto_promote": false, "checkpoints": [], "checkpoint_delay": "0s", "bake_time": "0s",
            "auto_revert": true, "on_deadlock": "ask", "max_disruption": "replace"
        },
        "restart": {
            "condition": ["on_failure", "on_cn_restart"], "attempts": 3, "interval": "30m",
            "delay": "15s", "max_delay": "5m", "window": "2m"
        },
        "replace": {
            "mode": "automatic", "delay": "30s", "max_delay": "1h", "max_retries": 5,
            "min_healthy_period": "1h", "order": "start_first", "in_flight": "10%"
        },
        "stop": {
            "drain": {"delay": "0s", "timeout": "0s"}, "shutdown": "immediate", "shutdown_timeout": "1m",
            "preserve": "never", "preserve_for": "1d", "preserve_max": 3
        },
        "start": {"parallel": "100%"},
        "max_unhealthy": {
            "limit": "40%", "range": null, "window": "10m", "clear_after": "5m", "add_while_held": false
        },
        "cn_loss": {"grace": "10m", "replace": true, "reconcile": "keep_healthiest", "hold_identity": "1d"},
        "scale_in": {"order": "oldest", "at_once": "10%"},
        "identity": "unordered",
        "protect": {"adopted_for": "1h"},
        "windows": []
    });
    assert_eq!(serde_json::to_value(Policy::default()).unwrap(), expected);
    assert_eq!(read(json!({})), Ok(Policy::default()));
    assert_eq!(Policy::default().check(), Ok(()));
}

#[test]
fn part_of_a_block_leaves_the_rest_as_it_was() {
    let mut expected = Policy::default();
    expected.update.canary = Amount::Percent(5);
    expected.stop.drain.timeout = Span::from_mins(2);
    expected.protect.adopted_for = Span::from_secs(90);
    let given = json!({
        "update": {"canary": "5%"}, "stop": {"drain": {"timeout": "2m"}}, "protect": {"adopted_for": 90}
    });
    assert_eq!(read(given), Ok(expected));
}

#[test]
fn short_forms_stand_for_whole_blocks() {
    let limit = |limit| MaxUnhealthy { limit, ..MaxUnhealthy::default() };
    let unhealthy = |given: Value| read(json!({ "max_unhealthy": given })).unwrap().max_unhealthy;
    assert_eq!(unhealthy(json!("25%")), limit(Amount::Percent(25)));
    assert_eq!(unhealthy(json!(3)), limit(Amount::Count(3)));
    assert_eq!(unhealthy(json!({"range": "[2-5]"})), MaxUnhealthy { range: Some([2, 5]), ..MaxUnhealthy::default() });

    let stateless = read(json!({"cn_loss": "stateless"})).unwrap().cn_loss;
    assert_eq!(stateless, NodeLossPolicy { grace: Span::from_mins(3), ..NodeLossPolicy::default() });

    let condition = |given: Value| read(json!({"restart": {"condition": given}})).unwrap().restart.condition;
    assert_eq!(condition(json!("never")), RestartConditions::Never);
    assert_eq!(condition(json!([])), RestartConditions::Never);
    assert_eq!(condition(json!("always")), RestartConditions::Always);
    assert_eq!(condition(json!("on_failure")), RestartConditions::OnFailure);
    assert_eq!(condition(json!(["on_cn_restart", "on_failure"])), RestartConditions::OnFailureOrCnRestart);

    let replace = |given: Value| read(json!({"cn_loss": {"replace": given}})).unwrap().cn_loss.replace;
    let forms = [json!(true), json!(false), json!("force")].map(replace);
    assert_eq!(forms, [NodeLossReplace::Yes, NodeLossReplace::No, NodeLossReplace::Force]);
}

#[test]
fn a_policy_that_cannot_work_is_refused_with_what_to_write() {
    let cases = [
        (
            json!({"update": {"max_surge": "0%"}}),
            "`update.max_surge` and `update.max_unavailable` are both 0, so no instance could ever be replaced; \
             write 1 for one of them",
        ),
        (
            json!({"update": {"progress_deadline": "10m"}}),
            "`update.progress_deadline` is 10m, not longer than `update.healthy_deadline`, 10m, so a rollout would end \
             before an instance's time is up; write a longer one, or 0 to let the first failure end it",
        ),
        (
            json!({"update": {"healthy_deadline": 0}}),
            "`update.healthy_deadline` is 0, so every new instance would fail at once; write \"10m\"",
        ),
        (
            json!({"update": {"checkpoints": [25, 100]}}),
            "`update.checkpoints` has 100; write shares from 1 to 99, in percent, such as [25, 50]",
        ),
        (
            json!({"update": {"checkpoints": [0, 50]}}),
            "`update.checkpoints` has 0; write shares from 1 to 99, in percent, such as [25, 50]",
        ),
        (
            json!({"update": {"checkpoints": [25, 25]}}),
            "`update.checkpoints` has 25 after 25; write each once and in rising order, such as [25, 50]",
        ),
        (json!({"restart": {"attempts": 9}}), "`restart.attempts` is 9; write 0 to 8"),
        (
            json!({"restart": {"attempts": 8, "interval": "22m"}}),
            "`restart.attempts` is 8, but the waits between so many restarts come to 22m, and after \
             `restart.interval`, 22m, a restart is forgotten, so no instance would ever be replaced; write fewer \
             attempts, a shorter delay or window, or a longer interval",
        ),
        (json!({"restart": {"interval": 0}}), "`restart.interval` is 0, so no restart would ever count; write \"30m\""),
        (json!({"restart": {"window": 0}}), "`restart.window` is 0, so every restart would fail at once; write \"2m\""),
        (
            json!({"restart": {"delay": "6m"}}),
            "`restart.delay` is 6m, longer than `restart.max_delay`, 5m; \
             write a shorter delay or a longer max_delay",
        ),
        (
            json!({"replace": {"max_delay": "29s"}}),
            "`replace.delay` is 30s, longer than `replace.max_delay`, 29s; \
             write a shorter delay or a longer max_delay",
        ),
        (
            json!({"replace": {"in_flight": 0}}),
            "`replace.in_flight` is 0, so nothing could ever be repaired; \
             write 1 or more, or `mode: detect_only` to replace nothing",
        ),
        (
            json!({"stop": {"shutdown": "graceful", "shutdown_timeout": 0}}),
            "`stop.shutdown_timeout` is 0, so nothing could shut down in time; \
             write \"1m\", or `shutdown: immediate`",
        ),
        (
            json!({"stop": {"preserve": "failed", "preserve_max": 0}}),
            "`stop.preserve_max` is 0, so nothing could be kept; write 1 or more, or `preserve: never`",
        ),
        (
            json!({"stop": {"preserve": "always", "preserve_for": 0}}),
            "`stop.preserve_for` is 0, so nothing would be kept; write \"1d\", or `preserve: never`",
        ),
        (
            json!({"start": {"parallel": "0%"}}),
            "`start.parallel` is 0, so nothing could ever start; write 1 or more, or \"100%\"",
        ),
        (
            json!({"max_unhealthy": 0}),
            "`max_unhealthy.limit` is 0, so nothing could ever be repaired; \
             write 1 or more, or `replace.mode: detect_only` to repair nothing",
        ),
        (
            json!({"max_unhealthy": {"window": 0}}),
            "`max_unhealthy.window` is 0, so no failure would ever count; write \"10m\"",
        ),
        (
            json!({"max_unhealthy": {"range": "[5-2]"}}),
            "`max_unhealthy.range` is [5-2], which permits nothing; write the smaller number first",
        ),
        (
            json!({"scale_in": {"at_once": 0}}),
            "`scale_in.at_once` is 0, so the group could never get smaller; write 1 or more, or \"10%\"",
        ),
    ];
    for (policy, expected) in cases {
        assert_eq!(refusal(policy), expected);
    }
}

#[test]
fn a_value_that_cannot_be_read_is_refused_with_what_to_write() {
    let cases = [
        (json!({"update": {"max_surge": "101%"}}), "101% is more than the whole; write at most \"100%\""),
        (json!({"update": {"canary": -1}}), "a whole number of instances such as 3, or a share such as \"25%\""),
        (json!({"update": {"bake_time": "5 m"}}), "at position 2 one of the units d, h, m, s and ms was expected"),
        (json!({"update": {"bake_time": -5}}), "a length of time such as \"90s\", \"1h30m\" or \"250ms\""),
        (json!({"update": {"mode": "blue_green"}}), "expected `rolling` or `on_create`"),
        (json!({"restart": {"condition": ["always"]}}), "or a list of \"on_failure\" and \"on_cn_restart\""),
        (json!({"restart": {"condition": "sometimes"}}), "expected \"always\", \"never\""),
        (json!({"max_unhealthy": "half"}), "\"half\" is neither a number nor a share"),
        (json!({"max_unhealthy": {"range": "2-5"}}), "expected a range such as \"[2-5]\""),
        (json!({"max_unhealthy": {"range": "[2-+5]"}}), "expected a range such as \"[2-5]\""),
        (json!({"cn_loss": "stateful"}), "expected the word \"stateless\", or a block"),
        (json!({"cn_loss": {"replace": "yes"}}), "expected true, false or \"force\""),
        (json!({"windows": [{"from": "24:00", "to": "04:00"}]}), "write one from \"00:00\" to \"23:59\""),
        (json!({"windows": [{"from": "1:00", "to": "04:00"}]}), "\"1:00\" is not a time of day"),
        (json!({"windows": [{"from": "01:60", "to": "04:00"}]}), "\"01:60\" is not a time of day"),
        (json!({"windows": [{"from": "01:00"}]}), "missing field `to`"),
        (json!({"windows": [{"days": [], "from": "01:00", "to": "02:00"}]}), "or leave `days` out"),
        (json!({"windows": [{"days": ["monday"], "from": "01:00", "to": "02:00"}]}), "expected one of `mon`, `tue`"),
        (json!({"windows": [{"from": "01:00", "to": "02:00", "offset": "02:00"}]}), "with its sign"),
        (json!({"windows": [{"from": "01:00", "to": "02:00", "offset": "+14:01"}]}), "from \"-14:00\" to \"+14:00\""),
    ];
    for (policy, expected) in cases {
        let fault = refusal(policy.clone());
        assert!(fault.contains(expected), "{policy}: {fault}");
    }
}

#[test]
fn a_misspelt_field_is_refused_in_every_block() {
    let blocks = ["update", "restart", "replace", "stop", "start", "max_unhealthy", "cn_loss", "scale_in", "protect"];
    for block in blocks {
        let fault = refusal(json!({block: {"max_surgee": 1}}));
        assert!(fault.contains("unknown field `max_surgee`"), "{block}: {fault}");
    }
    for policy in [
        json!({"updates": {}}),
        json!({"stop": {"drain": {"timeouts": 1}}}),
        json!({"windows": [{"from": "01:00", "to": "02:00", "day": ["mon"]}]}),
    ] {
        assert!(refusal(policy.clone()).contains("unknown field"), "{policy}");
    }
}

#[test]
fn a_policy_built_in_code_is_checked_like_one_that_was_read() {
    let mut policy = Policy::default();
    policy.replace.in_flight = Amount::Percent(101);
    assert_eq!(
        policy.check().unwrap_err().to_string(),
        "`replace.in_flight` is 101%, more than the whole; write at most \"100%\""
    );
}

#[test]
fn a_rollout_always_has_room_for_one_step() {
    let update =
        |surge, unavailable| UpdatePolicy { max_surge: surge, max_unavailable: unavailable, ..UpdatePolicy::default() };
    let (none, one, tenth) = (Amount::Count(0), Amount::Count(1), Amount::Percent(10));
    let bounds = |surge, unavailable| Bounds { surge, unavailable };
    assert_eq!(update(tenth, none).bounds(Identity::Unordered, 11), bounds(2, 0), "a surge rounds up");
    assert_eq!(update(one, tenth).bounds(Identity::Unordered, 19), bounds(1, 1), "unavailable rounds down");
    assert_eq!(update(none, tenth).bounds(Identity::Unordered, 9), bounds(0, 1), "but not to a standstill");
    assert_eq!(update(one, none).bounds(Identity::Ordinal, 9), bounds(0, 1), "two cannot share an ordinal");
    assert_eq!(update(one, Amount::Count(3)).bounds(Identity::Ordinal, 9), bounds(0, 3));
    assert!(read(json!({"identity": "ordinal", "update": {"max_surge": 0}})).is_ok(), "ordinal has no surge to lose");
    assert!(read(json!({"update": {"progress_deadline": 0}})).is_ok(), "the first failure ends it");
}

#[test]
fn a_limit_that_would_come_to_nothing_comes_to_one() {
    let policy = Policy::default();
    for (desired, expected) in [(1, 1), (2, 1), (5, 2), (10, 4)] {
        assert_eq!(policy.max_unhealthy.limit_of(desired), expected);
    }
}

#[test]
fn repairs_are_permitted_up_to_the_limit_or_within_the_range() {
    let limit = MaxUnhealthy::default();
    assert_eq!([0, 4, 5].map(|unhealthy| limit.permits(unhealthy, 10)), [true, true, false]);
    let range = MaxUnhealthy { range: Some([2, 5]), ..limit };
    assert_eq!([1, 2, 5, 6].map(|unhealthy| range.permits(unhealthy, 10)), [false, true, true, false]);
}

#[test]
fn what_is_not_used_may_be_nothing() {
    for policy in [
        json!({"restart": {"delay": "5m", "attempts": 0}}),
        json!({"restart": {"delay": "5m", "attempts": 1, "interval": "1s"}}),
        json!({"restart": {"attempts": 8, "interval": "1321s"}}),
        json!({"restart": {"attempts": 8, "interval": "1066s", "window": "1s"}}),
        json!({"restart": {"interval": "1s", "condition": "on_cn_restart"}}),
        json!({"stop": {"preserve": "never", "preserve_max": 0, "preserve_for": 0}}),
        json!({"stop": {"shutdown": "immediate", "shutdown_timeout": 0}}),
        json!({"update": {"checkpoints": [1, 99], "max_surge": 0, "max_unavailable": 1}}),
    ] {
        assert!(read(policy.clone()).is_ok(), "{policy}");
    }
}

#[test]
fn a_node_is_not_waited_for_by_what_will_not_start_with_it() {
    let mut policy = Policy::default();
    for (condition, grace) in [
        (RestartConditions::Always, 10),
        (RestartConditions::OnCnRestart, 10),
        (RestartConditions::OnFailure, 0),
        (RestartConditions::Never, 0),
    ] {
        policy.restart.condition = condition;
        assert_eq!(policy.node_loss_grace(), Span::from_mins(grace), "{condition:?}");
    }
}

fn span() -> impl Strategy<Value = Span> {
    let round = (0_u64..100, select(&[1_u64, 1_000, 60_000, 3_600_000, 86_400_000][..]));
    prop_oneof![
        round.prop_map(|(count, unit)| Span::from_millis(count * unit)),
        (0..=Span::MAX.as_millis()).prop_map(Span::from_millis),
    ]
}

fn amount() -> impl Strategy<Value = Amount> {
    prop_oneof![any::<u32>().prop_map(Amount::Count), (0_u16..=100).prop_map(Amount::Percent)]
}

fn update() -> impl Strategy<Value = UpdatePolicy> {
    let modes =
        (select(&[UpdateMode::Rolling, UpdateMode::OnCreate][..]), select(&[OnDeadlock::Ask, OnDeadlock::Swap][..]));
    let disruptions = [Disruption::None, Disruption::InPlace, Disruption::Resize, Disruption::Replace];
    let amounts = [amount(), amount(), amount()];
    let spans = [span(), span(), span(), span(), span()];
    let checkpoints = btree_set(1_u8..=99, 0..4);
    (modes, amounts, spans, any::<(u32, bool, bool)>(), checkpoints, select(disruptions.to_vec())).prop_map(
        |((mode, on_deadlock), amounts, spans, (max_failures, auto_promote, auto_revert), checkpoints, disruption)| {
            UpdatePolicy {
                mode,
                max_surge: amounts[0],
                max_unavailable: amounts[1],
                min_healthy_time: spans[0],
                healthy_deadline: spans[1],
                progress_deadline: spans[2],
                max_failures,
                canary: amounts[2],
                auto_promote,
                checkpoints: checkpoints.into_iter().collect(),
                checkpoint_delay: spans[3],
                bake_time: spans[4],
                auto_revert,
                on_deadlock,
                max_disruption: disruption,
            }
        },
    )
}

fn restart() -> impl Strategy<Value = RestartPolicy> {
    let conditions = [
        RestartConditions::Never,
        RestartConditions::OnFailure,
        RestartConditions::OnCnRestart,
        RestartConditions::OnFailureOrCnRestart,
        RestartConditions::Always,
    ];
    let spans = [span(), span(), span(), span()];
    (select(conditions.to_vec()), 0_u8..=8, spans).prop_map(
        |(condition, attempts, [interval, delay, longest, window])| RestartPolicy {
            condition,
            attempts,
            // So many restarts have to fit into it.
            interval: interval.max(Span::from_millis(8 * longest.max(window).as_millis())),
            delay: delay.min(longest),
            max_delay: longest,
            window,
        },
    )
}

fn replace() -> impl Strategy<Value = ReplacePolicy> {
    let modes = select(&[ReplaceMode::Automatic, ReplaceMode::DetectOnly][..]);
    let orders = select(&[ReplaceOrder::StartFirst, ReplaceOrder::StopFirst][..]);
    (modes, orders, [span(), span(), span()], any::<u8>(), amount()).prop_map(
        |(mode, order, [delay, longest, period], max_retries, in_flight)| ReplacePolicy {
            mode,
            delay: delay.min(longest),
            max_delay: longest,
            max_retries,
            min_healthy_period: period,
            order,
            in_flight,
        },
    )
}

fn stop() -> impl Strategy<Value = StopPolicy> {
    let shutdowns = select(&[Shutdown::Immediate, Shutdown::Graceful][..]);
    let preserves = select(&[Preserve::Never, Preserve::Failed, Preserve::Always][..]);
    (shutdowns, preserves, [span(), span(), span(), span()], any::<u32>()).prop_map(
        |(shutdown, preserve, [delay, timeout, shutdown_timeout, preserve_for], preserve_max)| StopPolicy {
            drain: DrainPolicy { delay, timeout },
            shutdown,
            shutdown_timeout,
            preserve,
            preserve_for,
            preserve_max,
        },
    )
}

fn max_unhealthy() -> impl Strategy<Value = MaxUnhealthy> {
    let range =
        prop_oneof![Just(None), any::<(u32, u32)>().prop_map(|(one, other)| Some([one.min(other), one.max(other)])),];
    (amount(), range, span(), span(), any::<bool>()).prop_map(|(limit, range, window, clear_after, add_while_held)| {
        MaxUnhealthy { limit, range, window, clear_after, add_while_held }
    })
}

fn cn_loss() -> impl Strategy<Value = NodeLossPolicy> {
    let replaces = select(&[NodeLossReplace::Yes, NodeLossReplace::No, NodeLossReplace::Force][..]);
    let reconciles = select(&[Reconcile::KeepHealthiest, Reconcile::KeepOriginal, Reconcile::KeepReplacement][..]);
    (span(), replaces, reconciles, span()).prop_map(|(grace, replace, reconcile, hold_identity)| NodeLossPolicy {
        grace,
        replace,
        reconcile,
        hold_identity,
    })
}

fn scale_in() -> impl Strategy<Value = ScaleInPolicy> {
    let orders = select(&[ScaleInOrder::Oldest, ScaleInOrder::Newest, ScaleInOrder::Random][..]);
    (orders, amount()).prop_map(|(order, at_once)| ScaleInPolicy { order, at_once })
}

/// Policies whose fields are valid one by one; some of them break a rule between fields.
fn policy() -> impl Strategy<Value = Policy> {
    let rest = (amount(), span(), select(&[Identity::Unordered, Identity::Ordinal][..]));
    (update(), restart(), replace(), stop(), max_unhealthy(), cn_loss(), scale_in(), rest).prop_map(
        |(update, restart, replace, stop, max_unhealthy, cn_loss, scale_in, (parallel, adopted_for, identity))| {
            Policy {
                update,
                restart,
                replace,
                stop,
                start: StartPolicy { parallel },
                max_unhealthy,
                cn_loss,
                scale_in,
                identity,
                protect: Protection { adopted_for },
                windows: Vec::new(),
            }
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(2_000) })]

    #[test]
    fn a_policy_reads_back_as_it_was_or_is_refused_by_its_rules(policy in policy()) {
        let read = read(serde_json::to_value(&policy).unwrap());
        prop_assert_eq!(read, policy.check().map(|()| policy).map_err(|fault| fault.to_string()));
    }

    #[test]
    fn the_room_of_a_rollout_is_never_none_and_never_more_than_the_policy_says(
        policy in update(), identity in select(&[Identity::Unordered, Identity::Ordinal][..]), capacity in any::<u32>()
    ) {
        let bounds = policy.bounds(identity, capacity);
        prop_assert!(bounds.surge > 0 || bounds.unavailable > 0);
        prop_assert!(identity == Identity::Unordered || bounds.surge == 0);
        prop_assert!(bounds.surge <= policy.max_surge.of_rounded_up(capacity));
        prop_assert!(bounds.unavailable <= policy.max_unavailable.of_rounded_down(capacity).max(1));
    }

    #[test]
    fn a_span_reads_back_as_it_was(span in span()) {
        prop_assert_eq!(span.to_string().parse(), Ok(span));
    }

    #[test]
    fn no_text_brings_a_reader_down(text in "[0-9dhms%+:. é-]{0,12}") {
        let quoted = Value::String(text);
        for field in ["bake_time", "canary", "mode", "checkpoints"] {
            let _ = read(json!({"update": {field: quoted}}));
        }
        for field in ["from", "to", "offset", "days"] {
            let _ = read(json!({"windows": [{field: quoted}]}));
        }
        let _ = read(json!({"max_unhealthy": {"range": quoted}}));
    }
}
