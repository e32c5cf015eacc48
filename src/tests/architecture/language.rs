//! Plain English: phrases that sound translated, each with what to write instead.

use std::{collections::BTreeMap, sync::LazyLock};

use regex::{Regex, RegexBuilder};

use super::sources::{Flow, Source, extension, files, prose};

/// A phrase that no text may contain.
struct Phrase {
    pattern: &'static str,
    instead: &'static str,
    /// Good English that contains the phrase.
    except: &'static str,
}

impl Phrase {
    const fn of(pattern: &'static str, instead: &'static str) -> Self {
        Self { pattern, instead, except: r"\z." }
    }

    const fn except(self, except: &'static str) -> Self {
        Self { except, ..self }
    }
}

const PHRASES: [Phrase; 22] = [
    Phrase::of(r"\bfor who\b|\bfor whom (?:is|has|does|may|can|comes)\b", "for users who, for those who, unless")
        .except(r"\bfor whom (?:is|are|was|were) (?:the|an?|it|this)\b"),
    Phrase::of(r"\bto who\b", "to the person who, to anyone who").except(r"\bas to who\b"),
    Phrase::of(r"\bof who\b", "of the person who, of the signed-in user")
        .except(r"\b(?:log|record|list|history|idea|regardless|irrespective|question) of who\b"),
    Phrase::of(r"\b(?:by|with|from) who\b", "by the person who, by users who"),
    Phrase::of(
        r"\b(?:is|are|was|were|be|been|being) told\b",
        "is notified, is shown, is returned, is published, learns",
    ),
    Phrase::of(r"\b(?:tells?|told|telling|says?|said|saying) of\b", "reports, describes, announces, notifies about"),
    Phrase::of(r"\bwhat (?:is|was|were|would be) said\b", "the message, the update, the reported status"),
    Phrase::of(r"\bleav(?:e|es|ing) (?:it|them|this|that) away\b", "omit"),
    Phrase::of(
        r"\b(?:take|takes|taking|taken) (?:it|them|the \w+(?: \w+)?|a \w+'s \w+(?: \w+)?) away\b",
        "remove, turn off, revoke",
    ),
    Phrase::of(r"\blies? too far\b", "is too far in the past, is too far in the future"),
    Phrase::of(r"\ba (?:time|day|date|moment) to come\b", "a time in the future"),
    Phrase::of(r"\b[a-z]+ (?-i:meanwhile)\b", "in the meantime, since then, while …")
        .except(r"\b(?:and|but) meanwhile\b"),
    Phrase::of(
        r"\bstands? (?:in|at|below|above|beside|before|there|behind)\b",
        "is, is stored in, is listed in, appears in",
    )
    .except(r"\bstands? in (?:for|(?:the|its|their|your) way)\b"),
    Phrase::of(
        r"\bwhat (?:is|was) (?:over|absent|sensitive)\b",
        "the thing's name: a resolved incident, omitted fields, sensitive operations",
    ),
    Phrase::of(r"\b(?:since|until|up to) when\b", "when … began, when … ends, how long"),
    Phrase::of(r"\bonce in (?:\d+|\w+(?:teen|ty|ve|en)) \w+s\b", "every …, at most once every …"),
    Phrase::of(r"\b(?:in|for|with|lasts|once it is) so many\b", "this many, the given number of, at least `batch`")
        .except(r"\bin so many words\b|\bfor so many (?:years|reasons|people)\b"),
    Phrase::of(
        r"\bas (?:long|many|much|large|far) as (?:it|they|one) can (?:be|have)\b|\bas many as one can\b",
        "the maximum, at its limit",
    ),
    Phrase::of(r"\b(?:is|are|was) (?:an? \w+|\w+ed) no more\b|\bbelongs? to \w+(?: \w+)? no more\b", "no longer")
        .except(r"no more than\b"),
    Phrase::of(
        r"\b(?:nobody|anybody|everybody|whoever|who)(?: is)? on the way\b|\btravels? (?:in the open|for everybody)\b",
        "is sent unencrypted, anyone on the network can read",
    ),
    Phrase::of(r"\b(?:settings|everything|form|all)(?: is| are|:) in order\b", "OK, valid, complete"),
    Phrase::of(r"\bwho is nobody\b|\bis them who\b|\bit is who\b", "an anonymous user; the person's identity"),
];

static PATTERNS: LazyLock<Vec<(Regex, Regex)>> = LazyLock::new(|| {
    let regex = |pattern| RegexBuilder::new(pattern).case_insensitive(true).build().expect("a regular expression");
    PHRASES.iter().map(|phrase| (regex(phrase.pattern), regex(phrase.except))).collect()
});

/// An occurrence: the index of the phrase, its line and its words.
struct Found {
    phrase: usize,
    line: usize,
    words: String,
}

/// The occurrences in a file; of Rust, only in comments and strings.
fn found(source: &Source) -> Vec<Found> {
    let flow = Flow::of(&if extension(&source.path) == ".rs" { prose(&source.text) } else { source.text.clone() });
    let mut all = Vec::new();
    for (phrase, (pattern, except)) in PATTERNS.iter().enumerate() {
        let excepted: Vec<_> = except.find_iter(&flow.text).map(|good| good.range()).collect();
        for words in pattern.find_iter(&flow.text) {
            let is_good = |good: &std::ops::Range<usize>| good.start < words.end() && words.start() < good.end;
            if !excepted.iter().any(is_good) {
                all.push(Found { phrase, line: flow.line(words.start()), words: words.as_str().to_owned() });
            }
        }
    }
    all
}

/// The faults in files, and how often each phrase occurs in each folder.
fn faults(sources: &[Source]) -> (Vec<String>, BTreeMap<(usize, String), usize>) {
    let mut counts = BTreeMap::new();
    let mut faults = Vec::new();
    for source in sources {
        let folder = source.path.rsplit_once('/').map_or("", |(folder, _)| folder);
        for Found { phrase, line, words } in found(source) {
            *counts.entry((phrase, folder.to_owned())).or_default() += 1;
            faults.push(format!("{}:{line}: `{words}`; instead: {}", source.path, PHRASES[phrase].instead));
        }
    }
    (faults, counts)
}

/// Every file with text for people, except this one.
fn texts() -> Vec<Source> {
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
        ".env.example",
    ];
    let kinds = [".rs", ".ts", ".mjs", ".md", ".css", ".example", ""];
    files(&places, &kinds).into_iter().filter(|source| !source.path.ends_with("architecture/language.rs")).collect()
}

/// The counts by phrase, for a person.
fn table(counts: &BTreeMap<(usize, String), usize>) -> String {
    let lines = PHRASES.iter().enumerate().map(|(number, phrase)| {
        let of = counts.iter().filter(|((found, _), _)| *found == number);
        let total: usize = of.clone().map(|(_, count)| count).sum();
        let folders: Vec<String> = of.map(|((_, folder), count)| format!("{folder} {count}")).collect();
        format!("{total:4}  {}\n      {}", phrase.pattern, folders.join(", "))
    });
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn every_text_is_plain_english() {
    let (faults, counts) = faults(&texts());
    let (count, table) = (faults.len(), table(&counts));
    assert!(faults.is_empty(), "{}\n{count} phrases:\n{table}", faults.join("\n"));
}

#[test]
fn planted_phrases_are_found_in_every_kind_of_text() {
    let count = |path: &str, text: &str| found(&Source::planted((path, text))).len();
    for text in [
        "A challenge for who knew this password.",
        "Only for whom has left the form.",
        "Answers to who is signed in.",
        "The role of who is signed in.",
        "Changed by who knew it.",
        "Readers are told at once.",
        "What incidents say of services.",
        "The newest of what was said.",
        "This is always `maintenance`: leave it away.",
        "There is one already. Take it away first.",
        "Takes the session cookie away.",
        "This lies too far back.",
        "Choose a time to come.",
        "Somebody else changed this meanwhile.",
        "The group it stands in.",
        "Change a group; what is absent stays.",
        "Since when it has had this status.",
        "Asked for once in 15 minutes.",
        "Brings a letter in so many attempts.",
        "It is as long as it can be.",
        "You belong to 50, as many as one can.",
        "A member who is an admin no more.",
        "Whoever is on the way can read it.",
        "Settings: in order.",
        "Somebody who is nobody yet.",
    ] {
        assert_eq!(count("docs/a.md", text), 1, "{text}");
    }
    let phrase = "are told";
    for (path, text) in [
        ("src/a.rs", format!("/// Readers {phrase}.\nfn f() {{}}")),
        ("src/a.rs", "/// Readers are\n    /// told.\nfn f() {}".to_owned()),
        ("src/a.rs", format!("fn f() {{ // they {phrase}\n}}")),
        ("src/a.rs", format!("fn f() {{ g(\"They {phrase}\") }}")),
        ("src/a.rs", "fn f() { g(\"They are \\\n told\") }".to_owned()),
        ("end2end/tests/a.spec.ts", format!("// They {phrase}")),
        ("README.md", format!("They {phrase}")),
        ("scripts/run", format!("# They {phrase}")),
    ] {
        assert_eq!(count(path, &text), 1, "{path}: {text}");
    }
}

#[test]
fn good_english_and_code_are_left_alone() {
    let count = |path: &str, text: &str| found(&Source::planted((path, text))).len();
    for text in [
        "The person for whom the invitation is.",
        "There is no rule as to who may ask.",
        "The log of who did what. It depends on who asks.",
        "Users who are signed in. He told us. It tells people what works.",
        "Meanwhile, the other instances go on; and meanwhile nobody waits.",
        "It stands in for the baseline and stands in the way of others.",
        "In so many words. For years to come.",
        "It has no more than ten, and there will be no more.",
        "Tabs until it has focus; everywhere on the way the focus is visible.",
        "The steps, in order. Once in a while.",
        "A session lasts as long as it can.",
        "Deletes what has expired. It says often what is left.",
    ] {
        assert_eq!(count("docs/a.md", text), 0, "{text}");
    }
    for code in
        ["fn f() { for who in people { is(told); } }", "fn is_told(meanwhile: u8) {}", "// is\nfn f() {}\n// told"]
    {
        assert_eq!(count("src/a.rs", code), 0, "{code}");
    }
}
