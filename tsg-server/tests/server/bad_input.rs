//! What is wrong with a request is said, and nothing of it is kept.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;
use sha2::{Digest, Sha256};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::support::Site;

const NOBODY: &str = "6b1ab0b8-0000-4000-8000-000000000000";

#[tokio::test(flavor = "multi_thread")]
async fn v1_refuses_in_its_own_words_and_keeps_nothing() {
    let site = Site::enrolled().await;
    let template = site.template("t").await;
    let unmarshal = "error in unmarshal request body";
    let group = |name: &str, template: &str, capacity: serde_json::Value| {
        json!({"group_name": name, "template_id": template, "capacity": capacity}).to_string()
    };
    let long = "x".repeat(183);
    let table = [
        ("/v1/tsg/templates", "null".to_owned(), unmarshal),
        ("/v1/tsg/templates", "{".to_owned(), unmarshal),
        ("/v1/tsg/templates", "[]".to_owned(), unmarshal),
        ("/v1/tsg/templates", String::new(), unmarshal),
        ("/v1/tsg/templates", r#"{"template_name":7}"#.to_owned(), unmarshal),
        (
            "/v1/tsg/templates",
            json!({"template_name":"a","package":"x","image_id":NOBODY}).to_string(),
            "package must be a valid UUID",
        ),
        (
            "/v1/tsg/templates",
            json!({"template_name":"a","package":NOBODY,"image_id":"x"}).to_string(),
            "imageID must be a valid UUID",
        ),
        (
            "/v1/tsg/templates",
            json!({"template_name":"","package":NOBODY,"image_id":NOBODY}).to_string(),
            "template name is not valid",
        ),
        (
            "/v1/tsg/templates",
            json!({"template_name":"a{{shortId}}","package":NOBODY,"image_id":NOBODY}).to_string(),
            "template name is not valid",
        ),
        (
            "/v1/tsg/templates",
            json!({"template_name":"grün","package":NOBODY,"image_id":NOBODY}).to_string(),
            "template name is not valid",
        ),
        (
            "/v1/tsg/templates",
            json!({"template_name":"a","package":NOBODY,"image_id":NOBODY,"tags":{"tsg.name":"x"}}).to_string(),
            "the tag \"tsg.name\" is reserved",
        ),
        (
            "/v1/tsg/templates",
            json!({"template_name":"a","package":NOBODY,"image_id":NOBODY,"networks":["x"]}).to_string(),
            "networks must be valid UUIDs",
        ),
        ("/v1/tsg/groups", "null".to_owned(), unmarshal),
        ("/v1/tsg/groups", group("", &template, json!(1)), "group name cannot be empty"),
        ("/v1/tsg/groups", group(&long, &template, json!(1)), "group name cannot be more than 182 characters"),
        ("/v1/tsg/groups", group("web{{shortId}}", &template, json!(1)), "group name is not valid"),
        ("/v1/tsg/groups", group("web", "x", json!(1)), "template ID must be a valid UUID"),
        ("/v1/tsg/groups", group("web", &template, json!(-1)), "group capacity cannot be a negative number"),
        (
            "/v1/tsg/groups",
            group("web", &template, json!(1001)),
            "group capacity cannot be more than 1000 compute instances",
        ),
        (
            "/v1/tsg/groups",
            group("web", &template, json!(4_294_967_296_i64)),
            "group capacity cannot be more than 1000 compute instances",
        ),
        ("/v1/tsg/groups", group("web", &template, json!(1e30)), unmarshal),
        ("/v1/tsg/groups", group("web", &template, json!("5")), unmarshal),
        ("/v1/tsg/groups", group("web", NOBODY, json!(1)), &format!("template \"{NOBODY}\" does not exist")),
    ];
    for (path, body, text) in table {
        let answer = site.v1("POST", path, &body).await;
        assert_eq!(answer.status, 422, "{body}: {answer:?}");
        assert!(answer.body.starts_with(text), "{body}: {answer:?}");
        assert!(answer.header("content-type").starts_with("text/plain"), "{answer:?}");
    }
    assert_eq!(site.v1("GET", "/v1/tsg/groups", "").await.body, "[]");
    assert_eq!(site.v1("GET", "/v1/tsg/templates", "").await.json().as_array().unwrap().len(), 1);
    site.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn v2_names_the_field_and_says_what_to_do() {
    let site = Site::enrolled().await;
    let template = site.template("t").await;
    let group =
        |capacity: serde_json::Value| json!({"name": "web", "template_id": template, "capacity": capacity}).to_string();
    let table = [
        ("POST", "/v2/groups", "{".to_owned(), 400, "InvalidJson", "not JSON"),
        ("POST", "/v2/groups", "null".to_owned(), 422, "InvalidBody", "null"),
        (
            "POST",
            "/v2/groups",
            json!({"name": "web", "template_id": template}).to_string(),
            422,
            "InvalidBody",
            "capacity",
        ),
        (
            "POST",
            "/v2/groups",
            json!({"name": "web", "template_id": template, "capacity": 1, "sice": 2}).to_string(),
            422,
            "InvalidBody",
            "sice",
        ),
        ("POST", "/v2/groups", group(json!(-1)), 422, "InvalidField", "capacity"),
        ("POST", "/v2/groups", group(json!(1001)), 422, "InvalidField", "1000"),
        ("POST", "/v2/groups", group(json!("5")), 422, "InvalidBody", "string"),
        (
            "POST",
            "/v2/groups",
            json!({"name": "a b", "template_id": template, "capacity": 1}).to_string(),
            422,
            "InvalidField",
            "name",
        ),
        (
            "POST",
            "/v2/groups",
            json!({"name": "web", "template_id": NOBODY, "capacity": 1}).to_string(),
            422,
            "UnknownTemplate",
            NOBODY,
        ),
        (
            "POST",
            "/v2/templates",
            json!({"name": "a", "package": "x", "image": NOBODY}).to_string(),
            422,
            "InvalidField",
            "package",
        ),
        (
            "POST",
            "/v2/templates",
            json!({"name": "a", "package": NOBODY, "image": NOBODY, "userdata": "x".repeat(90_000)}).to_string(),
            422,
            "InvalidTemplate",
            "bytes",
        ),
        ("GET", "/v2/groups?limit=0", String::new(), 422, "InvalidPage", "limit"),
        ("GET", "/v2/groups?limit=201", String::new(), 422, "InvalidPage", "limit"),
        ("GET", "/v2/groups?limit=x", String::new(), 422, "InvalidPage", "query"),
        ("GET", "/v2/nothing", String::new(), 404, "NoSuchRoute", "404"),
        ("PUT", "/v2/groups", String::new(), 405, "MethodNotAllowed", "method"),
        ("GET", "/v2/groups/%ff", String::new(), 400, "InvalidRequest", "cannot be read"),
        ("GET", "/v2/groups?name=a%20b", String::new(), 422, "InvalidField", "name"),
    ];
    for (method, path, body, status, code, text) in table {
        let answer = site.v2(method, path, &body).await;
        assert_eq!((answer.status, answer.code().as_str()), (status, code), "{body}: {answer:?}");
        assert!(answer.json()["message"].as_str().unwrap().contains(text), "{body}: {answer:?}");
    }
    assert_eq!(site.v1("GET", "/v1/tsg/groups", "").await.body, "[]");
    site.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_large_body_is_refused_in_the_form_of_each_family() {
    let site = Site::enrolled().await;
    let large = "x".repeat(100_001);
    let old = site.v1("POST", "/v1/tsg/templates", &large).await;
    assert_eq!(old.status, 413, "{old:?}");
    assert!(old.header("content-type").starts_with("text/plain"), "{old:?}");
    let new = site.v2("POST", "/v2/templates", &large).await;
    assert_eq!((new.status, new.code().as_str()), (413, "BodyTooLarge"));
    // Nobody has to be known for that, and nobody is.
    let unsigned = site.ask("POST", "/v1/tsg/templates").body(large).send().await;
    assert_eq!(unsigned.status, 401);
    site.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signed_digest_is_held_against_the_body() {
    let site = Site::enrolled().await;
    let body = r#"{"name":"a"}"#;
    let ask = |digest: &str| {
        let date = crate::support::person::date(0);
        let path = format!("/v2/templates?nonce={}", digest.replace(['=', '+', '/'], "-"));
        let text = format!("(request-target): post {path}\ndate: {date}\ndigest: {digest}");
        let authorization = format!(
            "Signature keyId=\"{}\",algorithm=\"{}\",headers=\"(request-target) date digest\",signature=\"{}\"",
            site.demo.key_id(),
            site.demo.algorithm,
            site.demo.sign(&text)
        );
        site.ask("POST", &path)
            .body(body)
            .header("date", &date)
            .header("digest", digest)
            .header("authorization", &authorization)
    };
    let right = format!("SHA-256={}", STANDARD.encode(Sha256::digest(body)));
    assert_eq!(ask(&right).send().await.code(), "InvalidBody", "the digest holds, the body lacks fields");
    let wrong = format!("SHA-256={}", STANDARD.encode(Sha256::digest("another body")));
    for digest in [wrong.as_str(), "MD5=x"] {
        assert_eq!(ask(digest).send().await.code(), "WrongDigest", "{digest}");
    }
    site.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_head_without_end_never_reaches_a_route() {
    let site = Site::enrolled().await;
    let mut stream = tokio::net::TcpStream::connect(site.server.address()).await.unwrap();
    let head = format!("GET /v2/health HTTP/1.1\r\nhost: x\r\nx-large: {}\r\n\r\n", "x".repeat(500_000));
    let mut answer = Vec::new();
    // The server hangs up in the middle of the head; its answer may be lost with the rest.
    let _ = stream.write_all(head.as_bytes()).await;
    let _ = stream.read_to_end(&mut answer).await;
    let answer = String::from_utf8_lossy(&answer);
    assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 431"), "{answer}");
    assert_eq!(site.v1("GET", "/v1/tsg/groups", "").await.status, 200);
    site.end().await;
}
