//! The `tsg` program: service groups on Triton DataCenter, from the command line.
//!
//! Owns the list of its parts. What is asked of it is in `cli`, what it does is in `commands`.

mod api;
mod catalog;
mod cli;
mod cloud;
mod commands;
mod context;
mod datacenter;
mod demo;
mod enrolment;
mod environment;
mod exit;
mod failure;
mod health;
mod json_argument;
mod key_search;
mod listing;
mod logging;
mod output;
mod pairs;
mod placement;
mod prober;
mod profile;
mod program;
mod progress;
mod rollout;
mod settings;
mod signals;
mod table;
mod verifier;
mod waiting;

fn main() -> std::process::ExitCode {
    program::run()
}
