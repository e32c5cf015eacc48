//! Everybody there is, before an organization that has one of everything; and what each of them is to be told at a door.

use std::collections::BTreeMap;

use axum::{
    body::Body,
    http::{Method, header, request::Builder},
};
use serde_json::{Value, json};

use crate::{
    server::router,
    tests::{
        security::permissions::Right,
        support::{
            app::{ORIGIN, PASSWORD, TestApp, registration, request, unique, with_json},
            clients::{Answer, Team, form, id_of},
            endpoints::{Field, Function, Operation, fields, pairs, path_to},
            fixtures::{NOW, Owner},
            second_factor::{code_of, seed},
        },
    },
};

/// A while before [`NOW`]: longer than a password that was given counts.
const BEFORE: &str = "2026-11-23T11:40:00Z";

/// Somebody who comes to a door.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Principal {
    Anonymous,
    Member,
    Admin,
    /// The same admin in a session that began 20 minutes ago.
    AdminSinceLong,
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
        Self::AdminSinceLong,
        Self::ForeignAdmin,
        Self::ExMember,
        Self::Disabled,
        Self::ReadToken,
        Self::WriteToken,
        Self::ExpiredToken,
        Self::RevokedToken,
    ];

    /// Whether they are a person in a session that lasts.
    pub const fn is_person(self) -> bool {
        matches!(self, Self::Member | Self::Admin | Self::AdminSinceLong | Self::ForeignAdmin)
    }

    /// Whether they belong to the organization as a person.
    pub const fn is_of_team(self) -> bool {
        self.is_person() && !matches!(self, Self::ForeignAdmin)
    }

    const fn is_program(self) -> bool {
        matches!(self, Self::ReadToken | Self::WriteToken)
    }
}

/// How somebody shows who they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    Bearer,
    Cookie,
}

/// Somebody, and how they come.
pub type Visit = (Principal, Way);

/// Everybody in every way.
pub fn visits() -> impl Iterator<Item = Visit> {
    let ways = |who| [(who, Way::Bearer), (who, Way::Cookie)];
    Principal::ALL.into_iter().flat_map(ways).filter(|visit| *visit != (Principal::Anonymous, Way::Cookie))
}

/// Whose the things are that a door names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Names {
    Nothing,
    Organizations,
    Persons,
}

/// What a door demands.
#[derive(Clone, Copy, Debug)]
pub struct Demand {
    pub right: Right,
    pub names: Names,
}

impl Demand {
    /// The status with which somebody has to be refused; nothing when they are to be let in.
    pub fn refusal(self, (who, way): Visit) -> Option<u16> {
        use Principal::{Admin, AdminSinceLong, ForeignAdmin, Member, ReadToken};
        if matches!(self.right, Right::Open | Right::Secret) {
            return None;
        }
        // The cookie is for sessions alone.
        if !(who.is_person() || who.is_program() && way == Way::Bearer) {
            return Some(401);
        }
        let may = match self.right {
            Right::Open | Right::Secret | Right::Viewer => true,
            Right::Member => who != ReadToken,
            Right::Person => who.is_person(),
            Right::Admin => matches!(who, Admin | AdminSinceLong | ForeignAdmin),
            Right::Reauthenticated => matches!(who, Admin | ForeignAdmin | Member),
            Right::ReauthenticatedAdmin => matches!(who, Admin | ForeignAdmin),
        };
        let is_theirs = match self.names {
            Names::Nothing => true,
            Names::Organizations => who != ForeignAdmin,
            Names::Persons => matches!(who, Admin | AdminSinceLong),
        };
        match (may, is_theirs) {
            (false, _) => Some(403),
            (true, false) => Some(404),
            (true, true) => None,
        }
    }
}

/// Whether an answer is that of a door that lets in. A feed that is asked without a socket says what it is.
pub fn is_in(path: &str, answer: &Answer) -> bool {
    if path.ends_with("/live") {
        return answer.status == 426;
    }
    answer.status.is_success() || answer.status.is_redirection()
}

/// The server now, whose mail goes nowhere, and as it was a while ago.
pub struct World {
    pub app: TestApp,
    before: TestApp,
}

impl World {
    pub async fn open() -> Self {
        let mut app = TestApp::at(NOW).await;
        let mut mail = app.state.record_mail();
        tokio::spawn(async move { while mail.recv().await.is_some() {} });
        app.router = router(app.state.clone());
        Self { app, before: TestApp::at(BEFORE).await }
    }
}

/// Who is on a stage besides those who may be let in where it takes a right.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Cast {
    Welcome,
    Everybody,
}

impl Cast {
    /// Who has to be there for a door.
    pub fn for_right(right: Right) -> Self {
        if right == Right::Open { Self::Everybody } else { Self::Welcome }
    }
}

/// An organization with everything, and the keys of everybody there is.
pub struct Stage {
    pub owner: Owner,
    people: BTreeMap<Principal, Team>,
    programs: BTreeMap<Principal, String>,
    /// Another admin of the foreign organization.
    host: Team,
}

impl Stage {
    pub async fn set(world: &World, cast: Cast) -> Self {
        Box::pin(Self::build(world, cast)).await
    }

    async fn build(world: &World, cast: Cast) -> Self {
        let app = &world.app;
        let owner = Owner::of(app, &unique("Lighthouse")).await;
        let team = &owner.team;
        let long = team.at(&world.before).back().await;
        let foreign = app.register("Foreign").await;
        // So that its admin may leave.
        let host = foreign.colleague("admin").await;
        let mut people = BTreeMap::from([
            (Principal::Member, team.colleague("member").await),
            (Principal::Admin, team.clone()),
            (Principal::AdminSinceLong, long.at(app)),
            (Principal::ForeignAdmin, foreign),
        ]);
        let mut programs = BTreeMap::from([
            (Principal::ReadToken, token(team, json!({"name": "reader"})).await.1),
            (Principal::WriteToken, token(team, json!({"name": "writer", "scope": "write"})).await.1),
        ]);
        if cast == Cast::Everybody {
            let gone = team.colleague("admin").await;
            assert_eq!(team.delete(&format!("/api/team/{}", id_of(&gone.user))).await.status, 204);
            people.insert(Principal::ExMember, gone);
            let disabled = team.colleague("admin").await;
            let address = disabled.email.parse().expect("an address");
            app.state.system().set_disabled(&address, true).await.expect("shut out");
            people.insert(Principal::Disabled, disabled);
            let short = json!({"name": "short", "scope": "write", "expires_at": "2026-11-23T11:45:00Z"});
            programs.insert(Principal::ExpiredToken, token(&long, short).await.1);
            let (id, revoked) = token(team, json!({"name": "revoked", "scope": "write"})).await;
            assert_eq!(team.delete(&format!("/api/tokens/{id}")).await.status, 204);
            programs.insert(Principal::RevokedToken, revoked);
        }
        Self { owner, people, programs, host }
    }

    /// Puts somebody new of the same kind in the place of a person.
    pub async fn renew_person(&mut self, world: &World, who: Principal) {
        let team = &self.owner.team;
        let person = match who {
            Principal::Member => team.colleague("member").await,
            Principal::ForeignAdmin => self.host.colleague("admin").await,
            Principal::AdminSinceLong => team.colleague("admin").await.at(&world.before).back().await.at(&world.app),
            _ => team.colleague("admin").await,
        };
        self.people.insert(who, person);
    }

    /// Puts back what somebody may have used up before at a door, themselves among it, so that it can be tried again:
    /// what the door names, or everything.
    pub async fn renew(&mut self, world: &World, who: Principal, refused: &Answer, names: &[Field], right: Right) {
        let is_whole = self.owner.team.get("/api/team/invitations").await.status == 200;
        if is_whole && refused.status == 401 && who.is_person() {
            self.renew_person(world, who).await;
        } else if is_whole && refused.status == 404 && names.iter().any(|kind| kind.is_owned() && !kind.is_personal()) {
            for kind in names {
                self.owner.renew(*kind).await;
            }
        } else {
            *self = Self::set(world, Cast::for_right(right)).await;
        }
    }

    /// Whether somebody is here, if only as a stranger.
    pub fn has(&self, who: Principal) -> bool {
        who == Principal::Anonymous || self.key(who).is_some()
    }

    pub fn key(&self, who: Principal) -> Option<&str> {
        let program = self.programs.get(&who).map(String::as_str);
        program.or_else(|| self.people.get(&who).map(|person| person.token.as_str()))
    }

    /// Who somebody is, if they are a person.
    pub fn person(&self, who: Principal) -> &Team {
        &self.people[&who]
    }

    /// A request of somebody's, from our own pages if from a browser.
    pub fn ask(&self, (who, way): Visit, method: Method, path: &str) -> Builder {
        let builder = request(method, path).header(header::ORIGIN, ORIGIN).header("sec-fetch-site", "same-origin");
        match (self.key(who), way) {
            (Some(key), Way::Bearer) => builder.header(header::AUTHORIZATION, format!("Bearer {key}")),
            (Some(key), Way::Cookie) => builder.header(header::COOKIE, format!("aldis={key}")),
            (None, _) => builder,
        }
    }

    /// Asks for an operation.
    pub async fn operate(&self, visit: Visit, operation: &Operation, body: Option<&Value>) -> Answer {
        let builder = self.ask(visit, operation.method.clone(), &self.owner.path(&operation.path));
        let request = match body {
            Some(body) => with_json(builder, body),
            None => builder.body(Body::empty()).expect("request"),
        };
        self.owner.team.app.send(request).await
    }

    /// A body that an operation obeys.
    pub fn body_for(&self, operation: &Operation, document: &Value) -> Option<Value> {
        match operation.title().as_str() {
            "POST /api/auth/register" => Some(registration("Somebody")),
            "POST /api/auth/login" => Some(json!({"email": self.owner.team.email, "password": PASSWORD})),
            // An address is mailed so many invitations a day.
            "POST /api/team/invitations" => Some(json!({"email": format!("{}@example.com", unique("guest"))})),
            _ => operation.examples_for(document, id_of(&self.owner.service)).into_iter().next(),
        }
    }

    /// Calls a server function with what it takes.
    pub async fn call(&self, visit: Visit, function: &Function) -> Answer {
        let (address, slug) = (format!("{}@example.com", unique("new")), unique("new"));
        let fields = fields(function, |field| match field {
            Field::NewAddress => &address,
            Field::NewSlug => &slug,
            other => self.owner.id_of_kind(other),
        });
        self.call_with(visit, function, &pairs(&fields)).await
    }

    async fn call_with(&self, visit: Visit, function: &Function, fields: &[(&str, &str)]) -> Answer {
        let builder = self.ask(visit, Method::POST, path_to(function.name)).header(header::ACCEPT, "application/json");
        self.owner.team.app.send(form(builder, fields)).await
    }

    /// Calls a server function that needs something besides its fields, which is there then: for people nothing has
    /// happened to yet.
    pub async fn call_prepared(&self, visit: Visit, function: &Function) -> Answer {
        let person = self.person(visit.0);
        let mut browser = person.browser();
        match function.name {
            "accept_invitation" => {
                let host = person.app.register("Host").await;
                let invited = host.invite_at(&person.email, "member").await;
                self.call_with(visit, function, &[("token", &invited.secret)]).await
            }
            "show_second_factor" => {
                seed(&mut browser).await;
                self.call(visit, function).await
            }
            "enable_second_factor" => {
                let code = code_of(&person.app, &seed(&mut browser).await);
                self.call_with(visit, function, &[("code", &code)]).await
            }
            _ => {
                // Set up in another session, as this one's password may have been given long ago.
                browser = person.back().await.browser();
                let code = code_of(&person.app, &seed(&mut browser).await);
                browser.call(path_to("enable_second_factor"), &[("code", &code)]).await.is(200);
                self.call(visit, function).await
            }
        }
    }
}

/// The functions of [`Stage::call_prepared`].
pub const PREPARED: [&str; 5] = [
    "accept_invitation",
    "disable_second_factor",
    "enable_second_factor",
    "renew_recovery_codes",
    "show_second_factor",
];

/// A new token: its id and its secret.
async fn token(team: &Team, body: Value) -> (String, String) {
    let token = team.post("/api/tokens", body).await.is(201);
    (id_of(&token).to_owned(), token["secret"].as_str().expect("a secret").to_owned())
}
