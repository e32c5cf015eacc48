//! Open redirects and made-up hosts.

use axum::{
    body::Body,
    http::{HeaderName, Method, header},
};

use crate::tests::support::{
    app::{ORIGIN, PASSWORD, TestApp, request},
    clients::form,
    endpoints::path_to,
};

/// External URLs in many disguises.
const EXTERNAL: [&str; 64] = [
    "https://evil.test",
    "http://evil.test/",
    "HTTPS://EVIL.TEST",
    "//evil.test",
    "///evil.test",
    "////evil.test",
    "//evil.test/%2e%2e",
    "//evil.test\\@127.0.0.1:3000",
    "\\\\evil.test",
    "\\/evil.test",
    "/\\evil.test",
    "/\\/evil.test",
    "/\\\\evil.test",
    "\\evil.test",
    "/\t/evil.test",
    "/\n/evil.test",
    "/\r/evil.test",
    "\t//evil.test",
    " //evil.test",
    "\n//evil.test",
    "\u{0}//evil.test",
    "/ /evil.test",
    "https:evil.test",
    "https:/evil.test",
    "https:///evil.test",
    "https:\\\\evil.test",
    "https://127.0.0.1:3000@evil.test",
    "https://127.0.0.1:3000.evil.test",
    "http://127.0.0.1:3000/",
    "http://127.0.0.1:3000@evil.test/",
    "https://evil.test#127.0.0.1:3000",
    "https://evil.test?127.0.0.1:3000",
    "javascript:alert(1)",
    "JaVaScRiPt:alert(1)",
    "java\tscript:alert(1)",
    "javascript://%0aalert(1)",
    "data:text/html,<script>alert(1)</script>",
    "vbscript:x",
    "file:///etc/passwd",
    "blob:x",
    "about:blank",
    "ftp://evil.test",
    "mailto:eve@evil.test",
    "ws://evil.test",
    "evil.test",
    "www.evil.test",
    ".evil.test",
    "@evil.test",
    ":80",
    "?next=//evil.test",
    "#//evil.test",
    "..//evil.test",
    "./evil.test",
    "../evil.test",
    "dashboard",
    "",
    " ",
    "/\r\nLocation: https://evil.test",
    "/dashboard\r\nSet-Cookie: aldis=x",
    "/\u{2028}/evil.test",
    "/\u{ff0f}evil.test",
    "\u{ff0f}\u{ff0f}evil.test",
    "/\u{e9}vil",
    "https\u{ff1a}//evil.test",
];

#[tokio::test]
async fn r_37_external_urls_do_not_redirect_to_other_sites() {
    let app = TestApp::open().await;
    let team = app.register("Acme").await;
    // Another session, as the logins would end this one.
    let other = app.register("Other").await;
    for next in EXTERNAL {
        for accept in ["text/html", "application/json"] {
            let builder = request(Method::POST, path_to("login")).header(header::ORIGIN, ORIGIN);
            let fields = [("email", team.email.as_str()), ("password", PASSWORD), ("next", next)];
            let answer = app.send(form(builder.header(header::ACCEPT, accept), &fields)).await;
            assert_eq!(answer.header(header::LOCATION), "/dashboard", "{next:?} {accept}: {}", answer.text);
        }
        let builder = request(Method::POST, path_to("add_group"))
            .header(header::ORIGIN, ORIGIN)
            .header(header::ACCEPT, "text/html")
            .header(header::COOKIE, format!("aldis={}", other.token));
        let answer = app.send(form(builder, &[("name", "Core"), ("page", next)])).await;
        assert_eq!((answer.status.as_u16(), answer.header(header::LOCATION)), (303, "/"), "{next:?}");
        // The login page has it only in a hidden field.
        let asked: String = form_urlencoded::byte_serialize(next.as_bytes()).collect();
        let page = app.get(&format!("/login?next={asked}")).await;
        assert!(page.status == 200 && !page.text.contains("href=\"//evil"), "{next:?}");
    }
}

#[tokio::test]
async fn r_28_responses_never_contain_a_host_from_the_request() {
    let app = TestApp::open().await;
    let team = app.register("Acme").await;
    let names =
        ["host", "x-forwarded-host", "x-host", "forwarded", "x-original-url", "x-rewrite-url", "x-forwarded-server"];
    let public = format!("/public/{}", team.slug);
    for path in ["/", "/login", "/dashboard", "/services", "/nowhere", "/api", "/api/openapi.json", "/boot.js", &public]
    {
        let expected = team.browser().open(path).await;
        for name in names {
            let value = if name == "forwarded" { "host=evil.test;proto=https" } else { "evil.test" };
            let builder = request(Method::GET, path)
                .header(header::COOKIE, format!("aldis={}", team.token))
                .header(HeaderName::from_static(name), value);
            let answer = app.send(builder.body(Body::empty()).expect("request")).await;
            assert_eq!(answer.status, expected.status, "{path} {name}");
            assert_eq!(answer.header(header::LOCATION), expected.header(header::LOCATION), "{path} {name}");
            assert!(!answer.text.contains("evil.test"), "{path} {name}");
        }
    }
}
