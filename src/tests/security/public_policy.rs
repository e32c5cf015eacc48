//! The Content-Security-Policy of the public pages: the same from memory as when they are drawn, and it allows all that
//! is in them and nothing else (R-33).

use std::collections::BTreeMap;

use axum::{
    body::Body,
    http::{Method, header},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use regex::Regex;
use sha2::{Digest, Sha256};

use crate::tests::support::{
    app::{TestApp, request},
    clients::Answer,
    public_page::{NOW, ReportedPage},
};

/// The directives of a policy and their sources.
fn policy_of(answer: &Answer) -> BTreeMap<String, Vec<String>> {
    let all: Vec<_> = answer.headers.get_all(header::CONTENT_SECURITY_POLICY).iter().collect();
    assert_eq!(all.len(), 1, "{all:?}");
    let text = all[0].to_str().expect("text");
    let words = text.split(';').map(|directive| directive.split_whitespace().map(str::to_owned).collect::<Vec<_>>());
    words.map(|words| (words[0].clone(), words[1..].to_vec())).collect()
}

/// The elements of this name: their attributes, and their text if they end with a tag.
fn elements<'a>(html: &'a str, name: &str) -> Vec<(&'a str, &'a str)> {
    let starts = Regex::new(&format!("<{name}((?: [^>]*)?)>")).expect("a pattern");
    let end = format!("</{name}>");
    let found = starts.captures_iter(html).map(|start| {
        let (all, attributes) = (start.get(0).expect("all"), start.get(1).expect("attributes"));
        (attributes.as_str(), html[all.end()..].split(&end).next().unwrap_or_default())
    });
    found.collect()
}

fn attribute<'a>(attributes: &'a str, name: &str) -> Option<&'a str> {
    attributes.split_once(&format!(" {name}=\"")).and_then(|(_, rest)| rest.split('"').next())
}

/// Asserts that the policy allows everything in this page.
fn assert_allowed(path: &str, answer: &Answer) {
    let (policy, html) = (policy_of(answer), answer.text.as_str());
    let allows = |directive: &str, source: &str| policy[directive].iter().any(|known| known == source);
    let is_own = |address: &str| address.starts_with('/') && !address.starts_with("//");
    let scripts = elements(html, "script");
    for (attributes, text) in &scripts {
        assert!(attribute(attributes, "nonce").is_none(), "{path}: <script{attributes}>");
        match (attribute(attributes, "src"), attribute(attributes, "type")) {
            (Some(src), _) => assert!(is_own(src) && allows("script-src", "'self'"), "{path}: {src}"),
            // Data, which is not run.
            (None, Some("application/json")) => {}
            (None, _) => {
                let hash = format!("'sha256-{}'", STANDARD.encode(Sha256::digest(text)));
                assert!(allows("script-src", &hash), "{path}: {hash} for {text}");
            }
        }
    }
    for (attributes, _) in elements(html, "link") {
        let directive = match attribute(attributes, "rel") {
            Some("stylesheet") => "style-src",
            Some("icon") => "img-src",
            Some("preload") => "font-src",
            _ => continue,
        };
        let href = attribute(attributes, "href").expect("an address");
        assert!(is_own(href) && allows(directive, "'self'"), "{path}: {href}");
    }
    for (attributes, _) in elements(html, "form") {
        assert!(attribute(attributes, "action").is_none_or(is_own) && allows("form-action", "'self'"), "{path}");
    }
    assert_eq!(elements(html, "style").len() + elements(html, "base").len() + elements(html, "iframe").len(), 0);
    let inline = Regex::new(r#"<[a-z][^>]* (?:style|on[a-z]+)=""#).expect("a pattern");
    assert_eq!(inline.find(html).map(|found| found.as_str()), None, "{path}");
    if scripts.iter().any(|(attributes, _)| attribute(attributes, "src").is_some()) {
        // The module, and the live feed of the same origin.
        assert!(allows("script-src", "'wasm-unsafe-eval'") && allows("connect-src", "'self'"), "{path}");
    }
}

#[tokio::test]
async fn r_33_a_page_from_memory_has_the_policy_of_a_drawn_one_and_it_allows_what_is_in_it() {
    let app = TestApp::at(NOW).await;
    let page = ReportedPage::at(&app).await;
    let missing = [format!("{}/incidents/nothing", page.home()), "/public/nobody-has-this".to_owned()];
    let pages = page.everywhere().into_iter().filter(|path| path.starts_with("/public"));
    let mut policies = Vec::new();
    for path in pages.chain(missing.clone()) {
        let drawn = app.get(&path).await;
        let is_missing = missing.contains(&path);
        assert_eq!(drawn.status.as_u16(), if is_missing { 404 } else { 200 }, "{path}");
        assert_allowed(&path, &drawn);
        policies.push(policy_of(&drawn));
        let again = request(Method::GET, &path).body(Body::empty()).expect("request");
        let kept = app.state.cached_answer(&again);
        assert_eq!(kept.is_none(), is_missing, "{path}: from memory");
        if let Some(kept) = kept {
            let kept = Answer::read(kept).await;
            assert_eq!(kept.text, drawn.text, "{path}");
            assert_eq!(policy_of(&kept), policy_of(&drawn), "{path}");
            let etag = request(Method::GET, &path).header(header::IF_NONE_MATCH, kept.header(header::ETAG));
            let unchanged = app.state.cached_answer(&etag.body(Body::empty()).expect("request")).expect("from memory");
            assert_eq!(unchanged.status(), 304, "{path}");
            assert_eq!(policy_of(&Answer::read(unchanged).await), policy_of(&drawn), "{path}");
        }
    }
    policies.dedup();
    assert_eq!(policies.len(), 1, "of all public pages");
    let text = format!("{policies:?}");
    for open in ["nonce-", "'unsafe-inline'", "'unsafe-eval'", "*", "http:", "https:"] {
        assert!(!text.contains(open), "{text}");
    }
    app.state.database_health().failed();
    let outdated = app.get(&page.home()).await;
    assert!(outdated.text.contains("class=\"outage\""));
    assert_allowed("with the notice", &outdated);
    assert_eq!(policy_of(&outdated), policies[0]);
}
