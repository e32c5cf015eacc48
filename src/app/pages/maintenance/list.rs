//! Maintenances in the order of the calendar: under way, planned, repeated, over.

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
        dashboard_state::{DashboardState, Trouble, WhenLoaded},
        pages::{
            incidents::list::{follow, newest},
            layout::page::Page,
        },
        server_fns::{EndSeries, past_maintenances, planned_maintenances, series_list},
    },
    model::{
        Calendar, Conflict, Incident, IncidentId, IncidentList, IncidentStatus, Result, Series, SeriesId, StatusPage,
        maintenance_plan::by_month, recurrence::describe,
    },
};

/// What the server adds to the board: the series that go on, a page of what is planned, and one of what is over.
type MaintenanceData = (Vec<Series>, Calendar, IncidentList);
type Answer = Resource<Result<MaintenanceData>>;

/// Which part of the calendar the address asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    /// Everything from its beginning.
    Whole,
    /// What is planned, after a place.
    Planned(String),
    /// What is over, before a place.
    Past(String),
}

impl Part {
    fn of(query: &ParamsMap) -> Self {
        let place = |name| query.get(name).filter(|place| !place.is_empty());
        match (place("after"), place("before")) {
            (Some(after), _) => Self::Planned(after),
            (None, Some(before)) => Self::Past(before),
            (None, None) => Self::Whole,
        }
    }
}

/// Where maintenances are found.
#[component]
pub fn MaintenancesPage() -> impl IntoView {
    let query = use_query_map();
    let part = Memo::new(move |_| Part::of(&query.read()));
    let answer: Answer = Resource::new_blocking(move || part.get(), ask);
    view! {
        <Page title="Maintenance" actions=actions>
            <WhenLoaded let:board>
                <Transition>
                    <Content board answer part />
                </Transition>
            </WhenLoaded>
        </Page>
    }
}

async fn ask(part: Part) -> Result<MaintenanceData> {
    let (after, before) = match part {
        Part::Whole => (String::new(), String::new()),
        Part::Planned(after) => (after, String::new()),
        Part::Past(before) => (String::new(), before),
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
fn Content(board: DashboardState, answer: Answer, part: Memo<Part>) -> impl IntoView {
    follow(board, answer);
    let fault = Memo::new(move |_| answer.get().map(Result::err));
    move || match fault.get() {
        Some(Some(error)) => view! { <Trouble error /> }.into_any(),
        Some(None) => view! { <Everything board answer part /> }.into_any(),
        None => ().into_any(),
    }
}

/// Everything in order; a later page of what is planned, or of the past, shows that alone.
#[component]
fn Everything(board: DashboardState, answer: Answer, part: Memo<Part>) -> impl IntoView {
    let page = board.page();
    let told = Memo::new(move |_| answer.get().and_then(Result::ok));
    let is_whole = Memo::new(move |_| part.with(|part| *part == Part::Whole));
    let series = Signal::derive(move || {
        told.with(|told| told.as_ref().map(|(series, ..)| series.clone()).filter(|_| is_whole.get()))
            .unwrap_or_default()
    });
    let listed = Memo::new(move |_| {
        told.with(|told| told.as_ref().map(|(_, calendar, past)| [calendar.items.clone(), past.items.clone()].concat()))
            .unwrap_or_default()
    });
    let conflicts = Memo::new(move |_| {
        told.with(|told| told.as_ref().map(|(_, calendar, _)| calendar.conflicts.clone())).unwrap_or_default()
    });
    let of_board = move |pick: fn(&StatusPage) -> Vec<IncidentId>| {
        Memo::new(move |_| if is_whole.get() { page.with(pick) } else { Vec::new() })
    };
    let under_way = of_board(|page| page.maintenances_under_way().map(|known| known.id).collect());
    // As the board knows it by now, where it does.
    let planned = Memo::new(move |_| {
        let planned = told.with(|told| told.as_ref().map(|(_, calendar, _)| calendar.items.clone()));
        let planned = planned.filter(|_| part.with(|part| !matches!(part, Part::Past(_)))).unwrap_or_default();
        let newest = |listed: Incident| page.with(|page| page.incident(listed.id).cloned()).unwrap_or(listed);
        planned.into_iter().map(newest).filter(|known| known.status == IncidentStatus::Scheduled).collect::<Vec<_>>()
    });
    let drafts = Memo::new(move |_| {
        planned.with(|all| all.iter().filter(|known| known.is_draft).map(|known| known.id).collect::<Vec<_>>())
    });
    let months = Memo::new(move |_| {
        planned.with(|all| page.with(|page| by_month(all.iter().filter(|known| !known.is_draft), &page.zone)))
    });
    let past = Memo::new(move |_| {
        let past = told
            .with(|told| told.as_ref().map(|(_, _, past)| past.items.iter().map(|known| known.id).collect::<Vec<_>>()));
        past.filter(|_| part.with(|part| !matches!(part, Part::Planned(_)))).unwrap_or_default()
    });
    let is_empty = Memo::new(move |_| {
        is_whole.get()
            && months.with(Vec::is_empty)
            && [under_way, drafts, past].iter().all(|ids| ids.with(Vec::is_empty))
    });
    let later = move || told.with(|told| told.as_ref().and_then(|(_, calendar, _)| calendar.next.clone()));
    let earlier = move || told.with(|told| told.as_ref().and_then(|(_, _, past)| past.next.clone()));
    view! {
        <Show when=move || is_empty.get()>
            <Nothing />
        </Show>
        <Rows board listed conflicts ids=under_way title="Under way" />
        <Each each=move || months.get() key=|(month, _)| *month let:((month, _))>
            {
                let ids = Memo::new(move |_| {
                    months.with(|all| all.iter().find(|(known, _)| *known == month).map(|(_, ids)| ids.clone())).unwrap_or_default()
                });
                view! { <Rows board listed conflicts ids title=month.human() /> }
            }
        </Each>
        <Rows board listed conflicts ids=drafts title="Drafts" />
        <Paging label="Pages of what is planned">
            {move || {
                let later = later().filter(|_| part.with(|part| !matches!(part, Part::Past(_))));
                later.map(|after| view! { <a class="button" href=format!("/maintenances?after={after}")>"Later ones"</a> })
            }}
        </Paging>
        <SeriesList answer series />
        <Rows board listed conflicts ids=past title="Past" />
        <Paging label="Pages of the list">
            {move || (!is_whole.get()).then(|| view! { <a class="button" href="/maintenances">"First page"</a> })}
            {move || {
                let earlier = earlier().filter(|_| part.with(|part| !matches!(part, Part::Planned(_))));
                earlier.map(|before| view! { <a class="button" href=format!("/maintenances?before={before}")>"Next page"</a> })
            }}
        </Paging>
    }
}

/// The ways to other pages of a list.
#[component]
fn Paging(label: &'static str, children: Children) -> impl IntoView {
    view! {
        <nav class="actions paging" aria-label=label>
            {children()}
        </nav>
    }
}

/// A heading with maintenances under it; nothing while there are none.
#[component]
fn Rows(
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
                    {newest(board, id, listed).map(|incident| {
                        let conflicts = Memo::new(move |_| conflicts.with(|all| all.get(&id).cloned()).unwrap_or_default());
                        view! { <Row board incident conflicts /> }
                    })}
                </Each>
            </ul>
        </section>
    }
}

/// A maintenance with the other windows it collides with, while it is not over.
#[component]
fn Row(board: DashboardState, incident: Signal<Incident>, conflicts: Memo<Vec<Conflict>>) -> impl IntoView {
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

/// The windows that come back, each with the way to end it.
#[component]
fn SeriesList(answer: Answer, series: Signal<Vec<Series>>) -> impl IntoView {
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
fn SeriesRow(answer: Answer, series: Series) -> impl IntoView {
    let action = FormAction::<EndSeries>::new();
    let form = Form::about(action, "end-series", series.id);
    Effect::new(move |_| {
        if form.is_done() {
            answer.refetch();
        }
    });
    let title = series.title.clone();
    view! {
        <li class="series-row">
            <div>
                <p class="listed-title" dir="auto">
                    {series.title}
                </p>
                <p class="hint">
                    {series.is_draft.then_some("Drafts, ")} {describe(&series.rule)} ", by the clocks of " {series.time_zone} ", since "
                    <Time at=Signal::stored(series.first_start) wording=Wording::DateAndAgo />
                </p>
            </div>
            <details class="fold end-series" open=form.is_refused()>
                <summary>"End series"<span class="sr-only">" " {title}</span></summary>
                <ServerForm form class="card stack">
                    <FormHead form />
                    <input type="hidden" name="id" value=series.id.to_string() />
                    <p>"Its windows that have not begun are cancelled, drafts among them deleted. What has been done stays."</p>
                    <Submit form label="End this series" busy="Ending…" class="button button-danger" />
                </ServerForm>
            </details>
        </li>
    }
}

/// The first step, while nothing was ever planned.
#[component]
fn Nothing() -> impl IntoView {
    view! {
        <div class="empty">
            <p>"No maintenance is planned. Announce work before you begin it: subscribers are told, and its time counts as up."</p>
            <p>
                <a class="button" href="/maintenances/new">
                    "Plan the first one"
                </a>
            </p>
        </div>
    }
}
