//! The REST API under `/api`. Routes and the OpenAPI document are generated from the same list.

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

use super::{auth::limit_requests, config::Config, state::AppState};
use crate::model::{Code, Control, Error, Event, Frame, NumberedEvent};

/// Maximum size of a JSON body.
pub const BODY_MAX: usize = 256 * 1024;

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Aldis",
        description = "Live status pages. Ids are opaque strings; times are RFC 3339 in UTC. A resource that does not \
                       exist and one of another organization both return 404. Lists take `limit` (at most 100) and \
                       `cursor`; a `Link` header with `rel=\"next\"` has the URL of the next page.",
        license(name = "MIT OR Apache-2.0", identifier = "MIT OR Apache-2.0"),
    ),
    tags(
        (name = "Accounts", description = "Registration, login, and the current user."),
        (name = "Access", description = "API tokens and the audit log."),
        (name = "Team", description = "Members, their roles, and invitations."),
        (name = "Services", description = "Services, their status, history and uptime."),
        (name = "Groups", description = "Groups of services on the page."),
        (name = "Incidents", description = "Incidents, scheduled maintenance, updates and templates."),
        (name = "Public page", description = "The published status, without authentication."),
        (name = "Live", description = "Live events over a WebSocket."),
    ),
    components(schemas(Error, Code, Frame, NumberedEvent, Event, Control)),
)]
struct Api;

/// The routes under `/api` and their OpenAPI document.
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
    // Serialized once: it is large and public.
    let json = Bytes::from(serde_json::to_vec(&document).expect("the document can be serialized"));
    let router = router
        .route("/api/openapi.json", get(async move || ([(header::CONTENT_TYPE, "application/json")], json.clone())))
        .layer(DefaultBodyLimit::max(BODY_MAX))
        .layer(from_fn_with_state(state.clone(), limit_requests))
        .method_not_allowed_fallback(async || {
            Error::new(
                Code::MethodNotAllowed,
                "This path does not support that method. See /api for the documentation.",
            )
        });
    (router, document)
}

/// CORS for the public endpoints: other sites may read them, but never with cookies.
fn cors(config: &Config) -> CorsLayer {
    let origins = if config.cors_origins.is_empty() {
        AllowOrigin::any()
    } else {
        AllowOrigin::list(config.cors_origins.iter().cloned())
    };
    CorsLayer::new().allow_origin(origins).allow_methods([Method::GET, Method::HEAD])
}

/// Adds the shared parts: the server, authentication, examples of responses, and error responses.
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
                add_errors(operation, changes);
            }
        }
    }
}

fn add_errors(operation: &mut Operation, changes: bool) {
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
    let errors = [
        (body || by_query, "400", "The request is invalid; `fields` has an entry for each invalid field."),
        (secured, "401", "The request has no valid token."),
        (secured && changes, "403", "The role or token does not permit this, or the request comes from another site."),
        (by_path, "404", "It does not exist, or belongs to another organization."),
        (body, "413", "The body is larger than 256 KiB."),
        (body, "415", "The body is not `application/json`."),
        (true, "429", "Too many requests; see `Retry-After`."),
        (true, "503", "The server is temporarily unavailable; see `Retry-After`."),
    ];
    for (applies, status, description) in errors {
        if applies && !operation.responses.responses.contains_key(status) {
            operation.responses.responses.insert(status.into(), RefOr::T(error(description)));
        }
    }
}

fn error(description: &str) -> Response {
    let content = Content::new(Some(Ref::from_schema_name("Error")));
    ResponseBuilder::new().description(description).content("application/json", content).build()
}
