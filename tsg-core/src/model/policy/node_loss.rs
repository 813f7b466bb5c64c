//! What happens to instances whose compute node is lost.
//!
//! Owns the policy. Must never decide whether a node is lost.

use core::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::model::span::Span;

/// Whether instances of a lost node are replaced. Written as `true`, `false` or `"force"`.
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
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reconcile {
    /// The healthy one; if both are, the one of the target revision, then the longer running.
    #[default]
    KeepHealthiest,
    /// The one that came back.
    KeepOriginal,
    /// The one that replaced it.
    KeepReplacement,
}

/// The `cn_loss` block. In a policy the word `stateless` may stand for it, which is
/// [`NodeLossPolicy::stateless`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
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
    ///
    /// ```
    /// use tsg_core::model::policy::{NodeLossPolicy, Policy};
    ///
    /// let policy: Policy = serde_json::from_str(r#"{"cn_loss": "stateless"}"#)?;
    /// assert_eq!(policy.cn_loss, NodeLossPolicy::stateless());
    /// assert_eq!(policy.node_loss_grace().to_string(), "3m");
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    pub fn stateless() -> Self {
        Self { grace: Span::from_mins(3), ..Self::default() }
    }
}

impl Serialize for NodeLossReplace {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Yes => to.serialize_bool(true),
            Self::No => to.serialize_bool(false),
            Self::Force => to.serialize_str("force"),
        }
    }
}

impl<'de> Deserialize<'de> for NodeLossReplace {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(ReplaceVisitor)
    }
}

struct ReplaceVisitor;

impl de::Visitor<'_> for ReplaceVisitor {
    type Value = NodeLossReplace;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("true, false or \"force\"")
    }

    fn visit_bool<E: de::Error>(self, is_replaced: bool) -> Result<NodeLossReplace, E> {
        Ok(if is_replaced { NodeLossReplace::Yes } else { NodeLossReplace::No })
    }

    fn visit_str<E: de::Error>(self, word: &str) -> Result<NodeLossReplace, E> {
        match word {
            "force" => Ok(NodeLossReplace::Force),
            _ => Err(E::invalid_value(de::Unexpected::Str(word), &self)),
        }
    }
}

/// Reads the whole block, or the name of a preset.
pub(super) fn block_or_preset<'de, D: Deserializer<'de>>(from: D) -> Result<NodeLossPolicy, D::Error> {
    from.deserialize_any(BlockOrPreset)
}

struct BlockOrPreset;

impl<'de> de::Visitor<'de> for BlockOrPreset {
    type Value = NodeLossPolicy;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("the word \"stateless\", or a block with `grace`, `replace` and others")
    }

    fn visit_str<E: de::Error>(self, word: &str) -> Result<NodeLossPolicy, E> {
        match word {
            "stateless" => Ok(NodeLossPolicy::stateless()),
            _ => Err(E::invalid_value(de::Unexpected::Str(word), &self)),
        }
    }

    fn visit_map<A: de::MapAccess<'de>>(self, block: A) -> Result<NodeLossPolicy, A::Error> {
        NodeLossPolicy::deserialize(de::value::MapAccessDeserializer::new(block))
    }
}
