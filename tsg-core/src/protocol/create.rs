//! What the reply to a create request proves.
//!
//! Owns the allow-list of replies that surely mean "nothing was created". Must never grow by
//! analogy: each entry is a refusal that CloudAPI makes before it hands the request on.

use crate::model::id::{InstanceId, OperationId};
use crate::model::instance::ObservedInstance;
use crate::ports::cloud::{CloudCode, CloudError, ErrorKind, Reach};

/// What a create request came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CreateOutcome {
    /// It made this machine.
    Bound(InstanceId),
    /// It surely made nothing.
    Refused(Refusal),
    /// The name is in use, probably by an earlier attempt of our own: look it up at once.
    DuplicateName,
    /// Nobody knows.
    Unknown,
}

/// Why the cloud surely made nothing, as far as the reaction differs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Refusal {
    /// The credentials are not accepted.
    Credentials,
    /// The account may not do this.
    Permission,
    /// A quota is used up.
    Quota,
    /// Over the rate limit.
    Throttled,
    /// Nowhere to place it.
    Capacity,
    /// The request itself is wrong: image, package, network or parameter.
    Request,
    /// CloudAPI takes no writes just now.
    Maintenance,
    /// It never got there.
    Unreachable,
}

/// Reads the reply to the create request of `operation`.
///
/// Everything that is not surely a refusal is unknown, 404, 410 and 5xx included: CloudAPI
/// reads the machine back after it was accepted and passes that read's error on.
///
/// ```
/// use tsg_core::model::id::OperationId;
/// use tsg_core::ports::cloud::{CloudCode, CloudError, ErrorKind, Reach};
/// use tsg_core::protocol::create::{CreateOutcome, classify_create};
///
/// let reset = CloudError {
///     kind: ErrorKind::Unavailable,
///     code: CloudCode::Other,
///     reach: Reach::MaybeSent,
///     status: None,
///     message: "connection reset".into(),
///     request_id: None,
///     retry_after: None,
/// };
/// assert_eq!(classify_create(OperationId::from_bits(1), &Err(reset)), CreateOutcome::Unknown);
/// ```
pub fn classify_create(operation: OperationId, reply: &Result<ObservedInstance, CloudError>) -> CreateOutcome {
    match reply {
        // A reply for another request (a proxy that mixed them up) proves nothing about ours.
        Ok(instance) if instance.named == Some(operation) => CreateOutcome::Bound(instance.id),
        Ok(_) => CreateOutcome::Unknown,
        Err(error) if error.reach == Reach::NotSent => CreateOutcome::Refused(Refusal::Unreachable),
        Err(error) if error.reach == Reach::MaybeSent => CreateOutcome::Unknown,
        Err(error) => classify_answer(error),
    }
}

fn classify_answer(error: &CloudError) -> CreateOutcome {
    let status = error.status.unwrap_or(0);
    match (status, error.code) {
        (400..=499, CloudCode::DuplicateName) => CreateOutcome::DuplicateName,
        // A 400 comes from the header checks, before any handler runs.
        (400, CloudCode::ClockSkew) | (401, _) => CreateOutcome::Refused(Refusal::Credentials),
        (403, CloudCode::QuotaExceeded) => CreateOutcome::Refused(Refusal::Quota),
        (403, _) => CreateOutcome::Refused(Refusal::Permission),
        (420 | 429, _) => CreateOutcome::Refused(Refusal::Throttled),
        (409, CloudCode::NoAllocatableServers) => CreateOutcome::Refused(Refusal::Capacity),
        (409, CloudCode::MissingParameter | CloudCode::InvalidArgument | CloudCode::ValidationFailed) => {
            CreateOutcome::Refused(Refusal::Request)
        }
        (503, CloudCode::Maintenance) => CreateOutcome::Refused(Refusal::Maintenance),
        _ => CreateOutcome::Unknown,
    }
}

/// Whether the kind of an error alone says that the account is locked out.
///
/// ```
/// use tsg_core::ports::cloud::{CloudCode, CloudError, ErrorKind, Reach};
/// use tsg_core::protocol::create::is_locked_out;
///
/// let refused = CloudError {
///     kind: ErrorKind::Denied,
///     code: CloudCode::InvalidCredentials,
///     reach: Reach::Answered,
///     status: Some(401),
///     message: "the key is not known".into(),
///     request_id: None,
///     retry_after: None,
/// };
/// assert!(is_locked_out(&refused));
/// let forbidden = CloudError { code: CloudCode::NotAuthorized, status: Some(403), ..refused };
/// assert!(!is_locked_out(&forbidden), "other requests may be allowed");
/// ```
pub fn is_locked_out(error: &CloudError) -> bool {
    error.kind == ErrorKind::Denied && error.code == CloudCode::InvalidCredentials
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::String;

    fn answered(status: u16, code: CloudCode) -> Result<ObservedInstance, CloudError> {
        Err(CloudError {
            kind: ErrorKind::Conflict,
            code,
            reach: Reach::Answered,
            status: Some(status),
            message: String::new(),
            request_id: None,
            retry_after: None,
        })
    }

    #[test]
    fn only_the_allow_list_proves_that_nothing_was_made() {
        use CloudCode as C;
        use CreateOutcome as O;
        let operation = OperationId::from_bits(5);
        let table = [
            (400, C::ClockSkew, O::Refused(Refusal::Credentials)),
            (400, C::Other, O::Unknown),
            (401, C::InvalidCredentials, O::Refused(Refusal::Credentials)),
            (403, C::QuotaExceeded, O::Refused(Refusal::Quota)),
            (403, C::NotAuthorized, O::Refused(Refusal::Permission)),
            (404, C::ResourceNotFound, O::Unknown),
            (409, C::DuplicateName, O::DuplicateName),
            (409, C::NoAllocatableServers, O::Refused(Refusal::Capacity)),
            (409, C::ValidationFailed, O::Refused(Refusal::Request)),
            (409, C::InvalidArgument, O::Refused(Refusal::Request)),
            (409, C::MissingParameter, O::Refused(Refusal::Request)),
            (409, C::Other, O::Unknown),
            (409, C::UnallocatedVm, O::Unknown),
            (410, C::Other, O::Unknown),
            (420, C::TooManyRequests, O::Refused(Refusal::Throttled)),
            (429, C::TooManyRequests, O::Refused(Refusal::Throttled)),
            (500, C::Other, O::Unknown),
            (502, C::Other, O::Unknown),
            (503, C::Maintenance, O::Refused(Refusal::Maintenance)),
            (503, C::Other, O::Unknown),
            (504, C::Other, O::Unknown),
        ];
        for (status, code, expected) in table {
            assert_eq!(classify_create(operation, &answered(status, code)), expected, "{status} {code:?}");
        }
    }
}
