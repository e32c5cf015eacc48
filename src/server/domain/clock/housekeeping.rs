//! The database's clock, which all instances share, and whether housekeeping can trust it.

use std::sync::atomic::Ordering;

use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter, QuerySelect, SqlErr};

use super::Clock;
use crate::{
    model::{Result, Timestamp},
    server::{
        domain::{
            Domain, System, new_id,
            store::{self, Lane, audit_entry, event, job_lease},
        },
        error::internal,
    },
};

/// The name of the row with the time when housekeeping ran last, or the end of its wait.
const HOUSEKEEPING: &str = "housekeeping";
/// A clock that moved on by more than this since housekeeping ran last is suspicious: 30 days.
const JUMP_SECONDS: i64 = 30 * 86_400;
/// How long nothing is deleted after such a jump: a week in which the operator can set a wrong clock right.
const WAIT_SECONDS: i64 = 7 * 86_400;

impl Domain {
    /// The current time by the database's clock, which all instances share: for leases and for what is deleted by age.
    pub(crate) async fn database_now(&self) -> Result<Timestamp> {
        match self.clock() {
            Clock::Pretended(millis, _) => Ok(Timestamp::from_millis(millis.load(Ordering::SeqCst))),
            // SQLite has no clock of its own.
            Clock::System => Ok(store::database_time(self.db()).await?.unwrap_or_else(|| self.clock().now())),
        }
    }
}

impl System {
    /// Whether housekeeping may delete by age now. A clock that has moved on by more than 30 days since it ran last (or
    /// since the newest event or audit entry, if it never ran) may be wrong, and everything would look old: then
    /// nothing is deleted for a week.
    pub async fn may_delete_by_age(&self) -> Result<bool> {
        let now = self.domain.database_now().await?;
        let known = self.last_housekeeping().await?;
        let last = match known {
            Some(at) => at,
            None => self.newest_row().await?.unwrap_or(now),
        };
        if now < last && last <= now.plus_seconds(WAIT_SECONDS) {
            tracing::debug!(until = %last, "housekeeping waits, as the clock has jumped");
            return Ok(false);
        }
        let has_jumped = now > last.plus_seconds(JUMP_SECONDS);
        if has_jumped {
            tracing::warn!(
                %now, %last,
                "the clock has moved on by more than 30 days since this installation was last in use: nothing will be \
                 deleted by age for 7 days; if the clock is wrong, set it before then"
            );
        }
        // Later than `now`: the end of the wait. A clock that was set back ends it.
        let next = if has_jumped { now.plus_seconds(WAIT_SECONDS) } else { now };
        Ok(self.set_last_housekeeping(known, next).await? && !has_jumped)
    }

    /// When housekeeping ran last, or the end of its wait.
    #[expect(clippy::disallowed_methods, reason = "housekeeping belongs to no organization")]
    async fn last_housekeeping(&self) -> Result<Option<Timestamp>> {
        let row = job_lease::Entity::find_by_id(HOUSEKEEPING).one(self.domain.db()).await?;
        Ok(row.map(|row| row.until))
    }

    /// Sets it, unless another instance was faster; returns whether it was set.
    #[expect(clippy::disallowed_methods, reason = "housekeeping belongs to no organization")]
    async fn set_last_housekeeping(&self, known: Option<Timestamp>, next: Timestamp) -> Result<bool> {
        let row =
            job_lease::ActiveModel { name: Set(HOUSEKEEPING.to_owned()), holder: Set(new_id()), until: Set(next) };
        let tx = self.domain.begin(Lane::System).await?;
        let Some(known) = known else {
            return match job_lease::Entity::insert(row).exec_without_returning(&tx).await {
                Ok(_) => Ok(tx.commit().await.map(|()| true)?),
                Err(error) if matches!(error.sql_err(), Some(SqlErr::UniqueConstraintViolation(_))) => Ok(false),
                Err(error) => Err(internal(error)),
            };
        };
        let update = job_lease::Entity::update_many().set(row).filter(job_lease::Column::Name.eq(HOUSEKEEPING));
        let update = update.filter(job_lease::Column::Until.eq(known)).exec(&tx).await?;
        tx.commit().await?;
        Ok(update.rows_affected == 1)
    }

    /// When the newest event or audit entry was written.
    #[expect(clippy::disallowed_methods, reason = "housekeeping over all organizations")]
    async fn newest_row(&self) -> Result<Option<Timestamp>> {
        let events = event::Entity::find().select_only().column_as(event::Column::CreatedAt.max(), "newest");
        let entries = audit_entry::Entity::find().select_only();
        let entries = entries.column_as(audit_entry::Column::CreatedAt.max(), "newest");
        let event: Option<Option<i64>> = events.into_tuple().one(self.domain.db()).await?;
        let entry: Option<Option<i64>> = entries.into_tuple().one(self.domain.db()).await?;
        Ok(event.flatten().max(entry.flatten()).map(Timestamp::from_millis))
    }
}
