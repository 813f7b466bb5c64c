//! Policies: what a group's owner has decided about its updates, repairs and removals.
//!
//! Owns every field with its default, and the rules that hold between fields. Must never decide
//! what to do about an instance; that is the planner's job.

use alloc::vec::Vec;

pub mod identity;
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

pub use identity::Identity;
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

/// Everything that a group's owner has decided. The default is what most groups want.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
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
