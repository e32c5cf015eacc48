//! Maintenances in the order of the calendar: under way, planned, repeated, over.

use leptos::{form::ActionForm, prelude::*};
use leptos_router::hooks::use_query_map;

use super::{
    incidents::{follow, newest},
    new_maintenance::ConflictHint,
    page::Page,
};
use crate::{
    app::{
        board::{Board, Trouble, WhenLoaded},
        components::{
            form::{Form, FormHead, Submit},
            incident_row::MaintenanceRow,
            time::{Time, Wording},
        },
        server_fns::{EndSeries, past_maintenances, series_list},
    },
    model::{
        Conflict, Incident, IncidentId, IncidentKind, IncidentList, Result, Series, SeriesId, StatusPage,
        recurrence::in_words,
    },
};

/// What the server adds to the board: the series that go on, and a page of what is over.
type Answer = Resource<Result<(Vec<Series>, IncidentList)>>;

/// Where maintenances are found.
#[component]
pub fn MaintenancesPage() -> impl IntoView {
    let query = use_query_map();
    let before = Memo::new(move |_| query.read().get("before").unwrap_or_default());
    let answer: Answer = Resource::new_blocking(move || before.get(), ask);
    view! {
        <Page title="Maintenance" actions=actions>
            <WhenLoaded let:board>
                <Transition>
                    <Content board answer is_first=Signal::derive(move || before.with(String::is_empty)) />
                </Transition>
            </WhenLoaded>
        </Page>
    }
}

async fn ask(before: String) -> Result<(Vec<Series>, IncidentList)> {
    Ok((series_list().await?, past_maintenances(before).await?))
}

fn actions() -> impl IntoView {
    view! {
        <a class="button button-primary" href="/maintenances/new">
            "Schedule maintenance"
        </a>
    }
}

#[component]
fn Content(board: Board, answer: Answer, is_first: Signal<bool>) -> impl IntoView {
    follow(board, answer);
    let fault = Memo::new(move |_| answer.get().map(Result::err));
    move || match fault.get() {
        Some(Some(error)) => view! { <Trouble error /> }.into_any(),
        Some(None) => view! { <Calendar board answer is_first /> }.into_any(),
        None => ().into_any(),
    }
}

/// Everything in order; a later page of the past shows the past alone.
#[component]
fn Calendar(board: Board, answer: Answer, is_first: Signal<bool>) -> impl IntoView {
    let page = board.page();
    let series = Memo::new(move |_| answer.get().and_then(Result::ok).map(|(series, _)| series).unwrap_or_default());
    let list = Memo::new(move |_| answer.get().and_then(Result::ok).map(|(_, list)| list));
    let listed = Memo::new(move |_| list.get().map(|list| list.items).unwrap_or_default());
    let ids = move |pick: fn(&StatusPage) -> Vec<IncidentId>| {
        Memo::new(move |_| if is_first.get() { page.with(pick) } else { Vec::new() })
    };
    let under_way = ids(|page| page.maintenances_under_way().map(|known| known.id).collect());
    let drafts = ids(|page| page.drafts().filter(|known| known.is_maintenance()).map(|known| known.id).collect());
    let months = Memo::new(move |_| if is_first.get() { page.with(StatusPage::planned_months) } else { Vec::new() });
    let past = Memo::new(move |_| listed.with(|listed| listed.iter().map(|known| known.id).collect::<Vec<_>>()));
    let is_empty = Memo::new(move |_| {
        is_first.get()
            && months.with(Vec::is_empty)
            && [under_way, drafts, past].iter().all(|ids| ids.with(Vec::is_empty))
    });
    view! {
        <Show when=move || is_empty.get()>
            <Nothing />
        </Show>
        <Rows board listed ids=under_way title="Under way" />
        <For each=move || months.get() key=|(month, _)| *month let:((month, _))>
            {
                let ids = Memo::new(move |_| {
                    months.with(|all| all.iter().find(|(known, _)| *known == month).map(|(_, ids)| ids.clone())).unwrap_or_default()
                });
                view! { <Rows board listed ids title=month.human() /> }
            }
        </For>
        <Rows board listed ids=drafts title="Drafts" />
        <SeriesList answer series=Signal::derive(move || if is_first.get() { series.get() } else { Vec::new() }) />
        <Rows board listed ids=past title="Past" />
        <nav class="actions paging" aria-label="Pages of the list">
            {move || (!is_first.get()).then(|| view! { <a class="button" href="/maintenances">"First page"</a> })}
            {move || {
                let next = list.with(|list| list.as_ref().and_then(|list| list.next.clone()));
                next.map(|next| view! { <a class="button" href=format!("/maintenances?before={next}")>"Next page"</a> })
            }}
        </nav>
    }
}

/// A heading with maintenances under it; nothing while there are none.
#[component]
fn Rows(
    board: Board,
    listed: Memo<Vec<Incident>>,
    ids: Memo<Vec<IncidentId>>,
    #[prop(into)] title: String,
) -> impl IntoView {
    let count = Memo::new(move |_| ids.with(Vec::len));
    view! {
        <section class="group" hidden=move || count.get() == 0>
            <h2>{title} " " <span class="count">{count}</span></h2>
            <ul class="card rows">
                <For each=move || ids.get() key=|id| *id let:id>
                    {newest(board, id, listed).map(|incident| view! { <Row board incident /> })}
                </For>
            </ul>
        </section>
    }
}

/// A maintenance with the other windows it collides with, while it is not over.
#[component]
fn Row(board: Board, incident: Signal<Incident>) -> impl IntoView {
    let page = board.page();
    let zone = Memo::new(move |_| page.with(|page| page.zone.clone()));
    let conflicts = Memo::new(move |_| incident.with(|incident| page.with(|page| conflicts(page, incident))));
    view! {
        <MaintenanceRow incident zone>
            <div class="incident-notes" hidden=move || conflicts.with(Vec::is_empty)>
                {move || conflicts.get().into_iter().map(|conflict| view! { <ConflictHint conflict zone /> }).collect_view()}
            </div>
        </MaintenanceRow>
    }
}

fn conflicts(page: &StatusPage, maintenance: &Incident) -> Vec<Conflict> {
    if maintenance.status.has_ended() {
        return Vec::new();
    }
    let services: Vec<_> = maintenance.services.iter().map(|service| service.id).collect();
    let mut conflicts = page.conflicts(maintenance.window(), &services, Some(maintenance.id));
    // What is broken today may be well by then.
    conflicts.retain(|conflict| conflict.kind == IncidentKind::Maintenance);
    conflicts
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
                <For each=move || ids.get() key=|id| *id let:id>
                    {row(id)}
                </For>
            </ul>
        </section>
    }
}

#[component]
fn SeriesRow(answer: Answer, series: Series) -> impl IntoView {
    let action = ServerAction::<EndSeries>::new();
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
                    {in_words(&series.rule)} ", by the clocks of " {series.time_zone} ", since "
                    <Time at=Signal::stored(series.first_start) wording=Wording::DateAndAgo />
                </p>
            </div>
            <details class="fold end-series" open=form.is_refused()>
                <summary>"End series"<span class="sr-only">" " {title}</span></summary>
                <ActionForm action node_ref=form.node attr:class="card stack">
                    <FormHead form />
                    <input type="hidden" name="id" value=series.id.to_string() />
                    <p>"Its windows that have not begun are cancelled. What has been done stays."</p>
                    <Submit form label="End this series" busy="Ending…" class="button button-danger" />
                </ActionForm>
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
