//! The incident list: open incidents and drafts first, then past ones, page by page.

use leptos::prelude::*;
use leptos_router::hooks::use_query_map;
use serde::{Serialize, de::DeserializeOwned};

use super::filters::{FilterForm, Filters};
use crate::{
    app::{
        components::{
            each::Each,
            incident_row::{IncidentRow, MaintenanceRow},
            time::{Time, Wording},
        },
        dashboard_state::{DashboardState, WhenLoaded},
        pages::layout::page::Page,
        resource::{Resource, blocking_resource},
    },
    model::{Error, Incident, IncidentId, IncidentList, Result, Zone},
};

/// A page of the list with its filters.
type IncidentListAnswer = (Filters, Result<IncidentList>);

/// The page that lists incidents.
#[component]
pub fn IncidentsPage() -> impl IntoView {
    let query = use_query_map();
    let filters = Memo::new(move |_| Filters::of(&query.read()));
    // Blocking, so that an invalid filter sets the HTTP status.
    let answer = blocking_resource(move || filters.get(), load);
    view! {
        <Page title="Incidents" actions=actions>
            <WhenLoaded let:board>
                <FilterForm board filters />
                <Transition>
                    <IncidentListContent board answer />
                </Transition>
            </WhenLoaded>
        </Page>
    }
}

async fn load(filters: Filters) -> IncidentListAnswer {
    (filters.clone(), filters.load().await)
}

fn actions() -> impl IntoView {
    view! {
        <a class="button" href="/incidents/past">
            "Add past incident"
        </a>
        <a class="button" href="/incidents/templates">
            "Templates"
        </a>
        <a class="button button-primary" href="/incidents/new">
            "New incident"
        </a>
    }
}

/// Refetches `answer` whenever an incident is added, changed or removed.
pub fn refetch_on_change<T>(board: DashboardState, answer: Resource<T>)
where
    T: Serialize + DeserializeOwned + Send + Sync + 'static,
{
    let versions = Memo::new(move |_| {
        board.page().with(|page| page.incidents.iter().map(|known| (known.id, known.version)).collect::<Vec<_>>())
    });
    Effect::new(move |is_alive: Option<()>| {
        // Read, not only tracked: a memo that is never computed never notifies.
        versions.with(|_| ());
        if is_alive.is_some() {
            answer.refetch();
        }
    });
}

/// One page of the list; the first unfiltered one begins with open incidents and drafts. Rows that stay are not
/// re-rendered.
#[component]
fn IncidentListContent(board: DashboardState, answer: Resource<IncidentListAnswer>) -> impl IntoView {
    refetch_on_change(board, answer);
    let fault = Memo::new(move |_| answer.get().map(|(_, list)| list.err()));
    move || match fault.get() {
        Some(Some(error)) => view! { <IncidentListError error /> }.into_any(),
        Some(None) => view! { <IncidentListSections board answer /> }.into_any(),
        None => ().into_any(),
    }
}

#[component]
fn IncidentListSections(board: DashboardState, answer: Resource<IncidentListAnswer>) -> impl IntoView {
    let page = board.page();
    let filters = Memo::new(move |_| answer.get().map(|(filters, _)| filters).unwrap_or_default());
    let list = Memo::new(move |_| answer.get().and_then(|(_, list)| list.ok()));
    let listed = Memo::new(move |_| list.get().map(|list| list.items).unwrap_or_default());
    let zone = Memo::new(move |_| {
        page.with(|page| {
            list.with(|list| {
                list.as_ref().map_or_else(|| page.zone.clone(), |list| list.zone.unless_changed(&page.zone))
            })
        })
    });
    let next = move || list.with(|list| Some(filters.read().address(list.as_ref()?.next.as_deref()?)));
    let first = move || filters.with(|filters| (!filters.is_first_page()).then(|| filters.address("")));

    let is_whole = Memo::new(move |_| filters.with(|filters| !filters.is_set() && filters.is_first_page()));
    let from_dashboard = move |pick: fn(&Incident) -> bool| {
        Memo::new(move |_| {
            let picked = |known: &&Incident| is_whole.get() && !known.is_maintenance() && pick(known);
            page.with(|page| page.incidents.iter().filter(picked).map(|known| known.id).collect::<Vec<_>>())
        })
    };
    let (open, drafts) = (from_dashboard(Incident::is_active), from_dashboard(|known| known.is_draft));
    let rest = Memo::new(move |_| {
        let is_above =
            |id: &IncidentId| open.with(|open| open.contains(id)) || drafts.with(|drafts| drafts.contains(id));
        let ids = listed.with(|listed| listed.iter().map(|known| known.id).collect::<Vec<_>>());
        ids.into_iter().filter(|id| !is_above(id)).collect::<Vec<_>>()
    });
    let searched_to = Memo::new(move |_| list.with(|list| list.as_ref()?.searched_to));
    let is_empty = Memo::new(move |_| {
        searched_to.read().is_none() && [open, drafts, rest].iter().all(|ids| ids.with(Vec::is_empty))
    });
    let next_label = move || if searched_to.read().is_some() { "Search older" } else { "Next page" };
    let link = |href: String, label: &'static str| {
        view! {
            <a class="button" href=href>
                {label}
            </a>
        }
    };
    view! {
        <IncidentRows board ids=open listed zone title="Open" />
        <IncidentRows board ids=drafts listed zone title="Drafts" />
        <IncidentRows board ids=rest listed zone title=Signal::derive(move || if is_whole.get() { "Past" } else { "Results" }) />
        {move || is_empty.get().then(|| view! { <NoIncidents is_whole=is_whole.get() /> })}
        {move || {
            searched_to
                .get()
                .map(|at| {
                    view! {
                        <p class="meta" role="status">
                            "Searched back to " <Time at=Signal::stored(at) wording=Wording::DateAndAgo zone /> "."
                        </p>
                    }
                })
        }}
        <nav class="actions paging" aria-label="Pagination">
            {move || first().map(|first| link(first, "First page"))}
            {move || next().map(|next| link(next, next_label()))}
        </nav>
    }
}

/// A heading with rows; hidden while there are none.
#[component]
fn IncidentRows(
    board: DashboardState,
    ids: Memo<Vec<IncidentId>>,
    listed: Memo<Vec<Incident>>,
    zone: Memo<Zone>,
    #[prop(into)] title: Signal<&'static str>,
) -> impl IntoView {
    let count = Memo::new(move |_| ids.with(Vec::len));
    let row = move |id| {
        let incident = latest_version(board, id, listed)?;
        Some(if incident.with_untracked(Incident::is_maintenance) {
            view! { <MaintenanceRow incident zone /> }.into_any()
        } else {
            view! { <IncidentRow incident zone /> }.into_any()
        })
    };
    view! {
        <section class="group" hidden=move || count.get() == 0>
            <h2>{title} " " <span class="count">{count}</span></h2>
            <ul class="card rows">
                <Each each=move || ids.get() key=|id| *id let:id>
                    {row(id)}
                </Each>
            </ul>
        </section>
    }
}

/// The newest known version of an incident, from the dashboard state or the list. After it disappears from both, the
/// last version remains until the view is disposed.
pub fn latest_version(board: DashboardState, id: IncidentId, listed: Memo<Vec<Incident>>) -> Option<Signal<Incident>> {
    let find = move || {
        let from_dashboard = board.page().with(|page| page.incident(id).cloned());
        let from_list = listed.with(|listed| listed.iter().find(|known| known.id == id).cloned());
        from_list.into_iter().chain(from_dashboard).max_by_key(|known| known.version)
    };
    let first = untrack(find)?;
    Some(Memo::new(move |last: Option<&Incident>| find().or(last.cloned()).unwrap_or_else(|| first.clone())).into())
}

/// The empty state: no incidents at all, or none that match.
#[component]
fn NoIncidents(is_whole: bool) -> impl IntoView {
    let (text, href, label) = if is_whole {
        (
            "No incidents yet. When something breaks, open an incident to keep your users informed.",
            "/incidents/new",
            "Open an incident",
        )
    } else {
        ("No incidents match your filters.", "/incidents", "Show all incidents")
    };
    view! {
        <div class="empty">
            <p>{text}</p>
            <p>
                <a class="button" href=href>
                    {label}
                </a>
            </p>
        </div>
    }
}

/// Why the list cannot be shown, with a link to the unfiltered list.
#[component]
fn IncidentListError(error: Error) -> impl IntoView {
    view! {
        <div class="empty" role="alert">
            <p>{error.message}</p>
            <p>
                <a class="button" href="/incidents">
                    "Show all incidents"
                </a>
            </p>
        </div>
    }
}
