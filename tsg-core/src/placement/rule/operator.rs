//! Together or apart, demanded or wished for.
//!
//! Owns the operators and how they are written. Must never know what is compared.

use core::fmt;

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
///
/// ```
/// use tsg_core::placement::rule::Operator;
///
/// let written: Vec<String> = Operator::ALL.iter().map(|operator| operator.to_string()).collect();
/// assert_eq!(written, ["==", "!=", "==~", "!=~"]);
/// assert_eq!(Operator::APART.softened().to_string(), "!=~");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Operator {
    /// Together or apart.
    pub direction: Direction,
    /// How strictly.
    pub strength: Strength,
}

impl Operator {
    /// `==`: in the same place, or nowhere.
    pub const TOGETHER: Self = Self { direction: Direction::Near, strength: Strength::Hard };
    /// `!=`: in another place, or nowhere.
    pub const APART: Self = Self { direction: Direction::Far, strength: Strength::Hard };
    /// All four.
    pub const ALL: [Self; 4] = [Self::TOGETHER, Self::APART, Self::TOGETHER.softened(), Self::APART.softened()];

    /// The same as a wish.
    #[must_use]
    pub const fn softened(self) -> Self {
        Self { direction: self.direction, strength: Strength::Soft }
    }
}

impl fmt::Display for Operator {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self.direction {
            Direction::Near => "==",
            Direction::Far => "!=",
        })?;
        out.write_str(match self.strength {
            Strength::Hard => "",
            Strength::Soft => "~",
        })
    }
}
