//! The overview: overall status, open and planned work, and a status control for each service.

use leptos::prelude::*;

use crate::{
    app::{
        components::{
            each::Each,
            icon::Icon,
            incident_row::{IncidentRow, MaintenanceRow},
            sections::{Section, Sections},
            status::{Banner, worst},
            time::Time,
        },
        dashboard_state::{DashboardState, WhenLoaded, use_board},
        pages::{
            layout::page::Page,
            services::status_control::{HeldBy, StatusControl},
        },
    },
    model::{Incident, IncidentId, Service, StatusPage},
};

/// Maximum number of open incidents listed, and of maintenances under way.
const MAX_OPEN: usize = 10;
/// Maximum number of upcoming maintenances listed.
const MAX_UPCOMING: usize = 3;

/// The start page of members.
#[component]
pub fn Overview() -> impl IntoView {
    view! {
        <Page title="Overview" actions=actions>
            <WhenLoaded let:board>
                <OverviewContent board />
            </WhenLoaded>
        </Page>
    }
}

fn actions() -> impl IntoView {
    let view_page = use_board().map(|board| {
        let slug = board.page().with_untracked(|page| page.organization.slug.clone());
        view! {
            <a class="button" href=format!("/public/{slug}") rel="external">
                "View page"
                {Icon::Away.draw()}
            </a>
        }
    });
    view! {
        {view_page}
        <a class="button" href="/maintenances/new">
            "Schedule maintenance"
        </a>
        <a class="button button-primary" href="/incidents/new" aria-keyshortcuts="c">
            "New incident"
        </a>
    }
}

#[component]
fn OverviewContent(board: DashboardState) -> impl IntoView {
    let page = board.page();
    let is_empty = Memo::new(move |_| page.with(|page| page.services.is_empty()));
    view! {
        <Show when=move || !is_empty.get() fallback=NoServicesYet>
            <OverviewBanner page />
        </Show>
        <IncidentSections board />
        <Sections page section=group row=move |service| row(board, service) />
    }
}

/// The headline, tinted by the worst service status.
#[component]
fn OverviewBanner(page: Signal<StatusPage>) -> impl IntoView {
    let headline = Memo::new(move |_| page.with(|page| page.headline().description));
    let worst = Memo::new(move |_| page.with(|page| worst(page.services.iter().map(|service| service.status))));
    let since = Memo::new(move |_| page.with(StatusPage::since));
    view! {
        <Banner worst since>
            <p class="headline" aria-live="polite">
                {headline}
            </p>
        </Banner>
    }
}

/// Open incidents, maintenance under way and upcoming maintenance; empty sections are hidden.
#[component]
fn IncidentSections(board: DashboardState) -> impl IntoView {
    let page = board.page();
    let ids = move |pick: fn(&StatusPage) -> Vec<IncidentId>| Memo::new(move |_| page.with(pick));
    let open = ids(|page| page.open_incidents().map(|known| known.id).collect());
    let under_way = ids(|page| page.maintenances_under_way().map(|known| known.id).collect());
    let upcoming = ids(|page| page.upcoming_maintenances().iter().map(|known| known.id).collect());
    view! {
        <IncidentSection board ids=open most=MAX_OPEN title="Open incidents" all=("/incidents", "All incidents") />
        <IncidentSection board ids=under_way most=MAX_OPEN title="Maintenance in progress" all=("/maintenances", "All maintenance") />
        <IncidentSection board ids=upcoming most=MAX_UPCOMING title="Upcoming maintenance" all=("/maintenances", "All maintenance") />
    }
}

/// Up to `most` incidents or maintenances, with a link to the full list.
#[component]
fn IncidentSection(
    board: DashboardState,
    ids: Memo<Vec<IncidentId>>,
    most: usize,
    title: &'static str,
    all: (&'static str, &'static str),
) -> impl IntoView {
    let page = board.page();
    let zone = Memo::new(move |_| page.with(|page| page.zone.clone()));
    let count = Memo::new(move |_| ids.with(Vec::len));
    let row = move |id| {
        let find = move || page.with(|page| page.incident(id).cloned());
        let first = untrack(find)?;
        let is_maintenance = first.is_maintenance();
        let incident =
            Memo::new(move |last: Option<&Incident>| find().or(last.cloned()).unwrap_or_else(|| first.clone()));
        Some(if is_maintenance {
            view! { <MaintenanceRow incident zone /> }.into_any()
        } else {
            view! { <IncidentRow incident zone /> }.into_any()
        })
    };
    view! {
        <section class="group" hidden=move || count.get() == 0>
            <h2>{title} " " <span class="count">{count}</span></h2>
            <ul class="card rows">
                <Each each=move || ids.with(|ids| ids.iter().take(most).copied().collect::<Vec<_>>()) key=|id| *id let:id>
                    {row(id)}
                </Each>
            </ul>
            <p class="mt-2" hidden=move || count.get() <= most>
                <a href=all.0>{all.1}</a>
            </p>
        </section>
    }
}

fn group(section: Section) -> AnyView {
    let Section { group, size, rows, .. } = section;
    view! {
        <section class="group">
            {match group {
                Some(group) => view! { <h2 dir="auto">{move || group.get().name}</h2> }.into_any(),
                None => view! { <h2>"Services"</h2> }.into_any(),
            }}
            <ul class="card rows" hidden=move || size.get() == 0>
                {rows}
            </ul>
            <p class="hint" hidden=move || size.get() != 0>
                "No services in this group. Visitors don’t see it."
            </p>
        </section>
    }
    .into_any()
}

fn row(board: DashboardState, service: Signal<Service>) -> AnyView {
    let id = service.with_untracked(|service| service.id);
    view! {
        <li class="row">
            <div class="row-name">
                <a href=format!("/services/{id}") dir="auto">
                    {move || service.get().name}
                </a>
                <HeldBy board service />
            </div>
            <StatusControl board service />
            <p class="row-time meta">
                <span class="sr-only">"Since "</span>
                <Time at=Signal::derive(move || service.get().status_since) />
            </p>
        </li>
    }
    .into_any()
}

/// The empty state: adding the first service.
#[component]
fn NoServicesYet() -> impl IntoView {
    view! {
        <div class="empty">
            <h2>"No services yet"</h2>
            <p>"A service is something your users depend on, such as an API or a website. Your page shows the status of each."</p>
            <p>
                <a class="button button-primary" href="/services">
                    "Add your first service"
                </a>
            </p>
        </div>
    }
}
