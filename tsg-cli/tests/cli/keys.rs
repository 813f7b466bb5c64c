//! Where the user's key may be: in an ssh-agent, or under a passphrase.
//!
//! Needs ssh-agent, ssh-add and ssh-keygen (openssh-client).

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tsg_cloudapi::signature::NewKeyKind;

use crate::support::process::run;
use crate::support::site::{Datacenter, ServerPlan, User, as_user};

/// How long the agent may take to open its socket.
const UP_WITHIN: Duration = Duration::from_secs(10);

/// An ssh-agent, ended by its own id.
struct Agent(Child);

impl Agent {
    fn start(socket: &Path) -> Self {
        let mut command = Command::new("ssh-agent");
        let child =
            command.arg("-D").arg("-a").arg(socket).stdout(Stdio::null()).spawn().expect("ssh-agent is installed");
        let begun = Instant::now();
        while !socket.exists() {
            assert!(begun.elapsed() < UP_WITHIN, "ssh-agent opens no socket");
            std::thread::yield_now();
        }
        Self(child)
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        // Both fail when it has ended already, which is just as well.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn a_key_that_only_an_agent_holds_signs() {
    let user = User::new(NewKeyKind::Rsa3072);
    let datacenter = Datacenter::open(&user, "50");
    let plan = ServerPlan::new(&datacenter, &[]);
    let server = plan.start();
    let socket = user.home().join("agent.socket");
    let _agent = Agent::start(&socket);
    let private = user.home().join(".ssh/id_user");
    run(Command::new("ssh-add").arg("-q").arg(&private).env("SSH_AUTH_SOCK", &socket)).ok();
    fs::remove_file(&private).unwrap();

    let mut without = as_user(&user, &datacenter.url, &server.url, &["account", "enroll"]);
    assert_eq!(run(&mut without).code, 6);
    let mut with = as_user(&user, &datacenter.url, &server.url, &["account", "enroll"]);
    run(with.env("SSH_AUTH_SOCK", &socket)).ok();
    let mut list = as_user(&user, &datacenter.url, &server.url, &["group", "list", "--json"]);
    assert_eq!(run(list.env("SSH_AUTH_SOCK", &socket)).ok().out, "[]\n");
}

#[test]
fn a_key_under_a_passphrase_is_sent_to_an_agent() {
    let user = User::new(NewKeyKind::Ed25519);
    let locked = user.home().join(".ssh/id_locked");
    let mut make = Command::new("ssh-keygen");
    run(make.args(["-q", "-t", "ed25519", "-N", "secret", "-f"]).arg(&locked)).ok();
    let shown = run(Command::new("ssh-keygen").args(["-l", "-f"]).arg(&locked)).ok().out;
    let fingerprint = shown.split_whitespace().nth(1).unwrap();
    let mut list = as_user(&user, "http://127.0.0.1:9", "http://127.0.0.1:9", &["group", "list"]);
    let said = run(list.env("TRITON_KEY_ID", fingerprint));
    assert_eq!((said.code, said.err.contains(&format!("ssh-add {}", locked.display()))), (6, true), "{said:?}");
}
