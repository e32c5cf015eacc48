//! Doors to API tokens and the audit log, for admins.

use leptos::prelude::*;

use crate::model::{ApiToken, AuditPage, Result};

/// The API tokens that have not been revoked.
#[server]
pub async fn api_tokens() -> Result<Vec<ApiToken>> {
    use crate::server::{domain::Admin, server_fn::call::call};
    call(async |org: Admin| org.tokens().await).await
}

/// Makes an API token that works for so many days, or for ever when `days` is empty. The answer tells its secret.
#[server]
pub async fn create_api_token(name: String, scope: String, #[server(default)] days: String) -> Result<ApiToken> {
    use crate::server::{domain::ReauthenticatedAdmin, server_fn::call};
    call::told_once(async move |org: ReauthenticatedAdmin| org.create_token_for(name, &scope, &days).await).await
}

/// Revokes an API token.
#[server]
pub async fn revoke_api_token(id: String) -> Result<()> {
    use crate::server::{domain::ReauthenticatedAdmin, server_fn::call};
    call::call(async move |org: ReauthenticatedAdmin| org.revoke_token(call::id(&id)?).await).await
}

/// A page of the audit log, newest first, narrowed by what is not empty; `before` continues where a page ended.
#[server]
pub async fn audit_log(
    #[server(default)] action: String,
    #[server(default)] actor: String,
    #[server(default)] from: String,
    #[server(default)] to: String,
    #[server(default)] before: String,
) -> Result<AuditPage> {
    use crate::server::{
        domain::{Admin, AuditFields},
        server_fn::call,
    };
    call::call(async move |org: Admin| org.audit_page(AuditFields { action, actor, from, to, before }).await).await
}
