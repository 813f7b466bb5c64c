//! What placement rules become in CloudAPI's words, against CloudAPI as it is simulated.
//!
//! The simulator's allocator was written from the facts alone and knows nothing of rules; `place`
//! evaluates rules and knows nothing of CloudAPI. Between them stands `compile`: whatever server
//! the one leaves open for the affinity rules, the other has to allow by the rules that are said to
//! be enforced. `TSG_CASES` sets how many cases are tried, and `TSG_SEED` which.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test program fails by panicking")]

#[path = "../../../tsg-core/tests/placement/world/drawn.rs"]
#[expect(dead_code, reason = "the other program that has it draws orders too")]
mod drawn;
mod outlook;
mod scene;

use std::collections::BTreeSet;

use drawn::{Drawn, seeds};
use scene::{Instance, Knowledge, Scene, owner, spec, stage};
use tsg_core::model::id::{ComputeNodeId, InstanceId};
use tsg_core::placement::compile::{Block, Compiled, Means, Newcomer, Pace, Steering, compile};
use tsg_core::placement::inventory::{Amounts, Label};
use tsg_core::placement::place::{Filter, Request, place};
use tsg_core::placement::rule::{Criterion, Direction, Pattern, PlacementSpec, Rule, Scope, Soft, SpecPlace, Strength};
use tsg_core::placement::verify::{Verdict, verify};
use tsg_sim::world::World;
use uuid::Uuid;

/// What came up, counted.
#[derive(Debug, Default)]
struct Tally {
    cases: u64,
    blocked: u64,
    /// Hard rules that were said to be enforced, by how; the last are hard ones that were not.
    same: u64,
    named: u64,
    following: u64,
    first: u64,
    nothing: u64,
    lost: u64,
    /// Rules that were said to be lost and that a server which was left open does break.
    lost_and_broken: u64,
    /// Wishes, alone: how often it was possible to keep all that are far, and some that is near.
    far_kept: u64,
    near_kept: u64,
    steered: u64,
    /// Instances that were placed after the first of their case.
    followers: u64,
    /// Creates for which the rules left no server.
    refused: u64,
}

/// The part of a block at a place.
fn rule_at(spec: &PlacementSpec, at: SpecPlace) -> Option<&Rule> {
    match at {
        SpecPlace::Rule { scope, index } => spec.rules_of(scope).nth(index),
        SpecPlace::Preference { index } => Some(&spec.prefer[index].rule),
        SpecPlace::Spread { .. } => None,
    }
}

/// Which of some rules each server would break, as hard ones.
fn broken(scene: &Scene, knowledge: Knowledge, rules: &[Rule], labels: &[Label]) -> Vec<(ComputeNodeId, Vec<u16>)> {
    let inventory = scene.inventory(knowledge);
    let mut request = Request::new(owner(), Amounts::default());
    request.rules = rules
        .iter()
        .map(|rule| {
            let mut rule = rule.clone();
            rule.operator.strength = Strength::Hard;
            rule
        })
        .collect();
    request.labels = labels.to_vec();
    let answer = place(&inventory, &request).expect("what is enforced can be evaluated");
    let filters = |id: ComputeNodeId| {
        let reasons = answer.reasons(inventory.find_node(id).expect("a node")).expect("a node");
        let rules = answer.filters(reasons).filter_map(|filter| match filter {
            Filter::Rule(number) => Some(number),
            _ => None,
        });
        (id, rules.collect())
    };
    scene.nodes.iter().map(|node| filters(node.id)).collect()
}

/// One case.
struct Case<'c> {
    seed: u64,
    spec: &'c PlacementSpec,
    newcomer: Newcomer<'c>,
    labels: &'c [Label],
}

impl Case<'_> {
    fn told(&self, scene: &Scene, compiled: &Compiled) -> String {
        let nodes: Vec<String> = scene.nodes.iter().map(|node| format!("{} {:?}", node.id, node.rack)).collect();
        let instances: Vec<String> = scene.instances.iter().map(|one| format!("{one:?}")).collect();
        format!(
            "seed {}\n{}\nnewcomer {:?}\n{:?}\n{compiled:?}\n{}\n{}",
            self.seed,
            serde_json::to_string(self.spec).unwrap(),
            self.newcomer,
            scene.topology,
            nodes.join("\n"),
            instances.join("\n")
        )
    }

    /// Every part stands in one list, and rules are of one strength.
    fn check_form(&self, scene: &Scene, compiled: &Compiled) {
        let blocking = compiled.blocked.iter().filter_map(|block| match block {
            Block::NothingMatches { at } | Block::NotYetPlaced { at } => Some(*at),
            _ => None,
        });
        let held = compiled.enforced.iter().chain(&compiled.attempted).map(|held| held.at);
        let mut parts: Vec<SpecPlace> =
            held.chain(compiled.unenforceable.iter().map(|lost| lost.at)).chain(blocking).collect();
        parts.sort_unstable();
        let of_scope =
            |scope| (0..self.spec.rules_of(scope).count()).map(move |index| SpecPlace::Rule { scope, index });
        let rules = Scope::ALL.into_iter().flat_map(of_scope);
        let preferences = (0..self.spec.prefer.len()).map(|index| SpecPlace::Preference { index });
        let spreads = (0..self.spec.spread.len()).map(|index| SpecPlace::Spread { index });
        let mut expected: Vec<SpecPlace> = rules.chain(preferences).chain(spreads).collect();
        expected.sort_unstable();
        assert_eq!(parts, expected, "{}", self.told(scene, compiled));
        let soft = compiled.affinity.iter().filter(|rule| rule.contains("=~")).count();
        assert!(soft == 0 || soft == compiled.affinity.len(), "{}", self.told(scene, compiled));
        let is_hard = |at| rule_at(self.spec, at).is_some_and(|rule| rule.operator.strength == Strength::Hard);
        assert!(compiled.enforced.iter().all(|held| is_hard(held.at)), "{}", self.told(scene, compiled));
    }

    /// The servers that are left open are allowed by what is enforced.
    fn check_enforced(&self, scene: &Scene, compiled: &Compiled, open: &BTreeSet<ComputeNodeId>, tally: &mut Tally) {
        let enforced: Vec<Rule> =
            compiled.enforced.iter().map(|held| rule_at(self.spec, held.at).unwrap().clone()).collect();
        for knowledge in [Knowledge::Truth, Knowledge::Told] {
            for (node, broken) in broken(scene, knowledge, &enforced, self.labels) {
                let broken: Vec<String> = broken.iter().map(|rule| enforced[usize::from(*rule)].to_string()).collect();
                let is_fine = broken.is_empty() || !open.contains(&node);
                assert!(is_fine, "{node} breaks {broken:?} as {knowledge:?}\n{}", self.told(scene, compiled));
            }
        }
        let lost = compiled.unenforceable.iter().filter_map(|lost| rule_at(self.spec, lost.at));
        let lost: Vec<Rule> = lost.filter(|rule| rule.operator.strength == Strength::Hard).cloned().collect();
        tally.lost += lost.len() as u64;
        let truth = broken(scene, Knowledge::Truth, &lost, self.labels);
        let breakers = truth.iter().filter(|(node, _)| open.contains(node));
        tally.lost_and_broken += breakers.flat_map(|(_, broken)| broken).collect::<BTreeSet<_>>().len() as u64;
        for held in &compiled.enforced {
            *match held.by {
                Means::SameRule => &mut tally.same,
                Means::Named { .. } => &mut tally.named,
                Means::Following { .. } => &mut tally.following,
                Means::First => &mut tally.first,
                Means::Nothing => &mut tally.nothing,
            } += 1;
        }
    }

    /// Hard rules leave a place wherever the evaluator sees one that they all allow: the one that is
    /// followed is on it.
    fn check_place(&self, scene: &Scene, compiled: &Compiled, open: &BTreeSet<ComputeNodeId>, number: usize) {
        let follows = compiled.enforced.iter().any(|held| matches!(held.by, Means::Following { .. }));
        let is_sure =
            follows && number == 0 && !scene.is_anything_down && scene.instances.iter().all(|one| one.is_shown);
        assert!(!is_sure || open.len() == 1, "{open:?}\n{}", self.told(scene, compiled));
    }

    /// Wishes that are put to CloudAPI alone are kept where that is possible: all that are about
    /// being far, and then one at least that is about being near.
    fn check_attempted(&self, scene: &Scene, compiled: &Compiled, open: &BTreeSet<ComputeNodeId>, tally: &mut Tally) {
        let is_alone = compiled.affinity.iter().all(|rule| rule.contains("=~"));
        let are_shown = scene.instances.iter().all(|one| one.is_shown);
        if !is_alone || scene.is_anything_down || !are_shown {
            return;
        }
        let sent = compiled.attempted.iter().filter(|held| matches!(held.by, Means::SameRule | Means::Named { .. }));
        let rules: Vec<Rule> = sent.filter_map(|held| rule_at(self.spec, held.at)).cloned().collect();
        // What is named is told by what the tenant sees; rules about what it does not see are lost.
        let of = |direction: Direction| rules.iter().filter(move |rule| rule.operator.direction == direction).cloned();
        let (far, near): (Vec<Rule>, Vec<Rule>) = (of(Direction::Far).collect(), of(Direction::Near).collect());
        // CloudAPI takes an id as it is, also one of another account.
        let is_foreign =
            |rule: &Rule| scene.instances.iter().any(|one| !one.is_ours && rule.pattern == Pattern::Uuid(one.id));
        let is_plain =
            |rule: &Rule| rule.scope == Scope::Node && rule.criterion != Criterion::Node && !is_foreign(rule);
        if !far.iter().chain(&near).all(is_plain) {
            return;
        }
        let breaks = |rules: &[Rule]| broken(scene, Knowledge::Truth, rules, &[]);
        let far_kept: BTreeSet<ComputeNodeId> =
            breaks(&far).into_iter().filter(|(_, broken)| broken.is_empty()).map(|(node, _)| node).collect();
        if far_kept.is_empty() || far.is_empty() && near.is_empty() {
            return;
        }
        let avoided = |node: &ComputeNodeId| self.newcomer.avoid.contains(node);
        // A node that is avoided counts as much as any wish: where all that are left are avoided,
        // CloudAPI drops all such wishes.
        if far_kept.iter().all(avoided) {
            return;
        }
        tally.far_kept += 1;
        assert!(open.is_subset(&far_kept), "far: {far:?} {open:?}\n{}", self.told(scene, compiled));
        let some_near = |node: &ComputeNodeId| {
            breaks(&near).iter().any(|(other, broken)| other == node && broken.len() < near.len())
        };
        // Spreading comes before being near, as CloudAPI has it.
        if compiled.notes.is_empty()
            && self.spec.spread.is_empty()
            && !near.is_empty()
            && far_kept.iter().any(some_near)
        {
            tally.near_kept += 1;
            assert!(open.iter().all(some_near), "near: {near:?}\n{}", self.told(scene, compiled));
        }
    }

    /// A block is right: the rules do leave nothing.
    fn check_blocked(&self, scene: &Scene, compiled: &Compiled) {
        let hard = self.spec.rules.iter().filter(|rule| rule.operator.strength == Strength::Hard).cloned();
        let hard: Vec<Rule> = hard
            .filter(|rule| match rule.scope {
                Scope::Rack => scene.topology.nodes.values().any(|site| site.rack.is_some()),
                Scope::DataCentre => scene.topology.data_centre.is_some(),
                Scope::Node => true,
            })
            .collect();
        let is_certain = |block: &Block| matches!(block, Block::NothingMatches { .. } | Block::NoNodeLeft { .. });
        if compiled.blocked.iter().any(is_certain) && scene.instances.iter().all(|one| one.is_shown) {
            let open =
                broken(scene, Knowledge::Told, &hard, self.labels).into_iter().find(|(_, broken)| broken.is_empty());
            assert!(open.is_none(), "{open:?} is open\n{}", self.told(scene, compiled));
        }
    }
}

/// Creates instances one after the other, as many at once as the pace allows.
fn play(tally: &mut Tally, seed: u64, stages: &[World]) {
    let mut drawn = Drawn::new(seed);
    let mut scene = Scene::draw(&mut drawn, stages);
    let spec = spec(&mut drawn, &scene);
    let model = scene.kind(&mut drawn, Uuid::nil(), "new-".into(), 0);
    let group = drawn.is(70).then(|| model.labels[0].clone());
    let avoid: Vec<ComputeNodeId> =
        (0..drawn.one_of(&[0, 0, 0, 1, 2])).map(|_| drawn.one_of(&scene.nodes).id).collect();
    let steering = drawn.one_of(&[Steering::AsAsked, Steering::AsAsked, Steering::AsAsked, Steering::Off]);
    tally.cases += 1;
    let count = 1 + drawn.below(4);
    let mut kept: Option<Compiled> = None;
    for number in 0..count {
        let name = format!("new-{number}");
        let labels = [&model.labels[..], &[scene::label(Criterion::Instance, &name)]].concat();
        let newcomer = Newcomer { labels: &labels, group: group.as_ref(), avoid: &avoid, steering };
        let case = Case { seed, spec: &spec, newcomer, labels: &labels };
        let compiled = match kept.take() {
            Some(kept) => kept,
            None => {
                let compiled = compile(&spec, &scene.view(), &newcomer);
                case.check_form(&scene, &compiled);
                compiled
            }
        };
        if !compiled.blocked.is_empty() {
            tally.blocked += u64::from(number == 0);
            case.check_blocked(&scene, &compiled);
            return;
        }
        let told = |refusal| panic!("{refusal:?}\n{}", case.told(&scene, &compiled));
        let open = match scene.sim.open_servers(scene.account, &compiled.affinity) {
            Ok(open) => open,
            // A rule may name the last of its kind, which is gone when the next is created.
            Err(refusal) if refusal.message.contains("no active containers") => told(refusal),
            Err(refusal) => told(refusal),
        };
        let open: BTreeSet<ComputeNodeId> = open.into_iter().map(|server| ComputeNodeId::new(server.0)).collect();
        case.check_enforced(&scene, &compiled, &open, tally);
        case.check_place(&scene, &compiled, &open, number);
        if number == 0 {
            case.check_attempted(&scene, &compiled, &open, tally);
            let is_steered = spec.soft == Soft::Steer && compiled.affinity.iter().any(|rule| !rule.contains("=~"));
            tally.steered += u64::from(is_steered && !compiled.attempted.is_empty());
        }
        let Some(node) = open.iter().nth(drawn.below(open.len().max(1))) else {
            tally.refused += 1;
            return;
        };
        tally.followers += u64::from(number > 0);
        let node = scene.nodes.iter().position(|facts| facts.id == *node).unwrap();
        let id = Uuid::from_u128((1 << 100) + number as u128);
        scene.put(Instance { id, name, node, ..model.clone() });
        let verified = verify(&spec, &scene.view(), &newcomer, InstanceId::new(id));
        for held in &compiled.enforced {
            let verdict = verified.iter().find(|verified| verified.at == held.at).unwrap().verdict;
            assert!(
                !matches!(verdict, Verdict::Broken(_)),
                "{verdict:?} of {held:?}\n{}",
                case.told(&scene, &compiled)
            );
        }
        if compiled.pace == Pace::Together {
            kept = Some(compiled);
        }
    }
}

#[test]
fn what_is_said_to_be_enforced_cannot_be_broken() {
    let stages: Vec<World> = (1..=6).map(stage).collect();
    let mut tally = Tally::default();
    for seed in seeds(3_000, 100_000) {
        play(&mut tally, seed, &stages);
    }
    println!("{tally:?}");
    let seldom =
        [tally.same, tally.named, tally.following, tally.first, tally.nothing, tally.far_kept, tally.near_kept];
    assert!(seldom.iter().all(|count| count * 1_000 >= tally.cases), "{tally:?}");
    assert!(tally.blocked * 10 <= tally.cases * 4 && tally.lost_and_broken * 50 >= tally.cases, "{tally:?}");
}
