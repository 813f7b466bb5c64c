//! How long a file and a function may be. Owns the measuring; the exceptions stand in
//! `tidy.toml`.

use std::collections::BTreeSet;

use syn::visit::Visit;

use super::Finding;
use super::exceptions::{Exception, Exceptions};
use super::sources::Source;

/// Lines a production file may have: one subject.
const FILE_MAX: usize = 450;
/// Lines a test file may have: tables are long.
const TEST_FILE_MAX: usize = 700;
/// Lines a function may have: one screen.
const FUNCTION_MAX: usize = 60;
/// Lines a test may have: one table.
const TEST_FUNCTION_MAX: usize = 100;

/// Finds what is too long and what `tidy.toml` allows without need.
pub fn check(sources: &[Source], exceptions: &Exceptions) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut used = BTreeSet::new();
    for source in sources {
        let (limit, function_limit) =
            if source.is_production() { (FILE_MAX, FUNCTION_MAX) } else { (TEST_FILE_MAX, TEST_FUNCTION_MAX) };
        let lines = source.text.lines().count();
        let exception = exceptions.files.get(&source.path);
        findings.extend(judge(&source.path, "the file", lines, limit, exception));
        used.insert(source.path.clone());
        for (name, lines) in function_lengths(source, &mut findings) {
            let key = format!("{}::{name}", source.path);
            let exception = exceptions.functions.get(&key);
            findings.extend(judge(&key, "the function", lines, function_limit, exception));
            used.insert(key);
        }
    }
    let listed = exceptions.files.keys().chain(exceptions.functions.keys());
    findings.extend(
        listed
            .filter(|key| !used.contains(*key))
            .map(|key| format!("tidy.toml: {key} does not exist any more: take it out")),
    );
    findings
}

fn judge(at: &str, what: &str, lines: usize, limit: usize, exception: Option<&Exception>) -> Option<Finding> {
    match exception {
        None if lines > limit => {
            Some(format!("{at}: {what} has {lines} lines, at most {limit}: split it, or give tidy.toml a reason"))
        }
        None => None,
        Some(_) if lines <= limit => Some(format!("tidy.toml: {at} needs no exception any more: take it out")),
        Some(exception) if exception.reason.trim().is_empty() => Some(format!("tidy.toml: {at} has no reason")),
        Some(exception) if exception.lines != lines => {
            Some(format!("tidy.toml: {at} says {} lines, {what} has {lines}: the list only shrinks", exception.lines))
        }
        Some(_) => None,
    }
}

fn function_lengths(source: &Source, findings: &mut Vec<Finding>) -> Vec<(String, usize)> {
    match syn::parse_file(&source.text) {
        Ok(file) => {
            let mut functions = Functions::default();
            functions.visit_file(&file);
            functions.found
        }
        Err(error) => {
            findings.push(format!("{}: cannot be parsed: {error}", source.path));
            Vec::new()
        }
    }
}

#[derive(Default)]
struct Functions {
    found: Vec<(String, usize)>,
}

impl Functions {
    fn note(&mut self, name: &syn::Ident, block: &syn::Block) {
        let braces = block.brace_token.span;
        let lines = braces.close().end().line.saturating_sub(braces.open().start().line) + 1;
        self.found.push((name.to_string(), lines));
    }
}

impl<'ast> Visit<'ast> for Functions {
    fn visit_item_fn(&mut self, function: &'ast syn::ItemFn) {
        self.note(&function.sig.ident, &function.block);
        syn::visit::visit_item_fn(self, function);
    }

    fn visit_impl_item_fn(&mut self, function: &'ast syn::ImplItemFn) {
        self.note(&function.sig.ident, &function.block);
        syn::visit::visit_impl_item_fn(self, function);
    }

    fn visit_trait_item_fn(&mut self, function: &'ast syn::TraitItemFn) {
        if let Some(block) = &function.default {
            self.note(&function.sig.ident, block);
        }
        syn::visit::visit_trait_item_fn(self, function);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn long_function(lines: usize) -> Source {
        let body = "    let _ = 1;\n".repeat(lines - 2);
        Source { path: "a/src/b.rs".into(), text: format!("fn long() {{\n{body}}}\n") }
    }

    fn excused(lines: usize) -> Exceptions {
        let exception = Exception { lines, reason: "one table".into() };
        Exceptions { functions: [("a/src/b.rs::long".into(), exception)].into(), ..Exceptions::default() }
    }

    #[test]
    fn a_long_function_is_found_unless_it_is_excused_exactly() {
        assert_eq!(check(&[long_function(FUNCTION_MAX)], &Exceptions::default()).len(), 0);
        assert_eq!(check(&[long_function(FUNCTION_MAX + 1)], &Exceptions::default()).len(), 1);
        assert_eq!(check(&[long_function(80)], &excused(80)).len(), 0);
        assert_eq!(check(&[long_function(79)], &excused(80)).len(), 1, "the list only shrinks");
        assert_eq!(check(&[long_function(10)], &excused(80)).len(), 1, "no need any more");
    }

    #[test]
    fn an_exception_for_nothing_is_found() {
        assert_eq!(check(&[], &excused(80)).len(), 1);
    }
}
