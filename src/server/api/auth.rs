//! Accounts: registration, login, the current user, logout.

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
        (status = 201, description = "The access token, the user and the organization.", body = SignedIn),
        (status = 403, description = "Registration is closed on this server.", body = crate::model::Error),
        (status = 409, description = "The page address or the email address is taken.", body = crate::model::Error),
        (status = 429, description = "Too many attempts; see `Retry-After`.", body = crate::model::Error),
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
        (status = 200, description = "The access token, the user and the organization.", body = SignedIn),
        (status = 401, body = crate::model::Error,
         description = "The email address or password is wrong, or `code` is missing (`second_factor_required`)."),
        (status = 429, description = "Too many attempts; see `Retry-After`.", body = crate::model::Error),
        (status = 503, description = "Too many people are logging in at once.", body = crate::model::Error),
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

/// Show the current user and organization
#[utoipa::path(
    get, path = "/api/auth/me", tag = "Accounts", operation_id = "me", security(("bearer" = [])),
    responses((status = 200, description = "The user and the organization.", body = Account)),
)]
pub async fn me(org: Viewer) -> Json<Account> {
    Json(org.account())
}

/// Log out
///
/// The access token stops working immediately.
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
