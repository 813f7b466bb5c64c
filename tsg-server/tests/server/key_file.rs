//! The key file: made once, never readable by others, never guessed around.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use tsg_server::config::{ServerConfig, StoreLocation};
use tsg_server::{RunningServer, Server, StartError};

use crate::support::Site;
use crate::support::site::config as base;

fn config(folder: &Path) -> ServerConfig {
    let mut config = base("http://127.0.0.1:9", folder);
    config.store = StoreLocation::File(folder.join("tsg.db"));
    config
}

async fn start(folder: &Path) -> Result<RunningServer, StartError> {
    Server::start(config(folder)).await
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o7777
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_start_makes_it_for_its_owner_only() {
    let folder = tempfile::tempdir().unwrap();
    let deep = folder.path().join("data/tsg");
    let server = start(&deep).await.unwrap();
    let deployment = server.deployment();
    server.shutdown().await;
    assert_eq!((mode(&deep.join("tsg.kek")), mode(&deep)), (0o400, 0o700));
    let before = fs::read(deep.join("tsg.kek")).unwrap();
    let again = start(&deep).await.unwrap();
    assert_eq!(again.deployment(), deployment);
    again.shutdown().await;
    assert_eq!(fs::read(deep.join("tsg.kek")).unwrap(), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_file_that_others_can_reach_or_that_does_not_fit_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    start(folder.path()).await.unwrap().shutdown().await;
    let file = folder.path().join("tsg.kek");
    for exposed in [0o440, 0o404, 0o640, 0o600 | 0o001] {
        fs::set_permissions(&file, fs::Permissions::from_mode(exposed)).unwrap();
        refused(folder.path(), "chmod 400").await;
    }
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
    let right = fs::read(&file).unwrap();

    fs::write(&file, "no key").unwrap();
    refused(folder.path(), "is damaged").await;
    let other = tempfile::tempdir().unwrap();
    start(other.path()).await.unwrap().shutdown().await;
    fs::write(&file, fs::read(other.path().join("tsg.kek")).unwrap()).unwrap();
    refused(folder.path(), "does not fit this store").await;
    fs::remove_file(&file).unwrap();
    refused(folder.path(), "is missing").await;
    assert!(!file.exists(), "no new key is made for a store that was sealed under another");

    fs::write(&file, right).unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o400)).unwrap();
    start(folder.path()).await.unwrap().shutdown().await;
}

async fn refused(folder: &Path, text: &str) {
    let error = start(folder).await.err().unwrap();
    assert!(matches!(error, StartError::Unlock(_)), "{error}");
    assert!(error.to_string().contains(text), "{error}");
    assert!(!error.hint().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn private_keys_are_never_in_the_store_or_an_answer_in_clear() {
    let path = std::sync::Mutex::new(None);
    let site = Site::start(|config| {
        let file = config.key_file.with_file_name("tsg.db");
        *path.lock().unwrap() = Some(file.clone());
        config.store = StoreLocation::File(file);
    })
    .await;
    let enrolled = site.enrol(&site.demo).await;
    assert_eq!(enrolled.status, 200);
    let account = site.v2("GET", "/v2/account", "").await;
    for body in [&enrolled.body, &account.body] {
        assert!(!body.contains("PRIVATE") && !body.contains("ciphertext"), "{body}");
    }
    let folder = site.folder.path().to_owned();
    let mut searched = 0;
    for entry in fs::read_dir(&folder).unwrap().map(Result::unwrap) {
        let bytes = fs::read(entry.path()).unwrap();
        searched += bytes.len();
        let text = String::from_utf8_lossy(&bytes);
        // `MC4CAQAwBQYDK2VwBCIEI` is how the base64 of every PKCS#8 Ed25519 key begins.
        assert!(!text.contains("PRIVATE KEY") && !text.contains("MC4CAQAwBQYDK2VwBCIEI"), "{:?}", entry.path());
    }
    assert!(searched > 1000, "the store's files were looked at");
    site.end().await;
}
