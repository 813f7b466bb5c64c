//! How to talk to a running demonstration: variables, commands, a shell function.
//!
//! Owns the text. Everything in it must work when it is pasted as it is.

use std::path::PathBuf;

use serde::Serialize;
use tsg_sim::demo::ACCOUNT;

use crate::demo::site::Names;
use crate::demo::story::NAME;
use crate::output::Show;

/// Where everything of a demonstration is.
#[derive(Debug, Serialize)]
pub(crate) struct Guide {
    event: &'static str,
    tsg_url: String,
    cloudapi_url: String,
    admin: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    names: Option<Names>,
    machine_port: u16,
    account: &'static str,
    key_id: String,
    key_file: PathBuf,
    home: PathBuf,
}

/// The addresses and files that a guide names.
pub(crate) struct Places {
    /// The tsg server.
    pub(crate) tsg_url: String,
    /// CloudAPI.
    pub(crate) cloudapi_url: String,
    /// The data centre's back door.
    pub(crate) admin: String,
    /// The name service.
    pub(crate) names: Option<Names>,
    /// Where each machine answers HTTP.
    pub(crate) machine_port: u16,
    /// Fingerprint of the user's key.
    pub(crate) key_id: String,
    /// The user's private key.
    pub(crate) key_file: PathBuf,
    /// The user's home folder.
    pub(crate) home: PathBuf,
}

impl Guide {
    /// The guide to these places.
    pub(crate) fn new(places: Places) -> Self {
        let Places { tsg_url, cloudapi_url, admin, names, machine_port, key_id, key_file, home } = places;
        let (event, account) = ("ready", ACCOUNT);
        Self { event, tsg_url, cloudapi_url, admin, names, machine_port, account, key_id, key_file, home }
    }

    /// The group's addresses, as its clients find them.
    fn dig(&self) -> String {
        let Some(names) = &self.names else { return String::new() };
        format!("\n  dig {} +short {NAME}.svc.{}", names.server, names.suffix)
    }

    /// A group that heals.
    fn check(&self) -> String {
        let port = self.machine_port;
        format!(
            "\n\nTo see a hung instance healed, make a group with a check, hang one of its instances, and look now and \
             again: the name service stops answering with it, its successor takes its place, and is answered with in \
             its turn:\n\n  \
             tsg group create edge -t {NAME} -c 3 --check http:{port}/ping --policy '{{\"restart\": {{\"attempts\": 0}}}}' \
             --wait\n  \
             tsg sim manner hangs --instance \"$(tsg group instances edge | awk 'NR==2 {{print $1}}')\"\n  \
             tsg group instances edge{}",
            self.dig()
        )
    }

    fn variables(&self) -> String {
        let Self { tsg_url, cloudapi_url, admin, account, key_id, key_file, .. } = self;
        let lines = [
            "TRITON_PROFILE=env".to_owned(),
            format!("TRITON_URL={cloudapi_url}"),
            format!("TRITON_ACCOUNT={account}"),
            format!("TRITON_KEY_ID={key_id}"),
            format!("TRITON_KEY_MATERIAL={}", key_file.display()),
            format!("TSG_URL={tsg_url}"),
            format!("TSG_SIM_ADMIN={admin}"),
        ];
        lines.map(|line| format!("  export {line}\n")).concat()
    }
}

/// Date-only signatures, made with what every system has.
const SHELL_FUNCTION: &str = r#"  tsg_v1() {
    local date signature path="$1"; shift
    date=$(LC_ALL=C date -u '+%a, %d %b %Y %H:%M:%S GMT')
    signature=$(printf 'date: %s' "$date" | openssl dgst -sha256 -sign "$TRITON_KEY_MATERIAL" | openssl base64 -A)
    curl -sS -i -H "Date: $date" -H 'Content-Type: application/json' \
      -H "Authorization: Signature keyId=\"/$TRITON_ACCOUNT/keys/$TRITON_KEY_ID\",algorithm=\"rsa-sha256\",headers=\"date\",signature=\"$signature\"" \
      "$@" "$TSG_URL$path"
  }
  tsg_v1 /v1/tsg/groups"#;

impl Show for Guide {
    fn human(&self) -> String {
        format!(
            "\nEverything runs until you press Ctrl-C. In another terminal:\n\n{}\n  tsg group list\n  tsg group scale {NAME} +2 --wait\n  \
             tsg sim fault add kill-instance{}{}\n\nWith node-triton, which looks for keys in ~/.ssh:\n\n  \
             HOME={} triton inst list tag.tsg.name={NAME}\n\nWith curl, as TSG v1's users do:\n\n{}",
            self.variables(),
            self.dig(),
            self.check(),
            self.home.display(),
            SHELL_FUNCTION
        )
    }

    fn json(&self) -> String {
        // Texts always serialise.
        serde_json::to_string(self).unwrap_or_default()
    }
}
