//! Keys as `ssh-keygen` writes them: every family, every file format, with and without
//! passphrase, and the refusals that tell the user what to do.

use std::{path::Path, process::Command};

use tempfile::TempDir;
use tsg_cloudapi::signature::{
    Algorithm, KeyError, NewKeyKind, PortableBackend, PrivateKey, PublicKey, PublicKeyError, SecretText, SigningBackend,
};

const PASSPHRASE: &str = "correct horse";

struct KeyFile {
    directory: TempDir,
}

impl KeyFile {
    fn generate(kind: &str, bits: &str, format: &[&str], passphrase: &str) -> Self {
        let file = Self { directory: TempDir::new().unwrap() };
        let mut arguments = vec!["-q", "-t", kind, "-N", passphrase, "-C", "a comment"];
        if !bits.is_empty() {
            arguments.extend(["-b", bits]);
        }
        arguments.extend(format);
        let path = file.path("id");
        arguments.extend(["-f", path.as_str()]);
        run_ssh_keygen(&arguments);
        file
    }

    fn path(&self, name: &str) -> String {
        self.directory.path().join(name).to_str().unwrap().to_owned()
    }

    fn private_text(&self) -> Vec<u8> {
        std::fs::read(self.path("id")).unwrap()
    }

    fn read(&self, passphrase: Option<&str>) -> Result<PrivateKey, KeyError> {
        let passphrase = passphrase.map(|text| SecretText::new(text.to_owned()));
        PrivateKey::from_text(&self.private_text(), passphrase.as_ref())
    }

    fn public(&self) -> PublicKey {
        let text = std::fs::read_to_string(self.path("id.pub")).unwrap();
        PublicKey::from_openssh(&text).unwrap()
    }

    fn fingerprint(&self, hash: &str) -> String {
        let printed = run_ssh_keygen(&["-l", "-E", hash, "-f", self.path("id.pub").as_str()]);
        printed.split_whitespace().nth(1).unwrap().to_owned()
    }
}

fn run_ssh_keygen(arguments: &[&str]) -> String {
    let output = Command::new("ssh-keygen").args(arguments).output().unwrap();
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn sign_and_verify(key: &PrivateKey, public: &PublicKey, algorithm: Algorithm) {
    let message = b"date: Thu, 01 Jan 2026 00:00:00 GMT";
    let signature = PortableBackend.signer(key).unwrap().sign(algorithm, message).unwrap();
    let verifier = PortableBackend.verifier(public).unwrap();
    assert!(verifier.verify(algorithm, message, &signature));
    assert!(!verifier.verify(algorithm, b"another message", &signature));
}

/// Key type, bits, the arguments for each file format, and what such a key signs with.
type Family = (&'static str, &'static str, &'static [&'static [&'static str]], &'static [Algorithm]);

const RSA: &[Algorithm] = &[Algorithm::RsaSha256, Algorithm::RsaSha512];
const ECDSA: &[Algorithm] = &[Algorithm::EcdsaSha256, Algorithm::EcdsaSha512];
const ED25519: &[Algorithm] = &[Algorithm::Ed25519Sha512];

#[test]
fn every_family_in_every_file_format_reads_fingerprints_and_signs() {
    let table: &[Family] = &[
        ("rsa", "2048", &[&[], &["-m", "PEM"], &["-m", "PKCS8"]], RSA),
        ("rsa", "1024", &[&["-m", "PEM"]], RSA),
        ("ecdsa", "256", &[&[], &["-m", "PEM"], &["-m", "PKCS8"]], ECDSA),
        ("ecdsa", "384", &[&[], &["-m", "PEM"], &["-m", "PKCS8"]], ECDSA),
        ("ecdsa", "521", &[&[], &["-m", "PEM"], &["-m", "PKCS8"]], ECDSA),
        ("ed25519", "", &[&[]], ED25519),
    ];
    for (kind, bits, formats, algorithms) in table {
        for format in *formats {
            let file = KeyFile::generate(kind, bits, format, "");
            let key = file.read(None).unwrap_or_else(|error| panic!("{kind} {bits} {format:?}: {error}"));
            let public = file.public();
            assert_eq!(key.public_key(), &public, "{kind} {bits} {format:?}");
            assert_eq!(format!("MD5:{}", public.fingerprint_md5()), file.fingerprint("md5"));
            assert_eq!(public.fingerprint_sha256(), file.fingerprint("sha256"));
            assert_eq!(public.comment(), "a comment");
            if !bits.is_empty() {
                assert_eq!(public.bits().to_string(), *bits);
            }
            for algorithm in *algorithms {
                sign_and_verify(&key, &public, *algorithm);
            }
        }
    }
}

#[test]
fn scalars_with_leading_zero_bytes_are_read() {
    // Half of all P-521 scalars are written shorter than the field; eight keys miss the case with
    // a chance of 1 in 256, and then prove nothing rather than fail.
    for _ in 0..8 {
        let file = KeyFile::generate("ecdsa", "521", &[], "");
        assert_eq!(file.read(None).unwrap().public_key(), &file.public());
    }
}

#[test]
fn passphrases_open_openssh_files_of_every_usual_cipher() {
    for cipher in ["aes256-ctr", "aes256-cbc", "aes256-gcm@openssh.com", "chacha20-poly1305@openssh.com"] {
        let file = KeyFile::generate("ed25519", "", &["-Z", cipher, "-a", "4"], PASSPHRASE);
        let key = file.read(Some(PASSPHRASE)).unwrap_or_else(|error| panic!("{cipher}: {error}"));
        assert_eq!(key.public_key(), &file.public(), "{cipher}");
        assert_eq!(file.read(Some("wrong")).unwrap_err(), KeyError::WrongPassphrase, "{cipher}");
        assert_eq!(file.read(None).unwrap_err(), KeyError::PassphraseNeeded, "{cipher}");
    }
    let file = KeyFile::generate("rsa", "2048", &["-a", "4"], PASSPHRASE);
    assert_eq!(file.read(Some(PASSPHRASE)).unwrap().public_key(), &file.public());
}

#[test]
fn unreadable_formats_are_named_with_the_way_out() {
    let legacy = KeyFile::generate("rsa", "2048", &["-m", "PEM"], PASSPHRASE);
    let refusal = legacy.read(Some(PASSPHRASE)).unwrap_err();
    assert_eq!(refusal, KeyError::LegacyEncryption);
    assert!(refusal.to_string().contains("ssh-keygen -p"));

    let sealed = KeyFile::generate("rsa", "2048", &["-m", "PKCS8"], PASSPHRASE);
    assert_eq!(sealed.read(Some(PASSPHRASE)).unwrap_err(), KeyError::EncryptedPkcs8);

    let file = KeyFile::generate("ed25519", "", &[], "");
    let public = std::fs::read(file.path("id.pub")).unwrap();
    assert_eq!(PrivateKey::from_text(&public, None).unwrap_err(), KeyError::PublicKeyGiven);
    assert_eq!(PrivateKey::from_text(b"hello", None).unwrap_err(), KeyError::NotAKey);
    assert_eq!(PrivateKey::from_text(b"", None).unwrap_err(), KeyError::NotAKey);

    let dss = PublicKey::from_openssh("ssh-dss AAAAB3NzaC1kc3MAAAABAQ== old").unwrap_err();
    assert_eq!(dss, PublicKeyError::UnsupportedType("ssh-dss".to_owned()));
}

#[test]
fn damaged_files_are_errors_at_every_byte() {
    let file = KeyFile::generate("ed25519", "", &[], "");
    let whole = String::from_utf8(file.private_text()).unwrap();
    let body_start = whole.find('\n').unwrap() + 1;
    let body_end = whole.rfind("\n-----END").unwrap();
    for position in body_start..body_end {
        let mut damaged = whole.clone().into_bytes();
        damaged[position] = if damaged[position] == b'A' { b'B' } else { b'A' };
        // Flips in the comment, or in bits that base64 padding ignores, leave the key intact.
        if let Ok(key) = PrivateKey::from_text(&damaged, None) {
            assert_eq!(key.public_key(), &file.public(), "byte {position}");
        }
        assert!(PrivateKey::from_text(&whole.as_bytes()[..position], None).is_err());
    }
}

#[test]
fn made_keys_read_back_and_satisfy_ssh_keygen() {
    for kind in [NewKeyKind::Ed25519, NewKeyKind::Rsa3072] {
        let key = PrivateKey::generate(kind, "made here").unwrap();
        let pem = key.to_pkcs8_pem().unwrap();
        let again = PrivateKey::from_text(pem.expose().as_bytes(), None).unwrap();
        assert_eq!(again.public_key(), key.public_key());
        let directory = TempDir::new().unwrap();
        let path = directory.path().join("made.pub");
        std::fs::write(&path, key.public_key().to_openssh()).unwrap();
        let printed = run_ssh_keygen(&["-l", "-E", "md5", "-f", path_text(&path)]);
        assert!(printed.contains(&key.public_key().fingerprint_md5()), "{printed}");
        assert!(printed.contains("made here"), "{printed}");
        if kind == NewKeyKind::Rsa3072 {
            assert!(printed.starts_with("3072 "), "{printed}");
        }
    }
}

fn path_text(path: &Path) -> &str {
    path.to_str().unwrap()
}

#[test]
fn nothing_secret_shows_in_debug() {
    let key = PrivateKey::generate(NewKeyKind::Ed25519, "x").unwrap();
    let pem = key.to_pkcs8_pem().unwrap();
    let secret_line = pem.expose().lines().nth(1).unwrap();
    for shown in [format!("{key:?}"), format!("{pem:?}")] {
        assert!(shown.contains("redacted"), "{shown}");
        assert!(!shown.contains(secret_line));
    }
}
