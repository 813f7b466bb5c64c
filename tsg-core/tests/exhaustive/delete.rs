//! Every way that creating, adopting and deleting can go in a small group, one by one: replies
//! lost, requests held up until everybody has given them up, processes killed between a record and
//! its request, two machines for one operation, strangers with our marks, deletes that do nothing.
//!
//! Owns the properties that no order may break. Time goes in ticks; what lies further back than
//! any wait looks alike, so that there are finitely many states. Whatever goes wrong is paid from
//! a purse; all else may happen as often as it likes.

use std::collections::BTreeSet;
use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};
use std::sync::{Arc, Mutex};

use crate::delete_world::{Coming, Lag, Landing, Life, Machine, Make, QUIET, State, TICK, id_of};
use stateright::{Checker, HasDiscoveries, Model, Property};
use tsg_core::model::id::InstanceId;
use tsg_core::model::operation::{Operation, Phase};
use tsg_core::protocol::timing::ProtocolTiming;

/// More ticks than anything may take until nothing changes any more.
const PATIENCE: usize = 40;

/// What can go wrong. Each time costs one of the purse.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    /// A create is held up beyond its sender's patience; it may arrive at any time, or never.
    HeldUp,
    /// A create never arrives.
    Vanishes,
    /// A create arrives, and its reply does not.
    ReplyLost,
    /// A create is surely refused.
    Refused,
    /// A machine is made that fails.
    Fails,
    /// A machine that failed runs after all.
    Recovers,
    /// A name is given twice.
    Races,
    /// The process is killed between a record and its request.
    Dies,
    /// A DELETE never arrives, or does nothing; the process that was to send it may be dead.
    DeleteLost,
    /// The customer deletes a machine.
    Destroyed,
    /// A replica lags and has never heard of a machine; once at most.
    Lags,
    /// The customer copies our tags onto a machine of theirs.
    Copied,
    /// The customer has a machine under our name.
    Namesake,
}

/// What must be seen to happen: a model that never gets there shows nothing.
type Sight = (&'static str, fn(&Small, &State) -> bool);

/// A group and what may happen to it.
#[derive(Clone)]
struct Small {
    /// The capacity at first, and what the user makes of it later.
    capacities: &'static [usize],
    timing: ProtocolTiming,
    purse: u8,
    faults: &'static [Fault],
    /// The cloud forgets machines that were destroyed: 410 becomes 404.
    forgets: bool,
    sights: &'static [Sight],
    /// States that are known to come to rest.
    good: Arc<Mutex<BTreeSet<u64>>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Event {
    /// One more is planned.
    Create,
    /// One is cancelled or its delete is decided.
    Remove(usize),
    /// The decision is taken back before anything was sent.
    Withdraw(usize),
    /// The user wants another capacity.
    Scale,
    /// A create is recorded as sent, and sent.
    Send(usize),
    /// The same, but the process is killed in between.
    SendDies(usize),
    /// A create comes out.
    Land(usize, Landing),
    /// Its sender gives up waiting.
    HoldUp(usize),
    /// It never arrives.
    Vanish(usize),
    /// The next step of an operation in doubt.
    Doubt(usize),
    /// A complete list.
    Survey,
    /// A get of an operation's machine; if it is to be deleted, the next step of that.
    Get(usize),
    /// The same for a machine that is residue.
    Sweep(usize, InstanceId),
    /// A DELETE arrives.
    Strike(usize),
    /// A DELETE never does.
    StrikeLost(usize),
    Destroy(usize),
    Forget(usize),
    Recover(usize),
    Lag(usize),
    /// A stranger with an operation's marks turns up.
    Stranger(usize, Make),
    Tick,
}

impl Small {
    /// What an event costs, if it is something going wrong.
    fn fault(state: &State, event: Event) -> Option<Fault> {
        Some(match event {
            Event::HoldUp(_) => Fault::HeldUp,
            Event::Vanish(request) if state.requests[request].is_awaited => Fault::Vanishes,
            Event::SendDies(_) => Fault::Dies,
            Event::Land(_, Landing::Refused) => Fault::Refused,
            Event::Land(_, Landing::Fails | Landing::FailsUnheard) => Fault::Fails,
            Event::Land(_, Landing::Races | Landing::RacesUnheard) => Fault::Races,
            Event::Land(request, Landing::Unheard) if state.requests[request].is_awaited => Fault::ReplyLost,
            Event::Recover(_) => Fault::Recovers,
            Event::StrikeLost(_) => Fault::DeleteLost,
            Event::Destroy(_) => Fault::Destroyed,
            Event::Lag(_) => Fault::Lags,
            Event::Stranger(_, Make::Copied) => Fault::Copied,
            Event::Stranger(..) => Fault::Namesake,
            _ => return None,
        })
    }

    fn can_afford(&self, state: &State, event: Event) -> bool {
        Self::fault(state, event).is_none_or(|fault| state.faults > 0 && self.faults.contains(&fault))
    }

    fn of_operations(state: &State, events: &mut Vec<Event>) {
        for (place, operation) in state.ledger.iter().enumerate() {
            if state.may_go(place) {
                events.push(Event::Remove(place));
            }
            if state.is_sendable(place) {
                events.extend([Event::Send(place), Event::SendDies(place)]);
            }
            match operation.phase {
                Phase::Planned | Phase::Sent => events.push(Event::Stranger(place, Make::Namesake)),
                Phase::Unknown => {
                    events.extend([Event::Doubt(place), Event::Stranger(place, Make::Copied)]);
                }
                Phase::Bound | Phase::Ready | Phase::Failed | Phase::Deleting => events.push(Event::Get(place)),
                _ => {}
            }
            if state.is_wanted_again(place) {
                events.push(Event::Withdraw(place));
            }
            events.extend(operation.residue.iter().map(|id| Event::Sweep(place, *id)));
        }
    }

    fn of_requests(state: &State, events: &mut Vec<Event>) {
        for (place, request) in state.requests.iter().enumerate() {
            let landings: &[Landing] = if state.is_taken(request.operation) {
                &[Landing::Heard, Landing::Races, Landing::RacesUnheard, Landing::Refused]
            } else {
                &[Landing::Heard, Landing::Unheard, Landing::Fails, Landing::FailsUnheard, Landing::Refused]
            };
            events.extend(landings.iter().map(|landing| Event::Land(place, *landing)));
            events.push(Event::Vanish(place));
            if request.is_awaited {
                events.push(Event::HoldUp(place));
            }
        }
        events.extend(state.deletes.iter().flat_map(|number| [Event::Strike(*number), Event::StrikeLost(*number)]));
    }

    fn of_machines(&self, state: &State, events: &mut Vec<Event>) {
        for (number, machine) in state.cloud.iter().enumerate() {
            match machine.life {
                Life::Runs => events.push(Event::Destroy(number)),
                Life::Failed => events.push(Event::Recover(number)),
                Life::Destroyed if self.forgets => events.push(Event::Forget(number)),
                Life::Destroyed | Life::Forgotten => {}
            }
            if state.lag == Lag::NotYet && machine.make == Make::Own {
                events.push(Event::Lag(number));
            }
        }
    }

    /// What follows; `None` when nothing does.
    fn follow(&self, before: &State, event: Event) -> Option<State> {
        let mut after = before.clone();
        let (state, timing) = (&mut after, &self.timing);
        state.faults -= u8::from(Self::fault(before, event).is_some());
        match event {
            Event::Create => state.plan_create(),
            Event::Remove(place) => state.plan_removal(place, timing),
            Event::Withdraw(place) => state.withdraw(place, timing),
            Event::Scale => {
                state.scales += 1;
                state.capacity = self.capacities[state.scales];
            }
            Event::Send(place) => state.send(place, timing),
            Event::SendDies(place) => {
                state.record_send(place, timing);
                state.fall_in_doubt(place, timing);
            }
            Event::Land(request, landing) => self.land(state, request, landing),
            Event::HoldUp(request) => {
                state.requests[request].is_awaited = false;
                state.fall_in_doubt(state.requests[request].operation, timing);
            }
            Event::Vanish(request) => {
                let request = state.requests.remove(request);
                if request.is_awaited {
                    state.fall_in_doubt(request.operation, timing);
                }
            }
            Event::Doubt(place) => state.settle_doubt(place, timing),
            Event::Survey => state.survey(timing),
            Event::Get(place) => state.get(place, timing),
            Event::Sweep(place, id) => state.sweep(place, id, timing),
            Event::Strike(number) => state.strike(number),
            Event::StrikeLost(number) => {
                state.deletes.remove(&number);
            }
            Event::Destroy(number) => state.destroy(number),
            Event::Forget(number) => state.cloud[number].life = Life::Forgotten,
            Event::Recover(number) => state.recover(number),
            Event::Lag(number) => state.lag = Lag::Of(number),
            Event::Stranger(operation, make) => state.appear(operation, make),
            Event::Tick => {
                state.tick(timing);
                state.forget_what_is_over();
            }
        }
        state.put_in_order();
        (after != *before).then_some(after)
    }

    fn land(&self, state: &mut State, request: usize, landing: Landing) {
        let it = state.requests[request];
        match state.land(request, landing) {
            Some(reply) => state.hear((it.operation, it.attempt), &reply, &self.timing),
            None if it.is_awaited => state.fall_in_doubt(it.operation, &self.timing),
            None => {}
        }
    }

    /// Everything that can be done is done, nothing goes wrong, and a tick passes.
    fn go_on(&self, state: &mut State) {
        let timing = &self.timing;
        state.survey(timing);
        for place in 0..state.ledger.len() {
            state.settle_doubt(place, timing);
            state.get(place, timing);
            for id in state.ledger[place].residue.clone() {
                state.sweep(place, id, timing);
            }
            if state.may_go(place) {
                state.plan_removal(place, timing);
            }
        }
        while let Some(number) = state.deletes.first().copied() {
            state.strike(number);
        }
        while state.is_lacking() {
            state.plan_create();
        }
        for place in 0..state.ledger.len() {
            if state.is_sendable(place) {
                state.send(place, timing);
                self.land(state, state.requests.len() - 1, Landing::Heard);
            }
        }
        state.tick(timing);
        state.forget_what_is_over();
        state.put_in_order();
    }

    /// Lets everything take its course until nothing changes any more, and then what was held up
    /// arrives. False when it never ends, or something is left over.
    fn comes_to_rest(&self, mut state: State) -> bool {
        let mut passed = Vec::new();
        for _ in 0..PATIENCE {
            let fingerprint = fingerprint(&state);
            if self.good.lock().unwrap().contains(&fingerprint) {
                self.good.lock().unwrap().extend(passed);
                return true;
            }
            let before = state.clone();
            self.go_on(&mut state);
            if state == before && state.requests.is_empty() {
                passed.push(fingerprint);
                let is_good = is_whole(&state);
                if is_good {
                    self.good.lock().unwrap().extend(passed);
                }
                return is_good;
            }
            if state == before {
                self.land(&mut state, 0, Landing::Unheard);
            }
            passed.push(fingerprint);
        }
        false
    }

    /// From now on nothing goes wrong. What is on its way arrives, or never does.
    fn ends_well(&self, state: &State, ending: Ending) -> bool {
        let mut state = State { faults: u8::MAX, ..state.clone() };
        // A person looks after the strangers.
        state.cloud.iter_mut().filter(|it| it.make != Make::Own).for_each(|it| it.life = Life::Destroyed);
        while let Some(request) = state.requests.iter().position(|it| ending != Ending::ArrivesLate || it.is_awaited) {
            let event =
                if ending == Ending::Arrives { Event::Land(request, Landing::Heard) } else { Event::Vanish(request) };
            state = State { faults: u8::MAX, ..self.follow(&state, event).unwrap() };
        }
        while let Some(number) = state.deletes.first().copied() {
            if ending == Ending::Arrives {
                state.strike(number);
            } else {
                state.deletes.remove(&number);
            }
        }
        self.comes_to_rest(state)
    }
}

fn fingerprint(state: &State) -> u64 {
    let mut hasher = DefaultHasher::new();
    state.hash(&mut hasher);
    hasher.finish()
}

/// What becomes of everything that is on its way.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Ending {
    Arrives,
    Vanishes,
    /// Requests that nobody waits for arrive when everything has come to rest, names or no names.
    ArrivesLate,
}

/// As many machines as wanted, each of them some operation's own, and nothing left to do.
fn is_whole(state: &State) -> bool {
    let is_over = |operation: &Operation| {
        let is_served = operation.phase == Phase::Ready && operation.instance.is_some_and(|id| state.runs(id));
        operation.residue.is_empty() && (operation.phase.is_closed() || is_served)
    };
    let ready = state.count(|phase| phase == Phase::Ready);
    state.live().count() == state.capacity
        && ready == state.capacity
        && state.ledger.iter().all(|operation| is_over(operation))
        && !state.has_strayed
        && !state.is_puzzled
}

/// No more live machines than the group was allowed to have when one of them was planned, and one
/// for each that came late.
fn is_within_capacity(state: &State) -> bool {
    let allowed = state.live().map(|machine| state.planned_for[machine.operation]).max().unwrap_or(0);
    let late = state.cloud.iter().filter(|machine| machine.coming == Coming::Late).count();
    state.live().count() <= allowed + late
}

/// The machines that an operation's requests made.
fn made_by(state: &State, place: usize) -> impl Iterator<Item = &Machine> {
    state.cloud.iter().filter(move |machine| machine.operation == place && machine.make == Make::Own)
}

fn is_made_once(state: &State) -> bool {
    let is_in_time = |machine: &&Machine| machine.coming == Coming::InTime && machine.life == Life::Runs;
    (0..state.ledger.len()).all(|place| made_by(state, place).filter(is_in_time).count() <= 1)
}

/// No request is on its way, and no machine is there, that was not recorded before.
fn is_recorded_first(state: &State) -> bool {
    (0..state.ledger.len()).all(|place| {
        let under_way = state.requests.iter().filter(|request| request.operation == place).count();
        made_by(state, place).count() + under_way <= state.ledger[place].attempts.len()
    })
}

/// Nobody's machine but an operation's own is bound to it, and each machine has one role.
fn is_bound_to_its_own(state: &State) -> bool {
    state.ledger.iter().enumerate().all(|(place, operation)| {
        let is_own = |id: &InstanceId| {
            let machine = state.cloud[state.number(*id)];
            machine.make == Make::Own && machine.operation == place
        };
        let is_one = operation.instance.is_none_or(|id| !operation.residue.contains(&id));
        is_one && operation.instance.iter().chain(&operation.residue).all(is_own)
    })
}

/// A machine that runs and is known is not given up: it is some operation's, or is to go.
fn is_nothing_forgotten(state: &State) -> bool {
    let gone = state.ledger.iter().filter(|operation| operation.phase == Phase::Gone);
    gone.filter_map(|operation| operation.instance).all(|id| !state.runs(id))
}

/// A DELETE that is on its way kills only what is still meant to go.
fn is_meant_to_go(state: &State) -> bool {
    let threatened = state.deletes.iter().filter(|number| state.cloud[**number].life == Life::Runs);
    threatened.copied().all(|number| {
        let (id, operation) = (id_of(number), &state.ledger[state.cloud[number].operation]);
        match operation.instance {
            Some(own) if own == id => operation.phase == Phase::Deleting,
            _ => operation.residue.contains(&id),
        }
    })
}

impl Model for Small {
    type State = State;
    type Action = Event;

    fn init_states(&self) -> Vec<State> {
        vec![State::new(self.capacities[0], self.purse)]
    }

    fn actions(&self, state: &State, events: &mut Vec<Event>) {
        events.push(Event::Survey);
        if state.is_lacking() {
            events.push(Event::Create);
        }
        if state.scales + 1 < self.capacities.len() {
            events.push(Event::Scale);
        }
        Self::of_operations(state, events);
        Self::of_requests(state, events);
        self.of_machines(state, events);
        // A sender has given up waiting long before the quiet time is over.
        if !state.requests.iter().any(|request| request.is_awaited && request.age + 1 >= QUIET) {
            events.push(Event::Tick);
        }
        events.retain(|event| self.can_afford(state, *event));
    }

    fn next_state(&self, before: &State, event: Event) -> Option<State> {
        self.follow(before, event)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        let mut properties = vec![
            Property::always("no delete of what the ledger does not own", |_, state: &State| !state.has_strayed),
            Property::always("nothing that the ledger cannot account for", |_, state: &State| !state.is_puzzled),
            Property::always("never above the capacity, but for what came late", |_, state| is_within_capacity(state)),
            Property::always("one machine for each operation, but for what came late", |_, state| is_made_once(state)),
            Property::always("nothing leaves before it is recorded", |_, state| is_recorded_first(state)),
            Property::always("an operation has nobody else's machine", |_, state| is_bound_to_its_own(state)),
            Property::always("nothing that runs is taken for gone", |_, state| is_nothing_forgotten(state)),
            Property::always("a delete that left is not taken back", |_, state| is_meant_to_go(state)),
            Property::always("it comes to rest when everything arrives", |model: &Self, state: &State| {
                let is_waiting = !state.requests.is_empty() || !state.deletes.is_empty();
                !is_waiting || model.ends_well(state, Ending::Arrives)
            }),
            Property::always("it comes to rest when nothing arrives", |model: &Self, state: &State| {
                model.ends_well(state, Ending::Vanishes)
            }),
            Property::always(
                "it comes to rest again when something arrives after all",
                |model: &Self, state: &State| {
                    state.requests.iter().all(|request| request.is_awaited)
                        || model.ends_well(state, Ending::ArrivesLate)
                },
            ),
        ];
        properties.extend(self.sights.iter().map(|(name, is_seen)| Property::sometimes(name, *is_seen)));
        properties
    }
}

fn any(state: &State, is_it: impl Fn(&Operation) -> bool) -> bool {
    state.ledger.iter().any(|operation| is_it(operation))
}

fn is_adopted(operation: &Operation) -> bool {
    operation.adopted_at.is_some()
}

const LOST: Sight = ("an operation is given up", |_, state| any(state, |it| it.phase == Phase::Lost));
const REFUSED: Sight = ("an operation is refused", |_, state| any(state, |it| it.phase == Phase::Refused));
const ADOPTED: Sight =
    ("a late machine is adopted", |_, state| any(state, |it| it.phase == Phase::Ready && is_adopted(it)));
const ADOPTED_AND_GONE: Sight =
    ("an adopted machine is let go", |_, state| any(state, |it| it.phase == Phase::Gone && is_adopted(it)));
const ABOVE: Sight =
    ("late ones come on top of the capacity", |model, state| state.live().count() > model.capacities[0]);
const RETRIED: Sight = ("a second attempt binds", |_, state| {
    any(state, |it| it.phase == Phase::Ready && it.attempts.len() == 2 && !is_adopted(it))
});
const TWO_MACHINES: Sight = ("one operation has two machines that run", |_, state| {
    any(state, |it| it.instance.is_some_and(|id| state.runs(id)) && it.residue.iter().any(|id| state.runs(*id)))
});
const SHRUNK_BESIDE_DOUBT: Sight = ("one is let go while another is in doubt", |_, state| {
    any(state, |it| it.phase == Phase::Deleting) && any(state, |it| it.phase == Phase::Unknown)
});
const LATE_WHILE_SHRINKING: Sight = ("one is adopted while another is let go", |_, state| {
    any(state, |it| it.phase == Phase::Deleting) && any(state, |it| it.phase == Phase::Bound && is_adopted(it))
});
const GONE: Sight = ("a machine is deleted and gone", |_, state| any(state, |it| it.phase == Phase::Gone));
const REPEATED: Sight =
    ("a delete is repeated", |_, state| any(state, |it| it.deletion.is_some_and(|deletion| deletion.attempts > 1)));
const DOUBTED: Sight = ("a machine that runs is not found once", |_, state| {
    any(state, |it| it.absence.not_found == 1 && it.instance.is_some_and(|id| state.runs(id)))
});
const WITHDRAWN: Sight = ("one that was to go stays", |_, state| {
    state.scales == 2 && state.ledger.len() == 1 && any(state, |it| it.phase == Phase::Ready)
});
const FAILED: Sight = ("a machine fails", |_, state| any(state, |it| it.phase == Phase::Failed));
const RESIDUE_RUNS: Sight = ("a machine that was given up runs after all", |_, state| {
    any(state, |it| it.instance.is_none() && it.residue.iter().any(|id| state.runs(*id)))
});
const NAMESAKE: Sight = ("an operation is given up for its name", |_, state| {
    state.cloud.iter().any(|it| it.make == Make::Namesake && state.ledger[it.operation].phase == Phase::Lost)
});
const COPIED: Sight = ("a copy of our tags holds up a doubt", |_, state| {
    state.cloud.iter().any(|it| it.make == Make::Copied && state.ledger[it.operation].phase == Phase::Unknown)
});

/// The protocol's waits, as few ticks as they can be told apart by.
fn timing(attempts_max: u8) -> ProtocolTiming {
    ProtocolTiming {
        quiet: TICK * u32::from(QUIET),
        quiet_lookups: 2,
        quiet_gap: TICK,
        attempts_max,
        absence_gap: TICK,
        delete_repeat: TICK,
        ..ProtocolTiming::default()
    }
}

fn small(capacities: &'static [usize], attempts_max: u8, purse: u8, faults: &'static [Fault]) -> Small {
    let (timing, good) = (timing(attempts_max), Arc::default());
    Small { capacities, timing, purse, faults, forgets: false, sights: &[], good }
}

/// Looks at every state there is.
fn check(name: &str, model: Small) {
    // A failure is told at once: what breaks a rule may go on without end.
    let checker = model.checker().threads(2).finish_when(HasDiscoveries::AnyFailures).spawn_bfs().join();
    checker.assert_properties();
    assert!(checker.unique_state_count() > 1000, "{name}: too few states to have shown anything");
}

#[test]
fn one_attempt_and_a_machine_that_comes_late() {
    let faults = &[Fault::HeldUp, Fault::Vanishes, Fault::ReplyLost, Fault::Dies, Fault::Refused];
    let sights = &[LOST, REFUSED, ADOPTED, ADOPTED_AND_GONE, ABOVE];
    check("one attempt", Small { sights, ..small(&[1], 1, 3, faults) });
}

#[test]
fn two_attempts_and_two_machines() {
    let faults = &[Fault::HeldUp, Fault::Vanishes, Fault::ReplyLost, Fault::Dies, Fault::Refused, Fault::Races];
    check("two attempts", Small { sights: &[TWO_MACHINES, RETRIED, ABOVE], ..small(&[1], 2, 3, faults) });
}

#[test]
fn a_machine_comes_late_while_the_group_shrinks() {
    let sights = &[LATE_WHILE_SHRINKING, SHRUNK_BESIDE_DOUBT, GONE];
    check("shrink", Small { sights, ..small(&[2, 1], 1, 2, &[Fault::HeldUp]) });
}

#[test]
fn deletes_are_repeated_until_the_end_is_proved() {
    let faults = &[Fault::DeleteLost, Fault::Lags, Fault::Destroyed, Fault::ReplyLost];
    let sights = &[GONE, REPEATED, DOUBTED, WITHDRAWN];
    check("deletes", Small { forgets: true, sights, ..small(&[1, 0, 1], 1, 3, faults) });
}

#[test]
fn machines_fail_and_come_up_after_all() {
    let faults = &[Fault::Fails, Fault::Recovers, Fault::Vanishes, Fault::DeleteLost];
    check("failures", Small { sights: &[FAILED, RESIDUE_RUNS, RETRIED], ..small(&[1], 2, 3, faults) });
}

#[test]
fn strangers_carry_our_marks() {
    let faults = &[Fault::Copied, Fault::Namesake, Fault::HeldUp, Fault::Destroyed, Fault::Races];
    check("strangers", Small { sights: &[NAMESAKE, COPIED, ADOPTED], ..small(&[1], 2, 3, faults) });
}

#[test]
fn anything_goes_wrong_twice() {
    let faults = &[
        Fault::HeldUp,
        Fault::Vanishes,
        Fault::ReplyLost,
        Fault::Refused,
        Fault::Fails,
        Fault::Recovers,
        Fault::Races,
        Fault::Dies,
        Fault::DeleteLost,
        Fault::Destroyed,
        Fault::Lags,
        Fault::Copied,
        Fault::Namesake,
    ];
    check(
        "anything",
        Small { forgets: true, sights: &[NAMESAKE, COPIED, ADOPTED, TWO_MACHINES, GONE], ..small(&[1], 2, 2, faults) },
    );
}
