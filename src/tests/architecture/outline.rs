//! The declarations of a source and the paths it refers to, read from its syntax tree.

use std::collections::BTreeSet;

use proc_macro2::{Ident, Span, TokenStream, TokenTree};
use syn::{
    Attribute, Block, ImplItem, Item, ItemMod, ItemUse, Macro, MetaList, UseTree, VisRestricted, Visibility,
    ext::IdentExt as _,
    parse::Parser as _,
    spanned::Spanned as _,
    visit::{self, Visit},
};

use super::sources::Source;

/// A path in code: of a `use` or in place.
#[derive(Clone, Debug)]
pub struct Mention {
    /// Its segments from the root of its crate, with `self`, `super` and `aldis` resolved; a glob ends in `*`.
    pub path: Vec<String>,
    pub line: usize,
    /// The name that a `use` gives it.
    pub alias: Option<String>,
    pub is_reexport: bool,
    /// Whether it is in a test or in the definition of a macro.
    pub is_apart: bool,
}

/// A file's declarations and the paths it names.
#[derive(Default)]
pub struct Outline {
    pub mentions: Vec<Mention>,
    /// The top-level items, those made by a macro included: any name passed to it.
    pub items: BTreeSet<String>,
    /// Single names in code outside tests and macro definitions.
    pub names: BTreeSet<String>,
    /// Modules in files of their own that are compiled for tests only.
    pub test_modules: BTreeSet<String>,
}

/// Reads a file, or a few statements.
pub fn outline(path: &str, text: &str) -> Outline {
    let mut reader = Reader { file: module(path), ..Reader::default() };
    match syn::parse_file(text) {
        Ok(file) => {
            reader.outline.items = file.items.iter().flat_map(declared).collect();
            reader.visit_file(&file);
        }
        Err(error) => {
            let statements = Block::parse_within.parse_str(text).unwrap_or_else(|_| panic!("{path}: {error}"));
            for statement in &statements {
                reader.visit_stmt(statement);
            }
        }
    }
    reader.outline
}

/// The sources outside tests, with their outlines.
pub fn outside_tests(sources: &[Source]) -> Vec<(&Source, Outline)> {
    let is_test = |source: &&Source| source.path.starts_with("tests/") || source.path.ends_with("_tests.rs");
    let sources = sources.iter().filter(|source| !is_test(source));
    let mut read: Vec<_> = sources.map(|source| (source, outline(&source.path, &source.text))).collect();
    let tests: Vec<Vec<String>> = read
        .iter()
        .flat_map(|(source, outline)| {
            let inside = |name: &String| module(&source.path).into_iter().chain([name.clone()]).collect();
            outline.test_modules.iter().map(inside).collect::<Vec<_>>()
        })
        .collect();
    read.retain(|(source, _)| !tests.iter().any(|test| module(&source.path).starts_with(test)));
    read
}

/// Every path in a text.
pub fn mentions(path: &str, text: &str) -> Vec<Mention> {
    outline(path, text).mentions
}

/// The module a file is, from the root of its crate.
pub fn module(path: &str) -> Vec<String> {
    let path = path.strip_suffix(".rs").unwrap_or(path);
    let parts = path.split('/').filter(|part| !matches!(*part, "mod" | "lib" | "main"));
    std::iter::once("crate").chain(parts).map(str::to_owned).collect()
}

/// Whether attributes compile an item for tests only.
pub fn is_for_tests(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        let condition = || attribute.meta.require_list().is_ok_and(|list| list.tokens.to_string() == "test");
        attribute.path().is_ident("test") || (attribute.path().is_ident("cfg") && condition())
    })
}

/// An item's attributes.
pub fn attributes(item: &Item) -> &[Attribute] {
    match item {
        Item::Const(item) => &item.attrs,
        Item::Enum(item) => &item.attrs,
        Item::Fn(item) => &item.attrs,
        Item::Impl(item) => &item.attrs,
        Item::Macro(item) => &item.attrs,
        Item::Mod(item) => &item.attrs,
        Item::Static(item) => &item.attrs,
        Item::Struct(item) => &item.attrs,
        Item::Trait(item) => &item.attrs,
        Item::Type(item) => &item.attrs,
        Item::Use(item) => &item.attrs,
        _ => &[],
    }
}

/// The names that an item declares. A server function declares a type too.
fn declared(item: &Item) -> Vec<String> {
    match item {
        Item::Const(item) => vec![name(&item.ident)],
        Item::Enum(item) => vec![name(&item.ident)],
        Item::Fn(item) => {
            let name = name(&item.sig.ident);
            let words = name.split('_').map(|word| word[..1].to_uppercase() + &word[1..]);
            let server = item.attrs.iter().any(|attribute| attribute.path().is_ident("server"));
            server.then(|| words.collect()).into_iter().chain([name]).collect()
        }
        Item::Macro(item) => match &item.ident {
            Some(ident) => vec![name(ident)],
            None => idents(&item.mac.tokens),
        },
        Item::Static(item) => vec![name(&item.ident)],
        Item::Struct(item) => vec![name(&item.ident)],
        Item::Trait(item) => vec![name(&item.ident)],
        Item::Type(item) => vec![name(&item.ident)],
        _ => Vec::new(),
    }
}

fn idents(tokens: &TokenStream) -> Vec<String> {
    let ident = |token| if let TokenTree::Ident(ident) = token { Some(name(&ident)) } else { None };
    tokens.clone().into_iter().filter_map(ident).collect()
}

fn name(ident: &Ident) -> String {
    ident.unraw().to_string()
}

#[derive(Default)]
struct Reader {
    /// The module that the file is.
    file: Vec<String>,
    /// The modules inside it that are being read.
    modules: Vec<String>,
    /// How many tests and macro definitions are being read, one inside another.
    apart: usize,
    outline: Outline,
}

impl Reader {
    fn add(&mut self, names: Vec<String>, span: Span, import: Option<(String, bool)>) {
        let (alias, is_reexport) = import.map_or((None, false), |(alias, is_reexport)| (Some(alias), is_reexport));
        self.outline.mentions.push(Mention {
            path: self.resolve(names),
            line: span.start().line,
            alias,
            is_reexport,
            is_apart: self.apart > 0,
        });
    }

    fn add_path(&mut self, names: Vec<String>, span: Span) {
        if names.len() > 1 {
            self.add(names, span, None);
        } else if self.apart == 0 {
            self.outline.names.extend(names);
        }
    }

    fn resolve(&self, mut names: Vec<String>) -> Vec<String> {
        let ups = names.iter().take_while(|name| matches!(name.as_str(), "self" | "super")).count();
        let mut from = match names.first().map(String::as_str) {
            Some("aldis") => return std::iter::once("crate".to_owned()).chain(names.drain(1..)).collect(),
            Some("self" | "super") => [&self.file[..], &self.modules].concat(),
            _ => return names,
        };
        for name in names.drain(..ups) {
            from.truncate(from.len() - usize::from(name == "super"));
        }
        from.append(&mut names);
        from
    }

    fn add_tree(&mut self, tree: &UseTree, prefix: &[String], is_reexport: bool) {
        let (names, alias) = match tree {
            UseTree::Path(path) => {
                return self.add_tree(&path.tree, &[prefix, &[name(&path.ident)]].concat(), is_reexport);
            }
            UseTree::Group(group) => {
                return group.items.iter().for_each(|tree| self.add_tree(tree, prefix, is_reexport));
            }
            UseTree::Glob(_) => ([prefix, &["*".to_owned()]].concat(), "*".to_owned()),
            UseTree::Name(one) if one.ident == "self" => {
                (prefix.to_vec(), prefix.last().expect("a name before it").clone())
            }
            UseTree::Rename(one) if one.ident == "self" => (prefix.to_vec(), name(&one.rename)),
            UseTree::Name(one) => ([prefix, &[name(&one.ident)]].concat(), name(&one.ident)),
            UseTree::Rename(one) => ([prefix, &[name(&one.ident)]].concat(), name(&one.rename)),
        };
        self.add(names, tree.span(), Some((alias, is_reexport)));
    }

    /// Reads the arguments of a macro, which are only tokens.
    fn read(&mut self, tokens: TokenStream) {
        let tokens: Vec<TokenTree> = tokens.into_iter().collect();
        let is_colon = |at: usize| matches!(tokens.get(at), Some(TokenTree::Punct(punct)) if punct.as_char() == ':');
        let mut at = 0;
        while let Some(token) = tokens.get(at) {
            at += 1;
            match token {
                TokenTree::Group(group) => self.read(group.stream()),
                TokenTree::Ident(first) => {
                    let mut names = vec![name(first)];
                    while is_colon(at) && is_colon(at + 1) {
                        let Some(TokenTree::Ident(next)) = tokens.get(at + 2) else { break };
                        names.push(name(next));
                        at += 3;
                    }
                    self.add_path(names, first.span());
                }
                _ => {}
            }
        }
    }
}

impl<'ast> Visit<'ast> for Reader {
    fn visit_item(&mut self, item: &'ast Item) {
        let is_test = is_for_tests(attributes(item));
        if let Item::Mod(ItemMod { ident, content: None, .. }) = item
            && is_test
        {
            self.outline.test_modules.insert(name(ident));
        }
        let is_apart = is_test || matches!(item, Item::Macro(item) if item.ident.is_some());
        self.apart += usize::from(is_apart);
        visit::visit_item(self, item);
        self.apart -= usize::from(is_apart);
    }

    fn visit_impl_item(&mut self, item: &'ast ImplItem) {
        let is_test = matches!(item, ImplItem::Fn(item) if is_for_tests(&item.attrs));
        self.apart += usize::from(is_test);
        visit::visit_impl_item(self, item);
        self.apart -= usize::from(is_test);
    }

    fn visit_item_mod(&mut self, module: &'ast ItemMod) {
        self.modules.push(name(&module.ident));
        visit::visit_item_mod(self, module);
        self.modules.pop();
    }

    fn visit_item_use(&mut self, item: &'ast ItemUse) {
        self.add_tree(&item.tree, &[], !matches!(item.vis, Visibility::Inherited));
    }

    /// The scope of a visibility is no dependency.
    fn visit_vis_restricted(&mut self, _: &'ast VisRestricted) {}

    fn visit_path(&mut self, path: &'ast syn::Path) {
        self.add_path(path.segments.iter().map(|segment| name(&segment.ident)).collect(), path.span());
        visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, call: &'ast Macro) {
        self.visit_path(&call.path);
        self.read(call.tokens.clone());
    }

    fn visit_meta_list(&mut self, list: &'ast MetaList) {
        self.visit_path(&list.path);
        self.read(list.tokens.clone());
    }
}

#[test]
fn paths_are_found_in_trees_and_inline_and_from_above() {
    let text = "use std::{fmt, io::{self, Read as _}};\nuse super::{store::Scope, super::live};\n\
                fn f(x: crate::app::App) { axum::serve::<T>(); view! { <p>{super::clock::now()}</p> } }\n\
                mod inner { use super::super::audit; }";
    let found: Vec<String> = mentions("server/domain/tx.rs", text).iter().map(|found| found.path.join("::")).collect();
    for expected in [
        "std::fmt",
        "std::io",
        "std::io::Read",
        "crate::server::domain::store::Scope",
        "crate::server::live",
        "crate::app::App",
        "axum::serve",
        "crate::server::domain::clock::now",
        "crate::server::domain::audit",
    ] {
        assert!(found.iter().any(|path| path == expected), "{expected} is not in {found:?}");
    }
}
