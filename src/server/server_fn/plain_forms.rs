//! Forms posted without JavaScript: a success redirects, an error renders the page again with the submitted values.
//!
//! The client calls the same server functions; this middleware turns a plain form post to one of them into a page.

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

use super::call::ONE_TIME;
use crate::{
    model::{Code, Error, FormAnswer, FormFailure, Result},
    server::{
        error::{retry_after, status_of},
        http::redirect::{is_own_path, with_next},
        state::AppState,
    },
};

/// The largest form: a message has up to 25 000 characters, each of up to nine bytes.
pub const FORM_MAX: usize = 256 * 1024;
/// Forms that ask for credentials themselves: a 401 from them does not redirect to the login.
const CREDENTIAL_FORMS: [&str; 3] = ["/login", "/login_code", "/join_with_password"];
/// Parts of the names of fields whose values are never rendered again.
const SECRET_FIELDS: [&str; 2] = ["password", "code"];

/// The pages, to render one again.
#[derive(Clone)]
pub struct Pages(pub Router<AppState>);

/// Middleware that answers a plain form post with a page or a redirect. Other requests pass through.
pub async fn answer_plain_forms(
    State((state, pages)): State<(AppState, Pages)>,
    request: Request,
    next: Next,
) -> Response {
    if !is_plain_form(request.headers()) {
        return with_error_status(next.run(request).await).await;
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
    // The form names its page: after an error, the browser's address is the form's action.
    let back = submitted(&body)
        .remove("page")
        .filter(|page| is_own_path(page) && !page.starts_with("/fn/"))
        .unwrap_or_else(|| own_referer(&parts.headers, state));
    let headers = parts.headers.clone();
    let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>().copied();

    // Makes the server function answer with data, which is turned into a page below.
    parts.headers.insert(header::ACCEPT, HeaderValue::from_static("application/json"));
    let outcome = next.run(Request::from_parts(parts, Body::from(body.clone()))).await;
    let (outcome, answer) = outcome.into_parts();
    let page = FormPage { state, pages, path: &back, headers: &headers, peer };
    if outcome.headers.contains_key(ONE_TIME) && outcome.status.is_success() {
        let answer = to_bytes(Body::new(answer), FORM_MAX).await.unwrap_or_default();
        return page.render(FormAnswer { action, answer: String::from_utf8_lossy(&answer).into_owned() }).await;
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
        Error::invalid("The form was incomplete or could not be read. Reload the page and try again.")
    });
    if outcome.status == StatusCode::UNAUTHORIZED && !CREDENTIAL_FORMS.iter().any(|form| action.ends_with(form)) {
        return Ok(Redirect::to(&with_next("/login", &back)).into_response());
    }
    let failure = FormFailure { action, values: submitted(&body), error };
    let (status, retry_after) = (status_of(&failure.error), retry_after(&failure.error));
    let mut response = page.render(failure).await?;
    if response.status().is_success() {
        *response.status_mut() = status;
        if let Some(seconds) = retry_after {
            response.headers_mut().insert(header::RETRY_AFTER, seconds);
        }
    }
    Ok(response)
}

/// The page of the submitted form, to be rendered again for the same caller.
struct FormPage<'a> {
    state: &'a AppState,
    pages: Router<AppState>,
    path: &'a str,
    headers: &'a HeaderMap,
    peer: Option<ConnectInfo<SocketAddr>>,
}

impl FormPage<'_> {
    /// Renders the page with `outcome` among its request's extensions.
    async fn render<T: Clone + Send + Sync + 'static>(self, outcome: T) -> Result<Response> {
        let mut request = Request::builder().method(Method::GET).uri(self.path.parse::<Uri>().unwrap_or_default());
        if let Some(headers) = request.headers_mut() {
            for name in [header::COOKIE, header::ACCEPT_LANGUAGE] {
                if let Some(value) = self.headers.get(&name) {
                    headers.insert(name, value.clone());
                }
            }
        }
        let mut request = request.body(Body::empty()).map_err(|_| Error::internal())?;
        request.extensions_mut().insert(outcome);
        if let Some(peer) = self.peer {
            request.extensions_mut().insert(peer);
        }
        let mut response = self.pages.with_state(self.state.clone()).oneshot(request).await.into_response();
        response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        Ok(response)
    }
}

/// Sets the status of an error that a server function returned before any code could set it: when its arguments cannot
/// be parsed.
async fn with_error_status(response: Response) -> Response {
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

/// Whether a browser submitted this without JavaScript: it accepts HTML and sends form fields.
pub fn is_plain_form(headers: &HeaderMap) -> bool {
    let text = |name| headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok()).unwrap_or("");
    text(header::ACCEPT).contains("text/html")
        && text(header::CONTENT_TYPE).starts_with("application/x-www-form-urlencoded")
}

/// The path of the referring page if it is one of our own, otherwise `/`.
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

/// The submitted values, except passwords and codes.
fn submitted(body: &[u8]) -> BTreeMap<String, String> {
    form_urlencoded::parse(body)
        .into_owned()
        .filter(|(name, _)| !SECRET_FIELDS.iter().any(|part| name.contains(part)))
        .collect()
}
