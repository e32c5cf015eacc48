//! Browser sessions: server functions that start, continue or end one, and set its cookie.

use axum::{
    extract::FromRequestParts,
    http::{HeaderValue, header, request::Parts},
};
use leptos::prelude::{expect_context, use_context};
use leptos_axum::ResponseOptions;

use super::call::{call, handle, with_status};
use crate::{
    model::{Error, Result},
    server::{
        auth::{SignIn, SignInOutcome, page_session},
        domain::{Caller, NewSession, Person},
        http::redirect::{own_or_dashboard, with_next},
        state::AppState,
    },
};

/// Starts the session that `job` returns, sets its cookie, and redirects to `next` if that is one of our own paths, or
/// to the dashboard.
pub async fn sign_in<J>(job: J, next: Option<String>) -> Result<()>
where
    J: AsyncFnOnce(SignIn) -> Result<NewSession>,
{
    with_status(start_session(job, next).await)
}

async fn start_session<J>(job: J, next: Option<String>) -> Result<()>
where
    J: AsyncFnOnce(SignIn) -> Result<NewSession>,
{
    let state = expect_context::<AppState>();
    let caller: Caller = handle().await?;
    let session = job(SignIn::new(state.clone(), caller)).await?;
    set_cookie(state.cookie.write(&state.tokens.write(&session)?, session.is_lasting)?);
    leptos_axum::redirect(&own_or_dashboard(next.unwrap_or_default()));
    Ok(())
}

/// As [`sign_in`]; if a second factor is on, redirects to the page that asks for its code instead.
pub async fn sign_in_or_challenge<J>(job: J, next: String) -> Result<()>
where
    J: AsyncFnOnce(SignIn) -> Result<SignInOutcome>,
{
    let state = expect_context::<AppState>();
    let caller: Caller = handle().await?;
    match with_status(job(SignIn::new(state.clone(), caller)).await)? {
        SignInOutcome::Session(session) => start_session(async |_| Ok(session), Some(next)).await,
        SignInOutcome::CodeRequired(challenge) => {
            set_cookie(state.challenges.write(&challenge)?);
            leptos_axum::redirect(&with_next("/login/code", &next));
            Ok(())
        }
    }
}

/// As [`sign_in`], with the second factor's code for the challenge in the caller's cookie.
pub async fn answer_challenge(code: &str, next: String) -> Result<()> {
    let state = expect_context::<AppState>();
    let parts = use_context::<Parts>().ok_or_else(Error::internal)?;
    let challenge = with_status(state.challenges.read(&parts.headers))?;
    let clear = state.challenges.clear()?;
    let job = async move |sign_in: SignIn| {
        let session = sign_in.answer(challenge, code).await?;
        set_cookie(clear);
        Ok(session)
    };
    with_status(start_session(job, Some(next)).await)
}

/// As [`call`], and continues in the session that `job` returns: sets its cookie and redirects to `path`.
pub async fn continue_session<H, J>(path: &str, job: J) -> Result<()>
where
    H: FromRequestParts<AppState, Rejection = Error>,
    J: AsyncFnOnce(H) -> Result<NewSession>,
{
    let session = call(job).await?;
    start_session(async |_| Ok(session), Some(path.to_owned())).await
}

/// As [`call`], for a job that ends the session: clears the cookie and redirects to the login.
pub async fn end_session<J>(job: J) -> Result<()>
where
    J: AsyncFnOnce(Person) -> Result<()>,
{
    call(job).await?;
    set_cookie(expect_context::<AppState>().cookie.clear()?);
    leptos_axum::redirect("/login");
    Ok(())
}

/// Ends the session, if there is one, and redirects to the start page. A session whose id has been rotated away
/// ends too: it would otherwise continue with the next page opened by that id.
pub async fn sign_out() -> Result<()> {
    let state = expect_context::<AppState>();
    let person = match handle::<Person>().await {
        Ok(person) => Some(person),
        Err(_) => match use_context::<Parts>() {
            Some(parts) => with_status(page_session(&state, &parts).await)?.and_then(|(viewer, _)| Person::of(viewer)),
            None => None,
        },
    };
    if let Some(person) = person {
        with_status(person.log_out().await)?;
    }
    set_cookie(state.cookie.clear()?);
    leptos_axum::redirect("/");
    Ok(())
}

fn set_cookie(cookie: HeaderValue) {
    if let Some(response) = use_context::<ResponseOptions>() {
        response.append_header(header::SET_COOKIE, cookie);
    }
}
