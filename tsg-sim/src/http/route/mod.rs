//! The route table of CloudAPI: which path and method mean which operation.
//!
//! Owns matching and the two router refusals (404 unknown path, 405 wrong method). It must never look at headers or
//! bodies: unknown paths are refused before anything else of a request is judged.

mod table;

pub use table::Route;

use http::Method;
use percent_encoding::percent_decode_str;

use crate::world::Operation;
use table::{Entry, TABLE};

/// A matched request path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Matched {
    /// The operation.
    pub route: Route,
    /// The lower-case route name that refusals print.
    pub name: &'static str,
    /// What the world counts it as.
    pub operation: Operation,
    /// The variable parts of the path, decoded.
    pub parts: PathParts,
    /// All methods that the path accepts, for the CORS header.
    pub methods: Vec<Method>,
}

/// The variable parts of a matched path.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PathParts(Vec<(&'static str, String)>);

impl PathParts {
    /// The decoded part of that name; empty when the route has no such part.
    #[must_use]
    pub fn get(&self, name: &str) -> &str {
        self.find(name).unwrap_or_default()
    }

    /// The decoded part of that name, if the route has one.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(key, _)| *key == name).map(|(_, value)| value.as_str())
    }
}

/// Why no operation answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Miss {
    /// No such path.
    UnknownPath,
    /// The path exists, the method does not.
    WrongMethod {
        /// The methods it has.
        allowed: Vec<Method>,
    },
}

/// The operation for a method and a raw path.
///
/// # Errors
/// [`Miss`] when the path or the method is unknown.
pub fn find(method: &Method, path: &str) -> Result<Matched, Miss> {
    let segments: Vec<String> = path
        .split('/')
        .filter(|segment| !segment.is_empty())
        .map(|segment| percent_decode_str(segment).decode_utf8_lossy().into_owned())
        .collect();
    let candidates: Vec<(&Entry, PathParts)> =
        TABLE.iter().filter_map(|entry| Some((entry, captures(entry.pattern, &segments)?))).collect();
    if candidates.is_empty() {
        return Err(Miss::UnknownPath);
    }
    let methods = methods_of(&candidates);
    let wanted = if method == Method::HEAD { &Method::GET } else { method };
    match candidates.into_iter().find(|(entry, _)| entry.method == *wanted) {
        Some((entry, parts)) => {
            Ok(Matched { route: entry.route, name: entry.name, operation: entry.operation, parts, methods })
        }
        None => Err(Miss::WrongMethod { allowed: methods }),
    }
}

/// The variable parts if the pattern fits; `None` otherwise.
fn captures(pattern: &'static str, segments: &[String]) -> Option<PathParts> {
    let words: Vec<&'static str> = pattern.split('/').filter(|word| !word.is_empty()).collect();
    if words.len() != segments.len() {
        return None;
    }
    let mut parts = PathParts::default();
    for (word, segment) in words.into_iter().zip(segments) {
        match word.strip_prefix(':') {
            Some(name) => parts.0.push((name, segment.clone())),
            None if word == segment => {}
            None => return None,
        }
    }
    Some(parts)
}

fn methods_of(candidates: &[(&Entry, PathParts)]) -> Vec<Method> {
    let mut methods = Vec::new();
    for (entry, _) in candidates {
        if !methods.contains(&entry.method) {
            methods.push(entry.method.clone());
        }
        if entry.method == Method::GET && !methods.contains(&Method::HEAD) {
            methods.push(Method::HEAD);
        }
    }
    methods
}

#[cfg(test)]
mod tests {
    use super::{Miss, Route, find};
    use http::Method;

    #[test]
    fn paths_and_methods_lead_to_operations() {
        let table = [
            (Method::GET, "/--ping", Route::Ping),
            (Method::GET, "/my", Route::GetAccount),
            (Method::HEAD, "/my/machines", Route::ListMachines),
            (Method::GET, "//my//machines/", Route::ListMachines),
            (Method::POST, "/my/machines/x/tags", Route::AddTags),
            (Method::DELETE, "/my/machines/x/tags/role", Route::DeleteTag),
            (Method::PUT, "/my/anything", Route::NotOffered),
        ];
        for (method, path, expected) in table {
            assert_eq!(find(&method, path).map(|found| found.route), Ok(expected), "{method} {path}");
        }
    }

    #[test]
    fn parts_are_percent_decoded_and_case_sensitive() {
        let found = find(&Method::GET, "/demo/keys/a5%3A49%20x").unwrap();
        assert_eq!((found.parts.get("account"), found.parts.get("key")), ("demo", "a5:49 x"));
        assert!(matches!(find(&Method::GET, "/my/Machines"), Err(Miss::WrongMethod { .. })));
    }

    #[test]
    fn wrong_methods_name_the_right_ones() {
        let Err(Miss::WrongMethod { allowed }) = find(&Method::PATCH, "/my/machines") else {
            panic!("PATCH must be refused");
        };
        assert_eq!(allowed, [Method::GET, Method::HEAD, Method::POST, Method::PUT]);
        assert_eq!(find(&Method::GET, "/my/nonexistent"), Err(Miss::WrongMethod { allowed: vec![Method::PUT] }));
    }
}
