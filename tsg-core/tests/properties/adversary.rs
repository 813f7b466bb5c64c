//! A cloud that does its worst for a while, and what it is told to afterwards.
//!
//! Owns what goes wrong: creates that are refused, fail, are in doubt or get stuck, nodes that are
//! lost and come back, views that lack or repeat members, plans of which only a part gets through.
//! Must never do anything for the planner that it was not told to do.

use core::time::Duration;

use proptest::collection::vec;
use proptest::prelude::{Strategy, any};
use tsg_core::model::id::{InstanceId, OperationId};
use tsg_core::model::instance::InstanceState;
use tsg_core::model::operation::Phase;
use tsg_core::model::policy::{Identity, ReplaceMode, UpdateMode};
use tsg_core::model::span::Span;
use tsg_core::model::time::Timestamp;
use tsg_core::plan::input::{
    Limits, Mark, Member, NodeCondition, NodeState, RepairHold, RetirementStage, Sighting, Verdict, ViewTrust,
};
use tsg_core::plan::output::{Action, Plan, PlanError};
use tsg_core::plan::plan;
use tsg_core::protocol::create::Refusal;
use uuid::Uuid;

use super::support::apply::applied;
use super::support::table::Scene;

/// Compute nodes that new machines come to.
const NODES: u32 = 5;
/// How long a machine may take in a cloud that works, and a node to settle.
const ROUND: Duration = Duration::from_secs(60);
const SETTLED: Duration = Duration::from_secs(180);

/// What goes wrong in one round.
#[derive(Debug, Clone, Copy)]
pub struct Gust {
    kind: u8,
    target: u8,
    seconds: u16,
    dice: u64,
}

pub fn gusts() -> impl Strategy<Value = Vec<Gust>> {
    let one = (any::<u8>(), any::<u8>(), 0_u16..1_800, any::<u64>());
    vec(one.prop_map(|(kind, target, seconds, dice)| Gust { kind, target, seconds, dice }), 0..12)
}

impl Gust {
    /// A number below `sides`, another one for each operation.
    fn roll(self, operation: OperationId, sides: u64) -> u64 {
        let bits = operation.bits();
        (((bits >> 64) as u64 ^ bits as u64 ^ self.dice).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 33) % sides
    }
}

/// One round in a cloud that does its worst.
pub fn blown(scene: &Scene, gust: Gust) -> Scene {
    let mut plan = scene.plan().unwrap();
    if gust.dice & 7 == 0 {
        let kept = usize::from(gust.target) % 4;
        plan.actions.truncate(kept);
        plan.origins.retain(|origin| plan.actions.iter().any(|step| step.action.operation() == origin.operation));
    }
    let mut after = applied(scene, &plan);
    after.limits = scene.limits;
    after.now = scene.now.after(Duration::from_secs(gust.seconds.into()));
    obey_at_whim(&mut after, &plan, gust);
    befall(&mut after, gust);
    forget_the_gone(&mut after);
    after
}

/// Does what it was told to some, and something else to others.
fn obey_at_whim(after: &mut Scene, plan: &Plan, gust: Gust) {
    let now = after.now;
    for place in 0..after.members.len() {
        let mut member = after.members[place];
        let luck = gust.roll(member.operation, 8);
        match member.phase {
            Phase::Planned | Phase::Sent | Phase::Unknown => answer(after, &mut member, luck),
            Phase::Bound if member.sighting == Sighting::Present(InstanceState::Provisioning) => {
                come_up(after, &mut member, luck);
            }
            Phase::Deleting if luck > 2 => member.sighting = Sighting::Present(InstanceState::Deleted),
            _ if luck > 2 => carry_out(after, plan, &mut member),
            _ => {}
        }
        put(after, place, member, now);
    }
}

/// What comes of a create.
fn answer(after: &mut Scene, member: &mut Member, luck: u64) {
    const REFUSALS: [Refusal; 4] = [Refusal::Quota, Refusal::Capacity, Refusal::Throttled, Refusal::Request];
    let now = after.now;
    match luck {
        0 | 1 => {
            after.memory.note_refused(REFUSALS[(member.sequence % 4) as usize], now, None);
            member.phase = Phase::Refused;
        }
        2 if member.phase != Phase::Unknown => {
            after.memory.note_unknown();
            member.phase = Phase::Unknown;
        }
        2 => member.phase = Phase::Lost,
        3 if member.phase == Phase::Planned => member.phase = Phase::Sent,
        4 => bind(after, member),
        5 => {
            bind(after, member);
            fail(after, member);
        }
        _ => {
            bind(after, member);
            run(after, member);
        }
    }
}

/// What comes of a machine that is provisioned; some never are.
fn come_up(after: &mut Scene, member: &mut Member, luck: u64) {
    match luck {
        0 => fail(after, member),
        1 => member.sighting = Sighting::Missing,
        2..=4 => {}
        _ => run(after, member),
    }
}

fn bind(after: &mut Scene, member: &mut Member) {
    *member = member.with_instance(InstanceId::new(Uuid::from_u128(member.operation.bits() | 1)));
    (member.phase, member.sighting) = (Phase::Bound, Sighting::Present(InstanceState::Provisioning));
    member.compute_node = (member.operation.bits() % u128::from(NODES)) as u32;
    after.memory.note_bound();
}

fn run(after: &mut Scene, member: &mut Member) {
    (member.phase, member.verdict) = (Phase::Ready, Verdict::Unknown);
    member.sighting = Sighting::Present(InstanceState::Running);
    after.memory.note_ready();
}

fn fail(after: &mut Scene, member: &mut Member) {
    (member.phase, member.sighting) = (Phase::Failed, Sighting::Present(InstanceState::Failed));
    let now = after.now;
    after.memory.note_failed(now);
}

/// Does to a machine what the plan says.
fn carry_out(after: &mut Scene, plan: &Plan, member: &mut Member) {
    let is_stopping = after.details.iter().any(|detail| {
        detail.operation == member.operation
            && detail.retirement.is_some_and(|retirement| retirement.stage == RetirementStage::Stopping)
    });
    if is_stopping && member.sighting == Sighting::Present(InstanceState::Running) {
        member.sighting = Sighting::Present(InstanceState::Stopped);
    }
    let told = plan.actions.iter().find(|planned| planned.action.operation() == member.operation);
    if let Some(Action::Start { .. } | Action::Restart { .. }) = told.map(|planned| planned.action) {
        cure(after, member);
    }
}

/// Writes a member back; what has changed has done so now.
fn put(after: &mut Scene, place: usize, member: Member, now: Timestamp) {
    let before = &mut after.members[place];
    let is_same = (before.sighting, before.verdict) == (member.sighting, member.verdict);
    let (is_in_phase, phase_since, state_since) =
        (before.phase == member.phase, before.phase_since, before.state_since);
    *before = member;
    before.phase_since = if is_in_phase { phase_since } else { now };
    before.state_since = if is_same && is_in_phase { state_since } else { now };
}

/// One thing more that goes wrong.
fn befall(after: &mut Scene, gust: Gust) {
    let (now, count) = (after.now, after.members.len().max(1));
    let node = u32::from(gust.target) % NODES;
    let is_there = |member: &&mut Member| member.phase == Phase::Ready;
    let member = after.members.get_mut(usize::from(gust.target) % count).filter(is_there);
    let strike = |change: fn(&mut Member)| {
        if let Some(member) = member {
            change(member);
            member.state_since = now;
        }
    };
    match gust.kind % 16 {
        0 => strike(|member| member.sighting = Sighting::Present(InstanceState::Stopped)),
        1 => strike(|member| member.sighting = Sighting::Present(InstanceState::Deleted)),
        2 => strike(|member| member.sighting = Sighting::Present(InstanceState::Offline)),
        3 => strike(|member| member.sighting = Sighting::Missing),
        4 => strike(|member| member.verdict = Verdict::Unhealthy),
        5 => strike(|member| member.verdict = member.verdict.started_again()),
        6 => set_node(after, node, Some(NodeState::Suspect { since: now })),
        7 => set_node(after, node, Some(NodeState::Lost { since: now.before(ROUND) })),
        8 => set_node(after, node, Some(NodeState::Returned { at: now })),
        9 => set_node(after, node, None),
        10 => set_node(after, node, Some(NodeState::Draining { since: now })),
        11 => after.trust = ViewTrust::Distrusted,
        12 => after.hold = Some(RepairHold::CloudFails { since: now }),
        13 => refuse_repeated(after),
        14 => {
            after.intent.capacity = u32::from(gust.target) % 16;
            after.memory.note_new_intent();
        }
        _ => {
            after.intent.revision = 1 + node % 4;
            after.memory.note_new_intent();
        }
    }
    if gust.kind & 64 == 0 {
        (after.trust, after.hold) = (ViewTrust::Trusted, None);
    }
}

fn set_node(after: &mut Scene, node: u32, state: Option<NodeState>) {
    after.nodes.retain(|condition| condition.node != node);
    after.nodes.extend(state.map(|state| NodeCondition { node, state }));
    after.nodes.sort_by_key(|condition| condition.node);
}

/// A view that shows a member twice is refused whole, and nothing is done on it.
fn refuse_repeated(scene: &Scene) {
    let mut members = scene.members.clone();
    members.extend(scene.members.first());
    let is_repeated = members.len() > scene.members.len();
    let refused = matches!(plan(&scene.input(&members)), Err(PlanError::TwiceTheSame(_)));
    assert_eq!(refused, is_repeated);
}

/// What is over is no member any more.
fn forget_the_gone(after: &mut Scene) {
    let is_over = |member: &Member| {
        matches!(member.phase, Phase::Refused | Phase::Lost)
            || member.sighting == Sighting::Present(InstanceState::Deleted)
    };
    after.members.retain(|member| !is_over(member));
    let members = &after.members;
    after.details.retain(|detail| members.iter().any(|member| member.operation == detail.operation));
}

/// The faults stop. What is broken by then stays so until it is mended or replaced, as far as
/// `max_unhealthy` allows; more than that, and those of a group with ordinals, get well by themselves.
pub fn calmed(scene: &Scene) -> Scene {
    let mut calm = scene.clone();
    (calm.trust, calm.hold, calm.limits) = (ViewTrust::Trusted, None, Limits::default());
    let now = calm.now;
    for condition in &mut calm.nodes {
        condition.state = NodeState::Returned { at: now };
    }
    let mut left = match calm.policy.identity {
        Identity::Unordered => calm.policy.max_unhealthy.limit_of(calm.intent.capacity),
        Identity::Ordinal => 0,
    };
    for place in 0..calm.members.len() {
        let mut member = calm.members[place];
        return_to_view(&mut member);
        if is_unwell(&calm, &member) {
            let is_there = matches!(member.phase, Phase::Bound | Phase::Ready);
            if is_there && left > 0 {
                left -= 1;
            } else {
                cure(&mut calm, &mut member);
            }
        }
        put(&mut calm, place, member, now);
    }
    forget_the_gone(&mut calm);
    calm
}

fn is_unwell(scene: &Scene, member: &Member) -> bool {
    use InstanceState::{Stopped, Stopping};
    let mut details = scene.details.iter();
    member.verdict.is_failing()
        || member.verdict.is_coming_up()
        || matches!(member.sighting, Sighting::Present(Stopping | Stopped))
        || details.any(|detail| detail.operation == member.operation && detail.guest.is_unhealthy)
}

fn cure(scene: &mut Scene, member: &mut Member) {
    let detail = scene.details.iter_mut().find(|detail| detail.operation == member.operation);
    detail.into_iter().for_each(|detail| detail.guest.is_unhealthy = false);
    member.verdict = Verdict::Unknown;
    if member.instance().is_some() && !matches!(member.phase, Phase::Failed | Phase::Deleting) {
        member.sighting = Sighting::Present(InstanceState::Running);
    }
}

/// What was out of sight or out of contact is there again, or proved gone.
fn return_to_view(member: &mut Member) {
    use InstanceState::{Offline, Provisioning, Unknown};
    let is_even = member.operation.bits() & 1 == 0;
    let is_ready = member.phase == Phase::Ready;
    match member.sighting {
        Sighting::Missing if is_even => member.sighting = Sighting::Present(InstanceState::Deleted),
        Sighting::Missing | Sighting::Present(Offline | Unknown) => {
            member.sighting = Sighting::Present(InstanceState::Running);
        }
        Sighting::Present(InstanceState::Ready) => member.sighting = Sighting::Present(InstanceState::Running),
        Sighting::Present(Provisioning) if is_ready => member.sighting = Sighting::Present(InstanceState::Running),
        _ => {}
    }
}

/// One round in a cloud that does what it is told: a start mends every other one, a restart too.
pub fn obeyed(scene: &Scene, plan: &Plan) -> Scene {
    let mut after = applied(scene, plan);
    after.limits = Limits::default();
    after.now = scene.now.after(ROUND);
    let now = after.now;
    for place in 0..after.members.len() {
        let mut member = after.members[place];
        match member.phase {
            Phase::Planned | Phase::Sent | Phase::Unknown => {
                bind(&mut after, &mut member);
                run(&mut after, &mut member);
            }
            Phase::Deleting => member.sighting = Sighting::Present(InstanceState::Deleted),
            // One that got stuck stays so, and one that failed.
            Phase::Bound if member.sighting == Sighting::None => run(&mut after, &mut member),
            // The next look shows it.
            _ if member.sighting == Sighting::None => member.sighting = Sighting::Present(InstanceState::Running),
            Phase::Bound if member.sighting == Sighting::Present(InstanceState::Running) => member.phase = Phase::Ready,
            _ if member.sighting == Sighting::Present(InstanceState::Stopping) => {
                member.sighting = Sighting::Present(InstanceState::Stopped);
            }
            _ if member.operation.bits() & 2 == 0 || is_retiring(&after, &member) => {
                carry_out(&mut after, plan, &mut member);
            }
            _ => {}
        }
        // Discovery comes to everybody.
        put(&mut after, place, member.listed(), now);
    }
    after.nodes.retain(|condition| !has_settled(condition.state, scene));
    forget_the_gone(&mut after);
    after
}

fn is_retiring(scene: &Scene, member: &Member) -> bool {
    let mut details = scene.details.iter();
    details.any(|detail| detail.operation == member.operation && detail.retirement.is_some())
}

fn has_settled(state: NodeState, scene: &Scene) -> bool {
    matches!(state, NodeState::Returned { at } if at.after(SETTLED) <= scene.now)
}

/// Without what waits for a person, or for ever: each of these has no end that anything but a word
/// could bring.
pub fn without_endless(mut scene: Scene) -> Scene {
    // Somebody froze it, or paused its rollout.
    (scene.intent.is_frozen, scene.intent.orders.is_paused) = (false, false);
    // More attempts than their waits leave room for in the interval over which they are counted.
    scene.policy.restart.attempts = scene.policy.restart.attempts.min(3);
    // What fails is only told.
    scene.policy.replace.mode = ReplaceMode::Automatic;
    // Canaries and checkpoints that a person lets go on.
    scene.policy.update.auto_promote = true;
    if scene.policy.update.checkpoint_delay.is_zero() {
        scene.policy.update.checkpoint_delay = Span::from_mins(1);
    }
    // The cloud refuses to delete it.
    scene.members = scene.members.iter().map(without_protection).collect();
    let never_rolls = scene.policy.update.mode == UpdateMode::OnCreate;
    for detail in &mut scene.details {
        // After six failures of one place, which no course here leads to, the wait before a successor
        // is longer than the interval of restarts, and there is always another restart first.
        detail.replaces = None;
        // Left alone until the mark is taken back.
        detail.marks = detail.marks.without(Mark::Held).without(Mark::Skipped);
        if never_rolls {
            // Such a request is refused.
            detail.marks = detail.marks.without(Mark::Reprovision).without(Mark::Restart);
        }
    }
    scene
}

fn without_protection(member: &Member) -> Member {
    let plain = Member::planned(member.operation, member.sequence, member.revision, member.phase_since);
    let plain = if member.is_detailed() { plain.with_detail() } else { plain };
    let mut plain = member.instance().map_or(plain, |instance| plain.with_instance(instance));
    (plain.state_since, plain.compute_node) = (member.state_since, member.compute_node);
    (plain.phase, plain.sighting, plain.verdict) = (member.phase, member.sighting, member.verdict);
    plain
}

/// Some time later: the next round, or when the planner asked to be woken if nothing happens before.
pub fn later(scene: &Scene, plan: &Plan) -> Scene {
    let after = obeyed(scene, plan);
    let is_still = plan.actions.is_empty()
        && plan.memory.is_none()
        && (&after.members, &after.details, &after.nodes) == (&scene.members, &scene.details, &scene.nodes);
    let is_settling = scene.nodes.iter().any(|condition| matches!(condition.state, NodeState::Returned { .. }));
    match plan.next_wakeup.filter(|_| is_still && !is_settling) {
        Some(at) => Scene { now: at.max(after.now), ..after },
        None => after,
    }
}

/// Where a group stands that should stand better.
pub fn told(scene: &Scene) -> String {
    let Scene { members, details, nodes, memory, .. } = scene;
    format!("{}\n{members:?}\n{details:?}\n{nodes:?}\n{memory:?}", scene.told())
}

/// Whether nothing happens any more, whatever time passes.
pub fn rests(scene: &Scene, plan: &Plan) -> bool {
    let is_idle = plan.actions.is_empty() && plan.memory.is_none() && plan.next_wakeup.is_none();
    is_idle && {
        let after = obeyed(scene, plan);
        (&after.members, &after.details, &after.nodes) == (&scene.members, &scene.details, &scene.nodes)
            && !scene.nodes.iter().any(|condition| matches!(condition.state, NodeState::Returned { .. }))
    }
}
