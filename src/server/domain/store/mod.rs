//! Rows: private to the domain. Connects, migrates, and knows what differs between the three databases.

mod accounts;
mod columns;
mod connect;
mod credentials;
mod events;
mod incidents;
mod maintenance;
mod scope;
mod services;

pub use accounts::{membership, organization, session, user_account};
pub use connect::{Unreachable, backup, begin, connect, migrate, pending_migrations, snapshot};
pub use credentials::{api_token, audit_entry, invitation, password_reset, recovery_code};
pub use events::event;
pub use incidents::{incident, incident_impact, incident_service, incident_update};
pub use maintenance::{idempotency_key, incident_template, job_lease, maintenance_series, presence};
pub use scope::{Scope, Tenant};
pub use services::{service, service_group, status_change};
