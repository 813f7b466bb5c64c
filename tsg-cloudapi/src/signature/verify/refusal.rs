//! The refusals of authentication, with CloudAPI's status, code and text for each.
//!
//! One text for "no such account", "no such key" and "wrong signature": a refusal must not tell
//! which accounts exist.

use super::parse::MAX_SKEW;

/// Why a request is not accepted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// No `Authorization` header, or another scheme than `Signature`.
    #[error("You must make authenticated requests to use CloudAPI")]
    NotAuthenticated,
    /// The header is a single word.
    #[error("BasicAuth content is invalid.")]
    SingleWord,
    /// The header's grammar, date or algorithm is at fault.
    #[error("Authorization header invalid: {0}")]
    InvalidHeader(HeaderFault),
    /// The key id has not the parts of an account's or a sub-user's key.
    #[error("Invalid KeyId {0} in authorization header")]
    InvalidKeyId(String),
    /// Unknown account, sub-user or key, or a signature that is not the key's.
    #[error("Invalid authorization credentials supplied")]
    InvalidCredentials,
    /// The signature is good; the account or sub-user is disabled.
    #[error("Account or user is disabled")]
    Disabled,
    /// The signature is good; the path is another account's, or a role is missing.
    #[error("You do not have permission to access {path} ({route})")]
    Forbidden {
        /// The request's path, without the query.
        path: String,
        /// The route's name in lower case, such as `listmachines`.
        route: String,
    },
    /// The signature is good; the path names an account that does not exist.
    #[error("{0} does not exist")]
    NoSuchAccount(String),
}

impl Refusal {
    /// The HTTP status CloudAPI answers.
    #[must_use]
    pub fn status(&self) -> u16 {
        match self {
            Self::SingleWord | Self::InvalidHeader(_) => 400,
            Self::NotAuthenticated | Self::InvalidKeyId(_) | Self::InvalidCredentials => 401,
            Self::Disabled | Self::Forbidden { .. } => 403,
            Self::NoSuchAccount(_) => 404,
        }
    }

    /// The `code` of CloudAPI's error body. The `message` is the `Display` text.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::SingleWord | Self::InvalidHeader(_) => "InvalidHeader",
            Self::NotAuthenticated | Self::InvalidKeyId(_) | Self::InvalidCredentials => "InvalidCredentials",
            Self::Disabled | Self::Forbidden { .. } => "NotAuthorized",
            Self::NoSuchAccount(_) => "ResourceNotFound",
        }
    }
}

impl From<HeaderFault> for Refusal {
    fn from(fault: HeaderFault) -> Self {
        Self::InvalidHeader(fault)
    }
}

/// What is wrong with an `Authorization` header of scheme `Signature`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HeaderFault {
    /// A blank after a comma, a missing quote, a name that is not of letters.
    #[error("bad param format")]
    BadParameterFormat,
    /// The scheme word differs from `Signature`, for example in case.
    #[error("scheme was not \"Signature\"")]
    WrongScheme,
    /// A required parameter is missing or empty.
    #[error("{0} was not specified")]
    NotSpecified(&'static str),
    /// No algorithm of that name can be verified.
    #[error("{0} is not supported")]
    UnknownAlgorithm(String),
    /// A known algorithm that CloudAPI does not take, such as HMAC.
    #[error("{0} is not a supported algorithm")]
    RefusedAlgorithm(String),
    /// A covered header is absent.
    #[error("{0} was not in the request")]
    HeaderAbsent(String),
    /// The date is not covered.
    #[error("{0} was not a signed header")]
    DateNotSigned(&'static str),
    /// The date is too old or too far ahead.
    #[error("clock skew of {}s was greater than {}s", seconds(*.skew_ms), MAX_SKEW.as_secs())]
    ClockSkew {
        /// Distance between the date and now, in milliseconds.
        skew_ms: u64,
    },
    /// The date cannot be read. Upstream lets it pass without any skew check; that hole is closed.
    #[error("date could not be parsed")]
    UnreadableDate,
    /// A covered pseudo header has no parameter to take its value from.
    #[error("{0} param was not in the authorization header")]
    ParameterAbsent(&'static str),
    /// `created` lies in the future or `expires` in the past.
    #[error("{0} is outside the time allowed")]
    OutsideLifetime(&'static str),
}

/// Milliseconds as a decimal number of seconds without trailing zeros, as JavaScript prints it.
fn seconds(milliseconds: u64) -> String {
    let text = format!("{}.{:03}", milliseconds / 1000, milliseconds % 1000);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::seconds;

    #[test]
    fn seconds_print_as_javascript_numbers() {
        let table = [(310_885, "310.885"), (310_500, "310.5"), (300_000, "300"), (301_050, "301.05")];
        for (milliseconds, text) in table {
            assert_eq!(seconds(milliseconds), text);
        }
    }
}
