//! The SSH wire encoding (RFC 4251 section 5): length-prefixed strings, integers and mpints.
//!
//! Input is hostile: every length is checked against what is left, and nothing is allocated for a
//! length that the input does not back.

/// The input ended early or held an impossible length.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("truncated or malformed SSH encoding")]
pub(crate) struct WireError;

/// Reads SSH-encoded fields from a slice.
pub(crate) struct WireReader<'a> {
    rest: &'a [u8],
}

impl<'a> WireReader<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    pub(crate) fn take(&mut self, count: usize) -> Result<&'a [u8], WireError> {
        let (head, rest) = self.rest.split_at_checked(count).ok_or(WireError)?;
        self.rest = rest;
        Ok(head)
    }

    pub(crate) fn byte(&mut self) -> Result<u8, WireError> {
        self.take(1)?.first().copied().ok_or(WireError)
    }

    pub(crate) fn u32(&mut self) -> Result<u32, WireError> {
        let bytes: [u8; 4] = self.take(4)?.try_into().map_err(|_| WireError)?;
        Ok(u32::from_be_bytes(bytes))
    }

    pub(crate) fn string(&mut self) -> Result<&'a [u8], WireError> {
        let length = usize::try_from(self.u32()?).map_err(|_| WireError)?;
        self.take(length)
    }

    pub(crate) fn text(&mut self) -> Result<&'a str, WireError> {
        std::str::from_utf8(self.string()?).map_err(|_| WireError)
    }

    /// A non-negative multi-precision integer, without leading zero bytes.
    pub(crate) fn positive_mpint(&mut self) -> Result<&'a [u8], WireError> {
        let bytes = self.string()?;
        if bytes.first().is_some_and(|first| first & 0x80 != 0) {
            return Err(WireError);
        }
        Ok(strip_leading_zeros(bytes))
    }

    pub(crate) fn rest(&self) -> &'a [u8] {
        self.rest
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }
}

pub(crate) fn strip_leading_zeros(bytes: &[u8]) -> &[u8] {
    let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
    bytes.get(zeros..).unwrap_or_default()
}

/// Appends one length-prefixed string. Lengths beyond `u32` cannot occur: keys and messages are small.
pub(crate) fn put_string(out: &mut Vec<u8>, bytes: &[u8]) {
    let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
    out.extend_from_slice(&length.to_be_bytes());
    out.extend_from_slice(bytes);
}

/// Appends a non-negative integer given as big-endian bytes.
pub(crate) fn put_mpint(out: &mut Vec<u8>, bytes: &[u8]) {
    let magnitude = strip_leading_zeros(bytes);
    if magnitude.first().is_some_and(|first| first & 0x80 != 0) {
        let mut padded = Vec::with_capacity(magnitude.len() + 1);
        padded.push(0);
        padded.extend_from_slice(magnitude);
        put_string(out, &padded);
    } else {
        put_string(out, magnitude);
    }
}

#[cfg(test)]
mod tests {
    use super::{WireReader, put_mpint, put_string};

    #[test]
    fn strings_and_mpints_round_trip() {
        let mut bytes = Vec::new();
        put_string(&mut bytes, b"ssh-rsa");
        put_mpint(&mut bytes, &[0, 0, 0x80, 1]);
        put_mpint(&mut bytes, &[0]);
        assert_eq!(&bytes[11..], &[0, 0, 0, 3, 0, 0x80, 1, 0, 0, 0, 0]);
        let mut reader = WireReader::new(&bytes);
        assert_eq!(reader.text().unwrap(), "ssh-rsa");
        assert_eq!(reader.positive_mpint().unwrap(), &[0x80, 1]);
        assert_eq!(reader.positive_mpint().unwrap(), &[] as &[u8]);
        assert!(reader.is_empty());
    }

    #[test]
    fn a_length_beyond_the_input_and_a_negative_mpint_are_errors() {
        assert!(WireReader::new(&[0xff, 0xff, 0xff, 0xff, 1]).string().is_err());
        assert!(WireReader::new(&[0, 0, 0]).u32().is_err());
        assert!(WireReader::new(&[0, 0, 0, 1, 0x80]).positive_mpint().is_err());
    }
}
