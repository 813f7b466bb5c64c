//! The change feed over real sockets: with it, what happens to machines is seen long before the next
//! list; without it, or when it breaks, everything goes on as before.

use std::time::Duration;

use serde_json::Value;
use tsg_server::config::ServerConfig;
use tsg_sim::http::FeedOffer;
use tsg_sim::world::{Fault, FaultRule, Target};

use crate::support::metrics::scraped_once;
use crate::support::site::eventually;
use crate::support::{Answer, Site};

/// Longer than any test may take: nothing but the feed explains a look before.
const SELDOM: Duration = Duration::from_secs(3600);

fn seldom_listed(config: &mut ServerConfig) {
    config.engine.config.list_interval_min = SELDOM;
    config.engine.config.list_interval_max = SELDOM;
    config.engine.config.list_interval_awaited = Duration::from_millis(50);
    config.metrics.listen = Some("127.0.0.1:0".parse().unwrap());
}

/// So many that two of them may go without a hold.
const CAPACITY: u32 = 6;

/// Instances that serve, at a site whose account is hardly ever listed.
async fn at_rest() -> (Site, String) {
    let site = Site::start(seldom_listed).await;
    site.enrol(&site.demo).await;
    feeds_once(&site, 1).await;
    let template = site.template("t").await;
    let group = site.group("web", &template, CAPACITY).await;
    converged(&site, &group).await;
    (site, group)
}

async fn feeds_once(site: &Site, count: u64) {
    eventually(async || site.sim.feeds().registered, |registered| *registered == count).await;
}

async fn converged(site: &Site, group: &str) -> Answer {
    let path = format!("/v2/groups/{group}");
    eventually(async || site.v2("GET", &path, "").await, |answer| answer.json()["status"] == "converged").await
}

async fn members(site: &Site, group: &str) -> Vec<Value> {
    let answer = site.v2("GET", &format!("/v2/groups/{group}/instances"), "").await;
    answer.json()["items"].as_array().unwrap().clone()
}

fn instance(member: &Value) -> String {
    member["instance"].as_str().unwrap_or_default().to_owned()
}

/// Waits until all instances of the group serve, and this one is not among them.
async fn replaced(site: &Site, group: &str, lost: &str) {
    let is_well = |members: &Vec<Value>| {
        let serves = |member: &Value| member["class"] == "serving" && instance(member) != lost;
        members.len() == CAPACITY as usize && members.iter().all(serves)
    };
    eventually(async || members(site, group).await, is_well).await;
}

fn strike(site: &Site, fault: Fault) {
    site.sim.with_world(|world| world.switch_fault(FaultRule::times(fault, 1))).unwrap();
}

fn kill(site: &Site, machine: &str) {
    strike(site, Fault::KillInstance { machine: Target::Named(machine.to_owned()) });
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_deleted_or_stopped_behind_our_back_is_noticed_long_before_the_next_list() {
    let (site, group) = at_rest().await;
    let lost = instance(&members(&site, &group).await[0]);
    kill(&site, &lost);
    replaced(&site, &group, &lost).await;

    let stopped = instance(&members(&site, &group).await[0]);
    strike(&site, Fault::StopInstance { machine: Target::Named(stopped.clone()) });
    let runs = || {
        let running = |machine: &tsg_sim::world::Machine| machine.state.as_str() == "running";
        site.sim.with_world(|world| {
            let account = world.find_account("demo").unwrap().id;
            world
                .live_machines(account)
                .filter(|machine| running(machine))
                .any(|machine| machine.id.to_string() == stopped)
        })
    };
    eventually(async || runs(), |runs| *runs).await;
    site.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_feed_that_is_cut_is_opened_again_and_what_was_missed_is_seen() {
    let (site, group) = at_rest().await;
    let demo = [("account", "demo")];
    let is_open = "tsg_account_changefeed_open";
    scraped_once(&site, |scraped| scraped.value(is_open, &demo) == Some(1.0)).await;
    let asked = site.sim.feeds().asked;
    let lost = instance(&members(&site, &group).await[0]);
    // Nobody is told of it: it happens while no feed is open.
    site.sim.cut_feeds();
    feeds_once(&site, 0).await;
    kill(&site, &lost);
    replaced(&site, &group, &lost).await;
    feeds_once(&site, 1).await;
    assert!(site.sim.feeds().asked > asked);
    scraped_once(&site, |scraped| scraped.value(is_open, &demo) == Some(1.0)).await;

    let lost = instance(&members(&site, &group).await[0]);
    kill(&site, &lost);
    replaced(&site, &group, &lost).await;
    site.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_feed_all_is_as_before_and_it_is_asked_for_once() {
    let site = Site::at_cloud(
        |sim| sim.change_feed = FeedOffer::Missing,
        |config| config.metrics.listen = Some("127.0.0.1:0".parse().unwrap()),
    )
    .await;
    site.enrol(&site.demo).await;
    let template = site.template("t").await;
    let group = site.group("web", &template, CAPACITY).await;
    converged(&site, &group).await;
    let lost = instance(&members(&site, &group).await[0]);
    kill(&site, &lost);
    replaced(&site, &group, &lost).await;
    let closed = |scraped: &crate::support::metrics::Scraped| {
        scraped.value("tsg_account_changefeed_open", &[("account", "demo")]) == Some(0.0)
    };
    scraped_once(&site, closed).await;
    let feeds = site.sim.feeds();
    assert_eq!((feeds.asked, feeds.registered), (1, 0));
    site.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn it_ends_with_its_account_s_engine_and_is_not_opened_where_nobody_wants_it() {
    let (site, _) = at_rest().await;
    // Enrolled again: another engine, and another feed instead of the first.
    site.enrol(&site.demo).await;
    eventually(async || site.sim.feeds(), |feeds| (feeds.asked, feeds.registered) == (2, 1)).await;
    let Site { sim, server, demo, other, folder } = site;
    server.shutdown().await;
    eventually(async || sim.feeds().registered, |registered| *registered == 0).await;
    sim.shutdown().await;
    drop((demo, other, folder));

    let site = Site::start(|config| {
        seldom_listed(config);
        config.triton.changefeed = false;
    })
    .await;
    site.enrol(&site.demo).await;
    let template = site.template("t").await;
    let group = site.group("web", &template, 1).await;
    converged(&site, &group).await;
    assert_eq!(site.sim.feeds().asked, 0);
    let scraped = crate::support::metrics::scrape(&site).await;
    assert_eq!(scraped.value("tsg_account_changefeed_open", &[]), None);
    site.end().await;
}
