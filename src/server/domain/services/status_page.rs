//! The status page: services, groups and incidents in one snapshot, as members or visitors see it.

use sea_orm::{ColumnTrait, ConnectionTrait, DatabaseTransaction, QueryFilter};

use crate::{
    model::{Audience, Error, PagePart, PublicOrganization, Result, Slug, StatusPage, Timestamp, page::PAST_DAYS},
    server::domain::{
        Site, Viewer, Visitor, feed,
        identity::people::{organization_of, organization_row},
        incidents,
        store::{self, Scope, organization, service, service_group},
        tx::Tx,
        zones,
    },
};

impl Site {
    /// Visits the public page with this address.
    ///
    /// # Errors
    /// `not_found` when there is none.
    pub async fn visit(&self, slug: &str) -> Result<Visitor> {
        let slug = Slug::unreserved(slug).map_err(|_| Error::not_found())?;
        let row = self.domain.organization_at(&slug).await?.ok_or_else(Error::not_found)?;
        Ok(Visitor::new(self.domain.clone(), row.id))
    }
}

impl Visitor {
    /// The page as visitors see it.
    pub async fn page(&self) -> Result<StatusPage> {
        let tx = store::snapshot(self.domain.db()).await?;
        let page = load(&tx, self.scope(), Audience::Public, self.domain.clock().now()).await?;
        tx.commit().await?;
        Ok(page)
    }

    /// A transaction that sees one state of the database.
    pub(in crate::server::domain) async fn snapshot(&self) -> Result<DatabaseTransaction> {
        Ok(store::snapshot(self.domain.db()).await?)
    }

    /// A part of the page, to be filled: the organization, its zone and the sequence number.
    pub(in crate::server::domain) async fn page_part(
        &self,
        db: &DatabaseTransaction,
        part: PagePart,
    ) -> Result<StatusPage> {
        let organization = self.scope().organization();
        let seq = feed::tip(db, organization, Audience::Public).await?;
        let row = organization_row(db, organization).await?;
        Ok(StatusPage { part: Some(part), ..empty(row, self.domain.clock().now(), seq)? })
    }
}

impl Viewer {
    /// The page as members see it.
    pub async fn board(&self) -> Result<StatusPage> {
        let tx = store::snapshot(self.domain.db()).await?;
        let page = load(&tx, self.scope(), Audience::Members, self.domain.clock().now()).await?;
        tx.commit().await?;
        Ok(page)
    }
}

impl Tx {
    /// The page inside the transaction, as members see it; `emit` sets its sequence number.
    pub(in crate::server::domain) async fn page(&self) -> Result<StatusPage> {
        assemble(self.db(), (self.scope(), Audience::Members), self.organization().clone(), self.now(), 0).await
    }
}

async fn load(db: &DatabaseTransaction, scope: Scope, audience: Audience, now: Timestamp) -> Result<StatusPage> {
    let seq = feed::tip(db, scope.organization(), audience).await?;
    let row = organization_row(db, scope.organization()).await?;
    assemble(db, (scope, audience), row, now, seq).await
}

/// Assembles the page at a time, as its audience may see it.
async fn assemble(
    db: &impl ConnectionTrait,
    (scope, audience): (Scope, Audience),
    row: organization::Model,
    now: Timestamp,
    seq: u64,
) -> Result<StatusPage> {
    let mut page = empty(row, now, seq)?;
    page.groups = scope.find::<service_group::Entity>().all(db).await?.into_iter().map(Into::into).collect();
    let services = scope.find::<service::Entity>().filter(service::Column::DeletedAt.is_null()).all(db).await?;
    page.services = services.into_iter().map(Into::into).collect();
    let since = page.today.plus_seconds(-86_400 * i64::try_from(PAST_DAYS)?);
    let shown = incidents::page_incidents(db, scope, since, audience == Audience::Members).await?;
    (page.incidents, page.cut_at) = (shown.incidents, shown.cut_at);
    page.sort();
    Ok(if audience == Audience::Public { page.for_public() } else { page })
}

/// The page without what is on it.
fn empty(row: organization::Model, now: Timestamp, seq: u64) -> Result<StatusPage> {
    let time_zone = row.time_zone.clone();
    let zone = zones::zone(&time_zone, now)?;
    let today = zone.start_of(zone.day(now));
    let organization = organization_of(row)?;
    Ok(StatusPage {
        seq,
        organization: PublicOrganization {
            id: organization.id,
            name: organization.name,
            slug: organization.slug,
            time_zone,
        },
        zone,
        today,
        groups: Vec::new(),
        services: Vec::new(),
        incidents: Vec::new(),
        cut_at: None,
        part: None,
    })
}
