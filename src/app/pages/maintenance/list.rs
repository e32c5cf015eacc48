//! The maintenance list: under way, upcoming by month, drafts, series, past.

use std::collections::BTreeMap;

use leptos::prelude::*;
use leptos_router::{hooks::use_query_map, params::ParamsMap};

use super::new::ConflictHint;
use crate::{
    app::{
        components::{
            action::{FormAction, ServerForm},
            each::Each,
            form::{Form, FormHead, Submit},
            incident_row::MaintenanceRow,
            time::{Time, Wording},
        },
        dashboard_state::{DashboardState, LoadError, WhenLoaded},
        pages::{
            incidents::list::{latest_version, refetch_on_change},
            layout::page::Page,
        },
        resource::{Resource, blocking_resource},
        server_fns::{EndSeries, past_maintenances, planned_maintenances, series_list},
    },
    model::{
        Calendar, Conflict, Incident, IncidentId, IncidentList, IncidentStatus, Result, Series, SeriesId, StatusPage,
        maintenance_plan::by_month, recurrence::describe,
    },
};

/// Active series, a page of planned maintenances, and a page of past ones.
type MaintenanceData = (Vec<Series>, Calendar, IncidentList);
type MaintenanceResource = Resource<Result<MaintenanceData>>;

/// The part of the list the URL asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
enum CalendarPart {
    /// All sections, from the first page.
    Whole,
    /// Planned maintenances after a cursor.
    Planned(String),
    /// Past maintenances before a cursor.
    Past(String),
}

impl CalendarPart {
    fn of(query: &ParamsMap) -> Self {
        let cursor = |name| query.get(name).filter(|cursor| !cursor.is_empty());
        match (cursor("after"), cursor("before")) {
            (Some(after), _) => Self::Planned(after),
            (None, Some(before)) => Self::Past(before),
            (None, None) => Self::Whole,
        }
    }
}

/// The page that lists maintenances.
#[component]
pub fn MaintenancesPage() -> impl IntoView {
    let query = use_query_map();
    let part = Memo::new(move |_| CalendarPart::of(&query.read()));
    let answer: MaintenanceResource = blocking_resource(move || part.get(), load);
    view! {
        <Page title="Maintenance" actions=actions>
            <WhenLoaded let:board>
                <Transition>
                    <MaintenanceContent board answer part />
                </Transition>
            </WhenLoaded>
        </Page>
    }
}

async fn load(part: CalendarPart) -> Result<MaintenanceData> {
    let (after, before) = match part {
        CalendarPart::Whole => (String::new(), String::new()),
        CalendarPart::Planned(after) => (after, String::new()),
        CalendarPart::Past(before) => (String::new(), before),
    };
    Ok((series_list().await?, planned_maintenances(after).await?, past_maintenances(before).await?))
}

fn actions() -> impl IntoView {
    view! {
        <a class="button button-primary" href="/maintenances/new">
            "Schedule maintenance"
        </a>
    }
}

#[component]
fn MaintenanceContent(board: DashboardState, answer: MaintenanceResource, part: Memo<CalendarPart>) -> impl IntoView {
    refetch_on_change(board, answer);
    let fault = Memo::new(move |_| answer.get().map(Result::err));
    move || match fault.get() {
        Some(Some(error)) => view! { <LoadError error /> }.into_any(),
        Some(None) => view! { <MaintenanceSections board answer part /> }.into_any(),
        None => ().into_any(),
    }
}

/// All sections; later pages show only their own.
#[component]
fn MaintenanceSections(board: DashboardState, answer: MaintenanceResource, part: Memo<CalendarPart>) -> impl IntoView {
    let page = board.page();
    let loaded = Memo::new(move |_| answer.get().and_then(Result::ok));
    let is_whole = Memo::new(move |_| part.with(|part| *part == CalendarPart::Whole));
    let series = Signal::derive(move || {
        loaded
            .with(|loaded| loaded.as_ref().map(|(series, ..)| series.clone()).filter(|_| is_whole.get()))
            .unwrap_or_default()
    });
    let listed = Memo::new(move |_| {
        loaded
            .with(|loaded| {
                loaded.as_ref().map(|(_, calendar, past)| [calendar.items.clone(), past.items.clone()].concat())
            })
            .unwrap_or_default()
    });
    let conflicts = Memo::new(move |_| {
        loaded.with(|loaded| loaded.as_ref().map(|(_, calendar, _)| calendar.conflicts.clone())).unwrap_or_default()
    });
    let from_dashboard = move |pick: fn(&StatusPage) -> Vec<IncidentId>| {
        Memo::new(move |_| if is_whole.get() { page.with(pick) } else { Vec::new() })
    };
    let under_way = from_dashboard(|page| page.maintenances_under_way().map(|known| known.id).collect());
    // In the dashboard's version, which may be newer.
    let planned = Memo::new(move |_| {
        let planned = loaded.with(|loaded| loaded.as_ref().map(|(_, calendar, _)| calendar.items.clone()));
        let planned = planned.filter(|_| part.with(|part| !matches!(part, CalendarPart::Past(_)))).unwrap_or_default();
        let current = |listed: Incident| page.with(|page| page.incident(listed.id).cloned()).unwrap_or(listed);
        planned.into_iter().map(current).filter(|known| known.status == IncidentStatus::Scheduled).collect::<Vec<_>>()
    });
    let drafts = Memo::new(move |_| {
        planned.with(|all| all.iter().filter(|known| known.is_draft).map(|known| known.id).collect::<Vec<_>>())
    });
    let months = Memo::new(move |_| {
        planned.with(|all| page.with(|page| by_month(all.iter().filter(|known| !known.is_draft), &page.zone)))
    });
    let past = Memo::new(move |_| {
        let past = loaded.with(|loaded| {
            loaded.as_ref().map(|(_, _, past)| past.items.iter().map(|known| known.id).collect::<Vec<_>>())
        });
        past.filter(|_| part.with(|part| !matches!(part, CalendarPart::Planned(_)))).unwrap_or_default()
    });
    let is_empty = Memo::new(move |_| {
        is_whole.get()
            && months.with(Vec::is_empty)
            && [under_way, drafts, past].iter().all(|ids| ids.with(Vec::is_empty))
    });
    let later = move || loaded.with(|loaded| loaded.as_ref().and_then(|(_, calendar, _)| calendar.next.clone()));
    let earlier = move || loaded.with(|loaded| loaded.as_ref().and_then(|(_, _, past)| past.next.clone()));
    view! {
        <Show when=move || is_empty.get()>
            <NoMaintenance />
        </Show>
        <MaintenanceRows board listed conflicts ids=under_way title="In progress" />
        <Each each=move || months.get() key=|(month, _)| *month let:((month, _))>
            {
                let ids = Memo::new(move |_| {
                    months.with(|all| all.iter().find(|(known, _)| *known == month).map(|(_, ids)| ids.clone())).unwrap_or_default()
                });
                view! { <MaintenanceRows board listed conflicts ids title=month.human() /> }
            }
        </Each>
        <MaintenanceRows board listed conflicts ids=drafts title="Drafts" />
        <Paging label="Pagination of upcoming maintenance">
            {move || {
                let later = later().filter(|_| part.with(|part| !matches!(part, CalendarPart::Past(_))));
                later.map(|after| view! { <a class="button" href=format!("/maintenances?after={after}")>"Later"</a> })
            }}
        </Paging>
        <SeriesList answer series />
        <MaintenanceRows board listed conflicts ids=past title="Past" />
        <Paging label="Pagination of past maintenance">
            {move || (!is_whole.get()).then(|| view! { <a class="button" href="/maintenances">"First page"</a> })}
            {move || {
                let earlier = earlier().filter(|_| part.with(|part| !matches!(part, CalendarPart::Planned(_))));
                earlier.map(|before| view! { <a class="button" href=format!("/maintenances?before={before}")>"Next page"</a> })
            }}
        </Paging>
    }
}

/// Links to other pages of a list.
#[component]
fn Paging(label: &'static str, children: Children) -> impl IntoView {
    view! {
        <nav class="actions paging" aria-label=label>
            {children()}
        </nav>
    }
}

/// A heading with maintenances; hidden while there are none.
#[component]
fn MaintenanceRows(
    board: DashboardState,
    listed: Memo<Vec<Incident>>,
    conflicts: Memo<BTreeMap<IncidentId, Vec<Conflict>>>,
    ids: Memo<Vec<IncidentId>>,
    #[prop(into)] title: String,
) -> impl IntoView {
    let count = Memo::new(move |_| ids.with(Vec::len));
    view! {
        <section class="group" hidden=move || count.get() == 0>
            <h2>{title} " " <span class="count">{count}</span></h2>
            <ul class="card rows">
                <Each each=move || ids.get() key=|id| *id let:id>
                    {latest_version(board, id, listed).map(|incident| {
                        let conflicts = Memo::new(move |_| conflicts.with(|all| all.get(&id).cloned()).unwrap_or_default());
                        view! { <MaintenanceListRow board incident conflicts /> }
                    })}
                </Each>
            </ul>
        </section>
    }
}

/// A maintenance with its conflicts.
#[component]
fn MaintenanceListRow(
    board: DashboardState,
    incident: Signal<Incident>,
    conflicts: Memo<Vec<Conflict>>,
) -> impl IntoView {
    let page = board.page();
    let zone = Memo::new(move |_| page.with(|page| page.zone.clone()));
    view! {
        <MaintenanceRow incident zone>
            <div class="incident-notes" hidden=move || conflicts.with(Vec::is_empty)>
                {move || conflicts.get().into_iter().map(|conflict| view! { <ConflictHint conflict zone /> }).collect_view()}
            </div>
        </MaintenanceRow>
    }
}

/// Active series, each with a form to end it.
#[component]
fn SeriesList(answer: MaintenanceResource, series: Signal<Vec<Series>>) -> impl IntoView {
    let ids = Memo::new(move |_| series.with(|series| series.iter().map(|series| series.id).collect::<Vec<_>>()));
    let row = move |id: SeriesId| {
        let found = series.with_untracked(|all| all.iter().find(|series| series.id == id).cloned());
        found.map(|series| view! { <SeriesRow answer series /> })
    };
    view! {
        <section class="group" hidden=move || ids.with(Vec::is_empty)>
            <h2>"Series"</h2>
            <ul class="card rows">
                <Each each=move || ids.get() key=|id| *id let:id>
                    {row(id)}
                </Each>
            </ul>
        </section>
    }
}

#[component]
fn SeriesRow(answer: MaintenanceResource, series: Series) -> impl IntoView {
    let action = FormAction::<EndSeries>::new();
    let form = Form::about(action, "end-series", series.id);
    Effect::new(move |_| {
        if form.is_done() {
            answer.refetch();
        }
    });
    let title = series.title.clone();
    view! {
        <li class="series-row grid gap-x-4 gap-y-1 px-4 py-2.5 md:grid-cols-[minmax(0,1fr)_auto]">
            <div>
                <p class="listed-title" dir="auto">
                    {series.title}
                </p>
                <p class="hint">
                    {series.is_draft.then_some("Drafts · ")} {describe(&series.rule)} " · " {series.time_zone} " · since "
                    <Time at=Signal::stored(series.first_start) wording=Wording::DateAndAgo />
                </p>
            </div>
            <details class="fold m-0 md:open:col-span-full" open=form.is_refused()>
                <summary>"End series"<span class="sr-only">" " {title}</span></summary>
                <ServerForm form class="card stack">
                    <FormHead form />
                    <input type="hidden" name="id" value=series.id.to_string() />
                    <p>"Upcoming windows are cancelled and drafts deleted. Past windows stay."</p>
                    <Submit form label="End this series" busy="Ending…" class="button button-danger" />
                </ServerForm>
            </details>
        </li>
    }
}

/// The empty state: scheduling the first maintenance.
#[component]
fn NoMaintenance() -> impl IntoView {
    view! {
        <div class="empty">
            <p>"No maintenance scheduled. Announce planned work in advance: it doesn’t count as downtime."</p>
            <p>
                <a class="button" href="/maintenances/new">
                    "Schedule the first one"
                </a>
            </p>
        </div>
    }
}
