//! Account, data centres and keys.

use serde_json::json;

use crate::support::keys::ring;
use crate::triton::{Triton, names, site};

#[tokio::test(flavor = "multi_thread")]
async fn every_key_type_signs_in() {
    let site = site().await;
    let keys = ring();
    for key in [&keys.rsa, &keys.ecdsa, &keys.ed25519] {
        let info = Triton::with_key(&site, key).json(&["info", "-j"]).await;
        assert_eq!((info["login"].as_str(), info["totalInstances"].as_u64()), (Some("demo"), Some(0)), "{info}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_account_and_its_data_centre_are_shown() {
    let site = site().await;
    let triton = Triton::demo(&site);
    let account = triton.json(&["account", "get", "-j"]).await;
    assert_eq!((account["login"].as_str(), account["triton_cns_enabled"].as_bool()), (Some("demo"), Some(true)));
    let id = site.server.with_world(|world| world.find_account("demo").unwrap().id.to_string());
    assert_eq!(account["id"], id.as_str());
    let name = site.server.with_world(|world| world.datacenter().to_owned());
    let url = site.server.url();
    assert_eq!(triton.json(&["datacenters", "-j"]).await, json!({ name: url }));
    assert_eq!(triton.json(&["services", "-j"]).await, json!({ "cloudapi": url }));
    let ping = triton.json(&["cloudapi", "/--ping"]).await;
    assert_eq!(ping["ping"], "pong");
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_are_added_listed_and_deleted() {
    let site = site().await;
    let (triton, stranger) = (Triton::demo(&site), &ring().stranger);
    let file = triton.file("new.pub", &stranger.public);
    let added = triton.ok(&["key", "add", "-n", "fresh", &file]).await;
    assert_eq!(added.trim(), format!("Added key \"fresh\" ({})", stranger.md5));
    let listed = triton.lines(&["key", "list", "-j"]).await;
    assert_eq!(names(&listed), ["ecdsa", "ed25519", "fresh", "rsa"]);
    let (_, again) = triton.refused(&["key", "add", "-n", "fresh", &file]).await;
    assert!(again.contains("key already exists or is invalid"), "{again}");
    Triton::with_key(&site, stranger).ok(&["account", "get"]).await;
    assert_eq!(triton.json(&["key", "get", "fresh", "-j"]).await["fingerprint"], stranger.md5.as_str());
    triton.ok(&["key", "delete", "-f", "fresh"]).await;
    assert_eq!(names(&triton.lines(&["key", "list", "-j"]).await), ["ecdsa", "ed25519", "rsa"]);
}
