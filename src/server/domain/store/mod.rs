//! Storage, private to the domain: rows, scoped queries, connections and migrations for three kinds of database.

mod accounts;
mod audit;
mod columns;
mod connect;
mod coordination;
mod credentials;
mod events;
mod incidents;
mod maintenance;
mod pools;
mod scope;
mod services;
mod upkeep;
mod write_queue;
mod write_tx;

pub use accounts::{membership, organization, session, user_account};
pub use audit::audit_entry;
pub use connect::Unreachable;
pub use coordination::{idempotency_key, job_lease, presence};
pub use credentials::{api_token, invitation, password_reset, recovery_code};
pub use events::event;
pub use incidents::{incident, incident_impact, incident_service, incident_update};
pub use maintenance::{incident_template, maintenance_series};
pub use pools::{Pools, snapshot};
pub use scope::{Scope, Tenant};
pub use services::{service, service_group, status_change};
pub use upkeep::{backup, migrate, pending_migrations};
pub use write_queue::Lane;
pub use write_tx::WriteTx;
