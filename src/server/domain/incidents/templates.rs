//! Templates: texts to open incidents with.

use sea_orm::{ActiveModelTrait, EntityTrait, IntoActiveModel, PaginatorTrait, QueryOrder};

use super::super::{Member, Viewer, audit::Deed, new_id, store::incident_template};
use crate::{
    model::{
        Action, Error, IncidentKind, IncidentStatus, NewTemplate, Result, Template, TemplateId,
        incident_input::check_step, template::fill,
    },
    server::error::internal,
};

/// The most templates an organization may have.
const TEMPLATES_MAX: u64 = 200;

impl Viewer {
    /// The templates, by name.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn templates(&self) -> Result<Vec<Template>> {
        let rows = self.scope().find::<incident_template::Entity>();
        let rows = rows.order_by_asc(incident_template::Column::Name).all(self.db()).await.map_err(internal)?;
        rows.into_iter().map(template).collect()
    }

    /// A template with its placeholders filled in for now.
    ///
    /// # Errors
    /// `not_found` when this organization has none with this id.
    pub async fn filled_template(&self, id: TemplateId) -> Result<Template> {
        let row = self.scope().find_id::<incident_template::Entity>(id).one(self.db()).await.map_err(internal)?;
        let template = template(row.ok_or_else(Error::not_found)?)?;
        let page = self.board().await?;
        let said = template.services.iter().filter_map(|said| page.service(said.id));
        let names: Vec<String> = said.map(|service| service.name.clone()).collect();
        let now = page.zone.human(self.domain.clock().now());
        let filled = |text: &str| fill(text, &names, &page.organization.name, &now);
        let services = template.services.iter().copied().filter(|said| page.service(said.id).is_some()).collect();
        Ok(Template { title: filled(&template.title), message: filled(&template.message), services, ..template })
    }
}

impl Member {
    /// Adds a template, or puts it in the place of another.
    ///
    /// # Errors
    /// `invalid` with the fields at fault; `not_found` for a template or service that is not this organization's.
    pub async fn save_template(&self, id: Option<TemplateId>, new: NewTemplate) -> Result<Template> {
        let new = new.check()?;
        let status = new.status.unwrap_or(IncidentStatus::Investigating);
        if status.kind() != IncidentKind::Incident {
            check_step(IncidentStatus::Investigating, status)?;
        }
        let mut tx = self.begin().await?;
        let known = self.scope().find::<incident_template::Entity>();
        let before = match id {
            Some(id) => {
                let row = self.scope().find_id::<incident_template::Entity>(id).one(tx.db()).await.map_err(internal)?;
                Some(row.ok_or_else(Error::not_found)?)
            }
            None if known.count(tx.db()).await.map_err(internal)? >= TEMPLATES_MAX => {
                return Err(Error::invalid(format!("An organization can have at most {TEMPLATES_MAX} templates.")));
            }
            None => None,
        };
        tx.require_services(&new.services).await?;
        let row = incident_template::Model {
            org_id: self.organization(),
            id: before.as_ref().map_or_else(|| TemplateId::from_uuid(new_id()), |before| before.id),
            name: new.name,
            title: new.title,
            message: new.message,
            status,
            services: serde_json::to_string(&new.services).map_err(internal)?,
            created_at: before.as_ref().map_or(tx.now(), |before| before.created_at),
            updated_at: tx.now(),
        };
        let action = if before.is_some() { Action::TemplateChanged } else { Action::TemplateCreated };
        let deed = Deed::new(action).on("template", row.id, &row.name);
        let after = template(row.clone())?;
        tx.note(match before.clone() {
            Some(before) => deed.changing(&template(before)?, &after),
            None => deed,
        });
        let change = row.clone().into_active_model().reset_all();
        if before.is_some() {
            let update = self.scope().update_id::<incident_template::Entity>(row.id);
            update.set(change).exec(tx.db()).await.map_err(internal)?;
        } else {
            incident_template::Entity::insert(change).exec_without_returning(tx.db()).await.map_err(internal)?;
        }
        tx.commit().await?;
        Ok(after)
    }

    /// Deletes a template.
    ///
    /// # Errors
    /// `not_found` when this organization has none with this id.
    pub async fn delete_template(&self, id: TemplateId) -> Result<()> {
        let mut tx = self.begin().await?;
        let row = self.scope().find_id::<incident_template::Entity>(id).one(tx.db()).await.map_err(internal)?;
        let row = row.ok_or_else(Error::not_found)?;
        tx.note(Deed::new(Action::TemplateDeleted).on("template", row.id, &row.name));
        row.into_active_model().delete(tx.db()).await.map_err(internal)?;
        tx.commit().await
    }
}

fn template(row: incident_template::Model) -> Result<Template> {
    Ok(Template {
        id: row.id,
        name: row.name,
        title: row.title,
        message: row.message,
        status: row.status,
        services: serde_json::from_str(&row.services).map_err(internal)?,
    })
}
