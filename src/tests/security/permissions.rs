//! What each door demands of who comes to it, for `matrix`: operations, server functions, pages and plain addresses.

/// What a door demands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Right {
    /// Nothing.
    Open,
    /// To read what members see.
    Viewer,
    /// To change what members change.
    Member,
    /// To be a person in a session.
    Person,
    /// To be an admin in a session.
    Admin,
    /// To be a person who gave their password a short while ago.
    Reauthenticated,
    /// To be an admin who gave their password a short while ago.
    ReauthenticatedAdmin,
    /// A secret that comes with the request, whoever brings it: without it nobody gets further than anybody else.
    Secret,
}

/// What each operation demands.
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

/// What each server function demands.
pub const DEMANDS: &[(Right, &[&str])] = &[
    (Right::Open, &["login", "logout", "register", "request_password_reset", "sends_mail"]),
    (
        Right::Secret,
        &["join_as_new", "join_with_password", "login_code", "reset_password", "view_invitation", "view_reset"],
    ),
    (
        Right::Viewer,
        &[
            "board",
            "filled_template",
            "form_key",
            "here",
            "incidents",
            "me",
            "conflicts",
            "planned_maintenances",
            "past_maintenances",
            "preview_message",
            "room",
            "series_list",
            "service_history",
            "team_members",
            "templates",
            "time_zones",
        ],
    ),
    (
        Right::Member,
        &[
            "add_group",
            "add_service",
            "backfill_incident",
            "delete_group",
            "delete_incident",
            "delete_service",
            "delete_template",
            "delete_update",
            "detach_service",
            "edit_incident",
            "edit_service",
            "edit_update",
            "end_series",
            "move_group",
            "move_service",
            "open_incident",
            "post_update",
            "publish_incident",
            "rename_group",
            "reschedule",
            "save_template",
            "schedule_maintenance",
            "set_automations",
            "set_service_status",
            "write_postmortem",
        ],
    ),
    (
        Right::Person,
        &[
            "accept_invitation",
            "change_email",
            "change_name",
            "change_password",
            "confirm_password",
            "create_organization",
            "disable_second_factor",
            "leave_organization",
            "my_account",
            "my_organizations",
            "renew_recovery_codes",
            "revoke_other_sessions",
            "revoke_session",
            "switch_organization",
        ],
    ),
    (
        Right::Admin,
        &[
            "api_tokens",
            "audit_log",
            "invite_member",
            "list_invitations",
            "remove_member",
            "rename_organization",
            "revoke_invitation",
            "set_member_role",
            "set_time_zone",
        ],
    ),
    (Right::Reauthenticated, &["begin_second_factor", "enable_second_factor", "show_second_factor"]),
    (Right::ReauthenticatedAdmin, &["create_api_token", "revoke_api_token"]),
];

/// What each page of the team's application demands.
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

/// A place in the sources where addresses are mounted.
#[derive(Debug)]
pub struct Mount {
    /// The source, below `src`.
    pub file: &'static str,
    /// The call with its first argument, without spaces.
    pub call: &'static str,
    /// What stands behind it.
    pub behind: Behind,
}

/// What stands behind a mount.
#[derive(Debug)]
pub enum Behind {
    /// An address: how it is asked, and what it answers whoever asks. None of these knows anybody.
    Address(&'static str, u16),
    /// Doors that are declared elsewhere here, or are mounts themselves.
    Others,
}

/// Every place in the sources where addresses are mounted, but for those of operations, which are in the document. One
/// that is not declared here fails a test.
pub const MOUNTS: &[Mount] = &[
    address("server/api/mod.rs", ".route(\"/api/openapi.json\")", "GET /api/openapi.json", 200),
    address("server/api/mod.rs", ".method_not_allowed_fallback(async||)", "PATCH /api/services", 405),
    others("server/api/mod.rs", ".merge(public)"),
    others("server/pages/team.rs", ".leptos_routes_with_handler(routes)"),
    others("server/router.rs", ".route(\"/fn/{*name}\")"),
    others("server/router.rs", ".merge(api)"),
    others("server/router.rs", ".merge(functions)"),
    others("server/router.rs", ".merge(team)"),
    address("server/router.rs", ".route(\"/api\")", "GET /api", 200),
    address("server/router.rs", ".route(\"/public/{slug}\")", "GET /public/{slug}", 200),
    address("server/router.rs", ".route(\"/public/{slug}/history\")", "GET /public/{slug}/history", 200),
    address("server/router.rs", ".route(\"/public/{slug}/incidents/{id}\")", "GET /public/{slug}/incidents/{id}", 200),
    address("server/router.rs", ".route(\"/boot.js\")", "GET /boot.js", 200),
    address("server/router.rs", ".route(\"/healthz\")", "GET /healthz", 200),
    address("server/router.rs", ".route(\"/readyz\")", "GET /readyz", 200),
    address("server/router.rs", ".route(REPORTS)", "POST /csp-report", 204),
    address("server/router.rs", ".fallback(file_or_nothing)", "GET /nowhere", 404),
];

const fn address(file: &'static str, call: &'static str, asked: &'static str, answers: u16) -> Mount {
    Mount { file, call, behind: Behind::Address(asked, answers) }
}

const fn others(file: &'static str, call: &'static str) -> Mount {
    Mount { file, call, behind: Behind::Others }
}

/// The plain addresses: how each is asked, and what it answers.
pub fn addresses() -> impl Iterator<Item = (&'static str, u16)> {
    MOUNTS.iter().filter_map(|mount| match mount.behind {
        Behind::Address(asked, answers) => Some((asked, answers)),
        Behind::Others => None,
    })
}
