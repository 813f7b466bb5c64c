//! Bad input of every kind: each gets a clear error that says what to do, and nothing is lost.
//!
//! Needs `unshare` (util-linux), which takes root's privileges away where a file must not be writable.

use std::fs::{self, File, Permissions};
use std::io::{Seek, SeekFrom, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use reqwest::Method;
use serde_json::{Value, json};
use tempfile::TempDir;
use tsg_cloudapi::signature::{HttpDate, NewKeyKind};

use crate::support::client::Client;
use crate::support::process::{run, tsg};
use crate::support::site::{Datacenter, Server, ServerPlan, User, as_user, say};

/// One bad input.
struct Case {
    name: &'static str,
    attempt: Attempt,
    /// The status of an answer, or the exit code of a program.
    code: u16,
    /// Words that the answer or the error must contain, lower case.
    says: &'static [&'static str],
}

/// How the bad input is given.
enum Attempt {
    /// A request: by whom, when, what.
    Request { by: By, age_s: i64, method: Method, path: &'static str, body: fn(&Stage) -> String },
    /// The same write twice, signature and all.
    Replay(&'static str),
    /// A command of the user, with further variables.
    Command { arguments: &'static [&'static str], variables: &'static [(&'static str, &'static str)] },
    /// A start of the server on a copy of its data, spoilt by this; what is returned lives as long as the attempt.
    Start(fn(&ServerPlan, &mut Command) -> Option<Server>),
}

/// Who signs.
#[derive(Clone, Copy)]
enum By {
    /// The account's owner.
    Owner,
    /// Somebody else who claims to be the owner.
    Impostor,
    /// The owner of another account.
    Other,
    /// Nobody.
    Nobody,
}

/// Everything the attempts are made against.
struct Stage {
    datacenter: Datacenter,
    plan: ServerPlan,
    server: Server,
    backup: TempDir,
    owner: User,
    impostor: User,
    other: User,
    template: String,
    group: String,
    before: String,
}

const GROUPS: &str = "/v2/groups";
const V1_GROUPS: &str = "/v1/tsg/groups";

fn nothing(_: &Stage) -> String {
    String::new()
}

fn group(stage: &Stage, name: &str, capacity: i64) -> String {
    json!({ "name": name, "template_id": stage.template, "capacity": capacity }).to_string()
}

fn v1_group(stage: &Stage, name: &str, capacity: i64) -> String {
    json!({ "group_name": name, "template_id": stage.template, "capacity": capacity }).to_string()
}

const fn post(path: &'static str, body: fn(&Stage) -> String) -> Attempt {
    Attempt::Request { by: By::Owner, age_s: 0, method: Method::POST, path, body }
}

const fn read(by: By, age_s: i64, path: &'static str) -> Attempt {
    Attempt::Request { by, age_s, method: Method::GET, path, body: nothing }
}

const fn command(arguments: &'static [&'static str], variables: &'static [(&'static str, &'static str)]) -> Attempt {
    Attempt::Command { arguments, variables }
}

fn case(name: &'static str, attempt: Attempt, code: u16, says: &'static [&'static str]) -> Case {
    Case { name, attempt, code, says }
}

/// The table: what is given, what is answered.
fn table() -> Vec<Case> {
    let mut cases = signatures();
    cases.extend(bodies());
    cases.extend(commands());
    cases.extend(databases());
    cases
}

fn signatures() -> Vec<Case> {
    vec![
        case("wrong signature", read(By::Impostor, 0, GROUPS), 401, &["invalid", "hint"]),
        case("wrong signature on v1", read(By::Impostor, 0, V1_GROUPS), 401, &["authentication"]),
        case("no signature", read(By::Nobody, 0, GROUPS), 401, &["sign"]),
        case("clock behind", read(By::Owner, 900, GROUPS), 401, &["clock"]),
        case("clock ahead", read(By::Owner, -900, GROUPS), 401, &["clock"]),
        case("replayed write", Attempt::Replay("/v2/groups?nonce=1"), 401, &["nonce"]),
        case("account that is not enrolled", read(By::Other, 0, GROUPS), 401, &["enroll"]),
    ]
}

fn bodies() -> Vec<Case> {
    vec![
        case("broken JSON", post(GROUPS, |_| r#"{"name":"x","#.into()), 400, &["json"]),
        case("broken JSON on v1", post(V1_GROUPS, |_| r#"{"name":"x","#.into()), 422, &["unmarshal"]),
        case("null", post(GROUPS, |_| "null".into()), 422, &["null"]),
        case("null on v1", post(V1_GROUPS, |_| "null".into()), 422, &["unmarshal"]),
        case("too large a body", post(GROUPS, |stage| group(stage, &"x".repeat(100_001), 1)), 413, &["100"]),
        case(
            "too large a body on v1",
            post(V1_GROUPS, |stage| v1_group(stage, &"x".repeat(100_001), 1)),
            413,
            &["100"],
        ),
        case(
            "unknown field",
            post(GROUPS, |_| r#"{"name":"x","template_id":"","capacity":1,"size":2}"#.into()),
            422,
            &["size"],
        ),
        case("missing field", post(GROUPS, |_| r#"{"name":"x","template_id":""}"#.into()), 422, &["capacity"]),
        case("negative capacity", post(GROUPS, |stage| group(stage, "x", -1)), 422, &["from 0 to 1000"]),
        case("negative capacity on v1", post(V1_GROUPS, |stage| v1_group(stage, "x", -1)), 422, &["negative"]),
        case("huge capacity", post(GROUPS, |stage| group(stage, "x", 1_000_000_000_000)), 422, &["from 0 to 1000"]),
        case("capacity above the limit on v1", post(V1_GROUPS, |stage| v1_group(stage, "x", 1_001)), 422, &["1000"]),
        case("name with braces", post(GROUPS, |stage| group(stage, "{{shortId}}", 1)), 422, &["'{'", "use letters"]),
        case("name with braces on v1", post(V1_GROUPS, |stage| v1_group(stage, "{{shortId}}", 1)), 422, &["'{'"]),
        case("name outside of ASCII", post(GROUPS, |stage| group(stage, "gröup", 1)), 422, &["'ö'", "use letters"]),
        case("name that is taken", post(GROUPS, |stage| group(stage, "kept", 1)), 409, &["kept"]),
        case(
            "template of nobody",
            post(GROUPS, |_| {
                json!({ "name": "x", "template_id": "00000000-0000-4000-8000-000000000000", "capacity": 1 }).to_string()
            }),
            422,
            &["template"],
        ),
        case(
            "group's id as template",
            post(GROUPS, |stage| json!({ "name": "x", "template_id": stage.group, "capacity": 1 }).to_string()),
            422,
            &["template"],
        ),
        case("id that is none", read(By::Owner, 0, "/v2/groups/..%2f..%2fetc"), 404, &["no such group"]),
        case("no such route", read(By::Owner, 0, "/v2/grops"), 404, &["page not found"]),
    ]
}

fn commands() -> Vec<Case> {
    const NOBODY_LISTENS: &str = "http://127.0.0.1:9";
    vec![
        case(
            "CloudAPI that does not answer",
            command(
                &["template", "create", "x", "--image", "base", "--package", "p"],
                &[("TRITON_URL", NOBODY_LISTENS)],
            ),
            7,
            &["triton_url", "next:"],
        ),
        case(
            "server that does not answer",
            command(&["group", "list"], &[("TSG_URL", NOBODY_LISTENS)]),
            7,
            &["tsg_url", "next:"],
        ),
        case("unknown key", command(&["group", "list"], &[("TRITON_KEY_ID", "00:11")]), 6, &["ssh-keygen", "next:"]),
        case(
            "switched-off TLS",
            command(&["group", "list"], &[("TRITON_TLS_INSECURE", "1")]),
            2,
            &["--ca-file", "next:"],
        ),
        case(
            "name with braces",
            command(&["group", "create", "{{x}}", "-t", "web", "-c", "1"], &[]),
            4,
            &["'{'", "use letters"],
        ),
        case("capacity that is none", command(&["group", "scale", "kept", "many"], &[]), 2, &["such as 8"]),
        case("capacity above the limit", command(&["group", "scale", "kept", "1001"], &[]), 4, &["1000", "next:"]),
        case("unknown group", command(&["group", "get", "nobody"], &[]), 3, &["tsg group list"]),
        case("unknown setting", command(&["server", "--set", "http.prot=1"], &[]), 2, &["http.port"]),
        case(
            "short waits with a real cloud",
            command(&["server", "--url", "https://c.example", "--set", "engine.quiet=1s"], &[]),
            2,
            &["simulated"],
        ),
        case(
            "development mode with a real cloud",
            command(&["server", "--dev", "--url", "https://c.example"], &[]),
            2,
            &["tsg_dev_mode"],
        ),
    ]
}

fn databases() -> Vec<Case> {
    vec![
        case("locked database", Attempt::Start(|plan, _| Some(plan.start())), 1, &["in use", "hint"]),
        case("corrupt database", Attempt::Start(corrupt), 1, &["damaged", "restore"]),
        case("database that is none", Attempt::Start(not_a_database), 1, &["not a store", "hint"]),
        case("read-only database", Attempt::Start(read_only), 1, &["cannot be read and written", "hint"]),
        case("key file that others can read", Attempt::Start(exposed_key_file), 1, &["chmod", "hint"]),
        case("lost key file", Attempt::Start(lost_key_file), 1, &["key file", "hint"]),
    ]
}

fn corrupt(plan: &ServerPlan, _: &mut Command) -> Option<Server> {
    let database = plan.folder().join("tsg.db");
    let length = fs::metadata(&database).unwrap().len();
    let mut file = File::options().write(true).open(&database).unwrap();
    // Past the header, so that it still looks like a database.
    file.seek(SeekFrom::Start(4096)).unwrap();
    file.write_all(&vec![0xa5; usize::try_from(length - 4096).unwrap()]).unwrap();
    None
}

fn not_a_database(plan: &ServerPlan, _: &mut Command) -> Option<Server> {
    fs::write(plan.folder().join("tsg.db"), "a text file, and by no means a database").unwrap();
    None
}

/// Without privileges, which root has to give up for it.
fn read_only(plan: &ServerPlan, command: &mut Command) -> Option<Server> {
    for entry in fs::read_dir(plan.folder()).unwrap() {
        fs::set_permissions(entry.unwrap().path(), Permissions::from_mode(0o400)).unwrap();
    }
    fs::set_permissions(plan.folder(), Permissions::from_mode(0o500)).unwrap();
    *command = plan.command_behind("unshare", &["-U"]);
    None
}

fn exposed_key_file(plan: &ServerPlan, _: &mut Command) -> Option<Server> {
    fs::set_permissions(plan.folder().join("tsg.kek"), Permissions::from_mode(0o644)).unwrap();
    None
}

fn lost_key_file(plan: &ServerPlan, _: &mut Command) -> Option<Server> {
    fs::remove_file(plan.folder().join("tsg.kek")).unwrap();
    None
}

impl Stage {
    /// A server with one group of two; its data are copied while it is down.
    fn set() -> Self {
        let (owner, impostor, other) =
            (User::new(NewKeyKind::Ed25519), User::new(NewKeyKind::Ed25519), User::new(NewKeyKind::Ed25519));
        let other_key = other.public_key_file().to_str().unwrap().to_owned();
        let datacenter = Datacenter::open_with(&owner, "50", &["--other-key", &other_key]);
        let plan = ServerPlan::new(&datacenter, &[]);
        let server = plan.start();
        let ask = |arguments: &[&str]| say(&owner, &datacenter.url, &server.url, arguments).ok();
        ask(&["account", "enroll"]);
        let template =
            ask(&["template", "create", "web", "--image", "base-64-lts", "--package", "sample-1G", "--json"]).json();
        let group = ask(&["group", "create", "kept", "-t", "web", "-c", "2", "--wait", "--json"]).json();
        assert_eq!(server.process.terminate(), 0);
        let backup = copy_of(plan.data.path());
        let server = plan.start();
        let (template, group) = (template["id"].as_str().unwrap().to_owned(), group["id"].as_str().unwrap().to_owned());
        let mut stage =
            Self { datacenter, plan, server, backup, owner, impostor, other, template, group, before: String::new() };
        stage.before = stage.kept(&stage.server.url);
        stage
    }

    /// Names and capacities, templates and groups: what must not be lost.
    fn kept(&self, server: &str) -> String {
        let ask = |arguments: &[&str]| say(&self.owner, &self.datacenter.url, server, arguments).ok().json();
        let groups = ask(&["group", "list", "--json"]);
        let groups: Vec<Value> = groups
            .as_array()
            .unwrap()
            .iter()
            .map(|group| json!([group["id"], group["name"], group["capacity"], group["template_id"]]))
            .collect();
        format!("{groups:?} {}", ask(&["template", "list", "--json"]))
    }

    /// Makes an attempt: its code, and what was said.
    async fn attempt(&self, attempt: &Attempt) -> (u16, String) {
        match attempt {
            Attempt::Request { by, age_s, method, path, body } => {
                let body = body(self);
                self.request(*by, *age_s, method.clone(), path, &body).await
            }
            Attempt::Command { arguments, variables } => {
                let mut command = as_user(&self.owner, &self.datacenter.url, &self.server.url, arguments);
                let said = run(command.envs(variables.iter().copied()));
                (u16::try_from(said.code).unwrap(), said.err)
            }
            Attempt::Replay(path) => self.replay(path).await,
            Attempt::Start(spoil) => self.start(*spoil),
        }
    }

    async fn request(&self, by: By, age_s: i64, method: Method, path: &str, body: &str) -> (u16, String) {
        let client = match by {
            By::Owner | By::Nobody => Client::new(&self.owner),
            By::Impostor => Client::new(&self.impostor),
            By::Other => Client::for_account(&self.other, "other"),
        };
        if let By::Nobody = by {
            let answer = reqwest::get(format!("{}{path}", self.server.url)).await.unwrap();
            return (answer.status().as_u16(), answer.text().await.unwrap());
        }
        let date = HttpDate::from_timestamp(jiff::Timestamp::now() - jiff::SignedDuration::from_secs(age_s));
        let is_write = method != Method::GET;
        let target = if is_write { format!("{path}?nonce={}", uuid::Uuid::new_v4()) } else { path.to_owned() };
        let body = is_write.then_some(body);
        let answer = client.ask_exactly(&self.server.url, method, &target, body, date).await.unwrap();
        (answer.status.as_u16(), answer.body)
    }

    async fn replay(&self, path: &str) -> (u16, String) {
        let client = Client::new(&self.owner);
        let (date, body) = (HttpDate::from_timestamp(jiff::Timestamp::now()), Some("{}"));
        let first = client.ask_exactly(&self.server.url, Method::POST, path, body, date.clone()).await.unwrap();
        assert_eq!(first.status, 422, "{first:?}");
        let second = client.ask_exactly(&self.server.url, Method::POST, path, body, date).await.unwrap();
        (second.status.as_u16(), second.body)
    }

    /// Starts a server on spoilt data, and afterwards one on the same data as they were.
    fn start(&self, spoil: fn(&ServerPlan, &mut Command) -> Option<Server>) -> (u16, String) {
        let plan = self.plan.on(copy_of(self.backup.path()));
        let mut command = plan.command();
        let beside = spoil(&plan, &mut command);
        let said = run(&mut command);
        if let Some(beside) = beside {
            assert_eq!(self.kept(&beside.url), self.before, "the first server is not disturbed");
        }
        fs::set_permissions(plan.folder(), Permissions::from_mode(0o700)).unwrap();
        let whole = self.plan.on(copy_of(self.backup.path()));
        let restored = whole.start();
        assert_eq!(self.kept(&restored.url), self.before, "the backup is whole");
        (u16::try_from(said.code).unwrap(), said.err)
    }
}

fn copy_of(folder: &Path) -> TempDir {
    let copy = tempfile::tempdir().unwrap();
    for entry in fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        fs::copy(entry.path(), copy.path().join(entry.file_name())).unwrap();
    }
    copy
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_bad_input_is_refused_clearly_and_nothing_is_lost() {
    let stage = Stage::set();
    let mut wrong = Vec::new();
    for case in table() {
        let (code, text) = stage.attempt(&case.attempt).await;
        let lower = text.to_lowercase();
        let missing: Vec<_> = case.says.iter().filter(|word| !lower.contains(**word)).collect();
        if code != case.code || !missing.is_empty() || lower.contains("panicked") {
            wrong.push(format!("{}: wanted {} with {missing:?}, got {code}: {text}", case.name, case.code));
        }
        assert_eq!(stage.kept(&stage.server.url), stage.before, "after {}", case.name);
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn an_unknown_command_line_is_a_usage_error() {
    let home = tempfile::tempdir().unwrap();
    for arguments in [&["frobnicate"][..], &["group", "create"], &["group", "scale", "web", "-"], &["--nonsense"]] {
        let said = run(&mut tsg(home.path(), arguments));
        assert_eq!((said.code, said.err.contains("--help")), (2, true), "{arguments:?}: {said:?}");
    }
}
