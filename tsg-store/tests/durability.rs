//! What a process that dies, or whose disk fails, leaves behind. Runs itself again as a child
//! that writes and says what was acknowledged; the parent ends it and counts. Owns that nothing
//! acknowledged is missing and nothing is there by half; must never end a child it did not start.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout, reason = "a test with a main of its own")]

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::Arc;

use tsg_core::model::id::AccountId;
use tsg_core::ports::Store;
use tsg_core::ports::store::{
    Check, Commit, CommitError, Expected, Key, Kind, Put, Range, Revision, Scope, StoreError,
};
use tsg_store::conformance::ManualClock;
use tsg_store::{OpenError, SqliteStore};
use uuid::Uuid;

/// The environment variables that make a run a child.
const MODE: &str = "TSG_STORE_CHILD_MODE";
const STORE: &str = "TSG_STORE_CHILD_STORE";

/// How many times a child is killed.
const KILLS: u64 = 20;

/// How many writers a child has, so that its commits share transactions.
const WRITERS: u32 = 4;

/// What each commit writes under its own number, and therefore what must stand there together.
const PARTS: [&str; 3] = ["a", "b", "c"];

#[tokio::main]
async fn main() {
    match std::env::var(MODE).as_deref() {
        Ok("write") => write_until_killed().await,
        Ok("fail") => write_until_it_fails().await,
        Ok("fill") => write_until_full().await,
        _ => {
            killed_children_lose_nothing().await;
            println!("test killed_children_lose_nothing ... ok ({KILLS} kills)");
            a_failed_write_stops_the_store().await;
            println!("test a_failed_write_stops_the_store ... ok");
            let place = a_full_disk_loses_nothing().await;
            println!("test a_full_disk_loses_nothing ... ok ({place})");
        }
    }
}

// The child.

async fn store() -> Arc<SqliteStore> {
    let path = std::env::var(STORE).unwrap();
    Arc::new(SqliteStore::open(path, Arc::new(ManualClock::default())).await.unwrap())
}

fn key(kind: Kind, id: String) -> Key {
    Key { kind, account: AccountId::from_directory(Uuid::nil()), id }
}

/// The last number a writer has used, with its version.
async fn last(store: &SqliteStore, writer: u32) -> (u64, Expected) {
    match store.get(&key(Kind::Ledger, writer.to_string())).await.unwrap() {
        None => (0, Expected::Absent),
        Some(record) => (String::from_utf8(record.value).unwrap().parse().unwrap(), Expected::Version(record.version)),
    }
}

/// Three records and the writer's counter, in one commit.
fn commit(writer: u32, number: u64, expected: Expected) -> Commit {
    let counter = key(Kind::Ledger, writer.to_string());
    let part = |part| Put { key: key(Kind::Audit, format!("{writer}/{number:09}/{part}")), value: vec![3; 700] };
    let mut puts: Vec<Put> = PARTS.into_iter().map(part).collect();
    puts.push(Put { key: counter.clone(), value: number.to_string().into_bytes() });
    Commit { checks: vec![Check { key: counter, expected }], puts, deletes: Vec::new() }
}

/// Commits until one is refused, and says each that is acknowledged.
async fn write(store: &SqliteStore, writer: u32) -> CommitError {
    let (mut number, mut expected) = last(store, writer).await;
    loop {
        number += 1;
        match store.commit(commit(writer, number, expected)).await {
            Ok(revision) => {
                println!("{writer} {number} {}", revision.0);
                expected = Expected::Version(revision);
            }
            Err(error) => return error,
        }
    }
}

async fn write_until_killed() {
    let store = store().await;
    let mut writers = tokio::task::JoinSet::new();
    for writer in 0..WRITERS {
        let store = Arc::clone(&store);
        writers.spawn(async move { write(&store, writer).await });
    }
    if let Some(error) = writers.join_next().await {
        panic!("{error:?}");
    }
}

async fn write_until_it_fails() {
    let store = store().await;
    let error = write(&store, 0).await;
    assert!(matches!(error, CommitError::Ambiguous { .. }), "{error:?}");
    assert!(!store.stopped().await.is_empty());
    let (number, expected) = last(&store, 0).await;
    let refused = store.commit(commit(0, number + 1, expected)).await;
    assert!(matches!(refused, Err(CommitError::Store(StoreError::Unwritable { .. }))), "{refused:?}");
    println!("refused");
}

async fn write_until_full() {
    let ballast = Path::new(&std::env::var(STORE).unwrap()).with_file_name("ballast");
    std::fs::write(&ballast, vec![1; 200_000]).unwrap();
    let store = store().await;
    let error = write(&store, 0).await;
    assert!(matches!(error, CommitError::Store(StoreError::Unwritable { .. })), "{error:?}");
    verify(&store, &BTreeMap::new()).await;

    let before = last(&store, 0).await.0;
    std::fs::remove_file(&ballast).unwrap();
    let error = write(&store, 0).await;
    assert!(matches!(error, CommitError::Store(StoreError::Unwritable { .. })), "{error:?}");
    let after = last(&store, 0).await.0;
    assert!(after > before, "with room there are commits again");
    verify(&store, &BTreeMap::from([(0, after)])).await;
    println!("relieved");
}

// The parent.

type Lines = std::io::Lines<BufReader<ChildStdout>>;

fn spawn(mut command: Command, mode: &str, path: &Path) -> (Child, Lines) {
    let mut child = command.env(MODE, mode).env(STORE, path).stdout(Stdio::piped()).spawn().unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    (child, lines)
}

/// Notes what a child says was acknowledged.
fn note(line: &str, acknowledged: &mut BTreeMap<u32, u64>) {
    let words: Vec<u64> = line.split(' ').map(|word| word.parse().unwrap()).collect();
    acknowledged.insert(u32::try_from(words[0]).unwrap(), words[1]);
}

/// Every commit is whole, none is skipped, and all that were acknowledged are there.
async fn verify(store: &SqliteStore, acknowledged: &BTreeMap<u32, u64>) -> u64 {
    let mut found = 0;
    for writer in 0..WRITERS {
        let (counted, _) = last(store, writer).await;
        let missing = acknowledged.get(&writer).copied().unwrap_or(0);
        assert!(counted >= missing, "writer {writer}: commit {missing} was acknowledged, {counted} is the last");
        let parts = parts(store, writer).await;
        assert_eq!(parts.len() as u64, counted, "writer {writer}: each commit up to the counter, and none after");
        for (commit, revisions) in &parts {
            assert!(revisions.len() == PARTS.len() && revisions.iter().all(|r| *r == revisions[0]), "{commit} is torn");
        }
        found += counted;
    }
    found
}

/// The revisions of the records of each commit of a writer.
async fn parts(store: &SqliteStore, writer: u32) -> BTreeMap<String, Vec<Revision>> {
    let mut range =
        Range { kind: Kind::Audit, scope: Scope::Everyone, prefix: format!("{writer}/"), after: None, limit: 1000 };
    let mut parts: BTreeMap<String, Vec<Revision>> = BTreeMap::new();
    loop {
        let page = store.list(&range).await.unwrap();
        let Some(last) = page.last() else { return parts };
        range.after = Some((last.key.account, last.key.id.clone()));
        for record in page {
            let commit = record.key.id.rsplit_once('/').unwrap().0.to_owned();
            parts.entry(commit).or_default().push(record.version);
        }
    }
}

async fn reopen(path: &Path) -> SqliteStore {
    SqliteStore::open(path, Arc::new(ManualClock::default())).await.unwrap()
}

async fn killed_children_lose_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("tsg.db");
    let mut acknowledged = BTreeMap::new();
    for round in 0..KILLS {
        let (mut child, mut lines) = spawn(Command::new(std::env::current_exe().unwrap()), "write", &path);
        // Another number of acknowledgements in each round; the child runs on meanwhile.
        for _ in 0..1 + round * 37 % 53 {
            note(&lines.next().unwrap().unwrap(), &mut acknowledged);
        }
        let in_use = SqliteStore::open(&path, Arc::new(ManualClock::default())).await;
        assert!(matches!(in_use, Err(OpenError::InUse { .. })), "a store of another process is refused");
        child.kill().unwrap();
        child.wait().unwrap();
        for line in lines {
            note(&line.unwrap(), &mut acknowledged);
        }
        let store = reopen(&path).await;
        let found = verify(&store, &acknowledged).await;
        assert!(found >= acknowledged.values().sum::<u64>() && found > round, "there was something to lose");
        store.close().await;
    }
}

/// A bound on the size of files makes the system fail a write for a reason other than room.
async fn a_failed_write_stops_the_store() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("tsg.db");
    reopen(&path).await.close().await;
    let mut shell = Command::new("sh");
    // Without the signal that goes with it, the process would not get to see the error.
    shell.args(["-c", r#"trap "" XFSZ; ulimit -f 600; exec "$0""#]).arg(std::env::current_exe().unwrap());
    let mut acknowledged = BTreeMap::new();
    let (mut child, lines) = spawn(shell, "fail", &path);
    let mut is_refused = false;
    for line in lines {
        match line.unwrap().as_str() {
            "refused" => is_refused = true,
            line => note(line, &mut acknowledged),
        }
    }
    assert!(child.wait().unwrap().success() && is_refused, "the child saw the failure and was refused");
    assert!(acknowledged[&0] > 3, "{acknowledged:?}");
    let store = reopen(&path).await;
    verify(&store, &acknowledged).await;
    store.close().await;
}

/// A disk of one megabyte of the child's own, where the system lets us have one; elsewhere the
/// bounded file of the unit tests has to do.
async fn a_full_disk_loses_nothing() -> &'static str {
    let directory = tempfile::tempdir().unwrap();
    let own_disk = |then: &str| {
        let mut command = Command::new("unshare");
        let script = format!(r#"mount -t tmpfs -o size=1m tmpfs "$1" && {then}"#);
        command.args(["-U", "-r", "-m", "sh", "-c", &script, "sh"]).arg(directory.path());
        command.arg(std::env::current_exe().unwrap());
        command
    };
    let probe = own_disk("true").stdout(Stdio::null()).stderr(Stdio::null()).status();
    if !probe.is_ok_and(|status| status.success()) {
        return "no disk could be mounted";
    }
    let (mut child, lines) = spawn(own_disk(r#"exec "$2""#), "fill", &directory.path().join("tsg.db"));
    let said: Vec<String> = lines.map(Result::unwrap).collect();
    assert!(child.wait().unwrap().success(), "{said:?}");
    assert_eq!(said.last().map(String::as_str), Some("relieved"));
    "on a disk of 1 MB"
}
