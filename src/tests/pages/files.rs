//! The client's files: those of this build are kept, and stand in for those of other builds.

use axum::{
    body::Body,
    http::{HeaderName, Method, header},
};

use crate::tests::support::{
    app::{TestApp, request},
    clients::Answer,
};

async fn get(app: &TestApp, path: &str, headers: &[(HeaderName, &str)]) -> Answer {
    let builder =
        headers.iter().fold(request(Method::GET, path), |builder, (name, value)| builder.header(name, *value));
    app.send(builder.body(Body::empty()).expect("request")).await
}

const ENCODINGS: [(HeaderName, &str); 1] = [(header::ACCEPT_ENCODING, "gzip, br")];

#[tokio::test]
async fn a_page_of_another_build_gets_the_files_of_this_one_uncached() {
    let app = TestApp::open().await;
    for (present, old, kind) in [
        ("/pkg/aldis.b1.js", "/pkg/aldis.0123456789abcdef.js", "text/javascript; charset=utf-8"),
        ("/pkg/aldis.b2.wasm", "/pkg/aldis.0123456789abcdef.wasm", "application/wasm"),
        ("/pkg/aldis.b3.css", "/pkg/aldis.0123456789abcdef.css", "text/css; charset=utf-8"),
    ] {
        for headers in [&[][..], &ENCODINGS[..]] {
            let known = get(&app, present, headers).await;
            assert_eq!(known.header(header::CACHE_CONTROL), "public, max-age=31536000, immutable", "{present}");
            let etag = known.header(header::ETAG).to_owned();
            // Whatever the browser has of the old one.
            let mut headers = headers.to_vec();
            headers.push((header::IF_NONE_MATCH, &etag));
            let answer = get(&app, old, &headers).await;
            assert_eq!((answer.status.as_u16(), &answer.text), (200, &known.text), "{old}");
            assert_eq!(answer.header(header::CACHE_CONTROL), "no-store", "{old}");
            assert!(!answer.headers.contains_key(header::ETAG), "{old}");
            assert_eq!(answer.header(header::CONTENT_TYPE), kind, "{old}");
            for name in [header::CONTENT_TYPE, header::CONTENT_ENCODING] {
                assert_eq!(answer.headers.get(&name), known.headers.get(&name), "{old}: {name}");
            }
            assert!(answer.header(header::VARY).eq_ignore_ascii_case("accept-encoding"), "{old}");
        }
    }
    assert_eq!(get(&app, "/pkg/aldis.0.js", &ENCODINGS).await.header(header::CONTENT_ENCODING), "br");
    for none in ["/pkg/none.js", "/pkg/aldis.min.js", "/pkg/aldis.0.js.br", "/pkg/aldis.0.map", "/pkg/", "/aldis.0.js"]
    {
        assert_eq!(get(&app, none, &[]).await.status, 404, "{none}");
    }
}

#[tokio::test]
async fn the_client_is_started_by_a_file_that_names_the_present_script() {
    let app = TestApp::open().await;
    let page = app.register("Acme").await.slug;
    let html = app.get(&format!("/public/{page}")).await.text;
    let (_, rest) = html.split_once("src=\"/boot.js?v=").expect("the script that starts the client");
    let version = rest.split('"').next().expect("its version");
    for (path, kept) in [
        (format!("/boot.js?v={version}"), "public, max-age=31536000, immutable"),
        ("/boot.js?v=OLD".to_owned(), "no-store"),
        ("/boot.js".to_owned(), "no-store"),
    ] {
        let answer = app.get(&path).await;
        assert_eq!(answer.text, "import init, { hydrate } from \"/pkg/aldis.b1.js\";\ninit().then(hydrate);\n");
        assert_eq!(answer.header(header::CACHE_CONTROL), kept, "{path}");
        assert!(!answer.headers.contains_key(header::ETAG), "{path}");
        assert_eq!(answer.header(header::CONTENT_TYPE), "text/javascript; charset=utf-8");
    }
}
