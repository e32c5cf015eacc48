//! The headers that every answer carries, whatever was asked (R-33, R-34, R-36).

use axum::{
    body::Body,
    http::{Method, header},
};

use super::{
    TestApp,
    clients::Answer,
    doors::{document, operations, registered},
    request, with_json,
};

const PAGES: [&str; 22] = [
    "/",
    "/login",
    "/register",
    "/dashboard",
    "/services",
    "/groups",
    "/incidents",
    "/incidents/new",
    "/maintenances",
    "/templates",
    "/settings",
    "/nowhere",
    "/api",
    "/api/",
    "/api/openapi.json",
    "/boot.js",
    "/healthz",
    "/readyz",
    "/favicon.ico",
    "/robots.txt",
    "/public/nobody-has-this",
    "/csp-report",
];

/// Every address there is, by every method that is of interest, as a stranger and as a member.
async fn everything(app: &TestApp) -> Vec<(String, bool, Answer)> {
    let team = app.register("Acme").await;
    let document = document(app).await;
    let nobodys = "00000000-0000-0000-0000-000000000000";
    let operations = operations(&document).into_iter().map(|operation| {
        let path = operation.path.replace("{id}", nobodys).replace("{uid}", nobodys).replace("{slug}", &team.slug);
        (operation.method, path)
    });
    let public =
        ["", "/history", "/history?month=2020-01", "/incidents/x"].map(|rest| format!("/public/{}{rest}", team.slug));
    let mut asked: Vec<(Method, String)> = operations.filter(|(_, path)| path != "/api/auth/logout").collect();
    for path in PAGES.into_iter().map(str::to_owned).chain(public) {
        asked.extend([Method::GET, Method::HEAD, Method::POST].map(|method| (method, path.clone())));
    }
    asked.extend(registered().into_iter().map(|path| (Method::POST, path.to_owned())));
    let mut answers = Vec::new();
    for (method, path) in asked {
        for secret in [None, Some(format!("Bearer {}", team.token))] {
            let is_member = secret.is_some();
            let mut builder = request(method.clone(), &path);
            if let Some(secret) = secret {
                builder = builder.header(header::AUTHORIZATION, secret);
            }
            let answer = app.send(builder.body(Body::empty()).expect("request")).await;
            answers.push((format!("{method} {path} {}", answer.status), is_member, answer));
        }
    }
    answers
}

#[tokio::test]
async fn r_34_every_address_answers_with_every_protective_header() {
    let app = TestApp::with(&["--public-url", "https://status.example.com"]).await;
    let answers = everything(&app).await;
    assert!(answers.len() > 250, "only {} answers", answers.len());
    for (title, _, answer) in &answers {
        assert!(answer.status.as_u16() < 500, "{title}: {}", answer.text);
        for (name, value) in [
            ("x-content-type-options", "nosniff"),
            ("referrer-policy", "strict-origin-when-cross-origin"),
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
    for (title, is_member, answer) in everything(&app).await {
        let kept = answer.header(header::CACHE_CONTROL);
        let is_private = (title.contains(" /api/") && !title.contains(" /api/public/")) || title.contains(" /fn/");
        assert!(!is_private || kept == "no-store", "{title}: {kept}");
        if title.contains(" /public/") && answer.status == 200 {
            assert_eq!(kept, "public, max-age=0, s-maxage=5, stale-while-revalidate=30", "{title} {is_member}");
        }
        // Refusals and redirects too, but for what everybody finds missing.
        if answer.status == 404 && !is_private && !title.contains(" /api/") {
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
    for (title, _, answer) in everything(&app).await {
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
