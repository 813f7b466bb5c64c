//! The rules of placement as they are written: `service!=~web`, within a scope.
//!
//! Owns the words and what a pattern matches. Must never know where anything stands.

mod criterion;
mod operator;
mod pattern;
mod scope;

pub use criterion::{Criterion, GroupKind};
pub use operator::{Direction, Operator, Strength};
pub use pattern::Pattern;
pub use scope::Scope;

/// One rule: a new instance goes, or does not go, where something else is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// How wide "where" is.
    pub scope: Scope,
    /// What the rule looks at.
    pub criterion: Criterion,
    /// Together or apart, and how strictly.
    pub operator: Operator,
    /// Which of them.
    pub pattern: Pattern,
}
