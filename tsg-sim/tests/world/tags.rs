//! Tags and metadata: answered at once, seen later.

use std::collections::BTreeMap;

use tsg_sim::world::{ListQuery, MachineId, Scalar, ScalarInput, WriteMode};

use crate::fixture::{KEY, Site, site, text, told};

fn write(site: &mut Site, id: MachineId, mode: WriteMode, tags: &[(&str, ScalarInput)]) -> BTreeMap<String, Scalar> {
    let tags = tags.iter().map(|(key, value)| ((*key).to_owned(), value.clone())).collect();
    site.world.write_tags(&site.caller.clone(), &id.to_string(), mode, tags).unwrap().values
}

fn seen(site: &Site, id: MachineId) -> BTreeMap<String, Scalar> {
    site.world.tags(site.demo, &id.to_string()).unwrap().clone()
}

fn found_by(site: &Site, key: &str, value: &str) -> usize {
    let mut query = ListQuery::default();
    query.tags.insert(key.to_owned(), value.to_owned());
    site.world.list_machines(site.demo, &query).items.len()
}

#[test]
fn a_write_answers_the_new_set_and_gets_and_filters_agree_on_the_old_one() {
    let mut site = site();
    let id = site.placed("web", ("a", "1"), &[]).unwrap();
    site.settle();
    let answered = write(&mut site, id, WriteMode::Merge, &[("b", text("2"))]);
    assert_eq!(answered.len(), 2);
    assert_eq!(seen(&site, id).len(), 1);
    assert_eq!(found_by(&site, "b", "2"), 0);
    site.settle();
    assert_eq!(seen(&site, id), answered);
    assert_eq!(found_by(&site, "b", "2"), 1);
    let answered = write(&mut site, id, WriteMode::Replace, &[("c", text("3"))]);
    assert_eq!(answered.keys().collect::<Vec<_>>(), ["c"]);
    site.settle();
    assert_eq!((found_by(&site, "b", "2"), found_by(&site, "c", "3")), (0, 1));
    assert_eq!(site.audit(id)[..2], ["replace_tags yes", "set_tags yes"]);
}

#[test]
fn two_writes_at_once_lose_one() {
    let mut site = site();
    let id = site.running("web");
    write(&mut site, id, WriteMode::Merge, &[("a", text("1"))]);
    write(&mut site, id, WriteMode::Merge, &[("b", text("2"))]);
    site.settle();
    assert_eq!(seen(&site, id).keys().collect::<Vec<_>>(), ["b"]);
}

#[test]
fn types_are_kept_and_illegal_values_and_keys_are_not() {
    let mut site = site();
    let id = site.running("web");
    let one: ScalarInput = serde_json::from_str("1.0").unwrap();
    let yes: ScalarInput = serde_json::from_str("true").unwrap();
    let answered = write(&mut site, id, WriteMode::Merge, &[("n", one), ("b", yes), ("uuid", text("ignored"))]);
    assert_eq!(serde_json::to_string(&answered).unwrap(), r#"{"b":true,"n":1}"#);
    let caller = site.caller.clone();
    let compound = BTreeMap::from([("x".to_owned(), ScalarInput::Compound)]);
    let refusal = site.world.write_tags(&caller, &id.to_string(), WriteMode::Merge, compound).unwrap_err();
    assert_eq!(told(&refusal), "409 CloudApiError error adding tags: Invalid tag parameters");
}

#[test]
fn single_tags_are_read_and_removed() {
    let mut site = site();
    let id = site.running("web");
    let yes = ScalarInput::Scalar(Scalar::Bool(true));
    write(&mut site, id, WriteMode::Merge, &[("a", text("x")), ("b", yes)]);
    site.settle();
    let (caller, machine) = (site.caller.clone(), id.to_string());
    assert_eq!(site.world.tag(site.demo, &machine, "a").unwrap(), "x");
    assert_eq!(site.world.tag(site.demo, &machine, "b").unwrap(), "", "an upstream defect");
    assert_eq!(
        told(&site.world.tag(site.demo, &machine, "zz").unwrap_err()),
        "404 ResourceNotFound tag \"zz\" not found"
    );
    assert!(site.world.remove_tag(&caller, &machine, "zz").is_err());
    site.world.remove_tag(&caller, &machine, "a").unwrap();
    site.settle();
    assert_eq!(seen(&site, id).keys().collect::<Vec<_>>(), ["b"]);
    site.world.remove_tags(&caller, &machine).unwrap();
    site.settle();
    assert!(seen(&site, id).is_empty());
}

#[test]
fn metadata_keeps_the_keys_whatever_happens() {
    let mut site = site();
    let id = site.running("web").to_string();
    let caller = site.caller.clone();
    let new = [("k", text("v")), ("root_authorized_keys", text("mine")), ("a_pw", text("x"))];
    let new = new.into_iter().map(|(key, value)| (key.to_owned(), value)).collect();
    let written = site.world.write_metadata(&caller, &id, new).unwrap().values;
    assert_eq!(written.keys().collect::<Vec<_>>(), ["k", "root_authorized_keys"]);
    assert!(site.world.metadatum(site.demo, &id, "k").is_err(), "not before the job ends");
    site.settle();
    assert_eq!(site.world.metadatum(site.demo, &id, "k").unwrap(), "v");
    assert_eq!(site.world.metadatum(site.demo, &id, "root_authorized_keys").unwrap(), KEY);
    assert_eq!(site.world.remove_metadatum(&caller, &id, "root_authorized_keys").unwrap_err().status, 409);
    assert_eq!(
        told(&site.world.remove_metadatum(&caller, &id, "zz").unwrap_err()),
        "404 ResourceNotFound metadatum \"zz\" not found"
    );
    site.world.remove_metadata(&caller, &id).unwrap();
    site.settle();
    assert_eq!(site.world.metadata(site.demo, &id).unwrap().keys().collect::<Vec<_>>(), ["root_authorized_keys"]);
}
