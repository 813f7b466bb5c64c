//! Running the `triton` command: one fresh home for each test, so that nothing is cached between them.

use std::path::PathBuf;
use std::process::{Output, Stdio};

use serde_json::Value;
use tempfile::TempDir;
use tokio::process::{Child, Command};

use crate::support::keys::{KeyFile, ring};
use crate::support::site::{FAST, Site, quick};

/// The version whose behaviour the tests were written against.
const VERSION: &str = "7.17.0";

/// A user with a home, a key and the `triton` command.
pub struct Triton {
    home: TempDir,
    program: PathBuf,
    url: String,
    key_id: String,
    user: Option<&'static str>,
}

/// What one run said.
#[derive(Debug)]
pub struct Said {
    pub code: i32,
    pub out: String,
    pub err: String,
}

impl Triton {
    /// The account `demo` with this key.
    pub fn with_key(site: &Site, key: &KeyFile) -> Self {
        let home = tempfile::tempdir().unwrap();
        let ssh = home.path().join(".ssh");
        std::fs::create_dir(&ssh).unwrap();
        std::fs::copy(&key.private, ssh.join("id_test")).unwrap();
        std::fs::write(ssh.join("id_test.pub"), &key.public).unwrap();
        Self { home, program: program(), url: site.server.url(), key_id: key.md5.clone(), user: None }
    }

    /// The account `demo` with its RSA key.
    pub fn demo(site: &Site) -> Self {
        Self::with_key(site, &ring().rsa)
    }

    /// The sub-user bob of `demo`.
    pub fn bob(site: &Site) -> Self {
        Self { user: Some("bob"), ..Self::with_key(site, &ring().bob) }
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(&self.program);
        command.args(args).env_clear().kill_on_drop(true);
        command.env("PATH", std::env::var_os("PATH").unwrap_or_default());
        command.env("HOME", self.home.path());
        command.env("TRITON_URL", &self.url).env("TRITON_ACCOUNT", "demo").env("TRITON_KEY_ID", &self.key_id);
        if let Some(user) = self.user {
            command.env("TRITON_USER", user);
        }
        command
    }

    /// Runs the command.
    pub async fn run(&self, args: &[&str]) -> Said {
        Said::from(self.command(args).output().await.expect("node is needed to run triton"))
    }

    /// Starts the command and lets it run until it is dropped.
    pub fn start(&self, args: &[&str]) -> Child {
        self.command(args).stdout(Stdio::piped()).spawn().expect("node is needed to run triton")
    }

    /// Runs the command, which must succeed; its output.
    pub async fn ok(&self, args: &[&str]) -> String {
        let said = self.run(args).await;
        assert_eq!(said.code, 0, "triton {args:?}: {said:#?}");
        said.out
    }

    /// Runs the command, which must succeed and print one JSON value.
    pub async fn json(&self, args: &[&str]) -> Value {
        let out = self.ok(args).await;
        serde_json::from_str(&out).unwrap_or_else(|error| panic!("triton {args:?}: {error}: {out}"))
    }

    /// Runs the command, which must succeed and print one JSON value a line.
    pub async fn lines(&self, args: &[&str]) -> Vec<Value> {
        let out = self.ok(args).await;
        let parse =
            |line| serde_json::from_str(line).unwrap_or_else(|error| panic!("triton {args:?}: {error}: {line}"));
        out.lines().map(parse).collect()
    }

    /// Runs the command, which must fail; the exit code and what it complained of.
    pub async fn refused(&self, args: &[&str]) -> (i32, String) {
        let said = self.run(args).await;
        assert_ne!(said.code, 0, "triton {args:?}: {said:#?}");
        (said.code, said.err)
    }

    /// A file in the user's home.
    pub fn file(&self, name: &str, content: &str) -> String {
        let path = self.home.path().join(name);
        std::fs::write(&path, content).unwrap();
        path.to_str().unwrap().to_owned()
    }
}

impl From<Output> for Said {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code().unwrap_or(-1),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

/// The installed command, in the build's target folder, whichever that is.
fn program() -> PathBuf {
    let executable = std::env::current_exe().unwrap();
    // target/<profile>/deps/<test>
    let target = executable.ancestors().nth(3).unwrap();
    let package = target.join("tools/triton/node_modules/triton/package.json");
    let missing = format!("{} is missing: run `cargo xtask tools` to install triton {VERSION}", package.display());
    let description: Value = serde_json::from_str(&std::fs::read_to_string(package).expect(&missing)).unwrap();
    assert_eq!(description["version"], VERSION, "run `cargo xtask tools` to install the right version of triton");
    target.join("tools/triton/node_modules/.bin/triton")
}

/// A data centre whose provisioning takes milliseconds.
pub async fn site() -> Site {
    Site::at_speed(FAST, quick()).await
}

/// Names of listed things, sorted.
pub fn names(listed: &[Value]) -> Vec<&str> {
    let mut names: Vec<&str> = listed.iter().map(|item| item["name"].as_str().unwrap()).collect();
    names.sort_unstable();
    names
}
