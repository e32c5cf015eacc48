//! The status page: services, groups and incidents in one snapshot, as members or visitors see it.

use sea_orm::{ColumnTrait, DatabaseTransaction, EntityTrait, QueryFilter, QueryOrder, QuerySelect};

use crate::{
    model::{Audience, Error, OrganizationId, PagePart, PublicOrganization, Result, Seq, Slug, StatusPage},
    server::domain::{
        Domain, Site, System, Viewer, Visitor, feed,
        identity::people::{organization_of, organization_row},
        incidents,
        store::{self, Scope, organization, service, service_group},
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

    /// Visits the public page of an organization that is known to have one.
    #[must_use]
    pub fn visit_known(&self, organization: OrganizationId) -> Visitor {
        Visitor::new(self.domain.clone(), organization)
    }
}

/// How many pages are listed at once.
const PAGES_BATCH: u64 = 500;

impl System {
    /// The next public pages after an organization, each with its slug and newest number, in the order of their ids.
    #[expect(clippy::disallowed_methods, reason = "the tenants themselves")]
    pub async fn public_pages(&self, after: Option<OrganizationId>) -> Result<Vec<(OrganizationId, Slug, Seq)>> {
        use organization::Column;
        let mut rows = organization::Entity::find().order_by_asc(Column::Id).limit(PAGES_BATCH);
        if let Some(after) = after {
            rows = rows.filter(Column::Id.gt(after));
        }
        let rows = rows.all(self.domain.db()).await?;
        let page =
            |row: organization::Model| Ok((row.id, Slug::unreserved(&row.slug)?, feed::tip_of(&row, Audience::Public)));
        rows.into_iter().map(page).collect()
    }

    /// The slug of an organization, if it exists.
    #[expect(clippy::disallowed_methods, reason = "the tenants themselves")]
    pub async fn slug_of(&self, organization: OrganizationId) -> Result<Option<Slug>> {
        let row = organization::Entity::find_by_id(organization).one(self.domain.db()).await?;
        row.map(|row| Slug::unreserved(&row.slug)).transpose()
    }
}

impl Visitor {
    /// The page as visitors see it.
    pub async fn page(&self) -> Result<StatusPage> {
        load(&self.domain, self.scope(), Audience::Public).await
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
        let row = organization_row(db, self.scope().organization()).await?;
        Ok(StatusPage { part: Some(part), ..empty(&self.domain, row, Audience::Public)? })
    }
}

impl Viewer {
    /// The page as members see it.
    pub async fn board(&self) -> Result<StatusPage> {
        load(&self.domain, self.scope(), Audience::Members).await
    }
}

/// The page of an organization in one snapshot, as its audience may see it.
async fn load(domain: &Domain, scope: Scope, audience: Audience) -> Result<StatusPage> {
    let db = &store::snapshot(domain.db()).await?;
    let mut page = empty(domain, organization_row(db, scope.organization()).await?, audience)?;
    page.groups = scope.find::<service_group::Entity>().all(db).await?.into_iter().map(Into::into).collect();
    let services = scope.find::<service::Entity>().filter(service::Column::DeletedAt.is_null()).all(db).await?;
    page.services = services.into_iter().map(Into::into).collect();
    let since = page.listed_since();
    let shown = incidents::page_incidents(db, scope, since, audience == Audience::Members).await?;
    (page.incidents, page.cut_at) = (shown.incidents, shown.cut_at);
    page.sort();
    Ok(if audience == Audience::Public { page.for_public() } else { page })
}

/// The page without what is on it.
fn empty(domain: &Domain, row: organization::Model, audience: Audience) -> Result<StatusPage> {
    let (seq, time_zone, now) = (feed::tip_of(&row, audience), row.time_zone.clone(), domain.clock().now());
    let zone = zones::zone(&time_zone, now)?;
    let today = zone.start_of(zone.day(now));
    let organization = organization_of(row)?;
    Ok(StatusPage {
        seq,
        epoch: domain.epoch(),
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
        outage: None,
        part: None,
    })
}
