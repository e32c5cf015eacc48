//! Rules that the repository does not follow yet. Once a test passes, move it to the file of its rule.

use super::{citations, language, rooms, sources};

#[test]
fn everything_that_is_cited_is_defined() {
    let faults = citations::faults(&citations::citing(), &citations::definitions());
    assert!(faults.is_empty(), "{} citations lead nowhere:\n{}", faults.len(), faults.join("\n"));
}

#[test]
fn the_map_names_every_module_of_the_server() {
    let text = |path: &str| sources::files(&[path], &[".rs", ".md"]).pop().expect("a file").text;
    let missing = rooms::unmapped(&text("src/server/mod.rs"), &text("README.md"));
    assert!(missing.is_empty(), "README.md does not name {}", missing.join(", "));
}

#[test]
fn every_text_is_plain_english() {
    let (faults, counts) = language::faults(&language::texts());
    let (count, table) = (faults.len(), language::table(&counts));
    assert!(faults.is_empty(), "{}\n{count} phrases:\n{table}", faults.join("\n"));
}
