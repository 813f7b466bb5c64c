//! The names of instances.
//!
//! Owns one text that holds them all, so that a name costs its letters and eight bytes. Must never
//! be read where a placement is made, unless a rule asks for a name.

use alloc::string::String;
use alloc::vec::Vec;

/// Below this nothing is gained by tidying up.
const TIDY_MIN: usize = 64 * 1024;

/// Names by number.
#[derive(Debug, Clone, Default)]
pub(super) struct Names {
    text: String,
    /// Where each begins, and how long it is.
    spans: Vec<(u32, u32)>,
    /// Letters that belong to nobody any more.
    wasted: usize,
}

impl Names {
    /// Makes room for so many more, of some length.
    pub(super) fn reserve(&mut self, additional: usize, letters: usize) {
        self.spans.reserve(additional);
        self.text.reserve(letters);
    }

    /// The name at a number; nothing where there is none.
    #[inline]
    pub(super) fn get(&self, number: u32) -> &str {
        let (start, length) = self.spans.get(number as usize).copied().unwrap_or_default();
        self.text.get(start as usize..start as usize + length as usize).unwrap_or_default()
    }

    /// Sets the name at a number, which is at most one more than the highest yet. What does not
    /// fit into four gigabytes of names is left out.
    #[inline]
    pub(super) fn set(&mut self, number: u32, name: &str) {
        let span = self.write(name);
        match self.spans.get_mut(number as usize) {
            Some(old) => self.wasted += core::mem::replace(old, span).1 as usize,
            None => self.spans.push(span),
        }
        if self.wasted > TIDY_MIN && self.wasted > self.text.len() / 2 {
            self.tidy();
        }
    }

    /// Names for the numbers that come next.
    pub(super) fn extend<'a>(&mut self, names: impl Iterator<Item = &'a str>) {
        for name in names {
            let span = self.write(name);
            self.spans.push(span);
        }
    }

    /// Adds a name to the text.
    #[inline]
    fn write(&mut self, name: &str) -> (u32, u32) {
        let (start, end) = (self.text.len(), self.text.len() + name.len());
        if name.is_empty() || end > u32::MAX as usize {
            return (0, 0);
        }
        self.text.push_str(name);
        (start as u32, name.len() as u32)
    }

    /// Writes the names that are left anew.
    #[cold]
    fn tidy(&mut self) {
        let mut text = String::with_capacity(self.text.len() - self.wasted);
        for (start, length) in &mut self.spans {
            let name = self.text.get(*start as usize..*start as usize + *length as usize).unwrap_or_default();
            *start = text.len() as u32;
            text.push_str(name);
        }
        (self.text, self.wasted) = (text, 0);
    }
}

#[cfg(test)]
mod tests {
    use alloc::format;

    use super::*;

    #[test]
    fn names_stay_while_others_come_and_go() {
        let mut names = Names::default();
        (0..3_000).for_each(|number| names.set(number, &format!("instance-{number}")));
        for round in 0..20 {
            (0..3_000).step_by(2).for_each(|number| names.set(number, &format!("renamed-{round}-{number}")));
        }
        assert!(names.text.len() < 4 * TIDY_MIN, "{} letters", names.text.len());
        assert_eq!((names.get(7), names.get(8), names.get(9_999)), ("instance-7", "renamed-19-8", ""));
    }
}
