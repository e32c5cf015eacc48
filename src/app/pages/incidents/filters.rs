//! Filters of the incident list, kept in the URL so that links, reloads and the back button preserve them.

use leptos::prelude::*;
use leptos_router::{components::Form, params::ParamsMap};
use serde::{Deserialize, Serialize};

use crate::{
    app::{
        components::filter::{FilterChoice, FilterInput, escaped},
        dashboard_state::DashboardState,
        server_fns,
    },
    model::{IncidentKind, IncidentList, IncidentStatus, Result},
};

/// The query parameters of the list; an empty one does not filter.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Filters {
    status: String,
    kind: String,
    service: String,
    from: String,
    to: String,
    search: String,
    before: String,
}

impl Filters {
    /// Reads the filters from a URL's query.
    pub fn of(query: &ParamsMap) -> Self {
        let part = |name| query.get(name).unwrap_or_default();
        Self {
            status: part("status"),
            kind: part("type"),
            service: part("service"),
            from: part("from"),
            to: part("to"),
            search: part("search"),
            before: part("before"),
        }
    }

    /// Loads the matching incidents. Lists only incidents unless a type is chosen or follows from the status.
    pub async fn load(self) -> Result<IncidentList> {
        let status = self.status.parse().ok();
        let kind = match self.kind.as_str() {
            "all" => String::new(),
            "" => status.map_or(IncidentKind::Incident, IncidentStatus::kind).to_string(),
            _ => self.kind,
        };
        server_fns::incidents(kind, self.status, self.service, self.from, self.to, self.search, self.before).await
    }

    /// Whether any filter is set.
    pub fn is_set(&self) -> bool {
        self.parts().iter().any(|(_, value)| !value.is_empty())
    }

    /// Whether this is the first page of the list.
    pub fn is_first_page(&self) -> bool {
        self.before.is_empty()
    }

    /// The URL of the page that begins at the cursor `before`; of the first page if it is empty.
    pub fn address(&self, before: &str) -> String {
        let parts = self.parts().into_iter().chain([("before", before)]).filter(|(_, value)| !value.is_empty());
        let query: Vec<_> = parts.map(|(name, value)| format!("{name}={}", escaped(value))).collect();
        if query.is_empty() { "/incidents".to_owned() } else { format!("/incidents?{}", query.join("&")) }
    }

    fn parts(&self) -> [(&'static str, &str); 6] {
        [
            ("status", &self.status),
            ("type", &self.kind),
            ("service", &self.service),
            ("from", &self.from),
            ("to", &self.to),
            ("search", &self.search),
        ]
    }
}

/// The filter form: navigates to the list's URL with the chosen filters.
#[component]
pub fn FilterForm(
    /// Supplies the services.
    board: DashboardState,
    /// The current filters.
    filters: Memo<Filters>,
) -> impl IntoView {
    let part =
        move |read: fn(&Filters) -> &String| Signal::derive(move || filters.with(|filters| read(filters).clone()));
    let services = Memo::new(move |_| {
        board.page().with(|page| {
            page.services.iter().map(|service| (service.id.to_string(), service.name.clone())).collect::<Vec<_>>()
        })
    });
    let statuses = IncidentStatus::ALL.iter().map(|status| (status.to_string(), status.label().to_owned()));
    let kinds = [("maintenance", "Maintenance"), ("all", "Both")];
    view! {
        <Form method="get" action="/incidents" attr:class="filters" attr:role="search" attr:aria-label="Incidents">
            <FilterInput name="search" label="Search" kind="search" value=part(|filters| &filters.search) />
            <FilterChoice
                name="status"
                label="Status"
                any="Any"
                choices=Signal::stored(statuses.collect::<Vec<_>>())
                value=part(|filters| &filters.status)
            />
            <FilterChoice
                name="type"
                label="Type"
                any="Incidents"
                choices=Signal::stored(kinds.map(|(value, label)| (value.to_owned(), label.to_owned())).to_vec())
                value=part(|filters| &filters.kind)
            />
            <FilterChoice name="service" label="Service" any="Any" choices=services value=part(|filters| &filters.service) />
            <FilterInput name="from" label="From" kind="date" value=part(|filters| &filters.from) />
            <FilterInput name="to" label="To" kind="date" value=part(|filters| &filters.to) />
            <button type="submit" class="button">
                "Filter"
            </button>
        </Form>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_of_the_next_page_keeps_the_filters() {
        let parts = [("status", "resolved"), ("search", "50% off & más"), ("other", "x"), ("before", "old")];
        let filters = Filters::of(&parts.into_iter().map(|(name, value)| (name, value.to_owned())).collect());
        assert_eq!(filters.address("c.1"), "/incidents?status=resolved&search=50%25%20off%20%26%20m%C3%A1s&before=c.1");
        assert!(filters.is_set() && !filters.is_first_page());
        assert_eq!(Filters::default().address(""), "/incidents");
        assert!(!Filters { before: "c".into(), ..Default::default() }.is_set());
    }
}
