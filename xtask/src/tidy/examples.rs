//! The core shows how it is used. Owns the rule that everything which can be called from outside of
//! it stands in an example that runs; must never judge whether an example is a good one.

use std::collections::BTreeSet;

use syn::{Attribute, Expr, ImplItem, Item, Lit, Meta, Type, Visibility};

use super::Finding;
use super::sources::Source;

/// Whose entry points need an example.
const CORE: &str = "tsg-core/src/";

/// Finds functions without an example in their own file, and traits and types with functions that
/// no example of the core names.
pub fn check(sources: &[Source]) -> Vec<Finding> {
    let core = sources.iter().filter(|source| source.path.starts_with(CORE));
    // What cannot be parsed is another rule's to say.
    let parsed = core.filter_map(|source| Some((&source.path, syn::parse_file(&source.text).ok()?)));
    let files: Vec<_> = parsed.map(|(path, file)| (path, File::read(&file))).collect();
    let all: BTreeSet<&String> = files.iter().flat_map(|(_, file)| &file.shown).collect();
    let mut findings = Vec::new();
    for (path, file) in &files {
        let functions = file.functions.iter().filter(|name| !file.shown.contains(*name));
        let types = file.types.iter().filter(|name| !all.contains(name));
        findings.extend(functions.chain(types).map(|name| {
            format!("{path}: no example names `{name}`: show in its documentation, between ```, how it is used")
        }));
    }
    findings
}

/// What stands in a file.
#[derive(Default)]
struct File {
    /// Public functions outside of any type.
    functions: BTreeSet<String>,
    /// Public traits, and types with public functions.
    types: BTreeSet<String>,
    /// Every word of its examples.
    shown: BTreeSet<String>,
}

impl File {
    fn read(file: &syn::File) -> Self {
        let mut read = Self::default();
        read.note_examples(&file.attrs);
        file.items.iter().for_each(|item| read.note(item));
        read
    }

    fn note(&mut self, item: &Item) {
        match item {
            Item::Fn(function) => {
                self.note_examples(&function.attrs);
                self.functions.extend(is_public(&function.vis).then(|| function.sig.ident.to_string()));
            }
            Item::Trait(of) => {
                self.note_examples(&of.attrs);
                self.types.extend(is_public(&of.vis).then(|| of.ident.to_string()));
            }
            Item::Struct(of) => self.note_examples(&of.attrs),
            Item::Enum(of) => self.note_examples(&of.attrs),
            Item::Impl(of) if of.trait_.is_none() => self.note_impl(of),
            _ => {}
        }
    }

    fn note_impl(&mut self, of: &syn::ItemImpl) {
        for item in &of.items {
            let ImplItem::Fn(function) = item else { continue };
            self.note_examples(&function.attrs);
            if let (Type::Path(name), true) = (&*of.self_ty, is_public(&function.vis)) {
                self.types.extend(name.path.segments.last().map(|last| last.ident.to_string()));
            }
        }
    }

    fn note_examples(&mut self, attributes: &[Attribute]) {
        let text: Vec<String> = attributes.iter().filter_map(line_of).collect();
        for example in text.join("\n").split("```").skip(1).step_by(2).filter(|example| runs(example)) {
            let words = example.split(|part: char| !part.is_ascii_alphanumeric() && part != '_');
            self.shown.extend(words.map(str::to_owned));
        }
    }
}

/// Whether it is compiled and run: anything else would say so on its first line.
fn runs(example: &str) -> bool {
    example.lines().next().is_some_and(|tag| tag.trim().is_empty())
}

/// What is public and yet within a private module is written `pub(super)` or `pub(crate)` here.
const fn is_public(visibility: &Visibility) -> bool {
    matches!(visibility, Visibility::Public(_))
}

/// One line of documentation.
fn line_of(attribute: &Attribute) -> Option<String> {
    let Meta::NameValue(pair) = &attribute.meta else { return None };
    match &pair.value {
        Expr::Lit(literal) if pair.path.is_ident("doc") => match &literal.lit {
            Lit::Str(text) => Some(text.value()),
            _ => None,
        },
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn findings(files: &[(&str, &str)]) -> usize {
        let source = |(path, text): &(&str, &str)| Source { path: (*path).to_owned(), text: (*text).to_owned() };
        check(&files.iter().map(source).collect::<Vec<_>>()).len()
    }

    #[test]
    fn a_function_is_shown_in_its_own_file_and_a_type_anywhere() {
        let bare = "pub fn plan() {}\npub struct Plan;\nimpl Plan { pub fn id(&self) {} }\npub trait Store {}\n";
        let types = "//! ```\n//! let plan: Plan = Memory.impl_of::<dyn Store>();\n//! ```\n";
        assert_eq!(findings(&[("tsg-core/src/a.rs", bare)]), 3);
        assert_eq!(findings(&[("tsg-core/src/a.rs", bare), ("tsg-core/src/b.rs", types)]), 1);
        let shown = format!("/// ```\n/// plan();\n/// ```\n{bare}");
        assert_eq!(findings(&[("tsg-core/src/a.rs", &shown), ("tsg-core/src/b.rs", types)]), 0);
    }

    #[test]
    fn what_is_private_or_elsewhere_needs_none_and_what_does_not_run_is_none() {
        let private = "fn a() {}\npub(crate) fn b() {}\npub struct Record;\nimpl Record { fn c(&self) {} }\n";
        assert_eq!(findings(&[("tsg-core/src/a.rs", private), ("tsg-cli/src/a.rs", "pub fn main() {}")]), 0);
        assert_eq!(findings(&[("tsg-core/src/a.rs", "/// ```text\n/// plan()\n/// ```\npub fn plan() {}\n")]), 1);
    }
}
