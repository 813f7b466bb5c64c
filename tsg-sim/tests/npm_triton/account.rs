//! Account, data centres and keys.

use crate::support::keys::ring;
use crate::triton::{Triton, names, site};

#[tokio::test(flavor = "multi_thread")]
async fn every_key_type_signs_in() {
    let site = site().await;
    let keys = ring();
    for key in [&keys.rsa, &keys.ecdsa, &keys.ed25519] {
        let info = Triton::with_key(&site, key).json(&["info", "-j"]).await;
        assert_eq!((info["login"].as_str(), info["totalInsts"].as_u64()), (Some("demo"), Some(0)), "{info}");
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
    let datacenters = triton.lines(&["datacenters", "-j"]).await;
    assert_eq!(datacenters[0]["name"], name.as_str());
    assert_eq!(datacenters[0]["url"], site.server.url().as_str());
    let services = triton.lines(&["services", "-j"]).await;
    assert!(services.iter().any(|service| service["name"] == "cloudapi"), "{services:?}");
    let ping = triton.json(&["cloudapi", "/--ping"]).await;
    assert_eq!(ping["ping"], "pong");
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_are_added_listed_and_deleted() {
    let site = site().await;
    let (triton, stranger) = (Triton::demo(&site), &ring().stranger);
    let file = triton.file("new.pub", &stranger.public);
    let added = triton.json(&["key", "add", "-n", "fresh", "-j", &file]).await;
    assert_eq!((added["name"].as_str(), added["fingerprint"].as_str()), (Some("fresh"), Some(stranger.md5.as_str())));
    let listed = triton.lines(&["key", "list", "-j"]).await;
    assert_eq!(names(&listed), ["ecdsa", "ed25519", "fresh", "rsa"]);
    let (_, again) = triton.refused(&["key", "add", "-n", "fresh", &file]).await;
    assert!(again.contains("key already exists or is invalid"), "{again}");
    Triton::with_key(&site, stranger).ok(&["account", "get"]).await;
    assert_eq!(triton.json(&["key", "get", "fresh", "-j"]).await["fingerprint"], stranger.md5.as_str());
    triton.ok(&["key", "delete", "-f", "fresh"]).await;
    assert_eq!(names(&triton.lines(&["key", "list", "-j"]).await), ["ecdsa", "ed25519", "rsa"]);
}
