//! The rules of the house, read from the sources. Each is also tried on a violation planted for it.

use super::{
    outline::mentions,
    sources::{Without, all, code},
};

/// Looks at one file, and says what is wrong with it.
type Look = fn(path: &str, text: &str) -> Vec<String>;

struct Rule {
    name: &'static str,
    look: Look,
    /// Files that break it.
    broken: &'static [(&'static str, &'static str)],
    /// Files that look like it and do not.
    kept: &'static [(&'static str, &'static str)],
}

const RULES: [Rule; 7] = [
    Rule {
        name: "rooms look down, never up",
        look: layers,
        broken: &[
            ("model/page.rs", "use crate::app::App;"),
            ("model/page.rs", "use crate::{model::Slug, server::domain::Viewer};"),
            ("model/page.rs", "fn f() -> sea_orm::DbErr {}"),
            ("model/page.rs", "use leptos::prelude::*;"),
            ("model/page.rs", "use super::super::app;"),
            ("model/wire.rs", "impl axum::response::IntoResponse for X {}"),
            ("app/board.rs", "use crate::{\n    model::Account,\n    server::{call, domain::Member},\n};"),
            ("app/live.rs", "fn f() { crate::server::server_fn::call::call() }"),
            ("app/pages/services.rs", "use crate::server::state::AppState;"),
            ("app/server_fns.rs", "use axum::http::StatusCode;"),
            ("app/server_fns/incidents.rs", "use sea_orm::EntityTrait;"),
            ("app/server_fns_too.rs", "fn f() { use crate::server::server_fn::call; }"),
            ("app/pages/server_fns.rs", "fn f() { use crate::server::server_fn::call; }"),
            ("app/mod.rs", "use leptos_axum::ResponseOptions;"),
            ("app/pages/services.rs", "sea_orm::EntityTrait::find();"),
            ("server/domain/services.rs", "use crate::server::auth::SignIn;"),
            ("server/domain/mod.rs", "use super::{api::input::Id, error::internal};"),
            ("server/domain/page.rs", "use axum::Json;"),
            ("server/domain/page.rs", "use leptos::prelude::*;"),
            ("server/domain/page.rs", "use crate::server::server_fn::session_flow;"),
            ("server/domain/store/scope.rs", "use crate::app::Assets;"),
            ("server/domain/store/connect.rs", "use crate::server::config::Config;"),
            ("server/api/services.rs", "use sea_orm::EntityTrait;"),
            ("server/api/public.rs", "use crate::server::domain::store::service;"),
            ("server/auth/mod.rs", "use super::domain::{Viewer, store};"),
            ("server/server_fn/plain_forms.rs", "use sea_orm::DbErr;"),
            ("server/rate_limit/mod.rs", "use sea_orm::DbErr;"),
            ("server/jobs.rs", "fn f() { crate::server::domain::store::connect() }"),
            ("server/pages/team.rs", "use sea_orm::prelude::*;"),
        ],
        kept: &[
            ("model/error.rs", "use server_fn::error::FromServerFnError; // axum::http and crate::server"),
            ("model/page.rs", "const HINT: &str = \"use axum::Json\";"),
            ("app/server_fns.rs", "fn f() { use crate::server::{call::call, domain::Viewer}; }"),
            ("app/server_fns/incidents.rs", "fn f() { use crate::server::{call, domain::Member}; }"),
            ("app/mod.rs", "use leptos::prelude::*; use leptos_router::components::Router;"),
            ("server/domain/tx.rs", "use crate::server::{error::internal, live::Published};"),
            ("server/domain/handle.rs", "pub(in crate::server) fn new() {}"),
            ("server/api/live.rs", "use axum::extract::ws::Utf8Bytes; use crate::server::domain::Feed;"),
            ("server/http/router.rs", "use crate::app::App; use sea_orm::DbErr;"),
        ],
    },
    Rule {
        name: "one choice at compile time, at the front door",
        look: features,
        broken: &[
            ("app/live.rs", "#[cfg(feature = \"hydrate\")]\nfn f() {}"),
            ("server/mod.rs", "#[cfg(all(unix, feature = \"ssr\"))]\nfn f() {}"),
            ("model/time.rs", "#[cfg_attr(feature = \"ssr\", derive(Debug))]\nstruct X;"),
            ("main.rs", "if cfg!(feature = \"ssr\") {}"),
            ("lib.rs", "mod server;"),
            ("lib.rs", "#[cfg(feature = \"a\")]\nmod a;\n#[cfg(feature = \"b\")]\nmod b;"),
        ],
        kept: &[
            ("lib.rs", "#[cfg(feature = \"ssr\")]\nmod server;\nmod app;"),
            ("server/config.rs", "#[cfg(unix)]\nfn f() {} // not cfg(feature = \"x\")"),
            ("tests/architecture/rules.rs", "const TEXT: &str = \"#[cfg(feature = \\\"ssr\\\")]\";"),
        ],
    },
    Rule { name: "a file is one idea under 400 lines", look: length, broken: &[], kept: &[("app/mod.rs", "\n\n\n")] },
    Rule {
        name: "text areas are drawn in one place",
        look: text_areas,
        broken: &[
            ("app/pages/services.rs", "view! { <textarea name=\"x\">{text}</textarea> }"),
            ("app/components/form.rs", "html::textarea().name(\"x\")"),
            ("server/pages/docs.rs", "view! { < textarea/> }"),
            ("app/components/field.rs", "view! { <textarea/> <textarea/> }"),
        ],
        kept: &[
            ("app/components/field.rs", "view! { <textarea name=name></textarea> }"),
            ("app/pages/services.rs", "view! { <TextArea form name=\"description\"/> } // not a <textarea>"),
        ],
    },
    Rule {
        name: "no style attributes, which the Content-Security-Policy forbids",
        look: styles,
        broken: &[
            ("app/components/status.rs", "view! { <p style=\"color: red\"></p> }"),
            ("app/components/status.rs", "view! { <p style:width=move || 3></p> }"),
            ("app/pages/services.rs", "view! { <p attr:style = width></p> }"),
            ("app/board.rs", "html::div().style((\"width\", 3))"),
            ("server/pages/docs.rs", "format!(\"<p style='x'>\")"),
        ],
        kept: &[
            ("app/components/status.rs", "view! { <p class=\"style\" data-style=x></p> }"),
            ("server/assets.rs", "Names { style: find(\".css\")? }"),
            ("app/mod.rs", "view! { <link rel=\"stylesheet\" href=css /> } // style=\"x\""),
        ],
    },
    Rule {
        name: "no text becomes markup unescaped",
        look: raw_markup,
        broken: &[
            ("app/pages/services.rs", "view! { <p inner_html=text></p> }"),
            ("app/public/document.rs", "html::p().inner_html(text)"),
            ("app/live.rs", "element.set_inner_html(text)"),
            ("app/live.rs", "element.insert_adjacent_html(\"beforeend\", text)"),
            ("app/live.rs", "element.set_outer_html(text)"),
            ("app/components/field.rs", "view! { <textarea inner_html=text></textarea> }"),
            ("app/components/field.rs", "view! { <textarea inner_html=escaped(&a)/><p inner_html=escaped(&b)/> }"),
            ("app/public/document.rs", "view! { <script inner_html=to_json(&page)></script> }"),
            ("app/components/incident.rs", "view! { <h3 inner_html=title></h3> }"),
            ("app/pages/incidents.rs", "view! { <div class=\"prose\" dir=\"auto\" inner_html=html></div> }"),
            (
                "app/components/incident.rs",
                "view! { <div class=\"prose\" dir=\"auto\" inner_html=html></div><p inner_html=title></p> }",
            ),
        ],
        kept: &[
            ("app/components/field.rs", "view! { <textarea inner_html=escaped(&text)></textarea> }"),
            ("app/components/incident.rs", "view! { <div class=\"prose\" dir=\"auto\" inner_html=html></div> }"),
            (
                "app/public/document.rs",
                "view! { <title inner_html=html_escape::encode_text(&title).into_owned()></title> }",
            ),
        ],
    },
    Rule {
        name: "no test sleeps, and nothing sleeps to wait for something",
        look: sleeps,
        broken: &[
            ("tests/live/feeds.rs", "tokio::time::sleep(Duration::from_secs(1)).await;"),
            ("tests/live/feeds.rs", "std::thread::sleep(x);"),
            ("server/jobs.rs", "use tokio::time::{interval, sleep_until};"),
        ],
        kept: &[("tests/live/feeds.rs", "timeout(TIMEOUT, self.0.next())")],
    },
];

/// What the files below a path must not name.
struct Wall {
    rooms: &'static [&'static str],
    except: &'static [&'static str],
    never: &'static [&'static str],
}

/// Where the interface's doors to the server stand: a file, and a folder for its parts.
const DOORS: [&str; 2] = ["app/server_fns.rs", "app/server_fns/"];

/// Whether a file is one of these, or lies in one of these folders.
fn is_among(path: &str, places: &[&str]) -> bool {
    places.iter().any(|place| path == *place || (place.ends_with('/') && path.starts_with(place)))
}

/// Who may know whom (docs/architecture.md).
const WALLS: [Wall; 6] = [
    Wall {
        rooms: &["model/"],
        except: &[],
        never: &[
            "crate::app",
            "crate::server",
            "sea_orm",
            "axum",
            "leptos",
            "leptos_axum",
            "leptos_meta",
            "leptos_router",
            "tokio",
            "web_sys",
            "wasm_bindgen",
            "migration",
        ],
    },
    Wall {
        rooms: &["app/"],
        except: &[],
        never: &["sea_orm", "axum", "leptos_axum", "tokio", "migration", "tower", "tower_http"],
    },
    Wall { rooms: &["app/"], except: &DOORS, never: &["crate::server"] },
    Wall {
        rooms: &["server/domain/"],
        except: &[],
        never: &[
            "axum",
            "leptos",
            "leptos_axum",
            "tower",
            "tower_http",
            "crate::app",
            "crate::server::auth",
            "crate::server::api",
            "crate::server::server_fn",
            "crate::server::pages",
            "crate::server::http::router",
        ],
    },
    Wall {
        rooms: &["server/domain/store/"],
        except: &[],
        never: &["crate::server::config", "crate::server::live::hub"],
    },
    Wall {
        rooms: &[
            "server/api/",
            "server/auth/",
            "server/config/",
            "server/http/",
            "server/live/",
            "server/mail/",
            "server/pages/",
            "server/rate_limit/",
            "server/server_fn/",
            "server/snapshots/",
            "server/jobs.rs",
        ],
        except: &["server/http/router.rs"],
        never: &["sea_orm", "migration", "crate::server::domain::store"],
    },
];

fn layers(path: &str, text: &str) -> Vec<String> {
    let walls: Vec<&Wall> = WALLS
        .iter()
        .filter(|wall| wall.rooms.iter().any(|room| path.starts_with(room)) && !is_among(path, wall.except))
        .collect();
    let mut faults = Vec::new();
    for mention in mentions(path, text) {
        let (line, mention) = (mention.line, mention.path.join("::"));
        let names =
            |what: &str| mention.strip_prefix(what).is_some_and(|rest| rest.is_empty() || rest.starts_with("::"));
        faults.extend(
            walls
                .iter()
                .flat_map(|wall| wall.never)
                .filter(|what| names(what))
                .map(|_| format!("line {line} names {mention}")),
        );
    }
    faults
}

fn features(path: &str, text: &str) -> Vec<String> {
    let code = code_with("feature", text, Without::CommentsAndStrings);
    let parts = code.split("feature").skip(1);
    let count = parts.filter(|rest| rest.trim_start().starts_with('=') && !rest.trim_start().starts_with("==")).count();
    let allowed = usize::from(path == "lib.rs");
    if count == allowed { Vec::new() } else { vec![format!("has {count} features, not {allowed}")] }
}

fn length(_: &str, text: &str) -> Vec<String> {
    let lines = text.lines().count();
    if lines <= 400 { Vec::new() } else { vec![format!("has {lines} lines")] }
}

/// Whether a file draws something.
fn is_view(path: &str) -> bool {
    path.starts_with("app/") || path.starts_with("server/pages/")
}

/// The component that draws the only text area.
const FIELD: &str = "app/components/field.rs";
/// Where markup is written as it is, once a file, and what makes it safe: that it is escaped, or that the server made it
/// of Markdown and took out all that could do harm.
const ESCAPED: [(&str, &str); 3] = [
    (FIELD, "inner_html=escaped("),
    ("app/public/document.rs", "inner_html=html_escape::encode_text("),
    ("app/components/incident.rs", "<divclass=\"prose\"dir=\"auto\"inner_html="),
];

/// The code of a text with this word in it; nothing of another, which need not be read then.
fn code_with(word: &str, text: &str, without: Without) -> String {
    if text.contains(word) { code(text, without) } else { String::new() }
}

/// The code of a view with this word in it, without spaces; nothing of another.
fn dense(word: &str, path: &str, text: &str) -> String {
    let code = if is_view(path) { code_with(word, text, Without::Comments) } else { String::new() };
    code.chars().filter(|c| !c.is_whitespace()).collect()
}

fn text_areas(path: &str, text: &str) -> Vec<String> {
    let dense = dense("textarea", path, text);
    let count = dense.matches("<textarea").count() + dense.matches("textarea()").count();
    if count <= usize::from(path == FIELD) { Vec::new() } else { vec![format!("draws {count} text areas")] }
}

fn raw_markup(path: &str, text: &str) -> Vec<String> {
    let mut dense = dense("_html", path, text);
    for (_, escaped) in ESCAPED.iter().filter(|(file, _)| *file == path) {
        dense = dense.replacen(escaped, "", 1);
    }
    let raw = ["inner_html", "outer_html", "insert_adjacent_html"];
    raw.iter().filter(|raw| dense.contains(*raw)).map(|raw| format!("has {raw}")).collect()
}

fn styles(path: &str, text: &str) -> Vec<String> {
    if !is_view(path) {
        return Vec::new();
    }
    let code = code_with("style", text, Without::Comments);
    let mut faults = Vec::new();
    for (at, word) in code.match_indices("style") {
        let before = code[..at].chars().next_back().unwrap_or(' ');
        let after = code[at + word.len()..].trim_start();
        let is_attribute =
            after.starts_with('=') || after.starts_with(':') || (before == '.' && after.starts_with('('));
        if is_attribute && !(before.is_alphanumeric() || before == '_' || before == '-') {
            faults.push(format!("has a style at byte {at}"));
        }
    }
    faults
}

fn sleeps(path: &str, text: &str) -> Vec<String> {
    if !text.contains("sleep") {
        return Vec::new();
    }
    let sleeps = |path: &[String]| path.last().is_some_and(|name| name.starts_with("sleep"));
    let named = mentions(path, text).into_iter().filter(|mention| sleeps(&mention.path));
    named.map(|mention| format!("line {} names {}", mention.line, mention.path.join("::"))).collect()
}

#[test]
fn every_source_keeps_every_rule() {
    let mut faults = Vec::new();
    for source in all() {
        for rule in &RULES {
            let found = (rule.look)(&source.path, &source.text);
            faults.extend(found.into_iter().map(|fault| format!("{}: {fault} ({})", source.path, rule.name)));
        }
    }
    assert!(faults.is_empty(), "{faults:#?}");
}

#[test]
fn every_rule_finds_the_violations_planted_for_it() {
    for rule in &RULES {
        for (path, text) in rule.broken {
            assert!(!(rule.look)(path, text).is_empty(), "`{}` overlooks {path}: {text}", rule.name);
        }
    }
    assert_eq!(length("app/mod.rs", &"line\n".repeat(401)), ["has 401 lines"]);
    assert!(length("app/mod.rs", &"line\n".repeat(400)).is_empty());
}

#[test]
fn no_rule_finds_what_only_looks_like_a_violation() {
    for rule in &RULES {
        for (path, text) in rule.kept {
            assert_eq!((rule.look)(path, text), [] as [String; 0], "`{}` in {path}: {text}", rule.name);
        }
    }
}

#[test]
fn the_only_server_functions_stand_in_their_file() {
    for source in all() {
        let code = code_with("#[server", &source.text, Without::CommentsAndStrings);
        let count = code.matches("#[server").count();
        assert!(count == 0 || is_among(&source.path, &DOORS), "{} has {count} server functions", source.path);
    }
}
