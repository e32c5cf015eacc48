//! Security headers of every response, and caching (R-33, R-34, R-36).

use axum::{
    body::Body,
    http::{Method, header},
};

use super::permissions::plain_routes;
use crate::{
    server::TeamPages,
    tests::support::{
        app::{ORIGIN, TestApp, request, with_json},
        clients::Answer,
        endpoints::{document, operations, registered},
    },
};

/// Paths that do not exist, some of them close to paths that do.
const MISSING: [&str; 6] =
    ["/nowhere", "/api/", "/favicon.ico", "/robots.txt", "/public/nobody-has-this", "/dashboard/x.css"];

/// A response and its request.
struct Exchange {
    /// The method, path and status.
    title: String,
    /// Whether the path is a page of the dashboard.
    is_page: bool,
    credential: Credential,
    answer: Answer,
}

/// How a request is authenticated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Credential {
    None,
    Token,
    Cookie,
}

/// The responses of every path, with all relevant methods, without authentication, by token and by cookie.
async fn everything(app: &TestApp) -> Vec<Exchange> {
    let team = app.register("Acme").await;
    let document = document(app).await;
    let nobodys = "00000000-0000-0000-0000-000000000000";
    let filled = |path: &str| {
        let path = path.replace("{slug}", &team.slug).replace("{token}", "nobody's");
        ["{id}", "{uid}", "{user_id}"].iter().fold(path, |path, name| path.replace(name, nobodys))
    };
    let pages: Vec<String> = TeamPages::find().paths().map(filled).collect();
    let plain = plain_routes().filter_map(|(title, _)| title.split_once(' ')).map(|(_, path)| filled(path));
    let month = [format!("/public/{}/history?month=2020-01", team.slug)];
    let mut requests: Vec<(Method, String)> =
        operations(&document).into_iter().map(|operation| (operation.method, filled(&operation.path))).collect();
    for path in pages.iter().cloned().chain(plain).chain(MISSING.map(str::to_owned)).chain(month) {
        requests.extend([Method::GET, Method::HEAD, Method::POST].map(|method| (method, path.clone())));
    }
    requests.extend(registered().into_iter().map(|path| (Method::POST, path.to_owned())));
    // Logging out ends the session, so it comes last.
    requests.sort_by_key(|(method, path)| method == Method::POST && path.ends_with("/logout"));
    let cookie = format!("aldis={0}; __Host-aldis={0}", team.token);
    let mut exchanges = Vec::new();
    for (method, path) in requests {
        for credential in [Credential::None, Credential::Token, Credential::Cookie] {
            let mut builder = request(method.clone(), &path);
            builder = match credential {
                Credential::None => builder,
                Credential::Token => builder.header(header::AUTHORIZATION, format!("Bearer {}", team.token)),
                Credential::Cookie => builder
                    .header(header::COOKIE, &cookie)
                    .header(header::ORIGIN, ORIGIN)
                    .header("sec-fetch-site", "same-origin"),
            };
            let answer = app.send(builder.body(Body::empty()).expect("request")).await;
            let title = format!("{method} {path} {}", answer.status);
            exchanges.push(Exchange { title, is_page: pages.contains(&path), credential, answer });
        }
    }
    let is_seen = |path: &str| exchanges.iter().any(|one| one.title == format!("GET {path} 200 OK"));
    assert!(is_seen("/dashboard") && is_seen("/settings/audit"), "a member's pages were drawn");
    exchanges
}

#[tokio::test]
async fn r_34_every_response_has_the_security_headers() {
    let app = TestApp::with(&["--public-url", "https://status.example.com"]).await;
    let exchanges = everything(&app).await;
    assert!(exchanges.len() > 600, "only {} answers", exchanges.len());
    for Exchange { title, answer, .. } in &exchanges {
        assert!(answer.status.as_u16() < 500, "{title}: {}", answer.text);
        // These paths contain a secret (R-28).
        let is_secret = [" /invite/", " /reset-password/"].iter().any(|secret| title.contains(secret));
        let referrer = if is_secret { "no-referrer" } else { "strict-origin-when-cross-origin" };
        for (name, value) in [
            ("x-content-type-options", "nosniff"),
            ("referrer-policy", referrer),
            ("cross-origin-opener-policy", "same-origin"),
            ("cross-origin-resource-policy", "same-origin"),
            ("strict-transport-security", "max-age=63072000"),
        ] {
            assert_eq!(answer.header(name), value, "{title}: {name}");
        }
        assert!(answer.header("permissions-policy").contains("camera=()"), "{title}");
        let policy = answer.header(header::CONTENT_SECURITY_POLICY);
        assert!(policy.starts_with("default-src 'none'; ") && policy.ends_with("; report-uri /csp-report"), "{title}");
        assert!(!answer.header("x-request-id").is_empty(), "{title}");
        assert!(!answer.headers.contains_key(header::SERVER), "{title}");
        for cookie in answer.headers.get_all(header::SET_COOKIE) {
            let cookie = cookie.to_str().expect("text");
            assert!(cookie.starts_with("__Host-aldis=") && cookie.contains("; Secure"), "{title}: {cookie}");
            assert!(cookie.contains("; HttpOnly") && cookie.contains("; SameSite=Lax"), "{title}: {cookie}");
        }
    }
    let plain = TestApp::open().await.get("/healthz").await;
    assert!(!plain.headers.contains_key(header::STRICT_TRANSPORT_SECURITY));
}

#[tokio::test]
async fn r_36_pages_for_members_are_never_cached() {
    let app = TestApp::open().await;
    for Exchange { title, is_page, credential, answer } in everything(&app).await {
        let kept = answer.header(header::CACHE_CONTROL);
        let is_drawn = is_page && !title.starts_with("POST") && !answer.status.is_redirection();
        assert!(!is_drawn || kept == "no-store", "{title}: {kept}");
        let is_private = (title.contains(" /api/") && !title.contains(" /api/public/")) || title.contains(" /fn/");
        assert!(!is_private || kept == "no-store", "{title}: {kept}");
        if title.contains(" /public/") && answer.status == 200 {
            let shared = "public, max-age=0, s-maxage=5, stale-while-revalidate=30, stale-if-error=600";
            assert_eq!(kept, shared, "{title} {credential:?}");
        }
        // Errors and redirects too, except public pages that do not exist.
        if answer.status == 404 && !is_private && !is_page && !title.contains(" /api/") {
            assert_eq!(kept, "public, max-age=0, s-maxage=5", "{title}");
        } else if !answer.status.is_success() {
            assert_eq!(kept, "no-store", "{title}");
        }
    }
}

#[tokio::test]
async fn r_71_request_ids_are_assigned_by_the_server() {
    let app = TestApp::open().await;
    let team = app.register("Acme").await;
    let builder = request(Method::POST, "/api/groups").header("x-request-id", "made-up");
    let builder = builder.header(header::AUTHORIZATION, format!("Bearer {}", team.token));
    let answer = app.send(with_json(builder, &serde_json::json!({"name": "Core"}))).await;
    answer.is(201);
    assert!(answer.header("x-request-id").len() == 36, "{}", answer.header("x-request-id"));
    let entry = team.get("/api/audit?limit=1").await.is(200)[0].clone();
    assert_eq!(entry["request_id"], answer.header("x-request-id"));
}

#[tokio::test]
async fn r_83_errors_reveal_no_internals() {
    let app = TestApp::open().await;
    for Exchange { title, answer, .. } in everything(&app).await {
        if answer.status.is_success() {
            continue;
        }
        let text = answer.text.to_lowercase();
        for word in
            ["select ", "insert ", "sqlite", "sqlx", "sea_orm", "panicked", "src/", "/root/", ".rs:", "stack backtrace"]
        {
            assert!(!text.contains(word), "{title} contains `{word}`: {}", answer.text);
        }
    }
}

#[tokio::test]
async fn r_33_browsers_report_violations_and_reports_are_limited() {
    let app = TestApp::open().await;
    let report = r#"{"csp-report": {"document-uri": "http://127.0.0.1:3000/x", "effective-directive": "script-src", "blocked-uri": "inline"}}"#;
    let send = async |body: String| {
        let builder = request(Method::POST, "/csp-report").header(header::CONTENT_TYPE, "application/csp-report");
        app.send(builder.header(header::COOKIE, "aldis=x").body(Body::from(body)).expect("request")).await
    };
    assert_eq!(send("no report".into()).await.status, 400);
    assert_eq!(send("x".repeat(20_000)).await.status, 413);
    let mut statuses = Vec::new();
    for _ in 0..60 {
        statuses.push(send(report.into()).await.status.as_u16());
    }
    assert!(statuses[0] == 204 && statuses.contains(&429), "{statuses:?}");
}
