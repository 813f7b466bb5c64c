//! The adapter: what the port's calls become on the wire, and what the answers become in the core.

use std::{sync::Arc, time::Duration};

use crate::common::stub::{Step, Stub, answer, json};
use tsg_cloudapi::{
    client::{Client, ClientOptions},
    cloud::ClientCloud,
    signature::{KeyId, LocalSigner},
};
use tsg_core::{
    model::{
        guest::GuestReport,
        id::{DeploymentId, GroupId, ImageId, InstanceId, NetworkId, OperationId, PackageId, TemplateId},
        instance::{Brand, InstanceState, PackageMark},
        name::GroupName,
        nic::Nic,
        tag::{Claim, TagValue},
        template::TemplateSpec,
        time::Timestamp,
    },
    ports::{
        Cloud,
        cloud::{
            Addressing, CloudCode, CloudError, CreateInstance, ErrorKind, FirewallState, InstanceUpdate, Labelling,
            ListFilter, ListPage, Noted, Reach, Tombstones,
        },
    },
    protocol::create::{CreateOutcome, classify_create},
};
use uuid::Uuid;

const ID: Uuid = Uuid::from_u128(0x28faa36c_2031_4632_a819_f7defa1299a3);
const NETWORK: Uuid = Uuid::from_u128(9);

fn cloud_of(stub: &Stub) -> Arc<dyn Cloud> {
    let key = crate::common::vectors().private("ed25519");
    let signer = LocalSigner::new(KeyId::for_account("demo", key.public_key()), &key).unwrap();
    let client = Client::new(ClientOptions::new(&stub.url(), "demo", signer.into())).unwrap();
    Arc::new(ClientCloud::new(&client))
}

fn operation() -> OperationId {
    OperationId::from_bits(42)
}

fn group() -> GroupName {
    "web".parse().unwrap()
}

fn claim() -> Claim {
    Claim {
        manager: DeploymentId::from_bits(1),
        group: GroupId::new(Uuid::from_u128(2)),
        operation: operation(),
        revision: 3,
        sequence: 4,
    }
}

fn create_request() -> CreateInstance {
    CreateInstance {
        name: group().instance_name(operation()),
        template: TemplateSpec {
            name: "t1".parse().unwrap(),
            package: PackageId::new(Uuid::from_u128(5)),
            image: ImageId::new(Uuid::from_u128(6)),
            networks: vec![],
            firewall_enabled: true,
            userdata: "#!/bin/sh".to_owned(),
            metadata: [("k".to_owned(), "v".to_owned())].into(),
            tags: [("n".to_owned(), TagValue::Number(3.0))].into(),
            placement: tsg_core::placement::rule::PlacementSpec::default(),
        },
        claim_tags: claim().tags(&group(), TemplateId::new(Uuid::from_u128(7))),
        affinity: vec!["tsggroup!=~gx".to_owned()],
        signed_at: Timestamp::from_millis(1_767_225_600_000),
    }
}

fn machine(state: &str) -> String {
    let claim = claim();
    let tags: Vec<String> = claim
        .tags(&group(), TemplateId::new(Uuid::from_u128(7)))
        .iter()
        .map(|(key, value)| match value {
            TagValue::Text(text) => format!(r#""{key}":"{text}""#),
            other => panic!("{other:?}"),
        })
        .collect();
    format!(
        r#"{{"id":"{ID}","name":"{}","state":"{state}","image":"{}","tags":{{{},"n":3}},
        "created":"2026-01-01T00:00:00.500Z","primaryIp":"10.0.0.9","nics":[{{"ip":"10.0.0.9","primary":true,"network":"{NETWORK}"}}, {{"ip":null}}],
        "package":"sample-1G","brand":"bhyve","metadata":{{"k":"v","tsg.busy":"true","tsg.scale_in_cost":-2}},
        "compute_node":"44454c4c-5400-1034-8053-b5c04f383432","deletion_protection":true}}"#,
        group().instance_name(operation()),
        Uuid::from_u128(6),
        tags.join(",")
    )
}

fn list(filter: ListFilter) -> ListPage {
    let (labelling, addressing) = (Labelling::Bare, Addressing::Primary);
    ListPage { filter, tombstones: Tombstones::Shown, labelling, addressing, offset: 950, limit: 1000 }
}

#[tokio::test]
async fn a_listed_machine_arrives_whole() {
    let stub = Stub::start([json(200, &format!("[{}]", machine("running")))]).await;
    let page = cloud_of(&stub).list(&list(ListFilter::Operation(operation()))).await.unwrap();
    assert_eq!(page.server_time, Some(Timestamp::from_millis(1_767_225_600_000)));
    let [found] = page.instances[..] else { panic!("{page:?}") };
    assert_eq!(found.id, InstanceId::new(ID));
    assert_eq!(found.state, InstanceState::Running);
    assert_eq!(found.created_at, Timestamp::from_millis(1_767_225_600_500));
    assert_eq!((found.named, found.claim), (Some(operation()), Some(claim())));
    assert_eq!(found.address, Some("10.0.0.9".parse().unwrap()));
    assert_eq!(found.image, ImageId::new(Uuid::from_u128(6)));
    assert!(found.compute_node.is_some() && found.is_protected);
    assert_eq!((found.package, found.brand), (PackageMark::of_name("sample-1G"), Brand::Bhyve));
    let guest = GuestReport { busy: Some(true), scale_in_cost: Some(-2), ..GuestReport::default() };
    assert_eq!(found.guest, guest);
    assert_eq!(
        stub.seen()[0].target,
        format!(
            "/demo/machines?limit=1000&offset=950&tag.tsgop={}&tombstone=true",
            Claim::operation_value(operation())
        )
    );
}

#[tokio::test]
async fn nics_and_labels_come_with_the_page_that_asks_for_them() {
    let nic =
        Nic { instance: InstanceId::new(ID), network: NetworkId::new(NETWORK), address: "10.0.0.9".parse().unwrap() };
    for labelling in [Labelling::Bare, Labelling::Labelled] {
        for (addressing, nics) in [(Addressing::Primary, None), (Addressing::EveryNetwork, Some(vec![nic]))] {
            let stub = Stub::start([json(200, &format!("[{}]", machine("running")))]).await;
            let asked = ListPage { labelling, addressing, ..list(ListFilter::All) };
            let page = cloud_of(&stub).list(&asked).await.unwrap();
            assert_eq!((page.instances.len(), page.nics), (1, nics), "{labelling:?} {addressing:?}");
            assert_eq!(page.labels.is_some(), labelling == Labelling::Labelled);
        }
    }
}

#[tokio::test]
async fn list_filters_become_queries() {
    let stub = Stub::start([json(200, "[]"), json(200, "[]")]).await;
    let cloud = cloud_of(&stub);
    cloud.list(&list(ListFilter::NamePrefix("web-".to_owned()))).await.unwrap();
    let hidden = ListPage { tombstones: Tombstones::Hidden, ..list(ListFilter::All) };
    assert_eq!(cloud.list(&hidden).await.unwrap().instances, []);
    let targets: Vec<String> = stub.seen().into_iter().map(|seen| seen.target).collect();
    assert_eq!(
        targets,
        ["/demo/machines?limit=1000&offset=950&name=web-&tombstone=true", "/demo/machines?limit=1000&offset=950",]
    );
}

#[tokio::test]
async fn a_damaged_page_is_corrupt_and_never_a_shorter_list() {
    let whole = format!("[{},{}]", machine("running"), machine("running"));
    let cut = &whole[..whole.len() - 40];
    for body in [cut, "", "{}", "[null]", "<html>", &whole.replace("\"n\":3", "\"n\":03")] {
        let stub = Stub::start([json(200, body)]).await;
        let error = cloud_of(&stub).list(&list(ListFilter::All)).await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::Corrupt, "{body}");
    }
}

#[tokio::test]
async fn a_create_says_everything_once_and_binds() {
    let stub = Stub::start([json(201, &machine("provisioning"))]).await;
    let reply = cloud_of(&stub).create(&create_request()).await;
    assert_eq!(classify_create(operation(), &reply), CreateOutcome::Bound(InstanceId::new(ID)));
    let seen = &stub.seen()[0];
    assert_eq!(seen.header("date"), Some("Thu, 01 Jan 2026 00:00:00 GMT"));
    let name = group().instance_name(operation());
    for part in [
        format!(r#""name":"{name}""#),
        r#""affinity":["tsggroup!=~gx"]"#.to_owned(),
        r#""firewall_enabled":true"#.to_owned(),
        format!(r#""tag.tsgop":"{}""#, Claim::operation_value(operation())),
        r#""tag.n":3"#.to_owned(),
        r#""metadata.user-data":"#.to_owned(),
        r#""metadata.k":"v""#.to_owned(),
    ] {
        assert!(seen.body.contains(&part), "{part} in {}", seen.body);
    }
}

async fn create_error(step: Step) -> CloudError {
    let stub = Stub::start([step]).await;
    let error = cloud_of(&stub).create(&create_request()).await.unwrap_err();
    assert_eq!(stub.seen().len(), 1);
    error
}

#[tokio::test]
async fn refusals_carry_the_codes_that_the_protocol_decides_by() {
    use CloudCode as C;
    let alias =
        r#"{"code":"ValidationFailed","message":"x","errors":[{"field":"alias","code":"Duplicate","message":"x"}]}"#;
    let table = [
        (
            400,
            r#"{"code":"InvalidHeader","message":"Authorization header invalid: clock skew of 301s was greater than 300s"}"#,
            C::ClockSkew,
        ),
        (401, r#"{"code":"InvalidCredentials","message":"x"}"#, C::InvalidCredentials),
        (403, r#"{"code":"NotAuthorized","message":"Quota exceeded; to have"}"#, C::QuotaExceeded),
        (403, r#"{"code":"NotAuthorized","message":"x"}"#, C::NotAuthorized),
        (404, r#"{"code":"ResourceNotFound","message":"x"}"#, C::ResourceNotFound),
        (409, alias, C::DuplicateName),
        (409, r#"{"code":"ValidationFailed","message":"x"}"#, C::ValidationFailed),
        (409, r#"{"code":"MissingParameter","message":"x"}"#, C::MissingParameter),
        (409, r#"{"code":"InvalidArgument","message":"x"}"#, C::InvalidArgument),
        (409, r#"{"code":"NoAllocatableServersError","message":"x"}"#, C::NoAllocatableServers),
        (409, r#"{"code":"KeyRequired","message":"x"}"#, C::Other),
        (429, "", C::TooManyRequests),
        (500, r#"{"message":"x"}"#, C::Other),
        (503, r#"{"code":"ServiceUnavailableError","message":"x"}"#, C::Maintenance),
        (503, r#"{"code":"ServiceUnavailable","message":"x"}"#, C::Other),
        (503, "<html>", C::Other),
    ];
    for (status, body, code) in table {
        let error = create_error(json(status, body)).await;
        assert_eq!((error.status, error.code), (Some(status), code), "{body}");
        assert_eq!(error.reach, Reach::Answered);
    }
    let body = r#"{"code":"ServiceUnavailableError","message":"x"}"#;
    let error = create_error(Step::Answer(answer(503, &[("retry-after", "20")], body))).await;
    assert_eq!(error.retry_after, Some(Duration::from_secs(20)));
    assert_eq!(create_error(Step::Close).await.reach, Reach::MaybeSent);
}

#[tokio::test]
async fn get_delete_start_and_account_each_make_one_request() {
    let account = format!(r#"{{"id":"{ID}","login":"demo","triton_cns_enabled":true}}"#);
    let script = [
        json(200, &machine("running")),
        json(410, &machine("running")),
        json(204, ""),
        json(410, &machine("deleted")),
        json(202, ""),
        json(200, &account),
        json(429, ""),
    ];
    let stub = Stub::start(script).await;
    let cloud = cloud_of(&stub);
    let id = InstanceId::new(ID);
    assert_eq!(cloud.get(id).await.unwrap().state, InstanceState::Running);
    assert_eq!(cloud.get(id).await.unwrap().state, InstanceState::Deleted);
    cloud.delete(id).await.unwrap();
    cloud.delete(id).await.unwrap();
    cloud.start(id).await.unwrap();
    let profile = cloud.account().await.unwrap();
    assert_eq!((profile.id.uuid(), profile.login.as_str(), profile.has_cns), (ID, "demo", true));
    assert_eq!(cloud.account().await.unwrap_err().kind, ErrorKind::Throttled);
    let seen = stub.seen();
    assert_eq!(seen.len(), 7, "one request for each call, throttled or not");
    assert_eq!(seen[4].body, r#"{"action":"start"}"#);
}

#[tokio::test]
async fn stop_restart_resize_and_package_each_make_one_request() {
    let package = format!(
        r#"{{"id":"{ID}","name":"sample-2G","memory":2048,"disk":51200,"vcpus":1,"default":false,"flexible_disk":true}}"#
    );
    let stub = Stub::start([json(202, ""), json(202, ""), json(202, ""), json(200, &package), json(409, "{}")]).await;
    let cloud = cloud_of(&stub);
    let (id, package) = (InstanceId::new(ID), PackageId::new(ID));
    cloud.stop(id).await.unwrap();
    cloud.restart(id).await.unwrap();
    cloud.resize(id, package).await.unwrap();
    let profile = cloud.package(package).await.unwrap();
    assert_eq!((profile.id, profile.mark), (package, PackageMark::of_name("sample-2G")));
    assert_eq!((profile.memory_mib, profile.disk_mib, profile.has_flexible_disk), (2048, 51200, true));
    assert_eq!(cloud.stop(id).await.unwrap_err().kind, ErrorKind::Conflict);
    let seen: Vec<(String, String)> = stub.seen().into_iter().map(|seen| (seen.target, seen.body)).collect();
    let machine = format!("/demo/machines/{ID}");
    let expected = [
        (machine.clone(), r#"{"action":"stop"}"#.to_owned()),
        (machine.clone(), r#"{"action":"reboot"}"#.to_owned()),
        (machine.clone(), format!(r#"{{"action":"resize","package":"{ID}"}}"#)),
        (format!("/demo/packages/{ID}"), String::new()),
        (machine, r#"{"action":"stop"}"#.to_owned()),
    ];
    assert_eq!(seen, expected);
}

fn whole_update() -> InstanceUpdate {
    InstanceUpdate {
        tags: [("tsgver".to_owned(), "v2".into()), ("n".to_owned(), TagValue::Number(3.0))].into(),
        removed_tags: vec!["old".to_owned()],
        metadata: [("k".to_owned(), "v".to_owned())].into(),
        removed_metadata: vec!["gone/1".to_owned(), "gone2".to_owned()],
        firewall: Some(FirewallState::Disabled),
    }
}

fn missing(what: &str) -> Step {
    json(404, &serde_json::json!({"code": "ResourceNotFound", "message": format!("{what} not found")}).to_string())
}

/// Plays one go of an update; what it came to, and the requests it made.
async fn go(change: &InstanceUpdate, script: Vec<Step>) -> (Result<Noted, CloudError>, Vec<String>) {
    let stub = Stub::start(script).await;
    let outcome = cloud_of(&stub).update(InstanceId::new(ID), change).await;
    let line = |seen: crate::common::stub::Seen| {
        let target = seen.target.replace(&format!("/demo/machines/{ID}"), "");
        format!("{} {target} {}", seen.method, seen.body).trim().to_owned()
    };
    (outcome, stub.seen().into_iter().map(line).collect())
}

#[tokio::test]
async fn an_update_merges_and_never_replaces_and_writes_tags_when_nothing_else_is_left() {
    let change = whole_update();
    let (noted, seen) = go(&change, vec![json(202, ""), missing("metadatum \"gone/1\""), json(204, "")]).await;
    assert_eq!(noted, Ok(Noted::Part));
    let firewall = r#"POST {"action":"disable_firewall"}"#.replace("POST ", "POST  ");
    let removals = ["DELETE /metadata/gone%2F1", "DELETE /metadata/gone2"];
    assert_eq!(seen, [&firewall, removals[0], removals[1]]);

    let script = vec![
        json(202, ""),
        missing("metadatum \"gone/1\""),
        missing("metadatum \"gone2\""),
        json(200, r#"{"k":"v"}"#),
        missing("tag \"old\""),
        json(200, r#"{"n":3,"tsgver":"v2"}"#),
    ];
    let (noted, seen) = go(&change, script).await;
    assert_eq!(noted, Ok(Noted::Whole));
    let expected = [
        firewall.as_str(),
        removals[0],
        removals[1],
        r#"POST /metadata {"k":"v"}"#,
        "DELETE /tags/old",
        r#"POST /tags {"n":3,"tsgver":"v2"}"#,
    ];
    assert_eq!(seen, expected);
    assert_eq!(seen.len(), change.request_count());
}

#[tokio::test]
async fn an_update_ends_at_the_first_failure_and_takes_no_missing_machine_for_a_missing_label() {
    let change = InstanceUpdate { firewall: None, ..whole_update() };
    let table = [
        (missing(&format!("VM {ID}")), ErrorKind::NotFound),
        (json(404, "<html>"), ErrorKind::NotFound),
        (json(410, &machine("deleted")), ErrorKind::NotFound),
        (json(409, r#"{"code":"CloudApiError","message":"error adding tags"}"#), ErrorKind::Conflict),
        (json(503, ""), ErrorKind::Unavailable),
    ];
    for (step, kind) in table {
        let (outcome, seen) = go(&change, vec![step]).await;
        assert_eq!((outcome.unwrap_err().kind, seen.len()), (kind, 1));
    }
    let keyless = InstanceUpdate { removed_tags: vec![String::new()], ..InstanceUpdate::default() };
    let (outcome, seen) = go(&keyless, vec![]).await;
    assert_eq!((outcome.unwrap_err().reach, seen.len()), (Reach::NotSent, 0), "it would remove all of them");
    assert_eq!(go(&InstanceUpdate::default(), vec![]).await.0, Ok(Noted::Whole));
}
