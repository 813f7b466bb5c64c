//! What the health policy costs for each result, beside the smallest loop that could do it.
//!
//! Owns bar 3d. Candidates take turns in this process and are compared by CPU time; instruction
//! counts are exact and stand in `counts`. Must never compare with a figure of another run.
#![allow(clippy::print_stdout, reason = "a bench says what it measured")]

use std::hint::black_box;
use std::process::ExitCode;
use std::time::{SystemTime, UNIX_EPOCH};

use tsg_benches::health::{Beats, Hospital, Pulses, Round, StateLoop, TARGETS};
use tsg_benches::meter::{Candidate, Measured, take_turns};
use tsg_benches::verdict::{Line, conclude, said};

/// Rounds that take turns, so that what fails is not always the same.
const ROUNDS: usize = 8;
const TURNS: usize = 25;

fn main() -> ExitCode {
    let seed = SystemTime::now().duration_since(UNIX_EPOCH).map_or(1, |since| since.as_nanos() as u64);
    println!("health, seed {seed}, {TARGETS} targets; CPU time, best of turns (median in brackets)");
    let rounds: Vec<Round> = (0..ROUNDS as u64).map(|number| Round::drawn(seed.wrapping_add(number))).collect();
    let mut states = StateLoop::new();
    let mut pulses = Pulses::new();
    let mut beats = Beats::new(seed);
    let mut hospital = Hospital::new(seed);
    rounds.iter().take(3).for_each(|round| _ = hospital.take(round));
    let mut turns = [rounds.iter().cycle(), rounds.iter().cycle(), rounds.iter().cycle()];
    let [of_states, of_pulses, of_ward] = &mut turns;
    let [state_loop, policy, timer, ward] = take_turns(
        TURNS,
        [
            Candidate::prepared(|| of_states.next(), |round| _ = black_box(round.map(|round| states.take(round)))),
            Candidate::prepared(|| of_pulses.next(), |round| _ = black_box(round.map(|round| pulses.take(round)))),
            Candidate::new(|| _ = black_box(beats.pass())),
            Candidate::prepared(|| of_ward.next(), |round| _ = black_box(round.map(|round| hospital.take(round)))),
        ],
    );
    said("a loop over 32-byte states", &state_loop);
    said("policy", &policy);
    said("timer", &timer);
    println!("  {:.0} ns for each probe", nanos(&timer));
    said("ward: search, policy, judgement", &ward);
    conclude(&[
        Line::at_most("3d", "policy: times the loop over 32-byte states", policy.ratio_to(&state_loop), "x", 3.0),
        Line::at_most("3d", "timer: times the loop over 32-byte states", timer.ratio_to(&state_loop), "x", 9.0),
        Line::at_most("health", "ward: times the loop over 32-byte states", ward.ratio_to(&state_loop), "x", 60.0),
    ])
}

fn nanos(measured: &Measured) -> f64 {
    measured.best().as_secs_f64() * 1e9 / f64::from(TARGETS)
}
