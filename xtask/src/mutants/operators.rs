//! What a mutant puts in the place of what is there. Owns the tables; must never look at where in
//! the program something stands.

use syn::{BinOp, GenericArgument, PathArguments, ReturnType, Type};

/// What stands instead of an operator.
pub fn operators(operator: &BinOp) -> &'static [&'static str] {
    match operator {
        BinOp::Lt(_) => &["<=", ">="],
        BinOp::Le(_) => &["<", ">"],
        BinOp::Gt(_) => &[">=", "<="],
        BinOp::Ge(_) => &[">", "<"],
        BinOp::Eq(_) => &["!="],
        BinOp::Ne(_) => &["=="],
        BinOp::And(_) => &["||"],
        BinOp::Or(_) => &["&&"],
        BinOp::Add(_) => &["-"],
        BinOp::Sub(_) | BinOp::Mul(_) => &["+"],
        BinOp::Div(_) => &["*"],
        BinOp::Rem(_) => &["/"],
        BinOp::BitAnd(_) | BinOp::BitXor(_) => &["|"],
        BinOp::BitOr(_) => &["&"],
        BinOp::Shl(_) => &[">>"],
        BinOp::Shr(_) => &["<<"],
        BinOp::AddAssign(_) | BinOp::MulAssign(_) => &["-="],
        BinOp::SubAssign(_) => &["+="],
        BinOp::BitAndAssign(_) => &["|="],
        BinOp::BitOrAssign(_) => &["&="],
        _ => &[],
    }
}

/// Methods that are each other's opposite.
const OPPOSITES: [(&str, &str); 16] = [
    ("min", "max"),
    ("min_by_key", "max_by_key"),
    ("saturating_add", "saturating_sub"),
    ("checked_add", "checked_sub"),
    ("wrapping_add", "wrapping_sub"),
    ("is_some", "is_none"),
    ("is_some_and", "is_none_or"),
    ("is_ok", "is_err"),
    ("any", "all"),
    ("first", "last"),
    ("take", "skip"),
    ("take_while", "skip_while"),
    ("pop_front", "pop_back"),
    ("push_front", "push_back"),
    ("after", "before"),
    ("is_lt", "is_ge"),
];

/// What stands instead of a method.
pub fn opposite(method: &str) -> Option<&'static str> {
    let found = OPPOSITES.iter().find(|(one, other)| *one == method || *other == method);
    found.map(|(one, other)| if *one == method { *other } else { *one })
}

/// What stands instead of an integer: the next one, and nothing instead of one.
pub fn integers(digits: &str, suffix: &str) -> Vec<String> {
    let Ok(value) = digits.parse::<u64>() else { return Vec::new() };
    let mut others = vec![format!("{}{suffix}", value.saturating_add(1))];
    if value == 1 {
        others.push(format!("0{suffix}"));
    }
    others
}

/// Whether a name is that of a constant.
pub fn is_constant(name: &str) -> bool {
    name.len() > 1 && name.chars().all(|letter| letter.is_ascii_uppercase() || letter.is_ascii_digit() || letter == '_')
}

/// Values that a function could return without doing its work, as text.
pub fn returned(output: &ReturnType) -> Vec<String> {
    match output {
        ReturnType::Default => vec![String::new()],
        ReturnType::Type(_, of) => values(of),
    }
}

fn values(of: &Type) -> Vec<String> {
    match of {
        Type::Tuple(tuple) if tuple.elems.is_empty() => texts(&["()"]),
        Type::Reference(reference) => match &*reference.elem {
            Type::Path(path) if path.path.is_ident("str") => texts(&["\"\""]),
            Type::Slice(_) if reference.mutability.is_none() => texts(&["&[]"]),
            _ => Vec::new(),
        },
        Type::Path(path) => path.path.segments.last().map(named).unwrap_or_default(),
        _ => Vec::new(),
    }
}

fn named(segment: &syn::PathSegment) -> Vec<String> {
    let inner = |wrap: &str| match first_argument(segment) {
        Some(of) => values(of).into_iter().map(|value| format!("{wrap}({value})")).collect(),
        None => Vec::new(),
    };
    match segment.ident.to_string().as_str() {
        "bool" => texts(&["true", "false"]),
        "u8" | "u16" | "u32" | "u64" | "u128" | "usize" | "i8" | "i16" | "i32" | "i64" | "isize" => texts(&["0", "1"]),
        "String" => texts(&["String::new()"]),
        "Vec" => texts(&["Vec::new()"]),
        "Duration" => texts(&["core::time::Duration::ZERO"]),
        "BTreeMap" | "BTreeSet" | "VecDeque" => texts(&["Default::default()"]),
        "Option" => std::iter::once("None".to_owned()).chain(inner("Some")).collect(),
        "Result" if segment.arguments.is_none() => texts(&["Ok(())"]),
        "Result" => inner("Ok"),
        _ => Vec::new(),
    }
}

fn first_argument(segment: &syn::PathSegment) -> Option<&Type> {
    let PathArguments::AngleBracketed(arguments) = &segment.arguments else { return None };
    match arguments.args.first() {
        Some(GenericArgument::Type(of)) => Some(of),
        _ => None,
    }
}

fn texts(all: &[&str]) -> Vec<String> {
    all.iter().map(|text| (*text).to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_function_is_answered_by_what_its_type_allows() {
        let returned = |text: &str| returned(&syn::parse_str(text).unwrap());
        assert_eq!(returned(""), [""]);
        assert_eq!(returned("-> bool"), ["true", "false"]);
        assert_eq!(returned("-> Option<u32>"), ["None", "Some(0)", "Some(1)"]);
        assert_eq!(returned("-> Option<Timestamp>"), ["None"]);
        assert_eq!(returned("-> Result<(), PlanError>"), ["Ok(())"]);
        assert_eq!(returned("-> fmt::Result"), ["Ok(())"]);
        assert_eq!(returned("-> Vec<Wait>"), ["Vec::new()"]);
        assert_eq!(returned("-> &'static str"), ["\"\""]);
        assert_eq!(returned("-> Plan"), [""; 0]);
    }

    #[test]
    fn opposites_go_both_ways() {
        assert_eq!((opposite("min"), opposite("max"), opposite("map")), (Some("max"), Some("min"), None));
    }

    #[test]
    fn one_becomes_two_and_nothing() {
        assert_eq!(integers("1", "u32"), ["2u32", "0u32"]);
        assert_eq!(integers("0", ""), ["1"]);
        assert!(is_constant("VISIT_MAX") && !is_constant("Visit") && !is_constant("T"));
    }
}
