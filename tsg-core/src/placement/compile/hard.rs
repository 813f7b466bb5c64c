//! Hard rules: which there are, which nodes they leave, and how CloudAPI is told.
//!
//! Owns the claim that a rule is enforced. Must never make it of a rule that the cloud could break
//! by choosing a node that it may choose.

use alloc::collections::BTreeSet;
use alloc::vec::Vec;

use super::ground::{Ground, Marks, both, numbers};
use super::meaning::{Meaning, meaning};
use super::newcomer::Newcomer;
use super::outcome::{Block, Compiled, Held, Lost, Means, Obstacle, Pace};
use super::same::{Said, Wording, may_match_new_id};
use super::sheet::Sheet;
use super::view::Resident;
use crate::placement::rule::{Criterion, Direction, Pattern, PlacementSpec, Rule, Scope, SpecPlace, Strength};

/// A hard rule that says something about the nodes.
#[derive(Debug)]
pub(super) struct Hard<'v> {
    pub(super) at: SpecPlace,
    pub(super) rule: &'v Rule,
    pub(super) meaning: Meaning<'v>,
}

/// The hard rules of a block, and the nodes that they leave.
#[derive(Debug)]
pub(super) struct HardRules<'v> {
    pub(super) rules: Vec<Hard<'v>>,
    /// Nodes that all of them allow.
    pub(super) open: Marks,
    /// Whether there may be nodes that are not known and that they allow.
    pub(super) is_open_elsewhere: bool,
}

/// How the new instance comes to be near to something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    /// It goes wherever it is not kept from.
    Free,
    /// It follows an instance on one of the open nodes.
    Follow,
}

/// The rules of a block with their places, by scope.
pub(crate) fn placed_rules(spec: &PlacementSpec) -> impl Iterator<Item = (SpecPlace, &Rule)> {
    Scope::ALL.into_iter().flat_map(move |scope| {
        spec.rules_of(scope).enumerate().map(move |(index, rule)| (SpecPlace::Rule { scope, index }, rule))
    })
}

impl<'v> HardRules<'v> {
    /// Reads them, and tells at once of those that cannot be told to CloudAPI at all.
    pub(super) fn read(
        ground: &Ground<'v>,
        spec: &'v PlacementSpec,
        newcomer: &Newcomer<'_>,
        compiled: &mut Compiled,
    ) -> Self {
        let mut rules = Vec::new();
        let hard = placed_rules(spec).filter(|(_, rule)| rule.operator.strength == Strength::Hard);
        for (at, rule) in hard {
            match meaning(ground, rule, newcomer.is_match(rule)).map_err(Flaw::Lost).and_then(|meaning| {
                check(ground, at, rule, &meaning)?;
                Ok(meaning)
            }) {
                Ok(meaning) => rules.push(Hard { at, rule, meaning }),
                Err(Flaw::Lost(why)) => compiled.unenforceable.push(Lost { at, why }),
                Err(Flaw::Blocked(block)) => compiled.blocked.push(block),
            }
        }
        let mut hard = Self { rules, open: Marks::new(), is_open_elsewhere: false };
        hard.count(ground);
        hard
    }

    /// Counts the open nodes.
    fn count(&mut self, ground: &Ground<'_>) {
        self.open = ground.none().iter().map(|_| true).collect();
        for hard in &self.rules {
            self.open = both(&self.open, &hard.meaning.allowed);
        }
        let is_shut = |hard: &Hard<'_>| match hard.rule.scope {
            Scope::DataCentre => hard.rule.operator.direction == Direction::Far && !hard.meaning.is_void(),
            _ => hard.is_near() && hard.meaning.hidden == 0,
        };
        self.is_open_elsewhere = !ground.is_whole() && !self.rules.iter().any(is_shut);
    }

    /// Whether an instance has to be followed, after letting go of rules for which there is none.
    pub(super) fn way(&mut self, ground: &Ground<'v>, compiled: &mut Compiled) -> Way {
        loop {
            let is_near = |scope: Scope| self.rules.iter().any(|hard| hard.is_near() && hard.rule.scope == scope);
            let can_follow = numbers(&self.open).any(|node| ground.has_envoy(node));
            let must_follow = is_near(Scope::Node) || is_near(Scope::Rack) && !self.can_keep_out(ground);
            // With no open node at all there is nothing to let go of: it is told as a block.
            let is_shut = !self.open.contains(&true) && !self.is_open_elsewhere;
            if !must_follow || can_follow || is_shut {
                return if must_follow { Way::Follow } else { Way::Free };
            }
            let is_vague = |hard: &Hard<'_>| hard.is_near() && hard.rule.criterion == Criterion::Node;
            let last = self.rules.iter().rposition(is_vague).or_else(|| self.rules.iter().rposition(Hard::is_near));
            let Some(last) = last else { return Way::Free };
            let gone = self.rules.remove(last);
            let nodes = numbers(&gone.meaning.allowed).count() as u32;
            compiled.unenforceable.push(Lost { at: gone.at, why: Obstacle::NoInstanceThere { nodes } });
            self.count(ground);
        }
    }

    /// Whether every node that rules about racks do not want has one of ours by which it is told.
    fn can_keep_out(&self, ground: &Ground<'_>) -> bool {
        let of_racks = self.rules.iter().filter(|hard| hard.is_near() && hard.rule.scope == Scope::Rack);
        let mut nodes = of_racks.flat_map(|hard| numbers_not(&hard.meaning.allowed));
        let count =
            self.rules.iter().filter(|hard| hard.is_near()).map(|hard| numbers_not(&hard.meaning.allowed).count());
        ground.is_whole() && count.max().unwrap_or(0) <= KEPT_OUT_MAX && nodes.all(|node| ground.has_envoy(node))
    }

    /// Why there is no place, whoever has room.
    pub(super) fn block(&self, ground: &Ground<'_>) -> Option<Block> {
        let is_shut = !self.open.contains(&true) && !self.is_open_elsewhere && !self.rules.is_empty();
        is_shut.then_some(Block::NoNodeLeft { nodes: ground.nodes.len() as u32 })
    }

    /// Whether a rule wants the new instance to be with this one.
    pub(super) fn is_wanted(&self, resident: &Resident<'_>) -> bool {
        let mut near = self.rules.iter().filter(|hard| hard.is_near());
        near.any(|hard| hard.meaning.matches.iter().any(|one| one.id == resident.id))
    }

    /// Tells CloudAPI of each, beside the instance that is followed.
    pub(super) fn say(
        &self,
        ground: &Ground<'v>,
        newcomer: &Newcomer<'_>,
        followed: Option<&Resident<'_>>,
        sheet: &mut Sheet,
        compiled: &mut Compiled,
    ) {
        for Hard { at, rule, meaning } in &self.rules {
            let mut teller = Teller { ground, newcomer, rule, meaning, sheet, pace: Pace::Together };
            let held = teller.tell(followed);
            compiled.pace = compiled.pace.max(teller.pace);
            match held {
                Ok(by) => compiled.enforced.push(Held { at: *at, by }),
                Err(why) => compiled.unenforceable.push(Lost { at: *at, why }),
            }
        }
    }
}

/// More than these are not kept out of one by one, if an instance can be followed instead.
const KEPT_OUT_MAX: usize = 32;

/// What becomes of a rule that cannot be told.
enum Flaw {
    Lost(Obstacle),
    Blocked(Block),
}

/// What a rule needs to be told at all.
fn check(ground: &Ground<'_>, at: SpecPlace, rule: &Rule, meaning: &Meaning<'_>) -> Result<(), Flaw> {
    if rule.operator.direction == Direction::Far
        || meaning.is_first
        || rule.scope == Scope::DataCentre && !meaning.is_void()
    {
        return Ok(());
    }
    if rule.criterion == Criterion::Node {
        let can_follow = numbers(&meaning.allowed).any(|node| ground.has_envoy(node));
        let nodes = numbers(&meaning.allowed).count().max(1) as u32;
        return if can_follow { Ok(()) } else { Err(Flaw::Lost(Obstacle::NoInstanceThere { nodes })) };
    }
    match (meaning.is_void(), meaning.allowed.contains(&true)) {
        (true, _) => Err(Flaw::Blocked(Block::NothingMatches { at })),
        (false, true) => Ok(()),
        (false, false) if meaning.matches.iter().all(|resident| resident.node.is_none()) => {
            Err(Flaw::Blocked(Block::NotYetPlaced { at }))
        }
        (false, false) => Err(Flaw::Lost(Obstacle::Unlocated { instances: meaning.unlocated })),
    }
}

/// The numbers that are not marked.
fn numbers_not(marks: &[bool]) -> impl Iterator<Item = usize> + '_ {
    marks.iter().enumerate().filter(|(_, is_marked)| !**is_marked).map(|(number, _)| number)
}

impl Hard<'_> {
    /// Whether it wants the new instance in the place of another one.
    fn is_near(&self) -> bool {
        let is_somewhere = self.rule.scope != Scope::DataCentre && !self.meaning.is_first;
        self.rule.operator.direction == Direction::Near && is_somewhere
    }
}

/// One rule, to be told.
struct Teller<'t, 'v> {
    ground: &'t Ground<'v>,
    newcomer: &'t Newcomer<'t>,
    rule: &'t Rule,
    meaning: &'t Meaning<'v>,
    sheet: &'t mut Sheet,
    pace: Pace,
}

impl Teller<'_, '_> {
    fn tell(&mut self, followed: Option<&Resident<'_>>) -> Result<Means, Obstacle> {
        let is_far = self.rule.operator.direction == Direction::Far;
        let is_hidden = is_far && self.may_be_hidden(followed);
        if self.rule.scope == Scope::DataCentre {
            self.one_by_one_if(is_far && (self.meaning.is_own || may_match_new_id(self.rule)));
            return if is_hidden { Err(Obstacle::NodesUnlisted) } else { Ok(Means::Nothing) };
        }
        let held = match (self.rule.scope, is_far) {
            (Scope::Node, true) if self.rule.criterion == Criterion::Node => self.keep_off_nodes(),
            (Scope::Node, true) => self.keep_off_instances(),
            (Scope::Node, false) if self.meaning.is_first => {
                self.one_by_one_if(true);
                return Ok(Means::First);
            }
            (_, false) if followed.is_some() && !self.meaning.is_first => Ok(Means::Nothing),
            _ => {
                let is_own = self.meaning.is_own || may_match_new_id(self.rule);
                self.one_by_one_if(self.meaning.is_first || is_far && is_own);
                self.keep_out(followed)
            }
        };
        // Where the one that is followed stands, everything was looked at.
        match (held, followed) {
            (Ok(_), _) | (_, Some(_)) if is_hidden => Err(Obstacle::NodesUnlisted),
            (Ok(Means::SameRule), _) | (Err(Obstacle::Unlocated { .. }), _) | (_, None) => held,
            (_, Some(followed)) => Ok(Means::Following { instance: followed.id }),
        }
    }

    /// Whether something may match that is not known, and not be far from the one that is followed.
    fn may_be_hidden(&self, followed: Option<&Resident<'_>>) -> bool {
        let node = followed.and_then(|followed| self.ground.node_of(followed));
        let is_named = self.rule.scope == Scope::Node && node.is_some_and(|node| self.ground.is_named(node));
        self.meaning.hidden > 0 && !is_named
    }

    fn one_by_one_if(&mut self, is_about_itself: bool) {
        if is_about_itself {
            self.pace = Pace::OneByOne;
        }
    }

    /// Off the nodes on which something matches.
    fn keep_off_instances(&mut self) -> Result<Means, Obstacle> {
        let said = Said::of(self.ground.view, self.rule);
        let is_own = self.meaning.is_own && !said.covers_newcomer(self.newcomer);
        self.one_by_one_if(is_own || may_match_new_id(self.rule));
        let named = uncovered(self.meaning, &said);
        let means = means(&said, &named);
        let wordings: Vec<Wording> = said.wordings().into_iter().chain(named).collect();
        self.send(&wordings).map(|()| means)
    }

    /// Off nodes that are meant themselves.
    fn keep_off_nodes(&mut self) -> Result<Means, Obstacle> {
        let is_one = matches!(self.rule.pattern, Pattern::Uuid(_));
        if is_one && self.meaning.is_void() {
            return Err(Obstacle::NoInstanceThere { nodes: 1 });
        }
        self.name_envoys(&self.meaning.nodes)
    }

    /// Out of racks, and off nodes whose rack is unknown.
    fn keep_out(&mut self, followed: Option<&Resident<'_>>) -> Result<Means, Obstacle> {
        let instances = self.meaning.unlocated;
        if followed.is_some() {
            return if instances > 0 { Err(Obstacle::Unlocated { instances }) } else { Ok(Means::Nothing) };
        }
        let unwanted: Marks = self.meaning.allowed.iter().map(|is_allowed| !is_allowed).collect();
        let held = self.name_envoys(&unwanted)?;
        match instances {
            _ if !self.ground.is_whole() => Err(Obstacle::NodesUnlisted),
            1.. if self.rule.operator.direction == Direction::Far => Err(Obstacle::Unlocated { instances }),
            _ if self.meaning.is_first => Ok(Means::First),
            _ => Ok(held),
        }
    }

    /// Names one of ours on each node, as far as there is one.
    fn name_envoys(&mut self, nodes: &[bool]) -> Result<Means, Obstacle> {
        let (named, missing) = envoys(self.ground, nodes);
        self.send(&named)?;
        match (missing, named.len() as u32) {
            (0, 0) => Ok(Means::Nothing),
            (0, instances) => Ok(Means::Named { instances }),
            (nodes, _) => Err(Obstacle::NoInstanceThere { nodes }),
        }
    }

    fn send(&mut self, wordings: &[Wording]) -> Result<(), Obstacle> {
        let needed = wordings.len() as u32;
        if self.sheet.add(Direction::Far, wordings) { Ok(()) } else { Err(Obstacle::TooManyRules { needed }) }
    }
}

/// One of ours on each node, and on how many there is none.
pub(super) fn envoys(ground: &Ground<'_>, nodes: &[bool]) -> (Vec<Wording>, u32) {
    let named: Vec<Wording> = numbers(nodes).filter_map(|node| ground.envoy(node)).map(Wording::of_instance).collect();
    let missing = numbers(nodes).count() - named.len();
    (named, missing as u32)
}

/// Those that are not told of already: one for each node, and each of which CloudAPI does not show
/// where it stands.
pub(super) fn uncovered(meaning: &Meaning<'_>, said: &Said<'_>) -> Vec<Wording> {
    let mut nodes = BTreeSet::new();
    let rest = meaning.matches.iter().filter(|resident| !said.covers(resident));
    let named = rest.filter(|resident| resident.node.is_none_or(|node| nodes.insert(node)));
    named.map(|resident| Wording::of_instance(resident)).collect()
}

pub(super) fn means(said: &Said<'_>, named: &[Wording]) -> Means {
    match named.len() as u32 {
        0 if said.is_empty() => Means::Nothing,
        0 => Means::SameRule,
        instances => Means::Named { instances },
    }
}
