//! A data centre, a server and a user, each a process or folder of its own.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use tempfile::TempDir;
use tsg_cloudapi::signature::{NewKeyKind, PrivateKey};
use tsg_sim::admin::SimAdmin;

use super::process::{Running, Said, run, tsg};

/// A user: a home folder with a key.
#[derive(Debug)]
pub struct User {
    folder: TempDir,
    key: PrivateKey,
}

impl User {
    /// A user with a new key of this kind.
    pub fn new(kind: NewKeyKind) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let key = PrivateKey::generate(kind, "user").unwrap();
        let ssh = folder.path().join(".ssh");
        fs::create_dir(&ssh).unwrap();
        let file = ssh.join("id_user");
        fs::write(&file, key.to_pkcs8_pem().unwrap().expose()).unwrap();
        fs::set_permissions(&file, Permissions::from_mode(0o600)).unwrap();
        fs::write(ssh.join("id_user.pub"), key.public_key().to_openssh()).unwrap();
        Self { folder, key }
    }

    /// The home folder.
    pub fn home(&self) -> &Path {
        self.folder.path()
    }

    /// The file with its public half.
    pub fn public_key_file(&self) -> PathBuf {
        self.home().join(".ssh/id_user.pub")
    }

    /// The key.
    pub fn key(&self) -> &PrivateKey {
        &self.key
    }

    /// Its fingerprint.
    pub fn key_id(&self) -> String {
        self.key.public_key().fingerprint_md5()
    }
}

/// A running `tsg sim`.
#[derive(Debug)]
pub struct Datacenter {
    _process: Running,
    /// CloudAPI.
    pub url: String,
    /// The back door.
    pub admin: SimAdmin,
}

impl Datacenter {
    /// Opens one whose account `demo` has the user's key.
    pub fn open(user: &User, speed: &str) -> Self {
        Self::open_with(user, speed, &[])
    }

    /// The same with further arguments.
    pub fn open_with(user: &User, speed: &str, more: &[&str]) -> Self {
        let ports = ["sim", "--json", "--port", "0", "--admin-port", "0", "--machine-port", "0", "--speed", speed];
        let mut process = Running::start(&mut tsg(user.home(), &[&ports, more].concat()));
        let ready = process.until("ready");
        let text = |name: &str| ready[name].as_str().unwrap().to_owned();
        let admin = SimAdmin::new(text("admin").parse().unwrap());
        Self { _process: process, url: text("cloudapi_url"), admin }
    }
}

/// Where a server keeps its files, and how it is set up; it can be started again and again.
#[derive(Debug)]
pub struct ServerPlan {
    /// Its folder.
    pub data: TempDir,
    arguments: Vec<String>,
}

impl ServerPlan {
    /// A server for this data centre, with waits short enough for a test.
    pub fn new(datacenter: &Datacenter, settings: &[&str]) -> Self {
        let data = tempfile::tempdir().unwrap();
        let folder = data.path().to_str().unwrap().to_owned();
        let mut arguments: Vec<String> =
            ["server", "--json", "--port", "0", "--log-level", "error", "--url"].map(str::to_owned).to_vec();
        arguments.push(datacenter.url.clone());
        arguments.extend(["--data-dir".to_owned(), folder]);
        let short = [
            "auth.allow_all=true",
            "engine.simulated_datacenter=true",
            "engine.list_interval_min=50ms",
            "engine.list_interval_max=2s",
            "engine.quiet=2s",
            "engine.quiet_lookups=2",
            "engine.quiet_gap=200ms",
            "engine.absence_gap=200ms",
            "engine.delete_repeat=500ms",
            "engine.unasked_gap=50ms",
            "engine.ramp=1s",
            "engine.unasked_per_minute=1000",
            "engine.requests_per_second=400",
            "engine.burst=100",
        ];
        for setting in short.iter().chain(settings) {
            arguments.extend(["--set".to_owned(), (*setting).to_owned()]);
        }
        Self { data, arguments }
    }

    /// The same server on another folder.
    pub fn on(&self, data: TempDir) -> Self {
        let (old, new) = (self.data.path().to_str().unwrap(), data.path().to_str().unwrap());
        let arguments = self.arguments.iter().map(|argument| argument.replace(old, new)).collect();
        Self { data, arguments }
    }

    /// The command line that starts it.
    pub fn arguments(&self) -> &[String] {
        &self.arguments
    }

    /// The folder of its files.
    pub fn folder(&self) -> PathBuf {
        self.data.path().to_owned()
    }

    /// The command that starts it.
    pub fn command(&self) -> Command {
        let arguments: Vec<&str> = self.arguments.iter().map(String::as_str).collect();
        tsg(self.data.path(), &arguments)
    }

    /// The command that starts it, behind another program.
    pub fn command_behind(&self, program: &str, arguments: &[&str]) -> Command {
        let mut command = Command::new(program);
        command.args(arguments).arg(env!("CARGO_BIN_EXE_tsg")).args(&self.arguments);
        command.env_clear().env("HOME", self.data.path()).env("PATH", std::env::var_os("PATH").unwrap());
        command
    }

    /// Starts it, and waits until it takes requests.
    pub fn start(&self) -> Server {
        let mut process = Running::start(&mut self.command());
        let url = process.until("ready")["url"].as_str().unwrap().to_owned();
        Server { process, url }
    }
}

/// A running `tsg server`.
#[derive(Debug)]
pub struct Server {
    /// The process.
    pub process: Running,
    /// Where it listens.
    pub url: String,
}

/// `tsg` as this user, with this server and data centre.
pub fn as_user(user: &User, cloudapi: &str, server: &str, arguments: &[&str]) -> Command {
    let mut command = tsg(user.home(), arguments);
    command
        .env("TRITON_URL", cloudapi)
        .env("TRITON_ACCOUNT", "demo")
        .env("TRITON_KEY_ID", user.key_id())
        .env("TSG_URL", server);
    command
}

/// Runs [`as_user`] to its end.
pub fn say(user: &User, cloudapi: &str, server: &str, arguments: &[&str]) -> Said {
    run(&mut as_user(user, cloudapi, server, arguments))
}

/// A running demonstration.
#[derive(Debug)]
pub struct Demo {
    /// The process.
    pub process: Running,
    ready: Value,
    _home: TempDir,
}

impl Demo {
    /// Starts one, and waits until its story is told.
    pub fn start() -> Self {
        let home = tempfile::tempdir().unwrap();
        let mut process = Running::start(&mut tsg(home.path(), &["demo", "--port", "0", "--json"]));
        let ready = process.until("ready");
        Self { process, ready, _home: home }
    }

    /// One of the places of the demonstration.
    pub fn place(&self, name: &str) -> &str {
        self.ready[name].as_str().unwrap_or_else(|| panic!("no {name} in {}", self.ready))
    }

    /// The port on which each of its machines answers.
    pub fn machine_port(&self) -> u64 {
        self.ready["machine_port"].as_u64().unwrap_or_else(|| panic!("no machine port in {}", self.ready))
    }

    /// The name service as `dig` takes it, and what the user's names end in.
    pub fn names(&self) -> (&str, &str) {
        let text =
            |name: &str| self.ready["names"][name].as_str().unwrap_or_else(|| panic!("no names: {}", self.ready));
        (text("server"), text("suffix"))
    }

    /// The environment of its user, for any client.
    pub fn environment(&self) -> Vec<(&'static str, String)> {
        let place = |name| self.place(name).to_owned();
        vec![
            ("HOME", place("home")),
            ("TRITON_URL", place("cloudapi_url")),
            ("TRITON_ACCOUNT", place("account")),
            ("TRITON_KEY_ID", place("key_id")),
            ("TSG_URL", place("tsg_url")),
            ("TSG_SIM_ADMIN", place("admin")),
        ]
    }

    /// Makes the group `edge` of three that is asked each second, and whose failures are replaced at once.
    pub fn group_that_is_asked(&self) {
        let port = self.machine_port();
        let health = format!(
            r#"{{"checks": [{{"type": "http", "port": {port}, "path": "/ping", "interval": "1s", "timeout": "500ms"}}]}}"#
        );
        let policy = r#"{"restart": {"attempts": 0}, "replace": {"delay": 0}}"#;
        let group = ["group", "create", "edge", "-t", "web", "-c", "3"];
        self.tsg(&[&group[..], &["--health", &health, "--policy", policy, "--wait"]].concat()).ok();
    }

    /// Runs `tsg` as its user.
    pub fn tsg(&self, arguments: &[&str]) -> Said {
        run(tsg(Path::new(self.place("home")), arguments).envs(self.environment()))
    }
}
