//! Incidents and maintenances on the public pages: status page, months, and each incident's own page.

use serde_json::json;

use crate::tests::support::{
    app::{ORIGIN, TestApp, unique},
    clients::id_of,
    endpoints::path_to,
    public_page::{NOW, ReportedPage, over},
};

/// A page without its embedded data.
fn shown(html: &str) -> String {
    let Some((before, rest)) = html.split_once("<script type=\"application/json\"") else { return html.to_owned() };
    let (_, after) = rest.split_once("</script>").expect("the end of the data");
    format!("{before}{after}")
}

/// The text of a page without tags.
fn words(html: &str) -> String {
    let mut text = String::new();
    for part in shown(html).split('<') {
        text.push_str(part.split_once('>').map_or(part, |(_, text)| text));
        text.push(' ');
    }
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[track_caller]
fn in_order(text: &str, parts: &[&str]) {
    let mut rest = text;
    for part in parts {
        let (_, after) = rest.split_once(part).unwrap_or_else(|| panic!("{part:?} is not next in {rest:?}"));
        rest = after;
    }
}

/// The content of a `meta` with this property or name.
fn meta<'a>(html: &'a str, key: &str) -> &'a str {
    let tag = html.split("<meta ").find(|tag| tag.split('>').next().is_some_and(|tag| tag.contains(key)));
    let (_, rest) = tag.and_then(|tag| tag.split_once("content=\"")).unwrap_or_else(|| panic!("no {key} in {html}"));
    rest.split('"').next().unwrap_or_default()
}

#[tokio::test]
async fn ui_01_the_status_page_shows_current_scheduled_and_past_incidents_without_a_client() {
    let app = TestApp::at(NOW).await;
    let reported = ReportedPage::at(&app).await;
    app.pass(600);
    reported.update(json!({"message": "Found *it*.", "status": "identified"})).await;
    let html = app.get(&reported.home()).await.text;
    in_order(
        &words(&html),
        &[
            "Partial System Outage",
            "Active incidents",
            "Beacon open",
            "Identified",
            "Major impact",
            "Beacon service",
            "Partial Outage",
            "23 Nov 2026, 10:10 UTC",
            "Found it .",
            "Investigating",
            "23 Nov 2026, 10:00 UTC",
            "Beacon first message",
            "Upcoming maintenance",
            "Beacon planned",
            "Scheduled",
            "Wed 25 Nov 2026, 01:00–02:00 UTC",
            "Under Maintenance",
            "Beacon service",
            "Past incidents",
            "Monday, 23 November 2026",
            "Ongoing:",
            "Beacon open",
            "Sunday, 22 November 2026",
            "No incidents reported.",
            "Friday, 20 November 2026",
            "Beacon over",
            "Resolved",
            "Fri 20 Nov 2026, 08:00–09:15 UTC",
            "1 h 15 min",
            "Beacon over again",
            "Tuesday, 10 November 2026",
            "Times in UTC",
        ],
    );
    assert!(html.contains("<strong>message</strong>"));
    for incident in [&reported.open, &reported.planned, &reported.over] {
        assert!(html.contains(&format!("href=\"{}\"", reported.path(incident))), "{incident}");
    }
    assert!(html.contains(&format!("href=\"{}/history\"", reported.home())));
    assert_eq!(words(&html).matches("No incidents reported.").count(), 12, "fourteen days, two of them eventful");

    reported.update(json!({"status": "resolved"})).await;
    let after = words(&app.get(&reported.home()).await.text);
    assert!(!after.contains("Active incidents") && !after.contains("Ongoing:"), "{after}");
    in_order(&after, &["All Systems Operational", "Past incidents", "Beacon open", "Resolved", "All 3 updates"]);
}

#[tokio::test]
async fn a_maintenance_is_announced_a_week_ahead_and_shown_while_it_runs() {
    let app = TestApp::at(NOW).await;
    let reported = ReportedPage::at(&app).await;
    let far = json!({
        "title": "Much later",
        "incident_type": "maintenance",
        "starts_at": "2026-12-02T01:00:00Z",
        "ends_at": "2026-12-02T02:00:00Z",
    });
    let far = reported.team.post("/api/incidents", far).await.is(201);
    let page = words(&app.get(&reported.home()).await.text);
    assert!(page.contains("Beacon planned") && !page.contains("Much later"), "{page}");
    assert_eq!(app.get(&reported.path(&far)).await.status, 200);
    reported
        .team
        .post(&format!("/api/incidents/{}/updates", id_of(&reported.planned)), json!({"status": "in_progress"}))
        .await
        .is(201);
    let page = words(&app.get(&reported.home()).await.text);
    assert!(!page.contains("Upcoming maintenance"), "{page}");
    in_order(&page, &["Maintenance in progress", "Beacon planned", "In Progress", "Wed 25 Nov 2026, 01:00–02:00 UTC"]);
}

#[tokio::test]
async fn every_incident_has_a_page_with_all_updates() {
    let app = TestApp::at(NOW).await;
    let reported = ReportedPage::at(&app).await;
    app.pass(60);
    let api = json!({"id": id_of(&reported.service), "status": "operational"});
    reported.update(json!({"message": "Better.", "status": "monitoring", "services": [api]})).await;
    app.pass(60);
    reported.update(json!({"message": "Still watching."})).await;
    let answer = app.get(&reported.path(&reported.open)).await;
    assert_eq!(answer.status, 200);
    in_order(
        &words(&answer.text),
        &[
            "Beacon open",
            "Monitoring",
            "Updates",
            "Update ",
            "Still watching.",
            "Monitoring",
            "Better.",
            "Beacon service : Partial Outage",
            "Operational",
            "Investigating",
            "Beacon first message",
            "Beacon service : Operational",
            "Partial Outage",
        ],
    );
    assert!(answer.text.contains(&format!("href=\"{}\"", reported.home())), "a link to the status page");
    let window = words(&app.get(&reported.path(&reported.planned)).await.text);
    in_order(&window, &["Beacon planned", "Scheduled", "Wed 25 Nov 2026, 01:00–02:00 UTC", "Beacon plan"]);
    let past = words(&app.get(&reported.path(&reported.over)).await.text);
    in_order(&past, &["Beacon over", "Resolved", "Added later, on", "Monday, 23 November 2026"]);
}

#[tokio::test]
async fn earlier_versions_of_an_update_are_shown() {
    let app = TestApp::at(NOW).await;
    let reported = ReportedPage::at(&app).await;
    let update = id_of(&reported.open["updates"][0]).to_owned();
    app.pass(1_200);
    let path = format!("/api/incidents/{}/updates/{update}", id_of(&reported.open));
    reported.team.put(&path, json!({"message": "Corrected."})).await.is(200);
    for path in [reported.home(), reported.path(&reported.open)] {
        let html = app.get(&path).await.text;
        in_order(
            &words(&html),
            &["Corrected.", "Edited", "23 Nov 2026, 10:20 UTC", ", show earlier versions", "Beacon first"],
        );
        assert!(html.contains("<details class=\"edits\""), "{path}");
    }
}

#[tokio::test]
async fn a_postmortem_is_shown_once_it_is_published() {
    let app = TestApp::at(NOW).await;
    let reported = ReportedPage::at(&app).await;
    reported.update(json!({"status": "resolved"})).await;
    let body = unique("learned");
    reported.change(&reported.open, json!({"postmortem": body.clone()})).await;
    for path in reported.everywhere() {
        assert!(!app.get(&path).await.text.contains(&body), "{path}");
    }
    reported.change(&reported.open, json!({"publish_postmortem": true})).await;
    in_order(
        &words(&app.get(&reported.path(&reported.open)).await.text),
        &["Beacon open", "Postmortem", &body, "Published"],
    );
    let home = app.get(&reported.home()).await.text;
    assert!(home.contains(&format!("href=\"{}#postmortem\"", reported.path(&reported.open))));
}

#[tokio::test]
async fn an_incidents_page_has_metadata_for_link_previews() {
    let app = TestApp::at(NOW).await;
    let reported = ReportedPage::at(&app).await;
    let long = format!("Pay*ments* \"fail\" & we look. {}", "word ".repeat(100));
    reported.update(json!({"message": long, "status": "identified"})).await;
    let html = app.get(&reported.path(&reported.open)).await.text;
    let address = format!("{ORIGIN}{}", reported.path(&reported.open));
    assert_eq!(meta(&html, "og:title"), "Beacon open – Acme Cloud status");
    assert_eq!((meta(&html, "og:type"), meta(&html, "og:url")), ("article", address.as_str()));
    let summary = meta(&html, "og:description");
    assert!(summary.starts_with("Identified: Payments &quot;fail&quot; &amp; we look. word word"), "{summary}");
    assert!(summary.ends_with("word…") && summary.chars().count() < 240, "{summary}");
    assert_eq!(meta(&html, "name=\"description\""), summary);
    assert!(html.contains(&format!("<link rel=\"canonical\" href=\"{address}\"")));
    assert!(html.contains("<title>Beacon open – Acme Cloud status</title>"));
}

#[tokio::test]
async fn rule_3_9_months_are_in_the_pages_zone() {
    let app = TestApp::at(NOW).await;
    let team = app.register("Acme").await;
    team.browser().call(path_to("set_time_zone"), &[("time_zone", "Europe/Berlin")]).await.is(200);
    // The last half hour of October in UTC is the first of November in Berlin, and so on.
    for (title, from) in [
        ("Last of September", "2026-09-30T21:59:59Z"),
        ("First of October", "2026-09-30T22:00:00Z"),
        ("Last of October", "2026-10-31T22:59:59Z"),
        ("First of November", "2026-10-31T23:00:00Z"),
    ] {
        over(&team, title, from, "2026-11-01T12:00:00Z").await;
    }
    let home = format!("/public/{}/history", team.slug);
    let month = async |month: &str| app.get(&format!("{home}?month={month}")).await.text;
    let link = |month: &str| format!("href=\"{home}?month={month}\"");

    let october = month("2026-10").await;
    let text = words(&october);
    in_order(
        &text,
        &[
            "History: October 2026",
            "Saturday, 31 October 2026",
            "Last of October",
            "Friday, 30 October 2026",
            "No incidents reported.",
            "Thursday, 1 October 2026",
            "First of October",
            "Times in Europe/Berlin",
        ],
    );
    assert!(!text.contains("Last of September") && !text.contains("First of November"), "{text}");
    assert_eq!(text.matches("No incidents reported.").count(), 29);
    assert!(october.contains(&link("2026-09")) && october.contains(&link("2026-11")));

    let november = month("2026-11").await;
    assert_eq!(shown(&november), shown(&app.get(&home).await.text), "the current month is the default");
    in_order(&words(&november), &["Monday, 23 November 2026", "Sunday, 1 November 2026", "First of November"]);
    assert!(!words(&november).contains("24 November"), "no future days");
    assert!(!november.contains(&link("2026-12")) && november.contains(&link("2026-10")));

    let september = month("2026-09").await;
    assert!(words(&september).contains("Last of September"));
    assert!(!september.contains(&link("2026-08")), "no earlier incidents");
    let canonical = format!("<link rel=\"canonical\" href=\"{ORIGIN}{home}?month=2026-09\"");
    assert!(september.contains(&canonical), "{september}");
}
