//! One snippet for each operator: what is planted in it, by name and as it is compiled. Owns the
//! examples; must never depend on the sources of the core.

use super::super::splice::splice;
use super::*;

fn planted(text: &str) -> Vec<Site> {
    let file = syn::parse_file(text).unwrap();
    sites(text, &file, &Constness::of(std::slice::from_ref(&file), &[]))
}

/// The names of what is planted in the body of `f`, without what is returned at once.
fn names(body: &str) -> Vec<String> {
    let text = format!("fn f(a: u32, b: u32) -> Other {{ {body} }}");
    let sites = planted(&text);
    let names = sites.iter().flat_map(|site| &site.arms).map(|arm| arm.mutant.name.clone());
    names.map(|name| name.strip_prefix("f: ").unwrap().to_owned()).collect()
}

/// The texts that stand instead.
fn arms(body: &str) -> Vec<String> {
    let text = format!("fn f(a: u32, b: u32) -> Other {{ {body} }}");
    planted(&text).into_iter().flat_map(|site| site.arms).map(|arm| arm.text).collect()
}

#[test]
fn comparisons_move_their_boundary_and_turn_round() {
    assert_eq!(arms("a < b"), ["(a) <= (b)", "(a) >= (b)"]);
    assert_eq!(arms("a >= b"), ["(a) > (b)", "(a) < (b)"]);
    assert_eq!(arms("a == b"), ["(a) != (b)"]);
    assert_eq!(names("a > b"), ["`a > b` -> `>=`", "`a > b` -> `<=`"]);
}

#[test]
fn logic_and_arithmetic_are_swapped() {
    assert_eq!(arms("x() && y() || z()"), ["(x() && y()) && (z())", "(x()) || (y())"]);
    assert_eq!(arms("a + b"), ["(a) - (b)"]);
    assert_eq!(arms("a - b * a"), ["(a) + (b * a)", "(b) + (a)"]);
    assert_eq!(arms("a.saturating_sub(b).min(a)"), ["a.saturating_sub(b).max(a)", "a.saturating_add(b)"]);
    assert_eq!(arms("!x(a)"), ["x(a)"]);
}

#[test]
fn conditions_that_bind_names_are_left_whole_and_their_parts_are_not() {
    assert_eq!(arms("if let Some(a) = b && a < c { d() } else { e() }"), ["(a) <= (c)", "(a) >= (c)"]);
    assert_eq!(arms("match a { Some(a) if let Some(b) = a => c, _ => d }"), [""; 0]);
}

#[test]
fn literals_and_constants_get_a_neighbour() {
    assert_eq!(arms("g(0, 1u8, true)"), ["1", "2u8", "0u8", "false"]);
    assert_eq!(names("a.g(Self::VISIT_MAX)"), ["`Self::VISIT_MAX` -> its neighbour"]);
    assert_eq!(arms("Vec::with_capacity(a + 1)"), [""; 0], "what is reserved changes nothing");
}

#[test]
fn guards_and_plain_conditions_turn() {
    assert_eq!(arms("match a { _ if x(a) => b, _ => c }"), ["true", "false"]);
    assert_eq!(arms("if a.is_held() { b } else { c }"), ["!(a.is_held())"]);
    assert_eq!(arms("if a.is_some() { b } else { c }"), ["a.is_none()"]);
}

#[test]
fn alternatives_of_a_match_are_left_out_one_by_one() {
    let expected = ["!matches!(a, X | Y if g(a))", "matches!(a, Y if g(a))", "matches!(a, X if g(a))", "true", "false"];
    assert_eq!(arms("matches!(a, X | Y if g(a))"), expected);
    assert_eq!(names("matches!(a, X | Y)")[1], "`matches!(a, X | Y)` without `X`");
}

#[test]
fn statements_that_do_something_are_left_out() {
    let names = names("let c = a; self.count += c; push(c); self.wake(c)?; Other");
    let expected =
        ["delete `self.count += c;`", "`self.count += c` -> `-=`", "delete `push(c);`", "delete `self.wake(c)?;`"];
    assert_eq!(names, expected);
}

#[test]
fn a_function_returns_at_once_but_not_what_it_returns_anyway() {
    let names = |text: &str| -> Vec<String> {
        planted(text).into_iter().flat_map(|site| site.arms).map(|arm| arm.mutant.name).collect()
    };
    let method = "impl Roster { fn is_empty(&self) -> bool { x() } }";
    assert_eq!(names(method), ["Roster::is_empty: return `true` at once", "Roster::is_empty: return `false` at once"]);
    assert_eq!(names("fn f() -> Option<Timestamp> { None }"), [""; 0]);
    assert_eq!(names("fn f() {}"), [""; 0]);
}

#[test]
fn nothing_is_planted_where_nothing_can_be_switched() {
    let text = "#[cfg(test)] mod tests { fn f() -> bool { a < b } }
                const A: u32 = g(1 + 2); const fn g(x: u32) -> u32 { x + 1 }
                enum E { A = 1 + 1 } macro_rules! m { () => { 1 + 1 } }
                fn f(x: [u8; 3]) -> Other { match x { 1..=2 => Z::<{ 1 + 1 }>::new(), _ => todo!(1 + 1) } }";
    assert_eq!(planted(text).len(), 0);
}

#[test]
fn a_constant_function_loses_the_word_unless_a_constant_needs_it() {
    let text = "pub const fn f(a: u32) -> Other { a }";
    assert_eq!(splice(text, &planted(text)).text, "pub  fn f(a: u32) -> Other { a }");
}

#[test]
fn what_was_written_parses_again() {
    let text = "fn f(a: u32) -> bool { if a == 1 && !x.any(|y| y < Z_MAX) { g(a); } matches!(a, B | C) }";
    let sites = planted(text);
    assert!(sites.len() > 7);
    assert!(syn::parse_file(&splice(text, &sites).text).is_ok());
}
