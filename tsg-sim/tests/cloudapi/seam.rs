//! The seam to the signature verifier: when it is asked, and when its answer counts.

use std::sync::{Arc, Mutex};

use http::{Method, StatusCode};
use jiff::Timestamp;
use tsg_sim::http::{
    Identity, KeyDirectory, KeyQuery, ServerConfig, SignatureRefusal, SignatureVerifier, SignedRequest, SimServer,
    SubUserKeys, WallClock,
};

use crate::client::{Answer, Ask};
use crate::support::keys::ring;
use crate::support::site::{FAST, Site, quick, world};
use crate::support::verifier::CloudApiVerifier;

/// Answers as it was told, and remembers what it was asked.
struct Scripted {
    verdict: Result<Identity, SignatureRefusal>,
    asked: Mutex<Vec<(String, SubUserKeys)>>,
}

impl SignatureVerifier for Scripted {
    fn verify(&self, request: &SignedRequest<'_>, keys: &dyn KeyDirectory) -> Result<Identity, SignatureRefusal> {
        let known = KeyQuery { account: "demo", sub_user: None, key: &ring().rsa.md5 };
        assert_eq!(keys.openssh_key(known), Some(ring().rsa.public.clone()));
        assert_eq!(keys.openssh_key(KeyQuery { sub_user: Some("bob"), ..known }), None);
        self.asked.lock().unwrap().push((request.target.to_owned(), request.sub_users));
        self.verdict.clone()
    }
}

fn signed_by(account: &str) -> Result<Identity, SignatureRefusal> {
    Ok(Identity { account: account.to_owned(), sub_user: None, key_id: "k".to_owned() })
}

fn refused(status: StatusCode) -> Result<Identity, SignatureRefusal> {
    Err(SignatureRefusal { status, code: "Scripted", message: "as told".to_owned() })
}

async fn ask(verdict: Result<Identity, SignatureRefusal>, ask: Ask) -> (Answer, Vec<(String, SubUserKeys)>) {
    let verifier = Arc::new(Scripted { verdict, asked: Mutex::default() });
    let site = Site::with_verifier(FAST, quick(), verifier.clone()).await;
    let answer = ask.send(site.server.cloudapi()).await.unwrap();
    let asked = verifier.asked.lock().unwrap().clone();
    (answer, asked)
}

#[tokio::test]
async fn a_malformed_header_is_refused_before_the_body_and_a_wrong_signature_after_it() {
    let broken = || Ask::new(Method::POST, "/my/machines").body("application/json", "{nope");
    let (early, asked) = ask(refused(StatusCode::BAD_REQUEST), broken()).await;
    assert_eq!(early.refusal(), (400, "Scripted".into(), "as told".into()));
    assert_eq!(asked, [("/my/machines".to_owned(), SubUserKeys::Known)]);
    let (late, _) = ask(refused(StatusCode::UNAUTHORIZED), broken()).await;
    assert_eq!((late.status, late.refusal().1.as_str()), (400, "InvalidContent"));
    let (sound, _) = ask(refused(StatusCode::UNAUTHORIZED), Ask::new(Method::POST, "/my/machines")).await;
    assert_eq!(sound.refusal(), (401, "Scripted".into(), "as told".into()));
}

#[tokio::test]
async fn the_verifier_sees_the_raw_target_and_what_the_version_knows() {
    let with = |range: &str| Ask::new(Method::GET, "//demo/machines?name=a%20b&x").header("accept-version", range);
    let (answer, asked) = ask(signed_by("demo"), with("~9")).await;
    assert_eq!((answer.status, asked), (409, vec![("//demo/machines?name=a%20b&x".to_owned(), SubUserKeys::Known)]));
    let (_, asked) = ask(signed_by("demo"), with("~7.1")).await;
    assert_eq!(asked[0].1, SubUserKeys::Unknown);
    let (_, asked) = ask(signed_by("demo"), Ask::new(Method::GET, "/--ping")).await;
    assert_eq!(asked, []);
}

#[tokio::test]
async fn an_account_that_is_gone_counts_as_wrong_credentials() {
    let (answer, _) = ask(signed_by("ghost"), Ask::new(Method::GET, "/my")).await;
    assert_eq!((answer.status, answer.refusal().1.as_str()), (401, "InvalidCredentials"));
}

/// A request captured from npm's triton, replayed at its own time with its own key.
#[tokio::test]
async fn a_captured_request_is_accepted_at_its_own_time_only() {
    let key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAeuqz5CL05v06r1Qkyiwmhf5QKeOBk5Iz/maTM/R5Ai";
    let date = "Fri, 20 Nov 2026 18:25:12 GMT";
    let captured = Ask::new(Method::GET, "/demo").header("date", date).header(
        "authorization",
        "Signature keyId=\"/demo/keys/a5:49:7e:12:cc:25:f0:48:33:06:32:7a:de:b1:ba:d6\",\
         algorithm=\"ed25519-sha512\",headers=\"(request-target) date\",\
         signature=\"/Ga6ahM4uVqU8Ts74Am85hdXPPfhqVHfWNZnpyJNTG9iCu91cn/YNBu7ZVIUSL2FfMKwo+IbHOBPNwqGnl5eAA==\"",
    );
    for (now, status) in [("2026-11-20T18:25:12Z", 200), ("2026-11-20T18:30:11Z", 200), ("2026-11-20T18:30:13Z", 400)] {
        let mut world = world(quick());
        let account = world.find_account("demo").unwrap().id;
        world.add_key(account, Some(key), Some("captured")).unwrap();
        let now: Timestamp = now.parse().unwrap();
        let config =
            ServerConfig { wall_clock: WallClock::Fixed(now), ..ServerConfig::on_loopback(Arc::new(CloudApiVerifier)) };
        let server = SimServer::start(world, config).await.unwrap();
        let answer = captured.clone().send(server.cloudapi()).await.unwrap().expect(status);
        assert_eq!(answer.header("date"), tsg_sim::http::clock::http_date(now));
    }
}
