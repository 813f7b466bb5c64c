//! Who may do what: signatures, key ids, accounts and sub-users.

use http::Method;
use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use tsg_cloudapi::signature::{HttpDate, PublicKey};
use tsg_sim::world::{Fault, FaultRule};

use crate::client::{Ask, Client};
use crate::support::keys::ring;
use crate::support::site::{FAST, Site, quick};

const WRONG: (u16, &str, &str) = (401, "InvalidCredentials", "Invalid authorization credentials supplied");

fn owned(refusal: (u16, &str, &str)) -> (u16, String, String) {
    (refusal.0, refusal.1.to_owned(), refusal.2.to_owned())
}

#[tokio::test]
async fn all_three_key_types_and_both_spellings_of_a_key_id_sign_in() {
    let site = Site::at_speed(FAST, quick()).await;
    let keys = ring();
    for key in [&keys.rsa, &keys.ecdsa, &keys.ed25519] {
        Client::with_key_id(&site, "demo", None, key, None).get("/my").await.expect(200);
    }
    Client::with_key_id(&site, "demo", None, &keys.rsa, Some("rsa")).get("/my").await.expect(200);
    let id = Client::demo(&site).get("/my").await.json()["id"].as_str().unwrap().to_owned();
    Client::with_key_id(&site, &id, None, &keys.rsa, None).get("/my").await.expect(200);
}

#[tokio::test]
async fn key_ids_match_exactly_or_not_at_all() {
    let site = Site::at_speed(FAST, quick()).await;
    let key = &ring().ecdsa;
    let upper = key.md5.to_uppercase();
    let prefixed = format!("MD5:{}", key.md5);
    let sha256 = PublicKey::from_openssh(&key.public).unwrap().fingerprint_sha256().replace('/', "_");
    for name in [upper.as_str(), prefixed.as_str(), sha256.as_str(), "ECDSA", "nobody's"] {
        let refused = Client::with_key_id(&site, "demo", None, key, Some(name)).get("/my").await;
        assert_eq!(refused.refusal(), owned(WRONG), "{name}");
    }
    let strangers = [
        Client::with_key_id(&site, "demo", None, &ring().stranger, None),
        Client::with_key_id(&site, "demo", None, &ring().stranger, Some(&key.md5)),
        Client::with_key_id(&site, "nobody", None, key, None),
        Client::with_key_id(&site, "demo", Some("eve"), &ring().bob, None),
    ];
    for stranger in strangers {
        assert_eq!(stranger.get("/my").await.refusal(), owned(WRONG));
    }
}

#[tokio::test]
async fn a_signature_covers_the_target_with_its_query() {
    let site = Site::at_speed(FAST, quick()).await;
    let client = Client::demo(&site);
    let date = HttpDate::from_timestamp(Timestamp::now());
    let signed = client.sign(Ask::new(Method::GET, "/demo/machines"), &date);
    let moved = Ask { target: "/demo/machines?limit=1".into(), ..signed.clone() };
    assert_eq!(moved.send(site.server.cloudapi()).await.unwrap().refusal(), owned(WRONG));
    signed.send(site.server.cloudapi()).await.unwrap().expect(200);
}

#[tokio::test]
async fn dates_are_held_against_the_clock() {
    let site = Site::at_speed(FAST, quick()).await;
    let client = Client::demo(&site);
    for offset_s in [-310_i64, 310] {
        let date = Timestamp::now().checked_add(SignedDuration::from_secs(offset_s)).unwrap();
        let signed = client.sign(Ask::new(Method::GET, "/my"), &HttpDate::from_timestamp(date));
        let (status, code, message) = signed.send(site.server.cloudapi()).await.unwrap().refusal();
        assert_eq!((status, code.as_str()), (400, "InvalidHeader"));
        assert!(message.starts_with("Authorization header invalid: clock skew of 3"), "{message}");
    }
    let utc = HttpDate::from_timestamp(Timestamp::now()).as_str().replace("GMT", "UTC");
    let signed = client.sign(Ask::new(Method::GET, "/my"), &HttpDate::from_text(utc));
    signed.send(site.server.cloudapi()).await.unwrap().expect(200);
    site.server.admin().inject(&FaultRule::from(Fault::ClockOffset { offset_ms: 400_000 })).await.unwrap();
    let behind = client.get("/my").await.expect(400);
    let shown = tsg_sim::http::clock::parse_date(behind.header("date")).unwrap();
    assert!(shown.duration_since(Timestamp::now()).as_secs() > 390, "{}", behind.header("date"));
}

/// Headers that are refused whatever the key, with CloudAPI's words for each.
#[tokio::test]
async fn malformed_headers_are_refused_in_upstreams_words() {
    let site = Site::at_speed(FAST, quick()).await;
    let key_id = format!("keyId=\"/demo/keys/{}\"", ring().rsa.md5);
    let invalid = |why: &str| (400, "InvalidHeader".to_owned(), format!("Authorization header invalid: {why}"));
    let anonymous = || owned((401, "InvalidCredentials", "You must make authenticated requests to use CloudAPI"));
    let ok = "algorithm=\"rsa-sha256\",signature=\"AAAA\"";
    let table = [
        (String::new(), anonymous()),
        ("Basic ZGVtbzpkZW1v".to_owned(), anonymous()),
        ("Bearer abc".to_owned(), anonymous()),
        ("Signature".to_owned(), owned((400, "InvalidHeader", "BasicAuth content is invalid."))),
        (format!("signature {key_id},{ok}"), invalid("scheme was not \"Signature\"")),
        (format!("Signature {key_id}, {ok}"), invalid("bad param format")),
        (format!("Signature {ok}"), invalid("keyId was not specified")),
        (format!("Signature {key_id},signature=\"AAAA\""), invalid("algorithm was not specified")),
        (format!("Signature {key_id},algorithm=\"rsa-sha256\""), invalid("signature was not specified")),
        (format!("Signature {key_id},algorithm=\"hs2019\",signature=\"AAAA\""), invalid("hs2019 is not supported")),
        (
            format!("Signature {key_id},algorithm=\"hmac-sha256\",signature=\"AAAA\""),
            invalid("hmac-sha256 is not a supported algorithm"),
        ),
        (format!("Signature {key_id},headers=\"(request-target)\",{ok}"), invalid("date was not a signed header")),
        (format!("Signature {key_id},headers=\"date x-foo\",{ok}"), invalid("x-foo was not in the request")),
        (format!("Signature {key_id},headers=\"date\",{ok}"), owned(WRONG)),
        (
            "Signature keyId=\"/demo/u/keys/x\",algorithm=\"rsa-sha256\",signature=\"AAAA\"".to_owned(),
            owned((401, "InvalidCredentials", "Invalid KeyId /demo/u/keys/x in authorization header")),
        ),
    ];
    for (header, expected) in table {
        let date = HttpDate::from_timestamp(Timestamp::now());
        let mut ask = Ask::new(Method::GET, "/my").header("date", date.as_str());
        if !header.is_empty() {
            ask = ask.header("authorization", &header);
        }
        let refused = ask.send(site.server.cloudapi()).await.unwrap();
        assert_eq!(refused.refusal(), expected, "{header}");
    }
}

#[tokio::test]
async fn accounts_are_reached_by_login_uuid_and_my_and_kept_apart() {
    let site = Site::at_speed(FAST, quick()).await;
    let client = Client::demo(&site);
    let own = client.get("/my").await.expect(200);
    let id = own.json()["id"].as_str().unwrap().to_owned();
    for path in ["/demo", &format!("/{id}")] {
        assert_eq!(client.get(path).await.expect(200).json(), own.json(), "{path}");
    }
    assert_eq!(client.get("/MY/machines").await.refusal(), owned((404, "ResourceNotFound", "MY does not exist")));
    assert_eq!(client.get("/nobody").await.refusal(), owned((404, "ResourceNotFound", "nobody does not exist")));
    let foreign = "You do not have permission to access /other/machines (listmachines)";
    assert_eq!(client.get("/other/machines").await.refusal(), owned((403, "NotAuthorized", foreign)));
    Client::other(&site).get("/other/machines").await.expect(200);
}

#[tokio::test]
async fn disabled_accounts_and_removed_keys_are_shut_out_at_once() {
    let site = Site::at_speed(FAST, quick()).await;
    let (client, keys) = (Client::demo(&site), ring());
    let fault = site.server.admin().inject(&FaultRule::from(Fault::AccountDisabled)).await.unwrap();
    let refused = client.get("/my").await;
    assert_eq!(refused.refusal(), owned((403, "NotAuthorized", "Account or user is disabled")));
    site.server.admin().clear(fault).await.unwrap();
    client.delete(&format!("/my/keys/{}", keys.ecdsa.md5)).await.expect(204);
    let removed = Client::with_key_id(&site, "demo", None, &keys.ecdsa, None).get("/my").await;
    assert_eq!(removed.refusal(), owned(WRONG));
}

#[tokio::test]
async fn a_sub_user_without_roles_may_nothing() {
    let site = Site::at_speed(FAST, quick()).await;
    let bob = Client::bob(&site);
    let refusal = |path: &str, name: &str| {
        (403, "NotAuthorized".to_owned(), format!("You do not have permission to access {path} ({name})"))
    };
    for (path, name) in [("/my", "getaccount"), ("/demo/machines", "listmachines"), ("/my/images", "listimages")] {
        assert_eq!(bob.get(path).await.refusal(), refusal(path, name));
    }
    let (status, code, message) =
        bob.send(Ask::new(Method::GET, "/my").header("accept-version", "~7.0")).await.refusal();
    assert_eq!((status, code.as_str()), (401, "InvalidCredentials"));
    assert!(message.starts_with("Invalid KeyId /demo/users/bob/keys/"), "{message}");
}

#[tokio::test]
async fn keys_are_added_shown_used_and_removed() {
    let site = Site::at_speed(FAST, quick()).await;
    let (client, keys) = (Client::demo(&site), ring());
    let stranger = || Client::with_key_id(&site, "demo", None, &keys.stranger, None);
    let added = client.post("/my/keys", &json!({"key": format!("{}\n", keys.stranger.public)})).await.expect(201);
    assert_eq!(added.header("location"), format!("/demo/keys/{}", keys.stranger.md5.replace(':', "%3A")));
    assert_eq!(
        added.json(),
        json!({"name": "stranger", "fingerprint": keys.stranger.md5, "key": keys.stranger.public})
    );
    stranger().get("/my").await.expect(200);
    let again = client.post("/my/keys", &json!({"key": keys.stranger.public})).await.refusal();
    assert_eq!(again, owned((409, "InvalidArgument", "key already exists or is invalid")));
    assert_eq!(client.get(added.header("location")).await.expect(200).json(), added.json());
    assert_eq!(client.get("/my/keys").await.json().as_array().unwrap().len(), 4);
    client.delete("/my/keys/stranger").await.expect(204);
    stranger().get("/my").await.expect(401);
    let gone = client.delete("/my/keys/stranger").await.refusal();
    assert_eq!(gone, owned((404, "ResourceNotFound", "stranger does not exist")));
}
