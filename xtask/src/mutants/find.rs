//! Where mutants can be planted in a file. Owns the walk; what is planted stands in
//! [`super::operators`]. Must never enter tests, constants, patterns, types or macro definitions:
//! nothing can be switched there.

use std::ops::Range;

use proc_macro2::Span;
use quote::ToTokens;
use syn::punctuated::Punctuated;
use syn::spanned::Spanned;
use syn::visit::{self, Visit};
use syn::{Attribute, BinOp, Block, Expr, Lit, Signature, Stmt, Token, UnOp};

use super::catalogue::Mutant;
use super::constness::Constness;
use super::operators::{integers, is_constant, operators, opposite, returned};
use super::patterns::{Matches, fewer};
use super::splice::{Arm, Form, Site};

/// Characters of source that a mutant's name shows at most.
const SHOWN_MAX: usize = 70;
/// Macros whose arguments are expressions that are computed as they stand.
const PLAIN_MACROS: [&str; 4] = ["vec", "format", "write", "writeln"];
/// Calls whose arguments change nothing but how memory is reserved.
const RESERVATIONS: [&str; 2] = ["with_capacity", "reserve"];

/// All sites of a file, outer ones before those within them.
pub fn sites(text: &str, file: &syn::File, constness: &Constness) -> Vec<Site> {
    let mut finder = Finder { text, constness, owner: String::new(), function: String::new(), sites: Vec::new() };
    finder.visit_file(file);
    finder.sites
}

struct Finder<'a> {
    text: &'a str,
    constness: &'a Constness,
    /// The type whose methods are walked.
    owner: String,
    /// The function that is walked.
    function: String,
    sites: Vec<Site>,
}

impl Finder<'_> {
    fn raw(&self, part: &impl ToTokens) -> &str {
        &self.text[part.span().byte_range()]
    }

    fn plant(&mut self, form: Form, span: Span, range: Range<usize>, arms: Vec<(String, String)>) {
        if arms.is_empty() {
            return;
        }
        let function = &self.function;
        let arm = |(text, change)| {
            let name = format!("{function}: {change}");
            Arm { text, mutant: Mutant { line: span.start().line, name, ..Mutant::default() } }
        };
        let arms = arms.into_iter().map(arm).collect();
        self.sites.push(Site { range, form, arms });
    }

    /// Other texts for an expression, each named by what it is instead of what.
    fn replace(&mut self, whole: &impl ToTokens, from: &str, others: Vec<String>) {
        let named = others.into_iter().map(|other| {
            let change = format!("`{}` -> `{}`", shown(from), shown(&other));
            (other, change)
        });
        let (span, arms) = (whole.span(), named.collect());
        self.plant(Form::Expression, span, span.byte_range(), arms);
    }

    fn function(&mut self, signature: &Signature, attributes: &[Attribute], block: &Block) {
        if self.constness.stays(signature) || is_test(attributes) {
            return;
        }
        self.sites.extend(self.constness.erasure(signature));
        let name = &signature.ident;
        let own = if self.owner.is_empty() { name.to_string() } else { format!("{}::{name}", self.owner) };
        let outer = std::mem::replace(&mut self.function, own);
        let body = match block.stmts.as_slice() {
            [] => "",
            [Stmt::Expr(only, None)] => self.raw(only),
            _ => "..",
        };
        let values = returned(&signature.output).into_iter().filter(|value| value != body);
        let arms = values.map(|value| (value.clone(), format!("return `{value}` at once"))).collect();
        let open = block.brace_token.span.open();
        self.plant(Form::Entry, open, open.byte_range(), arms);
        self.visit_block(block);
        self.function = outer;
    }

    fn binary(&mut self, binary: &syn::ExprBinary) {
        if is_let_chain(&binary.left) || is_let_chain(&binary.right) {
            return;
        }
        let (left, right) = (self.raw(&binary.left).to_owned(), self.raw(&binary.right).to_owned());
        let operator = self.raw(&binary.op).to_owned();
        let arms = operators(&binary.op).iter().map(|other| {
            let change = format!("`{} {operator} {}` -> `{other}`", shown(&left), shown(&right));
            (format!("({left}) {other} ({right})"), change)
        });
        let (span, arms) = (binary.span(), arms.collect());
        self.plant(Form::Expression, span, span.byte_range(), arms);
    }

    fn method(&mut self, call: &syn::ExprMethodCall) {
        let Some(other) = opposite(&call.method.to_string()) else { return };
        let (whole, name) = (call.span().byte_range(), call.method.span().byte_range());
        let text = format!("{}{other}{}", &self.text[whole.start..name.start], &self.text[name.end..whole.end]);
        let change = format!("`.{}` -> `.{other}`", shown(&self.text[name.start..whole.end]));
        self.plant(Form::Expression, call.method.span(), whole, vec![(text, change)]);
    }

    fn literal(&mut self, literal: &syn::ExprLit) {
        match &literal.lit {
            Lit::Bool(bool) => self.replace(literal, &bool.value.to_string(), vec![(!bool.value).to_string()]),
            Lit::Int(int) => {
                let from = self.raw(int).to_owned();
                self.replace(literal, &from, integers(int.base10_digits(), int.suffix()));
            }
            _ => {}
        }
    }

    fn constant(&mut self, path: &syn::ExprPath) {
        if path.path.segments.last().is_some_and(|last| is_constant(&last.ident.to_string())) {
            let raw = self.raw(path).to_owned();
            let arms = vec![(format!("crate::mutant_switch::next({raw})"), format!("`{raw}` -> its neighbour"))];
            self.plant(Form::Expression, path.span(), path.span().byte_range(), arms);
        }
    }

    /// The opposite of a condition that has no operator of its own.
    fn condition(&mut self, condition: &Expr) {
        let is_plain = match condition {
            Expr::MethodCall(call) => opposite(&call.method.to_string()).is_none(),
            Expr::Macro(call) => !call.mac.path.is_ident("matches"),
            Expr::Call(_) | Expr::Path(_) | Expr::Field(_) => true,
            _ => false,
        };
        if is_plain {
            let raw = self.raw(condition).to_owned();
            self.replace(condition, &raw, vec![format!("!({raw})")]);
        }
    }

    fn matches(&mut self, call: &syn::ExprMacro, inside: &Matches) {
        let (whole, pattern) = (call.span().byte_range(), inside.pattern.span().byte_range());
        let raw = self.raw(call).to_owned();
        let mut arms = vec![(format!("!{raw}"), format!("`{0}` -> `!{0}`", shown(&raw)))];
        for (left_out, others) in fewer(self.text, &inside.pattern) {
            let text =
                format!("{}{others}{}", &self.text[whole.start..pattern.start], &self.text[pattern.end..whole.end]);
            arms.push((text, format!("`{}` without `{}`", shown(&raw), shown(&left_out))));
        }
        self.plant(Form::Expression, call.span(), whole, arms);
    }

    fn guard(&mut self, guard: &Expr) {
        if !is_let_chain(guard) {
            let raw = self.raw(guard).to_owned();
            self.replace(guard, &raw, vec!["true".to_owned(), "false".to_owned()]);
        }
    }
}

impl<'ast> Visit<'ast> for Finder<'_> {
    fn visit_attribute(&mut self, _: &'ast Attribute) {}
    fn visit_item_const(&mut self, _: &'ast syn::ItemConst) {}
    fn visit_item_static(&mut self, _: &'ast syn::ItemStatic) {}
    fn visit_impl_item_const(&mut self, _: &'ast syn::ImplItemConst) {}
    fn visit_trait_item_const(&mut self, _: &'ast syn::TraitItemConst) {}
    fn visit_item_macro(&mut self, _: &'ast syn::ItemMacro) {}
    fn visit_variant(&mut self, _: &'ast syn::Variant) {}
    fn visit_pat(&mut self, _: &'ast syn::Pat) {}
    fn visit_type(&mut self, _: &'ast syn::Type) {}
    fn visit_angle_bracketed_generic_arguments(&mut self, _: &'ast syn::AngleBracketedGenericArguments) {}
    fn visit_expr_const(&mut self, _: &'ast syn::ExprConst) {}

    fn visit_item_mod(&mut self, module: &'ast syn::ItemMod) {
        if !is_test(&module.attrs) {
            visit::visit_item_mod(self, module);
        }
    }

    fn visit_item_impl(&mut self, block: &'ast syn::ItemImpl) {
        if is_test(&block.attrs) {
            return;
        }
        let name = match &*block.self_ty {
            syn::Type::Path(path) => path.path.segments.last().map(|last| last.ident.to_string()),
            _ => None,
        };
        let outer = std::mem::replace(&mut self.owner, name.unwrap_or_default());
        visit::visit_item_impl(self, block);
        self.owner = outer;
    }

    fn visit_item_trait(&mut self, block: &'ast syn::ItemTrait) {
        let outer = std::mem::replace(&mut self.owner, block.ident.to_string());
        visit::visit_item_trait(self, block);
        self.owner = outer;
    }

    fn visit_item_fn(&mut self, function: &'ast syn::ItemFn) {
        self.function(&function.sig, &function.attrs, &function.block);
    }

    fn visit_impl_item_fn(&mut self, function: &'ast syn::ImplItemFn) {
        self.function(&function.sig, &function.attrs, &function.block);
    }

    fn visit_trait_item_fn(&mut self, function: &'ast syn::TraitItemFn) {
        if let Some(block) = &function.default {
            self.function(&function.sig, &function.attrs, block);
        }
    }

    fn visit_stmt(&mut self, statement: &'ast Stmt) {
        if let Stmt::Expr(expression, Some(_)) = statement
            && is_effect(expression)
        {
            let change = format!("delete `{}`", shown(self.raw(statement)));
            let range = statement.span().byte_range();
            self.plant(Form::Statement, statement.span(), range, vec![(String::new(), change)]);
        }
        visit::visit_stmt(self, statement);
    }

    fn visit_arm(&mut self, arm: &'ast syn::Arm) {
        if let Some((_, guard)) = &arm.guard {
            self.guard(guard);
        }
        visit::visit_arm(self, arm);
    }

    fn visit_expr_if(&mut self, choice: &'ast syn::ExprIf) {
        self.condition(&choice.cond);
        visit::visit_expr_if(self, choice);
    }

    fn visit_expr_while(&mut self, repeated: &'ast syn::ExprWhile) {
        self.condition(&repeated.cond);
        visit::visit_expr_while(self, repeated);
    }

    fn visit_expr_binary(&mut self, binary: &'ast syn::ExprBinary) {
        self.binary(binary);
        visit::visit_expr_binary(self, binary);
    }

    fn visit_expr_unary(&mut self, unary: &'ast syn::ExprUnary) {
        if matches!(unary.op, UnOp::Not(_) | UnOp::Neg(_)) {
            let (whole, inner) = (self.raw(unary).to_owned(), self.raw(&unary.expr).to_owned());
            self.replace(unary, &whole, vec![inner]);
        }
        visit::visit_expr_unary(self, unary);
    }

    fn visit_expr_method_call(&mut self, call: &'ast syn::ExprMethodCall) {
        self.method(call);
        if RESERVATIONS.contains(&call.method.to_string().as_str()) {
            return;
        }
        visit::visit_expr_method_call(self, call);
    }

    fn visit_expr_call(&mut self, call: &'ast syn::ExprCall) {
        let is_reservation = matches!(&*call.func, Expr::Path(path) if path.path.segments.last()
            .is_some_and(|last| RESERVATIONS.contains(&last.ident.to_string().as_str())));
        if !is_reservation {
            visit::visit_expr_call(self, call);
        }
    }

    fn visit_expr_lit(&mut self, literal: &'ast syn::ExprLit) {
        self.literal(literal);
    }

    fn visit_expr_path(&mut self, path: &'ast syn::ExprPath) {
        self.constant(path);
    }

    fn visit_expr_repeat(&mut self, repeat: &'ast syn::ExprRepeat) {
        self.visit_expr(&repeat.expr);
    }

    fn visit_expr_macro(&mut self, call: &'ast syn::ExprMacro) {
        let Some(inside) = call.mac.path.is_ident("matches").then(|| call.mac.parse_body::<Matches>()) else {
            return self.visit_macro(&call.mac);
        };
        let Ok(inside) = inside else { return };
        self.matches(call, &inside);
        // What was parsed here does not live as long as the file.
        let mut inner = Finder { function: self.function.clone(), owner: String::new(), sites: Vec::new(), ..*self };
        inner.visit_expr(&inside.matched);
        if let Some(guard) = &inside.guard {
            inner.guard(guard);
            inner.visit_expr(guard);
        }
        self.sites.append(&mut inner.sites);
    }

    fn visit_macro(&mut self, call: &'ast syn::Macro) {
        if !PLAIN_MACROS.iter().any(|name| call.path.is_ident(name)) {
            return;
        }
        let Ok(arguments) = call.parse_body_with(Punctuated::<Expr, Token![,]>::parse_terminated) else { return };
        let mut inner = Finder { function: self.function.clone(), owner: String::new(), sites: Vec::new(), ..*self };
        arguments.iter().for_each(|argument| inner.visit_expr(argument));
        self.sites.append(&mut inner.sites);
    }
}

/// Whether a statement is there for what it does and may be left out.
fn is_effect(expression: &Expr) -> bool {
    match expression {
        Expr::Call(_) | Expr::MethodCall(_) | Expr::Assign(_) => true,
        Expr::Try(inner) => is_effect(&inner.expr),
        Expr::Binary(binary) => is_compound(&binary.op),
        _ => false,
    }
}

fn is_compound(operator: &BinOp) -> bool {
    let text = operator.to_token_stream().to_string();
    text.ends_with('=') && !matches!(text.as_str(), "==" | "!=" | "<=" | ">=")
}

/// Whether a condition binds names, which only `&&` can join.
fn is_let_chain(condition: &Expr) -> bool {
    match condition {
        Expr::Let(_) => true,
        Expr::Binary(binary) => is_let_chain(&binary.left) || is_let_chain(&binary.right),
        _ => false,
    }
}

fn is_test(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        let is_gate = attribute.path().is_ident("cfg") && attribute.to_token_stream().to_string().contains("test");
        is_gate || attribute.path().is_ident("test")
    })
}

/// Source on one line, cut to a length that can be read.
fn shown(source: &str) -> String {
    let line = source.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(SHOWN_MAX) {
        Some((end, _)) => format!("{}..", &line[..end]),
        None => line,
    }
}

#[cfg(test)]
mod tests;
