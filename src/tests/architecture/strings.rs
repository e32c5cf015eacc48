//! Finds the strings that users and operators see: in views, errors, logs, emails, `--help` and the OpenAPI document.

use proc_macro2::{Delimiter, Group, Span, TokenStream, TokenTree};
use syn::{
    Attribute, BinOp, Block, Expr, ExprBinary, ExprCall, ExprMethodCall, Field, ImplItem, Item, Lit, LitStr, Macro,
    Pat, Token, Variant,
    parse::Parser as _,
    punctuated::Punctuated,
    spanned::Spanned as _,
    visit::{self, Visit},
};

use super::{
    outline::{attributes, is_for_tests},
    sources::Source,
    texts::is_text,
};

/// Macros whose strings are for developers.
const DEVELOPERS: [&str; 8] =
    ["assert", "assert_eq", "assert_ne", "debug_assert", "debug_assert_eq", "matches", "panic", "unreachable"];
/// Methods and functions whose arguments users never see.
const UNSEEN: [&str; 12] = [
    "Seal::new",
    "digest",
    "expect",
    "expect_err",
    "from_schema_name",
    "from_static",
    "key",
    "link_rel",
    "query_selector",
    "strip_prefix",
    "strip_suffix",
    "trim_start_matches",
];
/// HTML attributes and attribute arguments that users never see.
const UNSEEN_VALUES: [&str; 14] = [
    "class",
    "content",
    "d",
    "href",
    "id",
    "media",
    "name",
    "operation_id",
    "path",
    "reason",
    "sizes",
    "tag",
    "transform",
    "viewBox",
];
/// Attributes whose strings users see: in the OpenAPI document, in `--help`, in errors and as defaults of props.
const SEEN_ATTRIBUTES: [&str; 9] =
    ["arg", "command", "error", "into_params", "openapi", "param", "path", "prop", "schema"];
/// Derives that show the doc comments of fields and variants to users.
const SEEN_DOCS: [&str; 7] = ["Args", "IntoParams", "OpenApi", "Parser", "Subcommand", "ToSchema", "ValueEnum"];
/// Those that show the doc comment of the type too.
const SEEN_TYPES: [&str; 3] = ["IntoParams", "Parser", "ToSchema"];
/// Macros that declare types with `ToSchema`.
const SEEN_MACROS: [&str; 2] = ["id", "wire_enum"];

/// The texts of a file, in order.
pub fn texts(source: &Source) -> Vec<String> {
    let mut collector = Collector::default();
    collector.visit_file(&syn::parse_file(&source.text).expect("Rust"));
    collector.found.sort();
    collector.found.into_iter().map(|(_, text)| text).collect()
}

#[derive(Default)]
struct Collector {
    /// Each with its line and column.
    found: Vec<((usize, usize), String)>,
}

impl Collector {
    fn add(&mut self, span: Span, text: &str) {
        let start = span.start();
        let text = text.trim().replace('\n', "\\n");
        self.found.push(((start.line, start.column), text));
    }

    /// Adds doc comments as one text.
    fn add_docs(&mut self, attributes: &[Attribute]) {
        let mut lines = Vec::new();
        for attribute in attributes.iter().filter(|attribute| attribute.path().is_ident("doc")) {
            if let Ok(syn::MetaNameValue { value: Expr::Lit(syn::ExprLit { lit: Lit::Str(line), .. }), .. }) =
                attribute.meta.require_name_value()
            {
                lines.push((attribute.span(), line.value().trim().to_owned()));
            }
        }
        if let Some((span, _)) = lines.first() {
            self.add(*span, &paragraphs(lines.iter().map(|(_, line)| line.as_str())));
        }
    }

    /// Reads the tokens in a pair of delimiters: as statements, as arguments or one by one.
    fn read_group(&mut self, delimiter: Delimiter, tokens: TokenStream) {
        let arguments = Punctuated::<Expr, Token![,]>::parse_terminated;
        if let Ok(statements) = Block::parse_within.parse2(tokens.clone())
            && delimiter == Delimiter::Brace
        {
            for statement in &statements {
                self.visit_stmt(statement);
            }
        } else if let Ok(arguments) = arguments.parse2(tokens.clone()) {
            arguments.iter().for_each(|argument| self.visit_expr(argument));
        } else {
            self.read_tokens(tokens, false);
        }
    }

    /// Reads tokens one by one; `with_docs` includes their doc comments.
    fn read_tokens(&mut self, tokens: TokenStream, with_docs: bool) {
        let tokens: Vec<TokenTree> = tokens.into_iter().collect();
        let mut docs = Vec::new();
        for (at, token) in tokens.iter().enumerate() {
            let before = |back: usize| at.checked_sub(back).map(|at| tokens[at].to_string()).unwrap_or_default();
            let is_unseen = || match before(1).as_str() {
                "!" => DEVELOPERS.contains(&before(2).as_str()),
                "=" => UNSEEN_VALUES.contains(&before(2).as_str()),
                name => UNSEEN.contains(&name),
            };
            match token {
                TokenTree::Group(group) if before(1) == "#" => docs.extend(doc(group)),
                TokenTree::Group(group) if before(1) == "!" && before(2) == "view" => self.read_view(group.stream()),
                TokenTree::Group(group) if !is_unseen() => self.read_tokens(group.stream(), with_docs),
                TokenTree::Literal(literal) if !is_unseen() => {
                    if let Lit::Str(text) = Lit::new(literal.clone()) {
                        self.visit_lit_str(&text);
                    }
                }
                _ => {}
            }
            if !matches!(token, TokenTree::Punct(_)) && before(1) != "#" && !docs.is_empty() {
                let (spans, lines): (Vec<Span>, Vec<String>) = docs.drain(..).unzip();
                if with_docs {
                    self.add(spans[0], &paragraphs(lines.iter().map(String::as_str)));
                }
            }
        }
    }

    /// Reads markup: elements with attributes, text, and Rust in braces.
    fn read_view(&mut self, tokens: TokenStream) {
        let tokens: Vec<TokenTree> = tokens.into_iter().collect();
        let (mut is_in_tag, mut attribute) = (false, String::new());
        for (at, token) in tokens.iter().enumerate() {
            let before = |back: usize| at.checked_sub(back).map(|at| tokens[at].to_string()).unwrap_or_default();
            let is_unseen = is_in_tag && UNSEEN_VALUES.contains(&attribute.as_str());
            match token {
                TokenTree::Punct(punct) if punct.as_char() == '<' => is_in_tag = true,
                TokenTree::Punct(punct) if punct.as_char() == '>' && !matches!(before(1).as_str(), "=" | "-") => {
                    (is_in_tag, attribute) = (false, String::new());
                }
                TokenTree::Punct(punct) if punct.as_char() == '=' && is_in_tag => attribute = before(1),
                TokenTree::Group(group) if !is_unseen => self.read_group(group.delimiter(), group.stream()),
                TokenTree::Literal(literal) if !is_unseen => {
                    let Lit::Str(text) = Lit::new(literal.clone()) else { continue };
                    let value = text.value();
                    if is_text(&value) || (!is_in_tag && value.contains(char::is_alphabetic)) {
                        self.add(text.span(), &value);
                    }
                }
                _ => {}
            }
        }
    }
}

/// The line of a doc comment, from the attribute's brackets.
fn doc(group: &Group) -> Option<(Span, String)> {
    let tokens: Vec<TokenTree> = group.stream().into_iter().collect();
    match &tokens[..] {
        [TokenTree::Ident(doc), _, TokenTree::Literal(line)] if doc == "doc" => match Lit::new(line.clone()) {
            Lit::Str(line) => Some((group.span(), line.value().trim().to_owned())),
            _ => None,
        },
        _ => None,
    }
}

/// Joins the lines of a doc comment into paragraphs.
fn paragraphs<'a>(lines: impl Iterator<Item = &'a str>) -> String {
    let lines: Vec<&str> = lines.map(|line| if line.is_empty() { "\n\n" } else { line }).collect();
    lines.join(" ").replace(" \n\n ", "\n\n")
}

/// The last name of a path.
fn last(path: &syn::Path) -> String {
    path.segments.last().map(|segment| segment.ident.to_string()).unwrap_or_default()
}

/// Whether attributes derive one of these.
fn derives(attributes: &[Attribute], names: &[&str]) -> bool {
    let derives = attributes.iter().filter(|attribute| attribute.path().is_ident("derive"));
    let mut lists = derives
        .filter_map(|attribute| attribute.parse_args_with(Punctuated::<syn::Path, Token![,]>::parse_terminated).ok());
    lists.any(|list| list.iter().any(|path| names.contains(&last(path).as_str())))
}

/// Adds the doc comments of fields and variants.
struct Docs<'a>(&'a mut Collector);

impl<'ast> Visit<'ast> for Docs<'_> {
    fn visit_field(&mut self, field: &'ast Field) {
        self.0.add_docs(&field.attrs);
    }

    fn visit_variant(&mut self, variant: &'ast Variant) {
        self.0.add_docs(&variant.attrs);
        visit::visit_variant(self, variant);
    }
}

impl<'ast> Visit<'ast> for Collector {
    fn visit_item(&mut self, item: &'ast Item) {
        let attributes = attributes(item);
        if is_for_tests(attributes) {
            return;
        }
        if derives(attributes, &SEEN_TYPES) || attributes.iter().any(|attribute| last(attribute.path()) == "path") {
            self.add_docs(attributes);
        }
        if derives(attributes, &SEEN_DOCS) {
            Docs(self).visit_item(item);
        }
        match item {
            Item::Macro(call) if SEEN_MACROS.contains(&last(&call.mac.path).as_str()) => {
                self.read_tokens(call.mac.tokens.clone(), true);
            }
            _ => visit::visit_item(self, item),
        }
    }

    fn visit_impl_item(&mut self, item: &'ast ImplItem) {
        if !matches!(item, ImplItem::Fn(item) if is_for_tests(&item.attrs)) {
            visit::visit_impl_item(self, item);
        }
    }

    fn visit_attribute(&mut self, attribute: &'ast Attribute) {
        if SEEN_ATTRIBUTES.contains(&last(attribute.path()).as_str())
            && let Ok(list) = attribute.meta.require_list()
        {
            self.read_tokens(list.tokens.clone(), false);
        }
    }

    /// A string that is only compared is no text.
    fn visit_expr_binary(&mut self, comparison: &'ast ExprBinary) {
        let is_string = |side: &Expr| matches!(side, Expr::Lit(literal) if matches!(literal.lit, Lit::Str(_)));
        let is_comparison = matches!(comparison.op, BinOp::Eq(_) | BinOp::Ne(_));
        for side in [&comparison.left, &comparison.right] {
            if !(is_comparison && is_string(side)) {
                self.visit_expr(side);
            }
        }
    }

    fn visit_pat(&mut self, pattern: &'ast Pat) {
        if !matches!(pattern, Pat::Lit(_)) {
            visit::visit_pat(self, pattern);
        }
    }

    fn visit_expr_method_call(&mut self, call: &'ast ExprMethodCall) {
        self.visit_expr(&call.receiver);
        if !UNSEEN.contains(&call.method.to_string().as_str()) {
            call.args.iter().for_each(|argument| self.visit_expr(argument));
        }
    }

    fn visit_expr_call(&mut self, call: &'ast ExprCall) {
        let names = |path: &syn::Path| path.segments.iter().map(|part| part.ident.to_string()).collect::<Vec<_>>();
        let name = if let Expr::Path(path) = &*call.func { names(&path.path).join("::") } else { String::new() };
        if !UNSEEN.iter().any(|unseen| name == *unseen || name.ends_with(&format!("::{unseen}"))) {
            visit::visit_expr_call(self, call);
        }
    }

    fn visit_macro(&mut self, call: &'ast Macro) {
        match last(&call.path).as_str() {
            "view" => self.read_view(call.tokens.clone()),
            name if DEVELOPERS.contains(&name) => {}
            _ => self.read_group(Delimiter::Parenthesis, call.tokens.clone()),
        }
    }

    fn visit_lit_str(&mut self, text: &'ast LitStr) {
        if is_text(&text.value()) {
            self.add(text.span(), &text.value());
        }
    }
}
