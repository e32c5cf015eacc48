//! Forged and malformed session tokens (R-20): all get the same answer.

use std::fmt::Display;

use axum::{
    body::Body,
    http::{HeaderValue, Method, header},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use hkdf::Hkdf;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::{Sha256, Sha512};

use crate::tests::support::{
    app::{SECRET, TestApp, request},
    clients::Answer,
};

async fn me_by_header(app: &TestApp, token: &[u8]) -> Answer {
    let value = HeaderValue::from_bytes(&[b"Bearer ", token].concat()).expect("a header");
    let request = request(Method::GET, "/api/auth/me").header(header::AUTHORIZATION, value);
    app.send(request.body(Body::empty()).expect("request")).await
}

async fn me_by_cookie(app: &TestApp, token: &[u8]) -> Answer {
    let value = HeaderValue::from_bytes(&[b"aldis=", token].concat()).expect("a header");
    let request = request(Method::GET, "/api/auth/me").header(header::COOKIE, value);
    app.send(request.body(Body::empty()).expect("request")).await
}

/// The key of session tokens, derived from the secret.
fn key() -> [u8; 32] {
    let mut key = [0; 32];
    Hkdf::<Sha256>::new(None, SECRET.as_bytes()).expand(b"session", &mut key).expect("not too long");
    key
}

fn signed(key: &[u8], claims: &Value) -> String {
    signed_as::<Hmac<Sha256>>("HS256", key, claims)
}

/// Claims signed with any algorithm: written by hand, as our own signing rejects others.
fn signed_as<M: Mac + KeyInit>(algorithm: &str, key: &[u8], claims: impl Display) -> String {
    let head = URL_SAFE_NO_PAD.encode(format!(r#"{{"typ":"JWT","alg":"{algorithm}"}}"#));
    let message = format!("{head}.{}", URL_SAFE_NO_PAD.encode(claims.to_string()));
    format!("{message}.{}", signature::<M>(key, &message))
}

/// Any text in place of claims, signed with the right key.
fn signed_text(claims: &str) -> String {
    signed_as::<Hmac<Sha256>>("HS256", &key(), claims)
}

fn signature<M: Mac + KeyInit>(key: &[u8], message: &str) -> String {
    let mut mac = <M as KeyInit>::new_from_slice(key).expect("any key will do");
    mac.update(message.as_bytes());
    URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes())
}

fn claims_of(token: &str) -> Value {
    let payload = token.split('.').nth(1).expect("a payload");
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).expect("base64")).expect("JSON")
}

fn with(claims: &Value, name: &str, value: Value) -> Value {
    let mut claims = claims.clone();
    claims[name] = value;
    claims
}

fn without(claims: &Value, name: &str) -> Value {
    let mut claims = claims.clone();
    claims.as_object_mut().expect("an object").remove(name);
    claims
}

/// Tokens that would be valid except for one fault each.
fn forgeries(token: &str, now: i64) -> Vec<(String, String)> {
    let claims = claims_of(token);
    let parts: Vec<&str> = token.split('.').collect();
    let none = URL_SAFE_NO_PAD.encode(r#"{"alg":"none","typ":"JWT"}"#);
    let admin = URL_SAFE_NO_PAD.encode(with(&claims, "sid", json!("00000000-0000-7000-8000-000000000000")).to_string());
    let mut all = vec![
        ("alg none".to_owned(), format!("{none}.{}.", parts[1])),
        ("alg none with a signature".to_owned(), format!("{none}.{}.{}", parts[1], parts[2])),
        ("another payload under the signature".to_owned(), format!("{}.{admin}.{}", parts[0], parts[2])),
        ("no signature".to_owned(), format!("{}.{}.", parts[0], parts[1])),
        ("half a signature".to_owned(), token[..token.len() - 10].to_owned()),
        ("two parts".to_owned(), format!("{}.{}", parts[0], parts[1])),
        ("four parts".to_owned(), format!("{token}.{}", parts[2])),
        ("another algorithm".to_owned(), signed_as::<Hmac<Sha512>>("HS512", &key(), &claims)),
        ("another key".to_owned(), signed(b"another key of thirty-two bytes!", &claims)),
        ("an empty key".to_owned(), signed(b"", &claims)),
        ("a list".to_owned(), signed_text("[]")),
        ("a number".to_owned(), signed_text("7")),
        ("a claim twice".to_owned(), signed_text(&claims.to_string().replacen('{', r#"{"aud":"evil","#, 1))),
    ];
    for (name, value) in [
        ("exp", json!(now)),
        ("exp", json!(now - 3600)),
        ("exp", json!(-1)),
        ("exp", json!("9999999999")),
        ("exp", json!(1e300)),
        ("exp", Value::Null),
        ("iat", json!(now + 3600)),
        ("iat", json!("now")),
        ("aud", json!("other")),
        ("aud", json!(["aldis", "other"])),
        ("aud", json!("")),
        ("iss", json!("other")),
        ("iss", json!(["aldis"])),
        ("typ", json!("reset")),
        ("typ", json!("Session")),
        ("typ", Value::Null),
        ("sid", json!("00000000-0000-7000-8000-000000000000")),
        ("sid", json!("' OR 1=1 --")),
        ("sid", json!(1)),
        ("sub", json!({"admin": true})),
        ("jti", json!(false)),
    ] {
        all.push((format!("{name} = {value}"), signed(&key(), &with(&claims, name, value))));
    }
    for name in ["exp", "iat", "aud", "iss", "typ", "sid", "sub", "jti"] {
        all.push((format!("no {name}"), signed(&key(), &without(&claims, name))));
    }
    all
}

#[tokio::test]
async fn r_20_all_forged_tokens_get_the_same_answer() {
    let app = TestApp::at("2026-03-01T12:00:00Z").await;
    let team = app.register("Acme").await;
    let now = app.clock.now().millis() / 1000;
    // The token they are made from is valid.
    let same = signed(&key(), &claims_of(&team.token));
    assert_eq!(me_by_header(&app, same.as_bytes()).await.is(200)["user"], team.user);
    let same = signed(&key(), &claims_of(&team.token));
    assert_eq!(me_by_cookie(&app, same.as_bytes()).await.is(200)["user"], team.user);

    let nobody = app.get("/api/auth/me").await;
    nobody.refuses(401, &[]);
    for (what, token) in forgeries(&team.token, now) {
        for answer in [me_by_header(&app, token.as_bytes()).await, me_by_cookie(&app, token.as_bytes()).await] {
            assert_eq!(answer.fingerprint(), nobody.fingerprint(), "{what}");
        }
    }
}

#[tokio::test]
async fn r_20_malformed_tokens_get_the_same_answer() {
    let app = TestApp::open().await;
    let nobody = app.get("/api/auth/me").await;
    let huge = vec![b'x'; 1024 * 1024];
    let dots = vec![b'.'; 5000];
    let garbage: [&[u8]; 10] = [
        b"x",
        b"...",
        b"a.b.c",
        b"null",
        b"undefined",
        b"eyJhbGciOiJIUzI1NiJ9.e30.",
        b"\xff\xfe\xfd",
        "\u{202e}.\u{1f600}.x".as_bytes(),
        &huge,
        &dots,
    ];
    for token in garbage {
        for answer in [me_by_header(&app, token).await, me_by_cookie(&app, token).await] {
            assert_eq!(answer.fingerprint(), nobody.fingerprint(), "{} bytes", token.len());
        }
    }
}

#[tokio::test]
async fn r_20_a_token_is_valid_only_in_its_time_by_the_servers_clock() {
    let app = TestApp::at("2026-03-01T12:00:00Z").await;
    let team = app.register("Acme").await;
    let claims = claims_of(&team.token);
    let (iat, exp) = (claims["iat"].as_i64().expect("iat"), claims["exp"].as_i64().expect("exp"));
    assert_eq!((iat, exp - iat), (app.clock.now().millis() / 1000, 30 * 24 * 3600));
    let brief = signed(&key(), &with(&claims, "exp", json!(iat + 10)));
    app.pass(9);
    me_by_header(&app, brief.as_bytes()).await.is(200);
    app.pass(1);
    me_by_header(&app, brief.as_bytes()).await.refuses(401, &[]);
    team.get("/api/auth/me").await.is(200);
}

#[tokio::test]
async fn a_token_contains_nothing_about_the_person() {
    let app = TestApp::open().await;
    let team = app.register("Acme").await;
    let claims = claims_of(&team.token).to_string();
    assert!(!claims.contains(&team.email) && !claims.contains("Ada") && !claims.contains("admin"), "{claims}");
}

#[tokio::test]
async fn r_81_sessions_have_a_key_of_their_own_and_older_ones_stay_valid() {
    let app = TestApp::at("2026-03-01T12:00:00Z").await;
    let team = app.register("Acme").await;
    let claims = claims_of(&team.token);
    let (message, signed_as) = team.token.rsplit_once('.').expect("a signature");
    assert_eq!(signed_as, signature::<Hmac<Sha256>>(&key(), message));
    let older = signed(SECRET.as_bytes(), &claims);
    me_by_header(&app, older.as_bytes()).await.is(200);
    me_by_cookie(&app, older.as_bytes()).await.is(200);
    let wrong = signed(SECRET.as_bytes(), &with(&claims, "typ", json!("reset")));
    me_by_header(&app, wrong.as_bytes()).await.refuses(401, &[]);
    // A key for another purpose is not accepted.
    let mut other = [0; 32];
    Hkdf::<Sha256>::new(None, SECRET.as_bytes()).expand(b"second factor", &mut other).expect("not too long");
    me_by_header(&app, signed(&other, &claims).as_bytes()).await.refuses(401, &[]);
    app.pass(30 * 24 * 3600);
    me_by_header(&app, older.as_bytes()).await.refuses(401, &[]);
}

#[tokio::test]
async fn r_81_a_session_stays_valid_while_its_old_key_is_configured() {
    let app = TestApp::open().await;
    let team = app.register("Acme").await;
    let new = "Zt9wPq4LmX7vRb2NcK8sJd1Hf6GyE3uAoQiW";
    let me = async |flags: &[&str]| me_by_header(&TestApp::with(flags).await, team.token.as_bytes()).await;
    me(&["--jwt-secret", new, "--jwt-secret-old", SECRET]).await.is(200);
    me(&["--jwt-secret", new]).await.refuses(401, &[]);
    // New tokens are signed with the new key.
    let changed = TestApp::with(&["--jwt-secret", new, "--jwt-secret-old", SECRET]).await;
    let team = changed.register("Other").await;
    me_by_header(&TestApp::with(&["--jwt-secret", new]).await, team.token.as_bytes()).await.is(200);
    me_by_header(&app, team.token.as_bytes()).await.refuses(401, &[]);
}
