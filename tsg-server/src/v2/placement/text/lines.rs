//! Lines of text that fit a screen.
//!
//! Owns where a line is broken, and how a list is cut short. Must never know what it says.

/// No line is longer.
const COLUMNS_MAX: usize = 100;
/// A space at which no line is broken.
pub const TIED: char = '\u{a0}';

/// Lines, one below the other.
#[derive(Debug, Default)]
pub struct Screen {
    lines: Vec<String>,
}

impl Screen {
    /// Adds a line, as several where it is too long: what follows stands further in.
    pub fn line(&mut self, indent: usize, text: impl AsRef<str>) {
        let mut line = " ".repeat(indent);
        let mut is_empty = true;
        for word in text.as_ref().split_inclusive(' ') {
            let is_full = line.chars().count() + word.trim_end().chars().count() > COLUMNS_MAX;
            if is_full && !is_empty {
                self.lines.push(line.trim_end().to_owned());
                line = " ".repeat(indent + 4);
            }
            line.push_str(word);
            is_empty = false;
        }
        self.lines.push(line.trim_end().to_owned());
    }

    /// Adds so many lines at most, and how many there are besides.
    pub fn some<T: AsRef<str>>(&mut self, indent: usize, texts: impl IntoIterator<Item = T>, most: usize) {
        let mut texts = texts.into_iter();
        texts.by_ref().take(most).for_each(|text| self.line(indent, text));
        match texts.count() {
            0 => {}
            more => self.line(indent, format!("and {more} more")),
        }
    }

    /// Adds where instances stand: each place with how many, the fullest first, and what else there
    /// is to say of it.
    pub fn stand(&mut self, places: Vec<(String, u32, String)>, most: usize) {
        let members: u32 = places.iter().map(|(_, members, _)| *members).sum();
        if members == 0 {
            return self.line(0, "No instance stands anywhere yet.");
        }
        let (instances, nodes) = (count(members as usize, "instance"), count(places.len(), "compute node"));
        let (verb, order) =
            (if members == 1 { "stands" } else { "stand" }, if places.len() > 1 { ", the fullest first" } else { "" });
        self.line(0, format!("{instances} {verb} on {nodes}{order}:"));
        let lines = places.into_iter().map(|(node, members, rest)| format!("{members:>4}  {node}{rest}"));
        self.some(0, lines, most);
    }

    /// All of it.
    pub fn text(self) -> String {
        self.lines.join("\n").replace(TIED, " ")
    }
}

/// So many of something.
pub fn count(number: usize, of: &str) -> String {
    if number == 1 { format!("1 {of}") } else { format!("{number} {of}s") }
}

/// The first of some, in one line, and how many there are besides.
pub fn few<T: AsRef<str>>(mut texts: impl Iterator<Item = T>, most: usize) -> String {
    let mut shown: Vec<String> = texts.by_ref().take(most).map(|text| text.as_ref().to_owned()).collect();
    match texts.count() {
        0 => {}
        more => shown.push(format!("and {more} more")),
    }
    shown.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_lines_are_broken_between_words_and_long_lists_cut_short() {
        let mut screen = Screen::default();
        screen.line(2, "word ".repeat(40));
        screen.line(0, "x".repeat(120));
        screen.line(0, format!("{}b{TIED}c", "a ".repeat(49)));
        screen.some(2, ["a", "b", "c"], 1);
        let text = screen.text();
        let lines: Vec<&str> = text.lines().collect();
        assert!(lines[0].len() <= 100 && lines[0].len() > 90 && lines[1].starts_with("      word"), "{text}");
        assert_eq!(lines[lines.len() - 3..], ["    b c", "  a", "  and 2 more"]);
        assert_eq!(few(["a", "b", "c"].iter(), 2), "a, b, and 1 more");
    }
}
