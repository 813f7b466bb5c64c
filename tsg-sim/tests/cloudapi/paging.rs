//! Lists: paging, filters, limits and the throttle.

use std::collections::BTreeSet;

use futures_util::future::join_all;
use serde_json::json;
use tsg_sim::world::WorldSpec;

use crate::client::{Answer, Client};
use crate::support::site::{FAST, Site, quick};

fn ids(answer: &Answer) -> Vec<String> {
    answer.json().as_array().unwrap().iter().map(|machine| machine["id"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn pages_have_no_gaps_and_count_themselves() {
    let site = Site::at_speed(FAST, quick()).await;
    let client = Client::demo(&site);
    for n in 0..7 {
        client.create(&client.request(&format!("web-{n}")).await).await;
    }
    let all = ids(&client.get("/my/machines").await.expect(200));
    let mut descending = all.clone();
    descending.sort();
    descending.reverse();
    assert_eq!((all.len(), &all), (7, &descending));
    let mut paged = Vec::new();
    for offset in [0, 3, 6] {
        let page = client.get(&format!("/my/machines?limit=3&offset={offset}")).await.expect(200);
        assert_eq!(page.header("x-query-limit"), "3");
        assert_eq!(page.header("x-resource-count"), ids(&page).len().to_string());
        paged.extend(ids(&page));
    }
    assert_eq!(paged, all);
    let head = client.head("/my/machines").await.expect(200);
    assert_eq!(head.header("x-resource-count"), "7");
    for limit in ["0", "1001", "x", "-1"] {
        let refused = client.get(&format!("/my/machines?limit={limit}")).await.expect(409);
        assert_eq!(refused.json()["code"], "ValidationFailed", "{limit}");
    }
}

#[tokio::test]
async fn names_match_by_prefix_and_states_are_a_closed_list() {
    let site = Site::at_speed(FAST, quick()).await;
    let client = Client::demo(&site);
    for name in ["web", "web1", "web-2", "other"] {
        client.create(&client.request(name).await).await;
    }
    let found: BTreeSet<String> = client
        .get("/my/machines?name=web")
        .await
        .expect(200)
        .json()
        .as_array()
        .unwrap()
        .iter()
        .map(|machine| machine["name"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(found, ["web", "web-2", "web1"].map(str::to_owned).into());
    for state in ["failed", "deleted", "offline"] {
        let refused = client.get(&format!("/my/machines?state={state}")).await.refusal();
        assert_eq!(refused, (409, "InvalidArgument".into(), format!("{state} is not a valid state")));
    }
    client.get("/my/machines?state=active").await.expect(200);
}

#[tokio::test]
async fn the_catalogue_is_listed_and_read() {
    let site = Site::at_speed(FAST, quick()).await;
    let client = Client::demo(&site);
    let images = client.get("/my/images?name=base-64-lts").await.expect(200).json();
    assert_eq!(images.as_array().unwrap().len(), 2);
    let image = &images[0];
    assert_eq!(&client.get(&format!("/my/images/{}", image["id"].as_str().unwrap())).await.expect(200).json(), image);
    client.get("/my/images/base-64-lts").await.expect(404);
    assert_eq!(client.get("/my/packages/sample-1G").await.expect(200).json()["memory"], 1024);
    let networks = client.get("/my/networks").await.expect(200).json();
    let names: BTreeSet<&str> =
        networks.as_array().unwrap().iter().map(|network| network["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["My-Fabric-Network", "external", "internal"].into());
    let fabric = networks.as_array().unwrap().iter().find(|network| network["fabric"] == true).unwrap();
    let ips = client.get(&format!("/my/networks/{}/ips", fabric["id"].as_str().unwrap())).await.expect(200);
    assert_eq!(ips.header("x-resource-count"), ips.json().as_array().unwrap().len().to_string());
    assert!(!ips.json().as_array().unwrap().is_empty());
}

/// In real time, so that the buckets hardly refill while the requests run.
#[tokio::test]
async fn a_burst_is_throttled_for_its_account_and_group_only() {
    let site = Site::at_speed(1.0, WorldSpec::default()).await;
    let (client, other) = (Client::demo(&site), Client::other(&site));
    let started = std::time::Instant::now();
    let answers = join_all((0..60).map(|_| client.get("/my/machines"))).await;
    // Ten in each second, the one that has begun among them.
    let refilled = 1 + 10 * (started.elapsed().as_secs() + 1);
    let served = answers.iter().filter(|answer| answer.status == 200).count() as u64;
    assert!((31..=31 + refilled).contains(&served), "{served} served");
    let refused = answers.iter().find(|answer| answer.status != 200).unwrap();
    let words = "You have exceeded your request rate of 10 r/s.".to_owned();
    assert_eq!(refused.refusal(), (429, "TooManyRequestsError".into(), words));
    assert_eq!(refused.header("retry-after"), "");
    client.get("/my/images").await.expect(200);
    other.get("/my/machines").await.expect(200);
    assert_eq!(site.server.admin().stats().await.unwrap().throttled, 60 - served);
}

#[tokio::test]
async fn an_account_can_be_read_and_changed() {
    let site = Site::at_speed(FAST, quick()).await;
    let client = Client::demo(&site);
    let account = client.get("/my").await.expect(200).json();
    assert_eq!((account["login"].as_str(), account["triton_cns_enabled"].as_bool()), (Some("demo"), Some(true)));
    let updated = client.post("/my", &json!({"city": "Oslo", "triton_cns_enabled": false})).await.expect(200).json();
    assert_eq!((updated["city"].as_str(), updated["triton_cns_enabled"].as_bool()), (Some("Oslo"), Some(false)));
    let refused = client.post("/my", &json!({"triton_cns_enabled": "maybe"})).await.refusal();
    assert_eq!((refused.0, refused.2.as_str()), (409, "triton_cns_enabled must be either \"true\" or \"false\""));
    assert_eq!(client.get("/my/limits").await.expect(200).json(), json!([]));
    let missing = client.put("/my/config", &json!({})).await.expect(409).json();
    assert_eq!(missing["errors"][0]["field"], "default_network");
}
