//! Templates: texts to open incidents with, written on a calm day.

use serde::{Deserialize, Serialize};

use super::{
    Check, IncidentStatus, Result,
    check::NAME_MAX,
    incident_input::{MESSAGE_MAX, ServiceImpact, TITLE_MAX, check_services},
    wire::id,
};

/// A text to open incidents with; `{{service}}` and the like are filled in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Template {
    /// Its id.
    pub id: TemplateId,
    /// What it is called in the list.
    pub name: String,
    /// The incident's title.
    pub title: String,
    /// The first message, as Markdown.
    pub message: String,
    /// The first status.
    pub status: IncidentStatus,
    /// The services and what is said of them.
    pub services: Vec<ServiceImpact>,
    /// Counts how often it was changed.
    #[serde(default)]
    pub version: i64,
}

id! {
    /// Names a template.
    TemplateId;
}

/// A template to add or to put in the place of another.
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
    /// What it is called in the list, 1 to 100 characters.
    pub name: String,
    /// The incident's title, 1 to 255 characters.
    pub title: String,
    /// The first message, as Markdown, up to 25 000 characters.
    #[serde(default)]
    pub message: String,
    /// The first status; `investigating` when absent.
    #[serde(default)]
    pub status: Option<IncidentStatus>,
    /// The services and what is said of them.
    #[serde(default)]
    pub services: Vec<ServiceImpact>,
    /// The version of the one whose place it takes: refused with 409 when that is not the present one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<i64>,
}

impl NewTemplate {
    /// Trims the text and checks each field.
    ///
    /// # Errors
    /// Each field at fault, with what to do.
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

/// Fills in a template's placeholders: `{{services}}`, `{{organization}}`, `{{date}}` and `{{time}}`. What is unknown
/// stays as it is, so that nobody publishes a gap without seeing it.
#[must_use]
pub fn fill(text: &str, services: &[String], organization: &str, now: &str) -> String {
    let (date, time) = now.split_once(", ").unwrap_or((now, ""));
    let listed = match services {
        [] => "our services".to_owned(),
        [one] => one.clone(),
        [most @ .., last] => format!("{} and {last}", most.join(", ")),
    };
    [("services", listed.as_str()), ("organization", organization), ("date", date), ("time", time)]
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
