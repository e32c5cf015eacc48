//! Search of incidents (domain rule 3.4.10): what it finds, and how much it looks at.

use sea_orm::{ConnectionTrait, DatabaseConnection};
use serde_json::json;
use uuid::Uuid;

use super::input::titles;
use crate::tests::support::{
    app::TestApp,
    clients::Team,
    database::{connect, literal},
    fixtures::NOW,
};

/// Noon of [`NOW`]'s day.
const NOON_MS: i64 = 1_795_435_200_000;

#[tokio::test]
async fn rule_3_4_10_a_search_looks_at_title_status_messages_and_postmortem() {
    let app = TestApp::at(NOW).await;
    let team = app.register("Acme").await;
    let one = team.open_incident(json!({"title": "Ärger 100% of _all_ payments!"})).await;
    team.post_update(&one, json!({"message": "The Certificate expired.", "status": "monitoring"})).await;
    let two = team.open_incident(json!({"title": "Slow", "message": "Nothing yet."})).await;
    team.post_update(&two, json!({"status": "resolved"})).await;
    team.update_incident(&two, json!({"postmortem": "A full DISK."})).await;
    let other = app.register("Other").await;
    other.open_incident(json!({"title": "Certificate"})).await;
    let all = ["Slow", "Ärger 100% of _all_ payments!"];
    for (words, expected) in [
        ("certificate", &all[1..]),
        ("CERTIFICATE EXPIRED", &all[1..]),
        ("disk", &all[..1]),
        ("monitoring", &all[1..]),
        ("Ärger", &all[1..]),
        ("ärger", &all[1..]),
        ("100%", &all[1..]),
        ("_all_", &all[1..]),
        ("payments!", &all[1..]),
        ("%", &all[1..]),
        ("_", &all[1..]),
        ("!", &all[1..]),
        (" slow ", &all[..1]),
        ("", &all[..]),
        ("no such word", &[]),
        ("\u{0}certificate\u{7}", &all[1..]),
        ("'; DROP TABLE incident; --", &[]),
    ] {
        let query: String = form_urlencoded::Serializer::new(String::new()).append_pair("q", words).finish();
        let list = team.get(&format!("/api/incidents?{query}")).await.is(200);
        assert_eq!(titles(&list), expected, "{words}");
    }
}

#[tokio::test]
async fn rule_3_4_10_a_search_ignores_case_in_every_script() {
    let app = TestApp::at(NOW).await;
    let team = app.register("Acme").await;
    for title in ["Überlast im Rechenzentrum", "Авария", "ΣΦΑΛΜΑ ΔΙΚΤΥΟΣ"] {
        team.open_incident(json!({"title": title, "message": format!("{title}!")})).await;
    }
    for (words, count) in
        [("überlast", 1), ("ÜBERLAST IM", 1), ("авария", 1), ("АВАРИЯ!", 1), ("σφαλμα δικτυος", 1), ("uberlast", 0)]
    {
        let query: String = form_urlencoded::Serializer::new(String::new()).append_pair("q", words).finish();
        let found = team.get(&format!("/api/incidents?{query}")).await.is(200);
        assert_eq!(titles(&found).len(), count, "{words}");
    }
}

/// Inserts a past incident with 16 updates of 50 kB, so many minutes ago.
async fn insert(db: &DatabaseConnection, team: &Team, minutes: u32, title: &str) {
    let backend = db.get_database_backend();
    let org = literal(backend, team.organization["id"].as_str().expect("an id"));
    let id = literal(backend, &Uuid::from_u128(rand::random()).to_string());
    let at = NOON_MS - i64::from(minutes) * 60_000;
    let incident = format!(
        "INSERT INTO incident (org_id, id, kind, title, status, reached, is_draft, started_at, resolved_at, \
         created_at, updated_at, version, is_reminded, remind, auto_start, auto_end, notify_start, notify_end) \
         VALUES ({org}, {id}, 'incident', '{title}', 'resolved', 'minor', FALSE, {at}, {at}, {at}, {at}, 2, \
         FALSE, TRUE, TRUE, TRUE, TRUE, TRUE)"
    );
    let text = "a".repeat(50_000);
    let updates = (0..16).map(|_| {
        let update = literal(backend, &Uuid::from_u128(rand::random()).to_string());
        format!("({org}, {update}, {id}, 'resolved', '{text}', '', 1, {at}, {at}, {at}, TRUE, '[]')")
    });
    let updates = format!(
        "INSERT INTO incident_update (org_id, id, incident_id, status, message, html, render_version, created_at, \
         display_at, updated_at, notify, edits) VALUES {}",
        updates.collect::<Vec<_>>().join(", ")
    );
    for sql in [incident, updates] {
        db.execute_unprepared(&sql).await.expect("inserted");
    }
}

#[tokio::test]
async fn rule_3_4_10_a_search_looks_at_16_mb_and_its_next_page_goes_on_from_there() {
    let app = TestApp::alone_at(NOW).await;
    let db = connect(&app.own.as_ref().expect("a database of its own").url).await;
    let team = app.register("Acme").await;
    for minutes in 1..30 {
        insert(&db, &team, minutes, "Past").await;
    }
    insert(&db, &team, 30, "The Needle").await;
    let other = app.register("Other").await;
    other.open_incident(json!({"title": "Needle elsewhere"})).await;

    // 20 incidents have 16 MB.
    let first = team.get("/api/incidents?q=needle&limit=5").await;
    assert_eq!(titles(&first.is(200)), [""; 0]);
    let next = first.next_page().expect("it goes on");
    let reached = NOON_MS - 20 * 60_000;
    assert!(next.contains(&format!("cursor={reached}.")) && next.contains("q=needle"), "{next}");
    let second = team.get(&next).await;
    assert_eq!((titles(&second.is(200)), second.next_page()), (vec!["The Needle"], None));

    // What takes a naive search a hundred times as long looks at no more.
    let hostile = format!("/api/incidents?q={}b&limit=5", "a".repeat(99));
    let pages = [team.get(&hostile).await, team.get(&next.replace("q=needle", &hostile[15..hostile.len() - 8])).await];
    assert_eq!(pages.map(|page| (titles(&page.is(200)).len(), page.next_page().is_some())), [(0, true), (0, false)]);

    // Other filters narrow down what is looked at.
    let old = team.get("/api/incidents?q=NEEDLE&to=2026-11-23T11:35:00Z").await;
    assert_eq!((titles(&old.is(200)), old.next_page()), (vec!["The Needle"], None));
    // A match among the newest is found without looking further; each page has `limit` of them.
    let plenty = team.get("/api/incidents?q=past&limit=3").await;
    assert_eq!((titles(&plenty.is(200)).len(), plenty.next_page().is_some()), (3, true));

    let page = team.browser().open("/incidents?search=needle").await;
    assert!(page.text.contains("Searched back to") && page.text.contains("Search older"), "{}", page.text);
    assert!(!page.text.contains("No incidents match your filters."));
    let page = other.browser().open("/incidents?search=needle").await;
    assert!(page.text.contains("Needle elsewhere") && !page.text.contains("Searched back to"));
}
