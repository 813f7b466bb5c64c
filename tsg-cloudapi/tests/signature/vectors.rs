//! Every recorded http-signature case: those that verify, those a signer must reproduce byte for
//! byte, and those that are refused with an exact status, code and text.

use std::time::Duration;

use crate::common::{Vector, Vectors, at, headers, vectors};
use jiff::Timestamp;
use tsg_cloudapi::signature::{
    HttpDate, KeyId, LocalSigner, PublicKey, SigningRequest, SubUserKeys,
    verify::{self, ParsedAuthorization, Refusal, RequestToVerify, SignatureForm},
};

const DATE: &str = "Thu, 01 Jan 2026 00:00:00 GMT";

fn parse(method: &str, target: &str, pairs: &[(&str, &str)], now: Timestamp) -> Result<ParsedAuthorization, Refusal> {
    let headers = headers(pairs);
    verify::parse(&RequestToVerify { method, target, headers: &headers }, now)
}

fn parse_vector(vector: &Vector) -> ParsedAuthorization {
    let pairs = [("date", vector.date.as_str()), ("authorization", vector.authorization.as_str())];
    parse(&vector.method, &vector.target, &pairs, at(&vector.date)).unwrap()
}

#[test]
fn every_vector_verifies_and_only_with_its_own_key_and_request() {
    let vectors = vectors();
    assert_eq!(vectors.vectors.len(), 14);
    for vector in &vectors.vectors {
        let parsed = parse_vector(vector);
        let verdict = verify::check(&parsed, &vectors.public(&vector.key));
        assert_eq!(verdict.is_ok(), vector.signature_valid, "{}", vector.name);
        for other in vectors.keys.keys().filter(|name| **name != vector.key) {
            let verdict = verify::check(&parsed, &vectors.public(other));
            assert_eq!(verdict, Err(Refusal::InvalidCredentials), "{} with {other}", vector.name);
        }
        assert_eq!(
            parsed.covers_request_target(),
            vector.signing_string.starts_with("(request-target)"),
            "{}",
            vector.name
        );
        let pairs = [("date", vector.date.as_str()), ("authorization", vector.authorization.as_str())];
        let moved = parse(&vector.method, "/demo/elsewhere", &pairs, at(&vector.date)).unwrap();
        assert_eq!(
            verify::check(&moved, &vectors.public(&vector.key)).is_ok(),
            !parsed.covers_request_target(),
            "{} moved to another target",
            vector.name
        );
    }
}

#[test]
fn deterministic_headers_are_reproduced_whole() {
    let vectors = vectors();
    let mut reproduced = 0;
    for vector in &vectors.vectors {
        let reproducible =
            vector.key != "ecdsa256" && vector.authorization.contains("headers=\"(request-target) date\"");
        if !reproducible {
            continue;
        }
        let key = vectors.private(&vector.key);
        let key_id = KeyId::parse(parse_vector(vector).key_id(), SubUserKeys::Known).unwrap();
        let signer = LocalSigner::new(key_id, &key).unwrap();
        let date = HttpDate::from_text(vector.date.as_str());
        let request = SigningRequest { method: &vector.method, target: &vector.target, date: &date, host: None };
        assert_eq!(signer.sign(&request).unwrap().as_str(), vector.authorization, "{}", vector.name);
        reproduced += 1;
    }
    assert_eq!(reproduced, 7);
}

#[test]
fn ecdsa_headers_differ_in_the_signature_alone_and_verify() {
    let vectors = vectors();
    let vector = vectors.vectors.iter().find(|vector| vector.key == "ecdsa256").unwrap();
    let key = vectors.private("ecdsa256");
    let signer = LocalSigner::new(KeyId::for_account("demo", key.public_key()), &key).unwrap();
    let date = HttpDate::from_text(vector.date.as_str());
    let request = SigningRequest { method: "GET", target: &vector.target, date: &date, host: None };
    let header = signer.sign(&request).unwrap();
    let before_signature = |text: &str| text.split("signature=").next().unwrap().to_owned();
    assert_eq!(before_signature(header.as_str()), before_signature(&vector.authorization));
    let pairs = [("date", vector.date.as_str()), ("authorization", header.as_str())];
    let parsed = parse("GET", &vector.target, &pairs, at(&vector.date)).unwrap();
    verify::check(&parsed, &vectors.public("ecdsa256")).unwrap();
}

#[test]
fn fingerprints_and_public_halves_agree_with_the_vectors() {
    let vectors = vectors();
    for (name, key) in &vectors.keys {
        let public = vectors.public(name);
        assert_eq!(public.fingerprint_md5(), key.fingerprint_md5);
        assert_eq!(public.fingerprint_sha256(), key.fingerprint_sha256);
        assert_eq!(public.to_openssh(), key.openssh_public);
        assert_eq!(vectors.private(name).public_key(), &public);
    }
}

/// Signs the reference request afresh with the vectors' Ed25519 key.
struct Reference {
    vectors: Vectors,
}

impl Reference {
    fn new() -> Self {
        Self { vectors: vectors() }
    }

    fn key(&self) -> PublicKey {
        self.vectors.public("ed25519")
    }

    fn header(&self) -> String {
        let key = self.vectors.private("ed25519");
        let signer = LocalSigner::new(KeyId::for_account("demo", key.public_key()), &key).unwrap();
        let date = HttpDate::from_text(DATE);
        let request = SigningRequest { method: "GET", target: "/demo/machines", date: &date, host: None };
        signer.sign(&request).unwrap().as_str().to_owned()
    }

    fn refusal_of(&self, authorization: &str) -> Refusal {
        let pairs = [("date", DATE), ("authorization", authorization)];
        match parse("GET", "/demo/machines", &pairs, at(DATE)) {
            Err(refusal) => refusal,
            Ok(parsed) => verify::check(&parsed, &self.key()).unwrap_err(),
        }
    }

    fn refusal_with_key_id(&self, key_id: &str, sub_users: SubUserKeys) -> Refusal {
        let own = format!("/demo/keys/{}", self.key().fingerprint_md5());
        let header = self.header().replace(&own, key_id);
        let pairs = [("date", DATE), ("authorization", header.as_str())];
        let parsed = parse("GET", "/demo/machines", &pairs, at(DATE)).unwrap();
        match KeyId::parse(parsed.key_id(), sub_users) {
            Err(refusal) => refusal,
            // What a caller answers when its look-up finds nothing.
            Ok(id) => {
                assert!(!id.names(&self.key(), "a name") || id.account() != "demo");
                Refusal::InvalidCredentials
            }
        }
    }
}

/// The refusals that one described change brings about, each with the text to put for
/// `<algorithm>` or `<keyId>` in the expected message.
fn refusals_of(reference: &Reference, change: &str) -> Vec<(Refusal, String)> {
    let header = reference.header();
    let changed = |from: &str, to: &str| {
        assert!(header.contains(from), "{from}");
        (reference.refusal_of(&header.replace(from, to)), String::new())
    };
    let md5 = reference.key().fingerprint_md5();
    let with_key = |key_id: &str| (reference.refusal_with_key_id(key_id, SubUserKeys::Known), key_id.to_owned());
    match change {
        "no Authorization header" => {
            vec![(parse("GET", "/demo", &[("date", DATE)], at(DATE)).unwrap_err(), String::new())]
        }
        "Basic or Bearer scheme" => {
            ["Basic ZGVtbzpkZW1v", "Bearer abcdef"].map(|value| (reference.refusal_of(value), String::new())).into()
        }
        "header is the single word Signature" => {
            vec![(reference.refusal_of("Signature"), String::new())]
        }
        "scheme spelled signature (lower case)" => vec![changed("Signature ", "signature ")],
        "space after a comma between parameters" => vec![changed(",algorithm", ", algorithm")],
        "keyId parameter missing" => vec![changed("keyId=", "key=")],
        "algorithm parameter missing" => vec![changed("algorithm=", "algo=")],
        "signature parameter missing" => vec![changed(",signature=", ",sig=")],
        "algorithm hs2019, rsa-sha384 or ecdsa-sha384" => ["hs2019", "rsa-sha384", "ecdsa-sha384"]
            .map(|name| (changed("ed25519-sha512", name).0, name.to_owned()))
            .into(),
        "algorithm hmac-sha256" => vec![changed("ed25519-sha512", "hmac-sha256")],
        "algorithm rsa-sha256 declared for an ECDSA key" => {
            let vector = reference.vectors.vectors.iter().find(|v| v.key == "ecdsa256").unwrap();
            let forged = vector.authorization.replace("ecdsa-sha256", "rsa-sha256");
            let pairs = [("date", vector.date.as_str()), ("authorization", forged.as_str())];
            let parsed = parse("GET", &vector.target, &pairs, at(&vector.date)).unwrap();
            let key = reference.vectors.public("ecdsa256");
            vec![(verify::check(&parsed, &key).unwrap_err(), String::new())]
        }
        "Date absent although it is signed" => {
            let pairs = [("authorization", header.as_str())];
            vec![(parse("GET", "/demo/machines", &pairs, at(DATE)).unwrap_err(), String::new())]
        }
        "headers list without date" => {
            vec![changed("\"(request-target) date\"", "\"(request-target)\"")]
        }
        "headers list names a header the request lacks" => {
            vec![changed("\"(request-target) date\"", "\"(request-target) x-foo date\"")]
        }
        "Date 310 s old or 310 s ahead" => [310_500, -310_500]
            .map(|milliseconds| {
                let now = at(DATE) + jiff::SignedDuration::from_millis(milliseconds);
                let pairs = [("date", DATE), ("authorization", header.as_str())];
                (parse("GET", "/demo/machines", &pairs, now).unwrap_err(), String::new())
            })
            .into(),
        "unknown account, unknown sub-user, unknown key, wrong or undecodable signature" => vec![
            with_key(&format!("/nobody/keys/{md5}")),
            with_key(&format!("/demo/users/nobody/keys/{md5}x")),
            with_key("/demo/keys/00:00"),
            changed("\"(request-target) date\"", "\"date\""),
            (reference.refusal_of(&format!("{}*\"", header.trim_end_matches('"'))), String::new()),
        ],
        "keyId not of 4 or 6 slash-separated parts (also any SHA256 fingerprint that contains a slash)" => {
            vec![
                with_key("demo"),
                with_key("/demo/keys"),
                with_key(&format!("/demo/keys/{md5}/x")),
                with_key("/demo/keys/SHA256:YBwOkD2nwtI9KQbPZQmPgkE5KiTgiKx/PNh/R1YHb4I/x"),
            ]
        }
        "keyId fingerprint in upper case, or with an MD5: prefix" => {
            vec![with_key(&format!("/demo/keys/{}", md5.to_uppercase())), with_key(&format!("/demo/keys/MD5:{md5}"))]
        }
        "sub-user keyId with Accept-Version ~7.0" => {
            let key_id = format!("/demo/users/bob/keys/{md5}");
            vec![(reference.refusal_with_key_id(&key_id, SubUserKeys::Unknown), key_id)]
        }
        "valid signature, disabled account" => vec![(Refusal::Disabled, String::new())],
        "valid signature, path of another existing account" => vec![(
            Refusal::Forbidden { path: "/other/machines".to_owned(), route: "listmachines".to_owned() },
            String::new(),
        )],
        "valid signature, path of an account that does not exist" => {
            vec![(Refusal::NoSuchAccount("nobody".to_owned()), String::new())]
        }
        other => panic!("no request is built for: {other}"),
    }
}

#[test]
fn every_negative_case_is_refused_with_its_status_code_and_text() {
    let reference = Reference::new();
    assert_eq!(reference.vectors.negative.len(), 22);
    for case in &reference.vectors.negative {
        for (refusal, filled) in refusals_of(&reference, &case.change) {
            let message = case.message.replace("<algorithm>", &filled).replace("<keyId>", &filled);
            assert_eq!(refusal.to_string(), message, "{}", case.change);
            assert_eq!(refusal.status(), case.status, "{}", case.change);
            assert_eq!(refusal.code(), case.code, "{}", case.change);
        }
    }
}

#[test]
fn the_tsg_v1_shell_recipe_is_accepted() {
    // The function signs the bare Date value, names headers="date" and appends the signature.
    let vectors = vectors();
    let vector = vectors.vectors.iter().find(|v| v.name.starts_with("legacy")).unwrap();
    let header = vector.authorization.replace("\"rsa-sha256\" ", "\"rsa-sha256\",headers=\"date\" ");
    assert_ne!(header, vector.authorization);
    let pairs = [("date", vector.date.as_str()), ("authorization", header.as_str())];
    let parsed = parse("POST", "/v1/tsg/groups", &pairs, at(&vector.date)).unwrap();
    assert_eq!(parsed.form(), SignatureForm::Legacy);
    assert_eq!(parsed.covered(), ["date"]);
    assert!(!parsed.covers_request_target());
    verify::check(&parsed, &vectors.public("rsa")).unwrap();

    let stale = at(&vector.date) + Duration::from_secs(301);
    let refusal = parse("POST", "/v1/tsg/groups", &pairs, stale).unwrap_err();
    assert_eq!(refusal.to_string(), "Authorization header invalid: bad param format");
}

#[test]
fn dates_are_read_leniently_but_must_be_dates() {
    let reference = Reference::new();
    let key = reference.vectors.private("ed25519");
    let signer = LocalSigner::new(KeyId::for_account("demo", key.public_key()), &key).unwrap();
    let now = at(DATE);
    for text in [DATE, "Thu, 01 Jan 2026 00:00:00 UTC", "2026-01-01T00:00:00.000Z", "Mon, 01 Jan 2026 00:00:00 GMT"] {
        let date = HttpDate::from_text(text);
        let request = SigningRequest { method: "GET", target: "/demo", date: &date, host: None };
        let header = signer.sign(&request).unwrap();
        let pairs = [("date", text), ("authorization", header.as_str())];
        let parsed = parse("GET", "/demo", &pairs, now).unwrap();
        verify::check(&parsed, key.public_key()).unwrap();
        assert_eq!(parsed.date(), now);
    }
    let header = reference.header();
    for text in ["tomorrow", "", "1767225600"] {
        let pairs = [("date", text), ("authorization", header.as_str())];
        assert_eq!(parse("GET", "/demo", &pairs, now).unwrap_err().status(), 400, "{text:?}");
    }
}

#[test]
fn skew_is_allowed_up_to_exactly_300_seconds() {
    let header = Reference::new().header();
    let pairs = [("date", DATE), ("authorization", header.as_str())];
    for (milliseconds, accepted) in [(300_000, true), (-300_000, true), (300_001, false), (-300_001, false)] {
        let now = at(DATE) + jiff::SignedDuration::from_millis(milliseconds);
        let parsed = parse("GET", "/demo/machines", &pairs, now);
        assert_eq!(parsed.is_ok(), accepted, "{milliseconds} ms");
    }
}

#[test]
fn host_can_be_covered_and_x_date_takes_the_dates_place() {
    let vectors = vectors();
    let key = vectors.private("rsa");
    let signer = LocalSigner::new(KeyId::for_account("demo", key.public_key()), &key).unwrap();
    let date = HttpDate::from_text(DATE);
    let request = SigningRequest { method: "PUT", target: "/demo", date: &date, host: Some("cloud.example") };
    let header = signer.sign(&request).unwrap();
    let pairs = [("date", DATE), ("host", "cloud.example"), ("authorization", header.as_str())];
    let parsed = parse("PUT", "/demo", &pairs, at(DATE)).unwrap();
    assert!(parsed.covers("host"));
    verify::check(&parsed, key.public_key()).unwrap();
    let elsewhere = [("date", DATE), ("host", "other.example"), ("authorization", header.as_str())];
    let parsed = parse("PUT", "/demo", &elsewhere, at(DATE)).unwrap();
    assert_eq!(verify::check(&parsed, key.public_key()), Err(Refusal::InvalidCredentials));

    let with_x_date = [("date", DATE), ("x-date", DATE), ("authorization", header.as_str()), ("host", "cloud.example")];
    let refusal = parse("PUT", "/demo", &with_x_date, at(DATE)).unwrap_err();
    assert_eq!(refusal.to_string(), "Authorization header invalid: x-date was not a signed header");
}

#[test]
fn algorithm_names_are_case_insensitive() {
    let reference = Reference::new();
    let header = reference.header().replace("ed25519-sha512", "ED25519-SHA512");
    let pairs = [("date", DATE), ("authorization", header.as_str())];
    let parsed = parse("GET", "/demo/machines", &pairs, at(DATE)).unwrap();
    verify::check(&parsed, &reference.key()).unwrap();
}
