//! The router: API, server functions, pages and files, with the middleware around them.

use std::time::Duration;

use axum::{
    Router,
    body::Body,
    extract::{DefaultBodyLimit, Request, State},
    http::Uri,
    middleware::{Next, from_fn, from_fn_with_state, map_request},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use leptos_axum::handle_server_fns_with_context;
use tower_http::{
    catch_panic::CatchPanicLayer,
    compression::{
        CompressionLayer, Predicate,
        predicate::{DefaultPredicate, NotForContentType},
    },
    request_id::{MakeRequestUuid, PropagateRequestIdLayer, SetRequestIdLayer},
    trace::TraceLayer,
};

use super::{
    availability::refuse_until_open,
    csp_report::{MAX_REPORT_BYTES, REPORTS, log_report},
    default_headers::set_headers,
};
use crate::{
    model::{Code, Error},
    server::{
        api,
        auth::{limit_requests, refuse_foreign_origins},
        error::internal,
        pages::{
            Documentation, TeamPages, public_history, public_incident, public_not_found, public_page, team_context,
            team_pages,
        },
        server_fn::plain_forms::{FORM_MAX, Pages, answer_plain_forms},
        state::AppState,
    },
};

/// Time limit of a request, until the response begins.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);
/// Length limit of path and query.
const MAX_URL_BYTES: usize = 4096;

/// The routes, innermost middleware first.
pub fn router(state: AppState) -> Router {
    let until_open = from_fn_with_state(state.clone(), refuse_until_open);
    let (api, document) = api::router(&state);
    let documentation = Documentation::of(&document, &state.assets);
    let team = team_pages(&state, TeamPages::find());
    let context = team_context(state.clone());
    let functions = Router::new()
        .route("/fn/{*name}", post(move |request: Request| handle_server_fns_with_context(context.clone(), request)))
        .layer(from_fn_with_state(state.clone(), limit_requests))
        .layer(from_fn_with_state((state.clone(), Pages(team.clone())), answer_plain_forms))
        .layer(DefaultBodyLimit::max(FORM_MAX));
    let [api, functions, team] = [api, functions, team].map(|router| router.layer(until_open.clone()));

    Router::new()
        .merge(api)
        .route("/api", get(async move || documentation.page()))
        .merge(functions)
        .merge(team)
        .route("/public/{slug}", get(public_page))
        .route("/public/{slug}/history", get(public_history))
        .route("/public/{slug}/incidents/{id}", get(public_incident))
        .route("/boot.js", get(async |State(state): State<AppState>, uri: Uri| state.site.boot(&uri)))
        .route("/healthz", get(async || "ok\n"))
        .route("/readyz", get(async |State(state): State<AppState>, uri: Uri| state.readiness.answer(&uri).await))
        .fallback(file_or_nothing)
        .layer(from_fn_with_state(state.clone(), refuse_foreign_origins))
        // Outside the CSRF check: reports change nothing, and browsers send them without a usable `Origin`.
        .route(REPORTS, post(log_report).layer(DefaultBodyLimit::max(MAX_REPORT_BYTES)))
        .layer(CatchPanicLayer::custom(|_: Box<dyn std::any::Any + Send>| Error::internal().into_response()))
        .layer(
            CompressionLayer::new().compress_when(
                DefaultPredicate::new()
                    .and(NotForContentType::const_new("font/"))
                    .and(NotForContentType::const_new("application/wasm")),
            ),
        )
        .layer(from_fn(limit_url_and_time))
        .layer(from_fn_with_state(state.clone(), set_headers))
        .layer(PropagateRequestIdLayer::x_request_id())
        .layer(TraceLayer::new_for_http().make_span_with(|request: &Request<Body>| {
            // Only the first path segment: the rest may be a token, as in a password reset link.
            let area = request.uri().path().split('/').nth(1).unwrap_or("").to_owned();
            let id = request.headers().get("x-request-id").and_then(|id| id.to_str().ok()).unwrap_or("").to_owned();
            tracing::debug_span!("request", method = %request.method(), area, id)
        }))
        .layer(SetRequestIdLayer::x_request_id(MakeRequestUuid))
        .layer(map_request(remove_request_id))
        .with_state(state)
}

/// Discards the client's request id: the audit log stores request ids, so only ours count.
async fn remove_request_id(mut request: Request) -> Request {
    request.headers_mut().remove("x-request-id");
    request
}

/// Refuses overlong URLs, and answers 503 after [`REQUEST_TIMEOUT`].
async fn limit_url_and_time(request: Request, next: Next) -> Response {
    if request.uri().path_and_query().is_some_and(|uri| uri.as_str().len() > MAX_URL_BYTES) {
        return Error::invalid("The URL is longer than 4,096 bytes.").into_response();
    }
    match tokio::time::timeout(REQUEST_TIMEOUT, next.run(request)).await {
        Ok(response) => response,
        Err(elapsed) => {
            let _ = internal(elapsed);
            Error::unavailable("This took too long. Try again in a moment.").into_response()
        }
    }
}

/// Serves a static file, or "not found": JSON for API clients, a page for people.
async fn file_or_nothing(State(state): State<AppState>, request: Request) -> Response {
    let path = request.uri().path();
    if path.starts_with("/api/") || path.starts_with("/fn/") {
        return Error::new(Code::NotFound, "There is no such endpoint. See /api for the documentation.")
            .into_response();
    }
    match state.site.file(request.uri(), request.headers()) {
        Some(response) => response,
        None => public_not_found(&state.assets, None),
    }
}
