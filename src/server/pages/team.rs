//! The team's application: rendered for members who are logged in; everybody else is redirected to the login page.

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
    single_thread_render::{install_executor, render_on_one_thread},
};
use crate::{
    app::{
        App,
        session::{Registration, Session},
        shell,
    },
    model::{FormAnswer, FormFailure},
    server::{
        auth::page_session,
        config::Registrations,
        domain::Viewer,
        http::redirect::{own_or_dashboard, with_next},
        state::AppState,
    },
};

/// Pages that need no session.
const OPEN: [&str; 6] = ["/", "/login", "/login/code", "/register", "/logout", "/forgot-password"];
/// Prefixes of pages whose address contains a secret, which need no session.
const SECRET_LINKS: [&str; 2] = ["/invite/", "/reset-password/"];
/// Pages that redirect members who are logged in.
const ENTRY_PAGES: [&str; 4] = ["/", "/login", "/login/code", "/register"];

/// The application's routes, found by rendering it once.
#[derive(Clone)]
pub struct TeamPages(Vec<AxumRouteListing>);

impl TeamPages {
    /// Finds the routes, once per process: while Leptos does so, any resource that begins to load, in whichever
    /// request, waits for ever.
    #[must_use]
    pub fn find() -> Self {
        static ROUTES: OnceLock<Vec<AxumRouteListing>> = OnceLock::new();
        install_executor();
        Self(ROUTES.get_or_init(|| generate_route_list(App)).clone())
    }

    /// The paths of all pages.
    #[cfg(test)]
    pub(crate) fn paths(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(AxumRouteListing::path)
    }
}

/// The application's pages behind the session check.
pub fn team_pages(state: &AppState, TeamPages(routes): TeamPages) -> Router<AppState> {
    let (assets, limit) = (state.assets.clone(), state.renders.team.clone());
    // Only pages: server functions have a route and layers of their own.
    let render = render_route_with_context(routes.clone(), context(state.clone()), move || shell(assets.clone()));
    let handler = move |state: State<AppState>, request: Request| {
        let render = render.clone();
        render_on_one_thread(limit.clone(), move || render(state, request))
    };
    Router::new().leptos_routes_with_handler(routes, handler).layer(from_fn_with_state(state.clone(), check_session))
}

/// The context of rendering and of server functions.
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

/// Redirects visitors without a session to the login page, with the way back, and members from the login page to where
/// they wanted to go.
async fn check_session(State(state): State<AppState>, request: Request, next: Next) -> Response {
    let path = request.uri().path().to_owned();
    let (parts, body) = request.into_parts();
    let session = page_session(&state, &parts).await;
    let mut request = Request::from_parts(parts, body);
    match session {
        Ok(Some((viewer, cookie))) => {
            let refused = request.extensions().get::<FormFailure>().is_some();
            let mut response = if ENTRY_PAGES.contains(&path.as_str()) && request.method() == Method::GET && !refused {
                Redirect::to(&next_page(request.uri())).into_response()
            } else {
                request.extensions_mut().insert(viewer);
                no_store(next.run(request).await)
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
        Err(error) => return error.into_response(),
    }
    no_store(next.run(request).await)
}

fn no_store(mut response: Response) -> Response {
    response.headers_mut().insert(header::CACHE_CONTROL, header::HeaderValue::from_static("no-store"));
    response
}

/// Whether a page needs no session.
fn is_open(path: &str) -> bool {
    OPEN.contains(&path) || SECRET_LINKS.iter().any(|link| path.starts_with(link))
}

/// Where a member on the login page wants to go: back to the page that redirected them when their session was replaced
/// in this browser, or else to the dashboard.
fn next_page(uri: &Uri) -> String {
    let query = form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes());
    let mut next = query.filter(|(name, _)| name == "next").map(|(_, next)| next.into_owned());
    own_or_dashboard(next.next().unwrap_or_default())
}
