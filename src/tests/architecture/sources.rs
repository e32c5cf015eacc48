//! Reads source files, and splits them into code, strings and comments.

use std::{fs, ops::Range, path::Path};

use proc_macro2::{Delimiter, TokenStream, TokenTree};

/// A text file: its path below `src`, or for [`files`] from the root of the repository, and its text.
#[derive(Clone)]
pub struct Source {
    pub path: String,
    pub text: String,
}

impl Source {
    /// A file that exists only in a test.
    pub fn planted((path, text): (&str, &str)) -> Self {
        Self { path: path.to_owned(), text: text.to_owned() }
    }
}

/// The root of the repository.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Every source of this package.
pub fn all() -> Vec<Source> {
    let found = collect(&root().join("src"), &root().join("src"), &|name| extension(name) == ".rs");
    assert!(found.len() > 60, "only {} sources were found", found.len());
    found
}

/// The files in some places (files or folders) with one of these extensions, such as `.md`; an empty one means none.
pub fn files(places: &[&str], kinds: &[&str]) -> Vec<Source> {
    let is_wanted = |name: &str| kinds.contains(&extension(name));
    places.iter().flat_map(|place| collect(root(), &root().join(place), &is_wanted)).collect()
}

/// The end of a path from its last dot on.
pub fn extension(path: &str) -> &str {
    path.rfind('.').map_or("", |at| &path[at..])
}

fn collect(root: &Path, place: &Path, is_wanted: &dyn Fn(&str) -> bool) -> Vec<Source> {
    let name = place.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    if place.is_dir() && !["node_modules", "test-results", "playwright-report"].contains(&name.as_str()) {
        let mut places: Vec<_> =
            fs::read_dir(place).expect("a folder").map(|entry| entry.expect("an entry").path()).collect();
        places.sort();
        return places.iter().flat_map(|place| collect(root, place, is_wanted)).collect();
    }
    if !place.is_file() || !is_wanted(&name) {
        return Vec::new();
    }
    let path = place.strip_prefix(root).expect("below").to_string_lossy().replace('\\', "/");
    vec![Source { path, text: fs::read_to_string(place).expect("text") }]
}

/// What kind of text a token is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Code,
    /// The literal of a string or a character.
    Literal,
    /// A doc comment, which is an attribute to the compiler.
    Comment,
}

/// The tokens of a text and their bytes, in order. Between them is white space and comments.
fn tokens(text: &str) -> Vec<(Range<usize>, Kind)> {
    let stream = text.parse().unwrap_or_else(|error| panic!("{error}: {text}"));
    let mut found = Vec::new();
    list_tokens(text, stream, &mut found);
    found
}

fn list_tokens(text: &str, stream: TokenStream, found: &mut Vec<(Range<usize>, Kind)>) {
    let mut rest = stream.into_iter();
    while let Some(token) = rest.next() {
        let range = token.span().byte_range();
        match token {
            TokenTree::Punct(punct) if punct.as_char() == '#' && text[range.clone()].starts_with('/') => {
                // `#`, perhaps `!`, and the group with the text all have the span of the comment.
                rest.by_ref().find(|token| matches!(token, TokenTree::Group(_)));
                found.push((range, Kind::Comment));
            }
            TokenTree::Group(group) if group.delimiter() == Delimiter::None => list_tokens(text, group.stream(), found),
            TokenTree::Group(group) => {
                found.push((group.span_open().byte_range(), Kind::Code));
                list_tokens(text, group.stream(), found);
                found.push((group.span_close().byte_range(), Kind::Code));
            }
            TokenTree::Literal(_) if text[range.clone()].ends_with(['"', '\'', '#']) => {
                found.push((range, Kind::Literal));
            }
            _ => found.push((range, Kind::Code)),
        }
    }
}

/// What a reader of code leaves out.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Without {
    Comments,
    CommentsAndStrings,
}

/// The text with what is left out replaced by spaces; line ends stay.
pub fn code(text: &str, without: Without) -> String {
    let is_kept = |kind| kind == Kind::Code || (kind == Kind::Literal && without == Without::Comments);
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    for (range, _) in tokens(text).into_iter().filter(|(_, kind)| is_kept(*kind)) {
        out.extend(text[at..range.start].chars().map(|c| if c == '\n' { '\n' } else { ' ' }));
        out.push_str(&text[range.clone()]);
        at = range.end;
    }
    out.extend(text[at..].chars().map(|c| if c == '\n' { '\n' } else { ' ' }));
    out
}

/// The comments and strings of a text, with each token of code replaced by `¶`.
pub fn prose(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    for (range, _) in tokens(text).into_iter().filter(|(_, kind)| *kind == Kind::Code) {
        out.push_str(&text[at..range.start]);
        out.push('¶');
        at = range.end;
    }
    out + &text[at..]
}

/// A text without line breaks and comment markers, so that a phrase is found across lines.
pub struct Flow {
    pub text: String,
    /// Where each line of the file begins.
    starts: Vec<usize>,
}

impl Flow {
    pub fn of(text: &str) -> Self {
        let mut flow = Self { text: String::with_capacity(text.len()), starts: Vec::new() };
        for line in text.lines() {
            flow.starts.push(flow.text.len());
            let line = line.trim();
            let line = ["///", "//!", "//", "/**", "*/", "* ", "#", "--"]
                .iter()
                .find_map(|mark| line.strip_prefix(mark))
                .unwrap_or(line);
            flow.text.push_str(line.trim_end_matches('\\').trim());
            flow.text.push(' ');
        }
        flow
    }

    /// The line of the file, counted from 1, that holds this byte.
    pub fn line(&self, at: usize) -> usize {
        self.starts.partition_point(|start| *start <= at)
    }
}

#[test]
fn comments_and_strings_are_left_out_and_lifetimes_are_no_characters() {
    let text =
        "let a = \"x // \\\" y\"; // axum::\n/* /* */ */ fn f<'a>(c: char) { c == '\"' || c == '\\'' } r#\"\"x\"\"#";
    let code = code(text, Without::CommentsAndStrings);
    for gone in ["axum", "\"", "/*", "x", "y"] {
        assert!(!code.contains(gone), "{gone}: {code}");
    }
    assert!(code.contains("fn f<'a>(c: char) { c =="), "{code}");
}

#[test]
fn prose_is_what_is_no_code() {
    let text = "//! A ä.\n/** B. */\nfn f() -> u8 { g(\"c d\", 'e', 1) /* h */ }";
    assert_eq!(prose(text), "//! A ä.\n/** B. */\n¶ ¶¶¶ ¶¶ ¶ ¶ ¶¶\"c d\"¶ 'e'¶ ¶¶ /* h */ ¶");
}

#[test]
fn a_flow_goes_over_the_lines_of_a_comment() {
    let flow = Flow::of("/// One\n    /// two.\nlet a = \"b \\\n         c\";");
    assert_eq!(flow.text, "One two. let a = \"b c\"; ");
    assert_eq!([0, 4, 10, 20].map(|at| flow.line(at)), [1, 2, 3, 4]);
}
