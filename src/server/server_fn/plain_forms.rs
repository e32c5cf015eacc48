//! Forms sent without JavaScript: a success leads on, a refusal shows the page again with what was typed.
//!
//! The same server functions answer the browser's client; here a plain form post to one of them becomes a page.

use std::{collections::BTreeMap, net::SocketAddr};

use axum::{
    Router,
    body::{Body, to_bytes},
    extract::{ConnectInfo, Request, State},
    http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header},
    middleware::Next,
    response::{IntoResponse, Redirect, Response},
};
use tower::ServiceExt;

use super::call::{TOLD_ONCE, and_then, is_own_path};
use crate::{
    model::{Code, Error, FormAnswer, FormFailure, Result},
    server::{error::status_of, state::AppState},
};

/// The largest form: a message of 25 000 characters takes up to nine bytes for each.
pub const FORM_MAX: usize = 256 * 1024;
/// Forms that ask for a password themselves: nobody is sent to the login from them.
const ASKING: [&str; 3] = ["/login", "/login_code", "/join_with_password"];
/// Words in the names of fields whose content is never shown again.
const SECRET: [&str; 2] = ["password", "code"];

/// The pages, to show one again.
#[derive(Clone)]
pub struct Pages(pub Router<AppState>);

/// Answers a plain form post with a page; lets every other request through.
pub async fn answer_plain_forms(
    State((state, pages)): State<(AppState, Pages)>,
    request: Request,
    next: Next,
) -> Response {
    if !is_plain_form(request.headers()) {
        return with_honest_status(next.run(request).await).await;
    }
    match answer(&state, pages, request, next).await {
        Ok(response) => response,
        Err(error) => error.into_response(),
    }
}

async fn answer(state: &AppState, Pages(pages): Pages, request: Request, next: Next) -> Result<Response> {
    let (mut parts, body) = request.into_parts();
    let body = to_bytes(body, FORM_MAX)
        .await
        .map_err(|_| Error::new(Code::TooLarge, "The form is larger than 256 KiB. Shorten the text and try again."))?;
    let action = parts.uri.path().to_owned();
    // The form says which page it stands on: after a refusal the browser's address is the form's own.
    let back = typed(&body)
        .remove("page")
        .filter(|page| is_own_path(page) && !page.starts_with("/fn/"))
        .unwrap_or_else(|| own_referer(&parts.headers, state));
    let headers = parts.headers.clone();
    let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>().copied();

    // Asked for data, the server function answers with data, which is turned into a page below.
    parts.headers.insert(header::ACCEPT, HeaderValue::from_static("application/json"));
    let outcome = next.run(Request::from_parts(parts, Body::from(body.clone()))).await;
    let (outcome, answer) = outcome.into_parts();
    let again = Again { state, pages, back: &back, headers: &headers, peer };
    if outcome.headers.contains_key(TOLD_ONCE) && outcome.status.is_success() {
        let answer = to_bytes(Body::new(answer), FORM_MAX).await.unwrap_or_default();
        return again.with(FormAnswer { action, answer: String::from_utf8_lossy(&answer).into_owned() }).await;
    }
    if outcome.status.is_success() || outcome.status.is_redirection() {
        let target = outcome.headers.get(header::LOCATION).and_then(|to| to.to_str().ok());
        let mut response = Redirect::to(target.filter(|path| is_own_path(path)).unwrap_or(&back)).into_response();
        for cookie in outcome.headers.get_all(header::SET_COOKIE) {
            response.headers_mut().append(header::SET_COOKIE, cookie.clone());
        }
        return Ok(response);
    }

    let answer = to_bytes(Body::new(answer), FORM_MAX).await.unwrap_or_default();
    let error = serde_json::from_slice(&answer).unwrap_or_else(|_| {
        Error::invalid("The form was incomplete or not understood. Reload the page and try again.")
    });
    if outcome.status == StatusCode::UNAUTHORIZED && !ASKING.iter().any(|form| action.ends_with(form)) {
        return Ok(Redirect::to(&and_then("/login", &back)).into_response());
    }
    let failure = FormFailure { action, values: typed(&body), error };
    let status = status_of(&failure.error);
    let mut response = again.with(failure).await?;
    if response.status().is_success() {
        *response.status_mut() = status;
    }
    Ok(response)
}

/// The page a form stood on, to be shown to the same person again.
struct Again<'a> {
    state: &'a AppState,
    pages: Router<AppState>,
    back: &'a str,
    headers: &'a HeaderMap,
    peer: Option<ConnectInfo<SocketAddr>>,
}

impl Again<'_> {
    /// The page, which finds this in its request.
    async fn with<T: Clone + Send + Sync + 'static>(self, word: T) -> Result<Response> {
        let mut again = Request::builder().method(Method::GET).uri(self.back.parse::<Uri>().unwrap_or_default());
        if let Some(fresh) = again.headers_mut() {
            for name in [header::COOKIE, header::ACCEPT_LANGUAGE] {
                if let Some(value) = self.headers.get(&name) {
                    fresh.insert(name, value.clone());
                }
            }
        }
        let mut again = again.body(Body::empty()).map_err(|_| Error::internal())?;
        again.extensions_mut().insert(word);
        if let Some(peer) = self.peer {
            again.extensions_mut().insert(peer);
        }
        let mut response = self.pages.with_state(self.state.clone()).oneshot(again).await.into_response();
        response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        Ok(response)
    }
}

/// A server function whose arguments cannot be read fails before anything can set its status: the status is taken from
/// what it answers.
async fn with_honest_status(response: Response) -> Response {
    if response.status() != StatusCode::INTERNAL_SERVER_ERROR {
        return response;
    }
    let (mut parts, body) = response.into_parts();
    let body = to_bytes(body, FORM_MAX).await.unwrap_or_default();
    if let Ok(error) = serde_json::from_slice::<Error>(&body) {
        parts.status = status_of(&error);
    }
    Response::from_parts(parts, Body::from(body))
}

/// Whether a browser sent this by itself: it asks for a page and sends plain fields.
fn is_plain_form(headers: &HeaderMap) -> bool {
    let text = |name| headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok()).unwrap_or("");
    text(header::ACCEPT).contains("text/html")
        && text(header::CONTENT_TYPE).starts_with("application/x-www-form-urlencoded")
}

/// The page of ours the form stood on.
fn own_referer(headers: &HeaderMap, state: &AppState) -> String {
    headers
        .get(header::REFERER)
        .and_then(|value| value.to_str().ok())
        .and_then(|referer| referer.parse::<Uri>().ok())
        .filter(|uri| match (uri.scheme_str(), uri.authority()) {
            (Some(scheme), Some(host)) => state.config.public_url.is_own(&format!("{scheme}://{host}")),
            _ => false,
        })
        .and_then(|uri| uri.path_and_query().map(ToString::to_string))
        .filter(|path| is_own_path(path))
        .unwrap_or_else(|| "/".into())
}

/// What was typed, except passwords.
fn typed(body: &[u8]) -> BTreeMap<String, String> {
    form_urlencoded::parse(body)
        .into_owned()
        .filter(|(name, _)| !SECRET.iter().any(|word| name.contains(word)))
        .collect()
}
