//! An organization that has one of everything, for tests that go to every door there is.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use super::{
    PASSWORD, TestApp,
    clients::{Team, id_of},
    doors::Field,
    unique,
};

/// The present of tests whose bodies hold dates.
pub const NOW: &str = "2026-11-23T12:00:00Z";

/// The session a token names.
pub fn session_of(token: &str) -> String {
    let claims = URL_SAFE_NO_PAD.decode(token.split('.').nth(1).expect("a payload")).expect("base64");
    let claims: Value = serde_json::from_slice(&claims).expect("JSON");
    claims["sid"].as_str().expect("an id").to_owned()
}

/// An organization with one of everything that has an id.
pub struct Owner {
    pub team: Team,
    pub service: Value,
    pub group: Value,
    /// Open, with two updates.
    incident: Value,
    /// Over.
    past: Value,
    /// Planned, one of the series.
    maintenance: Value,
    series: Value,
    template: Value,
    token: Value,
    /// Another admin.
    colleague: Value,
    invitation: Value,
    /// Another organization, of which the same person is a member.
    other: Value,
    /// Another session of the same person.
    session: String,
    /// An e-mail address and a page address that nobody has.
    new_address: String,
    new_slug: String,
}

impl Owner {
    pub async fn of(app: &TestApp, name: &str) -> Self {
        let team = app.register(name).await;
        let group = team.group("Core").await;
        let new = json!({"name": "API", "group_id": id_of(&group)});
        let service = team.post("/api/services", new).await.is(201);
        team.service("Second").await;
        team.change(&service, json!({"status": "degraded"})).await;
        team.change(&service, json!({"status": "operational"})).await;
        let said = json!([{"id": id_of(&service), "status": "partial_outage"}]);
        let incident = team.post("/api/incidents", json!({"title": "Outage", "services": said})).await.is(201);
        let path = format!("/api/incidents/{}", id_of(&incident));
        team.post(&format!("{path}/updates"), json!({"message": "Found it."})).await.is(201);
        let incident = team.get(&path).await.is(200);
        let past = json!({
            "title": "Long ago",
            "started_at": "2026-11-20T08:00:00Z",
            "resolved_at": "2026-11-20T09:00:00Z",
            "services": said,
        });
        let past = team.post("/api/incidents", past).await.is(201);
        let maintenance = json!({
            "title": "Upgrade",
            "incident_type": "maintenance",
            "starts_at": "2026-12-02T02:00:00Z",
            "ends_at": "2026-12-02T03:00:00Z",
            "service_ids": [id_of(&service)],
            "recurrence": "FREQ=WEEKLY;COUNT=2",
        });
        let maintenance = team.post("/api/incidents", maintenance).await.is(201);
        let series = team.get("/api/maintenance-series").await.is(200)[0].clone();
        let template = json!({"name": "Slow", "title": "{{services}} slow", "services": said});
        let template = team.post("/api/templates", template).await.is(201);
        let service = team.get(&format!("/api/services/{}", id_of(&service))).await.is(200);
        let token = team.post("/api/tokens", json!({"name": "Pipeline"})).await.is(201);
        let colleague = team.colleague("admin").await.user;
        let invitation = team.invite("member").await.invitation;
        let other = app.register("Another").await;
        let joined = other.invite_at(&team.email, "member").await.join_with_password(app, PASSWORD).await.0;
        assert_eq!(joined.status, 200, "{}", joined.text);
        let other = other.organization;
        let session = session_of(&team.back().await.token);
        Self {
            team,
            service,
            group,
            incident,
            past,
            maintenance,
            series,
            template,
            token,
            colleague,
            invitation,
            other,
            session,
            new_address: format!("{}@example.com", unique("new")),
            new_slug: unique("new"),
        }
    }

    /// The owner's own id for a parameter of a path. A path of a new kind must be added here.
    pub fn id_in(&self, path: &str, parameter: &str) -> &str {
        match (path.split('/').nth(2), parameter) {
            (Some("services"), "id") => id_of(&self.service),
            (Some("groups"), "id") => id_of(&self.group),
            (Some("incidents"), "id") => id_of(&self.incident),
            (Some("incidents"), "uid") => id_of(&self.incident["updates"][0]),
            (Some("maintenance-series"), "id") => id_of(&self.series),
            (Some("templates"), "id") => id_of(&self.template),
            (Some("tokens"), "id") => id_of(&self.token),
            (Some("team"), "user_id") => id_of(&self.colleague),
            (Some("team"), "id") => id_of(&self.invitation),
            _ => panic!("say which id of an organization's own belongs in {{{parameter}}} of {path}"),
        }
    }

    /// A path with the owner's own ids in it.
    pub fn path(&self, path: &str) -> String {
        let parts = path.split('/').map(|part| match part.strip_prefix('{').and_then(|part| part.strip_suffix('}')) {
            Some("slug") => self.team.slug.as_str(),
            Some(name) => self.id_in(path, name),
            None => part,
        });
        parts.collect::<Vec<_>>().join("/")
    }

    /// The owner's own id for a field of a body. A field of a new kind must be added here.
    pub fn id_for(&self, field: &str) -> &str {
        match field {
            "group_id" => id_of(&self.group),
            "service_id" | "service_ids" | "services" => id_of(&self.service),
            _ => panic!("say which id of an organization's own belongs in the field {field}"),
        }
    }

    /// The owner's own id for a field of a server function.
    pub fn id_of_kind(&self, field: Field) -> &str {
        match field {
            Field::Service | Field::Said(_) => id_of(&self.service),
            Field::Group => id_of(&self.group),
            Field::Incident => id_of(&self.incident),
            Field::Update => id_of(&self.incident["updates"][0]),
            Field::Past => id_of(&self.past),
            Field::Maintenance => id_of(&self.maintenance),
            Field::Series => id_of(&self.series),
            Field::Template => id_of(&self.template),
            Field::Token => id_of(&self.token),
            Field::Colleague => id_of(&self.colleague),
            Field::Invitation => id_of(&self.invitation),
            Field::Organization => id_of(&self.other),
            Field::Session => &self.session,
            Field::Address => &self.team.email,
            Field::NewAddress => &self.new_address,
            Field::NewSlug => &self.new_slug,
            Field::Plain(text) => text,
        }
    }
}
