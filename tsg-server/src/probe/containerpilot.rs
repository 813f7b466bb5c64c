//! What ContainerPilot's telemetry says of the services that it looks after.
//!
//! Owns how the words for their states count. Must never blame an instance for an answer that it
//! cannot read.

use serde::Deserialize;
use tsg_core::health::fact::{Failure, Outcome};

/// The part of the status that counts.
#[derive(Deserialize)]
struct Status {
    #[serde(rename = "Services", default)]
    services: Vec<Service>,
}

#[derive(Deserialize)]
struct Service {
    #[serde(rename = "Status", default)]
    status: String,
}

/// What the body of a status says. One service that is unhealthy is enough; one in maintenance is not
/// to be sent anything, and nothing worse.
pub fn judge(body: &[u8]) -> Outcome {
    let Ok(Status { services }) = serde_json::from_slice(body) else { return Outcome::Passed };
    let is_any = |state: &str| services.iter().any(|service| service.status.eq_ignore_ascii_case(state));
    if is_any("unhealthy") {
        Outcome::Failed(Failure::SaysBad)
    } else if is_any("maintenance") {
        Outcome::Failed(Failure::SaysNotReady)
    } else {
        Outcome::Passed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_service_decides_and_what_cannot_be_read_says_nothing() {
        let status = |states: &[&str]| {
            let service =
                |state| serde_json::json!({"Name": "app", "Address": "10.0.0.5", "Port": 80, "Status": state});
            let services: Vec<_> = states.iter().map(service).collect();
            serde_json::json!({"Version": "3.8.0", "Services": services, "Watches": ["db"]}).to_string()
        };
        let judged = |states: &[&str]| judge(status(states).as_bytes());
        assert_eq!(judged(&["healthy", "unhealthy", "maintenance"]), Outcome::Failed(Failure::SaysBad));
        assert_eq!(judged(&["healthy", "maintenance"]), Outcome::Failed(Failure::SaysNotReady));
        assert_eq!(judged(&["healthy", "unknown"]), Outcome::Passed, "it was not asked yet");
        assert_eq!(judged(&[]), Outcome::Passed);
        let deep = "[".repeat(50_000);
        for other in ["", "ok", "[]", r#"{"Services": 7}"#, r#"{"Services": [{"Status": 1}]}"#, deep.as_str()] {
            assert_eq!(judge(other.as_bytes()), Outcome::Passed, "{other:.40}");
        }
    }
}
