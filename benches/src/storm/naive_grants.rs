//! The reference division of what may be spent: one queue, one turn after the other.
//!
//! Owns the default rates as plain numbers, for full purses and few data centres, where the
//! ceiling over all of them does not matter. Must never be made faster.

use std::collections::HashMap;

/// What a hold stops of a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stopped {
    /// Replacing.
    Replacing,
    /// Replacing and restarting.
    Repair,
}

/// A group that asks for something, as text.
#[derive(Debug)]
pub struct Claimant {
    /// The group.
    pub group: String,
    /// Its account.
    pub account: String,
    /// Where.
    pub data_centre: String,
    /// Creates, asked and unasked deletes, starts.
    pub needs: [u32; 4],
}

/// Most steps of one kind for a group, an account and a data centre.
const RATES: [[u32; 3]; 4] = [[u32::MAX, 300, 3000], [u32::MAX, 300, 3000], [1, 3, 5], [10, 30, 60]];
const UNASKED_DELETES: usize = 2;
const STARTS: usize = 3;
/// Most steps of one kind for a group in one look.
const VISIT_MAX: u32 = 256;

/// Who gets how much of each kind, in the order of the claimants.
pub fn grant(claimants: &[Claimant], stopped: &HashMap<&str, Stopped>) -> Vec<(String, [u32; 4])> {
    let mut granted: HashMap<&str, [u32; 4]> = HashMap::new();
    for (kind, rates) in RATES.iter().enumerate() {
        let mut lines: HashMap<&str, Vec<(&Claimant, u32)>> = HashMap::new();
        for claimant in claimants {
            let need = match stopped.get(claimant.group.as_str()) {
                Some(_) if kind == UNASKED_DELETES => 0,
                Some(Stopped::Repair) if kind == STARTS => 0,
                _ => claimant.needs[kind],
            };
            if need > 0 {
                lines.entry(&claimant.data_centre).or_default().push((claimant, need));
            }
        }
        for mut line in lines.into_values() {
            line.sort_by_key(|(claimant, need)| (*need, claimant.group.clone()));
            serve(line, *rates, |group, count| granted.entry(group).or_default()[kind] += count);
        }
    }
    let of = |claimant: &Claimant| granted.get(claimant.group.as_str()).copied().unwrap_or_default();
    claimants.iter().map(|claimant| (claimant.group.clone(), of(claimant))).collect()
}

fn serve<'a>(
    mut line: Vec<(&'a Claimant, u32)>,
    [of_group, of_account, mut pool]: [u32; 3],
    mut grant: impl FnMut(&'a str, u32),
) {
    let mut accounts: HashMap<&str, u32> = HashMap::new();
    let mut given: HashMap<&str, u32> = HashMap::new();
    while !line.is_empty() {
        let (claimant, need) = line.remove(0);
        let account = accounts.entry(&claimant.account).or_insert(of_account);
        let had = given.entry(&claimant.group).or_default();
        let turn = if need < 16 {
            1
        } else if need < 256 {
            2
        } else {
            4
        };
        let wanted = turn.min(need).min(of_group.min(VISIT_MAX) - *had);
        let got = wanted.min(pool).min(*account);
        (pool, *account, *had) = (pool - got, *account - got, *had + got);
        grant(&claimant.group, got);
        if got == wanted && got > 0 && need > got {
            line.push((claimant, need - got));
        }
    }
}
