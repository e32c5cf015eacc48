//! Server-rendered HTML: public page, team pages, and the headers of every response.

use std::sync::Arc;

use axum::{
    body::Body,
    http::{Method, header},
};
use serde_json::{Value, json};

use crate::tests::support::{
    app::{TestApp, registration, request},
    clients::{Answer, Team, id_of, in_public},
    endpoints::path_to,
};

/// Injection payloads.
const PAYLOADS: [&str; 11] = [
    "<script>window.__xss=1</script>",
    "</script><script>window.__xss=1</script>",
    "\"><img src=x onerror=alert(1)>",
    "'><svg/onload=alert(1)>",
    "\" onmouseover=\"alert(1)",
    "' onfocus='alert(1)' autofocus='",
    "<!--<script>",
    "]]><!--",
    "</title></textarea></style><img src=x>",
    "&lt;script&gt;alert(1)&lt;/script&gt;",
    "{{7*7}}${7*7}<%= 7*7 %>",
];

/// Registers an organization with this name for everything.
async fn team_called(app: &TestApp, name: &str) -> (Team, Value) {
    let mut form = registration(name);
    form["name"] = json!(name);
    let team = Team::of(app.clone(), &app.post("/api/auth/register", &form).await.is(201));
    let group = team.group(name).await;
    let new = json!({"name": name, "description": name, "group_id": id_of(&group)});
    let service = team.post("/api/services", new).await.is(201);
    team.browser()
        .call(path_to("set_service_status"), &[("id", id_of(&service)), ("status", "degraded")])
        .await
        .is(200);
    (team, service)
}

/// The JSON embedded in a public page.
fn page_data(html: &str) -> Value {
    let (_, rest) = html.split_once(r#"id="page-data">"#).expect("the data");
    let (data, _) = rest.split_once("</script>").expect("its end");
    serde_json::from_str(data).expect("JSON")
}

#[tokio::test]
async fn the_public_page_shows_every_status_in_plain_html() {
    let app = TestApp::open().await;
    let team = app.register("Acme Cloud").await;
    let group = team.group("Core platform").await;
    let words = [
        ("operational", "Operational"),
        ("degraded", "Degraded"),
        ("partial_outage", "Partial Outage"),
        ("major_outage", "Major Outage"),
        ("under_maintenance", "Under Maintenance"),
    ];
    for (status, word) in words {
        let new = json!({"name": format!("The {word} one"), "status": status, "group_id": id_of(&group)});
        team.post("/api/services", new).await.is(201);
    }
    let answer = app.get(&format!("/public/{}", team.slug)).await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header(header::CONTENT_TYPE), "text/html; charset=utf-8");
    let html = &answer.text;
    assert!(html.starts_with("<!DOCTYPE html>") && html.contains("<title>Acme Cloud status</title>"));
    let (_, banner) = html.split_once(r#"role="status""#).expect("a banner");
    let (banner, _) = banner.split_once("</h1>").expect("a heading in it");
    assert!(banner.contains("Partial System Outage"), "{banner}");
    assert!(html.contains("Core platform"));
    let items: Vec<&str> = html.split("<li class").skip(1).collect();
    for (_, word) in words {
        let name = format!("The {word} one");
        let item = items.iter().find(|item| item.contains(&name)).unwrap_or_else(|| panic!("no item holds {name}"));
        let item = item.split("</li>").next().expect("its content").replace(&name, "");
        assert!(item.contains(word), "{name} does not say so: {item}");
    }
    for secret in [team.email.as_str(), "Lovelace", id_of(&team.user)] {
        assert!(!html.contains(secret), "{secret}");
    }
}

#[tokio::test]
async fn the_public_page_is_the_same_for_everybody_and_sets_no_cookie() {
    let app = TestApp::open().await;
    let (team, _) = team_called(&app, "Acme").await;
    let path = format!("/public/{}", team.slug);
    let first = app.get(&path).await;
    for again in [app.get(&path).await, team.browser().open(&path).await, TestApp::open().await.get(&path).await] {
        assert_eq!(again.fingerprint(), first.fingerprint());
    }
    assert!(!first.headers.contains_key(header::SET_COOKIE));
    assert!(first.header(header::CACHE_CONTROL).starts_with("public"));
    let services: Vec<_> = team.services().await.iter().map(in_public).collect();
    assert_eq!(page_data(&first.text)["services"], json!(services));
    let head = app.send(request(Method::HEAD, &path).body(Body::empty()).expect("request")).await;
    assert_eq!((head.status.as_u16(), head.text.as_str()), (200, ""));
}

#[tokio::test]
async fn an_unknown_address_is_a_helpful_404() {
    let app = TestApp::open().await;
    let team = app.register("Acme").await;
    let slug = team.slug.to_uppercase();
    for path in [
        "/public/nobody-has-this",
        "/public/x",
        "/public/%00",
        "/nowhere",
        "/wp-login.php",
        &format!("/public/{slug}"),
        "/public/",
    ] {
        for answer in [app.get(path).await, team.browser().open(path).await] {
            assert_eq!(answer.status, 404, "{path}");
            assert!(answer.text.contains("<h1>") && answer.text.contains("href=\"/\""), "{path}: {}", answer.text);
        }
    }
    app.get("/api/nowhere").await.refuses(404, &[]);
    app.get("/api/services/x/y/z").await.refuses(404, &[]);
    let delete = request(Method::DELETE, "/api/services").body(Body::empty()).expect("request");
    app.send(delete).await.refuses(405, &[]);
}

#[tokio::test]
async fn pages_without_a_session_redirect_to_the_login_page() {
    let app = TestApp::open().await;
    for path in ["/", "/login", "/register", "/api"] {
        let answer = app.get(path).await;
        assert_eq!(answer.status, 200, "{path}");
        assert!(answer.text.contains("<h1"), "{path}");
    }
    let service = "/services/0199aaaa-bbbb-7ccc-8ddd-eeeeffff0000";
    for (path, login) in [
        ("/dashboard", "/login?next=%2Fdashboard"),
        ("/services", "/login?next=%2Fservices"),
        ("/settings", "/login?next=%2Fsettings"),
        (service, "/login?next=%2Fservices%2F0199aaaa-bbbb-7ccc-8ddd-eeeeffff0000"),
        ("/dashboard?x=1&y=2", "/login?next=%2Fdashboard%3Fx%3D1%26y%3D2"),
    ] {
        let answer = app.get(path).await;
        assert_eq!((answer.status.as_u16(), answer.header(header::LOCATION)), (303, login), "{path}");
    }
    let team = app.register("Acme").await;
    for path in ["/", "/login", "/register"] {
        let answer = team.browser().open(path).await;
        assert_eq!((answer.status.as_u16(), answer.header(header::LOCATION)), (303, "/dashboard"), "{path}");
    }
}

#[tokio::test]
async fn team_pages_show_only_their_organization_and_are_not_cached() {
    let app = TestApp::open().await;
    let (team, service) = team_called(&app, "Lighthouse").await;
    let stranger = app.register("Stranger").await;
    let detail = format!("/services/{}", id_of(&service));
    for path in ["/dashboard", "/services", &detail, "/settings"] {
        let answer = team.browser().open(path).await;
        assert_eq!(answer.status, 200, "{path}");
        assert!(answer.text.contains("Lighthouse"), "{path}");
        assert_eq!(answer.header(header::CACHE_CONTROL), "no-store", "{path}");
        let html = stranger.browser().open(path).await.text;
        assert!(!html.contains("Lighthouse"), "{path}");
    }
    let shown = team.browser().open(&detail).await.text;
    assert!(shown.contains("Degraded"));
    // Web cache deception: no team page under the name of a static file.
    for path in ["/dashboard/x.css", "/services/x.js/y", "/settings/logo.png"] {
        let answer = team.browser().open(path).await;
        assert!(answer.status == 404 && !answer.text.contains("Lighthouse"), "{path}");
    }
}

#[tokio::test]
async fn a_service_of_another_organization_is_a_404_as_a_page_too() {
    let app = TestApp::open().await;
    let (_, service) = team_called(&app, "Lighthouse").await;
    let stranger = app.register("Stranger").await;
    let foreign = stranger.browser().open(&format!("/services/{}", id_of(&service))).await;
    let unknown = stranger.browser().open("/services/0199aaaa-bbbb-7ccc-8ddd-eeeeffff0000").await;
    let garbage = stranger.browser().open("/services/garbage").await;
    for answer in [&foreign, &unknown, &garbage] {
        assert_eq!(answer.status, 404);
        assert!(!answer.text.contains("Lighthouse"));
    }
}

fn directives(answer: &Answer) -> Vec<&str> {
    answer.header(header::CONTENT_SECURITY_POLICY).split(';').map(str::trim).collect()
}

#[tokio::test]
async fn r_33_every_response_has_the_security_headers() {
    let app = TestApp::open().await;
    let team = app.register("Acme").await;
    let (page, status) = (format!("/public/{}", team.slug), format!("/api/public/{}/status", team.slug));
    let mut answers = Vec::new();
    for path in [
        "/",
        "/login",
        "/register",
        "/dashboard",
        "/services",
        "/nowhere",
        "/api",
        "/api/openapi.json",
        "/api/services",
        "/api/nowhere",
        "/boot.js",
        "/healthz",
        "/readyz",
        "/favicon.ico",
        "/public/nobody-has-this",
        "/fn/x",
        &page,
        &status,
    ] {
        answers.push((path, app.get(path).await));
        answers.push((path, team.browser().open(path).await));
        answers.push((path, app.send(request(Method::POST, path).body(Body::empty()).expect("request")).await));
    }
    answers.push(("a long address", app.get(&format!("/{}", "x".repeat(5000))).await));
    for (path, answer) in &answers {
        let (status, policy) = (answer.status, directives(answer));
        for directive in [
            "default-src 'none'",
            "style-src 'self'",
            "form-action 'self'",
            "base-uri 'none'",
            "frame-ancestors 'none'",
            "connect-src 'self'",
        ] {
            assert!(policy.contains(&directive), "{path} {status}: {policy:?}");
        }
        let all = policy.join(";");
        assert!(
            !all.contains("unsafe-inline") && !all.contains(" 'unsafe-eval'") && !all.contains('*'),
            "{path}: {all}"
        );
        assert_eq!(answer.header(header::X_CONTENT_TYPE_OPTIONS), "nosniff", "{path} {status}");
        assert_eq!(answer.header(header::REFERRER_POLICY), "strict-origin-when-cross-origin", "{path} {status}");
        assert_eq!(answer.header("cross-origin-opener-policy"), "same-origin", "{path} {status}");
        assert!(answer.header("permissions-policy").contains("geolocation=()"), "{path} {status}");
        assert!(!answer.header("x-request-id").is_empty(), "{path} {status}");
        assert!(answer.status.as_u16() < 500, "{path}: {}", answer.text);
    }
}

#[tokio::test]
async fn r_33_every_inline_script_has_the_nonce_of_its_page() {
    let app = TestApp::open().await;
    let team = app.register("Acme").await;
    let mut nonces = Vec::new();
    for path in ["/dashboard", "/dashboard", "/services", "/settings"] {
        let answer = team.browser().open(path).await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.text);
        let policy = answer.header(header::CONTENT_SECURITY_POLICY).to_owned();
        let (_, rest) = policy.split_once("'nonce-").unwrap_or_else(|| panic!("{path}: {policy}"));
        let nonce = rest.split('\'').next().expect("a nonce").to_owned();
        assert!(nonce.len() >= 16, "{nonce}");
        for script in answer.text.split("<script").skip(1) {
            let tag = script.split('>').next().expect("a tag");
            assert!(tag.contains("src=") || tag.contains(&format!("nonce=\"{nonce}\"")), "{path}: <script{tag}>");
        }
        nonces.push(nonce);
    }
    let count = nonces.len();
    nonces.sort();
    nonces.dedup();
    assert_eq!(nonces.len(), count, "a nonce is used once");
    // The public page embeds data, but no inline code.
    let html = app.get(&format!("/public/{}", team.slug)).await.text;
    for script in html.split("<script").skip(1) {
        let tag = script.split('>').next().expect("a tag");
        assert!(tag.contains("src=") || tag.contains("application/json"), "<script{tag}>");
    }
    assert!(!html.contains(" style="));
}

/// The contents of a document's tags without attribute values.
fn attributes(html: &str) -> String {
    let (mut found, mut is_tag, mut is_value) = (String::new(), false, false);
    for c in html.chars() {
        match c {
            '"' if is_tag => is_value = !is_value,
            '<' if !is_tag => is_tag = true,
            '>' if is_tag && !is_value => is_tag = false,
            c if is_tag && !is_value => found.push(c),
            _ => {}
        }
    }
    found
}

#[tokio::test]
async fn names_stay_text_on_every_page() {
    let app = TestApp::open().await;
    let pages = async |team: &Team, service: &Value| {
        let mut all = Vec::new();
        for path in [
            "/dashboard".to_owned(),
            "/services".to_owned(),
            format!("/services/{}", id_of(service)),
            "/settings".to_owned(),
        ] {
            all.push((path.clone(), team.browser().open(&path).await));
        }
        let path = format!("/public/{}", team.slug);
        all.push((path.clone(), app.get(&path).await));
        all
    };
    let (team, service) = team_called(&app, "Harmless name").await;
    let harmless = pages(&team, &service).await;
    for payload in PAYLOADS {
        let (team, service) = team_called(&app, payload).await;
        let hostile = pages(&team, &service).await;
        for ((path, answer), (_, expected)) in hostile.iter().zip(&harmless) {
            assert_eq!(answer.status, 200, "{path} with {payload}");
            // As many tags, comments and script ends as with a harmless name.
            let tags = |answer: &Answer| answer.text.matches('<').count();
            assert_eq!(tags(answer), tags(expected), "{path} with {payload}: {}", answer.text);
            assert!(!payload.contains('<') || !answer.text.contains(payload), "{path} with {payload}");
            let attributes = attributes(&answer.text);
            for event in ["onmouseover", "onfocus", "autofocus", "onerror", "onload"] {
                assert!(!attributes.contains(event), "{path} with {payload}: {attributes}");
            }
        }
        let data = page_data(&hostile.last().expect("the public page").1.text);
        assert_eq!(data["organization"]["name"], payload);
        assert_eq!(data["services"][0]["name"], payload);
        assert_eq!(data["groups"][0]["name"], payload);
    }
}

#[tokio::test]
async fn the_client_is_started_by_a_static_file() {
    let app = TestApp::open().await;
    let answer = app.get("/boot.js").await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header(header::CONTENT_TYPE), "text/javascript; charset=utf-8");
    assert!(answer.text.contains("hydrate"));
    assert_eq!(app.get("/healthz").await.text, "ok\n");
}

/// The content of `main`.
fn content(answer: &Answer) -> &str {
    let (_, rest) = answer.text.split_once("<main").unwrap_or_else(|| panic!("no content: {}", answer.text));
    rest.split_once("</main>").expect("an end").0
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn concurrent_requests_all_get_complete_pages() {
    let app = TestApp::open().await;
    let (team, service) = team_called(&app, "Acme").await;
    team.post("/api/tokens", json!({"name": "Pipeline"})).await.is(201);
    let detail = format!("/services/{}", id_of(&service));
    let paths = ["/dashboard", "/services", &detail, "/settings"].map(str::to_owned);
    let mut whole = Vec::new();
    for path in &paths {
        whole.push(content(&team.browser().open(path).await).to_owned());
    }
    assert!(whole[1].contains("Acme") && whole[3].contains("Pipeline") && whole[3].contains("Europe/Berlin"));
    let (paths, whole) = (Arc::new(paths), Arc::new(whole));
    let members = (0..8).map(|_| {
        let (browser, paths, whole) = (team.browser(), Arc::clone(&paths), Arc::clone(&whole));
        tokio::spawn(async move {
            for (path, whole) in paths.iter().zip(whole.iter()).cycle().take(24) {
                let answer = browser.open(path).await;
                assert_eq!(answer.status, 200, "{path}: {}", answer.text);
                assert_eq!(content(&answer), whole, "{path}");
            }
        })
    });
    for member in futures::future::join_all(members).await {
        member.expect("no panic");
    }
}
