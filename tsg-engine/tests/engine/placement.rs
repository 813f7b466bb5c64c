//! Placement rules in the production engine: where instances land, what is held back, and that
//! what stands wrong is replaced a bounded number of times and one at a time.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::support::journal::What;
use crate::support::oracle::Oracle;
use crate::support::site::{Running, Site, Wiring, group_id};
use tsg_core::model::amount::Amount;
use tsg_core::model::audit::RequestKind;
use tsg_core::model::id::ComputeNodeId;
use tsg_core::model::landing::Landing;
use tsg_core::model::operation::Operation;
use tsg_core::model::policy::Policy;
use tsg_core::model::span::Span;
use tsg_core::placement::compile::Block;
use tsg_core::placement::outlook::Sequel;
use tsg_core::placement::rule::{PlacementSpec, Strength};
use tsg_core::placement::topology::Coverage;
use tsg_core::placement::verify::{Verdict, Verified};
use tsg_core::plan::input::Mark;
use tsg_engine::{Choice, Destinations, PlacementView, Preview, Survey};
use tsg_sim::cloud::lock;
use tsg_sim::world::{
    Fault, Machine, MachineId, MachineState, Scalar, ServerId, StagedMachine, Target, TruthEvent, WorldSpec,
};
use uuid::Uuid;

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);
const SEEDS: u64 = 6;

/// A data centre with one engine that is started again whenever it dies.
struct Stage {
    site: Site,
    oracle: Oracle,
    engine: Running,
    watch: Watch,
    staged: u128,
}

/// What may not be exceeded at any moment.
#[derive(Default)]
struct Watch {
    /// Creates that are unanswered at once, at most.
    creates_at_once: usize,
    /// Members that are to be replaced for where they stand, at most.
    marked_at_once: usize,
    /// Members that run, at least, while somebody counts.
    running_at_least: Option<usize>,
    unanswered: Vec<crate::support::journal::Departure>,
}

fn nodes(racks: u32, each: u32) -> WorldSpec {
    WorldSpec { racks, servers_per_rack: each, ..WorldSpec::default() }
}

fn block(json: &str) -> PlacementSpec {
    serde_json::from_str(json).unwrap()
}

fn rolling() -> Box<Policy> {
    let mut policy = Box::<Policy>::default();
    policy.update.min_healthy_time = Span::from_secs(10);
    policy
}

impl Stage {
    fn new(seed: u64, spec: WorldSpec, racks: Option<Coverage>) -> Self {
        let mut site = Site::new(seed, spec, Wiring { racks, ..Wiring::default() });
        site.policy = rolling();
        let engine = site.start_engine();
        Self { site, oracle: Oracle::default(), engine, watch: Watch::default(), staged: 0 }
    }

    fn make(&mut self, number: u32, capacity: u32, placement: Option<&str>) {
        self.site.placement = placement.map(|json| Box::new(block(json)));
        self.site.make_group(number, capacity, vec![self.engine.handle.clone()]);
    }

    fn place(&mut self, placement: Option<&str>) {
        self.site.place(0, placement.map(block), vec![self.engine.handle.clone()]);
    }

    /// Lets time pass, judged.
    fn run(&mut self, length: Duration) {
        let deadline = self.site.time.elapsed() + length;
        while self.site.time.elapsed() < deadline {
            self.run_until(deadline, |_| false);
        }
    }

    fn run_until(&mut self, deadline: Duration, is_over: impl Fn(&Oracle) -> bool) {
        let Self { site, oracle, engine, watch, .. } = self;
        let (world, time, store, account) =
            (site.world.clone(), site.time.clone(), site.store.clone(), site.world_account);
        site.executor.run_until(deadline, |executor| {
            Site::catch_up(&world, &time);
            let (news, world) = (store.news(oracle.progress()), lock(&world));
            oracle.judge(&news, &world).unwrap_or_else(|violation| {
                panic!("{violation:?}\n{}", oracle.timeline.join("\n"));
            });
            if !news.is_empty() {
                watch.note(&news, oracle);
            }
            watch.note_running(world.live_machines(account));
            executor.is_over(engine.task) || is_over(oracle)
        });
        if self.site.executor.is_over(self.engine.task) {
            self.engine = self.site.start_engine();
        }
    }

    /// Runs until every group is as it is wanted, and for a while longer.
    fn settle(&mut self) {
        let deadline = self.site.time.elapsed() + 6 * HOUR;
        loop {
            self.run(MINUTE);
            match self.oracle.unsettled(&lock(&self.site.world)) {
                None => break,
                Some(why) if self.site.time.elapsed() > deadline => {
                    panic!("{why}\n{}", self.oracle.timeline.join("\n"))
                }
                Some(_) => {}
            }
        }
        self.run(10 * MINUTE);
    }

    /// The members of a group with their compute nodes and racks, by id.
    fn members(&self, number: u32) -> Vec<Member> {
        let world = lock(&self.site.world);
        let tag = group_id(number).uuid().simple().to_string();
        let is_of = |machine: &&Machine| matches!(machine.tags.get("tsggroup"), Some(Scalar::Text(text)) if text.ends_with(&tag));
        let members = world.live_machines(self.site.world_account).filter(is_of).map(|machine| Member {
            id: machine.id,
            node: machine.server,
            rack: world.server(machine.server).unwrap().rack.clone(),
        });
        members.collect()
    }

    fn racks(&self, number: u32) -> Vec<String> {
        let mut racks: Vec<_> = self.members(number).into_iter().map(|member| member.rack).collect();
        racks.sort();
        racks
    }

    fn servers(&self) -> Vec<ServerId> {
        lock(&self.site.world).servers().map(|server| server.id).collect()
    }

    /// A machine that is none of ours, where we want it.
    fn stage(&mut self, name: &str, role: &str, server: ServerId) {
        self.staged += 1;
        let id = MachineId(Uuid::from_u128(0x9000_0000_0000_4000_8000_0000_0000_0000 + self.staged));
        let tags = BTreeMap::from([("role".to_owned(), Scalar::Text(role.to_owned()))]);
        let account = self.site.world_account;
        lock(&self.site.world).stage(StagedMachine { id, account, name: name.to_owned(), tags, server });
    }

    /// Where the creates of a plan for another capacity would go.
    fn destinations(&mut self, number: u32, capacity: u32) -> Option<Destinations> {
        let (handle, heard) = (self.engine.handle.clone(), Arc::<Mutex<Option<Preview>>>::default());
        let note = heard.clone();
        self.site.do_now(async move {
            *note.lock().unwrap() = handle.preview(group_id(number), Some(capacity)).await.map(Result::unwrap);
        });
        heard.lock().unwrap().take().unwrap().destinations
    }

    fn survey(&mut self, number: u32) -> Survey {
        let (handle, heard) = (self.engine.handle.clone(), Arc::<Mutex<Option<Survey>>>::default());
        let note = heard.clone();
        self.site.do_now(async move { *note.lock().unwrap() = handle.survey(group_id(number)).await });
        heard.lock().unwrap().take().unwrap()
    }

    fn placement(&mut self, number: u32) -> PlacementView {
        match self.survey(number) {
            Survey::Ruled(view) => *view,
            other => panic!("{other:?}"),
        }
    }

    fn creates(&self) -> u32 {
        self.oracle.creates_announced()
    }

    /// Machines that were made so far.
    fn births(&self) -> usize {
        let is_birth = |event: &TruthEvent| matches!(event, TruthEvent::MachineCreated { .. });
        lock(&self.site.world).truth().iter().filter(|record| is_birth(&record.event)).count()
    }

    fn landings(&self, number: u32) -> Vec<Landing> {
        let of_group = self.oracle.operations.values().filter(|operation| operation.group == group_id(number));
        of_group.filter(|operation| !operation.phase.is_closed()).filter_map(|operation| operation.landing).collect()
    }

    /// Members that stand now where a hard rule does not want them.
    fn broken(&mut self, number: u32) -> usize {
        let is_broken =
            |verified: &Verified| verified.strength == Strength::Hard && matches!(verified.verdict, Verdict::Broken(_));
        self.placement(number).landed.iter().filter(|landed| landed.verified.iter().any(is_broken)).count()
    }

    fn misplaced(&self, number: u32) -> usize {
        self.landings(number).iter().filter(|landing| landing.is_misplaced).count()
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Member {
    id: MachineId,
    node: ServerId,
    rack: String,
}

impl Watch {
    fn note(&mut self, news: &[crate::support::journal::Note], oracle: &Oracle) {
        for note in news {
            match &note.what {
                What::Left(departure) if departure.kind == RequestKind::Create => self.unanswered.push(*departure),
                What::CreateAnswered { departure, .. } => self.unanswered.retain(|sent| sent != departure),
                _ => {}
            }
            self.creates_at_once = self.creates_at_once.max(self.unanswered.len());
        }
        let is_marked = |operation: &&Operation| {
            !operation.phase.is_closed() && operation.landing.is_some_and(|landing| landing.replaced_at.is_some())
        };
        self.marked_at_once = self.marked_at_once.max(oracle.operations.values().filter(is_marked).count());
    }

    fn note_running<'a>(&mut self, machines: impl Iterator<Item = &'a Machine>) {
        if let Some(least) = &mut self.running_at_least {
            let is_running =
                |machine: &&Machine| machine.tags.contains_key("tsggroup") && machine.state == MachineState::Running;
            *least = (*least).min(machines.filter(is_running).count());
        }
    }
}

fn is_all_apart<T: Ord>(mut places: Vec<T>) -> bool {
    places.sort();
    places.windows(2).all(|pair| pair[0] != pair[1])
}

const APART: &str = r#"{"cn": ["service!=g0"]}"#;

#[test]
fn members_that_are_to_be_apart_are_made_together_one_for_each_node_and_no_more() {
    let mut stage = Stage::new(1, nodes(2, 4), None);
    stage.make(0, 11, Some(APART));
    stage.run(10 * MINUTE);
    let apart = |stage: &Stage| {
        let nodes: Vec<_> = stage.members(0).iter().map(|member| member.node).collect();
        (nodes.len(), is_all_apart(nodes))
    };
    assert_eq!(apart(&stage), (8, true));
    assert!(stage.watch.creates_at_once > 3, "only {} at once", stage.watch.creates_at_once);
    stage.run(6 * HOUR);
    assert_eq!(apart(&stage), (8, true));
    println!("creates {} births {} at once {}", stage.creates(), stage.births(), stage.watch.creates_at_once);
    assert_eq!(stage.births(), 8);
    assert!(stage.creates() < 60, "{} creates for 8 nodes", stage.creates());
    stage.site.scale(0, 8, vec![stage.engine.handle.clone()]);
    stage.settle();
    assert_eq!(apart(&stage), (8, true));
}

#[test]
fn nothing_is_made_before_there_is_something_to_be_with() {
    let mut stage = Stage::new(2, nodes(2, 3), None);
    stage.make(0, 4, Some(r#"{"cn": ["role==edge"]}"#));
    stage.run(2 * HOUR);
    assert_eq!((stage.creates(), stage.births()), (0, 0));
    let blocked = stage.placement(0).compiled.blocked.clone();
    assert!(matches!(blocked[..], [Block::NothingMatches { .. }]), "{blocked:?}");

    stage.site.template = stage.site.second_template;
    stage.make(1, 1, None);
    stage.settle();
    let edge = stage.members(1)[0].node;
    let nodes: Vec<_> = stage.members(0).iter().map(|member| member.node).collect();
    assert_eq!(nodes, [edge; 4]);
    let edge = ComputeNodeId::new(edge.0);
    let outlook = stage.placement(0).outlook.clone().unwrap();
    assert_eq!((&outlook.open, &outlook.known), (&vec![edge], &vec![edge]), "no other node is known to a tenant");
    let occupied = stage.engine.handle.occupancy().unwrap();
    assert_eq!(occupied.nodes, [(edge, 5)].into());
    assert_eq!(stage.placement(0).compiled.blocked, []);
    assert_eq!(stage.births(), 5);
}

#[test]
fn a_rehearsal_tells_where_its_creates_would_go_and_counts_those_from_before() {
    let mut stage = Stage::new(1, nodes(2, 4), Some(Coverage::Whole));
    stage.make(0, 4, Some(APART));
    stage.settle();
    assert_eq!(stage.destinations(0, 4), None, "nothing is created");
    let told = stage.destinations(0, 10).unwrap();
    let Choice::Ruled { course, .. } = &told.choice else { panic!("{told:?}") };
    let taken: Vec<ComputeNodeId> = stage.members(0).iter().map(|member| ComputeNodeId::new(member.node.0)).collect();
    assert_eq!((told.creates + told.waiting, told.under_way, course.known, course.open), (6, 0, 8, 4));
    assert!(course.places.len() == 4 && course.places.iter().all(|node| !taken.contains(node)), "{told:?}");
    let end = course.end.clone().unwrap();
    assert_eq!((end.creates, end.losses[0].nodes, end.sequel), (2, 8, Sequel::Wait), "{told:?}");

    stage.site.scale(0, 10, vec![stage.engine.handle.clone()]);
    stage.run(HOUR);
    let told = stage.destinations(0, 13).unwrap();
    let Choice::Ruled { course, .. } = &told.choice else { panic!("{told:?}") };
    let sum = told.creates + told.waiting + told.under_way;
    assert!(sum == 5 && told.under_way > 0, "two are lacking already, and some of them were recorded: {told:?}");
    assert_eq!((course.places.len(), course.end.clone().map(|end| end.creates)), (0, Some(5)), "{told:?}");

    stage.make(1, 1, None);
    stage.run(10 * MINUTE);
    assert_eq!(stage.destinations(1, 2).unwrap().choice, Choice::Unruled);
}

const APART_BY_RACK: &str = r#"{"rack": ["service!=g0"], "enforce": "replace"}"#;

/// Machines of others on all compute nodes but those of one rack, by which they can be meant.
fn stage_anchors(stage: &mut Stage, but_rack: &str) {
    let servers: Vec<(ServerId, String)> =
        lock(&stage.site.world).servers().map(|server| (server.id, server.rack.clone())).collect();
    for (number, (server, _)) in servers.iter().enumerate().filter(|(_, (_, rack))| rack != but_rack) {
        stage.stage(&format!("anchor-{number}"), "anchor", *server);
    }
}

#[test]
fn racks_are_shared_by_nobody_in_the_end_if_there_are_enough() {
    let mut replaced = 0;
    for seed in 0..SEEDS {
        let mut stage = Stage::new(seed, nodes(3, 2), Some(Coverage::Whole));
        stage_anchors(&mut stage, "r1");
        stage.make(0, 3, Some(APART_BY_RACK));
        stage.settle();
        stage.watch.running_at_least = Some(usize::MAX);
        stage.run(2 * HOUR);
        stage.settle();
        assert!(is_all_apart(stage.racks(0)), "seed {seed}: {:?}", stage.racks(0));
        assert_eq!(stage.broken(0), 0, "seed {seed}");
        assert_eq!(stage.watch.running_at_least, Some(3), "seed {seed}");
        assert!(stage.watch.marked_at_once <= 1, "seed {seed}: {} at once", stage.watch.marked_at_once);
        assert!(stage.births() <= 3 + 2 * 3, "seed {seed}: {} births", stage.births());
        replaced += stage.births() - 3;
    }
    println!("replaced {replaced}");
    assert!(replaced > 0, "nothing ever stood wrong");
}

#[test]
fn what_cannot_be_is_tried_as_often_as_the_block_allows_and_then_left() {
    for seed in 0..SEEDS {
        let mut stage = Stage::new(seed, nodes(2, 4), Some(Coverage::Part));
        stage.make(0, 3, Some(r#"{"rack": ["service!=g0"], "enforce": "replace", "attempts": 2}"#));
        stage.settle();
        stage.run(3 * HOUR);
        let births = stage.births();
        println!("seed {seed}: births {births} racks {:?}", stage.racks(0));
        assert!(births > 3, "seed {seed}: nothing was tried");
        assert!(births <= 3 + 2 * 2, "seed {seed}: {births} births\n{}", stage.oracle.timeline.join("\n"));
        stage.run(24 * HOUR);
        assert_eq!(stage.births(), births, "seed {seed}: it goes on");
        assert!(stage.watch.marked_at_once <= 1, "seed {seed}");
        assert_eq!(stage.racks(0).len(), 3);
        assert_eq!(stage.placement(0).replaced_in_a_row, 2, "seed {seed}");
    }
}

#[test]
fn a_group_that_shrinks_stays_spread_over_the_racks() {
    for seed in 0..SEEDS {
        let mut stage = Stage::new(seed, nodes(3, 3), Some(Coverage::Whole));
        stage.make(0, 9, None);
        stage.settle();
        let before = stage.racks(0);
        stage.site.scale(0, 4, vec![stage.engine.handle.clone()]);
        stage.settle();
        assert_eq!(numbers(&stage.racks(0)), taken_from_the_fullest(numbers(&before), 5), "seed {seed}: {before:?}");
    }
}

/// How many stand in each rack, rising.
fn numbers(racks: &[String]) -> Vec<usize> {
    let mut numbers: Vec<usize> = racks.chunk_by(|one, next| one == next).map(<[String]>::len).collect();
    numbers.sort_unstable();
    numbers
}

fn taken_from_the_fullest(mut numbers: Vec<usize>, count: usize) -> Vec<usize> {
    for _ in 0..count {
        *numbers.last_mut().unwrap() -= 1;
        numbers.sort_unstable();
    }
    numbers.retain(|number| *number > 0);
    numbers
}

#[test]
fn more_members_than_racks_rest_with_what_can_be() {
    let mut stage = Stage::new(3, nodes(3, 2), Some(Coverage::Whole));
    stage.make(0, 5, Some(APART_BY_RACK));
    stage.run(6 * HOUR);
    let (creates, members) = (stage.creates(), stage.members(0));
    println!("creates {creates} racks {:?}", stage.racks(0));
    assert!(creates <= 5 + 3 * 3, "{creates} creates");
    stage.run(12 * HOUR);
    assert_eq!((stage.creates(), stage.members(0)), (creates, members));
}

#[test]
fn without_being_told_to_nothing_is_replaced_and_it_is_recorded() {
    for policy in [rolling(), tsg_core::model::group::Group::first_policy()] {
        let is_rolling = policy == rolling();
        let enforce = if is_rolling { "report" } else { "replace" };
        let mut stage = Stage::new(4, nodes(2, 4), Some(Coverage::Part));
        stage.site.policy = policy;
        stage.make(0, 3, Some(&format!(r#"{{"rack": ["service!=g0"], "enforce": "{enforce}"}}"#)));
        stage.settle();
        stage.run(6 * HOUR);
        assert_eq!((stage.births(), stage.watch.marked_at_once), (3, 0), "rolling {is_rolling}");
        assert!(stage.misplaced(0) > 0);
        let is_marked = |operation: &Operation| operation.marks.has(Mark::Reprovision);
        assert!(!stage.oracle.operations.values().any(is_marked), "nobody would ever take the mark off");
        assert_eq!(stage.landings(0).len(), 3);
    }
}

#[test]
fn what_comes_later_is_nothing_that_an_instance_broke() {
    let mut stage = Stage::new(5, nodes(2, 3), None);
    stage.make(0, 2, Some(r#"{"cn": ["role!=edge"], "enforce": "replace"}"#));
    stage.settle();
    for member in stage.members(0) {
        stage.stage("intruder", "edge", member.node);
    }
    stage.run(6 * HOUR);
    assert_eq!((stage.births(), stage.misplaced(0), stage.landings(0).len()), (2, 0, 2));
    assert_eq!(stage.broken(0), 0, "nor is it shown so");
}

const NOT_BESIDE_EDGE: &str = r#"{"cn": ["role!=edge"]}"#;
const AWAY_FROM_EDGE: &str = r#"{"cn": ["role!=edge"], "enforce": "replace"}"#;

/// Three members, two of them beside what they are to be told to avoid.
fn beside_edge(seed: u64) -> Stage {
    let mut stage = Stage::new(seed, nodes(2, 4), None);
    stage.make(0, 3, None);
    stage.settle();
    for member in stage.members(0).into_iter().take(2) {
        stage.stage(&format!("edge-{}", member.id), "edge", member.node);
    }
    stage
}

#[test]
fn a_changed_block_touches_those_that_run_only_where_it_says_so() {
    let mut stage = beside_edge(6);
    stage.place(Some(NOT_BESIDE_EDGE));
    stage.run(3 * HOUR);
    assert_eq!((stage.births(), stage.misplaced(0), stage.watch.marked_at_once), (3, 2, 0));

    stage.watch.running_at_least = Some(usize::MAX);
    stage.place(Some(AWAY_FROM_EDGE));
    stage.run(3 * HOUR);
    stage.settle();
    assert_eq!((stage.births(), stage.misplaced(0), stage.watch.marked_at_once), (5, 0, 1));
    assert_eq!(stage.watch.running_at_least, Some(3));
    assert!(stage.placement(0).landed.iter().all(|landed| landed.landing.is_some()));
}

#[test]
fn a_block_that_is_taken_away_stops_what_it_began() {
    let mut stage = beside_edge(7);
    // Nowhere is there room for a successor, so that one waits to be replaced.
    for (number, server) in stage.servers().into_iter().enumerate() {
        stage.stage(&format!("other-{number}"), "edge", server);
    }
    stage.place(Some(AWAY_FROM_EDGE));
    stage.run(HOUR);
    assert_eq!((stage.births(), stage.watch.marked_at_once), (3, 1));
    let before = stage.members(0);
    stage.place(None);
    stage.run(6 * HOUR);
    stage.settle();
    assert_eq!(stage.members(0), before, "nobody is replaced for a rule that is no more");
    let has_mark = |operation: &Operation| !operation.phase.is_closed() && operation.marks.has(Mark::Reprovision);
    assert!(!stage.oracle.operations.values().any(has_mark));
    assert_eq!(stage.survey(0), Survey::Unruled);
}

#[test]
fn an_engine_that_dies_anywhere_counts_on_and_makes_nothing_twice() {
    let mut crashes = 0;
    for point in (0..40).map(|step| 1 + step * 5) {
        let mut stage = Stage::new(point, nodes(2, 4), Some(Coverage::Part));
        stage.make(0, 3, Some(r#"{"rack": ["service!=g0"], "enforce": "replace", "attempts": 2}"#));
        for again in 0..4 {
            stage.site.executor.crash_after_polls(stage.engine.task, point + again * 20);
            let before = stage.engine.task;
            stage.run(3 * MINUTE);
            crashes += u32::from(stage.engine.task != before);
        }
        stage.settle();
        stage.run(2 * HOUR);
        let births = stage.births();
        assert!(births <= 3 + 2 * 2, "point {point}: {births} births\n{}", stage.oracle.timeline.join("\n"));
        assert!(stage.watch.marked_at_once <= 1, "point {point}");
        assert_eq!(stage.members(0).len(), 3, "point {point}");
    }
    println!("{crashes} crashes");
    assert!(crashes > 60, "only {crashes}");
}

#[test]
fn lists_show_what_machines_carry_only_while_a_block_asks_for_it() {
    let mut stage = Stage::new(8, nodes(2, 3), None);
    stage.make(0, 2, None);
    stage.settle();
    let pages = |stage: &Stage| stage.site.store.journal.labelled_pages();
    assert_eq!(pages(&stage), 0);
    stage.place(Some(NOT_BESIDE_EDGE));
    stage.run(HOUR);
    let asked = pages(&stage);
    assert!(asked > 10, "{asked}");
    stage.place(None);
    stage.run(MINUTE * 5);
    let after = pages(&stage);
    stage.run(HOUR);
    assert_eq!(pages(&stage), after);
}

#[test]
fn a_successor_goes_elsewhere_than_where_its_predecessor_was_given_up() {
    // One member on each of two nodes, so that spreading sends nobody anywhere.
    let mut stage = Stage::new(9, nodes(1, 2), None);
    stage.site.policy.restart.attempts = 0;
    let anchor = stage.servers()[1];
    stage.stage("anchor", "anchor", anchor);
    stage.run(MINUTE);
    stage.make(0, 2, Some(r#"{"prefer": [{"rule": "instance==~anchor"}]}"#));
    stage.settle();
    let before = stage.members(0);
    let first = before.iter().find(|member| member.node == anchor).unwrap().id;
    let machine = Target::Named(first.to_string());
    lock(&stage.site.world).switch_fault(Fault::StopInstance { machine }.into()).unwrap();
    stage.run(3 * HOUR);
    stage.settle();
    let after = stage.members(0);
    assert!(after.len() == 2 && after.iter().all(|member| member.id != first), "it was given up");
    assert!(after.iter().all(|member| member.node != anchor), "its node is avoided, though it is preferred");
}

#[test]
fn an_instance_of_a_former_template_goes_where_that_template_wants_it() {
    let mut stage = Stage::new(10, nodes(2, 3), None);
    for server in stage.servers().into_iter().skip(3) {
        stage.stage(&format!("edge-{}", server.0), "edge", server);
    }
    stage.site.policy.update.canary = Amount::Count(1);
    stage.site.make_placed_template(block(NOT_BESIDE_EDGE));
    // It says the same as the first one, but for its image.
    stage.site.second_template = stage.site.third_template;
    stage.make(0, 2, None);
    stage.settle();
    stage.site.change_template(0, vec![stage.engine.handle.clone()]);
    stage.run(HOUR);
    let before = stage.members(0);
    assert_eq!(before.len(), 3, "a canary waits");
    let machine = Target::Named(before[0].id.to_string());
    lock(&stage.site.world).switch_fault(Fault::KillInstance { machine }.into()).unwrap();
    stage.run(2 * HOUR);
    let after = stage.members(0);
    assert_eq!(after.len(), 3, "the one that was lost has a successor");
    let open = stage.oracle.operations.values().filter(|operation| !operation.phase.is_closed());
    assert_eq!(open.filter(|operation| operation.revision == 1).count(), 2, "of the former template");
}

#[test]
fn a_cloud_that_shows_no_labels_is_not_asked_without_end_and_it_is_said() {
    let mut stage = Stage::new(11, nodes(2, 3), None);
    stage.site.store.journal.hide_labels();
    stage.make(0, 2, Some(NOT_BESIDE_EDGE));
    stage.run(HOUR);
    let pages = stage.site.store.journal.labelled_pages();
    assert!((10..400).contains(&pages), "{pages} pages in an hour");
    assert_eq!(stage.creates(), 0);
    assert!(stage.engine.handle.health().cloud_trouble.is_some());
}

#[test]
fn nobody_is_marked_in_a_frozen_group() {
    let mut stage = beside_edge(12);
    stage.site.freeze(0, Some("looking"), vec![stage.engine.handle.clone()]);
    stage.run(MINUTE);
    stage.place(Some(AWAY_FROM_EDGE));
    stage.run(2 * HOUR);
    assert_eq!((stage.births(), stage.watch.marked_at_once, stage.misplaced(0)), (3, 0, 2));
    stage.site.freeze(0, None, vec![stage.engine.handle.clone()]);
    stage.run(3 * HOUR);
    stage.settle();
    assert_eq!((stage.births(), stage.watch.marked_at_once, stage.misplaced(0)), (5, 1, 0));
}
