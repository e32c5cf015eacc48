//! The past, told step by step at its own time: for the demonstration.

use std::collections::BTreeMap;

use super::super::{markdown, tx::Tx};
use crate::{
    model::{Cause, IncidentId, IncidentStatus, NewIncident, Result, ServiceId, ServiceImpact, ServiceStatus, UserId},
    server::domain::incidents::append_update::UpdateDraft,
};

impl Tx {
    /// Sets a service's baseline, as somebody did.
    pub(in crate::server::domain) async fn set_baseline(
        &mut self,
        id: ServiceId,
        status: ServiceStatus,
        by: UserId,
    ) -> Result<()> {
        let now = self.now();
        self.settle(BTreeMap::from([(id, Some(status))]), Cause::Manual, Some(by), now).await
    }

    /// Opens an incident or plans a maintenance, as somebody did.
    pub(in crate::server::domain) async fn open_by(&mut self, new: &NewIncident, by: UserId) -> Result<IncidentId> {
        Ok(self.open(new, Some(by), None).await?.id)
    }

    /// Says something about an incident, as somebody or the clock did.
    pub(in crate::server::domain) async fn say_by(
        &mut self,
        id: IncidentId,
        (status, message): (IncidentStatus, Option<String>),
        services: Vec<ServiceImpact>,
        by: Option<UserId>,
    ) -> Result<()> {
        let mut case = self.case(id).await?;
        case.row.is_reminded = true;
        let services = (!services.is_empty()).then_some(services);
        self.say(&mut case, UpdateDraft { status, message, services, display_at: None, by, notify: true }).await?;
        let now = self.now();
        self.settle_case(case, by, now).await.map(drop)
    }

    /// Publishes what was learned from an incident.
    pub(in crate::server::domain) async fn publish_postmortem(
        &mut self,
        id: IncidentId,
        text: &str,
        by: UserId,
    ) -> Result<()> {
        let mut case = self.case(id).await?;
        case.row.postmortem = Some(text.to_owned());
        case.row.postmortem_html = Some(markdown::render(text));
        case.row.postmortem_at = Some(self.now());
        let now = self.now();
        self.settle_case(case, Some(by), now).await.map(drop)
    }
}
