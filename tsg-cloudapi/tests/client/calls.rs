//! What the client puts on the wire for each call, and how it reads the answers that belong to it.

use std::sync::Arc;

use crate::common::stub::{Seen, Step, Stub, json};
use jiff::Timestamp;
use tsg_cloudapi::{
    client::{
        Client, ClientError, ClientOptions, DeleteOutcome, FoundMachine, MachineAction, MachineQuery, NameMatch,
        ReadRetries, TombstoneMachines,
    },
    signature::{
        HttpDate, KeyId, LocalSigner, PublicKey,
        verify::{self, RequestToVerify},
    },
    wire::{AuditAction, CreateMachine, LabelValue, MachineState},
};
use tsg_core::ports::cloud::ErrorKind;
use uuid::Uuid;

const ID: Uuid = Uuid::from_u128(0x28faa36c_2031_4632_a819_f7defa1299a3);
const NOW: i64 = 1_767_225_600;

fn client_of(stub: &Stub) -> Client {
    let key = crate::common::vectors().private("ed25519");
    let signer = LocalSigner::new(KeyId::for_account("demo", key.public_key()), &key).unwrap();
    let options = ClientOptions::new(&stub.url(), "demo", signer.into())
        .with_read_retries(ReadRetries::NEVER)
        .with_wall_clock(|| Timestamp::from_second(NOW).unwrap());
    Client::new(options).unwrap()
}

fn public_key() -> PublicKey {
    crate::common::vectors().public("ed25519")
}

fn verify_signature(seen: &Seen, now: i64) {
    let pairs: Vec<(&str, &str)> = seen.headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let headers = crate::common::headers(&pairs);
    let request = RequestToVerify { method: &seen.method, target: &seen.target, headers: &headers };
    let parsed = verify::parse(&request, Timestamp::from_second(now).unwrap()).unwrap();
    assert_eq!(parsed.covered(), ["(request-target)", "date"]);
    verify::check(&parsed, &public_key()).unwrap();
}

fn machine(id: Uuid, name: &str, state: &str) -> String {
    format!(
        r#"{{"id":"{id}","name":"{name}","type":"smartmachine","brand":"joyent","state":"{state}",
        "image":"2b683a82-a066-11e3-97ab-2faa44701c5a","ips":["10.0.0.1"],"memory":null,"disk":25600,
        "metadata":{{"root_authorized_keys":"ssh-rsa x"}},"tags":{{"n":3,"b":true,"role":"web"}},
        "created":"2026-01-01T00:00:00.000Z","updated":"2026-01-01T00:00:00.000Z","networks":[],
        "primaryIp":"10.0.0.1","compute_node":"44454c4c-5400-1034-8053-b5c04f383432",
        "package":"sample-1G","a_field_of_the_future":[{{"x":1}}]}}"#
    )
}

async fn one_call<T, F>(step: Step, call: impl FnOnce(Client) -> F) -> (Result<T, ClientError>, Seen)
where
    F: Future<Output = Result<T, ClientError>>,
{
    let stub = Stub::start([step]).await;
    let result = call(client_of(&stub)).await;
    let seen = stub.seen();
    assert_eq!(seen.len(), 1, "exactly one request");
    (result, seen[0].clone())
}

#[tokio::test]
async fn every_request_is_dated_signed_and_names_its_versions() {
    let body = r#"{"id":"28faa36c-2031-4632-a819-f7defa1299a3","login":"demo","email":"x@y",
        "triton_cns_enabled":true,"updated":"2026-01-01T00:00:00.000Z"}"#;
    let (account, seen) = one_call(json(200, body), async |client| client.account().await).await;
    let account = account.unwrap();
    assert_eq!((account.id, account.login.as_str(), account.triton_cns_enabled), (ID, "demo", true));
    assert_eq!((seen.method.as_str(), seen.target.as_str()), ("GET", "/demo"));
    assert_eq!(seen.header("date"), Some("Thu, 01 Jan 2026 00:00:00 GMT"));
    assert_eq!(seen.header("accept-version"), Some("~9||~8"));
    assert_eq!(seen.header("accept"), Some("application/json"));
    assert!(seen.header("user-agent").unwrap().starts_with("tsg/"));
    assert_eq!(seen.header("x-date"), None);
    assert_eq!(seen.header("content-type"), None);
    verify_signature(&seen, NOW);
}

#[tokio::test]
async fn a_create_carries_the_date_it_was_given_and_a_flat_body() {
    let request = CreateMachine {
        name: "web-1".to_owned(),
        image: Uuid::from_u128(1),
        package: Uuid::from_u128(2),
        networks: vec![],
        affinity: vec![],
        firewall_enabled: false,
        deletion_protection: false,
        tags: [("role".to_owned(), "web".into()), ("n".to_owned(), LabelValue::Number(1.0))].into(),
        metadata: [("user-data".to_owned(), "x".into())].into(),
    };
    let fixed = NOW - 200;
    let date = HttpDate::from_timestamp(Timestamp::from_second(fixed).unwrap());
    let step = json(201, &machine(ID, "web-1", "provisioning"));
    let (made, seen) = one_call(step, async |client| client.create_machine(&request, date).await).await;
    let made = made.unwrap();
    assert_eq!((made.id, made.state), (ID, MachineState::Provisioning));
    assert_eq!((seen.method.as_str(), seen.target.as_str()), ("POST", "/demo/machines"));
    assert_eq!(seen.header("date"), Some("Wed, 31 Dec 2025 23:56:40 GMT"));
    assert_eq!(seen.header("content-type"), Some("application/json"));
    verify_signature(&seen, fixed);
    assert!(seen.body.contains(r#""tag.n":1,"tag.role":"web","metadata.user-data":"x""#), "{}", seen.body);
    assert!(!seen.body.contains("networks"), "{}", seen.body);
}

#[tokio::test]
async fn a_machine_is_present_deleted_unknown_or_not_believed() {
    let get = async |client: Client| client.machine(ID).await;
    let (found, seen) = one_call(json(200, &machine(ID, "web-1", "running")), get).await;
    assert_eq!(seen.target, format!("/demo/machines/{ID}"));
    let Ok(FoundMachine::Present(machine_found)) = found else { panic!("{found:?}") };
    assert_eq!(machine_found.memory, None);
    assert_eq!(machine_found.tags["n"], LabelValue::Number(3.0));
    assert_eq!(machine_found.nics.len(), 0);

    let (found, _) = one_call(json(410, &machine(ID, "web-1", "deleted")), get).await;
    assert!(matches!(found, Ok(FoundMachine::Deleted(_))), "{found:?}");

    let (found, _) = one_call(json(200, &machine(ID, "web-1", "levitating")), get).await;
    assert_eq!(found.unwrap().machine().state, MachineState::Unknown);

    let not_found = r#"{"code":"ResourceNotFound","message":"VM x not found"}"#;
    let (found, _) = one_call(json(404, not_found), get).await;
    assert_eq!(found.unwrap_err().kind(), ErrorKind::NotFound);

    let unbelievable = [
        json(200, &machine(Uuid::from_u128(7), "other", "running")),
        json(410, &machine(Uuid::from_u128(7), "other", "deleted")),
        json(410, "<html>Gone</html>"),
        json(200, r#"{"name":"without an id"}"#),
        json(200, ""),
        json(204, ""),
    ];
    for step in unbelievable {
        let (found, _) = one_call(step, get).await;
        assert_eq!(found.unwrap_err().kind(), ErrorKind::Corrupt);
    }
}

#[tokio::test]
async fn a_delete_is_accepted_done_already_or_refused() {
    let delete = async |client: Client| client.delete_machine(ID).await;
    let (outcome, seen) = one_call(json(204, ""), delete).await;
    assert_eq!(outcome.unwrap(), DeleteOutcome::Accepted);
    assert_eq!((seen.method, seen.target), ("DELETE".to_owned(), format!("/demo/machines/{ID}")));
    let (outcome, _) = one_call(json(410, &machine(ID, "web-1", "deleted")), delete).await;
    assert_eq!(outcome.unwrap(), DeleteOutcome::AlreadyDeleted);
    let protected = r#"{"code":"CannotDestroyMachineError","message":"no"}"#;
    let (outcome, _) = one_call(json(409, protected), delete).await;
    assert_eq!(outcome.unwrap_err().kind(), ErrorKind::Conflict);
}

#[tokio::test]
async fn actions_labels_and_keys_go_to_their_places() {
    type Outcome = Result<(), ClientError>;
    type Request = Box<dyn Fn(Client) -> std::pin::Pin<Box<dyn Future<Output = Outcome>>>>;
    fn request<F: Future<Output = Outcome> + 'static>(call: impl Fn(Client) -> F + 'static) -> Request {
        Box::new(move |client| Box::pin(call(client)))
    }
    fn action(action: MachineAction) -> Request {
        let action = Arc::new(action);
        request(move |client| {
            let action = Arc::clone(&action);
            async move { client.act(ID, &action).await }
        })
    }
    let at = |tail: &str| format!("/demo/machines/{ID}{tail}");
    let labels = || [("a".to_owned(), LabelValue::Bool(true))].into();
    let table: Vec<(Request, &str, String, &str)> = vec![
        (action(MachineAction::Start), "POST", at(""), r#"{"action":"start"}"#),
        (action(MachineAction::Stop), "POST", at(""), r#"{"action":"stop"}"#),
        (action(MachineAction::Reboot), "POST", at(""), r#"{"action":"reboot"}"#),
        (action(MachineAction::Rename { name: "b".to_owned() }), "POST", at(""), r#"{"action":"rename","name":"b"}"#),
        (action(MachineAction::EnableDeletionProtection), "POST", at(""), r#"{"action":"enable_deletion_protection"}"#),
        (
            action(MachineAction::DisableDeletionProtection),
            "POST",
            at(""),
            r#"{"action":"disable_deletion_protection"}"#,
        ),
        (request(|c| async move { c.tags(ID).await.map(drop) }), "GET", at("/tags"), ""),
        (
            request(move |c| async move { c.add_tags(ID, &labels()).await.map(drop) }),
            "POST",
            at("/tags"),
            r#"{"a":true}"#,
        ),
        (
            request(move |c| async move { c.replace_tags(ID, &labels()).await.map(drop) }),
            "PUT",
            at("/tags"),
            r#"{"a":true}"#,
        ),
        (request(|c| async move { c.delete_tag(ID, "a/b").await }), "DELETE", at("/tags/a%2Fb"), ""),
        (request(|c| async move { c.metadata(ID).await.map(drop) }), "GET", at("/metadata"), ""),
        (
            request(move |c| async move { c.add_metadata(ID, &labels()).await.map(drop) }),
            "POST",
            at("/metadata"),
            r#"{"a":true}"#,
        ),
        (request(|c| async move { c.delete_metadata(ID, "k").await }), "DELETE", at("/metadata/k"), ""),
        (
            request(|c| async move { c.delete_key("my laptop").await }),
            "DELETE",
            "/demo/keys/my%20laptop".to_owned(),
            "",
        ),
        (request(|c| async move { c.datacenters().await.map(drop) }), "GET", "/demo/datacenters".to_owned(), ""),
        (request(|c| async move { c.services().await.map(drop) }), "GET", "/demo/services".to_owned(), ""),
    ];
    for (call, method, target, body) in table {
        let (outcome, seen) = one_call(json(200, "{}"), call).await;
        outcome.unwrap_or_else(|error| panic!("{method} {target}: {error}"));
        assert_eq!((seen.method.as_str(), seen.target.as_str(), seen.body.as_str()), (method, target.as_str(), body));
        verify_signature(&seen, NOW);
    }
}

#[tokio::test]
async fn keys_catalogue_and_audit_are_read() {
    let key = public_key();
    let stored = format!(r#"{{"name":"tsg","fingerprint":"{}","key":"{}"}}"#, key.fingerprint_md5(), key.to_openssh());
    let (added, seen) = one_call(json(201, &stored), async |client| client.add_key("tsg", &key).await).await;
    assert_eq!(added.unwrap().fingerprint, key.fingerprint_md5());
    assert_eq!((seen.method.as_str(), seen.target.as_str()), ("POST", "/demo/keys"));
    assert!(seen.body.starts_with(r#"{"name":"tsg","key":"ssh-ed25519 "#), "{}", seen.body);

    let (keys, _) = one_call(json(200, &format!("[{stored}]")), async |client| client.keys().await).await;
    assert_eq!(PublicKey::from_openssh(&keys.unwrap()[0].key).unwrap(), key);

    let image = format!(
        r#"[{{"id":"{ID}","name":"base-64","version":"1","type":"zone-dataset","published_at":"2026-01-01T00:00:00Z","state":"active"}}]"#
    );
    let (images, seen) = one_call(json(200, &image), async |client| client.images().await).await;
    assert_eq!((images.unwrap()[0].id, seen.target.as_str()), (ID, "/demo/images"));
    let package = format!(r#"[{{"id":"{ID}","name":"g4","memory":1024,"disk":25600,"vcpus":null,"default":false}}]"#);
    let (packages, _) = one_call(json(200, &package), async |client| client.packages().await).await;
    assert_eq!(packages.unwrap()[0].memory, 1024);
    let network = format!(r#"[{{"id":"{ID}","name":"external","public":true}}]"#);
    let (networks, _) = one_call(json(200, &network), async |client| client.networks().await).await;
    assert!(networks.unwrap()[0].public);

    let audit = r#"[{"success":"no","time":"2026-01-01T00:00:01.000Z","action":"reboot","caller":{"type":"signature"}},
        {"success":"yes","time":"2026-01-01T00:00:00.000Z","action":"set_tags"},
        {"success":"yes","time":"2026-01-01T00:00:00.000Z","action":"of_the_future"}]"#;
    let (entries, seen) = one_call(json(200, audit), async |client| client.audit(ID).await).await;
    let entries = entries.unwrap();
    assert_eq!(seen.target, format!("/demo/machines/{ID}/audit"));
    let read: Vec<_> = entries.iter().map(|entry| (entry.action, entry.succeeded)).collect();
    let expected = [(AuditAction::Reboot, false), (AuditAction::Tags, true), (AuditAction::Other, true)];
    assert_eq!(read, expected);
}

#[tokio::test]
async fn names_that_url_rules_would_fold_are_refused_unsent() {
    let stub = Stub::start([]).await;
    let client = client_of(&stub);
    for key in ["..", ".", ""] {
        let error = client.delete_tag(ID, key).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid, "{key:?}");
    }
    assert_eq!(stub.seen().len(), 0);
}

/// Pages of 1,000 with falling uuids, as CloudAPI serves them, from a list that may change
/// between requests.
fn pages(lists: &[Vec<u128>]) -> Vec<Step> {
    let mut offset = 0;
    let page = |list: &Vec<u128>| {
        let items: Vec<String> = list
            .iter()
            .skip(offset)
            .take(1000)
            .map(|number| machine(Uuid::from_u128(*number), &format!("web-{number}"), "running"))
            .collect();
        offset += 950;
        json(200, &format!("[{}]", items.join(",")))
    };
    lists.iter().map(page).collect()
}

#[tokio::test]
async fn all_machines_joins_overlapping_pages_without_gap_or_repetition() {
    let list: Vec<u128> = (1..=2100).rev().collect();
    let stub = Stub::start(pages(&[list.clone(), list.clone(), list.clone()])).await;
    let machines = client_of(&stub).all_machines(&MachineQuery::all()).await.unwrap();
    let found: Vec<u128> = machines.iter().map(|machine| machine.id.as_u128()).collect();
    assert_eq!(found, list);
    let targets: Vec<String> = stub.seen().iter().map(|seen| seen.target.clone()).collect();
    let expected =
        ["offset=0", "offset=950", "offset=1900"].map(|offset| format!("/demo/machines?limit=1000&{offset}"));
    assert_eq!(targets, expected);
}

#[tokio::test]
async fn deletions_between_pages_skip_nobody_and_a_lost_join_begins_again() {
    let whole: Vec<u128> = (1..=1500).rev().collect();
    // Forty of the first page go away: the second page begins forty further on, within the overlap.
    let fewer: Vec<u128> = whole.iter().copied().filter(|number| *number <= 1460).collect();
    let stub = Stub::start(pages(&[whole.clone(), fewer])).await;
    let machines = client_of(&stub).all_machines(&MachineQuery::all()).await.unwrap();
    assert_eq!(machines.len(), 1500);

    // Sixty go away: the pages do not meet, so the listing begins again.
    let fewer: Vec<u128> = whole.iter().copied().filter(|number| *number <= 1440).collect();
    let mut script = pages(&[whole, fewer.clone()]);
    script.extend(pages(&[fewer.clone(), fewer.clone()]));
    let stub = Stub::start(script).await;
    let machines = client_of(&stub).all_machines(&MachineQuery::all()).await.unwrap();
    let found: Vec<u128> = machines.iter().map(|machine| machine.id.as_u128()).collect();
    assert_eq!(found, fewer);
    assert_eq!(stub.seen().len(), 4);
}

#[tokio::test]
async fn filters_are_sent_and_then_compared_exactly() {
    let neighbours = format!(
        "[{},{},{}]",
        machine(Uuid::from_u128(1), "web", "running"),
        machine(Uuid::from_u128(2), "web-1", "running"),
        machine(Uuid::from_u128(3), "web10", "failed"),
    );
    let exact = MachineQuery::all()
        .named(NameMatch::Exactly("web".to_owned()))
        .tagged("role", "web")
        .tagged("n", "3")
        .tombstones(TombstoneMachines::Shown);
    let (found, seen) = one_call(json(200, &neighbours), async |client| client.all_machines(&exact).await).await;
    let names: Vec<String> = found.unwrap().into_iter().map(|machine| machine.name).collect();
    assert_eq!(names, ["web"]);
    assert_eq!(seen.target, "/demo/machines?limit=1000&offset=0&name=web&tag.role=web&tag.n=3&tombstone=true");
    let prefix = MachineQuery::all().named(NameMatch::Prefix("web-".to_owned())).tagged("role", "we");
    let (found, _) = one_call(json(200, &neighbours), async |client| client.all_machines(&prefix).await).await;
    assert_eq!(found.unwrap().len(), 0);
}
