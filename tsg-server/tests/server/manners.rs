//! Instances that answer with what is no answer: each gets its verdict, with a reason that a person
//! understands, and costs the server no more than one that behaves.

use serde_json::{Value, json};
use tsg_sim::admin::{Manner, MannerOrder, Whom};

use crate::prober::{all, members_once, verdicts, watched_group};
use crate::support::Site;
use crate::support::site::eventually;

/// What each does, and what is found of it.
const MANNERS: [(Manner, &str, &str); 5] = [
    (Manner::EndlessHeader, "unhealthy", "the headers of its answer did not end"),
    (Manner::Garbage, "unhealthy", "what it answered is not HTTP"),
    (Manner::Drip { interval_ms: 100 }, "unhealthy", "it did not answer in time"),
    // Its status says that it is well, and nobody reads on.
    (Manner::HugeBody { bytes: 10_000_000_000 }, "healthy", ""),
    (Manner::EndlessBody, "healthy", ""),
];

/// What this process has of memory at most, in bytes: the server, the data centre and the test.
fn memory() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() * 1024
}

#[tokio::test(flavor = "multi_thread")]
async fn each_gets_a_verdict_and_says_why_and_none_takes_memory() {
    let site = Site::enrolled().await;
    let count = MANNERS.len();
    let group = watched_group(&site, u32::try_from(count).unwrap(), "1s").await;
    let before = members_once(&site, &group, |verdicts| all(verdicts, count, "healthy")).await;
    let machines: Vec<String> =
        before["items"].as_array().unwrap().iter().map(|one| one["instance"].as_str().unwrap().to_owned()).collect();
    let had = memory();
    for (machine, (manner, ..)) in machines.iter().zip(MANNERS) {
        let of = Whom::Machines(vec![machine.clone()]);
        site.sim.admin().order_manner(&MannerOrder { of, manner }).await.unwrap();
    }

    let wanted: Vec<&str> = MANNERS.iter().map(|(_, verdict, _)| *verdict).collect();
    let path = format!("/v2/groups/{group}/instances?facts=true");
    // Until those that are well have been asked as often since as it takes to find that they are not.
    let told = |members: &Value| -> Vec<Value> {
        members["items"].as_array().unwrap().iter().map(|one| one["health"]["facts"][0].clone()).collect()
    };
    let probed = |members: &Value| told(members).iter().all(|fact| fact["in_a_row"].as_u64() >= Some(5));
    let is_settled = |members: &Value| verdicts(members) == wanted && probed(members);
    let after = eventually(async || site.v2("GET", &path, "").await.json(), is_settled).await;
    for ((member, fact), (manner, _, reason)) in
        after["items"].as_array().unwrap().iter().zip(told(&after)).zip(MANNERS)
    {
        let expected = if reason.is_empty() { Value::Null } else { json!(reason) };
        assert_eq!(fact["reason"], expected, "{manner:?}: {fact:#}");
        if !reason.is_empty() {
            assert_eq!(member["health"]["reason"], expected, "{manner:?}: {member:#}");
        }
    }
    // A server that kept what it was sent would have gigabytes by now: loopback carries some each second.
    let grown = memory().saturating_sub(had);
    assert!(grown < 128 << 20, "{grown} bytes more");
    site.end().await;
}
