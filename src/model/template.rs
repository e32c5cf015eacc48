//! Incident templates, with placeholders.

use serde::{Deserialize, Serialize};

use super::{
    Check, IncidentStatus, Result,
    check::NAME_MAX,
    incident_input::{MESSAGE_MAX, ServiceImpact, TITLE_MAX, check_services},
    maintenance_plan::join_names,
    wire::id,
};

/// An incident template. Placeholders such as `{{services}}` are filled in when it is used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Template {
    /// Its id.
    pub id: TemplateId,
    /// Its name in the list.
    pub name: String,
    /// The incident's title.
    pub title: String,
    /// The first message, as Markdown.
    pub message: String,
    /// The first status.
    pub status: IncidentStatus,
    /// The affected services and their statuses.
    pub services: Vec<ServiceImpact>,
    /// The version for optimistic locking.
    #[serde(default)]
    pub version: i64,
}

id! {
    /// The id of a template.
    TemplateId;
}

/// A template to create, or to replace another.
#[derive(Clone, Debug, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "name": "Slow answers",
    "title": "{{services}}: elevated latency",
    "message": "Since {{time}} requests to {{services}} take longer than usual. We are looking into it.",
    "status": "investigating",
    "services": [{"id": "01936f3e-8a10-7c3e-9d52-0b6f5a1c2d3e", "status": "degraded"}]
}))]
pub struct NewTemplate {
    /// Its name in the list, 1 to 100 characters.
    pub name: String,
    /// The incident's title, 1 to 255 characters.
    pub title: String,
    /// The first message, as Markdown, up to 25,000 characters.
    #[serde(default)]
    pub message: String,
    /// The first status; `investigating` by default.
    #[serde(default)]
    pub status: Option<IncidentStatus>,
    /// The affected services and their statuses.
    #[serde(default)]
    pub services: Vec<ServiceImpact>,
    /// The version of the template to replace; rejected with 409 if it is not the current one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<i64>,
}

impl NewTemplate {
    /// Trims and checks the fields.
    ///
    /// # Errors
    /// `invalid` with the fields at fault.
    pub fn check(mut self) -> Result<Self> {
        let mut check = Check::default();
        self.name = check.line("name", &self.name, NAME_MAX);
        self.title = check.line("title", &self.title, TITLE_MAX);
        self.message = check.paragraph("message", &self.message, MESSAGE_MAX);
        check_services(&mut check, self.services.iter().map(|service| service.id), "services");
        check.finish()?;
        Ok(self)
    }
}

/// Fills in the placeholders `{{services}}`, `{{organization}}`, `{{date}}` and `{{time}}`. Unknown ones stay, so that
/// they are noticed before publishing.
#[must_use]
pub fn fill(text: &str, services: &[String], organization: &str, now: &str) -> String {
    let (date, time) = now.split_once(", ").unwrap_or((now, ""));
    let names = if services.is_empty() { "our services".to_owned() } else { join_names(services) };
    [("services", names.as_str()), ("organization", organization), ("date", date), ("time", time)]
        .into_iter()
        .fold(text.to_owned(), |text, (name, value)| text.replace(&format!("{{{{{name}}}}}"), value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_are_filled_and_unknown_ones_stay() {
        let text = "{{services}} at {{organization}} since {{time}} on {{date}}; {{owner}}";
        let names = ["API".to_owned(), "Web".to_owned(), "Mail".to_owned()];
        let filled = fill(text, &names, "Acme", "24 Nov 2026, 02:00 CET");
        assert_eq!(filled, "API, Web and Mail at Acme since 02:00 CET on 24 Nov 2026; {{owner}}");
        assert_eq!(fill("{{services}}", &[], "", ""), "our services");
    }
}
