//! Whether the instances of a group can stand in for one another. Owns that choice and nothing
//! else; must never hand out an ordinal.

/// The `identity` field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Identity {
    /// Any instance is as good as any other.
    #[default]
    Unordered,
    /// Each instance has a number, and there are never two with the same one.
    Ordinal,
}
