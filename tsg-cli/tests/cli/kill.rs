//! `kill -9` of the server at random moments while groups grow.
//!
//! Three promises are held against the truth of the data centre: never more instances than a group's capacity, never a
//! lost acknowledged write, and in the end exactly what was asked for. `TSG_KILLS` says how often, `TSG_SEED` repeats a
//! run; a failure prints both.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use reqwest::Method;
use serde_json::{Value, json};
use tokio::task::JoinHandle;
use tokio::time::sleep;
use tsg_cloudapi::signature::NewKeyKind;
use tsg_sim::admin::SimAdmin;
use tsg_sim::world::{Fault, FaultRule, Operation};

use crate::support::chance::Chance;
use crate::support::client::Client;
use crate::support::process::Running;
use crate::support::site::{Datacenter, Server, ServerPlan, User, say};

/// How often the server is killed unless `TSG_KILLS` says otherwise.
const KILLS: u64 = 200;

/// Virtual seconds for each real one: a machine comes up in some 0.4 s, so that every kill hits work under way.
const SPEED: &str = "50";

/// A server is killed at most so long after it is up, in milliseconds.
const LIFE_MAX_MS: u64 = 500;

/// Groups grow up to this.
const CAPACITY_MAX: u32 = 12;

/// Share of the creates whose answer is lost.
const LOST_ANSWERS: f64 = 0.05;

/// How often the truth is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(10);

/// How long the last server may take to bring everything to where it should be.
const SETTLE_WITHIN: Duration = Duration::from_secs(120);

/// What the user knows of a group.
#[derive(Debug, Clone, Default)]
struct Known {
    /// Its id, once the server has shown it.
    id: Option<String>,
    /// What was acknowledged.
    acknowledged: Option<u32>,
    /// What was asked for and may or may not have been taken.
    in_doubt: Option<u32>,
}

impl Known {
    fn most(&self) -> u32 {
        self.acknowledged.max(self.in_doubt).unwrap_or(0)
    }
}

/// All groups by name, shared with the look-out.
type Book = Arc<Mutex<BTreeMap<String, Known>>>;

/// Watches the truth all the time.
struct LookOut {
    task: JoinHandle<()>,
    found: Arc<Mutex<Found>>,
}

#[derive(Debug, Default)]
struct Found {
    looks: u64,
    most_at_once: usize,
    excess: Option<String>,
}

impl LookOut {
    fn begin(admin: SimAdmin, book: Book) -> Self {
        let found = Arc::new(Mutex::new(Found::default()));
        let shared = Arc::clone(&found);
        let task = tokio::spawn(async move {
            loop {
                let live = live_by_group(&admin).await;
                let excess = excess(&live, &book.lock().unwrap());
                {
                    let mut found = shared.lock().unwrap();
                    found.looks += 1;
                    found.most_at_once = found.most_at_once.max(live.values().sum());
                    found.excess = found.excess.take().or(excess);
                }
                sleep(LOOK_EVERY).await;
            }
        });
        Self { task, found }
    }

    /// Fails as soon as there was ever too much.
    fn check(&self) {
        assert!(!self.task.is_finished(), "the look-out has died");
        if let Some(excess) = &self.found.lock().unwrap().excess {
            panic!("{excess}");
        }
    }
}

impl Drop for LookOut {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// How many machines of each group exist: the group's name is the part of theirs before the operation.
async fn live_by_group(admin: &SimAdmin) -> BTreeMap<String, usize> {
    let mut live = BTreeMap::new();
    for machine in admin.machines().await.unwrap() {
        let (group, _) = machine.name.rsplit_once('-').expect("every machine was made by tsg");
        *live.entry(group.to_owned()).or_default() += 1;
    }
    live
}

fn excess(live: &BTreeMap<String, usize>, book: &BTreeMap<String, Known>) -> Option<String> {
    live.iter().find_map(|(group, count)| {
        let most = book.get(group).map_or(0, Known::most);
        (*count > most as usize).then(|| format!("{group} has {count} live instances, {most} were ever asked for"))
    })
}

/// The user, who writes and remembers.
struct Writer {
    client: Arc<Client>,
    book: Book,
    template: String,
    acknowledged: u64,
}

impl Writer {
    /// Compares everything the server shows with everything it has acknowledged.
    async fn reread(&self, server: &str) {
        let shown = self.client.ask(server, Method::GET, "/v2/groups?limit=200", None).await.unwrap();
        assert_eq!(shown.status, 200, "{shown:?}");
        let shown = shown.json();
        let by_name: BTreeMap<&str, &Value> =
            shown["items"].as_array().unwrap().iter().map(|group| (group["name"].as_str().unwrap(), group)).collect();
        let mut book = self.book.lock().unwrap();
        for (name, known) in book.iter_mut() {
            match by_name.get(name.as_str()) {
                None => assert_eq!(known.acknowledged, None, "the acknowledged group {name} is lost"),
                Some(group) => {
                    let capacity = u32::try_from(group["capacity"].as_u64().unwrap()).unwrap();
                    let is_known = known.acknowledged == Some(capacity) || known.in_doubt == Some(capacity);
                    assert!(is_known, "{name} has capacity {capacity}, but {known:?} was asked for");
                    *known = Known {
                        id: Some(group["id"].as_str().unwrap().to_owned()),
                        acknowledged: Some(capacity),
                        in_doubt: None,
                    };
                }
            }
        }
        book.retain(|_, known| known.acknowledged.is_some());
        assert!(by_name.keys().all(|name| book.contains_key(*name)), "a group nobody asked for: {:?}", by_name.keys());
    }

    /// Asks for more, and writes down that it may have been taken before the request leaves.
    fn grow(&mut self, chance: &mut Chance, server: &str) -> JoinHandle<Option<(String, u32)>> {
        let mut book = self.book.lock().unwrap();
        let small = book
            .iter()
            .find(|(_, known)| known.most() < CAPACITY_MAX)
            .map(|(name, known)| (name.clone(), known.clone()));
        let more = 1 + u32::try_from(chance.below(4)).unwrap();
        let (name, method, path, capacity, body) = match small {
            Some((name, known)) if chance.below(6) > 0 => {
                let capacity = known.most() + more;
                let path = format!("/v2/groups/{}", known.id.expect("seen"));
                (name, Method::PATCH, path, capacity, json!({ "capacity": capacity }))
            }
            _ => {
                let name = format!("k{}", book.len());
                let body = json!({ "name": name, "template_id": self.template, "capacity": more });
                (name, Method::POST, "/v2/groups".to_owned(), more, body)
            }
        };
        book.entry(name.clone()).or_default().in_doubt = Some(capacity);
        drop(book);
        let (client, server) = (Arc::clone(&self.client), server.to_owned());
        tokio::spawn(async move {
            let answer = client.ask(&server, method, &path, Some(&body.to_string())).await.ok()?;
            answer.status.is_success().then_some((name, capacity))
        })
    }

    /// Writes down an acknowledgement.
    fn note(&mut self, acknowledged: Option<(String, u32)>) {
        let Some((name, capacity)) = acknowledged else { return };
        self.acknowledged += 1;
        self.book.lock().unwrap().entry(name).or_default().acknowledged = Some(capacity);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_kill_loses_a_write_or_makes_too_many() {
    let kills = std::env::var("TSG_KILLS").map_or(KILLS, |text| text.parse().expect("TSG_KILLS is a number"));
    let (mut chance, seed) = Chance::of_run();
    println!("TSG_KILLS={kills} TSG_SEED={seed}");

    let user = User::new(NewKeyKind::Ed25519);
    let datacenter = Datacenter::open(&user, SPEED);
    let plan = ServerPlan::new(&datacenter, &[]);
    let template = enrolled_with_template(&user, &datacenter, &plan);
    let book = Book::default();
    // The answer to some creates is lost as well, so that restarts find operations nobody knows the outcome of.
    let lost = FaultRule::rate(Fault::LoseReply, LOST_ANSWERS).only(Operation::CreateMachine);
    let lost = datacenter.admin.inject(&lost).await.unwrap();
    let look_out = LookOut::begin(datacenter.admin, Arc::clone(&book));
    let mut writer = Writer { client: Arc::new(Client::new(&user)), book, template, acknowledged: 0 };

    for _ in 0..kills {
        if chance.below(10) == 0 {
            kill_while_starting(&plan, &mut chance).await;
        }
        let server = plan.start();
        writer.reread(&server.url).await;
        let asked = writer.grow(&mut chance, &server.url);
        sleep(Duration::from_millis(chance.below(LIFE_MAX_MS))).await;
        server.process.kill();
        writer.note(asked.await.unwrap());
        look_out.check();
    }

    assert!(datacenter.admin.clear(lost).await.unwrap(), "the fault was on");
    let server = plan.start();
    writer.reread(&server.url).await;
    settle(&writer, &server, &datacenter.admin).await;
    look_out.check();
    let found = look_out.found.lock().unwrap();
    println!(
        "{kills} kills, {} writes acknowledged, {} looks, at most {} machines",
        writer.acknowledged, found.looks, found.most_at_once
    );
    assert!(writer.acknowledged >= kills / 3, "too few writes got through to prove anything: {}", writer.acknowledged);
    assert!(found.looks >= kills, "the truth was looked at too seldom: {}", found.looks);
}

/// A server that is killed before it says that it is ready.
async fn kill_while_starting(plan: &ServerPlan, chance: &mut Chance) {
    let process = Running::start(&mut plan.command());
    sleep(Duration::from_millis(chance.below(300))).await;
    process.kill();
}

/// Lets the server act for the account, and makes a template.
fn enrolled_with_template(user: &User, datacenter: &Datacenter, plan: &ServerPlan) -> String {
    let server = plan.start();
    say(user, &datacenter.url, &server.url, &["account", "enroll"]).ok();
    let create = ["template", "create", "web", "--image", "base-64-lts", "--package", "sample-1G", "--json"];
    let made = say(user, &datacenter.url, &server.url, &create).ok().json();
    assert_eq!(server.process.terminate(), 0);
    made["id"].as_str().unwrap().to_owned()
}

/// Waits until every group has exactly as many machines as its capacity, and says so itself.
async fn settle(writer: &Writer, server: &Server, admin: &SimAdmin) {
    let begun = Instant::now();
    loop {
        let groups = writer.client.ask(&server.url, Method::GET, "/v2/groups?limit=200", None).await.unwrap().json();
        let live = live_by_group(admin).await;
        let groups = groups["items"].as_array().unwrap();
        let is_settled = groups.iter().all(|group| {
            let count = live.get(group["name"].as_str().unwrap()).copied().unwrap_or(0);
            group["status"] == "converged" && group["capacity"] == count
        });
        if is_settled {
            return;
        }
        let stuck: Vec<_> = groups.iter().filter(|group| group["status"] != "converged").collect();
        assert!(begun.elapsed() < SETTLE_WITHIN, "not where it should be: {live:?} {stuck:#?}");
        sleep(LOOK_EVERY * 20).await;
    }
}
