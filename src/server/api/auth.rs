//! Accounts: register, log in, who is there, log out.

use axum::{Json, extract::State, http::StatusCode};

use crate::{
    model::{Account, LoginForm, RegistrationForm, Result, SignedIn},
    server::{
        auth::SignIn,
        domain::{Caller, NewSession, Person, Viewer},
        http::extract::Body,
        state::AppState,
    },
};

/// Create an organization and its first admin
#[utoipa::path(
    post, path = "/api/auth/register", tag = "Accounts", operation_id = "register", request_body = RegistrationForm,
    responses(
        (status = 201, description = "The token, the person and the organization.", body = SignedIn),
        (status = 403, description = "Registration is closed here.", body = crate::model::Error),
        (status = 409, description = "The page address or the e-mail address is taken.", body = crate::model::Error),
        (status = 429, description = "Too many attempts; `Retry-After` says how long to wait.", body = crate::model::Error),
    ),
)]
pub async fn register(
    State(state): State<AppState>,
    caller: Caller,
    Body(form): Body<RegistrationForm>,
) -> Result<(StatusCode, Json<SignedIn>)> {
    let session = SignIn::new(state.clone(), caller).register(form).await?;
    Ok((StatusCode::CREATED, signed_in(&state, session)?))
}

/// Log in
#[utoipa::path(
    post, path = "/api/auth/login", tag = "Accounts", operation_id = "login", request_body = LoginForm,
    responses(
        (status = 200, description = "The token, the person and the organization.", body = SignedIn),
        (status = 401, description = "The e-mail address or the password is wrong; or, with the code `second_factor_required`, they are right and `code` is missing.", body = crate::model::Error),
        (status = 429, description = "Too many attempts; `Retry-After` says how long to wait.", body = crate::model::Error),
        (status = 503, description = "Too many people are signing in at once.", body = crate::model::Error),
    ),
)]
pub async fn login(
    State(state): State<AppState>,
    caller: Caller,
    Body(form): Body<LoginForm>,
) -> Result<Json<SignedIn>> {
    let session = SignIn::new(state.clone(), caller).login(form, true).await?.session()?;
    signed_in(&state, session)
}

/// Who is signed in
#[utoipa::path(
    get, path = "/api/auth/me", tag = "Accounts", operation_id = "me", security(("bearer" = [])),
    responses((status = 200, description = "The person and the organization.", body = Account)),
)]
pub async fn me(org: Viewer) -> Json<Account> {
    Json(org.account())
}

/// Log out: the token stops working at once
#[utoipa::path(
    post, path = "/api/auth/logout", tag = "Accounts", operation_id = "logout", security(("bearer" = [])),
    responses((status = 204, description = "The session has ended.")),
)]
pub async fn logout(person: Person) -> Result<StatusCode> {
    person.log_out().await?;
    Ok(StatusCode::NO_CONTENT)
}

fn signed_in(state: &AppState, session: NewSession) -> Result<Json<SignedIn>> {
    Ok(Json(SignedIn {
        access_token: state.tokens.write(&session)?,
        token_type: "Bearer".into(),
        expires_at: session.expires_at,
        user: session.account.user,
        organization: session.account.organization,
    }))
}
