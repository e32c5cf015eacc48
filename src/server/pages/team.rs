//! The team's application: Leptos renders it for who is signed in, and sends everybody else to the door.

use std::sync::OnceLock;

use axum::{
    Router,
    extract::{Request, State},
    http::{Method, Uri, header, request::Parts},
    middleware::{Next, from_fn_with_state},
    response::{IntoResponse, Redirect, Response},
};
use leptos::{
    nonce::use_nonce,
    prelude::{expect_context, provide_context, use_context},
};
use leptos_axum::{AxumRouteListing, LeptosRoutes, ResponseOptions, generate_route_list, render_route_with_context};

use super::{
    policy_with_nonce,
    single_thread_render::{keep_tasks_together, on_one_thread},
};
use crate::{
    app::{
        App,
        session::{Registration, Session},
        shell,
    },
    model::{Error, FormAnswer, FormFailure},
    server::{
        AppState,
        auth::page_session,
        config::Registrations,
        domain::Viewer,
        http::redirect::{own_or_dashboard, with_next},
    },
};

/// Pages that need nobody to be signed in.
const OPEN: [&str; 6] = ["/", "/login", "/login/code", "/register", "/logout", "/forgot-password"];
/// How pages begin that a link with a secret leads to.
const LINKED: [&str; 2] = ["/invite/", "/reset-password/"];
/// Pages that have nothing to say to somebody who is signed in.
const DOORS: [&str; 4] = ["/", "/login", "/login/code", "/register"];

/// The application's routes, found by rendering it once.
#[derive(Clone)]
pub struct TeamPages(Vec<AxumRouteListing>);

impl TeamPages {
    /// Finds the routes. Done once for the whole process: while Leptos looks, every resource that begins to load, in
    /// whichever request, waits for ever.
    #[must_use]
    pub fn find() -> Self {
        static ROUTES: OnceLock<Vec<AxumRouteListing>> = OnceLock::new();
        keep_tasks_together();
        Self(ROUTES.get_or_init(|| generate_route_list(App)).clone())
    }

    /// The paths of the pages, for tests that go to every one.
    #[cfg(test)]
    pub(crate) fn paths(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(AxumRouteListing::path)
    }
}

/// The application's pages behind their gate.
pub fn team_pages(state: &AppState, TeamPages(routes): TeamPages) -> Router<AppState> {
    let assets = state.assets.clone();
    // Only the pages: server functions have a route and layers of their own.
    let render = render_route_with_context(routes.clone(), context(state.clone()), move || shell(assets.clone()));
    let handler = move |state: State<AppState>, request: Request| {
        let render = render.clone();
        on_one_thread(move || render(state, request))
    };
    Router::new().leptos_routes_with_handler(routes, handler).layer(from_fn_with_state(state.clone(), gate))
}

/// What rendering and server functions find in their context.
pub fn context(state: AppState) -> impl Fn() + Clone + Send + Sync + 'static {
    move || {
        provide_context(state.clone());
        provide_context(Registration { is_open: state.config.registration == Registrations::Open });
        let Some(parts) = use_context::<Parts>() else { return };
        provide_context(Session(parts.extensions.get::<Viewer>().map(Viewer::account)));
        if let Some(failure) = parts.extensions.get::<FormFailure>() {
            provide_context(failure.clone());
        }
        if let Some(answer) = parts.extensions.get::<FormAnswer>() {
            provide_context(answer.clone());
        }
        if let Some(policy) = use_nonce().and_then(|nonce| policy_with_nonce(&nonce)) {
            expect_context::<ResponseOptions>().insert_header(header::CONTENT_SECURITY_POLICY, policy);
        }
    }
}

/// Looks who is there. Strangers go to the door and come back afterwards; members need not stand at it.
async fn gate(State(state): State<AppState>, request: Request, next: Next) -> Response {
    let path = request.uri().path().to_owned();
    let (parts, body) = request.into_parts();
    let session = page_session(&state, &parts).await;
    let mut request = Request::from_parts(parts, body);
    match session {
        Ok(Some((viewer, cookie))) => {
            let refused = request.extensions().get::<FormFailure>().is_some();
            let mut response = if DOORS.contains(&path.as_str()) && request.method() == Method::GET && !refused {
                Redirect::to(&wanted(request.uri())).into_response()
            } else {
                request.extensions_mut().insert(viewer);
                kept_by_nobody(next.run(request).await)
            };
            if let Some(cookie) = cookie {
                response.headers_mut().append(header::SET_COOKIE, cookie);
            }
            return response;
        }
        Ok(None) if is_open(&path) => {}
        Ok(None) => {
            let wanted = request.uri().path_and_query().map_or(path.as_str(), |wanted| wanted.as_str());
            return Redirect::to(&with_next("/login", wanted)).into_response();
        }
        Err(error) => return failed(error),
    }
    kept_by_nobody(next.run(request).await)
}

fn kept_by_nobody(mut response: Response) -> Response {
    response.headers_mut().insert(header::CACHE_CONTROL, header::HeaderValue::from_static("no-store"));
    response
}

/// Whether a page needs nobody to be signed in: a link with a secret is all there is to know for it.
fn is_open(path: &str) -> bool {
    OPEN.contains(&path) || LINKED.iter().any(|link| path.starts_with(link))
}

/// Where somebody who is signed in and stands at the door wants to go: whoever is sent there by a session that has been
/// replaced in this browser comes back.
fn wanted(uri: &Uri) -> String {
    let query = form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes());
    let mut next = query.filter(|(name, _)| name == "next").map(|(_, next)| next.into_owned());
    own_or_dashboard(next.next().unwrap_or_default())
}

fn failed(error: Error) -> Response {
    error.into_response()
}
