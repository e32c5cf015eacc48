//! The demonstration organization: a team with twelve services, ninety days behind it and some work ahead.

mod replay;
mod stories;

use std::collections::BTreeMap;

use sea_orm::{ActiveModelTrait, EntityTrait, IntoActiveModel};

use self::stories::{CHANGES, GROUPS, STORIES, Story, TEMPLATES};
use super::{
    System,
    audit::Actor,
    identity::registration::insert_account,
    new_id,
    store::{self, incident_template, service, service_group},
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
/// How to sign in to it.
pub const EMAIL: &str = "demo@aldis.test";
/// The password that goes with it.
pub const PASSWORD: &str = "lamp-signal-2026";

/// The zone its page goes by.
const TIME_ZONE: &str = "Europe/Berlin";
/// How many days ago it began.
const DAYS: i64 = 91;
const DAY: i64 = 86_400_000;
const MINUTE: i64 = 60_000;

/// One thing that happens, at its time.
enum Scene {
    Change(&'static str, ServiceStatus),
    Open(&'static Story),
    Say(&'static Story, usize),
    Publish(&'static Story),
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
        let beginning = now.plus_seconds(-DAYS * 86_400);
        let db = store::begin(self.domain.db()).await?;
        let account = insert_account(&db, &registration, password_hash, beginning).await?;
        let mut tx = Tx::over(&self.domain, db, account.organization.id, Actor::system()).await?;
        tx.organization_mut().time_zone = TIME_ZONE.into();
        tx.pretend(beginning);
        let services = services(&tx).await?;
        let mut told = BTreeMap::new();
        for (at, scene) in scenes(now) {
            tx.pretend(at);
            play(&mut tx, &services, &mut told, account.user.id, scene).await?;
        }
        tx.pretend(now);
        templates(&tx).await?;
        tx.commit().await?;
        Ok(true)
    }
}

/// Everything that happened until now, in order.
fn scenes(now: Timestamp) -> Vec<(Timestamp, Scene)> {
    let midnight = now.millis() - now.millis().rem_euclid(DAY);
    let at = |days_ago: i64, minute: i64| midnight - days_ago * DAY + minute * MINUTE;
    let mut scenes = Vec::new();
    for (days_ago, minute, minutes, service, status) in CHANGES.iter().copied() {
        scenes.push((at(days_ago, minute), Scene::Change(service, status)));
        scenes.push((at(days_ago, minute + minutes), Scene::Change(service, Operational)));
    }
    for story in STORIES {
        let began = began(story, now);
        for (n, (minutes, ..)) in story.words.iter().enumerate() {
            let scene = if n == 0 { Scene::Open(story) } else { Scene::Say(story, n) };
            scenes.push((began + minutes * MINUTE, scene));
        }
        if let (Some(_), Some((minutes, ..))) = (story.postmortem, story.words.last()) {
            scenes.push((began + minutes * MINUTE + DAY, Scene::Publish(story)));
        }
    }
    scenes.sort_by_key(|(at, _)| *at);
    scenes.into_iter().map(|(at, scene)| (Timestamp::from_millis(at), scene)).collect()
}

/// When a story began or begins, in milliseconds since 1970.
fn began(story: &Story, now: Timestamp) -> i64 {
    match story.began {
        (days_ago, Some(minute)) => now.millis() - now.millis().rem_euclid(DAY) - days_ago * DAY + minute * MINUTE,
        (minutes_ago, None) => now.millis() - minutes_ago * MINUTE,
    }
}

async fn play(
    tx: &mut Tx,
    services: &BTreeMap<&str, ServiceId>,
    told: &mut BTreeMap<&str, IncidentId>,
    by: UserId,
    scene: Scene,
) -> Result<()> {
    let said = |words: &[(&str, ServiceStatus)]| -> Vec<ServiceImpact> {
        let known = words.iter().filter_map(|(name, status)| services.get(name).map(|id| (*id, *status)));
        known.map(|(id, status)| ServiceImpact { id, status }).collect()
    };
    let message = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
    match scene {
        Scene::Change(name, status) => {
            if let Some(id) = services.get(name) {
                tx.set_baseline(*id, status, by).await?;
            }
        }
        Scene::Open(story) => {
            let Some((minutes, status, text, words)) = story.words.first() else { return Ok(()) };
            let began = tx.now().plus_millis(-minutes * MINUTE);
            let new = NewIncident {
                title: story.title.into(),
                message: message(text),
                incident_type: story.window.map_or(IncidentKind::Incident, |_| IncidentKind::Maintenance),
                status: Some(*status),
                services: said(words),
                starts_at: story.window.map(|_| began),
                ends_at: story.window.map(|minutes| began.plus_millis(minutes * MINUTE)),
                ..Default::default()
            };
            told.insert(story.title, tx.open_by(&new, by).await?);
        }
        Scene::Say(story, n) => {
            if let (Some(id), Some((_, status, text, words))) = (told.get(story.title), story.words.get(n)) {
                // What the clock would have said, it said by itself.
                let by = (story.window.is_none() || *status == IncidentStatus::Scheduled).then_some(by);
                tx.say_by(*id, (*status, message(text)), said(words), by).await?;
            }
        }
        Scene::Publish(story) => {
            if let (Some(id), Some(text)) = (told.get(story.title), story.postmortem) {
                tx.publish_postmortem(*id, text, by).await?;
            }
        }
    }
    Ok(())
}

/// The groups and services, at work.
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
