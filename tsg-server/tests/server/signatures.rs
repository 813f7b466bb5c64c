//! Who is let in, by which signature, and what the others are told.

use tsg_cloudapi::signature::NewKeyKind;

use crate::support::site::eventually;
use crate::support::{Form, Person, Site, person::date};

const V1: &str = "/v1/tsg/groups";
const V2: &str = "/v2/groups";

#[tokio::test(flavor = "multi_thread")]
async fn every_form_that_old_clients_send_works_on_v1() {
    let rsa = Person::with_key("demo", NewKeyKind::Rsa3072);
    let site = Site::with_people(rsa, Person::new("other"), |_| {}).await;
    site.enrol(&site.demo).await;
    for form in [Form::DateOnly, Form::Legacy, Form::Target] {
        let answer = site.ask("GET", V1).signed(&site.demo, form).send().await;
        assert_eq!((answer.status, answer.body.as_str()), (200, "[]"), "{form:?}: {answer:?}");
    }
    site.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn v2_demands_that_the_target_is_signed_and_v1_can_be_closed_too() {
    let site = Site::start(|config| config.auth.require_request_target = true).await;
    site.enrol(&site.demo).await;
    for path in [V1, V2] {
        let open = site.ask("GET", path).signed(&site.demo, Form::DateOnly).send().await;
        assert_eq!(open.status, 401, "{path}");
        assert!(open.body.contains("(request-target)"), "{open:?}");
        assert_eq!(site.ask("GET", path).signed(&site.demo, Form::Target).send().await.status, 200, "{path}");
    }
    // A signature for one path is of no use for another.
    let mut moved = site.ask("GET", V2).signed(&site.demo, Form::Target);
    moved.path = "/v2/templates".to_owned();
    assert_eq!(moved.send().await.status, 401);
    site.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_cannot_be_made_out_is_refused_with_a_next_step() {
    let site = Site::enrolled().await;
    let stranger = Person::new("demo");
    let nobody = Person::new("no-such-login");
    let sub_user = Person { login: "demo/users/bob".to_owned(), ..Person::new("demo") };
    let signed = |person: &Person| site.ask("GET", V2).signed(person, Form::Target);
    let table = [
        (site.ask("GET", V2), 401, "NotSigned"),
        (site.ask("GET", V2).header("date", &date(0)).header("authorization", "Basic ZGVtbzp4"), 401, "NotSigned"),
        (
            site.ask("GET", V2).header("date", &date(0)).header("authorization", "Signature x"),
            401,
            "InvalidAuthorization",
        ),
        (signed(&stranger), 401, "InvalidCredentials"),
        (signed(&nobody), 401, "InvalidCredentials"),
        (signed(&sub_user), 403, "SubUserNotAllowed"),
        (site.ask("GET", V2).signed_at(&site.demo, Form::Target, &date(-400)), 401, "RequestExpired"),
        (site.ask("GET", V2).signed_at(&site.demo, Form::Target, &date(400)), 401, "RequestExpired"),
    ];
    for (asking, status, code) in table {
        let answer = asking.send().await;
        assert_eq!((answer.status, answer.code().as_str()), (status, code), "{answer:?}");
        let body = answer.json();
        assert!(!body["hint"].as_str().unwrap().is_empty(), "{answer:?}");
        assert_eq!(body["request_id"], answer.header("request-id"));
    }
    let skewed = site.ask("GET", V1).signed_at(&site.demo, Form::DateOnly, &date(-400)).send().await;
    assert!(skewed.body.contains("the server's time is"), "{skewed:?}");
    assert!(skewed.body.starts_with("failed account authentication"), "{skewed:?}");
    site.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signature_writes_once_on_v2() {
    let site = Site::enrolled().await;
    let now = date(0);
    let write = |body: &str| site.ask("POST", "/v2/templates").body(body).signed_at(&site.demo, Form::Target, &now);
    assert_eq!(write("{}").send().await.status, 422);
    let replayed = write("{}").send().await;
    assert_eq!((replayed.status, replayed.code().as_str()), (401, "SignatureReplayed"));
    // The same signature written in another way is the same signature.
    for (from, to) in [("==\"", "\""), ("==\"", "=\"")] {
        let mut rewritten = write("{}");
        let (_, header) = rewritten.headers.iter_mut().find(|(name, _)| name == "authorization").unwrap();
        assert!(header.ends_with(from), "an ed25519 signature is padded twice: {header}");
        *header = format!("{}{to}", header.strip_suffix(from).unwrap());
        let replayed = rewritten.send().await;
        assert_eq!((replayed.status, replayed.code().as_str()), (401, "SignatureReplayed"), "{to}");
    }
    // On /v1 it writes once as well when it is for that request only, and not when old clients
    // sign the date alone.
    let old = |form| site.ask("POST", "/v1/tsg/templates").body("{}").signed_at(&site.demo, form, &now);
    assert_eq!(old(Form::Target).send().await.status, 422);
    let replayed = old(Form::Target).send().await;
    assert_eq!(replayed.status, 401, "{replayed:?}");
    for _ in 0..2 {
        assert_eq!(old(Form::DateOnly).send().await.status, 422);
    }
    // Reading twice within a second is nobody's attack.
    for _ in 0..2 {
        assert_eq!(site.ask("GET", V2).signed_at(&site.demo, Form::Target, &now).send().await.status, 200);
    }
    site.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_may_be_named_by_its_uuid() {
    let site = Site::enrolled().await;
    let account = site.v2("GET", "/v2/account", "").await.json();
    let id = account["id"].as_str().unwrap().to_owned();
    let asking = {
        let renamed = Person { login: id, key: clone_key(&site.demo), algorithm: site.demo.algorithm };
        site.ask("GET", V2).signed(&renamed, Form::Target)
    };
    assert_eq!(asking.send().await.status, 200);
    site.end().await;
}

fn clone_key(person: &Person) -> tsg_cloudapi::signature::PrivateKey {
    let pem = person.key.to_pkcs8_pem().unwrap();
    tsg_cloudapi::signature::PrivateKey::from_text(pem.expose().as_bytes(), None).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_taken_off_the_list_is_refused_at_once() {
    let site = Site::start(|config| {
        config.auth.allow.clear();
        tsg_server::accounts::AllowFile::new(&config.auth.allow_file).allow("demo").unwrap();
    })
    .await;
    site.enrol(&site.demo).await;
    assert_eq!(site.ask("GET", V2).signed(&site.demo, Form::Target).send().await.status, 200);
    let file = tsg_server::accounts::AllowFile::new(site.folder.path().join("allowed-accounts"));
    file.disallow("demo").unwrap();
    let refused = site.ask("GET", V2).signed(&site.demo, Form::Target).send().await;
    assert_eq!((refused.status, refused.code().as_str()), (403, "AccountNotAllowed"));
    site.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn machines_are_made_with_the_servers_key_and_never_with_the_callers() {
    let site = Site::enrolled().await;
    let template = site.template("t").await;
    let path = format!("/v2/groups/{}", site.group("web", &template, 1).await);
    eventually(async || site.v2("GET", &path, "").await, |answer| answer.json()["status"] == "converged").await;
    let audit = site.sim.with_world(|world| {
        let account = world.find_account("demo").unwrap().id;
        let machine = world.live_machines(account).next().unwrap().id.to_string();
        serde_json::to_string(&world.audit(account, &machine).unwrap()).unwrap()
    });
    let server_key = site.v2("GET", "/v2/account", "").await.json()["key_fingerprint"].as_str().unwrap().to_owned();
    assert!(audit.contains(&server_key), "{audit}");
    assert!(!audit.contains(&site.demo.key.public_key().fingerprint_md5()), "{audit}");
    site.end().await;
}
