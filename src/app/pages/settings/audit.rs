//! The audit log: who did what, for admins.

use leptos::{either::Either, prelude::*};
use leptos_router::{components::Form, hooks::use_query_map, params::ParamsMap};
use serde::{Deserialize, Serialize};

use crate::{
    app::{
        components::{
            filter::{FilterChoice, FilterInput, escaped},
            time::{Time, Wording},
        },
        dashboard_state::{Trouble, WhenLoaded},
        pages::layout::page::Page,
        server_fns,
    },
    model::{Action, ActorKind, AuditChange, AuditEntry, AuditPage, Result},
};

/// The query of the page's address, part by part; what is empty narrows nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Filters {
    action: String,
    actor: String,
    from: String,
    to: String,
    before: String,
}

impl Filters {
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

    /// The address of what they let through, from `before` on.
    fn address(&self, path: &str, before: &str) -> String {
        let parts = self.parts().into_iter().chain([("before", before)]).filter(|(_, value)| !value.is_empty());
        let query: Vec<_> = parts.map(|(name, value)| format!("{name}={}", escaped(value))).collect();
        if query.is_empty() { path.to_owned() } else { format!("{path}?{}", query.join("&")) }
    }

    /// The address of the same as a table, which is asked for by the instants that the page's days stand for.
    fn table(&self, page: &AuditPage) -> String {
        let [from, to] = [page.from, page.to].map(|at| at.map(|at| at.to_string()).unwrap_or_default());
        Self { from, to, ..self.clone() }.address("/api/audit.csv", "")
    }
}

const PATH: &str = "/settings/audit";

/// Where admins read what was done.
#[component]
pub fn AuditLog() -> impl IntoView {
    let query = use_query_map();
    let filters = Memo::new(move |_| Filters::of(&query.read()));
    let answer = Resource::new_blocking(
        move || filters.get(),
        |filters| async move {
            let Filters { action, actor, from, to, before } = filters;
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
            Ok(page) => view! { <Log page filters /> }.into_any(),
            Err(error) => view! { <Trouble error /> }.into_any(),
        })
    };
    view! {
        <Page title="Audit log" actions=actions>
            <WhenLoaded let:_board>
                <p class="hint">"Every change and every sign-in, with who and from where. Entries are kept for 400 days."</p>
                <Transition>{content}</Transition>
            </WhenLoaded>
        </Page>
    }
}

#[component]
fn Log(page: AuditPage, filters: Memo<Filters>) -> impl IntoView {
    let table = filters.with_untracked(|filters| filters.table(&page));
    let people = page.people.iter().map(|(id, name)| (id.to_string(), name.clone())).collect::<Vec<_>>();
    let deeds = Action::ALL.iter().map(|action| (action.to_string(), action.label())).collect::<Vec<_>>();
    let part =
        move |read: fn(&Filters) -> &String| Signal::derive(move || filters.with(|filters| read(filters).clone()));
    let next = page.next.map(|next| filters.with_untracked(|filters| filters.address(PATH, &next)));
    let first = filters.with_untracked(|filters| (!filters.before.is_empty()).then(|| filters.address(PATH, "")));
    let link = |href: String, words: &'static str| {
        view! {
            <a class="button" href=href>
                {words}
            </a>
        }
    };
    let rows = if page.entries.is_empty() {
        Either::Left(view! { <p class="empty">"Nothing here matches."</p> })
    } else {
        Either::Right(view! {
            <ul class="card rows mt-3">{page.entries.into_iter().map(|entry| view! { <Entry entry /> }).collect_view()}</ul>
        })
    };
    view! {
        <Form method="get" action=PATH attr:class="filters mt-3" attr:role="search" attr:aria-label="Audit log">
            <FilterChoice
                name="action"
                label="What"
                any="Anything"
                choices=Signal::stored(deeds)
                value=part(|filters| &filters.action)
            />
            <FilterChoice
                name="actor"
                label="Who"
                any="Anybody"
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
        <nav class="actions paging" aria-label="Pages of the log">
            {first.map(|first| link(first, "First page"))}
            {next.map(|next| link(next, "Next page"))}
        </nav>
        <p class="actions">
            <a class="button" href=table rel="external" download="audit-log.csv">
                "Export as CSV"
            </a>
        </p>
    }
}

#[component]
fn Entry(entry: AuditEntry) -> impl IntoView {
    let target = entry.target.filter(|target| !target.name.is_empty());
    let by = match entry.actor.kind {
        ActorKind::User => "",
        ActorKind::Token => " (API token)",
        ActorKind::System => " (the server)",
    };
    let changes: Vec<_> = entry.changes.into_iter().map(|(field, change)| in_words(&field, &change)).collect();
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

/// A change as a person reads it: `status: operational → degraded`.
fn in_words(field: &str, change: &AuditChange) -> String {
    let word = |value: &serde_json::Value| match value {
        serde_json::Value::Null => "–".to_owned(),
        serde_json::Value::String(text) if text.is_empty() => "–".to_owned(),
        serde_json::Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let field = field.replace('_', " ");
    if change.from.is_null() {
        format!("{field}: {}", word(&change.to))
    } else {
        format!("{field}: {} → {}", word(&change.from), word(&change.to))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_change_reads_as_words() {
        let change = |from, to| AuditChange { from, to };
        assert_eq!(
            in_words("time_zone", &change(json!("UTC"), json!("Europe/Berlin"))),
            "time zone: UTC → Europe/Berlin"
        );
        assert_eq!(in_words("scope", &change(json!(null), json!("read"))), "scope: read");
        assert_eq!(in_words("description", &change(json!("x"), json!(""))), "description: x → –");
    }

    #[test]
    fn the_table_has_the_days_of_the_page() {
        let filters = Filters { action: "logged_in".into(), from: "2026-11-01".into(), ..Default::default() };
        let from = "2026-10-31T23:00:00Z".parse().ok();
        let page = AuditPage { entries: Vec::new(), next: None, people: Vec::new(), from, to: None };
        assert_eq!(filters.table(&page), "/api/audit.csv?action=logged_in&from=2026-10-31T23%3A00%3A00.000Z");
    }
}
