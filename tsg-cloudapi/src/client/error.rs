//! What can go wrong with a call: one closed set of kinds, CloudAPI's code, and how far the
//! request can have got.
//!
//! Messages are CloudAPI's or the transport's; they never hold a header, a signature or a body.

use std::{fmt, time::Duration};

use jiff::Timestamp;
use tsg_core::ports::cloud::{ErrorKind, Reach, Retry};

/// The `code` of CloudAPI's error bodies, as far as a decision hangs on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ApiCode {
    /// 401: no, unknown or wrong credentials.
    InvalidCredentials,
    /// 403: not permitted; also quota, which [`ClientError::is_quota`] tells apart.
    NotAuthorized,
    /// 400: the `Authorization` or `Date` header; [`ClientError::is_clock_skew`] tells skew apart.
    InvalidHeader,
    /// 400: the requested API version is not served.
    InvalidVersion,
    /// 400: broken JSON.
    InvalidContent,
    /// 400: the date of an unauthenticated request is too old.
    RequestExpired,
    /// 404.
    ResourceNotFound,
    /// 409: a parameter is missing.
    MissingParameter,
    /// 409: a parameter's value is refused.
    InvalidArgument,
    /// 409: the machine as a whole is refused; the fields say why.
    ValidationFailed,
    /// 422: passed through from the network, firewall or image service.
    InvalidParameters,
    /// 409: the account has no SSH key.
    KeyRequired,
    /// 409: no server has been chosen for the machine yet.
    UnallocatedVm,
    /// 409: deletion protection is on.
    CannotDestroyMachine,
    /// 409: no server fits.
    NoAllocatableServers,
    /// 409: an unknown network.
    InvalidNetworks,
    /// 409: a failure inside CloudAPI that it blames on the request.
    CloudApiError,
    /// 429.
    TooManyRequests,
    /// 503 by CloudAPI itself: maintenance, writes only.
    Maintenance,
    /// 500.
    InternalError,
    /// 501.
    NotImplemented,
    /// A body of CloudAPI's form with a code that nothing here depends on.
    Unlisted,
    /// No code: HTML, an empty or foreign body, or no answer at all.
    Absent,
}

const CODES: [(&str, ApiCode); 22] = [
    ("InvalidCredentials", ApiCode::InvalidCredentials),
    ("NotAuthorized", ApiCode::NotAuthorized),
    ("InvalidHeader", ApiCode::InvalidHeader),
    ("InvalidVersion", ApiCode::InvalidVersion),
    ("InvalidContent", ApiCode::InvalidContent),
    ("RequestExpired", ApiCode::RequestExpired),
    ("ResourceNotFound", ApiCode::ResourceNotFound),
    ("MissingParameter", ApiCode::MissingParameter),
    ("InvalidArgument", ApiCode::InvalidArgument),
    ("ValidationFailed", ApiCode::ValidationFailed),
    ("InvalidParameters", ApiCode::InvalidParameters),
    ("KeyRequired", ApiCode::KeyRequired),
    ("UnallocatedVM", ApiCode::UnallocatedVm),
    ("CannotDestroyMachineError", ApiCode::CannotDestroyMachine),
    ("NoAllocatableServersError", ApiCode::NoAllocatableServers),
    ("InvalidNetworks", ApiCode::InvalidNetworks),
    ("CloudApiError", ApiCode::CloudApiError),
    ("TooManyRequestsError", ApiCode::TooManyRequests),
    ("ServiceUnavailableError", ApiCode::Maintenance),
    ("InternalError", ApiCode::InternalError),
    ("NotImplementedError", ApiCode::NotImplemented),
    // Named by CloudAPI's manual in place of TooManyRequestsError.
    ("RequestThrottled", ApiCode::TooManyRequests),
];

impl ApiCode {
    /// Reads the wire text.
    #[must_use]
    pub fn from_wire(text: &str) -> Self {
        CODES.iter().find(|(known, _)| *known == text).map_or(Self::Unlisted, |(_, code)| *code)
    }
}

/// One entry of a validation error.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldError {
    /// The parameter, such as `alias` for the name.
    pub field: String,
    /// What is wrong, such as `Duplicate` or `Invalid`.
    pub code: String,
    /// For a person.
    pub message: String,
}

/// A call that did not do what was asked.
///
/// ```
/// use tsg_cloudapi::client::ClientError;
/// use tsg_core::ports::cloud::{Reach, Retry};
/// fn may_have_created(error: &ClientError) -> bool {
///     error.reach() != Reach::NotSent
/// }
/// ```
pub struct ClientError {
    details: Box<Details>,
}

/// Everything known about a failure.
#[derive(Debug)]
pub(crate) struct Details {
    pub(crate) kind: ErrorKind,
    pub(crate) code: ApiCode,
    pub(crate) reach: Reach,
    pub(crate) status: Option<u16>,
    pub(crate) message: String,
    pub(crate) fields: Vec<FieldError>,
    pub(crate) request_id: Option<String>,
    pub(crate) retry_after: Option<Duration>,
    pub(crate) server_time: Option<Timestamp>,
    pub(crate) source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl ClientError {
    pub(crate) fn new(details: Details) -> Self {
        Self { details: Box::new(details) }
    }

    /// A request that was not even tried, because it is wrong in itself.
    pub(crate) fn unsendable(message: impl Into<String>) -> Self {
        Self::without_reply(ErrorKind::Invalid, Reach::NotSent, message.into(), None)
    }

    pub(crate) fn without_reply(
        kind: ErrorKind,
        reach: Reach,
        message: String,
        source: Option<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        Self::new(Details {
            kind,
            code: ApiCode::Absent,
            reach,
            status: None,
            message,
            fields: Vec::new(),
            request_id: None,
            retry_after: None,
            server_time: None,
            source,
        })
    }

    /// Which of the closed set.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.details.kind
    }

    /// CloudAPI's code.
    #[must_use]
    pub fn code(&self) -> ApiCode {
        self.details.code
    }

    /// How far the request can have got.
    #[must_use]
    pub fn reach(&self) -> Reach {
        self.details.reach
    }

    /// The HTTP status, when there was a reply.
    #[must_use]
    pub fn status(&self) -> Option<u16> {
        self.details.status
    }

    /// CloudAPI's or the transport's words.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.details.message
    }

    /// What is wrong field by field, empty for most errors.
    #[must_use]
    pub fn fields(&self) -> &[FieldError] {
        &self.details.fields
    }

    /// The `Request-Id` header, for the operators of the cloud.
    #[must_use]
    pub fn request_id(&self) -> Option<&str> {
        self.details.request_id.as_deref()
    }

    /// How long the cloud asked to wait, 1 s to 1 h.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        self.details.retry_after
    }

    /// The cloud's clock when it answered: with [`ClientError::is_clock_skew`] it shows by how
    /// much the local clock is off.
    #[must_use]
    pub fn server_time(&self) -> Option<Timestamp> {
        self.details.server_time
    }

    /// Whether and how asking again can help. A create must not be repeated on the strength of
    /// this alone.
    #[must_use]
    pub fn retry(&self) -> Retry {
        match self.kind() {
            ErrorKind::Unavailable | ErrorKind::Throttled | ErrorKind::Corrupt | ErrorKind::Conflict => {
                Retry::After(self.retry_after().unwrap_or(Duration::from_secs(1)))
            }
            ErrorKind::NotFound | ErrorKind::Denied | ErrorKind::Invalid | ErrorKind::Unsupported => Retry::Never,
        }
    }

    /// True when a validation error names this field and code.
    #[must_use]
    pub fn has_field(&self, field: &str, code: &str) -> bool {
        self.fields().iter().any(|error| error.field == field && error.code == code)
    }

    /// True when the machine's name is in use in the account.
    #[must_use]
    pub fn is_duplicate_name(&self) -> bool {
        self.status() == Some(409) && self.has_field("alias", "Duplicate")
    }

    /// True when a 403 means a used-up quota; CloudAPI says so in the text only.
    #[must_use]
    pub fn is_quota(&self) -> bool {
        self.status() == Some(403)
            && (self.message().contains("QuotaExceeded") || self.message().contains("Quota exceeded"))
    }

    /// True when the clocks of this machine and the cloud differ by more than 300 s.
    #[must_use]
    pub fn is_clock_skew(&self) -> bool {
        self.status() == Some(400)
            && (self.code() == ApiCode::RequestExpired || self.message().contains("clock skew of"))
    }
}

impl fmt::Display for ClientError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.status() {
            Some(status) => write!(f, "CloudAPI answered {status}: {}", self.message())?,
            None => f.write_str(self.message())?,
        }
        for field in self.fields() {
            write!(f, "; {}: {}", field.field, field.message)?;
        }
        match self.request_id() {
            Some(id) => write!(f, " (request {id})"),
            None => Ok(()),
        }
    }
}

impl fmt::Debug for ClientError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.details.fmt(f)
    }
}

impl std::error::Error for ClientError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.details.source.as_deref().map(|source| source as _)
    }
}
