//! Incident templates: list, fill in, create, replace, delete.

use sea_orm::{
    ActiveModelTrait, ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel, IntoSimpleExpr, PaginatorTrait,
    QueryFilter, QueryOrder, QuerySelect,
    sea_query::{Expr, ExprTrait, Func},
};

use super::{
    super::{
        Member, Viewer,
        audit::AuditEvent,
        new_id,
        store::{Scope, incident_template},
        tx::Tx,
    },
    aggregate::require_services,
    answers::budget::{TEMPLATES_CHARS, first_within},
};
use crate::{
    model::{
        Action, Error, IncidentKind, IncidentStatus, NewTemplate, Result, Template, TemplateId, check::require_version,
        incident_input::check_step, template::fill,
    },
    server::{
        domain::idempotency::{IdempotencyKey, gone_since},
        error::internal,
    },
};

const OPERATION: &str = "create_template";
/// The most templates an organization may have.
const TEMPLATES_MAX: u64 = 200;

impl Viewer {
    /// The templates, by name: the first that fit.
    pub async fn templates(&self) -> Result<Vec<Template>> {
        let lengths = lengths(self.db(), self.scope()).await?;
        let (chosen, _) = first_within(lengths, i64::try_from(TEMPLATES_CHARS)?, |(_, length)| *length);
        let rows = self.scope().find::<incident_template::Entity>();
        let rows = rows.filter(incident_template::Column::Id.is_in(chosen.into_iter().map(|(id, _)| id)));
        let rows = rows.order_by_asc(incident_template::Column::Name).all(self.db()).await?;
        rows.into_iter().map(template).collect()
    }

    /// A template with its placeholders filled in.
    ///
    /// # Errors
    /// `not_found` when this organization has none with this id.
    pub async fn filled_template(&self, id: TemplateId) -> Result<Template> {
        let row = self.scope().find_id::<incident_template::Entity>(id).one(self.db()).await?;
        let template = template(row.ok_or_else(Error::not_found)?)?;
        let page = self.board().await?;
        let affected = template.services.iter().filter_map(|impact| page.service(impact.id));
        let names: Vec<String> = affected.map(|service| service.name.clone()).collect();
        let now = page.zone.human(self.domain.clock().now());
        let filled = |text: &str| fill(text, &names, &page.organization.name, &now);
        let services = template.services.iter().copied().filter(|impact| page.service(impact.id).is_some()).collect();
        Ok(Template { title: filled(&template.title), message: filled(&template.message), services, ..template })
    }
}

impl Member {
    /// Adds a template; also returns whether this is a replay of an earlier request with the same key.
    ///
    /// # Errors
    /// `invalid` with the fields at fault; `not_found` for a service that is not this organization's; `conflict` for a key
    /// that was used for something else.
    pub async fn create_template(&self, new: NewTemplate, key: Option<IdempotencyKey>) -> Result<(Template, bool)> {
        let asked = new.clone();
        let (new, status) = checked(new)?;
        if new.version.is_some() {
            return Err(Error::field("version", "A new template has no version. Omit this field."));
        }
        let mut tx = self.begin().await?;
        if let Some(made) = tx.created_before(key.as_ref(), OPERATION, &asked).await? {
            return Ok((template(find(&tx, TemplateId::from_uuid(made)).await.map_err(gone_since)?)?, true));
        }
        let known = tx.scope().find::<incident_template::Entity>();
        if known.count(tx.db()).await? >= TEMPLATES_MAX {
            return Err(Error::invalid(format!(
                "Your organization has reached its limit of {TEMPLATES_MAX} templates. Delete one first."
            )));
        }
        require_services(&tx, &new.services).await?;
        let row = incident_template::Model {
            org_id: self.organization(),
            id: TemplateId::from_uuid(new_id()),
            name: new.name,
            title: new.title,
            message: new.message,
            status,
            services: serde_json::to_string(&new.services).map_err(internal)?,
            created_at: tx.now(),
            updated_at: tx.now(),
            version: 1,
        };
        let made = template(row.clone())?;
        let row = row.into_active_model().reset_all();
        incident_template::Entity::insert(row).exec_without_returning(tx.db()).await?;
        require_room(&tx).await?;
        tx.audit(AuditEvent::new(Action::TemplateCreated).on("template", made.id, &made.name));
        tx.remember(key, OPERATION, &asked, made.id.uuid()).await?;
        tx.commit().await?;
        Ok((made, false))
    }

    /// Replaces a template.
    ///
    /// # Errors
    /// `invalid` with the fields at fault; `not_found` for a template or service that is not this organization's;
    /// `conflict` when the version is not the current one.
    pub async fn replace_template(&self, id: TemplateId, new: NewTemplate) -> Result<Template> {
        let (new, status) = checked(new)?;
        let mut tx = self.begin().await?;
        let row = find(&tx, id).await?;
        require_version(new.version, row.version)?;
        require_services(&tx, &new.services).await?;
        let before = template(row.clone())?;
        let row = incident_template::Model {
            name: new.name,
            title: new.title,
            message: new.message,
            status,
            services: serde_json::to_string(&new.services).map_err(internal)?,
            updated_at: tx.now(),
            version: row.version + 1,
            ..row
        };
        let after = template(row.clone())?;
        let update = tx.scope().update_id::<incident_template::Entity>(id).set(row.into_active_model().reset_all());
        update.exec(tx.db()).await?;
        require_room(&tx).await?;
        tx.audit(AuditEvent::new(Action::TemplateChanged).on("template", id, &after.name).changing(&before, &after));
        tx.commit().await?;
        Ok(after)
    }

    /// Deletes a template.
    ///
    /// # Errors
    /// `not_found` when this organization has none with this id.
    pub async fn delete_template(&self, id: TemplateId) -> Result<()> {
        let mut tx = self.begin().await?;
        let row = find(&tx, id).await?;
        tx.audit(AuditEvent::new(Action::TemplateDeleted).on("template", row.id, &row.name));
        row.into_active_model().delete(tx.db()).await?;
        tx.commit().await
    }
}

/// A template of this organization.
async fn find(tx: &Tx, id: TemplateId) -> Result<incident_template::Model> {
    let row = tx.scope().find_id::<incident_template::Entity>(id).one(tx.db()).await?;
    row.ok_or_else(Error::not_found)
}

/// The templates with the length of their texts in characters, by name.
async fn lengths(db: &impl ConnectionTrait, scope: Scope) -> Result<Vec<(TemplateId, i64)>> {
    use incident_template::Column;
    let length = |column: Column| Expr::from(Func::char_length(column.into_simple_expr()));
    let length = length(Column::Name).add(length(Column::Title)).add(length(Column::Message));
    let length = length.add(Expr::from(Func::char_length(Column::Services.into_simple_expr())));
    let rows = scope.find::<incident_template::Entity>().order_by_asc(Column::Name).select_only();
    let rows: Vec<(TemplateId, i32)> = rows.column(Column::Id).column_as(length, "length").into_tuple().all(db).await?;
    Ok(rows.into_iter().map(|(id, length)| (id, length.into())).collect())
}

/// Rejects more text than all templates may have together.
async fn require_room(tx: &Tx) -> Result<()> {
    let lengths = lengths(tx.db(), tx.scope()).await?;
    if lengths.iter().map(|(_, length)| length).sum::<i64>() <= i64::try_from(TEMPLATES_CHARS)? {
        return Ok(());
    }
    Err(Error::field("message", "All templates have together reached their text limit. Shorten or delete some."))
}

/// Checks a template; also returns its first status.
fn checked(new: NewTemplate) -> Result<(NewTemplate, IncidentStatus)> {
    let new = new.check()?;
    let status = new.status.unwrap_or(IncidentStatus::Investigating);
    if status.kind() != IncidentKind::Incident {
        check_step(IncidentStatus::Investigating, status)?;
    }
    Ok((new, status))
}

fn template(row: incident_template::Model) -> Result<Template> {
    Ok(Template {
        id: row.id,
        name: row.name,
        title: row.title,
        message: row.message,
        status: row.status,
        services: serde_json::from_str(&row.services).map_err(internal)?,
        version: row.version,
    })
}
