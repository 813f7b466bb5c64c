//! The inside of a `matches!`: an expression and a pattern that ordinary parsing does not see.
//! Owns reading it; must never drop the last of the alternatives.

use syn::parse::{Parse, ParseStream};
use syn::spanned::Spanned;
use syn::{Expr, Pat, Token};

/// What stands between the parentheses of a `matches!`.
pub struct Matches {
    /// What is matched.
    pub matched: Expr,
    /// Against what.
    pub pattern: Pat,
    /// And what must hold besides.
    pub guard: Option<Expr>,
}

impl Parse for Matches {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let matched = input.parse()?;
        input.parse::<Token![,]>()?;
        let pattern = Pat::parse_multi_with_leading_vert(input)?;
        let guard = if input.parse::<Option<Token![if]>>()?.is_some() { Some(input.parse()?) } else { None };
        input.parse::<Option<Token![,]>>()?;
        Ok(Self { matched, pattern, guard })
    }
}

/// The pattern with each of its alternatives left out once: the alternative, and what is left.
pub fn fewer(text: &str, pattern: &Pat) -> Vec<(String, String)> {
    let Pat::Or(alternatives) = pattern else { return Vec::new() };
    let all: Vec<&str> = alternatives.cases.iter().map(|case| &text[case.span().byte_range()]).collect();
    let without = |left_out: usize| {
        let kept = all.iter().enumerate().filter(|(index, _)| *index != left_out);
        kept.map(|(_, case)| *case).collect::<Vec<_>>().join(" | ")
    };
    all.iter().enumerate().map(|(index, case)| ((*case).to_owned(), without(index))).collect()
}
