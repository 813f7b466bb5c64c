//! What a probe costs, and whether a hundred thousand targets on one core are probed in time.
//!
//! Owns bars 3a to 3c. The prober works on this thread, beside a raw checker loop that takes turns
//! with it; who answers them is another process, whose CPU time does not count. Must never call a
//! target well or late by a figure of another run. `cargo bench --bench probe -- 10` looks at the
//! crowd for ten seconds instead of thirty.
#![allow(clippy::print_stdout, reason = "a bench says what it measured")]

mod crowd;
mod each;
mod raw;
mod responder;

use std::error::Error;
use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use tsg_benches::verdict::conclude;
use tsg_core::health::check::CheckSpec;
use tsg_core::model::id::InstanceId;
use tsg_core::model::span::Span;
use tsg_server::probe::{Assignment, Nic, Permission, ProberConfig, TargetPolicy};
use uuid::Uuid;

fn main() -> Result<ExitCode, Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().collect();
    if arguments.iter().any(|argument| argument == responder::ARGUMENT) {
        responder::serve()?;
        return Ok(ExitCode::SUCCESS);
    }
    let seconds = arguments.iter().find_map(|argument| argument.parse().ok()).unwrap_or(30);
    let (_process, port) = responder::start()?;
    println!("probes; CPU time of the prober's thread, best of turns (median in brackets)");
    let mut lines = each::run(port)?;
    lines.extend(crowd::run(port, Duration::from_secs(seconds), || each::raw_cost(port))?);
    Ok(conclude(&lines))
}

/// Sockets of the prober. The responder has one for each as well, and most limits on open files leave
/// it no more than 20,000.
const SOCKETS: u32 = 12_000;

/// May look at loopback.
fn config(uses_max: u32) -> ProberConfig {
    let policy = TargetPolicy { loopback: Permission::Allowed, ..TargetPolicy::default() };
    ProberConfig { policy, uses_max, sockets_max: SOCKETS, ..ProberConfig::default() }
}

/// The n-th address of 127/8 that nobody else uses.
fn address(number: u32, port: u16) -> SocketAddr {
    let [_, high, middle, low] = (number + 1).to_be_bytes();
    ([127, 1 + high, middle, low], port).into()
}

/// An HTTP check, at any pace.
fn check(port: u16, interval: Span, timeout: Span) -> Result<Arc<CheckSpec>, Box<dyn Error>> {
    let mut spec: CheckSpec = format!("http:{port}/ping").parse()?;
    (spec.pacing.interval, spec.pacing.unhealthy_interval, spec.pacing.timeout) = (interval, interval, timeout);
    Ok(Arc::new(spec))
}

fn assignment(number: u32, address: SocketAddr, spec: &Arc<CheckSpec>) -> Assignment {
    // Scattered as the ids of instances are.
    let instance =
        InstanceId::new(Uuid::from_u128(u128::from(number).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835)));
    let nics = vec![Nic { address: address.ip(), network: None }];
    Assignment { instance, check: 0, place: 0, nics, spec: Arc::clone(spec) }
}
