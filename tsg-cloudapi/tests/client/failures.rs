//! What the client makes of refusals, broken answers and broken connections: the kind of error, how
//! far the request got, and that nothing with an effect is ever sent twice.

use std::time::Duration;

use crate::common::stub::{Step, Stub, answer, json};
use jiff::Timestamp;
use tokio::io::AsyncWriteExt;
use tsg_cloudapi::{
    client::{ApiCode, Client, ClientError, ClientOptions, InvalidOptions, MachineQuery, ReadRetries, Timeouts},
    signature::{HttpDate, KeyId, LocalSigner, Signer},
    wire::CreateMachine,
};
use tsg_core::ports::cloud::{ErrorKind, Reach, Retry};
use uuid::Uuid;

fn signer() -> Signer {
    let key = crate::common::vectors().private("ed25519");
    LocalSigner::new(KeyId::for_account("demo", key.public_key()), &key).unwrap().into()
}

fn options(url: &str) -> ClientOptions {
    ClientOptions::new(url, "demo", signer()).with_read_retries(ReadRetries {
        attempts: 3,
        first_wait: Duration::from_millis(1),
        longest_wait: Duration::from_millis(4),
    })
}

fn request() -> CreateMachine {
    CreateMachine {
        name: "web-1".to_owned(),
        image: Uuid::from_u128(1),
        package: Uuid::from_u128(2),
        networks: vec![],
        affinity: vec![],
        firewall_enabled: false,
        deletion_protection: false,
        tags: [].into(),
        metadata: [].into(),
    }
}

fn ca_file() -> std::path::PathBuf {
    std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/common/tls/ca.pem")
}

async fn create(client: &Client) -> ClientError {
    let date = HttpDate::from_timestamp(Timestamp::now());
    client.create_machine(&request(), date).await.unwrap_err()
}

async fn refusal(step: Step) -> ClientError {
    let stub = Stub::start([step]).await;
    let error = create(&Client::new(options(&stub.url())).unwrap()).await;
    assert_eq!(stub.seen().len(), 1, "a create is sent once");
    error
}

#[tokio::test]
async fn refusals_become_kinds_and_codes() {
    use ErrorKind::{Conflict, Corrupt, Denied, Invalid, NotFound, Throttled, Unavailable, Unsupported};
    let table = [
        (400, r#"{"code":"InvalidContent","message":"bad"}"#, Invalid, ApiCode::InvalidContent),
        (
            400,
            r#"{"code":"InvalidHeader","message":"Authorization header invalid: clock skew of 310.5s was greater than 300s"}"#,
            Denied,
            ApiCode::InvalidHeader,
        ),
        (
            401,
            r#"{"code":"InvalidCredentials","message":"Invalid authorization credentials supplied"}"#,
            Denied,
            ApiCode::InvalidCredentials,
        ),
        (
            403,
            r#"{"code":"NotAuthorized","message":"Quota exceeded; to have your limits raised please contact Support"}"#,
            Denied,
            ApiCode::NotAuthorized,
        ),
        (404, r#"{"code":"ResourceNotFound","message":"x not found"}"#, NotFound, ApiCode::ResourceNotFound),
        (405, r#"{"code":"MethodNotAllowedError","message":"no"}"#, Unsupported, ApiCode::Unlisted),
        (409, r#"{"code":"MissingParameter","message":"image must be specified"}"#, Invalid, ApiCode::MissingParameter),
        (409, r#"{"code":"InvalidArgument","message":"x"}"#, Invalid, ApiCode::InvalidArgument),
        (
            409,
            r#"{"code":"NoAllocatableServersError","message":"No compute resources available"}"#,
            Conflict,
            ApiCode::NoAllocatableServers,
        ),
        (409, r#"{"code":"UnallocatedVM","message":"x"}"#, Conflict, ApiCode::UnallocatedVm),
        (409, r#"{"code":"CannotDestroyMachineError","message":"x"}"#, Conflict, ApiCode::CannotDestroyMachine),
        (409, r#"{"code":"NewCode","message":"x"}"#, Conflict, ApiCode::Unlisted),
        (413, r#"{"code":"PayloadTooLargeError","message":"x"}"#, Invalid, ApiCode::Unlisted),
        (420, r#"{"code":"RequestThrottled","message":"x"}"#, Throttled, ApiCode::TooManyRequests),
        (429, r#"{"code":"TooManyRequestsError","message":"x"}"#, Throttled, ApiCode::TooManyRequests),
        (500, r#"{"message":"netUuid (uuid) is required"}"#, Unavailable, ApiCode::Absent),
        (500, r#"{"code":"InternalError","message":"x","extra":{"a":[1]}}"#, Unavailable, ApiCode::InternalError),
        (501, r#"{"code":"NotImplementedError","message":"x"}"#, Unsupported, ApiCode::NotImplemented),
        (
            503,
            r#"{"code":"ServiceUnavailableError","message":"This Triton data center is being upgraded"}"#,
            Unavailable,
            ApiCode::Maintenance,
        ),
        (503, "<html><body><h1>503 Service Unavailable</h1></body></html>", Unavailable, ApiCode::Absent),
        (504, "", Unavailable, ApiCode::Absent),
        (500, r#"{"code":"InternalErr"#, Unavailable, ApiCode::Absent),
        (302, "", Unsupported, ApiCode::Absent),
        (201, r#"{"id":"#, Corrupt, ApiCode::Absent),
        (201, "[]", Corrupt, ApiCode::Absent),
    ];
    for (status, body, kind, code) in table {
        let error = refusal(json(status, body)).await;
        assert_eq!((error.kind(), error.code()), (kind, code), "{status} {body}");
        assert_eq!(error.status(), Some(status), "{body}");
        assert_eq!(error.reach(), Reach::Answered, "{status} {body}");
        assert_eq!(error.request_id(), Some("b2a9c4f0-0000-4000-8000-000000000001"));
        assert!(!error.message().is_empty(), "{status} {body}");
        assert_eq!(error.server_time(), Some(crate::common::at("Thu, 01 Jan 2026 00:00:00 GMT")));
    }
}

#[tokio::test]
async fn field_errors_tell_a_taken_name_and_an_address_in_use() {
    let duplicate = r#"{"code":"ValidationFailed","message":"Invalid VM parameters","errors":
        [{"field":"alias","code":"Duplicate","message":"Already exists for this owner_uuid"}]}"#;
    let error = refusal(json(409, duplicate)).await;
    assert!(error.is_duplicate_name());
    assert_eq!(error.kind(), ErrorKind::Conflict);

    let invalid = duplicate.replace("Duplicate", "Invalid");
    let error = refusal(json(409, &invalid)).await;
    assert!(!error.is_duplicate_name());
    assert_eq!((error.kind(), error.retry()), (ErrorKind::Invalid, Retry::Never));

    let in_use =
        r#"{"code":"InvalidParameters","message":"x","errors":[{"field":"ip","code":"UsedBy","message":"IP in use"}]}"#;
    let error = refusal(json(422, in_use)).await;
    assert_eq!((error.kind(), error.code()), (ErrorKind::Conflict, ApiCode::InvalidParameters));
    assert!(error.to_string().contains("ip: IP in use"), "{error}");

    let odd = r#"{"code":"ValidationFailed","message":"x","errors":{"alias":"taken"}}"#;
    let error = refusal(json(409, odd)).await;
    assert_eq!((error.code(), error.fields().len()), (ApiCode::ValidationFailed, 0));
}

#[tokio::test]
async fn quota_and_clock_skew_are_told_from_other_denials() {
    for text in ["Quota exceeded; to have your limits raised", "QuotaExceeded"] {
        let body = format!(r#"{{"code":"NotAuthorized","message":"{text}"}}"#);
        assert!(refusal(json(403, &body)).await.is_quota(), "{text}");
    }
    let denied = r#"{"code":"NotAuthorized","message":"You do not have permission"}"#;
    assert!(!refusal(json(403, denied)).await.is_quota());
    let expired = r#"{"code":"RequestExpired","message":"Date header Thu is too old"}"#;
    assert!(refusal(json(400, expired)).await.is_clock_skew());
}

#[tokio::test]
async fn retry_after_is_read_in_both_forms_and_clamped() {
    let date = ("date", "Thu, 01 Jan 2026 00:00:00 GMT");
    let table = [
        ("30", 30),
        ("Thu, 01 Jan 2026 00:02:00 GMT", 120),
        ("Wed, 31 Dec 2025 00:00:00 GMT", 1),
        ("Tue, 01 Jan 2036 00:00:00 GMT", 3600),
    ];
    for (text, seconds) in table {
        let body = r#"{"code":"ServiceUnavailableError","message":"x"}"#;
        let bytes = answer(503, &[date, ("retry-after", text)], body);
        let error = refusal(Step::Answer(bytes)).await;
        assert_eq!(error.retry(), Retry::After(Duration::from_secs(seconds)), "{text}");
    }
    let error = refusal(json(429, r#"{"code":"TooManyRequestsError","message":"x"}"#)).await;
    assert_eq!(error.retry_after(), None);
}

#[tokio::test]
async fn a_create_is_never_repeated_and_a_read_is_on_429_and_503_only() {
    let throttled = r#"{"code":"TooManyRequestsError","message":"x"}"#;
    for step in [json(429, throttled), json(503, "x"), json(500, "x"), Step::Close] {
        let stub = Stub::start([step, json(201, "{}"), json(201, "{}")]).await;
        create(&Client::new(options(&stub.url())).unwrap()).await;
        assert_eq!(stub.seen().len(), 1);
    }

    let stub = Stub::start([json(429, throttled), json(503, "<html>"), json(200, "[]")]).await;
    let client = Client::new(options(&stub.url())).unwrap();
    assert_eq!(client.all_machines(&MachineQuery::all()).await.unwrap().len(), 0);
    assert_eq!(stub.seen().len(), 3);

    let stub = Stub::start([json(429, throttled), json(429, throttled), json(429, throttled), json(200, "[]")]).await;
    let client = Client::new(options(&stub.url())).unwrap();
    assert_eq!(client.keys().await.unwrap_err().kind(), ErrorKind::Throttled);
    assert_eq!(stub.seen().len(), 3, "attempts are bounded");

    let stub = Stub::start([json(500, "x"), json(200, "[]")]).await;
    let client = Client::new(options(&stub.url())).unwrap();
    assert_eq!(client.keys().await.unwrap_err().kind(), ErrorKind::Unavailable);
    assert_eq!(stub.seen().len(), 1);

    let stub = Stub::start([json(429, throttled), json(200, "[]")]).await;
    let client = Client::new(options(&stub.url())).unwrap().direct();
    assert_eq!(client.keys().await.unwrap_err().kind(), ErrorKind::Throttled);
    assert_eq!(stub.seen().len(), 1, "a direct client asks once");
}

#[tokio::test]
async fn what_failed_before_the_first_byte_is_surely_not_sent() {
    let gone = Stub::start([]).await;
    let refused = gone.url();
    drop(gone);
    // The listener closes with its task; the port refuses as soon as it is gone.
    let deadline = tokio::time::Instant::now() + Duration::from_secs(10);
    while tokio::net::TcpStream::connect(refused.trim_start_matches("http://")).await.is_ok() {
        assert!(tokio::time::Instant::now() < deadline);
        tokio::task::yield_now().await;
    }
    let error = create(&Client::new(options(&refused)).unwrap()).await;
    assert_eq!((error.kind(), error.reach()), (ErrorKind::Unavailable, Reach::NotSent), "{error}");

    let error = create(&Client::new(options("http://localhost:1")).unwrap()).await;
    assert_eq!(error.reach(), Reach::NotSent, "{error}");

    // A server that speaks no TLS: the handshake fails before the request.
    let plain = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://{}", plain.local_addr().unwrap());
    let server = tokio::spawn(async move {
        let (mut stream, _) = plain.accept().await.unwrap();
        stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await.unwrap();
    });
    let error = create(&Client::new(options(&url).with_ca_file(ca_file())).unwrap()).await;
    assert_eq!((error.kind(), error.reach()), (ErrorKind::Unavailable, Reach::NotSent), "{error}");
    server.await.unwrap();
}

#[tokio::test]
async fn what_failed_later_may_have_been_heard() {
    let truncated = b"HTTP/1.1 201 Created\r\ncontent-length: 5000\r\n\r\n{\"id\":\"28faa36c".to_vec();
    let garbage = b"SSH-2.0-OpenSSH_9.2\r\n".to_vec();
    let half_head = b"HTTP/1.1 201 Cre".to_vec();
    let steps =
        [Step::Close, Step::AnswerAndClose(truncated), Step::AnswerAndClose(garbage), Step::AnswerAndClose(half_head)];
    for step in steps {
        let error = refusal(step).await;
        assert_eq!((error.kind(), error.reach()), (ErrorKind::Unavailable, Reach::MaybeSent), "{error}");
        assert_eq!(error.status(), None);
    }
}

#[tokio::test]
async fn silence_ends_with_the_time_limit() {
    let stub = Stub::start([Step::Hang, Step::Hang]).await;
    let timeouts = Timeouts {
        connect: Duration::from_secs(5),
        create: Duration::from_millis(200),
        other: Duration::from_millis(50),
    };
    let client = Client::new(options(&stub.url()).with_timeouts(timeouts)).unwrap();
    let error = create(&client).await;
    assert_eq!((error.kind(), error.reach()), (ErrorKind::Unavailable, Reach::MaybeSent));
    assert!(error.to_string().contains("did not answer in time"), "{error}");
    let error = client.keys().await.unwrap_err();
    assert_eq!(error.reach(), Reach::MaybeSent);
    assert_eq!(stub.seen().len(), 2);
}

#[tokio::test]
async fn redirects_are_not_followed() {
    let elsewhere = Stub::start([json(200, "[]")]).await;
    let location = format!("{}/demo/keys", elsewhere.url());
    let stub = Stub::start([Step::Answer(answer(302, &[("location", &location)], ""))]).await;
    let error = Client::new(options(&stub.url())).unwrap().keys().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    assert_eq!(elsewhere.seen().len(), 0);
}

#[tokio::test]
async fn oversized_bodies_are_refused_in_both_directions() {
    let huge = "x".repeat(9 * 1024 * 1024);
    let stub = Stub::start([json(200, &huge)]).await;
    let error = Client::new(options(&stub.url())).unwrap().keys().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Corrupt);

    let stub = Stub::start([]).await;
    let mut request = request();
    request.metadata.insert("user-data".to_owned(), "x".repeat(100_000).as_str().into());
    let date = HttpDate::from_timestamp(Timestamp::now());
    let client = Client::new(options(&stub.url())).unwrap();
    let error = client.create_machine(&request, date).await.unwrap_err();
    assert_eq!((error.kind(), error.reach()), (ErrorKind::Invalid, Reach::NotSent));
    assert_eq!(stub.seen().len(), 0);
}

#[test]
fn options_that_would_be_unsafe_or_useless_are_refused() {
    let url_of = |url: &str| Client::new(options(url)).map(drop);
    for url in ["http://cloud.example", "http://10.0.0.1:8080"] {
        assert!(matches!(url_of(url), Err(InvalidOptions::Unencrypted(_))), "{url}");
    }
    for url in [
        "",
        "cloud.example",
        "ftp://cloud.example",
        "https://u:p@cloud.example",
        "https://cloud.example/x",
        "https://cloud.example?x=1",
    ] {
        assert!(matches!(url_of(url), Err(InvalidOptions::Url(_))), "{url}");
    }
    for url in ["http://127.0.0.1:1", "http://localhost", "http://[::1]:80/"] {
        assert!(url_of(url).is_ok(), "{url}");
    }
    let account = ClientOptions::new("http://127.0.0.1", "a/b", signer());
    assert!(matches!(Client::new(account), Err(InvalidOptions::Account(_))));
    let absent = options("https://127.0.0.1").with_ca_file("/nonexistent/ca.pem");
    assert!(matches!(Client::new(absent), Err(InvalidOptions::CaFile { .. })));
    let directory = tempfile::TempDir::new().unwrap();
    let empty = directory.path().join("ca.pem");
    std::fs::write(&empty, "no certificate here").unwrap();
    let content = options("https://127.0.0.1").with_ca_file(empty);
    assert!(matches!(Client::new(content), Err(InvalidOptions::CaContent { .. })));
}

#[tokio::test]
async fn errors_and_clients_show_no_signature() {
    let error = refusal(json(401, r#"{"code":"InvalidCredentials","message":"no"}"#)).await;
    let stub = Stub::start([]).await;
    let client = Client::new(options(&stub.url())).unwrap();
    for shown in [format!("{error:?}"), error.to_string(), format!("{client:?}"), format!("{:?}", options(&stub.url()))]
    {
        assert!(!shown.contains("Signature keyId"), "{shown}");
        assert!(!shown.to_lowercase().contains("authorization"), "{shown}");
    }
}
