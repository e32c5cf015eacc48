//! T1: every door there is, tried by everybody there is.
//!
//! The doors come from the OpenAPI document and the registry of server functions; what each demands is declared in
//! `demands`. A door that is not declared fails the test.

use std::collections::BTreeMap;

use axum::{
    body::Body,
    http::{Method, StatusCode, header},
};
use serde_json::{Value, json};

use super::{
    TestApp,
    clients::{Answer, form, id_of},
    demands::{DEMANDS, OPERATIONS, Right},
    doors::{FUNCTIONS, Field, Function, Operation, document, fields, operations, pairs, path_to},
    owners::{NOW, Owner},
    request, with_json,
};

/// Somebody who comes to a door.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Principal {
    Anonymous,
    Member,
    Admin,
    ForeignAdmin,
    ExMember,
    Disabled,
    ReadToken,
    WriteToken,
    ExpiredToken,
    RevokedToken,
}

const PRINCIPALS: [Principal; 10] = [
    Principal::Anonymous,
    Principal::Member,
    Principal::Admin,
    Principal::ForeignAdmin,
    Principal::ExMember,
    Principal::Disabled,
    Principal::ReadToken,
    Principal::WriteToken,
    Principal::ExpiredToken,
    Principal::RevokedToken,
];

impl Principal {
    /// How a door must answer them; nothing when it lets them in.
    fn refusal(self, right: Right) -> Option<u16> {
        use Principal::{Admin, Anonymous, Disabled, ExMember, ExpiredToken, ForeignAdmin, Member, ReadToken};
        match (right, self) {
            (Right::Open, _) | (_, Admin | ForeignAdmin) => None,
            (_, Anonymous | ExMember | Disabled | ExpiredToken | Principal::RevokedToken) => Some(401),
            (Right::Viewer, _) | (Right::Member, Member | Principal::WriteToken) | (Right::Person, Member) => None,
            (_, Member | ReadToken | Principal::WriteToken) => Some(403),
        }
    }
}

/// An organization with everything, and the ways in of everybody there is.
struct Stage {
    owner: Owner,
    keys: BTreeMap<String, String>,
}

impl Stage {
    async fn set(app: &TestApp) -> Self {
        let owner = Owner::of(app, "Owner").await;
        let team = &owner.team;
        let token = async |body: Value| {
            let token = team.post("/api/tokens", body).await.is(201);
            (id_of(&token).to_owned(), token["secret"].as_str().expect("a secret").to_owned())
        };
        let (_, read) = token(json!({"name": "reader"})).await;
        let (_, write) = token(json!({"name": "writer", "scope": "write"})).await;
        let end = app.clock.now().plus_seconds(1).to_string();
        let short = json!({"name": "short", "scope": "write", "expires_at": end});
        let (_, expired) = token(short).await;
        let (id, revoked) = token(json!({"name": "revoked", "scope": "write"})).await;
        assert_eq!(team.delete(&format!("/api/tokens/{id}")).await.status, 204);
        let member = team.colleague("member").await;
        let gone = team.colleague("admin").await;
        assert_eq!(team.delete(&format!("/api/team/{}", id_of(&gone.user))).await.status, 204);
        let disabled = team.colleague("admin").await;
        let address = disabled.email.parse().expect("an address");
        app.state.system().set_disabled(&address, true).await.expect("shut out");
        let foreign = app.register("Foreign").await;
        let keys = [
            (Principal::Member, member.token),
            (Principal::Admin, team.token.clone()),
            (Principal::ForeignAdmin, foreign.token),
            (Principal::ExMember, gone.token),
            (Principal::Disabled, disabled.token),
            (Principal::ReadToken, read),
            (Principal::WriteToken, write),
            (Principal::ExpiredToken, expired),
            (Principal::RevokedToken, revoked),
        ];
        app.pass(2);
        Self { owner, keys: keys.into_iter().map(|(who, key)| (format!("{who:?}"), key)).collect() }
    }

    fn key(&self, who: Principal) -> Option<&str> {
        self.keys.get(&format!("{who:?}")).map(String::as_str)
    }

    async fn send(&self, who: Principal, method: Method, path: &str, body: Option<&Value>) -> Answer {
        let mut builder = request(method, path);
        if let Some(key) = self.key(who) {
            builder = builder.header(header::AUTHORIZATION, format!("Bearer {key}"));
        }
        let request = match body {
            Some(body) => with_json(builder, body),
            None => builder.body(Body::empty()).expect("request"),
        };
        self.owner.team.app.send(request).await
    }

    /// Calls a server function with a token, as a program could, and by cookie, as a browser does.
    async fn call(&self, who: Principal, function: &Function) -> Vec<Answer> {
        let fields = fields(function, |field| self.owner.id_of_kind(field));
        let app = &self.owner.team.app;
        let post = || {
            request(Method::POST, path_to(function.name))
                .header(header::ACCEPT, "application/json")
                .header(header::ORIGIN, super::ORIGIN)
                .header("sec-fetch-site", "same-origin")
        };
        let mut ways = vec![post()];
        if let Some(key) = self.key(who) {
            ways = vec![post().header(header::AUTHORIZATION, format!("Bearer {key}"))];
            if !key.starts_with("aldis_") {
                ways.push(post().header(header::COOKIE, format!("aldis={key}")));
            }
        }
        let mut answers = Vec::new();
        for way in ways {
            answers.push(app.send(form(way, &pairs(&fields))).await);
        }
        answers
    }
}

/// What an answer says of the right to ask: whether it was refused for want of it.
fn judge(title: &str, who: Principal, right: Right, names_something: bool, answer: &Answer) -> Option<String> {
    let status = answer.status;
    let wrong = |why: &str| Some(format!("{title} answers {who:?} with {status} {}: {why}", answer.text));
    if status.is_server_error() {
        return wrong("a failure");
    }
    if let Some(expected) = who.refusal(right) {
        return if status.as_u16() == expected { None } else { wrong(&format!("expected {expected}")) };
    }
    // It is let in, and finds nothing of another organization's.
    if who == Principal::ForeignAdmin && right != Right::Open && names_something {
        return if status == StatusCode::NOT_FOUND { None } else { wrong("expected 404") };
    }
    // Opening may fail for a wrong password, which is not about the right to ask.
    if right != Right::Open && matches!(status.as_u16(), 401 | 403) { wrong("expected to be let in") } else { None }
}

#[test]
fn t1_every_server_function_is_declared() {
    let mut there: Vec<&str> = FUNCTIONS.iter().map(|function| function.name).collect();
    let mut declared: Vec<&str> = DEMANDS.iter().flat_map(|(_, names)| names.iter().copied()).collect();
    there.sort_unstable();
    declared.sort_unstable();
    assert_eq!(there, declared, "say in DEMANDS what it demands");
}

#[tokio::test]
async fn t1_every_operation_is_declared() {
    let app = TestApp::open().await;
    let mut there: Vec<_> = operations(&document(&app).await).iter().map(Operation::title).collect();
    let mut declared: Vec<_> = OPERATIONS.iter().map(|(title, _)| (*title).to_owned()).collect();
    there.sort();
    declared.sort();
    assert_eq!(there, declared, "say in OPERATIONS what it demands");
}

#[tokio::test]
async fn t1_whoever_may_not_is_refused_at_every_operation_and_nothing_changes() {
    let app = TestApp::at(NOW).await;
    let stage = Stage::set(&app).await;
    let document = document(&app).await;
    let (mut wrong, mut tried) = (Vec::new(), 0);
    let before = stage.owner.team.everything().await;
    for operation in operations(&document) {
        let right = declared(&operation);
        let path = stage.owner.path(&operation.path);
        let body = operation.examples_for(&document, id_of(&stage.owner.service)).into_iter().next();
        for who in PRINCIPALS.into_iter().filter(|who| is_kept_out(*who, right, !operation.parameters().is_empty())) {
            let answer = stage.send(who, operation.method.clone(), &path, body.as_ref()).await;
            wrong.extend(judge(&operation.title(), who, right, !operation.parameters().is_empty(), &answer));
            tried += 1;
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
    assert_eq!(stage.owner.team.everything().await, before);
    assert!(tried > 200, "only {tried} attempts");
}

#[tokio::test]
async fn t1_whoever_may_is_let_in_at_every_operation() {
    let app = TestApp::at(NOW).await;
    let document = document(&app).await;
    let mut wrong = Vec::new();
    for operation in operations(&document) {
        // One that does what it is for may end what the next one needs.
        let stage = Stage::set(&app).await;
        let right = declared(&operation);
        let body = operation.examples_for(&document, id_of(&stage.owner.service)).into_iter().next();
        let path = stage.owner.path(&operation.path);
        for who in PRINCIPALS.into_iter().filter(|who| !is_kept_out(*who, right, !operation.parameters().is_empty())) {
            let answer = stage.send(who, operation.method.clone(), &path, body.as_ref()).await;
            wrong.extend(judge(&operation.title(), who, right, !operation.parameters().is_empty(), &answer));
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
}

#[tokio::test]
async fn t1_whoever_may_not_is_refused_by_every_server_function_and_nothing_changes() {
    let app = TestApp::at(NOW).await;
    let stage = Stage::set(&app).await;
    let (mut wrong, mut tried) = (Vec::new(), 0);
    let before = stage.owner.team.everything().await;
    for function in FUNCTIONS {
        let right = demanded(function);
        for who in PRINCIPALS.into_iter().filter(|who| is_kept_out(*who, right, names_something(function))) {
            for answer in stage.call(who, function).await {
                wrong.extend(judge(function.name, who, right, names_something(function), &answer));
                tried += 1;
            }
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
    assert_eq!(stage.owner.team.everything().await, before);
    assert!(tried > 300, "only {tried} attempts");
}

#[tokio::test]
async fn t1_whoever_may_is_let_in_by_every_server_function() {
    let app = TestApp::at(NOW).await;
    let mut wrong = Vec::new();
    for function in FUNCTIONS {
        let right = demanded(function);
        let stage = Stage::set(&app).await;
        for who in PRINCIPALS.into_iter().filter(|who| !is_kept_out(*who, right, names_something(function))) {
            let answer = stage.call(who, function).await.remove(0);
            wrong.extend(judge(function.name, who, right, names_something(function), &answer));
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
}

/// What an operation demands.
fn declared(operation: &Operation) -> Right {
    let title = operation.title();
    let declared = OPERATIONS.iter().find(|(declared, _)| *declared == title);
    declared.unwrap_or_else(|| panic!("say in OPERATIONS what {title} demands")).1
}

/// What a server function demands.
fn demanded(function: &Function) -> Right {
    let declared = DEMANDS.iter().find(|(_, names)| names.contains(&function.name));
    declared.unwrap_or_else(|| panic!("say in DEMANDS what {} demands", function.name)).0
}

/// Whether a server function takes anything that belongs to an organization, or to somebody.
fn names_something(function: &Function) -> bool {
    function.fields.iter().any(|(_, field)| !matches!(field, Field::Plain(_)))
}

/// Whether somebody gets nothing at a door: for want of the right, or since what is asked for is another's.
fn is_kept_out(who: Principal, right: Right, names_something: bool) -> bool {
    who.refusal(right).is_some() || (who == Principal::ForeignAdmin && right != Right::Open && names_something)
}
