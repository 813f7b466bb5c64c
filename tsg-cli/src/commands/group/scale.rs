//! `tsg group scale`.

use std::str::FromStr;

use clap::Args;

use super::find;
use crate::api::client::Answer;
use crate::api::shapes::{GroupChange, GroupView};
use crate::api::{Api, ApiError};
use crate::context::Context;
use crate::failure::Failure;
use crate::waiting::Patience;

/// How often a relative change is tried when others change the group at the same moment.
const ATTEMPTS_MAX: u32 = 5;

/// Change how many instances a group keeps
///
/// Examples:
///   tsg group scale web 8 --wait
///   tsg group scale web +3
///   tsg group scale web -1
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Scale {
    /// Name or id of the group.
    group: String,
    /// The new capacity, or a change of it (+3, -1).
    #[arg(allow_hyphen_values = true, value_name = "N|+N|-N")]
    capacity: Step,
    /// Only if what is done is this plan, which `tsg group plan --capacity` has shown.
    #[arg(long, value_name = "ID")]
    plan: Option<String>,
    #[command(flatten)]
    patience: Patience,
}

/// A capacity, or a change of one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    To(u32),
    Up(u32),
    Down(u32),
}

/// A text that is no capacity.
#[derive(Debug, Clone, Copy, thiserror::Error)]
#[error("give a number of instances such as 8, or a change such as +3 or -1")]
struct NoStep;

impl FromStr for Step {
    type Err = NoStep;

    fn from_str(text: &str) -> Result<Self, NoStep> {
        let (make, digits): (fn(u32) -> Self, &str) = match text.split_at_checked(1) {
            Some(("+", digits)) => (Self::Up, digits),
            Some(("-", digits)) => (Self::Down, digits),
            _ => (Self::To, text),
        };
        if digits.bytes().all(|byte| byte.is_ascii_digit()) {
            digits.parse().map(make).map_err(|_| NoStep)
        } else {
            Err(NoStep)
        }
    }
}

impl Step {
    /// The capacity that a group of `capacity` gets.
    fn from(self, capacity: u32) -> u32 {
        match self {
            Self::To(wanted) => wanted,
            Self::Up(more) => capacity.saturating_add(more),
            Self::Down(fewer) => capacity.saturating_sub(fewer),
        }
    }
}

impl Scale {
    pub(super) async fn run(&self, context: &Context) -> Result<(), Failure> {
        let api = context.api().await?;
        let changed = self.change(&api).await?;
        self.patience.show(context, &api, changed).await
    }

    /// Changes what is still as it was read, and reads again when somebody else was faster.
    async fn change(&self, api: &Api) -> Result<Answer<GroupView>, Failure> {
        let mut attempt = 1;
        loop {
            let group = find(api, &self.group).await?;
            let change = GroupChange {
                capacity: Some(self.capacity.from(group.value.capacity)),
                expected_plan: self.plan.clone(),
                ..GroupChange::default()
            };
            match api.patch(&format!("/v2/groups/{}", group.value.id), &change, group.etag.as_deref()).await {
                Err(ApiError::Refused { status: 412, .. }) if attempt < ATTEMPTS_MAX => attempt += 1,
                Err(error) => return Err(error.preventing(format!("cannot scale the group {:?}", self.group))),
                Ok(changed) => return Ok(changed),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_read_and_applied() {
        let table = [("8", 8), ("+3", 8), ("-1", 4), ("-9", 0), ("0", 0)];
        for (text, result) in table {
            assert_eq!(text.parse::<Step>().unwrap().from(5), result, "{text}");
        }
        for bad in ["", "+", "-", "--1", "+-1", "1e3", " 1", "4294967296", "ö"] {
            assert!(bad.parse::<Step>().is_err(), "{bad:?}");
        }
    }
}
