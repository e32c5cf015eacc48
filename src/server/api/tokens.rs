//! API tokens.

use axum::{Json, http::StatusCode};

use crate::{
    model::{ApiToken, Error, Result, TokenId, TokenRequest},
    server::{
        domain::{Admin, ReauthenticatedAdmin},
        http::extract::{Body, Id},
    },
};

/// List the API tokens; there are at most 50
///
/// For admins. Secrets are not among what is told.
#[utoipa::path(
    get, path = "/api/tokens", tag = "Access", operation_id = "listTokens", security(("bearer" = [])),
    responses(
        (status = 200, description = "The tokens, newest first.", body = [ApiToken]),
        (status = 403, description = "Only admins may, in a session whose password was given a short while ago.", body = Error),
    ),
)]
pub async fn list(org: Admin) -> Result<Json<Vec<ApiToken>>> {
    org.tokens().await.map(Json)
}

/// Make an API token
///
/// For admins who gave their password less than 15 minutes ago. The answer is the only one that tells the secret.
#[utoipa::path(
    post, path = "/api/tokens", tag = "Access", operation_id = "createToken", security(("bearer" = [])),
    request_body = TokenRequest,
    responses(
        (status = 201, description = "The token with its secret.", body = ApiToken),
        (status = 403, description = "Only admins may, in a session whose password was given a short while ago.", body = Error),
    ),
)]
pub async fn create(
    org: ReauthenticatedAdmin,
    Body(request): Body<TokenRequest>,
) -> Result<(StatusCode, Json<ApiToken>)> {
    org.create_token(request).await.map(|token| (StatusCode::CREATED, Json(token)))
}

/// Revoke an API token: it stops working at once
#[utoipa::path(
    delete, path = "/api/tokens/{id}", tag = "Access", operation_id = "revokeToken", security(("bearer" = [])),
    params(("id" = TokenId, Path, description = "The token.")),
    responses(
        (status = 204, description = "The token is revoked."),
        (status = 403, description = "Only admins may, in a session.", body = Error),
    ),
)]
pub async fn revoke(org: ReauthenticatedAdmin, Id(id): Id<TokenId>) -> Result<StatusCode> {
    org.revoke_token(id).await.map(|()| StatusCode::NO_CONTENT)
}
