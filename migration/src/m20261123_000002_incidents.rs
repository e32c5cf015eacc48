//! Incidents, maintenances and their updates, series, templates, presence, idempotency keys and job leases.

use sea_orm_migration::prelude::*;

use crate::column::{
    belongs_to, document, flag, id, index, integer, maybe_document, maybe_id, maybe_integer, maybe_value,
    of_organization, table, text, value,
};

const INCIDENT: &str = "incident";
const SERVICE: &str = "incident_service";
const IMPACT: &str = "incident_impact";
const UPDATE: &str = "incident_update";
const TEMPLATE: &str = "incident_template";
const SERIES: &str = "maintenance_series";
const PRESENCE: &str = "presence";
const KEY: &str = "idempotency_key";
const LEASE: &str = "job_lease";

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        time_zone(manager).await?;
        series(manager).await?;
        incidents(manager).await?;
        impacts(manager).await?;
        updates(manager).await?;
        around(manager).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for name in [LEASE, KEY, PRESENCE, TEMPLATE, UPDATE, IMPACT, SERVICE, INCIDENT, SERIES] {
            manager.drop_table(Table::drop().table(name).if_exists().take()).await?;
        }
        manager.alter_table(Table::alter().table("organization").drop_column("time_zone").take()).await
    }
}

/// The organization's time zone.
async fn time_zone(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    if manager.has_column("organization", "time_zone").await? {
        return Ok(());
    }
    let column = text("time_zone", 64).default("UTC").take();
    manager.alter_table(Table::alter().table("organization").add_column(column).take()).await
}

/// Series of recurring maintenances.
async fn series(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let backend = manager.get_database_backend();
    manager
        .create_table(
            table(SERIES, backend)
                .col(id("org_id"))
                .col(id("id"))
                .col(text("title", 255))
                .col(document("message", backend))
                .col(document("services", backend))
                .col(document("automations", backend))
                .col(text("rule", 500))
                .col(integer("first_start"))
                .col(integer("seconds"))
                .col(text("time_zone", 64))
                .col(maybe_id("created_by"))
                .col(integer("created_at"))
                .col(maybe_integer("ended_at"))
                // The start of the last window made, and when the series is due.
                .col(maybe_integer("last_start"))
                .col(maybe_integer("next_at"))
                .primary_key(Index::create().col("org_id").col("id"))
                .foreign_key(&mut of_organization("maintenance_series_organization", SERIES))
                .take(),
        )
        .await?;
    index(manager, "maintenance_series_due", SERIES, ["next_at"]).await
}

async fn incidents(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let backend = manager.get_database_backend();
    let mut incident = table(INCIDENT, backend);
    incident
        .col(id("org_id"))
        .col(id("id"))
        .col(value("kind"))
        .col(text("title", 255))
        .col(value("status"))
        // The worst impact ever reached, and the one that a member chose.
        .col(value("reached"))
        .col(maybe_value("impact_override"))
        .col(flag("is_draft"))
        .col(integer("started_at"))
        .col(maybe_integer("monitoring_at"))
        .col(maybe_integer("resolved_at"))
        .col(maybe_integer("backfilled_at"))
        .col(integer("created_at"))
        .col(maybe_id("created_by"))
        .col(integer("updated_at"))
        .col(integer("version"))
        .col(maybe_integer("scheduled_start"))
        .col(maybe_integer("scheduled_end"))
        .col(maybe_integer("planned_at"))
        .col(flag("is_reminded"))
        .col(flag("remind"))
        .col(flag("auto_start"))
        .col(flag("auto_end"))
        .col(flag("notify_start"))
        .col(flag("notify_end"))
        // When the next step is due.
        .col(maybe_integer("next_at"))
        .col(maybe_id("series_id"))
        .col(maybe_integer("occurrence_at"))
        .col(maybe_document("postmortem", backend))
        .col(maybe_document("postmortem_html", backend))
        .col(maybe_integer("postmortem_at"))
        .primary_key(Index::create().col("org_id").col("id"))
        .foreign_key(&mut of_organization("incident_organization", INCIDENT))
        .foreign_key(
            ForeignKey::create()
                .name("incident_in_series")
                .from(INCIDENT, ("org_id", "series_id"))
                .to(SERIES, ("org_id", "id")),
        );
    // Each window of a series is made once (domain rule 3.6.9).
    incident.index(
        Index::create().unique().name("incident_occurrence").col("org_id").col("series_id").col("occurrence_at"),
    );
    manager.create_table(incident).await?;
    index(manager, "incident_by_start", INCIDENT, ["org_id", "started_at", "id"]).await?;
    index(manager, "incident_by_end", INCIDENT, ["org_id", "resolved_at", "id"]).await?;
    index(manager, "incident_by_status", INCIDENT, ["org_id", "status", "started_at", "id"]).await?;
    index(manager, "incident_by_kind", INCIDENT, ["org_id", "kind", "started_at", "id"]).await?;
    // The due steps of all organizations and, under the lock, of one.
    index(manager, "incident_due", INCIDENT, ["next_at", "id"]).await?;
    index(manager, "incident_due_in_organization", INCIDENT, ["org_id", "next_at", "id"]).await
}

/// The services of incidents, and the periods in which they were affected.
async fn impacts(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let backend = manager.get_database_backend();
    manager
        .create_table(
            table(SERVICE, backend)
                .col(id("org_id"))
                .col(id("incident_id"))
                .col(id("service_id"))
                .col(text("name", 100))
                .col(value("status"))
                .col(value("worst"))
                .col(integer("position"))
                .primary_key(Index::create().col("org_id").col("incident_id").col("service_id"))
                .foreign_key(&mut belongs_to("incident_service_incident", SERVICE, "incident_id", INCIDENT))
                .foreign_key(&mut belongs_to("incident_service_service", SERVICE, "service_id", "service"))
                .take(),
        )
        .await?;
    index(manager, "incident_service_by_service", SERVICE, ["org_id", "service_id", "incident_id"]).await?;
    manager
        .create_table(
            table(IMPACT, backend)
                .col(id("org_id"))
                .col(id("id"))
                .col(id("incident_id"))
                .col(id("service_id"))
                .col(value("kind"))
                .col(value("status"))
                .col(integer("from_at"))
                .col(maybe_integer("to_at"))
                .col(flag("corrects_uptime"))
                .primary_key(Index::create().col("org_id").col("id"))
                .foreign_key(&mut belongs_to("incident_impact_incident", IMPACT, "incident_id", INCIDENT))
                .foreign_key(&mut belongs_to("incident_impact_service", IMPACT, "service_id", "service"))
                .take(),
        )
        .await?;
    index(manager, "incident_impact_by_service", IMPACT, ["org_id", "service_id", "to_at"]).await?;
    index(manager, "incident_impact_by_incident", IMPACT, ["org_id", "incident_id", "to_at"]).await
}

async fn updates(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let backend = manager.get_database_backend();
    manager
        .create_table(
            table(UPDATE, backend)
                .col(id("org_id"))
                .col(id("id"))
                .col(id("incident_id"))
                .col(value("status"))
                .col(document("message", backend))
                .col(document("html", backend))
                .col(integer("render_version"))
                .col(maybe_id("created_by"))
                .col(integer("created_at"))
                .col(integer("display_at"))
                .col(integer("updated_at"))
                .col(flag("notify"))
                // The recorded service changes and the edit history, as JSON.
                .col(maybe_document("services", backend))
                .col(document("edits", backend))
                .primary_key(Index::create().col("org_id").col("id"))
                .foreign_key(&mut belongs_to("incident_update_incident", UPDATE, "incident_id", INCIDENT))
                .take(),
        )
        .await?;
    index(manager, "incident_update_by_time", UPDATE, ["org_id", "incident_id", "display_at", "id"]).await
}

/// Templates, presence, idempotency keys and job leases.
async fn around(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let backend = manager.get_database_backend();
    manager
        .create_table(
            table(TEMPLATE, backend)
                .col(id("org_id"))
                .col(id("id"))
                .col(text("name", 100))
                .col(text("title", 255))
                .col(document("message", backend))
                .col(value("status"))
                .col(document("services", backend))
                .col(integer("created_at"))
                .col(integer("updated_at"))
                .primary_key(Index::create().col("org_id").col("id"))
                .foreign_key(&mut of_organization("incident_template_organization", TEMPLATE))
                .take(),
        )
        .await?;
    manager
        .create_table(
            table(PRESENCE, backend)
                .col(id("org_id"))
                .col(id("incident_id"))
                .col(id("user_id"))
                .col(integer("seen_at"))
                .primary_key(Index::create().col("org_id").col("incident_id").col("user_id"))
                .foreign_key(&mut belongs_to("presence_incident", PRESENCE, "incident_id", INCIDENT))
                .take(),
        )
        .await?;
    manager
        .create_table(
            table(KEY, backend)
                .col(id("org_id"))
                .col(text("idempotency_key", 128))
                .col(value("operation"))
                .col(text("fingerprint", 64))
                .col(id("object_id"))
                .col(integer("created_at"))
                .primary_key(Index::create().col("org_id").col("idempotency_key"))
                .foreign_key(&mut of_organization("idempotency_key_organization", KEY))
                .take(),
        )
        .await?;
    index(manager, "idempotency_key_by_time", KEY, ["created_at"]).await?;
    manager
        .create_table(
            table(LEASE, backend).col(value("name").primary_key()).col(id("holder")).col(integer("until")).take(),
        )
        .await
}
