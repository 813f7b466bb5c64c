//! Signing through a real `ssh-agent` process.

use std::{
    path::PathBuf,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use tempfile::TempDir;
use tsg_cloudapi::signature::{
    AgentClient, AgentError, HttpDate, KeyId, LocalSigner, PrivateKey, PublicKey, SignError, Signer, SigningRequest,
    verify,
};

/// An agent of its own, ended with the test.
struct Agent {
    process: Child,
    directory: TempDir,
}

impl Agent {
    fn start() -> Self {
        let directory = TempDir::new().unwrap();
        let process = Command::new("ssh-agent")
            .arg("-D")
            .arg("-a")
            .arg(directory.path().join("agent"))
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let agent = Self { process, directory };
        let deadline = Instant::now() + Duration::from_secs(10);
        while !agent.socket().exists() {
            assert!(Instant::now() < deadline, "ssh-agent did not open its socket");
            std::thread::yield_now();
        }
        agent
    }

    fn socket(&self) -> PathBuf {
        self.directory.path().join("agent")
    }

    fn add_key(&self, kind: &str, bits: &str) -> PrivateKey {
        let path = self.directory.path().join(format!("{kind}{bits}"));
        let generated = Command::new("ssh-keygen")
            .args(["-q", "-t", kind, "-b", bits, "-N", "", "-C", kind, "-f"])
            .arg(&path)
            .status()
            .unwrap();
        assert!(generated.success());
        self.ssh_add(&[path.to_str().unwrap()]);
        PrivateKey::from_text(&std::fs::read(path).unwrap(), None).unwrap()
    }

    fn ssh_add(&self, arguments: &[&str]) {
        let output = Command::new("ssh-add").args(arguments).env("SSH_AUTH_SOCK", self.socket()).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }

    fn signer(&self, key: &PublicKey) -> Signer {
        Signer::Agent {
            key_id: KeyId::for_account("demo", key),
            key: key.clone(),
            agent: AgentClient::new(self.socket()),
        }
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        // Nothing can be done about a process that cannot be ended, least of all in a drop.
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

fn verify_header(key: &PublicKey, header: &str, date: &HttpDate) {
    let mut headers = http::HeaderMap::new();
    headers.insert("date", date.as_str().parse().unwrap());
    headers.insert("authorization", header.parse().unwrap());
    let request = verify::RequestToVerify { method: "GET", target: "/demo", headers: &headers };
    let now = tsg_cloudapi::signature::parse_http_date(date.as_str()).unwrap();
    verify::check(&verify::parse(&request, now).unwrap(), key).unwrap();
}

#[tokio::test]
async fn agent_signatures_are_what_the_key_itself_would_sign() {
    let agent = Agent::start();
    let date = HttpDate::from_text("Thu, 01 Jan 2026 00:00:00 GMT");
    let request = SigningRequest { method: "GET", target: "/demo", date: &date, host: None };
    for (kind, bits) in [("rsa", "2048"), ("ed25519", "256"), ("ecdsa", "256"), ("ecdsa", "521")] {
        let key = agent.add_key(kind, bits);
        let public = key.public_key();
        let through_agent = agent.signer(public).sign(&request).await.unwrap();
        verify_header(public, through_agent.as_str(), &date);
        if kind != "ecdsa" {
            let local = LocalSigner::new(KeyId::for_account("demo", public), &key).unwrap();
            assert_eq!(through_agent, local.sign(&request).unwrap(), "{kind}");
        }
    }
    let identities = AgentClient::new(agent.socket()).identities().await.unwrap();
    let comments: Vec<&str> = identities.iter().map(|identity| identity.key.comment()).collect();
    assert_eq!(comments, ["rsa", "ed25519", "ecdsa", "ecdsa"]);
}

#[tokio::test]
async fn p384_is_refused_before_it_makes_a_signature_cloudapi_rejects() {
    let agent = Agent::start();
    let key = agent.add_key("ecdsa", "384");
    let date = HttpDate::from_text("Thu, 01 Jan 2026 00:00:00 GMT");
    let request = SigningRequest { method: "GET", target: "/demo", date: &date, host: None };
    let refusal = agent.signer(key.public_key()).sign(&request).await.unwrap_err();
    assert!(matches!(refusal, SignError::AgentCurve), "{refusal}");
}

#[tokio::test]
async fn a_key_that_was_removed_and_an_absent_agent_are_told_apart() {
    let agent = Agent::start();
    let key = agent.add_key("ed25519", "256");
    agent.ssh_add(&["-D"]);
    let client = AgentClient::new(agent.socket());
    let refusal = client.sign(key.public_key(), b"message").await.unwrap_err();
    assert!(matches!(refusal, AgentError::Refused), "{refusal}");
    assert_eq!(client.identities().await.unwrap().len(), 0);

    let nowhere = AgentClient::new(agent.directory.path().join("nothing"));
    let refusal = nowhere.identities().await.unwrap_err();
    assert!(matches!(refusal, AgentError::Unreachable { .. }), "{refusal}");
}
