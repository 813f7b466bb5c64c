//! The bodies of `/v1` and the rules on them, in TSG v1's own words.
//!
//! Owns the wire form. Unknown fields are let pass, as Go does; `null` is an absent field.

use std::collections::BTreeMap;

use bytes::Bytes;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use tsg_core::model::group::Group;
use tsg_core::model::id::TemplateId;
use tsg_core::model::name::GroupName;
use tsg_core::model::tag::{TagValue, Tags};
use tsg_core::model::template::{Template, TemplateSpec};
use tsg_core::placement::rule::PlacementSpec;

use crate::http::failure::Failure;
use crate::time;

/// Reads a body, whatever its Content-Type says: TSG v1's clients send several.
pub fn read<T: DeserializeOwned>(body: &Bytes) -> Result<T, Failure> {
    // `null` is read as nothing at all, which no body may be.
    match serde_json::from_slice::<Option<T>>(body) {
        Ok(Some(value)) => Ok(value),
        Ok(None) => {
            Err(Failure::unprocessable("InvalidBody", "error in unmarshal request body").hint("the body is null"))
        }
        Err(error) => {
            Err(Failure::unprocessable("InvalidBody", "error in unmarshal request body").hint(error.to_string()))
        }
    }
}

/// A template, as it comes in.
#[derive(Debug, Deserialize)]
pub struct NewTemplate {
    template_name: Option<String>,
    package: Option<String>,
    image_id: Option<String>,
    firewall_enabled: Option<bool>,
    networks: Option<Vec<String>>,
    userdata: Option<String>,
    metadata: Option<BTreeMap<String, String>>,
    tags: Option<BTreeMap<String, String>>,
}

impl NewTemplate {
    /// The template it describes.
    pub fn into_spec(self) -> Result<TemplateSpec, Failure> {
        let name = self.template_name.unwrap_or_default();
        let networks = self.networks.unwrap_or_default();
        let network = |text: &String| text.parse().map_err(|_| invalid("networks must be valid UUIDs"));
        Ok(TemplateSpec {
            package: self.package.unwrap_or_default().parse().map_err(|_| invalid("package must be a valid UUID"))?,
            image: self.image_id.unwrap_or_default().parse().map_err(|_| invalid("imageID must be a valid UUID"))?,
            name: name.parse().map_err(|error| invalid(format!("template name is not valid: {error}")))?,
            // TSG v1 answers `[""]` for no networks, and clients send back what they got.
            networks: networks.iter().filter(|text| !text.is_empty()).map(network).collect::<Result<_, _>>()?,
            firewall_enabled: self.firewall_enabled.unwrap_or_default(),
            userdata: self.userdata.unwrap_or_default(),
            metadata: self.metadata.unwrap_or_default(),
            tags: typed_tags(self.tags.unwrap_or_default()),
            placement: PlacementSpec::default(),
        })
    }
}

fn invalid(message: impl Into<String>) -> Failure {
    Failure::unprocessable("InvalidBody", message)
}

/// CloudAPI demands a boolean for this tag, and v1's templates hold texts only: without the
/// change of type every create from such a template would fail.
const CNS_DISABLE: &str = "triton.cns.disable";

fn typed_tags(texts: BTreeMap<String, String>) -> Tags {
    let typed = |(key, text): (String, String)| {
        let value = match (key.as_str(), text.as_str()) {
            (CNS_DISABLE, "true") => TagValue::Bool(true),
            (CNS_DISABLE, "false") => TagValue::Bool(false),
            _ => TagValue::Text(text),
        };
        (key, value)
    };
    texts.into_iter().map(typed).collect()
}

fn tag_texts(tags: &Tags) -> BTreeMap<&str, String> {
    let text = |value: &TagValue| match value {
        TagValue::Text(text) => text.clone(),
        TagValue::Bool(value) => value.to_string(),
        TagValue::Number(value) => value.to_string(),
    };
    tags.iter().map(|(key, value)| (key.as_str(), text(value))).collect()
}

/// A template, as it goes out.
#[derive(Debug, Serialize)]
pub struct TemplateBody<'a> {
    id: String,
    template_name: &'a str,
    package: String,
    image_id: String,
    firewall_enabled: bool,
    networks: Vec<String>,
    userdata: &'a str,
    metadata: Option<&'a BTreeMap<String, String>>,
    tags: Option<BTreeMap<&'a str, String>>,
    created_at: String,
}

impl<'a> TemplateBody<'a> {
    /// In v1's form: no networks are one empty one, no map is `null`.
    pub fn of(template: &'a Template) -> Self {
        let spec = &template.spec;
        let mut networks: Vec<String> = spec.networks.iter().map(ToString::to_string).collect();
        if networks.is_empty() {
            networks.push(String::new());
        }
        Self {
            id: template.id.to_string(),
            template_name: spec.name.as_str(),
            package: spec.package.to_string(),
            image_id: spec.image.to_string(),
            firewall_enabled: spec.firewall_enabled,
            networks,
            userdata: &spec.userdata,
            metadata: Some(&spec.metadata).filter(|map| !map.is_empty()),
            tags: Some(tag_texts(&spec.tags)).filter(|map| !map.is_empty()),
            created_at: time::microseconds(template.created_at),
        }
    }
}

/// A group, as it comes in.
#[derive(Debug, Deserialize)]
pub struct GroupBody {
    group_name: Option<String>,
    template_id: Option<String>,
    capacity: Option<i64>,
}

/// A group body that keeps v1's rules.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckedGroup {
    /// The name.
    pub name: GroupName,
    /// The template.
    pub template: TemplateId,
    /// The capacity; absent means 0, since v1's Go client leaves a zero out.
    pub capacity: u32,
}

impl GroupBody {
    /// Checks the body in the order of TSG v1.
    pub fn check(self, capacity_max: u32) -> Result<CheckedGroup, Failure> {
        let name = self.group_name.unwrap_or_default();
        if name.is_empty() {
            return Err(invalid("group name cannot be empty"));
        }
        if name.chars().count() > tsg_core::model::name::NAME_MAX {
            return Err(invalid("group name cannot be more than 182 characters"));
        }
        let name = name.parse().map_err(|error| invalid(format!("group name is not valid: {error}")))?;
        let template = self.template_id.unwrap_or_default();
        let template = template.parse().map_err(|_| invalid("template ID must be a valid UUID"))?;
        let capacity = self.capacity.unwrap_or(0);
        if capacity < 0 {
            return Err(invalid("group capacity cannot be a negative number"));
        }
        let capacity = u32::try_from(capacity)
            .ok()
            .filter(|capacity| *capacity <= capacity_max)
            .ok_or_else(|| invalid(format!("group capacity cannot be more than {capacity_max} compute instances")))?;
        Ok(CheckedGroup { name, template, capacity })
    }
}

/// A group, as it goes out.
#[derive(Debug, Serialize)]
pub struct GroupAnswer<'a> {
    id: String,
    group_name: &'a str,
    template_id: String,
    capacity: u32,
    created_at: String,
    updated_at: String,
}

impl<'a> GroupAnswer<'a> {
    /// In v1's form.
    pub fn of(group: &'a Group) -> Self {
        Self {
            id: group.id.to_string(),
            group_name: group.name.as_str(),
            template_id: group.template.to_string(),
            capacity: group.capacity,
            created_at: time::microseconds(group.created_at),
            updated_at: time::microseconds(group.updated_at),
        }
    }
}
