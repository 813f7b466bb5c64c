//! What CloudAPI says when it does not do what it was asked: status, code, message and field
//! errors, exactly as upstream words them. It never decides anything; it only carries the answer.

use super::view::MachineView;

/// A refusal, ready to be rendered unchanged.
#[derive(Debug, Clone, PartialEq)]
pub struct Refusal {
    /// HTTP status.
    pub status: u16,
    /// Machine-readable code; some upstream defects answer without one.
    pub code: Option<&'static str>,
    /// Human-readable message.
    pub message: String,
    /// Field errors of a failed validation; left out of the body when empty.
    pub errors: Vec<FieldError>,
    /// What the body looks like.
    pub form: RefusalForm,
}

/// One entry of `errors`.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct FieldError {
    /// The parameter at fault.
    pub field: String,
    /// What kind of fault.
    pub code: &'static str,
    /// In words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}

/// The shape of a refusal's body.
#[derive(Debug, Clone, PartialEq)]
pub enum RefusalForm {
    /// `{"code", "message", "errors"?}`.
    Json,
    /// 410: the deleted machine itself, no error body.
    Gone(Box<MachineView>),
    /// A page of the load balancer; `message` is the HTML.
    Html,
    /// The JSON error plus a `Retry-After` header, in seconds.
    RetryAfter(u64),
}

impl Refusal {
    /// A refusal with a code and no field errors.
    #[must_use]
    pub fn new(status: u16, code: &'static str, message: impl Into<String>) -> Self {
        Self { status, code: Some(code), message: message.into(), errors: Vec::new(), form: RefusalForm::Json }
    }

    /// 409 InvalidArgument.
    #[must_use]
    pub fn invalid_argument(message: impl Into<String>) -> Self {
        Self::new(409, "InvalidArgument", message)
    }

    /// 409 MissingParameter.
    #[must_use]
    pub fn missing_parameter(message: impl Into<String>) -> Self {
        Self::new(409, "MissingParameter", message)
    }

    /// 409 ValidationFailed with one field error.
    #[must_use]
    pub fn validation(message: impl Into<String>, field: &str, code: &'static str, detail: impl Into<String>) -> Self {
        let error = FieldError { field: field.to_owned(), code, message: Some(detail.into()) };
        Self { errors: vec![error], ..Self::new(409, "ValidationFailed", message) }
    }

    /// 404 ResourceNotFound.
    #[must_use]
    pub fn not_found(message: impl Into<String>) -> Self {
        Self::new(404, "ResourceNotFound", message)
    }

    /// 403 NotAuthorized.
    #[must_use]
    pub fn not_authorized(message: impl Into<String>) -> Self {
        Self::new(403, "NotAuthorized", message)
    }

    /// 409 NoAllocatableServersError with the reason the allocator gives.
    #[must_use]
    pub fn no_servers(reason: &str) -> Self {
        Self::new(409, "NoAllocatableServersError", format!("No compute resources available: {reason}"))
    }

    /// 422 InvalidParameters, as the network service's errors are passed through.
    #[must_use]
    pub fn invalid_parameters(field: &str, code: &'static str, detail: impl Into<String>) -> Self {
        let error = FieldError { field: field.to_owned(), code, message: Some(detail.into()) };
        Self { errors: vec![error], ..Self::new(422, "InvalidParameters", "Invalid parameters") }
    }

    /// 429: the throttle. Upstream sends no Retry-After with it.
    #[must_use]
    pub fn throttled(rate_per_second: u32) -> Self {
        let message = format!("You have exceeded your request rate of {rate_per_second} r/s.");
        Self::new(429, "TooManyRequestsError", message)
    }

    /// 500 with a message and no code, as unhandled upstream exceptions end.
    #[must_use]
    pub fn crashed(message: impl Into<String>) -> Self {
        Self { code: None, ..Self::new(500, "InternalError", message) }
    }

    /// 410 with the deleted machine as body.
    #[must_use]
    pub fn gone(machine: MachineView) -> Self {
        let message = format!("VM {} has been destroyed", machine.id);
        Self { form: RefusalForm::Gone(Box::new(machine)), ..Self::new(410, "ResourceNotFound", message) }
    }

    /// 503 of the load balancer in front of CloudAPI.
    #[must_use]
    pub fn proxy_unavailable() -> Self {
        let page = "<html><body><h1>503 Service Unavailable</h1>\nNo server is available to handle this request.\n</body></html>\n";
        Self { code: None, form: RefusalForm::Html, ..Self::new(503, "ServiceUnavailable", page) }
    }

    /// 503 of CloudAPI's own read-only mode.
    #[must_use]
    pub fn read_only(retry_after_s: Option<u64>) -> Self {
        let refusal = Self::new(503, "ServiceUnavailableError", "This Triton data center is being upgraded");
        match retry_after_s {
            Some(seconds) => Self { form: RefusalForm::RetryAfter(seconds), ..refusal },
            None => refusal,
        }
    }
}
