//! The demonstration organization: twelve services with ninety days of history and scheduled maintenance.

mod replay;
mod stories;

use std::collections::BTreeMap;

use sea_orm::{ActiveModelTrait, EntityTrait, IntoActiveModel};

use self::{
    replay::{post_update, publish_postmortem, set_baseline},
    stories::{CHANGES, GROUPS, STORIES, Story, TEMPLATES},
};
use super::{
    System,
    audit::Actor,
    identity::registration::insert_account,
    incidents::create_incident,
    new_id,
    store::{Lane, incident_template, service, service_group},
    tx::Tx,
};
use crate::model::{
    GroupId, IncidentId, IncidentKind, IncidentStatus, NewIncident, OrganizationId, Registration, Result, ServiceId,
    ServiceImpact,
    ServiceStatus::{self, Operational},
    Slug, TemplateId, Timestamp, UserId,
};

/// The page address of the demonstration.
pub const SLUG: &str = "demo";
/// The e-mail address of its account.
pub const EMAIL: &str = "demo@aldis.test";
/// The password of its account.
pub const PASSWORD: &str = "lamp-signal-2026";

/// Its time zone.
const TIME_ZONE: &str = "Europe/Berlin";
/// The age of the organization, in days.
const DAYS: i64 = 91;
const DAY: i64 = 86_400_000;
const MINUTE: i64 = 60_000;

/// One change of the demonstration's past.
enum Step {
    SetBaseline(&'static str, ServiceStatus),
    Open(&'static Story),
    PostUpdate(&'static Story, usize),
    PublishPostmortem(&'static Story),
}

impl System {
    /// Creates the demonstration organization unless it exists; returns whether it did.
    ///
    /// # Errors
    /// `conflict` when another account has the demonstration's e-mail address.
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
        let beginning = now.plus_seconds(-DAYS * 86_400);
        let db = self.domain.begin(Lane::System).await?;
        let account = insert_account(&db, &registration, password_hash, beginning).await?;
        let mut tx = Tx::over(&self.domain, db, account.organization.id, Actor::system()).await?;
        tx.organization_mut().time_zone = TIME_ZONE.into();
        tx.pretend(beginning);
        let services = services(&tx).await?;
        let mut opened = BTreeMap::new();
        for (at, step) in steps(now) {
            tx.pretend(at);
            replay(&mut tx, &services, &mut opened, account.user.id, step).await?;
        }
        tx.pretend(now);
        templates(&tx).await?;
        tx.commit().await?;
        self.domain.versions().note_creation();
        Ok(true)
    }
}

/// The steps until now, in order.
fn steps(now: Timestamp) -> Vec<(Timestamp, Step)> {
    let midnight = now.millis() - now.millis().rem_euclid(DAY);
    let at = |days_ago: i64, minute: i64| midnight - days_ago * DAY + minute * MINUTE;
    let mut steps = Vec::new();
    for (days_ago, minute, minutes, service, status) in CHANGES.iter().copied() {
        steps.push((at(days_ago, minute), Step::SetBaseline(service, status)));
        steps.push((at(days_ago, minute + minutes), Step::SetBaseline(service, Operational)));
    }
    for story in STORIES {
        let began = began(story, now);
        for (n, (minutes, ..)) in story.updates.iter().enumerate() {
            let step = if n == 0 { Step::Open(story) } else { Step::PostUpdate(story, n) };
            steps.push((began + minutes * MINUTE, step));
        }
        if let (Some(_), Some((minutes, ..))) = (story.postmortem, story.updates.last()) {
            steps.push((began + minutes * MINUTE + DAY, Step::PublishPostmortem(story)));
        }
    }
    steps.sort_by_key(|(at, _)| *at);
    steps.into_iter().map(|(at, step)| (Timestamp::from_millis(at), step)).collect()
}

/// When an incident began or a maintenance starts, in milliseconds since 1970.
fn began(story: &Story, now: Timestamp) -> i64 {
    match story.began {
        (days_ago, Some(minute)) => now.millis() - now.millis().rem_euclid(DAY) - days_ago * DAY + minute * MINUTE,
        (minutes_ago, None) => now.millis() - minutes_ago * MINUTE,
    }
}

async fn replay(
    tx: &mut Tx,
    services: &BTreeMap<&str, ServiceId>,
    opened: &mut BTreeMap<&str, IncidentId>,
    by: UserId,
    step: Step,
) -> Result<()> {
    let impacts = |impacts: &[(&str, ServiceStatus)]| -> Vec<ServiceImpact> {
        let known = impacts.iter().filter_map(|(name, status)| services.get(name).map(|id| (*id, *status)));
        known.map(|(id, status)| ServiceImpact { id, status }).collect()
    };
    let message = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
    match step {
        Step::SetBaseline(name, status) => {
            if let Some(id) = services.get(name) {
                set_baseline(tx, *id, status, by).await?;
            }
        }
        Step::Open(story) => {
            let Some((minutes, status, text, affected)) = story.updates.first() else { return Ok(()) };
            let began = tx.now().plus_millis(-minutes * MINUTE);
            let new = NewIncident {
                title: story.title.into(),
                message: message(text),
                incident_type: story.window.map_or(IncidentKind::Incident, |_| IncidentKind::Maintenance),
                status: Some(*status),
                services: impacts(affected),
                starts_at: story.window.map(|_| began),
                ends_at: story.window.map(|minutes| began.plus_millis(minutes * MINUTE)),
                ..Default::default()
            };
            opened.insert(story.title, create_incident(tx, &new, Some(by), None).await?.id);
        }
        Step::PostUpdate(story, n) => {
            if let (Some(id), Some((_, status, text, affected))) = (opened.get(story.title), story.updates.get(n)) {
                // Steps that the scheduler would have taken have no author.
                let by = (story.window.is_none() || *status == IncidentStatus::Scheduled).then_some(by);
                post_update(tx, *id, (*status, message(text)), impacts(affected), by).await?;
            }
        }
        Step::PublishPostmortem(story) => {
            if let (Some(id), Some(text)) = (opened.get(story.title), story.postmortem) {
                publish_postmortem(tx, *id, text, by).await?;
            }
        }
    }
    Ok(())
}

/// Inserts the groups and services, all operational.
async fn services(tx: &Tx) -> Result<BTreeMap<&'static str, ServiceId>> {
    let org_id: OrganizationId = tx.organization().id;
    let now = tx.now();
    let mut ids = BTreeMap::new();
    for (position, (name, services)) in (0_i64..).zip(GROUPS) {
        let group = GroupId::from_uuid(new_id());
        let row = service_group::Model {
            org_id,
            id: group,
            name: (*name).into(),
            position,
            created_at: now,
            updated_at: now,
            version: 1,
        };
        let row = row.into_active_model().reset_all();
        service_group::Entity::insert(row).exec_without_returning(tx.db()).await?;
        for (position, (name, description)) in (0_i64..).zip(*services) {
            let id = ServiceId::from_uuid(new_id());
            let row = service::Model {
                org_id,
                id,
                group_id: Some(group),
                name: (*name).into(),
                description: (*description).into(),
                baseline: Operational,
                status: Operational,
                status_since: now,
                position,
                created_at: now,
                updated_at: now,
                deleted_at: None,
                version: 1,
            };
            let row = row.into_active_model().reset_all();
            service::Entity::insert(row).exec_without_returning(tx.db()).await?;
            ids.insert(*name, id);
        }
    }
    Ok(ids)
}

/// Inserts the incident templates.
async fn templates(tx: &Tx) -> Result<()> {
    for (name, title, message) in TEMPLATES {
        let row = incident_template::Model {
            org_id: tx.organization().id,
            id: TemplateId::from_uuid(new_id()),
            name: (*name).into(),
            title: (*title).into(),
            message: (*message).into(),
            status: IncidentStatus::Investigating,
            services: "[]".into(),
            created_at: tx.now(),
            updated_at: tx.now(),
            version: 1,
        };
        let row = row.into_active_model().reset_all();
        incident_template::Entity::insert(row).exec_without_returning(tx.db()).await?;
    }
    Ok(())
}
