//! Writes a source file with all its mutants in it. Owns the forms that a switch takes and where
//! each ended up in the text; must never change what the program does while no mutant is on.

use std::ops::Range;

use super::catalogue::Mutant;

/// How a switch is asked for in the instrumented sources.
const ON: &str = "crate::mutant_switch::on";

/// One place of a file, and what could stand there instead.
#[derive(Debug, Clone)]
pub struct Site {
    /// The bytes it takes.
    pub range: Range<usize>,
    /// What kind of place.
    pub form: Form,
    /// What could stand there.
    pub arms: Vec<Arm>,
}

/// What kind of place a site is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// An expression; each arm is another.
    Expression,
    /// A statement that its only arm leaves out.
    Statement,
    /// The opening brace of a function; each arm is a value to return at once.
    Entry,
    /// Left out whether or not a mutant is on: a `const` that a switch cannot be asked in.
    Erased,
}

/// What could stand at a site.
#[derive(Debug, Clone)]
pub struct Arm {
    /// The text.
    pub text: String,
    /// Which mutant that makes.
    pub mutant: Mutant,
}

/// A file with its mutants.
#[derive(Debug, Default)]
pub struct Spliced {
    /// What to compile.
    pub text: String,
    /// Where each site and each arm ended up, the inner ones first.
    pub spots: Vec<Spot>,
}

/// A stretch of the written text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spot {
    /// Its bytes.
    pub range: Range<usize>,
    /// An arm has one mutant, a site all of its own.
    pub mutants: Vec<u32>,
    /// Whether it is an arm.
    pub is_arm: bool,
}

/// Writes a file. Sites lie within one another or apart; of those with the same bytes the first
/// is the outer one.
pub fn splice(text: &str, sites: &[Site]) -> Spliced {
    let mut ordered: Vec<&Site> = sites.iter().collect();
    ordered.sort_by_key(|site| (site.range.start, std::cmp::Reverse(site.range.end)));
    let mut spliced = Spliced::default();
    spliced.stretch(text, 0..text.len(), &ordered);
    spliced
}

impl Spliced {
    fn stretch(&mut self, text: &str, range: Range<usize>, mut sites: &[&Site]) {
        let mut at = range.start;
        while let Some((site, rest)) = sites.split_first() {
            let inner = rest.partition_point(|other| other.range.start < site.range.end);
            self.text.push_str(&text[at..site.range.start]);
            self.site(text, site, &rest[..inner]);
            at = site.range.end;
            sites = &rest[inner..];
        }
        self.text.push_str(&text[at..range.end]);
    }

    fn site(&mut self, text: &str, site: &Site, inner: &[&Site]) {
        let begin = self.text.len();
        match site.form {
            Form::Expression => {
                self.text.push('(');
                for arm in &site.arms {
                    self.arm(arm, "if ", &format!("{{ ({}) }} else ", arm.text));
                }
                self.text.push_str("{ (");
                self.stretch(text, site.range.clone(), inner);
                self.text.push_str(") })");
            }
            Form::Statement => {
                site.arms.iter().for_each(|arm| self.arm(arm, "if !", "{ "));
                self.stretch(text, site.range.clone(), inner);
                self.text.push_str(" }");
            }
            Form::Entry => {
                self.stretch(text, site.range.clone(), inner);
                for arm in &site.arms {
                    self.arm(arm, " if ", &format!("{{ return {}; }}", arm.text));
                }
            }
            Form::Erased => {}
        }
        let mutants = site.arms.iter().map(|arm| arm.mutant.id).collect();
        self.spots.push(Spot { range: begin..self.text.len(), mutants, is_arm: false });
    }

    fn arm(&mut self, arm: &Arm, before: &str, after: &str) {
        let id = arm.mutant.id;
        self.text.push_str(&format!("{before}{ON}({id}) "));
        let begin = self.text.len();
        self.text.push_str(after);
        self.spots.push(Spot { range: begin..self.text.len(), mutants: vec![id], is_arm: true });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn site(range: Range<usize>, form: Form, arms: &[(u32, &str)]) -> Site {
        let arms = arms
            .iter()
            .map(|(id, text)| Arm { text: (*text).to_owned(), mutant: Mutant { id: *id, ..Mutant::default() } });
        Site { range, form, arms: arms.collect() }
    }

    #[test]
    fn sites_within_sites_keep_their_place_and_arms_hold_plain_text() {
        let text = "fn f() { a < 1; }";
        let sites = [
            site(7..8, Form::Entry, &[(1, "true")]),
            site(9..15, Form::Statement, &[(2, "")]),
            site(9..14, Form::Expression, &[(3, "a <= 1"), (4, "a >= 1")]),
            site(13..14, Form::Expression, &[(5, "2")]),
        ];
        let spliced = splice(text, &sites);
        let plain = spliced.text.replace(ON, "on");
        assert_eq!(
            plain,
            "fn f() { if on(1) { return true; } if !on(2) { \
             (if on(3) { (a <= 1) } else if on(4) { (a >= 1) } else \
             { (a < (if on(5) { (2) } else { (1) })) }); }"
                .to_owned()
                + " }"
        );
        let inner = spliced.spots.iter().find(|spot| spot.mutants == [5] && !spot.is_arm).unwrap();
        assert!(spliced.text[inner.range.clone()].ends_with("{ (1) })"));
        let arm = spliced.spots.iter().find(|spot| spot.mutants == [4]).unwrap();
        assert!(arm.is_arm && spliced.text[arm.range.clone()].contains("a >= 1"));
    }

    #[test]
    fn what_is_erased_is_gone() {
        assert_eq!(splice("pub const fn f() {}", &[site(4..9, Form::Erased, &[])]).text, "pub  fn f() {}");
    }
}
