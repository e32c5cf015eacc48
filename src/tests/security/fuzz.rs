//! Fuzzing: random requests through the whole router; none is answered with a 5xx (`scripts/battery fuzz`).
//!
//! `ALDIS_TEST_CASES` sets the number of requests.

use axum::{
    body::Body,
    http::{Method, Request, header},
};
use proptest::{
    prelude::*,
    sample::{Index, select},
    test_runner::{Config, TestRunner},
};
use serde_json::{Value, json};

use crate::tests::support::{
    app::{TestApp, request},
    clients::{Team, id_of},
    endpoints::{Operation, document, operations, registered},
};

/// The parts of a random request.
#[derive(Clone, Debug)]
struct Input {
    endpoint: Index,
    example: Index,
    /// Which value of the body is replaced, and by what.
    position: Index,
    replacement: Value,
    /// Sent in place of the body, sometimes.
    raw: Option<Vec<u8>>,
    path: Option<String>,
    query: Option<String>,
    header: (&'static str, String),
    is_signed_in: bool,
}

/// Text that often causes errors.
fn text() -> impl Strategy<Value = String> {
    let odd = select(vec![
        "",
        " ",
        "\0",
        "\u{feff}",
        "\u{202e}x",
        "🏳️‍🌈",
        "a\u{301}",
        "'\"\\;--",
        "%00%ff",
        "../../etc/passwd",
        "NaN",
        "-0",
        "null",
        "9999-12-31T23:59:59Z",
        "-9999-01-01T00:00:00Z",
        "2026-02-30T25:61:61Z",
        "2026-01-01T00:00:00+99:99",
        "FREQ=SECONDLY",
        "FREQ=YEARLY;BYDAY=400MO",
        "FREQ=DAILY;INTERVAL=0",
        "FREQ=DAILY;COUNT=4294967295",
        "FREQ=MONTHLY;BYMONTHDAY=31;UNTIL=00010101T000000Z",
        "[x](javascript:1)",
        "<!--<script>",
        "\r\nX: y",
    ])
    .prop_map(str::to_owned);
    prop_oneof![odd, any::<String>(), "[ -~]{0,40}", "[>*_`\\[\\]()#|~\n -]{0,400}", ".{300,600}"]
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        text().prop_map(Value::from),
        Just(json!(18_446_744_073_709_551_615_u64)),
    ];
    leaf.prop_recursive(4, 24, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::btree_map("[a-z_]{1,12}", inner, 0..4).prop_map(|map| json!(map)),
        ]
    })
}

fn inputs() -> impl Strategy<Value = Input> {
    let names = [
        "idempotency-key",
        "x-forwarded-for",
        "cookie",
        "range",
        "if-none-match",
        "accept-encoding",
        "accept",
        "referer",
    ];
    let escaped = || "([a-z0-9._~=&+-]|%[0-9A-Fa-f]{2}){0,60}";
    (
        (any::<Index>(), any::<Index>(), any::<Index>(), value()),
        prop::option::weighted(0.15, prop::collection::vec(any::<u8>(), 0..200)),
        prop::option::weighted(0.3, escaped()),
        prop::option::weighted(0.5, escaped()),
        (select(names.to_vec()), "[ -~]{0,60}"),
        prop::bool::weighted(0.8),
    )
        .prop_map(|((endpoint, example, position, replacement), raw, path, query, header, is_signed_in)| Input {
            endpoint,
            example,
            position,
            replacement,
            raw,
            path,
            query,
            header,
            is_signed_in,
        })
}

/// Replaces one value of a body, or the whole body.
fn replace(body: &mut Value, at: &mut usize, by: &Value) -> bool {
    if *at == 0 {
        *body = by.clone();
        return true;
    }
    *at -= 1;
    match body {
        Value::Array(values) => values.iter_mut().any(|value| replace(value, at, by)),
        Value::Object(fields) => fields.values_mut().any(|value| replace(value, at, by)),
        _ => false,
    }
}

fn size(body: &Value) -> usize {
    1 + match body {
        Value::Array(values) => values.iter().map(size).sum(),
        Value::Object(fields) => fields.values().map(size).sum::<usize>(),
        _ => 0,
    }
}

struct Target {
    team: Team,
    service: String,
    operations: Vec<Operation>,
    document: Value,
}

impl Target {
    async fn open() -> Self {
        let app = TestApp::open().await;
        let team = app.register("Acme").await;
        let service = id_of(&team.service("API").await).to_owned();
        let document = document(&app).await;
        let mut operations = operations(&document);
        operations.retain(|operation| operation.path != "/api/auth/logout");
        Self { team, service, operations, document }
    }

    fn request(&self, input: &Input) -> Request<Body> {
        let pages = ["/", "/login", "/dashboard", "/services", "/incidents", "/settings", "/public/x", "/csp-report"];
        let forms = registered();
        let at = input.endpoint.index(self.operations.len() + forms.len() + pages.len());
        let (method, path, body, kind) = if let Some(operation) = self.operations.get(at) {
            let examples =
                operation.body(&self.document).map(|_| operation.examples_for(&self.document, &self.service));
            let body = examples.filter(|examples| !examples.is_empty()).map(|examples| {
                let mut body = examples[input.example.index(examples.len())].clone();
                let mut position = input.position.index(size(&body));
                replace(&mut body, &mut position, &input.replacement);
                body.to_string().into_bytes()
            });
            let id = input.path.clone().unwrap_or_else(|| self.service.clone());
            let path = operation.path.replace("{slug}", input.path.as_deref().unwrap_or(&self.team.slug));
            let path = ["{id}", "{uid}", "{user_id}"].iter().fold(path, |path, name| path.replace(name, &id));
            (operation.method.clone(), path, body, "application/json")
        } else if let Some(form) = forms.get(at - self.operations.len()).filter(|form| !form.ends_with("/logout")) {
            let fields = [
                "id",
                "name",
                "title",
                "message",
                "status",
                "starts",
                "ends",
                "recurrence",
                "impact",
                "page",
                "zone",
                "key",
            ];
            let text = input.replacement.as_str().map_or_else(|| input.replacement.to_string(), str::to_owned);
            let mut body = form_urlencoded::Serializer::new(String::new());
            for (n, field) in fields.iter().enumerate() {
                body.append_pair(field, if n == input.position.index(fields.len()) { &text } else { &self.service });
            }
            (Method::POST, (*form).to_owned(), Some(body.finish().into_bytes()), "application/x-www-form-urlencoded")
        } else {
            let page = pages[input.example.index(pages.len())];
            let path = input.path.as_ref().map_or_else(|| page.to_owned(), |path| format!("{page}/{path}"));
            (Method::GET, path, None, "text/plain")
        };
        let uri = input.query.as_ref().map_or_else(|| path.clone(), |query| format!("{path}?{query}"));
        let mut builder = request(method, &uri)
            .header(header::CONTENT_TYPE, kind)
            .header("sec-fetch-site", "same-origin")
            .header(input.header.0, &input.header.1);
        if input.is_signed_in && kind == "application/json" {
            builder = builder.header(header::AUTHORIZATION, format!("Bearer {}", self.team.token));
        } else if input.is_signed_in {
            builder = builder.header(header::COOKIE, format!("aldis={}", self.team.token));
        }
        let body = input.raw.clone().or(body).map_or_else(Body::empty, Body::from);
        builder.body(body).expect("a request that can be sent")
    }
}

#[test]
#[expect(clippy::disallowed_methods, reason = "the environment sets the number of requests")]
fn random_requests_never_cause_a_server_error() {
    let cases = std::env::var("ALDIS_TEST_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(400);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let target = runtime.block_on(Target::open());
    let config = Config { cases, max_shrink_iters: 200, failure_persistence: None, ..Config::default() };
    let result = TestRunner::new(config).run(&inputs(), |input| {
        let request = target.request(&input);
        let title = format!("{} {}", request.method(), request.uri());
        let answer = runtime.block_on(target.team.app.send(request));
        prop_assert!(answer.status.as_u16() < 500, "{}: {} {}", title, answer.status, answer.text);
        if answer.status.is_client_error() && title.contains(" /api/") {
            prop_assert!(answer.json()["code"].is_string(), "{}: {}", title, answer.text);
        }
        Ok(())
    });
    if let Err(failure) = result {
        panic!("{failure}");
    }
}
