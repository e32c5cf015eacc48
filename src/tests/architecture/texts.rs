//! The list of all user-facing text, `docs/texts.txt`, which shows every change of wording in one place.

use std::{fmt::Write as _, sync::LazyLock};

use regex::Regex;

use super::{
    outline::outside_tests,
    sources::{Source, all, root},
    strings::texts,
};

/// Files with data that looks like text.
const DATA: [&str; 1] = ["server/domain/zones/old_names.rs"];
/// Strings that are not text although they contain a space or begin with a capital.
static NO_TEXT: LazyLock<Regex> = LazyLock::new(|| {
    let kinds = [
        // SQL, Redis and its scripts
        r"^(?:SELECT|INSERT|UPDATE|DELETE|CREATE|ALTER|DROP|PRAGMA|VACUUM|BEGIN|SET|GET|SHOW) [\w(*]",
        r"redis\.call",
        // Headers and their values
        r"^[a-z][a-z/-]*(?:=\S+)?[;,] [a-z-]+(?:=|$)",
        r"; charset=",
        r"^[a-z]+-src '",
        r"^[A-Z][A-Za-z]*(?:-[A-Z][A-Za-z]*)+$",
        // Formats of times
        r"%[YmdHM]",
        r"^T\d",
        // Markup, scripts, selectors and drawings
        r"^[</#]",
        r"^import ",
        r"\[[a-z-]+(?:=|\])",
        r"^button button-",
        r"^M[\d{][^.]",
        r"^M\d+\.",
        // Addresses, paths and identifiers
        r"^https?:",
        r"^[^ ]*(?:::|[_/=@])[^ ]*$",
        r"^[A-Z0-9_-]+$",
        r"^[A-Z][a-z]+(?:[A-Z][a-z]+)+$",
    ];
    Regex::new(&kinds.join("|")).expect("a regular expression")
});
static PLACEHOLDER: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"\{[^{}]*\}").expect("a regular expression"));

/// Whether a string outside markup is a text.
pub fn is_text(text: &str) -> bool {
    let words = PLACEHOLDER.replace_all(text, "");
    let is_shaped = text.contains(' ') || text.starts_with(char::is_uppercase);
    is_shaped && words.contains(char::is_alphabetic) && !NO_TEXT.is_match(text.trim())
}

/// The list of all texts.
fn list(sources: &[Source]) -> String {
    let mut list = String::new();
    let is_data = |source: &Source| DATA.contains(&source.path.as_str());
    for source in outside_tests(sources).into_iter().map(|(source, _)| source).filter(|source| !is_data(source)) {
        let texts = texts(source);
        if !texts.is_empty() {
            write!(list, "## src/{}\n{}\n\n", source.path, texts.join("\n")).expect("a string takes everything");
        }
    }
    list
}

#[test]
fn planted_texts_are_found_and_other_strings_are_not() {
    let of = |text: &str| texts(&Source::planted(("src/a.rs", text)));
    for (text, expected) in [
        // Views: text, attributes, what Rust in them says.
        ("fn f() { view! { <p class=\"card Stack\">\"now\"</p> } }", &["now"][..]),
        (
            "fn f() { view! { <A title=\"Save it\" on:click=move |_| g(\"Saved.\") d=\"M4 10l4\"/> {h(\"x\")} } }",
            &["Save it", "Saved."],
        ),
        ("fn f() { x.map(|x| view! { <p>{if x { \"Open now\" } else { \"over\" }}</p> }) }", &["Open now"]),
        (
            "fn f() { view! { <p aria-label=\"Sections\">{move || format!(\"{} left\", n)}</p> } }",
            &["Sections", "{} left"],
        ),
        ("#[component] fn F(#[prop(default = \"Not affected\")] none: &'static str) {}", &["Not affected"]),
        // Errors, logs, commands and the API's document.
        ("fn f() -> E { E::new(\"Try again.\\nNow.\").expect(\"a sentence\") }", &["Try again.\\nNow."]),
        ("#[derive(Error)] enum E { #[error(\"cannot be read: {0}\")] A(u8) }", &["cannot be read: {0}"]),
        ("fn f() { tracing::warn!(%error, id = 1, \"no answer\"); panic!(\"no way\"); }", &["no answer"]),
        ("#[derive(Args)] struct A { /// The port\n #[arg(env = \"A_B\")] port: u8 }", &["The port"]),
        (
            "#[derive(ToSchema)] /// One\n/// thing.\n///\n/// More.\nstruct A { /// Its id.\n id: u8 }",
            &["One thing.\\n\\nMore.", "Its id."],
        ),
        ("wire_enum! { /// Which.\n A { /// One.\n One = \"one\", } }", &["Which.", "One."]),
        (
            "/// Lists.\n#[utoipa::path(get, path = \"/a b\", tag = \"As\", responses((status = 200, description = \"All.\")))]\nfn f() {}",
            &["Lists.", "All."],
        ),
        // No texts.
        (
            "/// A doc.\nfn f() { g(\"one\"); g(\"X-Forwarded-For\"); g(\"SELECT 1 FROM x\"); g(\"A_B\"); g(\"{} {}\"); }",
            &[],
        ),
        ("fn f() { matches!(x, \"A b\"); if key == \"Enter\" {} match y { \"A b\" => 1, _ => 2 } }", &[]),
        ("#[cfg(test)] mod tests { fn f() { g(\"A b\") } } #[test] fn f() { g(\"A b\") }", &[]),
        ("#[expect(x, reason = \"A b\")] fn f() { assert!(x, \"A b\"); g(\"a=1; b=2\"); g(\"max-age=1; x\"); }", &[]),
    ] {
        assert_eq!(of(text), expected, "{text}");
    }
}

#[test]
fn the_list_of_texts_is_complete() {
    let (list, file) = (list(&all()), root().join("docs/texts.txt"));
    if std::env::var_os("ALDIS_WRITE_TEXTS").is_some() {
        std::fs::write(&file, &list).expect("written");
    }
    let listed = std::fs::read_to_string(&file).unwrap_or_default();
    assert!(list == listed, "the texts have changed: run scripts/texts and review docs/texts.txt");
}
