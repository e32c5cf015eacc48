//! Security notices: mail about changes to an account's security.

use serde_json::json;

use super::password_reset::{next_mail, with_mail};
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

/// Changes an account, which must succeed.
async fn done(team: &Team, name: &str, fields: &[(&str, &str)]) {
    let answer = team.browser().call(path_to(name), fields).await;
    assert!(answer.status.is_success() || answer.status.is_redirection(), "{name}: {}", answer.text);
}

#[track_caller]
fn assert_notice(mail: &EmailMessage, to: &str, subject: &str, way_out: &str) {
    assert_eq!((mail.to.as_str(), mail.subject.as_str()), (to, subject));
    for part in [&mail.text, &mail.html] {
        assert!(part.contains(to) && part.contains(&format!("http://127.0.0.1:3000{way_out}")), "{part}");
        assert!(part.contains("If this wasn"), "{part}");
        assert!(!part.contains(PASSWORD) && !part.contains(NEW), "{part}");
    }
}

#[tokio::test]
async fn changes_of_password_and_second_factor_send_a_notice() {
    let (app, mut inbox) = with_mail().await;
    let team = app.register("Acme").await;
    let secret = seed(&mut team.browser()).await;
    let code = code_of(&app, &secret);
    // A refused change sends none.
    let refused = team.browser().call(path_to("enable_second_factor"), &[("code", "000000")]).await;
    refused.refuses(400, &["code"]);
    done(&team, "enable_second_factor", &[("code", &code)]).await;
    let on = next_mail(&mut inbox).await;
    assert_notice(&on, &team.email, "Two-factor authentication is on for your Aldis account", "/forgot-password");
    assert!(!on.text.contains(&secret) && !on.text.contains(&code), "{}", on.text);
    team.browser().call(path_to("disable_second_factor"), &[("password", "wrong")]).await.refuses(400, &["password"]);
    done(&team, "disable_second_factor", &[("password", PASSWORD)]).await;
    assert_notice(
        &next_mail(&mut inbox).await,
        &team.email,
        "Two-factor authentication is off for your Aldis account",
        "/forgot-password",
    );
    done(&team, "change_password", &[("password", PASSWORD), ("new_password", NEW)]).await;
    assert_notice(&next_mail(&mut inbox).await, &team.email, "Your Aldis password was changed", "/forgot-password");
    assert!(inbox.try_recv().is_err());
}

#[tokio::test]
async fn a_password_reset_by_link_sends_a_notice() {
    let (app, mut inbox) = with_mail().await;
    let team = app.register("Acme").await;
    done(&team, "request_password_reset", &[("email", &team.email)]).await;
    let link = next_mail(&mut inbox).await;
    let (_, secret) = link.text.split_once("/reset-password/").expect("a link");
    let secret = secret.split_whitespace().next().expect("a secret");
    done(&team, "reset_password", &[("token", secret), ("password", NEW)]).await;
    assert_notice(&next_mail(&mut inbox).await, &team.email, "Your Aldis password was changed", "/forgot-password");
}

#[tokio::test]
async fn a_change_of_email_sends_a_notice_to_the_old_address() {
    let (app, mut inbox) = with_mail().await;
    let team = app.register("Acme").await;
    // The same address is no change.
    done(&team, "change_email", &[("email", &team.email), ("password", PASSWORD)]).await;
    let new = format!("{}@example.com", unique("new"));
    done(&team, "change_email", &[("email", &new), ("password", PASSWORD)]).await;
    let notice = next_mail(&mut inbox).await;
    assert_notice(&notice, &team.email, "Your Aldis email address was changed", "/");
    assert!(!notice.text.contains(&new), "{}", notice.text);
    assert!(inbox.try_recv().is_err());
}

#[tokio::test]
async fn r_63_notices_to_an_address_are_limited_per_day() {
    let (app, mut inbox) = with_mail().await;
    let team = app.register("Acme").await;
    let (mut browser, change) = (team.browser(), path_to("change_password"));
    for n in 0..12 {
        let [old, new] = if n % 2 == 0 { [PASSWORD, NEW] } else { [NEW, PASSWORD] };
        let answer = browser.call(change, &[("password", old), ("new_password", new)]).await;
        assert!(answer.status.is_success(), "{}", answer.text);
    }
    let mut count = 0;
    while inbox.try_recv().is_ok() {
        count += 1;
    }
    assert_eq!(count, 10);
    app.pass(86_400);
    let change = [("password", PASSWORD), ("new_password", NEW)];
    assert!(browser.call(path_to("change_password"), &change).await.status.is_success());
    assert_notice(&next_mail(&mut inbox).await, &team.email, "Your Aldis password was changed", "/forgot-password");
}

#[tokio::test]
async fn r_63_other_mails_requested_from_a_network_do_not_suppress_notices() {
    let (app, mut inbox) = with_mail().await;
    let team = app.register("Acme").await;
    for n in 0..101 {
        done(&team, "request_password_reset", &[("email", &format!("{n}-{}", team.email))]).await;
    }
    done(&team, "request_password_reset", &[("email", &team.email)]).await;
    assert!(
        next_mail(&mut inbox).await.text.contains("/reset-password/"),
        "mails are counted, not requests that send none"
    );
    // The IP address of the tests.
    app.state.exhaust_mail_limit("0.0.0.0".parse().expect("an address")).await;
    // No link is created that cannot be mailed: it would count, and invalidate the previous one.
    for _ in 0..4 {
        done(&team, "request_password_reset", &[("email", &team.email)]).await;
    }
    done(&team, "change_password", &[("password", PASSWORD), ("new_password", NEW)]).await;
    assert_notice(&next_mail(&mut inbox).await, &team.email, "Your Aldis password was changed", "/forgot-password");
}

#[tokio::test]
async fn changes_succeed_where_mail_is_off_or_cannot_be_queued() {
    let app = TestApp::at(NOW).await;
    let team = app.register("Acme").await;
    done(&team, "change_password", &[("password", PASSWORD), ("new_password", NEW)]).await;
    app.post("/api/auth/login", &json!({"email": team.email, "password": NEW})).await.is(200);
    let (app, inbox) = with_mail().await;
    drop(inbox);
    let team = app.register("Acme").await;
    done(&team, "change_password", &[("password", PASSWORD), ("new_password", NEW)]).await;
    app.post("/api/auth/login", &json!({"email": team.email, "password": NEW})).await.is(200);
}
