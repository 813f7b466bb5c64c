//! A furnished data centre for demonstrations and client checks: accounts with keys, ready to be used.
//!
//! Owns who lives there; the building itself is the world's default. It must never hold a private key.

use crate::world::{NewAccount, Refusal, SshKey, SubUser, World, WorldSpec};

/// Login of the account everything happens in. The name service is on for it.
pub const ACCOUNT: &str = "demo";

/// Login of a sub-user of [`ACCOUNT`] who holds no roles, so that everything is refused to him.
pub const SUB_USER: &str = "bob";

/// Login of an account nobody of [`ACCOUNT`] may act for.
pub const OTHER_ACCOUNT: &str = "other";

/// Who can sign in to a furnished data centre, by OpenSSH public keys.
#[derive(Debug, Clone, Default)]
pub struct Residents {
    /// Keys of the account [`ACCOUNT`].
    pub keys: Vec<String>,
    /// Keys of its sub-user [`SUB_USER`].
    pub sub_user_keys: Vec<String>,
    /// Keys of [`OTHER_ACCOUNT`].
    pub other_keys: Vec<String>,
}

impl Residents {
    /// Only the main account has keys.
    #[must_use]
    pub fn with_keys(keys: impl IntoIterator<Item = String>) -> Self {
        Self { keys: keys.into_iter().collect(), ..Self::default() }
    }
}

/// A world of the given specification with the accounts moved in.
///
/// # Errors
/// The [`Refusal`] CloudAPI would answer to a key that is none, or is given twice.
///
/// ```
/// use tsg_sim::demo::{ACCOUNT, Residents, furnished};
/// use tsg_sim::world::WorldSpec;
///
/// let key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAeuqz5CL05v06r1Qkyiwmhf5QKeOBk5Iz/maTM/R5Ai laptop";
/// let world = furnished(WorldSpec::default(), Residents::with_keys([key.to_owned()]))?;
/// assert!(world.find_account(ACCOUNT).is_some_and(|account| account.cns_enabled));
/// # Ok::<(), tsg_sim::world::Refusal>(())
/// ```
pub fn furnished(spec: WorldSpec, residents: Residents) -> Result<World, Refusal> {
    let mut world = World::new(spec);
    let account =
        world.add_account(NewAccount { login: ACCOUNT.to_owned(), cns_enabled: true, ..NewAccount::default() });
    let other = world.add_account(NewAccount { login: OTHER_ACCOUNT.to_owned(), ..NewAccount::default() });
    for key in &residents.keys {
        world.add_key(account, Some(key), None)?;
    }
    for key in &residents.other_keys {
        world.add_key(other, Some(key), None)?;
    }
    let keys = residents.sub_user_keys.iter().map(|key| parsed(key)).collect::<Result<Vec<_>, _>>()?;
    world.add_sub_user(account, SubUser { login: SUB_USER.to_owned(), keys });
    Ok(world)
}

fn parsed(key: &str) -> Result<SshKey, Refusal> {
    SshKey::parse(key, None).ok_or_else(|| Refusal::invalid_argument("key is invalid"))
}
