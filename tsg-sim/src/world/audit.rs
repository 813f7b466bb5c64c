//! The audit trail of a machine: finished jobs, newest first. It never shows a job before its end.

use std::net::IpAddr;

use serde::Serialize;

use super::World;
use super::ids::AccountId;
use super::jobs::Success;
use super::refusal::Refusal;
use super::requests::Caller;
use super::time::SimTime;

/// A finished job.
#[derive(Debug, Clone, PartialEq)]
pub struct AuditRecord {
    pub(crate) success: Success,
    pub(crate) at: SimTime,
    pub(crate) action: &'static str,
    pub(crate) caller: Caller,
}

/// A finished job as CloudAPI prints it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct AuditView {
    /// `yes` or `no`.
    pub success: &'static str,
    /// When the job ended.
    pub time: String,
    /// What it did.
    pub action: &'static str,
    /// Who asked.
    pub caller: CallerView,
}

/// Who asked, as the audit prints it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CallerView {
    /// How the caller was authenticated.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// Address of the client.
    pub ip: IpAddr,
    /// The `keyId` of the signature.
    #[serde(rename = "keyId")]
    pub key_id: String,
}

impl World {
    /// `GET /:account/machines/:id/audit`. A deleted machine keeps its trail.
    pub fn audit(&self, account: AccountId, id: &str) -> Result<Vec<AuditView>, Refusal> {
        let machine = self.known_machine(account, id)?;
        Ok(machine.audit.iter().rev().map(AuditRecord::view).collect())
    }
}

impl AuditRecord {
    fn view(&self) -> AuditView {
        AuditView {
            success: match self.success {
                Success::Yes => "yes",
                Success::No => "no",
            },
            time: self.at.iso_millis(),
            action: self.action,
            caller: CallerView { kind: "signature", ip: self.caller.ip, key_id: self.caller.key_id.to_string() },
        }
    }
}
