//! Public pages: no private data, nothing unpublished, no scripts from texts.

use axum::{
    body::Body,
    http::{Method, header},
};
use serde_json::{Value, json};

use crate::tests::support::{
    app::{TestApp, request, unique},
    clients::{Answer, id_of},
    public_page::{NOW, ReportedPage},
};

#[tokio::test]
async fn what_does_not_exist_is_a_helpful_404() {
    let app = TestApp::at(NOW).await;
    let reported = ReportedPage::at(&app).await;
    let stranger = ReportedPage::by(app.register("Stranger").await, "Foreign").await;
    let home = reported.home();
    let mut addresses: Vec<String> = [
        "/history?month=2026-13",
        "/history?month=november",
        "/history?month=2026-11-01",
        "/history?month=",
        "/history?month=2026-12",
        "/history?month=9999-12",
        "/history?month=99999-12",
        "/history?month=2026-11&month=2026-10",
        "/incidents/0199aaaa-bbbb-7ccc-8ddd-eeeeffff0000",
        "/incidents/garbage",
        "/incidents/%00",
        "/incidents/..%2f",
    ]
    .map(|tail| format!("{home}{tail}"))
    .into();
    addresses.push(format!("{home}/incidents/{}", id_of(&stranger.open)));
    for path in &addresses {
        let answer = app.get(path).await;
        assert_eq!(answer.status, 404, "{path}");
        assert!(answer.text.contains("<h1>") && answer.text.contains(&format!("href=\"{home}\"")), "{path}");
        assert!(!answer.text.contains("Foreign"), "{path}");
    }
    for path in [
        "/public/nobody-has-this/history",
        &format!("/public/nobody-has-this/incidents/{}", id_of(&reported.open)),
        "/public//history",
        "/public/history",
        "/public/%ff/history",
        &format!("{home}/incidents"),
        &format!("{home}/incidents/"),
        &format!("{home}/history/2026"),
    ] {
        let answer = app.get(path).await;
        assert_eq!(answer.status, 404, "{path}");
        assert!(answer.text.contains("Status page not found"), "{path}");
    }
}

#[tokio::test]
async fn a_draft_is_never_public() {
    let app = TestApp::at(NOW).await;
    let reported = ReportedPage::at(&app).await;
    let canary = unique("canary");
    let impacts = json!([{"id": id_of(&reported.service), "status": "major_outage"}]);
    let hidden = [
        json!({"title": canary, "message": canary, "services": impacts, "is_draft": true}),
        json!({
            "title": canary,
            "message": canary,
            "incident_type": "maintenance",
            "starts_at": "2026-11-24T01:00:00Z",
            "ends_at": "2026-11-24T02:00:00Z",
            "is_draft": true,
        }),
    ];
    let before: Vec<String> = read_all(&app, &reported).await;
    for draft in hidden {
        let draft = reported.team.post("/api/incidents", draft).await.is(201);
        assert_eq!(app.get(&reported.path(&draft)).await.status, 404);
        assert_eq!(
            app.get(&reported.path(&draft)).await.fingerprint(),
            app.get(&format!("{}/incidents/0199aaaa-bbbb-7ccc-8ddd-eeeeffff0000", reported.home())).await.fingerprint(),
            "as if there were none"
        );
    }
    assert_eq!(read_all(&app, &reported).await, before);
}

async fn read_all(app: &TestApp, reported: &ReportedPage) -> Vec<String> {
    let mut all = Vec::new();
    for path in reported.everywhere() {
        all.push(app.get(&path).await.text);
    }
    all
}

#[tokio::test]
async fn public_responses_never_name_an_author() {
    let app = TestApp::at(NOW).await;
    let reported = ReportedPage::at(&app).await;
    reported.update(json!({"status": "resolved"})).await;
    reported.change(&reported.open, json!({"impact": "critical"})).await;
    for (path, text) in reported.everywhere().iter().zip(read_all(&app, &reported).await) {
        for secret in [
            reported.team.email.as_str(),
            "Lovelace",
            id_of(&reported.team.user),
            "created_by",
            "changed_by\":\"",
            "impact_override",
            "automations",
            "series_id",
            "baseline",
        ] {
            assert!(!text.contains(secret), "{path} has {secret}: {text}");
        }
        assert!(text.contains("Beacon"), "{path}");
    }
}

#[tokio::test]
async fn the_pages_are_the_same_for_everybody_and_can_be_cached() {
    let app = TestApp::at(NOW).await;
    let reported = ReportedPage::at(&app).await;
    for path in reported.everywhere().iter().filter(|path| path.starts_with("/public")) {
        let first = app.get(path).await;
        assert_eq!(first.status, 200, "{path}");
        assert_eq!(reported.team.browser().open(path).await.fingerprint(), first.fingerprint(), "{path}");
        assert!(!first.headers.contains_key(header::SET_COOKIE), "{path}");
        assert_eq!(
            first.header(header::CACHE_CONTROL),
            "public, max-age=0, s-maxage=5, stale-while-revalidate=30, stale-if-error=600",
            "{path}"
        );
        assert!(first.header(header::CONTENT_SECURITY_POLICY).contains("default-src 'none'"), "{path}");
        assert!(!first.text.contains(" style="), "{path}");
        let head = app.send(request(Method::HEAD, path).body(Body::empty()).expect("request")).await;
        assert_eq!((head.status.as_u16(), head.text.as_str()), (200, ""), "{path}");
    }
}

/// Markup that must be escaped, as HTML and as Markdown.
const PAYLOADS: [&str; 9] = [
    "<script>window.__xss=1</script>",
    "</script><script>window.__xss=1</script>",
    "\"><img src=x onerror=alert(1)>",
    "<!--<script>",
    "</title></textarea></style><img src=x>",
    "[press](javascript:alert(1))",
    "![](x \"onerror=alert(1)\")",
    "<a href=\"javascript:alert(1)\" onclick=\"alert(1)\">press</a>",
    "<svg/onload=alert(1)><math><mi xlink:href=\"data:x,<script>alert(1)</script>\">",
];

/// The tags of a document, without text.
fn tags(answer: &Answer) -> Vec<String> {
    let parts = answer.text.split('<').skip(1);
    parts.map(|part| part.split('>').next().unwrap_or_default().to_owned()).collect()
}

#[tokio::test]
async fn titles_and_messages_are_escaped_on_every_page() {
    let app = TestApp::at(NOW).await;
    let harmless = ReportedPage::by(app.register("Acme").await, "Harmless").await;
    let count = async |reported: &ReportedPage, name: &str| {
        let mut counts = Vec::new();
        for path in reported.everywhere().iter().filter(|path| path.starts_with("/public")) {
            let answer = app.get(path).await;
            assert_eq!(answer.status, 200, "{path}");
            counts.push(tags(&answer).iter().filter(|tag| tag.starts_with(name)).count());
        }
        counts
    };
    for payload in PAYLOADS {
        let reported = ReportedPage::by(app.register("Acme").await, payload).await;
        let update = id_of(&reported.open["updates"][0]).to_owned();
        let path = format!("/api/incidents/{}/updates/{update}", id_of(&reported.open));
        reported.team.put(&path, json!({"message": format!("{payload} edited")})).await.is(200);
        for name in ["script", "/script", "title", "style", "svg", "main", "!--<"] {
            assert_eq!(count(&reported, name).await, count(&harmless, name).await, "{name} with {payload}");
        }
        for path in reported.everywhere().iter().filter(|path| path.starts_with("/public")) {
            let answer = app.get(path).await;
            for tag in tags(&answer).iter().map(|tag| tag.to_ascii_lowercase()) {
                assert!(!tag.starts_with("img") && !tag.starts_with("math"), "{path} with {payload}: <{tag}>");
                assert!(!(tag.starts_with("a ") && tag.contains("javascript:")), "{path} with {payload}: <{tag}>");
                // Quoted text is a value, not an attribute.
                let names: String = tag.split('"').step_by(2).collect();
                assert!(!names.contains(" on"), "{path} with {payload}: <{tag}>");
            }
        }
        let data = app.get(&reported.path(&reported.open)).await.text;
        let (_, data) = data.split_once("id=\"incident-data\">").expect("the data");
        let (data, _) = data.split_once("</script>").expect("its end");
        let data: Value = serde_json::from_str(data).expect("JSON");
        assert_eq!(data["id"], reported.open["id"]);
        assert!(
            data["page"]["incidents"]
                .as_array()
                .expect("a list")
                .iter()
                .any(|it| it["title"] == reported.open["title"])
        );
    }
}
