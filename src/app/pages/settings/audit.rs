//! The audit log, for admins.

use leptos::{either::Either, prelude::*};
use leptos_router::{components::Form, hooks::use_query_map, params::ParamsMap};
use serde::{Deserialize, Serialize};

use crate::{
    app::{
        components::{
            filter::{FilterChoice, FilterInput, escaped},
            time::{Time, Wording},
        },
        dashboard_state::{LoadError, WhenLoaded},
        pages::layout::page::Page,
        resource::blocking_resource,
        server_fns,
    },
    model::{Action, ActorKind, AuditChange, AuditEntry, AuditPage, Result},
};

/// The query parameters of the page; an empty one does not filter.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct AuditFilters {
    action: String,
    actor: String,
    from: String,
    to: String,
    before: String,
}

impl AuditFilters {
    fn of(query: &ParamsMap) -> Self {
        let part = |name| query.get(name).unwrap_or_default();
        Self {
            action: part("action"),
            actor: part("actor"),
            from: part("from"),
            to: part("to"),
            before: part("before"),
        }
    }

    fn parts(&self) -> [(&'static str, &str); 4] {
        [("action", &self.action), ("actor", &self.actor), ("from", &self.from), ("to", &self.to)]
    }

    /// The URL of the matching entries from the cursor `before` on.
    fn address(&self, path: &str, before: &str) -> String {
        let parts = self.parts().into_iter().chain([("before", before)]).filter(|(_, value)| !value.is_empty());
        let query: Vec<_> = parts.map(|(name, value)| format!("{name}={}", escaped(value))).collect();
        if query.is_empty() { path.to_owned() } else { format!("{path}?{}", query.join("&")) }
    }

    /// The URL of the CSV export, with the days of the page as instants.
    fn csv_url(&self, page: &AuditPage) -> String {
        let [from, to] = [page.from, page.to].map(|at| at.map(|at| at.to_string()).unwrap_or_default());
        Self { from, to, ..self.clone() }.address("/api/audit.csv", "")
    }
}

const PATH: &str = "/settings/audit";

/// The page that lists audit entries.
#[component]
pub fn AuditLog() -> impl IntoView {
    let query = use_query_map();
    let filters = Memo::new(move |_| AuditFilters::of(&query.read()));
    let answer = blocking_resource(
        move || filters.get(),
        |filters| async move {
            let AuditFilters { action, actor, from, to, before } = filters;
            server_fns::audit_log(action, actor, from, to, before).await
        },
    );
    let actions = move || {
        view! {
            <a class="button" href="/settings">
                "Settings"
            </a>
        }
    };
    let content = move || {
        answer.get().map(|answer: Result<AuditPage>| match answer {
            Ok(page) => view! { <AuditLogContent page filters /> }.into_any(),
            Err(error) => view! { <LoadError error /> }.into_any(),
        })
    };
    view! {
        <Page title="Audit log" actions=actions>
            <WhenLoaded let:_board>
                <p class="hint">"Every change and login: who, when and from where. Entries are kept for 400 days."</p>
                <Transition>{content}</Transition>
            </WhenLoaded>
        </Page>
    }
}

#[component]
fn AuditLogContent(page: AuditPage, filters: Memo<AuditFilters>) -> impl IntoView {
    let csv_url = filters.with_untracked(|filters| filters.csv_url(&page));
    let people = page.people.iter().map(|(id, name)| (id.to_string(), name.clone())).collect::<Vec<_>>();
    let actions = Action::ALL.iter().map(|action| (action.to_string(), action.label())).collect::<Vec<_>>();
    let part =
        move |read: fn(&AuditFilters) -> &String| Signal::derive(move || filters.with(|filters| read(filters).clone()));
    let next = page.next.map(|next| filters.with_untracked(|filters| filters.address(PATH, &next)));
    let first = filters.with_untracked(|filters| (!filters.before.is_empty()).then(|| filters.address(PATH, "")));
    let link = |href: String, label: &'static str| {
        view! {
            <a class="button" href=href>
                {label}
            </a>
        }
    };
    let rows = if page.entries.is_empty() {
        Either::Left(view! { <p class="empty">"No entries match your filters."</p> })
    } else {
        Either::Right(view! {
            <ul class="card rows mt-3">{page.entries.into_iter().map(|entry| view! { <AuditRow entry /> }).collect_view()}</ul>
        })
    };
    view! {
        <Form method="get" action=PATH attr:class="filters mt-3" attr:role="search" attr:aria-label="Audit log">
            <FilterChoice
                name="action"
                label="Action"
                any="Any action"
                choices=Signal::stored(actions)
                value=part(|filters| &filters.action)
            />
            <FilterChoice
                name="actor"
                label="User"
                any="Anyone"
                choices=Signal::stored(people)
                value=part(|filters| &filters.actor)
            />
            <FilterInput name="from" label="From" kind="date" value=part(|filters| &filters.from) />
            <FilterInput name="to" label="To" kind="date" value=part(|filters| &filters.to) />
            <button type="submit" class="button">
                "Filter"
            </button>
        </Form>
        {rows}
        <nav class="actions paging" aria-label="Pagination">
            {first.map(|first| link(first, "First page"))}
            {next.map(|next| link(next, "Next page"))}
        </nav>
        <p class="actions">
            <a class="button" href=csv_url rel="external" download="audit-log.csv">
                "Export as CSV"
            </a>
        </p>
    }
}

#[component]
fn AuditRow(entry: AuditEntry) -> impl IntoView {
    let target = entry.target.filter(|target| !target.name.is_empty());
    let by = match entry.actor.kind {
        ActorKind::User => "",
        ActorKind::Token => " (API token)",
        ActorKind::System => " (system)",
    };
    let changes: Vec<_> = entry.changes.into_iter().map(|(field, change)| change_text(&field, &change)).collect();
    view! {
        <li class="audit-entry px-4 py-2.5">
            <p>
                <span>{entry.action.label()}</span>
                {target.map(|target| view! { ": " <strong dir="auto">{target.name}</strong> })}
            </p>
            {(!changes.is_empty())
                .then(|| {
                    view! {
                        <ul class="meta list-disc ps-4">
                            {changes.into_iter().map(|change| view! { <li dir="auto">{change}</li> }).collect_view()}
                        </ul>
                    }
                })}
            <p class="meta">
                <bdi>{entry.actor.name}</bdi>
                {by}
                " · "
                <Time at=entry.created_at wording=Wording::DateAndAgo />
                {(!entry.ip.is_empty()).then(|| format!(" · {}", entry.ip))}
            </p>
        </li>
    }
}

/// A change as text: `status: operational → degraded`.
fn change_text(field: &str, change: &AuditChange) -> String {
    let text = |value: &serde_json::Value| match value {
        serde_json::Value::Null => "–".to_owned(),
        serde_json::Value::String(text) if text.is_empty() => "–".to_owned(),
        serde_json::Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let field = field.replace('_', " ");
    if change.from.is_null() {
        format!("{field}: {}", text(&change.to))
    } else {
        format!("{field}: {} → {}", text(&change.from), text(&change.to))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn changes_are_shown_as_text() {
        let change = |from, to| AuditChange { from, to };
        assert_eq!(
            change_text("time_zone", &change(json!("UTC"), json!("Europe/Berlin"))),
            "time zone: UTC → Europe/Berlin"
        );
        assert_eq!(change_text("scope", &change(json!(null), json!("read"))), "scope: read");
        assert_eq!(change_text("description", &change(json!("x"), json!(""))), "description: x → –");
    }

    #[test]
    fn the_csv_export_covers_the_days_of_the_page() {
        let filters = AuditFilters { action: "logged_in".into(), from: "2026-11-01".into(), ..Default::default() };
        let from = "2026-10-31T23:00:00Z".parse().ok();
        let page = AuditPage { entries: Vec::new(), next: None, people: Vec::new(), from, to: None };
        assert_eq!(filters.csv_url(&page), "/api/audit.csv?action=logged_in&from=2026-10-31T23%3A00%3A00.000Z");
    }
}
