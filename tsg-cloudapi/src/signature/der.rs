//! The one DER structure http-signature needs: `SEQUENCE { r INTEGER, s INTEGER }` of ECDSA.
//!
//! Only encoding lives here (ssh-agent answers with SSH integers); decoding is the backend's work.

use super::ssh_wire::strip_leading_zeros;

const SEQUENCE: u8 = 0x30;
const INTEGER: u8 = 0x02;
/// Lengths below this stand in one byte; the longest P-521 body is 138 bytes, so one more suffices.
const LONG_LENGTH: usize = 0x80;

/// Encodes an ECDSA signature from its two big-endian integers. `None` when they are too long to
/// belong to any supported curve.
pub(crate) fn encode_ecdsa_signature(r: &[u8], s: &[u8]) -> Option<Vec<u8>> {
    let mut body = Vec::with_capacity(2 * (r.len() + 3));
    put_integer(&mut body, r)?;
    put_integer(&mut body, s)?;
    let length = u8::try_from(body.len()).ok()?;
    let mut out = vec![SEQUENCE];
    if body.len() >= LONG_LENGTH {
        out.push(0x81);
    }
    out.push(length);
    out.extend_from_slice(&body);
    Some(out)
}

fn put_integer(out: &mut Vec<u8>, big_endian: &[u8]) -> Option<()> {
    let magnitude = strip_leading_zeros(big_endian);
    let needs_zero = magnitude.first().is_none_or(|first| first & 0x80 != 0);
    let length = magnitude.len() + usize::from(needs_zero);
    if length >= LONG_LENGTH {
        return None;
    }
    out.push(INTEGER);
    out.push(u8::try_from(length).ok()?);
    if needs_zero {
        out.push(0);
    }
    out.extend_from_slice(magnitude);
    Some(())
}

#[cfg(test)]
mod tests {
    use super::encode_ecdsa_signature;

    #[test]
    fn integers_are_minimal_and_positive() {
        let encoded = encode_ecdsa_signature(&[0, 0, 0x7f], &[0x80]).unwrap();
        assert_eq!(encoded, [0x30, 7, 2, 1, 0x7f, 2, 2, 0, 0x80]);
    }

    #[test]
    fn p521_bodies_use_the_long_length_form() {
        let encoded = encode_ecdsa_signature(&[1; 66], &[1; 66]).unwrap();
        assert_eq!(&encoded[..3], &[0x30, 0x81, 136]);
        assert!(encode_ecdsa_signature(&[1; 200], &[1; 200]).is_none());
    }
}
