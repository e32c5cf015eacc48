//! Dependency cycles: files that refer to each other, directly or through others.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    outline::{Mention, Outline, module, outside_tests},
    sources::{Source, all},
};

/// The most cycles there may be.
const CIRCLES_MAX: usize = 2;

/// The dependencies of each file: for each other file the names it uses, and the line of their first use.
type Arrows<'a> = BTreeMap<&'a str, BTreeMap<&'a str, BTreeMap<String, usize>>>;

/// The modules outside tests that have a file of their own.
struct Modules<'a>(BTreeMap<Vec<String>, (&'a str, Outline)>);

/// The lookups already made to resolve a path, so that imports of each other come to an end.
type Seen = BTreeSet<(Vec<String>, Vec<String>)>;

/// What a path resolves to: a module, and a name in it unless the path ends there.
type Place = (Vec<String>, Option<String>);

impl<'a> Modules<'a> {
    fn read(sources: &'a [Source]) -> Self {
        let of = |(source, outline): (&'a Source, _)| (module(&source.path), (source.path.as_str(), outline));
        Self(outside_tests(sources).into_iter().map(of).collect())
    }

    /// Resolves a path in a module; `None` for a path into another crate.
    fn locate(&self, module: &[String], path: &[String], seen: &mut Seen) -> Option<Place> {
        let root = ["crate".to_owned()];
        if path.first() == root.first() { self.walk(&root, &path[1..], seen) } else { self.known(module, path, seen) }
    }

    /// Resolves a path from a module on.
    fn walk(&self, module: &[String], path: &[String], seen: &mut Seen) -> Option<Place> {
        let Some(name) = path.first() else { return Some((module.to_vec(), None)) };
        self.known(module, path, seen).or_else(|| Some((module.to_vec(), Some(name.clone()))))
    }

    /// Resolves a path whose first name the module has: as a module inside it, an item or an import.
    fn known(&self, module: &[String], path: &[String], seen: &mut Seen) -> Option<Place> {
        let (name, rest) = path.split_first()?;
        if !seen.insert((module.to_vec(), path.to_vec())) {
            return None;
        }
        let inside = join(module, std::slice::from_ref(name));
        if self.0.keys().any(|module| module.starts_with(&inside)) {
            return self.walk(&inside, rest, seen);
        }
        let (_, outline) = self.0.get(module)?;
        if outline.items.contains(name) {
            return Some((module.to_vec(), Some(name.clone())));
        }
        let imports = || outline.mentions.iter().filter(|mention| !mention.is_apart);
        if let Some(import) = imports().find(|mention| mention.alias.as_ref() == Some(name)) {
            return self.locate(module, &join(&import.path, rest), seen);
        }
        imports().filter_map(|import| import.path.strip_suffix(&["*".to_owned()])).find_map(|glob| {
            let (module, more) = self.locate(module, glob, seen)?;
            if more.is_none() { self.known(&module, path, seen) } else { None }
        })
    }

    /// Resolves a mention that is a dependency. A re-export is one only where its own file uses the name; the import of a
    /// module is not one where the paths through it are.
    fn target(&self, module: &[String], outline: &Outline, mention: &Mention) -> Option<Place> {
        let alias = mention.alias.as_ref();
        if mention.is_apart || (mention.is_reexport && !alias.is_some_and(|alias| outline.names.contains(alias))) {
            return None;
        }
        let path = mention.path.strip_suffix(&["*".to_owned()]).unwrap_or(&mention.path);
        let (target, name) = self.locate(module, path, &mut Seen::new())?;
        let goes_on = |other: &Mention| !other.is_apart && other.alias.is_none() && other.path.first() == alias;
        let is_start = alias.is_some() && name.is_none() && outline.mentions.iter().any(goes_on);
        (!is_start).then_some((target, name))
    }

    fn arrows(&self) -> Arrows<'a> {
        let mut arrows = Arrows::new();
        for (module, (file, outline)) in &self.0 {
            let of = arrows.entry(file).or_default();
            for mention in &outline.mentions {
                let Some((target, name)) = self.target(module, outline, mention) else { continue };
                if let Some((target, _)) = self.0.get(&target).filter(|(target, _)| target != file) {
                    let name = name.unwrap_or_else(|| "*".to_owned());
                    of.entry(target).or_default().entry(name).or_insert(mention.line);
                }
            }
        }
        arrows
    }
}

fn join(path: &[String], rest: &[String]) -> Vec<String> {
    [path, rest].concat()
}

/// The strongly connected components of more than one file.
fn circles<'a>(arrows: &Arrows<'a>) -> Vec<BTreeSet<&'a str>> {
    let reached: BTreeMap<&str, BTreeSet<&str>> = arrows.keys().map(|file| (*file, reach(arrows, file))).collect();
    let rings = reached.iter().filter(|(file, others)| others.contains(*file)).map(|(file, others)| {
        others.iter().copied().filter(|other| reached[other].contains(file)).collect::<BTreeSet<_>>()
    });
    let rings: BTreeSet<_> = rings.collect();
    rings.into_iter().collect()
}

/// The files that one depends on, directly or through others.
fn reach<'a>(arrows: &Arrows<'a>, from: &'a str) -> BTreeSet<&'a str> {
    let mut reached = BTreeSet::new();
    let mut next = vec![from];
    while let Some(file) = next.pop() {
        next.extend(arrows[file].keys().filter(|target| reached.insert(**target)));
    }
    reached
}

/// The room of a file: a folder directly below one of these, or its loose files.
fn room(path: &str) -> &str {
    let houses = ["server/domain/", "server/", "app/", "model/"];
    let house = houses.iter().find(|house| path.starts_with(**house)).map_or(0, |house| house.len());
    path[house..].find('/').map_or(&path[..house], |end| &path[..house + end])
}

/// A cycle with its dependencies, for a person.
fn drawn(circle: &BTreeSet<&str>, arrows: &Arrows) -> String {
    let mut lines = vec![format!("a cycle of {} files:", circle.len())];
    for file in circle {
        for (target, names) in arrows[file].iter().filter(|(target, _)| circle.contains(*target)) {
            let names: Vec<String> = names.iter().map(|(name, line)| format!("{name} ({line})")).collect();
            lines.push(format!("  {file} -> {target}: {}", names.join(", ")));
        }
    }
    lines.join("\n")
}

/// All cycles, and those that span several rooms.
fn found(sources: &[Source]) -> (Vec<String>, Vec<String>) {
    let modules = Modules::read(sources);
    let arrows = modules.arrows();
    let circles = circles(&arrows);
    let crosses = |circle: &&BTreeSet<&str>| circle.iter().map(|file| room(file)).collect::<BTreeSet<_>>().len() > 1;
    let crossing = circles.iter().filter(crosses).map(|circle| drawn(circle, &arrows)).collect();
    (circles.iter().map(|circle| drawn(circle, &arrows)).collect(), crossing)
}

#[test]
fn files_do_not_name_each_other_in_circles() {
    let (circles, crossing) = found(&all());
    println!("{}", circles.join("\n"));
    assert!(circles.len() <= CIRCLES_MAX, "{} cycles, not {CIRCLES_MAX}:\n{}", circles.len(), circles.join("\n"));
    assert!(crossing.is_empty(), "{} cycles span several rooms:\n{}", crossing.len(), crossing.join("\n"));
}

#[test]
fn planted_circles_are_found() {
    let ring = |files: &[(&str, &str)]| {
        let sources: Vec<Source> = files.iter().copied().map(Source::planted).collect();
        let (circles, crossing) = found(&sources);
        (circles.len(), crossing.len())
    };
    for (expected, files) in [
        ((1, 0), &[("model/a.rs", "use crate::model::b::B;"), ("model/b.rs", "fn f() { super::a::g() }")][..]),
        ((1, 0), &[("model/a.rs", "use super::b;\nfn f() { b::g() }"), ("model/b.rs", "use super::a::*;")]),
        // Through re-exports.
        (
            (1, 0),
            &[
                ("model/mod.rs", "pub use a::{A, C as D};\npub use b::*;"),
                ("model/a.rs", "use crate::model::B;\npub struct A;\npub struct C;"),
                ("model/b.rs", "use crate::model::D;\npub struct B;"),
            ],
        ),
        // A `mod.rs` is part of it when it uses what it re-exports, or a module inside it.
        (
            (1, 0),
            &[("model/mod.rs", "pub use a::A;\npub struct B(A);"), ("model/a.rs", "use super::B;\npub struct A;")],
        ),
        ((1, 0), &[("model/mod.rs", "pub struct B(a::A);"), ("model/a.rs", "use super::B;\npub struct A;")]),
        ((1, 1), &[("server/auth/a.rs", "use crate::server::live::L;"), ("server/live.rs", "use super::auth::a::A;")]),
        (
            (1, 1),
            &[
                ("server/domain/x/a.rs", "use crate::server::domain::b::B;"),
                ("server/domain/b.rs", "view! { <super::x::a::A/> }"),
            ],
        ),
    ] {
        assert_eq!(ring(files), expected, "{files:?}");
    }
    for files in [
        &[
            ("model/mod.rs", "mod a;\nmod b;\npub use a::A;\npub use b::B;"),
            ("model/a.rs", "use super::B;\npub struct A;"),
            ("model/b.rs", "pub struct B;"),
        ][..],
        &[
            ("model/a.rs", "use super::b::B;\npub struct A;"),
            ("model/b.rs", "#[cfg(test)]\nmod tests { use crate::model::a::A; }\n// super::a::A"),
        ],
        &[("model/a.rs", "use super::a_tests::B;\npub struct A;"), ("model/a_tests.rs", "use super::a::A;")],
        &[("model/a.rs", "use b::B;\nuse std::a;"), ("model/b.rs", "use super::a::A;")],
    ] {
        assert_eq!(ring(files), (0, 0), "{files:?}");
    }
}
