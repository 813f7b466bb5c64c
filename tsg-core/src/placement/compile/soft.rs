//! Wishes and spreading, put to CloudAPI in one of three ways.
//!
//! Owns which way: as soft rules where no hard one is sent, as the choice of whom to follow, or
//! made hard where the block asks for it. Must never let a wish void another one that is weightier,
//! as far as the nodes are known.

use alloc::string::String;
use alloc::vec::Vec;

use super::ground::{Ground, Marks, both, numbers};
use super::hard::HardRules;
use super::newcomer::{Newcomer, Steering};
use super::outcome::{Compiled, Held, Lost, Means, Note, Obstacle};
use super::same::{Said, Wording};
use super::sheet::Sheet;
use super::spreading::{fuller, members, named};
use super::view::Resident;
use super::wishes::{Origin, Wish, leader, wishes};
use crate::placement::rule::{Direction, Operator, Pattern, PlacementSpec, Rule, Scope, Soft, SpecPlace, Strength};

/// All that is wished for.
#[derive(Debug)]
pub(super) struct Wishes<'s> {
    wishes: Vec<Wish>,
    members: Vec<u32>,
    spec: &'s PlacementSpec,
}

impl<'s> Wishes<'s> {
    pub(super) fn read(
        ground: &Ground<'_>,
        spec: &'s PlacementSpec,
        newcomer: &Newcomer<'_>,
        compiled: &mut Compiled,
    ) -> Self {
        Self { wishes: wishes(ground, spec, newcomer, compiled), members: members(ground, newcomer), spec }
    }

    /// The one to follow on an open node.
    pub(super) fn leader<'v>(
        &self,
        ground: &Ground<'v>,
        open: &[bool],
        is_wanted: impl Fn(&Resident<'_>) -> bool,
    ) -> Option<&'v Resident<'v>> {
        leader(ground, open, &self.wishes, &self.members, is_wanted)
    }

    /// They were counted when the one to follow was chosen, and some are kept there.
    pub(super) fn follow(&self, ground: &Ground<'_>, leader: &Resident<'_>, compiled: &mut Compiled) {
        let (by, node) = (Means::Following { instance: leader.id }, ground.node_of(leader));
        let is_kept = |wish: &Wish| node.is_some_and(|node| wish.allowed.get(node) == Some(&true));
        for wish in &self.wishes {
            if is_kept(wish) { wish.granted(by, compiled) } else { wish.lost(Obstacle::LeavesNoNode, compiled) }
        }
        let spreads = (0..self.spec.spread.len()).map(|index| Held { at: SpecPlace::Spread { index }, by });
        compiled.attempted.extend(spreads);
    }

    /// As soft rules.
    pub(super) fn ask(
        &self,
        ground: &Ground<'_>,
        newcomer: &Newcomer<'_>,
        hard: &HardRules<'_>,
        compiled: &mut Compiled,
    ) -> Vec<String> {
        let mut sheet = Sheet::new(Strength::Soft, 0);
        let mut free: Marks = hard.open.clone();
        for wish in &self.wishes {
            if !sheet.add(wish.direction, &wish.wordings) {
                wish.lost(Obstacle::TooManyRules { needed: wish.wordings.len() as u32 }, compiled);
                continue;
            }
            wish.granted(wish.by, compiled);
            if wish.direction == Direction::Far {
                free = both(&free, &wish.allowed);
            }
        }
        self.note_weights(compiled);
        let is_far = |wish: &Wish| wish.direction == Direction::Far && !wish.wordings.is_empty();
        let wants = Room { free, can_be_void: !self.wishes.iter().any(is_far) };
        self.spread(ground, newcomer, wants, &mut sheet, compiled);
        sheet.into_rules()
    }

    fn note_weights(&self, compiled: &mut Compiled) {
        let is_part = |wish: &&Wish| matches!(wish.of, Origin::Part(_)) && !wish.wordings.is_empty();
        let mut weights = self.wishes.iter().filter(is_part).map(|wish| wish.weight);
        let first = weights.next();
        if weights.any(|weight| Some(weight) != first) {
            compiled.notes.push(Note::WeightsLost);
        }
    }

    /// Beside hard rules.
    pub(super) fn steer(
        &self,
        ground: &Ground<'_>,
        newcomer: &Newcomer<'_>,
        hard: &HardRules<'_>,
        sheet: Sheet,
        compiled: &mut Compiled,
    ) -> Vec<String> {
        if self.spec.soft == Soft::Try || newcomer.steering == Steering::Off {
            self.drop_all(newcomer, compiled);
            return sheet.into_rules();
        }
        let mut steer = Steer {
            ground,
            open: hard.open.clone(),
            is_open_elsewhere: hard.is_open_elsewhere,
            follows: false,
            sheet,
            parts: 0,
        };
        for wish in &self.wishes {
            match steer.take(wish) {
                Ok(by) => wish.granted(by, compiled),
                Err(why) => wish.lost(why, compiled),
            }
        }
        let leader = if steer.follows { self.leader(ground, &steer.open, |_| false) } else { None };
        if let Some(leader) = leader {
            // Spreading was counted when the one to follow was chosen.
            let by = Means::Following { instance: leader.id };
            compiled
                .attempted
                .extend((0..self.spec.spread.len()).map(|index| Held { at: SpecPlace::Spread { index }, by }));
            steer.sheet.lead(leader);
        } else {
            let room = Room { free: steer.open.clone(), can_be_void: false };
            let before = steer.sheet.len();
            self.spread(ground, newcomer, room, &mut steer.sheet, compiled);
            steer.parts += u32::from(steer.sheet.len() > before);
        }
        if steer.parts > 0 {
            compiled.notes.push(Note::Steered { parts: steer.parts });
        }
        steer.sheet.into_rules()
    }

    /// Hard rules were sent, and nothing else may be.
    fn drop_all(&self, newcomer: &Newcomer<'_>, compiled: &mut Compiled) {
        let why = Obstacle::HardRulesSent;
        self.wishes.iter().for_each(|wish| wish.lost(why, compiled));
        let spreads = (0..self.spec.spread.len()).map(|index| Lost { at: SpecPlace::Spread { index }, why });
        compiled.unenforceable.extend(spreads);
        if self.spec.spread.is_empty() && newcomer.group.is_some() {
            compiled.notes.push(Note::SpreadLost { why });
        }
    }

    /// Says where members are already: as the block asks, or in place of CloudAPI's own spreading
    /// if any rule ends that.
    fn spread(
        &self,
        ground: &Ground<'_>,
        newcomer: &Newcomer<'_>,
        mut room: Room,
        sheet: &mut Sheet,
        compiled: &mut Compiled,
    ) {
        for (index, spread) in self.spec.spread.iter().enumerate() {
            let at = SpecPlace::Spread { index };
            match self.spread_over(ground, newcomer, spread.over, &mut room, sheet) {
                Ok((by, _)) => compiled.attempted.push(Held { at, by }),
                Err(why) => compiled.unenforceable.push(Lost { at, why }),
            }
        }
        if self.spec.spread.is_empty() && newcomer.group.is_some() && !sheet.is_empty() {
            compiled.notes.push(match self.spread_over(ground, newcomer, Scope::Node, &mut room, sheet) {
                Ok((_, nodes)) => Note::Spread { nodes },
                Err(why) => Note::SpreadLost { why },
            });
        }
    }

    fn spread_over(
        &self,
        ground: &Ground<'_>,
        newcomer: &Newcomer<'_>,
        over: Scope,
        room: &mut Room,
        sheet: &mut Sheet,
    ) -> Result<(Means, u32), Obstacle> {
        let group = newcomer.group.ok_or(Obstacle::NothingFuller)?;
        match over {
            scope if !ground.is_known(scope) => return Err(Obstacle::NoTopology { scope }),
            Scope::DataCentre => return Ok((Means::Nothing, 0)),
            _ => {}
        }
        let nodes = fuller(ground, over, &self.members, &room.free);
        let count = numbers(&nodes).count() as u32;
        let has_members = |node: usize| self.members.get(node).is_some_and(|count| *count > 0);
        // Some node has no member, or one that nobody knows may have none: all members are to be
        // kept away from, those that are being created as well.
        let is_floor_zero =
            numbers(&room.free).any(|node| !has_members(node)) || count == 0 && room.can_be_void && !ground.is_whole();
        if over == Scope::Node && is_floor_zero && sheet.is_soft() {
            let said = Said::of(ground.view, &of_group(group));
            let wordings = said.wordings();
            if !wordings.is_empty() && sheet.add(Direction::Far, &wordings) {
                let full: Marks = (0..self.members.len()).map(has_members).collect();
                room.leave(&full);
                return Ok((Means::SameRule, numbers(&full).count() as u32));
            }
        }
        let wordings: Vec<Wording> = named(ground, newcomer, &nodes);
        let instances = wordings.len() as u32;
        match instances {
            0 => Err(Obstacle::NothingFuller),
            _ if sheet.add(Direction::Far, &wordings) => {
                room.leave(&nodes);
                Ok((Means::Named { instances }, count))
            }
            needed => Err(Obstacle::TooManyRules { needed }),
        }
    }
}

/// The members of a group, as a rule would say it.
fn of_group(group: &crate::placement::inventory::Label) -> Rule {
    let (criterion, pattern) = (group.criterion.clone(), Pattern::Exact(group.value.clone()));
    Rule { scope: Scope::Node, criterion, operator: Operator::APART.softened(), pattern }
}

/// Nodes that nothing else keeps the new instance from.
struct Room {
    free: Marks,
    /// Whether nothing is lost if every node is to be kept away from, which voids all such wishes.
    can_be_void: bool,
}

impl Room {
    /// Some of them are kept away from.
    fn leave(&mut self, nodes: &[bool]) {
        self.free = self.free.iter().zip(nodes).map(|(is_free, is_left)| *is_free && !is_left).collect();
    }
}

/// Wishes on their way to become hard.
struct Steer<'g, 'v> {
    ground: &'g Ground<'v>,
    open: Marks,
    is_open_elsewhere: bool,
    /// Whether an instance has to be followed.
    follows: bool,
    sheet: Sheet,
    parts: u32,
}

impl Steer<'_, '_> {
    /// Makes a wish hard, if a node is left then.
    fn take(&mut self, wish: &Wish) -> Result<Means, Obstacle> {
        if wish.wordings.is_empty() {
            return Ok(Means::Nothing);
        }
        let open = both(&self.open, &wish.allowed);
        match wish.direction {
            Direction::Near => {
                let open: Marks =
                    open.iter().enumerate().map(|(node, is_open)| *is_open && self.ground.has_envoy(node)).collect();
                if !open.contains(&true) {
                    return Err(Obstacle::LeavesNoNode);
                }
                (self.open, self.is_open_elsewhere, self.follows) = (open, false, true);
            }
            Direction::Far => {
                if !open.contains(&true) && !self.is_open_elsewhere {
                    return Err(Obstacle::LeavesNoNode);
                }
                if !self.sheet.add(Direction::Far, &wish.wordings) {
                    return Err(Obstacle::TooManyRules { needed: wish.wordings.len() as u32 });
                }
                self.open = open;
            }
        }
        self.parts += 1;
        Ok(wish.by)
    }
}
