//! Forms without JavaScript: success redirects, a refusal shows the page again with what was typed.

use axum::http::header;
use serde_json::json;

use crate::tests::support::{
    app::{PASSWORD, TestApp, unique},
    clients::{Answer, id_of},
    endpoints::path_to,
};

/// The HTML of a page with entities decoded.
fn decoded(answer: &Answer) -> String {
    html_escape::decode_html_entities(&answer.text).into_owned()
}

/// The value of the first field with this name.
fn value_of(answer: &Answer, name: &str) -> Option<String> {
    let tag =
        answer.text.split('<').find(|tag| tag.starts_with("input") && tag.contains(&format!(" name=\"{name}\"")))?;
    let (_, rest) = tag.split_once(" value=\"")?;
    Some(html_escape::decode_html_entities(rest.split('"').next()?).into_owned())
}

#[tokio::test]
async fn a_registration_redirects_to_the_dashboard_with_a_session() {
    let app = TestApp::open().await;
    let mut browser = app.browser();
    let slug = unique("form");
    let email = format!("{slug}@example.com");
    let fields = [
        ("organization_name", "Form & Sons"),
        ("slug", &slug),
        ("name", "Ada"),
        ("email", &email),
        ("password", PASSWORD),
    ];
    let answer = browser.submit("/register", path_to("register"), &fields).await;
    assert_eq!((answer.status.as_u16(), answer.header(header::LOCATION)), (303, "/dashboard"), "{}", answer.text);
    assert!(browser.cookie.is_some());
    let dashboard = browser.open("/dashboard").await;
    assert_eq!(dashboard.status, 200);
    assert!(decoded(&dashboard).contains("Form & Sons"));
    assert_eq!(app.get(&format!("/public/{slug}")).await.status, 200);
}

#[tokio::test]
async fn a_registration_without_an_address_gets_one() {
    let app = TestApp::open().await;
    let name = unique("Blank Slate");
    let email = format!("{}@example.com", unique("blank"));
    let fields = [("organization_name", name.as_str()), ("name", "Ada"), ("email", &email), ("password", PASSWORD)];
    assert_eq!(app.browser().submit("/register", path_to("register"), &fields).await.status, 303);
    let slug = name.to_lowercase().replace(' ', "-");
    assert_eq!(app.get(&format!("/public/{slug}")).await.status, 200);
}

#[tokio::test]
async fn a_refused_registration_keeps_what_was_typed_but_not_the_password() {
    let app = TestApp::open().await;
    let taken = app.register("Taken").await;
    let secret = "correct \"horse\" <battery> 9182";
    let (name, person) = ("\"><script>alert(1)</script>", "Ada & 'Bob'");
    let fine = format!("{}@example.com", unique("refused"));
    for (status, slug, email, password, why) in [
        (400, "ab", fine.as_str(), secret, "3 to 48"),
        (400, "fine-address", "not an address", secret, "email address"),
        (400, "fine-address", &fine, "password1234", "easy to guess"),
        (400, "login", &fine, secret, "reserved"),
        (409, &taken.slug, &fine, secret, "taken"),
        (409, &unique("fine"), &taken.email, secret, "Log in instead"),
    ] {
        let fields =
            [("organization_name", name), ("slug", slug), ("name", person), ("email", email), ("password", password)];
        let mut browser = app.browser();
        let answer = browser.submit("/register", path_to("register"), &fields).await;
        assert_eq!(answer.status.as_u16(), status, "{why}: {}", answer.text);
        assert_eq!(answer.header(header::CONTENT_TYPE), "text/html; charset=utf-8");
        assert!(decoded(&answer).contains(why), "{why}: {}", answer.text);
        for (field, typed) in [("organization_name", name), ("slug", slug), ("name", person), ("email", email)] {
            assert_eq!(value_of(&answer, field).as_deref(), Some(typed), "{why}: {field}");
        }
        for password in [password, "<battery>", "&lt;battery&gt;", "\\u003cbattery", "password1234"] {
            assert!(!answer.text.contains(password), "{why}: the page holds the password");
        }
        assert!(!answer.text.contains("<script>alert(1)"));
        assert_eq!(browser.cookie, None);
        assert_eq!(answer.header(header::CACHE_CONTROL), "no-store");
        assert!(!answer.header(header::CONTENT_SECURITY_POLICY).contains("unsafe-inline"));
    }
}

#[tokio::test]
async fn a_refused_login_keeps_the_address_and_the_target_page() {
    let app = TestApp::open().await;
    let team = app.register("Acme").await;
    let mut browser = app.browser();
    let fields = [("email", team.email.as_str()), ("password", "a wrong password 1"), ("next", "/services")];
    let answer = browser.submit("/login?next=%2Fservices", path_to("login"), &fields).await;
    assert_eq!(answer.status, 401);
    assert!(decoded(&answer).contains("The email address or the password is wrong."));
    assert_eq!(value_of(&answer, "email").as_deref(), Some(team.email.as_str()));
    assert_eq!(value_of(&answer, "next").as_deref(), Some("/services"));
    assert!(!answer.text.contains("a wrong password 1"));
    assert_eq!(browser.cookie, None);
    let fields = [("email", team.email.as_str()), ("password", PASSWORD), ("next", "/services")];
    let answer = browser.submit("/login?next=%2Fservices", path_to("login"), &fields).await;
    assert_eq!((answer.status.as_u16(), answer.header(header::LOCATION)), (303, "/services"));
}

#[tokio::test]
async fn a_member_can_do_everything_without_javascript() {
    let app = TestApp::open().await;
    let team = app.register("Acme").await;
    let mut browser = team.browser();
    let mut submit = async |action: &str, fields: &[(&str, &str)]| {
        let answer = browser.submit("/services", path_to(action), fields).await;
        assert_eq!(
            (answer.status.as_u16(), answer.header(header::LOCATION)),
            (303, "/services"),
            "{action}: {}",
            answer.text
        );
    };
    submit("add_group", &[("name", "Core")]).await;
    submit("add_group", &[("name", "Edge")]).await;
    let groups = team.groups().await;
    let (core, edge) = (id_of(&groups[0]), id_of(&groups[1]));
    submit("add_service", &[("name", "API"), ("description", "REST"), ("group_id", core)]).await;
    submit("add_service", &[("name", "Web"), ("description", ""), ("group_id", "")]).await;
    let services = team.services().await;
    let (web, api) = (id_of(&services[0]), id_of(&services[1]));
    submit("set_service_status", &[("id", api), ("status", "degraded")]).await;
    submit("edit_service", &[("id", api), ("name", "Gateway"), ("description", "x"), ("group_id", edge)]).await;
    submit("move_group", &[("id", edge), ("direction", "up")]).await;
    submit("rename_group", &[("id", core), ("name", "Platform")]).await;
    submit("delete_service", &[("id", web), ("confirm", "Web")]).await;
    submit("delete_group", &[("id", core)]).await;
    submit("rename_organization", &[("name", "Acme Corporation")]).await;
    let page = team.public("status").await;
    assert_eq!(page["organization"]["name"], "Acme Corporation");
    assert_eq!(page["groups"][0]["name"], "Edge");
    let service = &page["services"][0];
    assert_eq!((&service["name"], &service["status"]), (&json!("Gateway"), &json!("degraded")));
    assert_eq!(page["services"].as_array().map(Vec::len), Some(1));
}

#[tokio::test]
async fn a_refused_change_shows_its_page_again_and_changes_nothing() {
    let app = TestApp::open().await;
    let team = app.register("Acme").await;
    let service = team.service("API").await;
    let detail = format!("/services/{}", id_of(&service));
    let long = "x".repeat(101);
    for (page, action, fields, why) in [
        ("/services", "add_service", vec![("name", ""), ("description", "kept text")], "This is required."),
        ("/services", "add_service", vec![("name", long.as_str())], "at most 100 characters"),
        ("/services", "add_group", vec![("name", "  ")], "This is required."),
        ("/settings", "rename_organization", vec![("name", "")], "This is required."),
        (&detail, "edit_service", vec![("id", id_of(&service)), ("name", "")], "This is required."),
        (&detail, "delete_service", vec![("id", id_of(&service)), ("confirm", "Other")], "to confirm"),
    ] {
        let answer = team.browser().submit(page, path_to(action), &fields).await;
        assert_eq!(answer.status, 400, "{action}: {}", answer.text);
        assert!(decoded(&answer).contains(why), "{action} does not say {why}: {}", answer.text);
    }
    assert_eq!(team.services().await, [service]);
    assert_eq!(team.groups().await.len(), 0);
}

#[tokio::test]
async fn an_ended_session_redirects_to_the_login_page_and_a_malformed_form_is_refused() {
    let app = TestApp::open().await;
    let team = app.register("Acme").await;
    // A missing field, an unknown value, a form that is too large.
    let mut browser = team.browser();
    let huge = "x".repeat(300 * 1024);
    for (status, action, fields) in [
        (400, "add_service", vec![]),
        (400, "set_service_status", vec![("id", "x")]),
        (400, "move_service", vec![("id", "x"), ("direction", "sideways")]),
        (413, "add_group", vec![("name", huge.as_str())]),
    ] {
        let answer = browser.submit("/services", path_to(action), &fields).await;
        assert_eq!(answer.status.as_u16(), status, "{action}");
        // The client gets 400 for every unreadable form.
        let answer = browser.call(path_to(action), &fields).await;
        assert_eq!(answer.status, 400, "{action} by the client: {}", answer.text);
    }
    team.post("/api/auth/logout", json!({})).await.is(204);
    let answer = browser.submit("/services", path_to("add_group"), &[("name", "Core")]).await;
    assert_eq!((answer.status.as_u16(), answer.header(header::LOCATION)), (303, "/login?next=%2Fservices"));
}
