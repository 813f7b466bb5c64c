//! API version negotiation: which of the served versions a client's range selects.
//!
//! Owns the reading of npm-style semver ranges. It must never influence the `Api-Version` of an answer: CloudAPI always
//! reports its highest version, whatever was negotiated.

use http::HeaderMap;
use semver::{Version, VersionReq};

/// The versions CloudAPI 9.20.0 registers its routes with, in the order `GET /--ping` shows them.
pub const SERVED: [&str; 6] = ["7.0.0", "7.1.0", "7.2.0", "7.3.0", "8.0.0", "9.0.0"];

/// What every answer carries as `Api-Version`.
pub const REPORTED: &str = "9.0.0";

/// First version that knows sub-users and their keys.
const SUB_USERS_SINCE: Version = Version::new(7, 2, 0);

/// The version a request is served with.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ApiVersion(Version);

impl ApiVersion {
    /// Whether this version knows sub-users (7.2 and later).
    #[must_use]
    pub fn has_sub_users(&self) -> bool {
        self.0 >= SUB_USERS_SINCE
    }

    /// The major number, by which CloudAPI switches most behaviour.
    #[must_use]
    pub fn major(&self) -> u64 {
        self.0.major
    }
}

/// The range a request asks for: `Accept-Version`, else `X-Api-Version`, else anything.
///
/// An `Api-Version` request header is deliberately not read: CloudAPI ignores it, and one client sends `0.1.0` there.
#[must_use]
pub fn requested(headers: &HeaderMap) -> &str {
    ["accept-version", "x-api-version"].iter().find_map(|name| headers.get(*name)?.to_str().ok()).unwrap_or("*")
}

/// The highest served version within an npm-style range, if any.
///
/// ```
/// use tsg_sim::http::version::negotiate;
/// assert_eq!(negotiate("~9||~8").map(|version| version.major()), Some(9));
/// assert_eq!(negotiate("7.2.0").map(|version| version.major()), Some(7));
/// assert!(negotiate("~5").is_none());
/// ```
#[must_use]
pub fn negotiate(range: &str) -> Option<ApiVersion> {
    let alternatives: Vec<VersionReq> = range.split("||").filter_map(alternative).collect();
    SERVED
        .iter()
        .rev()
        .filter_map(|text| Version::parse(text).ok())
        .find(|version| alternatives.iter().any(|req| req.matches(version)))
        .map(ApiVersion)
}

/// One side of `||`. npm separates comparators by blanks where the `semver` crate wants commas, and a bare version is
/// exact in npm (partial ones are wildcards) where the crate reads a caret.
fn alternative(text: &str) -> Option<VersionReq> {
    let comparators: Vec<String> = text
        .split_whitespace()
        .map(|word| match word.chars().next() {
            Some(first) if first.is_ascii_digit() => format!("={word}"),
            _ => word.to_owned(),
        })
        .collect();
    match comparators.is_empty() {
        true => Some(VersionReq::STAR),
        false => VersionReq::parse(&comparators.join(",")).ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::{SERVED, negotiate};
    use semver::Version;

    #[test]
    fn ranges_select_the_highest_served_version() {
        let table = [
            ("*", Some("9.0.0")),
            ("", Some("9.0.0")),
            ("~9||~8", Some("9.0.0")),
            ("~8 || ~7", Some("8.0.0")),
            ("8", Some("8.0.0")),
            ("~7", Some("7.3.0")),
            ("~7.0", Some("7.0.0")),
            ("^7", Some("7.3.0")),
            ("7.x", Some("7.3.0")),
            ("7.2.0", Some("7.2.0")),
            (">=7.1.0 <7.3.0", Some("7.2.0")),
            ("~5", None),
            ("9.20.0", None),
            ("latest", None),
            ("0.1.0", None),
        ];
        for (range, expected) in table {
            let wanted = expected.map(|text| super::ApiVersion(Version::parse(text).unwrap()));
            assert_eq!(negotiate(range), wanted, "range {range:?}");
        }
    }

    #[test]
    fn sub_users_exist_from_7_2_on() {
        let knowing: Vec<&str> =
            SERVED.into_iter().filter(|text| negotiate(text).is_some_and(|v| v.has_sub_users())).collect();
        assert_eq!(knowing, ["7.2.0", "7.3.0", "8.0.0", "9.0.0"]);
    }
}
