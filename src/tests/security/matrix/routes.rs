//! Checks that every call in the sources that adds a route is declared.

use std::{collections::BTreeSet, fs, path::Path};

use crate::{
    model::slug::RESERVED,
    tests::{
        architecture::sources::{Source, Without, all, code},
        security::permissions::{MOUNTS, OPERATIONS, PAGES, plain_routes},
        support::{
            app::TestApp,
            endpoints::{document, operations, registered},
        },
    },
};

/// The methods of a router that add routes.
const MOUNTING: [&str; 12] = [
    "route",
    "route_service",
    "nest",
    "nest_service",
    "merge",
    "fallback",
    "fallback_service",
    "method_not_allowed_fallback",
    "routes",
    "leptos_routes",
    "leptos_routes_with_context",
    "leptos_routes_with_handler",
];

/// The calls in a source that add routes, with their first arguments: `.route("/healthz")`.
fn mounts(text: &str) -> Vec<String> {
    let dense: String = code(text, Without::Comments).chars().filter(|c| !c.is_whitespace()).collect();
    let mut found = Vec::new();
    for name in MOUNTING {
        for (before, after) in [(".", "("), ("::", "("), (".", "::<"), ("::", "::<")] {
            let call = format!("{before}{name}{after}");
            for (at, _) in dense.match_indices(&call) {
                found.push(format!("{before}{name}({})", first_argument(&dense[at + call.len()..])));
            }
        }
    }
    found
}

/// The first argument of a call; of a closure, its beginning.
fn first_argument(rest: &str) -> &str {
    let mut depth = 0;
    let end = rest.char_indices().find(|(_, c)| {
        match c {
            '(' | '[' | '{' => depth += 1,
            ')' | ']' | '}' => depth -= 1,
            _ => {}
        }
        depth < 0 || (*c == ',' && depth == 0)
    });
    let argument = &rest[..end.map_or(rest.len(), |(at, _)| at)];
    argument.split_once("||").map_or(argument, |(head, _)| &argument[..head.len() + 2])
}

/// The handlers of a call that adds operations of the OpenAPI document.
fn documented(call: &str) -> Option<&str> {
    call.strip_prefix(".routes(routes!(")
}

/// The sources without the tests.
fn server_sources() -> Vec<Source> {
    all().into_iter().filter(|source| !source.path.starts_with("tests")).collect()
}

/// The calls that are not declared, and the declared ones that do not exist.
fn differences(sources: &[Source]) -> (Vec<String>, Vec<String>) {
    let mut declared: Vec<_> = MOUNTS.iter().map(|mount| format!("{} {}", mount.file, mount.call)).collect();
    let mut extra = Vec::new();
    for source in sources {
        for call in mounts(&source.text).into_iter().filter(|call| documented(call).is_none()) {
            let mount = format!("{} {call}", source.path);
            match declared.iter().position(|declared| *declared == mount) {
                Some(at) => _ = declared.swap_remove(at),
                None => extra.push(mount),
            }
        }
    }
    (extra, declared)
}

#[test]
fn t1_every_call_that_adds_routes_is_declared() {
    let (extra, gone) = differences(&server_sources());
    assert_eq!(extra, Vec::<String>::new(), "declare it in MOUNTS");
    assert_eq!(gone, Vec::<String>::new(), "these no longer exist");
}

#[tokio::test]
async fn t1_every_operation_is_in_the_document() {
    let app = TestApp::open().await;
    let mut mounted = 0;
    for source in server_sources() {
        for handlers in mounts(&source.text).iter().filter_map(|call| documented(call)) {
            mounted += handlers.split(',').filter(|handler| !handler.is_empty()).count();
        }
    }
    assert_eq!(mounted, operations(&document(&app).await).len());
}

#[test]
fn t1_an_undeclared_route_is_found() {
    for (path, planted) in [
        ("server/pages/secret.rs", "Router::new().route(\"/secret\", get(secret))"),
        ("server/pages/team.rs", "Router::new()\n    .route(\n        SECRET,\n        get(secret),\n    )"),
        ("server/http/router.rs", "router.route(\"/healthz\", post(secret))"),
        ("server/http/router.rs", "router.route_service(\"/secret\", secret)"),
        ("server/http/router.rs", "router.nest(\"/secret\", secret())"),
        ("server/http/router.rs", "router.nest_service(\"/secret\", secret())"),
        ("server/http/router.rs", "router.merge(secret())"),
        ("server/api/mod.rs", "router.fallback(secret)"),
        ("server/http/listener.rs", "router.fallback_service(secret)"),
        ("server/http/listener.rs", "axum::Router::route(router, \"/secret\", get(secret))"),
        ("server/http/listener.rs", "router.fallback::<_, ()>(secret)"),
        ("app/mod.rs", "router.leptos_routes(&options, routes, App)"),
    ] {
        let mut sources = server_sources();
        sources.push(Source { path: path.to_owned(), text: format!("fn planted() {{ {planted}; }}") });
        let (extra, gone) = differences(&sources);
        assert!(extra.len() == 1 && extra[0].starts_with(path) && gone.is_empty(), "{planted}: {extra:?} {gone:?}");
    }
    let kept = "// router.route(\"/x\", y)\nfn f() { page.routes; merge(a); map.insert(\"route\", 1); }";
    assert_eq!(mounts(kept), Vec::<String>::new());
}

#[test]
fn r_08_paths_of_the_application_are_reserved_page_addresses() {
    let routes = plain_routes().filter(|(_, status)| *status != 404).map(|(title, _)| title);
    let titles = routes.chain(OPERATIONS.iter().map(|(title, _)| *title));
    let paths = titles.filter_map(|title| title.split_once(' ')).map(|(_, path)| path);
    let mut ours: BTreeSet<String> = paths
        .chain(PAGES.iter().map(|(path, _)| *path))
        .chain(registered())
        .filter_map(|path| path.split('/').nth(1))
        .map(|part| part.split('.').next().unwrap_or(part).to_owned())
        .collect();
    // The site's files: those in the folder, and the client.
    let files = fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("public")).expect("a folder");
    let names = files.map(|file| file.expect("an entry").file_name().to_string_lossy().into_owned());
    ours.extend(names.filter_map(|name| Some(name.split('.').next()?.to_owned())));
    ours.insert("pkg".to_owned());
    ours.remove("");
    assert!(ours.len() > 20, "only {ours:?}");
    let missing: Vec<&String> = ours.iter().filter(|part| !RESERVED.contains(&part.as_str())).collect();
    assert!(missing.is_empty(), "add these to RESERVED: {missing:?}");
}
