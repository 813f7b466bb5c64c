//! The identities of everything a world contains: one type for each kind, so that they cannot be
//! mixed up. Fresh ones come from the world's seed, never from the operating system.

use core::fmt;

use uuid::Uuid;

use super::rng::Rng;

macro_rules! identity {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub Uuid);

        impl $name {
            /// A fresh identity from the world's seed.
            pub(crate) fn fresh(rng: &mut Rng) -> Self {
                Self(fresh_uuid(rng))
            }

            /// Reads the canonical form: lower case with hyphens, nothing else.
            #[must_use]
            pub fn parse(text: &str) -> Option<Self> {
                parse_canonical(text).map(Self)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    )*};
}

identity! {
    /// A customer account.
    AccountId;
    /// One machine. Never used again after the machine is gone.
    MachineId;
    /// An image machines are made from.
    ImageId;
    /// A package: the size of a machine.
    PackageId;
    /// A network or network pool.
    NetworkId;
    /// A compute node.
    ServerId;
    /// A firewall rule.
    FirewallRuleId;
    /// An asynchronous job, as `x-job-uuid` shows it.
    JobId;
}

/// A version-4 uuid made of the world's own random bits.
pub(crate) fn fresh_uuid(rng: &mut Rng) -> Uuid {
    uuid::Builder::from_random_bytes(rng.bytes16()).into_uuid()
}

/// Reads a uuid only in the form CloudAPI accepts: 36 characters, lower case.
#[must_use]
pub fn parse_canonical(text: &str) -> Option<Uuid> {
    let is_canonical = text.len() == 36 && !text.bytes().any(|byte| byte.is_ascii_uppercase());
    if is_canonical { Uuid::try_parse(text).ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::{MachineId, Rng, parse_canonical};

    #[test]
    fn only_the_canonical_form_is_an_identity() {
        let id = MachineId::fresh(&mut Rng::for_purpose(1, "ids"));
        assert_eq!(MachineId::parse(&id.to_string()), Some(id));
        assert_eq!(id.0.get_version_num(), 4);
        for wrong in [id.to_string().to_uppercase(), id.0.simple().to_string(), format!("{{{id}}}"), String::new()] {
            assert_eq!(parse_canonical(&wrong), None, "{wrong}");
        }
    }
}
