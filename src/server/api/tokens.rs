//! API tokens.

use axum::{Json, http::StatusCode};

use crate::{
    model::{ApiToken, Error, Result, TokenId, TokenRequest},
    server::{
        domain::{Admin, ReauthenticatedAdmin},
        http::extract::{Body, Id},
    },
};

/// List API tokens
///
/// For admins. Their secrets are not included. There are at most 50.
#[utoipa::path(
    get, path = "/api/tokens", tag = "Access", operation_id = "listTokens", security(("bearer" = [])),
    responses(
        (status = 200, description = "The tokens, newest first.", body = [ApiToken]),
        (status = 403, body = Error,
         description = "Requires an admin's session, re-authenticated in the last 15 minutes."),
    ),
)]
pub async fn list(org: Admin) -> Result<Json<Vec<ApiToken>>> {
    org.tokens().await.map(Json)
}

/// Create an API token
///
/// For admins who entered their password in the last 15 minutes. Only this response includes the secret.
#[utoipa::path(
    post, path = "/api/tokens", tag = "Access", operation_id = "createToken", security(("bearer" = [])),
    request_body = TokenRequest,
    responses(
        (status = 201, description = "The token with its secret.", body = ApiToken),
        (status = 403, body = Error,
         description = "Requires an admin's session, re-authenticated in the last 15 minutes."),
    ),
)]
pub async fn create(
    org: ReauthenticatedAdmin,
    Body(request): Body<TokenRequest>,
) -> Result<(StatusCode, Json<ApiToken>)> {
    org.create_token(request).await.map(|token| (StatusCode::CREATED, Json(token)))
}

/// Revoke an API token
///
/// It stops working immediately.
#[utoipa::path(
    delete, path = "/api/tokens/{id}", tag = "Access", operation_id = "revokeToken", security(("bearer" = [])),
    params(("id" = TokenId, Path, description = "Id of the token.")),
    responses(
        (status = 204, description = "The token has been revoked."),
        (status = 403, description = "Requires an admin's session.", body = Error),
    ),
)]
pub async fn revoke(org: ReauthenticatedAdmin, Id(id): Id<TokenId>) -> Result<StatusCode> {
    org.revoke_token(id).await.map(|()| StatusCode::NO_CONTENT)
}
