//! Requests in the form of TSG v1's shell recipe against a demonstration: what old users have in their scripts.
//!
//! Needs bash, openssl and curl. `data/tsg_v1_request.sh` sends the same headers with the same kind of signature as
//! the function in TSG v1's README.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::support::process::{Running, run, tsg};
use crate::support::site::Demo;

/// One signed request with openssl and curl.
const FUNCTION: &str = include_str!("data/tsg_v1_request.sh");

/// How long instances may take to follow a change.
const FOLLOW_WITHIN: Duration = Duration::from_secs(60);

/// An answer as `curl -i` prints it.
#[derive(Debug)]
struct Answer {
    status: u16,
    headers: String,
    body: String,
}

impl Answer {
    fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{self:?}");
        self
    }
}

/// Calls the function in bash, as the demonstration's user.
fn call(demo: &Demo, arguments: &[&str]) -> Answer {
    let mut bash = Command::new("bash");
    bash.args(["-c", &format!("{FUNCTION}\ntsg \"$@\""), "bash"]).args(arguments);
    bash.env_clear().env("PATH", std::env::var_os("PATH").unwrap()).envs(demo.environment());
    let said = run(&mut bash).ok();
    let (headers, body) = said.out.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no HTTP answer: {said:?}"));
    let status = headers.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status line");
    Answer { status, headers: headers.to_owned(), body: body.trim().to_owned() }
}

fn location(answer: &Answer) -> String {
    let line = answer
        .headers
        .lines()
        .find(|line| line.to_ascii_lowercase().starts_with("location:"))
        .expect("a Location header");
    line.split_once(':').unwrap().1.trim().to_owned()
}

/// Waits until the group lists this many instances, all running.
fn instances(demo: &Demo, group: &str, count: usize) -> Vec<Value> {
    let begun = Instant::now();
    loop {
        let listed = call(demo, &[&format!("{group}/instances")]).expect(200).json();
        let listed = listed.as_array().unwrap().clone();
        if listed.len() == count && listed.iter().all(|machine| machine["state"] == "running") {
            return listed;
        }
        assert!(begun.elapsed() < FOLLOW_WITHIN, "wanted {count}, still {listed:?}");
    }
}

#[test]
fn scripts_written_for_tsg_v1_work_as_they_are() {
    let demo = Demo::start();
    let existing = demo.tsg(&["template", "get", "web", "--json"]).ok().json();
    let (package, image) = (existing["package"].as_str().unwrap(), existing["image"].as_str().unwrap());

    let listed = call(&demo, &["/v1/tsg/templates"]).expect(200).json();
    assert_eq!(listed[0]["template_name"], "web");

    let body = format!(
        r#"{{"template_name":"old","package":"{package}","image_id":"{image}","firewall_enabled":false,"networks":[],"userdata":"","metadata":{{"a":"b"}},"tags":{{"role":"old"}}}}"#
    );
    let made = call(&demo, &["/v1/tsg/templates", "-X", "POST", "-d", &body]).expect(201);
    let template = made.json();
    assert_eq!(location(&made), format!("/v1/tsg/templates/{}", template["id"].as_str().unwrap()));

    let body = format!(r#"{{"group_name":"legacy","template_id":{},"capacity":2}}"#, template["id"]);
    let made = call(&demo, &["/v1/tsg/groups", "-X", "POST", "-d", &body]).expect(201);
    let group = location(&made);
    assert_eq!(made.json()["capacity"], 2);

    assert_eq!(call(&demo, &[&group]).expect(200).json()["group_name"], "legacy");
    let members = instances(&demo, &group, 2);
    assert!(members.iter().all(|machine| machine["tags"]["tsg.name"] == "legacy" && machine["tags"]["role"] == "old"));

    let step = r#"{"instance_count":2,"max_instance":4}"#;
    call(&demo, &[&format!("{group}/increment"), "-X", "PUT", "-d", step]).expect(202);
    assert_eq!(call(&demo, &[&group]).expect(200).json()["capacity"], 4);
    instances(&demo, &group, 4);

    let step = r#"{"instance_count":3,"min_instance":1}"#;
    call(&demo, &[&format!("{group}/decrement"), "-X", "PUT", "-d", step]).expect(202);
    instances(&demo, &group, 1);

    call(&demo, &[&group, "-X", "DELETE"]).expect(204);
    call(&demo, &[&group]).expect(404);
    let names = call(&demo, &["/v1/tsg/groups"]).expect(200).json();
    assert_eq!(names.as_array().unwrap().len(), 1, "only the demonstration's own group is left: {names}");
}

/// What the demonstration prints must work when it is pasted into a shell.
#[test]
fn the_printed_guide_works_when_pasted() {
    let home = tempfile::tempdir().unwrap();
    let (_demo, said) = Running::until_line(&mut tsg(home.path(), &["demo", "--port", "0"]), "  tsg_v1 /v1/tsg/groups");
    let is_pasted =
        |line: &&str| line.starts_with("  ") && !line.contains("triton inst") && !line.contains("fault add");
    let pasted: Vec<&str> = said.lines().filter(is_pasted).collect();
    let mut bash = Command::new("bash");
    bash.args(["-e", "-c", &pasted.join("\n")]).env_clear().env("HOME", home.path());
    let program = Path::new(env!("CARGO_BIN_EXE_tsg")).parent().unwrap();
    let path = std::env::var("PATH").unwrap();
    let output = run(bash.env("PATH", format!("{}:{path}", program.display()))).ok();
    assert!(output.out.starts_with("ID"), "tsg group list: {}", output.out);
    assert!(output.out.contains("7 of 7") || output.out.contains("capacity:  7"), "tsg group scale: {}", output.out);
    assert!(output.out.contains("HTTP/1.1 200 OK"), "tsg_v1: {}", output.out);
}
