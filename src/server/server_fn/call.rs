//! The adapter from server functions to the domain: gets a handle, runs the call, sets the response's status.

use axum::{
    extract::FromRequestParts,
    http::{HeaderName, HeaderValue, header::RETRY_AFTER, request::Parts},
};
use leptos::prelude::{expect_context, use_context};
use leptos_axum::ResponseOptions;

use crate::{
    model::{Error, Result},
    server::{
        error::{retry_after, status_of},
        state::AppState,
    },
};

/// Marks a response that is shown only once; a plain form gets a page that shows it.
pub const ONE_TIME: HeaderName = HeaderName::from_static("x-told-once");

/// Extracts a handle from the current request and runs `job` with it. An error sets the response's status.
pub async fn call<H, T, J>(job: J) -> Result<T>
where
    H: FromRequestParts<AppState, Rejection = Error>,
    J: AsyncFnOnce(H) -> Result<T>,
{
    let result = match handle::<H>().await {
        Ok(handle) => job(handle).await,
        Err(error) => Err(error),
    };
    with_status(result)
}

/// As [`call`], for an answer that is shown only once. Without JavaScript, the form's page shows it.
pub async fn call_one_time<H, T, J>(job: J) -> Result<T>
where
    H: FromRequestParts<AppState, Rejection = Error>,
    J: AsyncFnOnce(H) -> Result<T>,
{
    let answer = call(job).await?;
    if let Some(response) = use_context::<ResponseOptions>() {
        response.insert_header(ONE_TIME, HeaderValue::from_static("yes"));
    }
    Ok(answer)
}

/// As [`call`], and redirects to `path`.
pub async fn call_and_redirect<H, J>(path: &str, job: J) -> Result<()>
where
    H: FromRequestParts<AppState, Rejection = Error>,
    J: AsyncFnOnce(H) -> Result<()>,
{
    call(job).await?;
    leptos_axum::redirect(path);
    Ok(())
}

/// As [`call`], and redirects to the path that `job` returns.
pub async fn call_for_redirect<H, J>(job: J) -> Result<()>
where
    H: FromRequestParts<AppState, Rejection = Error>,
    J: AsyncFnOnce(H) -> Result<String>,
{
    leptos_axum::redirect(&call(job).await?);
    Ok(())
}

/// Extracts a handle from the current request.
pub(super) async fn handle<H>() -> Result<H>
where
    H: FromRequestParts<AppState, Rejection = Error>,
{
    let state = expect_context::<AppState>();
    let mut parts = use_context::<Parts>().ok_or_else(Error::internal)?;
    H::from_request_parts(&mut parts, &state).await
}

/// Sets the response's status, and when to try again, to those of an error.
pub(super) fn with_status<T>(result: Result<T>) -> Result<T> {
    if let (Err(error), Some(response)) = (&result, use_context::<ResponseOptions>()) {
        response.set_status(status_of(error));
        if let Some(seconds) = retry_after(error) {
            response.insert_header(RETRY_AFTER, seconds);
        }
    }
    result
}
