//! Invitations by mail: limits per address and per organization.

use axum::http::header;
use serde_json::{Value, json};
use tokio::sync::mpsc::Receiver;

use crate::{
    server::{mail::EmailMessage, router},
    tests::support::{
        app::{TestApp, unique},
        clients::{Answer, Team},
    },
};

const DAY: i64 = 24 * 3600;

/// A server whose mail is received here.
async fn with_mail() -> (TestApp, Receiver<EmailMessage>) {
    let mut app = TestApp::at("2026-11-25T12:00:00Z").await;
    let inbox = app.state.record_mail();
    app.router = router(app.state.clone());
    (app, inbox)
}

async fn invite(team: &Team, email: &str) -> Answer {
    team.post("/api/team/invitations", json!({"email": email})).await
}

/// The message and the `Retry-After` of a refusal.
fn refusal(answer: &Answer) -> (Value, &str) {
    (answer.refuses(429, &[])["error"].clone(), answer.header(header::RETRY_AFTER))
}

#[tokio::test]
async fn r_63_an_address_is_mailed_three_invitations_a_day_by_all_organizations_together() {
    let (app, mut inbox) = with_mail().await;
    let email = format!("{}@example.com", unique("guest"));
    for name in ["First", "Second"] {
        let team = app.register(name).await;
        assert_eq!(invite(&team, &email).await.is(201)["is_mailed"], true);
        app.pass(60);
    }
    let team = app.register("Third").await;
    invite(&team, &email).await.is(201);
    // Other organizations have used up the limit, which must not prevent inviting: the link can be passed on.
    let fourth = invite(&team, &email.to_uppercase()).await.is(201);
    assert!(fourth["is_mailed"] == false && fourth["link"].is_string(), "{fourth}");
    assert_eq!(team.get("/api/team/invitations").await.is(200).as_array().map(Vec::len), Some(1));
    invite(&team, &format!("{}@example.com", unique("guest"))).await.is(201);
    app.pass(DAY);
    assert_eq!(invite(&team.log_in_again().await, &email).await.is(201)["is_mailed"], true);
    let mut sent = 0;
    while inbox.try_recv().is_ok() {
        sent += 1;
    }
    assert_eq!(sent, 5);
}

#[tokio::test]
async fn r_63_an_organization_mails_a_hundred_invitations_a_day() {
    let (app, _letters) = with_mail().await;
    let team = app.register("Acme").await;
    let guest = async || invite(&team, &format!("{}@example.com", unique("guest"))).await;
    for _ in 0..100 {
        guest().await.is(201);
    }
    let answer = guest().await;
    let (why, wait) = refusal(&answer);
    assert!(
        why.as_str().is_some_and(|why| why.contains("limit of 100 invitation emails per day. Try again in 24 h.")),
        "{why}"
    );
    assert_eq!(wait, DAY.to_string());
    // Another organization has its own.
    invite(&app.register("Other").await, &format!("{}@example.com", unique("guest"))).await.is(201);
}
