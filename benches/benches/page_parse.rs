//! Parsing a list page of 1,000 machines: the lean parser to planner records, beside the full
//! typed parse by `serde_json` in the same run.
//!
//! Bars: at most 0.55 of the reference's time, at most 4 allocations for each machine. The page is
//! made anew for each run, and both parsers must agree on it before anything is timed.

use std::time::{SystemTime, UNIX_EPOCH};

use divan::{AllocProfiler, Bencher, black_box, counter::BytesCount};
use tsg_cloudapi::{
    cloud::observe,
    wire::{
        Machine,
        lean::{MachineFacts, scan_page},
    },
};
use tsg_core::model::instance::ObservedInstance;
use uuid::Uuid;

#[global_allocator]
static ALLOCATIONS: AllocProfiler = AllocProfiler::system();

const MACHINES: usize = 1000;

/// SplitMix64: enough randomness to keep a run from being tuned to one page.
struct Seeded(u64);

impl Seeded {
    fn from_clock() -> Self {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self(since.as_nanos() as u64)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn uuid(&mut self) -> Uuid {
        Uuid::from_u64_pair(self.next(), self.next())
    }

    fn base32(&mut self) -> String {
        let alphabet = b"abcdefghijklmnopqrstuvwxyz234567";
        let head = char::from(alphabet[(self.next() % 8) as usize]);
        let tail = (0..25).map(|_| char::from(alphabet[(self.next() % 32) as usize]));
        std::iter::once(head).chain(tail).collect()
    }
}

/// One machine of about 1.65 kB, in CloudAPI's own field order.
fn machine(seeded: &mut Seeded) -> String {
    let (id, image, node, network) = (seeded.uuid(), seeded.uuid(), seeded.uuid(), seeded.uuid());
    let (manager, group, operation) = (seeded.base32(), seeded.uuid().simple(), seeded.base32());
    let key = seeded.base32().repeat(14);
    let state = ["running", "stopped", "provisioning"][(seeded.next() % 3) as usize];
    let address = format!("10.{}.{}.{}", seeded.next() % 256, seeded.next() % 256, seeded.next() % 256);
    format!(
        concat!(
            r#"{{"id":"{id}","name":"web-{operation}","type":"smartmachine","brand":"joyent","state":"{state}","#,
            r#""image":"{image}","ips":["{address}"],"memory":1024,"disk":25600,"deletion_protection":false,"#,
            r##""metadata":{{"user-data":"#!/bin/sh\nset -e\nexec /opt/app/run --port 8080 \"$@\"\n","##,
            r#""tsg.busy":"{is_busy}","tsg.scale_in_cost":"{cost}","#,
            r#""root_authorized_keys":"ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABAQ{key} one@example\nssh-ed25519 {key} two\n"}},"#,
            r#""tags":{{"role":"web","tsgmgr":"m{manager}","tsggroup":"g{group}","tsgop":"o{operation}","#,
            r#""tsgver":"v3","tsgseq":"s{sequence}","tsg.name":"web","tsg.template":"{image}","#,
            r#""triton.cns.services":"web:8080"}},"created":"2026-11-20T18:25:10.123Z","#,
            r#""updated":"2026-11-20T18:26:10.456Z","networks":["{network}"],"nics":[{{"mac":"90:b8:d0:aa:bb:cc","#,
            r#""primary":true,"ip":"{address}","netmask":"255.255.0.0","gateway":"10.0.0.1","network":"{network}"}}],"#,
            r#""primaryIp":"{address}","firewall_enabled":true,"compute_node":"{node}","package":"sample-1G"}}"#,
        ),
        id = id,
        operation = operation,
        state = state,
        image = image,
        address = address,
        key = key,
        manager = manager,
        group = group,
        sequence = seeded.next() % 1_000_000,
        network = network,
        node = node,
        is_busy = seeded.next().is_multiple_of(2),
        cost = seeded.next() % 100,
    )
}

fn page() -> Vec<u8> {
    let mut seeded = Seeded::from_clock();
    let machines: Vec<String> = (0..MACHINES).map(|_| machine(&mut seeded)).collect();
    format!("[{}]", machines.join(",")).into_bytes()
}

fn parse_full(page: &[u8]) -> Vec<ObservedInstance> {
    let machines: Vec<Machine> = serde_json::from_slice(page).unwrap_or_default();
    machines.iter().map(|machine| observe(&MachineFacts::of(machine))).collect()
}

fn parse_lean(page: &[u8]) -> Vec<ObservedInstance> {
    let mut instances = Vec::with_capacity(MACHINES);
    let outcome = scan_page(page, |machine| instances.push(observe(&machine)));
    if outcome.is_err() {
        instances.clear();
    }
    instances
}

fn agreed_page() -> Vec<u8> {
    let page = page();
    let (full, lean) = (parse_full(&page), parse_lean(&page));
    assert_eq!(full.len(), MACHINES);
    assert_eq!(full, lean);
    assert!(lean.iter().all(|instance| instance.claim.is_some() && instance.named.is_some()));
    assert!(lean.iter().all(|instance| instance.guest.busy.is_some() && instance.package.known().is_some()));
    page
}

#[divan::bench]
fn full_typed_reference(bencher: Bencher<'_, '_>) {
    let page = agreed_page();
    bencher.counter(BytesCount::of_slice(&page)).bench_local(|| parse_full(black_box(&page)));
}

#[divan::bench]
fn lean(bencher: Bencher<'_, '_>) {
    let page = agreed_page();
    bencher.counter(BytesCount::of_slice(&page)).bench_local(|| parse_lean(black_box(&page)));
}

fn main() {
    divan::main();
}
