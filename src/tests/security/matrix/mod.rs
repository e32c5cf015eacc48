//! T1: every door there is, tried by everybody there is, with a token and by cookie.
//!
//! The doors come from the OpenAPI document, the registry of server functions, the application's pages and the sources;
//! what each demands is declared in `demands`. A door that is not declared fails a test.

mod endpoints;
mod principals;
mod routes;

use serde_json::Value;

use self::principals::{Cast, Demand, Names, PREPARED, Principal, Stage, Visit, Way, World, is_in, visits};
use super::permissions::{DEMANDS, OPERATIONS, Right};
use crate::tests::support::{
    app::TestApp,
    clients::{Answer, id_of},
    endpoints::{FUNCTIONS, Field, Function, Operation, document, operations, path_to, registered},
    fixtures::Owner,
};

#[test]
fn t1_every_server_function_is_declared() {
    let mut there: Vec<&str> = FUNCTIONS.iter().map(|function| function.name).collect();
    let mut declared: Vec<&str> = DEMANDS.iter().flat_map(|(_, names)| names.iter().copied()).collect();
    there.sort_unstable();
    declared.sort_unstable();
    assert_eq!(there, declared, "say in DEMANDS what it demands");
}

#[test]
fn every_server_function_is_declared_and_every_declared_one_exists() {
    let mut declared: Vec<_> = FUNCTIONS.iter().map(|function| path_to(function.name)).collect();
    declared.sort_unstable();
    assert_eq!(registered(), declared, "say in FUNCTIONS who may call it and what it takes");
}

#[test]
fn server_functions_stand_under_their_own_prefix_by_readable_names() {
    for path in registered() {
        assert!(path.starts_with("/fn/aldis/app/server_fns/"), "{path}");
    }
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

/// What is wrong with an answer to somebody who is not to be let in with it.
fn fault(title: &str, visit: Visit, expected: Option<u16>, answer: &Answer) -> Option<String> {
    let status = answer.status.as_u16();
    (expected != Some(status)).then(|| {
        let expected = expected.map_or_else(|| "to be let in".to_owned(), |status| status.to_string());
        format!("{title} answers {visit:?} with {status} {}, expected {expected}", answer.text)
    })
}

#[tokio::test]
async fn t1_whoever_may_not_is_refused_at_every_operation_and_nothing_changes() {
    let world = World::open().await;
    let stage = Stage::set(&world, Cast::Everybody).await;
    let document = document(&world.app).await;
    let (mut wrong, mut tried) = (Vec::new(), 0);
    let before = stage.owner.team.everything().await;
    for operation in operations(&document) {
        let body = stage.body_for(&operation, &document);
        let demand = of_operation(&operation, body.as_ref(), &stage);
        for visit in visits() {
            let Some(expected) = demand.refusal(visit) else { continue };
            let answer = stage.operate(visit, &operation, body.as_ref()).await;
            wrong.extend(fault(&operation.title(), visit, Some(expected), &answer));
            tried += 1;
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
    assert_eq!(stage.owner.team.everything().await, before);
    assert!(tried > 500, "only {tried} attempts");
}

#[tokio::test]
async fn t1_whoever_may_is_let_in_at_every_operation() {
    let world = World::open().await;
    let document = document(&world.app).await;
    let mut stage = Stage::set(&world, Cast::Everybody).await;
    let (mut wrong, mut tried) = (Vec::new(), 0);
    for operation in operations(&document) {
        for visit in visits() {
            let body = stage.body_for(&operation, &document);
            let demand = of_operation(&operation, body.as_ref(), &stage);
            if demand.refusal(visit).is_some() {
                continue;
            }
            let mut answer = stage.operate(visit, &operation, body.as_ref()).await;
            let names: Vec<Field> = operation
                .parameters()
                .iter()
                .filter(|name| **name != "slug")
                .map(|name| Owner::kind_in(&operation.path, name))
                .collect();
            if !is_in(&operation.path, &answer) {
                // What was done before may have used up what it needs.
                stage.renew(&world, visit.0, &answer, &names, demand.right).await;
                let body = stage.body_for(&operation, &document);
                answer = stage.operate(visit, &operation, body.as_ref()).await;
            }
            if !(stage.has(visit.0) && is_in(&operation.path, &answer)) {
                stage = Stage::set(&world, Cast::for_right(demand.right)).await;
                let body = stage.body_for(&operation, &document);
                answer = stage.operate(visit, &operation, body.as_ref()).await;
            }
            if !is_in(&operation.path, &answer) {
                wrong.extend(fault(&operation.title(), visit, None, &answer));
            }
            tried += 1;
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
    assert!(tried > 250, "only {tried} attempts");
}

#[tokio::test]
async fn t1_whoever_may_not_is_refused_by_every_server_function_and_nothing_changes() {
    let world = World::open().await;
    let stage = Stage::set(&world, Cast::Everybody).await;
    let (mut wrong, mut tried) = (Vec::new(), 0);
    let before = stage.owner.team.everything().await;
    for function in FUNCTIONS {
        let demand = of_function(function);
        for visit in visits() {
            let Some(expected) = demand.refusal(visit) else { continue };
            let answer = stage.call(visit, function).await;
            wrong.extend(fault(function.name, visit, Some(expected), &answer));
            tried += 1;
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
    assert_eq!(stage.owner.team.everything().await, before);
    assert!(tried > 700, "only {tried} attempts");
}

#[tokio::test]
async fn t1_whoever_may_is_let_in_by_every_server_function() {
    let world = World::open().await;
    let mut stage = Stage::set(&world, Cast::Everybody).await;
    let (mut wrong, mut tried) = (Vec::new(), 0);
    for function in FUNCTIONS {
        let demand = of_function(function);
        if demand.right == Right::Secret {
            continue;
        }
        if PREPARED.contains(&function.name) {
            stage = Stage::set(&world, Cast::Welcome).await;
        }
        for visit in visits().filter(|visit| demand.refusal(*visit).is_none()) {
            if PREPARED.contains(&function.name) {
                stage.renew_person(&world, visit.0).await;
                let answer = stage.call_prepared(visit, function).await;
                wrong.extend(fault(function.name, visit, None, &answer).filter(|_| !is_in("", &answer)));
                tried += 1;
                continue;
            }
            let mut answer = stage.call(visit, function).await;
            let names: Vec<Field> = function.fields.iter().map(|(_, field)| *field).collect();
            if !is_in("", &answer) {
                // What was done before may have used up what it needs.
                stage.renew(&world, visit.0, &answer, &names, demand.right).await;
                answer = stage.call(visit, function).await;
            }
            if !(stage.has(visit.0) && is_in("", &answer)) {
                stage = Stage::set(&world, Cast::for_right(demand.right)).await;
                answer = stage.call(visit, function).await;
            }
            if !is_in("", &answer) {
                wrong.extend(fault(function.name, visit, None, &answer));
            }
            tried += 1;
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
    assert!(tried > 350, "only {tried} attempts");
}

#[tokio::test]
async fn t1_where_a_secret_opens_nobody_gets_further_without_it_than_a_stranger() {
    let world = World::open().await;
    let stage = Stage::set(&world, Cast::Everybody).await;
    let before = stage.owner.team.everything().await;
    for function in FUNCTIONS.iter().filter(|function| of_function(function).right == Right::Secret) {
        let stranger = stage.call((Principal::Anonymous, Way::Bearer), function).await;
        assert!(stranger.status.is_client_error(), "{}: {} {}", function.name, stranger.status, stranger.text);
        for visit in visits() {
            let answer = stage.call(visit, function).await;
            let (told, expected) = ((answer.status, &answer.text), (stranger.status, &stranger.text));
            assert_eq!(told, expected, "{} to {visit:?}", function.name);
        }
    }
    assert_eq!(stage.owner.team.everything().await, before);
}

/// What an operation demands. A body may name what the path does not.
fn of_operation(operation: &Operation, body: Option<&Value>, stage: &Stage) -> Demand {
    let title = operation.title();
    let declared = OPERATIONS.iter().find(|(declared, _)| *declared == title);
    let right = declared.unwrap_or_else(|| panic!("say in OPERATIONS what {title} demands")).1;
    let service = id_of(&stage.owner.service);
    let names = !operation.parameters().is_empty() || body.is_some_and(|body| body.to_string().contains(service));
    Demand { right, names: if names { Names::Organizations } else { Names::Nothing } }
}

/// What a server function demands.
fn of_function(function: &Function) -> Demand {
    let declared = DEMANDS.iter().find(|(_, names)| names.contains(&function.name));
    let right = declared.unwrap_or_else(|| panic!("say in DEMANDS what {} demands", function.name)).0;
    let owned = || function.fields.iter().map(|(_, field)| field).filter(|field| field.is_owned());
    let names = match () {
        () if owned().any(|field| field.is_personal()) => Names::Persons,
        () if owned().next().is_some() => Names::Organizations,
        () => Names::Nothing,
    };
    Demand { right, names }
}

#[test]
fn t1_everybody_comes_in_every_way() {
    assert_eq!(visits().count(), 21);
    let open = Demand { right: Right::Open, names: Names::Organizations };
    assert!(visits().all(|visit| open.refusal(visit).is_none()));
    let sure = Demand { right: Right::ReauthenticatedAdmin, names: Names::Organizations };
    let let_in: Vec<_> = visits().filter(|visit| sure.refusal(*visit).is_none()).map(|(who, _)| who).collect();
    assert_eq!(let_in, [Principal::Admin; 2]);
}
