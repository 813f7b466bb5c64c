//! What of a machine's labels has to change when its template does.
//!
//! Owns the difference between what templates say. Must never name a label that neither tsg nor a
//! template put there: the rest is the user's.

use std::collections::BTreeMap;

use tsg_core::model::id::TemplateId;
use tsg_core::model::name::GroupName;
use tsg_core::model::tag::{self, Claim, Tags};
use tsg_core::model::template::TemplateSpec;
use tsg_core::ports::cloud::{FirewallState, InstanceUpdate};

/// The metadata key that CloudAPI hands to the guest as user data.
const USER_DATA: &str = "user-data";

/// Those of tsg's own tags that say what the machine is by now.
pub(super) fn own_tags(claim: &Claim, group: &GroupName, template: TemplateId) -> Tags {
    let mut tags = claim.tags(group, template);
    tags.retain(|key, _| [tag::REVISION, tag::V1_TEMPLATE].contains(&key.as_str()));
    tags
}

/// What to change of a machine whose labels are those of any of `before`. Without one, nothing is
/// known of them, and all that `after` says is written.
pub(super) fn difference(before: &[TemplateSpec], after: &TemplateSpec, own_tags: Tags) -> InstanceUpdate {
    let old_tags: Vec<&Tags> = before.iter().map(|template| &template.tags).collect();
    let old_metadata: Vec<_> = before.iter().map(metadata).collect();
    let (mut tags, removed_tags) = changed(&old_tags, &after.tags);
    tags.extend(own_tags);
    let (metadata, removed_metadata) = changed(&old_metadata.iter().collect::<Vec<_>>(), &metadata(after));
    let is_same_firewall = |template: &TemplateSpec| template.firewall_enabled == after.firewall_enabled;
    let is_firewall_kept = !before.is_empty() && before.iter().all(is_same_firewall);
    let state = if after.firewall_enabled { FirewallState::Enabled } else { FirewallState::Disabled };
    let firewall = (!is_firewall_kept).then_some(state);
    InstanceUpdate { tags, removed_tags, metadata, removed_metadata, firewall }
}

/// What to set, and what to remove.
fn changed<V: Clone + PartialEq>(
    before: &[&BTreeMap<String, V>],
    after: &BTreeMap<String, V>,
) -> (BTreeMap<String, V>, Vec<String>) {
    let is_there = |key: &String, value: &V| !before.is_empty() && before.iter().all(|old| old.get(key) == Some(value));
    let set = after.iter().filter(|(key, value)| !is_there(key, value));
    let mut removed: Vec<String> =
        before.iter().flat_map(|old| old.keys()).filter(|key| !after.contains_key(*key)).cloned().collect();
    removed.sort_unstable();
    removed.dedup();
    (set.map(|(key, value)| (key.clone(), value.clone())).collect(), removed)
}

fn metadata(template: &TemplateSpec) -> BTreeMap<String, String> {
    let mut metadata = template.metadata.clone();
    if !template.userdata.is_empty() {
        metadata.insert(USER_DATA.to_owned(), template.userdata.clone());
    }
    metadata
}

#[cfg(test)]
mod tests {
    use super::*;

    fn template(tags: &[(&str, &str)], metadata: &[(&str, &str)], userdata: &str) -> TemplateSpec {
        let text = serde_json::json!({
            "name": "web", "package": "00000000-0000-0000-0000-000000000001",
            "image": "00000000-0000-0000-0000-000000000002", "networks": [], "firewall_enabled": false,
            "userdata": userdata, "metadata": {}, "tags": {}
        });
        let mut template: TemplateSpec = serde_json::from_value(text).unwrap();
        template.tags = tags.iter().map(|(key, value)| ((*key).to_owned(), (*value).into())).collect();
        template.metadata = metadata.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        template
    }

    #[test]
    fn only_what_differs_is_set_and_only_what_a_template_put_there_is_removed() {
        let old = template(&[("role", "web"), ("tier", "1"), ("gone", "x")], &[("a", "1"), ("b", "2")], "boot");
        let new = template(&[("role", "web"), ("tier", "2")], &[("b", "2")], "");
        let change = difference(&[old], &new, Tags::from([("tsgver".to_owned(), "v2".into())]));
        assert_eq!(change.tags, Tags::from([("tier".to_owned(), "2".into()), ("tsgver".to_owned(), "v2".into())]));
        assert_eq!(change.removed_tags, ["gone"]);
        assert!(change.metadata.is_empty());
        assert_eq!(change.removed_metadata, ["a", "user-data"]);
        assert_eq!(change.firewall, None);
    }

    #[test]
    fn an_update_that_another_one_overtook_leaves_nothing_of_either_behind() {
        let first = template(&[("a", "1")], &[], "");
        let second = template(&[("b", "1")], &[], "");
        let third = template(&[("a", "1")], &[], "");
        let change = difference(&[first, second], &third, Tags::new());
        assert_eq!(
            (change.tags, change.removed_tags),
            (Tags::from([("a".to_owned(), "1".into())]), vec!["b".to_owned()])
        );
    }

    #[test]
    fn of_a_machine_that_nothing_is_known_of_everything_is_written() {
        let after = TemplateSpec { firewall_enabled: true, ..template(&[("a", "1")], &[("b", "2")], "boot") };
        let change = difference(&[], &after, Tags::new());
        assert_eq!((change.tags.len(), change.metadata.len(), change.firewall), (1, 2, Some(FirewallState::Enabled)));
    }
}
