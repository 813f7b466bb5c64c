//! What compiling comes to.
//!
//! Owns the answer: what to send, and for each part of a `placement` block whether it holds then.
//! Ids and numbers only. Must never put anything into words.

use alloc::string::String;
use alloc::vec::Vec;

use crate::model::id::{ComputeNodeId, InstanceId};
use crate::placement::rule::{Scope, SpecPlace};

/// What to put to CloudAPI for one new instance, and what that holds. Every rule, preference and
/// spread of the block stands in exactly one of the three lists, unless nothing may be sent: then
/// those that block stand in `blocked` instead.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Compiled {
    /// CloudAPI's affinity rules: all hard, or all soft, never both.
    pub affinity: Vec<String>,
    /// What the new instance cannot break, by what the view shows.
    pub enforced: Vec<Held>,
    /// What is wished for and put to CloudAPI, or counted where an instance was chosen to follow.
    pub attempted: Vec<Held>,
    /// What CloudAPI cannot be told. What can be done towards it is done all the same.
    pub unenforceable: Vec<Lost>,
    /// What else is worth knowing.
    pub notes: Vec<Note>,
    /// Why no instance may be created now. Empty when one may be.
    pub blocked: Vec<Block>,
    /// Whether several may be created with this at once.
    pub pace: Pace,
}

/// A part of a block, and what holds it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Held {
    /// Which part.
    pub at: SpecPlace,
    /// What holds it.
    pub by: Means,
}

/// What holds a part of a block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Means {
    /// An affinity rule of the same meaning. It sees those that are created at the same time.
    SameRule,
    /// Instances that are named: those that match, or some that stand where matches do.
    Named {
        /// How many.
        instances: u32,
    },
    /// The new instance follows one that stands in the right place.
    Following {
        /// Whom.
        instance: InstanceId,
    },
    /// It is the first of those that are to be together, so that every place is right.
    First,
    /// Nothing has to be said: nothing matches, or every place is right.
    Nothing,
}

/// A part of a block that is not held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lost {
    /// Which part.
    pub at: SpecPlace,
    /// Why.
    pub why: Obstacle,
}

/// Why CloudAPI cannot be told something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Obstacle {
    /// Tenants are not shown which volumes an instance has.
    VolumesUnseen,
    /// Tenants are not shown the tags of compute nodes.
    NodeTagsUnseen,
    /// Tenants are not shown platform images.
    PlatformsUnseen,
    /// There may be compute nodes that match and are not listed.
    NodesUnlisted,
    /// Nobody said where any compute node stands.
    NoTopology {
        /// What is unknown.
        scope: Scope,
    },
    /// Some of those that match stand where nobody knows.
    Unlocated {
        /// How many.
        instances: u32,
    },
    /// A compute node can only be told by an instance of ours, and on some there is none.
    NoInstanceThere {
        /// How many such nodes.
        nodes: u32,
    },
    /// CloudAPI drops every wish as soon as one hard rule is sent.
    HardRulesSent,
    /// Made hard beside the others, it would leave no compute node that is known.
    LeavesNoNode,
    /// More affinity rules than [`AFFINITY_MAX`](super::AFFINITY_MAX).
    TooManyRules {
        /// How many this part alone takes.
        needed: u32,
    },
    /// There is no place that has fewer members, or it takes members of the group to tell.
    NothingFuller,
}

/// What else is worth knowing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Note {
    /// CloudAPI's own spreading ends with the first rule, so that members were named where most of
    /// them are.
    Spread {
        /// On how many compute nodes.
        nodes: u32,
    },
    /// CloudAPI's own spreading ends with the first rule, and nothing stands for it.
    SpreadLost {
        /// Why.
        why: Obstacle,
    },
    /// A compute node on which a predecessor died is avoided, if another will do.
    Avoided {
        /// Which one.
        node: ComputeNodeId,
    },
    /// It is not avoided.
    NotAvoided {
        /// Which one.
        node: ComputeNodeId,
        /// Why.
        why: Obstacle,
    },
    /// Wishes were made hard. Should there be no room, compile again with
    /// [`Steering::Off`](super::Steering::Off).
    Steered {
        /// How many parts of the block.
        parts: u32,
    },
    /// Wishes have different weights, and CloudAPI counts them alike.
    WeightsLost,
}

/// Why no instance may be created now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Block {
    /// It is to be with something of which there is nothing.
    NothingMatches {
        /// Which rule.
        at: SpecPlace,
    },
    /// It is to be with something, and CloudAPI does not show yet where that is.
    NotYetPlaced {
        /// Which rule.
        at: SpecPlace,
    },
    /// The hard rules leave no compute node, whoever has room.
    NoNodeLeft {
        /// How many compute nodes are known.
        nodes: u32,
    },
}

/// Whether several instances may be created with the same affinity rules at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Pace {
    /// As many as are wanted.
    #[default]
    Together,
    /// One. The next is compiled for when CloudAPI shows where this one stands: the rules are
    /// about one another, and cannot see an instance that is just being created.
    OneByOne,
}

impl Compiled {
    /// Puts each list into the order of the block.
    pub(super) fn tidy(&mut self) {
        self.enforced.sort_by_key(|held| held.at);
        self.attempted.sort_by_key(|held| held.at);
        self.unenforceable.sort_by_key(|lost| lost.at);
        if !self.blocked.is_empty() {
            self.affinity.clear();
        }
    }

    /// What to send, or why nothing may be sent.
    ///
    /// ```
    /// use tsg_core::placement::compile::{Block, Compiled};
    ///
    /// let free = Compiled { affinity: vec!["role!=db".into()], ..Compiled::default() };
    /// assert_eq!(free.to_send(), Ok(&["role!=db".to_string()][..]));
    /// let blocked = Compiled { blocked: vec![Block::NoNodeLeft { nodes: 3 }], ..free };
    /// assert_eq!(blocked.to_send(), Err(&[Block::NoNodeLeft { nodes: 3 }][..]));
    /// ```
    ///
    /// # Errors
    /// When no instance may be created.
    pub fn to_send(&self) -> Result<&[String], &[Block]> {
        if self.blocked.is_empty() { Ok(&self.affinity) } else { Err(&self.blocked) }
    }
}
