//! Policies: what a group's owner has decided about its updates, repairs and removals.
//!
//! Owns every field with its default, and the rules that hold between fields. Must never decide
//! what to do about an instance; that is the planner's job.

use alloc::vec::Vec;

pub mod clock_time;
pub mod identity;
pub mod invalid;
pub mod node_loss;
pub mod protect;
pub mod replace;
pub mod restart;
pub mod scale_in;
pub mod start;
pub mod stop;
pub mod unhealthy;
pub mod update;
pub mod window;

pub use clock_time::{TimeOfDay, UtcOffset, Weekday, Weekdays};
pub use identity::Identity;
pub use invalid::InvalidPolicy;
pub use node_loss::{NodeLossPolicy, NodeLossReplace, Reconcile};
pub use protect::Protection;
pub use replace::{ReplaceMode, ReplaceOrder, ReplacePolicy};
pub use restart::{RestartConditions, RestartPolicy};
pub use scale_in::{ScaleInOrder, ScaleInPolicy};
pub use start::StartPolicy;
pub use stop::{DrainPolicy, Preserve, Shutdown, StopPolicy};
pub use unhealthy::MaxUnhealthy;
pub use update::{Bounds, OnDeadlock, UpdateMode, UpdatePolicy};
pub use window::Window;

use serde::{Deserialize, Serialize};

use super::span::Span;

/// Everything that a group's owner has decided. The default is what most groups want.
///
/// Reading one fills in the default of every field that is not given, and refuses one that breaks
/// a rule; one that was built in code is refused by [`Policy::check`].
///
/// ```
/// use tsg_core::model::policy::{Policy, ReplaceOrder};
///
/// let policy: Policy = serde_json::from_str(r#"{
///     "update": {"max_surge": 2, "canary": 1, "bake_time": "5m"},
///     "replace": {"order": "stop_first"},
///     "max_unhealthy": "25%",
///     "windows": [{"days": ["sat", "sun"], "from": "22:00", "to": "04:00", "offset": "+02:00"}]
/// }"#)?;
/// assert_eq!(policy.replace.order, ReplaceOrder::StopFirst);
/// assert_eq!(policy.restart.attempts, 3);
///
/// let refused = serde_json::from_str::<Policy>(r#"{"update": {"max_surge": 0}}"#).unwrap_err().to_string();
/// assert!(refused.contains("`update.max_surge` and `update.max_unavailable` are both 0"), "{refused}");
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(try_from = "Unchecked")]
pub struct Policy {
    /// How it moves from one revision to the next.
    pub update: UpdatePolicy,
    /// When an instance that fails is started again.
    pub restart: RestartPolicy,
    /// When an instance is given up and another one made for it.
    pub replace: ReplacePolicy,
    /// How an instance is taken out of service.
    pub stop: StopPolicy,
    /// How many instances come up together.
    pub start: StartPolicy,
    /// How much may be unhealthy before repairs are held.
    pub max_unhealthy: MaxUnhealthy,
    /// What happens to instances whose compute node is lost.
    pub cn_loss: NodeLossPolicy,
    /// Which instances a smaller group loses.
    pub scale_in: ScaleInPolicy,
    /// Whether instances can stand in for one another. Default: they can.
    pub identity: Identity,
    /// Which instances a scale-in leaves alone.
    pub protect: Protection,
    /// When disruptive work may be done. Default, and when empty: at any time.
    pub windows: Vec<Window>,
}

impl Policy {
    /// Checks the rules that no single field can break by itself.
    ///
    /// ```
    /// use tsg_core::model::amount::Amount;
    /// use tsg_core::model::policy::{InvalidPolicy, Policy, UpdatePolicy};
    ///
    /// let update = UpdatePolicy { max_surge: Amount::Count(0), ..UpdatePolicy::default() };
    /// let policy = Policy { update, ..Policy::default() };
    /// assert_eq!(policy.check(), Err(InvalidPolicy::NoRoom));
    /// ```
    ///
    /// # Errors
    /// The first rule that is broken.
    pub fn check(&self) -> Result<(), InvalidPolicy> {
        self.update.check(self.identity)?;
        self.restart.check()?;
        self.replace.check()?;
        self.stop.check()?;
        self.start.check()?;
        self.max_unhealthy.check()?;
        self.scale_in.check()
    }

    /// How long a lost compute node is waited for. An instance that is not to be started again
    /// when its node returns gains nothing from waiting.
    pub const fn node_loss_grace(&self) -> Span {
        if self.restart.condition.on_cn_restart() { self.cn_loss.grace } else { Span::ZERO }
    }
}

/// How a policy is read, before it is checked.
#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Unchecked {
    update: UpdatePolicy,
    restart: RestartPolicy,
    replace: ReplacePolicy,
    stop: StopPolicy,
    start: StartPolicy,
    #[serde(deserialize_with = "unhealthy::block_or_limit")]
    max_unhealthy: MaxUnhealthy,
    #[serde(deserialize_with = "node_loss::block_or_preset")]
    cn_loss: NodeLossPolicy,
    scale_in: ScaleInPolicy,
    identity: Identity,
    protect: Protection,
    windows: Vec<Window>,
}

impl TryFrom<Unchecked> for Policy {
    type Error = InvalidPolicy;

    fn try_from(read: Unchecked) -> Result<Self, InvalidPolicy> {
        let policy = Self {
            update: read.update,
            restart: read.restart,
            replace: read.replace,
            stop: read.stop,
            start: read.start,
            max_unhealthy: read.max_unhealthy,
            cn_loss: read.cn_loss,
            scale_in: read.scale_in,
            identity: read.identity,
            protect: read.protect,
            windows: read.windows,
        };
        policy.check().map(|()| policy)
    }
}
