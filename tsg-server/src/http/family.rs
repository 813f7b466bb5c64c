//! Which API a path belongs to. Owns that `/v1` speaks as TSG v1 did and everything else JSON.

/// A family of routes: it decides how errors look and what a signature must cover.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Family {
    /// TSG v1's routes: plain text errors, date-only signatures.
    V1,
    /// tsg's own routes: JSON errors, signatures that cover the request's target.
    V2,
}

impl Family {
    /// The family of a path.
    pub fn of(path: &str) -> Self {
        if path.strip_prefix("/v2").is_some_and(|rest| rest.is_empty() || rest.starts_with('/')) {
            Self::V2
        } else {
            Self::V1
        }
    }
}
