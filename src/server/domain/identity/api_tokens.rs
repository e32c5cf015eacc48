//! API tokens: created and revoked by admins, used by programs.

use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, Condition, ConnectionTrait, EntityTrait, IntoActiveModel,
    PaginatorTrait, QueryFilter, QueryOrder, QueryResult, SelectThree, SelectThreeModel, SelectorTrait as _,
    TopologyChain,
};
use uuid::Uuid;

use super::{
    last_use::Use,
    people::{AccountRows, enabled_account, with_role_of_member},
    secrets::{hash_of, new_secret},
};
use crate::{
    model::{Action, ApiToken, Error, Result, Timestamp, TokenId, TokenRequest, UserId, api_token::end_after_days},
    server::domain::{
        Admin, Domain, ReauthenticatedAdmin, Site, System,
        audit::AuditEvent,
        new_id,
        principal::{Credential, LAST_USE_SECONDS, Principal},
        store::{api_token, membership, organization, user_account},
        tx::Tx,
    },
};

/// The prefix of every token, by which secret scanners recognize it.
pub const PREFIX: &str = "aldis_";
/// How many characters of the secret lists show.
const HINT_LENGTH: usize = 14;
/// The most tokens an organization may have.
const TOKENS_MAX: u64 = 50;
/// How long a token that has ended is kept, in seconds: 90 days.
const RETENTION_SECONDS: i64 = 90 * 86_400;

impl Admin {
    /// The tokens that have not been revoked, newest first.
    pub async fn tokens(&self) -> Result<Vec<ApiToken>> {
        let rows = self
            .scope()
            .find::<api_token::Entity>()
            .filter(api_token::Column::RevokedAt.is_null())
            .order_by_desc(api_token::Column::Id)
            .all(self.db())
            .await?;
        Ok(rows.into_iter().map(api_token_of).collect())
    }
}

impl ReauthenticatedAdmin {
    /// Creates a token from form fields: a scope, and the days until it expires, or empty for no expiry.
    ///
    /// # Errors
    /// As [`Self::create_token`].
    pub async fn create_token_for(&self, name: String, scope: &str, days: &str) -> Result<ApiToken> {
        let scope = scope.parse().map_err(|_| Error::field("scope", "Choose what the token may do."))?;
        let expires_at = end_after_days(days, self.domain.clock().now())?;
        self.create_token(TokenRequest { name, scope, expires_at }).await
    }

    /// Creates a token. Only this response contains its secret.
    ///
    /// # Errors
    /// `invalid` with the fields at fault, or at the maximum number of tokens.
    pub async fn create_token(&self, request: TokenRequest) -> Result<ApiToken> {
        let request = request.check(self.domain.clock().now())?;
        let mut tx = self.begin().await?;
        let present = self.scope().find::<api_token::Entity>().filter(api_token::Column::RevokedAt.is_null());
        if present.count(tx.db()).await? >= TOKENS_MAX {
            let why = format!(
                "Your organization has reached its limit of {TOKENS_MAX} API tokens. Revoke one you no longer need."
            );
            return Err(Error::invalid(why));
        }
        let secret = format!("{PREFIX}{}", new_secret());
        let row = api_token::Model {
            org_id: self.organization(),
            id: TokenId::from_uuid(new_id()),
            name: request.name,
            hint: secret.chars().take(HINT_LENGTH).collect(),
            secret_hash: hash_of(&secret),
            scope: request.scope,
            created_by: self.user(),
            created_at: tx.now(),
            expires_at: request.expires_at,
            last_used_at: None,
            revoked_at: None,
        };
        api_token::Entity::insert(row.clone().into_active_model().reset_all()).exec_without_returning(tx.db()).await?;
        let audit_event = AuditEvent::new(Action::TokenCreated).on("token", row.id, &row.name);
        tx.audit(audit_event.setting("scope", row.scope).setting("expires_at", row.expires_at));
        tx.commit().await?;
        Ok(ApiToken { secret: Some(secret), ..api_token_of(row) })
    }

    /// Revokes a token. It stops working at once, its open feeds soon after.
    ///
    /// # Errors
    /// `not_found` when this organization has none with this id.
    pub async fn revoke_token(&self, id: TokenId) -> Result<()> {
        let mut tx = self.begin().await?;
        let row = self
            .scope()
            .find_id::<api_token::Entity>(id)
            .filter(api_token::Column::RevokedAt.is_null())
            .one(tx.db())
            .await?
            .ok_or_else(Error::not_found)?;
        tx.audit(AuditEvent::new(Action::TokenRevoked).on("token", row.id, &row.name));
        let id = tx.revoke(row).await?;
        tx.end_access(id);
        tx.commit().await
    }
}

impl Tx {
    async fn revoke(&self, row: api_token::Model) -> Result<Uuid> {
        let id = row.id;
        let mut change = row.into_active_model();
        change.revoked_at = Set(Some(self.now()));
        change.update(self.db()).await?;
        Ok(id.uuid())
    }

    /// Revokes the tokens a user created, as they know the secrets. Returns the names of the tokens.
    pub(in crate::server::domain) async fn revoke_tokens_of(&mut self, user: UserId) -> Result<Vec<String>> {
        let rows = self
            .scope()
            .find::<api_token::Entity>()
            .filter(api_token::Column::CreatedBy.eq(user))
            .filter(api_token::Column::RevokedAt.is_null())
            .all(self.db())
            .await?;
        let names = rows.iter().map(|row| row.name.clone()).collect();
        for row in rows {
            let id = self.revoke(row).await?;
            self.end_access(id);
        }
        Ok(names)
    }
}

impl Site {
    /// Authenticates a request by the secret of an API token, and notes the use in the background.
    pub async fn authenticate_token(&self, secret: &str) -> Result<Option<Principal>> {
        let found = token_with_member(secret).find_also(membership::Entity, organization::Entity);
        let Some((row, membership, user, organization)) = found.one(self.domain.db()).await? else { return Ok(None) };
        self.domain.principal_of_token(row, (membership, user, organization))
    }
}

impl Domain {
    /// The principal of these rows, whose use is noted in the background; none if the token has ended, or its creator
    /// has left or is disabled.
    fn principal_of_token(&self, row: api_token::Model, account: AccountRows) -> Result<Option<Principal>> {
        let now = self.clock().now();
        if !is_active(&row, now) {
            return Ok(None);
        }
        let Some(account) = enabled_account(account)? else { return Ok(None) };
        let account = with_role_of_member(account);
        if row.last_used_at.is_none_or(|used| used.plus_seconds(LAST_USE_SECONDS) <= now) {
            self.note_use(Use::Token { id: row.id, organization: row.org_id }, now);
        }
        let credential = Credential::Token { id: row.id, scope: row.scope, name: row.name };
        Ok(Some(Principal { account, credential }))
    }

    /// As [`Site::authenticate_token`], with a row of [`token_with_member`] and the organization.
    pub(super) fn authenticate_token_by(
        &self,
        row: QueryResult,
        organization: organization::Model,
    ) -> Result<Option<Principal>> {
        let (row, membership, user) = SelectThreeModel::<api_token::Model, _, _>::from_raw_query_result(row)?;
        self.principal_of_token(row, (membership, user, Some(organization)))
    }
}

/// The query of a token with the membership and the user that it acts by.
#[expect(clippy::disallowed_methods, reason = "the token says which organization it acts in")]
pub(super) fn token_with_member(
    secret: &str,
) -> SelectThree<api_token::Entity, membership::Entity, user_account::Entity, TopologyChain> {
    api_token::Entity::find()
        .filter(api_token::Column::SecretHash.eq(hash_of(secret)))
        .find_also_related(membership::Entity)
        .and_also_related(user_account::Entity)
}

impl System {
    /// Deletes tokens that were revoked or expired 90 days ago. The audit log keeps their names.
    pub async fn forget_old_tokens(&self) -> Result<u64> {
        use api_token::Column;
        let oldest = self.domain.database_now().await?.plus_seconds(-RETENTION_SECONDS);
        let old = Condition::any().add(Column::RevokedAt.lt(oldest)).add(Column::ExpiresAt.lt(oldest));
        self.domain.delete_in_batches::<api_token::Entity>(old).await
    }
}

/// The ids of the tokens a user created in any organization, unless revoked.
#[expect(clippy::disallowed_methods, reason = "a user may have created tokens in several organizations")]
pub(in crate::server::domain) async fn active_tokens_of(db: &impl ConnectionTrait, user: UserId) -> Result<Vec<Uuid>> {
    let rows = api_token::Entity::find()
        .filter(api_token::Column::CreatedBy.eq(user))
        .filter(api_token::Column::RevokedAt.is_null())
        .all(db)
        .await?;
    Ok(rows.into_iter().map(|row| row.id.uuid()).collect())
}

/// Whether a token is neither revoked nor expired.
pub(in crate::server::domain) fn is_active(row: &api_token::Model, now: Timestamp) -> bool {
    row.revoked_at.is_none() && row.expires_at.is_none_or(|end| end > now)
}

fn api_token_of(row: api_token::Model) -> ApiToken {
    ApiToken {
        id: row.id,
        name: row.name,
        hint: row.hint,
        scope: row.scope,
        created_by: row.created_by,
        created_at: row.created_at,
        expires_at: row.expires_at,
        last_used_at: row.last_used_at,
        secret: None,
    }
}
