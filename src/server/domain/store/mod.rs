//! Storage, private to the domain: rows, scoped queries, connections and migrations for three kinds of database.

mod accounts;
mod audit;
mod batch;
mod columns;
mod connect;
mod coordination;
mod credentials;
mod events;
mod incidents;
mod maintenance;
mod pools;
mod pruning;
mod scope;
mod services;
mod sqlite_writer;
#[cfg(test)]
pub mod statement_log;
mod upkeep;
mod write_queue;
mod write_tx;

pub use accounts::{membership, organization, session, user_account};
pub use audit::audit_entry;
pub use batch::{VALUES_MAX, changes, insert_all, insertion, save_all, upsert};
pub use connect::Unreachable;
pub use coordination::{idempotency_key, job_lease, presence};
pub use credentials::{api_token, invitation, password_reset, recovery_code};
pub use events::{event, event_epoch};
pub use incidents::{incident, incident_impact, incident_service, incident_update};
pub use maintenance::{incident_template, maintenance_series};
pub use pools::{Pools, snapshot};
pub use pruning::{DELETION_BATCH, batch_deletion, count_within, database_time, is_pruning_due, prune_events};
pub use scope::{Scope, Tenant};
pub use services::{service, service_group, status_change};
pub use upkeep::{ApiTokens, Restored, backup, epoch, finish_import, migrate, pending_migrations, restore};
pub use write_queue::Lane;
pub use write_tx::WriteTx;
