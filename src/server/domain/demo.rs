//! The demonstration organization: a team with twelve services and ninety days behind it.

use sea_orm::{ActiveModelTrait, ActiveValue::Set, EntityTrait, IntoActiveModel};

use super::{
    System,
    accounts::insert_account,
    new_id,
    store::{self, service, service_group, status_change},
};
use crate::{
    model::{
        Cause, Error, GroupId, Registration, Result, ServiceId,
        ServiceStatus::{self, Degraded, MajorOutage, Operational, PartialOutage, UnderMaintenance},
        Slug, StatusChangeId,
    },
    server::error::internal,
};

/// The page address of the demonstration.
pub const SLUG: &str = "demo";
/// How to sign in to it.
pub const EMAIL: &str = "demo@aldis.test";
/// The password that goes with it.
pub const PASSWORD: &str = "lamp-signal-2026";

/// What happened to a service: how many days ago, at which minute of the day, for how many minutes, and what it was.
type Trouble = (i64, i64, i64, ServiceStatus);

struct Plan {
    group: &'static str,
    name: &'static str,
    description: &'static str,
    past: &'static [Trouble],
    now: ServiceStatus,
}

const PLANS: &[Plan] = &[
    plan(
        "Core platform",
        "API",
        "REST and webhooks",
        &[(71, 545, 18, PartialOutage), (23, 880, 41, MajorOutage)],
        Operational,
    ),
    plan("Core platform", "Dashboard", "Where teams work", &[(23, 882, 45, PartialOutage)], Operational),
    plan("Core platform", "Authentication", "Sign-in and single sign-on", &[(52, 130, 12, MajorOutage)], Operational),
    plan("Core platform", "Search", "Full-text search", &[(64, 610, 180, Degraded), (9, 700, 95, Degraded)], Degraded),
    plan("Payments", "Checkout", "Card and invoice payments", &[(37, 1_020, 64, PartialOutage)], Operational),
    plan("Payments", "Payouts", "Transfers to bank accounts", &[(37, 1_022, 70, PartialOutage)], Operational),
    plan("Payments", "Invoices", "PDF and e-mail delivery", &[(80, 480, 240, Degraded)], Operational),
    plan("Infrastructure", "EU region", "Frankfurt and Dublin", &[(45, 120, 60, UnderMaintenance)], Operational),
    plan(
        "Infrastructure",
        "US region",
        "Virginia and Oregon",
        &[(44, 120, 60, UnderMaintenance), (16, 300, 33, MajorOutage)],
        Operational,
    ),
    plan("Infrastructure", "CDN", "Images and downloads", &[(58, 905, 27, PartialOutage)], Operational),
    plan("Communication", "E-mail", "Notifications and receipts", &[(5, 560, 150, Degraded)], Operational),
    plan(
        "Communication",
        "SMS",
        "Codes and alerts",
        &[(30, 660, 75, PartialOutage), (12, 400, 20, Degraded)],
        Operational,
    ),
];

const fn plan(
    group: &'static str,
    name: &'static str,
    description: &'static str,
    past: &'static [Trouble],
    now: ServiceStatus,
) -> Plan {
    Plan { group, name, description, past, now }
}

impl System {
    /// Creates the demonstration organization, unless it exists. Tells whether it did.
    ///
    /// # Errors
    /// When the database does not answer, or somebody else has the demonstration's e-mail address.
    pub async fn create_demo(&self, password_hash: String) -> Result<bool> {
        let slug = Slug::unreserved(SLUG)?;
        if self.has_page(&slug).await? {
            return Ok(false);
        }
        let registration = Registration {
            email: EMAIL.parse()?,
            password: String::new(),
            name: "Dana Demo".into(),
            organization_name: "Harbour Works".into(),
            slug,
        };
        let now = self.domain.clock().now();
        let beginning = now.plus_seconds(-91 * 86_400);
        let midnight = |days_ago: i64| now.millis() - now.millis().rem_euclid(86_400_000) - days_ago * 86_400_000;

        let tx = store::begin(self.domain.db()).await.map_err(internal)?;
        let account = insert_account(&tx, &registration, password_hash, beginning).await?;
        let org_id = account.organization.id;
        let mut groups: Vec<(&str, GroupId, i64)> = Vec::new();
        for plan in PLANS {
            if groups.last().is_none_or(|(name, ..)| *name != plan.group) {
                let row = service_group::Model {
                    org_id,
                    id: GroupId::from_uuid(new_id()),
                    name: plan.group.into(),
                    position: i64::try_from(groups.len()).map_err(internal)?,
                    created_at: beginning,
                    updated_at: beginning,
                };
                groups.push((plan.group, row.id, 0));
                let row = row.into_active_model().reset_all();
                service_group::Entity::insert(row).exec_without_returning(&tx).await.map_err(internal)?;
            }
            let Some((_, group_id, position)) = groups.last_mut() else { return Err(Error::internal()) };

            let id = ServiceId::from_uuid(new_id());
            let mut changes = Vec::new();
            for (days_ago, minute, minutes, status) in plan.past.iter().copied() {
                let start = midnight(days_ago) + minute * 60_000;
                changes.push((start, Operational, status));
                changes.push((start + minutes * 60_000, status, Operational));
            }
            if plan.now != Operational {
                changes.push((now.millis() - 26 * 60_000, Operational, plan.now));
            }
            let since = changes.last().map_or(beginning.millis(), |(at, ..)| *at);
            let row = service::Model {
                org_id,
                id,
                group_id: Some(*group_id),
                name: plan.name.into(),
                description: plan.description.into(),
                baseline: plan.now,
                status: plan.now,
                status_since: crate::model::Timestamp::from_millis(since),
                position: *position,
                created_at: beginning,
                updated_at: now,
                deleted_at: None,
            };
            *position += 1;
            let row = row.into_active_model().reset_all();
            service::Entity::insert(row).exec_without_returning(&tx).await.map_err(internal)?;
            let rows = changes.into_iter().map(|(at, old_status, new_status)| status_change::ActiveModel {
                org_id: Set(org_id),
                id: Set(StatusChangeId::from_uuid(new_id())),
                service_id: Set(id),
                old_status: Set(old_status),
                new_status: Set(new_status),
                cause: Set(Cause::Manual),
                changed_by: Set(Some(account.user.id)),
                created_at: Set(crate::model::Timestamp::from_millis(at)),
            });
            status_change::Entity::insert_many(rows).exec_without_returning(&tx).await.map_err(internal)?;
        }
        tx.commit().await.map_err(internal)?;
        Ok(true)
    }
}
