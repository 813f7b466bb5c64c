//! What CloudAPI can be told, in words.
//!
//! Owns every sentence about it. Must never decide anything.

use core::fmt;

use super::outcome::{Block, Compiled, Held, Lost, Means, Note, Obstacle, Pace};
use crate::placement::rule::{PlacementSpec, Scope, SpecPart, SpecPlace};

/// What was compiled, in words: a line for each part of the block and for whatever else there is.
#[derive(Debug, Clone, Copy)]
pub struct InWords<'a> {
    compiled: &'a Compiled,
    spec: &'a PlacementSpec,
}

impl<'a> InWords<'a> {
    /// Puts it into words, with the block that it was made from.
    ///
    /// ```
    /// use tsg_core::placement::compile::{InWords, Newcomer, View, compile};
    /// use tsg_core::placement::rule::PlacementSpec;
    /// use tsg_core::placement::topology::Topology;
    ///
    /// let spec: PlacementSpec = serde_json::from_str(r#"{"cn": ["role!=db", "cn:ssd==true"]}"#)?;
    /// let topology = Topology::default();
    /// let compiled = compile(&spec, &View::new(&topology, vec![], vec![]), &Newcomer::default());
    /// assert_eq!(
    ///     InWords::new(&compiled, &spec).to_string(),
    ///     "enforced: role!=db, which CloudAPI is told as it is\n\
    ///      not enforced: cn:ssd==true, since tenants are not shown the tags of compute nodes"
    /// );
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    pub const fn new(compiled: &'a Compiled, spec: &'a PlacementSpec) -> Self {
        Self { compiled, spec }
    }

    fn part(&self, at: SpecPlace) -> SpecPart<'a> {
        self.spec.part(at)
    }
}

impl fmt::Display for InWords<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut lines = Lines { out, is_first: true };
        for block in &self.compiled.blocked {
            match block {
                Block::NothingMatches { at } => {
                    lines.line(format_args!("blocked: {}: there is nothing of that", self.part(*at)))?;
                }
                Block::NotYetPlaced { at } => {
                    lines.line(format_args!("blocked: {}: it is not yet known where that is", self.part(*at)))?;
                }
                Block::NoNodeLeft { nodes } => {
                    lines
                        .line(format_args!("blocked: together, the hard rules leave none of {nodes} compute nodes"))?;
                }
            }
        }
        for Held { at, by } in &self.compiled.enforced {
            lines.line(format_args!("enforced: {}, {}", self.part(*at), Words(by)))?;
        }
        for Held { at, by } in &self.compiled.attempted {
            lines.line(format_args!("attempted: {}, {}", self.part(*at), Words(by)))?;
        }
        for Lost { at, why } in &self.compiled.unenforceable {
            lines.line(format_args!("not enforced: {}, since {why}", self.part(*at)))?;
        }
        for note in &self.compiled.notes {
            lines.line(format_args!("{}", Words(note)))?;
        }
        match self.compiled.pace {
            Pace::Together => Ok(()),
            Pace::OneByOne => lines.line(format_args!("one by one, since the instances have to see one another")),
        }
    }
}

/// Lines with breaks between them.
struct Lines<'o, 'f> {
    out: &'o mut fmt::Formatter<'f>,
    is_first: bool,
}

impl Lines<'_, '_> {
    fn line(&mut self, line: fmt::Arguments<'_>) -> fmt::Result {
        if !core::mem::take(&mut self.is_first) {
            self.out.write_str("\n")?;
        }
        self.out.write_fmt(line)
    }
}

/// A value in words.
struct Words<'a, T>(&'a T);

impl fmt::Display for Words<'_, Means> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Means::SameRule => out.write_str("which CloudAPI is told as it is"),
            Means::Named { instances: 1 } => out.write_str("by naming an instance"),
            Means::Named { instances } => write!(out, "by naming {instances} instances"),
            Means::Following { instance } => write!(out, "by going where instance {instance} is"),
            Means::First => out.write_str("which the first one cannot break"),
            Means::Nothing => out.write_str("for which nothing has to be said"),
        }
    }
}

impl fmt::Display for Obstacle {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Obstacle::VolumesUnseen => out.write_str("tenants are not shown which volumes an instance has"),
            Obstacle::NodeTagsUnseen => out.write_str("tenants are not shown the tags of compute nodes"),
            Obstacle::PlatformsUnseen => out.write_str("tenants are not shown platform images"),
            Obstacle::NodesUnlisted => out.write_str("the topology does not tell of every compute node"),
            Obstacle::NoTopology { scope: Scope::DataCentre } => out.write_str("the topology names no data centre"),
            Obstacle::NoTopology { scope } => write!(out, "the topology has no {}", scope.in_words()),
            Obstacle::Unlocated { instances } => {
                write!(out, "nobody knows where {instances} of those that match stand")
            }
            Obstacle::NoInstanceThere { nodes: 1 } => {
                out.write_str("a compute node is told by an instance on it, and on one there is none")
            }
            Obstacle::NoInstanceThere { nodes } => {
                write!(out, "compute nodes are told by instances on them, and on {nodes} there is none")
            }
            Obstacle::HardRulesSent => {
                out.write_str("CloudAPI drops wishes beside hard rules (`soft: steer` makes them hard)")
            }
            Obstacle::LeavesNoNode => out.write_str("beside the others it would leave no compute node"),
            Obstacle::TooManyRules { needed } => write!(out, "it would take {needed} affinity rules more"),
            Obstacle::NothingFuller => out.write_str("no place is known to have more members than others"),
        }
    }
}

impl fmt::Display for Words<'_, Note> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Note::Spread { nodes } => write!(out, "spread: keeps off {nodes} compute nodes with members, if it can"),
            Note::SpreadLost { why } => write!(out, "not spread, since {why}"),
            Note::Avoided { node } => write!(out, "avoids compute node {node}, if it can"),
            Note::NotAvoided { node, why } => write!(out, "does not avoid compute node {node}, since {why}"),
            Note::Steered { parts: 1 } => out.write_str("a wish was made hard: there may be no room because of it"),
            Note::Steered { parts } => {
                write!(out, "{parts} wishes were made hard: there may be no room because of them")
            }
            Note::WeightsLost => out.write_str("CloudAPI counts all wishes alike, whatever their weights"),
        }
    }
}
