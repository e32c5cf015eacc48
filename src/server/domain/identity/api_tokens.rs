//! API tokens: made and revoked by admins, carried by programs.

use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel, PaginatorTrait,
    QueryFilter, QueryOrder,
};
use uuid::Uuid;

use super::{
    registration::maker_of,
    secrets::{hash_of, new_secret},
    sessions::{Credential, Principal, SEEN_SECONDS},
};
use crate::{
    model::{Action, ApiToken, Error, Result, Timestamp, TokenId, TokenRequest, UserId, api_token::end_after_days},
    server::domain::{Admin, ReauthenticatedAdmin, Site, audit::AuditEvent, new_id, store::api_token, tx::Tx},
};

/// How every token begins, so that it is known for one wherever it turns up.
pub const PREFIX: &str = "aldis_";
/// How many characters of the secret are shown in lists.
const HINT: usize = 14;
/// The most tokens an organization may have.
const TOKENS_MAX: u64 = 50;

impl Admin {
    /// The tokens that have not been revoked, newest first.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn tokens(&self) -> Result<Vec<ApiToken>> {
        let rows = self.scope().find::<api_token::Entity>().filter(api_token::Column::RevokedAt.is_null());
        let rows = rows.order_by_desc(api_token::Column::Id).all(self.db()).await?;
        Ok(rows.into_iter().map(listed).collect())
    }
}

impl ReauthenticatedAdmin {
    /// Makes a token in the words of a form: with a scope, and for so many days, or for ever when that is empty.
    ///
    /// # Errors
    /// As [`Admin::create_token`].
    pub async fn create_token_for(&self, name: String, scope: &str, days: &str) -> Result<ApiToken> {
        let scope = scope.parse().map_err(|_| Error::field("scope", "Choose what the token may do."))?;
        let expires_at = end_after_days(days, self.domain.clock().now())?;
        self.create_token(TokenRequest { name, scope, expires_at }).await
    }

    /// Makes a token. Its secret is told this once.
    ///
    /// # Errors
    /// `invalid` with the fields at fault, or when there are too many.
    pub async fn create_token(&self, request: TokenRequest) -> Result<ApiToken> {
        let request = request.check(self.domain.clock().now())?;
        let mut tx = self.begin().await?;
        let present = self.scope().find::<api_token::Entity>().filter(api_token::Column::RevokedAt.is_null());
        if present.count(tx.db()).await? >= TOKENS_MAX {
            let why =
                format!("An organization can have at most {TOKENS_MAX} API tokens. Revoke one that is not needed.");
            return Err(Error::invalid(why));
        }
        let secret = format!("{PREFIX}{}", new_secret());
        let row = api_token::Model {
            org_id: self.organization(),
            id: TokenId::from_uuid(new_id()),
            name: request.name,
            hint: secret.chars().take(HINT).collect(),
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
        Ok(ApiToken { secret: Some(secret), ..listed(row) })
    }

    /// Revokes a token: it stops working at once, and its open feeds soon after.
    ///
    /// # Errors
    /// `not_found` when this organization has none with this id.
    pub async fn revoke_token(&self, id: TokenId) -> Result<()> {
        let mut tx = self.begin().await?;
        let row = self.scope().find_id::<api_token::Entity>(id).filter(api_token::Column::RevokedAt.is_null());
        let row = row.one(tx.db()).await?.ok_or_else(Error::not_found)?;
        tx.audit(AuditEvent::new(Action::TokenRevoked).on("token", row.id, &row.name));
        let ended = tx.revoke(row).await?;
        tx.end_access(ended);
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

    /// Revokes the tokens a person made, and gives their names: they know the secrets and may not come in any more.
    pub(in crate::server::domain) async fn revoke_tokens_of(&mut self, user: UserId) -> Result<Vec<String>> {
        let theirs = self.scope().find::<api_token::Entity>().filter(api_token::Column::CreatedBy.eq(user));
        let theirs = theirs.filter(api_token::Column::RevokedAt.is_null()).all(self.db()).await?;
        let names = theirs.iter().map(|row| row.name.clone()).collect();
        for row in theirs {
            let ended = self.revoke(row).await?;
            self.end_access(ended);
        }
        Ok(names)
    }
}

impl Site {
    /// Who comes with this secret, if it stands; notes that it was used.
    ///
    /// # Errors
    /// When the database does not answer.
    #[expect(clippy::disallowed_methods, reason = "the token says which organization it acts in")]
    pub async fn token_seat(&self, secret: &str) -> Result<Option<Principal>> {
        let (db, now) = (self.domain.db(), self.domain.clock().now());
        let found = api_token::Entity::find().filter(api_token::Column::SecretHash.eq(hash_of(secret)));
        let row = found.one(db).await?;
        let Some(row) = row.filter(|row| stands(row, now)) else { return Ok(None) };
        let Some(account) = maker_of(db, row.created_by, row.org_id).await? else { return Ok(None) };
        if row.last_used_at.is_none_or(|used| used.plus_seconds(SEEN_SECONDS) <= now) {
            let used = api_token::ActiveModel { last_used_at: Set(Some(now)), ..Default::default() };
            let of_it = api_token::Entity::update_many().set(used).filter(api_token::Column::Id.eq(row.id));
            of_it.exec(db).await?;
        }
        Ok(Some(Principal { account, key: Credential::Token { id: row.id, scope: row.scope, name: row.name } }))
    }
}

/// The tokens of a person that have not been revoked, wherever they made them.
#[expect(clippy::disallowed_methods, reason = "a person may have made tokens in several organizations")]
pub(in crate::server::domain) async fn tokens_made_by(db: &impl ConnectionTrait, user: UserId) -> Result<Vec<Uuid>> {
    let theirs = api_token::Entity::find().filter(api_token::Column::CreatedBy.eq(user));
    let theirs = theirs.filter(api_token::Column::RevokedAt.is_null()).all(db).await?;
    Ok(theirs.into_iter().map(|row| row.id.uuid()).collect())
}

/// Whether a token still works.
pub(in crate::server::domain) fn stands(row: &api_token::Model, now: Timestamp) -> bool {
    row.revoked_at.is_none() && row.expires_at.is_none_or(|end| end > now)
}

fn listed(row: api_token::Model) -> ApiToken {
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
