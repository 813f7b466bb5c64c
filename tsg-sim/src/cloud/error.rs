//! Refusals of the world as core's errors, read as a client would read them from HTTP.
//! It never invents a certainty: a lost answer is a request that may have been taken.

use std::time::Duration;

use tsg_core::ports::cloud::{CloudCode, CloudError, ErrorKind, Reach};

use crate::world::{Refusal, RefusalForm};

/// An answer that says no.
pub(super) fn of_refusal(refusal: &Refusal) -> CloudError {
    let code = code_of(refusal);
    let retry_after = match refusal.form {
        RefusalForm::RetryAfter(seconds) => Some(Duration::from_secs(seconds.clamp(1, 3_600))),
        RefusalForm::Json | RefusalForm::Gone(_) | RefusalForm::Html => None,
    };
    CloudError {
        kind: kind_of(refusal, code),
        code,
        reach: Reach::Answered,
        status: Some(refusal.status),
        message: refusal.message.clone(),
        request_id: None,
        retry_after,
    }
}

/// No answer: nobody knows whether the request was taken.
pub(super) fn of_silence() -> CloudError {
    CloudError {
        kind: ErrorKind::Unavailable,
        code: CloudCode::Other,
        reach: Reach::MaybeSent,
        status: None,
        message: "connection closed before an answer came".to_owned(),
        request_id: None,
        retry_after: None,
    }
}

/// The proxy's answer when CloudAPI's takes too long.
pub(super) fn not_in_time() -> CloudError {
    CloudError { reach: Reach::Answered, status: Some(504), message: "504 Gateway Time-out".to_owned(), ..of_silence() }
}

fn code_of(refusal: &Refusal) -> CloudCode {
    if refusal.form == RefusalForm::Html {
        return CloudCode::Other;
    }
    let is_duplicate = refusal.errors.iter().any(|error| error.field == "alias" && error.code == "Duplicate");
    match (refusal.status, refusal.code.unwrap_or_default()) {
        (401, _) => CloudCode::InvalidCredentials,
        (400, _) if refusal.message.contains("clock skew of") => CloudCode::ClockSkew,
        (403, _) if refusal.message.contains("Quota exceeded") => CloudCode::QuotaExceeded,
        (403, _) => CloudCode::NotAuthorized,
        (409, "ValidationFailed") if is_duplicate => CloudCode::DuplicateName,
        (_, "MissingParameter") => CloudCode::MissingParameter,
        (_, "InvalidArgument") => CloudCode::InvalidArgument,
        (_, "ValidationFailed") => CloudCode::ValidationFailed,
        (_, "NoAllocatableServersError") => CloudCode::NoAllocatableServers,
        (_, "UnallocatedVM") => CloudCode::UnallocatedVm,
        (_, "CannotDestroyMachineError") => CloudCode::DeletionProtected,
        (404, _) => CloudCode::ResourceNotFound,
        (420 | 429, _) => CloudCode::TooManyRequests,
        (503, "ServiceUnavailableError") => CloudCode::Maintenance,
        _ => CloudCode::Other,
    }
}

fn kind_of(refusal: &Refusal, code: CloudCode) -> ErrorKind {
    let is_address_in_use = refusal.errors.iter().any(|error| error.code == "UsedBy");
    match (refusal.status, code) {
        (400, CloudCode::ClockSkew) | (401 | 403, _) => ErrorKind::Denied,
        (404 | 410, _) => ErrorKind::NotFound,
        (405 | 406 | 501, _) => ErrorKind::Unsupported,
        (420 | 429, _) => ErrorKind::Throttled,
        (409, CloudCode::MissingParameter | CloudCode::InvalidArgument | CloudCode::ValidationFailed) => {
            ErrorKind::Invalid
        }
        (409, _) if matches!(refusal.code, Some("InvalidNetworks" | "KeyRequired")) => ErrorKind::Invalid,
        (409, _) => ErrorKind::Conflict,
        (422, _) if is_address_in_use => ErrorKind::Conflict,
        (500..=599, _) => ErrorKind::Unavailable,
        _ => ErrorKind::Invalid,
    }
}
