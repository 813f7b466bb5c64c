//! Which member was made to take the place of which, and how far it has come.
//!
//! Owns the links between members and their successors. Must never decide who goes.

use alloc::vec::Vec;

use super::super::input::{Detail, PlanInput};
use super::super::order;
use super::super::output::Class;
use super::super::roster::{Roster, Standing};
use super::fate::Fate;

/// How far the successor of a member has come; later ones are better.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Heir {
    /// There is none.
    None,
    /// It fails as well, and has to be replaced in turn.
    Broken,
    /// It is on its way.
    Coming,
    /// It serves, but not for long enough yet.
    Proving,
    /// It has proved itself.
    Proven,
}

impl Heir {
    pub(super) fn of(standing: Standing) -> Self {
        match (standing.class, standing.fate) {
            (Class::Leaving | Class::Retiring | Class::Kept, _) | (_, Fate::Doomed) => Self::None,
            _ if standing.is_stale() => Self::None,
            (_, Fate::GivenUp | Fate::Condemned) => Self::Broken,
            _ if standing.is_proven() => Self::Proven,
            (Class::Unlisted | Class::Serving, _) => Self::Proving,
            _ => Self::Coming,
        }
    }
}

/// Two members, of which one was made to take the place of the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Link {
    pub predecessor: u32,
    pub successor: u32,
}

/// All links of a group, by predecessor.
#[derive(Debug, Default)]
pub(super) struct Heirs(Vec<Link>);

impl Heirs {
    /// Finds them; those whose predecessor is gone are none any more.
    pub(super) fn of(input: &PlanInput<'_>) -> Self {
        let index = |operation| order::position(input.members, operation).ok().and_then(|place| place.try_into().ok());
        let link = |detail: &Detail| {
            let (predecessor, successor) = (index(detail.replaces?)?, index(detail.operation)?);
            (predecessor != successor).then_some(Link { predecessor, successor })
        };
        let mut links: Vec<Link> = input.details.iter().filter_map(link).collect();
        links.sort_unstable();
        Self(links)
    }

    /// By predecessor.
    pub(super) fn links(&self) -> &[Link] {
        &self.0
    }

    /// How far the best successor of a member has come.
    pub(super) fn heir(&self, predecessor: u32, roster: &Roster) -> Heir {
        let from = self.0.partition_point(|link| link.predecessor < predecessor);
        let of_it = self.0.iter().skip(from).take_while(|link| link.predecessor == predecessor);
        let heirs = of_it.filter_map(|link| roster.standings.get(link.successor as usize)).map(|heir| Heir::of(*heir));
        heirs.max().unwrap_or(Heir::None)
    }
}
