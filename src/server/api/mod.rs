//! The documented REST door: `/api`. Routes and the OpenAPI document come from the same list.

mod audit;
mod auth;
mod examples;
mod groups;
mod incidents;
mod live;
mod public;
mod services;
mod team;
mod tokens;

use axum::{
    Router,
    body::Bytes,
    extract::DefaultBodyLimit,
    http::{Method, header},
    middleware::from_fn_with_state,
    routing::get,
};
use tower_http::cors::{AllowOrigin, CorsLayer};
use utoipa::{
    OpenApi,
    openapi::{
        Content, OpenApi as Document, Ref, RefOr, Response, ResponseBuilder,
        path::{Operation, ParameterIn},
        security::{HttpAuthScheme, HttpBuilder, SecurityScheme},
    },
};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{config::Config, rate_limit::requests::limit_requests, state::AppState};
use crate::model::{Code, Control, Error, Event, Frame, NumberedEvent};

/// The largest JSON body.
pub const BODY_MAX: usize = 256 * 1024;

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Aldis",
        description = "Teams tell their users what works, live. Ids are opaque strings; times are RFC 3339 in UTC. \
                       Something that is absent and something that is another organization's are answered alike: 404. \
                       Lists take `limit` (at most 100) and `cursor`; the next page stands in a `Link` header with `rel=\"next\"`.",
        license(name = "MIT OR Apache-2.0", identifier = "MIT OR Apache-2.0"),
    ),
    tags(
        (name = "Accounts", description = "Register, log in, and who is there."),
        (name = "Access", description = "API tokens, and the log of who did what."),
        (name = "Team", description = "Members, their roles, and invitations."),
        (name = "Services", description = "What a team runs, its status and the history of it."),
        (name = "Groups", description = "Headings over services."),
        (name = "Incidents", description = "What is wrong, what was planned, and everything said about it."),
        (name = "Public page", description = "What anybody may read, without a token."),
        (name = "Live", description = "Changes as they happen, over a WebSocket."),
    ),
    components(schemas(Error, Code, Frame, NumberedEvent, Event, Control)),
)]
struct Api;

/// The routes under `/api`, and the document that describes them.
pub fn router(state: &AppState) -> (Router<AppState>, Document) {
    let config = &state.config;
    let public = OpenApiRouter::new()
        .routes(routes!(public::status))
        .routes(routes!(public::timeline))
        .layer(cors(config))
        .routes(routes!(live::public));
    let (router, mut document) = OpenApiRouter::with_openapi(Api::openapi())
        .routes(routes!(auth::register))
        .routes(routes!(auth::login))
        .routes(routes!(auth::me))
        .routes(routes!(auth::logout))
        .routes(routes!(services::list, services::create))
        .routes(routes!(services::show, services::update, services::delete))
        .routes(routes!(services::history))
        .routes(routes!(services::uptime))
        .routes(routes!(groups::list, groups::create))
        .routes(routes!(groups::show, groups::update, groups::delete))
        .routes(routes!(incidents::list, incidents::open))
        .routes(routes!(incidents::show, incidents::update, incidents::delete))
        .routes(routes!(incidents::post))
        .routes(routes!(incidents::edit, incidents::withdraw))
        .routes(routes!(incidents::series))
        .routes(routes!(incidents::end_series))
        .routes(routes!(incidents::templates, incidents::create_template))
        .routes(routes!(incidents::replace_template, incidents::delete_template))
        .routes(routes!(tokens::list, tokens::create))
        .routes(routes!(tokens::revoke))
        .routes(routes!(team::list))
        .routes(routes!(team::set_role, team::remove))
        .routes(routes!(team::invitations, team::invite))
        .routes(routes!(team::revoke_invitation))
        .routes(routes!(audit::list))
        .routes(routes!(audit::export))
        .routes(routes!(live::members))
        .merge(public)
        .split_for_parts();
    complete(&mut document, config);
    // Written once: it is large, and asked for by anybody.
    let json = Bytes::from(serde_json::to_vec(&document).expect("the document is made of text"));
    let router = router
        .route("/api/openapi.json", get(async move || ([(header::CONTENT_TYPE, "application/json")], json.clone())))
        .layer(DefaultBodyLimit::max(BODY_MAX))
        .layer(from_fn_with_state(state.clone(), limit_requests))
        .method_not_allowed_fallback(async || {
            Error::new(Code::MethodNotAllowed, "This path does not know that method. See /api for what it knows.")
        });
    (router, document)
}

/// Pages elsewhere may read what is public, never with anybody's cookies.
fn cors(config: &Config) -> CorsLayer {
    let origins = if config.cors_origins.is_empty() {
        AllowOrigin::any()
    } else {
        AllowOrigin::list(config.cors_origins.iter().cloned())
    };
    CorsLayer::new().allow_origin(origins).allow_methods([Method::GET, Method::HEAD])
}

/// Adds what every operation shares: the server, the ways to authenticate, the examples of answers, and the refusals.
fn complete(document: &mut Document, config: &Config) {
    let bearer = HttpBuilder::new()
        .scheme(HttpAuthScheme::Bearer)
        .bearer_format("JWT")
        .description(Some("The `access_token` of a registration or a login, or the secret of an API token."))
        .build();
    document.components.get_or_insert_default().add_security_scheme("bearer", SecurityScheme::Http(bearer));
    examples::add(document);
    document.servers = Some(vec![utoipa::openapi::Server::new(config.public_url.origin())]);
    for item in document.paths.paths.values_mut() {
        let operations =
            [(&mut item.get, false), (&mut item.post, true), (&mut item.put, true), (&mut item.delete, true)];
        for (operation, changes) in operations {
            if let Some(operation) = operation {
                add_refusals(operation, changes);
            }
        }
    }
}

fn add_refusals(operation: &mut Operation, changes: bool) {
    let secured = operation.security.is_some();
    let parameters = operation.parameters.iter().flatten();
    let (mut by_path, mut by_query) = (false, false);
    for parameter in parameters {
        let RefOr::T(parameter) = parameter else { continue };
        match parameter.parameter_in {
            ParameterIn::Path => by_path = true,
            ParameterIn::Query => by_query = true,
            _ => {}
        }
    }
    let body = operation.request_body.is_some();
    let refusals = [
        (body || by_query, "400", "The request is malformed or breaks a rule; `fields` says where."),
        (secured, "401", "No valid token came with the request."),
        (secured && changes, "403", "The role does not allow this, or the request came from a foreign page."),
        (by_path, "404", "Absent, or another organization's."),
        (body, "413", "The body is larger than 256 KiB."),
        (body, "415", "The body is not `application/json`."),
        (true, "429", "Too many requests; `Retry-After` says when to try again."),
        (true, "503", "The server cannot answer right now; `Retry-After` says when to try again."),
    ];
    for (applies, status, description) in refusals {
        if applies && !operation.responses.responses.contains_key(status) {
            operation.responses.responses.insert(status.into(), RefOr::T(refusal(description)));
        }
    }
}

fn refusal(description: &str) -> Response {
    let content = Content::new(Some(Ref::from_schema_name("Error")));
    ResponseBuilder::new().description(description).content("application/json", content).build()
}
