//! The sources as text, and what they name: enough of a reader of Rust to hold the rules of the house.

use std::{fs, path::Path};

/// A source file: its path below `src`, and its text.
pub struct Source {
    pub path: String,
    pub text: String,
}

/// Every source of this package.
pub fn all() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found = Vec::new();
    collect(&root, &root, &mut found);
    assert!(found.len() > 60, "only {} sources were found", found.len());
    found
}

fn collect(root: &Path, folder: &Path, into: &mut Vec<Source>) {
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            collect(root, &path, into);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let name = path.strip_prefix(root).expect("below").to_string_lossy().replace('\\', "/");
            into.push(Source { path: name, text: fs::read_to_string(&path).expect("text") });
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
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let (length, keep) = match first {
            '/' if rest.starts_with("//") => (rest.find('\n').unwrap_or(rest.len()), false),
            '/' if rest.starts_with("/*") => (block_comment(rest), false),
            '"' => (string(rest), without == Without::Comments),
            'r' | 'b' | 'c' if raw_string(rest).is_some() && !ends_in_word(&out) => {
                (raw_string(rest).unwrap_or(1), without == Without::Comments)
            }
            '\'' => (character(rest), without == Without::Comments),
            other => (other.len_utf8(), true),
        };
        let (part, after) = rest.split_at(length);
        if keep {
            out.push_str(part);
        } else {
            out.extend(part.chars().map(|c| if c == '\n' { '\n' } else { ' ' }));
        }
        rest = after;
    }
    out
}

fn ends_in_word(text: &str) -> bool {
    text.ends_with(|c: char| c.is_alphanumeric() || c == '_')
}

fn block_comment(text: &str) -> usize {
    let (mut depth, mut at) = (0, 0);
    while at < text.len() {
        let rest = &text[at..];
        if rest.starts_with("/*") {
            depth += 1;
            at += 2;
        } else if rest.starts_with("*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return at;
            }
        } else {
            at += rest.chars().next().map_or(1, char::len_utf8);
        }
    }
    text.len()
}

/// The length of a string that begins with a quote.
fn string(text: &str) -> usize {
    let mut is_escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            _ if is_escaped => is_escaped = false,
            '\\' => is_escaped = true,
            '"' => return at + 1,
            _ => {}
        }
    }
    text.len()
}

fn raw_string(text: &str) -> Option<usize> {
    let after = text.strip_prefix("br").or_else(|| text.strip_prefix("cr")).or_else(|| text.strip_prefix('r'))?;
    let hashes = after.len() - after.trim_start_matches('#').len();
    let body = after[hashes..].strip_prefix('"')?;
    let end = format!("\"{}", "#".repeat(hashes));
    let close = body.find(&end)?;
    Some(text.len() - body.len() + close + end.len())
}

/// The length of a character, or of the quote alone before a lifetime.
fn character(text: &str) -> usize {
    let mut chars = text.char_indices().skip(1);
    match chars.next() {
        Some((_, '\\')) => text[2..].char_indices().skip(1).find(|(_, c)| *c == '\'').map_or(1, |(at, _)| at + 3),
        Some(_) => match chars.next() {
            Some((at, '\'')) => at + 1,
            _ => 1,
        },
        None => 1,
    }
}

fn words(code: &str) -> Vec<&str> {
    let mut words = Vec::new();
    let mut rest = code.trim_start();
    while let Some(first) = rest.chars().next() {
        let length = if first.is_alphabetic() || first == '_' {
            rest.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(rest.len())
        } else if rest.starts_with("::") {
            2
        } else {
            first.len_utf8()
        };
        words.push(&rest[..length]);
        rest = rest[length..].trim_start();
    }
    words
}

fn is_name(word: &str) -> bool {
    word.starts_with(|c: char| c.is_alphabetic() || c == '_')
}

/// Every path the code names, from the root of its crate: in `use` trees and inline, `self` and `super` resolved.
pub fn mentions(path: &str, text: &str) -> Vec<Vec<String>> {
    let code = code(text, Without::CommentsAndStrings);
    let words = words(&code);
    let mut found = Vec::new();
    let mut at = 0;
    while at < words.len() {
        // `+ use<'a>` in a type is no tree.
        if words[at] == "use" && words.get(at + 1) != Some(&"<") {
            at = tree(&words, at + 1, &[], &mut found);
        } else if is_name(words[at]) && words.get(at + 1) == Some(&"::") {
            let mut path = vec![words[at]];
            while words.get(at + 1) == Some(&"::") && words.get(at + 2).is_some_and(|word| is_name(word)) {
                path.push(words[at + 2]);
                at += 2;
            }
            found.push(path);
            at += 1;
        } else {
            at += 1;
        }
    }
    found.into_iter().map(|mention| resolve(path, &mention)).collect()
}

/// Reads a `use` tree from `at`, and gives the place behind it.
fn tree<'a>(words: &[&'a str], mut at: usize, prefix: &[&'a str], found: &mut Vec<Vec<&'a str>>) -> usize {
    let mut path = prefix.to_vec();
    while let Some(&word) = words.get(at) {
        match word {
            "{" => {
                at += 1;
                while words.get(at).is_some_and(|word| *word != "}") {
                    at = tree(words, at, &path, found);
                    at += usize::from(words.get(at) == Some(&","));
                }
                return at + 1;
            }
            "," | "}" | ";" => break,
            "as" => at += 1,
            name if is_name(name) => path.push(name),
            _ => {}
        }
        at += 1;
    }
    found.push(path);
    at
}

/// The module a file is.
fn module(path: &str) -> Vec<String> {
    let path = path.strip_suffix(".rs").unwrap_or(path);
    let parts = path.split('/').filter(|part| !matches!(*part, "mod" | "lib" | "main"));
    std::iter::once("crate").chain(parts).map(str::to_owned).collect()
}

fn resolve(path: &str, mention: &[&str]) -> Vec<String> {
    let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    let mut here = module(path);
    match mention.first() {
        Some(&"aldis") => {
            here.truncate(1);
            here.extend(owned(&mention[1..]));
            here
        }
        Some(&("self" | "super")) => {
            let mut rest = mention;
            while let Some((first, after)) = rest.split_first() {
                match *first {
                    "super" => _ = here.pop(),
                    "self" => {}
                    _ => break,
                }
                rest = after;
            }
            here.extend(owned(rest));
            here
        }
        _ => owned(mention),
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
    assert!(code.contains("fn f< a>(c: char) { c =="), "{code}");
}

#[test]
fn paths_are_found_in_trees_and_inline_and_from_above() {
    let text = "use std::{fmt, io::{self, Read as _}};\nuse super::{store::Scope, super::live};\n\
                fn f(x: crate::app::App) { axum::serve::<T>(); }";
    let found: Vec<String> = mentions("server/domain/tx.rs", text).iter().map(|path| path.join("::")).collect();
    for expected in
        ["std::fmt", "std::io::Read", "crate::server::domain::store::Scope", "crate::app::App", "axum::serve"]
    {
        assert!(found.iter().any(|path| path == expected), "{expected} is not in {found:?}");
    }
}
