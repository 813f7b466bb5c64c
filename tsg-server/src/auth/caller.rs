//! The verified caller, as handlers receive it.

use std::sync::Arc;

use axum::extract::FromRequestParts;
use http::request::Parts;
use tsg_core::model::audit::Actor;
use tsg_core::model::id::AccountId;
use tsg_core::model::time::Timestamp;
use tsg_engine::intent;

use super::refusal::Refusal;
use crate::accounts::registry::Enrolled;
use crate::http::failure::Failure;

/// Who signed a request.
#[derive(Clone)]
pub struct Caller {
    /// The account, with its engine and the server's own access to CloudAPI.
    pub enrolled: Arc<Enrolled>,
    /// For the audit: the key that signed.
    pub actor: Actor,
}

impl Caller {
    /// The tenant.
    pub fn account(&self) -> AccountId {
        self.enrolled.account
    }

    /// As the engine's intent functions take it.
    pub fn intent(&self, now: Timestamp) -> intent::Caller {
        intent::Caller { account: self.account(), actor: self.actor.clone(), now }
    }
}

impl<S: Sync> FromRequestParts<S> for Caller {
    type Rejection = Failure;

    /// The caller that the authentication layer left. A route that was not behind it has none,
    /// and answers as if nobody had signed.
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Failure> {
        parts.extensions.get::<Self>().cloned().ok_or_else(|| Refusal::Unsigned.into())
    }
}
