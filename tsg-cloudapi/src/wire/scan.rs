//! A JSON scanner that skips fast and believes nothing: every byte passed over is checked to be
//! well-formed JSON, so that a damaged page is an error and never a wrong record.
//!
//! Knows JSON only. Input is text that was already checked to be UTF-8.

use std::borrow::Cow;

/// Deeper nesting is refused instead of risking the stack; machines nest four levels.
const MAX_DEPTH: u32 = 64;

/// Where and why a text is not JSON, or not the JSON expected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{expected} expected at byte {offset}")]
pub struct ScanError {
    /// Offset in bytes.
    pub offset: usize,
    /// What should have stood there.
    pub expected: &'static str,
}

/// A position in a JSON text.
pub(crate) struct Scanner<'a> {
    text: &'a str,
    bytes: &'a [u8],
    position: usize,
}

/// A string as it stands in the text.
#[derive(Clone, Copy)]
pub(crate) struct RawString<'a> {
    body: &'a str,
    is_escaped: bool,
}

impl<'a> RawString<'a> {
    /// The string's content; allocates only when it holds escapes.
    #[inline]
    pub(crate) fn decode(self) -> Cow<'a, str> {
        if self.is_escaped { Cow::Owned(unescape(self.body)) } else { Cow::Borrowed(self.body) }
    }
}

impl<'a> Scanner<'a> {
    pub(crate) fn new(text: &'a str) -> Self {
        Self { text, bytes: text.as_bytes(), position: 0 }
    }

    pub(crate) fn error(&self, expected: &'static str) -> ScanError {
        ScanError { offset: self.position, expected }
    }

    /// The next byte that is not white space, without passing it. 0 at the end: no token is NUL.
    #[inline]
    pub(crate) fn peek(&mut self) -> u8 {
        loop {
            match self.bytes.get(self.position) {
                Some(b' ' | b'\n' | b'\r' | b'\t') => self.position += 1,
                Some(byte) => return *byte,
                None => return 0,
            }
        }
    }

    /// Passes `wanted`, after white space.
    #[inline]
    pub(crate) fn expect(&mut self, wanted: u8, expected: &'static str) -> Result<(), ScanError> {
        if self.peek() == wanted {
            self.position += 1;
            Ok(())
        } else {
            Err(self.error(expected))
        }
    }

    /// Nothing but white space may follow.
    pub(crate) fn finish(&mut self) -> Result<(), ScanError> {
        if self.peek() == 0 && self.position == self.bytes.len() { Ok(()) } else { Err(self.error("end of text")) }
    }

    /// Passes a comma and returns true, or the closing byte and returns false.
    #[inline]
    fn more(&mut self, closing: u8) -> Result<bool, ScanError> {
        match self.peek() {
            b',' => {
                self.position += 1;
                Ok(true)
            }
            byte if byte == closing => {
                self.position += 1;
                Ok(false)
            }
            _ => Err(self.error("',' or the end of a list or object")),
        }
    }

    /// Calls `entry` for each key of an object, positioned at its value, which it must pass.
    pub(crate) fn object(
        &mut self,
        mut entry: impl FnMut(&mut Self, RawString<'a>) -> Result<(), ScanError>,
    ) -> Result<(), ScanError> {
        self.expect(b'{', "an object")?;
        if self.peek() == b'}' {
            self.position += 1;
            return Ok(());
        }
        loop {
            let key = self.string()?;
            self.expect(b':', "':'")?;
            entry(self, key)?;
            if !self.more(b'}')? {
                return Ok(());
            }
        }
    }

    /// Calls `item` for each item of a list, positioned at it; it must pass it.
    pub(crate) fn list(&mut self, mut item: impl FnMut(&mut Self) -> Result<(), ScanError>) -> Result<(), ScanError> {
        self.expect(b'[', "a list")?;
        if self.peek() == b']' {
            self.position += 1;
            return Ok(());
        }
        loop {
            item(self)?;
            if !self.more(b']')? {
                return Ok(());
            }
        }
    }

    /// Passes a string and returns it undecoded.
    pub(crate) fn string(&mut self) -> Result<RawString<'a>, ScanError> {
        self.expect(b'"', "a string")?;
        let start = self.position;
        let mut is_escaped = false;
        loop {
            self.skip_plain();
            match self.bytes.get(self.position) {
                Some(b'"') => break,
                Some(b'\\') => {
                    is_escaped = true;
                    self.skip_escape()?;
                }
                _ => return Err(self.error("a string without control characters, and its end")),
            }
        }
        // Both ends lie next to ASCII quotes, hence on character boundaries.
        let body = self.text.get(start..self.position).ok_or_else(|| self.error("a string"))?;
        self.position += 1;
        Ok(RawString { body, is_escaped })
    }

    /// Passes over string content up to a quote, a backslash or a control character, eight bytes
    /// at a time. Bit tricks on words: a byte is special when it equals the quote or backslash or
    /// lies under 0x20.
    #[inline]
    fn skip_plain(&mut self) {
        const ONES: u64 = 0x0101_0101_0101_0101;
        const HIGHS: u64 = 0x8080_8080_8080_8080;
        while let Some(chunk) = self.bytes.get(self.position..self.position + 8) {
            let mut word = [0; 8];
            word.copy_from_slice(chunk);
            let word = u64::from_le_bytes(word);
            let quote = word ^ (ONES * b'"' as u64);
            let backslash = word ^ (ONES * b'\\' as u64);
            let zero_in = |value: u64| value.wrapping_sub(ONES) & !value;
            let control = word.wrapping_sub(ONES * 0x20) & !word;
            let special = (zero_in(quote) | zero_in(backslash) | control) & HIGHS;
            if special != 0 {
                // Borrows run upwards only: the lowest marked byte is truly special.
                self.position += (special.trailing_zeros() / 8) as usize;
                return;
            }
            self.position += 8;
        }
        while let Some(byte) = self.bytes.get(self.position) {
            if *byte == b'"' || *byte == b'\\' || *byte < 0x20 {
                return;
            }
            self.position += 1;
        }
    }

    fn skip_escape(&mut self) -> Result<(), ScanError> {
        match self.bytes.get(self.position + 1) {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => {
                self.position += 2;
                Ok(())
            }
            Some(b'u') => self.skip_unicode_escape(),
            _ => Err(self.error("a known escape")),
        }
    }

    /// Passes `\uXXXX`, or two of them that form a surrogate pair: a lone half is no character.
    fn skip_unicode_escape(&mut self) -> Result<(), ScanError> {
        match self.code_unit()? {
            0xd800..0xdc00 => match self.code_unit()? {
                0xdc00..0xe000 => Ok(()),
                _ => Err(self.error("the second half of a surrogate pair before this")),
            },
            0xdc00..0xe000 => Err(self.error("the first half of a surrogate pair before this")),
            _ => Ok(()),
        }
    }

    fn code_unit(&mut self) -> Result<u32, ScanError> {
        let digits = self.bytes.get(self.position..self.position + 6).and_then(|unit| unit.strip_prefix(b"\\u"));
        let digits = digits.filter(|digits| digits.iter().all(u8::is_ascii_hexdigit));
        let value = digits.and_then(|digits| std::str::from_utf8(digits).ok());
        let value = value.and_then(|digits| u32::from_str_radix(digits, 16).ok());
        self.position += 6;
        value.ok_or_else(|| self.error("\\u and four hexadecimal digits before this"))
    }

    /// Passes any value.
    pub(crate) fn skip(&mut self) -> Result<(), ScanError> {
        self.skip_nested(0)
    }

    fn skip_nested(&mut self, depth: u32) -> Result<(), ScanError> {
        if depth > MAX_DEPTH {
            return Err(self.error("less nesting"));
        }
        match self.peek() {
            b'"' => self.string().map(drop),
            b'{' => self.object(|scanner, _| scanner.skip_nested(depth + 1)),
            b'[' => self.list(|scanner| scanner.skip_nested(depth + 1)),
            b't' => self.word("true"),
            b'f' => self.word("false"),
            b'n' => self.word("null"),
            _ => self.number(),
        }
    }

    fn word(&mut self, word: &'static str) -> Result<(), ScanError> {
        let end = self.position + word.len();
        if self.bytes.get(self.position..end) == Some(word.as_bytes()) {
            self.position = end;
            Ok(())
        } else {
            Err(self.error(word))
        }
    }

    fn digits(&mut self) -> usize {
        let start = self.position;
        while self.bytes.get(self.position).is_some_and(u8::is_ascii_digit) {
            self.position += 1;
        }
        self.position - start
    }

    fn number(&mut self) -> Result<(), ScanError> {
        if self.bytes.get(self.position) == Some(&b'-') {
            self.position += 1;
        }
        let starts_with_zero = self.bytes.get(self.position) == Some(&b'0');
        let whole = self.digits();
        if whole == 0 || (starts_with_zero && whole > 1) {
            return Err(self.error("a value"));
        }
        if self.bytes.get(self.position) == Some(&b'.') {
            self.position += 1;
            if self.digits() == 0 {
                return Err(self.error("a digit"));
            }
        }
        if matches!(self.bytes.get(self.position), Some(b'e' | b'E')) {
            self.position += 1;
            if matches!(self.bytes.get(self.position), Some(b'+' | b'-')) {
                self.position += 1;
            }
            if self.digits() == 0 {
                return Err(self.error("a digit"));
            }
        }
        Ok(())
    }

    /// Passes a number and returns it, infinite when it is too large.
    pub(crate) fn number_value(&mut self) -> Result<f64, ScanError> {
        self.peek();
        let start = self.position;
        self.number()?;
        let value = self.text.get(start..self.position).and_then(|text| text.parse().ok());
        value.ok_or_else(|| self.error("a number before this"))
    }

    /// A string or null.
    pub(crate) fn optional_text(&mut self) -> Result<Option<Cow<'a, str>>, ScanError> {
        if self.peek() == b'n' {
            self.word("null")?;
            return Ok(None);
        }
        Ok(Some(self.string()?.decode()))
    }

    /// A boolean or null, which counts as false.
    pub(crate) fn flag(&mut self) -> Result<bool, ScanError> {
        match self.peek() {
            b't' => self.word("true").map(|()| true),
            b'n' => self.word("null").map(|()| false),
            _ => self.word("false").map(|()| false),
        }
    }

    /// Passes null and returns true; leaves anything else alone.
    pub(crate) fn skip_null(&mut self) -> Result<bool, ScanError> {
        if self.peek() != b'n' {
            return Ok(false);
        }
        self.word("null").map(|()| true)
    }
}

/// Decodes a string whose escapes were checked when it was passed.
fn unescape(body: &str) -> String {
    let mut out = String::with_capacity(body.len());
    let mut rest = body;
    while let Some((plain, escaped)) = rest.split_once('\\') {
        out.push_str(plain);
        let mut characters = escaped.chars();
        let kind = characters.next();
        rest = characters.as_str();
        match kind {
            Some('b') => out.push('\u{8}'),
            Some('f') => out.push('\u{c}'),
            Some('n') => out.push('\n'),
            Some('r') => out.push('\r'),
            Some('t') => out.push('\t'),
            Some('u') => {
                let (character, after) = unicode_escape(rest);
                out.push(character);
                rest = after;
            }
            literal => out.extend(literal),
        }
    }
    out.push_str(rest);
    out
}

/// Reads the digits after `\u`, and the second half of a surrogate pair.
fn unicode_escape(text: &str) -> (char, &str) {
    let unit = |text: &str| text.get(..4).and_then(|digits| u16::from_str_radix(digits, 16).ok());
    let first = unit(text).unwrap_or_default();
    let rest = text.get(4..).unwrap_or_default();
    let second = rest.strip_prefix("\\u").filter(|_| (0xd800..0xdc00).contains(&first)).and_then(unit);
    let units = std::iter::once(first).chain(second);
    let character = char::decode_utf16(units).next().and_then(Result::ok).unwrap_or(char::REPLACEMENT_CHARACTER);
    let after = if second.is_some() { rest.get(6..).unwrap_or_default() } else { rest };
    (character, after)
}
