//! openssl and curl: the recipe of CloudAPI's documentation, and what older clients sign.

use std::process::Command;

use crate::support::keys::ring;
use crate::support::site::{FAST, Site, quick};

const RECIPE: &str = r#"
set -eu
now=$(date -u "+%a, %d %h %Y %H:%M:%S GMT")
signature=$(printf %s "$now" | openssl dgst -sha256 -sign "$KEY_FILE" | openssl enc -e -a | tr -d '\n')
curl -sS -i --max-time 20 "$URL/my/machines" \
  -H "Accept: application/json" -H "Accept-Version: ~8" -H "Date: $now" \
  -H "Authorization: Signature keyId=\"/demo/keys/$KEY_ID\",algorithm=\"rsa-sha256\" $signature"
"#;

/// What triton-go does: the current form of the signature, over the date alone.
const DATE_ONLY: &str = r#"
set -eu
now=$(date -u "+%a, %d %h %Y %H:%M:%S UTC")
signature=$(printf 'date: %s' "$now" | openssl dgst -sha1 -sign "$KEY_FILE" | openssl enc -e -a | tr -d '\n')
for target in "/my/machines?limit=1" "/my"; do
  curl -sS -i --max-time 20 "$URL$target" -H "Accept-Version: 8" -H "Date: $now" \
    -H "Authorization: Signature keyId=\"/demo/keys/$KEY_ID\",algorithm=\"rsa-sha1\",headers=\"date\",signature=\"$signature\""
done
"#;

async fn run(site: &Site, script: &'static str, key_id: &str) -> String {
    let key = &ring().rsa;
    let folder = tempfile::tempdir().unwrap();
    let pem = folder.path().join("key.pem");
    std::fs::copy(&key.private, &pem).unwrap();
    let converted = Command::new("ssh-keygen").args(["-q", "-p", "-N", "", "-m", "PEM", "-f"]).arg(&pem).status();
    assert!(converted.unwrap().success());
    let (url, key_id) = (site.server.url(), key_id.to_owned());
    let output = tokio::task::spawn_blocking(move || {
        Command::new("sh").args(["-c", script]).env("URL", url).env("KEY_ID", key_id).env("KEY_FILE", &pem).output()
    });
    let output = output.await.unwrap().unwrap();
    drop(folder);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_documented_recipe_lists_machines() {
    let site = Site::at_speed(FAST, quick()).await;
    let answer = run(&site, RECIPE, &ring().rsa.md5).await;
    assert!(answer.starts_with("HTTP/1.1 200 OK"), "{answer}");
    assert!(answer.contains("Api-Version: 9.0.0") && answer.ends_with("[]"), "{answer}");
    let refused = run(&site, RECIPE, &ring().ecdsa.md5).await;
    assert!(refused.starts_with("HTTP/1.1 401 "), "{refused}");
    assert!(refused.contains("Invalid authorization credentials supplied"), "{refused}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signature_over_the_date_alone_serves_any_target() {
    let site = Site::at_speed(FAST, quick()).await;
    let answers = run(&site, DATE_ONLY, &ring().rsa.md5).await;
    assert_eq!(answers.matches("HTTP/1.1 200 OK").count(), 2, "{answers}");
}
