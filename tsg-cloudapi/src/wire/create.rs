//! The body of a create request: flat keys, built from typed parts.
//!
//! CloudAPI lets body keys override path and query parameters. Users' keys therefore appear only
//! behind `tag.` and `metadata.`.

use serde::{Serialize, Serializer, ser::SerializeMap};
use uuid::Uuid;

use super::tag_value::{LabelValue, Labels};

/// What machine to make.
#[derive(Clone, Debug, PartialEq)]
pub struct CreateMachine {
    /// Its name.
    pub name: String,
    /// The image.
    pub image: Uuid,
    /// The package, by uuid.
    pub package: Uuid,
    /// The networks in order; empty lets CloudAPI choose.
    pub networks: Vec<Uuid>,
    /// Affinity rules; empty means none.
    pub affinity: Vec<String>,
    /// Whether the Cloud Firewall is on.
    pub firewall_enabled: bool,
    /// Whether deletion is refused until it is switched off.
    pub deletion_protection: bool,
    /// Tags, with their types.
    pub tags: Labels,
    /// Metadata.
    pub metadata: Labels,
}

impl Serialize for CreateMachine {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut map = to.serialize_map(None)?;
        map.serialize_entry("name", &self.name)?;
        map.serialize_entry("image", &self.image)?;
        map.serialize_entry("package", &self.package)?;
        if !self.networks.is_empty() {
            map.serialize_entry("networks", &self.networks)?;
        }
        if !self.affinity.is_empty() {
            map.serialize_entry("affinity", &self.affinity)?;
        }
        map.serialize_entry("firewall_enabled", &self.firewall_enabled)?;
        if self.deletion_protection {
            map.serialize_entry("deletion_protection", &true)?;
        }
        serialize_prefixed(&mut map, "tag.", &self.tags)?;
        serialize_prefixed(&mut map, "metadata.", &self.metadata)?;
        map.end()
    }
}

fn serialize_prefixed<M: SerializeMap>(map: &mut M, prefix: &str, labels: &Labels) -> Result<(), M::Error> {
    for (key, value) in labels {
        if *value != LabelValue::Foreign {
            map.serialize_entry(&format!("{prefix}{key}"), value)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::{CreateMachine, LabelValue};

    #[test]
    fn keys_are_flat_and_typed_and_users_keys_stay_behind_their_prefix() {
        let request = CreateMachine {
            name: "web-1".to_owned(),
            image: Uuid::from_u128(1),
            package: Uuid::from_u128(2),
            networks: vec![Uuid::from_u128(3)],
            affinity: vec!["role!=web".to_owned()],
            firewall_enabled: true,
            deletion_protection: false,
            tags: [("n".to_owned(), LabelValue::Number(3.0)), ("name".to_owned(), "x".into())].into(),
            metadata: [("user-data".to_owned(), "#!/bin/sh".into())].into(),
        };
        let text = serde_json::to_string(&request).unwrap();
        assert_eq!(
            text,
            concat!(
                r##"{"name":"web-1","image":"00000000-0000-0000-0000-000000000001","##,
                r##""package":"00000000-0000-0000-0000-000000000002","##,
                r##""networks":["00000000-0000-0000-0000-000000000003"],"affinity":["role!=web"],"##,
                r##""firewall_enabled":true,"tag.n":3,"tag.name":"x","metadata.user-data":"#!/bin/sh"}"##
            )
        );
    }
}
