//! Numbers, ids and JSON as bytes.
//!
//! Owns how one value is laid out. Must never believe a length: nothing is set aside for more
//! than there are bytes left.

use alloc::vec::Vec;

use serde::Serialize;
use serde::de::DeserializeOwned;

/// Writes values one after the other.
#[derive(Default)]
pub(super) struct Writer(Vec<u8>);

impl Writer {
    pub(super) fn into_bytes(self) -> Vec<u8> {
        self.0
    }

    pub(super) fn byte(&mut self, byte: u8) {
        self.0.push(byte);
    }

    /// Seven bits for each byte, the lowest first; the top bit says that more follow.
    pub(super) fn number(&mut self, mut number: u64) {
        while number > 0x7f {
            self.0.push((number & 0x7f) as u8 | 0x80);
            number >>= 7;
        }
        self.0.push(number as u8);
    }

    /// A number that may be negative; small ones stay small.
    pub(super) fn signed(&mut self, number: i64) {
        self.number((number << 1 ^ number >> 63) as u64);
    }

    pub(super) fn id(&mut self, bits: u128) {
        self.0.extend_from_slice(&bits.to_be_bytes());
    }

    /// JSON behind its length.
    pub(super) fn json<T: Serialize>(&mut self, value: &T) {
        // No serialiser of the model fails; nothing is not JSON, so it would be refused.
        let bytes = serde_json::to_vec(value).unwrap_or_default();
        self.number(bytes.len() as u64);
        self.0.extend_from_slice(&bytes);
    }
}

/// Reads values one after the other; `None` where they end too soon or are out of range.
pub(super) struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    pub(super) const fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    pub(super) const fn is_at_end(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn byte(&mut self) -> Option<u8> {
        let (first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*first)
    }

    /// One form for each number: a number in more bytes than it needs is refused.
    pub(super) fn number(&mut self) -> Option<u64> {
        let mut number = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            let part = u64::from(byte & 0x7f);
            if part << shift >> shift != part || (byte == 0 && shift > 0) {
                return None;
            }
            number |= part << shift;
            if byte & 0x80 == 0 {
                return Some(number);
            }
        }
        None
    }

    pub(super) fn small(&mut self) -> Option<u32> {
        u32::try_from(self.number()?).ok()
    }

    pub(super) fn signed(&mut self) -> Option<i64> {
        let number = self.number()?;
        Some((number >> 1) as i64 ^ -((number & 1) as i64))
    }

    pub(super) fn id(&mut self) -> Option<u128> {
        let (bytes, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(u128::from_be_bytes(*bytes))
    }

    pub(super) fn json<T: DeserializeOwned>(&mut self) -> Option<T> {
        let len = usize::try_from(self.number()?).ok()?;
        let (bytes, rest) = self.0.split_at_checked(len)?;
        self.0 = rest;
        serde_json::from_slice(bytes).ok()
    }

    /// So many of something, of which each takes `len_min` bytes at least.
    pub(super) fn many<T>(&mut self, len_min: usize, mut read: impl FnMut(&mut Self) -> Option<T>) -> Option<Vec<T>> {
        let count = usize::try_from(self.number()?).ok()?;
        if count > self.0.len() / len_min.max(1) {
            return None;
        }
        let mut found = Vec::with_capacity(count);
        for _ in 0..count {
            found.push(read(self)?);
        }
        Some(found)
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec;

    use super::*;

    #[test]
    fn no_more_is_believed_to_follow_than_the_bytes_can_hold() {
        let pair = |body: &mut Reader<'_>| Some((body.byte()?, body.byte()?));
        assert_eq!(Reader::new(&[2, 1, 2, 3, 4]).many(2, pair), Some(vec![(1, 2), (3, 4)]));
        for (count, len_min, is_read) in
            [(2, 2, true), (3, 2, false), (4, 1, true), (5, 1, false), (4, 0, true), (5, 0, false)]
        {
            let bytes = [count, 0, 0, 0, 0];
            let mut reads = 0;
            let found = Reader::new(&bytes).many(len_min, |_| {
                reads += 1;
                Some(())
            });
            assert_eq!((found.is_some(), reads > 0), (is_read, is_read), "{count} of {len_min}");
        }
    }

    #[test]
    fn numbers_come_back_and_have_one_form_each() {
        let numbers = [0, 1, 127, 128, 300, u64::from(u32::MAX), u64::MAX / 2, u64::MAX];
        let mut writer = Writer::default();
        numbers.iter().for_each(|number| writer.number(*number));
        let bytes = writer.into_bytes();
        let mut reader = Reader::new(&bytes);
        numbers.iter().for_each(|number| assert_eq!(reader.number(), Some(*number)));
        assert!(reader.is_at_end());
        let bad: [&[u8]; 4] = [&[], &[0x80], &[0x80, 0], &[0xff; 10]];
        bad.iter().for_each(|bytes| assert_eq!(Reader::new(bytes).number(), None, "{bytes:?}"));
    }

    #[test]
    fn signed_numbers_come_back() {
        for number in [0, -1, 1, -64, 64, i64::MIN, i64::MAX] {
            let mut writer = Writer::default();
            writer.signed(number);
            assert_eq!(Reader::new(&writer.into_bytes()).signed(), Some(number));
        }
    }

    #[test]
    fn a_length_is_not_believed() {
        let mut writer = Writer::default();
        writer.number(u64::MAX);
        writer.byte(0);
        let bytes = writer.into_bytes();
        assert_eq!(Reader::new(&bytes).many(1, Reader::byte), None);
        assert_eq!(Reader::new(&bytes).json::<u8>(), None);
    }
}
