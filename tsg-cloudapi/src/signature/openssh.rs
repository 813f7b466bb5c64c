//! OpenSSH private key files (`openssh-key-v1`), plain or with a passphrase.
//!
//! The container is read here because OpenSSH drops leading zero bytes of ECDSA scalars, which
//! half of all P-521 keys have; the cipher and the key derivation come from `ssh-key`.

use base64::{Engine, engine::general_purpose::STANDARD};
use rsa::{BigUint, RsaPrivateKey};
use ssh_key::{Cipher, Kdf};
use zeroize::Zeroizing;

use super::{
    algorithm::Curve,
    private_key::{KeyError, PrivateKey, PrivateMaterial},
    public_key::{PublicKey, PublicKeyError},
    secret::SecretText,
    ssh_wire::{WireError, WireReader},
};

const BEGIN: &str = "-----BEGIN OPENSSH PRIVATE KEY-----";
const END: &str = "-----END OPENSSH PRIVATE KEY-----";
const MAGIC: &[u8] = b"openssh-key-v1\0";
/// bcrypt rounds a file may ask for: ssh-keygen's default is 24; this bound keeps a hostile file
/// from burning minutes of CPU.
const MAX_KDF_ROUNDS: u32 = 4096;

impl From<WireError> for KeyError {
    fn from(_: WireError) -> Self {
        Self::Damaged
    }
}

pub(crate) fn is_openssh(text: &[u8]) -> bool {
    text.windows(BEGIN.len()).any(|window| window == BEGIN.as_bytes())
}

pub(crate) fn read_private_key(text: &[u8], passphrase: Option<&SecretText>) -> Result<PrivateKey, KeyError> {
    let container = decode_armour(text)?;
    let mut reader = WireReader::new(&container);
    if reader.take(MAGIC.len())? != MAGIC {
        return Err(KeyError::Damaged);
    }
    let cipher_name = reader.text()?;
    let kdf_name = reader.text()?;
    let kdf_options = reader.string()?;
    if reader.u32()? != 1 {
        return Err(KeyError::UnsupportedType("OpenSSH file with several keys".to_owned()));
    }
    let public = read_public(reader.string()?)?;
    let sealed = reader.string()?;
    if cipher_name == "none" {
        return read_private_section(sealed, &public).ok_or(KeyError::Damaged);
    }
    let passphrase = passphrase.ok_or(KeyError::PassphraseNeeded)?;
    let cipher = Cipher::new(cipher_name)
        .map_err(|_| KeyError::UnsupportedType(format!("OpenSSH encrypted with {cipher_name}")))?;
    let kdf = read_kdf(kdf_name, kdf_options)?;
    let opened = unseal(cipher, &kdf, passphrase, sealed, reader.rest())?;
    // The section begins with two equal random numbers; a wrong passphrase cannot reproduce them.
    read_private_section(&opened, &public).ok_or(KeyError::WrongPassphrase)
}

fn decode_armour(text: &[u8]) -> Result<Zeroizing<Vec<u8>>, KeyError> {
    let text = std::str::from_utf8(text).map_err(|_| KeyError::Damaged)?;
    let (_, body) = text.split_once(BEGIN).ok_or(KeyError::NotAKey)?;
    let (body, _) = body.split_once(END).ok_or(KeyError::Damaged)?;
    let packed: Zeroizing<String> = Zeroizing::new(body.chars().filter(|c| !c.is_ascii_whitespace()).collect());
    STANDARD.decode(packed.as_bytes()).map(Zeroizing::new).map_err(|_| KeyError::Damaged)
}

fn read_public(blob: &[u8]) -> Result<PublicKey, KeyError> {
    PublicKey::from_blob(blob, "").map_err(|error| match error {
        PublicKeyError::UnsupportedType(kind) => KeyError::UnsupportedType(kind),
        PublicKeyError::Damaged | PublicKeyError::NotOpenSsh => KeyError::Damaged,
    })
}

fn read_kdf(name: &str, options: &[u8]) -> Result<Kdf, KeyError> {
    if name != "bcrypt" {
        return Err(KeyError::UnsupportedType(format!("OpenSSH with key derivation {name}")));
    }
    let mut reader = WireReader::new(options);
    let salt = reader.string()?.to_vec();
    let rounds = reader.u32()?;
    if rounds == 0 || rounds > MAX_KDF_ROUNDS {
        return Err(KeyError::Damaged);
    }
    Ok(Kdf::Bcrypt { salt, rounds })
}

fn unseal(
    cipher: Cipher,
    kdf: &Kdf,
    passphrase: &SecretText,
    sealed: &[u8],
    tag: &[u8],
) -> Result<Zeroizing<Vec<u8>>, KeyError> {
    let (key, iv) = kdf.derive_key_and_iv(cipher, passphrase.expose()).map_err(|_| KeyError::WrongPassphrase)?;
    let tag = if cipher.has_tag() { Some(tag.try_into().map_err(|_| KeyError::Damaged)?) } else { None };
    let mut opened = Zeroizing::new(sealed.to_vec());
    cipher.decrypt(&key, &iv, &mut opened, tag).map_err(|_| KeyError::WrongPassphrase)?;
    Ok(opened)
}

fn read_private_section(bytes: &[u8], public: &PublicKey) -> Option<PrivateKey> {
    let mut reader = WireReader::new(bytes);
    if reader.u32().ok()? != reader.u32().ok()? {
        return None;
    }
    let kind = reader.text().ok()?;
    let material = match kind {
        "ssh-rsa" => read_rsa(&mut reader)?,
        "ssh-ed25519" => read_ed25519(&mut reader)?,
        _ => read_ecdsa(&mut reader)?,
    };
    let comment = reader.text().ok()?;
    let padding_is_sound = reader.rest().iter().zip(1u8..).all(|(found, wanted)| *found == wanted);
    let key = PrivateKey::new(material, comment);
    (padding_is_sound && key.public_key() == public).then_some(key)
}

fn read_rsa(reader: &mut WireReader<'_>) -> Option<PrivateMaterial> {
    let modulus = BigUint::from_bytes_be(reader.positive_mpint().ok()?);
    let exponent = BigUint::from_bytes_be(reader.positive_mpint().ok()?);
    let private_exponent = BigUint::from_bytes_be(reader.positive_mpint().ok()?);
    let _coefficient = reader.positive_mpint().ok()?;
    let primes = vec![
        BigUint::from_bytes_be(reader.positive_mpint().ok()?),
        BigUint::from_bytes_be(reader.positive_mpint().ok()?),
    ];
    let key = RsaPrivateKey::from_components(modulus, exponent, private_exponent, primes).ok()?;
    Some(PrivateMaterial::Rsa(Box::new(key)))
}

fn read_ed25519(reader: &mut WireReader<'_>) -> Option<PrivateMaterial> {
    let public = reader.string().ok()?;
    let pair: &[u8; 64] = reader.string().ok()?.try_into().ok()?;
    let key = ed25519_dalek::SigningKey::from_keypair_bytes(pair).ok()?;
    (key.verifying_key().as_bytes() == public).then(|| PrivateMaterial::Ed25519(Box::new(key)))
}

fn read_ecdsa(reader: &mut WireReader<'_>) -> Option<PrivateMaterial> {
    let curve = Curve::from_ssh_name(reader.text().ok()?)?;
    let _point = reader.string().ok()?;
    let scalar = left_padded(reader.positive_mpint().ok()?, curve.scalar_bytes())?;
    match curve {
        Curve::P256 => p256::SecretKey::from_slice(&scalar).ok().map(PrivateMaterial::P256),
        Curve::P384 => p384::SecretKey::from_slice(&scalar).ok().map(PrivateMaterial::P384),
        Curve::P521 => p521::SecretKey::from_slice(&scalar).ok().map(PrivateMaterial::P521),
    }
}

fn left_padded(bytes: &[u8], width: usize) -> Option<Zeroizing<Vec<u8>>> {
    let missing = width.checked_sub(bytes.len())?;
    let mut padded = Zeroizing::new(vec![0; width]);
    padded.get_mut(missing..)?.copy_from_slice(bytes);
    Some(padded)
}
