//! Which `const fn` may lose its `const`, so that switches can be asked in it. Owns that choice; by
//! name, so it errs on the side of leaving the word where it is.

use std::collections::{BTreeMap, BTreeSet};

use proc_macro2::{Span, TokenStream, TokenTree};
use quote::ToTokens;
use syn::visit::Visit;

use super::splice::{Form, Site};

/// The names of functions that have to stay constant.
#[derive(Debug, Default)]
pub struct Constness {
    needed: BTreeSet<String>,
}

impl Constness {
    /// Looks through all sources, and through all tests, whose constants may call anything.
    pub fn of(sources: &[syn::File], tests: &[syn::File]) -> Self {
        let mut uses = Uses::default();
        sources.iter().for_each(|file| uses.visit_file(file));
        let mut in_tests = Uses::default();
        tests.iter().for_each(|file| in_tests.visit_file(file));
        uses.names.append(&mut in_tests.names);
        in_tests.bodies.into_values().for_each(|mut names| uses.names.append(&mut names));
        Self { needed: uses.closed() }
    }

    /// Whether a function stays constant, so that nothing can be planted in it.
    pub fn stays(&self, signature: &syn::Signature) -> bool {
        signature.constness.is_some() && self.needed.contains(&signature.ident.to_string())
    }

    /// The word to leave out, if the function need not be constant.
    pub fn erasure(&self, signature: &syn::Signature) -> Option<Site> {
        let span: Span = signature.constness.as_ref().filter(|_| !self.stays(signature))?.span;
        Some(Site { range: span.byte_range(), form: Form::Erased, arms: Vec::new() })
    }

    /// The words to leave out of a file.
    pub fn erasures<'a>(&'a self, file: &'a syn::File) -> impl Iterator<Item = Site> + 'a {
        let mut signatures = Signatures::default();
        signatures.visit_file(file);
        signatures.0.into_iter().filter_map(|signature| self.erasure(signature))
    }
}

#[derive(Default)]
struct Signatures<'ast>(Vec<&'ast syn::Signature>);

impl<'ast> Visit<'ast> for Signatures<'ast> {
    fn visit_signature(&mut self, signature: &'ast syn::Signature) {
        self.0.push(signature);
    }
}

/// Names used where only constants may stand, and those used in each `const fn`.
#[derive(Default)]
struct Uses {
    names: BTreeSet<String>,
    bodies: BTreeMap<String, BTreeSet<String>>,
}

impl Uses {
    /// With what the constant functions among them use in turn.
    fn closed(self) -> BTreeSet<String> {
        let mut closed = BTreeSet::new();
        let mut open: Vec<String> = self.names.into_iter().collect();
        while let Some(name) = open.pop() {
            open.extend(self.bodies.get(&name).into_iter().flatten().filter(|name| !closed.contains(*name)).cloned());
            closed.insert(name);
        }
        closed
    }

    fn note(&mut self, constant: &impl ToTokens) {
        names(constant.to_token_stream(), &mut self.names);
    }

    fn note_body(&mut self, signature: &syn::Signature, body: &syn::Block) {
        if signature.constness.is_some() {
            names(body.to_token_stream(), self.bodies.entry(signature.ident.to_string()).or_default());
        }
    }
}

fn names(tokens: TokenStream, into: &mut BTreeSet<String>) {
    for token in tokens {
        match token {
            TokenTree::Group(group) => names(group.stream(), into),
            TokenTree::Ident(name) => {
                into.insert(name.to_string());
            }
            TokenTree::Punct(_) | TokenTree::Literal(_) => {}
        }
    }
}

impl<'ast> Visit<'ast> for Uses {
    fn visit_item_const(&mut self, constant: &'ast syn::ItemConst) {
        self.note(&constant.expr);
    }

    fn visit_item_static(&mut self, constant: &'ast syn::ItemStatic) {
        self.note(&constant.expr);
    }

    fn visit_impl_item_const(&mut self, constant: &'ast syn::ImplItemConst) {
        self.note(&constant.expr);
    }

    fn visit_trait_item_const(&mut self, constant: &'ast syn::TraitItemConst) {
        self.note(&constant.default.as_ref().map(|(_, value)| value));
    }

    fn visit_type_array(&mut self, array: &'ast syn::TypeArray) {
        self.note(&array.len);
    }

    fn visit_expr_repeat(&mut self, repeat: &'ast syn::ExprRepeat) {
        self.note(&repeat.len);
        self.visit_expr(&repeat.expr);
    }

    fn visit_expr_const(&mut self, block: &'ast syn::ExprConst) {
        self.note(&block.block);
    }

    fn visit_variant(&mut self, variant: &'ast syn::Variant) {
        self.note(&variant.discriminant.as_ref().map(|(_, value)| value));
    }

    fn visit_item_macro(&mut self, invocation: &'ast syn::ItemMacro) {
        self.note(&invocation.mac.tokens);
    }

    fn visit_item_fn(&mut self, function: &'ast syn::ItemFn) {
        self.note_body(&function.sig, &function.block);
        syn::visit::visit_item_fn(self, function);
    }

    fn visit_impl_item_fn(&mut self, function: &'ast syn::ImplItemFn) {
        self.note_body(&function.sig, &function.block);
        syn::visit::visit_impl_item_fn(self, function);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_constant_needs_stays_constant_and_the_rest_does_not() {
        let text = "const A: u32 = first(); const fn first() -> u32 { second() } const fn second() -> u32 { 1 }
                    const fn third() -> u32 { 2 } const fn fourth() -> u32 { 3 } fn fifth() -> u32 { 4 }";
        let source = syn::parse_file(text).unwrap();
        let test = syn::parse_file("fn a() { let _ = [0; fourth()]; }").unwrap();
        let constness = Constness::of(std::slice::from_ref(&source), &[test]);
        let erased: Vec<_> = constness.erasures(&source).map(|site| site.range.start).collect();
        assert_eq!(erased, [text.find("const fn third").unwrap()]);
    }
}
