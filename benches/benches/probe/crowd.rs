//! Bars 3b and 3c: a hundred thousand targets at the usual pace on one core, some of them in a
//! black hole, beside the same ones without those. Owns the counting, which leaves out the first look
//! at everybody.

use std::collections::HashSet;
use std::error::Error;
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use rustix::net::{AddressFamily, SocketType};
use rustix::time::{ClockId, clock_gettime};
use tokio::sync::mpsc;
use tsg_benches::verdict::Line;
use tsg_core::health::fact::Outcome;
use tsg_core::model::id::InstanceId;
use tsg_core::model::span::Span;
use tsg_server::probe::{BUCKETS_MICROS, Finding, Histogram, Prober, Report};

use crate::{address, assignment, check, config};

const TARGETS: u32 = 100_000;
const INTERVAL: Span = Span::from_secs(10);
const TIMEOUT: Span = Span::from_secs(1);
/// The first look at everybody, and some more.
const WARM_UP: Duration = Duration::from_secs(12);
/// In which starts are counted.
const SLOT_MILLIS: i64 = 100;

/// What was seen of one crowd.
struct Seen {
    reused_share: f64,
    cpu_share: f64,
    busiest_slot: f64,
    late_p99_ms: f64,
    wrong: usize,
}

/// Who is asked.
#[derive(Clone, Copy)]
struct Crowd {
    /// Of a hundred targets, how many are in a black hole.
    silent: u32,
    /// Whether those are asked as well.
    with_silent: bool,
}

/// `raw_cost` measures what a probe on a new connection takes a loop that does nothing else, in
/// seconds: before and after the crowd that it is compared with, since a machine's pace drifts.
pub fn run(
    port: u16,
    during: Duration,
    raw_cost: impl Fn() -> Result<f64, Box<dyn Error>>,
) -> Result<Vec<Line>, Box<dyn Error>> {
    let (_hole, hole_port) = black_hole()?;
    let ports = (port, hole_port);
    let before = raw_cost()?;
    let all = watch(during, ports, Crowd { silent: 0, with_silent: true })?;
    let raw_share = (before + raw_cost()?) / 2.0 * f64::from(TARGETS) / INTERVAL.as_duration().as_secs_f64();
    println!("raw probes of as many: {:.1} % of a core", 100.0 * raw_share);
    let name = |what: &str| format!("100 k targets: {what}");
    let mut lines = vec![
        Line::at_most("3b", name("share of a core, to raw probes"), all.cpu_share / raw_share, "x", 2.14),
        Line::at_most("3b", name("busiest 100 ms, to the mean"), all.busiest_slot, "x", 1.25),
        Line::at_most("3b", name("start lateness p99"), all.late_p99_ms, "ms", 100.0),
        Line::at_most("3c", name("probes that failed"), all.wrong as f64, "", 0.0),
    ];
    for silent in [10_u32, 50] {
        let without = watch(during, ports, Crowd { silent, with_silent: false })?;
        let with = watch(during, ports, Crowd { silent, with_silent: true })?;
        let name = |what: &str| format!("100 k targets, {silent} % silent: {what}");
        let growth = with.late_p99_ms / without.late_p99_ms;
        lines.push(Line::at_most("3c", name("lateness p99 of the others, to that of them alone"), growth, "x", 1.1));
        let wrong = (with.wrong + without.wrong) as f64;
        lines.push(Line::at_most("3c", name("probes of others that failed"), wrong, "", 0.0));
    }
    Ok(lines)
}

fn watch(during: Duration, ports: (u16, u16), crowd: Crowd) -> Result<Seen, Box<dyn Error>> {
    let seen = look(during, ports, crowd)?;
    let Seen { reused_share, cpu_share, busiest_slot, late_p99_ms, wrong } = seen;
    let silent = crowd.silent * u32::from(crowd.with_silent);
    println!(
        "\n{} targets that answer, {} in a black hole: {:.1} % of a core, busiest 100 ms {busiest_slot:.2} x mean, \
         lateness p99 of those that answer <= {late_p99_ms} ms, {wrong} of their probes failed, \
         {:.0} % of the answers over kept connections",
        TARGETS / 100 * (100 - crowd.silent),
        TARGETS / 100 * silent,
        100.0 * cpu_share,
        100.0 * reused_share
    );
    Ok(seen)
}

fn look(during: Duration, (port, hole_port): (u16, u16), crowd: Crowd) -> Result<Seen, Box<dyn Error>> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let (prober, mut reports, work) = Prober::prepare(config(8))?;
    runtime.spawn(work);
    let (answering, in_hole) = (check(port, INTERVAL, TIMEOUT)?, check(hole_port, INTERVAL, TIMEOUT)?);
    let target = |number: u32| match number % 100 < crowd.silent {
        false => Some(assignment(number, address(number, port), &answering)),
        true => crowd.with_silent.then(|| assignment(number, address(number, hole_port), &in_hole)),
    };
    let targets = (0..TARGETS).filter_map(target).collect();
    let is_silent = |number: &u32| number % 100 < crowd.silent;
    let in_hole: HashSet<InstanceId> = (0..TARGETS)
        .filter(is_silent)
        .map(|number| assignment(number, address(number, hole_port), &in_hole).instance)
        .collect();
    let mut wrong = 0;
    runtime.block_on(async {
        prober.replace(targets).await;
        collect(&mut reports, WARM_UP, |_| ()).await;
        let (before, cpu, began) = (prober.counts(), cpu_time(), Instant::now());
        let mut slots = std::collections::BTreeMap::<i64, u32>::new();
        collect(&mut reports, during, |finding| {
            *slots.entry(finding.fact.at.as_millis() / SLOT_MILLIS).or_default() += 1;
            wrong += usize::from(finding.fact.outcome != Outcome::Passed && !in_hole.contains(&finding.instance));
        })
        .await;
        let (after, share) = (prober.counts(), (cpu_time() - cpu).as_secs_f64() / began.elapsed().as_secs_f64());
        let passed = after.total().passed - before.total().passed;
        // The first and the last ones are cut, and probes that time out are told of late.
        slots.pop_first();
        let inner: Vec<u32> = slots.into_values().collect();
        let inner = inner.get(..inner.len().saturating_sub(12)).unwrap_or_default();
        let mean = f64::from(inner.iter().sum::<u32>()) / inner.len().max(1) as f64;
        Ok(Seen {
            reused_share: (after.reused - before.reused) as f64 / passed.max(1) as f64,
            cpu_share: share,
            busiest_slot: f64::from(inner.iter().copied().max().unwrap_or(0)) / mean,
            late_p99_ms: p99_ms(&before.late, &after.late),
            wrong,
        })
    })
}

async fn collect(reports: &mut mpsc::Receiver<Report>, during: Duration, mut each: impl FnMut(&Finding)) {
    let until = tokio::time::Instant::now() + during;
    while let Ok(Some(report)) = tokio::time::timeout_at(until, reports.recv()).await {
        if let Report::Findings(findings) = report {
            findings.iter().for_each(&mut each);
        }
    }
}

fn p99_ms(before: &Histogram, after: &Histogram) -> f64 {
    let mut during = *after;
    for (count, earlier) in during.buckets.iter_mut().zip(before.buckets) {
        *count -= earlier;
    }
    let end = during.quantile_micros(0.99).or(BUCKETS_MICROS.last().copied()).unwrap_or(u64::MAX);
    end as f64 / 1_000.0
}

fn cpu_time() -> Duration {
    let now = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(now.tv_sec.unsigned_abs(), u32::try_from(now.tv_nsec).unwrap_or(0))
}

/// A port whose queue is full and stays so: whoever connects hears nothing.
fn black_hole() -> Result<((rustix::fd::OwnedFd, TcpStream), u16), Box<dyn Error>> {
    let socket = rustix::net::socket(AddressFamily::INET, SocketType::STREAM, None)?;
    rustix::net::bind(&socket, &"0.0.0.0:0".parse::<SocketAddr>()?)?;
    rustix::net::listen(&socket, 0)?;
    let bound = SocketAddr::try_from(rustix::net::getsockname(&socket)?)?;
    let queued = TcpStream::connect(("127.0.0.1", bound.port()))?;
    Ok(((socket, queued), bound.port()))
}
