//! The headers that every answer carries, whatever was asked (R-33, R-34, R-36).

use axum::{
    body::Body,
    http::{Method, header},
};

use super::permissions::addresses;
use crate::{
    server::TeamPages,
    tests::support::{
        app::{ORIGIN, TestApp, request, with_json},
        clients::Answer,
        endpoints::{document, operations, registered},
    },
};

/// Addresses that are nobody's, and what is near those that are somebody's.
const NOTHING: [&str; 6] =
    ["/nowhere", "/api/", "/favicon.ico", "/robots.txt", "/public/nobody-has-this", "/dashboard/x.css"];

/// An answer, and to what.
struct Heard {
    /// The method, the address, and what became of it.
    title: String,
    /// Whether the page asked for is one of the team's application.
    is_page: bool,
    /// What the asker showed.
    shown: Shown,
    answer: Answer,
}

/// What somebody who asks shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shown {
    Nothing,
    Token,
    Cookie,
}

/// Every address there is, by every method that is of interest, as a stranger and as a member in both ways.
async fn everything(app: &TestApp) -> Vec<Heard> {
    let team = app.register("Acme").await;
    let document = document(app).await;
    let nobodys = "00000000-0000-0000-0000-000000000000";
    let filled = |path: &str| {
        let path = path.replace("{slug}", &team.slug).replace("{token}", "nobody's");
        ["{id}", "{uid}", "{user_id}"].iter().fold(path, |path, name| path.replace(name, nobodys))
    };
    let pages: Vec<String> = TeamPages::find().paths().map(filled).collect();
    let plain = addresses().filter_map(|(asked, _)| asked.split_once(' ')).map(|(_, path)| filled(path));
    let month = [format!("/public/{}/history?month=2020-01", team.slug)];
    let mut asked: Vec<(Method, String)> =
        operations(&document).into_iter().map(|operation| (operation.method, filled(&operation.path))).collect();
    for path in pages.iter().cloned().chain(plain).chain(NOTHING.map(str::to_owned)).chain(month) {
        asked.extend([Method::GET, Method::HEAD, Method::POST].map(|method| (method, path.clone())));
    }
    asked.extend(registered().into_iter().map(|path| (Method::POST, path.to_owned())));
    // Whoever logs out is nobody afterwards.
    asked.sort_by_key(|(method, path)| method == Method::POST && path.ends_with("/logout"));
    let cookie = format!("aldis={0}; __Host-aldis={0}", team.token);
    let mut heard = Vec::new();
    for (method, path) in asked {
        for shown in [Shown::Nothing, Shown::Token, Shown::Cookie] {
            let mut builder = request(method.clone(), &path);
            builder = match shown {
                Shown::Nothing => builder,
                Shown::Token => builder.header(header::AUTHORIZATION, format!("Bearer {}", team.token)),
                Shown::Cookie => builder
                    .header(header::COOKIE, &cookie)
                    .header(header::ORIGIN, ORIGIN)
                    .header("sec-fetch-site", "same-origin"),
            };
            let answer = app.send(builder.body(Body::empty()).expect("request")).await;
            let title = format!("{method} {path} {}", answer.status);
            heard.push(Heard { title, is_page: pages.contains(&path), shown, answer });
        }
    }
    let is_seen = |path: &str| heard.iter().any(|one| one.title == format!("GET {path} 200 OK"));
    assert!(is_seen("/dashboard") && is_seen("/settings/audit"), "a member's pages were drawn");
    heard
}

#[tokio::test]
async fn r_34_every_address_answers_with_every_protective_header() {
    let app = TestApp::with(&["--public-url", "https://status.example.com"]).await;
    let heard = everything(&app).await;
    assert!(heard.len() > 600, "only {} answers", heard.len());
    for Heard { title, answer, .. } in &heard {
        assert!(answer.status.as_u16() < 500, "{title}: {}", answer.text);
        // The address of these holds a secret (R-28).
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
async fn r_36_what_only_members_see_is_kept_by_nobody() {
    let app = TestApp::open().await;
    for Heard { title, is_page, shown, answer } in everything(&app).await {
        let kept = answer.header(header::CACHE_CONTROL);
        let is_drawn = is_page && !title.starts_with("POST") && !answer.status.is_redirection();
        assert!(!is_drawn || kept == "no-store", "{title}: {kept}");
        let is_private = (title.contains(" /api/") && !title.contains(" /api/public/")) || title.contains(" /fn/");
        assert!(!is_private || kept == "no-store", "{title}: {kept}");
        if title.contains(" /public/") && answer.status == 200 {
            assert_eq!(kept, "public, max-age=0, s-maxage=5, stale-while-revalidate=30", "{title} {shown:?}");
        }
        // Refusals and redirects too, but for what everybody finds missing.
        if answer.status == 404 && !is_private && !is_page && !title.contains(" /api/") {
            assert_eq!(kept, "public, max-age=0, s-maxage=5", "{title}");
        } else if !answer.status.is_success() {
            assert_eq!(kept, "no-store", "{title}");
        }
    }
}

#[tokio::test]
async fn r_71_a_request_has_the_number_we_give_it() {
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
async fn r_83_no_refusal_tells_how_the_server_is_made() {
    let app = TestApp::open().await;
    for Heard { title, answer, .. } in everything(&app).await {
        if answer.status.is_success() {
            continue;
        }
        let text = answer.text.to_lowercase();
        for word in
            ["select ", "insert ", "sqlite", "sqlx", "sea_orm", "panicked", "src/", "/root/", ".rs:", "stack backtrace"]
        {
            assert!(!text.contains(word), "{title} says `{word}`: {}", answer.text);
        }
    }
}

#[tokio::test]
async fn r_33_browsers_report_breaches_and_too_many_reports_are_refused() {
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
