//! Words that may not stand in the code. Owns the list; each comes with what to do instead.

use super::Finding;
use super::sources::Source;

/// A word and what to do instead. Written in two halves, so that this file does not find itself.
const FORBIDDEN: [(&str, &str, &str); 4] = [
    ("#[ign", "ore", "a test runs or does not exist"),
    ("thread::sl", "eep(", "wait for an event, or poll with a deadline"),
    ("FIX", "ME", "fix it, or file it"),
    ("danger_accept_", "invalid", "TLS is always verified; add a CA file"),
];

/// Finds them, and things put off that nobody owns.
pub fn check(sources: &[Source]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for source in sources {
        for (index, line) in source.text.lines().enumerate() {
            let at = format!("{}:{}", source.path, index + 1);
            for (first, second, instead) in FORBIDDEN {
                let word = format!("{first}{second}");
                if line.contains(&word) {
                    findings.push(format!("{at}: `{word}`: {instead}"));
                }
            }
            let todo = concat!("TO", "DO");
            if line.contains(todo) && !line.contains(&format!("{todo}(")) {
                findings.push(format!("{at}: a {todo} needs an owner: {todo}(name)"));
            }
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn planted_words_are_found() {
        let planted = format!("{}{}]\nfn a() {{}} // {}: later\n", "#[ign", "ore", concat!("TO", "DO"));
        let source = Source { path: "a.rs".into(), text: planted };
        assert_eq!(check(&[source]).len(), 2);
    }
}
