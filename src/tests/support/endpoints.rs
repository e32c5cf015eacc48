//! The doors of the server, as it knows them itself: the operations of the OpenAPI document and the registered server
//! functions. Tests that attack every door begin here, so that a new one is attacked on the day it is written.

use axum::http::Method;
use serde_json::Value;

use super::app::{PASSWORD, TestApp};

/// What a field of a server function holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Field {
    /// The id of a service.
    Service,
    /// The id of a group.
    Group,
    /// The id of an open incident.
    Incident,
    /// The id of an update of that incident.
    Update,
    /// The id of an incident that is over.
    Past,
    /// The id of a planned maintenance.
    Maintenance,
    /// The id of a series of maintenances.
    Series,
    /// The id of a template.
    Template,
    /// The id of an API token.
    Token,
    /// The id of another member.
    Colleague,
    /// The id of an invitation that stands.
    Invitation,
    /// The id of another organization of the same person.
    Organization,
    /// The id of another session of theirs.
    Session,
    /// What is said of a service, whose id stands in the field's name in place of `{}`.
    Said(&'static str),
    /// The address by which the owner signs in.
    Address,
    /// An e-mail address that nobody has.
    NewAddress,
    /// A page address that nobody has.
    NewSlug,
    /// Something that names nobody's property.
    Plain(&'static str),
}

impl Field {
    /// Whether it names something that belongs to an organization, or to somebody.
    pub const fn is_owned(self) -> bool {
        !matches!(self, Self::Address | Self::NewAddress | Self::NewSlug | Self::Plain(_))
    }

    /// Whether it names something of a person, not of an organization.
    pub const fn is_personal(self) -> bool {
        matches!(self, Self::Organization | Self::Session)
    }
}

/// Who may call a server function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Guard {
    /// Anybody.
    Open,
    /// Who is signed in.
    Session,
    /// Who is signed in and has more to show than an organization with one of everything does: these functions have
    /// tests of their own.
    Person,
}

/// A server function, and how to call it rightly.
#[derive(Clone, Copy, Debug)]
pub struct Function {
    pub name: &'static str,
    pub guard: Guard,
    pub fields: &'static [(&'static str, Field)],
}

/// Every server function there is. One that is not declared here fails a test.
pub const FUNCTIONS: &[Function] = &[
    open(
        "register",
        &[
            ("organization_name", Field::Plain("Acme")),
            ("slug", Field::NewSlug),
            ("name", Field::Plain("Ada")),
            ("email", Field::NewAddress),
            ("password", Field::Plain(PASSWORD)),
        ],
    ),
    open("login", &[("email", Field::Address), ("password", Field::Plain(PASSWORD))]),
    open("logout", &[]),
    open("login_code", &[("code", Field::Plain("000000"))]),
    open("sends_mail", &[]),
    open("request_password_reset", &[("email", Field::Plain("nobody@example.com"))]),
    open("reset_password", &[("token", Field::Plain("x")), ("password", Field::Plain("wrong"))]),
    session("my_account", &[]),
    session("change_name", &[("name", Field::Plain("Ada King"))]),
    person("change_email", &[("email", Field::NewAddress), ("password", Field::Plain(PASSWORD))]),
    person(
        "change_password",
        &[("password", Field::Plain(PASSWORD)), ("new_password", Field::Plain("seven quiet harbours at dawn 12"))],
    ),
    person("confirm_password", &[("password", Field::Plain(PASSWORD))]),
    session("revoke_session", &[("id", Field::Session)]),
    session("revoke_other_sessions", &[]),
    person("begin_second_factor", &[]),
    person("show_second_factor", &[]),
    person("enable_second_factor", &[("code", Field::Plain("000000"))]),
    person("disable_second_factor", &[("password", Field::Plain(PASSWORD))]),
    person("renew_recovery_codes", &[("password", Field::Plain(PASSWORD))]),
    session("me", &[]),
    session("board", &[]),
    session("service_history", &[("id", Field::Service)]),
    session("add_service", &[("name", Field::Plain("API")), ("group_id", Field::Group)]),
    session("edit_service", &[("id", Field::Service), ("name", Field::Plain("API")), ("group_id", Field::Plain(""))]),
    session("set_service_status", &[("id", Field::Service), ("status", Field::Plain("major_outage"))]),
    session("move_service", &[("id", Field::Service), ("direction", Field::Plain("up"))]),
    session("delete_service", &[("id", Field::Service), ("confirm", Field::Plain("API"))]),
    session("add_group", &[("name", Field::Plain("Core"))]),
    session("rename_group", &[("id", Field::Group), ("name", Field::Plain("Stolen"))]),
    session("move_group", &[("id", Field::Group), ("direction", Field::Plain("down"))]),
    session("delete_group", &[("id", Field::Group)]),
    session("rename_organization", &[("name", Field::Plain("Renamed"))]),
    session("set_time_zone", &[("time_zone", Field::Plain("Europe/Berlin"))]),
    session("time_zones", &[]),
    session("incidents", &[]),
    session("room", &[("id", Field::Incident)]),
    session("here", &[("id", Field::Incident)]),
    session("preview_message", &[("message", Field::Plain("*x*"))]),
    session("form_key", &[]),
    session("open_incident", &[("title", Field::Plain("Down")), SAID]),
    session(
        "backfill_incident",
        &[
            ("title", Field::Plain("Was down")),
            ("started_at", Field::Plain("2026-11-20T08:00")),
            ("resolved_at", Field::Plain("2026-11-20T09:00")),
            SAID,
        ],
    ),
    session("post_update", &[("id", Field::Incident), ("message", Field::Plain("Better.")), SAID]),
    session("edit_incident", &[("id", Field::Incident), ("title", Field::Plain("Worse"))]),
    session("detach_service", &[("id", Field::Incident), ("service", Field::Service)]),
    session("publish_incident", &[("id", Field::Incident)]),
    session(
        "edit_update",
        &[("id", Field::Incident), ("update_id", Field::Update), ("message", Field::Plain("Corrected."))],
    ),
    session("delete_update", &[("id", Field::Incident), ("update_id", Field::Update)]),
    session("write_postmortem", &[("id", Field::Past), ("postmortem", Field::Plain("Why."))]),
    session("delete_incident", &[("id", Field::Incident), ("confirm", Field::Plain("Outage"))]),
    session("templates", &[]),
    session("filled_template", &[("id", Field::Template)]),
    session(
        "save_template",
        &[("id", Field::Template), ("name", Field::Plain("Slow")), ("title", Field::Plain("Slow")), SAID],
    ),
    session("delete_template", &[("id", Field::Template)]),
    session(
        "schedule_maintenance",
        &[
            ("title", Field::Plain("Work")),
            ("starts", Field::Plain("2026-12-05T02:00")),
            ("ends", Field::Plain("2026-12-05T03:00")),
            SAID,
        ],
    ),
    session("reschedule", &[("id", Field::Maintenance), ("ends", Field::Plain("2026-12-02T04:00"))]),
    session("set_automations", &[("id", Field::Maintenance), ("remind", Field::Plain("on"))]),
    session("past_maintenances", &[]),
    session("planned_maintenances", &[]),
    session("conflicts", &[SAID]),
    session("series_list", &[]),
    session("end_series", &[("id", Field::Series)]),
    session("api_tokens", &[]),
    session(
        "create_api_token",
        &[("name", Field::Plain("CI")), ("scope", Field::Plain("read")), ("days", Field::Plain("90"))],
    ),
    session("revoke_api_token", &[("id", Field::Token)]),
    session("audit_log", &[]),
    session("team_members", &[]),
    session("list_invitations", &[]),
    session("invite_member", &[("email", Field::NewAddress), ("role", Field::Plain("member"))]),
    session("revoke_invitation", &[("id", Field::Invitation)]),
    session("set_member_role", &[("id", Field::Colleague), ("role", Field::Plain("member"))]),
    session("remove_member", &[("id", Field::Colleague)]),
    session("leave_organization", &[]),
    session("my_organizations", &[]),
    session("switch_organization", &[("id", Field::Organization)]),
    session("create_organization", &[("organization_name", Field::Plain("Second")), ("slug", Field::NewSlug)]),
    open("view_reset", &[("token", Field::Plain("nobody's"))]),
    open("view_invitation", &[("token", Field::Plain("nobody's"))]),
    open(
        "join_as_new",
        &[("token", Field::Plain("nobody's")), ("name", Field::Plain("Ada")), ("password", Field::Plain(""))],
    ),
    open("join_with_password", &[("token", Field::Plain("nobody's")), ("password", Field::Plain(""))]),
    // Needs a session and an invitation of its person: see `identity/invitations.rs`.
    open("accept_invitation", &[("token", Field::Plain("nobody's"))]),
];

/// What a form says of a service.
const SAID: (&str, Field) = ("services[of-{}]", Field::Said("degraded"));

const fn open(name: &'static str, fields: &'static [(&'static str, Field)]) -> Function {
    Function { name, guard: Guard::Open, fields }
}

const fn session(name: &'static str, fields: &'static [(&'static str, Field)]) -> Function {
    Function { name, guard: Guard::Session, fields }
}

const fn person(name: &'static str, fields: &'static [(&'static str, Field)]) -> Function {
    Function { name, guard: Guard::Person, fields }
}

/// The addresses of the server functions that exist.
pub fn registered() -> Vec<&'static str> {
    let mut paths: Vec<_> = server_fn::axum::server_fn_paths()
        .map(|(path, method)| {
            assert_eq!(method, Method::POST, "{path} would be changed by a link");
            path
        })
        .collect();
    paths.sort_unstable();
    paths
}

/// The address of a server function.
pub fn path_to(name: &str) -> &'static str {
    let mut named = registered().into_iter().filter(|path| path.rsplit('/').next() == Some(name));
    let path = named.next().unwrap_or_else(|| panic!("there is no server function {name}"));
    assert_eq!(named.next(), None, "two server functions have the name {name}");
    path
}

/// The fields of a function, with `id` in place of what belongs to somebody.
pub fn fields<'a>(function: &Function, id: impl Fn(Field) -> &'a str) -> Vec<(String, &'a str)> {
    let filled = |(name, field): &(&str, Field)| match *field {
        Field::Plain(text) => ((*name).to_owned(), text),
        Field::Said(status) => (name.replace("{}", id(*field)), status),
        owned => ((*name).to_owned(), id(owned)),
    };
    function.fields.iter().map(filled).collect()
}

/// Fields as they are sent.
pub fn pairs<'a>(fields: &'a [(String, &'a str)]) -> Vec<(&'a str, &'a str)> {
    fields.iter().map(|(name, value)| (name.as_str(), *value)).collect()
}

/// An operation of the OpenAPI document.
#[derive(Clone, Debug)]
pub struct Operation {
    pub method: Method,
    pub path: String,
    pub detail: Value,
    pub is_secured: bool,
}

impl Operation {
    /// The operation as people name it.
    pub fn title(&self) -> String {
        format!("{} {}", self.method, self.path)
    }

    /// The names of the parameters in the path.
    pub fn parameters(&self) -> Vec<&str> {
        let parts = self.path.split('/');
        parts.filter_map(|part| part.strip_prefix('{')?.strip_suffix('}')).collect()
    }

    /// The name and schema of its body.
    pub fn body<'a>(&self, document: &'a Value) -> Option<(String, &'a Value)> {
        let reference = self.detail["requestBody"]["content"]["application/json"]["schema"]["$ref"].as_str()?;
        let name = reference.rsplit('/').next()?.to_owned();
        let schema = &document["components"]["schemas"][&name];
        Some((name, schema))
    }

    /// A body it accepts.
    pub fn example(&self, document: &Value) -> Option<Value> {
        let (name, schema) = self.body(document)?;
        let example = schema.get("example").or_else(|| schema["examples"].get(0));
        Some(
            example.unwrap_or_else(|| panic!("{name} needs an example, so that its operation can be attacked")).clone(),
        )
    }

    /// Every body it shows.
    pub fn examples(&self, document: &Value) -> Vec<Value> {
        let named = self.detail["requestBody"]["content"]["application/json"]["examples"].as_object();
        let named = named.into_iter().flatten().map(|(_, example)| example["value"].clone());
        self.example(document).into_iter().chain(named).collect()
    }

    /// Every body it shows for what stands at its path, made for somebody who has this service: what it names is theirs,
    /// and the present version.
    pub fn examples_for(&self, document: &Value, service: &str) -> Vec<Value> {
        let usual = self.examples(document).into_iter().filter(|body| self.subject(body).is_none());
        usual.map(|body| made_for(&body, service)).collect()
    }

    /// What a body is about, where that is not any incident.
    pub fn subject(&self, body: &Value) -> Option<Field> {
        let has = |fields: &[&str]| fields.iter().any(|field| body.get(field).is_some());
        let is_change = self.method == Method::PUT && self.path == "/api/incidents/{id}";
        match () {
            () if is_change && has(&["starts_at", "ends_at", "automations"]) => Some(Field::Maintenance),
            () if is_change && has(&["postmortem"]) => Some(Field::Past),
            () => None,
        }
    }
}

/// A body of the document for somebody who has this service.
pub fn made_for(body: &Value, service: &str) -> Value {
    let text = body.to_string().replace(EXAMPLE_SERVICE, service);
    let mut body: Value = serde_json::from_str(&text).expect("JSON");
    body.as_object_mut().expect("an object").remove("version");
    body
}

/// The service of the document's examples.
const EXAMPLE_SERVICE: &str = "01936f3e-8a10-7c3e-9d52-0b6f5a1c2d3e";

/// The document programs read.
pub async fn document(app: &TestApp) -> Value {
    app.get("/api/openapi.json").await.is(200)
}

/// Every operation in it.
pub fn operations(document: &Value) -> Vec<Operation> {
    let mut all = Vec::new();
    for (path, item) in document["paths"].as_object().expect("paths") {
        for (method, detail) in item.as_object().expect("operations") {
            let method = method.to_uppercase().parse().expect("a method");
            let is_secured = detail["security"].as_array().is_some_and(|ways| !ways.is_empty());
            all.push(Operation { method, path: path.clone(), detail: detail.clone(), is_secured });
        }
    }
    assert!(all.len() > 10, "the document has lost its operations");
    all
}
