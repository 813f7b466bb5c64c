//! Together or apart, demanded or wished for.

/// Whether an instance is to be where something else is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Direction {
    /// In the same place.
    Near,
    /// In another place.
    Far,
}

/// What becomes of an instance that cannot be placed so.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Strength {
    /// It is not placed at all.
    Hard,
    /// It is placed all the same, as well as can be.
    Soft,
}

/// `==`, `!=`, `==~` or `!=~`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Operator {
    /// Together or apart.
    pub direction: Direction,
    /// How strictly.
    pub strength: Strength,
}
