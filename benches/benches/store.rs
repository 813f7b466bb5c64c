//! Durable commits in a second, by group commit, against single commits on the same disk in the
//! same run. Owns the bar: 64 writers at least 25 times as fast as one, and 99 of 100 commits
//! within three times as long as one writer's. Must never count what was not acknowledged.
#![allow(clippy::print_stdout, reason = "a bench says what it measured")]

use std::error::Error;
use std::fs::File;
use std::io::Write as _;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::task::JoinSet;
use tsg_core::model::id::AccountId;
use tsg_core::ports::Store;
use tsg_core::ports::store::{Check, Commit, Expected, Key, Kind, Put};
use tsg_store::SqliteStore;
use tsg_store::conformance::ManualClock;
use uuid::Uuid;

type Failure = Box<dyn Error + Send + Sync>;

/// Concurrent writers, as the bar has them.
const WRITERS: u32 = 64;

/// Commits of a writer that is alone, and syncs of the bare file: about a second on a disk that
/// syncs in 4 ms.
const SINGLE_COMMITS: u32 = 250;

/// Commits of each of the many writers.
const GROUP_COMMITS: u32 = 200;

/// How much faster many writers must be together than one alone, where the disk is what one
/// alone waits for.
const RATIO_BAR: f64 = 25.0;

/// The same where the disk syncs so fast that a commit's own work counts for more.
const FAST_DISK_RATIO_BAR: f64 = 4.0;

/// One writer alone gets more commits a second than this only from a disk that syncs in less
/// than 2.5 ms.
const FAST_DISK_COMMITS: f64 = 400.0;

/// How many times as long as one writer's, at the 99th of 100, a commit of many may take: it may
/// come just after a sync has begun, and a copy of the log may follow.
const SYNCS_BAR: f64 = 3.0;

/// About what an operation has in JSON.
const VALUE_BYTES: usize = 300;

#[tokio::main]
async fn main() -> Result<ExitCode, Failure> {
    // Cargo's own directory lies on a real disk; the system's temporary one may be memory.
    let place = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("store-bench-{}", std::process::id()));
    std::fs::create_dir_all(&place)?;
    let measured = measure(&place).await;
    std::fs::remove_dir_all(&place)?;
    measured
}

async fn measure(place: &Path) -> Result<ExitCode, Failure> {
    let sync = bare_sync(place)?;
    let store: Arc<dyn Store> =
        Arc::new(SqliteStore::open(place.join("tsg.db"), Arc::new(ManualClock::default())).await?);
    let single = commits(&store, 1, SINGLE_COMMITS, "single").await?;
    let group = commits(&store, WRITERS, GROUP_COMMITS, "group").await?;

    let bar = if single.per_second > FAST_DISK_COMMITS { FAST_DISK_RATIO_BAR } else { RATIO_BAR };
    let ratio = group.per_second / single.per_second;
    let syncs = group.p99.as_secs_f64() / single.p99.as_secs_f64();
    println!("append 4 KiB and sync, median  {:>8.2} ms", sync.as_secs_f64() * 1e3);
    println!("one writer                     {:>8.0} commits/s, p99 {:.2?}", single.per_second, single.p99);
    println!("{WRITERS} writers                     {:>8.0} commits/s, p99 {:.2?}", group.per_second, group.p99);
    println!("ratio                          {ratio:>8.1}    (bar: at least {bar})");
    println!("p99 in one writer's p99        {syncs:>8.1}    (bar: at most {SYNCS_BAR})");
    if ratio >= bar && syncs <= SYNCS_BAR {
        return Ok(ExitCode::SUCCESS);
    }
    println!("the bar is missed");
    Ok(ExitCode::FAILURE)
}

/// What the disk itself takes to make a page durable: the median of many.
fn bare_sync(place: &Path) -> Result<Duration, Failure> {
    let mut file = File::create(place.join("bare"))?;
    let mut times = Vec::new();
    for _ in 0..SINGLE_COMMITS {
        let start = Instant::now();
        file.write_all(&[7; 4096])?;
        file.sync_data()?;
        times.push(start.elapsed());
    }
    times.sort_unstable();
    Ok(times[times.len() / 2])
}

struct Figures {
    per_second: f64,
    p99: Duration,
}

/// Lets writers commit, each one after the other, and counts what was acknowledged.
async fn commits(store: &Arc<dyn Store>, writers: u32, each: u32, name: &'static str) -> Result<Figures, Failure> {
    let start = Instant::now();
    let mut running = JoinSet::new();
    for writer in 0..writers {
        running.spawn(write(Arc::clone(store), format!("{name}/{writer:02}"), each));
    }
    let mut times = Vec::new();
    while let Some(ended) = running.join_next().await {
        times.extend(ended??);
    }
    let elapsed = start.elapsed();
    times.sort_unstable();
    let p99 = times[times.len() * 99 / 100];
    Ok(Figures { per_second: f64::from(writers * each) / elapsed.as_secs_f64(), p99 })
}

/// One operation after the other, each with its audit entry, as the engine writes them.
async fn write(store: Arc<dyn Store>, group: String, count: u32) -> Result<Vec<Duration>, Failure> {
    let account = AccountId::from_directory(Uuid::from_u128(1));
    let mut times = Vec::new();
    for number in 0..count {
        let id = format!("{group}/{number:08}");
        let operation = Key { kind: Kind::Operation, account, id };
        let audit = Key { kind: Kind::Audit, ..operation.clone() };
        let commit = Commit {
            checks: vec![Check { key: operation.clone(), expected: Expected::Absent }],
            puts: [operation, audit].map(|key| Put { key, value: vec![b'x'; VALUE_BYTES] }).into(),
            deletes: Vec::new(),
        };
        let start = Instant::now();
        store.commit(commit).await?;
        times.push(start.elapsed());
    }
    Ok(times)
}
