//! CSRF: requests that other sites make a browser send.

use axum::{
    body::Body,
    http::{Method, Request, header, request::Builder},
};
use serde_json::json;

use crate::tests::support::{
    app::{PASSWORD, TestApp, request, with_json},
    clients::{Answer, Team, form},
    endpoints::{document, operations, path_to, registered},
};

const SITE: &str = "sec-fetch-site";
const ORIGIN: &str = "origin";

/// Headers about a request's origin, and whether that is our own.
const CASES: [(&[(&str, &str)], bool); 14] = [
    (&[(SITE, "same-origin")], true),
    (&[(SITE, "none")], true),
    (&[(SITE, "same-site")], false),
    (&[(SITE, "cross-site")], false),
    (&[(SITE, "")], false),
    (&[(SITE, "cross-site"), (ORIGIN, "http://127.0.0.1:3000")], false),
    (&[(ORIGIN, "http://127.0.0.1:3000")], true),
    (&[(ORIGIN, "http://localhost:3000")], true),
    (&[(ORIGIN, "http://127.0.0.1:3001")], false),
    (&[(ORIGIN, "https://127.0.0.1:3000")], false),
    (&[(ORIGIN, "https://evil.test")], false),
    (&[(ORIGIN, "http://127.0.0.1:3000.evil.test")], false),
    (&[(ORIGIN, "null")], false),
    (&[], false),
];

fn from(mut builder: Builder, headers: &[(&str, &str)]) -> Builder {
    for (name, value) in headers {
        builder = builder.header(*name, *value);
    }
    builder
}

/// Whether a response is the rejection of a foreign origin.
fn is_refused(answer: &Answer) -> bool {
    answer.status == 403 && answer.text.contains("did not come from our own pages")
}

fn cookie_of(team: &Team) -> String {
    format!("aldis={}", team.token)
}

#[tokio::test]
async fn every_server_function_rejects_other_sites_with_and_without_a_cookie() {
    let app = TestApp::open().await;
    let team = app.register("Acme").await;
    let before = team.everything().await;
    for path in registered() {
        for (headers, is_ours) in CASES {
            // Logging out needs no fields, so it would succeed and end the session.
            if is_ours && path == path_to("logout") {
                continue;
            }
            for cookie in [Some(cookie_of(&team)), None] {
                for accept in ["text/html", "application/json"] {
                    let mut builder = from(request(Method::POST, path).header(header::ACCEPT, accept), headers);
                    if let Some(cookie) = &cookie {
                        builder = builder.header(header::COOKIE, cookie);
                    }
                    let answer = app.send(form(builder, &[])).await;
                    assert_eq!(is_refused(&answer), !is_ours, "{path} {headers:?} {accept}: {}", answer.text);
                }
            }
        }
    }
    assert_eq!(team.everything().await, before);
}

#[tokio::test]
async fn a_form_is_checked_even_with_a_token() {
    let app = TestApp::open().await;
    let team = app.register("Acme").await;
    let builder = request(Method::POST, path_to("add_group"))
        .header(header::AUTHORIZATION, format!("Bearer {}", team.token))
        .header(SITE, "cross-site");
    assert!(is_refused(&app.send(form(builder, &[("name", "Core")])).await));
}

fn empty_or_json(builder: Builder, body: Option<&serde_json::Value>) -> Request<Body> {
    match body {
        Some(body) => with_json(builder, body),
        None => builder.body(Body::empty()).expect("request"),
    }
}

#[tokio::test]
async fn every_api_change_by_cookie_rejects_other_sites() {
    let app = TestApp::open().await;
    let team = app.register("Acme").await;
    let before = team.everything().await;
    let document = document(&app).await;
    let mut tried = 0;
    for operation in operations(&document).into_iter().filter(|operation| operation.method != Method::GET) {
        let nobodys = "00000000-0000-0000-0000-000000000000";
        let path = operation.path.replace("{id}", nobodys).replace("{uid}", nobodys);
        let body = operation.example(&document);
        for (headers, is_ours) in CASES {
            let would_change = operation.parameters().is_empty();
            if is_ours && would_change {
                continue;
            }
            let builder =
                from(request(operation.method.clone(), &path), headers).header(header::COOKIE, cookie_of(&team));
            let answer = app.send(empty_or_json(builder, body.as_ref())).await;
            assert_eq!(is_refused(&answer), !is_ours, "{} {headers:?}: {}", operation.title(), answer.text);
            tried += 1;
        }
    }
    assert!(tried > 60, "only {tried} requests were tried");
    assert_eq!(team.everything().await, before);
}

#[tokio::test]
async fn our_own_pages_can_make_changes_by_cookie() {
    let app = TestApp::open().await;
    let team = app.register("Acme").await;
    for (headers, _) in CASES.iter().filter(|(_, is_ours)| *is_ours) {
        let builder = from(request(Method::POST, "/api/groups"), headers).header(header::COOKIE, cookie_of(&team));
        app.send(with_json(builder, &json!({"name": "Core"}))).await.is(201);
        let builder = from(request(Method::POST, path_to("add_group")), headers)
            .header(header::COOKIE, cookie_of(&team))
            .header(header::ACCEPT, "application/json");
        app.send(form(builder, &[("name", "Core")])).await.is(200);
    }
    assert_eq!(team.groups().await.len(), 8);
}

#[tokio::test]
async fn a_request_with_a_token_ignores_the_cookie_and_is_not_checked() {
    let app = TestApp::open().await;
    let (ada, eve) = (app.register("Ada").await, app.register("Eve").await);
    for (headers, _) in CASES {
        let builder = from(request(Method::POST, "/api/groups"), headers)
            .header(header::AUTHORIZATION, format!("Bearer {}", ada.token))
            .header(header::COOKIE, cookie_of(&eve));
        app.send(with_json(builder, &json!({"name": "Core"}))).await.is(201);
    }
    assert_eq!(ada.groups().await.len(), CASES.len());
    assert!(eve.groups().await.is_empty());
    // A header without a valid scheme does not skip the check.
    let builder = request(Method::POST, "/api/groups")
        .header(SITE, "cross-site")
        .header(header::AUTHORIZATION, "Basic YTpi")
        .header(header::COOKIE, cookie_of(&eve));
    app.send(with_json(builder, &json!({"name": "Core"}))).await.refuses(401, &[]);
    assert!(eve.groups().await.is_empty());
}

#[tokio::test]
async fn reading_is_allowed_from_everywhere() {
    let app = TestApp::open().await;
    let team = app.register("Acme").await;
    for (headers, _) in CASES {
        for path in ["/api/services", "/api/auth/me", "/dashboard", &format!("/public/{}", team.slug)] {
            let builder = from(request(Method::GET, path), headers).header(header::COOKIE, cookie_of(&team));
            let answer = app.send(builder.body(Body::empty()).expect("request")).await;
            assert_eq!(answer.status, 200, "{path} {headers:?}");
        }
    }
}

#[tokio::test]
async fn logging_in_rejects_other_sites_too() {
    let app = TestApp::open().await;
    let team = app.register("Acme").await;
    let builder = request(Method::POST, path_to("login")).header(header::ORIGIN, "https://evil.test");
    let answer = app.send(form(builder, &[("email", &team.email), ("password", PASSWORD)])).await;
    assert!(is_refused(&answer) && !answer.headers.contains_key(header::SET_COOKIE));
}

#[tokio::test]
async fn r_31_server_functions_cannot_be_called_by_a_link() {
    let app = TestApp::open().await;
    let team = app.register("Acme").await;
    for path in registered() {
        for method in [Method::GET, Method::HEAD, Method::PUT, Method::DELETE, Method::PATCH] {
            let builder =
                request(method.clone(), &format!("{path}?name=Core")).header(header::COOKIE, cookie_of(&team));
            let answer = app.send(builder.header(SITE, "same-origin").body(Body::empty()).expect("request")).await;
            assert!(answer.status.is_client_error(), "{method} {path}: {}", answer.status);
        }
    }
    team.get("/api/auth/me").await.is(200);
    assert!(team.groups().await.is_empty());
}

#[tokio::test]
async fn r_32_other_sites_can_read_public_data_and_never_with_cookies() {
    let app = TestApp::open().await;
    let team = app.register("Acme").await;
    let ask = async |path: &str, method: Method| {
        let builder = request(method, path)
            .header(header::ORIGIN, "https://elsewhere.test")
            .header(header::ACCESS_CONTROL_REQUEST_METHOD, "GET");
        app.send(builder.body(Body::empty()).expect("request")).await
    };
    for document in ["status", "timeline"] {
        let answer = ask(&format!("/api/public/{}/{document}", team.slug), Method::GET).await;
        assert_eq!(answer.header(header::ACCESS_CONTROL_ALLOW_ORIGIN), "*");
        assert!(!answer.headers.contains_key(header::ACCESS_CONTROL_ALLOW_CREDENTIALS));
    }
    for path in ["/api/services", "/api/auth/me", "/dashboard", "/", "/api/auth/login"] {
        for method in [Method::GET, Method::OPTIONS] {
            let answer = ask(path, method).await;
            assert!(!answer.headers.contains_key(header::ACCESS_CONTROL_ALLOW_ORIGIN), "{path}");
        }
    }
}
