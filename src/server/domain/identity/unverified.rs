//! Callers that the transaction of their change verifies: a change that is made often needs no query before it.

use sea_orm::{ColumnTrait, DbBackend, QueryFilter, QueryTrait, Statement};

use super::{api_tokens::token_with_member, sessions::session_with_member};
use crate::{
    model::{Error, OrganizationId, Result},
    server::domain::{
        Caller, Domain, Member, Site, Viewer,
        audit::Actor,
        principal::{Presented, Principal},
        store::{Scope, api_token, session},
        tx::{Rows, Tx},
    },
};

/// Who makes a change.
#[derive(Clone)]
pub enum Changer {
    /// A member, who is verified.
    Member(Member),
    /// A caller to be verified by the transaction of the change.
    Unverified(Unverified),
}

/// A caller who is not verified, and the organization that they act in if they are who they say: not a permission. Each
/// operation verifies them as [`Site::authenticate`] does, in its transaction and before it reads or changes anything.
#[derive(Clone)]
pub struct Unverified {
    domain: Domain,
    organization: OrganizationId,
    presented: Presented,
    caller: Caller,
}

impl Unverified {
    pub(in crate::server) const fn new(
        domain: Domain,
        organization: OrganizationId,
        presented: Presented,
        caller: Caller,
    ) -> Self {
        Self { domain, organization, presented, caller }
    }

    /// Verifies the caller without a change, as for any other request.
    ///
    /// # Errors
    /// `unauthorized`.
    pub async fn verify(&self) -> Result<Viewer> {
        let principal = self.domain.site().authenticate(&self.presented).await?.ok_or_else(Error::unauthorized)?;
        Ok(Viewer::new(self.domain.clone(), principal, self.caller.clone()))
    }

    /// Begins a transaction, verifies the caller, and returns the rows of these queries, as [`Member::begin_reading`].
    ///
    /// # Errors
    /// `unauthorized`, also when they act in another organization; `forbidden` when they may not change it.
    pub(in crate::server::domain) async fn begin_reading(
        &self,
        queries: impl FnOnce(Scope, DbBackend) -> Vec<Statement>,
    ) -> Result<(Member, Tx, Vec<Rows>)> {
        let backend = self.domain.db().get_database_backend();
        let queries = queries(Scope::of(self.organization), backend);
        let queries = [self.query(backend)].into_iter().chain(queries).collect();
        let (mut tx, rows) = Tx::begin_reading(&self.domain, self.organization, Actor::system(), queries).await?;
        let mut rows = rows.into_iter();
        let principal = self.principal(rows.next().unwrap_or_default(), &tx)?.ok_or_else(Error::unauthorized)?;
        let viewer = Viewer::new(self.domain.clone(), principal, self.caller.clone());
        let member = Member::of(viewer).ok_or_else(Error::forbidden)?;
        tx.act_as(member.actor());
        Ok((member, tx, rows.collect()))
    }

    /// The query of the credential, if it is one of this organization.
    fn query(&self, backend: DbBackend) -> Statement {
        match &self.presented {
            Presented::Session(id, _) => {
                session_with_member(*id).filter(session::Column::OrgId.eq(self.organization)).build(backend)
            }
            Presented::Token(secret) => {
                token_with_member(secret).filter(api_token::Column::OrgId.eq(self.organization)).build(backend)
            }
        }
    }

    fn principal(&self, rows: Rows, tx: &Tx) -> Result<Option<Principal>> {
        let Some(row) = rows.into_iter().next() else { return Ok(None) };
        let organization = tx.organization().clone();
        match &self.presented {
            Presented::Session(_, source) => self.domain.authenticate_session_by(row, organization, *source),
            Presented::Token(_) => self.domain.authenticate_token_by(row, organization),
        }
    }
}

impl Site {
    /// Authenticates a request by what it presents, and notes the use in the background. None if it does not, or no
    /// longer, prove who makes the request.
    pub async fn authenticate(&self, presented: &Presented) -> Result<Option<Principal>> {
        match presented {
            Presented::Session(id, source) => self.authenticate_session(*id, *source).await,
            Presented::Token(secret) => self.authenticate_token(secret).await,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        model::Code,
        server::domain::principal::TokenSource,
        tests::support::{
            app::TestApp,
            clients::{Team, id_of},
        },
    };

    /// Wherever the caller is said to act: their credential decides.
    #[tokio::test]
    async fn r_02_a_credential_is_verified_within_its_own_organization_only() {
        let app = TestApp::open().await;
        let (team, other) = (app.register("Acme").await, app.register("Other").await);
        let token = team.post("/api/tokens", serde_json::json!({"name": "CI", "scope": "write"})).await.is(201);
        let session = app.state.tokens.read(&team.token, app.state.domain.clock().now()).expect("a session");
        let presented = [
            Presented::Session(session, TokenSource::Header),
            Presented::Token(token["secret"].as_str().expect("a secret").to_owned()),
        ];
        let organization = |team: &Team| id_of(&team.organization).parse().expect("an id");
        for presented in presented {
            let caller = |team| {
                let domain = app.state.domain.clone();
                Unverified::new(domain, organization(team), presented.clone(), Caller::default())
            };
            let error = caller(&other).begin_reading(|_, _| Vec::new()).await.err().expect("refused");
            assert_eq!(error.code, Code::Unauthorized);
            let (member, tx, rows) = caller(&team).begin_reading(|_, _| Vec::new()).await.expect("verified");
            assert_eq!((member.organization(), tx.organization().id), (organization(&team), organization(&team)));
            assert!(rows.is_empty());
        }
    }
}
