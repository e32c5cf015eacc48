//! An organization with content on each of its public pages.

use serde_json::{Value, json};

use super::{
    app::TestApp,
    clients::{Team, id_of},
};

/// The current time in these tests: a Monday.
pub const NOW: &str = "2026-11-23T10:00:00Z";

/// A page with an open incident, a scheduled maintenance and a past incident.
pub struct ReportedPage {
    pub team: Team,
    pub service: Value,
    pub open: Value,
    pub planned: Value,
    pub over: Value,
}

impl ReportedPage {
    pub async fn by(team: Team, prefix: &str) -> Self {
        let service = team.service(&format!("{prefix} service")).await;
        let open = json!({
            "title": format!("{prefix} open"),
            "message": format!("{prefix} first **message**"),
            "services": [{"id": id_of(&service), "status": "partial_outage"}],
        });
        let open = team.post("/api/incidents", open).await.is(201);
        let planned = json!({
            "title": format!("{prefix} planned"),
            "message": format!("{prefix} plan"),
            "incident_type": "maintenance",
            "starts_at": "2026-11-25T01:00:00Z",
            "ends_at": "2026-11-25T02:00:00Z",
            "service_ids": [id_of(&service)],
        });
        let planned = team.post("/api/incidents", planned).await.is(201);
        let over = over(&team, &format!("{prefix} over"), "2026-11-20T08:00:00Z", "2026-11-20T09:15:00Z").await;
        Self { team, service, open, planned, over }
    }

    pub async fn at(app: &TestApp) -> Self {
        Self::by(app.register("Acme Cloud").await, "Beacon").await
    }

    pub fn home(&self) -> String {
        format!("/public/{}", self.team.slug)
    }

    pub fn path(&self, incident: &Value) -> String {
        format!("{}/incidents/{}", self.home(), id_of(incident))
    }

    /// Every public page and document.
    pub fn everywhere(&self) -> Vec<String> {
        let (home, api) = (self.home(), format!("/api/public/{}", self.team.slug));
        let mut all = vec![home.clone(), format!("{home}/history"), format!("{home}/history?month=2026-11")];
        all.extend([&self.open, &self.planned, &self.over].map(|incident| self.path(incident)));
        all.extend([format!("{api}/status"), format!("{api}/timeline")]);
        all
    }

    pub async fn update(&self, update: Value) -> Value {
        self.team.post(&format!("/api/incidents/{}/updates", id_of(&self.open)), update).await.is(201)
    }

    pub async fn change(&self, incident: &Value, patch: Value) {
        self.team.put(&format!("/api/incidents/{}", id_of(incident)), patch).await.is(200);
    }
}

/// A past incident.
pub async fn over(team: &Team, title: &str, from: &str, to: &str) -> Value {
    let past = json!({"title": title, "message": format!("{title} again"), "started_at": from, "resolved_at": to});
    team.post("/api/incidents", past).await.is(201)
}
