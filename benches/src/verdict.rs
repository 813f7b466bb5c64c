//! What was measured, against its bar. Owns the table that a bench ends with and what it exits
//! with; must never round a miss into a hit.
#![allow(clippy::print_stdout, reason = "a bench says what it measured")]

use std::process::ExitCode;

use crate::meter::Measured;

/// One line of the verdict.
#[derive(Debug, Clone, PartialEq)]
pub struct Line {
    bar: &'static str,
    what: String,
    measured: f64,
    unit: &'static str,
    limit: f64,
    is_floor: bool,
}

impl Line {
    /// Something that is to be small.
    pub fn at_most(bar: &'static str, what: impl Into<String>, measured: f64, unit: &'static str, limit: f64) -> Self {
        Self { bar, what: what.into(), measured, unit, limit, is_floor: false }
    }

    /// Something that is to be large.
    pub fn at_least(bar: &'static str, what: impl Into<String>, measured: f64, unit: &'static str, limit: f64) -> Self {
        Self { bar, what: what.into(), measured, unit, limit, is_floor: true }
    }

    fn is_kept(&self) -> bool {
        if self.is_floor { self.measured >= self.limit } else { self.measured <= self.limit }
    }
}

/// Prints all lines; fails when one is missed.
pub fn conclude(lines: &[Line]) -> ExitCode {
    println!("\n{:<5} {:<62} {:>14} {:>10}  verdict", "bar", "what", "measured", "limit");
    for line in lines {
        let (sign, verdict) = (if line.is_floor { ">=" } else { "<=" }, if line.is_kept() { "kept" } else { "MISSED" });
        println!(
            "{:<5} {:<62} {:>9.2} {:<4} {sign} {:>7}  {verdict}",
            line.bar, line.what, line.measured, line.unit, line.limit
        );
    }
    if lines.iter().all(Line::is_kept) { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Prints what a candidate took.
pub fn said(name: &str, measured: &Measured) {
    println!("  {name:<44} {:>12.1?} ({:.1?})", measured.best(), measured.median());
}
