//! Platform images: what a compute node has booted.
//!
//! Owns their written form and their order. Must never know which images exist.

use core::fmt;
use core::str::FromStr;

use thiserror::Error;

/// A platform image, named after the second in which it was built: `20260101T000000Z`. A later one
/// is greater.
///
/// ```
/// use tsg_core::placement::rule::PlatformImage;
///
/// let image: PlatformImage = "20260101T000000Z".parse()?;
/// assert!(image < "20260214T093000Z".parse()?);
/// assert_eq!(image.to_string(), "20260101T000000Z");
/// assert!("20261301T000000Z".parse::<PlatformImage>().is_err(), "there is no thirteenth month");
/// # Ok::<(), tsg_core::placement::rule::InvalidPlatformImage>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PlatformImage {
    /// Year, month and day as eight digits.
    date: u32,
    /// Hour, minute and second as six digits.
    time: u32,
}

/// What is written is not the name of a platform image.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("a platform image is written as the second in which it was built, such as 20260101T000000Z")]
pub struct InvalidPlatformImage;

impl FromStr for PlatformImage {
    type Err = InvalidPlatformImage;

    fn from_str(text: &str) -> Result<Self, InvalidPlatformImage> {
        read(text).ok_or(InvalidPlatformImage)
    }
}

fn read(text: &str) -> Option<PlatformImage> {
    let (date, time) = text.strip_suffix('Z')?.split_once('T')?;
    let (date, time) = (digits(date, 8)?, digits(time, 6)?);
    let is_date = (1..=12).contains(&(date / 100 % 100)) && (1..=31).contains(&(date % 100));
    let is_time = time / 10_000 < 24 && time / 100 % 100 < 60 && time % 100 < 60;
    (is_date && is_time).then_some(PlatformImage { date, time })
}

/// So many digits and nothing else.
fn digits(text: &str, count: usize) -> Option<u32> {
    let are_digits = text.len() == count && text.bytes().all(|byte| byte.is_ascii_digit());
    if are_digits { text.parse().ok() } else { None }
}

impl fmt::Display for PlatformImage {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{:08}T{:06}Z", self.date, self.time)
    }
}
