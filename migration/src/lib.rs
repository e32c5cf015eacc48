//! Database migrations: one file per change, the same on SQLite, MySQL/MariaDB and PostgreSQL.
//!
//! Every tenant table has `org_id` as the first part of its primary key, and children refer to their parents with it,
//! so the database itself rejects a link between two organizations. Instants are milliseconds since 1970 in `BIGINT`,
//! ids are UUIDs, enumerations are `VARCHAR(32)`.

mod column;
mod m20261123_000001_foundation;
mod m20261123_000002_incidents;
mod m20261125_000003_teams;
mod m20261125_000004_series_drafts;
mod m20261125_000005_limits;
mod m20261125_000006_versions;
mod m20261130_000007_events;
mod m20261130_000008_sizes;
mod m20261130_000009_ends;

use sea_orm_migration::{MigrationTrait, async_trait};
pub use sea_orm_migration::{MigratorTrait, SchemaManager};

/// The migrations, oldest first.
pub struct Migrator;

#[async_trait::async_trait]
impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![
            Box::new(m20261123_000001_foundation::Migration),
            Box::new(m20261123_000002_incidents::Migration),
            Box::new(m20261125_000003_teams::Migration),
            Box::new(m20261125_000004_series_drafts::Migration),
            Box::new(m20261125_000005_limits::Migration),
            Box::new(m20261125_000006_versions::Migration),
            Box::new(m20261130_000007_events::Migration),
            Box::new(m20261130_000008_sizes::Migration),
            Box::new(m20261130_000009_ends::Migration),
        ]
    }
}
