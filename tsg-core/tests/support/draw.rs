//! Draws whole scenes at random: groups in every state that an engine could bring before the
//! planner, and many that it should not.

use core::time::Duration;

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::{Just, Strategy, any, prop_oneof};
use proptest::sample::select;
use tsg_core::model::amount::Amount;
use tsg_core::model::group::Lifecycle;
use tsg_core::model::guest::GuestReport;
use tsg_core::model::id::{GroupId, InstanceId, OperationId};
use tsg_core::model::instance::InstanceState;
use tsg_core::model::operation::{Cause, Phase};
use tsg_core::model::policy::{
    Identity, NodeLossReplace, OnDeadlock, Policy, Preserve, ReplaceMode, ReplaceOrder, ScaleInOrder, Shutdown,
    UpdateMode,
};
use tsg_core::model::revision::{Disruption, RevisionDigest, RevisionFacts};
use tsg_core::model::span::Span;
use tsg_core::model::time::Timestamp;
use tsg_core::plan::input::{
    Detail, Intent, Limits, Lineage, Mark, Marks, Member, NO_NODE, NodeCondition, NodeState, Orders, Place, RepairHold,
    RestartHistory, Retirement, RetirementStage, Sighting, Verdict, ViewTrust,
};
use tsg_core::plan::memory::{
    Backoff, Course, Failure, Hold, PlanMemory, RepairMemory, RolloutMemory, RolloutState, Setback, Suspension,
    SuspensionCause,
};
use tsg_core::protocol::create::Refusal;
use tsg_core::protocol::timing::ProtocolTiming;
use uuid::Uuid;

use super::table::{NOW, Scene};

const STATES: [InstanceState; 9] = [
    InstanceState::Provisioning,
    InstanceState::Ready,
    InstanceState::Running,
    InstanceState::Stopping,
    InstanceState::Stopped,
    InstanceState::Offline,
    InstanceState::Failed,
    InstanceState::Deleted,
    InstanceState::Unknown,
];

/// Revisions that members are of.
const REVISIONS: u32 = 4;
/// Compute nodes that members are on.
const NODES: u32 = 5;

/// Rarely true.
fn seldom() -> impl Strategy<Value = bool> {
    prop_oneof![9 => Just(false), 1 => Just(true)]
}

/// Mostly nothing.
fn mostly_none<T: Clone + core::fmt::Debug>(some: impl Strategy<Value = T>) -> impl Strategy<Value = Option<T>> {
    option::weighted(0.2, some)
}

/// A moment up to two hours ago, or a little ahead: clocks jump.
pub fn moment() -> impl Strategy<Value = Timestamp> {
    prop_oneof![
        3 => -7_200_000_i64..5_000,
        2 => -120_000_i64..5_000,
    ]
    .prop_map(|millis| Timestamp::from_millis(NOW.as_millis() + millis))
}

fn sighting() -> impl Strategy<Value = Sighting> {
    prop_oneof![
        1 => Just(Sighting::None),
        1 => Just(Sighting::Missing),
        8 => Just(Sighting::Present(InstanceState::Running)),
        6 => select(&STATES[..]).prop_map(Sighting::Present),
    ]
}

fn phase() -> impl Strategy<Value = Phase> {
    prop_oneof![
        1 => Just(Phase::Planned),
        1 => Just(Phase::Sent),
        1 => Just(Phase::Unknown),
        2 => Just(Phase::Bound),
        8 => Just(Phase::Ready),
        1 => Just(Phase::Failed),
        1 => Just(Phase::Deleting),
    ]
}

fn verdict() -> impl Strategy<Value = Verdict> {
    use Verdict as V;
    prop_oneof![
        6 => Just(V::Unknown),
        1 => Just(V::Starting),
        2 => Just(V::Healthy),
        1 => Just(V::Degraded),
        2 => Just(V::Unhealthy),
    ]
}

fn member() -> impl Strategy<Value = Member> {
    let place = (prop_oneof![4 => 0..NODES, 1 => Just(NO_NODE)], 1..=REVISIONS, 1_u32..12);
    ((phase(), sighting(), verdict()), (moment(), moment()), seldom(), place).prop_map(
        |((phase, sighting, verdict), (since, state_since), is_protected, (node, revision, sequence))| {
            let nameless = OperationId::from_bits(0);
            let mut member = Member::planned(nameless, sequence, revision, since);
            if is_protected {
                member = member.with_protection();
            }
            if since.as_millis() % 6 == 0 {
                member = member.with_no_listing();
            }
            (member.phase, member.sighting, member.verdict) = (phase, sighting, verdict);
            (member.compute_node, member.state_since) = (node, state_since);
            member
        },
    )
}

fn guest() -> impl Strategy<Value = GuestReport> {
    (mostly_none(-5_i32..5), mostly_none(any::<bool>()), seldom(), seldom()).prop_map(
        |(scale_in_cost, busy, has_drained, is_unhealthy)| GuestReport {
            scale_in_cost,
            busy,
            has_drained,
            is_unhealthy,
        },
    )
}

fn retirement() -> impl Strategy<Value = Retirement> {
    use RetirementStage as S;
    let stage = select(&[S::Draining, S::Stopping, S::Kept][..]);
    let cause = select(&[Cause::ScaleIn, Cause::Repair, Cause::Rollout][..]);
    (stage, moment(), cause).prop_map(|(stage, since, cause)| Retirement { stage, since, cause })
}

fn marks() -> impl Strategy<Value = Marks> {
    let none = Just(Marks::NONE);
    prop_oneof![6 => none, 1 => select(&Mark::ALL[..]).prop_map(|mark| Marks::NONE.with(mark))]
}

fn detail() -> impl Strategy<Value = Detail> {
    let history = vec(moment(), 0..6).prop_map(|mut times| {
        times.sort_unstable();
        times.into_iter().fold(RestartHistory::NONE, RestartHistory::with)
    });
    let moments = (moment(), mostly_none(moment()), mostly_none(moment()));
    let rest = (mostly_none(retirement()), guest(), marks(), mostly_none(0_u32..12), 0_u8..7);
    (moments, history, rest).prop_map(
        |((asked_at, adopted_at, guest_at), restarts, (retirement, guest, marks, ordinal, retries))| Detail {
            asked_at,
            restarts,
            lineage: Lineage { retries },
            retirement,
            guest,
            guest_at: guest_at.unwrap_or_default(),
            marks,
            adopted_at: adopted_at.unwrap_or_default(),
            ordinal,
            ..Detail::new(OperationId::from_bits(0), asked_at)
        },
    )
}

/// Members with ids of their own, in no order, and what there is to say about some of them.
fn members(most: usize) -> impl Strategy<Value = (Vec<Member>, Vec<Detail>)> {
    let one = (member(), any::<u64>(), option::weighted(0.3, detail()), any::<u8>());
    vec(one, 0..most).prop_map(|drawn| {
        let ids: Vec<u128> = (1..).zip(&drawn).map(|(index, (_, salt, ..))| u128::from(*salt) << 64 | index).collect();
        let (mut members, mut details) = (Vec::new(), Vec::new());
        for ((mut member, _, detail, other), id) in drawn.into_iter().zip(&ids) {
            let has_machine = matches!(member.phase, Phase::Bound | Phase::Ready | Phase::Failed | Phase::Deleting);
            member.operation = OperationId::from_bits(*id);
            if has_machine {
                member = member.with_instance(InstanceId::new(Uuid::from_u128(*id)));
            }
            if let Some(mut detail) = detail {
                member = member.with_detail();
                detail.operation = member.operation;
                let predecessor = ids.get(usize::from(other)).filter(|other| *other != id);
                detail.replaces = predecessor.map(|id| OperationId::from_bits(*id));
                details.push(detail);
            }
            members.push(member);
        }
        details.sort_by_key(|detail| detail.operation);
        (members, details)
    })
}

fn budget() -> impl Strategy<Value = u32> {
    prop_oneof![3 => Just(u32::MAX), 1 => 0_u32..5]
}

fn limits() -> impl Strategy<Value = Limits> {
    let most = prop_oneof![4 => Just(u32::MAX), 1 => 0_u32..24];
    ((0_u32..3, 0_u32..3), (budget(), budget(), budget(), budget()), most, 0_u32..3).prop_map(
        |((surge, orphans), (creates, asked_deletes, unasked_deletes, starts), most_instances, lost_recently)| Limits {
            surge,
            most_instances,
            creates,
            asked_deletes,
            unasked_deletes,
            starts,
            orphans,
            lost_recently,
            least_listed: if orphans == 2 { 1 + surge + lost_recently } else { 0 },
        },
    )
}

fn course() -> impl Strategy<Value = Course> {
    let failure = prop_oneof![
        Just(Failure::Aborted),
        (1_u32..4).prop_map(|failed| Failure::Instances { failed, tolerated: 0 }),
        moment().prop_map(|since| Failure::NoProgress { since }),
    ];
    let numbers = (1..=REVISIONS, 0..=REVISIONS, 0_u32..8, 0_u32..3, 0_u8..3);
    let moments = (moment(), moment(), moment(), mostly_none(moment()));
    (numbers, select(&RolloutState::ALL[..]), moments, (seldom(), failure)).prop_map(
        |(
            (target, from, best, failed, checkpoints),
            state,
            (since, began_at, progress_at, excused_since),
            (is_swapping, failure),
        )| {
            let has_failed =
                matches!(state, RolloutState::Reverting | RolloutState::Reverted | RolloutState::FailedHold);
            Course {
                target,
                from,
                state,
                since,
                began_at,
                progress_at,
                best,
                failed,
                checkpoints,
                excused_since,
                is_swapping,
                failure: has_failed.then_some(failure),
                ..Course::opened(target, from, began_at)
            }
        },
    )
}

fn repair() -> impl Strategy<Value = RepairMemory> {
    let hold = (moment(), mostly_none(moment())).prop_map(|(since, under_since)| Hold { since, under_since });
    let cause = prop_oneof![
        (1_u8..6).prop_map(|retries| SuspensionCause::RetriesSpent { retries }),
        (1_u8..6, 1..=REVISIONS).prop_map(|(lineages, revision)| SuspensionCause::LineagesFail { lineages, revision }),
    ];
    let suspension = (moment(), cause, moment()).prop_map(|(since, cause, probe_at)| Suspension {
        since,
        cause,
        probe_at,
        probe: None,
    });
    (mostly_none(hold), mostly_none(suspension), 0..=REVISIONS, 0_u8..4).prop_map(
        |(hold, suspension, lineage_revision, failed_lineages)| RepairMemory {
            hold,
            suspension,
            lineage_revision,
            failed_lineages,
            ..RepairMemory::default()
        },
    )
}

fn memory() -> impl Strategy<Value = PlanMemory> {
    let cause = prop_oneof![Just(Setback::Refused(Refusal::Quota)), Just(Setback::ProvisioningFailed)];
    let backoff = (cause, -50_000_i64..50_000).prop_map(|(cause, millis)| Backoff {
        cause,
        times: 2,
        until: Timestamp::from_millis(NOW.as_millis() + millis),
    });
    let rollout =
        (0..=REVISIONS, option::weighted(0.7, course())).prop_map(|(stable, course)| RolloutMemory { stable, course });
    (0_u32..12, mostly_none(backoff), rollout, repair()).prop_map(|(create_window, create_backoff, rollout, repair)| {
        PlanMemory { create_window, create_backoff, failures_in_row: 0, rollout, repair }
    })
}

fn orders() -> impl Strategy<Value = Orders> {
    let revision = || prop_oneof![3 => Just(0), 2 => 1..=REVISIONS];
    (seldom(), (revision(), revision(), revision()), 0_u8..3, mostly_none(moment()), 0_u32..2, 0_u32..3).prop_map(
        |(is_paused, (promoted, aborted, continued), checkpoints, resumed, repairs_allowed, width)| Orders {
            is_paused,
            promoted,
            aborted,
            continued,
            checkpoints,
            repairs_resumed_at: resumed.unwrap_or_default(),
            repairs_allowed,
            width,
        },
    )
}

fn intent() -> impl Strategy<Value = Intent> {
    let lifecycle = prop_oneof![9 => Just(Lifecycle::Active), 1 => Just(Lifecycle::Deleting)];
    (0_u32..16, lifecycle, seldom(), 1..=REVISIONS, orders()).prop_map(
        |(capacity, lifecycle, is_frozen, revision, orders)| Intent {
            group: GroupId::new(Uuid::from_u128(1)),
            lifecycle,
            capacity,
            revision,
            is_frozen,
            orders,
        },
    )
}

fn amount() -> impl Strategy<Value = Amount> {
    prop_oneof![(0_u32..5).prop_map(Amount::Count), (0_u16..=100).prop_map(Amount::Percent)]
}

/// Shorter than any deadline by which an instance has to have proved itself.
fn proof() -> impl Strategy<Value = Span> {
    prop_oneof![2 => Just(0_u64), 3 => 1_u64..600].prop_map(Span::from_secs)
}

fn span() -> impl Strategy<Value = Span> {
    prop_oneof![2 => Just(0_u64), 3 => 1_u64..1_800].prop_map(Span::from_secs)
}

fn update(policy: Policy) -> impl Strategy<Value = Policy> {
    let room = (amount(), amount(), amount());
    let spans = (proof(), span(), span());
    let stages = (0_u32..3, any::<bool>(), proptest::collection::btree_set(1_u8..100, 0..3), any::<bool>());
    let rest = (
        select(&[OnDeadlock::Ask, OnDeadlock::Swap][..]),
        select(&[Disruption::InPlace, Disruption::Resize, Disruption::Replace, Disruption::Replace][..]),
        seldom(),
    );
    (room, spans, stages, rest).prop_map(
        move |(
            (surge, unavailable, canary),
            (proof, delay, bake),
            stages,
            (on_deadlock, max_disruption, on_create),
        )| {
            let mut policy = policy.clone();
            let update = &mut policy.update;
            (update.max_surge, update.max_unavailable, update.canary) = (surge, unavailable, canary);
            if surge.is_zero() && unavailable.is_zero() {
                update.max_unavailable = Amount::Count(1);
            }
            (update.min_healthy_time, update.checkpoint_delay, update.bake_time) = (proof, delay, bake);
            (update.max_failures, update.auto_promote, update.auto_revert) = (stages.0, stages.1, stages.3);
            update.checkpoints = stages.2.into_iter().collect();
            (update.on_deadlock, update.max_disruption) = (on_deadlock, max_disruption);
            if on_create {
                update.mode = UpdateMode::OnCreate;
            }
            policy
        },
    )
}

fn policy() -> impl Strategy<Value = Policy> {
    let choices = (
        prop_oneof![4 => Just(ReplaceOrder::StartFirst), 1 => Just(ReplaceOrder::StopFirst)],
        prop_oneof![6 => Just(ReplaceMode::Automatic), 1 => Just(ReplaceMode::DetectOnly)],
        select(&[Shutdown::Immediate, Shutdown::Graceful][..]),
        select(&[Preserve::Never, Preserve::Never, Preserve::Failed, Preserve::Always][..]),
        select(&[ScaleInOrder::Oldest, ScaleInOrder::Newest, ScaleInOrder::Random][..]),
        prop_oneof![5 => Just(Identity::Unordered), 1 => Just(Identity::Ordinal)],
        select(&[NodeLossReplace::Yes, NodeLossReplace::Yes, NodeLossReplace::No, NodeLossReplace::Force][..]),
    );
    // Restarts that are remembered for long, and for a few minutes.
    let restarts = [[120, 300, 1_800], [10, 20, 240]].map(|seconds: [u64; 3]| seconds.map(Span::from_secs));
    let numbers = ((span(), span()), (0_u8..8, select(restarts.to_vec())), 0_u32..3, amount(), 1_u16..=100);
    let drawn = (choices, numbers).prop_map(
        |(
            (order, mode, shutdown, preserve, scale_in, identity, lost),
            ((delay, timeout), (attempts, restarts), kept, at_once, limit),
        )| {
            let mut policy = Policy { identity, ..Policy::default() };
            (policy.replace.order, policy.replace.mode) = (order, mode);
            (policy.stop.shutdown, policy.stop.preserve, policy.stop.preserve_max) = (shutdown, preserve, kept);
            (policy.stop.drain.delay, policy.stop.drain.timeout) = (delay, timeout);
            (policy.scale_in.order, policy.scale_in.at_once) = (scale_in, at_once);
            policy.restart.attempts = attempts;
            let [window, max_delay, interval] = restarts;
            (policy.restart.window, policy.restart.max_delay, policy.restart.interval) = (window, max_delay, interval);
            policy.cn_loss.replace = lost;
            policy.max_unhealthy.limit = Amount::Percent(limit);
            policy
        },
    );
    prop_oneof![1 => Just(Policy::default()), 4 => drawn.prop_flat_map(update)]
}

fn revisions() -> impl Strategy<Value = Vec<RevisionFacts>> {
    vec((0_u64..3, 0_u64..2, 0_u64..2, any::<bool>()), REVISIONS as usize).prop_map(|contents| {
        let facts = |(number, (place, size, labels, is_resizable))| RevisionFacts {
            number,
            digest: RevisionDigest { place, size, labels },
            is_resizable,
        };
        (1..).zip(contents).map(facts).collect()
    })
}

fn nodes() -> impl Strategy<Value = Vec<NodeCondition>> {
    let state = (0_u8..4, moment()).prop_map(|(kind, since)| match kind {
        0 => NodeState::Suspect { since },
        1 => NodeState::Lost { since },
        2 => NodeState::Returned { at: since },
        _ => NodeState::Draining { since },
    });
    proptest::collection::btree_map(0..NODES, state, 0..3)
        .prop_map(|nodes| nodes.into_iter().map(|(node, state)| NodeCondition { node, state }).collect())
}

pub fn hold() -> impl Strategy<Value = RepairHold> {
    (0_u8..4, moment()).prop_map(|(kind, since)| match kind {
        0 => RepairHold::ProberFails { since },
        1 => RepairHold::CloudFails { since },
        2 => RepairHold::DataCentreFails { failing: 6, of: 10, since },
        _ => RepairHold::NodesSuspect { nodes: 3, of: 9, since },
    })
}

pub fn trust() -> impl Strategy<Value = ViewTrust> {
    use ViewTrust as T;
    prop_oneof![
        14 => Just(T::Trusted),
        1 => select(&[T::Unobserved, T::Distrusted, T::LockedOut, T::LedgerBehind][..]),
    ]
}

/// What keeps the view from being believed, or nothing.
pub fn mistrust() -> impl Strategy<Value = ViewTrust> {
    use ViewTrust as T;
    select(&[T::Trusted, T::Unobserved, T::Distrusted, T::LockedOut, T::LedgerBehind][..])
}

/// A group in any state.
pub fn scene() -> impl Strategy<Value = Scene> {
    let world = (nodes(), option::weighted(0.1, hold()), any::<bool>());
    ((intent(), trust(), policy(), revisions()), members(20), memory(), limits(), world, any::<u128>()).prop_map(
        |((intent, trust, policy, revisions), (members, details), memory, limits, (nodes, hold, has_places), seed)| {
            let place = |node| Place { rack: node / 2, data_centre: 0 };
            Scene {
                intent,
                trust,
                policy,
                revisions,
                members,
                details,
                nodes,
                places: if has_places { (0..NODES).map(place).collect() } else { Vec::new() },
                hold,
                names: Vec::new(),
                memory,
                limits,
                timing: ProtocolTiming::default(),
                now: NOW,
                seed,
                is_remembering: false,
            }
        },
    )
}

/// A group that is well but for what the caller makes of it: trusted, active, no orders, nothing
/// remembered.
pub fn calm_scene() -> impl Strategy<Value = Scene> {
    scene().prop_map(|mut scene| {
        (scene.intent.is_frozen, scene.intent.lifecycle) = (false, Lifecycle::Active);
        (scene.trust, scene.intent.orders) = (ViewTrust::Trusted, Orders::default());
        (scene.memory, scene.limits) = (PlanMemory::default(), Limits::default());
        (scene.nodes, scene.hold) = (Vec::new(), None);
        scene
    })
}

/// Waits long enough for every back-off, deadline and window of the policies that are drawn here.
pub const LONG: Duration = Duration::from_secs(7 * 24 * 3600);
