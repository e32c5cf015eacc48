//! A change of role takes the id of a person's sessions away: a browser goes on under another from the next page
//! it opens, a program has to log in again.

use sea_orm::{
    ActiveModelTrait,
    ActiveValue::{Set, Unchanged},
    ColumnTrait, EntityTrait, QueryFilter, QuerySelect,
};

use super::{
    registration::{account, held},
    sessions::{NewSession, Principal, has_ended, insert_session},
};
use crate::{
    model::{Result, SessionId, Timestamp, UserId},
    server::domain::{
        Caller, Site,
        store::{self, session},
        tx::Tx,
    },
};

/// How long an open page may still ask under the old id, and its other tabs may be told the new one, in seconds.
const GRACE_SECONDS: i64 = 10;

/// How a session's token comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenSource {
    /// In a header: a program's, which nobody can give another.
    Header,
    /// In a cookie: a browser's.
    Cookie,
}

/// Whether a session's id still opens anything but a page.
pub(in crate::server::domain) fn answers(row: &session::Model, carrier: TokenSource, now: Timestamp) -> bool {
    row.renew_by.is_none_or(|end| carrier == TokenSource::Cookie && row.renewed_as.is_none() && now < end)
}

impl Tx {
    /// Takes the ids of a person's sessions here away. Tells which they are.
    #[expect(clippy::disallowed_methods, reason = "the rows of this organization alone, by a column of the session")]
    pub(in crate::server::domain) async fn outdate_sessions(&self, user: UserId) -> Result<Vec<SessionId>> {
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
    /// Who sits in the session of a browser that opens a page, as [`Site::seat`]; and the session it goes on in from here,
    /// when the id it came with was taken away.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn page_seat(&self, id: SessionId, caller: &Caller) -> Result<Option<(Principal, Option<NewSession>)>> {
        if let Some(seat) = self.seat_unless(id, |row| row.renew_by.is_some()).await? {
            return Ok(Some((seat, None)));
        }
        let Some(new) = self.renew(id, caller).await? else { return Ok(None) };
        Ok(self.seat(new.id, TokenSource::Cookie).await?.map(|seat| (seat, Some(new))))
    }

    /// Begins the session in the place of one whose id was taken away, which it outlives by nothing; of several
    /// tabs that come at once, each gets the same.
    #[expect(clippy::disallowed_methods, reason = "the session says whose it is")]
    async fn renew(&self, old: SessionId, caller: &Caller) -> Result<Option<NewSession>> {
        let now = self.domain.clock().now();
        let tx = store::begin(self.domain.db()).await?;
        let Some(row) = session::Entity::find_by_id(old).one(&tx).await? else { return Ok(None) };
        // What ends all sessions must not miss the one that takes this one's place.
        held(&tx, row.user_id).await?;
        let row = session::Entity::find_by_id(old).lock_exclusive().one(&tx).await?;
        let Some(row) = row.filter(|row| !has_ended(row, now)) else { return Ok(None) };
        let Some(end) = row.renew_by else { return Ok(None) };
        let Some(account) = account(&tx, row.user_id, row.org_id).await? else { return Ok(None) };
        if let Some(successor) = row.renewed_as {
            let found = session::Entity::find_by_id(successor).one(&tx).await?;
            let found = found.filter(|found| now < end && !has_ended(found, now));
            return Ok(found.map(|found| NewSession {
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
        let left = session::ActiveModel {
            id: Unchanged(old),
            renew_by: Set(Some(now.plus_seconds(GRACE_SECONDS))),
            renewed_as: Set(Some(new.id)),
            ..Default::default()
        };
        left.update(&tx).await?;
        tx.commit().await?;
        self.domain.tell_end(old.uuid());
        Ok(Some(NewSession { expires_at: row.expires_at, ..new }))
    }
}
