//! The kinds of callers, an organization with one of everything, and how an endpoint must answer each caller.

use std::collections::BTreeMap;

use axum::{
    body::Body,
    http::{Method, header, request::Builder},
};
use serde_json::{Value, json};

use crate::{
    server::router,
    tests::{
        security::permissions::{Function, Right},
        support::{
            app::{ORIGIN, PASSWORD, TestApp, registration, request, unique, with_json},
            clients::{Answer, Team, form, id_of},
            endpoints::{Field, Operation, pairs, path_to},
            fixtures::{NOW, Owner},
            second_factor::{code_of, seed},
        },
    },
};

/// Before [`NOW`], by more than a re-authentication is valid.
const BEFORE: &str = "2026-11-23T11:40:00Z";

/// A kind of caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Principal {
    Anonymous,
    Member,
    Admin,
    /// The same admin in a session started 20 minutes ago.
    StaleAdmin,
    ForeignAdmin,
    ExMember,
    Disabled,
    ReadToken,
    WriteToken,
    ExpiredToken,
    RevokedToken,
}

impl Principal {
    const ALL: [Self; 11] = [
        Self::Anonymous,
        Self::Member,
        Self::Admin,
        Self::StaleAdmin,
        Self::ForeignAdmin,
        Self::ExMember,
        Self::Disabled,
        Self::ReadToken,
        Self::WriteToken,
        Self::ExpiredToken,
        Self::RevokedToken,
    ];

    /// Whether this is a person with a valid session.
    pub const fn is_person(self) -> bool {
        matches!(self, Self::Member | Self::Admin | Self::StaleAdmin | Self::ForeignAdmin)
    }

    /// Whether this is a member of the organization with a valid session.
    pub const fn is_of_team(self) -> bool {
        self.is_person() && !matches!(self, Self::ForeignAdmin)
    }

    const fn is_token(self) -> bool {
        matches!(self, Self::ReadToken | Self::WriteToken)
    }
}

/// How a caller sends their credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Via {
    Bearer,
    Cookie,
}

/// A principal and how they authenticate.
pub type Caller = (Principal, Via);

/// All principals, by token and by cookie.
pub fn callers() -> impl Iterator<Item = Caller> {
    let ways = |who| [(who, Via::Bearer), (who, Via::Cookie)];
    Principal::ALL.into_iter().flat_map(ways).filter(|caller| *caller != (Principal::Anonymous, Via::Cookie))
}

/// Whose objects a request references.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum References {
    Nothing,
    Organization,
    Person,
}

/// What an endpoint requires.
#[derive(Clone, Copy, Debug)]
pub struct Requirement {
    pub right: Right,
    pub references: References,
}

impl Requirement {
    /// The status of the error that a caller must get; `None` if they must be allowed.
    pub fn rejection(self, (who, via): Caller) -> Option<u16> {
        use Principal::{Admin, ForeignAdmin, Member, ReadToken, StaleAdmin};
        if matches!(self.right, Right::Open | Right::Secret) {
            return None;
        }
        // API tokens are not accepted in the cookie.
        if !(who.is_person() || who.is_token() && via == Via::Bearer) {
            return Some(401);
        }
        let may = match self.right {
            Right::Open | Right::Secret | Right::Viewer => true,
            Right::Member => who != ReadToken,
            Right::Person => who.is_person(),
            Right::Admin => matches!(who, Admin | StaleAdmin | ForeignAdmin),
            Right::Reauthenticated => matches!(who, Admin | ForeignAdmin | Member),
            Right::ReauthenticatedAdmin => matches!(who, Admin | ForeignAdmin),
        };
        let is_theirs = match self.references {
            References::Nothing => true,
            References::Organization => who != ForeignAdmin,
            References::Person => matches!(who, Admin | StaleAdmin),
        };
        match (may, is_theirs) {
            (false, _) => Some(403),
            (true, false) => Some(404),
            (true, true) => None,
        }
    }
}

/// Whether a response shows that the caller was allowed. A feed answers a plain request with 426.
pub fn is_allowed(path: &str, answer: &Answer) -> bool {
    if path.ends_with("/live") {
        return answer.status == 426;
    }
    answer.status.is_success() || answer.status.is_redirection()
}

/// The server now, discarding its mail, and the same server 20 minutes earlier.
pub struct Servers {
    pub app: TestApp,
    earlier: TestApp,
}

impl Servers {
    pub async fn open() -> Self {
        let mut app = TestApp::at(NOW).await;
        let mut mail = app.state.record_mail();
        tokio::spawn(async move { while mail.recv().await.is_some() {} });
        app.router = router(app.state.clone());
        Self { app, earlier: TestApp::at(BEFORE).await }
    }
}

/// Which principals a setup has.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Roster {
    /// Only those that some permission allows.
    Permitted,
    All,
}

impl Roster {
    /// The principals needed for an endpoint.
    pub fn for_right(right: Right) -> Self {
        if right == Right::Open { Self::All } else { Self::Permitted }
    }
}

/// An organization with one of everything, and the credentials of all principals.
pub struct Setup {
    pub owner: Owner,
    people: BTreeMap<Principal, Team>,
    tokens: BTreeMap<Principal, String>,
    /// Another admin of the foreign organization.
    host: Team,
}

impl Setup {
    pub async fn create(servers: &Servers, roster: Roster) -> Self {
        Box::pin(Self::build(servers, roster)).await
    }

    async fn build(servers: &Servers, roster: Roster) -> Self {
        let app = &servers.app;
        let owner = Owner::of(app, &unique("Lighthouse")).await;
        let team = &owner.team;
        let long = team.at(&servers.earlier).log_in_again().await;
        let foreign = app.register("Foreign").await;
        // So that its first admin can leave.
        let host = foreign.colleague("admin").await;
        let mut people = BTreeMap::from([
            (Principal::Member, team.colleague("member").await),
            (Principal::Admin, team.clone()),
            (Principal::StaleAdmin, long.at(app)),
            (Principal::ForeignAdmin, foreign),
        ]);
        let mut tokens = BTreeMap::from([
            (Principal::ReadToken, new_token(team, json!({"name": "reader"})).await.1),
            (Principal::WriteToken, new_token(team, json!({"name": "writer", "scope": "write"})).await.1),
        ]);
        if roster == Roster::All {
            let gone = team.colleague("admin").await;
            assert_eq!(team.delete(&format!("/api/team/{}", id_of(&gone.user))).await.status, 204);
            people.insert(Principal::ExMember, gone);
            let disabled = team.colleague("admin").await;
            let address = disabled.email.parse().expect("an address");
            app.state.system().set_disabled(&address, true).await.expect("disabled");
            people.insert(Principal::Disabled, disabled);
            let short = json!({"name": "short", "scope": "write", "expires_at": "2026-11-23T11:45:00Z"});
            tokens.insert(Principal::ExpiredToken, new_token(&long, short).await.1);
            let (id, revoked) = new_token(team, json!({"name": "revoked", "scope": "write"})).await;
            assert_eq!(team.delete(&format!("/api/tokens/{id}")).await.status, 204);
            tokens.insert(Principal::RevokedToken, revoked);
        }
        Self { owner, people, tokens, host }
    }

    /// Replaces a person with a new one of the same kind.
    pub async fn replace_person(&mut self, servers: &Servers, who: Principal) {
        let team = &self.owner.team;
        let person = match who {
            Principal::Member => team.colleague("member").await,
            Principal::ForeignAdmin => self.host.colleague("admin").await,
            Principal::StaleAdmin => {
                team.colleague("admin").await.at(&servers.earlier).log_in_again().await.at(&servers.app)
            }
            _ => team.colleague("admin").await,
        };
        self.people.insert(who, person);
    }

    /// Replaces what earlier calls of an endpoint may have consumed, so that it can be called again: the caller, the
    /// objects it references, or everything.
    pub async fn restore(
        &mut self,
        servers: &Servers,
        who: Principal,
        refused: &Answer,
        kinds: &[Field],
        right: Right,
    ) {
        let is_whole = self.owner.team.get("/api/team/invitations").await.status == 200;
        if is_whole && refused.status == 401 && who.is_person() {
            self.replace_person(servers, who).await;
        } else if is_whole && refused.status == 404 && kinds.iter().any(|kind| kind.is_owned() && !kind.is_personal()) {
            for kind in kinds {
                self.owner.renew(*kind).await;
            }
        } else {
            *self = Self::create(servers, Roster::for_right(right)).await;
        }
    }

    /// Whether the setup has this principal.
    pub fn has(&self, who: Principal) -> bool {
        who == Principal::Anonymous || self.credential(who).is_some()
    }

    pub fn credential(&self, who: Principal) -> Option<&str> {
        let token = self.tokens.get(&who).map(String::as_str);
        token.or_else(|| self.people.get(&who).map(|person| person.token.as_str()))
    }

    /// The person of a principal.
    pub fn person(&self, who: Principal) -> &Team {
        &self.people[&who]
    }

    /// A request by a caller, with our own origin.
    pub fn request(&self, (who, via): Caller, method: Method, path: &str) -> Builder {
        let builder = request(method, path).header(header::ORIGIN, ORIGIN).header("sec-fetch-site", "same-origin");
        match (self.credential(who), via) {
            (Some(key), Via::Bearer) => builder.header(header::AUTHORIZATION, format!("Bearer {key}")),
            (Some(key), Via::Cookie) => builder.header(header::COOKIE, format!("aldis={key}")),
            (None, _) => builder,
        }
    }

    /// Calls an operation.
    pub async fn call_operation(&self, caller: Caller, operation: &Operation, body: Option<&Value>) -> Answer {
        let builder = self.request(caller, operation.method.clone(), &self.owner.path(&operation.path));
        let request = match body {
            Some(body) => with_json(builder, body),
            None => builder.body(Body::empty()).expect("request"),
        };
        self.owner.team.app.send(request).await
    }

    /// A valid body for an operation.
    pub fn body_for(&self, operation: &Operation, document: &Value) -> Option<Value> {
        match operation.title().as_str() {
            "POST /api/auth/register" => Some(registration("Somebody")),
            "POST /api/auth/login" => Some(json!({"email": self.owner.team.email, "password": PASSWORD})),
            // The number of invitations per address is limited.
            "POST /api/team/invitations" => Some(json!({"email": format!("{}@example.com", unique("guest"))})),
            _ => operation.examples_for(document, id_of(&self.owner.service)).into_iter().next(),
        }
    }

    /// Calls a server function with valid fields.
    pub async fn call_function(&self, caller: Caller, function: &Function) -> Answer {
        let (email, slug) = (format!("{}@example.com", unique("new")), unique("new"));
        let fields = function.fields(|field| match field {
            Field::NewEmail => &email,
            Field::NewSlug => &slug,
            other => self.owner.id_of_kind(other),
        });
        self.call_with(caller, function, &pairs(&fields)).await
    }

    async fn call_with(&self, caller: Caller, function: &Function, fields: &[(&str, &str)]) -> Answer {
        let builder =
            self.request(caller, Method::POST, path_to(function.name)).header(header::ACCEPT, "application/json");
        self.owner.team.app.send(form(builder, fields)).await
    }

    /// Prepares what a server function needs besides its fields, for a new person, and calls it.
    pub async fn call_prepared(&self, caller: Caller, function: &Function) -> Answer {
        let person = self.person(caller.0);
        let mut browser = person.browser();
        match function.name {
            "accept_invitation" => {
                let host = person.app.register("Host").await;
                let invited = host.invite_at(&person.email, "member").await;
                self.call_with(caller, function, &[("token", &invited.secret)]).await
            }
            "show_second_factor" => {
                seed(&mut browser).await;
                self.call_function(caller, function).await
            }
            "enable_second_factor" => {
                let code = code_of(&person.app, &seed(&mut browser).await);
                self.call_with(caller, function, &[("code", &code)]).await
            }
            _ => {
                // Set up in another session, as this one may not be recently authenticated.
                browser = person.log_in_again().await.browser();
                let code = code_of(&person.app, &seed(&mut browser).await);
                browser.call(path_to("enable_second_factor"), &[("code", &code)]).await.is(200);
                self.call_function(caller, function).await
            }
        }
    }
}

/// The functions of [`Setup::call_prepared`].
pub const NEEDS_PREPARATION: [&str; 5] = [
    "accept_invitation",
    "disable_second_factor",
    "enable_second_factor",
    "renew_recovery_codes",
    "show_second_factor",
];

/// A new token: its id and its secret.
async fn new_token(team: &Team, body: Value) -> (String, String) {
    let token = team.post("/api/tokens", body).await.is(201);
    (id_of(&token).to_owned(), token["secret"].as_str().expect("a secret").to_owned())
}
