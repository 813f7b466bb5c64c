//! Actions on a machine. All are asynchronous: 202 means that a job was queued, nothing more.

use http::Method;
use serde::Serialize;
use uuid::Uuid;

use super::{call::Call, error::ClientError, transport::Client};

/// Something to do with a machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MachineAction {
    /// Start a stopped machine.
    Start,
    /// Stop a running machine.
    Stop,
    /// Reboot a running machine.
    Reboot,
    /// Give it the size of another package.
    Resize {
        /// The new package.
        package: Uuid,
    },
    /// Guard it by the Cloud Firewall from now on.
    EnableFirewall,
    /// Guard it no longer.
    DisableFirewall,
    /// Give it another name.
    Rename {
        /// The new name.
        name: String,
    },
    /// Refuse deletion from now on.
    EnableDeletionProtection,
    /// Allow deletion again.
    DisableDeletionProtection,
}

#[derive(Serialize)]
struct ActionBody<'a> {
    action: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    package: Option<Uuid>,
}

impl MachineAction {
    fn body(&self) -> ActionBody<'_> {
        let plain = |action| ActionBody { action, name: None, package: None };
        match self {
            Self::Start => plain("start"),
            Self::Stop => plain("stop"),
            Self::Reboot => plain("reboot"),
            Self::Resize { package } => ActionBody { package: Some(*package), ..plain("resize") },
            Self::EnableFirewall => plain("enable_firewall"),
            Self::DisableFirewall => plain("disable_firewall"),
            Self::Rename { name } => ActionBody { name: Some(name), ..plain("rename") },
            Self::EnableDeletionProtection => plain("enable_deletion_protection"),
            Self::DisableDeletionProtection => plain("disable_deletion_protection"),
        }
    }
}

impl Client {
    /// Queues an action. An action that does not fit the machine's state is accepted all the
    /// same and fails as a job: see [`Client::audit`].
    ///
    /// # Errors
    /// [`ClientError`], for example of code `UnallocatedVm` while no server has been chosen.
    pub async fn act(&self, id: Uuid, action: &MachineAction) -> Result<(), ClientError> {
        let call =
            Call::new(Method::POST, &[self.account_login(), "machines", &id.to_string()]).with_json(&action.body())?;
        self.send(call).await.map(drop)
    }
}
