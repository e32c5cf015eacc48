//! API tokens and the audit log, for admins.

use leptos::prelude::*;

use crate::model::{ApiToken, AuditPage, Result};

/// The API tokens that have not been revoked.
#[server]
pub async fn api_tokens() -> Result<Vec<ApiToken>> {
    use crate::server::{domain::Admin, server_fn::prelude::*};
    call(async |org: Admin| org.tokens().await).await
}

/// Creates an API token that expires after `days`, or never if that is empty. The answer includes its secret.
#[server]
pub async fn create_api_token(name: String, scope: String, #[server(default)] days: String) -> Result<ApiToken> {
    use crate::server::{domain::ReauthenticatedAdmin, server_fn::prelude::*};
    call_one_time(async move |org: ReauthenticatedAdmin| org.create_token_for(name, &scope, &days).await).await
}

/// Revokes an API token.
#[server]
pub async fn revoke_api_token(id: String) -> Result<()> {
    use crate::server::{domain::ReauthenticatedAdmin, server_fn::prelude::*};
    call(async move |org: ReauthenticatedAdmin| org.revoke_token(form_fields::id(&id)?).await).await
}

/// A page of the audit log, newest first. Empty filters do not apply; `before` is the cursor of the previous page.
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
        server_fn::prelude::*,
    };
    call(async move |org: Admin| org.audit_page(AuditFields { action, actor, from, to, before }).await).await
}
