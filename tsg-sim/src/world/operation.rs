//! The kinds of requests, as far as throttling, read-only mode and faults tell them apart.
//! It never knows a URL.

use serde::{Deserialize, Serialize};

/// What a request does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the names are the whole meaning: verb and resource")]
pub enum Operation {
    ListMachines,
    GetMachine,
    CreateMachine,
    DeleteMachine,
    ActOnMachine,
    ReadTags,
    WriteTags,
    ReadMetadata,
    WriteMetadata,
    ReadAudit,
    ReadSnapshots,
    WriteSnapshots,
    ReadFirewallRules,
    WriteFirewallRules,
    ReadMigrations,
    WriteMigrations,
    ReadNics,
    WriteNics,
    ReadAccount,
    WriteAccount,
    ReadKeys,
    WriteKeys,
    ReadUsers,
    WriteUsers,
    ReadImages,
    WriteImages,
    ReadPackages,
    ReadNetworks,
    WriteNetworks,
    ReadDatacenters,
    ReadServices,
    ReadConfig,
    WriteConfig,
    ReadVolumes,
    WriteVolumes,
    ReadChangeFeed,
}

/// Requests of one group share one throttle bucket for each account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(missing_docs, reason = "the names are the whole meaning: a resource of the API")]
pub enum ResourceGroup {
    Machines,
    Nics,
    Account,
    Keys,
    Users,
    Images,
    Packages,
    Networks,
    Datacenters,
    Services,
    Config,
    Volumes,
    ChangeFeed,
}

impl Operation {
    /// The throttle group. Machines share theirs with tags, metadata, snapshots, audit, firewall
    /// rules and migrations.
    #[must_use]
    pub const fn group(self) -> ResourceGroup {
        match self {
            Self::ListMachines
            | Self::GetMachine
            | Self::CreateMachine
            | Self::DeleteMachine
            | Self::ActOnMachine
            | Self::ReadTags
            | Self::WriteTags
            | Self::ReadMetadata
            | Self::WriteMetadata
            | Self::ReadAudit
            | Self::ReadSnapshots
            | Self::WriteSnapshots
            | Self::ReadFirewallRules
            | Self::WriteFirewallRules
            | Self::ReadMigrations
            | Self::WriteMigrations => ResourceGroup::Machines,
            Self::ReadNics | Self::WriteNics => ResourceGroup::Nics,
            Self::ReadAccount | Self::WriteAccount => ResourceGroup::Account,
            Self::ReadKeys | Self::WriteKeys => ResourceGroup::Keys,
            Self::ReadUsers | Self::WriteUsers => ResourceGroup::Users,
            Self::ReadImages | Self::WriteImages => ResourceGroup::Images,
            Self::ReadPackages => ResourceGroup::Packages,
            Self::ReadNetworks | Self::WriteNetworks => ResourceGroup::Networks,
            Self::ReadDatacenters => ResourceGroup::Datacenters,
            Self::ReadServices => ResourceGroup::Services,
            Self::ReadConfig | Self::WriteConfig => ResourceGroup::Config,
            Self::ReadVolumes | Self::WriteVolumes => ResourceGroup::Volumes,
            Self::ReadChangeFeed => ResourceGroup::ChangeFeed,
        }
    }

    /// Whether it changes anything; read-only mode refuses those.
    #[must_use]
    pub const fn is_write(self) -> bool {
        matches!(
            self,
            Self::CreateMachine
                | Self::DeleteMachine
                | Self::ActOnMachine
                | Self::WriteTags
                | Self::WriteMetadata
                | Self::WriteSnapshots
                | Self::WriteFirewallRules
                | Self::WriteMigrations
                | Self::WriteNics
                | Self::WriteAccount
                | Self::WriteKeys
                | Self::WriteUsers
                | Self::WriteImages
                | Self::WriteNetworks
                | Self::WriteConfig
                | Self::WriteVolumes
        )
    }
}
