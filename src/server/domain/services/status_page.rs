//! The status page: services, groups and incidents in one snapshot, as members or visitors see it.

use sea_orm::{ColumnTrait, QueryFilter};

use crate::{
    model::{Audience, Error, PublicOrganization, Result, Slug, StatusPage, page::PAST_DAYS},
    server::domain::{
        Domain, Site, Viewer, Visitor, feed,
        identity::people::{organization_of, organization_row},
        incidents,
        store::{self, Scope, service, service_group},
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
        load(&self.domain, self.scope(), Audience::Public).await
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
    let (epoch, now) = (domain.epoch(), domain.clock().now());
    let row = organization_row(db, scope.organization()).await?;
    let seq = feed::tip_of(&row, audience);
    let time_zone = row.time_zone.clone();
    let zone = zones::zone(&time_zone, now)?;
    let organization = organization_of(row)?;
    let groups = scope.find::<service_group::Entity>().all(db).await?;
    let services = scope.find::<service::Entity>().filter(service::Column::DeletedAt.is_null()).all(db).await?;
    let today = zone.start_of(zone.day(now));
    let since = today.plus_seconds(-86_400 * i64::from(PAST_DAYS));
    let shown = incidents::page_incidents(db, scope, since, audience == Audience::Members).await?;
    let mut page = StatusPage {
        seq,
        epoch,
        organization: PublicOrganization {
            id: organization.id,
            name: organization.name,
            slug: organization.slug,
            time_zone,
        },
        zone,
        today,
        groups: groups.into_iter().map(Into::into).collect(),
        services: services.into_iter().map(Into::into).collect(),
        incidents: shown.incidents,
        cut_at: shown.cut_at,
    };
    page.sort();
    Ok(if audience == Audience::Public { page.for_public() } else { page })
}
