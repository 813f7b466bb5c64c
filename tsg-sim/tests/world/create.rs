//! Creating: the object answered, every check, and their order.

use tsg_sim::world::{
    CreateMachine, Detail, Fault, FaultRule, Image, ImageState, Locality, MachineState, NetworkRequest, Quota,
    ScalarInput, Standing,
};

use crate::fixture::{Site, params, site, text, told};

/// One thing wrong with a create: how to make it so, and what is answered.
type Defect = (fn(&mut Site, &mut CreateMachine), &'static str);

/// In the order of the checks, one for each stage.
const DEFECTS: [Defect; 13] = [
    (|_, request| request.image = None, "409 MissingParameter image must be specified"),
    (|_, request| request.package = Some("nope".into()), "409 InvalidArgument nope is not a valid package"),
    (
        |site, _| site.world.remove_key(site.demo, "laptop").unwrap(),
        "409 KeyRequired At least one SSH key is required to provision",
    ),
    (
        |site, _| site.world.set_account_standing(site.demo, Standing::Unapproved),
        "409 InvalidArgument User is not currently approved for provisioning",
    ),
    (|_, request| request.brand = Some("zen".into()), "409 InvalidArgument Unknown brand zen"),
    (
        |_, request| request.name = Some(format!("{:x<64}", request.name.take().unwrap())),
        "409 InvalidArgument Name cannot be longer than 63 characters, because you have triton_cns_enabled set on your Account.",
    ),
    (
        |_, request| {
            let unknown = "11111111-1111-4111-8111-111111111111";
            request.networks = Some(vec![NetworkRequest::any_address(unknown)]);
        },
        "409 InvalidArgument Invalid Networks",
    ),
    (
        |site, _| site.world.set_quota(site.demo, Quota { machines: Some(0), ..Quota::default() }),
        "403 NotAuthorized Quota exceeded; to have your limits raised please contact Support",
    ),
    (
        |_, request| request.affinity.insert(0, "foo".into()),
        "409 InvalidArgument could not find operator in affinity rule: expected one of \"==\", \"!=\": 'foo'",
    ),
    (
        |_, request| {
            request.affinity.push("role!=~x".into());
            request.locality = Some(Locality::default());
        },
        "409 InvalidArgument Cannot specify both \"affinity\" and \"locality\"",
    ),
    (
        |_, request| request.name = Some(format!("-{}", request.name.take().unwrap())),
        "409 ValidationFailed Invalid VM parameters: Invalid machine name",
    ),
    (
        |_, request| {
            request.tags.insert("a".into(), ScalarInput::Compound);
        },
        "409 ValidationFailed Invalid VM parameters: Invalid tags",
    ),
    (
        |site, _| {
            site.world.switch_fault(Fault::NoCapacity.into()).unwrap();
        },
        "409 NoAllocatableServersError No compute resources available: No servers found with enough free memory and disk",
    ),
];

fn answer_with(defects: &[&Defect]) -> String {
    let mut site = site();
    let mut request = site.request("web");
    for (spoil, _) in defects {
        spoil(&mut site, &mut request);
    }
    let answer = told(&site.create(request).unwrap_err());
    assert_eq!(site.world.live_machines(site.demo).count(), 0, "no record remains");
    answer
}

#[test]
fn each_check_alone_gives_its_refusal() {
    for defect in &DEFECTS {
        assert_eq!(answer_with(&[defect]), defect.1);
    }
}

#[test]
fn of_two_defects_the_earlier_check_answers() {
    for (place, earlier) in DEFECTS.iter().enumerate() {
        for later in &DEFECTS[place + 1..] {
            assert_eq!(answer_with(&[later, earlier]), earlier.1, "together with {:?}", later.1);
        }
    }
}

#[test]
fn the_answer_is_an_unconfigured_machine_that_is_visible_at_once() {
    let mut site = site();
    let request = site.request("web");
    let id = site.create(request).unwrap();
    let view = site.json(id, Detail::Listed);
    assert_eq!(view["state"], "provisioning");
    assert_eq!(view["ips"], serde_json::json!([]));
    assert_eq!(view["networks"], serde_json::json!([]));
    assert_eq!(view["package"], "");
    assert!(view.get("nics").is_none() && view.get("primaryIp").is_none() && view.get("dns_names").is_none());
    assert_eq!(view["compute_node"], site.server(id).to_string());
    assert_eq!(site.get(id).unwrap().state, MachineState::Provisioning);
    let page = site.world.list_machines(site.demo, &tsg_sim::world::ListQuery::default());
    assert_eq!(page.items.iter().map(|machine| machine.id).collect::<Vec<_>>(), [id]);
}

#[test]
fn a_running_machine_shows_everything_clients_need() {
    let mut site = site();
    let id = site.running("web");
    let view = site.json(id, Detail::Single);
    for field in ["id", "name", "type", "brand", "state", "image", "package", "memory", "disk", "ips", "metadata"] {
        assert!(!view[field].is_null(), "{field}");
    }
    assert_eq!(view["package"], "sample-1G");
    assert_eq!((&view["type"], &view["brand"]), (&"smartmachine".into(), &"joyent".into()));
    let nics = view["nics"].as_array().unwrap();
    assert_eq!(nics.len(), 2, "external and internal");
    assert_eq!(nics[0]["primary"], true);
    assert_eq!(nics[0]["ip"], view["primaryIp"]);
    assert!(nics[0]["ip"].as_str().unwrap().starts_with("127."));
    assert_eq!(nics[0]["netmask"], "255.240.0.0");
    assert!(nics[0].get("state").is_none());
    let names: Vec<&str> = view["dns_names"].as_array().unwrap().iter().map(|name| name.as_str().unwrap()).collect();
    assert!(names.contains(&format!("web.inst.{}.us-sim-1.cns.sim.example", site.demo).as_str()), "{names:?}");
    assert!(site.json(id, Detail::Listed).get("dns_names").is_none());
}

#[test]
fn images_and_packages_are_refused_by_kind_of_fault() {
    let mut site = site();
    let retired = Image { state: ImageState::Disabled, ..site.world.newest_image("base-64-lts").unwrap().clone() };
    let retired_id = retired.id.to_string();
    let unknown = "11111111-1111-4111-8111-111111111111";
    let lx = site.world.newest_image("debian-12").unwrap().id.to_string();
    site.world.put_image(retired);
    let idle = site.world.package("sample-2G").unwrap().clone();
    site.world.put_package(tsg_sim::world::Package { active: false, ..idle.clone() });
    let table: [(&str, &str, &str); 7] = [
        ("nope", "sample-1G", "409 InvalidArgument nope is not a valid image"),
        (unknown, "sample-1G", &format!("404 ResourceNotFound {unknown} not found")),
        (&retired_id, "sample-1G", &format!("409 InvalidArgument image {retired_id} is not active")),
        (&lx, unknown, &format!("404 ResourceNotFound Package {unknown} does not exist")),
        (&lx, "sample-2G", "409 InvalidArgument sample-2G is not a valid package"),
        (
            &lx,
            &idle.id.to_string(),
            &format!("409 InvalidArgument {} is inactive. Must use an active package", idle.id),
        ),
        (&lx, "sample-128M", "409 InvalidArgument Specified package memory 128 does not fit the image's limit of 256"),
    ];
    for (image, package, expected) in table {
        let request =
            CreateMachine { image: Some(image.to_owned()), package: Some(package.to_owned()), ..site.request("web") };
        assert_eq!(told(&site.create(request).unwrap_err()), expected);
    }
}

#[test]
fn names_follow_the_rules_and_short_ids_expand() {
    let mut site = site();
    let mut named = |name: &str| {
        let request = site.request(name);
        site.create(request).map(|id| (id, site.get(id).unwrap().name.clone()))
    };
    let (id, name) = named("x-{{shortId}}-{{shortId}}").unwrap();
    let short = &id.to_string()[..8];
    assert_eq!(name, format!("x-{short}-{short}"));
    let (id, name) = named("").unwrap();
    assert_eq!(name, id.to_string()[..8]);
    for bad in ["-x", "a b", "é", ".x", "a/b"] {
        let refusal = named(bad).unwrap_err();
        assert_eq!(told(&refusal), "409 ValidationFailed Invalid VM parameters: Invalid machine name", "{bad}");
        assert_eq!((refusal.errors[0].field.as_str(), refusal.errors[0].code), ("alias", "Invalid"));
    }
    assert!(named(&"n".repeat(63)).is_ok());
    assert_eq!(named(&"n".repeat(64)).unwrap_err().code, Some("InvalidArgument"));
    site.world.update_account(site.demo, &params(&[("triton_cns_enabled", "false")])).unwrap();
    for (length, is_fine) in [(64, true), (189, true), (190, false)] {
        let request = site.request(&"n".repeat(length));
        assert_eq!(site.create(request).is_ok(), is_fine, "{length}");
    }
}

#[test]
fn a_name_is_unique_among_active_machines_and_free_again_afterwards() {
    let mut site = site();
    let id = site.running("web");
    let again = |site: &mut Site| {
        let request = site.request("web");
        site.create(request)
    };
    let refusal = again(&mut site).unwrap_err();
    assert_eq!(refusal.code, Some("ValidationFailed"));
    assert_eq!((refusal.errors[0].field.as_str(), refusal.errors[0].code), ("alias", "Duplicate"));
    site.world.delete_machine(&site.caller.clone(), &id.to_string()).unwrap();
    assert!(again(&mut site).is_err(), "taken while the delete runs");
    site.settle();
    site.world.switch_fault(FaultRule::times(Fault::FailProvision, 1)).unwrap();
    let failing = again(&mut site).unwrap();
    assert!(again(&mut site).is_err(), "taken while provisioning");
    site.settle();
    assert_eq!(site.state(failing), MachineState::Failed);
    assert!(again(&mut site).is_ok(), "free after a failure");
}

#[test]
fn two_creates_in_flight_may_get_one_name_only_when_the_race_is_on() {
    for (is_race_on, expected) in [(false, 1), (true, 2)] {
        let mut site = site();
        if is_race_on {
            site.world.switch_fault(Fault::NameRace.into()).unwrap();
        }
        let tickets: Vec<_> = (0..2)
            .map(|_| {
                let request = site.request("web");
                site.world.submit_create(&site.caller.clone(), request).unwrap()
            })
            .collect();
        site.wait(1_000);
        let made = tickets.iter().filter(|ticket| site.world.take_created(ticket.id).unwrap().is_ok()).count();
        assert_eq!(made, expected);
        assert_eq!(site.world.live_machines(site.demo).filter(|machine| machine.name == "web").count(), expected);
    }
}

#[test]
fn keys_go_into_the_metadata_and_passwords_do_not() {
    let mut site = site();
    let mut request = site.request("web");
    request.metadata.insert("user-data".into(), text("hello"));
    request.metadata.insert("x_pw".into(), text("secret"));
    let id = site.create(request).unwrap();
    let metadata = &site.json(id, Detail::Listed)["metadata"];
    assert_eq!(metadata["root_authorized_keys"], crate::fixture::KEY);
    assert_eq!(metadata["user-data"], "hello");
    assert!(metadata.get("x_pw").is_none());
}

#[test]
fn special_tags_are_checked() {
    let mut site = site();
    for (key, value, expected) in [
        ("triton.foo", text("x"), "Unrecognized special triton tag \"triton.foo\""),
        (
            "triton.cns.disable",
            text("true"),
            "Triton tag \"triton.cns.disable\" value must be a boolean: \"true\" (string)",
        ),
        ("sdc_docker", text("x"), "Special tag \"sdc_docker\" not supported"),
    ] {
        let mut request = site.request("web");
        request.tags.insert(key.into(), value);
        let refusal = site.create(request).unwrap_err();
        assert_eq!(refusal.errors[0].message.as_deref(), Some(expected));
    }
}

#[test]
fn locality_without_affinity_is_accepted_and_obeyed() {
    let mut site = site();
    let first = site.running("first");
    let mut request = site.request("apart");
    request.locality = Some(Locality { strict: true, far: vec![first.to_string()], ..Locality::default() });
    let apart = site.create(request).unwrap();
    assert_ne!(site.server(apart), site.server(first));
    let mut request = site.request("near");
    request.locality = Some(Locality { strict: true, near: vec![first.to_string()], ..Locality::default() });
    let near = site.create(request).unwrap();
    assert_eq!(site.server(near), site.server(first));
    let mut request = site.request("plain");
    request.locality = Some(Locality::default());
    assert!(site.create(request).is_ok());
}
