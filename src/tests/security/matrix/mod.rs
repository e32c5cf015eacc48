//! Authorization matrix (T1 in docs/security.md): every endpoint, called by every kind of caller, by token and by
//! cookie.
//!
//! The endpoints come from the OpenAPI document, the registry of server functions, the dashboard's pages and the
//! sources. `permissions` declares what each requires; a test fails for an endpoint that is not declared.

mod endpoints;
mod principals;
mod routes;

use serde_json::Value;

use self::principals::{
    Caller, NEEDS_PREPARATION, Principal, References, Requirement, Roster, Servers, Setup, Via, callers, is_allowed,
};
use super::permissions::{FUNCTIONS, Function, OPERATIONS, Right};
use crate::tests::support::{
    app::TestApp,
    clients::{Answer, id_of},
    endpoints::{Field, Operation, document, operations, path_to, registered},
    fixtures::Owner,
};

#[test]
fn t1_the_server_functions_are_the_declared_ones() {
    let mut declared: Vec<_> = FUNCTIONS.iter().map(|function| path_to(function.name)).collect();
    declared.sort_unstable();
    assert_eq!(registered(), declared, "declare its permission and fields in FUNCTIONS");
}

#[test]
fn paths_of_server_functions_have_a_prefix_and_readable_names() {
    for path in registered() {
        assert!(path.starts_with("/fn/aldis/app/server_fns/"), "{path}");
    }
}

#[tokio::test]
async fn t1_the_operations_are_the_declared_ones() {
    let app = TestApp::open().await;
    let mut actual: Vec<_> = operations(&document(&app).await).iter().map(Operation::title).collect();
    let mut declared: Vec<_> = OPERATIONS.iter().map(|(title, _)| (*title).to_owned()).collect();
    actual.sort();
    declared.sort();
    assert_eq!(actual, declared, "declare its permission in OPERATIONS");
}

/// What is wrong with a response; `expected` is the status of an error, or none if the caller must be allowed.
fn fault(title: &str, caller: Caller, expected: Option<u16>, answer: &Answer) -> Option<String> {
    let status = answer.status.as_u16();
    (expected != Some(status)).then(|| {
        let expected = expected.map_or_else(|| "success".to_owned(), |status| status.to_string());
        format!("{title} answers {caller:?} with {status} {}, expected {expected}", answer.text)
    })
}

#[tokio::test]
async fn t1_every_operation_rejects_callers_without_permission_and_nothing_changes() {
    let servers = Servers::open().await;
    let setup = Setup::create(&servers, Roster::All).await;
    let document = document(&servers.app).await;
    let (mut wrong, mut tried) = (Vec::new(), 0);
    let before = setup.owner.team.everything().await;
    for operation in operations(&document) {
        let body = setup.body_for(&operation, &document);
        let requirement = of_operation(&operation, body.as_ref(), &setup);
        for caller in callers() {
            let Some(expected) = requirement.rejection(caller) else { continue };
            let answer = setup.call_operation(caller, &operation, body.as_ref()).await;
            wrong.extend(fault(&operation.title(), caller, Some(expected), &answer));
            tried += 1;
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
    assert_eq!(setup.owner.team.everything().await, before);
    assert!(tried > 500, "only {tried} attempts");
}

#[tokio::test]
async fn t1_every_operation_allows_callers_with_permission() {
    let servers = Servers::open().await;
    let document = document(&servers.app).await;
    let mut setup = Setup::create(&servers, Roster::All).await;
    let (mut wrong, mut tried) = (Vec::new(), 0);
    for operation in operations(&document) {
        for caller in callers() {
            let body = setup.body_for(&operation, &document);
            let requirement = of_operation(&operation, body.as_ref(), &setup);
            if requirement.rejection(caller).is_some() {
                continue;
            }
            let mut answer = setup.call_operation(caller, &operation, body.as_ref()).await;
            let kinds: Vec<Field> = operation
                .parameters()
                .iter()
                .filter(|name| **name != "slug")
                .map(|name| Owner::kind_in(&operation.path, name))
                .collect();
            if !is_allowed(&operation.path, &answer) {
                // An earlier call may have consumed what this one needs.
                setup.restore(&servers, caller.0, &answer, &kinds, requirement.right).await;
                let body = setup.body_for(&operation, &document);
                answer = setup.call_operation(caller, &operation, body.as_ref()).await;
            }
            if !(setup.has(caller.0) && is_allowed(&operation.path, &answer)) {
                setup = Setup::create(&servers, Roster::for_right(requirement.right)).await;
                let body = setup.body_for(&operation, &document);
                answer = setup.call_operation(caller, &operation, body.as_ref()).await;
            }
            if !is_allowed(&operation.path, &answer) {
                wrong.extend(fault(&operation.title(), caller, None, &answer));
            }
            tried += 1;
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
    assert!(tried > 250, "only {tried} attempts");
}

#[tokio::test]
async fn t1_every_server_function_rejects_callers_without_permission_and_nothing_changes() {
    let servers = Servers::open().await;
    let setup = Setup::create(&servers, Roster::All).await;
    let (mut wrong, mut tried) = (Vec::new(), 0);
    let before = setup.owner.team.everything().await;
    for function in FUNCTIONS {
        let requirement = of_function(function);
        for caller in callers() {
            let Some(expected) = requirement.rejection(caller) else { continue };
            let answer = setup.call_function(caller, function).await;
            wrong.extend(fault(function.name, caller, Some(expected), &answer));
            tried += 1;
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
    assert_eq!(setup.owner.team.everything().await, before);
    assert!(tried > 700, "only {tried} attempts");
}

#[tokio::test]
async fn t1_every_server_function_allows_callers_with_permission() {
    let servers = Servers::open().await;
    let mut setup = Setup::create(&servers, Roster::All).await;
    let (mut wrong, mut tried) = (Vec::new(), 0);
    for function in FUNCTIONS {
        let requirement = of_function(function);
        if requirement.right == Right::Secret {
            continue;
        }
        if NEEDS_PREPARATION.contains(&function.name) {
            setup = Setup::create(&servers, Roster::Permitted).await;
        }
        for caller in callers().filter(|caller| requirement.rejection(*caller).is_none()) {
            if NEEDS_PREPARATION.contains(&function.name) {
                setup.replace_person(&servers, caller.0).await;
                let answer = setup.call_prepared(caller, function).await;
                wrong.extend(fault(function.name, caller, None, &answer).filter(|_| !is_allowed("", &answer)));
                tried += 1;
                continue;
            }
            let mut answer = setup.call_function(caller, function).await;
            let kinds: Vec<Field> = function.kinds().collect();
            if !is_allowed("", &answer) {
                // An earlier call may have consumed what this one needs.
                setup.restore(&servers, caller.0, &answer, &kinds, requirement.right).await;
                answer = setup.call_function(caller, function).await;
            }
            if !(setup.has(caller.0) && is_allowed("", &answer)) {
                setup = Setup::create(&servers, Roster::for_right(requirement.right)).await;
                answer = setup.call_function(caller, function).await;
            }
            if !is_allowed("", &answer) {
                wrong.extend(fault(function.name, caller, None, &answer));
            }
            tried += 1;
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
    assert!(tried > 350, "only {tried} attempts");
}

#[tokio::test]
async fn t1_without_the_required_secret_all_callers_get_the_same_error() {
    let servers = Servers::open().await;
    let setup = Setup::create(&servers, Roster::All).await;
    let before = setup.owner.team.everything().await;
    for function in FUNCTIONS.iter().filter(|function| of_function(function).right == Right::Secret) {
        let anonymous = setup.call_function((Principal::Anonymous, Via::Bearer), function).await;
        assert!(anonymous.status.is_client_error(), "{}: {} {}", function.name, anonymous.status, anonymous.text);
        for caller in callers() {
            let answer = setup.call_function(caller, function).await;
            let (actual, expected) = ((answer.status, &answer.text), (anonymous.status, &anonymous.text));
            assert_eq!(actual, expected, "{} to {caller:?}", function.name);
        }
    }
    assert_eq!(setup.owner.team.everything().await, before);
}

/// What an operation requires. Objects may be referenced in its path or its body.
fn of_operation(operation: &Operation, body: Option<&Value>, setup: &Setup) -> Requirement {
    let title = operation.title();
    let declared = OPERATIONS.iter().find(|(declared, _)| *declared == title);
    let right = declared.unwrap_or_else(|| panic!("declare the permission of {title} in OPERATIONS")).1;
    let service = id_of(&setup.owner.service);
    let has_references =
        !operation.parameters().is_empty() || body.is_some_and(|body| body.to_string().contains(service));
    Requirement { right, references: if has_references { References::Organization } else { References::Nothing } }
}

/// What a server function requires.
fn of_function(function: &Function) -> Requirement {
    let references = match () {
        () if function.kinds().any(Field::is_personal) => References::Person,
        () if function.kinds().any(Field::is_owned) => References::Organization,
        () => References::Nothing,
    };
    Requirement { right: function.right, references }
}

#[test]
fn t1_all_principals_call_by_token_and_by_cookie() {
    assert_eq!(callers().count(), 21);
    let open = Requirement { right: Right::Open, references: References::Organization };
    assert!(callers().all(|caller| open.rejection(caller).is_none()));
    let reauthenticated = Requirement { right: Right::ReauthenticatedAdmin, references: References::Organization };
    let allowed: Vec<_> =
        callers().filter(|caller| reauthenticated.rejection(*caller).is_none()).map(|(who, _)| who).collect();
    assert_eq!(allowed, [Principal::Admin; 2]);
}
