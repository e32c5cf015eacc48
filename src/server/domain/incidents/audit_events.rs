//! Audit events about incidents and maintenances.

use super::super::{audit::AuditEvent, store::incident};
use crate::model::{Action, Incident};

/// An audit event about an incident or a maintenance.
pub(super) fn audit_event(action: Action, incident: &Incident) -> AuditEvent {
    AuditEvent::new(action).on(incident.incident_type.as_str(), incident.id, &incident.title)
}

/// As [`audit_event`], from its row.
pub(super) fn row_audit_event(action: Action, row: &incident::Model) -> AuditEvent {
    AuditEvent::new(action).on(row.kind.as_str(), row.id, &row.title)
}
