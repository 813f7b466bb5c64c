//! Bars 3b and 3c: a hundred thousand targets at the usual pace on one core, some of them in a
//! black hole, in turns with the same ones without those. Owns the counting, which leaves out the first
//! look at everybody.

use std::collections::{BTreeMap, HashSet};
use std::error::Error;
use std::fmt::{self, Display, Formatter};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant, SystemTime};

use rustix::net::{AddressFamily, SocketType};
use rustix::time::{ClockId, clock_gettime};
use tokio::runtime::Runtime;
use tokio::sync::mpsc;
use tsg_benches::verdict::Line;
use tsg_core::health::fact::Outcome;
use tsg_core::model::id::InstanceId;
use tsg_core::model::span::Span;
use tsg_core::model::time::Timestamp;
use tsg_server::probe::{Assignment, Finding, Prober, Report};

use crate::{address, assignment, check, config};

const TARGETS: u32 = 100_000;
const INTERVAL: Span = Span::from_secs(10);
const TIMEOUT: Span = Span::from_secs(1);
/// The first look at everybody, and some more.
const WARM_UP: Duration = Duration::from_secs(12);
/// In which starts are counted.
const SLOT_MILLIS: i64 = 100;
/// How often the black hole comes and goes.
const TURNS: usize = 3;

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
    let all = Crowd::new(ports, 0)?.watch(during);
    let raw_share = (before + raw_cost()?) / 2.0 * f64::from(TARGETS) / INTERVAL.as_duration().as_secs_f64();
    println!("\n{TARGETS} targets that answer: {all}");
    println!("raw probes of as many: {:.1} % of a core", 100.0 * raw_share);
    let name = |what: &str| format!("100 k targets: {what}");
    let mut lines = vec![
        Line::at_most("3b", name("share of a core, to raw probes"), all.cpu_share / raw_share, "x", 2.14),
        Line::at_most("3b", name("busiest 100 ms, to the mean"), all.busiest_slot, "x", 1.25),
        Line::at_most("3b", name("start lateness p99"), all.late_p99_ms, "ms", 100.0),
        Line::at_most("3c", name("probes that failed"), all.wrong as f64, "", 0.0),
    ];
    for silent in [10, 50] {
        lines.extend(with_and_without(Crowd::new(ports, silent)?, during));
    }
    Ok(lines)
}

/// What black holes are to those that answer: they come and go while everybody else is probed on.
fn with_and_without(mut crowd: Crowd, during: Duration) -> [Line; 2] {
    let silent = crowd.silent;
    println!("\n{silent} % of {TARGETS} targets in a black hole, in turns");
    let turns: [(Seen, Seen); TURNS] = std::array::from_fn(|_| {
        let without = crowd.watch(during);
        println!("  without them: {without}");
        crowd.open_hole();
        let with = crowd.watch(during);
        println!("  with them:    {with}");
        crowd.close_hole();
        (without, with)
    });
    // The least disturbed turn of either: what black holes do, they do in each.
    let best = |late: fn(&(Seen, Seen)) -> f64| turns.iter().map(late).fold(f64::INFINITY, f64::min);
    let growth = best(|(_, with)| with.late_p99_ms) / best(|(without, _)| without.late_p99_ms);
    let wrong: usize = turns.iter().map(|(without, with)| without.wrong + with.wrong).sum();
    let name = |what: &str| format!("{silent} % silent: {what}");
    [
        Line::at_most("3c", name("lateness p99 of the others, to that without them"), growth, "x", 1.1),
        Line::at_most("3c", name("probes of others that failed"), wrong as f64, "", 0.0),
    ]
}

/// What was seen of a crowd for some time.
struct Seen {
    reused_share: f64,
    cpu_share: f64,
    busiest_slot: f64,
    late_p99_ms: f64,
    wrong: usize,
}

impl Display for Seen {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Self { reused_share, cpu_share, busiest_slot, late_p99_ms, wrong } = self;
        let (cpu, reused) = (100.0 * cpu_share, 100.0 * reused_share);
        write!(
            f,
            "{cpu:.1} % of a core, busiest 100 ms {busiest_slot:.2} x mean, lateness p99 of those that answer \
             {late_p99_ms} ms, {wrong} of their probes failed, {reused:.0} % of the answers over kept connections"
        )
    }
}

/// A prober that works while its runtime is run, and whom it asks.
struct Crowd {
    runtime: Runtime,
    prober: Prober,
    reports: mpsc::Receiver<Report>,
    /// Of a hundred targets, how many are in a black hole when that is open.
    silent: u32,
    in_hole: Vec<Assignment>,
    ids_in_hole: HashSet<InstanceId>,
}

impl Crowd {
    /// With the black hole closed, once everybody else has been looked at.
    fn new((port, hole_port): (u16, u16), silent: u32) -> Result<Self, Box<dyn Error>> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let (prober, reports, work) = Prober::prepare(config(8))?;
        runtime.spawn(work);
        let (to_answer, to_hole) = (check(port, INTERVAL, TIMEOUT)?, check(hole_port, INTERVAL, TIMEOUT)?);
        let (answering, in_hole): (Vec<u32>, Vec<u32>) = (0..TARGETS).partition(|number| number % 100 >= silent);
        let of = |number: u32, port, check| assignment(number, address(number, port), check);
        let answering = answering.into_iter().map(|number| of(number, port, &to_answer)).collect();
        let in_hole: Vec<_> = in_hole.into_iter().map(|number| of(number, hole_port, &to_hole)).collect();
        let ids_in_hole = in_hole.iter().map(|assignment| assignment.instance).collect();
        runtime.block_on(prober.replace(answering));
        let mut crowd = Self { runtime, prober, reports, silent, in_hole, ids_in_hole };
        crowd.pass(WARM_UP, |_| ());
        Ok(crowd)
    }

    /// Those in the black hole are asked as well, and have been once.
    fn open_hole(&mut self) {
        self.runtime.block_on(self.prober.update(self.in_hole.clone(), Vec::new()));
        self.pass(WARM_UP, |_| ());
    }

    /// Nobody in the black hole is asked any more.
    fn close_hole(&mut self) {
        let gone = self.in_hole.iter().map(|assignment| (assignment.instance, assignment.check)).collect();
        self.runtime.block_on(self.prober.update(Vec::new(), gone));
        self.pass(TIMEOUT.as_duration(), |_| ());
    }

    /// Lets time pass; what is found in it.
    fn pass(&mut self, during: Duration, each: impl FnMut(&Finding)) {
        self.runtime.block_on(collect(&mut self.reports, during, each));
    }

    fn watch(&mut self, during: Duration) -> Seen {
        let ids_in_hole = std::mem::take(&mut self.ids_in_hole);
        let (before, cpu, began) = (self.prober.counts(), cpu_time(), Instant::now());
        let first = now().as_millis();
        let (mut slots, mut wrong) = (BTreeMap::<i64, u32>::new(), 0);
        self.pass(during, |finding| {
            let at = finding.fact.at.as_millis();
            // Of those that began before, only the ones that take long are told of.
            if at >= first {
                *slots.entry(at / SLOT_MILLIS).or_default() += 1;
            }
            wrong += usize::from(finding.fact.outcome != Outcome::Passed && !ids_in_hole.contains(&finding.instance));
        });
        let (after, share) = (self.prober.counts(), (cpu_time() - cpu).as_secs_f64() / began.elapsed().as_secs_f64());
        self.ids_in_hole = ids_in_hole;
        let passed = after.total().passed - before.total().passed;
        let late_p99 = after.late.since(&before.late).quantile_micros(0.99).unwrap_or(u64::MAX);
        Seen {
            reused_share: (after.reused - before.reused) as f64 / passed.max(1) as f64,
            cpu_share: share,
            busiest_slot: busiest(slots),
            late_p99_ms: late_p99 as f64 / 1_000.0,
            wrong,
        }
    }
}

/// The most starts in a slot, to the mean.
fn busiest(mut slots: BTreeMap<i64, u32>) -> f64 {
    // The first and the last ones are cut, and probes that time out are told of late.
    slots.pop_first();
    let inner: Vec<u32> = slots.into_values().collect();
    let inner = inner.get(..inner.len().saturating_sub(12)).unwrap_or_default();
    let mean = f64::from(inner.iter().sum::<u32>()) / inner.len().max(1) as f64;
    f64::from(inner.iter().copied().max().unwrap_or(0)) / mean
}

async fn collect(reports: &mut mpsc::Receiver<Report>, during: Duration, mut each: impl FnMut(&Finding)) {
    let until = tokio::time::Instant::now() + during;
    while let Ok(Some(report)) = tokio::time::timeout_at(until, reports.recv()).await {
        if let Report::Findings(findings) = report {
            findings.iter().for_each(&mut each);
        }
    }
}

fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_millis(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
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
