//! Folder sizes, and the README's map of the server.

use std::collections::{BTreeMap, BTreeSet};

use super::sources::{Source, all, extension, files};

/// The most files in `src/server` itself, besides `mod.rs`.
const SERVER_FILES_MAX: usize = 8;
/// The most files and folders in `src/server/domain`.
const DOMAIN_ENTRIES_MAX: usize = 16;
/// The most files and folders in any other folder.
const ENTRIES_MAX: usize = 20;
/// The folder without a limit: each of its files is named after the type it declares.
const WIDE: &str = "model";

/// The files and folders in each folder of `src`.
fn entries(sources: &[Source]) -> BTreeMap<&str, BTreeSet<&str>> {
    let mut folders: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for mut entry in sources.iter().map(|source| source.path.as_str()) {
        while let Some((folder, _)) = entry.rsplit_once('/') {
            folders.entry(folder).or_default().insert(entry);
            entry = folder;
        }
        folders.entry("").or_default().insert(entry);
    }
    folders
}

/// Folders with too many entries.
fn crowded(sources: &[Source]) -> Vec<String> {
    let folders = entries(sources);
    let none = BTreeSet::new();
    let loose = folders.get("server").unwrap_or(&none).iter().filter(|entry| extension(entry) == ".rs").count();
    let mut faults = Vec::new();
    if loose > SERVER_FILES_MAX + 1 {
        faults.push(format!("src/server has {} files besides mod.rs, not {SERVER_FILES_MAX}", loose - 1));
    }
    for (folder, entries) in folders.iter().filter(|(folder, _)| **folder != WIDE) {
        let most = if *folder == "server/domain" { DOMAIN_ENTRIES_MAX } else { ENTRIES_MAX };
        if entries.len() > most {
            faults.push(format!("src/{folder} has {} entries, not {most}", entries.len()));
        }
    }
    faults
}

/// Modules of the server that no map (a `text` block) in the README lists as `module.rs` or `module/`.
fn unmapped(server: &str, readme: &str) -> Vec<String> {
    let maps = readme.split("```text\n").skip(1).filter_map(|rest| rest.split("```").next());
    let named: BTreeSet<&str> = maps.flat_map(str::split_whitespace).collect();
    let file = syn::parse_file(server).expect("Rust");
    let modules = file.items.iter().filter_map(|item| match item {
        syn::Item::Mod(module) => Some(module.ident.to_string()),
        _ => None,
    });
    let is_named = |module: &String| [".rs", "/"].iter().any(|end| named.contains(format!("{module}{end}").as_str()));
    modules.filter(|module| !is_named(module)).collect()
}

#[test]
fn no_folder_is_crowded() {
    let faults = crowded(&all());
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn the_map_names_every_module_of_the_server() {
    let text = |path: &str| files(&[path], &[".rs", ".md"]).pop().expect("a file").text;
    let missing = unmapped(&text("src/server/mod.rs"), &text("README.md"));
    assert!(missing.is_empty(), "README.md does not name {}", missing.join(", "));
}

#[test]
fn planted_crowds_are_found() {
    let folder = |folder: &str, count: usize| -> Vec<Source> {
        (0..count).map(|number| Source::planted((&format!("{folder}/f{number:02}.rs"), ""))).collect()
    };
    for (sources, count) in [
        (folder("server", 10), 1),
        (folder("server/domain", 17), 1),
        (folder("server/domain/incidents", 21), 1),
        (folder("app/pages", 21), 1),
        (folder("model/kinds", 21), 1),
        ((0..21).flat_map(|number| folder(&format!("tests/t{number}"), 1)).collect(), 1),
        (folder("server", 9), 0),
        ([folder("server", 9), folder("server/auth", 20)].concat(), 0),
        (folder("server/domain", 16), 0),
        (folder("model", 40), 0),
    ] {
        assert_eq!(crowded(&sources).len(), count, "{:?}", crowded(&sources));
    }
}

#[test]
fn planted_modules_are_missed_in_the_map() {
    let server = "mod auth;\npub mod domain;\n#[cfg(test)]\nmod serve;";
    let readme = "auth/ serve.rs\n```text\nsrc/server\n  domain/  rows    auth/  who\n  serve    x\n```\nserve.rs";
    assert_eq!(unmapped(server, readme), ["serve"]);
    assert_eq!(unmapped("mod auth;", readme), [] as [String; 0]);
}
