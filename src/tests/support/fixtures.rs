//! An organization with one of everything, for tests of all endpoints.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use super::{
    app::{PASSWORD, TestApp, unique},
    clients::{Team, id_of},
    endpoints::Field,
};

/// The current time in tests whose bodies contain dates.
pub const NOW: &str = "2026-11-23T12:00:00Z";

/// The id of a token's session.
pub fn session_of(token: &str) -> String {
    let claims = URL_SAFE_NO_PAD.decode(token.split('.').nth(1).expect("a payload")).expect("base64");
    let claims: Value = serde_json::from_slice(&claims).expect("JSON");
    claims["sid"].as_str().expect("an id").to_owned()
}

/// An organization with one object of each kind.
pub struct Owner {
    pub team: Team,
    pub service: Value,
    pub group: Value,
    /// Open, with two updates.
    incident: Value,
    /// A resolved incident.
    past: Value,
    /// Scheduled, part of the series.
    maintenance: Value,
    series: Value,
    template: Value,
    token: Value,
    /// Another admin.
    colleague: Value,
    invitation: Value,
    /// Another organization of the same person.
    other: Value,
    /// Another session of the same person.
    session: String,
    /// An unused email address and page address.
    new_email: String,
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
        let incident = open_incident(&team, &service).await;
        let impact = partial_outage(&service);
        let past = json!({
            "title": "Long ago",
            "started_at": "2026-11-20T08:00:00Z",
            "resolved_at": "2026-11-20T09:00:00Z",
            "services": impact,
        });
        let past = team.post("/api/incidents", past).await.is(201);
        let (maintenance, series) = scheduled_maintenance(&team, &service).await;
        let template = new_template(&team, &service).await;
        let service = team.get(&format!("/api/services/{}", id_of(&service))).await.is(200);
        let token = new_token(&team).await;
        let colleague = team.colleague("admin").await.user;
        let invitation = team.invite("member").await.invitation;
        let other = app.register("Another").await;
        let joined = other.invite_at(&team.email, "member").await.join_with_password(app, PASSWORD).await.0;
        assert_eq!(joined.status, 200, "{}", joined.text);
        let other = other.organization;
        let session = session_of(&team.log_in_again().await.token);
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
            new_email: format!("{}@example.com", unique("new")),
            new_slug: unique("new"),
        }
    }

    /// Replaces a deleted object of this kind, if an admin can create one.
    pub async fn renew(&mut self, kind: Field) {
        let team = &self.team;
        // The others reference it.
        self.service = team.service("API").await;
        match kind {
            Field::Group => self.group = team.group("Core").await,
            Field::Incident | Field::Update => self.incident = open_incident(team, &self.service).await,
            Field::Maintenance | Field::Series => {
                (self.maintenance, self.series) = scheduled_maintenance(team, &self.service).await;
            }
            Field::Template => self.template = new_template(team, &self.service).await,
            Field::Token => self.token = new_token(team).await,
            Field::Colleague => self.colleague = team.colleague("admin").await.user,
            Field::Invitation => self.invitation = team.invite("member").await.invitation,
            _ => {}
        }
    }

    /// The kind of object that a path parameter identifies. Add new paths here.
    pub fn kind_in(path: &str, parameter: &str) -> Field {
        match (path.split('/').nth(2), parameter) {
            (Some("services"), "id") => Field::Service,
            (Some("groups"), "id") => Field::Group,
            (Some("incidents"), "id") => Field::Incident,
            (Some("incidents"), "uid") => Field::Update,
            (Some("maintenance-series"), "id") => Field::Series,
            (Some("templates"), "id") => Field::Template,
            (Some("tokens"), "id") => Field::Token,
            (Some("team"), "user_id") => Field::Colleague,
            (Some("team"), "id") => Field::Invitation,
            _ => panic!("declare the kind of {{{parameter}}} in {path}"),
        }
    }

    /// The owner's id for a path parameter.
    pub fn id_in(&self, path: &str, parameter: &str) -> &str {
        self.id_of_kind(Self::kind_in(path, parameter))
    }

    /// A path with the owner's ids.
    pub fn path(&self, path: &str) -> String {
        let parts = path.split('/').map(|part| match part.strip_prefix('{').and_then(|part| part.strip_suffix('}')) {
            Some("slug") => self.team.slug.as_str(),
            Some(name) => self.id_in(path, name),
            None => part,
        });
        parts.collect::<Vec<_>>().join("/")
    }

    /// The owner's id for a field of a body. Add new fields here.
    pub fn id_for(&self, field: &str) -> &str {
        match field {
            "group_id" => id_of(&self.group),
            "service_id" | "service_ids" | "services" => id_of(&self.service),
            _ => panic!("declare the kind of the field {field}"),
        }
    }

    /// The owner's value for a server function's field.
    pub fn id_of_kind(&self, field: Field) -> &str {
        match field {
            Field::Service | Field::Impact(_) => id_of(&self.service),
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
            Field::Email => &self.team.email,
            Field::NewEmail => &self.new_email,
            Field::NewSlug => &self.new_slug,
            Field::Plain(text) => text,
        }
    }
}

/// A partial outage of a service.
fn partial_outage(service: &Value) -> Value {
    json!([{"id": id_of(service), "status": "partial_outage"}])
}

/// An incident with two updates.
async fn open_incident(team: &Team, service: &Value) -> Value {
    let incident = team.open_incident(json!({"title": "Outage", "services": partial_outage(service)})).await;
    team.post_update(&incident, json!({"message": "Found it."})).await;
    team.incident(&incident).await
}

/// A recurring maintenance and its series.
async fn scheduled_maintenance(team: &Team, service: &Value) -> (Value, Value) {
    let new = json!({
        "title": "Upgrade",
        "incident_type": "maintenance",
        "starts_at": "2026-12-02T02:00:00Z",
        "ends_at": "2026-12-02T03:00:00Z",
        "service_ids": [id_of(service)],
        "recurrence": "FREQ=WEEKLY;COUNT=2",
    });
    let maintenance = team.open_incident(new).await;
    let series = team.get("/api/maintenance-series").await.is(200);
    let found = series.as_array().expect("a list").iter().find(|series| series["id"] == maintenance["series_id"]);
    (maintenance.clone(), found.expect("its series").clone())
}

async fn new_template(team: &Team, service: &Value) -> Value {
    let new = json!({"name": "Slow", "title": "{{services}} slow", "services": partial_outage(service)});
    team.post("/api/templates", new).await.is(201)
}

async fn new_token(team: &Team) -> Value {
    team.post("/api/tokens", json!({"name": "Pipeline"})).await.is(201)
}
