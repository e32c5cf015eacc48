//! The permission that each endpoint requires: operations, server functions, pages and other routes. The authorization
//! matrix tests them, and fails for an endpoint that is not declared here.

use crate::tests::support::{
    app::PASSWORD,
    endpoints::Field::{
        self, Colleague, Email, Group, Impact, Incident, Invitation, Maintenance, NewEmail, NewSlug, Organization,
        Past, Plain, Series, Service, Session, Template, Token, Update,
    },
};

/// A permission.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Right {
    /// None.
    Open,
    /// To read what members see, with a session or an API token.
    Viewer,
    /// To change what members change, with a session or a token with write scope.
    Member,
    /// A session.
    Person,
    /// An admin's session.
    Admin,
    /// A recently re-authenticated session.
    Reauthenticated,
    /// A recently re-authenticated admin's session.
    ReauthenticatedAdmin,
    /// A secret in the request, from any caller. Without it, all callers get the same error.
    Secret,
}

/// The permission of each operation.
pub const OPERATIONS: &[(&str, Right)] = &[
    ("POST /api/auth/login", Right::Open),
    ("POST /api/auth/register", Right::Open),
    ("GET /api/public/{slug}/live", Right::Open),
    ("GET /api/public/{slug}/status", Right::Open),
    ("GET /api/public/{slug}/timeline", Right::Open),
    ("GET /api/auth/me", Right::Viewer),
    ("GET /api/live", Right::Viewer),
    ("GET /api/groups", Right::Viewer),
    ("GET /api/groups/{id}", Right::Viewer),
    ("GET /api/incidents", Right::Viewer),
    ("GET /api/incidents/{id}", Right::Viewer),
    ("GET /api/maintenance-series", Right::Viewer),
    ("GET /api/services", Right::Viewer),
    ("GET /api/services/{id}", Right::Viewer),
    ("GET /api/services/{id}/history", Right::Viewer),
    ("GET /api/services/{id}/uptime", Right::Viewer),
    ("GET /api/team", Right::Viewer),
    ("GET /api/templates", Right::Viewer),
    ("POST /api/groups", Right::Member),
    ("PUT /api/groups/{id}", Right::Member),
    ("DELETE /api/groups/{id}", Right::Member),
    ("POST /api/incidents", Right::Member),
    ("PUT /api/incidents/{id}", Right::Member),
    ("DELETE /api/incidents/{id}", Right::Member),
    ("POST /api/incidents/{id}/updates", Right::Member),
    ("PUT /api/incidents/{id}/updates/{uid}", Right::Member),
    ("DELETE /api/incidents/{id}/updates/{uid}", Right::Member),
    ("DELETE /api/maintenance-series/{id}", Right::Member),
    ("POST /api/services", Right::Member),
    ("PUT /api/services/{id}", Right::Member),
    ("DELETE /api/services/{id}", Right::Member),
    ("POST /api/templates", Right::Member),
    ("PUT /api/templates/{id}", Right::Member),
    ("DELETE /api/templates/{id}", Right::Member),
    ("POST /api/auth/logout", Right::Person),
    ("GET /api/audit", Right::Admin),
    ("GET /api/audit.csv", Right::Admin),
    ("PUT /api/team/{user_id}", Right::Admin),
    ("DELETE /api/team/{user_id}", Right::Admin),
    ("GET /api/team/invitations", Right::Admin),
    ("POST /api/team/invitations", Right::Admin),
    ("DELETE /api/team/invitations/{id}", Right::Admin),
    ("GET /api/tokens", Right::Admin),
    ("POST /api/tokens", Right::ReauthenticatedAdmin),
    ("DELETE /api/tokens/{id}", Right::ReauthenticatedAdmin),
];

/// A server function, the permission it requires, and fields it accepts.
#[derive(Clone, Copy, Debug)]
pub struct Function {
    pub name: &'static str,
    pub right: Right,
    fields: &'static [(&'static str, Field)],
    has_own_tests: bool,
}

impl Function {
    /// For functions that need more than an organization with one of everything, such as a code or an invitation.
    const fn with_own_tests(self) -> Self {
        Self { has_own_tests: true, ..self }
    }

    /// Whether it needs a session.
    pub const fn needs_session(&self) -> bool {
        !matches!(self.right, Right::Open | Right::Secret)
    }

    /// Whether an admin of an organization with one of everything can call it with these fields alone.
    pub const fn is_callable(&self) -> bool {
        self.needs_session() && !self.has_own_tests
    }

    /// The kinds of its fields.
    pub fn kinds(&self) -> impl Iterator<Item = Field> {
        self.fields.iter().map(|(_, field)| *field)
    }

    /// Its fields, with `id` for those that name something.
    pub fn fields<'a>(&self, id: impl Fn(Field) -> &'a str) -> Vec<(String, &'a str)> {
        let filled = |(name, field): &(&str, Field)| match *field {
            Plain(text) => ((*name).to_owned(), text),
            Impact(status) => (name.replace("{}", id(*field)), status),
            other => ((*name).to_owned(), id(other)),
        };
        self.fields.iter().map(filled).collect()
    }
}

/// Every server function. A test fails for one that is missing here.
pub const FUNCTIONS: &[Function] = &[
    open(
        "register",
        &[
            ("organization_name", Plain("Acme")),
            ("slug", NewSlug),
            ("name", Plain("Ada")),
            ("email", NewEmail),
            ("password", Plain(PASSWORD)),
        ],
    ),
    open("login", &[("email", Email), ("password", Plain(PASSWORD))]),
    open("logout", &[]),
    open("sends_mail", &[]),
    open("request_password_reset", &[("email", Plain("nobody@example.com"))]),
    secret("login_code", &[("code", Plain("000000"))]),
    secret("reset_password", &[("token", Plain("x")), ("password", Plain("wrong"))]),
    secret("view_reset", &[("token", Plain("nobody's"))]),
    secret("view_invitation", &[("token", Plain("nobody's"))]),
    secret("join_as_new", &[("token", Plain("nobody's")), ("name", Plain("Ada")), ("password", Plain(""))]),
    secret("join_with_password", &[("token", Plain("nobody's")), ("password", Plain(""))]),
    viewer("me", &[]),
    viewer("board", &[]),
    viewer("service_history", &[("id", Service)]),
    viewer("time_zones", &[]),
    viewer("incidents", &[]),
    viewer("room", &[("id", Incident)]),
    person("here", &[("id", Incident)]),
    viewer("preview_message", &[("message", Plain("*x*"))]),
    viewer("form_key", &[]),
    viewer("templates", &[]),
    viewer("filled_template", &[("id", Template)]),
    viewer("past_maintenances", &[]),
    viewer("planned_maintenances", &[]),
    viewer("conflicts", &[IMPACT]),
    viewer("series_list", &[]),
    viewer("team_members", &[]),
    member("add_service", &[("name", Plain("API")), ("group_id", Group)]),
    member("edit_service", &[("id", Service), ("name", Plain("API")), ("group_id", Plain(""))]),
    member("set_service_status", &[("id", Service), ("status", Plain("major_outage"))]),
    member("move_service", &[("id", Service), ("direction", Plain("up"))]),
    member("delete_service", &[("id", Service), ("confirm", Plain("API"))]),
    member("add_group", &[("name", Plain("Core"))]),
    member("rename_group", &[("id", Group), ("name", Plain("Stolen"))]),
    member("move_group", &[("id", Group), ("direction", Plain("down"))]),
    member("delete_group", &[("id", Group)]),
    member("open_incident", &[("title", Plain("Down")), IMPACT]),
    member(
        "backfill_incident",
        &[
            ("title", Plain("Was down")),
            ("started_at", Plain("2026-11-20T08:00")),
            ("resolved_at", Plain("2026-11-20T09:00")),
            IMPACT,
        ],
    ),
    member("post_update", &[("id", Incident), ("message", Plain("Better.")), IMPACT]),
    member("edit_incident", &[("id", Incident), ("title", Plain("Worse"))]),
    member("detach_service", &[("id", Incident), ("service", Service)]),
    member("publish_incident", &[("id", Incident)]),
    member("edit_update", &[("id", Incident), ("update_id", Update), ("message", Plain("Corrected."))]),
    member("delete_update", &[("id", Incident), ("update_id", Update)]),
    member("write_postmortem", &[("id", Past), ("postmortem", Plain("Why."))]),
    member("delete_incident", &[("id", Incident), ("confirm", Plain("Outage"))]),
    member("save_template", &[("id", Template), ("name", Plain("Slow")), ("title", Plain("Slow")), IMPACT]),
    member("delete_template", &[("id", Template)]),
    member(
        "schedule_maintenance",
        &[("title", Plain("Work")), ("starts", Plain("2026-12-05T02:00")), ("ends", Plain("2026-12-05T03:00")), IMPACT],
    ),
    member("reschedule", &[("id", Maintenance), ("ends", Plain("2026-12-02T04:00"))]),
    member("set_automations", &[("id", Maintenance), ("remind", Plain("on"))]),
    member("end_series", &[("id", Series)]),
    person("my_account", &[]),
    person("change_name", &[("name", Plain("Ada King"))]),
    person("change_email", &[("email", NewEmail), ("password", Plain(PASSWORD))]).with_own_tests(),
    person(
        "change_password",
        &[("password", Plain(PASSWORD)), ("new_password", Plain("seven quiet harbours at dawn 12"))],
    )
    .with_own_tests(),
    person("confirm_password", &[("password", Plain(PASSWORD))]).with_own_tests(),
    person("revoke_session", &[("id", Session)]),
    person("revoke_other_sessions", &[]),
    person("disable_second_factor", &[("password", Plain(PASSWORD))]).with_own_tests(),
    person("renew_recovery_codes", &[("password", Plain(PASSWORD))]).with_own_tests(),
    person("leave_organization", &[]),
    person("my_organizations", &[]),
    person("switch_organization", &[("id", Organization)]),
    person("create_organization", &[("organization_name", Plain("Second")), ("slug", NewSlug)]),
    person("accept_invitation", &[("token", Plain("nobody's"))]).with_own_tests(),
    admin("rename_organization", &[("name", Plain("Renamed"))]),
    admin("set_time_zone", &[("time_zone", Plain("Europe/Berlin"))]),
    admin("api_tokens", &[]),
    admin("audit_log", &[]),
    admin("list_invitations", &[]),
    admin("invite_member", &[("email", NewEmail), ("role", Plain("member"))]),
    admin("revoke_invitation", &[("id", Invitation)]),
    admin("set_member_role", &[("id", Colleague), ("role", Plain("member"))]),
    admin("remove_member", &[("id", Colleague)]),
    reauthenticated("begin_second_factor", &[]).with_own_tests(),
    reauthenticated("show_second_factor", &[]).with_own_tests(),
    reauthenticated("enable_second_factor", &[("code", Plain("000000"))]).with_own_tests(),
    reauthenticated_admin(
        "create_api_token",
        &[("name", Plain("CI")), ("scope", Plain("read")), ("days", Plain("90"))],
    ),
    reauthenticated_admin("revoke_api_token", &[("id", Token)]),
];

/// The status of a service in an incident.
const IMPACT: (&str, Field) = ("services[of-{}]", Impact("degraded"));

const fn open(name: &'static str, fields: &'static [(&'static str, Field)]) -> Function {
    function(Right::Open, name, fields)
}

const fn secret(name: &'static str, fields: &'static [(&'static str, Field)]) -> Function {
    function(Right::Secret, name, fields)
}

const fn viewer(name: &'static str, fields: &'static [(&'static str, Field)]) -> Function {
    function(Right::Viewer, name, fields)
}

const fn member(name: &'static str, fields: &'static [(&'static str, Field)]) -> Function {
    function(Right::Member, name, fields)
}

const fn person(name: &'static str, fields: &'static [(&'static str, Field)]) -> Function {
    function(Right::Person, name, fields)
}

const fn admin(name: &'static str, fields: &'static [(&'static str, Field)]) -> Function {
    function(Right::Admin, name, fields)
}

const fn reauthenticated(name: &'static str, fields: &'static [(&'static str, Field)]) -> Function {
    function(Right::Reauthenticated, name, fields)
}

const fn reauthenticated_admin(name: &'static str, fields: &'static [(&'static str, Field)]) -> Function {
    function(Right::ReauthenticatedAdmin, name, fields)
}

const fn function(right: Right, name: &'static str, fields: &'static [(&'static str, Field)]) -> Function {
    Function { name, right, fields, has_own_tests: false }
}

/// The permission of each page of the dashboard.
pub const PAGES: &[(&str, Right)] = &[
    ("/", Right::Open),
    ("/forgot-password", Right::Open),
    ("/invite/{token}", Right::Open),
    ("/login", Right::Open),
    ("/login/code", Right::Open),
    ("/logout", Right::Open),
    ("/register", Right::Open),
    ("/reset-password/{token}", Right::Open),
    ("/account", Right::Viewer),
    ("/account/new-organization", Right::Viewer),
    ("/confirm", Right::Viewer),
    ("/dashboard", Right::Viewer),
    ("/incidents", Right::Viewer),
    ("/incidents/new", Right::Viewer),
    ("/incidents/past", Right::Viewer),
    ("/incidents/templates", Right::Viewer),
    ("/incidents/{id}", Right::Viewer),
    ("/maintenances", Right::Viewer),
    ("/maintenances/new", Right::Viewer),
    ("/services", Right::Viewer),
    ("/services/{id}", Right::Viewer),
    ("/settings", Right::Viewer),
    ("/team", Right::Viewer),
    ("/settings/audit", Right::Admin),
    ("/account/second-factor", Right::Reauthenticated),
];

/// A call in the sources that adds routes.
#[derive(Debug)]
pub struct Mount {
    /// The source file, below `src`.
    pub file: &'static str,
    /// The call with its first argument, without whitespace.
    pub call: &'static str,
    pub behind: Behind,
}

/// What a call adds.
#[derive(Debug)]
pub enum Behind {
    /// A route without authentication: a request to it, and the status of the response to any caller.
    Route(&'static str, u16),
    /// Endpoints that are declared elsewhere in this file.
    Others,
}

/// Every call in the sources that adds routes, except operations, which are in the OpenAPI document. A test fails for
/// one that is missing here.
pub const MOUNTS: &[Mount] = &[
    route("server/api/mod.rs", ".route(\"/api/openapi.json\")", "GET /api/openapi.json", 200),
    route("server/api/mod.rs", ".method_not_allowed_fallback(async||)", "PATCH /api/services", 405),
    others("server/api/mod.rs", ".merge(public)"),
    others("server/pages/team.rs", ".leptos_routes_with_handler(routes)"),
    others("server/http/router.rs", ".route(\"/fn/{*name}\")"),
    others("server/http/router.rs", ".merge(api)"),
    others("server/http/router.rs", ".merge(functions)"),
    others("server/http/router.rs", ".merge(team)"),
    route("server/http/router.rs", ".route(\"/api\")", "GET /api", 200),
    route("server/http/router.rs", ".route(\"/public/{slug}\")", "GET /public/{slug}", 200),
    route("server/http/router.rs", ".route(\"/public/{slug}/history\")", "GET /public/{slug}/history", 200),
    route(
        "server/http/router.rs",
        ".route(\"/public/{slug}/incidents/{id}\")",
        "GET /public/{slug}/incidents/{id}",
        200,
    ),
    route("server/http/router.rs", ".route(\"/boot.js\")", "GET /boot.js", 200),
    route("server/http/router.rs", ".route(\"/healthz\")", "GET /healthz", 200),
    route("server/http/router.rs", ".route(\"/readyz\")", "GET /readyz", 200),
    route("server/http/router.rs", ".route(REPORTS)", "POST /csp-report", 204),
    route("server/http/router.rs", ".fallback(file_or_nothing)", "GET /nowhere", 404),
];

const fn route(file: &'static str, call: &'static str, request: &'static str, status: u16) -> Mount {
    Mount { file, call, behind: Behind::Route(request, status) }
}

const fn others(file: &'static str, call: &'static str) -> Mount {
    Mount { file, call, behind: Behind::Others }
}

/// The routes without authentication: a request to each, and the status of its response.
pub fn plain_routes() -> impl Iterator<Item = (&'static str, u16)> {
    MOUNTS.iter().filter_map(|mount| match mount.behind {
        Behind::Route(request, status) => Some((request, status)),
        Behind::Others => None,
    })
}
