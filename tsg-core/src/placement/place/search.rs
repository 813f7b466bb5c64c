//! The best places for all of them.
//!
//! Owns the choice of how to look. Costs grow with what is in a place already, places stand in one
//! another like a tree, and of such costs the sum is least when each instance in turn goes where
//! it costs least: one after the other is not an approximation. Two things break that, and both
//! draw instances together: a hard rule to be near to the group's own members while it has none,
//! where each place that could take the first one is tried as a whole; and a wish to be near to
//! them, where everything is tried when it is little, and several beginnings when it is much. Must
//! never let the order of nodes show in a result.

use alloc::vec::Vec;

use super::answer::{Cost, Placement};
use super::board::{Board, Race};
use super::field::{Field, Spot, Stretch};
use super::rank::Rank;
use crate::placement::rule::Scope;

/// How many ways of placing everything are all tried.
const WAYS_MAX: u64 = 10_000;
/// How many beginnings are tried where there are more ways than that.
const BEGINNINGS_MAX: usize = 16;
/// How many places are tried as a whole for a group that stays together.
const WHOLE_PLACES_MAX: usize = 64;

/// Where instances go, in order, and what that costs.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Course {
    /// Open nodes of the field, with what each costs.
    pub(super) steps: Vec<(usize, Rank)>,
    pub(super) cost: Cost,
    /// Whether one more would have a place beside them.
    is_followable: bool,
}

impl Course {
    /// Whether it places more, or as many and can be followed, or as many for less.
    fn beats(&self, other: &Self) -> bool {
        let order = |course: &Self| (core::cmp::Reverse((course.steps.len(), course.is_followable)), course.cost);
        order(self) < order(other)
    }

    fn push(&mut self, spot: Spot, rank: Rank) {
        self.steps.push((spot.leaf, rank));
        self.cost = self.cost.plus(Cost::of(rank));
    }
}

/// The best course for so many instances, as it is told.
pub(super) fn search(field: &mut Field<'_>, count: u32) -> (Course, Vec<Placement>) {
    if field.terms.is_drawn() {
        let course = tried(field, count);
        let placements = told(field, &course.steps);
        return (course, placements);
    }
    let ranks = core::mem::take(&mut field.ranks);
    let (mut placements, field) = (Vec::with_capacity(capacity(count)), &*field);
    let race = Race::with_ranks(Board::new(field, &field.whole()), ranks);
    let course = in_turn(race, Course::default(), count, |placement| placements.push(placement));
    (course, placements)
}

/// Room for so many, in steps of a wild number.
fn capacity(count: u32) -> usize {
    count.min(1 << 20) as usize
}

/// What is told of instances that go onto open nodes one after the other.
fn told(field: &Field<'_>, steps: &[(usize, Rank)]) -> Vec<Placement> {
    let mut board = Board::new(field, &field.whole());
    let told = steps.iter().map(|(leaf, rank)| {
        let spot = field.spot(*leaf);
        let placement = board.placement(spot, *rank);
        board.add(spot);
        placement
    });
    told.collect()
}

/// The best of the courses that are tried where instances are drawn to one another.
fn tried(field: &Field<'_>, count: u32) -> Course {
    let scopes = [Scope::Node, Scope::Rack, Scope::DataCentre];
    // Who is near on a node is near in its rack: the narrowest scope binds.
    match scopes.into_iter().find(|scope| field.terms.founding[*scope as usize] != 0) {
        Some(scope) => together(field, scope, count),
        None => within(field, &field.whole(), count),
    }
}

/// All of them in one place of a scope.
fn together(field: &Field<'_>, scope: Scope, count: u32) -> Course {
    let mut places: Vec<_> = field
        .stretches(scope)
        .into_iter()
        .filter_map(|place| {
            let race = Race::new(Board::new(field, &place));
            let (Spot { leaf, .. }, rank) = race.best()?;
            let room = room_of(field, &place).min(u64::from(count) + 1);
            Some((core::cmp::Reverse(room), rank, field.terms.nodes.id(field.nodes[leaf]), place))
        })
        .collect();
    places.sort_unstable_by_key(|(room, rank, id, _)| (*room, *rank, *id));
    let courses = places.iter().take(WHOLE_PLACES_MAX).map(|(_, _, _, place)| followed(field, place, count));
    courses.reduce(|best, course| if course.beats(&best) { course } else { best }).unwrap_or_default()
}

/// The best course within a place, and whether one more has room there.
fn followed(field: &Field<'_>, place: &Stretch, count: u32) -> Course {
    let mut course = within(field, place, count);
    let mut board = Board::new(field, place);
    course.steps.iter().for_each(|(leaf, _)| board.add(field.spot(*leaf)));
    course.is_followable = place.leaves.clone().any(|leaf| board.rank(field.spot(leaf)) != Rank::NONE);
    course
}

/// How many a place has room for.
fn room_of(field: &Field<'_>, place: &Stretch) -> u64 {
    let is_apart = |scope: Scope| field.terms.own_far[scope as usize] as u32 != 0;
    let at_most = |room: u64, scope: Scope| if is_apart(scope) { room.min(1) } else { room };
    let of_leaf = |leaf: usize| {
        let slots =
            field.room_on(leaf).into_iter().zip(field.terms.request.demand.row()).filter(|(_, demand)| *demand > 0);
        at_most(slots.map(|(room, demand)| u64::from(room / demand)).min().unwrap_or(u64::from(u32::MAX)), Scope::Node)
    };
    let of_rack = |rack: usize| {
        let inside = &field.racks[rack].inside;
        let leaves = inside.start.max(place.leaves.start)..inside.end.min(place.leaves.end);
        at_most(leaves.map(of_leaf).sum(), Scope::Rack)
    };
    let of_data_centre = |number: usize| {
        let inside = &field.data_centres[number].inside;
        let racks = inside.start.max(place.racks.start)..inside.end.min(place.racks.end);
        at_most(racks.map(of_rack).sum(), Scope::DataCentre)
    };
    place.data_centres.clone().map(of_data_centre).sum()
}

/// The best course within a stretch.
fn within(field: &Field<'_>, stretch: &Stretch, count: u32) -> Course {
    let drawn = field.terms.own_near.iter().fold(0, |all, bits| all | bits);
    if drawn == 0 {
        return in_turn(Race::new(Board::new(field, stretch)), Course::default(), count, |_| ());
    }
    match is_little(stretch.leaves.len(), count) {
        true => every_way(field, stretch, count),
        false => from_beginnings(field, stretch, count),
    }
}

/// Each goes where it costs least, after those that were placed.
fn in_turn(mut race: Race<'_>, mut course: Course, count: u32, mut tell: impl FnMut(Placement)) -> Course {
    course.steps.reserve(capacity(count));
    while course.steps.len() < count as usize
        && let Some((spot, rank)) = race.best()
    {
        tell(race.board.placement(spot, rank));
        race.add(spot);
        course.push(spot, rank);
    }
    course
}

/// Whether so many instances go onto so many nodes in few ways.
fn is_little(nodes: usize, count: u32) -> bool {
    let mut ways = 1_u64;
    for placed in 1..=u64::from(count) {
        ways = ways.saturating_mul(nodes as u64 + placed - 1) / placed;
        if ways > WAYS_MAX {
            return false;
        }
    }
    true
}

/// Every way that instances which are all alike go onto the nodes of a stretch.
fn every_way(field: &Field<'_>, stretch: &Stretch, count: u32) -> Course {
    let board = Board::new(field, stretch);
    let mut spots: Vec<Spot> = stretch.leaves.clone().map(|leaf| field.spot(leaf)).collect();
    spots.sort_unstable_by_key(|spot| (board.rank(*spot), field.terms.nodes.id(field.nodes[spot.leaf])));
    let mut ways = Ways { board, spots, count: count as usize, course: Course::default(), best: Course::default() };
    ways.go_on(0);
    ways.best
}

struct Ways<'a> {
    board: Board<'a>,
    spots: Vec<Spot>,
    count: usize,
    course: Course,
    best: Course,
}

impl Ways<'_> {
    /// Tries everything that goes on from here with nodes from `first` on: what a set of
    /// instances costs does not depend on the order in which they are placed.
    fn go_on(&mut self, first: usize) {
        if self.course.beats(&self.best) {
            self.best = self.course.clone();
        }
        let is_hopeless = self.best.steps.len() == self.count && self.course.cost >= self.best.cost;
        if self.course.steps.len() == self.count || is_hopeless {
            return;
        }
        for at in first..self.spots.len() {
            let spot = self.spots[at];
            let rank = self.board.rank(spot);
            if rank == Rank::NONE {
                continue;
            }
            let before = self.course.cost;
            self.board.add(spot);
            self.course.push(spot, rank);
            self.go_on(at);
            self.course.steps.pop();
            self.course.cost = before;
            self.board.take_back(spot);
        }
    }
}

/// The best of several courses, each with its first instance in another place.
fn from_beginnings(field: &Field<'_>, stretch: &Stretch, count: u32) -> Course {
    let start = |first: Option<(Spot, Rank)>| {
        let (mut race, mut course) = (Race::new(Board::new(field, stretch)), Course::default());
        if let Some((spot, rank)) = first {
            race.add(spot);
            course.push(spot, rank);
        }
        in_turn(race, course, count, |_| ())
    };
    let mut best = start(None);
    for scope in [Scope::Node, Scope::Rack, Scope::DataCentre] {
        if field.terms.own_near[scope as usize] == 0 {
            continue;
        }
        for beginning in beginnings(field, stretch, scope) {
            let course = start(Some(beginning));
            if course.beats(&best) {
                best = course;
            }
        }
    }
    best
}

/// The best node of each place of a scope, in the best of these places.
fn beginnings(field: &Field<'_>, stretch: &Stretch, scope: Scope) -> Vec<(Spot, Rank)> {
    let board = Board::new(field, stretch);
    let id_of = |spot: Spot| field.terms.nodes.id(field.nodes[spot.leaf]);
    let mut beginnings = Vec::new();
    let mut at = stretch.leaves.start;
    while at < stretch.leaves.end {
        let end = field.around(at, scope).leaves.end.min(stretch.leaves.end);
        let ranked = (at..end).map(|leaf| field.spot(leaf)).map(|spot| (spot, board.rank(spot)));
        beginnings.extend(ranked.min_by_key(|(spot, rank)| (*rank, id_of(*spot))));
        at = end;
    }
    beginnings.sort_unstable_by_key(|(spot, rank)| (*rank, id_of(*spot)));
    beginnings.truncate(BEGINNINGS_MAX);
    beginnings
}
