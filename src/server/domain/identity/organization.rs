//! Settings of the organization: its name and time zone.

use serde_json::json;

use super::people::organization_of;
use crate::{
    model::{
        Action, Event, Organization, Result,
        check::{Check, NAME_MAX},
    },
    server::domain::{Admin, Viewer, audit::AuditEvent, tx::Tx, zones},
};

impl Viewer {
    /// The names of the time zones to choose from.
    #[must_use]
    #[expect(clippy::unused_self, reason = "the handle is the permission")]
    pub fn time_zones(&self) -> Vec<String> {
        zones::names().into_iter().map(str::to_owned).collect()
    }
}

impl Admin {
    /// Renames the organization, on its page too.
    ///
    /// # Errors
    /// `invalid` when the name is empty or too long.
    pub async fn rename_organization(&self, name: &str) -> Result<Organization> {
        let mut check = Check::default();
        let name = check.line("name", name, NAME_MAX);
        check.finish()?;
        let mut tx = self.begin().await?;
        if tx.organization().name != name {
            let change = (json!({"name": tx.organization().name}), json!({"name": name}));
            tx.audit(audit_event(&tx).changing(&change.0, &change.1));
            tx.organization_mut().name = name;
            tx.emit(Event::PageUpdated {})?;
        }
        let organization = organization_of(tx.organization().clone())?;
        tx.commit().await?;
        Ok(organization)
    }

    /// Sets the time zone of the organization's page.
    ///
    /// # Errors
    /// `invalid` for an unknown time zone.
    pub async fn set_time_zone(&self, name: &str) -> Result<()> {
        let name = zones::canonical(name)?;
        let mut tx = self.begin().await?;
        if tx.organization().time_zone != name {
            let change = (json!({"time_zone": tx.organization().time_zone}), json!({"time_zone": name}));
            tx.audit(audit_event(&tx).changing(&change.0, &change.1));
            tx.organization_mut().time_zone = name;
            tx.emit(Event::PageUpdated {})?;
        }
        tx.commit().await
    }
}

/// An audit event about the organization.
fn audit_event(tx: &Tx) -> AuditEvent {
    let organization = tx.organization();
    AuditEvent::new(Action::OrganizationChanged).on("organization", organization.id, &organization.name)
}
