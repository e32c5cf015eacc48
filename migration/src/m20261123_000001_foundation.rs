//! Organizations, users, sessions, services, groups, status changes and live events.

use sea_orm_migration::prelude::*;

use crate::column::{document, id, index, integer, maybe_id, maybe_integer, table, text, value};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        accounts(manager).await?;
        services(manager).await?;
        events(manager).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for name in [
            "event",
            "status_change",
            "service",
            "service_group",
            "session",
            "membership",
            "user_account",
            "organization",
        ] {
            manager.drop_table(Table::drop().table(Alias::new(name)).if_exists().take()).await?;
        }
        Ok(())
    }
}

#[derive(DeriveIden)]
enum Organization {
    Table,
    Id,
    Name,
    Slug,
    PublicSeq,
    MembersSeq,
    CreatedAt,
}

#[derive(DeriveIden)]
enum UserAccount {
    Table,
    Id,
    Email,
    Name,
    PasswordHash,
    CreatedAt,
}

#[derive(DeriveIden)]
enum Membership {
    Table,
    OrgId,
    UserId,
    Role,
    CreatedAt,
}

#[derive(DeriveIden)]
enum Session {
    Table,
    Id,
    OrgId,
    UserId,
    CreatedAt,
    LastSeenAt,
    ExpiresAt,
}

async fn accounts(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let backend = manager.get_database_backend();
    manager
        .create_table(
            table(Organization::Table, backend)
                .col(id(Organization::Id).primary_key())
                .col(text(Organization::Name, 100))
                .col(text(Organization::Slug, 48).unique_key())
                .col(integer(Organization::PublicSeq))
                .col(integer(Organization::MembersSeq))
                .col(integer(Organization::CreatedAt))
                .take(),
        )
        .await?;
    // `user` is a reserved word in PostgreSQL.
    manager
        .create_table(
            table(UserAccount::Table, backend)
                .col(id(UserAccount::Id).primary_key())
                .col(text(UserAccount::Email, 254).unique_key())
                .col(text(UserAccount::Name, 100))
                .col(text(UserAccount::PasswordHash, 255))
                .col(integer(UserAccount::CreatedAt))
                .take(),
        )
        .await?;
    manager
        .create_table(
            table(Membership::Table, backend)
                .col(id(Membership::OrgId))
                .col(id(Membership::UserId))
                .col(value(Membership::Role))
                .col(integer(Membership::CreatedAt))
                .primary_key(Index::create().col(Membership::OrgId).col(Membership::UserId))
                .foreign_key(
                    ForeignKey::create()
                        .name("membership_organization")
                        .from(Membership::Table, Membership::OrgId)
                        .to(Organization::Table, Organization::Id)
                        .on_delete(ForeignKeyAction::Cascade),
                )
                .foreign_key(
                    ForeignKey::create()
                        .name("membership_user")
                        .from(Membership::Table, Membership::UserId)
                        .to(UserAccount::Table, UserAccount::Id)
                        .on_delete(ForeignKeyAction::Cascade),
                )
                .take(),
        )
        .await?;
    index(manager, "membership_by_user", Membership::Table, [Membership::UserId, Membership::OrgId]).await?;
    manager
        .create_table(
            table(Session::Table, backend)
                .col(id(Session::Id).primary_key())
                .col(id(Session::OrgId))
                .col(id(Session::UserId))
                .col(integer(Session::CreatedAt))
                .col(integer(Session::LastSeenAt))
                .col(integer(Session::ExpiresAt))
                .foreign_key(
                    // Sessions are deleted with the membership.
                    ForeignKey::create()
                        .name("session_membership")
                        .from(Session::Table, (Session::OrgId, Session::UserId))
                        .to(Membership::Table, (Membership::OrgId, Membership::UserId))
                        .on_delete(ForeignKeyAction::Cascade),
                )
                .take(),
        )
        .await?;
    index(manager, "session_by_member", Session::Table, [Session::OrgId, Session::UserId]).await?;
    index(manager, "session_by_expiry", Session::Table, [Session::ExpiresAt]).await
}

#[derive(DeriveIden)]
enum ServiceGroup {
    Table,
    OrgId,
    Id,
    Name,
    Position,
    CreatedAt,
    UpdatedAt,
}

#[derive(DeriveIden)]
enum Service {
    Table,
    OrgId,
    Id,
    GroupId,
    Name,
    Description,
    Baseline,
    Status,
    StatusSince,
    Position,
    CreatedAt,
    UpdatedAt,
    DeletedAt,
}

#[derive(DeriveIden)]
enum StatusChange {
    Table,
    OrgId,
    Id,
    ServiceId,
    OldStatus,
    NewStatus,
    Cause,
    ChangedBy,
    CreatedAt,
}

async fn services(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let backend = manager.get_database_backend();
    manager
        .create_table(
            table(ServiceGroup::Table, backend)
                .col(id(ServiceGroup::OrgId))
                .col(id(ServiceGroup::Id))
                .col(text(ServiceGroup::Name, 100))
                .col(integer(ServiceGroup::Position))
                .col(integer(ServiceGroup::CreatedAt))
                .col(integer(ServiceGroup::UpdatedAt))
                .primary_key(Index::create().col(ServiceGroup::OrgId).col(ServiceGroup::Id))
                .foreign_key(
                    ForeignKey::create()
                        .name("service_group_organization")
                        .from(ServiceGroup::Table, ServiceGroup::OrgId)
                        .to(Organization::Table, Organization::Id)
                        .on_delete(ForeignKeyAction::Cascade),
                )
                .take(),
        )
        .await?;
    manager
        .create_table(
            table(Service::Table, backend)
                .col(id(Service::OrgId))
                .col(id(Service::Id))
                .col(maybe_id(Service::GroupId))
                .col(text(Service::Name, 100))
                .col(text(Service::Description, 500))
                .col(value(Service::Baseline))
                .col(value(Service::Status))
                .col(integer(Service::StatusSince))
                .col(integer(Service::Position))
                .col(integer(Service::CreatedAt))
                .col(integer(Service::UpdatedAt))
                // A deleted service keeps its row, as the page's history refers to it (domain rule 3.12).
                .col(maybe_integer(Service::DeletedAt))
                .primary_key(Index::create().col(Service::OrgId).col(Service::Id))
                .foreign_key(
                    ForeignKey::create()
                        .name("service_organization")
                        .from(Service::Table, Service::OrgId)
                        .to(Organization::Table, Organization::Id)
                        .on_delete(ForeignKeyAction::Cascade),
                )
                .foreign_key(
                    ForeignKey::create()
                        .name("service_in_group")
                        .from(Service::Table, (Service::OrgId, Service::GroupId))
                        .to(ServiceGroup::Table, (ServiceGroup::OrgId, ServiceGroup::Id)),
                )
                .take(),
        )
        .await?;
    index(manager, "service_by_group", Service::Table, [Service::OrgId, Service::GroupId]).await?;
    manager
        .create_table(
            table(StatusChange::Table, backend)
                .col(id(StatusChange::OrgId))
                .col(id(StatusChange::Id))
                .col(id(StatusChange::ServiceId))
                .col(value(StatusChange::OldStatus))
                .col(value(StatusChange::NewStatus))
                .col(value(StatusChange::Cause))
                .col(maybe_id(StatusChange::ChangedBy))
                .col(integer(StatusChange::CreatedAt))
                .primary_key(Index::create().col(StatusChange::OrgId).col(StatusChange::Id))
                .foreign_key(
                    ForeignKey::create()
                        .name("status_change_service")
                        .from(StatusChange::Table, (StatusChange::OrgId, StatusChange::ServiceId))
                        .to(Service::Table, (Service::OrgId, Service::Id))
                        .on_delete(ForeignKeyAction::Cascade),
                )
                .take(),
        )
        .await?;
    index(
        manager,
        "status_change_by_time",
        StatusChange::Table,
        [StatusChange::OrgId, StatusChange::CreatedAt, StatusChange::Id],
    )
    .await?;
    index(
        manager,
        "status_change_by_service",
        StatusChange::Table,
        [StatusChange::OrgId, StatusChange::ServiceId, StatusChange::CreatedAt, StatusChange::Id],
    )
    .await
}

#[derive(DeriveIden)]
enum Event {
    Table,
    OrgId,
    Audience,
    Seq,
    Frame,
    CreatedAt,
}

async fn events(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let backend = manager.get_database_backend();
    manager
        .create_table(
            table(Event::Table, backend)
                .col(id(Event::OrgId))
                .col(value(Event::Audience))
                .col(integer(Event::Seq))
                .col(document(Event::Frame, backend))
                .col(integer(Event::CreatedAt))
                .primary_key(Index::create().col(Event::OrgId).col(Event::Audience).col(Event::Seq))
                .foreign_key(
                    ForeignKey::create()
                        .name("event_organization")
                        .from(Event::Table, Event::OrgId)
                        .to(Organization::Table, Organization::Id)
                        .on_delete(ForeignKeyAction::Cascade),
                )
                .take(),
        )
        .await?;
    index(manager, "event_by_time", Event::Table, [Event::CreatedAt]).await
}
