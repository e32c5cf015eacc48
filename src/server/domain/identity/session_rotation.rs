//! Session rotation: a change of role replaces the id of the user's sessions. A browser gets the new one with
//! the next page it loads; a program has to log in again.

use sea_orm::{
    ActiveModelTrait,
    ActiveValue::{Set, Unchanged},
    ColumnTrait, EntityTrait, QueryFilter, QuerySelect,
};

use super::{
    people::{find_account, lock_user},
    sessions::{NewSession, insert_session, is_expired},
};
use crate::{
    model::{Code, Result, SessionId, UserId},
    server::domain::{
        Caller, Site,
        principal::{Principal, TokenSource},
        store::{Scope, membership, session},
        tx::Tx,
    },
};

/// How long an open page may still use the old id, and other tabs may exchange it for the new one, in seconds.
const GRACE_SECONDS: i64 = 10;

impl Tx {
    /// Marks a user's sessions in this organization for rotation, and returns their ids.
    #[expect(clippy::disallowed_methods, reason = "rows of this organization only")]
    pub(in crate::server::domain) async fn begin_session_rotation(&self, user: UserId) -> Result<Vec<SessionId>> {
        let organization = self.organization().id;
        let ids = session::Entity::find()
            .filter(session::Column::OrgId.eq(organization))
            .filter(session::Column::UserId.eq(user))
            .select_only()
            .column(session::Column::Id)
            .into_tuple()
            .all(self.db())
            .await?;
        let change =
            session::ActiveModel { renew_by: Set(Some(self.now().plus_seconds(GRACE_SECONDS))), ..Default::default() };
        session::Entity::update_many()
            .set(change)
            .filter(session::Column::OrgId.eq(organization))
            .filter(session::Column::UserId.eq(user))
            .filter(session::Column::RenewBy.is_null())
            .exec(self.db())
            .await?;
        Ok(ids)
    }
}

impl Site {
    /// Authenticates a page load, as [`Site::authenticate_session`]. If the session is marked for rotation, also
    /// returns the session that replaces it.
    pub async fn authenticate_page(
        &self,
        id: SessionId,
        caller: &Caller,
    ) -> Result<Option<(Principal, Option<NewSession>)>> {
        if let Some(principal) = self.authenticate_unless(id, |row| row.renew_by.is_some()).await? {
            return Ok(Some((principal, None)));
        }
        let new = match self.rotate(id, caller).await {
            Ok(Some(new)) => new,
            Ok(None) => return Ok(None),
            // Reading needs no writing: the page opens in the old session, and a later one rotates it.
            Err(error) if error.code == Code::Unavailable => {
                let principal = self.authenticate_unless(id, |row| row.renewed_as.is_some()).await?;
                return Ok(principal.map(|principal| (principal, None)));
            }
            Err(error) => return Err(error),
        };
        let principal = self.authenticate_session(new.id, TokenSource::Cookie).await?;
        Ok(principal.map(|principal| (principal, Some(new))))
    }

    /// Opens the session that replaces one marked for rotation, with the same expiry. Tabs that load a page at
    /// the same time get the same session.
    #[expect(clippy::disallowed_methods, reason = "the session says whose it is")]
    async fn rotate(&self, old: SessionId, caller: &Caller) -> Result<Option<NewSession>> {
        let now = self.domain.clock().now();
        let Some(row) = session::Entity::find_by_id(old).one(self.domain.db()).await? else { return Ok(None) };
        let tx = self.domain.begin(row.user_id).await?;
        // Locked, so that an operation that ends all sessions does not miss the new one; the membership before the
        // session, as in a change of role (docs/architecture.md, "Lock order").
        lock_user(&tx, row.user_id).await?;
        Scope::of(row.org_id).find_id::<membership::Entity>(row.user_id).lock_exclusive().one(&tx).await?;
        let row = session::Entity::find_by_id(old).lock_exclusive().one(&tx).await?;
        let Some(row) = row.filter(|row| !is_expired(row, now)) else { return Ok(None) };
        let Some(end) = row.renew_by else { return Ok(None) };
        let Some(account) = find_account(&tx, row.user_id, row.org_id).await? else { return Ok(None) };
        if let Some(successor) = row.renewed_as {
            let found = session::Entity::find_by_id(successor).one(&tx).await?;
            let valid = found.filter(|found| now < end && !is_expired(found, now));
            return Ok(valid.map(|found| NewSession {
                id: found.id,
                account,
                created_at: found.created_at,
                expires_at: found.expires_at,
                is_lasting: found.is_lasting,
            }));
        }
        let new = insert_session(&tx, account, now, row.authenticated_at, caller, row.is_lasting).await?;
        let end = session::ActiveModel { id: Unchanged(new.id), expires_at: Set(row.expires_at), ..Default::default() };
        end.update(&tx).await?;
        let rotated = session::ActiveModel {
            id: Unchanged(old),
            renew_by: Set(Some(now.plus_seconds(GRACE_SECONDS))),
            renewed_as: Set(Some(new.id)),
            ..Default::default()
        };
        rotated.update(&tx).await?;
        tx.commit().await?;
        self.domain.publish_revocation(old.uuid());
        Ok(Some(NewSession { expires_at: row.expires_at, ..new }))
    }
}
