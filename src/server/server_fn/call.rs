//! How a server function gets its handle, and its status code: the only way from a server function into the domain.

use std::{collections::BTreeMap, str::FromStr};

use axum::{
    extract::FromRequestParts,
    http::{HeaderName, HeaderValue, header, request::Parts},
};
use leptos::prelude::{expect_context, use_context};
use leptos_axum::ResponseOptions;

use crate::{
    model::{Error, Result, ServiceImpact},
    server::{
        auth::{SignIn, SignInOutcome, page_session},
        domain::{Caller, IdempotencyKey, NewSession, Person},
        error::status_of,
        state::AppState,
    },
};

/// Marks an answer of which a plain form has to be shown all.
pub const TOLD_ONCE: HeaderName = HeaderName::from_static("x-told-once");

/// Turns the request at hand into a handle and runs `job` with it; a failure sets the response's status.
///
/// # Errors
/// What the extractor or the job says.
pub async fn call<H, T, J>(job: J) -> Result<T>
where
    H: FromRequestParts<AppState, Rejection = Error>,
    J: AsyncFnOnce(H) -> Result<T>,
{
    let result = match handle::<H>().await {
        Ok(handle) => job(handle).await,
        Err(error) => Err(error),
    };
    noted(result)
}

/// As [`call`], for an answer that is told once: without JavaScript, the page that shows the form shows it too.
///
/// # Errors
/// As [`call`].
pub async fn told_once<H, T, J>(job: J) -> Result<T>
where
    H: FromRequestParts<AppState, Rejection = Error>,
    J: AsyncFnOnce(H) -> Result<T>,
{
    let answer = call(job).await?;
    if let Some(response) = use_context::<ResponseOptions>() {
        response.insert_header(TOLD_ONCE, HeaderValue::from_static("yes"));
    }
    Ok(answer)
}

/// As [`call`], and leads to `path` afterwards.
///
/// # Errors
/// As [`call`].
pub async fn then<H, J>(path: &str, job: J) -> Result<()>
where
    H: FromRequestParts<AppState, Rejection = Error>,
    J: AsyncFnOnce(H) -> Result<()>,
{
    call(job).await?;
    leptos_axum::redirect(path);
    Ok(())
}

/// As [`call`], and leads to the path the job names.
///
/// # Errors
/// As [`call`].
pub async fn lead<H, J>(job: J) -> Result<()>
where
    H: FromRequestParts<AppState, Rejection = Error>,
    J: AsyncFnOnce(H) -> Result<String>,
{
    leptos_axum::redirect(&call(job).await?);
    Ok(())
}

/// Begins a session at the door, hands out its cookie, and leads to `next`, when that is one of our own paths, or to
/// the dashboard.
///
/// # Errors
/// What the door says.
pub async fn sign_in_with<J>(job: J, next: Option<String>) -> Result<()>
where
    J: AsyncFnOnce(SignIn) -> Result<NewSession>,
{
    noted(sign_in(job, next).await)
}

async fn sign_in<J>(job: J, next: Option<String>) -> Result<()>
where
    J: AsyncFnOnce(SignIn) -> Result<NewSession>,
{
    let state = expect_context::<AppState>();
    let caller: Caller = handle().await?;
    let session = job(SignIn::new(state.clone(), caller)).await?;
    hand_out(state.cookie.write(&state.tokens.write(&session)?, session.is_lasting)?);
    leptos_axum::redirect(&own_or_dashboard(next.unwrap_or_default()));
    Ok(())
}

/// As [`sign_in_with`], for who may owe a code: leads to the page that asks for it.
///
/// # Errors
/// What the door says.
pub async fn enter_with<J>(job: J, next: String) -> Result<()>
where
    J: AsyncFnOnce(SignIn) -> Result<SignInOutcome>,
{
    let state = expect_context::<AppState>();
    let caller: Caller = handle().await?;
    match noted(job(SignIn::new(state.clone(), caller)).await)? {
        SignInOutcome::Session(session) => sign_in(async |_| Ok(session), Some(next)).await,
        SignInOutcome::CodeRequired(challenge) => {
            hand_out(state.challenges.write(&challenge)?);
            leptos_axum::redirect(&and_then("/login/code", &next));
            Ok(())
        }
    }
}

/// As [`sign_in_with`], for who owes a code and gives it.
///
/// # Errors
/// What the door says.
pub async fn answer_challenge(code: &str, next: String) -> Result<()> {
    let state = expect_context::<AppState>();
    let parts = use_context::<Parts>().ok_or_else(Error::internal)?;
    let challenge = noted(state.challenges.read(&parts.headers))?;
    let clear = state.challenges.clear()?;
    let job = async move |door: SignIn| {
        let session = door.answer(challenge, code).await?;
        hand_out(clear);
        Ok(session)
    };
    noted(sign_in(job, Some(next)).await)
}

/// As [`call`], and goes on in the session the job gives, under its new cookie, at `path`.
///
/// # Errors
/// As [`call`].
pub async fn go_on_with<H, J>(path: &str, job: J) -> Result<()>
where
    H: FromRequestParts<AppState, Rejection = Error>,
    J: AsyncFnOnce(H) -> Result<NewSession>,
{
    let session = call(job).await?;
    sign_in(async |_| Ok(session), Some(path.to_owned())).await
}

/// Lets a person go on in another session, hands out its cookie, and leads to the dashboard.
///
/// # Errors
/// As [`call`].
pub async fn go_on_in<J>(job: J) -> Result<()>
where
    J: AsyncFnOnce(Person) -> Result<NewSession>,
{
    go_on_with("/dashboard", job).await
}

/// As [`call`], for what ends the session: takes the cookie away and leads to the door.
///
/// # Errors
/// As [`call`].
pub async fn depart<J>(job: J) -> Result<()>
where
    J: AsyncFnOnce(Person) -> Result<()>,
{
    call(job).await?;
    hand_out(expect_context::<AppState>().cookie.clear()?);
    leptos_axum::redirect("/login");
    Ok(())
}

/// Ends the session, if there still is one, and leads to the start page. One whose id was taken away ends too: it
/// would go on with the next page that somebody opens by it.
///
/// # Errors
/// When the database does not answer.
pub async fn sign_out() -> Result<()> {
    let state = expect_context::<AppState>();
    let person = match handle::<Person>().await {
        Ok(person) => Some(person),
        Err(_) => match use_context::<Parts>() {
            Some(parts) => noted(page_session(&state, &parts).await)?.and_then(|(viewer, _)| Person::of(viewer)),
            None => None,
        },
    };
    if let Some(person) = person {
        noted(person.log_out().await)?;
    }
    hand_out(state.cookie.clear()?);
    leptos_axum::redirect("/");
    Ok(())
}

/// An id from a form; one that is none names nothing.
///
/// # Errors
/// `not_found`.
pub fn id<I: FromStr>(text: &str) -> Result<I> {
    text.parse().map_err(|_| Error::not_found())
}

/// An id chosen from a list, or nothing when the empty entry was.
///
/// # Errors
/// `not_found`.
pub fn choice<I: FromStr>(text: &str) -> Result<Option<I>> {
    if text.is_empty() { Ok(None) } else { id(text).map(Some) }
}

/// A word chosen from a list, or nothing when the empty entry was.
///
/// # Errors
/// `invalid`, with the field at fault.
pub fn word<W: FromStr<Err = Error>>(field: &str, text: &str) -> Result<Option<W>> {
    if text.is_empty() {
        return Ok(None);
    }
    text.parse().map(Some).map_err(|error: Error| Error::field(field, error.message))
}

/// What a form says of services, each by the name `of-` and its id: a status, except of those left empty.
///
/// # Errors
/// `not_found` for what is no service, `invalid` for what is no status.
pub fn impacts(services: &BTreeMap<String, String>) -> Result<Vec<ServiceImpact>> {
    let said = services.iter().filter(|(_, status)| !status.is_empty());
    let mut impacts = Vec::new();
    for (name, status) in said {
        let service = id(name.strip_prefix("of-").unwrap_or_default())?;
        impacts.extend(word("services", status)?.map(|status| ServiceImpact { id: service, status }));
    }
    Ok(impacts)
}

/// The key of a form, unless it has none.
#[must_use]
pub fn key(text: &str) -> Option<IdempotencyKey> {
    IdempotencyKey::parse(text).ok()
}

/// Names the fields at fault as the maintenance forms do, which have shorter names than the REST bodies.
#[must_use]
pub fn named_as_in_forms(mut error: Error) -> Error {
    let shorter = |name: String| match name.as_str() {
        "starts_at" => "starts".to_owned(),
        "ends_at" => "ends".to_owned(),
        _ => name,
    };
    error.fields = error.fields.into_iter().map(|(name, why)| (shorter(name), why)).collect();
    error
}

/// Whether a redirect may lead here: a path of ours, not another host in disguise.
#[must_use]
pub fn is_own_path(path: &str) -> bool {
    path.starts_with('/')
        && !path.starts_with("//")
        && path.len() <= 512
        && path.bytes().all(|b| b.is_ascii_graphic() && b != b'\\')
}

/// The address of a page that leads on to another.
#[must_use]
pub fn and_then(page: &str, next: &str) -> String {
    let next: String = form_urlencoded::Serializer::new(String::new()).append_pair("next", next).finish();
    format!("{page}?{next}")
}

/// A path to lead to: this one, when it is ours, or the dashboard.
#[must_use]
pub fn own_or_dashboard(path: String) -> String {
    if is_own_path(&path) { path } else { "/dashboard".into() }
}

async fn handle<H>() -> Result<H>
where
    H: FromRequestParts<AppState, Rejection = Error>,
{
    let state = expect_context::<AppState>();
    let mut parts = use_context::<Parts>().ok_or_else(Error::internal)?;
    H::from_request_parts(&mut parts, &state).await
}

fn noted<T>(result: Result<T>) -> Result<T> {
    if let (Err(error), Some(response)) = (&result, use_context::<ResponseOptions>()) {
        response.set_status(status_of(error));
    }
    result
}

fn hand_out(cookie: HeaderValue) {
    if let Some(response) = use_context::<ResponseOptions>() {
        response.append_header(header::SET_COOKIE, cookie);
    }
}

#[cfg(test)]
mod tests {
    use super::is_own_path;

    #[test]
    fn r_37_redirects_stay_at_home() {
        for path in ["/", "/dashboard", "/services/1?before=2"] {
            assert!(is_own_path(path), "{path}");
        }
        for path in [
            "",
            "dashboard",
            "//evil.test",
            "/\\evil.test",
            "\\/evil.test",
            "https://evil.test",
            "/\t/evil.test",
            "/ evil",
            "/\r\nx: y",
            "javascript:alert(1)",
        ] {
            assert!(!is_own_path(path), "{path:?}");
        }
    }
}
