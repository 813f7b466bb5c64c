//! What happens to instances whose compute node is lost.
//!
//! Owns the policy. Must never decide whether a node is lost.

use crate::model::span::Span;

/// Whether instances of a lost node are replaced.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum NodeLossReplace {
    /// Once the grace is over. An ordinal group waits for a person even then, since a second
    /// instance with the same identity can do harm.
    #[default]
    Yes,
    /// Never; they are waited for.
    No,
    /// Once the grace is over, ordinal or not.
    Force,
}

/// Which one stays when the node comes back after its instance was replaced.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Reconcile {
    /// The healthy one; if both are, the one of the target revision, then the longer running.
    #[default]
    KeepHealthiest,
    /// The one that came back.
    KeepOriginal,
    /// The one that replaced it.
    KeepReplacement,
}

/// The `cn_loss` block.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct NodeLossPolicy {
    /// How long a lost node is waited for. Default: 10 min.
    pub grace: Span,
    /// Whether its instances are replaced then. Default: yes.
    pub replace: NodeLossReplace,
    /// Which instance stays if the node comes back later. Default: the healthiest.
    pub reconcile: Reconcile,
    /// How long the identity of a lost instance is kept for it. Default: 24 h.
    pub hold_identity: Span,
}

impl Default for NodeLossPolicy {
    fn default() -> Self {
        Self {
            grace: Span::from_mins(10),
            replace: NodeLossReplace::Yes,
            reconcile: Reconcile::KeepHealthiest,
            hold_identity: Span::from_hours(24),
        }
    }
}

impl NodeLossPolicy {
    /// For instances that keep nothing of their own: a lost node is waited for 3 minutes only.
    pub fn stateless() -> Self {
        Self { grace: Span::from_mins(3), ..Self::default() }
    }
}
