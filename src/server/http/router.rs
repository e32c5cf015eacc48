//! Every address on one page: the API, the server functions, the pages, the files, and the layers around them.

use std::time::Duration;

use axum::{
    Router,
    body::Body,
    extract::{DefaultBodyLimit, Request, State},
    http::{HeaderName, HeaderValue, StatusCode, header},
    middleware::{Next, from_fn_with_state, map_request},
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

use super::csp_report::{REPORT_MAX, REPORTS, take_report};
use crate::{
    model::{Code, Error},
    server::{
        AppState, api,
        auth::refuse_foreign_origins,
        error::internal,
        pages::{
            CONTENT_SECURITY_POLICY, Documentation, TeamPages, public_history, public_incident, public_not_found,
            public_page, team_context, team_pages,
        },
        rate_limit::requests::limit_requests,
        server_fn::plain_forms::{FORM_MAX, Pages, answer_plain_forms},
    },
};

/// No answer takes longer.
const TIMEOUT: Duration = Duration::from_secs(10);
/// No address is longer.
const URI_MAX: usize = 4096;

/// The whole server as one service.
pub fn router(state: AppState) -> Router {
    let (api, document) = api::router(&state);
    let documentation = Documentation::of(&document, &state.assets);
    let team = team_pages(&state, TeamPages::find());
    let context = team_context(state.clone());
    let functions = Router::new()
        .route("/fn/{*name}", post(move |request: Request| handle_server_fns_with_context(context.clone(), request)))
        .layer(from_fn_with_state(state.clone(), limit_requests))
        .layer(from_fn_with_state((state.clone(), Pages(team.clone())), answer_plain_forms))
        .layer(DefaultBodyLimit::max(FORM_MAX));

    Router::new()
        .merge(api)
        .route("/api", get(async move || documentation.page()))
        .merge(functions)
        .merge(team)
        .route("/public/{slug}", get(public_page))
        .route("/public/{slug}/history", get(public_history))
        .route("/public/{slug}/incidents/{id}", get(public_incident))
        .route("/boot.js", get(async |State(state): State<AppState>| state.site.boot()))
        .route("/healthz", get(async || "ok\n"))
        .route("/readyz", get(ready))
        .fallback(file_or_nothing)
        .layer(from_fn_with_state(state.clone(), refuse_foreign_origins))
        // After the layer above: a report changes nothing, and browsers do not say from which page it comes.
        .route(REPORTS, post(take_report).layer(DefaultBodyLimit::max(REPORT_MAX)))
        .layer(CatchPanicLayer::custom(|_: Box<dyn std::any::Any + Send>| Error::internal().into_response()))
        .layer(
            CompressionLayer::new().compress_when(
                DefaultPredicate::new()
                    .and(NotForContentType::const_new("font/"))
                    .and(NotForContentType::const_new("application/wasm")),
            ),
        )
        .layer(from_fn_with_state(state.clone(), guard))
        .layer(PropagateRequestIdLayer::x_request_id())
        .layer(TraceLayer::new_for_http().make_span_with(|request: &Request<Body>| {
            // The path may hold a token (a reset link), so only its first part is written down.
            let area = request.uri().path().split('/').nth(1).unwrap_or("").to_owned();
            let id = request.headers().get("x-request-id").and_then(|id| id.to_str().ok()).unwrap_or("").to_owned();
            tracing::debug_span!("request", method = %request.method(), area, id)
        }))
        .layer(SetRequestIdLayer::x_request_id(MakeRequestUuid))
        .layer(map_request(without_request_id))
        .with_state(state)
}

/// Takes away what the caller says the number of the request is: it is ours to give, as the audit log goes by it
///
async fn without_request_id(mut request: Request) -> Request {
    request.headers_mut().remove("x-request-id");
    request
}

/// Limits and headers that hold for every answer.
async fn guard(State(state): State<AppState>, request: Request, next: Next) -> Response {
    let path = request.uri().path().to_owned();
    let mut response = if request.uri().path_and_query().is_some_and(|uri| uri.as_str().len() > URI_MAX) {
        Error::invalid("The address is longer than 4096 bytes.").into_response()
    } else {
        match tokio::time::timeout(TIMEOUT, next.run(request)).await {
            Ok(response) => response,
            Err(elapsed) => {
                let _ = internal(elapsed);
                Error::unavailable("This took too long. Try again in a moment.").into_response()
            }
        }
    };
    let status = response.status();
    let headers = response.headers_mut();
    headers.entry(header::CONTENT_SECURITY_POLICY).or_insert(HeaderValue::from_static(CONTENT_SECURITY_POLICY));
    let is_word = !status.is_success() && status != StatusCode::NOT_MODIFIED;
    // What an address leads to, or why to nothing, may be otherwise the next moment.
    if is_word || path.starts_with("/api") || path.starts_with("/fn") {
        headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    }
    for (name, value) in FIXED {
        headers.insert(name, value);
    }
    if state.config.public_url.is_https() {
        headers.insert(header::STRICT_TRANSPORT_SECURITY, TWO_YEARS);
    }
    // The address holds a secret.
    if path.starts_with("/reset-password/") || path.starts_with("/invite/") {
        headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    }
    response
}

/// Once people reach us over TLS, they shall not be led to do without. Other hosts of the domain are not ours.
const TWO_YEARS: HeaderValue = HeaderValue::from_static("max-age=63072000");
///
const FIXED: [(HeaderName, HeaderValue); 5] = [
    (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    (header::REFERRER_POLICY, HeaderValue::from_static("strict-origin-when-cross-origin")),
    (HeaderName::from_static("cross-origin-opener-policy"), HeaderValue::from_static("same-origin")),
    (HeaderName::from_static("cross-origin-resource-policy"), HeaderValue::from_static("same-origin")),
    (
        HeaderName::from_static("permissions-policy"),
        HeaderValue::from_static("camera=(), microphone=(), geolocation=(), payment=(), usb=()"),
    ),
];

/// Whether requests can be answered: the database and, where there is one, Redis answer.
async fn ready(State(state): State<AppState>) -> Response {
    match tokio::time::timeout(Duration::from_secs(3), state.domain.ready()).await {
        Ok(Ok(())) => (StatusCode::OK, "ready\n").into_response(),
        Ok(Err(error)) => error.into_response(),
        Err(_) => Error::unavailable("The database does not answer.").into_response(),
    }
}

/// A file of the site, or word that there is nothing: to programs as an error, to people as a page.
async fn file_or_nothing(State(state): State<AppState>, request: Request) -> Response {
    let path = request.uri().path();
    if path.starts_with("/api/") || path.starts_with("/fn/") {
        return Error::new(Code::NotFound, "There is nothing under this address. See /api for what there is.")
            .into_response();
    }
    match state.site.file(request.uri(), request.headers()) {
        Some(response) => response,
        None => public_not_found(&state, None),
    }
}
