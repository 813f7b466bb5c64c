//! Every way that a rollout of a small group can go, one by one: the planner, a cloud that fails
//! now and then, and time, interleaved in every order.
//!
//! Owns the properties that no order may break, and what each model must have come to, so that none
//! holds for want of a case. Time goes in ticks; what lies further back than any deadline looks
//! alike, so that there are finitely many states. Unoptimised, the large models are looked at with
//! fewer faults and words.

use core::hash::{Hash, Hasher};
use core::time::Duration;

use crate::support::apply::applied;
use crate::support::table::{NOW, Scene, scene};
use stateright::{Checker, Model, Property};
use tsg_core::model::id::InstanceId;
use tsg_core::model::instance::InstanceState;
use tsg_core::model::operation::Phase;
use tsg_core::model::policy::Policy;
use tsg_core::model::time::Timestamp;
use tsg_core::plan::input::{Detail, Intent, Member, Sighting, Verdict};
use tsg_core::plan::memory::{Course, PlanMemory, RolloutState};
use tsg_core::plan::output::{Action, Plan};
use uuid::Uuid;

/// A tick; all deadlines are a few of them.
const TICK: Duration = Duration::from_secs(10);
/// What lies further back looks alike.
const HORIZON: u32 = 4;
/// More creates than any of the rollouts can need.
const CREATES_MAX: u8 = 12;

/// A group and what may happen to it.
#[derive(Clone)]
struct Rollout {
    scene: Scene,
    /// Instances over the capacity, at most: what the rollout adds, and one that takes the place
    /// of one that is given up.
    on_top: usize,
    /// How many things may go wrong.
    faults: u8,
    /// What a person may say meanwhile, once.
    words: &'static [Word],
    /// What it must come to in one order or another.
    outcomes: &'static [Outcome],
}

/// What a person may say while a rollout is under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Word {
    /// Another revision is wanted.
    Supersede,
    /// One more is wanted.
    Grow,
    /// One less is wanted.
    Shrink,
    /// The rollout is given up.
    Abort,
}

/// What a model must come to.
#[derive(Clone, Copy, Debug)]
enum Outcome {
    Successful,
    Reverting,
    Reverted,
    FailedHold,
    Swapping,
    Promoted,
    Superseded,
}

#[derive(Clone, Debug, PartialEq)]
struct State {
    intent: Intent,
    /// Whether a person has said something.
    has_spoken: bool,
    members: Vec<Member>,
    details: Vec<Detail>,
    memory: PlanMemory,
    created: u8,
    faults: u8,
    reverts: u8,
    /// A step of ours took a member that was needed.
    has_overstepped: bool,
    /// A step of ours took an old member before a new one had proved itself.
    has_lost: bool,
}

impl Eq for State {}

impl Hash for State {
    fn hash<H: Hasher>(&self, hasher: &mut H) {
        for member in &self.members {
            (member.operation, member.revision, member.phase as u8, member.verdict as u8).hash(hasher);
            (member.phase_since, member.state_since, format!("{:?}", member.sighting)).hash(hasher);
        }
        for detail in &self.details {
            (detail.operation, detail.asked_at, detail.replaces, detail.lineage.retries).hash(hasher);
            detail.restarts.last_at().hash(hasher);
        }
        format!("{:?}", self.memory).hash(hasher);
        (self.intent.revision, self.intent.capacity, self.intent.orders.aborted, self.has_spoken).hash(hasher);
        (self.created, self.faults, self.reverts, self.has_overstepped, self.has_lost).hash(hasher);
    }
}

/// What happens next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Event {
    /// A plan is made and carried out.
    Plan,
    /// A plan is made, and only its first step gets through before the planner dies.
    PlanPartly,
    /// A create is answered, and its machine runs at once.
    ComesUp(usize),
    /// A create is answered, and its machine fails.
    Fails(usize),
    /// A create is answered, and its machine runs but is never well.
    IsNeverWell(usize),
    /// A machine that serves breaks.
    Breaks(usize),
    /// A machine that was deleted is gone.
    IsGone(usize),
    /// Time passes.
    Tick,
    /// A person says something.
    Says(Word),
}

impl Rollout {
    fn scene(&self, state: &State) -> Scene {
        let State { intent, members, details, memory, created, .. } = state.clone();
        Scene { intent, members, details, memory, seed: u128::from(created) + 1, ..self.scene.clone() }
    }

    fn planned(&self, state: &State, steps: usize) -> Option<State> {
        let scene = self.scene(state);
        let mut plan = scene.plan().unwrap();
        if plan.actions.is_empty() && plan.memory.is_none() {
            return None;
        }
        plan.actions.truncate(steps);
        plan.origins.retain(|origin| plan.actions.iter().any(|step| step.action.operation() == origin.operation));
        let after = applied(&scene, &plan);
        let is_revert = |memory: &PlanMemory| memory.rollout.course.map(|it| it.state) == Some(RolloutState::Reverting);
        let is_begun = is_revert(&after.memory) && !is_revert(&state.memory);
        let is_create = |action: &Action| matches!(action, Action::Create { .. });
        let creates = plan.actions.iter().filter(|step| is_create(&step.action)).count();
        Some(State {
            has_overstepped: state.has_overstepped || self.oversteps(&scene, &plan),
            has_lost: state.has_lost || self.loses(&scene, &plan),
            created: state.created + u8::try_from(creates).unwrap(),
            reverts: state.reverts + u8::from(is_begun),
            members: after.members,
            details: after.details,
            memory: after.memory,
            ..state.clone()
        })
    }

    /// Serving members that a plan deletes.
    fn taken<'a>(scene: &'a Scene, plan: &'a Plan) -> impl Iterator<Item = &'a Member> {
        let is_deleted = |member: &Member| {
            let is_it =
                |action: &Action| matches!(action, Action::Delete { operation, .. } if *operation == member.operation);
            plan.actions.iter().any(|step| is_it(&step.action))
        };
        scene.members.iter().filter(|member| serves(member)).filter(move |member| is_deleted(member))
    }

    fn oversteps(&self, scene: &Scene, plan: &Plan) -> bool {
        let bounds = scene.policy.update.bounds(scene.policy.identity, scene.intent.capacity);
        let floor = scene.intent.capacity.saturating_sub(bounds.unavailable.max(u32::from(is_swapping(scene, plan))));
        let serving = scene.members.iter().filter(|member| serves(member)).count();
        let taken = Self::taken(scene, plan).count();
        taken > 0 && serving - taken < floor as usize
    }

    /// With nobody to spare, the rollout lets an old one go only once a new one has proved itself, or
    /// in the room of the surge that a superseded revision took.
    fn loses(&self, scene: &Scene, plan: &Plan) -> bool {
        let Intent { revision, capacity, .. } = scene.intent;
        let bounds = scene.policy.update.bounds(scene.policy.identity, capacity);
        let is_new = |member: &Member| member.revision == revision && serves(member) && is_old_enough(member);
        let is_forward = plan.report.rollout.is_some_and(|it| it.course.state == RolloutState::Rolling);
        let old = Self::taken(scene, plan).filter(|member| member.revision != revision).count();
        let serving = scene.members.iter().filter(|member| serves(member)).count();
        let is_spared = serving - old >= capacity as usize && revision > 2;
        let is_whole = scene.members.iter().any(is_new) || is_spared || self.words.contains(&Word::Shrink);
        is_forward && bounds.unavailable == 0 && !is_swapping(scene, plan) && !is_whole && old > 0
    }

    fn told(state: &State, word: Word) -> State {
        let mut after = State { has_spoken: true, ..state.clone() };
        match word {
            Word::Supersede => (after.intent.revision, after.reverts) = (3, 0),
            Word::Grow => after.intent.capacity += 1,
            Word::Shrink => after.intent.capacity -= 1,
            Word::Abort => after.intent.orders.aborted = after.intent.revision,
        }
        after
    }

    fn ticked(state: &State) -> State {
        let mut after = state.clone();
        let older = |at: &mut Timestamp| *at = at.before(TICK).max(NOW.before(TICK * HORIZON));
        for member in &mut after.members {
            older(&mut member.phase_since);
            older(&mut member.state_since);
        }
        after.details.iter_mut().for_each(|detail| older(&mut detail.asked_at));
        if let Some(course) = &mut after.memory.rollout.course {
            [&mut course.since, &mut course.began_at, &mut course.progress_at].into_iter().for_each(older);
            course.excused_since.iter_mut().for_each(older);
        }
        after
    }

    /// Whether nothing happens any more unless something goes wrong.
    fn rests(&self, state: &State) -> bool {
        let is_pending = |member: &Member| matches!(member.phase, Phase::Planned | Phase::Deleting);
        !state.members.iter().any(is_pending)
            && self.planned(state, usize::MAX).is_none()
            && Self::ticked(state) == *state
    }
}

/// Whether the plan makes do without a surge.
fn is_swapping(scene: &Scene, plan: &Plan) -> bool {
    plan.memory.unwrap_or(scene.memory).rollout.course.is_some_and(|course| course.is_swapping)
}

fn serves(member: &Member) -> bool {
    member.phase == Phase::Ready && member.verdict == Verdict::Unknown
}

fn is_old_enough(member: &Member) -> bool {
    member.state_since.after(TICK) <= NOW
}

impl Model for Rollout {
    type State = State;
    type Action = Event;

    fn init_states(&self) -> Vec<State> {
        let Scene { intent, members, details, memory, .. } = self.scene.clone();
        let state = State {
            intent,
            has_spoken: false,
            members,
            details,
            memory,
            created: 0,
            faults: self.faults,
            reverts: 0,
            has_overstepped: false,
            has_lost: false,
        };
        vec![(0..HORIZON).fold(state, |state, _| Self::ticked(&state))]
    }

    fn actions(&self, state: &State, events: &mut Vec<Event>) {
        events.extend([Event::Plan, Event::PlanPartly, Event::Tick]);
        if !state.has_spoken {
            events.extend(self.words.iter().map(|word| Event::Says(*word)));
        }
        for (index, member) in state.members.iter().enumerate() {
            match member.phase {
                Phase::Planned => events.push(Event::ComesUp(index)),
                Phase::Deleting => events.push(Event::IsGone(index)),
                _ => {}
            }
            match member.phase {
                Phase::Planned if state.faults > 0 => events.extend([Event::Fails(index), Event::IsNeverWell(index)]),
                Phase::Ready if state.faults > 0 && serves(member) => events.push(Event::Breaks(index)),
                _ => {}
            }
        }
    }

    fn next_state(&self, state: &State, event: Event) -> Option<State> {
        let mut after = state.clone();
        let index = match event {
            Event::Plan => return self.planned(state, usize::MAX),
            Event::PlanPartly => return self.planned(state, 1),
            Event::Tick => return Some(Self::ticked(state)).filter(|after| after != state),
            Event::Says(word) => return Some(Self::told(state, word)),
            Event::IsGone(index) => {
                let gone = after.members.remove(index);
                after.details.retain(|detail| detail.operation != gone.operation);
                return Some(after);
            }
            Event::ComesUp(index) => index,
            Event::Fails(index) | Event::IsNeverWell(index) | Event::Breaks(index) => {
                after.faults -= 1;
                index
            }
        };
        let member = &mut after.members[index];
        *member = member.with_instance(InstanceId::new(Uuid::from_u128(member.operation.bits())));
        (member.phase, member.state_since) = (Phase::Ready, NOW);
        match event {
            Event::Fails(_) | Event::Breaks(_) => {
                (member.phase, member.sighting) = (Phase::Failed, Sighting::Present(InstanceState::Failed));
            }
            Event::IsNeverWell(_) => {
                (member.verdict, member.sighting) = (Verdict::Starting, Sighting::Present(InstanceState::Running));
            }
            _ => member.sighting = Sighting::Present(InstanceState::Running),
        }
        Some(after)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        let mut properties = vec![
            Property::always("never above the ceiling", |model: &Self, state: &State| {
                let capacity = model.scene.intent.capacity.max(state.intent.capacity);
                state.members.len() <= capacity as usize + model.on_top
            }),
            Property::always("never below the floor by our own action", |_, state: &State| !state.has_overstepped),
            Property::always("no old one goes before a new one is healthy", |_, state: &State| !state.has_lost),
            Property::always("one revert at most", |_, state: &State| state.reverts <= 1),
            Property::always("it does not go on for ever", |_, state: &State| state.created <= CREATES_MAX),
            Property::always("it rests only when it is over, and whole", |model: &Self, state: &State| {
                let is_over = course_of(state).is_some_and(|course| course.state.is_over());
                let serving = state.members.iter().filter(|member| serves(member)).count();
                !model.rests(state) || (is_over && serving == state.intent.capacity as usize)
            }),
        ];
        properties.extend(self.outcomes.iter().map(|outcome| outcome.is_reached()));
        properties
    }
}

impl Outcome {
    fn is_reached(self) -> Property<Rollout> {
        use RolloutState as S;
        match self {
            Self::Successful => Property::sometimes("it succeeds", |_, state: &State| is_in(state, S::Successful)),
            Self::Reverting => Property::sometimes("it goes back", |_, state: &State| is_in(state, S::Reverting)),
            Self::Reverted => Property::sometimes("it has gone back", |_, state: &State| is_in(state, S::Reverted)),
            Self::FailedHold => {
                Property::sometimes("it fails for good", |_, state: &State| is_in(state, S::FailedHold))
            }
            Self::Swapping => Property::sometimes("it makes do without a surge", |_, state: &State| {
                course_of(state).is_some_and(|course| course.is_swapping)
            }),
            // Nothing else leads from canaries to the others.
            Self::Promoted => Property::sometimes("its canaries are promoted", |model: &Rollout, state: &State| {
                !model.scene.policy.update.canary.is_zero() && is_in(state, S::Rolling)
            }),
            Self::Superseded => Property::sometimes("another one takes its place and succeeds", |_, state: &State| {
                state.intent.revision == 3 && is_in(state, S::Successful)
            }),
        }
    }
}

/// The rollout of what is wanted now.
fn course_of(state: &State) -> Option<Course> {
    state.memory.rollout.course.filter(|course| course.target == state.intent.revision)
}

fn is_in(state: &State, wanted: RolloutState) -> bool {
    course_of(state).is_some_and(|course| course.state == wanted)
}

/// A group of `capacity` members of the stable revision 1 that is to move to revision 2.
fn rollout(capacity: usize, header: &str, update: &str, on_top: usize, faults: u8) -> Rollout {
    let times = r#""min_healthy_time": "10s", "healthy_deadline": "20s", "progress_deadline": "30s""#;
    let repair = r#""max_unhealthy": "100%", "replace": {"delay": 0, "max_delay": 0, "min_healthy_period": "20s"}"#;
    let names = ["a", "b", "c", "d"];
    let members: String = names[..capacity].iter().map(|name| format!("{name} ready running\n")).collect();
    let mut scene = scene(&format!("group {capacity} revision:2 {header}\nstable 1\n{members}"));
    let policy: Policy = serde_json::from_str(&format!(r#"{{"update": {{{times}{update}}}, {repair}}}"#)).unwrap();
    scene.policy = policy;
    Rollout { scene, on_top, faults, words: &[], outcomes: &[Outcome::Successful] }
}

/// What a rollout must come to that may fail and go back.
const THERE_AND_BACK: &[Outcome] = &[Outcome::Successful, Outcome::Reverting, Outcome::Reverted];

impl Rollout {
    fn coming_to(self, outcomes: &'static [Outcome]) -> Self {
        Self { outcomes, ..self }
    }

    fn with(self, words: &'static [Word]) -> Self {
        Self { words, ..self }
    }
}

/// Looks at every state there is.
fn check(name: &str, model: Rollout) {
    let checker = model.checker().threads(2).spawn_bfs().join();
    checker.assert_properties();
    assert!(checker.unique_state_count() > 100, "{name}: too few states to have shown anything");
}

#[test]
fn one_comes_on_top() {
    check("surge", rollout(2, "", "", 2, 1).coming_to(THERE_AND_BACK));
}

#[test]
fn one_goes_first() {
    let model = rollout(2, "", r#", "max_surge": 0, "max_unavailable": 1"#, 1, 1);
    check("no surge", model.coming_to(THERE_AND_BACK));
}

#[test]
fn four_instances() {
    check("four instances", rollout(3, "", "", 2, LARGE).coming_to(OF_LARGE));
}

#[test]
fn four_of_which_one_goes_first() {
    let model = rollout(if IS_WHOLE { 4 } else { 3 }, "", r#", "max_surge": 0, "max_unavailable": 1"#, 1, LARGE);
    check("four, no surge", model.coming_to(OF_LARGE));
}

#[test]
fn one_failure_is_tolerated() {
    let outcomes = &[Outcome::Successful, Outcome::Reverting, Outcome::Reverted];
    check("tolerated", rollout(1, "", r#", "max_failures": 1"#, 2, 2).coming_to(outcomes));
}

#[test]
fn going_back_fails_as_well() {
    let outcomes = &[Outcome::Successful, Outcome::Reverting, Outcome::Reverted, Outcome::FailedHold];
    check("failed twice", rollout(1, "", "", 2, 2).coming_to(outcomes));
}

#[test]
fn nothing_goes_back() {
    let model = rollout(2, "", r#", "auto_revert": false"#, 2, 1);
    check("no way back", model.coming_to(&[Outcome::Successful, Outcome::FailedHold]));
}

#[test]
fn a_canary_is_promoted() {
    let outcomes = &[Outcome::Promoted, Outcome::Successful, Outcome::Reverting, Outcome::Reverted];
    let model = rollout(2, "", r#", "canary": 1, "auto_promote": true, "bake_time": "10s""#, 2, 1);
    check("canary", model.coming_to(outcomes));
}

#[test]
fn there_is_no_room() {
    let outcomes = &[Outcome::Swapping, Outcome::Successful, Outcome::Reverting, Outcome::Reverted];
    check("swap", rollout(2, "most:2", r#", "on_deadlock": "swap""#, 0, 1).coming_to(outcomes));
}

#[test]
fn another_revision_takes_its_place() {
    let outcomes = &[Outcome::Superseded, Outcome::Successful];
    check("superseded", rollout(2, "", "", 2, LARGE).with(&[Word::Supersede]).coming_to(outcomes));
}

#[test]
fn the_group_grows_or_shrinks_meanwhile() {
    check("scaled", rollout(2, "", "", 2, LARGE).with(&[Word::Grow, Word::Shrink]).coming_to(OF_LARGE));
}

#[test]
fn a_person_gives_it_up() {
    check("aborted", rollout(2, "", "", 2, LARGE).with(&[Word::Abort]).coming_to(THERE_AND_BACK));
}

/// Whether the large models are looked at as a whole.
const IS_WHOLE: bool = !cfg!(debug_assertions);
/// Their faults.
const LARGE: u8 = IS_WHOLE as u8;
/// What they must come to.
const OF_LARGE: &[Outcome] = if IS_WHOLE { THERE_AND_BACK } else { &[Outcome::Successful] };
