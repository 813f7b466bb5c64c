//! What CloudAPI itself can be told about placement: affinity rules, `instance!=web-*`.
//!
//! Owns their grammar with CloudAPI's own messages, and what each of them matches. Must never
//! know the language of [`crate::placement::rule`] better than CloudAPI does: what it cannot say
//! is not said here.

mod expression;
mod rule;

pub use expression::{InvalidJsExpression, JsExpression};
pub use rule::{AffinityRule, AffinityValue, InvalidAffinity, Machine, Subject};
