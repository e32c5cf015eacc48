//! The list of incidents: what is open on top, what is over below, page by page.

use leptos::prelude::*;
use leptos_router::hooks::use_query_map;
use serde::{Serialize, de::DeserializeOwned};

use super::filters::{FilterForm, Filters};
use crate::{
    app::{
        components::{
            each::Each,
            incident_row::{IncidentRow, MaintenanceRow},
        },
        dashboard_state::{DashboardState, WhenLoaded},
        pages::layout::page::Page,
    },
    model::{Error, Incident, IncidentId, IncidentList, Result, Zone},
};

/// A page of the list, with what it was narrowed down by.
type Answer = (Filters, Result<IncidentList>);

/// Where incidents are found.
#[component]
pub fn IncidentsPage() -> impl IntoView {
    let query = use_query_map();
    let filters = Memo::new(move |_| Filters::of(&query.read()));
    // Asked for before anything is drawn, so that a filter that makes no sense answers with its status.
    let answer = Resource::new_blocking(move || filters.get(), ask);
    view! {
        <Page title="Incidents" actions=actions>
            <WhenLoaded let:board>
                <FilterForm board filters />
                <Transition>
                    <List board answer />
                </Transition>
            </WhenLoaded>
        </Page>
    }
}

async fn ask(filters: Filters) -> Answer {
    (filters.clone(), filters.ask().await)
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

/// Asks again when an incident came, changed or went.
pub fn follow<T>(board: DashboardState, answer: Resource<T>)
where
    T: Serialize + DeserializeOwned + Send + Sync + 'static,
{
    let versions = Memo::new(move |_| {
        board.page().with(|page| page.incidents.iter().map(|known| (known.id, known.version)).collect::<Vec<_>>())
    });
    Effect::new(move |is_alive: Option<()>| {
        // Read, not only tracked: nobody else asks for them, and what was never computed never changes.
        versions.with(|_| ());
        if is_alive.is_some() {
            answer.refetch();
        }
    });
}

/// One page of the list; the first one of the whole list begins with what is open and what is a draft. What stays when
/// the list changes is not drawn anew.
#[component]
fn List(board: DashboardState, answer: Resource<Answer>) -> impl IntoView {
    follow(board, answer);
    let fault = Memo::new(move |_| answer.get().map(|(_, list)| list.err()));
    move || match fault.get() {
        Some(Some(error)) => view! { <Refused error /> }.into_any(),
        Some(None) => view! { <ListPage board answer /> }.into_any(),
        None => ().into_any(),
    }
}

#[component]
fn ListPage(board: DashboardState, answer: Resource<Answer>) -> impl IntoView {
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

    let is_whole = Memo::new(move |_| filters.with(|filters| !filters.is_narrow() && filters.is_first_page()));
    let of_board = move |pick: fn(&Incident) -> bool| {
        Memo::new(move |_| {
            let picked = |known: &&Incident| is_whole.get() && !known.is_maintenance() && pick(known);
            page.with(|page| page.incidents.iter().filter(picked).map(|known| known.id).collect::<Vec<_>>())
        })
    };
    let (open, drafts) = (of_board(Incident::is_active), of_board(|known| known.is_draft));
    let rest = Memo::new(move |_| {
        let is_above =
            |id: &IncidentId| open.with(|open| open.contains(id)) || drafts.with(|drafts| drafts.contains(id));
        let ids = listed.with(|listed| listed.iter().map(|known| known.id).collect::<Vec<_>>());
        ids.into_iter().filter(|id| !is_above(id)).collect::<Vec<_>>()
    });
    let is_empty = Memo::new(move |_| [open, drafts, rest].iter().all(|ids| ids.with(Vec::is_empty)));
    let link = |href: String, words: &'static str| {
        view! {
            <a class="button" href=href>
                {words}
            </a>
        }
    };
    view! {
        <Rows board ids=open listed zone title="Open" />
        <Rows board ids=drafts listed zone title="Drafts" />
        <Rows board ids=rest listed zone title=Signal::derive(move || if is_whole.get() { "Past" } else { "Results" }) />
        {move || is_empty.get().then(|| view! { <Nothing is_whole=is_whole.get() /> })}
        <nav class="actions paging" aria-label="Pagination">
            {move || first().map(|first| link(first, "First page"))}
            {move || next().map(|next| link(next, "Next page"))}
        </nav>
    }
}

/// A heading with the rows under it; nothing while there are none.
#[component]
fn Rows(
    board: DashboardState,
    ids: Memo<Vec<IncidentId>>,
    listed: Memo<Vec<Incident>>,
    zone: Memo<Zone>,
    #[prop(into)] title: Signal<&'static str>,
) -> impl IntoView {
    let count = Memo::new(move |_| ids.with(Vec::len));
    let row = move |id| {
        let incident = newest(board, id, listed)?;
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

/// An incident as the board has it or, where that does not know it or is behind, the list. Once both have lost it, it
/// stays as it was, until whoever shows it is gone.
pub fn newest(board: DashboardState, id: IncidentId, listed: Memo<Vec<Incident>>) -> Option<Signal<Incident>> {
    let find = move || {
        let of_board = board.page().with(|page| page.incident(id).cloned());
        let of_list = listed.with(|listed| listed.iter().find(|known| known.id == id).cloned());
        of_list.into_iter().chain(of_board).max_by_key(|known| known.version)
    };
    let first = untrack(find)?;
    Some(Memo::new(move |last: Option<&Incident>| find().or(last.cloned()).unwrap_or_else(|| first.clone())).into())
}

/// Nothing to list, and what to do about it.
#[component]
fn Nothing(is_whole: bool) -> impl IntoView {
    let (words, href, way) = if is_whole {
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
            <p>{words}</p>
            <p>
                <a class="button" href=href>
                    {way}
                </a>
            </p>
        </div>
    }
}

/// Why the list cannot be shown as asked, and the way back.
#[component]
fn Refused(error: Error) -> impl IntoView {
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
