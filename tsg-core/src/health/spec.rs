//! The `health` block of a group: its checks, and what they have to agree on.
//!
//! Owns the rules across checks. Must never judge an instance.

use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use super::check::{CheckKind, CheckSpec};
use super::invalid::{InvalidHealth, shortened};
use super::service::{SERVICES_MAX, Service};
use crate::model::amount::Amount;
use crate::model::span::Span;
use crate::model::tag::CNS_SERVICES;
use crate::model::template::TemplateSpec;

/// Checks of one group at most.
pub const CHECKS_MAX: usize = 8;

/// The `health` block.
///
/// ```
/// use tsg_core::health::spec::HealthSpec;
///
/// let health: HealthSpec = serde_json::from_str(
///     r#"{"checks": [{"type": "http", "port": 8080, "path": "/ping"}, {"type": "cloud"}]}"#,
/// )?;
/// assert_eq!(health.check(), Ok(()));
/// assert_eq!(health.quorum, 2, "where that many probers look");
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct HealthSpec {
    /// What is asked of each instance. Default: nothing, so that a running instance is a good one.
    pub checks: Vec<CheckSpec>,
    /// Probers that have to agree that an instance fails, of those that can tell; and more than
    /// half of these. Default: 2, or 1 where only one can tell.
    pub quorum: u32,
    /// When an instance changes too often to be believed at once.
    pub flapping: Flapping,
    /// Intervals after which a fact says nothing any more. Default: 3.
    pub stale_after: u32,
    /// What discovery does with instances that are not ready.
    pub discovery: Discovery,
}

/// Whether programs can be run in instances.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Commands {
    /// There is an executor.
    Possible,
    /// There is none.
    Impossible,
}

/// When an instance changes too often to be believed at once: each further change then takes
/// twice as many answers in a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Flapping {
    /// Changes that are believed at once. Default: 3.
    pub changes: u32,
    /// Within how long. Default: 1 h.
    pub within: Span,
}

/// How instances are found, and what discovery does with those that are not ready.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Discovery {
    /// The services that the name service answers with the group's instances for; an empty list for
    /// none. `None`: what their template says of it stands.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub services: Option<Vec<Service>>,
    /// How long an instance has to be unready before it is not listed any more. Default: 10 s.
    pub down_after: Span,
    /// How long it has to be ready before it is listed again. Default: 0.
    pub up_after: Span,
    /// Instances that stay listed, however unready they are. Default: 1.
    pub min_listed: Amount,
    /// Share of a group's instances of which no more may be unlisted: if more are unready, it is
    /// likelier that the checks are wrong, and all stay listed. Default: 50 %.
    pub panic: Amount,
}

impl Default for HealthSpec {
    fn default() -> Self {
        Self {
            checks: Vec::new(),
            quorum: 2,
            flapping: Flapping::default(),
            stale_after: 3,
            discovery: Discovery::default(),
        }
    }
}

impl Default for Flapping {
    fn default() -> Self {
        Self { changes: 3, within: Span::from_hours(1) }
    }
}

impl Default for Discovery {
    fn default() -> Self {
        Self {
            services: None,
            down_after: Span::from_secs(10),
            up_after: Span::ZERO,
            min_listed: Amount::Count(1),
            panic: Amount::Percent(50),
        }
    }
}

impl HealthSpec {
    /// Checks that an instance can pass before it is given up, at `deadline` after its create.
    ///
    /// # Errors
    /// The first check that may take longer.
    pub fn check_against(&self, deadline: Span) -> Result<(), InvalidHealth> {
        for CheckSpec { name, pacing, .. } in &self.checks {
            let passes = pacing.interval.as_millis().saturating_mul(pacing.healthy_after.into());
            let longest = Span::from_millis(passes.saturating_add(pacing.timeout.as_millis())).max(pacing.start_window);
            if longest > deadline {
                return Err(InvalidHealth::SlowerThanDeadline { name: shortened(name), longest, deadline });
            }
        }
        Ok(())
    }

    /// Checks that somebody can make all checks.
    ///
    /// # Errors
    /// A program is to be run in the instances, and nobody can.
    pub fn check_commands(&self, commands: Commands) -> Result<(), InvalidHealth> {
        let is_command = |check: &CheckSpec| matches!(check.kind, CheckKind::Command(_));
        if commands == Commands::Impossible && self.checks.iter().any(is_command) {
            return Err(InvalidHealth::NotYet {
                what: "a check of type command",
                instead: "let the instance say it itself, with a check of type guest or http",
            });
        }
        Ok(())
    }

    /// Checks that the services are named once, by the group or by the template of its instances.
    ///
    /// # Errors
    /// Both do.
    pub fn check_beside(&self, template: &TemplateSpec) -> Result<(), InvalidHealth> {
        let is_named_twice = self.discovery.services.is_some() && template.tags.contains_key(CNS_SERVICES);
        if is_named_twice { Err(InvalidHealth::ServicesTwice) } else { Ok(()) }
    }

    /// With one check and everything else by default.
    pub fn of(checks: Vec<CheckSpec>) -> Self {
        Self { checks, ..Self::default() }
    }

    /// Checks the rules that no single check can break by itself.
    ///
    /// # Errors
    /// The first that is broken.
    pub fn check(&self) -> Result<(), InvalidHealth> {
        if self.checks.len() > CHECKS_MAX {
            return Err(InvalidHealth::TooMany { given: self.checks.len(), most: CHECKS_MAX });
        }
        for (place, check) in self.checks.iter().enumerate() {
            if self.checks.iter().take(place).any(|other| other.name == check.name) {
                return Err(InvalidHealth::Twice { name: shortened(&check.name) });
            }
        }
        let services = self.discovery.services.iter().flatten().count();
        if services > SERVICES_MAX {
            return Err(InvalidHealth::TooManyServices { given: services, most: SERVICES_MAX });
        }
        number("quorum", self.quorum, 1, 100)?;
        number("stale_after", self.stale_after, 1, 100)?;
        number("flapping.changes", self.flapping.changes, 1, 100)?;
        span("flapping.within", self.flapping.within, Span::from_mins(1))?;
        span("discovery.down_after", self.discovery.down_after, Span::ZERO)?;
        span("discovery.up_after", self.discovery.up_after, Span::ZERO)
    }
}

fn number(field: &'static str, given: u32, least: u32, most: u32) -> Result<(), InvalidHealth> {
    let is_within = (least..=most).contains(&given);
    if is_within { Ok(()) } else { Err(InvalidHealth::Number { field, given, least, most }) }
}

fn span(field: &'static str, given: Span, least: Span) -> Result<(), InvalidHealth> {
    let most = Span::from_hours(24);
    let is_within = (least..=most).contains(&given);
    if is_within { Ok(()) } else { Err(InvalidHealth::Span { field, given, least, most }) }
}
