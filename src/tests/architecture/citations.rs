//! Citations: every cited domain rule, interface item and security requirement is defined in `docs`.

use std::{collections::BTreeSet, sync::LazyLock};

use regex::Regex;

use super::sources::{Flow, Source, files};

fn regex(pattern: &str) -> Regex {
    Regex::new(pattern).expect("a regular expression")
}

/// `domain rule 3.4.5`, `rules 3.1 and 3.2`, `rules 3.4.1 to 3.4.4`.
static RULES: LazyLock<Regex> = LazyLock::new(|| {
    regex(r"(?i)\brules? ((?:\d+\.\d+(?:\.\d+)?)(?:(?:, and |, or |, | and | or | to |–|-)\d+\.\d+(?:\.\d+)?)*)")
});
static RULE_TESTS: LazyLock<Regex> = LazyLock::new(|| regex(r"\brule_(\d+)_(\d+)(?:_(\d+))?_"));
static ITEMS: LazyLock<Regex> = LazyLock::new(|| regex(r"\b(?:UI|R)-\d+\b"));
static REQUIREMENT_TESTS: LazyLock<Regex> = LazyLock::new(|| regex(r"\bfn r_?(\d+)_"));
/// References to documents that are not in the repository.
static ABSENT: LazyLock<Regex> =
    LazyLock::new(|| regex(r"\b(?:product|house|stack|style)\.md\b|\b[Ss]tyle rules?\b|\bthe requirement's\b"));

/// The identifiers that the documents define: `3.4`, `3.4.5`, `UI-14`, `R-26`.
fn defined(domain: &str, interface: &str, security: &str) -> BTreeSet<String> {
    let patterns = [
        (domain, r"\*\*(\d+\.\d+(?:\.\d+)?)\b"),
        (domain, r"(?m)^#+ (\d+\.\d+)\b"),
        (interface, r"\*\*(UI-\d+)\b"),
        (security, r"\*\*(R-\d+)\b"),
        (security, r"(?m)^\| (R-\d+) \|"),
    ];
    let found = |(text, pattern): (&str, &str)| {
        regex(pattern).captures_iter(text).map(|found| found[1].to_owned()).collect::<Vec<_>>()
    };
    patterns.into_iter().flat_map(found).collect()
}

/// The numbers in `3.1 and 3.2` and `3.4.1 to 3.4.4`.
fn numbers(list: &str) -> Vec<String> {
    let mut numbers: Vec<String> = Vec::new();
    let mut before = 0;
    for number in regex(r"\d+(?:\.\d+)+").find_iter(list) {
        let is_end = matches!(list[before..number.start()].trim(), "to" | "–" | "-");
        before = number.end();
        let Some((chapter, end)) = number.as_str().rsplit_once('.') else { continue };
        let first = numbers.last().filter(|_| is_end).and_then(|first| first.rsplit_once('.'));
        if let Some((_, start)) = first.filter(|(of, _)| *of == chapter) {
            let [start, end] = [start, end].map(|part| part.parse().unwrap_or(0_u32));
            numbers.extend((start + 1..end).map(|between| format!("{chapter}.{between}")));
        }
        numbers.push(number.as_str().to_owned());
    }
    numbers
}

/// The citations in a text, each with its line.
fn citations(text: &str) -> Vec<(usize, String)> {
    let flow = Flow::of(text);
    let mut cited = Vec::new();
    for rules in RULES.captures_iter(&flow.text) {
        let line = flow.line(rules.get_match().start());
        cited.extend(numbers(&rules[1]).into_iter().map(|number| (line, number)));
    }
    for test in RULE_TESTS.captures_iter(&flow.text) {
        let parts: Vec<&str> = test.iter().skip(1).flatten().map(|part| part.as_str()).collect();
        cited.push((flow.line(test.get_match().start()), parts.join(".")));
    }
    cited.extend(ITEMS.find_iter(&flow.text).map(|item| (flow.line(item.start()), item.as_str().to_owned())));
    for test in REQUIREMENT_TESTS.captures_iter(&flow.text) {
        cited.push((flow.line(test.get_match().start()), format!("R-{}", &test[1])));
    }
    cited
}

fn faults(sources: &[Source], defined: &BTreeSet<String>) -> Vec<String> {
    let mut faults = Vec::new();
    for Source { path, text } in sources {
        let undefined = citations(text).into_iter().filter(|(_, cited)| !defined.contains(cited));
        faults.extend(undefined.map(|(line, cited)| format!("{path}:{line}: {cited} is not defined")));
        let flow = Flow::of(text);
        let absent = ABSENT.find_iter(&flow.text);
        faults.extend(
            absent.map(|found| {
                format!("{path}:{}: {} is not in the repository", flow.line(found.start()), found.as_str())
            }),
        );
    }
    faults
}

/// The identifiers that `docs` defines.
fn definitions() -> BTreeSet<String> {
    let text = |path: &str| files(&[path], &[".md"]).pop().map(|source| source.text).unwrap_or_default();
    defined(&text("docs/domain.md"), &text("docs/interface.md"), &text("docs/security.md"))
}

/// Every file that may contain citations, except this one.
fn citing() -> Vec<Source> {
    let places = [
        "src",
        "client",
        "migration",
        "xtask",
        "end2end",
        "docs",
        "scripts",
        "style",
        "README.md",
        "CONTRIBUTING.md",
        "CHANGELOG.md",
        "SECURITY.md",
        "Makefile",
        "deny.toml",
        "Cargo.toml",
        ".clippy.toml",
        ".env.example",
    ];
    let kinds = [".rs", ".ts", ".mjs", ".md", ".css", ".toml", ".example", ""];
    files(&places, &kinds).into_iter().filter(|source| !source.path.ends_with("architecture/citations.rs")).collect()
}

#[test]
fn everything_that_is_cited_is_defined() {
    let faults = faults(&citing(), &definitions());
    assert!(faults.is_empty(), "{} citations lead nowhere:\n{}", faults.len(), faults.join("\n"));
}

#[test]
fn planted_citations_of_what_is_not_defined_are_found() {
    let domain = "### 3.1 Status\n**3.1.2** x\n**3.4.1** x\n**3.4.2** x\n**3.4.4** x\n### 3.4 Life";
    let defined = defined(domain, "**UI-14** x", "**R-26** x\n| R-30 | x |");
    let found = |text: &str| faults(&[Source::planted(("src/a.rs", text))], &defined).len();
    for (text, count) in [
        ("/// One (domain rule 3.1.3).", 1),
        ("// One (domain rules 3.1.2 and 3.9).", 1),
        ("/// One (domain\n/// rules 3.4.1 to 3.4.4).", 1),
        ("rules 3.4.1–3.4.5", 2),
        ("rules 3.4 to 3.4.4", 0),
        ("fn rule_3_1_3_a_service() {}", 1),
        ("fn rule_3_9_times() {}", 1),
        ("test('UI-14 UI-15 UI-4 times', …)", 2),
        ("// limited (R-27)", 1),
        ("async fn r_27_limits() {}", 1),
        ("fn r1_counts() {}", 1),
        ("//! As product.md section 3 says.", 1),
        ("/// house.md section 6.", 1),
        ("//! (style\n//! rules 31 to 35).", 1),
        ("More than the requirement's 20.", 1),
        // Defined.
        ("/// One (domain rule 3.1.2), two (domain rules 3.4.1, 3.4.2 and 3.4.4), three (rule 3.4).", 0),
        ("/// Two (domain rules 3.4.1 to 3.4.2).", 0),
        ("fn rule_3_1_2_a_service() {} fn rule_3_4_row_2_x() {}", 0),
        ("test('UI-14 times', …) // R-26, R-30", 0),
        ("async fn r_26_answers() {} let r_27_x = 1;", 0),
        ("version 3.7.2, 10.0.0.0/8", 0),
    ] {
        assert_eq!(found(text), count, "{text}");
    }
}
