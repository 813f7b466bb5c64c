//! Checks that run a program in the instance, by an executor that runs it on this machine in a folder
//! for each instance.

use std::path::PathBuf;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use serde_json::{Value, json};
use tokio::process::Command;
use tokio::time::timeout;
use tsg_core::model::id::InstanceId;
use tsg_core::ports::Executor;
use tsg_core::ports::executor::Ran;

use crate::prober::{all, members_once};
use crate::support::Site;

/// Where each instance has its folder.
struct Folders(PathBuf);

#[async_trait]
impl Executor for Folders {
    async fn run(&self, instance: InstanceId, words: &[String], within: Duration) -> Ran {
        let mut command = Command::new(&words[0]);
        command.args(&words[1..]).current_dir(self.0.join(instance.to_string())).kill_on_drop(true);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        match timeout(within, command.status()).await {
            Ok(Ok(status)) => status.code().map_or(Ran::Unavailable, Ran::Ended),
            Ok(Err(_)) => Ran::Unavailable,
            Err(_) => Ran::Overdue,
        }
    }
}

fn body(template: &str) -> String {
    let program = "test ! -e hangs || exec sleep 60; test ! -e bad || exit 3";
    let check = json!({"type": "command", "command": ["/bin/sh", "-c", program], "interval": "1s", "timeout": "900ms",
        "start_window": "1s"});
    json!({"name": "edge", "template_id": template, "capacity": 2, "health": {"checks": [check]},
        "policy": {"restart": {"attempts": 0}, "replace": {"delay": "1h"}}})
    .to_string()
}

fn reasons(members: &Value) -> Vec<&str> {
    members["items"].as_array().unwrap().iter().map(|member| member["health"]["reason"].as_str().unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_instance_is_as_well_as_the_program_that_runs_in_it_says() {
    let folder = tempfile::tempdir().unwrap();
    let site = Site::with_executor(Arc::new(Folders(folder.path().to_owned()))).await;
    site.enrol(&site.demo).await;
    let made = site.v2("POST", "/v2/groups", &body(&site.template("t").await)).await;
    assert_eq!(made.status, 201, "{made:?}");
    let group = made.json()["id"].as_str().unwrap().to_owned();
    let found = members_once(&site, &group, |verdicts| all(verdicts, 2, "unknown")).await;
    let folders: Vec<PathBuf> = found["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|member| folder.path().join(member["instance"].as_str().unwrap()))
        .collect();

    folders.iter().for_each(|folder| std::fs::create_dir(folder).unwrap());
    members_once(&site, &group, |verdicts| all(verdicts, 2, "healthy")).await;
    std::fs::write(folders[0].join("bad"), "").unwrap();
    std::fs::write(folders[1].join("hangs"), "").unwrap();
    let sick = members_once(&site, &group, |verdicts| all(verdicts, 2, "unhealthy")).await;
    assert_eq!(reasons(&sick), ["the command ended with 3", "the command did not end in time"]);

    folders.iter().for_each(|folder| std::fs::remove_dir_all(folder).unwrap());
    members_once(&site, &group, |verdicts| all(verdicts, 2, "unknown")).await;
    site.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_anybody_who_runs_programs_such_a_check_is_refused() {
    let site = Site::enrolled().await;
    let template = site.template("t").await;
    let refused = site.v2("POST", "/v2/groups", &body(&template)).await;
    assert!(refused.status == 422 && refused.body.contains("cannot be had yet"), "{refused:?}");
    let plain = json!({"name": "edge", "template_id": template, "capacity": 0}).to_string();
    let group = site.v2("POST", "/v2/groups", &plain).await.json()["id"].as_str().unwrap().to_owned();
    let health = serde_json::from_str::<Value>(&body(&template)).unwrap()["health"].clone();
    let refused = site.v2("PATCH", &format!("/v2/groups/{group}"), &json!({"health": health}).to_string()).await;
    assert!(refused.status == 422 && refused.body.contains("cannot be had yet"), "{refused:?}");
    site.end().await;
}
