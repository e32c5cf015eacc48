//! One organization's load and the others: each waits in its own line.

use std::sync::{Arc, Mutex};

use axum::http::header;
use serde_json::json;

use crate::tests::support::{
    app::TestApp,
    clients::{Answer, Team, path_of},
    database::database_url,
};

/// Changes one organization sends at once.
const NOISE: usize = 100;
/// Of these, as many wait as a lane of the write queue takes.
const WAITING: usize = 64;

/// Sends the `n`-th change in the background, and notes its answer under the organization's name.
fn send(n: usize, team: &Team, path: &str, answers: &Arc<Mutex<Vec<(&'static str, Answer)>>>, name: &'static str) {
    let (team, path, answers) = (team.clone(), path.to_owned(), answers.clone());
    // Each changes something: otherwise the noise would be much faster than the quiet change.
    let renamed = format!("Service {n}");
    tokio::spawn(async move {
        let answer = team.put(&path, json!({"status": "degraded", "name": renamed})).await;
        answers.lock().expect("no panic").push((name, answer));
    });
}

async fn until(is_so: impl Fn() -> bool) {
    while !is_so() {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn r_70_a_quiet_organization_waits_for_one_change_of_a_noisy_one() {
    let app = TestApp::at("2026-11-25T12:00:00Z").await;
    let (noisy, quiet) = (app.register("Noisy").await, app.register("Quiet").await);
    let (loud, own) = (path_of(&noisy.service("API").await), path_of(&quiet.service("API").await));
    // At once, so that the pool has a connection for each: opening one takes longer than many changes.
    tokio::join!(noisy.service("Web"), quiet.service("Web"));
    let answers = Arc::new(Mutex::new(Vec::new()));
    let answered = || answers.lock().expect("no panic").len();

    let held = app.state.hold_writes().await;
    for n in 0..NOISE {
        send(n, &noisy, &loud, &answers, "noisy");
    }
    // What finds the line full is refused at once.
    until(|| app.state.waiting_writes() == WAITING && answered() == NOISE - WAITING).await;
    for (_, answer) in answers.lock().expect("no panic").drain(..) {
        answer.refuses(503, &[]);
        assert_eq!(answer.header(header::RETRY_AFTER), "5");
    }
    send(0, &quiet, &own, &answers, "quiet");
    until(|| app.state.waiting_writes() == WAITING + 1).await;
    // What waits holds no connection: everybody reads.
    quiet.get("/api/services").await.is(200);
    noisy.get("/api/services").await.is(200);
    assert_eq!(quiet.public("status").await["services"][0]["status"], "operational");

    drop(held);
    until(|| answered() == WAITING + 1).await;
    let answers = std::mem::take(&mut *answers.lock().expect("no panic"));
    let rank = answers.iter().position(|(name, _)| *name == "quiet").expect("answered");
    // On SQLite its turn is the second, and the answer to the third may overtake its own. The other databases change
    // both organizations at once.
    let most = if database_url().starts_with("sqlite:") { 2 } else { WAITING / 2 };
    assert!(rank <= most, "{rank} changes of the noisy organization went first");
    answers[rank].1.is(200);
}
