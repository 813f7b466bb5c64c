//! Whether an instance can be reached at all, well or not.
//!
//! Owns the word for it. Must never be what a verdict is formed from.

/// What whoever asks an instance directly heard of it last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Contact {
    /// Something answered at its address: at least its compute node is alive.
    Answers,
    /// It was asked, and nothing came back.
    Silent,
    /// Nobody has asked it, or not lately.
    Unheard,
}
