//! Text that must not be seen: passphrases and exported private keys.
//!
//! The type has no `Display`, no `Serialize` and a `Debug` without content; its memory is wiped.

use std::fmt;

use zeroize::Zeroizing;

/// A secret text. Reading it takes an explicit [`SecretText::expose`].
#[derive(Clone)]
pub struct SecretText(Zeroizing<String>);

impl SecretText {
    /// Takes ownership of the text; the memory is wiped when the value is dropped.
    #[must_use]
    pub fn new(text: String) -> Self {
        Self(Zeroizing::new(text))
    }

    /// The text itself. Never pass the result to a log, an error or an audit record.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl From<Zeroizing<String>> for SecretText {
    fn from(text: Zeroizing<String>) -> Self {
        Self(text)
    }
}

impl fmt::Debug for SecretText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretText(redacted)")
    }
}
