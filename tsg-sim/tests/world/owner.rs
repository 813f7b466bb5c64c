//! Accounts, keys, configuration, catalogue and firewall rules.

use tsg_sim::world::{AccountId, Quota, Switch};

use crate::fixture::{KEY, params, site, told};

#[test]
fn accounts_are_found_by_exact_login_or_uuid() {
    let site = site();
    let id = site.demo.to_string();
    assert_eq!(site.world.find_account("demo").map(|account| account.id), Some(site.demo));
    assert_eq!(site.world.find_account(&id).map(|account| account.id), Some(site.demo));
    for unknown in ["Demo", "", &id.to_uppercase()] {
        assert!(site.world.find_account(unknown).is_none(), "{unknown}");
    }
    assert!(site.world.account(AccountId::parse("11111111-1111-4111-8111-111111111111").unwrap()).is_none());
}

#[test]
fn an_account_is_read_and_updated() {
    let mut site = site();
    let view = site.world.update_account(site.demo, &params(&[("phone", "1"), ("login", "evil")])).unwrap();
    let json = serde_json::to_value(&view).unwrap();
    assert_eq!((&json["phone"], &json["login"]), (&"1".into(), &"demo".into()));
    assert_eq!(json["triton_cns_enabled"], true);
    assert_eq!(json["created"], "2026-01-01T00:00:00.000Z");
    let refusal = site.world.update_account(site.demo, &params(&[("triton_cns_enabled", "yes")])).unwrap_err();
    assert_eq!(told(&refusal), "409 InvalidArgument triton_cns_enabled must be either \"true\" or \"false\"");
}

#[test]
fn keys_are_unique_by_name_and_by_fingerprint() {
    let mut site = site();
    let fingerprint = "a5:49:7e:12:cc:25:f0:48:33:06:32:7a:de:b1:ba:d6";
    let mut add = |key, name| told(&site.world.add_key(site.demo, key, name).unwrap_err());
    assert_eq!(add(None, None), "409 MissingParameter key is a required argument");
    assert_eq!(add(Some("ssh-rsa x"), None), "409 InvalidArgument key is invalid");
    assert_eq!(add(Some(KEY), Some("again")), "409 InvalidArgument key already exists or is invalid");
    assert_eq!(site.world.key(site.demo, fingerprint).unwrap().name, "laptop");
    assert_eq!(told(&site.world.remove_key(site.demo, "zz").unwrap_err()), "404 ResourceNotFound zz does not exist");
    site.world.remove_key(site.demo, fingerprint).unwrap();
    assert!(site.world.keys(site.demo).unwrap().is_empty());
}

#[test]
fn limits_show_what_is_used() {
    let mut site = site();
    assert!(site.world.limits(site.demo).unwrap().is_empty());
    site.running("web");
    site.world.set_quota(site.demo, Quota { machines: Some(2), memory_mib: Some(4_096), disk_mib: None });
    let limits = site.world.limits(site.demo).unwrap();
    let shown: Vec<_> = limits.iter().map(|limit| (limit.by, limit.value, limit.used)).collect();
    assert_eq!(shown, [("machines", 2, 1), ("ram", 4_096, 1_024)]);
}

#[test]
fn the_default_network_must_exist() {
    let mut site = site();
    let theirs = site.world.config(site.other).unwrap().default_network.unwrap().to_string();
    for (network, expected) in [
        (None, "is missing and it is required"),
        (Some("x"), "must be a UUID"),
        (Some(theirs.as_str()), "unknown network"),
    ] {
        let refusal = site.world.set_default_network(site.demo, network).unwrap_err();
        assert_eq!(refusal.status, 409);
        assert!(refusal.errors[0].message.as_ref().unwrap().contains(expected), "{refusal:?}");
    }
    let own = site.world.config(site.demo).unwrap().default_network.unwrap().to_string();
    assert!(site.world.set_default_network(site.demo, Some(&own)).is_ok());
}

#[test]
fn images_and_packages_are_filtered_and_looked_up() {
    let site = site();
    let images = site.world.images(site.demo, &params(&[("name", "base-64-lts")]));
    assert_eq!(images.len(), 2);
    assert_eq!(site.world.newest_image("base-64-lts").unwrap().version, "23.4.0");
    assert_eq!(site.world.images(site.demo, &params(&[("os", "linux"), ("type", "zvol")])).len(), 1);
    assert_eq!(
        told(&site.world.image(site.demo, "base-64-lts").unwrap_err()),
        "404 ResourceNotFound base-64-lts not found"
    );
    assert_eq!(images[0].published_at.len(), "2026-01-01T00:00:00Z".len());
    let package = site.world.package("sample-1G").unwrap();
    assert_eq!((package.memory, package.disk), (1_024, 25_600));
    assert_eq!(site.world.package(&package.id.to_string()).unwrap(), package);
    assert_eq!(site.world.packages(&params(&[("memory", "1024")])).len(), 1);
}

#[test]
fn firewall_rules_are_kept_switched_and_matched() {
    let mut site = site();
    let id = site.placed("web", ("role", "web"), &[]).unwrap();
    let mut create = |rule: &str| site.world.create_firewall_rule(site.demo, &params(&[("rule", rule)]));
    assert_eq!(create("nonsense").unwrap_err().status, 422);
    let rule = create("FROM any TO tag role = web ALLOW tcp PORT 80").unwrap();
    let other = create("FROM any TO tag role = db ALLOW tcp PORT 80").unwrap();
    assert!(!rule.enabled);
    let rule_id = rule.id.to_string();
    assert!(site.world.set_firewall_rule(site.demo, &rule_id, Switch::On).unwrap().enabled);
    let machines = site.world.machines_of_rule(site.demo, &rule_id).unwrap();
    assert_eq!(machines.iter().map(|machine| machine.id).collect::<Vec<_>>(), [id]);
    let rules = site.world.rules_of_machine(site.demo, &id.to_string()).unwrap();
    assert_eq!(rules.iter().map(|rule| rule.id).collect::<Vec<_>>(), [rule.id]);
    assert!(site.world.firewall_rule(site.other, &rule_id).is_err());
    site.world.delete_firewall_rule(site.demo, &rule_id).unwrap();
    assert_eq!(site.world.firewall_rules(site.demo), [other]);
}
