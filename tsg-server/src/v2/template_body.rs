//! Templates on the wire of `/v2`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use tsg_cloudapi::wire::{LabelValue, Labels};
use tsg_core::model::id::{ImageId, NetworkId, PackageId};
use tsg_core::model::tag::{TagValue, Tags};
use tsg_core::model::template::{Template, TemplateSpec};
use tsg_core::placement::rule::PlacementSpec;

use crate::http::failure::Failure;
use crate::time;

/// A template, as it comes in.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewTemplate {
    name: String,
    package: String,
    image: String,
    #[serde(default)]
    networks: Vec<String>,
    #[serde(default)]
    firewall_enabled: bool,
    #[serde(default)]
    userdata: String,
    #[serde(default)]
    metadata: BTreeMap<String, String>,
    #[serde(default)]
    tags: Tags,
    #[serde(default)]
    placement: PlacementSpec,
}

impl NewTemplate {
    /// The template it describes.
    pub fn into_spec(self) -> Result<TemplateSpec, Failure> {
        let network = |text: &String| id::<NetworkId>("networks", text);
        Ok(TemplateSpec {
            name: self.name.parse().map_err(|error| invalid("name", &error))?,
            package: id::<PackageId>("package", &self.package)?,
            image: id::<ImageId>("image", &self.image)?,
            networks: self.networks.iter().map(network).collect::<Result<_, _>>()?,
            firewall_enabled: self.firewall_enabled,
            userdata: self.userdata,
            metadata: self.metadata,
            tags: self.tags,
            placement: self.placement,
        })
    }
}

/// A field that is well formed and still not valid.
pub fn invalid(field: &str, error: &impl std::fmt::Display) -> Failure {
    Failure::unprocessable("InvalidField", format!("{field}: {error}"))
}

/// Reads an id out of a field.
pub fn id<T: std::str::FromStr<Err: std::fmt::Display>>(field: &str, text: &str) -> Result<T, Failure> {
    text.parse().map_err(|error| invalid(field, &error))
}

/// A template, as it goes out.
#[derive(Debug, Serialize)]
pub struct TemplateBody {
    id: String,
    name: String,
    package: String,
    image: String,
    networks: Vec<String>,
    firewall_enabled: bool,
    userdata: String,
    metadata: BTreeMap<String, String>,
    tags: Labels,
    placement: PlacementSpec,
    created_at: String,
}

impl TemplateBody {
    /// On the wire.
    pub fn of(template: &Template) -> Self {
        let spec = &template.spec;
        Self {
            id: template.id.to_string(),
            name: spec.name.to_string(),
            package: spec.package.to_string(),
            image: spec.image.to_string(),
            networks: spec.networks.iter().map(ToString::to_string).collect(),
            firewall_enabled: spec.firewall_enabled,
            userdata: spec.userdata.clone(),
            metadata: spec.metadata.clone(),
            tags: spec.tags.iter().map(|(key, value)| (key.clone(), label(value))).collect(),
            placement: spec.placement.clone(),
            created_at: time::milliseconds(template.created_at),
        }
    }

    /// The id, which is also the cursor of a list.
    pub fn id(&self) -> String {
        self.id.clone()
    }
}

/// CloudAPI's own form: integral numbers stay integral.
fn label(value: &TagValue) -> LabelValue {
    match value {
        TagValue::Bool(value) => LabelValue::Bool(*value),
        TagValue::Number(value) => LabelValue::Number(*value),
        TagValue::Text(text) => LabelValue::Text(text.clone()),
    }
}
