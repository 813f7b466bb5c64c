//! What Prometheus is told of the server, its accounts and their groups, and who else is not.

use std::time::Duration;

use serde_json::json;
use tsg_server::config::ServerConfig;
use tsg_sim::admin::{Manner, MannerOrder, Whom};
use tsg_sim::world::{Fault, FaultRule, World};

use crate::prober::{all, hang, members_once, watched_group};
use crate::support::metrics::{Scraped, ask, scrape, scraped_once};
use crate::support::{Form, Person, Site};

fn listening(config: &mut ServerConfig) {
    config.metrics.listen = Some("127.0.0.1:0".parse().unwrap());
}

/// How many instances of the only group of that name are believed to be so.
fn believed(scraped: &Scraped, account: &str, verdict: &str) -> Option<f64> {
    scraped.value("tsg_instances", &[("account", account), ("group", "edge"), ("verdict", verdict)])
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_told_unless_the_operator_says_where_and_never_on_the_port_of_the_api() {
    let silent = Site::start(|_| {}).await;
    assert_eq!(silent.server.metrics_address(), None);
    silent.end().await;

    let site = Site::start(listening).await;
    site.enrol(&site.demo).await;
    assert_ne!(site.server.metrics_address().unwrap(), site.server.address());
    let told = ask(&site, "/metrics").await;
    assert_eq!(
        (told.status, told.header("content-type").split(';').next()),
        (200, Some("application/openmetrics-text"))
    );
    for path in ["/", "/v2/groups", "/v2/health", "/v1/tsg/groups"] {
        assert_eq!(ask(&site, path).await.status, 404, "{path}");
    }
    assert_eq!(site.ask("GET", "/metrics").send().await.status, 401);
    assert_eq!(site.v2("GET", "/metrics", "").await.status, 404);
    site.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_family_says_what_it_is_and_has_its_unit_in_its_name() {
    let site = Site::start(listening).await;
    site.enrol(&site.demo).await;
    let group = watched_group(&site, 1, "2m").await;
    members_once(&site, &group, |verdicts| all(verdicts, 1, "healthy")).await;
    let scraped = scrape(&site).await;
    assert!(scraped.0.len() > 30, "{}", scraped.0.len());
    for family in &scraped.0 {
        assert!(family.name.starts_with("tsg_") && family.help.ends_with('.'), "{family:?}");
        assert!(["gauge", "counter", "histogram"].contains(&family.kind.as_str()), "{family:?}");
        assert_eq!(family.kind == "histogram", family.unit == "seconds", "{family:?}");
    }
    for (name, least) in
        [("tsg_plans_total", 1.0), ("tsg_cloudapi_requests_per_second_max", 1.0), ("tsg_accounts", 1.0)]
    {
        assert!(scraped.value(name, &[]).unwrap() >= least, "{name}");
    }
    let creates = scraped.value("tsg_cloudapi_requests_total", &[("account", "demo"), ("request", "create")]);
    assert_eq!(creates, Some(1.0));
    assert_eq!(scraped.value("tsg_account_view_trusted", &[("account", "demo")]), Some(1.0));
    assert_eq!(scraped.value("tsg_prober_standing", &[("prober", "server"), ("standing", "able")]), Some(1.0));
    site.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn instances_that_hang_go_from_healthy_to_unhealthy() {
    let site = Site::start(listening).await;
    site.enrol(&site.demo).await;
    let group = watched_group(&site, 3, "2m").await;
    let before = members_once(&site, &group, |verdicts| all(verdicts, 3, "healthy")).await;
    let well = scraped_once(&site, |scraped| believed(scraped, "demo", "healthy") == Some(3.0)).await;
    let edge = [("account", "demo"), ("group", "edge")];
    assert_eq!(well.value("tsg_group_capacity", &edge), Some(3.0));
    assert_eq!(believed(&well, "demo", "unhealthy"), Some(0.0));
    let http = [("type", "http")];
    assert_eq!(well.value("tsg_probes_total", &[("type", "http"), ("outcome", "timed_out")]), Some(0.0));
    let passed = well.value("tsg_probes_total", &[("type", "http"), ("outcome", "passed")]).unwrap();
    assert!(passed >= 6.0, "{passed}");
    assert_eq!(well.value("tsg_probe_duration_seconds_count", &http), Some(passed), "nothing else ended");
    // All of them within half a second, which is their timeout.
    assert_eq!(well.value("tsg_probe_duration_seconds_bucket", &[("type", "http"), ("le", "0.5")]), Some(passed));

    hang(&site, &before["items"][0]).await;
    let sick = scraped_once(&site, |scraped| believed(scraped, "demo", "unhealthy") == Some(1.0)).await;
    assert_eq!(believed(&sick, "demo", "healthy"), Some(2.0));
    assert!(sick.value("tsg_probes_total", &[("type", "http"), ("outcome", "timed_out")]).unwrap() >= 3.0);
    assert_eq!(sick.all("tsg_group_hold", &edge).count(), 0, "one may be");

    let everything = MannerOrder { of: Whom::Everyone, manner: Manner::Hangs };
    site.sim.admin().order_manner(&everything).await.unwrap();
    let has_hold = |scraped: &Scraped| {
        let hold = [("account", "demo"), ("group", "edge"), ("hold", "too_many_unhealthy")];
        scraped.value("tsg_group_hold", &hold) == Some(1.0)
    };
    let held = scraped_once(&site, has_hold).await;
    assert_eq!(held.value("tsg_group_status", &[("group", "edge"), ("status", "held")]), Some(1.0));
    site.end().await;
}

async fn make_group(site: &Site, person: &Person, template: &str, capacity: u32) -> String {
    let (package, image) = site.package_and_image();
    let as_person = async |path: &str, body: serde_json::Value| {
        let asking = site.ask("POST", path).body(body.to_string()).unique();
        let made = asking.signed(person, Form::Target).send().await;
        assert_eq!(made.status, 201, "{made:?}");
        made.json()["id"].as_str().unwrap().to_owned()
    };
    let template = as_person("/v2/templates", json!({"name": template, "package": package, "image": image})).await;
    as_person("/v2/groups", json!({"name": "edge", "template_id": template, "capacity": capacity})).await
}

#[tokio::test(flavor = "multi_thread")]
async fn groups_of_one_name_in_two_accounts_are_told_apart_and_leave_nothing_behind() {
    let site = Site::start(|config| {
        listening(config);
        config.engine.config.timing.delete_repeat = Duration::from_secs(1);
    })
    .await;
    site.enrol(&site.demo).await;
    site.enrol(&site.other).await;
    let group = make_group(&site, &site.demo, "t", 2).await;
    make_group(&site, &site.other, "t", 1).await;
    let both = scraped_once(&site, |scraped| {
        (believed(scraped, "demo", "unchecked"), believed(scraped, "other", "unchecked")) == (Some(2.0), Some(1.0))
    })
    .await;
    assert_eq!(both.value("tsg_group_capacity", &[("account", "other")]), Some(1.0));

    // Its name is free again while its instances go, which takes as long as it takes.
    let never = FaultRule::rate(Fault::IgnoreDelete, 1.0);
    site.sim.with_world(|world| world.switch_fault(never)).unwrap();
    let deleted = site.v2("DELETE", &format!("/v2/groups/{group}"), "").await;
    assert_eq!(deleted.status, 202, "{deleted:?}");
    make_group(&site, &site.demo, "t2", 1).await;
    let of =
        |scraped: &Scraped, group: &str| scraped.value("tsg_group_capacity", &[("account", "demo"), ("group", group)]);
    scraped_once(&site, |scraped| of(scraped, "edge") == Some(1.0) && of(scraped, &group).is_some()).await;

    site.sim.with_world(World::clear_faults);
    let after =
        scraped_once(&site, |scraped| scraped.all("tsg_group_capacity", &[("account", "demo")]).count() == 1).await;
    assert_eq!((of(&after, "edge"), of(&after, &group)), (Some(1.0), None));
    assert_eq!(believed(&after, "other", "unchecked"), Some(1.0));
    site.end().await;
}
