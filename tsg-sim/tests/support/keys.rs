//! SSH keys made with ssh-keygen, once for each test process.
//!
//! Owns their files. They are throw-away keys and must never be used anywhere else.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use tempfile::TempDir;

/// One key pair on disk.
#[derive(Debug)]
pub struct KeyFile {
    /// The private half, in OpenSSH format.
    pub private: PathBuf,
    /// The public half's text, with the comment.
    pub public: String,
    /// MD5 fingerprint as CloudAPI writes it.
    pub md5: String,
}

/// All keys of a test process.
#[derive(Debug)]
pub struct KeyRing {
    /// RSA, in the account `demo`.
    pub rsa: KeyFile,
    /// ECDSA P-256, in the account `demo`.
    pub ecdsa: KeyFile,
    /// Ed25519, in the account `demo`.
    pub ed25519: KeyFile,
    /// Of the sub-user bob.
    pub bob: KeyFile,
    /// Of the account `other`.
    pub other: KeyFile,
    /// Of nobody.
    pub stranger: KeyFile,
    _folder: TempDir,
}

/// The keys of this process.
pub fn ring() -> &'static KeyRing {
    static RING: OnceLock<KeyRing> = OnceLock::new();
    RING.get_or_init(|| {
        let folder = tempfile::tempdir().unwrap();
        let make = |name: &str, kind: &str, bits: &str| make(folder.path(), name, kind, bits);
        KeyRing {
            rsa: make("rsa", "rsa", "2048"),
            ecdsa: make("ecdsa", "ecdsa", "256"),
            ed25519: make("ed25519", "ed25519", "256"),
            bob: make("bob", "ed25519", "256"),
            other: make("other", "ed25519", "256"),
            stranger: make("stranger", "ed25519", "256"),
            _folder: folder,
        }
    })
}

fn make(folder: &Path, name: &str, kind: &str, bits: &str) -> KeyFile {
    let private = folder.join(name);
    run(Command::new("ssh-keygen").args(["-q", "-N", "", "-t", kind, "-b", bits, "-C", name]).arg("-f").arg(&private));
    let public_file = private.with_extension("pub");
    let line = run(Command::new("ssh-keygen").args(["-l", "-E", "md5"]).arg("-f").arg(&public_file));
    let md5 = line.split_whitespace().nth(1).unwrap().trim_start_matches("MD5:").to_owned();
    KeyFile { public: std::fs::read_to_string(&public_file).unwrap().trim().to_owned(), md5, private }
}

fn run(command: &mut Command) -> String {
    let output = command.output().expect("ssh-keygen (package openssh-client) is needed");
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}
