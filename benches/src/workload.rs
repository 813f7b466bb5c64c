//! Work whose instructions are counted. Owns what a counted piece of work is; must never know
//! which there are.

/// One workload and how much it does in a turn.
#[derive(Debug, Clone, Copy)]
pub struct Workload {
    /// Its name in the budgets.
    pub name: &'static str,
    /// Things done in a turn; the count is for each of them.
    pub units: u32,
    /// Takes so many turns.
    pub run: fn(u32),
}
