//! Placements in words.
//!
//! Owns every sentence about a placement and its refusal: one screen of text. Must never decide
//! anything, or count anything again.

use core::fmt;

use super::answer::{Answer, Filter, Part, Placement, Refusal};
use super::request::{Request, RuleNumber};
use crate::placement::inventory::{Inventory, NodeNumber};

/// How many placements are shown one by one.
const SHOWN_MAX: usize = 10;

/// An answer in words, beside what it answers.
#[derive(Debug, Clone, Copy)]
pub struct InWords<'a> {
    answer: &'a Answer,
    request: &'a Request,
    inventory: &'a Inventory,
}

impl<'a> InWords<'a> {
    /// Puts an answer into words, with the request and the inventory that it was made from.
    ///
    /// ```
    /// use tsg_core::model::id::AccountId;
    /// use tsg_core::placement::inventory::{Amounts, Inventory};
    /// use tsg_core::placement::place::{InWords, Request, place};
    /// use uuid::Uuid;
    ///
    /// let inventory = Inventory::default();
    /// let request = Request::new(AccountId::from_directory(Uuid::from_u128(1)), Amounts::default());
    /// let answer = place(&inventory, &request)?;
    /// let words = InWords::new(&answer, &request, &inventory).to_string();
    /// assert_eq!(words, "1 of 1 instances has no place: there are no compute nodes");
    /// # Ok::<(), tsg_core::placement::place::Rejection>(())
    /// ```
    pub const fn new(answer: &'a Answer, request: &'a Request, inventory: &'a Inventory) -> Self {
        Self { answer, request, inventory }
    }

    /// A part of what a placement of the answer cost.
    pub const fn part(&self, part: Part) -> PartInWords<'a> {
        PartInWords { whole: *self, part }
    }
}

/// A part of what a placement cost, in words.
#[derive(Debug, Clone, Copy)]
pub struct PartInWords<'a> {
    whole: InWords<'a>,
    part: Part,
}

impl fmt::Display for PartInWords<'_> {
    /// ```
    /// use tsg_core::model::id::AccountId;
    /// use tsg_core::placement::inventory::{Amounts, Inventory};
    /// use tsg_core::placement::place::{InWords, Part, PartInWords, Request, place};
    /// use uuid::Uuid;
    ///
    /// let inventory = Inventory::default();
    /// let request = Request::new(AccountId::from_directory(Uuid::from_u128(1)), Amounts::default());
    /// let answer = place(&inventory, &request)?;
    /// let words: PartInWords<'_> = InWords::new(&answer, &request, &inventory).part(Part::Crowding { members: 2 });
    /// assert_eq!(words.to_string(), "2 members of the group on it");
    /// # Ok::<(), tsg_core::placement::place::Rejection>(())
    /// ```
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.whole.write_part(self.part, out)
    }
}

impl fmt::Display for InWords<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let placements = &self.answer.placements;
        if let Some(first) = placements.first() {
            write!(out, "{}", Count { of: placements.len(), one: "instance has", many: "instances have" })?;
            out.write_str(" a place:")?;
            for placement in placements.iter().take(SHOWN_MAX) {
                write!(out, "\n  {}", self.node(placement.node))?;
            }
            if placements.len() > SHOWN_MAX {
                write!(out, "\n  and {} more", placements.len() - SHOWN_MAX)?;
            }
            write!(out, "\nwhy {}:", self.node(first.node))?;
            self.write_parts(first, out)?;
        }
        match &self.answer.refusal {
            Some(refusal) if placements.is_empty() => self.write_refusal(refusal, out),
            Some(refusal) => {
                out.write_str("\n")?;
                self.write_refusal(refusal, out)
            }
            None => Ok(()),
        }
    }
}

impl InWords<'_> {
    fn node(&self, node: NodeNumber) -> &str {
        self.inventory.node(node).map_or("a node that is gone", |facts| &facts.name)
    }

    fn write_parts(&self, placement: &Placement, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for part in self.answer.parts(placement) {
            out.write_str("\n  ")?;
            self.write_part(part, out)?;
        }
        Ok(())
    }

    fn write_part(&self, part: Part, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let members = |of: u32| Count { of: of as usize, one: "member", many: "members" };
        match part {
            Part::Round { over, members: count, round } => {
                write!(out, "{} in its {}, so its turn comes in round {}", members(count), over.in_words(), round + 1)
            }
            Part::Evenness { over, members: count, cost } => {
                write!(out, "{} in its {} cost {cost}", members(count), over.in_words())
            }
            Part::Kept(wish) => {
                write!(out, "keeps ")?;
                self.write_rule(wish.rule, out)
            }
            Part::NotKept(wish) => {
                write!(out, "does not keep ")?;
                self.write_rule(wish.rule, out)?;
                write!(out, ", which costs {}", wish.weight)
            }
            Part::Crowding { members: 0 } => out.write_str("no member of the group is on it"),
            Part::Crowding { members: count } => write!(out, "{} of the group on it", members(count)),
            Part::Memory { left_mib } => write!(out, "{left_mib} MiB of memory were left"),
        }
    }

    fn write_rule(&self, number: RuleNumber, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.request.rule(number) {
            Some(rule) => fmt::Display::fmt(rule, out),
            None => write!(out, "rule {number}"),
        }
    }

    fn write_refusal(&self, refusal: &Refusal, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let wanted = refusal.missing as usize + self.answer.placements.len();
        let verb = if refusal.missing == 1 { "has" } else { "have" };
        write!(out, "{} of {wanted} instances {verb} no place: ", refusal.missing)?;
        if refusal.nodes == 0 {
            return out.write_str("there are no compute nodes");
        }
        let nodes = Count { of: refusal.nodes as usize, one: "compute node is", many: "compute nodes are" };
        write!(out, "{nodes} not open")?;
        for loss in &refusal.losses {
            write!(out, "\n  {:>5} ", loss.in_turn)?;
            self.write_filter(loss.filter, out)?;
            if loss.alone != loss.in_turn {
                write!(out, " ({} by this alone)", loss.alone)?;
            }
        }
        if let Some(nearest) = &refusal.nearest {
            write!(out, "\nnearest: {}, but ", self.node(nearest.node))?;
            for (place, filter) in nearest.filters.iter().enumerate() {
                out.write_str(if place == 0 { "" } else { ", " })?;
                self.write_filter(*filter, out)?;
            }
        }
        match &refusal.way_out {
            None => out.write_str("\nno rule has to go: what lacks is room"),
            Some(way_out) => {
                out.write_str("\nwithout ")?;
                for (place, rule) in way_out.rules.iter().enumerate() {
                    out.write_str(if place == 0 { "" } else { " and " })?;
                    self.write_rule(RuleNumber::Rule(*rule), out)?;
                }
                let nodes = Count { of: way_out.nodes as usize, one: "node would be", many: "nodes would be" };
                write!(out, " {nodes} open")
            }
        }
    }

    fn write_filter(&self, filter: Filter, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match filter {
            Filter::State => out.write_str("takes no new instances"),
            Filter::Memory => out.write_str("has too little memory left"),
            Filter::Disk => out.write_str("has too little disk left"),
            Filter::Cpu => out.write_str("has too little CPU left"),
            Filter::Rule(number) => {
                out.write_str("breaks ")?;
                self.write_rule(RuleNumber::Rule(number), out)?;
                let matched = self.answer.matched.iter().find(|matched| matched.rule == RuleNumber::Rule(number));
                match matched {
                    Some(matched) if matched.count == 0 && !matched.is_own => out.write_str(", which nothing matches"),
                    _ => Ok(()),
                }
            }
        }
    }
}

/// So many of something.
struct Count {
    of: usize,
    one: &'static str,
    many: &'static str,
}

impl fmt::Display for Count {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} {}", self.of, if self.of == 1 { self.one } else { self.many })
    }
}
