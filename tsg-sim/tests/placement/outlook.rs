//! What the rules leave of the nodes that a tenant knows, against the look at each of them.
//!
//! `outlook` asks `place` over what the tenant sees; `prospects` reads rules as compiling does, node
//! by node. The smallest set of rules to drop is found here by trying all sets.

use tsg_core::model::id::ComputeNodeId;
use tsg_core::placement::compile::Newcomer;
use tsg_core::placement::outlook::{Nearest, Outlook, Waiver, outlook};
use tsg_core::placement::rule::{PlacementSpec, SpecPlace, Strength};
use tsg_core::placement::verify::{Prospect, Verdict, prospects};
use tsg_sim::world::World;
use uuid::Uuid;

use crate::drawn::{Drawn, seeds};
use crate::scene::{Scene, spec, stage};

/// What came up, counted.
#[derive(Debug, Default)]
struct Tally {
    cases: u64,
    /// Verdicts on a node that nobody can know.
    unknown: u64,
    left: u64,
    way_out_of_one: u64,
    way_out_of_more: u64,
}

/// How a rule stands on a node; `None` where nobody knows.
fn breaks(prospect: &Prospect, at: SpecPlace) -> Option<bool> {
    match prospect.verified.iter().find(|one| one.at == at).unwrap().verdict {
        Verdict::Kept => Some(false),
        Verdict::Broken(_) => Some(true),
        Verdict::Unknown(_) => None,
    }
}

/// The rules that an instance there would break.
fn broken(prospect: &Prospect, rules: &[SpecPlace]) -> Vec<SpecPlace> {
    rules.iter().copied().filter(|at| breaks(prospect, *at) == Some(true)).collect()
}

/// The best of all sets of rules to drop.
fn best_waiver(prospects: &[Prospect], rules: &[SpecPlace]) -> Option<Waiver> {
    let sets = (0..1_usize << rules.len()).map(|set| -> Vec<SpecPlace> {
        rules.iter().enumerate().filter(|(place, _)| set >> place & 1 == 1).map(|(_, at)| *at).collect()
    });
    let opened = |set: &[SpecPlace]| {
        let is_open = |prospect: &&Prospect| broken(prospect, rules).iter().all(|at| set.contains(at));
        prospects.iter().filter(is_open).count() as u32
    };
    let waivers = sets.map(|set| Waiver { nodes: opened(&set), rules: set }).filter(|waiver| waiver.nodes > 0);
    waivers.min_by_key(|waiver| (waiver.rules.len(), u32::MAX - waiver.nodes, waiver.rules.clone()))
}

fn check(tally: &mut Tally, seen: &Outlook, prospects: &[Prospect], spec: &PlacementSpec, told: &str) {
    let is_judged = |at: &SpecPlace| seen.unjudged.iter().all(|one| one.at != *at);
    let is_hard = |at: &SpecPlace| match *at {
        SpecPlace::Rule { scope, index } => {
            spec.rules_of(scope).nth(index).unwrap().operator.strength == Strength::Hard
        }
        _ => false,
    };
    let known: Vec<ComputeNodeId> = prospects.iter().map(|prospect| prospect.node).collect();
    assert_eq!(seen.known, known, "{told}");
    let rules: Vec<SpecPlace> = prospects.first().map_or(Vec::new(), |prospect| {
        prospect.verified.iter().map(|one| one.at).filter(|at| is_hard(at) && is_judged(at)).collect()
    });
    let mut unknown = 0;
    for prospect in prospects {
        let on_node: Vec<Option<bool>> = rules.iter().map(|at| breaks(prospect, *at)).collect();
        unknown += on_node.iter().filter(|one| one.is_none()).count();
        let is_open = seen.open.contains(&prospect.node);
        assert!(!is_open || !on_node.contains(&Some(true)), "{} is not open\n{told}", prospect.node);
        assert!(is_open || on_node.iter().any(|one| *one != Some(false)), "{} is open\n{told}", prospect.node);
    }
    for at in &rules {
        let nodes = seen.losses.iter().find(|loss| loss.at == *at).map_or(0, |loss| loss.nodes as usize);
        let count = |of: Option<bool>| prospects.iter().filter(|prospect| breaks(prospect, *at) == of).count();
        let sure = count(Some(true));
        assert!((sure..=sure + count(None)).contains(&nodes), "{nodes} lost to {at}\n{told}");
    }
    tally.unknown += u64::from(unknown > 0);
    tally.left += u64::from(!seen.open.is_empty());
    assert_eq!(seen.way_out.is_some(), seen.open.is_empty() && !known.is_empty(), "{told}");
    assert_eq!(seen.best.is_some(), !seen.open.is_empty(), "{told}");
    if unknown > 0 || seen.way_out.is_none() {
        return;
    }
    let waiver = best_waiver(prospects, &rules);
    assert_eq!(seen.way_out, waiver, "{told}");
    let nearest = prospects.iter().min_by_key(|prospect| (broken(prospect, &rules).len(), prospect.node));
    let nearest = nearest.map(|prospect| Nearest { node: prospect.node, breaks: broken(prospect, &rules) });
    assert_eq!(seen.nearest, nearest, "{told}");
    match waiver.map_or(0, |waiver| waiver.rules.len()) {
        1 => tally.way_out_of_one += 1,
        _ => tally.way_out_of_more += 1,
    }
}

#[test]
fn the_outlook_is_what_looking_at_each_node_tells() {
    let stages: Vec<World> = (1..=6).map(stage).collect();
    let mut tally = Tally::default();
    for seed in seeds(3_000, 100_000) {
        let mut drawn = Drawn::new(seed);
        let scene = Scene::draw(&mut drawn, &stages);
        let spec = spec(&mut drawn, &scene);
        let model = scene.kind(&mut drawn, Uuid::nil(), "new-".into(), 0);
        let newcomer = Newcomer { labels: &model.labels, group: Some(&model.labels[0]), ..Newcomer::default() };
        let view = scene.view();
        let seen = outlook(&spec, &view, &newcomer).unwrap();
        let prospects = prospects(&spec, &view, &newcomer);
        let told = format!("seed {seed}\n{}\n{seen:?}\n{prospects:#?}", serde_json::to_string(&spec).unwrap());
        check(&mut tally, &seen, &prospects, &spec, &told);
        tally.cases += 1;
    }
    println!("{tally:?}");
    let seldom = [tally.unknown, tally.left, tally.way_out_of_one, tally.way_out_of_more];
    assert!(seldom.iter().all(|count| count * 200 >= tally.cases), "{tally:?}");
}
