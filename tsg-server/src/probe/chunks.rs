//! Where a body that comes in chunks ends.
//!
//! Owns the chunked framing of HTTP/1.1. Must never keep a byte of what is in the chunks itself.

/// How far a chunked body has been read.
#[derive(Debug, Default)]
pub struct Chunks {
    place: Place,
    /// Of the chunk: its size while that is read, then what is left of it.
    size: u64,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// Nothing of a size yet.
    #[default]
    BeforeSize,
    Size,
    /// Behind the size, up to the end of its line.
    AfterSize,
    Within,
    /// The line end behind a chunk.
    AfterChunk,
    /// At the begin of a line behind the last chunk.
    TrailerStart,
    Trailer,
    End,
    Broken,
}

impl Chunks {
    /// Takes in what arrived, and shows what is in the chunks. `Some(true)`: the body ended with it. `Some(false)`: it did not end
    /// there, or is no chunked body. `None`: there is more to come.
    pub fn take(&mut self, arrived: &[u8], mut content: impl FnMut(&[u8])) -> Option<bool> {
        let mut rest = arrived;
        while let Some((first, others)) = rest.split_first() {
            if self.place == Place::Within {
                let skipped = usize::try_from(self.size).unwrap_or(usize::MAX).min(rest.len());
                self.size -= skipped as u64;
                let (inside, outside) = rest.split_at(skipped);
                content(inside);
                rest = outside;
                if self.size == 0 {
                    self.place = Place::AfterChunk;
                }
                continue;
            }
            self.place = self.step(*first);
            rest = others;
            match self.place {
                Place::End => return Some(rest.is_empty()),
                Place::Broken => return Some(false),
                _ => {}
            }
        }
        None
    }

    fn step(&mut self, byte: u8) -> Place {
        match (self.place, byte) {
            (Place::BeforeSize | Place::Size, _) if byte.is_ascii_hexdigit() => self.digit(byte),
            (Place::Size, b'\n') | (Place::AfterSize, b'\n') => self.begin(),
            (Place::Size, b'\r' | b';' | b' ' | b'\t') => Place::AfterSize,
            (Place::AfterSize, _) => Place::AfterSize,
            (Place::AfterChunk, b'\r') => Place::AfterChunk,
            (Place::AfterChunk, b'\n') => Place::BeforeSize,
            (Place::TrailerStart, b'\r') => Place::TrailerStart,
            (Place::TrailerStart, b'\n') => Place::End,
            (Place::Trailer, b'\n') => Place::TrailerStart,
            (Place::TrailerStart | Place::Trailer, _) => Place::Trailer,
            _ => Place::Broken,
        }
    }

    fn digit(&mut self, byte: u8) -> Place {
        let digit = char::from(byte).to_digit(16).unwrap_or(0);
        match self.size.checked_mul(16) {
            Some(size) => {
                self.size = size + u64::from(digit);
                Place::Size
            }
            None => Place::Broken,
        }
    }

    const fn begin(&self) -> Place {
        if self.size == 0 { Place::TrailerStart } else { Place::Within }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_ends_with_its_last_chunk_and_not_before() {
        let whole = b"5\r\nhello\r\n0A ; a=b\r\n0123456789\r\n000\r\nA: b\r\n\r\n";
        for at in 0..whole.len() {
            let mut chunks = Chunks::default();
            let mut body = Vec::new();
            assert_eq!(chunks.take(&whole[..at], |inside| body.extend_from_slice(inside)), None, "at {at}");
            assert_eq!(chunks.take(&whole[at..], |inside| body.extend_from_slice(inside)), Some(true), "at {at}");
            assert_eq!(body, b"hello0123456789", "at {at}");
        }
    }

    #[test]
    fn what_is_no_chunk_is_said_to_be_none() {
        for text in [&b"\r\n"[..], b"g\r\n", b"-1\r\n", b"1\r\nab", b"10000000000000000\r\n", b"0\r\n\r\nmore"] {
            assert_eq!(Chunks::default().take(text, |_| ()), Some(false), "{}", text.escape_ascii());
        }
    }
}
