//! The tags of a machine in a list page. Owns what is done with them, decided when it is compiled;
//! must never keep any that nobody wants.

use std::borrow::Cow;

use tsg_core::model::tag::SeenValue;

use super::scan::{ScanError, Scanner};

/// One tag of a machine.
#[derive(Clone, Debug, PartialEq)]
pub struct FoundTag<'a> {
    key: Cow<'a, str>,
    value: FoundValue<'a>,
}

#[derive(Clone, Debug, PartialEq)]
enum FoundValue<'a> {
    Text(Cow<'a, str>),
    Flag(bool),
    Number(f64),
    Foreign,
}

impl FoundTag<'_> {
    /// Its key and value.
    #[must_use]
    pub fn seen(&self) -> (&str, SeenValue<'_>) {
        let value = match &self.value {
            FoundValue::Text(text) => SeenValue::Text(text),
            FoundValue::Flag(value) => SeenValue::Flag(*value),
            FoundValue::Number(value) => SeenValue::Number(*value),
            FoundValue::Foreign => SeenValue::Foreign,
        };
        (&self.key, value)
    }
}

/// Of repeated keys the last value counts, as in a map.
pub(super) fn in_order(tags: &mut Vec<FoundTag<'_>>) {
    tags.reverse();
    tags.sort_by(|one, next| one.key.cmp(&next.key));
    tags.dedup_by(|later, kept| later.key == kept.key);
}

/// What is done with tags and NICs. A page that is read without them must not pay for them, so this is
/// decided when it is compiled.
pub(super) trait TagKeeper<'a> {
    /// Passes the value of a tag.
    fn keep(&mut self, scanner: &mut Scanner<'a>, key: Cow<'a, str>) -> Result<(), ScanError>;

    /// Takes note of a text that was passed already, and gives it back.
    fn note(&mut self, key: Cow<'a, str>, text: Cow<'a, str>) -> Cow<'a, str>;

    /// Passes the NICs.
    #[inline]
    fn keep_nics(&mut self, scanner: &mut Scanner<'a>) -> Result<(), ScanError> {
        scanner.skip()
    }
}

/// Throws them away.
pub(super) struct Ballast;

impl<'a> TagKeeper<'a> for Ballast {
    #[inline]
    fn keep(&mut self, scanner: &mut Scanner<'a>, _: Cow<'a, str>) -> Result<(), ScanError> {
        scanner.skip()
    }

    #[inline]
    fn note(&mut self, _: Cow<'a, str>, text: Cow<'a, str>) -> Cow<'a, str> {
        text
    }
}

impl<'a> TagKeeper<'a> for Vec<FoundTag<'a>> {
    fn keep(&mut self, scanner: &mut Scanner<'a>, key: Cow<'a, str>) -> Result<(), ScanError> {
        let value = match scanner.peek() {
            b'"' => FoundValue::Text(scanner.string()?.decode()),
            b't' | b'f' => FoundValue::Flag(scanner.flag()?),
            b'-' | b'0'..=b'9' => FoundValue::Number(scanner.number_value()?),
            _ => {
                scanner.skip()?;
                FoundValue::Foreign
            }
        };
        self.push(FoundTag { key, value });
        Ok(())
    }

    fn note(&mut self, key: Cow<'a, str>, text: Cow<'a, str>) -> Cow<'a, str> {
        self.push(FoundTag { key, value: FoundValue::Text(text.clone()) });
        text
    }
}
