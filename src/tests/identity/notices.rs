//! Mail that tells a person what was done to what protects their account.

use serde_json::json;

use super::password_reset::{letter, with_mail};
use crate::{
    server::mail::EmailMessage,
    tests::support::{
        app::{PASSWORD, TestApp, unique},
        clients::Team,
        endpoints::path_to,
        second_factor::{code_of, seed},
    },
};

const NOW: &str = "2026-11-25T12:00:00Z";
const NEW: &str = "seven quiet harbours at dawn";

/// Does something to one's account, which must be allowed.
async fn done(team: &Team, name: &str, fields: &[(&str, &str)]) {
    let answer = team.browser().call(path_to(name), fields).await;
    assert!(answer.status.is_success() || answer.status.is_redirection(), "{name}: {}", answer.text);
}

#[track_caller]
fn tells(letter: &EmailMessage, to: &str, subject: &str, way_out: &str) {
    assert_eq!((letter.to.as_str(), letter.subject.as_str()), (to, subject));
    for part in [&letter.text, &letter.html] {
        assert!(part.contains(to) && part.contains(&format!("http://127.0.0.1:3000{way_out}")), "{part}");
        assert!(part.contains("If it was not you"), "{part}");
        assert!(!part.contains(PASSWORD) && !part.contains(NEW), "{part}");
    }
}

#[tokio::test]
async fn a_person_is_told_of_a_new_password_and_a_second_factor() {
    let (app, mut letters) = with_mail().await;
    let team = app.register("Acme").await;
    let secret = seed(&mut team.browser()).await;
    let code = code_of(&app, &secret);
    // What is refused is not told.
    let refused = team.browser().call(path_to("enable_second_factor"), &[("code", "000000")]).await;
    refused.refuses(400, &["code"]);
    done(&team, "enable_second_factor", &[("code", &code)]).await;
    let on = letter(&mut letters).await;
    tells(&on, &team.email, "Two-factor authentication is on at Aldis", "/forgot-password");
    assert!(!on.text.contains(&secret) && !on.text.contains(&code), "{}", on.text);
    team.browser().call(path_to("disable_second_factor"), &[("password", "wrong")]).await.refuses(400, &["password"]);
    done(&team, "disable_second_factor", &[("password", PASSWORD)]).await;
    tells(&letter(&mut letters).await, &team.email, "Two-factor authentication is off at Aldis", "/forgot-password");
    done(&team, "change_password", &[("password", PASSWORD), ("new_password", NEW)]).await;
    tells(&letter(&mut letters).await, &team.email, "Your password was changed at Aldis", "/forgot-password");
    assert!(letters.try_recv().is_err());
}

#[tokio::test]
async fn who_gets_a_new_password_by_a_link_is_told_too() {
    let (app, mut letters) = with_mail().await;
    let team = app.register("Acme").await;
    done(&team, "request_password_reset", &[("email", &team.email)]).await;
    let link = letter(&mut letters).await;
    let (_, secret) = link.text.split_once("/reset-password/").expect("a link");
    let secret = secret.split_whitespace().next().expect("a secret");
    done(&team, "reset_password", &[("token", secret), ("password", NEW)]).await;
    tells(&letter(&mut letters).await, &team.email, "Your password was changed at Aldis", "/forgot-password");
}

#[tokio::test]
async fn another_address_is_told_to_the_one_before() {
    let (app, mut letters) = with_mail().await;
    let team = app.register("Acme").await;
    // The address they have is no change.
    done(&team, "change_email", &[("email", &team.email), ("password", PASSWORD)]).await;
    let new = format!("{}@example.com", unique("new"));
    done(&team, "change_email", &[("email", &new), ("password", PASSWORD)]).await;
    let told = letter(&mut letters).await;
    tells(&told, &team.email, "Your e-mail address was changed at Aldis", "/");
    assert!(!told.text.contains(&new), "{}", told.text);
    assert!(letters.try_recv().is_err());
}

#[tokio::test]
async fn r_63_an_address_is_told_so_often_a_day_and_no_more_however_often_something_is_done() {
    let (app, mut letters) = with_mail().await;
    let team = app.register("Acme").await;
    let (mut browser, change) = (team.browser(), path_to("change_password"));
    for n in 0..12 {
        let [old, new] = if n % 2 == 0 { [PASSWORD, NEW] } else { [NEW, PASSWORD] };
        let answer = browser.call(change, &[("password", old), ("new_password", new)]).await;
        assert!(answer.status.is_success(), "{}", answer.text);
    }
    let mut told = 0;
    while letters.try_recv().is_ok() {
        told += 1;
    }
    assert_eq!(told, 10);
    app.pass(86_400);
    let change = [("password", PASSWORD), ("new_password", NEW)];
    assert!(browser.call(path_to("change_password"), &change).await.status.is_success());
    tells(&letter(&mut letters).await, &team.email, "Your password was changed at Aldis", "/forgot-password");
}

#[tokio::test]
async fn r_63_what_else_is_asked_for_from_a_network_keeps_no_warning_back() {
    let (app, mut letters) = with_mail().await;
    let team = app.register("Acme").await;
    for n in 0..101 {
        done(&team, "request_password_reset", &[("email", &format!("{n}-{}", team.email))]).await;
    }
    done(&team, "request_password_reset", &[("email", &team.email)]).await;
    assert!(letter(&mut letters).await.text.contains("/reset-password/"), "letters are counted, not what made none");
    // Where tests come from.
    app.state.exhaust_mail_limit("0.0.0.0".parse().expect("an address")).await;
    // No link is made that cannot be sent: it would count, and make the one before it void.
    for _ in 0..4 {
        done(&team, "request_password_reset", &[("email", &team.email)]).await;
    }
    done(&team, "change_password", &[("password", PASSWORD), ("new_password", NEW)]).await;
    tells(&letter(&mut letters).await, &team.email, "Your password was changed at Aldis", "/forgot-password");
}

#[tokio::test]
async fn what_is_done_is_done_where_no_mail_is_sent_or_none_can_be_taken() {
    let app = TestApp::at(NOW).await;
    let team = app.register("Acme").await;
    done(&team, "change_password", &[("password", PASSWORD), ("new_password", NEW)]).await;
    app.post("/api/auth/login", &json!({"email": team.email, "password": NEW})).await.is(200);
    let (app, letters) = with_mail().await;
    drop(letters);
    let team = app.register("Acme").await;
    done(&team, "change_password", &[("password", PASSWORD), ("new_password", NEW)]).await;
    app.post("/api/auth/login", &json!({"email": team.email, "password": NEW})).await.is(200);
}
